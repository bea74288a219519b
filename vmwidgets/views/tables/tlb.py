"""TLBs and processors: sets as columns, ways as rows; what is stale is marked; what one processor asked of another.

A cell tells the page (the last digits of its number), whose it is (G: global, else the address space's number where
spaces have one), and by its bar how lately it was used.  Only sets that hold something are drawn; of more than four
processors some are folded.
"""

from __future__ import annotations

from dataclasses import replace

from vmwidgets.engine.base.units import Address, binary_size, counted
from vmwidgets.engine.base.values.cpus import CpusValue
from vmwidgets.views.scene.columns import WIDTH
from vmwidgets.views.scene.model import Caption, Node, Scene, Table
from vmwidgets.views.scene.switches import HEIGHT as SWITCHES
from vmwidgets.views.scene.switches import Switch, draw_switches
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.story import Step
from vmwidgets.views.story.words.cpus import flush_in_words
from vmwidgets.views.story.words.pictures import stale_sentence, tlb_sentence

from .tlb_cpus import TlbBench, chosen_slot, draw_cpu, draw_details, marks_of
from .tlb_requests import links_to_senders

MODES = ("acknowledged", "sent", "forgotten")


def draw_tlb(
    value: CpusValue,
    moment: Moment,
    bench: TlbBench | None = None,
    *,
    machine: str = "",
    width: float = WIDTH,
) -> Scene:
    """The scene of all processors of a machine, with what the operation of `moment` did marked."""
    bench = bench or TlbBench()
    marks = marks_of(moment.so_far)
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
        subtitle=f"{value.cpus[0].tlb.sets} sets × {value.cpus[0].tlb.ways} ways · {spaces} · {_since_boot(value)}",
        width=width,
        height=y + 2,
        caption=_caption(value, moment),
        nodes=tuple(nodes),
        links=tuple(links_to_senders(nodes, value)),
        table=_table(value),
        steps=moment.steps(steps_of_processors),
        machine=machine,
    )


def steps_of_processors(step: Step) -> bool:
    """Whether a step is about a processor, so that the picture has it."""
    return step.about.kind == "cpu"


def _since_boot(value: CpusValue) -> str:
    hits, misses = sum(cpu.tlb.hits for cpu in value.cpus), sum(cpu.tlb.misses for cpu in value.cpus)
    return f"{counted(hits, 'hit')} and {counted(misses, 'miss')} since boot"


def _modes(value: CpusValue) -> list[Switch]:
    titles = {
        "acknowledged": "flushes asked of other processors are done before the sender goes on",
        "sent": "flushes asked of other processors wait until they are acknowledged",
        "forgotten": "other processors are not asked: what they keep may go stale",
    }
    return [Switch(mode, f"shootdown {mode}", value.shootdown == mode, titles[mode]) for mode in MODES]


def _caption(value: CpusValue, moment: Moment) -> Caption:
    """The moment's headline, and what the operation meant for the TLBs."""
    stale = sum(len(cpu.tlb.stale) for cpu in value.cpus)
    caption = moment.caption
    own = tlb_sentence(moment.events) if moment.operation is not None and moment.is_after else ""
    if stale:
        return replace(caption, reason=f"{own} {stale_sentence(stale)}".strip(), tone="error")
    return replace(caption, reason=own)


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
