"""How objects of the engine are shown in a cell: registered here, from outside the engine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from vmwidgets.engine.base.errors import Refused

from .cells import current_shell
from .display import fix_twins, show_or_say, watch_cells
from .pictures import cell_begins, cell_ends
from .tracebacks import shorten_tracebacks
from .view import View

_views: dict[type, Callable[[Any], View]] = {}


def shown_as(kind: type, make: Callable[[Any], View]) -> None:
    """Objects of class `kind` are shown by the view that `make` gives."""
    _views[kind] = make
    _teach(kind, make)


def show(thing: Any) -> View:
    """A view of an object of the engine; a view is its own.

    Raises :class:`Refused` for an object that has no picture.
    """
    if isinstance(thing, View):
        return thing
    for kind in type(thing).__mro__:
        if kind in _views:
            return _views[kind](thing)
    known = ", ".join(sorted(kind.__name__ for kind in _views))
    raise Refused(f"there is no picture of a {type(thing).__name__}; there are pictures of {known or 'nothing yet'}")


def register() -> None:
    """Teach the running notebook how objects are shown; harmless elsewhere, and when called again."""
    watch_cells(cell_begins, cell_ends, fix_twins)
    shorten_tracebacks()
    _teach(View, show)
    for kind, make in _views.items():
        _teach(kind, make)


def _teach(kind: type, make: Callable[[Any], View]) -> None:
    shell = current_shell()
    formatter = getattr(shell, "display_formatter", None)
    if formatter is not None:
        formatter.ipython_display_formatter.for_type(kind, lambda thing: show_or_say(thing, make))
    if "marimo" in sys.modules and kind is not View:  # marimo asks the object itself, and knows how to show a widget
        kind._display_ = lambda thing: make(thing)  # type: ignore[attr-defined]  # noqa: PLW0108  a class would not bind
