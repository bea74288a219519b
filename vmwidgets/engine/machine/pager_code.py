"""Pagers of learners': a function that gives the pages of a memory object, and what it gave, kept to be given again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..base.errors import CallbackFailed, a_kind, shown
from ..base.units import PAGE, Size
from .callbacks import Callbacks, LearnerCode

MOST_PAGES = 256
"""So many pages of one pager are kept in the journal: 1 MiB."""


class PagerCode(LearnerCode):
    """A learner's function that gives the bytes of a page by its number; each answer is in its script.

    A machine that is made again gets the answers from there.  The function may call no operation: it runs in the middle
    of a fault.
    """

    def __init__(self, callbacks: Callbacks, name: str, key: str) -> None:
        super().__init__(callbacks, f"the pager of {shown(name)}", key)
        self.name = name

    def __call__(self, index: int) -> bytes:
        """The bytes of page `index`; CallbackFailed, in a sentence, where the function fails or gives no page."""
        known = self.callbacks.recorded.get(self.key, ())
        place = len(self.script)
        if place < len(known):
            action = known[place]
            self.script.append(action)
            if action.name == "failed":
                raise CallbackFailed(str(dict(action.arguments)["why"]))
            return bytes(action.answer)
        try:
            content = self._ask(index, place)
        except CallbackFailed as failed:
            self._fails(failed)
            raise
        self.note("gives", arguments=(("page", index),), answer=content)
        return content

    def act(self, target: str, name: str, arguments: Iterable[tuple[str, Any]], call: Callable[[], Any]) -> Any:
        """Refuse a call of the machine: a fault is under way."""
        raise CallbackFailed(f"{self.title} runs in the middle of a fault: it may not call the machine, as {name} does")

    def _ask(self, index: int, place: int) -> bytes:
        live = self.callbacks.live.get(self.key)
        if live is None:
            why = "was recorded up to here: what its function would give next is not known"
            raise CallbackFailed(f"{self.title} {why}")
        if place >= MOST_PAGES:
            kept = Size(MOST_PAGES * PAGE)
            raise CallbackFailed(f"{self.title} gave {MOST_PAGES} pages: the journal keeps {kept} of it")
        function: Callable[[int], Any] = live.code
        content = self.run(lambda: function(index))
        if not isinstance(content, (bytes, bytearray)) or len(content) > PAGE:
            what = f"{len(content)} bytes" if isinstance(content, (bytes, bytearray)) else a_kind(content)
            raise CallbackFailed(f"{self.title} gave {what} for page {index}: it must give up to {PAGE} bytes")
        return bytes(content).ljust(PAGE, b"\0")
