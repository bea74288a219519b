"""What headlines of operations on kernel memory claim."""

from __future__ import annotations

from typing import Any

import vmwidgets as vm
from vmwidgets.engine.memory.slabs_schema import CacheValue

from .claiming import Said, Seen, claim
from .reading import PAGE, Entry, binary_size, bytes_of, bytes_of_given, edited, ends, entries_of, number, threads
from .steps import Gone


def ranges(machine: vm.Machine, name: str) -> list[Entry]:
    """The entries of one of the kernel's own maps, by the name that sentences call it."""
    return entries_of(machine.kmem.maps.get(name, machine.kmem.kernel_map))


def pages_given(seen: Seen) -> int:
    """How many pages the call asked for."""
    return -(-bytes_of_given(seen.given["size"]) // PAGE)


def grown(seen: Seen, name: str) -> int:
    """By how many bytes a map grew."""
    sizes = [sum(one.end - one.start for one in ranges(machine, name)) for machine in (seen.before, seen.machine)]
    return sizes[1] - sizes[0]


def others_ran(seen: Seen) -> bool:
    """Whether threads ran meanwhile, or handlers of vm_lowmem, which may have done anything."""
    if seen.says("kmem operations: alloc/reclaimed") and seen.before.system.kmem.kmem.lowmem_handlers:
        return True
    return {name: one.since for name, one in threads(seen.before).items()} != {
        name: one.since for name, one in threads(seen.machine).items()
    }


def took(seen: Seen, said: Said) -> None:
    """The range was free, and is taken."""
    start, size, name = number(said["address"]), said["size"], said["map"]
    assert start == int(seen.operation.result)
    after = ranges(seen.machine, name)
    (there,) = [one for one in after if one.start <= start < one.end]
    if not others_ran(seen):
        assert binary_size(grown(seen, name)) == size
        end = start + grown(seen, name)
        assert end <= there.end
        assert not [one for one in ranges(seen.before, name) if one.start < end and start < one.end]


@claim("kmem operations: alloc")
def took_it(seen: Seen, said: Said) -> None:
    took(seen, said)


@claim("kmem operations: alloc/pages")
def took_pages(seen: Seen, said: Said) -> None:
    took(seen, said)
    start, count = number(said["address"]), number(said["count"])
    assert said["size"] == binary_size(count * PAGE)
    if not others_ran(seen) and not edited(seen.machine):  # a thread may have given it back meanwhile
        assert all(seen.machine.walk(start + number * PAGE).ok for number in range(count))
    (there,) = [one for one in ranges(seen.machine, said["map"]) if one.start <= start < one.end]
    assert there.object == said["object"]
    assert set(said["page_class"].split(" and ")) <= {"NORMAL", "SYSTEM", "INTERRUPT"}


@claim("kmem operations: alloc/nofault")
def took_addresses_only(seen: Seen, said: Said) -> None:
    assert seen.operation.name == "kmem_alloc_nofault", "elsewhere a fault is answered"
    took(seen, said)
    no_page(seen, said)


def no_page(seen: Seen, said: Said) -> None:
    start = number(said["address"])
    assert not any(seen.machine.walk(page).ok for page in range(start, start + bytes_of(said["size"]), PAGE))


@claim("kmem operations: alloc/addresses")
def took_addresses(seen: Seen, said: Said) -> None:
    assert seen.operation.name != "kmem_alloc_nofault", "there a fault is a panic"
    took(seen, said)
    no_page(seen, said)


def nothing_taken(seen: Seen, said: Said) -> None:
    assert said["name"] == seen.operation.name
    assert not seen.operation.result
    if not others_ran(seen):
        for name in seen.machine.kmem.maps:
            assert grown(seen, name) <= 0


@claim("kmem operations: alloc/no pages")
def no_pages(seen: Seen, said: Said) -> None:
    nothing_taken(seen, said)
    counts: Any = seen.machine.frames.value().counts
    wanted = seen.given.get("size", PAGE)
    pages = -(-bytes_of_given(wanted) // PAGE)
    least = {"NORMAL": counts.free_reserved, "SYSTEM": counts.interrupt_free_min, "INTERRUPT": 0}[said["page_class"]]
    assert counts.free + counts.cached - pages < least + pages, said["page_class"]


@claim("kmem operations: alloc/gave back")
def gave_back(seen: Seen, said: Said) -> None:
    assert not seen.operation.result
    assert number(said["count"]) >= 1
    assert number(said["count"]) < pages_given(seen)
    if not others_ran(seen):
        assert free(seen.machine) >= free(seen.before)


def free(machine: vm.Machine) -> int:
    """How many pages are free or can be had at once."""
    counts = machine.frames.value().counts
    return counts.free + counts.cached


@claim("kmem operations: alloc/nothing to give")
def nothing_to_give(seen: Seen, said: Said) -> None:
    assert not seen.operation.result
    if not others_ran(seen):
        assert free(seen.machine) >= free(seen.before)


@claim("kmem operations: alloc/no gap")
def no_gap(seen: Seen, said: Said) -> None:
    nothing_taken(seen, said)
    space = seen.machine.kmem.maps.get(said["map"], seen.machine.kmem.kernel_map)
    found = ranges(seen.machine, said["map"])
    edges = [int(space.start), *(edge for one in found for edge in (one.start, one.end)), int(space.end)]
    gaps = [edges[place + 1] - edges[place] for place in range(0, len(edges), 2)]
    assert max(gaps) < bytes_of(said["size"]) or others_ran(seen)


@claim("kmem operations: alloc/addresses short")
def short_of_addresses(seen: Seen, said: Said) -> None:
    assert seen.says("kmem operations: alloc/no gap")


@claim("kmem operations: alloc/nothing")
def returned_nothing(seen: Seen, said: Said) -> None:
    assert said["name"] == seen.operation.name
    assert not seen.operation.result


def neighbours(seen: Seen) -> tuple[Entry | None, Entry | None, Entry, str]:
    """What touched the new range before on both sides, what has it now, and in which map."""
    start = int(seen.operation.result)
    for name in (*seen.machine.kmem.maps, "kernel_map"):
        for one in ranges(seen.machine, name):
            if one.start <= start < one.end and grown(seen, name) > 0:
                found, end = ranges(seen.before, name), start + grown(seen, name)
                left = next((other for other in found if other.end == start), None)
                right = next((other for other in found if other.start == end), None)
                return left, right, one, name
    if seen.threads_before != seen.threads or others_ran(seen):
        raise Gone("what others gave back while the cell waited")
    raise AssertionError("nothing has the range")


def more_entries(seen: Seen, name: str) -> int:
    return len(ranges(seen.machine, name)) - len(ranges(seen.before, name))


@claim("kmem operations: alloc/both")
def merged_on_both_sides(seen: Seen, said: Said) -> None:
    left, right, now, name = neighbours(seen)
    assert left is not None and right is not None
    assert (now.start, now.end, more_entries(seen, name)) == (left.start, right.end, -1)
    assert left.object == right.object == now.object
    assert left.wired == right.wired == now.wired


def merged_with(seen: Seen, one: Entry | None, now: Entry, name: str) -> None:
    assert one is not None
    assert more_entries(seen, name) == 0
    assert (one.object, one.wired) == (now.object, now.wired)


@claim("kmem operations: alloc/prev")
def merged_with_previous(seen: Seen, said: Said) -> None:
    left, _, now, name = neighbours(seen)
    merged_with(seen, left, now, name)
    assert left is not None and now.start == left.start


@claim("kmem operations: alloc/next")
def merged_with_next(seen: Seen, said: Said) -> None:
    _, right, now, name = neighbours(seen)
    merged_with(seen, right, now, name)
    assert right is not None and now.end == right.end


@claim("kmem operations: alloc/grown")
def the_one_before_grew(seen: Seen, said: Said) -> None:
    left, _, now, name = neighbours(seen)
    assert left is not None and now.start == left.start
    assert more_entries(seen, name) == 0


@claim("kmem operations: alloc/new")
def made_an_entry(seen: Seen, said: Said) -> None:
    _, _, now, name = neighbours(seen)
    assert now.start == int(seen.operation.result)
    assert more_entries(seen, name) == 1


@claim("kmem operations: alloc/reclaimed")
def reclaimed_first(seen: Seen, said: Said) -> None:
    space, found = seen.before.kmem.kmem_map, ranges(seen.before, "kmem_map")
    edges = [int(space.start), *(edge for one in found for edge in (one.start, one.end)), int(space.end)]
    widest = max(edges[place + 1] - edges[place] for place in range(0, len(edges), 2))
    assert widest < max(1, pages_given(seen)) * PAGE
    assert 1 <= number(said["count"]) <= 8


@claim("kmem operations: alloc/slept")
def slept_for_pages(seen: Seen, said: Said) -> None:
    assert seen.machine.threads.value().ticks >= seen.before.threads.value().ticks
    assert said["count"] == "1" or number(said["count"]) > 1
    assert others_ran(seen)


# ---- freeing -------------------------------------------------------------------------------------


def gave(seen: Seen, said: Said) -> None:
    start, name = number(said["address"]), said["map"]
    if "address" in seen.given:
        assert start == int(vm.Address(seen.given["address"])) & -PAGE
    if not others_ran(seen):
        assert binary_size(-grown(seen, name)) == said["size"]
    assert not [one for one in ranges(seen.machine, name) if one.start <= start < one.end]
    assert [one for one in ranges(seen.before, name) if one.start <= start < one.end]


@claim("kmem operations: free")
def freed(seen: Seen, said: Said) -> None:
    gave(seen, said)


@claim("kmem operations: free/pages")
def freed_pages(seen: Seen, said: Said) -> None:
    gave(seen, said)
    size = -grown(seen, said["map"])
    if not others_ran(seen) and not seen.machine.standing_edits:  # those can keep walks away
        start = number(said["address"])
        there = [page for page in range(start, start + size, PAGE) if seen.before.walk(page).ok]
        assert len(there) == number(said["count"])
        assert not any(seen.machine.walk(page).ok for page in there)
        assert free(seen.machine) - free(seen.before) >= number(said["count"])


@claim("kmem operations: free/nothing")
def freed_nothing(seen: Seen, said: Said) -> None:
    for name in seen.machine.kmem.maps:
        assert ranges(seen.machine, name) == ranges(seen.before, name)


def cuts(seen: Seen) -> int:
    """How many edges are inside what was one entry."""
    found = 0
    for name in seen.machine.kmem.maps:
        before, after = ranges(seen.before, name), ranges(seen.machine, name)
        known = {edge for one in before for edge in (one.start, one.end)}
        found += len({edge for one in after for edge in (one.start, one.end)} - known)
    return found


@claim("kmem operations: free/cuts")
def freed_with_cuts(seen: Seen, said: Said) -> None:
    assert cuts(seen) == number(said["count"])


@claim("kmem operations: free/woke")
def freed_and_woke(seen: Seen, said: Said) -> None:
    before, after = threads(seen.before), threads(seen.machine)
    woken = [name for name, one in before.items() if one.state == "asleep" and after[name].state == "ready"]
    assert len(woken) == number(said["count"])
    assert list(seen.machine.threads.value().ready)[-len(woken) :] == sorted(woken, key=lambda name: before[name].since)


def none_woken(seen: Seen) -> None:
    before, after = threads(seen.before), threads(seen.machine)
    assert not [name for name, one in before.items() if one.state == "asleep" and after[name].state == "ready"]
    assert seen.operation.name == "kmem_free"


@claim("kmem operations: free/silent")
def freed_silently(seen: Seen, said: Said) -> None:
    none_woken(seen)
    assert cuts(seen) == 0


@claim("kmem operations: free/silent cuts")
def freed_silently_with_cuts(seen: Seen, said: Said) -> None:
    none_woken(seen)
    assert cuts(seen) == number(said["count"])


@claim("kmem operations: suballoc")
def made_a_submap(seen: Seen, said: Said) -> None:
    start, end = ends(said["range"])
    assert said["submap"] not in seen.before.kmem.maps
    inner = seen.machine.kmem.maps[said["submap"]]
    assert (int(inner.start), int(inner.end)) == (start, end)
    assert said["map"] in ("kmem.kernel_map", *seen.before.kmem.maps)
    assert [one for one in ranges(seen.machine, said["map"]) if one.start <= start and end <= one.end]


@claim("kmem operations: suballoc/reason")
def of_its_own(seen: Seen, said: Said) -> None:
    new = seen.machine.kmem.maps.keys() - seen.before.kmem.maps.keys()
    assert all(name in dict(seen.machine.threads.value().locks) for name in new)
    assert len(new) == 1


# ---- zones ---------------------------------------------------------------------------------------


def zone(machine: vm.Machine, name: str) -> CacheValue:
    """A zone, by its name."""
    (found,) = [one for one in machine.caches.value(most=10**6).caches if one.name == name]
    return found


def buffers(machine: vm.Machine, name: str) -> int:
    """How many buffers of a zone are in use."""
    return sum(slab.buffers - len(slab.free) for slab in zone(machine, name).slabs)


@claim("kmem operations: malloc")
def took_a_buffer(seen: Seen, said: Said) -> None:
    address = number(said["address"])
    assert address == int(seen.operation.result)
    found = zone(seen.machine, said["cache"])
    (slab,) = [one for one in found.slabs if one.address <= address < one.address + found.slab_size]
    assert address not in slab.free
    if not others_ran(seen):
        assert buffers(seen.machine, said["cache"]) == buffers(seen.before, said["cache"]) + 1


@claim("kmem operations: malloc/slab")
def needed_a_slab(seen: Seen, said: Said) -> None:
    start = number(said["address"])
    assert start <= int(seen.operation.result) < start + 64 * PAGE
    assert [one for one in ranges(seen.machine, "kmem_map") if one.start <= start < one.end]
    assert not [one for one in ranges(seen.before, "kmem_map") if one.start <= start < one.end]


@claim("kmem operations: malloc/had")
def had_a_slab(seen: Seen, said: Said) -> None:
    address = int(seen.operation.result)
    assert [one for one in ranges(seen.before, "kmem_map") if one.start <= address < one.end]


@claim("kmem operations: mfree")
def gave_a_buffer(seen: Seen, said: Said) -> None:
    assert number(said["address"]) == int(seen.given.get("address", seen.given.get("addr")))
    if not others_ran(seen):
        assert buffers(seen.machine, said["cache"]) == buffers(seen.before, said["cache"]) - 1


@claim("kmem operations: mfree/kept")
def kept_its_slab(seen: Seen, said: Said) -> None:
    address = int(seen.given.get("address", seen.given.get("addr")))
    assert [one for one in ranges(seen.machine, "kmem_map") if one.start <= address < one.end]


@claim("kmem operations: uma_reclaim")
def zones_gave(seen: Seen, said: Said) -> None:
    assert binary_size(-grown(seen, "kmem_map")) == said["size"]


@claim("kmem operations: uma_reclaim/nothing")
def zones_gave_nothing(seen: Seen, said: Said) -> None:
    assert ranges(seen.machine, "kmem_map") == ranges(seen.before, "kmem_map")


@claim("kmem operations: uma_reclaim/reason")
def only_empty_ones(seen: Seen, said: Said) -> None:
    assert grown(seen, "kmem_map") < 0
    left = {slab.address for one in seen.machine.caches.value(most=10**6).caches for slab in one.slabs}
    before = [slab for one in seen.before.caches.value(most=10**6).caches for slab in one.slabs]
    assert all(len(slab.free) == slab.buffers for slab in before if slab.address not in left)


# ---- locks, files, the page daemon ---------------------------------------------------------------


@claim("kmem operations: register_handler")
def is_asked(seen: Seen, said: Said) -> None:
    assert said["handler"] == str(seen.given["name"])


@claim("kmem operations: lock")
def locked(seen: Seen, said: Said) -> None:
    assert seen.machine.kmem.maps[said["map"]].locked_by is not None
    assert seen.before.kmem.maps[said["map"]].locked_by is None or others_ran(seen), "the cell waited for it"


@claim("kmem operations: lock/reason")
def others_wait(seen: Seen, said: Said) -> None:
    assert seen.says("kmem operations: lock")


@claim("kmem operations: unlock")
def unlocked(seen: Seen, said: Said) -> None:
    holder = seen.machine.kmem.maps[said["map"]].locked_by
    assert holder is None or holder in threads(seen.machine)
    assert seen.before.kmem.maps[said["map"]].locked_by is not None


def cached_of(machine: vm.Machine, name: str) -> int:
    counts = machine.frames.value().counts
    return int(counts.cached + counts.inactive)


@claim("kmem operations: read_file")
def used_a_file(seen: Seen, said: Said) -> None:
    assert said["file"] == str(seen.given["name"])
    assert number(said["count"]) == pages_given(seen)
    assert 0 <= number(said["read"]) <= number(said["count"])


@claim("kmem operations: read_file/long")
def used_a_long_file(seen: Seen, said: Said) -> None:
    assert said["file"] == str(seen.given["name"])
    assert number(said["count"]) == pages_given(seen)


@claim("kmem operations: read_file/reason")
def can_be_taken(seen: Seen, said: Said) -> None:
    assert cached_of(seen.machine, "") > 0


@claim("kmem operations: take_pages")
def others_took(seen: Seen, said: Said) -> None:
    assert seen.operation.result == number(said["count"])
    if not others_ran(seen):
        assert free(seen.before) - free(seen.machine) >= 0


@claim("kmem operations: give_pages")
def others_gave(seen: Seen, said: Said) -> None:
    assert seen.operation.result == number(said["count"])
    if not others_ran(seen):
        assert free(seen.machine) - free(seen.before) == number(said["count"])


@claim("kmem operations: stop")
def stopped(seen: Seen, said: Said) -> None:
    assert seen.operation.target == "pagedaemon"


@claim("kmem operations: start")
def started(seen: Seen, said: Said) -> None:
    assert seen.operation.target == "pagedaemon"


@claim("kmem operations: pace")
def paced(seen: Seen, said: Said) -> None:
    assert seen.operation.target == "pagedaemon"
