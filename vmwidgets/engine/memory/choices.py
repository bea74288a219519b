"""The answers that a learner's function may give when it is asked which page to evict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ..base.errors import CallbackFailed, a_kind, printable, shown
from ..base.units import counted
from .replacement import ResidentPage

Choose: TypeAlias = Callable[[list[ResidentPage]], object] | Callable[[], Callable[[list[ResidentPage]], object]]
"""A learner's policy, or its class.  It gets the pages in memory, in order of arrival, and returns one of them."""


def asked(label: str, choose: Choose) -> Callable[[list[ResidentPage]], int]:
    """Return a learner's function in the form that a policy calls: it returns the frame of one of the given pages.

    If the function is a class, an object is created first, so that its attributes belong to one run.
    """
    title = f"policy {printable(label)}"
    made: list[Any] = [] if isinstance(choose, type) else [choose]

    def chosen(pages: list[ResidentPage]) -> int:
        try:
            if not made:
                made.append(choose())  # type: ignore[call-arg]  # a class
            answer = made[0](list(pages))
        except Exception as error:
            said = f": {error}" if f"{error}" else ""
            raise CallbackFailed(f"{title} raised {type(error).__name__}{said}") from error
        return chosen_frame(title, pages, answer)

    return chosen


def chosen_frame(title: str, pages: Sequence[ResidentPage], chosen: object) -> int:
    """Return the frame of the page `chosen`, which must be one of `pages`.

    `title` names the function in the message of :class:`CallbackFailed` for any other answer.  A number is refused too,
    since it could mean a page, a frame, or a place in the list.

    >>> chosen_frame("policy p", [], None)
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.CallbackFailed: policy p gave no value: it must give one of the 0 pages that it got
    """
    if isinstance(chosen, ResidentPage) and any(page.frame == chosen.frame for page in pages):
        return chosen.frame
    what = shown(chosen) if isinstance(chosen, (int, str, ResidentPage)) else a_kind(chosen)
    raise CallbackFailed(f"{title} gave {what}: it must give one of the {counted(len(pages), 'page')} that it got")
