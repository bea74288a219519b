"""What headlines claim of a process's calls, and of fork and its kin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import vmwidgets as vm

from .claiming import Said, Seen, claim
from .claims_maps import number_given, range_given
from .reading import (
    PAGE,
    Entry,
    binary_size,
    bytes_of,
    bytes_of_given,
    counted,
    covered,
    entries,
    inside,
    number,
    pages_at,
    resident,
    size_of,
    swapped,
)  # fmt: skip  # a list


def task_of(seen: Seen) -> str:
    """The name of the task that was called."""
    return seen.operation.target.partition(":")[2].partition("/")[0]


def file_of(seen: Seen) -> str:
    """The name of the file that was called."""
    return seen.operation.target.partition(":")[2]


def map_path(seen: Seen) -> str:
    """The map of the task that was called."""
    return f"task:{task_of(seen)}/map"


def grown(seen: Seen) -> int:
    """By how much its map grew."""
    return size_of(seen.machine, map_path(seen)) - size_of(seen.before, map_path(seen))


def kept(machine: vm.Machine) -> int:
    """How many frames have pages of objects."""
    return len({*resident(machine).values()})


def went(seen: Seen) -> set[tuple[str, int]]:
    """The pages that left memory: one of each frame, where several objects had it."""
    after = resident(seen.machine)
    return {*{frame: page for page, frame in resident(seen.before).items() if page not in after}.values()}


# ---- mapping and unmapping -------------------------------------------------------------------------


def mapped(seen: Seen) -> Entry:
    """The entry that has the new range."""
    start = int(seen.operation.result)
    (found,) = inside(entries(seen.machine, map_path(seen)), start, start + 1)
    return found


@claim("object operations: mmap")
def mmapped(seen: Seen, said: Said) -> None:
    start, size = number(said["address"]), bytes_of(said["size"])
    assert said["task"] == seen.part
    assert start == int(seen.operation.result)
    assert binary_size(size) == said["size"]
    assert covered(entries(seen.machine, map_path(seen)), start, start + size) == size
    wanted = seen.given["size"]
    asked = bytes_of_given(wanted)
    assert size == -(-asked // PAGE) * PAGE
    if "fixed" not in said["flags"]:
        assert covered(entries(seen.before, map_path(seen)), start, start + size) == 0, "it was free"
        assert grown(seen) == size
    assert mapped(seen).inherit == ("share" if "shared" in said["flags"] else "copy")
    assert set(said["flags"].split(", ")) == set(str(seen.given.get("flags", "private")).replace("|", " ").split())


@claim("object operations: mmap/killed")
def mmapped_and_killed(seen: Seen, said: Said) -> None:
    assert said["task"] == seen.part
    assert task_of(seen) in seen.before.tasks
    assert task_of(seen) not in seen.machine.tasks
    assert number(said["address"]) == int(seen.operation.result)
    assert bytes_of(said["size"]) == -(-bytes_of_given(seen.given["size"]) // PAGE) * PAGE
    assert said["flags"] == ", ".join(str(seen.given["flags"]).replace("|", " ").split())


@claim("object operations: mmap/new")
def of_a_new_object(seen: Seen, said: Said) -> None:
    assert mapped(seen).object == said["object"]
    assert said["object"] not in seen.before.memory_objects.value().objects
    assert not [page for name, page in resident(seen.machine) if name == said["object"]]


@claim("object operations: mmap/short")
def no_frame_for_a_table(seen: Seen, said: Said) -> None:
    assert mapped(seen).object == said["object"]
    assert said["object"] not in seen.before.memory_objects.value().objects
    found = [page for name, page in resident(seen.machine) if name == said["object"]]
    assert len(found) == number(said["count"])
    start = int(seen.operation.result)
    assert pages_at(seen.machine, task_of(seen), start, start + bytes_of_given(seen.given["size"])) == {}
    assert seen.machine.system.injections.rules or seen.machine.kmem.pages.free == 0


@claim("object operations: mmap/filled")
def filled_already(seen: Seen, said: Said) -> None:
    objects = seen.machine.memory_objects.value()
    assert said["object"] in objects.chain(str(mapped(seen).object)), "perhaps behind a shadow"
    start = int(seen.operation.result)
    size = seen.given["size"]
    end = start + bytes_of_given(size)
    assert len(pages_at(seen.machine, task_of(seen), start, end)) == number(said["count"])


@claim("object operations: mmap/of")
def comes_when_touched(seen: Seen, said: Said) -> None:
    not_mapped_yet(seen, said["object"])


def not_mapped_yet(seen: Seen, name: str) -> None:
    chain = seen.machine.memory_objects.value().chain(str(mapped(seen).object))
    assert name in chain, "perhaps behind a shadow"
    start = int(seen.operation.result)
    assert pages_at(seen.machine, task_of(seen), start, start + PAGE) == {}
    assert name in seen.before.memory_objects.value().objects


@claim("object operations: mmap/private")
def copied_before_written(seen: Seen, said: Said) -> None:
    not_mapped_yet(seen, said["object"])
    assert mapped(seen).inherit == "copy"
    assert seen.machine.memory_objects.value().objects[said["object"]].kind == "file"


@claim("object operations: mmap/replaced")
def took_the_place(seen: Seen, said: Said) -> None:
    start = int(seen.operation.result)
    end = start + -(-bytes_of_given(seen.given["size"]) // PAGE) * PAGE
    size = covered(entries(seen.before, map_path(seen)), start, end)
    assert bytes_of(said["size"]) == size > 0
    assert binary_size(size) == said["size"]
    assert grown(seen) == end - start - size


@claim("object operations: munmap")
def munmapped(seen: Seen, said: Said) -> None:
    assert said["task"] == seen.part
    assert binary_size(-grown(seen)) == said["size"]
    start, end = range_given(seen)
    assert len(inside(entries(seen.before, map_path(seen)), start, end)) == number(said["count"])
    assert covered(entries(seen.machine, map_path(seen)), start, end) == 0


@claim("object operations: munmap/nothing")
def munmapped_nothing(seen: Seen, said: Said) -> None:
    assert covered(entries(seen.before, map_path(seen)), *range_given(seen)) == 0
    assert entries(seen.before, map_path(seen)) == entries(seen.machine, map_path(seen))


@claim("object operations: left")
@claim("object operations: gone")
def pages_gone(seen: Seen, said: Said) -> None:
    """So many frames have no page of an object any more."""
    gone = set(resident(seen.before).values()) - set(resident(seen.machine).values())
    assert len(gone) == number(said["count"]) or (seen.operation.name == "exit" and len(gone) > number(said["count"]))


@claim("object operations: mprotect")
def mprotected(seen: Seen, said: Said) -> None:
    in_range(seen, said)
    start, end = range_given(seen)
    found = inside(entries(seen.machine, map_path(seen)), start, end)
    assert found and all(one.prot == said["rights"] for one in found)


def in_range(seen: Seen, said: Said) -> None:
    """Size, address and task are those that were given."""
    assert said["task"] == seen.part
    assert number(said["address"]) == number_given(seen, "start")
    size = seen.given["size"]
    assert bytes_of(said["size"]) == bytes_of_given(size)


@claim("object operations: brk")
def heap_ends(seen: Seen, said: Said) -> None:
    assert said["task"] == seen.part
    assert number(said["address"]) == int(seen.operation.result)
    end = -(-number(said["address"]) // PAGE) * PAGE
    found = entries(seen.machine, map_path(seen))
    assert covered(found, end, end + 1) == 0 or covered(found, end - PAGE, end) == 0 or grown(seen) <= 0


@claim("object operations: brk/grew")
def heap_grew(seen: Seen, said: Said) -> None:
    assert binary_size(grown(seen)) == said["size"]
    assert grown(seen) > 0
    end = -(-int(seen.operation.result) // PAGE) * PAGE
    assert pages_at(seen.machine, task_of(seen), end - grown(seen), end) == {}


def heap_shrank(seen: Seen, said: Said) -> None:
    assert binary_size(-grown(seen)) == said["size"]
    assert grown(seen) < 0


def freed_pages(seen: Seen, said: Said) -> None:
    """So many frames have no page of an object any more, and no page of them was paged out."""
    was, now = resident(seen.before), resident(seen.machine)
    out = {was[page] for page in (was.keys() - now.keys()) & swapped(seen.machine)}
    out |= {was[page] for page in was.keys() - now.keys() if page[0] in asked_again(seen.machine)}
    assert len(set(was.values()) - set(now.values()) - out) == number(said["count"])


def moved_on(seen: Seen) -> set[tuple[str, int]]:
    """Pages that another object took in: they are where they were, in a frame or in swap space."""
    was, now = seen.before.memory_objects.value().objects, seen.machine.memory_objects.value().objects
    frames = {frame: page for one in now.values() for page, frame in one.pages.items()}
    slots = {slot: page for one in now.values() for page, slot in one.swapped.items()}
    gone = {name: one for name, one in was.items() if name not in now}
    moved = {
        (name, page) for name, one in gone.items() for page, frame in one.pages.items() if frames.get(frame) == page
    }
    return moved | {
        (name, page) for name, one in gone.items() for page, slot in one.swapped.items() if slots.get(slot) == page
    }


def asked_again(machine: vm.Machine) -> set[str]:
    """The objects from which a page can come again: files, and pagers that something still maps."""
    value = machine.memory_objects.value()
    mapped = {one.shadow for one in value.objects.values()}
    mapped |= {str(entry[3]) for space in value.entries.values() for entry in space.values()}
    kinds = {name: one.kind for name, one in value.objects.items()}
    return {name for name, kind in kinds.items() if kind == "file" or (kind == "pager" and name in mapped)}


def freed_slots(seen: Seen, text: str) -> None:
    """So many slots have another page than before, or none; that of one that another object took in is the same."""
    behind = {name: one.shadow for name, one in seen.before.memory_objects.value().objects.items()}
    is_there = seen.machine.memory_objects.value().objects.keys()
    was, now = slots(seen.before), slots(seen.machine)

    def is_kept(before: tuple[str, int], after: tuple[str, int]) -> bool:
        was_taken = before[0] not in is_there and before[0] in chain_of(after[0], behind)
        return before == after or (was_taken and before[1] == after[1])

    kept = [slot for slot in was if any(is_kept(one, other) for one in was[slot] for other in now.get(slot, ()))]
    assert len(was) - len(kept) == counted(text)


def chain_of(name: str, behind: Mapping[str, str]) -> Iterator[str]:
    """An object, and those behind it."""
    while name:
        yield name
        name = behind.get(name, "")


def slots(machine: vm.Machine) -> dict[int, set[tuple[str, int]]]:
    """The slots of swap space that have pages of objects: whose, and the numbers of the pages there."""
    found: dict[int, set[tuple[str, int]]] = {}
    for name, one in machine.memory_objects.value().objects.items():
        for page, slot in one.swapped.items():
            found.setdefault(slot, set()).add((name, page))
    return found


@claim("object operations: brk/shrank")
def heap_gave_pages(seen: Seen, said: Said) -> None:
    heap_shrank(seen, said)
    freed_pages(seen, said)


@claim("object operations: brk/shrank/swap")
def heap_gave_pages_and_slots(seen: Seen, said: Said) -> None:
    heap_shrank(seen, said)
    freed_pages(seen, said)
    freed_slots(seen, said["slots"])


@claim("object operations: brk/shrank/only swap")
def heap_gave_slots(seen: Seen, said: Said) -> None:
    heap_shrank(seen, said)
    freed_slots(seen, said["count"])
    freed_pages(seen, Said({"count": "0"}))


@claim("object operations: brk/same")
def heap_stayed(seen: Seen, said: Said) -> None:
    assert entries(seen.before, map_path(seen)) == entries(seen.machine, map_path(seen))
    assert resident(seen.before) == resident(seen.machine)


@claim("object operations: msync")
def msynced(seen: Seen, said: Said) -> None:
    assert seen.operation.result == number(said["count"])
    assert dirty(seen.before) - dirty(seen.machine) <= resident(seen.before).keys()
    if number(said["count"]) == 0:
        assert sizes(seen.before) == sizes(seen.machine)


def dirty(machine: vm.Machine) -> set[tuple[str, int]]:
    """Pages of files that these don't have yet."""
    objects = machine.memory_objects.value().objects
    return {(name, page) for name, one in objects.items() for page in one.dirty}


def sizes(machine: vm.Machine) -> dict[str, int]:
    """What files have."""
    return {name: int(one.size) for name, one in machine.files.items()}


@claim("object operations: madvise")
def madvised(seen: Seen, said: Said) -> None:
    in_range(seen, said)
    assert said["advice"] == str(seen.given["advice"])
    if said["advice"] in ("normal", "random", "sequential"):
        start, end = range_given(seen)
        space = seen.machine.tasks[task_of(seen)].map
        assert {one.advice for one in space.entries() if int(one.start) < end and start < int(one.end)} <= {
            said["advice"]
        }


@claim("object operations: madvise/forgot")
def forgot(seen: Seen, said: Said) -> None:
    gone = {*resident(seen.before), *swapped(seen.before)} - {*resident(seen.machine), *swapped(seen.machine)}
    assert len(gone - moved_on(seen)) == number(said["count"])
    start, end = range_given(seen)
    before, after = (pages_at(machine, task_of(seen), start, end) for machine in (seen.before, seen.machine))
    assert after.keys() <= before.keys()


@claim("object operations: page_out")
def paged_out(seen: Seen, said: Said) -> None:
    gone = went(seen)
    assert len(gone) == number(said["count"])
    assert len(gone & swapped(seen.machine)) == number(said["swap"])
    assert len(gone - swapped(seen.machine)) == number(said["file"])


@claim("object operations: page_out/unwritten")
def paged_out_unwritten(seen: Seen, said: Said) -> None:
    """What is neither in swap space nor a file's was never written, or is there already."""
    gone = went(seen)
    assert len(gone) == number(said["count"])
    assert len(gone & (swapped(seen.machine) - swapped(seen.before))) == number(said["swap"])
    written = {page for page in gone if page in dirty(seen.before)}
    assert len(written) <= number(said["file"])
    assert number(said["swap"]) + number(said["file"]) + number(said["nowhere"]) == len(gone)
    assert number(said["nowhere"]) > 0


@claim("object operations: page_out/nothing")
def paged_nothing_out(seen: Seen, said: Said) -> None:
    assert resident(seen.before).keys() <= resident(seen.machine).keys()


@claim("object operations: page_out/reason")
def comes_back(seen: Seen, said: Said) -> None:
    """No page is lost: the machine gives the same bytes still."""
    gone = went(seen)
    assert (len(gone) == 1) == (not said.plural)
    assert entries(seen.before, map_path(seen)) == entries(seen.machine, map_path(seen))


@claim("object operations: limit")
def limited(seen: Seen, said: Said) -> None:
    assert (said["task"], said["name"]) == (seen.part, seen.given["name"])
    most = seen.given["most"]
    assert bytes_of(said["size"]) == bytes_of_given(most)


@claim("object operations: limit/none")
def not_limited(seen: Seen, said: Said) -> None:
    assert (said["task"], said["name"]) == (seen.part, seen.given["name"])
    assert seen.given["most"] is None


@claim("object operations: limit/reason")
def stays(seen: Seen, said: Said) -> None:
    assert seen.given["name"] != "rss" or seen.given["most"] is None, "beyond that limit pages leave"
    nothing_moved(seen)


def nothing_moved(seen: Seen) -> None:
    """Entries and pages of the task are as they were."""
    assert entries(seen.before, map_path(seen)) == entries(seen.machine, map_path(seen))
    assert resident(seen.before) == resident(seen.machine)


@claim("object operations: limit/rss")
def leave_later(seen: Seen, said: Said) -> None:
    assert seen.given["name"] == "rss" and seen.given["most"] is not None
    nothing_moved(seen)


# ---- life ------------------------------------------------------------------------------------------


def forked(seen: Seen, said: Said) -> tuple[list[Entry], list[Entry]]:
    """The entries of parent and child."""
    child = said["child"]
    assert child not in seen.before.tasks
    assert said["task"] == task_of(seen)
    parent, found = entries(seen.machine, map_path(seen)), entries(seen.machine, f"task:{child}/map")
    assert len(found) == number(said["count"])
    assert {(one.start, one.end) for one in found} == {(one.start, one.end) for one in parent if one.inherit != "none"}
    return parent, found


@claim("object operations: fork")
def forked_without_copies(seen: Seen, said: Said) -> None:
    forked(seen, said)
    assert kept(seen.machine) <= kept(seen.before)


@claim("object operations: fork/copied")
def forked_with_copies(seen: Seen, said: Said) -> None:
    forked(seen, said)


@claim("object operations: fork/pages")
def copied_at_once(seen: Seen, said: Said) -> None:
    was, now = ({*resident(machine), *swapped(machine)} for machine in (seen.before, seen.machine))
    assert len(now - was) >= number(said["count"]) > 0, "a copy that left memory again is in swap space"


def shared_and_all(seen: Seen) -> tuple[int, int]:
    found = [one for one in entries(seen.machine, map_path(seen)) if one.inherit != "none"]
    return sum(one.inherit == "share" for one in found), len(found)


@claim("object operations: fork/made")
def forked_long(seen: Seen, said: Said) -> None:
    assert seen.operation.truncated, "else it is said of how many entries"
    assert said["task"] == task_of(seen)
    assert said["child"] in seen.machine.tasks
    assert said["child"] not in seen.before.tasks


@claim("object operations: fork/reason")
def same_until_written(seen: Seen, said: Said) -> None:
    shared, every = shared_and_all(seen)
    assert shared == 0 < every


@claim("object operations: fork/shared")
def share_their_memory(seen: Seen, said: Said) -> None:
    shared, every = shared_and_all(seen)
    assert shared == every > 0


@claim("object operations: fork/both")
def share_some(seen: Seen, said: Said) -> None:
    shared, every = shared_and_all(seen)
    assert shared == number(said["count"]) < every


@claim("object operations: exec")
def executed(seen: Seen, said: Said) -> None:
    assert said["task"] == seen.part
    assert entries(seen.machine, map_path(seen)) == []


@claim("object operations: exit")
def exited(seen: Seen, said: Said) -> None:
    assert said["task"] == seen.part
    assert task_of(seen) in seen.before.tasks
    assert task_of(seen) not in seen.machine.tasks


def slots_in_use(machine: vm.Machine) -> set[int]:
    """The slots of swap space that a page is in: of whichever object, since pages move to another one."""
    return {slot for one in machine.memory_objects.value().objects.values() for slot in one.swapped.values()}


@claim("object operations: freed")
def freed(seen: Seen, said: Said) -> None:
    freed_pages(seen, said)
    assert number(said["count"]) > 0
    assert slots_in_use(seen.before) <= slots_in_use(seen.machine)


@claim("object operations: freed/swap")
def freed_both(seen: Seen, said: Said) -> None:
    freed_pages(seen, said)
    freed_slots(seen, said["slots"])


@claim("object operations: freed/only swap")
def freed_only_slots(seen: Seen, said: Said) -> None:
    freed_slots(seen, said["count"])
    freed_pages(seen, Said({"count": "0"}))


@claim("object operations: freed/nothing")
def freed_nothing(seen: Seen, said: Said) -> None:
    said = Said({"count": "0"})
    freed_pages(seen, said)
    assert slots_in_use(seen.before) <= slots_in_use(seen.machine)
