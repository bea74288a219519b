"""The base of every picture that lives on a page."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.views.scene import Scene

from .cells import Cell, current_cell
from .contract import Machine
from .exports import Exports
from .hub import open_hub, read_static
from .messages import check_message
from .options import nothing, refuse_unfit, refuse_unknown, weakly
from .packing import pack
from .pictures import pictures_of
from .refresh import refresher
from .selection import Selection
from .snapshot import Snapshot, signed

MAX_PINS = 4
"""Pinned pictures a view keeps; one more takes the oldest away."""


class View(Exports, anywidget.AnyWidget):
    """A picture of one thing, which follows its machine for as long as it is on a page.

    A subclass overrides :meth:`draw`, and what it wants of :meth:`opened`, :meth:`zoomed` and :meth:`panned`.
    `target` is what is shown, `machine` whose it is; both are held weakly where they can be.

    Raises :class:`Refused` for an option that the view doesn't have, with the nearest one that it has, and for a value
    that the option doesn't take.
    """

    _esm = traitlets.Unicode().tag(sync=True)

    # Public: what a learner or another widget may read, set and observe.
    step = traitlets.Int(-1, min=-1, help="How many events of the last operation are shown; -1: all.").tag(public=True)
    selection = traitlets.Unicode(help="The selected thing, such as 'entry:17', in all views.").tag(public=True)

    # Between Python and the page.  A frame is one trait, so that a picture never mixes two states.
    frame = traitlets.Dict(help="The picture: its rising number `seq`, and `data`, the packed scene.").tag(sync=True)
    hub = traitlets.Unicode(help="Model id of the hub.").tag(sync=True)
    selection_model = traitlets.Unicode(help="Model id of the machine's selection.").tag(sync=True)
    twin_id = traitlets.Unicode(help="Model id of this view, and name of its static twins.").tag(sync=True)
    origin = traitlets.Unicode(help="The cell that made the picture.").tag(sync=True)
    status = traitlets.Unicode(help="What became of the machine, or why it could not be drawn.").tag(sync=True)
    pinned: traitlets.List[Any] = traitlets.List(help="Earlier frames that stay below the live one.").tag(sync=True)

    def __init__(self, target: Any = None, *, machine: Machine | None = None, **options: Any) -> None:
        refuse_unknown(type(self), options)
        refuse_unfit(self, options)
        self._target = weakly(target)
        self._machine = weakly(machine)
        self._scene: Scene | None = None
        self._link: traitlets.link | None = None
        self._alone: Selection | None = None
        self._pages: set[str] = set()
        self._awaited = True  # made or displayed, and no page has said hello yet
        self._stale = True
        self._drawn = True
        self._between_operations = True
        self._seq = 0
        self.made_in: Cell = current_cell()
        self.cleared = False
        twin_id = f"vmw-{uuid.uuid4().hex[:12]}"
        origin = self.made_in.label
        hub = open_hub().model_id
        esm = read_static("view.js")
        try:
            super().__init__(_esm=esm, hub=hub, twin_id=twin_id, model_id=twin_id, origin=origin, **options)
        except traitlets.TraitError as error:
            raise Refused(f"{type(self).__name__}: layout={shown(options.get('layout'))}: {error}") from None
        self.on_msg(self._receive)
        if machine is not None:
            pictures_of(machine).views.add(self)
            self._share_selection()

    # ---- for subclasses --------------------------------------------------------------------------

    def draw(self) -> Scene:
        """The scene of this moment, from the target, `step` and `selection`."""
        raise NotImplementedError

    def opened(self, node_id: str) -> None:
        """Somebody opened a node of the picture."""

    def zoomed(self, factor: float, at: float) -> None:
        """Somebody wants to see 1/`factor` of what is shown, around `at` (0 left, 1 right)."""

    def panned(self, by: float) -> None:
        """Somebody wants to see what lies `by` widths further on."""

    def turned(self, node_id: str, by: int) -> None:
        """Somebody wants the number in a slice of the address changed by `by`."""
        raise Refused("turn: there is nothing to turn in this picture")

    def sought(self, text: str) -> None:
        """Somebody wants to see the address `text`."""
        raise Refused("find: there is nothing to find in this picture")

    # ---- what is shown ---------------------------------------------------------------------------

    @property
    def target(self) -> Any:
        """What is shown; None when it is gone."""
        return self._target()

    @property
    def machine(self) -> Machine | None:
        """The machine that is shown; None when it is gone, or was never given."""
        machine: Machine | None = self._machine()
        return machine

    @property
    def _alive(self) -> bool:
        return self._machine is nothing or self.machine is not None

    def scene(self) -> Scene:
        """The newest scene; the last that was drawn when the machine is gone."""
        if self._alive:
            self._scene = self.draw()
        elif self._scene is None:
            raise Refused("the machine of this picture is gone, and it was never drawn: keep the machine in a name")
        return self._scene

    def snapshot(self) -> Snapshot:
        """A picture of now, which stays as it is: for before and after."""
        return Snapshot(self.signed_scene(current_cell()))

    def signed_scene(self, cell: Cell) -> Scene:
        """The newest scene with a note of where it comes from."""
        return signed(self.scene(), cell.label)

    # ---- frames ----------------------------------------------------------------------------------

    @property
    def shown(self) -> bool:
        """Whether the view is on some page, as far as that can be known."""
        return self.comm is not None and (self._awaited or bool(self._pages))

    @property
    def seq(self) -> int:
        """The number of the newest frame; 0: none was ever drawn."""
        return self._seq

    def operation_done(self) -> bool:
        """An operation is over: stepping starts anew.  True if somebody looks at this view."""
        self._between_operations = False
        self.step = -1
        self._between_operations = True
        self._stale = True
        return self.shown

    def refresh(self) -> None:
        """Make the newest picture and send it, if it differs; one that can't be drawn says so in a sentence."""
        if not self._alive:
            return
        self._stale = False
        try:
            self._scene = self.draw()
            data = pack(self._scene)
        except Refused as refused:  # after an undo, what is shown may not be there
            self.status, self._drawn = f"this picture shows an earlier moment: {refused}", False
            return
        except Exception as error:  # noqa: BLE001  a learner's operation must not fail because a drawing does
            self.status, self._drawn = f"this picture could not be drawn: {type(error).__name__}: {error}", False
            return
        if not self._drawn:
            self.status, self._drawn = "", True
        if data != self.frame.get("data"):
            self._seq += 1
            self.frame = {"seq": self._seq, "data": data}

    @traitlets.observe("step", "selection")
    def _shown_otherwise(self, _change: object) -> None:
        self._stale = True
        if self._between_operations and self._scene is not None and self.shown:
            refresher.mark([self])

    # ---- coming and going ------------------------------------------------------------------------

    def prepare(self, cell: Cell) -> None:
        """Be ready for the page: a model that is open, the hub, the selection, a first frame."""
        if self.comm is None:  # closed, and shown again: a new model
            self.__dict__.pop("_repr_mimebundle_", None)
            self.layout.open()
            self.open()
        hub = open_hub()
        with self.hold_sync():
            self._share_selection()
            self.hub = hub.model_id
            self.origin = cell.label
            self.refresh()
        self._awaited, self.cleared = True, False

    def close(self) -> None:
        """Take the view off every page and free its model."""
        if self.comm is None:  # closed before, or refused while it was made
            return
        self._pages.clear()
        self._awaited = False
        if self._link is not None:
            self._link.unlink()
            self._link = None
        if self._alone is not None:
            self._alone.close()
        self.layout.close()
        super().close()

    def _share_selection(self) -> None:
        machine = self.machine
        if machine is not None:
            model = pictures_of(machine).selection
        elif self._machine is nothing:
            model = self._own_selection()
        else:
            return
        if self._link is None or self.selection_model != model.model_id:
            if self._link is not None:
                self._link.unlink()
            self._link = traitlets.link((model, "selection"), (self, "selection"))
            self.selection_model = model.model_id

    def _own_selection(self) -> Selection:
        """The selection of a picture that has no machine, and shares it with nobody."""
        if self._alone is None or self._alone.comm is None:
            self._alone = Selection(selection=self.selection)
        return self._alone

    # ---- what the page asks ----------------------------------------------------------------------

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Refuse: a page asks by messages, which are checked, and never sets what Python has said."""
        names = ", ".join(map(str, sync_data))[:200]
        self.send({"type": "refused", "reason": f"the browser may not set {names}"})

    def _receive(self, _view: object, content: Any, _buffers: object) -> None:
        try:
            message = check_message(content)
            handle: Callable[..., None] = getattr(self, "_on_" + message["type"])
            handle(**{name: value for name, value in message.items() if name != "type"})
        except Refused as refusal:
            self.send({"type": "refused", "reason": str(refusal)})

    def _on_hello(self, page: str, seq: int) -> None:
        self._awaited, self.cleared = False, False
        self._pages.add(page)
        if self._stale or seq != self._seq:
            self.refresh()

    def _on_bye(self, page: str, cleared: bool) -> None:
        self._pages.discard(page)
        self.cleared = cleared and not self._pages

    def _on_select(self, thing: str) -> None:
        self.selection = thing

    def _on_open(self, id: str) -> None:  # noqa: A002  the message's own words
        if self._scene is None or all(node.id != id for node in self._scene.nodes):
            raise Refused(f"open: there is no {id!r} in this picture")
        self.opened(id)
        refresher.mark([self])

    def _on_step(self, index: int) -> None:
        count = self._scene.steps.count if self._scene is not None else 0
        if index > count:
            raise Refused(f"step: index is {index}; the last operation has {count} steps")
        self.step = index

    def _on_zoom(self, factor: float, at: float) -> None:
        self.zoomed(factor, at)
        refresher.mark([self])

    def _on_pan(self, by: float) -> None:
        self.panned(by)
        refresher.mark([self])

    def _on_turn(self, id: str, by: int) -> None:  # noqa: A002  the message's own words
        self.turned(id, by)
        refresher.mark([self])

    def _on_find(self, text: str) -> None:
        self.sought(text)
        refresher.mark([self])

    def _on_pin(self) -> None:
        self.pinned = [*self.pinned, self.frame][-MAX_PINS:]

    def _on_unpin(self, index: int) -> None:
        if index >= len(self.pinned):
            raise Refused(f"unpin: index is {index}; there are {len(self.pinned)} pinned pictures")
        self.pinned = [frame for i, frame in enumerate(self.pinned) if i != index]
