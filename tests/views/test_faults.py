"""A fault's picture: which step each event lights, which function is named, what is red, and where steps lead."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import fields_of, saying, says, whole
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.engine.mmu.tables_schema import FaultRaised, PteWritten
from vmwidgets.views.scene.model import AFTER, Node, Scene
from vmwidgets.views.story.faults import faults_of
from vmwidgets.views.story.moment import Moment

ORDER = ["access", "code", "lookup", "frame", "enter", "retry"]
"""The steps of a fault that brings a page in."""


def begun(architecture: str = "x86-64", **options: Any) -> tuple[Task, int]:
    """A task with four pages of its own, and where they are."""
    task = vm.boot(architecture, layout="small", **options).task("init")
    return task, task.mmap("16 KiB")


def boxes(scene: Scene) -> dict[str, Node]:
    return {node.id.removeprefix("fault/"): node for node in scene.nodes if node.kind == "stage"}


def lit(scene: Scene) -> list[str]:
    return [name for name, node in boxes(scene).items() if "done" in node.state]


def outlined(scene: Scene) -> list[str]:
    return [name for name, node in boxes(scene).items() if "path" in node.state]


def red(scene: Scene) -> list[str]:
    return [name for name, node in boxes(scene).items() if "fault" in node.state]


def said(scene: Scene, box: str) -> list[str]:
    return [run.text for run in boxes(scene)[box].text][1:]


@pytest.mark.parametrize("architecture", ["x86-64", "armv7", "aarch64", "riscv-sv39"])
def test_the_boxes_light_from_the_access_to_the_second_try(architecture: str) -> None:
    task, start = begun(architecture)
    task.write(start, b"x")
    strip = vm.Fault(task)
    reached: list[int] = []
    for step in range(strip.scene().steps.count + 1):
        strip.step = step
        scene = strip.scene()
        assert lit(scene) == ORDER[: len(lit(scene))], "no box is lit before the one at its left"
        assert set(outlined(scene)) <= set(lit(scene))
        reached.append(len(lit(scene)))
    assert reached == sorted(reached)
    assert (reached[0], reached[-1]) == (0, len(ORDER))
    strip.step = 0
    assert all("coming" in node.state for node in boxes(strip.scene()).values())


def test_the_box_of_the_step_is_outlined_and_after_the_operation_none() -> None:
    task, start = begun()
    task.write(start, b"x")
    strip = vm.Fault(task)
    said_at = {}
    for step in range(strip.scene().steps.count):
        strip.step = step
        said_at[whole(strip.scene().caption)] = outlined(strip.scene())
    keys = "map events: TreeCompared/here", "kmem events: PteWritten"
    found = {text: where for text, where in said_at.items() if any(says(key, text) for key in keys)}
    assert sorted(map(tuple, found.values())) == [("enter",), ("lookup",)]
    assert said_at[next(text for text in said_at if says("map events: FaultRaised", text))] == ["code"]
    strip.moment = None
    assert outlined(strip.scene()) == []


def test_each_step_is_named_by_the_function_that_did_it() -> None:
    task, start = begun()
    task.write(start, b"x")
    scene = vm.Fault(task).scene()
    named = {name: said(scene, name)[-1].split(" · ")[1] for name in ("lookup", "frame", "enter")}
    assert named == {"lookup": "vm_map_fault", "frame": "vm_map_fault", "enter": "pmap_enter"}
    assert named.items() <= {(row[0], row[1]) for row in renamed(scene)}
    called = {event.name for event in task.machine.journal.last.events if hasattr(event, "name")}
    assert {*named.values()} <= called


def renamed(scene: Scene) -> list[tuple[str, ...]]:
    """The rows of the table, with the names of the steps for those of the parts."""
    names = {"object and pager": "lookup", "page tables": "enter"}
    return [(names.get(row[0], row[0]), *row[1:]) for row in scene.table.rows]


def test_a_retry_that_misses_in_the_tlb_says_that_its_walk_succeeds() -> None:
    task, start = begun()
    task.write(start, b"x")
    frame = f"{task.walk(start).pa >> 12:#x}"
    rows = [row[2] for row in vm.Fault(task).scene().table.rows if row[0] == "retry"]
    assert rows == ["TLB: miss", f"walk: frame {frame}"]


def test_boxes_lead_to_the_entry_the_object_the_frame_and_the_descriptor() -> None:
    task, start = begun()
    task.write(start, b"x")
    things = {name: node.thing for name, node in boxes(vm.Fault(task).scene()).items()}
    entry = task.map.lookup(start)
    walk = task.walk(start)
    assert entry is not None
    assert walk.pa is not None
    assert things["lookup"] == f"entry:{entry.id}"
    assert things["frame"] == things["retry"] == f"frame:{walk.pa >> 12}"
    assert things["code"] == f"pte:{walk.steps[0].pa:x}", "the walk stopped in the root, which had no table yet"
    assert things["enter"] == f"pte:{walk.steps[-1].pa:x}"
    selected = {vm.Objects(task): "frame", vm.Frames(task.machine): "frame"}
    for picture, box in selected.items():
        assert things[box] in {node.thing for node in picture.scene().nodes}, box


def test_a_copy_is_said_with_its_source_and_the_chain_that_was_searched() -> None:
    task, start = begun(fork="shadow")
    task.write(start, b"x" * 9000)
    source = task.walk(start).pa
    child = task.fork()
    child.write(start, b"y")
    scene = vm.Fault(child).scene()
    assert source is not None
    assert [row[2] for row in scene.table.rows if row[0] == "frame"][1] == f"copy of {source >> 12:#x}"
    rows = [row[2] for row in scene.table.rows if row[0] == "object and pager"]
    assert rows == ["new: memory 2", "memory 2: no such page", "memory 1: in memory"]


def test_a_slow_pager_s_page_is_said_with_the_ticks_that_it_took() -> None:
    task, _ = begun()
    start = task.mmap("8 KiB", "r", "shared", task.machine.file("f", b"x" * 5000, latency=50))
    task.read(start)
    words = " ".join(said(vm.Fault(task).scene(), "lookup"))
    assert "comes from file f" in words
    assert words.endswith("after 50 ticks")


def test_pages_that_are_read_ahead_are_not_the_page_of_the_fault() -> None:
    m = vm.boot("x86-64")
    text = m.file("motd", b"hello, world" * 3000)
    t = m.task("init")
    a = t.mmap("32 KiB", "r", "private", text)
    m.read_ahead(4)
    t.read(a, 5)
    scene = vm.Fault(m).scene()
    frame = f"0x{t.walk(a).pa >> 12:x}"
    assert scene.caption.text == f"init read: page {a} got frame {frame}."
    words = [run.text for node in scene.nodes for run in node.text]
    assert f"allocates frame {frame}" in words
    assert "hello, w…" in words


def test_the_lookup_names_entries_by_their_addresses() -> None:
    task, start = begun()
    task.write(start, b"x")
    assert looked_up(vm.Fault(task)) == f"found: {start}"
    task.write(start + 4096, b"x")
    task.write(start + 8192, b"x")
    before = vm.Fault(task, moment=(task.machine.journal.last.serial - 1, None))
    assert looked_up(before) == looked_up(vm.Fault(task)) == f"found again: {start}"


def looked_up(picture: vm.Fault) -> str:
    """The first result of the map's lookup, as the table has it."""
    return next(row[2] for row in picture.scene().table.rows if row[0] == "map lookup")


def test_a_translation_that_is_taken_away_for_a_frame_is_said_so() -> None:
    task, start = begun()
    task.machine.swap_on("64 KiB")
    task.write(start, b"x")
    task.machine.take_pages(task.machine.pages.obtainable_pages)
    task.write(start + 4096, b"x")
    rows = [row[2] for row in vm.Fault(task).scene().table.rows if row[0] == "page tables"]
    assert rows[0].endswith("level 1: cleared")


@pytest.mark.parametrize("architecture", ["x86-64", "armv7", "aarch64", "riscv-sv39"])
def test_a_descriptor_is_said_in_words_with_its_bits_behind_them(architecture: str) -> None:
    task, start = begun(architecture, fork="counted")
    task.write(start, b"x")
    child = task.fork()
    before, shared = child.walk(start).pa, task.walk(start, "write")
    child.write(start, b"y")
    found = child.walk(start, "write")
    assert before is not None
    assert found.pa is not None
    assert shared.fault is not None
    row = [row[2] for row in vm.Fault(child).scene().table.rows if row[0] == "page tables"][-1]
    old, new = f"{before >> 12:#x}", f"{found.pa >> 12:#x}"
    assert row.index(old) < row.index(new)
    assert row.index("no write") < row.index("may write")
    written = next(event for event in task.machine.journal.last.events if isinstance(event, PteWritten))
    assert f"{written.after:#x}" in row
    task.write(start, b"z")
    alone = [row[2] for row in vm.Fault(task).scene().table.rows if row[0] == "page tables"][-1].partition(" · ")[0]
    assert (alone.count(old), new in alone) == (1, False), "it keeps its frame"
    assert alone.index("no write") < alone.index("may write")


def test_a_page_in_memory_takes_no_frame_and_the_box_says_which() -> None:
    task, start = begun(fork="shadow")
    task.write(start, b"x")
    child = task.fork()
    child.read(start)
    frame = child.walk(start).pa
    assert frame is not None
    scene = vm.Fault(child).scene()
    assert f"in frame {frame >> 12:#x}" in said(scene, "frame")[0]
    counts = {key: scene_count(scene, f"fault/{key}/frame/0") for key in ("before", "after")}
    assert counts == {"before": 1, "after": 2}, "the parent's descriptor, and then the child's"
    assert {f"fault/{key}/other" for key in counts} <= {node.id for node in scene.nodes}, "the parent is drawn"


def scene_count(scene: Scene, name: str) -> int:
    """The number of descriptors that lead to a frame."""
    (node,) = [node for node in scene.nodes if node.id == name]
    return int(next(run.text for run in node.text if run.style.endswith("on-step")))


FAILURES = {
    "no entry": ("SIGSEGV", "lookup"),
    "no right": ("SIGSEGV", "lookup"),
    "cut off": ("SIGBUS", "lookup"),
    "no memory": ("NOMEM", "frame"),
    "no more of the object": ("NOMEM", "lookup"),
    "no read": ("SIGBUS", "lookup"),
    "no table": ("NOMEM", "enter"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_the_box_where_an_access_fails_is_red_with_its_signal(case: str) -> None:
    task, start = begun()
    machine = task.machine
    if case == "no right":
        task.mprotect(start, "4 KiB", "r")
    elif case == "cut off":
        file = machine.file("f", b"x")
        start = task.mmap("4 KiB", "rw", "shared", file)
        file.truncate(0)
    elif case == "no memory":
        machine.inject("page_alloc")
    elif case == "no more of the object":
        start = task.mmap("4 KiB", "rw", "shared", machine.object("o", max_pages=0))
    elif case == "no read":
        start = task.mmap("4 KiB", "rw", "shared", machine.file("f", b"x"))
        machine.inject("pager_read")
    elif case == "no table":
        machine.inject("table_page")
    with pytest.raises(vm.KernelError):
        task.write(0x10 if case == "no entry" else start, b"x")
    strip = vm.Fault(task)
    signal, box = FAILURES[case]
    assert red(strip.scene()) == [box]
    assert list(boxes(strip.scene()))[-1] == box, "the access got no further"
    assert said(strip.scene(), box)[0].endswith(f": {signal}")
    assert whole(strip.scene().caption).count(signal) == 1
    strip.step = 1
    assert red(strip.scene()) == [], "it has not failed yet"


@pytest.mark.parametrize("width", [420, 900])
def test_where_the_map_refuses_an_access_it_is_drawn_there_among_the_ranges(width: int) -> None:
    task, start = begun()
    task.mprotect(start, "4 KiB", "r")
    strip = vm.Fault(task, width=width)

    def drawn(address: int) -> list[tuple[str, bool]]:
        with pytest.raises(vm.KernelError):
            task.write(address, b"x")
        cards = sorted((node.y, node) for node in strip.scene().nodes if node.id.startswith("fault/range/"))
        return [(node.text[0].text, "fault" in node.state) for _, node in cards]

    first, second = (str(vm.Address(one)) for one in (start, start + vm.PAGE))
    assert drawn(0x10) == [("0x10", True), (first, False), (second, False)]
    assert drawn(start) == [(first, True), (second, False)]
    task.machine.inject("page_alloc")
    assert drawn(start + vm.PAGE) == [], "the map allows it"


def test_of_several_faults_the_one_of_the_step_is_shown() -> None:
    task, start = begun()
    task.write(start, b"x" * 9000)
    strip = vm.Fault(task)
    events = task.machine.journal.last.events
    faults = sum(isinstance(event, FaultRaised) for event in events)
    shown = []
    for step in range(1, strip.scene().steps.count + 1):
        strip.step = step
        shown.append(strip.scene().subtitle)
    assert faults == 3
    assert list(dict.fromkeys(shown)) == [
        f"fault {number + 1} of 3 in this operation · write at {vm.Address(start + 4096 * number)} of init"
        for number in range(3)
    ]


def test_faults_are_counted_in_their_operation_whatever_faulted_before() -> None:
    task, start = begun()
    task.write(start, b"x")
    child = task.fork()
    child.write(start, b"y")
    subtitle = vm.Fault(task.machine).scene().subtitle
    assert subtitle == f"fault 1 of 1 in this operation · write at {vm.Address(start)} of {child.name}"


def test_a_task_s_strip_has_the_faults_of_that_task_only() -> None:
    task, start = begun()
    other = task.machine.task("other")
    task.write(start, b"x")
    none = vm.Fault(other).scene()
    assert none.caption.text == saying("fault strips: none/task", task="other")
    assert (none.steps.count, [node.id for node in none.nodes]) == (0, ["fault/none"])
    assert lit(vm.Fault(task.machine).scene()) == ORDER


def test_an_access_that_does_not_fault_ends_at_the_tlb() -> None:
    task, start = begun()
    task.write(start, b"x")
    task.read(start)
    scene = vm.Fault(task).scene()
    assert lit(scene) == ["access"]
    assert scene.subtitle == f"read at {start} of init"
    assert not [node.id for node in scene.nodes if node.id.startswith("fault/after/")], "nothing changed"


def test_faults_of_the_kernel_are_shown_too() -> None:
    machine = vm.boot("x86-64")
    address = machine.kmem_alloc_wait("16 KiB")
    machine.write(address, b"x")
    scene = vm.Fault(machine).scene()
    assert said(scene, "frame")[-1] == "kernel · vm_fault"
    assert lit(scene) == ORDER


def test_each_mark_is_a_step_of_the_story_or_is_reached_with_one() -> None:
    task, start = begun()
    with suppress(vm.KernelError):
        task.write(start, b"x" * 20_000)
    moment = Moment(task.machine.journal.last)
    marks = {mark.at for fault in faults_of(moment) for mark in fault.marks}
    steps = vm.Fault(task).scene().steps
    assert steps.places[-1] == AFTER
    assert set(steps.places[1:-1]) <= {at + 1 for at in marks | {fault.failed for fault in faults_of(moment)}}


def test_what_is_no_task_is_refused() -> None:
    with pytest.raises(vm.Refused, match="Fault shows the faults of a task, or of a machine, not 3"):
        vm.Fault(3)


def test_an_access_that_the_tables_answer_shows_the_walk_and_nothing_that_never_comes() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    place = task.mmap("4 KiB")
    task.write(place, b"x")
    frame = task.walk(place).pa
    assert frame is not None
    machine.cpus[0].flush()
    task.read(place, 1)
    scene = vm.Fault(task).scene()
    assert list(boxes(scene)) == lit(scene) == ["access", "code"]
    assert said(scene, "code")[0].endswith(f"reached frame {frame >> 12:#x}")
    task.read(place, 1)
    assert list(boxes(vm.Fault(task).scene())) == ["access"], "the TLB had it: no walk"


def test_what_comes_later_in_an_access_has_its_box_before_it_is_done() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    task.write(task.mmap("4 KiB"), b"x")
    strip = vm.Fault(task)
    whole = list(boxes(strip.scene()))
    for step in range(strip.steps):
        strip.step = step
        assert list(boxes(strip.scene())) == whole
    strip.step = 0
    assert {node.state[0] for node in boxes(strip.scene()).values()} == {"coming"}


@pytest.mark.parametrize(
    ("architecture", "prot", "words"),
    [
        ("x86-64", None, "6: not present, write, user"),
        ("x86-64", "r", "7: present, write, user"),
        ("armv7", None, "5: translation fault of a section"),
        ("armv7", "r", "15: permission fault of a page"),
        ("aarch64", None, "4: translation fault, level 0"),
        ("aarch64", "r", "15: permission fault, level 3"),
    ],
)
def test_strip_walk_and_step_decode_the_code_of_a_fault_alike(architecture: str, prot: str | None, words: str) -> None:
    task, start = begun(architecture)
    if prot is not None:
        task.read(start, 1)
        task.mprotect(start, "4 KiB", prot)
    drawn = vm.picture(task.walk(start, "write")).scene().nodes
    walked = " ".join(run.text for node in drawn if node.kind == "verdict" for run in node.text)
    with suppress(vm.KernelError):
        task.write(start, b"x")
    strip = vm.Fault(task).scene()
    code = said(strip, "code")[-1].partition("error ")[2]
    assert code == f"code {words}"
    assert code in walked
    raised = next(
        line for line in str(task.machine.journal.last.explain()).splitlines() if says("map events: FaultRaised", line)
    )
    assert fields_of("map events: FaultRaised", raised)["code"] == code.removeprefix("code ")


def test_an_object_that_is_bypassed_is_in_the_table() -> None:
    """A grandchild whose pages hide all of its parent's: the parent's object is no longer in the chain."""
    task, start = begun(fork="shadow")
    task.write(start, bytes(3 * vm.PAGE))
    child = task.fork()
    child.write(start, b"y")
    grandchild = child.fork()
    grandchild.write(start, b"z")
    rows = vm.Fault(grandchild).scene().table.rows
    assert "memory 2 bypassed" in [what for stage, _, what in rows if stage == "object and pager"]


def test_tables_that_go_with_a_killed_task_are_said_to_be_its() -> None:
    machine = vm.boot("x86-64", layout="small", ram="4 MiB")
    machine.kill_when_out_of_memory()
    starts = {machine.task(f"t{number}").name: 0 for number in range(12)}
    for name in starts:
        starts[name] = machine.tasks[name].mmap("1 MiB")
    writes = ((name, start + page * 4096) for page in range(256) for name, start in starts.items())
    while len(machine.tasks) == len(starts):
        name, address = next(writes)
        machine.tasks[name].write(address, b"x")
    (killed,) = starts.keys() - machine.tasks.keys()
    scene = vm.Fault(machine).scene()
    assert scene.subtitle.endswith(f" of {name}"), "the access is not the killed task's"
    done = [row[2] for row in scene.table.rows if row[0] == "page tables"]
    ends = [f"level {level}: cleared" for level in (2, 3, 4)]
    assert [one.rpartition(" · ")[2] for one in done[:3]] == ends
    assert all(f"(exit of {killed})" in one for one in done[:3])
    assert "(exit of " not in done[-1], "the page is entered in the tables of the task that goes on"
    assert sum(row[0] == "map lookup" for row in scene.table.rows) == 2, "the exit looks into another task's map"


def test_the_latest_fault_stays_until_there_is_another() -> None:
    task, start = begun()
    task.write(start, b"x")
    child = task.fork()
    child.write(start, b"y")
    own = vm.Fault(child).scene()
    number = len(child.machine.journal) - 1
    task.write(start + vm.PAGE, b"another task's")
    for _ in range(2):
        child.machine.kmem_malloc("4 KiB")
        later = vm.Fault(child).scene()
        assert [(node.id, node.text, node.state) for node in later.nodes] == [
            (node.id, node.text, node.state) for node in own.nodes
        ]
        assert later.subtitle == own.subtitle.replace("in this operation", f"in operation {number}")
        said = {"task": child.name, "page": str(vm.Address(start)), "operation": f"operation {number}"}
        assert later.caption.text == saying("fault strips: earlier", **said)
        assert later.caption.reason == saying("fault strips: other/task", task=child.name)
        assert later.steps.count == 0, "steps of another operation are none of this one"
        assert (own.caption.tone, later.caption.tone) == ("good", "plain"), "nothing that it shows was done now"
    child.write(start + 2 * vm.PAGE, b"z")
    assert "in this operation" in vm.Fault(child).scene().subtitle


def test_the_fault_that_stays_is_from_before_the_moment_shown() -> None:
    task, start = begun()
    first = len(task.machine.journal)
    task.write(start, b"x")
    task.machine.kmem_malloc("4 KiB")
    task.write(start + vm.PAGE, b"y")
    scene = vm.Fault(task.machine.at(first + 1)).scene()
    assert scene.subtitle.startswith(f"fault 1 of 1 in operation {first} ")


# ---- a copy: before, steps, after ---------------------------------------------------------------------

WAYS = [(architecture, way) for architecture in ("x86-64", "armv7", "aarch64", "riscv-sv39", "x86-pae")
        for way in ("counted", "shadow")]  # fmt: skip  # each table format, each lazy fork


def side(scene: Scene, key: str) -> dict[str, tuple[int, bool]]:
    """By who is drawn at a side, the frame that the descriptor leads to, and whether its lock is open."""
    nodes = {node.id: node for node in scene.nodes}
    found = {}
    for who in "writer", "other":
        node = nodes.get(f"fault/{key}/{who}")
        if node is not None and node.thing:
            shackle, lock = (bar for bar in node.bars if bar.style.split()[0] in ("shackle", "lock"))
            found[who] = int(node.thing.removeprefix("frame:")), shackle.x + shackle.w > lock.x + lock.w
    return found


def walked(task: Task, page: int) -> tuple[int, bool] | None:
    pa = task.walk(page).pa
    return None if pa is None else (pa >> 12, task.walk(page, "write").pa is not None)


@pytest.mark.parametrize(("architecture", "way"), WAYS)
@pytest.mark.parametrize("width", [420, 900])
def test_both_sides_of_a_copy_are_those_of_the_walks_before_and_after(architecture: str, way: str, width: int) -> None:
    parent, start = begun(architecture, fork=way)
    parent.write(start, b"hello")
    parent.write(start + vm.PAGE, b"two")
    child = parent.fork("child")
    tasks = {"writer": child, "other": parent}

    def both() -> dict[str, tuple[int, bool]]:
        return {who: its for who, task in tasks.items() if (its := walked(task, start)) is not None}

    before = both()
    child.write(start, b"J")
    after = both()
    picture = vm.Fault(child, width=width)
    scene = picture.scene()
    assert side(scene, "before") == before
    assert side(scene, "after") == after
    columns = {
        node.id: node.x
        for node in scene.nodes
        if node.id in ("fault/before/writer", "fault/code", "fault/after/writer")
    }
    assert len({*columns.values()}) == (3 if width == 900 else 2), "beside each other, or below"
    words = {run.text for node in scene.nodes for run in node.text}
    assert any("descriptor" in one for one in words) == architecture.startswith("a"), "Arm's word, and only there"
    assert {"hello", "Jello"} <= words
    picture.step = 0
    assert side(picture.scene(), "after") == before, "nothing is done yet"


@pytest.mark.parametrize("way", ["counted", "shadow"])
def test_the_old_frame_s_count_falls_after_the_child_s_descriptor_leads_elsewhere(way: str) -> None:
    parent, start = begun(fork=way)
    parent.write(start, bytes(8192))
    child = parent.fork("child")
    child.read(start)  # with shadows, the child's tables begin empty
    child.write(start, b"J")
    picture = vm.Fault(child)
    old = picture.scene().table.rows
    assert old
    seen = []
    for step in range(picture.scene().steps.count + 1):
        picture.step = step
        nodes = {node.id: node for node in picture.scene().nodes}
        last = max(name for name in nodes if name.startswith("fault/after/frame/"))
        count = next(run.text for run in nodes[last].text if run.style.endswith("on-step"))
        leads = nodes["fault/after/writer"].thing == nodes[last].thing
        seen.append((int(count), leads, "fault/after/frame/1" in nodes))
    assert {(2, True, False), (2, True, True), (1, False, True)} == {*seen}
    assert seen == sorted(seen, key=lambda one: (-one[0], one[2])), "a copy, the descriptor, then the count"


def test_no_step_of_a_copy_is_red_and_a_fault_that_fails_is() -> None:
    parent, start = begun(fork="counted")
    parent.write(start, b"x")
    child = parent.fork("child")
    child.write(start, b"J")
    picture = vm.Fault(child)
    for step in range(picture.scene().steps.count + 1):
        picture.step = step
        styles = {
            word
            for node in picture.scene().nodes
            for style in (*(bar.style for bar in node.bars), *(run.style for run in node.text))
            for word in style.split()
        }
        assert not {"error", "step-refused"} & styles
    with suppress(vm.KernelError):
        child.write(0x10, b"x")
    assert red(vm.Fault(child).scene()) == ["lookup"]


def test_a_fault_s_title_has_the_task_as_its_subject() -> None:
    task, start = begun(fork="counted")
    page = vm.Address(start)
    task.write(start, b"x")
    frame = f"{(task.walk(start).pa or 0) >> 12:#x}"
    assert vm.Fault(task).scene().caption.text == saying(
        "fault strips: taken", task="init", did="wrote", page=f"{page}", frame=frame
    )
    child = task.fork("child")
    child.write(start, b"y")
    assert vm.Fault(task.machine).scene().caption.text == saying("fault strips: copied", task="child", page=f"{page}")
    task.write(start, b"z")
    alone = saying("fault strips: alone", task="init", did="wrote", page=f"{page}")
    assert vm.Fault(task.machine).scene().caption.text == alone


@pytest.mark.parametrize("way", ["eager", "counted", "shadow"])
@pytest.mark.parametrize("flags", ["private", "shared"])
def test_a_page_in_memory_is_not_said_to_get_the_frame_of_a_new_page_table(way: str, flags: str) -> None:
    """The child's first access allocates its page tables, but the file's page is in memory since the parent's read."""
    parent = vm.boot("x86-64", fork=way).task("parent")
    start = parent.mmap("4 KiB", "r", flags, parent.machine.file("libc", b"code"))
    parent.read(start, 2)
    child = parent.fork("child")
    child.read(start, 1)
    assert child.walk(start).pa == parent.walk(start).pa
    scene = vm.Fault(child).scene()
    there = saying("fault strips: there", task="child", did="read", page=f"{vm.Address(start)}")
    assert scene.caption.text == there
    assert "new" not in boxes(scene)["frame"].state
    picture = vm.Fault(child)
    for step in range(scene.steps.count + 1):
        picture.step = step
        assert "new" not in boxes(picture.scene())["frame"].state


@pytest.mark.parametrize("read_before", [True, False])
def test_a_page_that_the_pager_supplied_in_the_fault_is_not_drawn_before_it(read_before: bool) -> None:
    machine = vm.boot("x86-64")
    file = machine.file("cfg", b"code")
    if read_before:
        other = machine.task("other")
        other.read(other.mmap("4 KiB", "r", "private", file), 1)
    task = machine.task("init")
    start = task.mmap("4 KiB", "rw", "private", file)
    task.write(start, b"x")
    scene = vm.Fault(task).scene()
    assert any(node.id.startswith("fault/before/frame/") for node in scene.nodes) == read_before
    asked = [row[2] for row in scene.table.rows if row[2].endswith("page supplied")]
    assert bool(asked) != read_before


@pytest.mark.parametrize("way", ["counted", "shadow"])
def test_of_two_copies_by_one_write_the_title_and_the_reason_tell_both(way: str) -> None:
    parent, start = begun(fork=way)
    parent.write(start, bytes(8192))
    child = parent.fork("child")
    child.write(start, b"y" * 8192)
    scene = vm.Fault(child).scene()
    faults = saying("fault strips: several", task="child", did="wrote", faults="2 page faults")
    assert scene.caption.text == faults
    assert "pages copied: 2" in scene.caption.reason
    assert scene.caption.reason.endswith(f"fault 2 of 2, at page {vm.Address(start + vm.PAGE)}.")


@pytest.mark.parametrize("way", ["counted", "shadow"])
def test_a_step_of_a_copy_is_done_only_when_all_that_it_says_has_happened(way: str) -> None:
    parent, start = begun(fork=way)
    parent.write(start, b"hello")
    child = parent.fork("child")
    child.read(start)
    child.write(start, b"J")
    events = child.machine.journal.last.events
    ends = {"frame": "PageCopied", "enter": "PteWritten", "retry": "TlbFilled"}
    picture = vm.Fault(child)
    picture.step = 0
    assert {node.state[0] for node in picture.scene().nodes if node.kind == "stage"} == {"coming"}
    for step in range(picture.scene().steps.count):
        picture.step = step
        happened = {type(event).__name__ for event in events[: picture.at().moment.place]}
        for box, end in ends.items():
            assert (box in lit(picture.scene())) == (end in happened), (step, box)


@pytest.mark.parametrize("architecture", ["x86-64", "armv7", "aarch64", "riscv-sv39"])
@pytest.mark.parametrize("found", ["hit", "walk", "fault"])
@pytest.mark.parametrize("user", [True, False])
def test_an_access_is_its_program_s_or_the_kernel_s_for_it_however_the_page_is_found(
    architecture: str, found: str, user: bool
) -> None:
    """On a processor of its own, with and without the events that name a task: words, table and title agree."""
    m = vm.boot(architecture, layout="small", cpus=2)
    task, cpu = m.task("parent"), m.cpus[1]
    start = task.mmap("4 KiB")
    cpu.run(task)
    if found != "fault":
        cpu.store(start, b"hello")
    if found == "walk":
        cpu.flush(start)
    with suppress(vm.KernelError):  # RISC-V's kernel may not, without SUM
        cpu.store(start, b"H", user=user)
    whose = "parent" if user else "the kernel, for parent"
    scene = vm.Fault(m).scene()
    words = said(scene, "access")[0]
    assert words.startswith(f"{whose} " if user else f"{whose}, ")
    assert words in boxes(scene)["access"].title
    assert [row[1] for row in scene.table.rows if row[0] == "access"] == [whose]
    assert vm.Fault(task).scene().table.rows[0] == scene.table.rows[0], "it is a fault of the task's picture too"


def test_an_access_to_a_kernel_s_address_is_the_kernel_s_whatever_task_is_loaded() -> None:
    m = vm.boot("x86-64")
    m.cpus[0].run(m.task("init"))
    where = m.kmem_malloc("4 KiB")
    actors = []
    for access in (partial(m.read, where), partial(m.cpus[0].load, where), partial(m.cpus[0].load, where, user=True)):
        with suppress(vm.KernelError):
            access()
        actors.append(next(row[1] for row in vm.Fault(m).scene().table.rows if row[0] == "access"))
    assert actors == ["the kernel", "the kernel", "init"]


def test_a_hit_is_its_program_s_on_the_processor_that_was_switched_in_the_same_operation() -> None:
    """Two threads of one operation, each in its own task: the processor loads one's tables and then the other's."""
    m = vm.boot("x86-64")
    one, other = m.task("one"), m.task("other")
    places = {task: task.mmap("4 KiB") for task in (one, other)}
    for task, where in places.items():
        task.write(where, b"x")
        task.read(where)
    m.cpus[0].run(one)
    one.read(places[one])

    for task in (one, other):
        m.spawn(task.read, places[task])
    m.run()
    picture = vm.Fault(m)
    actors = []
    for step in range(picture.scene().steps.count + 1):
        picture.step = step
        actors += [row[1] for row in picture.scene().table.rows if row[0] == "access"]
    assert sorted({*actors}) == ["one", "other"]
    assert actors == sorted(actors)
