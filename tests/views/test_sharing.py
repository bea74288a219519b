"""Frames by page table: groups are those of exactly the same tasks, as walks of their tables find them."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

import vmwidgets as vm
from vmwidgets.engine.machine import Machine


def family(way: str) -> tuple[Machine, int]:
    m = vm.boot("x86-64", layout="small", fork=way)
    init = m.task("init")
    a = init.mmap("24 KiB", flags="private populate")
    left = init.fork("left")
    left.fork("right")
    left.write(a, b"y")
    m.tasks["right"].read(a + 2 * vm.PAGE)
    init.munmap(a + vm.PAGE, vm.PAGE)
    return m, a


def walked(m: Machine, start: int) -> dict[tuple[str, ...], int]:
    """How many frames each group of tasks has, by a walk for each page."""
    users = defaultdict(set)
    for name, task in m.tasks.items():
        for va in range(start, start + 6 * vm.PAGE, vm.PAGE):
            pa = task.walk(va).pa
            if pa is not None:
                users[pa].add(name)
    groups: dict[tuple[str, ...], int] = defaultdict(int)
    for names in users.values():
        groups[tuple(sorted(names))] += 1
    return dict(groups)


def drawn(m: Machine) -> dict[tuple[str, ...], int]:
    """The same, by the headings of the picture."""
    heads = [node for node in vm.Sharing(m).scene().nodes if node.id.count("/") == 1 and node.kind == "label"]
    words = [" ".join(run.text for run in node.text) for node in heads]
    return {tuple(sorted(one.partition("tables of ")[2].split(" and "))): int(one.partition(" ")[0]) for one in words}


@pytest.mark.parametrize("way", ["eager", "counted", "shadow"])
def test_groups_are_those_of_the_walks(way: str) -> None:
    m, a = family(way)
    assert drawn(m) == walked(m, a)


def test_the_rights_are_those_of_the_tables() -> None:
    m = vm.boot("x86-64", fork="counted")
    parent = m.task("parent")
    a = parent.mmap("8 KiB", flags="private populate")
    parent.fork("child").write(a, b"c")
    rights = {(row[1], row[2]): row[3] for row in vm.Sharing(m).scene().table.rows}
    second = str(vm.Address(a + vm.PAGE))
    assert rights["child", str(vm.Address(a))] == "rw-"
    assert (rights["parent", second], rights["child", second]) == ("r--", "r--")


def test_the_kernels_frames_are_not_the_tasks() -> None:
    m = vm.boot("x86-64")
    m.task("init")
    m.kmem_malloc("64 KiB")
    assert vm.Sharing(m).scene().table.rows == []


def test_a_frame_that_the_operation_entered_is_marked_and_each_has_its_page() -> None:
    m = vm.boot("x86-64", fork="counted")
    parent = m.task("parent")
    a = parent.mmap("8 KiB", flags="private populate")
    parent.fork("child").write(a + vm.PAGE, b"c")
    cards = [node for node in vm.Sharing(m).scene().nodes if node.kind == "card"]
    assert [node.state for node in cards].count(("new",)) == 1
    (new,) = (node for node in cards if "new" in node.state)
    assert new.thing == f"frame:{(m.tasks['child'].walk(a + vm.PAGE).pa or 0) >> 12}"
    assert new.text[1].text == str(vm.Address(a + vm.PAGE))
    m.tasks["child"].read(a)
    assert not [node for node in vm.Sharing(m).scene().nodes if node.state], "a read of what is there enters nothing"


@pytest.mark.parametrize(
    ("way", "forked", "child", "parent"),
    [("counted", {"changed": 4}, {"new": 1, "changed": 1}, {"changed": 1}), ("eager", {"new": 4}, {}, {}),
     ("shadow", {"changed": 4}, {"new": 1}, {"new": 1})],
)  # fmt: skip  # a row for each way
def test_what_came_and_what_others_have_or_otherwise_is_marked(
    way: str, forked: dict[str, int], child: dict[str, int], parent: dict[str, int]
) -> None:
    """By hand: a fork takes rights away, the child's copy leaves the parent alone, the parent's write gets rights."""
    m = vm.boot("x86-64", fork=way)
    first = m.task("parent")
    a = first.mmap("16 KiB", flags="private populate")

    def marks() -> dict[str, int]:
        return Counter(state for node in vm.Sharing(m).scene().nodes for state in node.state)

    second = first.fork("child")
    assert marks() == forked
    second.write(a, b"c")
    assert marks() == child
    first.write(a, b"p")
    assert marks() == parent


@pytest.mark.parametrize(("way", "copied"), [("counted", [True, False]), ("shadow", [True, True])])
def test_the_frame_of_a_copy_is_marked_in_its_fault(way: str, copied: list[bool]) -> None:
    m = vm.boot("x86-64", fork=way)
    first = m.task("parent")
    a = first.mmap("16 KiB", flags="private populate")
    second = first.fork("child")
    marked = []
    for task in (second, first):
        task.write(a, b"w")
        (frame,) = [node for node in vm.Fault(m).scene().nodes if node.id == "fault/frame"]
        marked.append("new" in frame.state)
    assert marked == copied


def test_it_says_that_pages_without_a_descriptor_are_not_shown() -> None:
    m = vm.boot("x86-64")
    m.task("init").mmap("8 KiB", flags="private populate")
    said = [run.text for node in vm.Sharing(m).scene().nodes for run in node.text]
    assert any(one.startswith("A page that is not in a page table yet is not shown") for one in said)


def test_groups_of_few_frames_lie_beside_each_other_where_there_is_room() -> None:
    m, _ = family("counted")
    for width, rows in ((420, 3), (1600, 1)):
        heads = [node for node in vm.Sharing(m, width=width).scene().nodes if node.id.count("/") == 1]
        assert len({node.y for node in heads}) >= rows
        assert all(node.x + node.w <= width for node in heads)
    assert len({node.y for node in heads}) < len(heads)


def test_a_frame_has_its_number_and_where_tasks_have_it() -> None:
    m, _ = family("counted")
    rows = vm.Sharing(m).scene().table.rows
    cards = [node for node in vm.Sharing(m).scene().nodes if node.thing.startswith("frame:")]
    assert cards
    for card in cards:
        number = int(card.thing.partition(":")[2])
        assert card.text[0].text == f"frame {number:#x}"
        assert card.text[1].text in {row[2] for row in rows if row[0] == f"{number:#x}"}


def test_a_groups_frames_are_in_the_order_of_their_pages() -> None:
    machine = vm.boot("x86-64", layout="small", fork="counted")
    task = machine.task("init")
    start = task.mmap("32 KiB")
    for page in (5, 2, 7, 0):  # frames are given out in this order
        task.write(start + page * vm.PAGE, b"x")
    task.fork("child")
    cards = [node for node in vm.Sharing(machine).scene().nodes if node.kind == "card"]
    assert [node.text[1].text for node in cards] == [str(vm.Address(start + page * vm.PAGE)) for page in (0, 2, 5, 7)]
