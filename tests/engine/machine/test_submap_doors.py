"""A range that is a submap's: every door refuses it with one sentence, and what ends a task ends its submaps."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import PAGE

AT = 0x40_0000


def with_submap() -> tuple[vm.Machine, vm.Task, int]:
    """A task, a submap of it, and a page in that which was written."""
    m = vm.boot("x86-64")
    t = m.task("t")
    place = t.map.enter("64 KiB", at=AT)
    lib = t.map.submap("lib", place, size="32 KiB")
    page = int(lib.enter(PAGE, object=m.object("o")))
    t.write(page, b"S")
    return m, t, page


DOORS = {
    "remove": [
        lambda t, at: t.munmap(at, PAGE),
        lambda t, at: t.mmap(PAGE, "rw", "private fixed", at=at),
        lambda t, at: t.map.remove(at, size=PAGE),
    ],
    "protect": [lambda t, at: t.mprotect(at, PAGE, "r"), lambda t, at: t.map.protect(at, size=PAGE, prot="r")],
    "advise": [
        lambda t, at: t.madvise(at, PAGE, "dontneed"),
        lambda t, at: t.madvise(at, PAGE, "willneed"),
        lambda t, at: t.map.advise(at, size=PAGE, advice="willneed"),
    ],
}


@pytest.mark.parametrize(("verb", "door"), [(verb, door) for verb, doors in DOORS.items() for door in doors])
def test_every_door_refuses_the_range_with_the_same_sentence(verb: str, door) -> None:
    m, t, page = with_submap()
    done = len(m.journal)
    overlaps = r"overlaps the submap lib of the map of t, 0x40_0000 to 0x40_8000"
    with pytest.raises(vm.Refused, match=rf"start=0x40_0000 to 0x40_1000 {overlaps}: {verb} in that map"):
        door(t, page)
    assert (len(m.journal), t.read(page)) == (done, b"S")
    m.check()


@pytest.mark.parametrize("end", [lambda t: t.exec(), lambda t: t.exit()])
def test_what_ends_a_task_or_begins_it_again_takes_its_submaps_along(end) -> None:
    m, t, _ = with_submap()
    lib = t.map.submaps["lib"]
    end(t)
    assert (m.object("o").resident, m.system.task_memory.resident) == (0, 0)
    with pytest.raises(vm.Refused, match="lib of the map of t does not exist at this moment"):
        lib.enter(PAGE)
    m.check()
    assert m.branch().journal.last == m.journal.last


def test_a_child_has_what_a_submap_maps_in_entries_of_its_own() -> None:
    m, t, page = with_submap()
    child = t.fork()
    assert (child.read(page), child.map.submaps) == (b"S", {})
    child.write(page, b"C")
    assert t.read(page) == b"S"
    m.check()
    child.munmap(page, PAGE)
    child.exit()
    m.check()


def test_calls_on_a_whole_task_reach_into_its_submaps() -> None:
    m, t, page = with_submap()
    m.swap_on("64 KiB")
    assert t.page_out(page) == 1
    assert t.read(page) == b"S"
