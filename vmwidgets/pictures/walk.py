"""A live walk: the same address, walked again whenever the machine has changed; and a bench to try things on."""

from __future__ import annotations

from typing import Any

import traitlets

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import Address
from vmwidgets.engine.base.values.past import NOTHING, Past
from vmwidgets.engine.base.values.tables import AddressSplit
from vmwidgets.engine.base.values.tables import Walk as WalkValue
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.tables import MachineWalk
from vmwidgets.engine.mmu.tables import PageTables, TablesWalk
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.tables.slices import Slice, slices_of, turned, with_sign
from vmwidgets.views.tables.walk import Bench, draw_walk

from .editing import flip_bit, undo_edit
from .options import AddressTrait
from .picture import At, Picture
from .registry import picture_of
from .spaces import MachineSpace, Space, chosen_descriptor, live_space, neighbours_of, typed_address


@picture_of(MachineWalk, TablesWalk)
class Walk(Picture):
    """What the hardware does with one address: each descriptor, the rights gathered, the verdict.

    `target` is the result of ``m.walk(…)``, or of a walk in tables without a machine; the picture walks again after
    every operation and marks what differs from the result.  `address`, `access` and `user` can be changed, here and in
    the picture: its slices of the address are dragged or turned with arrow keys, and the bits of a machine's
    descriptors are edited by a click.
    """

    address = AddressTrait(0, min=0, max=2**64 - 1, help="The virtual address.").tag(public=True)
    access = traitlets.Enum(("read", "write", "execute"), "read", help="The kind of access.").tag(public=True)
    user = traitlets.Bool(False, help="Whether user code makes it.").tag(public=True)

    def __init__(self, target: MachineWalk | TablesWalk, **options: Any) -> None:
        machine = None
        if isinstance(target, MachineWalk):
            machine = target.machine
            if machine is None:
                raise Refused("the machine that was walked is gone: keep the machine in a name")
        elif not isinstance(getattr(target, "tables", None), PageTables):
            raise Refused(f"Walk shows the result of machine.walk(address), not {shown(target)}")
        self._result: WalkValue = target
        self._task = target.task if isinstance(target, MachineWalk) else ""
        self._without_machine = None if isinstance(target, MachineWalk) else target.tables
        given = {"address": target.va, "access": target.access, "user": target.user}
        super().__init__(target, machine=machine, **{**given, **options})

    @property
    def space(self) -> Space:
        """The tables that are walked."""
        return live_space(self.at().machine, self._task, self._without_machine)

    def draw(self, at: At) -> Scene:
        """The walk as it is at that moment."""
        space = live_space(at.machine, self._task, self._without_machine, at.past)
        result = self._result
        same = (self.address, self.access, self.user) == (result.va, result.access, result.user)
        found = space.walk(self.address, self.access, self.user)
        return draw_walk(
            found,
            neighbours_of(space.tables, found),
            title=_title(self.address, self._task or (space.tables.name if self._without_machine else "")),
            entry=space.entry(self.address),
            has_map=space.has_map,
            earlier=result if same else None,
            machine="" if at.machine is None else at.machine.name,
            bench=self._bench(space),
        )

    def _bench(self, space: Space) -> Bench:
        tables = space.tables
        edited = space.edited
        chosen = chosen_descriptor(self.selection)
        unedited = space.unedited(self.address, self.access, self.user) if edited else None
        split, width = tables.fmt.address_split(tables.controls), 8 * tables.fmt.entry_width
        return Bench(split, width, space.editable, chosen, edited, unedited)

    # ---- what the page asks ----------------------------------------------------------------------

    def opened(self, node_id: str) -> None:
        """A switch, a bit of the address, or a bit of the descriptor."""
        what, _, which = node_id.removeprefix("walk/").partition("/")
        if what == "switch":
            self._switch(which)
        elif what == "va":
            split = self._split()
            key = "top" if int(which) >= split.va_bits else ""
            self.address = with_sign(self.address ^ 1 << int(which), key, split)
        elif what == "bit":
            self._flip(int(which))

    def turned(self, node_id: str, by: int) -> None:
        """A slice of the address was turned."""
        one = self._slice(node_id)
        if one is None:
            raise Refused(f"turn: {shown(node_id)} is no slice of the address")
        self.address = turned(self.address, one, by, self._split())

    def sought(self, text: str) -> None:
        """Walk the address `text`."""
        self.address = typed_address(text, self.space.tables.fmt.word_bits)

    def _switch(self, which: str) -> None:
        if which in ("user", "supervisor"):
            self.user = which == "user"
        elif which == "undo":
            undo_edit(self.at().machine)
        else:
            self.access = which

    def _split(self) -> AddressSplit:
        tables = self.space.tables
        return tables.fmt.address_split(tables.controls)

    def _slice(self, node_id: str) -> Slice | None:
        space = self.space
        found = space.walk(self.address, self.access, self.user)
        slices = slices_of(found, space.tables.fmt.address_split(space.tables.controls))
        return next((one for one in slices if node_id == f"walk/slice/{one.key}"), None)

    def _flip(self, bit: int) -> None:
        space = self.space
        found = space.walk(self.address, self.access, self.user)
        chosen = self._bench(space).chosen
        step = next((one for one in found.steps if one.pa == chosen), found.steps[-1] if found.steps else None)
        if step is None:
            raise Refused("this walk read no descriptor")
        flip_bit(self.at().machine, step.pa, step.value, bit)

    @traitlets.observe("address", "access", "user")
    def _walked_otherwise(self, change: object) -> None:
        self.changed(change)


def _title(address: int, whose: str) -> str:
    return f"walk of {Address(address)}" + (f" in {whose}" if whose else "")


def walk_scene(
    machine: Machine, task: str, address: int, access: str = "read", user: bool = False, *, past: Past = NOTHING
) -> Scene:
    """The scene of a walk of `address` in the tables of `task` ("" the kernel's), with `past` laid over them."""
    space = MachineSpace(machine, task, past)
    found = space.walk(address, access, user)
    words = neighbours_of(space.tables, found)
    return draw_walk(
        found,
        words,
        title=_title(address, task),
        entry=space.entry(address),
        has_map=space.has_map,
        machine=machine.name,
    )
