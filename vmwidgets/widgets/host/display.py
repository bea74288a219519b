"""Putting views on the page: live ones, alone or in a box, and a static twin that survives without a kernel."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ipywidgets import Box, Widget

from .cells import current_cell, current_shell
from .pictures import displayed
from .twins import Twin, views_in
from .view import View

_open_twins: dict[str, list[Twin]] = {}  # by cell
_player_in: list[tuple[str, Twin]] = []  # the cell, and its twin that brings the player of the file; one or none


def show_box(box: Box) -> None:
    """Display a box, tabs or an accordion with a twin of the views in it.

    Raises :class:`NotImplementedError`, after which IPython displays it as ever, if there are none.
    """
    if not views_in(box):
        raise NotImplementedError
    show_or_say(box, show_widget)


def show_widget(widget: View | Box) -> None:
    """Display a view, or a box with views in it, in the running cell, with its twin."""
    cell = current_cell()
    twin = Twin(widget, cell)
    for view in twin.views:
        view.prepare(cell)
    twin.look()  # at what the page has just got
    publish_widget(widget, twin.words)
    publish(twin.bundle(), display_id=twin.display_id)
    _open_twins.setdefault(cell.id, []).append(twin)
    for view in twin.views:
        displayed(view, cell)


def fix_twins(*_result: object) -> None:
    """At the end of a cell: its twins show the state that it left.  After that only their width may change."""
    cell = current_cell()
    if _player_in and (_player_in[0][0] == cell.id or any(view.cleared for view in _player_in[0][1].views)):
        _player_in.clear()  # that output is gone
    for twin in _open_twins.pop(cell.id, []):
        is_new = twin.look()
        if twin.film() and not _player_in:
            _player_in.append((cell.id, twin))
            twin.plays = True
        if is_new or twin.films:
            _publish_again(twin)
        if not twin.fits:
            for view in twin.views:
                view.once_measured(partial(_fit, twin))
    _open_twins.clear()  # those of callbacks, which ended without a word


def _fit(twin: Twin) -> None:
    """A page has said how much room a view of the twin has."""
    if twin.fit():
        _publish_again(twin)


def _publish_again(twin: Twin) -> None:
    publish(twin.bundle(), display_id=twin.display_id, update=True)


def show_or_say(thing: object, show: Callable[[Any], None]) -> None:
    """Have `show` display `thing`; if that fails, its text and one sentence."""
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
    """A widget as an output of the running cell, `text` where there is no page; with what its host needs to know."""
    made: Any = type(widget)._repr_mimebundle_(widget) or ({}, {})
    bundle, metadata = made if isinstance(made, tuple) else (made, {})
    publish({**bundle, "text/plain": text}, metadata=metadata)


def publish(bundle: dict[str, Any], **options: Any) -> None:
    """One output of the running cell, in all of its forms."""
    from IPython.display import publish_display_data

    display_id = options.pop("display_id", None)
    transient = {"display_id": display_id} if display_id else None
    publish_display_data(bundle, transient=transient, **options)  # type: ignore[no-untyped-call]


def captured() -> bool:
    """Whether what is published now is collected by ``%%capture`` and the like, and not put on the page."""
    from IPython.core.displaypub import CapturingDisplayPublisher

    return isinstance(getattr(current_shell(), "display_pub", None), CapturingDisplayPublisher)


def watch_cells(begin: Callable[..., None], *end: Callable[..., None]) -> None:
    """Have `begin` and `end` called around each cell of the running shell; once, however often asked."""
    shell = current_shell()
    if shell is None:
        return
    for event, callbacks in (("pre_run_cell", [begin]), ("post_run_cell", list(end))):
        for callback in callbacks:
            if callback not in shell.events.callbacks[event]:
                shell.events.register(event, callback)
