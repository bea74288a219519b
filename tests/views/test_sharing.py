"""Frames by page table: a capsule lies over exactly the tasks whose walks find its frame; blackboards lead there."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.machine import Machine
from vmwidgets.events import PteWritten
from vmwidgets.given.process import ForkedPage, ForkedValue
from vmwidgets.given.runs import runs
from vmwidgets.pictures import sharing
from vmwidgets.views.scene.text import text_width


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


def covered(m: Machine, **options: Any) -> dict[tuple[int, int], set[str]]:
    """The tasks in whose rows the capsules of frames lie, by the number of frames and the first one."""
    nodes = vm.Sharing(m, **options).scene().nodes
    rows = {node.y + node.h / 2: node.text[0].text for node in nodes if node.id.startswith("sharing/task/")}
    found: dict[tuple[int, int], set[str]] = defaultdict(set)
    for node in nodes:
        if node.id.startswith("sharing/frame/"):
            inside = {name for y, name in rows.items() if node.y < y < node.y + node.h}
            assert len(inside) == len(node.text), "each has its letters"
            first, *_ = node.id.removeprefix("sharing/frame/").split("/")
            many = 1 if node.thing else int(node.title.split()[0])
            found[many, int(first, 16)] |= inside
    return found


def drawn(m: Machine) -> dict[tuple[str, ...], int]:
    """How many frames each group of tasks has, by the capsules."""
    groups: dict[tuple[str, ...], int] = defaultdict(int)
    for (many, _), names in covered(m).items():
        groups[tuple(sorted(names))] += many
    return dict(groups)


@pytest.mark.parametrize("way", ["eager", "counted", "shadow"])
def test_capsules_lie_over_the_tasks_of_the_walks(way: str) -> None:
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
    nodes = vm.Sharing(m).scene().nodes
    (new,) = (node for node in nodes if "new" in node.state)
    assert new.thing == f"frame:{(m.tasks['child'].walk(a + vm.PAGE).pa or 0) >> 12}"
    (link,) = [one for one in vm.Sharing(m).scene().links if one.target == new.id]
    assert link.source == f"sharing/child/{a + vm.PAGE:x}"
    m.tasks["child"].read(a)
    assert not marks_of(m), "a read of what is there enters nothing"


def marks_of(m: Machine) -> dict[str, int]:
    """How many frames are marked, by what they are marked as."""
    return Counter(state for node in vm.Sharing(m).scene().nodes for state in node.state if state in ("new", "changed"))


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
    second = first.fork("child")
    assert marks_of(m) == forked
    second.write(a, b"c")
    assert marks_of(m) == child
    first.write(a, b"p")
    assert marks_of(m) == parent


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


def test_pages_without_a_descriptor_are_on_a_board_or_it_says_that_they_are_not() -> None:
    """Two pages are used, one is only mapped; with a range of 64 pages they don't fit a board."""
    m = vm.boot("x86-64")
    task = m.task("init")
    task.write(task.mmap("12 KiB"), b"x" * 8192)
    cards = {node.id: node for node in vm.Sharing(m).scene().nodes if node.kind == "board"}
    assert [("none" in node.state) for node in cards.values()] == [False, False, True]
    task.mmap("256 KiB")
    said = [run.text for node in vm.Sharing(m).scene().nodes for run in node.text]
    assert any(one.startswith("A page that is not in a page table yet is not shown") for one in said)


def test_a_board_before_the_first_access_has_the_pages_that_are_promised() -> None:
    m = vm.boot("x86-64")
    m.task("init").mmap("12 KiB")
    nodes = vm.Sharing(m).scene().nodes
    assert len([node for node in nodes if node.kind == "board"]) == 3
    assert not [node for node in nodes if node.kind == "board-frame"]


def test_pages_that_do_not_fit_beside_each_other_go_on_below() -> None:
    m, _ = family("counted")
    for width in (420, 1600):
        assert covered(m, width=width) == covered(m)
        assert all(node.x + node.w <= width for node in vm.Sharing(m, width=width).scene().nodes)


def test_a_frame_that_passes_a_task_is_one_by_its_bridge() -> None:
    m = vm.boot("x86-64", layout="small", fork="counted")
    first = m.task("a")
    place = first.mmap("4 KiB", flags="private populate")
    second = first.fork("b")
    second.fork("c")
    second.write(place, b"x")
    shared = (first.walk(place).pa or 0) >> 12
    assert covered(m)[1, shared] == {"a", "c"}
    nodes = vm.Sharing(m).scene().nodes
    (bridge,) = (node for node in nodes if node.id.startswith("sharing/bridge/"))
    ends = sorted((node.y, node.y + node.h) for node in nodes if node.thing == f"frame:{shared}")
    assert bridge.y < ends[0][1] and ends[1][0] < bridge.y + bridge.h, "it begins in one part and ends in the other"


def test_a_page_is_called_by_its_number_in_its_entry_or_its_file() -> None:
    m = vm.boot("x86-64", layout="small", fork="counted")
    task = m.task("init")
    start = task.mmap("32 KiB")
    for page in (5, 2, 7, 0):  # frames are given out in this order
        task.write(start + page * vm.PAGE, b"x")
    file = m.file("lib", b"x" * 40_000)
    task.read(task.mmap("16 KiB", "rx", "private", file, offset=8192), 1)
    for name in ("two", "three"):  # of so many tasks there is no blackboard
        other = m.task(name)
        other.write(other.mmap("4 KiB", at=start, flags="fixed"), b"x")
    nodes = vm.Sharing(m).scene().nodes
    numbers = [(node.x, node.text[0].text) for node in nodes if node.id.startswith("sharing/page/")]
    assert [words for _, words in sorted(numbers)] == ["0", "2", "5", "7", "2"]


def test_what_is_left_out_is_counted_and_no_heading_runs_into_the_next() -> None:
    m = vm.boot("x86-64", layout="small", fork="counted")
    task = m.task("init")
    start = task.mmap("160 KiB")
    for page in range(40):
        task.write(start + page * vm.PAGE, b"x")
    file = m.file("libcrypto-with-a-long-name.so", b"x" * 4096)
    task.read(task.mmap("4 KiB", "rx", "private", file), 1)
    task.write(task.mmap("4 KiB", at=start + 0x40_0000, flags="fixed"), b"x")
    for width in (420, 960):
        nodes = vm.Sharing(m, width=width).scene().nodes
        heads = [node for node in nodes if node.id.count("/") == 2 and node.text and "strong is-" in node.text[0].style]
        drawn = covered(m, width=width)
        left_out = [
            int(node.title.partition("and ")[2].partition(" ")[0]) for node in heads if " more pages" in node.title
        ]
        assert sum(left_out) + sum(many for many, _ in drawn) == 42
        for one in heads:
            beside = [other for other in heads if other.y == one.y and other.x > one.x]
            assert all(
                one.x + (one.text[0].room or text_width(one.text[0].text, "strong")) <= other.x for other in beside
            )


# ---- two tasks: a blackboard -------------------------------------------------------------------------


def board(m: Machine, **options: Any) -> tuple[dict[tuple[str, int], tuple[int, bool]], dict[int, int]]:
    """By task and page the frame that a line leads to, and whether the lock is open; and the counts of frames."""
    picture = vm.Sharing(m, **options).scene()
    nodes = {node.id: node for node in picture.nodes}
    cards = {}
    for link in picture.links:
        if link.kind == "leads":
            _, task, va = link.source.split("/")
            shackle, lock = (bar for bar in nodes[link.source].bars if bar.style.split()[0] in ("shackle", "lock"))
            frame = int(nodes[link.target].thing.removeprefix("frame:"))
            cards[task, int(va, 16)] = frame, shackle.x + shackle.w > lock.x + lock.w
    frames = [node for node in picture.nodes if node.kind == "board-frame" and "ghost" not in node.state]
    return cards, {int(one.thing.removeprefix("frame:")): int(one.text[-1].text) for one in frames}


@pytest.mark.parametrize("way", ["eager", "counted", "shadow"])
def test_lines_locks_and_counts_of_a_blackboard_are_those_of_the_walks(way: str) -> None:
    m = vm.boot("x86-64", fork=way)
    parent = m.task("parent")
    a = parent.mmap("16 KiB", flags="private populate")
    child = parent.fork("child")
    for task in (parent, child, parent):
        task.write(a, b"w")
        walked = {}
        for name, one in m.tasks.items():
            for va in range(a, a + 4 * vm.PAGE, vm.PAGE):
                pa = one.walk(va).pa
                if pa is not None:
                    walked[name, va] = pa >> 12, one.walk(va, access="write").pa is not None
        cards, counts = board(m)
        assert cards == walked
        assert counts == Counter(frame for frame, _ in walked.values())


def test_a_copy_is_seen_to_happen_step_by_step() -> None:
    """The lock refuses, a copy is there that no descriptor has, then the descriptor leads to it, unlocked."""
    m = vm.boot("x86-64", fork="counted")
    parent = m.task("parent")
    a = parent.mmap("8 KiB")
    parent.write(a, b"hello")
    child = parent.fork("child")
    child.write(a, b"J")
    shown = []
    for step in range(vm.Sharing(m).scene().steps.count + 1):
        picture = vm.Sharing(m)
        picture.step = step
        nodes = picture.scene().nodes
        (lock,) = [
            bar.style for one in nodes if one.id.startswith("sharing/child/") for bar in one.bars if "lock" in bar.style
        ]
        frames = [(one.text[0].text, "ghost" in one.state) for one in nodes if one.kind == "board-frame"]
        shown.append((lock, frames))
    old, copy = ("hello", False), ("hello", True)
    assert shown == [
        ("lock step", [old]),
        ("lock step-new", [old]),
        ("lock step-new", [copy, old]),
        ("lock step-new", [old, old]),
        *[("lock step-new", [("Jello", False), old])] * 2,  # the write after the walk is the last thing that happens
    ]


def test_more_than_two_tasks_or_many_pages_are_capsules() -> None:
    m = vm.boot("x86-64", layout="small", fork="counted")
    task = m.task("init")
    a = task.mmap("64 KiB")
    for page in range(9):
        task.write(a + page * vm.PAGE, b"x")
        kinds = {node.kind for node in vm.Sharing(m).scene().nodes}
        assert ("board-frame" in kinds) == (page < 8) != ("page" in kinds)


def test_a_frame_that_a_task_maps_twice_is_shown_at_both_pages() -> None:
    m = vm.boot("x86-64", layout="small")
    task, file = m.task("init"), m.file("data", b"x" * 4096)
    places = [task.mmap("4 KiB", "r", "shared", file) for _ in range(2)]
    for place in places:
        task.read(place, 1)
    scene = vm.Sharing(m).scene()
    assert {row[2] for row in scene.table.rows} == {str(vm.Address(place)) for place in places}
    assert len([node for node in scene.nodes if node.id.startswith("sharing/frame/")]) == 2


def test_the_headline_says_how_many_frames_are_shared_and_how_many_of_them_may_be_written() -> None:
    machine = vm.boot("x86-64", fork="counted")
    parent = machine.task("parent")
    file = machine.file("log", b"x" * 9000)
    at, text = parent.mmap("16 KiB", flags="private populate"), parent.mmap("8 KiB", "rw", "shared", file)
    parent.write(text, b"x")

    def said() -> str:
        return vm.Sharing(machine).scene().caption.text

    assert said() == "parent has 5 pages, in 5 frames."
    child = parent.fork("child")
    assert said() == "fork copies no page: it closes 8 locks.", "the shared mapping's stays open"
    machine.object("none")  # the bits of the shared mapping are in the child's tables only after its first access
    assert said() == "4 of 5 frames are in the page tables of several tasks; a write to any of them faults."
    child.read(text, 1)
    assert said() == "5 of 5 frames are in the page tables of several tasks; a write to 1 of them needs no fault."
    child.write(at, b"y")
    assert said() == "The write copies one page, and only that page.", "it had written to the file's page before"
    machine.object("another")
    assert said() == "4 of 6 frames are in the page tables of several tasks; a write to 1 of them needs no fault."
    for page in range(1, 4):
        child.write(at + page * 4096, b"y")
    machine.object("third")
    assert said() == "1 of 9 frames is in the page tables of several tasks; a write to it needs no fault."


@pytest.mark.parametrize("last", [None, ("child", 1), ("parent", 0)])
def test_of_two_real_processes_only_the_last_write_s_line_is_the_story_s(last: tuple[str, int] | None) -> None:
    pages = ForkedPage(0x1000, "C", "A", True, True), ForkedPage(0x2000, "A", "B", True, True)
    shared = ForkedPage(0x3000, "A", "A", False, False)
    scene = vm.picture(ForkedValue(7, 8, (*pages, shared), "fork", last)).scene()
    boxes = {node.id: node for node in scene.nodes}
    targets = [(link.source, link.target) for link in scene.links]
    assert len(set(targets)) == len(targets) == 6
    assert len({target for _, target in targets}) == 5, "two pages share one frame"
    lit = [(link.source, link.target) for link in scene.links if {"path", "new"} & {*link.state} or link.kind == "walk"]
    assert [boxes[source].lane for source, _ in lit] == ([last[0]] if last else [])
    assert all("new" in boxes[target].state for _, target in lit)
    for link in scene.links:  # from edge to edge, level
        (x, y), (end_x, end_y) = link.points[0], link.points[-1]
        one, other = boxes[link.source], boxes[link.target]
        assert x in (one.x, one.x + one.w)
        assert end_x in (other.x, other.x + other.w)
        assert (y, end_y) == (one.y + one.h / 2, other.y + other.h / 2)


@pytest.mark.parametrize("way", ["eager", "counted", "shadow"])
@pytest.mark.parametrize("architecture", ["x86-64", "armv7", "aarch64", "riscv-sv39"])
def test_the_story_of_a_fork_and_of_two_writes_is_true(way: str, architecture: str) -> None:
    """Locks and copies are counted in walks and in frames, before and after."""
    m = vm.boot(architecture, fork=way)
    parent = m.task("parent")
    a = parent.mmap("12 KiB")
    for page in range(3):
        parent.write(a + page * vm.PAGE, b"x")

    def seen() -> tuple[dict[tuple[str, int], bool], set[int]]:
        walks = {(name, page): (task.walk(a + page * vm.PAGE), task.walk(a + page * vm.PAGE, "write").pa)
                 for name, task in m.tasks.items() for page in range(3)}  # fmt: skip  # a walk a page
        mapped = {key: open_ is not None for key, (walk, open_) in walks.items() if walk.pa is not None}
        return mapped, {walk.pa for walk, _ in walks.values() if walk.pa is not None}

    before, frames = seen()
    child = parent.fork("child")
    for act in (None, child, parent):
        if act is not None:
            act.write(a, b"w")
        now, those = seen()
        closed = sum(not is_open and before.get(key, act is None) for key, is_open in now.items())
        opened = sum(is_open and before.get(key) is False for key, is_open in now.items())
        copied = len(those - frames)
        scene = vm.Sharing(m).scene()
        (sums,) = (node for node in scene.nodes if node.id == "sharing/sums")
        line = sums.text[1].text if len(sums.text) > 1 else ""
        assert line.startswith(f"{closed} lock") == bool(closed)
        assert (f"{copied} page" in line) == bool(closed or opened or copied)
        said = scene.caption.text
        assert ("no page" in said) == ((act is None and way != "eager") or (act is not None and opened > copied))
        assert ("every lock" in said) == (act is None and way != "eager" and not any(now.values()))
        before, frames = now, those


def test_more_than_three_locks_that_changed_alike_are_one_ring_with_their_number() -> None:
    m = vm.boot("x86-64", fork="counted")
    parent = m.task("parent")
    a = parent.mmap("12 KiB", flags="private populate")
    parent.fork("child")
    scene = vm.Sharing(m).scene()
    accents = [
        bar for node in scene.nodes if node.kind in ("board", "board-frame") for bar in node.bars if "new" in bar.style
    ]
    rings = [link for link in scene.links if link.kind == "around"]
    (badge,) = (node for node in scene.nodes if node.id == "sharing/around/count")
    assert (len(accents), len(rings), badge.text[0].text) == (0, 1, "6")
    m.tasks["child"].write(a, b"J")
    scene = vm.Sharing(m).scene()
    assert not [link for link in scene.links if link.kind == "around"]
    (node,) = (node for node in scene.nodes if any("lock step-new" in bar.style for bar in node.bars))
    assert node.id == f"sharing/child/{a:x}"


@pytest.mark.parametrize("width", [420, 900])
def test_a_board_says_what_each_lock_means_and_cuts_no_page_s_name(width: int) -> None:
    m = vm.boot("x86-64", fork="counted")
    parent = m.task("parent")
    a = parent.mmap("8 KiB", flags="private populate")
    parent.fork("child").write(a, b"J")
    cards = {node.id: [run.text for run in node.text] for node in vm.Sharing(m, width=width).scene().nodes
             if node.kind == "board"}  # fmt: skip  # its words
    assert cards[f"sharing/child/{a:x}"] == ["page A", "writes"]
    assert cards[f"sharing/parent/{a:x}"] == ["page A", "a write faults"]
    assert cards[f"sharing/child/{a + vm.PAGE:x}"] == ["page B", "a write faults"]


def told(m: Machine) -> tuple[str, str]:
    caption = vm.Sharing(m).scene().caption
    return caption.text, caption.reason


def lines_of(m: Machine) -> str:
    (sums,) = (node for node in vm.Sharing(m).scene().nodes if node.id == "sharing/sums")
    return sums.title


def two_pages(way: str, flags: str = "private populate") -> tuple[Machine, Any, int]:
    m = vm.boot("x86-64", fork=way)
    parent = m.task("p")
    return m, parent, parent.mmap("8 KiB", flags=flags)


@pytest.mark.parametrize("way", ["counted", "shadow"])
def test_only_the_first_copy_of_a_family_is_called_the_first(way: str) -> None:
    m, parent, a = two_pages(way)
    child = parent.fork("c")
    child.read(a)
    child.read(a + vm.PAGE)
    child.write(a, b"x")
    assert told(m)[0].startswith("The first write copies")
    parent.write(a + vm.PAGE, b"y")
    assert told(m)[0].startswith("The write copies")


def test_of_three_tasks_or_two_strangers_only_one_write_is_the_first() -> None:
    m, parent, a = two_pages("counted")
    parent.fork("c").write(a, b"x")
    parent.fork("d").write(a, b"x")
    assert told(m)[0].startswith("The write copies"), "c has another frame there, and shares none of it with d"
    m = vm.boot("x86-64")
    file = m.file("lib", b"x" * 8192)
    tasks = [m.task("one"), m.task("two")]
    (a, _) = [task.mmap("8 KiB", "rw", "private", file) for task in tasks]
    for number, task in enumerate(tasks):
        task.read(a, 8192)
        tasks[number - 1].read(a, 8192)
    tasks[0].write(a, b"y")
    tasks[1].write(a + vm.PAGE, b"y")
    assert told(m)[0].startswith("The write copies")


def test_a_shadow_fork_does_not_say_that_the_child_s_empty_tables_lead_to_a_frame() -> None:
    m, parent, _ = two_pages("shadow")
    parent.fork("c")
    title, reason = told(m)
    assert title == "fork copies no page: it closes every lock."
    assert reason == "The child's page tables have no page yet. A write of p's now traps to the kernel."


@pytest.mark.parametrize("way", ["counted", "shadow"])
def test_a_fork_of_closed_locks_closes_none(way: str) -> None:
    m, parent, a = two_pages(way)
    parent.fork("c").exit()
    parent.fork("d")
    assert told(m)[0] == "fork copies no page: every lock stays closed."
    assert "lock" not in lines_of(m)
    parent.write(a, b"x")
    m.tasks["d"].exit()
    parent.fork("e")
    shut = 2 if way == "counted" else 1  # one of the parent's, and with it the child's
    assert told(m)[0].endswith(f"it closes {shut} lock{'s' * (shut > 1)}.")


def test_a_fork_that_leaves_a_shared_mapping_open_says_which_pages_have_one_frame() -> None:
    m, parent, _ = two_pages("counted")
    parent.write(parent.mmap("4 KiB", flags="shared"), b"x")
    parent.fork("c")
    assert told(m) == (
        "fork copies no page: it closes 4 locks.",
        "2 pages have the same frame in both: a write to them now traps to the kernel.",
    )


@pytest.mark.parametrize("way", ["counted", "shadow"])
def test_a_write_that_copies_two_pages_says_so(way: str) -> None:
    m, parent, a = two_pages(way)
    parent.fork("c").write(a, b"y" * 8192)
    title, reason = told(m)
    assert title == "The write copied 2 pages."
    assert reason.startswith("c wrote 8,192 bytes. ")


@pytest.mark.parametrize(("text", "shown"), [(b"long text that goes on", "long tex…"), (b"8 bytes.", "8 bytes.")])
def test_contents_that_go_on_are_cut_with_a_mark(text: bytes, shown: str) -> None:
    m, parent, a = two_pages("counted")
    parent.write(a, text)
    parent.fork("c")
    assert shown in {node.text[0].text for node in vm.Sharing(m).scene().nodes if node.kind == "board-frame"}


def test_a_board_s_lanes_have_the_tasks_names() -> None:
    m, parent, _ = two_pages("counted")
    parent.fork("c")
    clusters = [line for line in vm.Sharing(m).graphviz().source.splitlines() if 'id="cluster/' in line]
    assert [line.partition("label=")[2].partition(" ")[0] for line in clusters] == ["p", "c", "frames"]


def test_the_table_names_the_pages_and_locks_that_sentences_name() -> None:
    m = vm.boot("x86-64")
    parent = m.task("parent")
    start = parent.mmap("8 KiB")
    parent.write(start, b"x" * (vm.PAGE + 1))
    child = parent.fork("child")
    child.write(start, b"J")
    scene = vm.Sharing(m).scene()
    rows = [dict(zip(scene.table.header, row, strict=True)) for row in scene.table.rows]
    assert {(row["task"], row["page"]): row["lock"] for row in rows} == {
        ("parent", "A"): "closed", ("child", "A"): "open", ("parent", "B"): "closed", ("child", "B"): "closed",
    }  # fmt: skip  # a row each
    for row in rows:
        (card,) = (one for one in scene.nodes if one.id == f"sharing/{row['task']}/{int(row['address'], 16):x}")
        assert f"page {row['page']} at" in card.title and f"its lock is {row['lock']}" in card.title


def test_tables_are_read_once_for_all_moments_with_the_same_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, parent, at = two_pages("counted")
    parent.fork("c").write(at, b"J")
    read: list[Any] = []

    def counted(tables: Any, **more: Any) -> Any:
        read.append(tables)
        return runs(tables, **more)

    monkeypatch.setattr(sharing, "runs", counted)
    picture = vm.Sharing(machine)
    assert picture.steps > 2
    written = sum(isinstance(one, PteWritten) for one in machine.journal[-1].events)
    assert 0 < len(read) <= len(machine.tasks) * (written + 1)
