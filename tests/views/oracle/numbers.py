"""What pictures count, order and colour, held against walks, values and the structures themselves."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import vmwidgets as vm
from vmwidgets import events as ev
from vmwidgets.engine.base.units import Address, binary_size
from vmwidgets.engine.machine.kept.copies import NoCopy

from .claiming import counts
from .pictured import Pictured
from .reading import entries_of, number, owned_by, translations
from .steps import Gone

# ---- TLBs ----------------------------------------------------------------------------------------


def head_of(seen: Pictured, cpu: str) -> str:
    """What is said of a processor at its head."""
    return seen.node(f"tlb/{cpu}").title


def processors(seen: Pictured) -> tuple[Any, ...]:
    """The values of all processors."""
    found: tuple[Any, ...] = seen.machine.cpus.value().cpus
    return found


@counts("tlb")
def stale_of_each_processor(seen: Pictured) -> None:
    """The head of each counts its stale translations: those that differ from a walk; and so many rows say why."""
    for cpu in processors(seen):
        match = re.search(r", (\d+) stale$", head_of(seen, cpu.cpu))
        stale = [row for row in seen.rows() if row["cpu"] == cpu.cpu and row["set"] and row["stale"]]
        assert (int(match[1]) if match else 0) == len(stale) == len([one for one in cpu.tlb.slots if one.stale])
        assert ("fault" in seen.node(f"tlb/{cpu.cpu}").state) == bool(stale)


@counts("tlb")
def kept_and_reach(seen: Pictured) -> None:
    """How many are kept, of how many, and the bytes that they reach."""
    for cpu in processors(seen):
        entries = [slot.entry for slot in cpu.tlb.slots]
        kept = f"{len(entries):,} of {cpu.tlb.sets * cpu.tlb.ways:,} cached, reach "
        assert kept + binary_size(sum(one.page_size for one in entries)) in head_of(seen, cpu.cpu)
        rows = [row for row in seen.rows() if row["cpu"] == cpu.cpu and row["set"]]
        assert [(int(row["set"]), int(row["way"])) for row in rows] == [one.place for one in entries]


@counts("tlb")
def hits_since_boot(seen: Pictured) -> None:
    hits, misses = (sum(getattr(cpu.tlb, name) for cpu in processors(seen)) for name in ("hits", "misses"))
    match = re.search(r"([\d,]+) hits? and ([\d,]+) miss", seen.scene.subtitle)
    assert match is not None and (number(match[1]), number(match[2])) == (hits, misses)


@counts("tlb")
def who_asked(seen: Pictured) -> None:
    """A flush that waits was asked for by another processor, which is named in the table and in the drawing."""
    for cpu in processors(seen):
        rows = [row["stale"] for row in seen.rows() if row["cpu"] == cpu.cpu and row["stale"].startswith("waits")]
        senders = [one.rpartition(", by ")[2] for one in rows]
        assert senders == [one.sender for one in cpu.pending]
        assert cpu.cpu not in senders


@counts("tlb")
def ages(seen: Pictured) -> None:
    """In each set, each age is there once: the place in the order of use."""
    of_sets: dict[tuple[str, str], list[int]] = {}
    for row in seen.rows():
        if row["set"]:
            of_sets.setdefault((row["cpu"], row["set"]), []).append(int(row["age"]))
    assert all(sorted(found) == list(range(len(found))) for found in of_sets.values())


# ---- memory objects ------------------------------------------------------------------------------


def seen_frames(machine: vm.Machine) -> Counter[int]:
    """By frame, how many entries of maps lead to it, through an object and those behind it."""
    value = machine.memory_objects.value()
    found: Counter[int] = Counter()
    for path in ("kernel_map", *(f"task:{name}/map" for name in machine.tasks)):
        try:
            entries = entries_of(machine.part(path))
        except vm.Refused:
            continue
        for one in entries:
            if one.object not in value.objects:
                continue
            chain = [value.objects[name] for name in value.chain(one.object)]
            for page in range(one.offset >> 12, (one.offset + one.end - one.start) >> 12):
                holder = next((each for each in chain if page in each.pages or page in each.swapped), None)
                if holder is not None and page in holder.pages:
                    found[holder.pages[page]] += 1
    return found


@counts("objects")
def objects_and_pages(seen: Pictured) -> None:
    """Objects; frames that entries lead to, those that several lead to; slots of swap space in use."""
    value, frames = seen.machine.memory_objects.value(), seen_frames(seen.machine)
    words = seen.scene.subtitle.split(" · ")
    match = re.fullmatch(r"([\d,]+) pages? seen by entries, ([\d,]+) by several", words[1])
    assert number(words[0].split()[0]) == len(value.objects)
    assert match is not None
    assert number(match[1]) == len(frames)
    assert number(match[2]) == sum(many > 1 for many in frames.values())
    slots = {slot for one in value.objects.values() for slot in one.swapped.values()}
    assert len(words) == 2 + bool(value.swap)
    if value.swap:
        assert words[2] == f"{len(slots):,} of {value.swap:,} slots of swap space used"


@counts("objects")
def pages_that_are_shared(seen: Pictured) -> None:
    """A cell of a mapping is round where several entries lead to its frame, and says how many."""
    frames = seen_frames(seen.machine)
    for one in seen.nodes("mapping/"):
        if one.kind == "page" and one.thing.startswith("frame:"):
            many = frames[int(one.thing.removeprefix("frame:"))]
            assert (one.shape == "round") == (many > 1)
            assert (f"seen by {many} mappings" in one.title) == (many > 1)


@counts("objects")
def references_of_objects(seen: Pictured) -> None:
    """Entries, shadows and the file."""
    value = seen.machine.memory_objects.value()
    mapped = Counter(fields[3] for those in value.entries.values() for fields in those.values())
    shadows = Counter(one.shadow for one in value.objects.values())
    for row in seen.rows():
        name = next((one for one in value.objects if one == row["object"]), None)
        if name is not None:
            wanted = mapped[name] + shadows[name] + (value.objects[name].kind == "file")
            assert int(row["references"]) == wanted


@counts("objects")
def references_are_the_machines(seen: Pictured) -> None:
    """The table's are those that the kernel counts, and decides by."""
    objects: Any = seen.machine.system.task_memory.objects
    for row in seen.rows():
        if row["object"] in objects:
            assert int(row["references"]) == objects[row["object"]].references


@counts("objects")
def new_is_what_took_a_frame(seen: Pictured) -> None:
    """A page in a frame that no page was in is marked as new, and none that stayed in its frame."""
    before = {frame for one in seen.before.memory_objects.value().objects.values() for frame in one.pages.values()}
    cells = [one for one in seen.nodes("object/") if one.kind == "page" and one.thing.startswith("frame:")]
    frames = {int(one.thing.removeprefix("frame:")): "new" in one.state for one in cells}
    assert all(is_new for frame, is_new in frames.items() if frame not in before)
    if not any(isinstance(event, ev.PageFreed) for event in seen.operation.events):  # else one may be taken again
        assert not any(is_new for frame, is_new in frames.items() if frame in before)


@counts("sharing")
def frames_of_tasks(seen: Pictured) -> None:
    """Each frame that a user's walk reaches counts for all tasks whose walks reach it, as their own or as shared."""
    users: dict[str, set[str]] = {}
    for row in seen.rows():
        task = seen.machine.tasks[row["task"]]
        assert task.walk(number(row["address"])).pa is not None
        users.setdefault(row["frame"], set()).add(row["task"])
    assert number(seen.scene.subtitle.split()[0]) == len(users)
    said = {}
    for one in seen.nodes("sharing/has/"):
        name, _, words = one.title.partition(": ")
        said[name] = [number(count) for count in re.findall(r"([\d,]+) (?:frames? of|shared)", words)]
    wanted = {name: [0, 0] for those in users.values() for name in those}
    for those in users.values():
        for name in those:
            wanted[name][len(those) > 1] += 1
    assert {name: counts for name, counts in said.items() if counts != [0, 0]} == wanted


@counts("tables")
def tables_that_the_operation_made(seen: Pictured) -> None:
    """Those to which a walk comes now, and none came before, are counted; those of them that are open are marked."""
    match = re.search(r"([\d,]+) new tables?$", seen.scene.subtitle)
    open_tables = [one for one in seen.scene.nodes if one.kind == "table"]
    marked = {one.id for one in open_tables if "new" in one.state}
    name = getattr(seen.picture.target, "name", "") if seen.picture.target is not seen.machine else ""
    if seen.operation.name == "task" or (name and name not in seen.before.tasks):
        return
    reached = []
    for machine in (seen.before, seen.machine):
        walk = machine.tasks[name].walk if name else machine.walk
        places = [int(one.id.rpartition("/")[2], 16) for one in open_tables]
        reached.append({step.table for place in places for step in walk(place).steps})
    new = reached[1] - reached[0]
    assert {f"table:{pa:x}" for pa in new} >= {one.thing for one in open_tables if one.id in marked}
    assert len(marked) <= (number(match[1]) if match else 0)
    assert {one.thing for one in open_tables if one.id not in marked}.isdisjoint(f"table:{pa:x}" for pa in new)


# ---- threads -------------------------------------------------------------------------------------


@counts("threads")
def clock_and_states(seen: Pictured) -> None:
    value = seen.machine.threads.value()
    states = Counter(one.state for one in value.threads)
    wanted = [f"tick {seen.machine.threads.ticks:,} of the clock, {value.hz:,} a second"]
    for many, words in (
        (states["running"] + states["ready"], "can continue"),
        (states["asleep"], "asleep"),
        (states["returned"] + states["failed"], "done"),
    ):
        wanted += [f"{many:,} {words}"] if many else []
    assert seen.scene.subtitle.split(" · ") == (wanted if len(wanted) > 1 else [*wanted, "no threads yet"])


@counts("threads")
def order_of_those_ready(seen: Pictured) -> None:
    """Cards stand in the order in which they will run."""
    value = seen.machine.threads.value()
    cards = [one for one in seen.nodes("thread/") if one.lane == "ready"]
    names = [one.id.removeprefix("thread/") for one in sorted(cards, key=lambda one: one.x)]
    ready = [name for name in names if name in value.ready]
    assert ready == [*value.ready][: len(ready)]


@counts("threads")
def who_holds_what(seen: Pictured) -> None:
    value = seen.machine.threads.value()
    holders = dict(value.locks)
    for row in seen.rows():
        one = next((each for each in value.threads if (each.name or "the cell") == row["thread"]), None)
        if one is not None and one.kind == "lock" and one.state == "asleep":
            holder = holders.get(one.subject, holders.get(f"kmem/{one.subject}"))
            assert row["held by"] == ("" if holder is None else holder or "the cell")


# ---- page replacement ----------------------------------------------------------------------------


def is_referenced(machine: vm.Machine, places: list[tuple[str, int]]) -> bool:
    """Whether a descriptor that leads there has the reference bit."""
    mask = {"x86-64": 1 << 5, "riscv-sv39": 1 << 6}[machine.architecture]
    return any(int(machine.tasks[name].walk(va).steps[-1].value) & mask for name, va in places)


@counts("clock")
def bits_and_other_mappings(seen: Pictured) -> None:
    """R is that of the descriptors that lead to the frame; "used" is said for R; "+n" counts the others."""
    machine, places = seen.machine, translations(seen.machine)
    if machine.standing_edits:
        return
    cards = {one.thing.removeprefix("frame:"): one for one in seen.nodes("clock/") if one.kind == "ring-page"}
    for row in seen.rows():
        frame = number(row["frame"])
        there = places.get(frame, [])
        others = max(0, len(there) - 1)
        card = cards.get(str(frame))
        if not there:
            assert row["page"] == "mapped nowhere"
            continue
        task, va = row["page"].rsplit(" ", 1)
        assert (task, number(va)) in there
        if card is not None:
            whose, page = f"{task}{f' +{others}' if others else ''}", row["of"].partition(" of ")[0]
            assert card.text[0].text in (row["of"], page)
            assert f" of {whose}, {page} of " in card.title
            assert any(run.text.startswith(f"R is {row['R']}") for run in card.text)
        if machine.architecture in ("x86-64", "riscv-sv39"):
            assert row["R"] == f"{is_referenced(machine, there):d}"


@counts("clock")
def dirty_pages(seen: Pictured) -> None:
    """A machine that is made like this one writes a page that leaves if it has D, and drops it otherwise."""
    if seen.machine.standing_edits:
        return
    machine = twin(seen.machine)
    memory, raw = machine.system.task_memory, list[Any]()
    machine.system.recorder.emit = raw.append
    for row in seen.rows():
        frame = number(row["frame"])
        page = memory.pages[frame]
        assert row["D"] == f"{memory.dirty(page):d}"
        if (
            not memory.swap.is_full
        ):  # else a copy is given up for it, and the page that this is of is dirty from then on
            memory.page_out(page.owner, page.index)
        went = [one[4] for one in raw if one[0] == "PageOut" and one[3] == frame]
        assert all((to != "nowhere") == (row["D"] == "1") for to in went)


@counts("clock")
def pages_of_the_ring(seen: Pictured) -> None:
    """Each frame holds the page that the row names; as many are counted."""
    objects = seen.machine.memory_objects.value().objects
    for row in seen.rows():
        page, _, name = row["of"].removeprefix("page ").partition(" of ")
        if name in objects:
            assert objects[name].pages.get(int(page)) == number(row["frame"])
    assert seen.scene.subtitle.endswith(f" · {len(seen.rows()):,} frame{'' if len(seen.rows()) == 1 else 's'}")
    asked = [int(row.get("checked") or row.get("brought in", "")) for row in seen.rows()]
    assert asked == list(range(1, len(asked) + 1))


@counts("clock")
def who_goes_first(seen: Pictured) -> None:
    """A machine that is made like this one sends pages away in the order of the rows, as far as they may go."""
    machine = seen.machine
    policy = machine.replacement.policy.removesuffix(", local")
    rows = [number(row["frame"]) for row in seen.rows()]
    if len(rows) < 2 or policy not in ("fifo", "lru", "opt", "aging", "nru", "clock", "second chance"):
        return
    referenced = {number(row["frame"]) for row in seen.rows() if row["R"] == "1"}
    if policy in ("clock", "second chance"):
        rows = [one for one in rows if one not in referenced] + [one for one in rows if one in referenced]
    memory = twin(machine).system.task_memory
    ring = next(one for one in memory.rings.rings.values() if {page.frame for page in one.queue} == set(rows))
    able = [page for frame in rows if memory.may_go(page := memory.pages[frame])]
    first = next(iter(ring.candidates(memory)), None)
    assert first == (able[0] if able else None)


@counts("clock")
def which_ring_gives_a_page(seen: Pictured) -> None:
    """Where each task has a ring, the one that is drawn has most pages, and gives a page to a task without any."""
    value = seen.machine.replacement.value()
    if len(value.rings) < 2 or "" in value.rings:
        return
    drawn = {number(row["frame"]) for row in seen.rows()}
    assert len(drawn) == max(one.count for one in value.rings.values())
    memory = twin(seen.machine).system.task_memory
    try:
        first = next(iter(memory.rings.candidates("nobody", memory, own_only=False)), None)
    except KeyError as error:
        raise Gone("the learner's function that chooses") from error
    largest = [{page.frame for page in one.pages} for one in value.rings.values() if len(one.pages) == len(drawn)]
    able = [frame for frame in drawn if memory.may_go(memory.pages[frame])]
    assert not able or (first is not None and any(first.frame in frames for frames in largest))


@counts("clock")
def shares(seen: Pictured) -> None:
    """With local replacement, a task asks for its own pages from an equal share of the frames on, and not before."""
    rings = seen.machine.system.task_memory.rings
    if not rings.replacement.local:
        return
    sharing = [name for name, many in rings.counts.items() if many and name]
    for name in sharing:
        if name in rings.limits:
            continue
        free = 10 * len(sharing)
        share = (sum(rings.counts.values()) + free) // len(sharing)
        room = share - rings.counts[name]
        assert not rings.is_full(name, free, room) or room < 1
        assert rings.is_full(name, free, room + 1)


def twin(machine: vm.Machine) -> vm.Machine:
    """A machine that is like this one, for what changes it."""
    try:
        made: vm.Machine = machine.history._make(machine.system.copy(), "twin")
    except (KeyError, NoCopy) as error:  # it goes by a function of a learner's, or a thread sleeps
        raise Gone("a twin") from error
    return made


# ---- frames --------------------------------------------------------------------------------------


@counts("frames")
def frames_by_state(seen: Pictured) -> None:
    """The counts are those of the frames, one by one."""
    value = seen.machine.frames.value(whole=10**6)
    by_state: Counter[str] = Counter()
    by_owner: Counter[str] = Counter()
    wired = 0
    for run in value.runs:
        by_state[run.state] += run.frames
        wired += run.frames * run.wired
        if run.state == "used":
            by_owner[owned_by(run.owner)] += run.frames
    free = by_state["free"] + by_state["pooled"] + by_state["zeroed"]
    wanted = {"free": free, "zeroed": by_state["zeroed"], "cached": by_state["cached"], "used": by_state["used"]}
    wanted["total"] = free + by_state["cached"] + by_state["used"]
    rows = {row["what"]: row["pages"] for row in seen.rows() if not row["from"]}
    assert {name: number(rows[name]) for name in wanted} == wanted
    assert f"{wanted['total']:,} frames" in seen.scene.subtitle
    if seen.nodes("frames/reserves"):
        assert seen.node("frames/reserves").title.startswith(f"{free + by_state['cached']:,} page")
    owners = {name.removeprefix("owner "): number(many) for name, many in rows.items() if name.startswith("owner ")}
    assert all(by_owner[name] == many for name, many in owners.items())
    orders = {int(name.rsplit(" ", 1)[1]): number(many) for name, many in rows.items() if "blocks of order" in name}
    blocks = sum(many << order for order, many in orders.items())
    assert blocks == by_state["free"]


@counts("frames")
def parts_of_frames(seen: Pictured) -> None:
    """The parts of the bar are all frames together, and the names below have their numbers and colours."""
    sizes = {one.id.removeprefix("frames/part/"): number(one.title.rpartition(": ")[2].split(", ")[0])
             for one in seen.nodes("frames/part/")}  # fmt: skip  # the number of frames of each part
    rows = {row["what"]: row["pages"] for row in seen.rows() if not row["from"]}
    assert not sizes or sum(sizes.values()) == number(rows["total"])
    kinds = {one.id.removeprefix("frames/part/"): one.state for one in seen.nodes("frames/part/")}
    for name in seen.nodes("frames/owner/"):
        part = name.id.removeprefix("frames/owner/")
        if part in sizes:
            assert f"{part}: {sizes[part]:,} frame" in name.title
            look = name.bars[0].style.removeprefix("own-")
            assert look == "cached" or f"is-{look}" in kinds[part]
        elif part == "wired":
            assert number(name.title.rpartition("wired: ")[2].split()[0]) == number(rows["wired"])


# ---- slabs, the kentry area, maps ----------------------------------------------------------------


@counts("slabs")
def buffers_of_caches(seen: Pictured) -> None:
    """A cache's objects are the buffers of its slabs that are not free."""
    caches = {one.name: one for one in seen.machine.caches.value(most=10**6).caches}
    total = held = 0
    for one in caches.values():
        total += sum(slab.buffers - len(slab.free) for slab in one.slabs)
        held += len(one.slabs) * one.slab_size
    in_use = sum(bool(one.slabs) for one in caches.values())
    assert seen.scene.subtitle.startswith(f"{in_use} in use, {total:,} objects in {binary_size(held)} of slabs")
    for row in seen.rows():
        if row["cache"] in caches and row["objects"]:
            one = caches[row["cache"]]
            assert number(row["objects"]) == sum(slab.buffers - len(slab.free) for slab in one.slabs)
            assert number(row["slabs"]) == len(one.slabs)


@counts("kentry")
def slots_of_the_area(seen: Pictured) -> None:
    """Slabs with a page, and slots that entries of the kernel map are in."""
    contents = seen.machine.kentry.contents(most=10**6)
    match = re.search(r"([\d,]+) of ([\d,]+) slabs in use", seen.scene.subtitle)
    assert match is not None
    assert (number(match[1]), number(match[2])) == (len(contents.slabs), contents.area.slabs)
    for slab in contents.slabs:
        index = (slab.address - contents.area.start) // contents.area.slab_size
        titles = [one for one in seen.scene.nodes if one.id == f"kentry/{index}/title"]
        if titles:
            words = f"{slab.buffers - len(slab.free)} of {slab.buffers} slots in use"
            assert words in " ".join(run.text for run in titles[0].text)
    ids = {one.id for one in seen.machine.kernel_map.entries()}
    assert {int(row["entry"]) for row in seen.rows() if row["entry"] != "next"} <= ids
    following = {number(row["address"]) for row in seen.rows() if row["entry"] == "next"}
    assert following <= {slab.free[0] for slab in contents.slabs if slab.free}


@counts("map", "task")
def entries_of_the_map(seen: Pictured) -> None:
    """So many entries, and the bytes that they take; each row has the rights of its entry."""
    found = entries_of(seen.picture.target)
    match = re.search(r"([\d,]+) entr(?:y|ies) · (.*?) mapped", seen.scene.subtitle)
    assert match is not None
    assert number(match[1]) == len(found)
    assert match[2] == binary_size(sum(one.end - one.start for one in found))
    by_start = {str(Address(one.start)): one for one in found}
    for row in seen.rows():
        one = by_start.get(row["start"])
        if one is not None:
            assert (row["prot"], row["max"], row["inherit"]) == (one.prot, one.max_prot, one.inherit)
            assert number(row["end"]) == one.end


@counts("walk")
def steps_of_the_walk(seen: Pictured) -> None:
    """Each row has a word of memory, read where the one before leads to."""
    ram = seen.machine.system.ram
    picture: Any = seen.picture
    width = seen.machine.tables_of(picture._task)._pmap.fmt.entry_width
    for row in [one for one in seen.rows() if one["index"] and one["descriptor"]]:
        address = number(row["at"]) + int(row["index"]) * width
        assert ram.read_word(address, width) == number(row["descriptor"])
