"""The answer of `m.why` as a picture: the operations from the first to the last, and what they did to pages."""

from __future__ import annotations

from itertools import pairwise

import pytest

import vmwidgets as vm
from tests.captions import fields_of
from vmwidgets.engine.machine.handles.tasks import Task


def copied() -> tuple[Task, int]:
    """A child that wrote a byte of a file's page that its parent had read, and where that is."""
    machine = vm.boot("x86-64", layout="small")
    parent = machine.task("init")
    start = parent.mmap("4 KiB", "rw", "private", machine.file("motd", b"one"))
    parent.read(start, 1)
    child = parent.fork()
    child.write(start, b"X")
    return child, int(start)


def cards(picture: vm.View) -> list[list[str]]:
    nodes = picture.scene().nodes
    return [[run.text for run in node.text] for node in nodes if node.kind == "card" and not of_life(node.id)]


def of_life(name: str) -> bool:
    """Whether something is drawn of the life of a page."""
    return name.startswith("why/life")


def test_the_cards_are_the_operations_of_the_answer_and_what_they_came_to() -> None:
    child, start = copied()
    why = child.machine.why(child, start)
    *operations, end = cards(vm.Reasons(why))
    assert [int(card[0].partition(" ")[0]) for card in operations] == [one.number for one in why.operations]
    assert end == [why.what]
    frame = child.walk(start).pa
    assert frame is not None
    copy = fields_of("object events: PageCopied", operations[-1][2])
    assert copy["frame"] == f"{frame >> 12:#x}", "the copy is the last of what became of the page"


def test_arrows_lead_from_each_card_to_the_next() -> None:
    child, start = copied()
    scene = vm.Reasons(child.machine.why(child, start)).scene()
    places = [node.id for node in scene.nodes if not of_life(node.id)]
    links = [(link.source, link.target) for link in scene.links if not of_life(link.source)]
    assert links == list(pairwise(places))


def test_each_card_ends_with_the_kernel_functions_of_its_operation() -> None:
    """`fork` copies entries in vm_map_fork; a write fault is handled in vm_map_fault, and enters a page last."""
    child, start = copied()
    picture = vm.Reasons(child.machine.why(child, start))
    ends = {card[0].split(" ")[2].rstrip(","): card[-1].split(" · ") for card in cards(picture)[:-1]}
    assert "vm_map_fork" in ends["fork"]
    assert (ends["write"][0], ends["write"][-1]) == ("vm_map_fault", "pmap_enter")
    picture.width = 480
    (narrow,) = [card[-1] for card in cards(picture) if " · write " in card[0]]
    assert narrow.startswith("vm_map_fault · ") and narrow.endswith(" more")


def test_the_places_of_the_page_follow_each_other_and_the_last_is_marked() -> None:
    child, start = copied()
    why = child.machine.why(child, start)
    scene = vm.Reasons(why).scene()
    heading, *places = (node for node in scene.nodes if of_life(node.id))
    assert heading.text[0].text == "The life of its page"
    assert [place.text[0].text for place in places] == [one.place for one in why.life] and len(places) == 3
    assert [place.id for place in places if "path" in place.state] == [places[-1].id]
    assert [(link.source, link.target) for link in scene.links if of_life(link.source)] == [
        (left.id, right.id) for left, right in pairwise(places) if left.y == right.y
    ]


def test_what_changed_it_last_is_told_apart_where_it_is_none_of_the_reasons() -> None:
    child, start = copied()
    child.munmap(start, "4 KiB")
    why = child.machine.why(child, start)
    last = cards(vm.Reasons(why))[-2][0]
    assert (why.last in why.operations) != last.startswith("last changed by ")


def test_of_many_operations_the_first_ones_are_counted() -> None:
    machine = vm.boot("x86-64", layout="small")
    task = machine.task("init")
    start = task.mmap("4 KiB")
    task.write(start, b"x")
    for _ in range(12):
        task = task.fork()
    why = machine.why(task, start)
    scene = vm.Reasons(why).scene()
    (fold,) = (node for node in scene.nodes if node.kind == "fold")
    assert fold.text[0].text == f"{len(why.operations) - 8} operations before these"
    assert len(scene.table.rows) == len(why.operations) + len(why.life)
    drawn = [int(card[0].partition(" ")[0]) for card in cards(vm.Reasons(why)) if card[0][0].isdigit()]
    assert drawn == [one.number for one in why.operations[-8:]]


@pytest.mark.parametrize("target", [3, None, "why"])
def test_what_is_no_answer_is_refused(target: object) -> None:
    with pytest.raises(vm.Refused, match="Reasons shows the result of"):
        vm.Reasons(target)


@pytest.mark.parametrize("width", [420, 700, 900, 1600])
def test_each_place_of_a_life_leads_to_the_next_across_rows_too(width: int) -> None:
    child, start = copied()
    for number in range(4):
        child = child.fork(f"a child with a long name {number}")
        child.write(start, b"Y")
    scene = vm.Reasons(child.machine.why(child, start), width=width).scene()
    places = {node.id: node for node in scene.nodes if of_life(node.id) and node.kind == "card"}
    links = [link for link in scene.links if of_life(link.source)]
    assert [(link.source, link.target) for link in links] == list(pairwise(places))
    for link in links:
        for name, (x, y) in ((link.source, link.points[0]), (link.target, link.points[-1])):
            one = places[name]
            assert one.x <= x <= one.x + one.w and one.y <= y <= one.y + one.h
    assert all(node.x + node.w <= width for node in scene.nodes)
    operations = [node for node in scene.nodes if node.kind == "card" and not of_life(node.id)]
    is_beside = min(node.y for node in places.values()) < operations[-1].y
    assert is_beside == (width == 1600)
