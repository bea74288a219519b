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
from vmwidgets.engine.machine.replay import CannotGoOn, Replay

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


def test_a_replay_follows_with_its_own_machine() -> None:
    first = vm.boot("x86-64", layout="tiny")
    task = first.task("init")
    start = task.mmap("8 KiB")
    task.write(start, b"x")
    replay = first.again(fork="eager")
    pair = vm.lockstep(first, replay)
    task.fork()
    assert replay.machine.tasks["init.1"].peek(start) == b"x"
    assert pair.counts["copies"] == (0, 1)


def test_what_differs_is_noted_and_is_forgotten_with_an_undo() -> None:
    a, b = short_of_frames()
    pair = vm.lockstep(a, b)
    a.tasks["t"].fork()
    [difference] = pair.differences
    assert (difference.operation.outcome, difference.other.outcome if difference.other else "") == ("done", "error")
    assert "1 operation had another result, first" in repr(pair)
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
    assert pair.stopped == f"{b.name} made its own operations, from its operation 2 on"
    assert "not in step any longer" in repr(pair)
    assert "u" not in b.tasks

    a, b = boots()
    pair = vm.lockstep(a, b)

    def body() -> Any:
        yield from a.tsleep("x", ticks=1)

    a.spawn(body, name="thread")
    assert pair.stopped.startswith("from operation 1 on, machine.spawn: thread 'thread'")


@pytest.mark.parametrize("steps", [1, 3])
def test_an_undo_of_the_second_alone_is_noticed_even_where_another_operation_follows(steps: int) -> None:
    a, b = boots()
    pair = vm.lockstep(a, b)
    for name in "tuv":
        a.task(name)
    b.undo(steps)
    b.task("own")
    a.task("w")
    which = {1: "operation 3", 3: "operations 1 to 3"}[steps]
    assert pair.stopped == f"{b.name} undid its {which} on its own"
    assert (list(a.tasks), list(b.tasks)) == (list("tuvw"), [*"tuv"[: 3 - steps], "own"])


def test_a_redo_of_the_second_alone_is_noticed() -> None:
    a, b = boots()
    b.task("before")
    b.undo()
    pair = vm.lockstep(a, b)
    b.redo()
    a.task("t")
    assert pair.stopped == f"{b.name} made its own operations, from its operation 1 on"
    assert list(b.tasks) == ["before"]


@pytest.mark.parametrize("steps", [1, 2])
def test_an_undo_of_the_second_alone_is_noticed_later_where_no_one_could_hear_it(steps: int) -> None:
    """A listener that fails, such as a learner's, keeps the others from hearing of an operation."""
    a, b = boots()
    pair = vm.lockstep(a, b)
    a.task("t")
    a.task("u")

    def fails() -> None:
        raise ValueError

    b.door.listeners.insert(0, fails)
    for change in lambda: b.undo(steps), lambda: b.task("own"):
        with pytest.raises(ValueError, match=r"^$"):
            change()
    b.door.listeners.remove(fails)
    assert (pair.stopped, len(b.journal), len(a.journal)) == ("", 4 - steps, 3)
    a.task("v")
    assert pair.stopped == f"{b.name} made its own operations, from its operation {3 - steps} on"
    assert list(b.tasks) == [*"tu"[: 2 - steps], "own"]


def two_processors_and_one() -> tuple[Any, Any]:
    return vm.boot("x86-64", layout="tiny", cpus=2), vm.boot("x86-64", layout="tiny")


def test_a_processor_that_the_second_lacks_ends_it_and_the_first_goes_on() -> None:
    a, b = two_processors_and_one()
    pair = vm.lockstep(a, b)
    task = a.task("t")
    start = task.mmap(PAGE)
    a.cpus[1].run("t")
    assert pair.stopped == f"from operation 3 on, cpu:1.run: {b.name} has no 'cpu:1'"
    a.cpus[1].store(start, b"x")
    assert a.cpus[1].load(start, 1) == b"x"
    a.undo(3)
    a.redo()
    assert (len(a.journal), len(b.journal), pair.done) == (4, 3, 2)


def test_a_machine_with_fewer_processors_can_not_relive_a_life() -> None:
    """`m.again` boots as many as there were: the class that does the operations says it there too."""
    a, b = two_processors_and_one()
    a.task("t")
    b.task("t")
    a.cpus[1].run("t")
    with pytest.raises(CannotGoOn, match=f"^{b.name} has no 'cpu:1'$"):
        Replay(b, a).otherwise(a.journal.last)
    assert len(b.journal) == 2


def test_an_argument_that_the_second_lacks_ends_it_and_the_first_goes_on() -> None:
    a, b = boots()
    heap = a.object("heap")
    pair = vm.lockstep(a, b)
    task = a.task("t")
    start = task.map.enter(PAGE, object=heap)
    a.task("u")
    assert pair.stopped == f"from operation 3 on, task:t/map.enter: {b.name} has no 'object:heap'"
    assert (list(a.tasks), list(b.tasks), task.peek(start, 1)) == (["t", "u"], ["t"], bytes(1))


def test_a_failure_is_compared_by_its_kind() -> None:
    a, b = boots()
    a.task("t").mmap(PAGE, "r", "private fixed", at=BASE)
    b.task("t")
    pair = vm.lockstep(a, b)
    for at, name in ((BASE + PAGE, "same"), (BASE, "other")):
        with pytest.raises(vm.KernelError):
            a.tasks["t"].write(at, b"x")
        assert ([one.operation.result for one in pair.differences] == []) == (name == "same")
    [one] = pair.differences
    assert one.other is not None
    assert (one.operation.outcome, one.other.outcome) == ("error", "error")
    assert (one.operation.result[1], one.other.result[1]) == ("ACCES", "FAULT")


def test_a_failed_operation_of_a_part_that_the_second_lacks_is_a_difference() -> None:
    a, b = two_processors_and_one()
    a.task("t")
    a.cpus[1].run("t")
    pair = vm.lockstep(a, b)
    for fails in a.tasks["t"].read, a.cpus[1].load:
        with pytest.raises(vm.KernelError):
            fails(BASE, 1)
    a.task("u")
    found = [(one.operation.target, one.operation.outcome, one.other) for one in pair.differences]
    assert found == [("task:t", "error", None), ("cpu:1", "error", None)]
    assert (pair.stopped, list(b.tasks)) == ("", ["u"])


def test_structures_and_addresses_are_no_differences() -> None:
    a, b = boots(fork="eager")
    b.task("t").mmap(4 * PAGE)
    b.undo()
    a.task("t")
    a_side, b_side = a.branch(), b
    b_side.tasks["t"].mmap(4 * PAGE)
    pair = vm.lockstep(a_side, b_side)
    task = a_side.tasks["t"]
    start = task.mmap(PAGE)
    task.write(start, b"x")
    task.fork()
    assert b_side.journal[-3].result != start
    assert (pair.differences, pair.stopped) == ([], "")
    assert pair.counts["copies"][0] < pair.counts["copies"][1]
    assert pair.counts["entries"][0] < pair.counts["entries"][1]


def test_an_interrupt_on_the_second_ends_it() -> None:
    a, b = boots()
    pair = vm.lockstep(a, b)
    asked: list[int] = []

    def page(number: int) -> bytes:
        asked.append(number)
        if len(asked) > 1:
            raise KeyboardInterrupt
        return b"x"

    start = a.task("t").mmap(PAGE, "r", "shared", a.pager("p", PAGE, page))
    with pytest.raises(KeyboardInterrupt):
        a.tasks["t"].read(start)
    assert pair.stopped == f"from operation 4 on, task:t.read: KeyboardInterrupt on {b.name}"
    assert a.tasks["t"].read(start) == b"x"
    a.undo()
    assert len(asked) == 2


def test_they_can_be_let_go() -> None:
    a, b = boots()
    pair = vm.lockstep(a, b)
    a.task("t")
    pair.close()
    pair.close()
    a.task("u")
    assert (list(b.tasks), pair.stopped) == (["t"], "the pair was released")
    vm.lockstep(b, a)  # and the other way round, now


def test_bad_pairs_are_refused() -> None:
    a, b = boots()
    c = a.branch()
    vm.lockstep(a, b)
    vm.lockstep(b, c)
    dead = vm.boot("x86-64", layout="tiny")
    with suppress(vm.KernelPanic):
        dead.unchecked.kmem_malloc(dead.kmem.kmem_map, 0, 0)
    other = vm.boot("x86-64", layout="tiny")
    for given, says in (
        ((a, b), f"{b.name} already follows {a.name}: close that pair first, with pair.close(), or use a"),
        ((other, b), f"{b.name} already follows {a.name}"),
        ((a, c), f"{c.name} already follows {b.name}"),
        ((a, a), "is the same machine"),
        ((b, a), "already follows"),
        ((c, a), "already follows"),
        ((a, 5), "second=5: write a machine"),
        ((None, a), "first=None: write a machine"),
        ((a, a.at(0)), "read-only"),
        ((a, dead), "is dead"),
    ):
        with pytest.raises(vm.Refused) as refused:
            vm.lockstep(*given)
        assert says in str(refused.value)
    a.task("all")
    assert (list(b.tasks), list(c.tasks), list(other.tasks)) == (["all"], ["all"], [])
