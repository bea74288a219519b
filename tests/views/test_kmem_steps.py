"""Stepping through operations on kernel memory: which steps there are, what each says, and who did it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import fields_of, saying, says, whole
from vmwidgets.engine.kernel.freebsd.kmem_schema import SpaceSought
from vmwidgets.views.story.calls import followed
from vmwidgets.views.story.moment import Moment

PAGE = 4096


@pytest.fixture
def machine() -> vm.Machine:
    return vm.boot(layout="tiny")


def told(view: vm.View) -> list[str]:
    """The sentence of each step, without what stands before and after them."""
    sentences = []
    for step in range(1, view.scene().steps.count):
        view.step = step
        sentences.append(view.scene().caption.text)
    view.step = -1
    return sentences


def whole_story(machine: vm.Machine) -> list[str]:
    """The sentences of the latest operation but those of trees and lists, whatever pictures change at each."""
    return [
        step.sentence for step in Moment(machine.journal.last).story.steps if step.about.kind not in ("tree", "list")
    ]


def ranges(view: vm.View) -> set[str]:
    """The ranges of all maps."""
    return {node.id for node in view.scene().nodes if node.kind == "range" and node.id.startswith("kmem/")}


def test_kmem_malloc_is_told_lock_by_lock_and_page_by_page(machine: vm.Machine) -> None:
    machine.kmem_malloc(2 * PAGE, vm.M_WAITOK | vm.M_ZERO)
    view = vm.Kmem(machine)
    said = whole_story(machine)
    kinds = [
        "kmem events: MapLocked",
        "kmem events: SpaceSought",
        "kmem events: BufferAllocated",
        "kmem events: RangeInserted",
        "kmem events: PageGranted/zeroed",
        "kmem events: PageGranted/zeroed",
        "map events: EntryWired",
        "kmem events: TranslationEntered",
        "kmem events: MapUnlocked",
    ]
    assert [kind for kind, text in zip(kinds, said, strict=True) if not says(kind, text)] == [], said
    assert "SYSTEM" in said[4]
    caption = view.scene().caption
    done, _, merged = whole(caption).partition(" The range ")
    facts = fields_of("kmem operations: alloc/pages", done)
    assert merged
    assert (facts["size"], facts["map"], facts["count"]) == ("8 KiB", "kmem_map", "2")
    assert caption.functions == ("kmem_malloc",)
    pictures = {view: kinds[0], vm.Frames(machine): kinds[4], vm.Slabs(machine): kinds[2]}
    moved = [says(kind, told(picture)[0]) for picture, kind in pictures.items()]
    assert moved == [True, True, True], "each picture has the steps in which it changes"


def test_of_many_pages_three_have_steps_of_their_own(machine: vm.Machine) -> None:
    machine.kmem_malloc(12 * PAGE)
    said = told(vm.Frames(machine))
    assert (
        sum(
            says("kmem events: PageGranted", text) or says("kmem events: PageGranted/wired zeroed", text)
            for text in said
        )
        == 3
    )
    assert [text.split()[0] for text in said if says("kmem events: PageGranted/more", text)] == ["9"]


def test_wiring_and_mapping_many_pages_is_one_step(machine: vm.Machine) -> None:
    machine.kmem_alloc(12 * PAGE)
    said = whole_story(machine)
    entered = [text for text in said if says("kmem events: TranslationEntered", text)]
    assert [fields_of("kmem events: TranslationEntered", text)["count"] for text in entered] == ["12"]


def test_a_join_names_the_sides_and_the_reason(machine: vm.Machine) -> None:
    first, middle, last = (machine.kmem_malloc(PAGE) for _ in range(3))
    machine.kmem_free(middle, PAGE)
    machine.kmem_malloc(PAGE)
    caption = vm.Kmem(machine).scene().caption
    assert says("kmem operations: alloc/both", caption.reason)
    joins = [text for text in whole_story(machine) if says("kmem events: EntryJoined", text)]
    assert len(joins) == 2
    assert first < middle < last


def test_what_may_not_wait_says_which_shortage_it_met(machine: vm.Machine) -> None:
    machine.pagedaemon.stop()
    machine.take_pages(machine.kmem.pages.available - 8)
    assert machine.kmem_malloc(8 * PAGE, vm.M_NOWAIT | vm.M_USE_RESERVE) == 0
    caption = vm.Kmem(machine).scene().caption
    assert fields_of("kmem operations: alloc/no pages", caption.text)["page_class"] == "SYSTEM"
    assert says("kmem operations: alloc/gave back", caption.reason)
    assert any(says("kmem events: PageDenied", text) for text in whole_story(machine))
    machine.give_pages(100)
    assert machine.kmem_malloc(PAGE, vm.M_NOWAIT)
    assert machine.kmem_malloc("256 KiB", vm.M_NOWAIT) == 0
    text = vm.Kmem(machine).scene().caption.text
    assert text == saying("kmem operations: alloc/no gap", name="kmem_malloc", map="kmem_map", size="256 KiB")


def test_eight_tries_are_told_and_the_panic_ends_the_picture(machine: vm.Machine) -> None:
    machine.kmem_malloc("256 KiB")
    with pytest.raises(vm.KernelPanic):
        machine.kmem_malloc(PAGE)
    view = vm.Kmem(machine)
    said = whole_story(machine)
    assert sum(says("kmem events: LowMemory", text) for text in said) == 8
    assert sum(says("threads: ThreadSlept", text) and "The cell" in text for text in said) == 8
    assert view.scene().caption.tone == "panic"
    assert "kmem_map too small" in view.scene().caption.text


def test_kmem_free_wakes_nobody_and_kmem_free_wakeup_says_whom(machine: vm.Machine) -> None:
    small, large = machine.kmem_alloc_wait("4 KiB"), machine.kmem_alloc_wait("44 KiB")
    for name in ("one", "two"):
        machine.spawn(lambda: machine.kmem_alloc_wait("32 KiB"), name=name)
    machine.run()
    waiting = saying("threads: waits", 2, threads="one, two", what="room in exec_map")
    assert waiting in vm.Threads(machine).scene().caption.reason
    machine.kmem_free(small, PAGE, map="exec_map")
    assert says("kmem operations: free/silent cuts", vm.Kmem(machine).scene().caption.reason)
    machine.kmem_free_wakeup(large, "44 KiB", map="exec_map")
    assert saying("kmem operations: free/woke", 2) in vm.Kmem(machine).scene().caption.reason
    woken = [text for text in told(vm.Kmem(machine)) if says("threads: ThreadWoken", text)]
    assert [text.partition(" ")[0] for text in woken] == ["one", "two"]


def test_killing_a_thread_is_told_lock_by_lock(machine: vm.Machine) -> None:
    def holder() -> Iterator[Any]:
        held: Any = machine
        yield from held.kmem.exec_map.lock()
        yield from held.tsleep("disk")

    machine.spawn(holder, name="holder")
    machine.run()
    machine.kill("holder")
    assert told(vm.Threads(machine)) == [
        saying("kmem events: MapUnlocked", map="exec_map"),
        saying("threads: ThreadEnded/abandoned", thread="holder"),
    ]
    view = vm.Threads(machine)
    view.step = 0
    assert [row[:2] for row in view.scene().table.rows][1:] == [("holder", "asleep")]


def test_functions_belong_to_the_thread_that_runs(machine: vm.Machine) -> None:
    machine.kmem_alloc_wait("64 KiB")
    for name in ("one", "two", "three"):
        machine.spawn(lambda: machine.kmem_alloc_wait("8 KiB"), name=name)
    machine.run()
    events = machine.journal.last.events
    sought = [(functions, runner) for _, event, functions, runner in followed(events) if isinstance(event, SpaceSought)]
    assert sought == [(("kmem_alloc_wait",), name) for name in ("one", "two", "three")]


def test_before_the_first_step_nothing_has_happened(machine: vm.Machine) -> None:
    before = ranges(vm.Kmem(machine))
    machine.kmem_alloc(PAGE)
    view = vm.Kmem(machine)
    view.step = 0
    scene = view.scene()
    assert scene.caption.text == saying("moments: before")
    assert ranges(view) == before


def test_malloc_and_free_are_told_of_with_their_zone(machine: vm.Machine) -> None:
    address = machine.malloc(100)
    caption = vm.Slabs(machine).scene().caption
    assert all(says(f"kmem operations: {key}", whole(caption)) for key in ("malloc", "malloc/slab"))
    assert "zone 128" in caption.reason
    machine.free(address)
    assert says("kmem operations: mfree", vm.Slabs(machine).scene().caption.reason)
    machine.uma_reclaim()
    assert any(says("kmem events: ZoneShrunk", text) for text in told(vm.Slabs(machine)))


def test_of_an_operation_of_many_pages_the_end_is_told_and_the_beginning_said_to_be_lost() -> None:
    machine = vm.boot()
    address = machine.kmem_malloc("8 MiB")
    for kind in (vm.Kmem, vm.Frames, vm.Slabs, vm.Threads, vm.Dashboard):
        view = kind(machine)
        caption = view.scene().caption
        said = saying(
            "kmem operations: alloc",
            name="kmem_malloc",
            size="8 MiB",
            address="0xffff_8080_0030_0000",
            map="kmem_map",
        )
        has_answer = kind in (vm.Frames, vm.Slabs)
        assert said in caption.reason if has_answer else caption.text == said, kind
        if view.steps:
            view.step = 0
            assert view.scene().caption.text == saying("moments: left out")  # before any answer
        view.moment = None
    machine.kmem_free(address, "8 MiB")
    freed = fields_of("kmem operations: free", vm.Kmem(machine).scene().caption.text)
    assert (freed["size"], freed["address"], freed["map"]) == ("8 MiB", "0xffff_8080_0030_0000", "kmem_map")
