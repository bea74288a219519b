from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.machine.tasks import Task

TRACE = """
execve("/bin/x", ["x"], 0x1) = 0
brk(NULL) = 0x55550000
brk(0x55571000) = 0x55571000
mmap(NULL, 8392704, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_STACK, -1, 0) = 0x7f0000000000
mprotect(0x7f0000001000, 8388608, PROT_READ|PROT_WRITE) = 0
"""


def points(name: str, target: object) -> list[int]:
    return [criterion.points for criterion in lab.check(name, target).criteria]


# ---- 10/execve -----------------------------------------------------------------------------------


@pytest.fixture
def task() -> Task:
    return vm.load_strace(vm.boot("x86-64"), vm.recording("fails").strace, until="maps").task


def complete(task: Task, *, left_out: str = "nothing", offset: bool = True, prot: str = "") -> None:
    """Map what the system alone has, in files and without; the last ones wrongly."""
    for row in vm.diff(task, vm.recording("fails").maps).of("only in the system"):
        name = row.system.name
        if left_out in name or row.start >= task.map.end:
            continue
        rights = prot or row.system.protection
        if name.startswith("/"):
            lib = task.machine.object(name)
            where = row.system.offset if offset else 0
            task.map.enter(row.size, at=row.start, fixed=True, prot=rights, object=lib, offset=where)
        else:
            task.mmap(row.size, rights, "private fixed", at=row.start)


def test_all_that_the_system_alone_has_is_all_of_it(task: Task) -> None:
    assert points("10/execve", task) == [0, 0, 0, 0, 1]
    complete(task)
    assert lab.check("10/execve", task).passed


def test_the_kernels_own_is_not_asked_for(task: Task) -> None:
    complete(task, left_out="[v")
    assert lab.check("10/execve", task).passed


def test_each_part_counts_by_itself(task: Task) -> None:
    complete(task, left_out="/ld-")
    assert points("10/execve", task) == [2, 1, 0, 1, 1]


def test_places_in_the_file_and_protections_count(task: Task) -> None:
    complete(task, offset=False)
    assert points("10/execve", task) == [0, 1, 0, 1, 0]
    other = vm.load_strace(vm.boot("x86-64"), vm.recording("fails").strace, until="maps").task
    complete(other, prot="rwx")
    assert points("10/execve", other) == [0, 0, 0, 0, 0]


def test_what_the_system_has_not_costs_a_point(task: Task) -> None:
    complete(task)
    task.mmap("4 KiB", at=0x1000_0000_0000)
    assert points("10/execve", task) == [2, 1, 2, 1, 0]


def test_without_the_replay_nothing_is_judged() -> None:
    task = vm.boot("x86-64").task("empty")
    assert points("10/execve", task) == [0] * 5
    complete(task)
    whole = vm.load_strace(task.machine, vm.recording("fails").strace, until=100).task
    assert points("10/execve", whole) == [0] * 5


# ---- 10/stack ------------------------------------------------------------------------------------


def stack(trace: str) -> list[int]:
    return points("10/stack", vm.load_strace(vm.boot("x86-64"), trace))


def test_five_calls_make_a_stack_and_a_heap() -> None:
    assert lab.check("10/stack", vm.load_strace(vm.boot("x86-64"), TRACE)).passed


@pytest.mark.parametrize(
    ("old", "new", "earned"),
    [
        ("mprotect(0x7f0000001000, 8388608", "mprotect(0x7f0000000000, 8388608", [1, 2, 0]),
        ("mprotect(0x7f0000001000, 8388608", "mprotect(0x7f0000001000, 8384512", [0, 2, 0]),
        ("brk(0x55571000) = 0x55571000", "brk(0x55570000) = 0x55570000", [2, 0, 2]),
        ("mprotect(", "getpid() = 1\nmprotect(", [2, 2, 1]),
        ("execve", "mlock(0x1000, 4096) = 0\nexecve", [2, 2, 0]),
    ],
)
def test_each_part_of_it_counts(old: str, new: str, earned: list[int]) -> None:
    assert stack(TRACE.replace(old, new)) == earned


def test_another_order_will_do() -> None:
    lines = TRACE.strip().splitlines()
    assert stack("\n".join([lines[0], *lines[3:], *lines[1:3]])) == [2, 2, 2]
