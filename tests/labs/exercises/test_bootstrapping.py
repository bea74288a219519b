"""Lab 04: what a slot costs is what the kernel does, and a careless order ends it."""

from __future__ import annotations

from itertools import permutations

import pytest

import vmwidgets as vm
from vmwidgets import Machine, lab
from vmwidgets.labs.exercises.bootstrapping import NEEDS, TAKES, Job, JobsSheet, works

from ..solutions import of_lab

call, done = of_lab("04-bootstrapping").call, of_lab("04-bootstrapping").done

SHEET = lab.practice("04/thrifty")


def asked() -> JobsSheet:
    assert isinstance(SHEET.given, JobsSheet)
    return SHEET.given


def after(recipe: str, machine: Machine | None = None) -> Machine:
    thing = machine or SHEET.start()
    exec(recipe, {"vm": vm, "thing": thing})
    return thing


def used(machine: Machine) -> int:
    return sum(bool(entry.address) for entry in machine.kernel_map.entries())


@pytest.mark.parametrize("kind", NEEDS)
@pytest.mark.parametrize("free", range(3))
def test_each_kind_of_job_needs_and_takes_as_many_slots_as_the_kernel(kind: str, free: int) -> None:
    page = {"hole": 5, "grow": 16, "other": 16}.get(kind, 0)
    job = Job(kind, 3, page)
    machine = JobsSheet(free, (job,)).start()
    before = used(machine)
    if free < NEEDS[kind]:
        with pytest.raises(vm.KernelPanic):
            after(call(job), machine)
    else:
        assert used(after(call(job), machine)) - before == TAKES[kind]


def test_an_order_passes_if_and_only_if_the_kernel_survives_it() -> None:
    outcomes = set()
    for order in list(permutations(asked().jobs))[::41]:
        machine: Machine = SHEET.start()
        failed = [lab.attempt(after, call(job), machine) for job in order]
        passed = lab.check(SHEET, machine).passed
        assert passed == works(asked().free, order) == (not any(isinstance(one, str) for one in failed))
        outcomes.add(passed)
    assert outcomes == {True, False}


def test_a_dead_machine_has_no_points() -> None:
    machine: Machine = SHEET.start()
    for job in asked().jobs:
        lab.attempt(after, call(job), machine)
    result = lab.check(SHEET, machine)
    assert result.points == 0
    assert "this machine is dead" in result.problem


def test_room_by_force_and_other_rights_are_named() -> None:
    machine = after(done(asked(), asked().jobs))
    machine.kernel_map.remove(machine.kernel_map.entries()[2].start, size=vm.PAGE)
    behind = next(job for job in asked().jobs if job.kind == "other")
    machine.kernel_map.protect(behind.address, size=vm.PAGE, prot="rwx")
    result = lab.check(SHEET, machine)
    assert [one.mistake.name for one in result.criteria if one.mistake] == ["other rights", "room by force"]


def test_a_page_that_no_job_mentions_is_named_and_frees_no_slot() -> None:
    machine = SHEET.start()
    for job in asked().jobs:
        if job.kind == "whole":
            machine.kernel_map.remove(job.address, size=job.size)
    hole = next(job for job in asked().jobs if job.kind == "hole")
    machine.kernel_map.remove(hole.address + vm.PAGE, size=vm.PAGE)
    criterion = lab.check(SHEET, machine).criteria[2]
    assert criterion.actual.endswith(f"changed: `{vm.Address(hole.address + vm.PAGE)}`")
    assert criterion.mistake is None
