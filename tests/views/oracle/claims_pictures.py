"""What pictures of a machine claim in words of their own: maps, addresses, TLBs, the kentry area, moments."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import vmwidgets as vm
from vmwidgets.engine.base.journal import MAX_EVENTS
from vmwidgets.engine.mmu.tables_schema import FaultRaised
from vmwidgets.engine.mmu.tlb_schema import TlbEntryValue
from vmwidgets.engine.spaces.tasks_schema import SignalSent
from vmwidgets.events import PageCopied, TlbFilled, TlbHit, TlbMissed, TreeCompared

from .claiming import Said, claim
from .claims_failures import repeated
from .pictured import SHOWN, Pictured
from .reading import binary_size, bytes_of, counted, ends, entries_of, number, size_of
from .steps import Gone

# ---- maps ----------------------------------------------------------------------------------------


@claim("map pictures: map/out of order")
def out_of_order(seen: Pictured, said: Said) -> None:
    starts = [int(one.start) for one in seen.picture.target.value(whole=10**6).entries]
    low = [start for before, start in pairwise(starts) if start < before]
    assert [number(one) for one in said["addresses"].split(", ")] == low[:3]


@claim("map pictures: map/state")
def how_much_is_mapped(seen: Pictured, said: Said) -> None:
    """The bytes of the map's entries, of its limits."""
    target = map_named(seen.machine, said["map"])
    entries = list(target.entries())
    assert said["mapped"] == binary_size(sum(int(one.end) - int(one.start) for one in entries))
    assert said["size"] == binary_size(int(target.end) - int(target.start))
    assert number(said["count"]) == len(entries)


@claim("map pictures: map/empty")
def nothing_is_mapped(seen: Pictured, said: Said) -> None:
    target = map_named(seen.machine, said["map"])
    assert not list(target.entries())
    assert said["size"] == binary_size(int(target.end) - int(target.start))


@claim("map pictures: tree/place")
def how_long_the_search_was(seen: Pictured, said: Said) -> None:
    """Nothing is there, or it is new."""
    outcomes = compared_last(seen, said)
    assert "here" not in outcomes


@claim("map pictures: tree/found")
def how_long_the_search_was_that_found_it(seen: Pictured, said: Said) -> None:
    assert compared_last(seen, said)[-1] == "here"


def compared_last(seen: Pictured, said: Said) -> list[str]:
    """As many of the tree's entries were compared with the address; what that gave, from the root down."""
    value = seen.picture.target.value(whole=10**6)
    asked = [event for event in seen.operation.events if isinstance(event, TreeCompared)]
    asked = [event for event in asked if event.tree == value.name]
    count, last = number(said["count"]), asked[-1]
    assert last.key == number(said["address"])
    assert [event.key for event in asked[-count:]] == [last.key] * count
    starts = {one.id: one.start for one in value.entries}
    way = [(starts[event.node], event.outcome) for event in asked[-count:] if event.node in starts]
    for place, (start, outcome) in enumerate(way):
        bounds = (start, 2**64) if outcome == "right" else (0, start)
        assert all(bounds[0] <= later <= bounds[1] for later, _ in way[place + 1 :])
    return [event.outcome for event in asked[-count:]]


@claim("map pictures: tree/rotated")
def it_was_rotated(seen: Pictured, said: Said) -> None:
    """A node that was there has another node above it: a new one is put below all others at first."""
    path = seen.picture.target.path
    trees = [machine.part(path).value(whole=10**6).nodes for machine in (seen.before, seen.machine)]
    was, now = ({below: at for at, node in tree.items() for below in (node.left, node.right)} for tree in trees)
    assert any(was.get(node) != now.get(node) for node in trees[0])


@claim("map pictures: tree/state")
def how_long_a_search_can_be(seen: Pictured, said: Said) -> None:
    """The longest way down is as long."""
    value = map_named(seen.machine, said["map"]).value(whole=10**6)
    assert value.name == seen.picture.target.value().name
    longest, pending = 0, [(value.root, 1)]
    while pending:
        node, length = pending.pop()
        if node:
            longest = max(longest, length)
            pending += [(value.nodes[node].left, length + 1), (value.nodes[node].right, length + 1)]
    assert longest == number(said["count"])


def map_named(machine: vm.Machine, name: str) -> Any:
    """The map that a picture names: the kernel's, or a task's by the name of the task."""
    tasks = {name: task.map for name, task in machine.tasks.items()}
    return ({"kernel_map": machine.kernel_map} | tasks)[name]


@claim("map pictures: map/took")
def took(seen: Pictured, said: Said) -> None:
    """The kernel map's entries take so much more than before the operation, which is of another map."""
    name = seen.picture.target.path
    assert seen.operation.target != name
    assert name == "kernel_map", "it is what the entries of others come from"
    assert size_of(seen.machine, name) - size_of(seen.before, name) == bytes_of(said["size"])


@claim("map pictures: map/entries")
def entries_now(seen: Pictured, said: Said) -> None:
    path = seen.picture.target.path
    assert len(entries_of(seen.before.part(path))) == number(said["count"])
    assert len(entries_of(seen.machine.part(path))) == number(said["now"])


def holding(seen: Pictured, address: int) -> tuple[int, int] | None:
    """The entry with an address."""
    found = [one for one in entries_of(seen.picture.target) if one.start <= address < one.end]
    return (found[0].start, found[0].end) if found else None


@claim("sought addresses: held")
def held(seen: Pictured, said: Said) -> None:
    assert holding(seen, number(said["address"])) == ends(said["range"])
    assert number(said["address"]) == seen.picture.find  # type: ignore[attr-defined]


@claim("sought addresses: free")
def free(seen: Pictured, said: Said) -> None:
    address, space = number(said["address"]), seen.picture.target
    assert holding(seen, address) is None
    below = max([one.end for one in entries_of(space) if one.end <= address], default=int(space.start))
    above = min([one.start for one in entries_of(space) if one.start > address], default=int(space.end))
    assert ends(said["range"]) == (below, above)
    assert said["size"] == binary_size(above - below)


@claim("sought addresses: compared")
def compared(seen: Pictured, said: Said) -> None:
    """From the root down, as the tree's links go."""
    value = seen.picture.target.value(whole=10**6)
    entries = {one.id: one for one in value.entries}
    place, steps, address = value.root, 0, seen.picture.find  # type: ignore[attr-defined]
    while place:
        steps += 1
        one = entries[place]
        if one.start <= address < one.end:
            break
        place = value.nodes[place].left if address < one.start else value.nodes[place].right
    assert steps == number(said["count"])


# ---- moments -------------------------------------------------------------------------------------


@claim("moments: destroyed")
def destroyed_long_ago(seen: Pictured, said: Said) -> None:
    """It was there so many operations ago at the latest, and the same name may be another's by now."""
    target = seen.picture.target
    ends = [one.number for one in seen.machine.journal if one.name == "destroy_domain"]
    assert target.destroyed
    assert seen.machine.journal.last.number - min(ends) > number(said["many"])
    assert not [one for one in ends if one >= seen.machine.journal.last.number - number(said["many"])]


@claim("moments: before")
def before_it(seen: Pictured, said: Said) -> None:
    """The first of its steps: all of the map is as it was."""
    assert seen.scene.steps.index == 0
    assert seen.scene.steps.places[0] == 0
    if not isinstance(seen.picture, SHOWN["Map"]):
        return
    path = seen.picture.target.path
    value = seen.before.part(path).value(whole=10**6)
    drawn = {row["start"] for row in seen.rows()}
    if len(value.entries) <= len(drawn):
        assert {number(start) for start in drawn} == {int(one.start) for one in value.entries}


DRAWN: dict[str, Callable[[vm.Machine], Any]] = {
    "map": lambda machine: entries_of(machine.kernel_map),
    "first": lambda machine: entries_of(machine.kernel_map),
    "frames": lambda machine: machine.frames.value().counts,
    "threads": lambda machine: machine.threads.value().threads,
    "objects": lambda machine: machine.memory_objects.value().objects,
    "clock": lambda machine: machine.replacement.value().rings,
    "tlb": lambda machine: [[slot.entry for slot in cpu.tlb.slots] for cpu in machine.cpus.value().cpus],
}
"""What pictures of a whole machine draw, by their kind."""


@claim("moments: same")
def same(seen: Pictured, said: Said) -> None:
    """What it draws was so before the operation."""
    if seen.kind in DRAWN:
        assert DRAWN[seen.kind](seen.before) == DRAWN[seen.kind](seen.machine)
    elif seen.kind == "task" and seen.picture.target.path in seen.before.system.maps:
        name = seen.picture.target.path
        assert entries_of(seen.before.part(name)) == entries_of(seen.machine.part(name))


@claim("moments: changed")
def changed(seen: Pictured, said: Said) -> None:
    assert seen.scene.caption.functions == (seen.operation.name,)


@claim("moments: left out")
def left_out(seen: Pictured, said: Said) -> None:
    assert seen.operation.truncated


@claim("moments: truncated")
def truncated(seen: Pictured, said: Said) -> None:
    """Done again on a machine as it was, the operation makes more than that."""
    assert number(said["events"]) == MAX_EVENTS
    like_before = seen.machine.history._make(seen.before.system.copy(), "again")
    assert repeated(seen.operation, like_before)[1] > MAX_EVENTS


@claim("no picture: missing")
def missing(seen: Pictured, said: Said) -> None:
    """It is not there at the picture's moment."""
    assert seen.subject in said["why"]
    assert seen.subject not in seen.machine.at(seen.scene.steps.operation).tasks


def maker(seen: Pictured, said: Said) -> int:
    """The operation that makes what is not there."""
    assert number(said["number"]) == seen.scene.steps.operation
    return number(said["made"])


@claim("no picture: later")
def later(seen: Pictured, said: Said) -> None:
    """The next sentence is of the operation after which it is there, and not before."""
    made = maker(seen, said)
    assert seen.subject in seen.machine.at(made).tasks
    assert seen.subject not in seen.machine.at(made - 1).tasks
    assert made > seen.scene.steps.operation


@claim("no picture: earlier")
def earlier(seen: Pictured, said: Said) -> None:
    """It was made before, and something has ended it since."""
    made = maker(seen, said)
    assert seen.subject in seen.machine.at(made).tasks
    assert seen.subject not in seen.machine.at(made - 1).tasks
    assert made < seen.scene.steps.operation


@claim("no picture: then")
def then(seen: Pictured, said: Said) -> None:
    """No operation of the history makes it."""
    assert number(said["number"]) == seen.scene.steps.operation
    journal = seen.machine.journal
    assert all(seen.subject not in seen.machine.at(number).tasks for number in range(len(journal)))


@claim("no picture: undone")
def undone(seen: Pictured, said: Said) -> None:
    moment = seen.picture.moment
    assert moment is not None
    assert seen.machine.journal.number_of(moment.operation) is None


# ---- the kentry area -----------------------------------------------------------------------------


def taken(machine: vm.Machine) -> set[int]:
    """The slots of the area that are not free, of all slabs."""
    contents = machine.kentry.contents(most=10**6)
    return {slot for slab in contents.slabs for slot in contents.taken(slab)}


def slots(seen: Pictured, took: int, gave: int) -> None:
    """So many slots are taken more or less than before; a slot may be taken and given in one operation."""
    new, gone = taken(seen.machine) - taken(seen.before), taken(seen.before) - taken(seen.machine)
    assert took - gave == len(new) - len(gone)
    assert took >= len(new) and gave >= len(gone)


@claim("kentry pictures: kentry/none")
def no_slot(seen: Pictured, said: Said) -> None:
    assert taken(seen.machine) == taken(seen.before)


@claim("kentry pictures: kentry/taken")
def slots_taken(seen: Pictured, said: Said) -> None:
    slots(seen, number(said["count"]), 0)


@claim("kentry pictures: kentry/given")
def slots_given(seen: Pictured, said: Said) -> None:
    slots(seen, 0, number(said["count"]))


@claim("kentry pictures: kentry/both")
def slots_both(seen: Pictured, said: Said) -> None:
    slots(seen, counted(said["taken"]), number(said["given"]))


def records(seen: Pictured, said: Said, older: int) -> None:
    """So many entries of the kernel's map are in slots, and so many are not; slabs without any are not counted."""
    entries = seen.machine.kernel_map.entries()
    assert [number(said["entries"]), older] == [len(entries), sum(not one.address for one in entries)]
    contents = seen.machine.kentry.contents(most=10**6)
    ends = [(slab.address, slab.address + contents.area.slab_size) for slab in contents.slabs]
    slabs, holding = len(ends), sum(any(low <= one.address < high for one in entries) for low, high in ends)
    of = f"{holding} of " * (holding < slabs)
    assert said["slabs"] == ("the slab" if slabs == 1 else f"{of}{slabs} slabs")


@claim("kentry pictures: kentry/all")
def all_records(seen: Pictured, said: Said) -> None:
    records(seen, said, 0)


@claim("kentry pictures: kentry/older")
def older_records(seen: Pictured, said: Said) -> None:
    records(seen, said, number(said["count"]))
    assert number(said["used"]) + number(said["count"]) == number(said["entries"])


@claim("kentry pictures: kentry/slots")
def used_slots(seen: Pictured, said: Said) -> None:
    """Of the slabs that are drawn, which are the only ones or only some."""
    contents = seen.machine.kentry.contents(most=10**6)
    slabs = 1 if said["slabs"] == "the slab" else number(said["slabs"].split()[0])
    assert slabs <= len(contents.slabs)
    assert number(said["slots"]) == slabs * contents.buffers
    used = sorted(slab.buffers - len(slab.free) for slab in contents.slabs)
    assert sum(used[:slabs]) <= number(said["count"]) <= sum(used[-slabs:])


@claim("kentry pictures: kentry/slab")
def slots_of_new_slabs(seen: Pictured, said: Said) -> None:
    new = taken(seen.machine) - taken(seen.before)
    assert counted(said["taken"]) >= len(new)
    more = seen.machine.kentry.contents().area.allocated - seen.before.kentry.contents().area.allocated
    assert more == number(said["count"])


# ---- object caches -------------------------------------------------------------------------------


def objects(seen: Pictured, said: Said, took: int, gave: int) -> None:
    """So many objects are allocated more or less than before, in these caches."""
    before, after = ({one.name: one.allocated for one in machine.caches.value(most=10**6).caches}
                     for machine in (seen.before, seen.machine))  # fmt: skip  # twice the same
    moved = {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name, 0)}
    assert sum(moved.values()) == took - gave
    one_name = said["caches"] in after
    assert {*moved} <= {said["caches"]} if one_name else len(moved) <= int(said["caches"].split()[0])


@claim("cache pictures: taken")
def objects_taken(seen: Pictured, said: Said) -> None:
    objects(seen, said, number(said["count"]), 0)


@claim("cache pictures: given")
def objects_given(seen: Pictured, said: Said) -> None:
    objects(seen, said, 0, number(said["count"]))


@claim("cache pictures: both")
def objects_both(seen: Pictured, said: Said) -> None:
    objects(seen, said, number(said["count"]), number(said["given"]))


# ---- TLBs ----------------------------------------------------------------------------------------

Kept = dict[tuple[str, int, int], TlbEntryValue]


def kept(machine: vm.Machine) -> Kept:
    """What all TLBs keep, by processor and place."""
    return {(cpu.cpu, *slot.entry.place): slot.entry for cpu in machine.cpus.value().cpus for slot in cpu.tlb.slots}


def grown(seen: Pictured, name: str) -> int:
    """How much a count of the TLBs has grown."""

    def count(machine: vm.Machine) -> int:
        return sum(getattr(cpu.tlb, name) for cpu in machine.cpus.value().cpus)

    return count(seen.machine) - count(seen.before)


@claim("tlb pictures: none")
def no_tlb(seen: Pictured, said: Said) -> None:
    assert kept(seen.machine) == kept(seen.before)
    assert [grown(seen, name) for name in ("hits", "misses", "flushed")] == [0, 0, 0]


def has(machine: vm.Machine, cpu: str, said: str) -> bool:
    """Whether a processor keeps a translation of an address that a title says, perhaps by its lower half."""
    digits = said.removeprefix("…")
    low, whole = int(digits.replace("_", ""), 16), 1 << (64 if digits == said else 32)
    return any(0 <= low - one.va % whole < one.page_size for (name, *_), one in kept(machine).items() if name == cpu)


@claim("tlb pictures: missed")
def missed(seen: Pictured, said: Said) -> None:
    assert grown(seen, "misses") and not grown(seen, "hits")
    assert has(seen.machine, said["cpu"], said["address"])


@claim("tlb pictures: hit")
def hit(seen: Pictured, said: Said) -> None:
    assert grown(seen, "hits") and not grown(seen, "misses")
    assert has(seen.before, said["cpu"], said["address"])


@claim("tlb pictures: accesses/nothing new")
def accesses_without_news(seen: Pictured, said: Said) -> None:
    assert counted(said["hits"]) == grown(seen, "hits")
    assert counted(said["misses"]) == grown(seen, "misses")
    before = kept(seen.before)
    assert all(before.get(place) == entry for place, entry in kept(seen.machine).items())


@claim("tlb pictures: accesses")
def accesses(seen: Pictured, said: Said) -> None:
    assert counted(said["hits"]) == grown(seen, "hits")
    assert counted(said["misses"]) == grown(seen, "misses")
    before, after = kept(seen.before), kept(seen.machine)
    new = sum(before.get(place) != entry for place, entry in after.items())
    assert counted(said["filled"]) >= new
    assert counted(said["filled"]) == new or grown(seen, "evictions") or grown(seen, "flushed") or refilled(seen)


def refilled(seen: Pictured) -> bool:
    """Whether a miss may have filled what was kept already: a translation without the mark of a write."""
    return any(entry in kept(seen.before).values() for entry in kept(seen.machine).values())


def dropped(seen: Pictured, count: int) -> None:
    assert grown(seen, "flushed") == count
    if not grown(seen, "misses"):
        gone = kept(seen.before).keys() - kept(seen.machine).keys()
        assert len(gone) == count


@claim("tlb pictures: dropped")
def only_dropped(seen: Pictured, said: Said) -> None:
    dropped(seen, number(said["count"]))


def shootdowns(seen: Pictured, name: str) -> int:
    """How many more shootdowns have come to that."""
    now: int = getattr(seen.machine.cpus.value(), name)
    return now - int(getattr(seen.before.cpus.value(), name))


@claim("tlb pictures: sent")
def sent(seen: Pictured, said: Said) -> None:
    assert shootdowns(seen, "sent") == number(said["count"])
    assert shootdowns(seen, "acknowledged") == 0
    dropped(seen, counted(said["dropped"]))


@claim("tlb pictures: acknowledged")
def acknowledged(seen: Pictured, said: Said) -> None:
    assert shootdowns(seen, "sent") == counted(said["sent"])
    assert shootdowns(seen, "acknowledged") == number(said["count"])
    dropped(seen, counted(said["dropped"]))


@claim("tlb pictures: forgotten")
def forgotten(seen: Pictured, said: Said) -> None:
    assert shootdowns(seen, "forgotten") == number(said["count"])
    dropped(seen, counted(said["dropped"]))


def space_of(machine: vm.Machine, name: str) -> Any:
    """What walks the tables that a processor has loaded."""
    if name in machine.tasks:
        return machine.tables_of(name)
    return machine.tables_of(name if name.startswith("domain:") else "")


def leads_elsewhere(machine: vm.Machine, walk: Callable[..., Any], entry: TlbEntryValue) -> bool:
    """Whether a walk leads to another place than what is kept, or allows something else."""
    found = [walk(machine.system.ram, entry.va, "read", user) for user in (False, True)]
    reached = [one for one in found if one.pa is not None]
    if not reached:
        return True
    one = reached[0]
    return (int(one.pa), one.page_size, one.permissions) != (entry.pa, entry.page_size, entry.permissions)


def stale_slots(machine: vm.Machine) -> set[tuple[str, int, int]]:
    """The places whose translation is not what the tables say, as far as walks tell it."""
    found = set()
    for cpu in machine.cpus.value().cpus:
        for slot in cpu.tlb.slots:
            spaces = [cpu.space] if slot.entry.asid in (None, cpu.asid) else [""]
            tables = space_of(machine, spaces[0])
            if spaces[0] and leads_elsewhere(machine, tables.walk_in, slot.entry):
                found.add((cpu.cpu, *slot.entry.place))
    return found


@claim("tlb pictures: stale")
def stale(seen: Pictured, said: Said) -> None:
    """At least those that walks of the spaces find that are loaded; and as many cells and rows are marked.

    A picture of a translation has no row and no cell for each.
    """
    count = number(said["count"])
    assert len(stale_slots(seen.machine)) <= count == sum(len(cpu.tlb.stale) for cpu in seen.machine.cpus.value().cpus)
    if "stale" not in seen.scene.table.header:
        return
    assert len([row for row in seen.rows() if row["stale"] and row["set"]]) == count
    marked = [one for one in seen.nodes("tlb/") if any("≠" in run.text for run in one.text) and one.kind == "slot"]
    assert len(marked) == count or [one for one in seen.scene.nodes if one.kind == "fold"]
    heads = [re.search(r", (\d+) stale$", one.title) for one in seen.scene.nodes if one.id.count("/") == 1]
    assert sum(int(one[1]) for one in heads if one) == count


# ---- one access ----------------------------------------------------------------------------------


def lookups(seen: Pictured, said: Said) -> list[Any]:
    """The events of TLBs about the page: hits, misses, and what was filled."""
    page = number(said["address"]) >> 12
    found = [one for one in seen.operation.events if isinstance(one, (TlbHit, TlbMissed)) and one.va >> 12 == page]
    assert found
    return found


def faults_of(seen: Pictured, said: Said) -> int:
    page = number(said["address"]) >> 12
    return sum(isinstance(one, FaultRaised) and one.va >> 12 == page for one in seen.operation.events)


def frames_of(seen: Pictured, said: Said) -> set[int]:
    """The frames of the address in what TLBs had before, and in what they were filled with."""
    address = number(said["address"])
    filled = [one.entry for one in seen.operation.events if isinstance(one, TlbFilled)]
    entries = [*filled, *kept(seen.before).values()]
    return {one.pa + address - one.va >> 12 for one in entries if one.va <= address < one.va + one.page_size}


@claim("translations: hit")
def the_tlb_had_it(seen: Pictured, said: Said) -> None:
    assert isinstance(lookups(seen, said)[-1], TlbHit)
    assert number(said["frame"]) in frames_of(seen, said)


@claim("translations: stale")
def the_tlb_had_it_otherwise(seen: Pictured, said: Said) -> None:
    the_tlb_had_it(seen, said)
    hit = lookups(seen, said)[-1]
    assert (hit.cpu, hit.set, hit.way) in stale_slots(seen.machine)


@claim("translations: marked")
def it_was_marked(seen: Pictured, said: Said) -> None:
    the_tlb_had_it(seen, said)
    assert lookups(seen, said)[-1].outcome == "clean"


@claim("translations: walked")
def it_was_walked(seen: Pictured, said: Said) -> None:
    assert isinstance(lookups(seen, said)[-1], TlbMissed)
    assert faults_of(seen, said) == 0
    assert number(said["frame"]) in frames_of(seen, said)


@claim("translations: faulted")
def it_came(seen: Pictured, said: Said) -> None:
    assert isinstance(lookups(seen, said)[-1], TlbMissed)
    assert number(said["count"]) == faults_of(seen, said)
    assert number(said["frame"]) in frames_of(seen, said)


@claim("translations: again")
def tried_again(seen: Pictured, said: Said) -> None:
    """After each fault of the access, the processor looked the page up again."""
    faults = [place for place, event in enumerate(seen.operation.events) if isinstance(event, FaultRaised)]
    assert number(said["count"]) <= len(faults) if said.plural else faults
    lookups = [place for place, event in enumerate(seen.operation.events) if isinstance(event, (TlbMissed, TlbHit))]
    assert all(any(place > fault for place in lookups) for fault in faults)


@claim("translations: failed")
def it_failed(seen: Pictured, said: Said) -> None:
    assert seen.operation.outcome != "done"
    assert [one for one in seen.operation.events if isinstance(one, FaultRaised)]


# ---- faults and objects --------------------------------------------------------------------------


@claim("fault strips: none/task")
def no_fault_of_it(seen: Pictured, said: Said) -> None:
    """None of the task's own operations raised one."""
    own = [one for one in seen.machine.journal if one.target == f"task:{said['task']}"]
    assert not [event for one in own for event in one.events if isinstance(event, FaultRaised)]


@claim("fault strips: none")
def no_access(seen: Pictured, said: Said) -> None:
    """No processor met a fault: none looked an address up and found nothing, for a task or a domain."""
    if seen.operation.target.partition(":")[0] not in ("task", "cpu"):
        return
    assert seen.operation.name not in ("read", "write", "touch", "store", "load") or not (
        resident_pages(seen.machine) - resident_pages(seen.before)
    )


@claim("fault strips: other")
def another_operation(seen: Pictured, said: Said) -> None:
    """It raised no fault of a processor."""
    assert not any(isinstance(event, FaultRaised) for event in seen.operation.events)
    assert seen.scene.caption.functions == (seen.operation.name,)
    assert seen.scene.steps.count == 0


@claim("fault strips: other/task")
def another_task_s_operation(seen: Pictured, said: Said) -> None:
    """None of the faults that it raised, if any, are this task's."""
    assert seen.operation.target != f"task:{said['task']}" or not any(
        isinstance(event, FaultRaised) for event in seen.operation.events
    )
    assert seen.scene.steps.count == 0


@claim("fault strips: earlier")
def an_earlier_fault(seen: Pictured, said: Said) -> None:
    """That operation faulted there, by the machine's own count, and none since did."""
    then, latest = number(said["operation"].removeprefix("operation ")), seen.operation.number
    met = seen.machine.at(then).journal[then]
    raised = [event.va for event in met.events if isinstance(event, FaultRaised)]
    assert any(va & ~0xFFF == int(said["page"].replace("_", ""), 16) for va in raised)
    assert said["task"] == "The kernel" or said["task"] in met.target or met.target == "threads"
    try:
        counts = {at: seen.machine.at(at).fault_count for at in (then - 1, then, latest - 1)}
    except vm.Refused as refused:
        raise Gone("the operations before it") from refused
    assert counts[then - 1] < counts[then]
    if isinstance(seen.picture.target, vm.Machine):
        assert counts[then] == counts[latest - 1]


def frames_of_page(seen: Pictured, said: Said) -> tuple[int | None, int | None]:
    """The frame of a task's page before and after the operation, which is a read or a write."""
    if "did" in said:
        assert seen.operation.name == {"read": "read", "wrote": "write"}[said["did"]]
    page = int(said["page"].replace("_", ""), 16)
    pas = [one.tasks[said["task"]].walk(page).pa for one in (seen.before, seen.machine)]
    return tuple(None if pa is None else pa >> 12 for pa in pas)  # type: ignore[return-value]  # two of them


@claim("fault strips: none/how")
def a_first_access_faults(seen: Pictured, said: Said) -> None:
    """It does so in a new machine of this architecture."""
    task = vm.boot(seen.machine.architecture).task("init")
    start = task.mmap("4 KiB")
    count = task.machine.fault_count
    task.read(start)
    assert task.machine.fault_count == count + 1


@claim("fault strips: failed")
def failed_with_a_signal(seen: Pictured, said: Said) -> None:
    """The operation failed, and the task got the signal there, or the kernel's error."""
    operation = seen.operation
    assert operation.name == {"read": "read", "wrote": "write"}[said["did"]]
    assert (operation.target, operation.outcome) == (f"task:{said['task']}", "error")
    signals = [event for event in operation.events if isinstance(event, SignalSent)]
    error = operation.said.partition(":")[0]
    assert said["signal"] == (signals[-1].signal if signals else error)
    assert all(event.address == int(said["address"].replace("_", ""), 16) for event in signals)


@claim("fault strips: copied")
def got_a_copy(seen: Pictured, said: Said) -> None:
    """Its page is in another frame than before, which it may write."""
    before, after = frames_of_page(seen, said)
    assert seen.operation.name == "write"
    assert after not in (None, before)


@claim("fault strips: alike")
def the_same_text(seen: Pictured, said: Said) -> None:
    """The copy begins like the frame that it was copied from, with what was written."""
    (copied,) = (event for event in seen.operation.events if isinstance(event, PageCopied))
    texts = seen.machine.frames.beginnings((copied.source_frame, copied.frame))
    assert len({text.partition(b"\0")[0][:8] for text in texts.values()}) == 1
    given = dict(seen.operation.arguments)
    at, written = int(given["address"]) % vm.PAGE, bytes(given["data"])
    assert all(text[at : at + len(written)] == written for text in texts.values())


@claim("fault strips: alone")
def needed_no_copy(seen: Pictured, said: Said) -> None:
    """It kept its frame."""
    before, after = frames_of_page(seen, said)
    assert None is not after == before


@claim("fault strips: taken")
def got_a_frame(seen: Pictured, said: Said) -> None:
    """It was not mapped, and is in that frame."""
    before, after = frames_of_page(seen, said)
    assert before != after == int(said["frame"], 16)


@claim("fault strips: there")
def was_in_memory(seen: Pictured, said: Said) -> None:
    """It has a frame."""
    assert frames_of_page(seen, said)[1] is not None


@claim("fault strips: several")
def faulted_often(seen: Pictured, said: Said) -> None:
    """So many faults, by the machine's own count, and all are the task's."""
    assert seen.operation.name == {"read": "read", "wrote": "write"}[said["did"]]
    assert seen.operation.target == f"task:{said['task']}"
    at = seen.operation.number
    counts = [seen.machine.at(one).fault_count for one in (at - 1, at)]
    assert (counts[1] - counts[0], said) == (counted(said["faults"]), said)


def resident_pages(machine: vm.Machine) -> set[tuple[str, int]]:
    """The pages of memory objects that are in memory."""
    return {(name, page) for name, one in machine.memory_objects.value().objects.items() for page in one.pages}


def backed(seen: Pictured, *tasks: str) -> list[Any]:
    """Entries of tasks that map a memory object."""
    found = [one for name in tasks for one in seen.machine.tasks[name].map.entries()]
    return [one for one in found if one.object]


@claim("object pictures: none")
def nothing_mapped(seen: Pictured, said: Said) -> None:
    assert backed(seen, *seen.machine.tasks) == []


@claim("object pictures: once")
def each_frame_is_drawn_once(seen: Pictured, said: Said) -> None:
    pages = [one for one in seen.scene.nodes if one.kind == "page" and one.thing.startswith("frame:")]
    coloured = [one.thing for one in pages if "echo" not in one.state]
    assert len({*coloured}) == len(coloured)
    assert {one.thing for one in pages} == {*coloured}, "a pale one is somewhere in colour"
    assert seen.machine.system.fork == "counted"


@claim("object pictures: none/task")
def nothing_of_a_task(seen: Pictured, said: Said) -> None:
    assert backed(seen, said["task"]) == []
    assert seen.picture.target is seen.machine.tasks[said["task"]] or seen.picture.target.name == said["task"]


def places_in_chains(seen: Pictured, task: str) -> list[tuple[int, Counter[str]]]:
    """For each mapping of a task: the objects of its chain, and how many of its pages each has first."""
    objects, found = seen.machine.memory_objects.value().objects, []
    for entry in backed(seen, task):
        chain = [str(entry.object)]
        while objects[chain[-1]].shadow:
            chain.append(objects[chain[-1]].shadow)
        first = int(entry.offset) >> 12
        where: Counter[str] = Counter()
        for page in range(first, first + (int(entry.size) >> 12)):
            has = [name for name in chain if page in objects[name].pages or page in objects[name].swapped]
            where.update(has[:1])
        found.append((len(chain), where))
    return found


@claim("object pictures: copied")
def has_a_copy(seen: Pictured, said: Said) -> None:
    """The page's frame was allocated by the operation, and the object has the page of the only task that maps it."""
    (page, where), index = (said["page"], said["where"]), number(said["page"])
    objects = seen.machine.memory_objects.value().objects
    before = seen.machine.at(seen.operation.number - 1).memory_objects.value().objects
    frame = objects[where].pages[index]
    assert where not in before or before[where].pages.get(index) != frame, page
    assert not any(frame in one.pages.values() for name, one in objects.items() if name != where)
    assert [name for name in seen.machine.tasks for one in backed(seen, name) if str(one.object) == where] == [
        said["task"]
    ]


@claim("object pictures: depth")
def pages_in_a_chain(seen: Pictured, said: Said) -> None:
    """The object has most of the pages that the task sees through its longest chain; no task has a longer one."""
    deep = max(length for task in seen.machine.tasks for length, _ in places_in_chains(seen, task))
    chains = [where for length, where in places_in_chains(seen, said["task"]) if length == deep]
    count, found = (number(said["count"]), number(said["found"])) if said.plural else (1, 1)
    assert [where for where in chains if where.total() == count and where[said["where"]] == found]
    assert found == max(max(where.values(), default=0) for where in chains if where.total() == count)


@claim("object pictures: depth/none")
def no_page_in_a_chain(seen: Pictured, said: Said) -> None:
    assert 0 in [where.total() for _, where in places_in_chains(seen, said["task"])]


@claim("object pictures: search")
def objects_of_the_longest_chain(seen: Pictured, said: Said) -> None:
    lengths = {task: [length for length, _ in places_in_chains(seen, task)] for task in seen.machine.tasks}
    assert number(said["objects"]) == max(lengths[said["task"]])
    assert number(said["objects"]) == max(max(those, default=0) for those in lengths.values())


@claim("object pictures: shadows")
def objects_that_are_shadows(seen: Pictured, said: Said) -> None:
    objects = seen.machine.memory_objects.value().objects
    assert sum(bool(one.shadow) for one in objects.values()) == number(said["count"])
    assert len(objects) == counted(said["of"])
