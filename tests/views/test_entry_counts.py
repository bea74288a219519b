"""A map's picture tells how many entries there were and are, exactly where that changed."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import saying, says
from tests.views.lives import WHOLE
from tests.views.oracle.living import life_of_maps
from vmwidgets.pictures.moments import look_at_map
from vmwidgets.views.maps.picture import map_picture
from vmwidgets.views.story.moment import Moment


@pytest.mark.parametrize("seed", range(4))
def test_how_many_entries_there_were_and_are_is_counted(seed: int) -> None:
    said, before = 0, dict[str, int]()
    for machine in life_of_maps(seed):
        maps: dict[str, Any] = {"kernel_map": machine.kernel_map, "task:init/map": machine.tasks["init"].map}
        counts = {path: len(part.entries()) for path, part in maps.items()}
        operation = machine.journal.last
        if operation.target in before and operation.outcome == "done" and operation.number != before["number"]:
            look = look_at_map(maps[operation.target], Moment(operation), [], [], whole=WHOLE)
            reason = map_picture(look).caption.reason
            is_counted = says("map pictures: map/entries", reason)
            was, now = before[operation.target], counts[operation.target]
            if operation.number == before["number"] + 1:
                assert is_counted == (was != now), reason
            if is_counted:
                assert saying("map pictures: map/entries", was, now=f"{now:,}") in reason
                said += 1
        before = {**counts, "number": operation.number}
    assert said > 5


@pytest.mark.parametrize("call", ["enter", "remove"])
def test_the_bytes_in_use_are_those_of_the_entries_drawn_at_each_step(call: str) -> None:
    machine = vm.boot("x86-64")
    task = machine.task("hello")
    task.mmap("16 KiB")
    task.mmap("4 KiB", prot="rx")
    middle = task.mmap("64 KiB", prot="r")
    if call == "enter":
        task.map.enter("64 KiB")
    else:
        task.map.remove(middle + 4096, size="8 KiB")
    view, said = vm.Map(task.map), set()
    for step in range(view.steps + 1):
        view.step = step
        rows = view.scene().table.rows
        sizes = [int(row[2], 16) - int(row[1], 16) for row in rows]
        kib = f"{sum(sizes) // 1024} KiB mapped"
        assert f"{len(sizes)} entries · {kib}" in view.scene().subtitle, step
        said.add(kib)
    assert len(said) > 1, "the operation changed how much is in use"
