"""What a learner's function may answer that is asked which page is to go."""

from __future__ import annotations

from collections.abc import Sequence

from ..base.errors import CallbackFailed, a_kind, shown
from ..base.units import counted
from ..memory.replacement import ResidentPage


def chosen_frame(title: str, pages: Sequence[ResidentPage], chosen: object) -> int:
    """The frame of the page that `chosen` is: one of `pages`.

    `title` says whose answer it is, in the sentence of the :class:`CallbackFailed` for anything else.  A number is
    refused too: it could mean a page, a frame, or a place in the list.

    >>> chosen_frame("policy p", [], None)
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.CallbackFailed: policy p gave no value: it must give one of the 0 pages that it got
    """
    if isinstance(chosen, ResidentPage) and any(page.frame == chosen.frame for page in pages):
        return chosen.frame
    what = shown(chosen) if isinstance(chosen, (int, str, ResidentPage)) else a_kind(chosen)
    raise CallbackFailed(f"{title} gave {what}: it must give one of the {counted(len(pages), 'page')} that it got")
