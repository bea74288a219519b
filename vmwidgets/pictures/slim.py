"""Pictures laid out for a telephone as well, for pages that are read on both."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

from vmwidgets.engine.base.errors import Refused
from vmwidgets.views.scene.model import Scene

SLIM = 328.0
"""Width in pixels of a picture on a telephone of 360 pixels, whose page has margins."""

KEPT = False
"""Whether static pictures have this layout too: only the site's build sets it.  It would double a notebook's size."""


def slim(picture: Any) -> Scene:
    """Return the moment of a picture, laid out for a telephone.

    Raises :class:`Refused` when :meth:`vmwidgets.pictures.picture.Picture.at` does.
    """
    with picture.as_drawn():
        drawn: Scene = picture.drawing(replace(picture.at(), width=SLIM, height=inf))
        return drawn


def slim_if_kept(picture: Any) -> Scene | None:
    """Return a static picture laid out for a telephone.

    It is None if such layouts are not kept, or there is nothing to draw.
    """
    if not KEPT or not picture.alive:
        return None
    try:
        return slim(picture)
    except Refused:  # the target does not exist at that moment, or the moment was undone
        return None
