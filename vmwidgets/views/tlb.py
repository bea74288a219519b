"""TLBs and processors: sets as columns, ways as rows; what is stale stands out; what one processor asked of another.

A cell tells the page (the last digits of its number), whose it is (G: global, else the address space's number where
spaces have one), and by its bar how lately it was used.  Only sets that hold something are drawn; of more than four
processors some are folded.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..engine.base import events as ev
from ..engine.base.events import Event
from ..engine.base.journal import Operation
from ..engine.base.units import Address, binary_size, counted
from ..engine.base.values.cpus import CpusValue
from .columns import WIDTH
from .scene import Caption, Node, Scene, Steps, Table
from .switches import HEIGHT as SWITCHES
from .switches import Switch, draw_switches
from .text import visible
from .tlb_cpus import TlbBench, chosen_slot, draw_cpu, draw_details, marks_of
from .tlb_requests import flush_in_words, links_to_senders

MODES = ("acknowledged", "sent", "forgotten")
EDITS = ("set_descriptor", "undo_descriptor")
"""Operations that edit a descriptor by hand."""


def draw_tlb(
    value: CpusValue,
    operation: Operation | None = None,
    events: Sequence[Event] = (),
    bench: TlbBench | None = None,
    *,
    machine: str = "",
    width: float = WIDTH,
) -> Scene:
    """The scene of all processors of a machine, with what the last operation did marked."""
    bench = bench or TlbBench()
    marks = marks_of(events)
    groups = [_modes(value)] if len(value.cpus) > 1 else []
    nodes: list[Node] = draw_switches(groups, "tlb", 4)
    y = 4 + (SWITCHES + 10 if groups else 0)
    for number, cpu in enumerate(value.cpus):
        drawn, y = draw_cpu(cpu, number, value.asids, bench, marks, y, width)
        nodes += drawn
    chosen = chosen_slot(value, bench.chosen)
    if chosen is not None:
        drawn, y = draw_details(*chosen, value.asids, y, width)
        nodes += drawn
    spaces = "with ASIDs" if value.asids else "no ASIDs"
    return Scene(
        view="tlb",
        title="TLB" if len(value.cpus) == 1 else f"{len(value.cpus)} processors and their TLBs",
        subtitle=f"{value.cpus[0].tlb.sets} sets × {value.cpus[0].tlb.ways} ways · {spaces}",
        width=width,
        height=y + 2,
        caption=_caption(value, operation, events),
        nodes=tuple(nodes),
        links=tuple(links_to_senders(nodes, value)),
        table=_table(value),
        steps=Steps(0, 0, -1),
        machine=machine,
    )


def _modes(value: CpusValue) -> list[Switch]:
    titles = {
        "acknowledged": "flushes asked of other processors are done before the sender goes on",
        "sent": "flushes asked of other processors wait until they are acknowledged",
        "forgotten": "other processors are not asked: what they keep may go stale",
    }
    return [Switch(mode, f"shootdown {mode}", value.shootdown == mode, titles[mode]) for mode in MODES]


def _caption(value: CpusValue, operation: Operation | None, events: Sequence[Event]) -> Caption:
    stale = sum(len(cpu.tlb.stale) for cpu in value.cpus)
    numbers = {kind: sum(isinstance(event, kind) for event in events) for kind in _TOLD}
    dropped = sum(len(event.dropped) for event in events if isinstance(event, ev.TlbFlushed))
    parts = [f"{count:,} {words}" for kind, words in _TOLD.items() if (count := numbers[kind])]
    if dropped:
        parts.append(f"{dropped:,} dropped")
    what = "Nothing was done yet" if operation is None else visible(operation.name)
    by_hand = operation is not None and operation.name in EDITS
    still = "a descriptor was edited by hand, and the TLBs are as they were" if by_hand else "the TLBs are as they were"
    text = f"{what}: {', '.join(parts) or still}."
    hits, misses = sum(cpu.tlb.hits for cpu in value.cpus), sum(cpu.tlb.misses for cpu in value.cpus)
    reason = f"Since boot {counted(hits, 'hit')} and {counted(misses, 'miss')}."
    if stale:
        many = "translation is" if stale == 1 else "translations are"
        return Caption(text, (), f"{stale:,} kept {many} not what the tables say: marked ≠. {reason}", "error")
    return Caption(text, (), reason, "good" if parts else "plain")


_TOLD: dict[type, str] = {
    ev.TlbHit: "found in a TLB",
    ev.TlbMissed: "missed",
    ev.TlbFilled: "filled",
    ev.ShootdownSent: "asked of other processors",
    ev.ShootdownAcknowledged: "acknowledged",
    ev.ShootdownForgotten: "forgotten",
}


def _table(value: CpusValue) -> Table:
    rows: list[tuple[str, ...]] = []
    for cpu in value.cpus:
        for slot in cpu.tlb.slots:
            entry = slot.entry
            rows.append(
                (cpu.cpu, str(entry.set), str(entry.way), str(Address(entry.va)), str(Address(entry.pa)),
                 binary_size(entry.page_size), _space(entry.asid, value.asids),
                 f"{entry.permissions.supervisor} {entry.permissions.user}", str(slot.age),
                 "; ".join(map(str, slot.stale)))
            )  # fmt: skip
        rows += [(cpu.cpu, *[""] * 8, f"waits: {flush_in_words(one)}, by {one.sender}") for one in cpu.pending]
    header = ("cpu", "set", "way", "page", "physical", "size", "space", "rights", "age", "stale")
    return Table(header, tuple(rows[:300]))


def _space(asid: int | None, asids: bool) -> str:
    return "global" if asid is None else str(asid) if asids else ""
