"""Two machines in step: each alone comes to what it comes to in step."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine.hindsight.test_again import NAMES, of_events
from tests.engine.machine.structures import differences
from vmwidgets import PAGE

pytestmark = pytest.mark.once

BASE = 0x10_0000


def boots(**other: Any) -> tuple[Any, Any]:
    """A machine, and another one that differs from it in `other`."""
    return vm.boot("x86-64", layout="tiny"), vm.boot("x86-64", layout="tiny", **other)


def do(machine: Any, chance: random.Random) -> None:
    """One operation of tasks that say where they map."""
    if not machine.tasks:
        machine.task("t")
    task = chance.choice(list(machine.tasks.values()))
    at, size = BASE + chance.randrange(6) * PAGE, chance.randrange(1, 4) * PAGE
    what = chance.choice(("mmap", "mmap", "munmap", "write", "write", "write", "fork", "madvise", "read"))
    with suppress(vm.KernelError):
        if what == "mmap":
            task.mmap(size, flags="private fixed", at=at)
        elif what == "munmap":
            task.munmap(at, size)
        elif what == "write":
            task.write(at + chance.randrange(9), chance.randbytes(3))
        elif what == "read":
            task.read(at, 9)
        elif what == "madvise":
            task.madvise(at, size, "dontneed")
        elif len(machine.tasks) < 4:
            task.fork()


@pytest.mark.parametrize("other", [{"fork": "eager"}, {"fork": "counted"}, {"tlb": (1, 1)}], ids=str)
@pytest.mark.parametrize("seed", [1, 2])
def test_each_is_as_it_would_be_alone(other: dict[str, Any], seed: int) -> None:
    (a, b), (_, alone) = boots(**other), boots(**other)
    pair = vm.lockstep(a, b)
    chances = random.Random(seed), random.Random(seed)
    for _ in range(60):
        do(a, chances[0])
        do(alone, chances[1])
    assert (pair.stopped, pair.done) == ("", len(a.journal) - 1)
    assert len(b.journal) == len(a.journal)
    assert [place for place, _ in zip(differences(b, alone), range(3), strict=False)] == []
    one, two = of_events(a), of_events(b)
    for name, kind in NAMES.items():
        assert pair.counts[name] == (one[kind], two[kind])


def test_undo_and_redo_are_in_step() -> None:
    a, b = boots(fork="counted")
    pair = vm.lockstep(a, b)
    chance = random.Random(5)
    for _ in range(30):
        do(a, chance)
    for steps in 7, 1:
        a.undo(steps)
        assert (pair.stopped, len(b.journal), pair.done) == ("", len(a.journal), len(a.journal) - 1)
        assert list(a.tasks) == list(b.tasks)
    a.redo(3)
    assert (pair.stopped, len(b.journal)) == ("", len(a.journal))
    with suppress(ValueError), a.group("fails"):
        do(a, chance)
        raise ValueError
    assert (pair.stopped, len(b.journal)) == ("", len(a.journal))
    for _ in range(5):
        do(a, chance)
    for name, task in a.tasks.items():
        for entry in task.map.entries():
            assert task.peek(entry.start, 64) == b.tasks[name].peek(entry.start, 64)
    b.check()


def test_a_branch_follows_from_where_it_is() -> None:
    a: Any = vm.boot("x86-64", layout="tiny")
    t = a.task("t")
    start = t.mmap(2 * PAGE)
    b = a.branch()
    pair = vm.lockstep(a, b)
    t.write(start, b"both")
    assert (b.tasks["t"].peek(start, 4), pair.done, pair.differences) == (b"both", 1, [])
    a.undo(2)
    assert pair.stopped == f"{a.name} is back before they were in step"
    assert b.tasks["t"].peek(start, 4) == b"both"


def short_of_frames() -> tuple[Any, Any]:
    """Two machines with few frames, one of which copies at a fork."""
    a, b = boots(fork="eager")
    pair = vm.lockstep(a, b)
    a.take_pages(a.pages.obtainable_pages - 60)
    t = a.task("t")
    start = t.mmap(40 * PAGE)
    for page in range(30):
        t.write(start + page * PAGE, b"x")
    pair.close()
    return a, b


def test_what_differs_is_noted_and_is_forgotten_with_an_undo() -> None:
    a, b = short_of_frames()
    pair = vm.lockstep(a, b)
    a.tasks["t"].fork()
    [difference] = pair.differences
    assert (difference.operation.outcome, difference.other.outcome if difference.other else "") == ("done", "error")
    assert "1 operation came to something else, first" in repr(pair)
    a.undo()
    assert (pair.differences, pair.stopped, len(a.journal)) == ([], "", len(b.journal))


def test_it_stops_at_the_first_difference_if_that_is_asked() -> None:
    a, b = short_of_frames()
    pair = vm.lockstep(a, b, stop=True)
    a.task("same")
    a.tasks["t"].fork()
    number, there = a.journal[-1].number, len(b.journal)
    a.task("later")
    assert pair.stopped == f"operation {number} is the first difference"
    assert (len(b.journal), "later" in b.tasks) == (there, False)


def test_addresses_move_from_one_to_the_other() -> None:
    a, b = boots()
    b.task("t").mmap(4 * PAGE)
    pair = vm.lockstep(a, b)
    a.task("t")
    start = a.tasks["t"].mmap(PAGE)
    a.tasks["t"].write(start, b"here")
    assert pair.stopped == ""
    found = [va for va in range(start, start + 8 * PAGE, PAGE) if _peeked(b.tasks["t"], va) == b"here"]
    assert found == [start + 4 * PAGE]


def test_an_undo_takes_back_where_a_range_moved() -> None:
    a, b = boots()
    b.task("t").mmap(4 * PAGE)
    vm.lockstep(a, b)
    start = a.task("t").mmap(PAGE)
    a.undo()
    a.tasks["t"].mmap(PAGE, flags="private fixed", at=start)
    a.tasks["t"].write(start, b"here")
    assert _peeked(b.tasks["t"], start) == b"here"


def _peeked(task: Any, va: int) -> bytes:
    try:
        return bytes(task.peek(va, 4))
    except vm.KernelError:
        return b""


def test_where_they_can_not_be_in_step_it_says_from_which_operation_on() -> None:
    a, b = boots()
    pair = vm.lockstep(a, b)
    a.task("t")
    b.task("own")
    a.task("u")
    assert pair.stopped == f"{b.name} did or undid operations of its own, from operation 2 of it on"
    assert "not in step any longer" in repr(pair)
    assert "u" not in b.tasks

    a, b = boots()
    pair = vm.lockstep(a, b)

    def body() -> Any:
        yield from a.tsleep("x", ticks=1)

    a.spawn(body, name="thread")
    assert pair.stopped.startswith("from operation 1 on, machine.spawn: thread 'thread'")


def test_they_can_be_let_go() -> None:
    a, b = boots()
    pair = vm.lockstep(a, b)
    a.task("t")
    pair.close()
    pair.close()
    a.task("u")
    assert (list(b.tasks), pair.stopped) == (["t"], "they were let go")
    vm.lockstep(b, a)  # and the other way round, now


def test_bad_pairs_are_refused() -> None:
    a, b = boots()
    c = a.branch()
    vm.lockstep(a, b)
    vm.lockstep(b, c)
    dead = vm.boot("x86-64", layout="tiny")
    with suppress(vm.KernelPanic):
        dead.unchecked.kmem_malloc(dead.kmem.kmem_map, 0, 0)
    for given, says in (
        ((a, a), "is the same machine"),
        ((b, a), "does already"),
        ((c, a), "does already"),
        ((a, 5), "second=5: write a machine"),
        ((None, a), "first=None: write a machine"),
        ((a, a.at(0)), "read-only"),
        ((a, dead), "is dead"),
    ):
        with pytest.raises(vm.Refused) as refused:
            vm.lockstep(*given)
        assert says in str(refused.value)
    a.task("all")
    assert (list(b.tasks), list(c.tasks)) == (["all"], ["all"])
