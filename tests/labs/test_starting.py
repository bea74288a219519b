"""Work begins with what the sheet gives: a machine of one's own earns nothing, in the notebook and in the grader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.checking import judged_for
from vmwidgets.labs.exercises.bootstrapping import Job, JobsSheet
from vmwidgets.labs.exercises.cutting import WholeSheet, WindowSheet
from vmwidgets.labs.exercises.maps import GapsSheet
from vmwidgets.labs.exercises.trees import TreeSheet
from vmwidgets.labs.sheet import Sheet, sheet_of
from vmwidgets.labs.work import by_kind, packed, remade

from .solutions import of_lab, run
from .test_sheets import SHIPPED, SOLVED

FOREIGN = "this machine does not begin as the variant does"


def solved(sheet: Sheet, thing: Any, number: int = 0) -> Any:
    """`thing` after the sheet's right solution."""
    names: dict[str, Any] = {"vm": vm, "lab": lab, "thing": thing}
    run(SOLVED[sheet.exercise.id].right[number](sheet.given), names)
    return names["thing"]


def refused(sheet: Sheet, thing: Any, problem: str = FOREIGN) -> None:
    """It earns nothing by the check and by the judge, both say the sentence, and the work is kept for the grader."""
    for result in lab.check(sheet, thing), judged_for(sheet.exercise.id, sheet.of, thing):
        assert (result.points, result.criteria, result.picture) == (0, (), "")
        assert result.problem.startswith(problem)
        assert result.work["kind"] == "machine"


# ---- machines of one's own, on which nothing of the puzzle is left to solve ----------------------


def gaps_made_where_they_help(given: GapsSheet) -> Any:
    space = vm.boot().task("puzzle").map
    space.enter((given.size - sum(given.requests)) * vm.PAGE)
    space.enter(vm.PAGE, at=1000 * vm.PAGE)
    space.remove(1000 * vm.PAGE, size=vm.PAGE)
    for pages in given.requests:
        space.enter(pages * vm.PAGE)
    return space


def tree_without_what_is_there(given: TreeSheet) -> Any:
    space = vm.boot().task("orchard").map
    for address in (*given.there[::-1], *given.wanted):
        space.enter(vm.PAGE, at=address, fixed=True)
    return space


def window_page_by_page(given: WindowSheet) -> Any:
    machine = vm.boot()
    return machine.task("cinema").map


def whole_from_the_start(given: WholeSheet) -> Any:
    task = vm.boot().task("splintered")
    task.map.enter(16 * vm.PAGE, at=given.base, object=task.machine.object("sheet"))
    return task.map


def all_slots_free(given: JobsSheet) -> Any:
    machine = vm.boot("x86-64", layout="tiny")
    for job in given.jobs:
        if job.kind != "alone":
            machine.kernel_map.enter(16 * vm.PAGE, at=job.start, fixed=True, prot="rw")
    jobs: tuple[Job, ...] = given.jobs
    run("\n".join(map(of_lab("04-bootstrapping").call, jobs)), {"vm": vm, "thing": machine})
    return machine


OWN: dict[str, Callable[[Any], Any]] = {
    "01/gaps": gaps_made_where_they_help,
    "02/no-rotation": tree_without_what_is_there,
    "03/window": window_page_by_page,
    "03/whole": whole_from_the_start,
    "04/thrifty": all_slots_free,
}


@pytest.mark.parametrize("name", OWN)
def test_a_machine_of_ones_own_is_refused(name: str) -> None:
    for number in range(1, 4):
        sheet = lab.practice(name, number)
        refused(sheet, OWN[name](sheet.given))


# ---- what is work on the sheet, and what is not ------------------------------------------------

GIVES_A_MACHINE = [name for name in SHIPPED if lab.practice(name).begins is not None]


def test_the_exercises_that_give_no_machine_are_known() -> None:
    assert set(SHIPPED) - set(GIVES_A_MACHINE) == {
        "00/segments",
        "00/walk",
        "10/stack",
        "11/anomaly",
        "11/policy",
        "11/trace",
    }


@pytest.mark.parametrize("name", GIVES_A_MACHINE)
def test_another_boot_is_not_the_sheets(name: str) -> None:
    """The same solution on a machine that is booted otherwise, which has all that the sheet's has."""
    sheet = lab.practice(name, 2)
    begins = sheet.begins
    assert begins is not None
    first, *rest = begins.operations
    machine = vm.boot(**dict(first.arguments) | {"seed": 7})
    for operation in rest:
        given = {name: machine.resolve(value) for name, value in operation.arguments}
        if operation.name == "spawn":
            asked: Any = sheet.given
            machine.spawn(machine.kmem_malloc, asked.wanted * vm.PAGE, name=given["name"])
        else:
            machine.recorded(operation.target, operation.name)(**given)
    refused(sheet, machine.part(begins.path))


@pytest.mark.parametrize("name", ["01/gaps", "06/by-hand", "08/survivor", "09/refill"])
def test_loaded_branched_and_past_machines_are_work_on_the_sheet(name: str, tmp_path: Path) -> None:
    sheet = lab.practice(name, 2)
    thing = solved(sheet, sheet.start())
    machine = thing if isinstance(thing, vm.Machine) else thing.machine
    machine.journal.save(tmp_path / "mine.jsonl.gz")
    count = len(machine.journal)
    machine.tick()  # whatever is done after it
    others = machine.branch(count - 1), machine.at(count - 1), vm.load_journal(tmp_path / "mine.jsonl.gz")
    for other in others:
        assert lab.check(sheet, other.part(thing.path)).passed
    machine.undo()
    assert lab.check(sheet, thing).passed


def test_what_the_sheet_gives_may_not_be_undone() -> None:
    sheet = lab.practice("01/gaps", 2)
    space = sheet.start()
    space.machine.undo()
    refused(sheet, space)
    space.machine.redo()
    assert lab.check(sheet, space).criteria


def test_another_part_of_the_same_machine_is_named() -> None:
    sheet = lab.variant("01/gaps")
    machine = sheet.start().machine
    refused(
        sheet, machine.task("mine").map, "this is task:mine/map, and the variant's is task:puzzle/map: check the result"
    )


def test_the_sentence_says_how_to_begin() -> None:
    call = 'call lab.variant("01/gaps").start() and work on its result'
    assert lab.check("01/gaps", vm.boot().task("puzzle").map).problem == f"{FOREIGN}: {call}"
    assert "call practice.start() and" in lab.check(lab.practice("01/gaps"), vm.boot().task("puzzle").map).problem


def test_data_of_foreign_work_is_judged_alike() -> None:
    """The journal of a machine of one's own, packed and made again: the grader's way."""
    sheet = lab.variant("01/gaps")
    given: Any = sheet.given
    work = lab.check("01/gaps", gaps_made_where_they_help(given)).work
    refused(sheet, remade(work))


def test_a_sheet_of_a_course_without_a_machine_takes_any() -> None:
    class Given:
        text = "Boot a machine."

        def start(self) -> None:
            """Nothing is given."""

    lab.author.exercise("t/any", "Any machine", points=1, takes=vm.Machine, variant=lambda draws: Given())(
        lambda machine, asked: [lab.author.criterion(1, True, "it runs", "it does not run")]
    )
    assert lab.check("t/any", vm.boot()).passed


def test_work_whose_names_of_files_were_replaced_is_work_on_the_sheet() -> None:
    """As lab.submit(names="by kind") submits it; beside the file of the variant, the work has one of the learner's."""
    of = "0123456789abcdef"
    sheet = sheet_of("10/loader", of)
    machine = solved(sheet, sheet.start())
    machine.file("/home/ada/notes.txt", b"mine")
    work = packed(machine)
    assert "/file-1" in repr(remade(by_kind(work)).files)
    found = judged_for("10/loader", of, remade(by_kind(work)))
    assert (found.points, found.problem) == (found.of, "")
    foreign = packed(
        solved(sheet_of("10/loader", "fedcba9876543210"), sheet_of("10/loader", "fedcba9876543210").start())
    )
    assert judged_for("10/loader", of, remade(by_kind(foreign))).points == 0
