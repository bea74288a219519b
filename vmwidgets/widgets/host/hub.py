"""The hub: the one model of a kernel that carries the drawing code.

anywidget sends a class's code with every model of it; so the code is in one model, made at the first display, and every
view carries a few lines that reach it through the host.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

STATIC = Path(__file__).parents[2] / "static"


def read_static(name: str) -> str:
    """The text of a built file of the front end.

    Raises :class:`FileNotFoundError` with a sentence that says how to build it.
    """
    path = STATIC / name
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"the front end is not built: {path} is missing; in a checkout, run `make lab` or `python hatch_build.py`"
        ) from None


class Hub(anywidget.AnyWidget):
    """The drawing code, as a model that views find by its id."""

    _esm = traitlets.Unicode().tag(sync=True)

    room: tuple[int, int] | None = None
    """What a page said last: the pixels that a picture has from left to right, and those that its window shows.

    The next picture's first frame is laid out for that.
    """


def is_open(widget: Any) -> bool:
    """Whether the page has the widget's model.

    marimo closes a model without the widget's knowledge: when the cell that made it runs again.
    """
    return widget.comm is not None and not getattr(widget.comm, "_closed", False)


_hubs: list[Hub] = []  # none before the first display, then one


def open_hub() -> Hub:
    """The kernel's hub; made at the first call, and made again after it was closed (`Widget.close_all()`)."""
    if _hubs and is_open(_hubs[0]):
        return _hubs[0]
    _hubs[:] = [Hub(_esm=read_static("hub.js"))]
    return _hubs[0]
