"""The tables of a pmap as frozen values, runs of slots folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...base.errors import Broken
from ...base.units import Address
from ...base.values.tables import PmapValue, Rights, SlotRun, TableValue
from ...mmu.editor import Slot
from ...mmu.levels import Level
from .tables import TableSpace, private_tables, published


def snapshot(pmap: TableSpace, klimit: int | None = None) -> PmapValue:
    """All tables that the root leads to, root first; the window is told, not followed."""
    tables = tuple(_tables(pmap, pmap.fmt.root_level, pmap.root, pmap.layout.first_va(klimit is not None)))
    return PmapValue(pmap.name, pmap.fmt.name, pmap.root, klimit, tables)


def _tables(pmap: TableSpace, level: Level, table: int, va: int) -> Iterator[TableValue]:
    present = list(pmap.editor.present(level, table, va))
    runs = tuple(_runs(pmap, level, table, present))
    yield TableValue(level.number, level.table_name, table, pmap.fmt.canonical(va), level.span, level.entries, runs)
    for slot in present:
        if slot.kind == "table" and pmap.layout.side(level, slot.va) != "window":
            yield from _tables(pmap, pmap.fmt.level(level.number - 1), slot.address, slot.va)


def _runs(pmap: TableSpace, level: Level, table: int, present: list[Slot]) -> Iterator[SlotRun]:
    start = 0
    for end in range(1, len(present) + 1):
        if end == len(present) or not _goes_on(pmap, present[end - 1], present[end]):
            slot = present[start]
            side = pmap.layout.side(level, slot.va)
            kind = "window" if side == "window" else slot.kind
            first = (slot.pa - table) // pmap.fmt.entry_width
            shared = side == "kernel"
            name = slot.descriptor.name
            yield SlotRun(first, end - start, slot.va, kind, slot.word, slot.address, name, shared)
            start = end


def _goes_on(pmap: TableSpace, slot: Slot, following: Slot) -> bool:
    """Whether the next slot maps what follows in memory, with the same bits beside the address."""
    return (
        slot.kind == "leaf"
        and following.descriptor is slot.descriptor
        and following.pa == slot.pa + pmap.fmt.entry_width
        and following.address == slot.address + slot.level.span
        and following.attribute_bits == slot.attribute_bits
    )


# ---- pmap check --------------------------------------------------------------------------------
#
# The invariants of page tables: of each address space, and of what they share.


def check_pmaps(kernel: TableSpace, klimit: int, users: Sequence[TableSpace], lent: Sequence[TableSpace] = ()) -> None:
    """Raise :class:`Broken` unless the numbered invariants hold; O(present slots of all pmaps).

    Of spaces whose tables are somebody else's (`lent`) only the kernel's slots are looked at: 6.
    """
    _check_owned(kernel, is_kernel=True)
    _check_limit(kernel, klimit)
    for other in lent:
        _check_shared(kernel, other)
    owned = set(kernel.tables)
    for user in users:
        _check_owned(user, is_kernel=False)
        _check_shared(kernel, user)
        twice = owned & set(user.tables)
        if twice:
            raise Broken(f"1. a table belongs to one pmap: {Address(min(twice))} is also of {user.name}")
        owned |= set(user.tables)


def _check_owned(pmap: TableSpace, *, is_kernel: bool) -> None:
    """Invariants of the slots that lead to a pmap's own tables."""
    found = [pmap.root]
    spared = set()
    first = pmap.layout.first_va(is_kernel)
    for slot in own_slots(pmap, pmap.fmt.root_level, pmap.root, first, is_kernel):
        side = pmap.layout.side(slot.level, slot.va)
        where = f"the {slot.level.name} for {Address(slot.va)} of {pmap.name}"
        if side == "window":
            if slot.address != pmap.root:
                raise Broken(f"2. the window refers to the root: {where} refers to {Address(slot.address)}")
            continue
        rules = pmap.fmt.rules
        tells = rules.encode(slot.descriptor, Rights(), False) != rules.encode(
            slot.descriptor, Rights(user=False), False
        )
        if tells and rules.rights_of(slot.descriptor, slot.word).user != (side in ("user", "mixed")):
            raise Broken(f"3. user code can reach its half only: {where} is {slot.word:#x}")
        if slot.kind == "table":
            found.append(slot.address)
        elif slot.level.number > 1:
            spared.add(slot.pa)
    lost = set(pmap.tables.spares) - spared
    if lost:
        raise Broken(
            f"4. a spare table belongs to a large page: of {pmap.name} the one for {Address(min(lost))} does not"
        )
    if sorted([*found, *pmap.tables.spares.values()]) != sorted(pmap.tables):
        raise Broken(f"5. each table of {pmap.name} is referred to once: {len(found)} are, {len(pmap.tables)} owned")


def own_slots(pmap: TableSpace, level: Level, table: int, va: int, is_kernel: bool) -> Iterator[Slot]:
    """Present slots of the pmap's own tables; in a user's pmap not the shared ones."""
    for slot in pmap.editor.present(level, table, va):
        side = pmap.layout.side(level, slot.va)
        if side == "kernel" and not is_kernel:
            continue
        yield slot
        if slot.kind == "table" and side != "window":
            yield from own_slots(pmap, pmap.fmt.level(level.number - 1), slot.address, slot.va, is_kernel)


def _check_shared(kernel: TableSpace, user: TableSpace) -> None:
    for (level, ours, first), (_, theirs, _) in zip(private_tables(kernel), private_tables(user), strict=True):
        right = {_shared(slot, kernel) for slot in published(kernel, level, ours, first)}
        found = {_shared(slot, kernel) for slot in published(kernel, level, theirs, first)}
        if right != found:
            va, _ = min(right ^ found)
            raise Broken(f"6. shared slots are equal: the {level.name} for {Address(va)} of {user.name} is not")


def _shared(slot: Slot, kernel: TableSpace) -> tuple[int, int]:
    """A slot without what the processor notes in each space's own copy (accessed, dirty)."""
    return slot.va, slot.word & ~kernel.fmt.rules.accessed(slot.descriptor, True, kernel.fmt.defaults)


def _check_limit(kernel: TableSpace, klimit: int) -> None:
    span = kernel.fmt.level(2).span
    for va in range(kernel.layout.kernel_start, klimit, span):
        slot = kernel.editor.find(kernel.root, va, 2)
        if slot.level.number != 2 or slot.kind == "invalid":
            raise Broken(f"7. kernel space has tables up to {Address(klimit)}: {Address(va)} has none")
