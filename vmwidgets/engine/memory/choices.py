"""What a learner's function may answer that is asked which page is to go."""

from __future__ import annotations

from collections.abc import Sequence

from ..base.errors import CallbackFailed, a_kind, shown
from .replacement import ResidentPage


def chosen_frame(title: str, pages: Sequence[ResidentPage], chosen: object) -> int:
    """The frame that `chosen` means: it is one of the pages, or its frame.

    `title` says whose answer it is, in the sentence of the :class:`CallbackFailed` for anything else.

    >>> chosen_frame("policy p", [], None)
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.CallbackFailed: policy p gave no value: it must give one of the 0 pages, or its frame
    """
    frame = chosen.frame if isinstance(chosen, ResidentPage) else chosen
    if type(frame) is int and any(page.frame == frame for page in pages):
        return frame
    what = shown(chosen) if isinstance(chosen, (int, str, ResidentPage)) else a_kind(chosen)
    raise CallbackFailed(f"{title} gave {what}: it must give one of the {len(pages)} pages, or its frame")
