"""Two scripts in every order, beside each order done by itself on a machine of its own."""

from __future__ import annotations

from contextlib import suppress
from itertools import combinations
from random import Random
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.errors import CallbackFailed, KernelPanic, Refused, VMError


def boot() -> Any:
    m = vm.boot("x86-64", layout="tiny", cpus=2)
    for name in ("a", "b"):
        m.task(name).mmap("8 KiB", at=0x1_0000)
    m.tasks["a"].write(0x1_0000, b"a")
    for cpu in m.cpus:
        cpu.run("a")
    m.cpus.shootdown = "sent"
    return m


def steps(random: Random, path: str, count: int) -> list[tuple[Any, ...]]:
    """Calls that get in each other's way."""
    page = random.choice((0x1_0000, 0x1_1000))
    chosen = [
        (path, "write", page, bytes([random.randrange(4)])),
        (path, "read", page, 1),
        (path, "munmap", page, "4 KiB"),
        (path, "mmap", "4 KiB", {"at": page}),
        ("cpu:1", "load", page, 1),
        ("cpu:1", "acknowledge"),
    ]
    return [random.choice(chosen) for _ in range(count)]


def zero_was_read(m: Any) -> bool:
    return m.journal.last.name in ("read", "load") and m.journal.last.result == b"\0"


def one_by_one(first: list[Any], second: list[Any], wrong: Any) -> tuple[int, int]:
    """In how many orders it happens, and after how few steps, each order done from the boot on."""
    count, shortest, total = 0, 0, len(first) + len(second)
    for places in combinations(range(total), len(first)):
        m, scripts = boot(), (iter(first), iter(second))
        for at in range(total):
            path, name, *given = next(scripts[at not in places])
            named = given.pop() if given and isinstance(given[-1], dict) else {}
            with suppress(VMError):
                getattr(m.part(path), name)(*given, **named)
            if wrong(m):
                count, shortest = count + 1, min(shortest or total, at + 1)
                break
    return count, shortest


@pytest.mark.parametrize("seed", range(4))
def test_the_answer_is_that_of_each_order_done_by_itself(seed: int) -> None:
    random = Random(seed)
    first, second = steps(random, "task:a", 3), steps(random, random.choice(("task:a", "task:b")), 3)
    count, shortest = one_by_one(first, second, zero_was_read)
    found, all_of_them = (vm.orders(boot(), first, second, zero_was_read, prune=prune) for prune in (True, False))
    for one in (found, all_of_them):
        assert (one.count, one.wrong, len(one.shortest or ())) == (20, count, shortest)
    assert found.done <= all_of_them.done


def test_orders_that_lead_to_the_same_machine_go_on_as_one_and_all_are_counted() -> None:
    reads = [("cpu:1", "load", 0x1_0000, 1)] * 3
    writes = [("task:b", "write", 0x1_1000, bytes([number])) for number in range(3)]
    never = vm.orders(boot(), reads, writes, lambda m: False)
    assert (never.count, never.wrong, never.shortest, never.machine) == (20, 0, None, None)
    assert never.done == 24  # the steps of a grid of 3 by 3
    assert vm.orders(boot(), reads, writes, lambda m: False, prune=False).done == 68
    last = vm.orders(
        boot(), reads, writes, lambda m: m.journal.last.arguments == ((("address", 0x1_1000), ("data", b"\2")))
    )
    assert last.wrong == 20


def test_the_shortest_is_a_machine_that_did_it_and_the_first_stays_as_it_is() -> None:
    m = boot()
    before = m.system.copy()
    found = vm.orders(
        m,
        [("task:a", "munmap", 0x1_0000, "4 KiB")],
        [("cpu:1", "load", 0x1_0000, 1)] * 2,
        lambda m: m.journal.last.outcome == "error",
    )
    assert found.shortest == (("task:a", "munmap", 0x1_0000, "4 KiB"), ("cpu:1", "load", 0x1_0000, 1))
    assert [one.name for one in found.machine.journal[-2:]] == ["munmap", "load"]
    assert found.wrong == 1  # once it was read before, the translation is kept
    assert m.system.copy() == before
    assert m.journal.last.name == "set_shootdown"


def test_a_limit_says_how_far_orders_were_followed() -> None:
    reads = [("task:a", "read", 0x1_0000, 1)] * 3
    found = vm.orders(boot(), reads, reads, lambda m: False, most=4, prune=False)
    assert (found.done, found.stopped_before) == (4, 1)
    assert "orders are run for 1 step, and no further" in repr(found)


def test_orders_in_which_the_machine_dies_are_counted_and_go_no_further() -> None:
    m = vm.boot("x86-64", layout="tiny")
    m.kmem_malloc("160 KiB")
    panics, enters = [("machine", "kmem_malloc", "160 KiB")], [("kernel_map", "enter", "4 KiB")] * 2
    with pytest.raises(KernelPanic):
        m.branch().kmem_malloc("160 KiB")
    found = vm.orders(m, panics, enters, lambda m: m.journal.last.name == "enter" and bool(m.dead))
    assert (found.count, found.died, found.wrong, m.dead) == (3, 3, 0, False)
    assert vm.orders(m, panics, enters, lambda m: bool(m.dead)).shortest == (*panics,)


@pytest.mark.parametrize(
    ("first", "wrong", "said"),
    [
        ("read", zero_was_read, "first='read': write a list of steps"),
        ([("task:a",)], zero_was_read, r"first\[0\]=.*: write a list of steps"),
        ([("task:c", "read", 1)], zero_was_read, r"first\[0\], task:c.read\(1\), after 0 steps: "),
        ([("task:a", "rend", 1)], zero_was_read, "task:a.rend is not an operation"),
        ([("task:a", "read")], zero_was_read, r"first\[0\], task:a.read\(\), after 0 steps: "),
        ([("task:a", "read", 0x1_0000, 1)], "zero", "orders.'zero'.: write a function"),
        ([("task:a", "read", 0x1_0000, 1)], lambda m: m.task("c"), "f calls an operation, and it may only look"),
    ],
)
def test_what_is_no_script_and_what_changes_something_is_refused(first: Any, wrong: Any, said: str) -> None:
    m = boot()
    with pytest.raises(Refused, match=said):
        vm.orders(m, first, [], wrong)
    assert m.journal.last.name == "set_shootdown"


def test_a_function_that_fails_says_after_which_operation() -> None:
    with pytest.raises(CallbackFailed, match=r"orders\(f\): f failed after operation"):
        vm.orders(boot(), [("task:a", "read", 0x1_0000, 1)], [], lambda m: 1 / 0)
