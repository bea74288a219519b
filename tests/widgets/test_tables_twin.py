"""The table twin of a dashboard: what a reader without the picture is told of each part of it."""

from __future__ import annotations

import re

import vmwidgets as vm


def test_the_table_of_a_dashboard_has_all_parts_of_it() -> None:
    machine = vm.boot()
    machine.kernel_map.enter("16 KiB")
    view = vm.Dashboard(machine)
    scene = view.scene()
    kentry = vm.Kentry(machine.kentry).scene().table
    walk = vm.Walk(machine.walk(machine.kernel_map.start)).scene().table
    assert [other.header for _, other in scene.table.more] == [kentry.header, walk.header]
    assert all(other.rows for _, other in scene.table.more)
    titles = [title for title, _ in scene.table.more]
    assert titles[0].startswith("kentry")
    assert titles[1].startswith("walk of ")
    text, page = view.to_text(), view.to_html()
    for title, other in scene.table.more:
        assert title in text
        assert all(word in text for row in other.rows for word in row)
        assert title in re.findall(r"<h2>(.*?)</h2>", page)
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
