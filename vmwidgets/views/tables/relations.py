"""Relations of descriptors and translations to entries and frames: see :mod:`vmwidgets.views.scene.relations`."""

from __future__ import annotations

from collections.abc import Callable, Collection

from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT
from vmwidgets.engine.mmu.tables_schema import TableWindow, Walk, WindowRow
from vmwidgets.engine.spaces.processors_schema import CpusValue
from vmwidgets.views.scene.relations import FRAMES, KERNEL, About, Pages

Whose = Callable[[int], str]
"""A function that returns the owner of an address: the name of a space."""


def of_walk(walk: Walk, whose: Whose) -> dict[str, About]:
    """Return the descriptors that a walk read, and their tables."""
    known = {}
    for step in walk.steps:
        if step.kind == "leaf":
            start = walk.va & -walk.page_size if walk.page_size else walk.va & -PAGE
            known[f"pte:{step.pa:x}"] = _leads(whose(walk.va), start, step.address, walk.page_size or PAGE)
        elif step.kind == "table":
            known[f"pte:{step.pa:x}"] = About((), (f"table:{step.address:x}",))
        known[f"table:{step.table:x}"] = About((Pages(FRAMES, step.table >> PAGE_SHIFT, 1),))
    return known


def of_window(window: TableWindow, space: str) -> dict[str, About]:
    """Return the open tables of a space and their rows; lent tables belong to the kernel."""
    known = {}
    for table in window.tables:
        known[f"table:{table.pa:x}"] = About((Pages(FRAMES, table.pa >> PAGE_SHIFT, 1),))
        for row in table.rows:
            if row.kind == "leaf":
                known[f"pte:{row.pa:x}"] = _row(row, KERNEL if row.is_lent else space)
            elif row.kind == "table":
                known[f"pte:{row.pa:x}"] = About((), (f"table:{row.address:x}",))
    return known


def _row(row: WindowRow, space: str) -> About:
    return _leads(space, row.va, row.address, row.size * max(row.pages, 1))


def _leads(space: str, va: int, pa: int, size: int) -> About:
    return About((Pages.between(space, va, va + size),), (Pages.between(FRAMES, pa, pa + size),))


def of_tlbs(value: CpusValue, whose: Whose, drawn: Collection[str]) -> dict[str, About]:
    """Return the `drawn` translations of processors; `whose` says which addresses are the kernel's in all spaces.

    Other addresses are in the space that the processor has loaded, if the translation belongs to that space; of
    translations cached for other ASIDs, only the frame is known.
    """
    known = {}
    for cpu in value.cpus:
        for slot in cpu.tlb.slots:
            entry = slot.entry
            is_loaded = entry.asid is None or entry.asid == cpu.asid or not value.asids
            space = whose(entry.va) or (cpu.space if is_loaded else "")
            thing = f"tlb/{cpu.cpu}/{entry.set}/{entry.way}"
            if thing in drawn:
                leads = _leads(space, entry.va, entry.pa, entry.page_size)
                known[thing] = leads if space else About((), leads.to)
    return known
