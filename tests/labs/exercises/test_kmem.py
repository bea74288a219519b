from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import Machine, lab

SPARE = (3, 9, 10, 20, 21, 22, 23, 40, 41, 55)


def short(give_back: Callable[[Machine, Sequence[int]], object] | None, wanted: int = 4) -> Machine:
    """A machine whose kmem_map is full, page by page; a request then, and what `give_back` does about it."""
    machine = vm.boot(layout="tiny")
    pages = [machine.kmem_malloc(vm.PAGE) for _ in range(64)]
    if give_back is not None:
        machine.on_lowmem(lambda: give_back(machine, pages))
    with suppress(vm.KernelPanic):
        machine.kmem_malloc(wanted * vm.PAGE)
    return machine


def freeing(*numbers: int) -> Callable[[Machine, Sequence[int]], None]:
    def give_back(machine: Machine, pages: Sequence[int]) -> None:
        for number in numbers:
            if machine.kmem.allocations.at(pages[number]):
                machine.kmem_free(pages[number], vm.PAGE)

    return give_back


def points(name: str, machine: Machine) -> list[int]:
    return [criterion.points for criterion in lab.check(name, machine).criteria]


class TestHandler:
    def test_the_four_pages_in_a_row_pass(self) -> None:
        assert lab.check("05/handler", short(freeing(20, 21, 22, 23))).passed

    def test_without_a_handler_the_machine_is_dead(self) -> None:
        machine = short(None)
        assert machine.dead
        assert points("05/handler", machine) == [0, 0, 0, 0]

    def test_four_pages_that_are_apart_are_no_room(self) -> None:
        assert points("05/handler", short(freeing(3, 9, 10, 40))) == [0, 0, 0, 0]

    def test_all_that_can_be_spared_is_more_than_needed(self) -> None:
        assert points("05/handler", short(freeing(*SPARE))) == [1, 1, 1, 0]
        assert points("05/handler", short(freeing(9, 10, 20, 21, 22, 23))) == [1, 1, 1, 1]

    def test_what_others_use_may_not_go(self) -> None:
        assert points("05/handler", short(freeing(22, 23, 24, 25))) == [1, 1, 1, 0]

    def test_a_page_a_call_is_served_late(self) -> None:
        rest = iter((20, 21, 22, 23))

        def one_more(machine: Machine, pages: Sequence[int]) -> None:
            machine.kmem_free(pages[next(rest)], vm.PAGE)

        machine = short(one_more)
        assert not machine.dead
        assert points("05/handler", machine) == [1, 0, 1, 2]

    def test_giving_back_in_a_cell_is_not_the_exercise(self) -> None:
        machine = vm.boot(layout="tiny")
        pages = [machine.kmem_malloc(vm.PAGE) for _ in range(64)]
        freeing(20, 21, 22, 23)(machine, pages)
        machine.kmem_malloc(4 * vm.PAGE)
        assert points("05/handler", machine) == [1, 1, 0, 2]

    def test_giving_back_in_a_thread_is_not_either_with_an_idle_handler_or_without(self) -> None:
        for handler in (False, True):
            machine: Any = vm.boot(layout="tiny")
            pages = [machine.kmem_malloc(vm.PAGE) for _ in range(64)]
            if handler:
                machine.on_lowmem(lambda: None)

            def give_back(machine: Any = machine, pages: Sequence[int] = pages) -> Body:
                for number in (20, 21, 22, 23):
                    yield from machine.kmem_free(pages[number], vm.PAGE)

            machine.spawn(give_back)
            machine.run()
            machine.kmem_malloc(4 * vm.PAGE)
            result = lab.check("05/handler", machine)
            assert [one.points for one in result.criteria] == [1, 1, 0, 2]
            assert result.criteria[2].actual == "4 times from a thread"

    def test_nothing_done_has_no_points(self) -> None:
        assert points("05/handler", vm.boot(layout="tiny")) == [0, 0, 0, 0]


Body = Iterator[Any]


def copier(machine: Any, first: str, second: str, *, pause: int = 5) -> Body:
    one, other = (getattr(machine.kmem, name) for name in (first, second))
    yield from one.lock()
    yield from machine.tsleep("disk", ticks=pause)
    yield from other.lock()
    yield from machine.tsleep("copy", ticks=1)
    other.unlock()
    one.unlock()


def careless(machine: Any, first: str, second: str) -> Body:
    """Never has two locks at once."""
    for name in first, second:
        yield from getattr(machine.kmem, name).lock()
        yield from machine.tsleep("copy", ticks=1)
        getattr(machine.kmem, name).unlock()


A, B = "exec_map", "pipe_map"


def ran(*threads: tuple[str, Callable[..., Body], str, str], together: bool = True) -> Machine:
    machine = vm.boot(layout="tiny")
    for name, body, first, second in threads:
        machine.spawn(body, machine, first, second, name=name)
        if not together:
            machine.run()
    machine.run()
    return machine


class TestOrder:
    @pytest.mark.parametrize("locks", [(A, B), (B, A)], ids=["exec_map first", "pipe_map first"])
    def test_one_order_passes(self, locks: tuple[str, str]) -> None:
        assert lab.check("05/order", ran(("exec", copier, *locks), ("pipe", copier, *locks))).passed

    def test_a_deadlock_does_not(self) -> None:
        machine = ran(("exec", copier, A, B), ("pipe", copier, B, A))
        assert machine.threads.cycle == ("exec", "pipe")
        assert points("05/order", machine) == [0, 0, 0]
        sentence = lab.check("05/order", machine).criteria[1].sentence
        assert "not judged yet" in sentence, "neither thread has copied, so neither has copied without a lock"

    def test_threads_that_have_the_names_of_killed_ones_are_judged_by_what_they_did_themselves(self) -> None:
        machine = ran(("exec", copier, A, B), ("pipe", copier, B, A))
        for second, expected in ((B, [1, 2, 0]), (A, [1, 2, 2])):
            for name in "exec", "pipe":
                machine.kill(name)
            for name, first in (("exec", A), ("pipe", second)):
                machine.spawn(copier, machine, first, B if first == A else A, name=name)
                machine.run()
            assert points("05/order", machine) == expected

    def test_luck_is_not_enough(self) -> None:
        machine = ran(("exec", copier, A, B), ("pipe", copier, B, A), together=False)
        assert points("05/order", machine) == [1, 2, 0]

    def test_copying_without_both_locks_is_not_the_exercise(self) -> None:
        machine = ran(("exec", copier, A, B), ("pipe", careless, A, B))
        assert points("05/order", machine) == [1, 1, 0]
        assert "without both locks" in lab.check("05/order", machine).criteria[1].sentence

    def test_a_thread_that_is_missing_is_told(self) -> None:
        result = lab.check("05/order", ran(("exec", copier, A, B)))
        assert [one.points for one in result.criteria] == [0, 1, 0]
        assert "not so in pipe" in result.criteria[1].actual

    def test_nothing_done_has_no_points(self) -> None:
        assert points("05/order", vm.boot(layout="tiny")) == [0, 0, 0]
