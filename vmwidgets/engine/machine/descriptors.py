"""Descriptors edited by hand: a bit flipped to see what breaks, and put back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from ..base.errors import Refused
from ..base.operations import Door, operation
from ..base.tags import PteWritten
from ..base.units import Address, Size
from ..memory.ram import BusError, Ram
from ..mmu.page_tables import as_register, roots
from . import checks

if TYPE_CHECKING:
    from ..base.recorder import Recorder
    from ..kernel.pmap import Pmap
    from ..mmu.format import Level
    from .cpus import MachineCpus
    from .domain import MachineDomain
    from .tasks import Task


class Edit(NamedTuple):
    """A descriptor that was edited: where it stands, what it held, what was written, and whom it is about."""

    pa: int
    before: int
    after: int
    level: int
    va: int
    space: str
    """The task or the domain (by its path) whose tables it is in; "" the kernel's."""


class Place(NamedTuple):
    """Where a descriptor stands in the tables of a machine."""

    level: Level
    va: int
    space: str


class _Edited:
    """Memory as it was before the edits that stand."""

    def __init__(self, ram: Ram, before: Mapping[int, int]) -> None:
        self._ram = ram
        self._before = before

    def read_word(self, pa: int, width: int) -> int:
        """The word at `pa`."""
        known = self._before.get(pa)
        return self._ram.read_word(pa, width) if known is None else known


class DescriptorOperations:
    """Methods of a machine that edit descriptors by hand."""

    ram: Ram
    pmap: Any
    recorder: Recorder
    path: str
    door: Door
    tasks: dict[str, Task]
    domains: dict[str, MachineDomain]
    cpus: MachineCpus

    @operation
    def set_descriptor(self, pa: int | str, value: int) -> int:
        """Write `value` into the descriptor at physical address `pa`, whatever it breaks; what it held before.

        `pa` must be in a table of this machine: the kernel's, or a task's.  :meth:`undo_descriptor` takes it back.
        O(tables of the machine).
        """
        where = checks.whole(pa, "pa")
        width = self.pmap.fmt.entry_width
        given: object = value
        if not isinstance(given, int) or isinstance(given, bool):
            raise Refused(f"value is a {type(value).__name__}: write a whole number of {8 * width} bits")
        if not 0 <= value < 1 << 8 * width:
            text = f"{value:#x}" if abs(value) < 1 << 128 else "that"
            raise Refused(f"value={text} does not fit: a descriptor here has {8 * width} bits")
        if where % width:
            raise Refused(f"pa={Address(where)} is not aligned: descriptors stand at multiples of {width} bytes")
        place = self._place_of(where, width)
        before = self.ram.read_word(where, width)
        if before == value:
            return before
        self.door.edited_by_hand = True
        self.descriptor_edits.append(Edit(where, before, value, place.level.number, place.va, place.space))
        self._write_descriptor(where, width, before, value, place.level.number, place.va)
        return before

    @operation
    def undo_descriptor(self) -> int:
        """Take the latest edit that still stands back; the descriptor's address.

        An edit no longer stands when the kernel has written the descriptor since.
        """
        standing = self.standing_edits
        if not standing:
            raise Refused("no descriptor was edited, or the kernel has written them all since: nothing to undo")
        edit = standing[-1]
        edits = self.descriptor_edits
        del edits[max(number for number, one in enumerate(edits) if one is edit) :]
        width = self.pmap.fmt.entry_width
        now = self.ram.read_word(edit.pa, width)
        self._write_descriptor(edit.pa, width, now, edit.before, edit.level, edit.va)
        return Address(edit.pa)

    # ---- looking -----------------------------------------------------------------------------

    @property
    def descriptor_edits(self) -> list[Edit]:
        """All edits that were not taken back, the latest last."""
        held: list[Edit] = self.__dict__.setdefault("_descriptor_edits", [])
        return held

    @property
    def standing_edits(self) -> list[Edit]:
        """The edits whose descriptors still hold what was written, the latest last."""
        width = self.pmap.fmt.entry_width
        now = {edit.pa: self.ram.read_word(edit.pa, width) for edit in self.descriptor_edits}
        standing: list[Edit] = []
        for edit in reversed(self.descriptor_edits):
            if self._stands(edit, now[edit.pa]):
                now[edit.pa] = edit.before
                standing.append(edit)
        return standing[::-1]

    @property
    def before_edits(self) -> dict[int, int]:
        """What the edited descriptors would hold if all edits that stand were taken back, by physical address."""
        before: dict[int, int] = {}
        for edit in self.standing_edits:
            before.setdefault(edit.pa, edit.before)
        return before

    @contextmanager
    def _without_edits(self) -> Iterator[None]:
        """The tables as the kernel left them, for as long as somebody checks them; then the edits stand again."""
        width = self.pmap.fmt.entry_width
        before = self.before_edits
        edited = {pa: self.ram.read_word(pa, width) for pa in before}
        for pa, word in before.items():
            self.ram.write_word(pa, width, word)
        try:
            yield
        finally:
            for pa, word in edited.items():
                self.ram.write_word(pa, width, word)

    # ---- beneath -----------------------------------------------------------------------------

    def _stands(self, edit: Edit, now: int) -> bool:
        """Whether a descriptor holds what an edit wrote, but for what the hardware notes in it by itself."""
        fmt = self.pmap.fmt
        level = fmt.level(edit.level)
        controls = self.controls  # type: ignore[attr-defined]  # the machine has them
        noted = fmt.rules.accessed(fmt.rules.read_as(level, edit.after, controls), True, controls)
        return not (now ^ edit.after) & ~noted

    def _write_descriptor(self, pa: int, width: int, before: int, after: int, level: int, va: int) -> None:
        self.ram.write_word(pa, width, after)
        self.cpus.edited()
        emit = self.recorder.emit
        if emit is not None and before != after:
            emit((PteWritten, pa, before, after, level, va))

    def _place_of(self, pa: int, width: int) -> Place:
        """Which descriptor stands at `pa`: looked for in the tables as they are, and as they were before edits."""
        spaces: list[tuple[str, Pmap]] = [("", self.pmap), *((task.name, task.pmap) for task in self.tasks.values())]
        spaces += [(domain.path, domain.pmap) for domain in self.domains.values()]
        for memory in (_Edited(self.ram, self.before_edits), _Edited(self.ram, {})):
            for name, pmap in spaces:
                found = _find(memory, pmap, self.controls, pa, width)  # type: ignore[attr-defined]  # the machine has them
                if found is not None:
                    return Place(*found, name)
        if pa >= self.ram.size:
            raise Refused(f"pa={Address(pa)} lies outside of memory, which has {Size(self.ram.size)}")
        raise Refused(
            f"pa={Address(pa)} is in no page table of this machine: the pictures of walks and tables show where "
            f"descriptors stand; the kernel's root table is at {Address(self.pmap.root)}"
        )


def _find(memory: _Edited, pmap: Pmap, settings: Any, pa: int, width: int) -> tuple[Level, int] | None:
    """The level of the table in which `pa` stands, and the address that the slot is for; None if it is in none."""
    fmt = pmap.fmt
    seen: set[tuple[int, int]] = set()
    root, controls = pmap.registers(settings)
    waiting = [(one.level, one.table, one.base) for one in roots(fmt, root, controls)]
    while waiting:
        level, table, va = waiting.pop()
        if (level.number, table) in seen:
            continue
        seen.add((level.number, table))
        if table <= pa < table + level.entries * width:
            return level, as_register(fmt, controls, va + ((pa - table) // width << level.shift))
        if level.number == 1:
            continue
        below = fmt.level(level.number - 1)
        for index in range(level.entries):
            try:
                word = memory.read_word(table + index * width, width)
            except BusError:  # the table lies outside of memory: an edit made it so
                break
            if not word:
                continue
            descriptor = level.read_as(word)
            if descriptor.kind == "table":
                waiting.append((below, descriptor.address_of(word), va + (index << level.shift)))
    return None
