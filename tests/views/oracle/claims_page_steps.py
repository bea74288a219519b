"""What steps claim of pages: of kernel memory, of files, and of the page daemon; and what handlers do."""

from __future__ import annotations

from typing import Any

import vmwidgets as vm
from tests.captions import says
from vmwidgets.engine.base.scripts import Action
from vmwidgets.engine.memory.pages_schema import FrameRun, PageCounts

from .claiming import Said, claim
from .claims_kmem_steps import owner
from .reading import PAGE, bytes_of, bytes_of_given, ends, number, path_called
from .steps import Gone, StepSeen, Then, before_processors, earlier_steps

# ---- what frames are -----------------------------------------------------------------------------


def counts(then: Then) -> PageCounts:
    """How many pages are what."""
    found: PageCounts = then.value("frames").counts
    return found


def run(then: Then, frame: int) -> FrameRun:
    """The run that a frame is in."""
    (found,) = [one for one in then.value("frames").runs if one.first <= frame < one.first + one.frames]
    return found  # type: ignore[no-any-return]  # a value is of any kind


def of_state(then: Then, state: str) -> set[int]:
    """The frames that are in a state."""
    runs = [one for one in then.value("frames").runs if one.state == state]
    return {frame for one in runs for frame in range(one.first, one.first + one.frames)}


def of_owner(then: Then, name: str) -> set[int]:
    """The frames that somebody has."""
    runs = [one for one in then.value("frames").runs if one.state == "used" and one.owner == name]
    return {frame for one in runs for frame in range(one.first, one.first + one.frames)}


def free(then: Then) -> set[int]:
    """All frames that nobody has."""
    return {frame for state in ("free", "pooled", "zeroed") for frame in of_state(then, state)}


def pages_of(machine: vm.Machine, name: str) -> dict[int, int]:
    """By number, the frames of the pages that an object of the kernel has."""
    return {page.index: frame for frame, page in machine.system.kmem.pages.in_use.items() if page.owner.name == name}


def zeroes(seen: StepSeen, frame: int) -> bool:
    """Whether a frame holds zeroes after the operation."""
    return seen.machine.system.ram.read(frame * PAGE, PAGE) == bytes(PAGE)


# ---- pages that are granted ----------------------------------------------------------------------


RESERVES = {"NORMAL": "free_reserved", "SYSTEM": "interrupt_free_min", "INTERRUPT": ""}
"""What each class of request has to leave available."""


def granted(seen: StepSeen, said: Said, *, wired: bool, zeroed: bool | None) -> None:
    """The frame was free, is the object's page now, and was allowed to the class; zeroed: from those filled before."""
    frame, page, name = number(said["frame"]), number(said["page"]), said["object"]
    assert frame in free(seen.before) | of_state(seen.before, "cached")
    found = run(seen.then, frame)
    assert (found.state, found.owner, found.wired) == ("used", name, wired)
    if zeroed is not None:
        assert (frame in of_state(seen.before, "zeroed")) == zeroed
    reserve = RESERVES[said["page_class"]]
    assert counts(seen.before).available > (getattr(counts(seen.before), reserve) if reserve else 0)
    kept = pages_of(seen.machine, name)
    assert kept.get(page, frame) == frame or frame not in kept.values(), "else it has come and gone"
    if frame in kept.values():
        assert kept[page] == frame


@claim("kmem events: PageGranted")
def page_granted(seen: StepSeen, said: Said) -> None:
    granted(seen, said, wired=False, zeroed=None)


@claim("kmem events: PageGranted/zeroed")
def page_granted_zeroed(seen: StepSeen, said: Said) -> None:
    granted(seen, said, wired=False, zeroed=True)


@claim("kmem events: PageGranted/cleared")
def page_granted_cleared(seen: StepSeen, said: Said) -> None:
    granted(seen, said, wired=False, zeroed=False)
    assert zeroes(seen, number(said["frame"])) or seen.moment.operation.name in ("write", "store")


@claim("kmem events: PageGranted/wired")
def page_granted_wired(seen: StepSeen, said: Said) -> None:
    granted(seen, said, wired=True, zeroed=None)


@claim("kmem events: PageGranted/wired zeroed")
def page_granted_wired_zeroed(seen: StepSeen, said: Said) -> None:
    granted(seen, said, wired=True, zeroed=True)


@claim("kmem events: PageGranted/wired cleared")
def page_granted_wired_cleared(seen: StepSeen, said: Said) -> None:
    granted(seen, said, wired=True, zeroed=False)
    assert zeroes(seen, number(said["frame"]))


def more(seen: StepSeen, said: Said) -> set[int]:
    """As many frames more are used now, all of one owner, who got the last ones before too; they."""
    taken = free(seen.before) | of_state(seen.before, "cached")
    found = {frame for frame in taken if run(seen.then, frame).state == "used"}
    assert len(found) == number(said["count"])
    (name,) = {run(seen.then, frame).owner for frame in found}
    earlier = {run(seen.before, frame).owner for frame in of_owner(seen.before, name)}
    assert earlier == {name}
    return found


@claim("kmem events: PageGranted/more")
def more_pages(seen: StepSeen, said: Said) -> None:
    more(seen, said)


@claim("kmem events: PageGranted/more cleared")
def more_pages_cleared(seen: StepSeen, said: Said) -> None:
    found = more(seen, said) - of_state(seen.before, "zeroed")
    assert len(found) == (number(said["cleared"]) if said.plural else 1)
    assert all(zeroes(seen, frame) for frame in found)


@claim("kmem events: PageCleared")
def page_cleared(seen: StepSeen, said: Said) -> None:
    frame = number(said["frame"])
    assert run(seen.then, frame).state == "used"
    assert zeroes(seen, frame)


@claim("kmem events: PageDenied")
def page_denied(seen: StepSeen, said: Said) -> None:
    found, reserve = counts(seen.then), RESERVES[said["page_class"]]
    assert found.available <= (getattr(found, reserve) if reserve else 0)
    assert found.deficit == counts(seen.before).deficit + 1 or found.deficit <= 1, "the daemon forgets it"


# ---- pages that go -------------------------------------------------------------------------------


def released(seen: StepSeen, said: Said, *, falling: bool, unwired: bool) -> None:
    """As many pages of the object are free; if there are several, in that order; and whether they were wired before."""
    name = said["object"]
    gone = of_owner(seen.before, name) & free(seen.then)
    assert len(gone) == number(said["count"])
    assert all(run(seen.before, frame).wired == unwired for frame in gone)
    if not said.plural:
        return
    places = {frame: page for page, frame in pages_of(seen.started, name).items()}
    half = Then(seen.now, seen.moment.at((seen.place + seen.step.index + 1) // 2))
    early, late = gone & free(half), gone - free(half)
    numbers = [places[frame] for frame in gone if frame in places]
    if early <= places.keys() and late <= places.keys() and early and late and numbers:
        first, second = {places[one] for one in early}, {places[one] for one in late}
        assert min(first) > max(second) if falling else max(first) < min(second)


@claim("kmem events: PageReleased")
def released_as_they_lie(seen: StepSeen, said: Said) -> None:
    released(seen, said, falling=False, unwired=False)


@claim("kmem events: PageReleased/unwired")
def released_from_above(seen: StepSeen, said: Said) -> None:
    released(seen, said, falling=True, unwired=True)


@claim("kmem events: PageUnwired")
def unwired(seen: StepSeen, said: Said) -> None:
    was, now = seen.before.wirings, seen.then.wirings
    fewer = {frame for frame, count in was.items() if now.get(frame, 0) < count}
    assert len(fewer) == number(said["count"])
    assert all(now.get(frame, 0) == was[frame] - 1 for frame in fewer)


@claim("kmem events: PageZeroed")
def zeroed_ahead(seen: StepSeen, said: Said) -> None:
    """Each was set apart for that just before, in a step of its own."""
    earlier = earlier_steps(seen, 2)[-1]
    new = of_state(seen.then, "zeroed") - of_state(earlier, "zeroed")
    assert len(new) == number(said["count"])
    later = of_state(seen.then, "zeroed") & free(Then(seen.now, seen.moment.at(None)))
    assert all(zeroes(seen, frame) for frame in new & later)


# ---- page tables and objects ---------------------------------------------------------------------


def leads_to(seen: StepSeen, then: Then, address: int) -> int | None:
    """The frame that the kernel's page tables lead to at an address, as they were."""
    tables = seen.machine.tables_of("")
    pa = tables.walk_in(tables.memory_with(then.words), address, "read", False).pa
    return None if pa is None else int(pa) >> 12


@claim("kmem events: TranslationEntered")
def translations_entered(seen: StepSeen, said: Said) -> None:
    first, many = number(said["address"]), number(said["count"])
    places = range(first, first + many * PAGE, PAGE)
    if seen.machine.standing_edits:
        return  # a descriptor above that was changed by hand can keep walks away
    assert all(leads_to(seen, seen.then, page) is not None for page in places)
    before = before_processors(seen)  # what TLBs drop for it is told before
    new = [page for page in places if leads_to(seen, before, page) != leads_to(seen, seen.then, page)]
    operation = seen.moment.operation
    is_known = not operation.truncated  # else the descriptors may have been written before the first event that is kept
    assert len(new) == many or not is_known or operation.name in ("wire", "read", "write", "store", "load")


@claim("kmem events: TranslationsRemoved")
def translations_removed(seen: StepSeen, said: Said) -> None:
    first, last = ends(said["range"])
    some = {first, last - PAGE, *range(first, last, max(PAGE, (last - first) // 16 & -PAGE))}
    assert [page for page in some if leads_to(seen, seen.then, page) is not None] == []


@claim("kmem events: ObjectCreated")
def object_created(seen: StepSeen, said: Said) -> None:
    """Which entry it is, the rows say at the next change of an entry; none had the object before."""
    assert said["object"] not in objects(seen.before)
    assert said["object"].startswith("anon")
    places = range(seen.step.index + 1, min(seen.step.index + 6, len(seen.moment.events)) + 1)
    assert any(said["object"] in objects(Then(seen.now, seen.moment.at(place))) for place in places)


def objects(then: Then) -> set[str]:
    """The objects that entries of the kernel's maps have."""
    maps = [one.map for one in then.value("maps").all()]
    return {str(entry.object) for one in maps for entry in one.entries if entry.object is not None}


@claim("kmem events: PteWritten")
def descriptors_written(seen: StepSeen, said: Said) -> None:
    before, after = seen.before.words, seen.then.words
    places = {place for place in before if seen.before.word(place) != seen.then.word(place)} | (
        before.keys() - after.keys()
    )
    assert len(places) <= number(said["count"])
    spaces: list[Any] = [None, *seen.machine.tasks, *(f"domain:{name}" for name in seen.machine.domains)]
    walked: set[int] = set()
    reached: set[tuple[int, bool]] = set()
    for one in spaces:
        tables = seen.machine.tables_of(one or "")
        walk = tables.walk_in(tables.memory_with(after), number(said["address"]), "read", False)
        walked |= {int(step.pa) for step in walk.steps}
        if walk.pa is not None and walk.permissions is not None:
            may = walk.permissions
            reached.add((int(walk.pa) // PAGE, may.user.write or may.supervisor.write))
    if not places & walked and seen.started.tasks.keys() - seen.machine.tasks.keys():
        raise Gone("the task whose tables these were")
    assert places & walked, "the address leads over one of them"
    assert (number(said["frame"]), "w" in said["rights"]) in reached


# ---- the page cache and the daemon ---------------------------------------------------------------


@claim("kmem events: PageReused")
def reused(seen: StepSeen, said: Said) -> None:
    frame = number(said["frame"])
    earliest = Then(seen.now, seen.moment.at(0))
    assert "cached" in {run(seen.before, frame).state, run(earliest, frame).state}
    assert run(seen.then, frame).state != "cached" or owner(seen.then, frame) == said["owner"]
    assert owner(seen.before, frame) == said["owner"] or owner(earliest, frame) == said["owner"]


def file_page(seen: StepSeen, said: Said) -> None:
    """The file has the page in the frame."""
    frame, name = number(said["frame"]), f"file {said['file']}"
    assert owner(seen.then, frame) == name
    kept = pages_of(seen.machine, name)
    kept_page, operation = number(said["page"]), seen.moment.operation
    if operation is not None and operation.name == "read_file":
        given = dict(operation.arguments)
        start = bytes_of_given(given.get("offset", 0))
        assert start < (kept_page + 1) * PAGE
        assert kept_page * PAGE < start + bytes_of_given(given["size"])
    if kept_page in kept:  # else it has left again, and another one may be in the frame
        assert kept[kept_page] == frame
        line = f"{said['file']}, page {kept_page}\n".encode()
        assert seen.machine.system.ram.read(frame * PAGE, len(line)) == line, "so read_file fills its pages"


@claim("kmem events: FileRead/hit")
def file_hit(seen: StepSeen, said: Said) -> None:
    file_page(seen, said)
    assert run(seen.before, number(said["frame"])).state == "used"


@claim("kmem events: FileRead/reactivated")
def file_reactivated(seen: StepSeen, said: Said) -> None:
    file_page(seen, said)
    assert run(seen.before, number(said["frame"])).state == "cached"


@claim("kmem events: FileRead/read")
def file_was_read(seen: StepSeen, said: Said) -> None:
    file_page(seen, said)
    assert counts(seen.then).inactive == counts(seen.before).inactive + 1


@claim("kmem events: PageCached")
def cached(seen: StepSeen, said: Said) -> None:
    new = of_state(seen.then, "cached") - of_state(seen.before, "cached")
    assert len(new) == number(said["count"])
    assert counts(seen.then).inactive == counts(seen.before).inactive - len(new)
    assert counts(seen.then).available == counts(seen.before).available + len(new)


@claim("kmem events: DaemonScanned")
def scanned(seen: StepSeen, said: Said) -> None:
    """The pages that it caches are the step before this one, if there are any."""
    assert counts(seen.then).available == number(said["available"])
    steps = seen.moment.story.steps
    here = steps.index(seen.step)
    has_cached = here > 1 and says("kmem events: PageCached", steps[here - 1].sentence)
    begin = steps[here - 2].index + 1 if has_cached else seen.place
    earlier = Then(seen.now, seen.moment.at(begin))
    assert counts(earlier).inactive - counts(seen.then).inactive == number(said["count"])


def blocks(then: Then) -> dict[int, int]:
    """How many free blocks of each order there are."""
    return {one.order: one.count for one in then.value("frames").orders}


@claim("kmem events: BlockSplit")
def halved(seen: StepSeen, said: Said) -> None:
    more = sum(blocks(seen.then).values()) - sum(blocks(seen.before).values())
    assert 0 <= number(said["count"]) - more <= on_the_way(seen)


@claim("kmem events: BlockJoined")
def joined_buddies(seen: StepSeen, said: Said) -> None:
    fewer = sum(blocks(seen.before).values()) - sum(blocks(seen.then).values())
    assert fewer >= number(said["count"]) - on_the_way(seen)


def on_the_way(seen: StepSeen) -> int:
    """So many blocks may be in no list at a step: those between a list and the pool, and one on its way to an owner."""
    limit: int = seen.machine.system.pages.segment.pool_limit
    return limit + 1


# ---- memory is low -------------------------------------------------------------------------------


def lowmem_handlers(machine: vm.Machine) -> list[Any]:
    """The handlers that are registered."""
    return [*machine.system.kmem.kmem.lowmem_handlers]


def did(seen: StepSeen, handler: Any) -> list[Action]:
    """What a handler did in the operation, as its script has it."""
    assert seen.moment.operation is not None
    serial = seen.moment.operation.serial
    return [one for one in seen.machine.journal.scripts[handler.key] if one.serial == serial]


@claim("kmem events: LowMemory")
def low_memory(seen: StepSeen, said: Said) -> None:
    """The scripts of all handlers go on, or up to the one that stops the operation; and something is lacking."""
    assert seen.moment.operation is not None
    steps = seen.moment.story.steps
    asked = sum(one.sentence == seen.step.sentence for one in steps[: steps.index(seen.step) + 1])
    ran = [sum(one.name == "begins" for one in did(seen, handler)) for handler in lowmem_handlers(seen.started)]
    assert ran == sorted(ran, reverse=True), "one after the other"
    if ran:
        assert ran[0] >= asked
        assert ran[-1] >= asked or seen.moment.operation.outcome != "done"
    assert is_short(seen), "no page is lacking, and no room in a map"


def is_short(seen: StepSeen) -> bool:
    """Whether fewer pages are available than the page daemon wants, or no gap of the map is as large as what is asked
    for."""
    if counts(seen.before).available < seen.machine.system.kmem.daemon.marks.free_target:
        return True
    wanted = bytes_of_given((seen.moment.operation and dict(seen.moment.operation.arguments).get("size")) or 0)
    value = seen.before.map("kmem.kmem_map")
    spans = sorted((one.start, one.end) for one in value.entries)
    edges = [int(value.start), *(edge for one in spans for edge in one), int(value.end)]
    return max(edges[at + 1] - edges[at] for at in range(0, len(edges), 2)) < max(wanted, 1)


@claim("kmem events: ZonesReclaimed")
def zones_reclaimed(seen: StepSeen, said: Said) -> None:
    """The slabs of zones that are empty now are gone after the operation, unless a buffer of theirs is taken then."""
    caches = [one for one in seen.then.value("caches").caches if one.name.startswith("zone ")]
    empty = {slab.address for one in caches for slab in one.slabs if slab.state == "free"}
    over = Then(seen.now, seen.moment.at(None)).value("caches").caches
    assert not empty & {slab.address for one in over for slab in one.slabs if slab.state == "free"}


def ended(seen: StepSeen, said: Said) -> list[tuple[str, str]]:
    """How the handlers of this name ended in the operation, by their scripts: as what, and why."""
    called = [one for one in lowmem_handlers(seen.started) if one.name == said["name"]]
    found = [one for handler in called for one in did(seen, handler)]
    return [(one.name, str(dict(one.arguments).get("why", ""))) for one in found if not one.target]


@claim("kmem events: CallbackRan/returned")
def handler_returned(seen: StepSeen, said: Said) -> None:
    assert ("returned", "") in ended(seen, said)
    assert "fails" not in said["name"], "so the lives name those that raise something"


@claim("kmem events: CallbackRan/failed")
def handler_failed(seen: StepSeen, said: Said) -> None:
    name = said["name"].partition(":")[2]
    assert said["outcome"].startswith(f"handler {said['name']!r} ") or said["outcome"].startswith(f"handler {name!r} ")
    assert ("failed", said["outcome"]) in ended(seen, said)


@claim("kmem events: CallUndone")
def call_undone(seen: StepSeen, said: Said) -> None:
    """A thread that waited was in this call, and no longer is; it keeps no page for it."""
    began = Then(seen.now, seen.moment.at(0))
    before = [began, *earlier_steps(seen, 6)]
    calls = {said["call"], str(seen.moment.operation and seen.moment.operation.name)}
    waiting = {one.name for then in before for one in then.threads.asleep if one.doing in calls}
    over = Then(seen.now, seen.moment.at(None))
    assert waiting - {one.name for one in over.threads.asleep if one.doing in calls}
    assert counts(over).used <= counts(began).used
    assert said["why"] == "it was given up while it waited"


# ---- zones ---------------------------------------------------------------------------------------


def zone(then: Then, name: str) -> dict[int, int]:
    """The slabs of a zone, by address, and how many bytes they are."""
    (found,) = [one for one in then.value("caches").caches if one.name == f"zone {name}"]
    return {slab.address: found.slab_size for slab in found.slabs}


def used_at(then: Then, address: int) -> int:
    """How many bytes from an address on kmem_map has in use, up to the end of that entry."""
    found = [one for one in then.map("kmem_map").entries if one.start <= address < one.end]
    return found[0].end - address if found else 0


@claim("kmem events: ZoneGrown")
def zone_grown(seen: StepSeen, said: Said) -> None:
    """The memory is kmem_map's; the zone has a slab there after the operation, if it is not gone by then."""
    address, size = number(said["address"]), bytes_of(said["size"])
    assert used_at(seen.then, address) >= size
    assert address not in zone(seen.before, said["zone"])
    next_step = Then(seen.now, seen.moment.at(min(seen.step.index + 2, len(seen.moment.events))))
    assert zone(next_step, said["zone"]).get(address, size) == size


@claim("kmem events: ZoneShrunk")
def zone_shrunk(seen: StepSeen, said: Said) -> None:
    """The zone has no slab there now; it had one at the beginning or got it meanwhile."""
    address = number(said["address"])
    assert address not in zone(seen.then, said["zone"])
    sizes = {*zone(Then(seen.now, seen.moment.at(0)), said["zone"]).values()} or {bytes_of(said["size"])}
    assert sizes == {bytes_of(said["size"])}


# ---- maps ----------------------------------------------------------------------------------------


def known_maps(seen: StepSeen) -> set[str]:
    """The kernel's maps that were there before the operation; none before the machine booted."""
    is_boot = seen.moment.operation is None or not seen.moment.operation.number
    return set() if is_boot else {one.map.name for one in seen.started.kmem.value(whole=1).all()}


@claim("kmem events: MapCreated")
def map_created(seen: StepSeen, said: Said) -> None:
    assert said["map"] not in known_maps(seen)
    found = {one.map.name: one.map for one in seen.now.value("maps").all()}
    if said["map"] in found:  # else it was no use, since its place could not be given to it
        assert (found[said["map"]].start, found[said["map"]].end) == ends(said["range"])


@claim("kmem events: MapCreated/no")
def no_map_created(seen: StepSeen, said: Said) -> None:
    assert {one.map.name for one in seen.now.value("maps").all()} == known_maps(seen)


def place_of(seen: StepSeen, said: Said) -> Any:
    """What the entry with that range has for an object."""
    start, end = ends(said["range"])
    (found,) = [one for one in seen.then.map(said["map"]).entries if one.start <= start and end <= one.end]
    return found


@claim("kmem events: SubmapAttached")
def attached(seen: StepSeen, said: Said) -> None:
    found = place_of(seen, said)
    assert (int(found.start), int(found.end)) == ends(said["range"])
    assert found.object.removeprefix("submap:").removeprefix("kmem/") == path_called(said["submap"]).removeprefix(
        "kmem/"
    )


@claim("kmem events: SubmapAttached/no")
def not_attached(seen: StepSeen, said: Said) -> None:
    assert not [
        one for one in seen.then.map(said["map"]).entries if one.object == f"submap:{path_called(said['submap'])}"
    ]


@claim("kmem events: SleepersWoken")
def woken(seen: StepSeen, said: Said) -> None:
    def asleep(then: Then) -> set[str]:
        return {
            one.name for one in then.threads.asleep if (one.kind, one.subject) == ("room", path_called(said["map"]))
        }

    count = number(said["count"])
    slept = {name for then in earlier_steps(seen, count + 2) for name in asleep(then)}
    assert asleep(seen.then) == set()
    ready = {one.name for one in seen.then.threads.threads if one.state == "ready"}
    assert len(slept & ready) == count


# ---- the kentry area -----------------------------------------------------------------------------


def taken_slots(then: Then) -> set[int]:
    """The slots of the kentry area that are not free."""
    contents = then.value("kentry")
    return {slot for slab in contents.slabs for slot in contents.taken(slab)}


@claim("kmem events: BufferAllocated/entry")
def slot_taken(seen: StepSeen, said: Said) -> None:
    assert taken_slots(seen.then) - taken_slots(seen.before) == {number(said["address"])}


@claim("kmem events: BufferFreed/entry")
def slot_freed(seen: StepSeen, said: Said) -> None:
    assert taken_slots(seen.before) - taken_slots(seen.then) == {number(said["address"])}


@claim("map events: KentrySlabTaken")
def slab_taken(seen: StepSeen, said: Said) -> None:
    before, after = seen.before.value("kentry").area, seen.then.value("kentry").area
    assert before.free[0] == number(said["index"])
    assert after.free[: len(before.free) - 1] == before.free[1:]


@claim("map events: KentrySlabGiven")
def slab_given(seen: StepSeen, said: Said) -> None:
    before, after = seen.before.value("kentry").area, seen.then.value("kentry").area
    assert number(said["index"]) not in before.free
    assert after.free[0] == number(said["index"])
