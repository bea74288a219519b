"""Learners' functions that the kernel calls in the middle of a fault: for a page's bytes, or to choose a page to evict.

Each answer is in the function's script, so that a rebuilt machine gets the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...base.errors import CallbackFailed, a_kind, shown
from ...base.units import PAGE, Size
from ...memory.choices import chosen_frame
from ...memory.replacement import ResidentPage
from .callbacks import Callbacks, LearnerCode

MOST_PAGES = 256
"""The most pages of one pager that are kept in the journal: 1 MiB."""


class Answering(LearnerCode):
    """A learner's function that the kernel calls; it may call no operation."""

    when = "in the middle of a fault"

    def act(self, target: str, name: str, arguments: Iterable[tuple[str, Any]], call: Callable[[], Any]) -> Any:
        """Refuse a call of the machine: an operation is running."""
        raise CallbackFailed(f"{self.title} runs {self.when}: it may not call the machine, as {name} does")

    def answer(self, name: str, question: tuple[str, Any], ask: Callable[[Callable[..., Any], int], Any]) -> Any:
        """Return the recorded answer, or the function's answer to `ask`; a new answer, or a failure, is recorded.

        `ask` gets the function, and the number of earlier calls.
        """
        known = self.callbacks.recorded.get(self.key, ())
        place = len(self.script)
        if place < len(known):
            action = known[place]
            self.script.append(action)
            if action.name == "failed":
                raise CallbackFailed(str(dict(action.arguments)["why"]))
            return action.answer
        try:
            live = self.callbacks.live.get(self.key)
            if live is None:
                why = "was recorded up to here: its function's next step is not known"
                raise CallbackFailed(f"{self.title} {why}")
            found = ask(live.code, place)
        except CallbackFailed as failed:
            self._fails(failed)
            raise
        self.note(name, arguments=(question,), answer=found)
        return found


class PagerCode(Answering):
    """A learner's function that returns the bytes of a page by its number."""

    def __init__(self, callbacks: Callbacks, name: str, key: str) -> None:
        super().__init__(callbacks, f"the pager of {shown(name)}", key)
        self.name = name

    def __call__(self, index: int) -> bytes:
        """Return the bytes of page `index`; raises CallbackFailed if the function fails or returns no page."""

        def ask(function: Callable[[int], Any], place: int) -> bytes:
            if place >= MOST_PAGES:
                kept = Size(MOST_PAGES * PAGE)
                raise CallbackFailed(f"{self.title} gave {MOST_PAGES} pages: the journal keeps {kept} of it")
            content = self.run(lambda: function(index))
            if not isinstance(content, (bytes, bytearray)) or len(content) > PAGE:
                what = f"{len(content)} bytes" if isinstance(content, (bytes, bytearray)) else a_kind(content)
                raise CallbackFailed(f"{self.title} gave {what} for page {index}: it must give up to {PAGE} bytes")
            return bytes(content).ljust(PAGE, b"\0")

        return bytes(self.answer("gives", ("page", index), ask))


class ReplacementCode(Answering):
    """A learner's function that chooses a page to evict."""

    def __init__(self, callbacks: Callbacks, key: str) -> None:
        super().__init__(callbacks, "the function of m.replacement", key)

    def __call__(self, pages: list[ResidentPage]) -> int:
        """Return the frame of the chosen page; raises CallbackFailed if the function fails or chooses no page."""

        def ask(function: Callable[[list[ResidentPage]], Any], place: int) -> int:
            chosen = self.run(lambda: function(list(pages)))
            return chosen_frame(self.title, pages, chosen)

        return int(self.answer("chooses", ("pages", len(pages)), ask))
