"""The answer of `m.why` as a picture: the life of the page, and the operations that were needed."""

from __future__ import annotations

from itertools import pairwise

import pytest

import vmwidgets as vm
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.views.scene.model import Node
from vmwidgets.views.scene.text import text_width
from vmwidgets.views.story.story import story_of


def copied() -> tuple[Task, int]:
    """A child that wrote a byte of a file's page that its parent had read, and where that is."""
    machine = vm.boot("x86-64", layout="small")
    parent = machine.task("init")
    start = parent.mmap("4 KiB", "rw", "private", machine.file("motd", b"one"))
    parent.read(start, 1)
    child = parent.fork()
    child.write(start, b"X")
    return child, int(start)


def of(picture: vm.View, begin: str) -> list[Node]:
    return [node for node in picture.scene().nodes if node.id.startswith(begin)]


def places(picture: vm.View) -> list[Node]:
    """The boxes of a page's life."""
    return of(picture, "why/life/")


def needed(picture: vm.View) -> list[Node]:
    """The operations that were needed, each by its number in the journal's series."""
    return [node for node in picture.scene().nodes if node.lane == "why" and node.id.rpartition("/")[2].isdigit()]


def test_the_title_says_who_wrote_the_byte_and_as_which_letter() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    start = task.mmap("4 KiB")
    task.write(start, b"hello")
    title = vm.Reasons(machine.why(task, start + 1)).scene().caption.text
    assert title == f"init wrote it: {ord('e'):#x} is the “e” of “hello”."
    task.write(start, bytes([0, 255]))
    assert vm.Reasons(machine.why(task, start + 1)).scene().caption.text == "init wrote it: 0xff, byte 1 of 2."
    long = b"a text of which no title could have all the letters that it has"
    task.write(start, long)
    title = vm.Reasons(machine.why(task, start + 30)).scene().caption.text
    assert f"is the “{chr(long[30])}” of “…" in title and text_width(title, "title") <= 852


def test_of_a_byte_that_nobody_wrote_the_title_says_what_it_is() -> None:
    machine = vm.boot("x86-64", layout="small")
    task = machine.task("init")
    start = task.mmap("4 KiB", "rw", "private", machine.file("motd", b"one"))
    task.read(start, 1)
    why = machine.why(task, start)
    assert vm.Reasons(why).scene().caption.text == f"{why.what[0].upper()}{why.what[1:]}."


def test_the_life_of_the_page_comes_first_and_the_place_of_the_write_has_the_ring() -> None:
    child, start = copied()
    child.machine.swap_on("64 KiB")
    child.page_out(start, "4 KiB")
    why = child.machine.why(child, start)
    picture = vm.Reasons(why)
    drawn = places(picture)
    assert [node.title.partition(":")[0] for node in drawn] == [one.place for one in why.life]
    assert [one.place.split()[0] for one in why.life] == ["file", "frame", "frame", "slot"]
    assert [node.state[0] for node in drawn] == ["file", "file", "anonymous", "kernel"]
    assert [node.id for node in drawn if "new" in node.state] == [drawn[2].id], "the write copied it, the slot did not"
    assert [node.text[0].text for node in drawn] == [f"{one.operation.number}" for one in why.life]
    assert max(node.y for node in drawn) < min(node.y for node in needed(picture))


def test_the_operations_that_were_needed_are_below_in_one_line() -> None:
    child, start = copied()
    why = child.machine.why(child, start)
    words = needed(vm.Reasons(why))
    assert [node.text[0].text for node in words] == [f"{one.name} {one.number}" for one in why.operations]
    assert len({node.y for node in words}) == 1
    frame = child.walk(start).pa
    assert frame is not None
    assert f"{frame >> 12:#x}" in words[-1].title, "what it did is in its title"


def test_an_answer_without_a_page_lists_the_operations_with_what_they_did() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    start = task.mmap("4 KiB")
    why = machine.why(task.map, start)
    for width in (420, 900):
        picture = vm.Reasons(why, width=width)
        assert not places(picture)
        words = [" ".join(run.text for run in node.text) for node in needed(picture)]
        assert [int(one.partition(" ")[0]) for one in words] == [one.number for one in why.operations]
        assert all(story_of(one).headline.text in said for one, said in zip(why.operations, words, strict=True))


def test_the_table_has_the_kernel_functions_of_each_operation() -> None:
    """`fork` copies entries in vm_map_fork; a write fault is handled in vm_map_fault, and enters a page last."""
    child, start = copied()
    rows = vm.Reasons(child.machine.why(child, start)).scene().table.rows
    functions = {row[1].split()[2].rstrip(","): row[3].split(" · ") for row in rows if row[3]}
    assert "vm_map_fork" in functions["fork"]
    assert (functions["write"][0], functions["write"][-1]) == ("vm_map_fault", "pmap_enter")


def test_what_changed_it_last_is_told_apart_where_it_is_none_of_the_reasons() -> None:
    child, start = copied()
    child.munmap(start, "4 KiB")
    why = child.machine.why(child, start)
    assert bool(of(vm.Reasons(why), "why/last")) == (why.last not in why.operations)


def test_of_many_operations_the_first_ones_are_counted() -> None:
    machine = vm.boot("x86-64", layout="small")
    task = machine.task("init")
    start = task.mmap("4 KiB")
    task.write(start, b"x")
    for _ in range(30):
        task = task.fork()
    why = machine.why(task, start)
    picture = vm.Reasons(why)
    (fold,) = of(picture, "why/fold")
    assert fold.text[0].text == f"{len(why.operations) - 24} operations before these"
    assert len(picture.scene().table.rows) == len(why.operations) + len(why.life)
    drawn = [int(node.text[0].text.split()[-1]) for node in needed(picture)]
    assert drawn == [one.number for one in why.operations[-24:]]


@pytest.mark.parametrize("target", [3, None, "why"])
def test_what_is_no_answer_is_refused(target: object) -> None:
    with pytest.raises(vm.Refused, match="Reasons shows a Why"):
        vm.Reasons(target)


@pytest.mark.parametrize("width", [420, 700, 900, 1600])
def test_each_place_of_a_life_leads_to_the_next_across_rows_too(width: int) -> None:
    child, start = copied()
    for number in range(4):
        child = child.fork(f"a child with a long name {number}")
        child.write(start, b"Y")
    picture = vm.Reasons(child.machine.why(child, start), width=width)
    scene, drawn = picture.scene(), {node.id: node for node in places(picture)}
    assert [(link.source, link.target) for link in scene.links] == list(pairwise(drawn))
    for link in scene.links:
        for name, (x, y) in ((link.source, link.points[0]), (link.target, link.points[-1])):
            one = drawn[name]
            assert one.x <= x <= one.x + one.w and one.y <= y <= one.y + one.h
    assert all(node.x + node.w <= width for node in scene.nodes)
    across = {420: 3, 700: 6, 900: 8, 1600: 14}[width]  # boxes of 86 pixels or more, 20 for an arrow, margins of 14
    assert len({node.y for node in drawn.values()}) == -(-len(drawn) // across)
