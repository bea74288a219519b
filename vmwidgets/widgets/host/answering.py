"""The answers of a picture on a page to its reader: a method for each message."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partialmethod
from typing import TYPE_CHECKING, Any

import traitlets

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.pictures.moments import NOW, When
from vmwidgets.pictures.picture import Picture
from vmwidgets.views.scene.model import AFTER, Scene
from vmwidgets.views.scene.twin import table_twin

from .controls import told
from .messages import BY_ITSELF, REDRAWN, SCHEMA, asker, check_message
from .packing import pack_table, pack_text
from .refresh import refresher


class Answering(Picture):
    """A picture that answers a reader's requests from the browser (:data:`.messages.SCHEMA`).  A view sends frames."""

    follow = traitlets.Bool(True, help="Whether the picture shows the moment that all of its machine show.").tag(
        public=True
    )

    _seq = 0
    """The number of the newest frame."""

    _asked = False
    """Whether a page is waiting for a moment that it requested."""

    _asking_page = ""
    """The page whose message is being answered; "" if it is unknown."""

    if TYPE_CHECKING:  # a view has these methods
        send: Callable[..., None]
        refresh: Callable[[], None]
        stay: Callable[[], None]
        _controls: Callable[..., dict[str, Any]]
        _as_on_page: Callable[[], Scene | None]

    def _receive(self, content: Any) -> None:
        self._asking_page = asker(content)
        try:
            self._serve(content)
        finally:
            self._asking_page = ""

    def _reply(self, reply: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        """Answer the page that asks; all views of this model receive it, and other pages ignore it."""
        self.send({**reply, "page": self._asking_page} if self._asking_page else reply, buffers=buffers)

    def _serve(self, content: Any) -> None:
        try:
            message = check_message(content)
            if not self.alive and message["type"] not in BY_ITSELF:
                raise Refused("the machine of this picture is gone: boot one, and show it again")
            handle: Callable[..., None] = getattr(self, "_on_" + message["type"])
            details = {name: message[name] for name in SCHEMA[message["type"]]}
            redrawn = message["type"] in REDRAWN
            with refresher.answering(self) if redrawn else nullcontext():
                handle(**details)
        except Refused as refusal:
            self._reply({"type": "refused", "reason": f"{refusal}"})
        else:
            if message["type"] == "stand":
                self._reply({"type": "heard"})

    def _on_open(self, id: str) -> None:  # noqa: A002  the message's own words
        node = next((node for node in (self._as_on_page() or self.scene()).nodes if node.id == id), None)
        if node is None:
            raise Refused(f"open: there is no {shown(id)} in this picture")
        if node.action != "open":
            raise Refused(f"open: {shown(id)} can't be opened")
        self.opened(id)

    def _on_seek(self, operation: int, place: int) -> None:
        when = self._when_of(operation, place)
        self._asked = True
        if operation < 0:
            self.follow = True
        self.moment = when

    def _on_stand(self, operation: int, place: int, latest: int) -> None:
        when, machine = self._when_of(operation, place), self.machine
        is_latest = machine is not None and len(machine.journal) - 1 == latest
        if is_latest or not self.follow:  # otherwise the later operations are shown
            self.moment = when

    def _when_of(self, operation: int, place: int) -> When | None:
        """Return the moment that a page asks for; operation -1 means now."""
        machine = self.machine
        if machine is None:
            raise Refused("this picture has no history: move in it with the arrow keys, and select with Enter")
        latest = len(machine.journal) - 1
        if operation > latest:
            raise Refused(f"seek: operation is {operation}; the latest is {latest}")
        return NOW if operation < 0 else self._when(operation, place)

    def _on_jump(self, to: str, way: int) -> None:
        self._asked = True
        self.jump(to, way)

    def _on_stay(self) -> None:
        self._asked = True
        self.stay()

    def _on_turn(self, id: str, by: int) -> None:  # noqa: A002  the message's own words
        self.turned(id, by)

    def _on_find(self, text: str, way: int = 1) -> None:
        self._reply({"type": "found", **self.search(text, way).told()})

    def _on_save(self, theme: str = "light") -> None:
        scene = self.scene()
        name = "-".join(re.findall(r"[\w.]+", f"{scene.title} {max(self._drawn_at[0], 0)}")) or "picture"
        self._reply({"type": "saved", "name": f"{name}.svg", "svg": self.to_svg(theme=theme)})

    def _on_table(self) -> None:
        if (scene := self._as_on_page()) is not None:
            self._reply({"type": "table", "seq": self._seq}, buffers=[pack_table(table_twin(scene))])

    def _on_dot(self, operation: int, place: int) -> None:
        from vmwidgets.views.scene.dot import to_dot  # Graphviz's package: most readers never ask for it

        if (scene := self._scene_at(operation, place)) is not None:
            dot = pack_text(to_dot(scene, links_rows=True))
            self._reply({"type": "dot", "seq": self._seq, "place": place}, buffers=[dot])

    def _scene_at(self, operation: int, place: int) -> Scene | None:
        """Return the scene after `place` events of an operation, or the current scene if that can't be drawn."""
        machine, here = self.machine, (operation, None if place == AFTER else place)
        if machine is None or here == self._drawn_at or not 0 <= operation < len(machine.journal):
            return self._as_on_page()
        with suppress(Refused), self.as_drawn():
            return self.drawing(self.at(When(machine.journal.serial(operation), here[1])))
        return self._as_on_page()

    def _tell(self, what: str, **given: int) -> None:
        if self.machine is not None:
            self._reply({"type": what}, buffers=[told(what, self.machine.journal, given, self.asks)])

    _on_timeline, _on_names = partialmethod(_tell, "timeline"), partialmethod(_tell, "names")
