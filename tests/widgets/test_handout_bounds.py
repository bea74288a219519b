"""A handout of a long story ends: calls in a row are one step, the rest has a bound, and both are said."""

from __future__ import annotations

import gc
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

import vmwidgets as vm
from tests.widgets.test_handout import read
from vmwidgets.pictures.handing_out import handed_out
from vmwidgets.pictures.handout import bounds
from vmwidgets.pictures.handout.telling import Telling

QUESTION = ("How many entries are there?", ["1", "2"], "1")


def looped(count: int) -> tuple[vm.Machine, Any]:
    """A machine with a loop of `count` operations on one map, one operation before it and one after it."""
    machine = vm.boot("x86-64")
    space = machine.task("init").map
    space.fill(count)
    machine.task("last")
    return machine, space


def within(things: Any) -> set[type]:
    """The kinds of all objects that these lead to, without what every function and class leads to."""
    found, left = {}, [things]
    while left:
        one = left.pop()
        if id(one) in found or isinstance(one, (type, ModuleType)):
            continue
        found[id(one)] = one
        left += [*(one.__closure__ or ())] if isinstance(one, FunctionType) else gc.get_referents(one)
    return {type(one) for one in found.values()}


def test_a_loop_of_many_operations_is_one_step_and_the_page_says_so(tmp_path: Path) -> None:
    machine, space = looped(300)
    file, said = handed_out(machine, tmp_path / "x.html", [vm.Map(space)], {}, fold=True)
    assert [(step["operation"], step["code"]) for step in read(file)["steps"]] == [
        (1, 'machine.task(name="init")'),
        (301, "task:init/map.enter: 300 operations as one"),
        (302, 'machine.task(name="last")'),
    ]
    sentence = "61 or more calls of one function in a row are one step: 300 operations are not shown one by one."
    assert said == (sentence,)
    assert f"<p>{sentence}</p>" in file.read_text()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds with which a story of 60 operations is long."""
    monkeypatch.setattr(bounds, "MOST_STEPS", 40)
    monkeypatch.setattr(bounds, "LONGEST_RUNS", (20, 5, 1))


@pytest.mark.usefixtures("small")
def test_a_story_that_fits_has_each_operation_and_says_nothing(tmp_path: Path) -> None:
    machine, space = looped(30)
    file, said = handed_out(machine, tmp_path / "x.html", [vm.Map(space)], {"by": "operation"}, fold=True)
    assert ([step["operation"] for step in read(file)["steps"]], said) == ([*range(1, 33)], ())


@pytest.mark.usefixtures("small")
def test_a_mark_and_a_question_end_a_run(tmp_path: Path) -> None:
    machine, space = looped(60)
    machine.journal.mark("half", machine.journal.serial(31))
    options = {"ask": {41: QUESTION}}
    file, _ = handed_out(machine, tmp_path / "x.html", [vm.Map(space)], options, fold=True)
    steps = read(file)["steps"]
    assert [step["operation"] for step in steps if "as one" in step["code"]][:1] == [31]
    assert [step["operation"] for step in steps if "chapter" in step] == [31]
    assert [step["operation"] for step in steps if "question" in step] == [41]


def test_large_machines_of_the_past_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, space = looped(700)
    for name in "abcdefgh":
        machine.task(name)
    size = machine.history.bytes_near(705)
    monkeypatch.setattr(bounds, "MOST_COPIED", 3 * size)
    options = {"ask": {1: QUESTION}}
    file, said = handed_out(machine, tmp_path / "x.html", [vm.Map(space)], options)
    assert [step["operation"] for step in read(file)["steps"]] == [707, 708, 709, 710], "the latest needs no copy"
    assert said[0].endswith("of earlier machines: operations 1 to 706 are left out.")
    assert said[1:] == ("1 question in that part is left out.",)
    assert all(f"<p>{sentence}</p>" in file.read_text() for sentence in said)


@pytest.mark.parametrize("kind", [vm.Map, vm.Tree, vm.Objects, vm.Dashboard])
def test_no_step_holds_a_machine_of_the_past(kind: Any) -> None:
    machine, space = looped(5)
    steps = Telling(machine, [kind(space if kind in (vm.Map, vm.Tree) else machine)]).steps(1, "step")
    assert len(steps) >= 7
    held = {
        one for one in within(steps) if one.__module__.startswith(("vmwidgets.engine.kernel", "vmwidgets.engine.m"))
    }
    assert held == set()
