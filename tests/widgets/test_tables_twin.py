"""The table twin of a dashboard: what a reader without the picture learns of each part of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

import vmwidgets as vm
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.model import Caption, Scene, Steps, Table
from vmwidgets.views.scene.twin import STEPS, table_twin
from vmwidgets.views.story.words.called import called


def test_the_table_of_a_dashboard_has_all_parts_of_it() -> None:
    machine = vm.boot()
    machine.kernel_map.enter("16 KiB")
    view = vm.Dashboard(machine)
    scene = view.scene()
    kentry = vm.Kentry(machine.kentry).scene().table
    walk = vm.Walk(machine.walk(machine.kernel_map.start)).scene().table
    slabs = kentry.more[0][1]
    assert [other.header for _, other in scene.table.more] == [kentry.header, slabs.header, walk.header]
    assert all(other.rows for _, other in scene.table.more)
    titles = [title for title, _ in scene.table.more]
    assert titles[0].startswith("records of entries")
    assert titles[1].endswith(" · slabs")
    assert titles[2].startswith("walk of ")
    text, page = view.to_text(), view.to_html()
    for title, other in scene.table.more:
        assert title in text
        assert all(word in text for row in other.rows for word in row)
        assert title in re.findall(r"<h[2-4]>(.*?)</h", page)
    assert [other["title"] for other in view.to_json()["table"]["more"]] == titles


def test_the_table_of_kernel_memory_has_threads_and_frames() -> None:
    machine = vm.boot()
    machine.spawn(lambda: None, name="reader")
    machine.malloc(100)
    more = vm.Dashboard(machine).scene().table.more
    assert [table.header for _, table in more] == [
        vm.Threads(machine).scene().table.header, vm.Frames(machine).scene().table.header,
    ]  # fmt: skip
    assert any("reader" in row for _, table in more for row in table.rows)


def test_a_picture_of_one_thing_has_one_table() -> None:
    machine = vm.boot()
    assert vm.Map(machine.kernel_map).scene().table.more == ()
    assert "more" not in vm.Map(machine.kernel_map).to_json()["table"]


def kernel_map() -> vm.Machine:
    m = vm.boot(layout="tiny")
    for size in ("16 KiB", "64 KiB", "8 KiB"):
        m.kernel_map.enter(size, prot="rw")
    return m


def kernel_memory() -> vm.Machine:
    m = vm.boot()
    m.spawn(lambda: m.kmem_alloc_wait("4 KiB"), name="sh")
    m.malloc(100)
    return m


def domain() -> vm.Machine:
    m = vm.boot("armv7")
    d = m.domain("hello")
    d.map(d.frame("4 KiB"))
    return m


def tables_of(table: Table) -> list[Table]:
    return [table, *(part for _, other in table.more for part in tables_of(other))]


def untold(scene: Scene, table: Table) -> set[str]:
    """Lanes with a thing that no row of the twin has: its number, name or address, or the table and index of it."""
    cells = " ".join(cell for one in tables_of(table) for row in one.rows for cell in row)
    words = set(re.split(r"[^\w.\[\]]+", cells.replace("_", "")))
    walked = (one for one in tables_of(table) if one.header[2:4] == ("at", "index"))
    words |= {f"{int(row[2], 16) + 8 * int(row[3]):x}" for one in walked for row in one.rows if row[3]}
    missing = set()
    for node in scene.whole().nodes:
        path = node.thing.partition(":")[2]
        name, learners = path.replace("_", ""), called(path).replace("_", "")
        if node.lane and name and not {name, name.rpartition("/")[2], f"0x{name}", learners} & words:
            missing.add(f"{node.lane}: {node.thing}")
    return missing


@pytest.mark.parametrize("make", [kernel_map, kernel_memory, domain])
def test_each_thing_of_each_lane_of_a_dashboard_is_in_its_table(make: Callable[[], vm.Machine]) -> None:
    machine = make()
    scene = vm.Dashboard(machine).scene()
    assert untold(scene, table_twin(scene)) == set()


@pytest.mark.parametrize("make", [kernel_map, kernel_memory, domain])
def test_the_table_of_a_dashboard_says_what_happened_step_by_step(make: Callable[[], vm.Machine]) -> None:
    machine = make()
    view = vm.Dashboard(machine)
    count = view.scene().steps.count
    for step in range(count + 1):
        view.step = step
        scene = view.scene()
        title, happened = table_twin(scene).more[-1]
        assert title == "what happened"
        assert len(happened.rows) == count + (step == 0)
        (shown,) = (row for row in happened.rows if row[0].endswith(", shown"))
        assert shown[0] == f"{step}, shown"
        assert scene.caption.text in shown[1] and scene.caption.reason in shown[1]
        others = [row for row in happened.rows if row is not shown]
        assert [row[0] for row in others] == [str(number) for number in range(1, count + 1) if number != step]


def test_a_twin_of_many_steps_has_those_around_the_one_that_is_shown() -> None:
    count = 5 * STEPS
    said = [(f"sentence {number}", "f") for number in range(1, count + 1)]
    for index in (1, count // 2, count):
        steps = Steps(index, count, 1, said=said)
        scene = kit.scene("v", "t", "", [], caption=Caption(f"sentence {index}"), table=Table((), ()), steps=steps)
        rows = table_twin(scene).more[-1][1].rows
        numbers = [int(row[0].partition(",")[0]) for row in rows if not row[0].startswith("…")]
        assert index in numbers
        assert len(numbers) == STEPS
        left_out = [int(re.sub(r"\D", "", row[0])) for row in rows if row[0].startswith("…")]
        assert sum(left_out) + STEPS == count


def test_a_picture_that_says_nothing_has_no_table_of_what_happened() -> None:
    table = Table(("a",), (("1",),))
    assert table_twin(kit.scene("v", "t", "", [], caption=Caption(""), table=table)) == table
