"""One address space's tables: its limits, the pages they are made of, and what they must always be.

A space's root, and the tables below mixed slots, are its own; those for kernel addresses alone are the kernel's, in all
spaces the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...base.errors import Broken
from ...base.recorder import Recorder
from ...base.units import Address
from ...base.values.tables import PmapValue, Rights, SlotRun, TableValue
from ...memory.ram import Ram
from ...mmu.editor import HandEdits, Slot, TableEditor
from ...mmu.levels import Level
from .tables import OwnedTables, PmapLayout, TablePages


class TableSpace:
    """The tables called `name`, as far as looking at them takes; `edits` are what was written past the kernel."""

    def __init__(
        self, name: str, ram: Ram, pages: TablePages, layout: PmapLayout, recorder: Recorder, edits: HandEdits
    ) -> None:
        self.name = name
        self.ram = ram
        self.layout = layout
        self.fmt = layout.fmt
        self.recorder = recorder
        self.tables = OwnedTables(ram, pages, layout.fmt, f"page tables of {name}", edits)
        self.editor: TableEditor[Any] = TableEditor(ram, layout.fmt, recorder, edits)
        self.root = 0
        """Physical address of the root table."""

    # ---- whose slots -------------------------------------------------------------------------

    def private_tables(self) -> Iterator[tuple[Level, int, int]]:
        """The tables that lead to kernel addresses and that each space has its own of: level, address, first va.

        The root, and the tables below mixed slots; none where the kernel's half has a root of its own.
        """
        if self.layout.split:
            return
        level, table, border = self.fmt.root_level, self.root, self.layout.kernel_start
        while True:
            covered = level.shift + level.bits
            yield level, table, border >> covered << covered
            if self.layout.side(level, border) != "mixed":
                return
            table = self.editor.slot(level, table, border).address
            level = self.fmt.level(level.number - 1)

    def published(self, level: Level, table: int, first: int) -> Iterator[Slot]:
        """The present slots of a private table that are the same in all spaces."""
        return (slot for slot in self.editor.present(level, table, first) if self.layout.is_published(level, slot.va))

    def own_slots(self, level: Level, table: int, va: int, is_kernel: bool) -> Iterator[Slot]:
        """Present slots of the space's own tables; in a user's not the shared ones."""
        for slot in self.editor.present(level, table, va):
            side = self.layout.side(level, slot.va)
            if side == "kernel" and not is_kernel:
                continue
            yield slot
            if slot.kind == "table" and side != "window":
                yield from self.own_slots(self.fmt.level(level.number - 1), slot.address, slot.va, is_kernel)

    # ---- as a value --------------------------------------------------------------------------

    def value(self, klimit: int | None) -> PmapValue:
        """All tables that the root leads to, root first; the recursive mapping is shown, not followed."""
        tables = tuple(self._tables(self.fmt.root_level, self.root, self.layout.first_va(klimit is not None)))
        return PmapValue(self.name, self.fmt.name, self.root, klimit, tables)

    def _tables(self, level: Level, table: int, va: int) -> Iterator[TableValue]:
        present = list(self.editor.present(level, table, va))
        runs = tuple(self._runs(level, table, present))
        first = self.fmt.canonical(va)
        yield TableValue(level.number, level.table_name, table, first, level.span, level.entries, runs)
        for slot in present:
            if slot.kind == "table" and self.layout.side(level, slot.va) != "window":
                yield from self._tables(self.fmt.level(level.number - 1), slot.address, slot.va)

    def _runs(self, level: Level, table: int, present: list[Slot]) -> Iterator[SlotRun]:
        start = 0
        for end in range(1, len(present) + 1):
            if end == len(present) or not self._continues(present[end - 1], present[end]):
                slot = present[start]
                side = self.layout.side(level, slot.va)
                kind = "window" if side == "window" else slot.kind
                first = (slot.pa - table) // self.fmt.entry_width
                name, shared = slot.descriptor.name, side == "kernel"
                yield SlotRun(first, end - start, slot.va, kind, slot.word, slot.address, name, shared)
                start = end

    def _continues(self, slot: Slot, following: Slot) -> bool:
        """Whether the next slot maps what follows in memory, in the same way."""
        return (
            slot.kind == "leaf"
            and following.descriptor is slot.descriptor
            and following.pa == slot.pa + self.fmt.entry_width
            and following.address == slot.address + slot.level.span
            and following.attribute_bits == slot.attribute_bits
        )

    # ---- invariants --------------------------------------------------------------------------

    def check_owned(self, *, is_kernel: bool) -> None:
        """Raise :class:`Broken` unless 2 to 5 hold of the slots that lead to this space's own tables."""
        found = [self.root]
        spared = set()
        rules = self.fmt.rules
        for slot in self.own_slots(self.fmt.root_level, self.root, self.layout.first_va(is_kernel), is_kernel):
            side = self.layout.side(slot.level, slot.va)
            where = f"the {slot.level.name} for {Address(slot.va)} of {self.name}"
            if side == "window":
                if slot.address != self.root:
                    raise Broken(f"2. the window refers to the root: {where} refers to {Address(slot.address)}")
                continue
            for_user, for_kernel = (rules.encode(slot.descriptor, Rights(user=user), False) for user in (True, False))
            is_user = rules.rights_of(slot.descriptor, slot.word).user
            if for_user != for_kernel and is_user != (side in ("user", "mixed")):
                raise Broken(f"3. user code can reach its half only: {where} is {slot.word:#x}")
            if slot.kind == "table":
                found.append(slot.address)
            elif slot.level.number > 1:
                spared.add(slot.pa)
        lost = set(self.tables.spares) - spared
        if lost:
            where = f"of {self.name} the one for {Address(min(lost))} does not"
            raise Broken(f"4. a spare table belongs to a large page: {where}")
        if sorted([*found, *self.tables.spares.values()]) != sorted(self.tables):
            counts = f"{len(found)} are, {len(self.tables)} owned"
            raise Broken(f"5. each table of {self.name} is referred to once: {counts}")

    def check_shared(self, other: TableSpace) -> None:
        """Raise :class:`Broken` unless 6 holds: another space's shared slots are those of this one, the kernel's."""
        for (level, ours, first), (_, theirs, _) in zip(self.private_tables(), other.private_tables(), strict=True):
            right = {self._shared(slot) for slot in self.published(level, ours, first)}
            found = {self._shared(slot) for slot in self.published(level, theirs, first)}
            if right != found:
                va, _ = min(right ^ found)
                raise Broken(f"6. shared slots are equal: the {level.name} for {Address(va)} of {other.name} is not")

    def _shared(self, slot: Slot) -> tuple[int, int]:
        """A slot without what the processor notes in each space's own copy (accessed, dirty)."""
        return slot.va, slot.word & ~self.fmt.rules.accessed(slot.descriptor, True, self.fmt.defaults)
