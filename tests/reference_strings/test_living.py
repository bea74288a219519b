"""The same references on paper and in a task of a machine: the same faults, by each policy."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.memory.replacement import ResidentPage
from vmwidgets.reference_strings.trace import Trace, trace

PAGE = 4096


def program(length: int = 300) -> Trace:
    """Three places in memory far apart, a phase in each, with some writes, and references that cross pages."""
    draws, addresses, writes = random.Random(4), [], []
    for number in range(length):
        base = (0x40_0000, 0x7F00_0000, 0x7FFF_0000_0000)[number * 3 // length]
        addresses.append(base + draws.randrange(9) * PAGE + draws.choice((0, 64, PAGE - 4)))
        writes.append(draws.random() < 0.3)
    return trace(addresses, writes, sizes=[8] * length, name="program")


def middle(pages: list[ResidentPage]) -> ResidentPage:
    return pages[len(pages) // 2]


@pytest.mark.parametrize("policy", ["fifo", "lru", "clock", "second chance", "opt", "aging", "nru", middle])
@pytest.mark.parametrize("frames", [1, 5])
def test_a_machine_faults_as_often_as_the_paper(policy: object, frames: int) -> None:
    tick = 25 if policy in ("aging", "nru") else 0
    machine = vm.boot("x86-64", layout="small")
    lived = program().play(machine, frames=frames, policy=policy, tick=tick)
    counts = next(iter(program().faults(policy, frames, tick=tick).counts.values()))[frames]  # type: ignore[arg-type]
    assert lived.references == len(program().pages()[0]) > 300
    assert lived.faults == counts.faults
    assert policy == "opt" or lived.written == counts.written  # of pages that are not used again OPT may take any
    machine.check()
    assert machine.tasks["program"].resident == frames * PAGE


def test_at_the_slider_one_sees_which_page_was_evicted() -> None:
    machine = vm.boot("x86-64", layout="small")
    trace([0x1000, 0x2000, 0x1000, 0x3000]).play(machine, "init", 2, policy="lru")
    before, after = machine.at(len(machine.journal) - 2), machine.at(len(machine.journal) - 1)
    there = [
        {page for page in (1, 2, 3) if moment.walk(page * PAGE).pa is not None}
        for moment in (before.tasks["init"], after.tasks["init"])
    ]
    assert there == [{1, 2}, {1, 3}]


def test_a_task_of_ones_own_and_only_the_first_references() -> None:
    machine = vm.boot("x86-64", layout="small")
    task = machine.task("mine")
    assert program().play(machine, task, references=40).references == len(program().part(0, 40).pages()[0])
    with pytest.raises(Refused, match="task='mine' has entries already"):
        program().play(machine, task)


WRONG = [
    ({"frames": 0}, "frames=0: write a whole number from 1"),
    ({"references": 10**6}, "references=1000000: write a whole number from 1 to 5,000"),
    ({"tick": -1}, "tick=-1"),
    ({"policy": "random"}, "policy='random': write one of fifo"),
]


@pytest.mark.parametrize(("given", "sentence"), WRONG, ids=[sentence for _, sentence in WRONG])
def test_what_is_wrong_is_one_sentence(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        program().play(vm.boot("x86-64", layout="small"), **given)  # type: ignore[arg-type]


def machine_with_a_full_task() -> vm.Machine:
    machine = vm.boot("armv7")
    machine.task("full").mmap(PAGE)
    return machine


FAR = trace([0x7FFF_0000_0000])
REFUSED = [
    (lambda m: program().play(3), "machine=3 is an int: pass the machine"),
    (lambda m: trace([1]).play(m, 3), "task=3: write the name of a new task"),
    (lambda m: trace([1]).play(m, m.pages), "write the name of a new task"),
    (lambda m: trace([1]).play(m, vm.boot("armv7").task("x")), "pass a task of this machine"),
    (lambda m: trace([1]).play(m, "full", policy="lru"), "task='full' has entries already"),
    (lambda m: trace([1]).play(m, m.tasks["full"], policy="lru"), "task='full' has entries already"),
    (lambda m: FAR.play(m, policy="lru"), "task 'program' has the addresses"),
    (lambda m: trace([1]).play(m, "", policy="lru"), "task name"),
    (lambda m: trace([1]).play(m, policy="mispelt"), "policy='mispelt'"),
    (lambda m: trace([1]).play(m, policy=3), "replacement=3"),
]


@pytest.mark.parametrize(("asked", "sentence"), REFUSED, ids=[sentence for _, sentence in REFUSED])
def test_what_is_refused_changes_nothing(asked: Callable[[vm.Machine], object], sentence: str) -> None:
    machine = machine_with_a_full_task()
    before = len(machine.tasks), machine.replacement.setting
    with pytest.raises(Refused, match=sentence):
        asked(machine)
    assert (len(machine.tasks), machine.replacement.setting) == before


def test_addresses_that_a_task_does_not_have_are_named() -> None:
    with pytest.raises(Refused, match="page 0x7fff_0000_0000 of the trace: task 'program' has the addresses"):
        trace([0x7FFF_0000_0000]).play(vm.boot("armv7"))
