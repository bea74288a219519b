"""Puts views on the page: live views, alone or in a box, and a static twin for pages without a kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from ipywidgets import Box, Output, Widget

from .cells import Cell, cell_runs, current_cell, current_shell, in_terminal
from .outputs import displayed_inside, open_output
from .pictures import displayed
from .twins import Twin, outputs_in, views_in
from .view import View

SOON = 0.2
"""Seconds after which a callback's output in an `Output` is complete."""

_open_twins: dict[str, list[Twin]] = {}  # by cell
_to_look_into: dict[str, list[Box | Output]] = {}  # by cell: a picture may have come into them at its end
_twin_around: WeakKeyDictionary[Output, Twin] = WeakKeyDictionary()
_player_in: list[Twin] = []  # the twin with the file's player, if there is one


def show_box(box: Box | Output) -> None:
    """Display a box, tabs, an accordion or an `Output` with a twin of the views in it.

    Raises :class:`NotImplementedError` if the box can't contain views, so that IPython displays it as usual.
    """
    if views_in(box):
        show_or_say(box, show_widget)
        return
    if outputs_in(box):
        _to_look_into.setdefault(current_cell().id, []).append(box)
    raise NotImplementedError


def show_widget(widget: View | Box | Output) -> None:
    """Display a view, or a box with views in it, in the running cell, with its twin; in a terminal, in words."""
    if in_terminal():
        publish({"text/plain": "\n\n".join(map(str, views_in(widget)))})
        return
    cell = current_cell()
    twin = Twin(widget, cell)
    for view in twin.views:
        view.prepare(cell)
    twin.look()  # in the state that the page has just received
    publish_widget(widget, twin.words)
    publish(twin.bundle(), display_id=twin.display_id)
    _keep(twin, widget, cell)
    for view in twin.views:
        displayed(view, cell)
    around = open_output()
    if around is not None:
        twin.is_inside = True
        displayed_inside(around, widget)
        if not cell_runs():  # a slider of `interact` was moved: from now on, another picture is saved with it
            _look_again(around)
        elif around in _twin_around:
            _fix_at_end(cell, _twin_around[around])


def _fix_at_end(cell: Cell, twin: Twin) -> None:
    """Fix the twin when this cell ends."""
    twins = _open_twins.setdefault(cell.id, [])
    if twin not in twins:
        twins.append(twin)


def _keep(twin: Twin, widget: Any, cell: Cell) -> None:
    _fix_at_end(cell, twin)
    for output in outputs_in(widget):
        _twin_around[output] = twin


def fix_twins(*_result: object) -> None:
    """Fix a cell's twins when the cell ends: they show the state at that time.  Later, only their width may change."""
    cell = current_cell()
    for widget in _to_look_into.pop(cell.id, []):
        twin = Twin(widget, cell)  # for views put into the widget after it was displayed
        twin.is_late = True
        if _look(twin) is None:
            continue
        publish(twin.bundle(), display_id=twin.display_id)
        _keep(twin, widget, cell)
    if _player_in and (_player_in[0].cell_id == cell.id or _player_in[0].is_gone):
        _player_in.clear()  # that output no longer exists
    for twin in _open_twins.pop(cell.id, []):
        is_new = _look(twin)
        if is_new is None:
            continue
        _film(twin)
        if is_new or twin.films:
            _publish_again(twin)
        twin.lay_out(partial(_publish_again, twin))
        if not twin.fits:
            for view in twin.views:
                view.once_measured(partial(_fit, twin))
    _open_twins.clear()  # twins of callbacks, whose end is not reported
    _to_look_into.clear()


def _look(twin: Twin) -> bool | None:
    """Update a twin from its views; returns whether a view has changed, or None if a view can't be drawn."""
    try:
        return twin.look()
    except Exception:  # noqa: BLE001  the twin stays as it was, and the live picture says why
        return None


def _look_again(output: Output) -> None:
    """Update the twin of an `Output` to show its contents, once they are complete."""
    twin = _twin_around.get(output)
    if twin is None:
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    loop.call_later(SOON, _show_what_came, twin)


def _show_what_came(twin: Twin) -> None:
    if twin.views and _look(twin):
        _film(twin)
        _publish_again(twin)
        twin.lay_out(partial(_publish_again, twin))


def _film(twin: Twin) -> None:
    """Make the films of a twin; the first twin with a film brings the player."""
    if twin.film() and not _player_in and not twin.is_inside:
        _player_in.append(twin)
        twin.plays = True


def _fit(twin: Twin) -> None:
    """Note that a page has reported the room for a view of the twin."""
    if twin.fit():
        _publish_again(twin)


def _publish_again(twin: Twin) -> None:
    publish(twin.bundle(), display_id=twin.display_id, update=True)


def show_or_say(thing: object, show: Callable[[Any], None]) -> None:
    """Call `show` to display `thing`; if that fails, display its text and a sentence."""
    try:
        show(thing)
    except Exception as error:  # noqa: BLE001  a picture that fails must not hide the value
        why = f"(no picture: {type(error).__name__}: {error})"
        publish({"text/plain": f"{_text_of(thing)}\n{why}"})


def _text_of(thing: object) -> str:
    try:
        return repr(thing)
    except Exception:  # noqa: BLE001  whatever a class does in its repr
        return object.__repr__(thing)


def publish_widget(widget: Widget, text: str) -> None:
    """Publish a widget as an output of the running cell, with what its host needs.

    `text` is shown if there is no page.
    """
    made: Any = type(widget)._repr_mimebundle_(widget) or ({}, {})
    bundle, metadata = made if isinstance(made, tuple) else (made, {})
    publish({**bundle, "text/plain": text}, metadata=metadata)


def publish(bundle: dict[str, Any], **options: Any) -> None:
    """Publish one output of the running cell, in all of its forms."""
    from IPython.display import publish_display_data

    display_id = options.pop("display_id", None)
    transient = {"display_id": display_id} if display_id else None
    publish_display_data(bundle, transient=transient, **options)  # type: ignore[no-untyped-call]


def captured() -> bool:
    """Return whether published output is now captured, for example by ``%%capture``."""
    from IPython.core.displaypub import CapturingDisplayPublisher

    return isinstance(getattr(current_shell(), "display_pub", None), CapturingDisplayPublisher)


def watch_cells(begin: Callable[..., None], *end: Callable[..., None]) -> None:
    """Call `begin` and `end` around each cell of the running shell; registered only once."""
    shell = current_shell()
    if shell is None:
        return
    for event, callbacks in (("pre_run_cell", [begin]), ("post_run_cell", list(end))):
        for callback in callbacks:
            if callback not in shell.events.callbacks[event]:
                shell.events.register(event, callback)
