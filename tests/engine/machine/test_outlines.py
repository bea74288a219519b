"""What notebooks use to read an operation, a descriptor and threads: outlines, flips, and copiers."""

from __future__ import annotations

import gc
from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import says


def test_an_outline_has_the_steps_of_the_story_but_for_trees_and_lists() -> None:
    machine = vm.boot("x86-64", layout="tiny")
    for _ in range(3):
        machine.kmem_alloc("4 KiB", map="kmem_map")
    whole, outline = (
        repr(machine.journal.last.explain()).splitlines(),
        repr(machine.journal.last.outline()).splitlines(),
    )
    sentences = {line.partition(". ")[2] for line in whole}
    assert {line.partition(". ")[2] for line in outline} <= sentences
    assert outline[0] == whole[0]
    assert len(outline) < len(whole)
    assert says("kmem events: MapUnlocked", outline[-1])
    assert not any(says("map events: TreeLinked", line) for line in outline)


def test_an_outline_of_some_words_has_only_lines_with_one_of_them() -> None:
    machine = vm.boot("x86-64", layout="tiny")
    machine.kmem_malloc("4 KiB")
    whole = [line for line in repr(machine.journal.last.outline()).splitlines() if ". " in line[:5]]
    outline = repr(machine.journal.last.outline("4 KiB", "SYSTEM")).splitlines()
    numbered = [line.partition(". ")[2] for line in outline if ". " in line[:5]]
    wanted = [line for line in whole if "4 KiB" in line or "SYSTEM" in line]
    assert numbered == [line.partition(". ")[2] for line in wanted]
    assert 2 <= len(numbered) < len(whole)


@pytest.fixture
def task() -> Any:
    task = vm.boot("x86").task("init")
    task.write(task.map.enter("4 KiB", at="4 MiB", object=task.machine.object("o")), b"x")
    return task


def test_flips_say_each_bit_once_and_leave_the_tables_as_they_were(task: Any) -> None:
    before = task.walk("4 MiB").steps
    found = task.walk("4 MiB").flips()
    bits = [bit for text in found.values() for bit in numbers(text)]
    assert sorted(bits) == list(range(32))
    assert task.walk("4 MiB").steps == before
    assert found["not-present, #PF 0x4 (U/S)"] == "0"


def numbers(text: str) -> list[int]:
    ends = [list(map(int, part.split("–"))) for part in text.split(", ")]
    return [number for one in ends for number in range(one[0], one[-1] + 1)]


def test_flips_of_the_kernels_own_tables_and_of_a_descriptor_above() -> None:
    machine = vm.boot("x86-64", layout="tiny")
    found = machine.walk(machine.kmem_malloc("4 KiB"), "write").flips(level=2)
    assert "0" in found["not-present, #PF 0x2 (W/R)"].split(", ")


def test_flips_of_a_machine_that_is_gone_are_refused() -> None:
    walk = vm.boot("x86").task("init").walk("4 MiB")
    gc.collect()
    with pytest.raises(vm.Refused, match="no longer exists"):
        walk.flips()


def test_a_copier_sleeps_with_each_lock_but_the_last_and_gives_all_back() -> None:
    machine = vm.boot("x86-64", layout="tiny")
    machine.spawn(machine.kmem.copier, "exec_map", "pipe_map", "pager_map", name="t")
    held = []
    while machine.step() or machine.run(steps=1):
        held.append(machine.threads["t"].value.locks)
    assert machine.threads.ticks == 5 + 5 + 1
    assert max(map(len, held)) == 3
    assert held[-1] == ()
