"""The answers of a view to the requests of its pages: a function for each message (:data:`.messages.SCHEMA`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.pictures.moments import NOW
from vmwidgets.pictures.timeline import names, timeline
from vmwidgets.views.scene.twin import table_twin

from .messages import BY_ITSELF, REDRAWN, SCHEMA, asker, check_message
from .packing import pack_plain, pack_table, pack_text
from .refresh import refresher

if TYPE_CHECKING:
    from .view import View

Reply = Callable[..., None]
"""What sends a dict, and buffers if there are any, to the page that asks; other pages ignore it."""


def answer(view: View, content: Any) -> None:
    """Answer a page's message, or tell that page in a sentence why it is refused."""
    page = asker(content)

    def reply(said: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        view.send({**said, "page": page} if page else said, buffers=buffers)

    try:
        message = check_message(content)
        kind = message["type"]
        if not view.alive and kind not in BY_ITSELF:
            raise Refused("the machine of this picture is gone: boot one, and show it again")
        given = {name: message[name] for name in SCHEMA[kind]}
        with refresher.answering(view) if kind in REDRAWN else nullcontext():
            _ANSWERS[kind](view, reply, **given)
    except Refused as refusal:
        reply({"type": "refused", "reason": f"{refusal}"})


def _hello(view: View, _reply: Reply, page: str, seq: int, visible: bool, width: int, height: int, nth: int) -> None:
    view.hello(page, seq, visible, (width, height) if width else None, nth)


def _open(view: View, _reply: Reply, id: str) -> None:  # noqa: A002  the message's own words
    node = next((node for node in (view.on_page() or view.scene()).nodes if node.id == id), None)
    if node is None:
        raise Refused(f"open: there is no {shown(id)} in this picture")
    if node.action != "open":
        raise Refused(f"open: {shown(id)} can't be opened")
    view.opened(id)
    view.changed()  # at each step: its film is made again


def _seek(view: View, _reply: Reply, operation: int, place: int, latest: int, stays: bool) -> None:
    machine = view.machine
    if machine is None:
        raise Refused("this picture has no history: move in it with the arrow keys, and select with Enter")
    if stays:
        view.asked = True
        view.stay()
        return
    newest = len(machine.journal) - 1
    if operation > newest:
        raise Refused(f"seek: operation is {operation}; the latest is {newest}")
    view.asked = True
    if latest not in (-1, newest) and view.follow:  # the newer operations are shown
        return
    if operation < 0:
        view.follow = True
    view.moment = NOW if operation < 0 else view.moment_after(operation, place)


def _jump(view: View, _reply: Reply, to: str, way: int) -> None:
    view.asked = True
    view.jump(to, way)


def _turn(view: View, _reply: Reply, id: str, by: int) -> None:  # noqa: A002  the message's own words
    view.turned(id, by)
    view.changed()


def _find(view: View, reply: Reply, text: str, way: int) -> None:
    reply({"type": "found", **view.search(text, way).told()})
    view.changed()


def _export(view: View, reply: Reply, form: str, operation: int, place: int) -> None:
    is_file = form not in ("table", "dot")
    scene = view.scene_at(operation, place, as_file=is_file)
    if scene is None:  # nothing was drawn yet
        return
    if is_file:
        data = pack_text(view.fixed(scene, operation).to_svg(theme=form))
    elif form == "table":
        data = pack_table(table_twin(scene))
    else:
        from vmwidgets.views.scene.dot import to_dot  # Graphviz's package: most readers never ask for it

        data = pack_text(to_dot(scene, links_rows=True))
    reply({"type": "export", "form": form, "seq": view.seq, "operation": operation, "place": place}, buffers=[data])


def _operations(view: View, reply: Reply, have: int, serial: int, first: int) -> None:
    if view.machine is not None:
        columns = timeline(view.machine.journal, have, serial, view.asks)
        named = names(view.machine.journal, first, view.asks) if first >= 0 else []
        reply({"type": "operations"}, buffers=[pack_plain({**columns, "names": [first, named]})])


_ANSWERS: Mapping[str, Callable[..., None]] = {
    "hello": _hello,
    "bye": lambda view, _reply, page, cleared: view.bye(page, cleared),
    "open": _open,
    "seek": _seek,
    "jump": _jump,
    "turn": _turn,
    "find": _find,
    "export": _export,
    "operations": _operations,
}
