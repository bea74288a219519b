"""The display of the engine's objects in a cell: registered here, outside the engine."""

from __future__ import annotations

import sys
from dis import get_instructions
from types import FrameType
from typing import Any

from ipywidgets import Box, Output

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.pictures.listed import FIRST_FOR
from vmwidgets.pictures.picture import GRAPHVIZ_BY, Picture
from vmwidgets.pictures.registry import kinds_imported, kinds_shown, picture_named, picture_shown, registered

from .cells import cell_runs, current_shell, note_cell
from .display import fix_twins, show_box, show_or_say, show_widget, watch_cells
from .outputs import watch_clearing
from .pictures import cell_begins, cell_ends, not_yet_displayed
from .structure import structure_of
from .tracebacks import shorten_tracebacks
from .view import View

_views: dict[type[Picture], type[View]] = {}


def view_of(name: str) -> type[View]:
    """Return the class of the views for the picture with this name.

    Raises :class:`KeyError` if there is none.

    >>> view_of("Tree").__name__
    'Tree'
    """
    drawn = picture_named(name)
    if drawn is None:
        raise KeyError(name)
    return _view_class(drawn)


def _view_class(drawn: type[Picture]) -> type[View]:
    if issubclass(drawn, View):
        return drawn
    if drawn not in _views:
        members = {"__doc__": drawn.__doc__, "__module__": "vmwidgets"}
        _views[drawn] = type(drawn.__name__, (View, drawn), members)
    return _views[drawn]


View.as_live = staticmethod(_view_class)  # type: ignore[method-assign]  # it knows views, and views not it


@says_what_it_takes
def show(thing: Any) -> View:
    """Return a view of an object of the engine; a view is returned as it is.

    At the end of a cell, a notebook displays it.  Elsewhere in a cell, such as in a loop, it is displayed immediately
    if nothing is done with it.  Raises :class:`Refused` for an object that has no picture.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> vm.show(m.kernel_map)
    Map of kernel_map ...
    """
    view = thing if isinstance(thing, View) else _view_class(picture_shown(thing))(thing)
    if cell_runs() and _drops(sys._getframe(2)):
        show_or_say(view, show_widget)
    return view


def _drops(caller: FrameType) -> bool:
    """Return whether a line of Python calls and drops the result: the next instruction pops it off the stack."""
    following = (one.opname for one in get_instructions(caller.f_code) if one.offset > caller.f_lasti)
    return next(following, "") == "POP_TOP"


def _display_presented(*_result: object) -> None:
    """Display, at a cell's end, the presented things that the cell has not displayed itself."""
    for view in not_yet_displayed():
        show_or_say(view, show_widget)


def register() -> None:
    """Register how objects are shown in the running notebook; harmless elsewhere, and when repeated."""
    watch_cells(cell_begins, _display_presented, cell_ends, fix_twins)
    note_cell(begins=False)
    shorten_tracebacks()
    if _teach not in registered:
        registered.append(_teach)
        GRAPHVIZ_BY.append(_structure_of)
    _teach(View)
    formatter = _formatter()
    if formatter is not None:
        for module, kinds in FIRST_FOR.items():
            for name in kinds:
                formatter.for_type_by_name(module, name, _show_or_say)
        for kind in (Box, Output):
            formatter.for_type(kind, show_box)
    shell = current_shell()
    if shell is not None:
        watch_clearing(shell.display_pub)
    for kind in kinds_shown() if "marimo" in sys.modules else kinds_imported():
        _teach(kind)


def _structure_of(picture: Picture, theme: str) -> View | None:
    """Return the live view of a picture's structure, if there is a page for it."""
    mro = type(picture).__mro__  # anywidget gives each view a class of its own
    drawn = next((kind for kind in mro if picture_named(kind.__name__) is kind), type(picture))
    return structure_of(picture, _view_class(drawn), theme)


def _teach(kind: type) -> None:
    formatter = _formatter()
    if formatter is not None:
        formatter.for_type(kind, _show_or_say)
    if "marimo" in sys.modules and kind is not View:  # marimo asks the object itself, and knows how to show a widget
        kind._display_ = show  # type: ignore[attr-defined]


def _formatter() -> Any:
    """Return the formatter for objects at the end of a cell in the running shell; None in plain Python."""
    return getattr(getattr(current_shell(), "display_formatter", None), "ipython_display_formatter", None)


def _show_or_say(thing: Any) -> None:
    show_or_say(thing, lambda _: show_widget(show(thing)))
