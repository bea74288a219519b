"""Stepping through operations on kernel memory: which steps there are, what each says, and who did it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import vmwidgets as vm
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
        "is locked",
        "finds 8 KiB free",
        "allocates the buffer",
        "new entry",
        "gets frame",
        "gets frame",
        "is wired once",
    ]
    kinds += ["are entered in the kernel's page tables", "unlocked"]
    assert [kind for kind, text in zip(kinds, said, strict=True) if kind not in text] == [], said
    assert "SYSTEM" in said[4]
    assert "zeroed before" in said[4], "the idle loop had cleared it ahead"
    caption = view.scene().caption
    assert caption.text.startswith("kmem_malloc allocated 8 KiB at ")
    assert caption.text.endswith("from kmem_map: 2 pages of kmem_object, class SYSTEM.")
    assert caption.functions == ("kmem_malloc",)
    pictures = {view: "is locked", vm.Frames(machine): "gets frame", vm.Slabs(machine): "the buffer"}
    moved = [kind in told(picture)[0] for picture, kind in pictures.items()]
    assert moved == [True, True, True], "each picture has the steps in which it changes"


def test_of_many_pages_three_have_steps_of_their_own(machine: vm.Machine) -> None:
    machine.kmem_malloc(12 * PAGE)
    pages = [text for text in told(vm.Frames(machine)) if "frame" in text or "more pages" in text]
    assert len(pages) == 4
    assert pages[-1].startswith("9 more pages")


def test_wiring_and_mapping_many_pages_is_one_step(machine: vm.Machine) -> None:
    machine.kmem_alloc(12 * PAGE)
    said = whole_story(machine)
    entered = [text for text in said if "page tables" in text]
    assert [text[:9] for text in entered] == ["12 pages "]


def test_a_join_names_the_sides_and_the_reason(machine: vm.Machine) -> None:
    first, middle, last = (machine.kmem_malloc(PAGE) for _ in range(3))
    machine.kmem_free(middle, PAGE)
    machine.kmem_malloc(PAGE)
    caption = vm.Kmem(machine).scene().caption
    assert "merged with the entries on both sides" in caption.reason
    joins = [text for text in whole_story(machine) if "merges with the one" in text]
    assert len(joins) == 2
    assert first < middle < last


def test_what_may_not_wait_says_which_shortage_it_met(machine: vm.Machine) -> None:
    machine.pagedaemon.stop()
    machine.take_pages(machine.kmem.pages.available - 8)
    assert machine.kmem_malloc(8 * PAGE, vm.M_NOWAIT | vm.M_USE_RESERVE) == 0
    caption = vm.Kmem(machine).scene().caption
    assert "too few pages are left for class SYSTEM" in caption.text
    assert "already allocated are freed" in caption.reason
    assert any("page daemon is woken" in text for text in whole_story(machine))
    machine.give_pages(100)
    assert machine.kmem_malloc(PAGE, vm.M_NOWAIT)
    assert machine.kmem_malloc("256 KiB", vm.M_NOWAIT) == 0
    assert "kmem_map has no gap of 256 KiB" in vm.Kmem(machine).scene().caption.text


def test_eight_tries_are_told_and_the_panic_ends_the_picture(machine: vm.Machine) -> None:
    machine.kmem_malloc("256 KiB")
    with pytest.raises(vm.KernelPanic):
        machine.kmem_malloc(PAGE)
    view = vm.Kmem(machine)
    said = whole_story(machine)
    assert sum(text.startswith("vm_lowmem asks") for text in said) == 8
    assert sum("The cell sleeps" in text for text in said) == 8
    assert view.scene().caption.tone == "panic"
    assert "kmem_map too small" in view.scene().caption.text


def test_kmem_free_wakes_nobody_and_kmem_free_wakeup_says_whom(machine: vm.Machine) -> None:
    small, large = machine.kmem_alloc_wait("4 KiB"), machine.kmem_alloc_wait("44 KiB")
    for name in ("one", "two"):
        machine.spawn(lambda: machine.kmem_alloc_wait("32 KiB"), name=name)
    machine.run()
    assert "one, two wait for room in exec_map." in vm.Threads(machine).scene().caption.reason
    machine.kmem_free(small, PAGE, map="exec_map")
    assert "wakes no sleeper" in vm.Kmem(machine).scene().caption.reason
    machine.kmem_free_wakeup(large, "44 KiB", map="exec_map")
    assert "It woke 2 sleepers" in vm.Kmem(machine).scene().caption.reason
    woken = [text for text in told(vm.Kmem(machine)) if "is ready again" in text]
    assert [text.partition(" ")[0] for text in woken] == ["one", "two"]


def test_killing_a_thread_is_told_lock_by_lock(machine: vm.Machine) -> None:
    def holder() -> Iterator[Any]:
        held: Any = machine
        yield from held.kmem.exec_map.lock()
        yield from held.tsleep("disk")

    machine.spawn(holder, name="holder")
    machine.run()
    machine.kill("holder")
    assert told(vm.Threads(machine)) == ["exec_map is unlocked.", "holder is abandoned."]
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
    assert scene.caption.text == "Before the operation."
    assert ranges(view) == before


def test_malloc_and_free_are_told_of_with_their_zone(machine: vm.Machine) -> None:
    address = machine.malloc(100)
    caption = vm.Slabs(machine).scene().caption
    assert "from zone 128" in caption.text
    assert "needed a slab" in caption.reason
    machine.free(address)
    assert "returned the buffer" in vm.Slabs(machine).scene().caption.text
    machine.uma_reclaim()
    assert any("frees an empty slab" in text for text in told(vm.Slabs(machine)))


def test_of_an_operation_of_many_pages_the_end_is_told_and_the_beginning_said_to_be_lost() -> None:
    machine = vm.boot()
    address = machine.kmem_malloc("8 MiB")
    for kind in (vm.Kmem, vm.Frames, vm.Slabs, vm.Threads, vm.Dashboard):
        view = kind(machine)
        assert view.scene().caption.text.startswith(
            "kmem_malloc allocated 8 MiB at 0xffff_8080_0030_0000 from kmem_map."
        ), kind
        if view.steps:
            view.step = 0
            assert view.scene().caption.text == "Earlier steps are left out."
        view.moment = None
    machine.kmem_free(address, "8 MiB")
    assert vm.Kmem(machine).scene().caption.text == "kmem_free freed 8 MiB at 0xffff_8080_0030_0000 in kmem_map."
