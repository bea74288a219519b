"""Sentences of kernel memory, tables, maps and failures: one way to say a thing, each thing once."""

from __future__ import annotations

from contextlib import suppress

import pytest

import vmwidgets as vm
from tests.captions import fields_of, saying, says, whole
from vmwidgets.pictures.at import ranges_of
from vmwidgets.pictures.spaces import range_names
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.words.names import Names

PAGE = 4096


def told(machine: vm.Machine) -> list[str]:
    """The steps of the latest operation."""
    return [step.sentence for step in Moment(machine.journal.last, ranges=ranges_of(machine)).story.steps]


def headline(machine: vm.Machine) -> tuple[str, str]:
    caption = Moment(machine.journal.last).story.headline
    return caption.text, caption.reason


@pytest.mark.parametrize(
    ("inherit", "said"),
    [
        ("share", saying("map operations: inherit/share", size="8 KiB", address="0x40_e000")),
        ("copy", saying("map operations: inherit/copy", size="8 KiB", address="0x40_e000")),
        ("none", saying("map operations: inherit/none", size="8 KiB", address="0x40_e000")),
    ],
)
def test_inheritance_says_what_a_child_will_have(inherit: str, said: str) -> None:
    machine = vm.boot("x86-64")
    space = machine.task("init").map
    space.enter("64 KiB", at=0x40_0000)
    space.inherit(0x40_E000, size="8 KiB", inherit=inherit)
    assert headline(machine)[0] == said


def test_the_first_entry_of_a_list_is_its_only_one() -> None:
    machine = vm.boot("x86-64")
    space = machine.task("init").map
    space.enter("8 KiB", at=0x40_0000)
    joins = [text for text in told(machine) if says("map events: EntryLinked/only", text)]
    assert joins == [saying("map events: EntryLinked/only", range="r1 (8 KiB at 0x40_0000)")]
    space.enter("8 KiB", at=0x80_0000)
    joins = [text for text in told(machine) if says("map events: EntryLinked", text)]
    assert joins == [
        saying("map events: EntryLinked", range="r2 (8 KiB at 0x80_0000)", before="r1", after="the header")
    ]


GROWTH = "ZoneGrown", "SlabCreated/zone"


def test_a_slab_of_a_zone_comes_and_goes_in_one_sentence_each() -> None:
    machine = vm.boot("x86-64")
    buffer = machine.malloc(100)
    came = [text for text in told(machine) if any(says(f"kmem events: {one}", text) for one in GROWTH)]
    assert [says(f"kmem events: {one}", text) for one, text in zip(GROWTH, came, strict=True)] == [True, True], came
    machine.free(buffer)
    assert says("kmem events: BufferFreed", told(machine)[-1])
    machine.uma_reclaim()
    went = [text for text in told(machine) if "one 128" in text]
    assert len(went) == 1, went
    assert fields_of("kmem events: ZoneShrunk", went[0])["size"] == "4 KiB"


def test_a_search_in_the_tree_of_gaps_says_where_it_goes() -> None:
    machine = vm.boot("x86-64")
    machine.kmem_malloc(PAGE)
    allocated = [machine.kmem_malloc(PAGE) for _ in range(9)]
    for address in allocated[::2]:
        machine.kmem_free(address, PAGE)
    machine.kmem_malloc(3 * PAGE)
    ways = "kmem events: GapCompared/left", "kmem events: GapCompared/right"
    compared = [text for text in told(machine) if any(says(way, text) for way in ways)]
    assert compared
    assert {fields_of("kmem events: GapCompared", text)["size"] for text in compared} == {"12 KiB"}


def test_a_chain_of_errors_is_headed_by_the_one_that_caused_it() -> None:
    domain = vm.boot("armv7").domain("hello", slots=8)
    with suppress(vm.KernelError):
        for _ in range(9):
            domain.frame("4 KiB")
    text, reason = headline(domain.machine)
    assert text == saying("headlines: failed", name="frame", kind="LIB_ERR_SLOT_ALLOC_NO_SPACE")
    assert reason == f"All 8 slots of cnode 'slots' are in use. {saying('domain operations: failed/unchanged')}"


def test_a_single_error_is_said_the_same_way() -> None:
    machine = vm.boot("x86-64")
    space = machine.task("init").map
    space.enter("8 KiB", at=0x40_0000)
    with pytest.raises(vm.KernelError) as error:
        space.enter("8 KiB", at=0x40_0000, fixed=True)
    text, reason = headline(machine)
    assert text == saying("headlines: failed", name="enter", kind=error.value.name)
    assert reason == f"{error.value.reason[:1].upper()}{error.value.reason[1:]}."


def test_a_root_without_tables_of_its_own_counts_no_tables() -> None:
    domain = vm.boot("armv7").domain("hello")
    domain.map(domain.frame("4 MiB"), flags="rw large")
    own = "4 pages of 1 MiB of its own, and 27 tables lent by the kernel"
    assert saying("walks: tables/leads", root="root leads", what=own) in whole(vm.Tables(domain).scene().caption)


def test_two_ranges_of_one_name_are_told_apart_by_their_maps() -> None:
    machine = vm.boot("x86-64")
    space = machine.task("init").map
    for number in range(3):
        space.enter("8 KiB", at=0x40_0000 + number * 0x10_0000, nomerge=True)
    kernel = machine.kernel_map
    names = range_names(kernel.vm_map, kernel.roles).values()
    assert "r4" in names, "the kernel's own entries have numbers too"
    task = machine.tasks["init"]
    task.mmap("8 KiB", at=0x80_0000)
    said = [Names([], ranges_of(machine)) for _ in range(2)]
    fourth = [
        next(one.id for one in part if dict(range_names(part.vm_map, part.roles))[one.id] == "r4")
        for part in (space, kernel)
    ]
    assert [said[0].entry(one).partition(" (")[0] for one in fourth] == ["r4", "r4 of kernel_map"]
    assert [said[1].entry(one).partition(" (")[0] for one in reversed(fourth)] == ["r4", "r4 of the map of init"]
    assert said[0].entry(fourth[0]) == "r4", "at its first mention, it was told where it is"


def test_ranges_of_a_map_that_goes_away_keep_their_names() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    task.mmap("8 KiB")
    task.mmap("8 KiB", "r")
    names = sorted(range_names(task.map.vm_map, task.map.roles).values())
    task.exit()
    gone = [fields_of("map events: EntryUnlinked", one)["range"] for one in told(machine) if one.endswith("the list.")]
    assert sorted(one.partition(" (")[0] for one in gone) == names
    exited = machine.journal.last
    said = str(exited.explain())
    machine.tick(1)
    assert str(exited.explain()) == said, "later too"


def test_without_its_machine_a_story_calls_an_entry_by_its_start() -> None:
    machine = vm.boot("x86-64")
    space = machine.task("init").map
    space.enter("8 KiB", at=0x40_0000)
    space.remove(0x40_0000, size="4 KiB")
    sentences = [step.sentence for step in Moment(machine.journal.last).story.steps]
    (found,) = [one for one in sentences if says("map events: TreeCompared/here", one)]
    assert fields_of("map events: TreeCompared/here", found)["entry"] == "the entry at 0x40_0000"
    cuts = [one for one in sentences if "0x40_0000–0x40_2000" in one and " part" in one]
    assert [one.count("–") for one in cuts] == [2, 2], "what was cut and what it is now, and no range twice"
    assert [one for one in sentences if not one[0].isupper() and not one[0].isdigit()] == []
