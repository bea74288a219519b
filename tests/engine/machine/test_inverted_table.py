"""What an inverted table of a machine holds: an entry for each page of a task in memory, and no others."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import saying
from vmwidgets.views.scene.text import cut


def entries(table: Any) -> set[tuple[str, int, int]]:
    return {(entry.task, entry.page, entry.frame) for chain in table.chains for entry in chain}


def two_tasks() -> vm.Machine:
    machine = vm.boot("x86-64")
    shared = machine.object("shared")
    for name in "one", "two":
        task = machine.task(name)
        task.map.enter("64 KiB", at=0x40_0000, object=shared)
        task.write(0x40_3000, b"x")
    return machine


def test_each_page_in_memory_has_an_entry_with_the_frame_that_the_tables_give() -> None:
    machine = two_tasks()
    machine.tasks["one"].write(0x40_5000, b"y")
    found = entries(machine.frames.inverted())
    walked = {
        (name, page, machine.tasks[name].walk(page * vm.PAGE).pa // vm.PAGE)
        for name, page in (("one", 0x403), ("two", 0x403), ("one", 0x405))
    }
    assert found == walked
    assert len({frame for _, _, frame in found}) == 2, "the tasks share a frame, and each has an entry for it"


def test_what_is_unmapped_is_in_no_chain() -> None:
    machine = two_tasks()
    machine.tasks["two"].map.remove(0x40_0000, size="64 KiB")
    assert {name for name, _, _ in entries(machine.frames.inverted())} == {"one"}


@pytest.mark.parametrize("buckets", [1, 2, 64])
def test_buckets_change_chains_and_no_entries(buckets: int) -> None:
    machine = two_tasks()
    table = machine.frames.inverted(buckets)
    assert len(table.chains) == buckets
    assert entries(table) == entries(machine.frames.inverted())
    assert table.longest == max(map(len, table.chains))


def test_its_figure_has_an_arrow_into_each_entry_and_a_row_in_the_table() -> None:
    machine = two_tasks()
    scene = vm.picture(machine.frames.inverted(1)).scene()
    assert [(link.source, link.target) for link in scene.links] == [
        ("inverted/bucket/0", "inverted/0/0"),
        ("inverted/0/0", "inverted/0/1"),
    ]
    assert len(scene.table.rows) == 2
    assert scene.caption.text == saying("inverted tables: inverted/longest", 2)
    assert scene.caption.reason == saying("inverted tables: inverted/pages", 2)


def test_a_file_s_page_has_another_colour_than_memory_of_its_own_and_both_are_named() -> None:
    task = vm.boot("x86-64").task("init")
    file = task.mmap("4 KiB", "r", "shared", task.machine.file("f", b"x"))
    task.read(file)
    nodes = vm.picture(task.machine.frames.inverted(1)).scene().nodes
    looks = [{bar.style for bar in node.bars} for node in nodes if node.thing or "/legend/" in node.id]
    assert len(looks) == 1, "one colour needs no key"
    task.write(task.mmap("4 KiB"), b"y")
    nodes = vm.picture(task.machine.frames.inverted(1)).scene().nodes
    own = {bar.style for node in nodes if node.thing for bar in node.bars}
    assert (len(own), own > looks[0]) == (2, True)
    assert own == {bar.style for node in nodes if "/legend/" in node.id for bar in node.bars}


def test_a_chain_without_room_is_folded() -> None:
    task = vm.boot("x86").task("init")
    task.map.wire(task.map.enter("64 KiB", at=0x40_0000, object=task.machine.object("o")), size="64 KiB")
    scene = vm.picture(task.machine.frames.inverted(1), width=420).scene()
    shown = [node for node in scene.nodes if node.kind == "card" and "bucket" not in node.id]
    folded = next(node for node in scene.nodes if node.kind == "fold")
    assert folded.text[0].text == f"{16 - len(shown)} more"


def test_a_tasks_name_is_whole_in_its_entries_beside_the_frame() -> None:
    machine = vm.boot("x86-64")
    for name in ("hello", "editor"):
        task = machine.task(name)
        task.write(task.mmap("12 KiB"), bytes(12288))
    picture = vm.Inverted(machine.frames.inverted(1))
    entries = [node.text for node in picture.scene().nodes if node.thing]
    assert {cut(line[0]) for line in entries} == {"editor", "hello"}
    assert all("0x" in cut(line[1]) for line in entries)
