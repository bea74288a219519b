"""Putting a view on the page: the live view, and a static twin that survives without a kernel.

They are two outputs.  A twin inside the view's own output is lost when a trusted notebook meets a fresh kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anywidget import AnyWidget

from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.twin import alternative_text, heading, text_twin, twin_html

from .cells import current_cell, current_shell
from .pictures import displayed
from .view import View

_open_twins: dict[str, list[tuple[View, str, int]]] = {}  # by cell: view, display id, frame that the twin shows
_count = [0]


def show_view(view: View) -> None:
    """Display `view` in the running cell, with its twin."""
    cell = current_cell()
    view.prepare(cell)
    scene = view.drawn or view.scene()  # what the page has just got
    publish_widget(view, f"{type(view).__name__}: {heading(scene)}")
    _count[0] += 1
    display_id = f"{view.twin_id}-{_count[0]}"
    publish(twin_bundle(view, view.signed(scene, cell)), display_id=display_id)
    _open_twins.setdefault(cell.id, []).append((view, display_id, view.seq))
    displayed(view, cell)


def twin_bundle(view: View, scene: Scene) -> dict[str, str]:
    """The static twin of a scene of `view`, which says where it comes from."""
    from vmwidgets.views.scene.svg import to_svg

    picture = twin_html(view.twin_id, to_svg(scene, bare=True), alternative_text(scene), scene.notes[-1])
    return {"text/html": picture, "text/plain": text_twin(scene)}


def fix_twins(*_result: object) -> None:
    """At the end of a cell: its twins show the state that it left, and don't change after that."""
    cell = current_cell()
    for view, display_id, seq in _open_twins.pop(cell.id, []):
        if view.seq != seq:
            publish(twin_bundle(view, view.signed_scene(cell)), display_id=display_id, update=True)
    _open_twins.clear()  # those of callbacks, which ended without a word


def show_or_say(thing: object, make: Callable[[Any], View]) -> None:
    """Display the view that `make` gives for `thing`; if that fails, its text and one sentence."""
    try:
        show_view(make(thing))
    except Exception as error:  # noqa: BLE001  a picture that fails must not hide the value
        why = f"(no picture: {type(error).__name__}: {error})"
        publish({"text/plain": f"{_text_of(thing)}\n{why}"})


def _text_of(thing: object) -> str:
    try:
        return repr(thing)
    except Exception:  # noqa: BLE001  whatever a class does in its repr
        return object.__repr__(thing)


def publish_widget(widget: AnyWidget, text: str) -> None:
    """A widget as an output of the running cell, `text` where there is no page; with what its host needs to know."""
    bundle, metadata = AnyWidget._repr_mimebundle_(widget) or ({}, {})
    publish({**bundle, "text/plain": text}, metadata=metadata)


def publish(bundle: dict[str, Any], **options: Any) -> None:
    """One output of the running cell, in all of its forms."""
    from IPython.display import publish_display_data

    display_id = options.pop("display_id", None)
    transient = {"display_id": display_id} if display_id else None
    publish_display_data(bundle, transient=transient, **options)  # type: ignore[no-untyped-call]


def watch_cells(begin: Callable[..., None], *end: Callable[..., None]) -> None:
    """Have `begin` and `end` called around each cell of the running shell; once, however often asked."""
    shell = current_shell()
    if shell is None:
        return
    for event, callbacks in (("pre_run_cell", [begin]), ("post_run_cell", list(end))):
        for callback in callbacks:
            if callback not in shell.events.callbacks[event]:
                shell.events.register(event, callback)
