"""Captions of pictures are true, whatever the picture: bugs that were found, and the same words everywhere."""

from __future__ import annotations

import re

import pytest

import vmwidgets as vm
from tests.captions import fields_of, saying, says
from tests.views import gallery
from vmwidgets.pictures.moments import When
from vmwidgets.views.scene.text import text_width

AT = 0x40_0000


@pytest.mark.parametrize("kind", [vm.Frames, vm.Dashboard, vm.Tlb])
def test_a_tasks_write_is_not_said_to_go_through_the_kernels_tables(kind: type[vm.View]) -> None:
    machine = vm.boot("x86-64", layout="small")
    task = machine.task("init")
    task.map.enter("8 KiB", at=AT, object=machine.object("heap"))
    task.write(AT, b"hello")
    caption = kind(machine).scene().caption
    assert "kernel's page tables" not in f"{caption.text} {caption.reason}"


def test_a_tasks_write_is_said_to_go_through_its_tables_with_a_fault() -> None:
    machine = vm.boot("x86-64", layout="small")
    task = machine.task("init")
    task.map.enter("8 KiB", at=AT, object=machine.object("heap"))
    task.write(AT, b"hello")
    caption = vm.Objects(machine).scene().caption
    said = saying("map operations: write", 5, address="0x40_0000", who="init")
    assert caption.text == said
    facts = fields_of("map operations: access/faults", caption.reason)
    assert (facts["tables"], facts["count"]) == ("the page tables of init", "1")


@pytest.mark.parametrize("placement", ["best", "worst", "next"])
def test_another_placement_is_not_called_first_fit(placement: str) -> None:
    machine = vm.boot("x86-64", layout="small")
    own = machine.kmem_suballoc("64 KiB", "own", placement=placement)
    machine.kmem_alloc_nofault("4 KiB", map=own)
    view = vm.Map(own)
    assert f"{placement} fit" in view.scene().subtitle
    said = [view.scene().subtitle]
    for step in range(view.scene().steps.count + 1):
        view.step = step
        said.append(view.scene().caption.text)
    assert [text for text in said if "first fit" in text.casefold()] == []


def test_a_reap_that_returned_a_slab_is_not_said_to_have_returned_none() -> None:
    machine = vm.boot("x86-64", layout="small")
    space = machine.kernel_map
    taken = [space.enter("4 KiB", nomerge=True) for _ in range(60)]
    for address in taken[5:]:
        space.remove(address, size="4 KiB")
    assert machine.kentry.reap() == 1
    for kind in (vm.Kentry, vm.Slabs):
        caption = kind(machine).scene().caption
        assert saying("map operations: reap", 1) in f"{caption.text} {caption.reason}", kind
        assert "No slot" not in caption.reason


def test_a_removal_that_cuts_says_how_many_entries_there_are_then() -> None:
    machine = vm.boot("x86-64", layout="small")
    start = machine.kernel_map.enter("16 KiB")
    before = len(machine.kernel_map)
    machine.kernel_map.remove(start + vm.PAGE, size=vm.PAGE)
    caption = vm.Map(machine.kernel_map).scene().caption
    assert caption.text == saying("map operations: remove", 1, size="4 KiB", map="kernel_map")
    assert saying("map pictures: map/entries", before, now=before + 1) in caption.reason


def test_one_operation_has_one_headline_in_all_pictures() -> None:
    machine = vm.boot("x86-64", layout="small")
    address = machine.kernel_map.enter("16 KiB")
    views = (vm.Map(machine.kernel_map), vm.Dashboard(machine), vm.Ribbon(machine.kernel_map))
    said = {view.scene().caption.text for view in views}
    headline = saying("map operations: enter", size="16 KiB", address=vm.Address(address), map="kernel_map")
    assert said == {headline}
    assert vm.Tree(machine.kernel_map).scene().caption.reason == headline, "after the answer to its own question"
    for view in (vm.Slabs(machine), vm.Frames(machine), vm.Kentry(machine), vm.Tlb(machine)):  # they draw no such range
        caption = view.scene().caption
        assert headline not in f"{caption.text} {caption.reason}"


def test_a_step_or_a_failure_comes_before_a_pictures_own_answer() -> None:
    machine = vm.boot("x86-64", layout="small")
    machine.malloc("100 B")
    view = vm.Slabs(machine)
    assert view.scene().caption.text == saying("cache pictures: taken", 2, caches="2 caches")
    answer = "Objects fill "
    view.step = 1
    step = view.scene().caption
    assert not step.text.startswith("Objects fill ")
    assert "Objects fill " in step.reason
    with pytest.raises(vm.KernelError):
        machine.kernel_map.enter("60 MiB")
    failed = vm.Slabs(machine).scene().caption
    assert failed.tone == "error"
    assert failed.text.startswith("enter failed")
    assert answer in failed.reason


def test_an_entry_that_moves_is_called_by_where_it_was_until_then() -> None:
    machine = vm.boot("x86-64", layout="small")
    task = machine.task("init").map
    for number in range(3):
        task.enter("16 KiB", at=AT + number * 0x10000, fixed=True)
    task.remove(AT, size="4 KiB")
    view = vm.Map(task)
    said = []
    for place in view.scene().steps.every[1:-1]:
        view.moment = When(machine.journal.last.serial, place)
        caption = view.scene().caption
        said.append(f"{caption.text} {caption.reason}")
    cut = next(number for number, text in enumerate(said) if says("map events: EntryResized/high", text))
    compared = [text for text in said[:cut] if says("map events: TreeCompared", text)]
    assert compared
    assert [text for text in compared if "0x40_1000" in text] == [], "nothing begins there before the cut"


def test_sentences_call_parts_by_the_names_that_learners_gave_them() -> None:
    machine = vm.boot("x86-64", layout="small")
    task = machine.task("init")
    heap = task.mmap("16 KiB")
    task.write(heap, b"x")
    task.map.enter("64 KiB")
    task.fork("child").exit()
    machine.kmem_free(machine.kmem_alloc("12 KiB"), "12 KiB")
    machine.kmem.exec_map.lock()
    machine.domain("hello").frame("4 KiB")
    told = {operation.name: str(operation.explain()) for operation in machine.journal}
    assert not [text for text in told.values() if re.search(r"task:|domain:|kmem/", text)]
    assert "the map of init" in told["enter"]
    assert saying("kmem events: MapLocked", map="kmem.kernel_map") in told["kmem_alloc"]


LONG_NAMES = re.compile(r"a task with a long name|a file with a long name[^.]*|child [\d.]+")
"""Names that the gallery's learner gave: no title can be shorter than they are."""


def test_a_title_is_one_line_of_900_pixels() -> None:
    """A caption's text is drawn large, as the title, and the rest of the caption below it."""
    titles = {name: LONG_NAMES.sub("it", picture.scene().caption.text) for name, picture in gallery.every()}
    assert {name: title for name, title in titles.items() if text_width(title, "heading") > 900 - 2 * 14} == {}


def test_a_call_is_named_before_the_functions_of_the_kernel_unless_they_have_its_name() -> None:
    machine = vm.boot("x86-64", layout="tiny")
    task = machine.task("init")
    machine.kernel_map.enter("8 KiB")
    of_kernel = vm.picture(machine.kernel_map).scene().caption
    task.munmap(task.mmap("8 KiB"), "4 KiB")
    of_task = vm.picture(task.map).scene().caption
    assert of_kernel is not None
    assert of_task is not None
    assert of_kernel.functions[:2] == ("vm_map_enter", "vm_map_insert")
    assert of_task.functions[:2] == ("munmap", "vm_map_remove")
