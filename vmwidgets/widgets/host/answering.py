"""The answers of a view to the requests of its pages: a function for each message (:data:`.messages.SCHEMA`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.pictures.moments import NOW, When
from vmwidgets.views.scene.model import AFTER, Scene
from vmwidgets.views.scene.twin import table_twin

from .controls import told
from .messages import BY_ITSELF, CHANGED, REDRAWN, SCHEMA, asker, check_message
from .packing import pack_table, pack_text
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
            if kind in CHANGED:
                view.changed()
    except Refused as refusal:
        reply({"type": "refused", "reason": f"{refusal}"})
    else:
        if kind == "stand":
            reply({"type": "heard"})


def _open(view: View, _reply: Reply, id: str) -> None:  # noqa: A002  the message's own words
    node = next((node for node in (view.on_page() or view.scene()).nodes if node.id == id), None)
    if node is None:
        raise Refused(f"open: there is no {shown(id)} in this picture")
    if node.action != "open":
        raise Refused(f"open: {shown(id)} can't be opened")
    view.opened(id)


def _seek(view: View, _reply: Reply, operation: int, place: int) -> None:
    when = _when_of(view, operation, place)
    view.asked = True
    if operation < 0:
        view.follow = True
    view.moment = when


def _stand(view: View, _reply: Reply, operation: int, place: int, latest: int) -> None:
    when, machine = _when_of(view, operation, place), view.machine
    is_latest = machine is not None and len(machine.journal) - 1 == latest
    if is_latest or not view.follow:  # otherwise the later operations are shown
        view.moment = when


def _when_of(view: View, operation: int, place: int) -> When | None:
    """Return the moment that a page asks for; operation -1 means now."""
    machine = view.machine
    if machine is None:
        raise Refused("this picture has no history: move in it with the arrow keys, and select with Enter")
    latest = len(machine.journal) - 1
    if operation > latest:
        raise Refused(f"seek: operation is {operation}; the latest is {latest}")
    return NOW if operation < 0 else view.moment_after(operation, place)


def _jump(view: View, _reply: Reply, to: str, way: int) -> None:
    view.asked = True
    view.jump(to, way)


def _stay(view: View, _reply: Reply) -> None:
    view.asked = True
    view.stay()


def _turn(view: View, _reply: Reply, id: str, by: int) -> None:  # noqa: A002  the message's own words
    view.turned(id, by)


def _find(view: View, reply: Reply, text: str, way: int) -> None:
    reply({"type": "found", **view.search(text, way).told()})


def _save(view: View, reply: Reply, theme: str) -> None:
    title = view.scene().title
    name = "-".join(re.findall(r"[\w.]+", f"{title} {max(view.drawn_at[0], 0)}")) or "picture"
    reply({"type": "saved", "name": f"{name}.svg", "svg": view.to_svg(theme=theme)})


def _table(view: View, reply: Reply) -> None:
    if (scene := view.on_page()) is not None:
        reply({"type": "table", "seq": view.seq}, buffers=[pack_table(table_twin(scene))])


def _dot(view: View, reply: Reply, operation: int, place: int) -> None:
    from vmwidgets.views.scene.dot import to_dot  # Graphviz's package: most readers never ask for it

    if (scene := _scene_at(view, operation, place)) is not None:
        dot = pack_text(to_dot(scene, links_rows=True))
        reply({"type": "dot", "seq": view.seq, "place": place}, buffers=[dot])


def _scene_at(view: View, operation: int, place: int) -> Scene | None:
    """Return the scene after `place` events of an operation, or the current scene if that can't be drawn."""
    machine, here = view.machine, (operation, None if place == AFTER else place)
    if machine is None or here == view.drawn_at or not 0 <= operation < len(machine.journal):
        return view.on_page()
    with suppress(Refused), view.as_drawn():
        return view.drawing(view.at(When(machine.journal.serial(operation), here[1])))
    return view.on_page()


def _tell(what: str, view: View, reply: Reply, **given: int) -> None:
    if view.machine is not None:
        reply({"type": what}, buffers=[told(what, view.machine.journal, given, view.asks)])


_ANSWERS: Mapping[str, Callable[..., None]] = {
    "hello": lambda view, _reply, page, seq: view.hello(page, seq),
    "bye": lambda view, _reply, page, cleared: view.bye(page, cleared),
    "sight": lambda view, _reply, page, visible, nth: view.sighted(page, visible, nth),
    "room": lambda view, _reply, page, width, height, nth: view.fits(page, (width, height), nth),
    "open": _open,
    "seek": _seek,
    "stand": _stand,
    "jump": _jump,
    "stay": _stay,
    "turn": _turn,
    "find": _find,
    "save": _save,
    "table": _table,
    "dot": _dot,
    "timeline": partial(_tell, "timeline"),
    "names": partial(_tell, "names"),
}
