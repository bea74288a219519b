"""The pseudocode of kernel functions agrees with what the engine does: names, lines, and calls in their order."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache

import pytest

import vmwidgets as vm
from vmwidgets import events as ev
from vmwidgets.views.story.pseudocode import pseudocode, pseudocodes

NAMES = sorted(pseudocodes())
FUNCTION = re.compile(r"\b(?:vm_map|vm_object|pmap|rbtree)_\w+")
REPEATED = ("for each", "while")


def small_life(way: str, architecture: str) -> vm.Machine:
    """Calls that reach each of the functions: gaps, merges, cuts, faults, a fork, copies, failures."""
    m = vm.boot(architecture, fork=way)
    task = m.task("init")
    a, b = task.mmap("64 KiB"), task.mmap("16 KiB", at=0x100_0000)
    task.write(a, b"x" * 20_000)
    task.read(b)
    child = task.fork("child")
    child.write(a, b"y")
    task.write(a, b"z")
    task.munmap(a + 4096, 8192)
    task.mprotect(a + 16384, 4096, "r")
    task.munmap(a, 4096 * 16)
    with pytest.raises(vm.KernelError):
        task.map.enter("4 KiB", at=0x100_0000, fixed=True)
    with pytest.raises(vm.VMError):
        task.write(0x700_0000, b"x")
    space = m.task("plain").map  # entries without objects are joined
    kept = [space.enter("16 KiB", prot=prot) for prot in ("rw", "rw", "r", "rw", "rx", "rw", "r", "rwx", "r")]
    for start in kept[::2]:
        space.remove(start, size="8 KiB")
    for start in kept[::2]:
        space.enter("8 KiB", at=start, fixed=True)
    space.enter("4 KiB", at=kept[3])
    for _ in range(3):
        m.kmem_malloc("2 MiB")  # the kernel's tables grow
    return m


@cache
def recorded() -> dict[str, set[tuple[str, ...]]]:
    """By function: which functions a call of it called itself, in order."""
    found: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for way in ("counted", "shadow"):
        for architecture in ("x86-64", "x86"):
            for operation in small_life(way, architecture).journal:
                for name, called in calls_of(operation.events):
                    found[name].add(called)
    return dict(found)


def calls_of(events: Sequence[ev.Event]) -> Iterator[tuple[str, tuple[str, ...]]]:
    under_way: list[tuple[str, list[str]]] = []
    for event in events:
        if isinstance(event, ev.Called):
            if under_way:
                under_way[-1][1].append(event.name)
            under_way.append((event.name, []))
        elif isinstance(event, (ev.Returned, ev.Unwound)):
            left = int(event.to) if isinstance(event, ev.Unwound) else len(under_way) - 1
            while len(under_way) > left:
                name, called = under_way.pop()
                yield name, tuple(called)


def pattern(lines: Sequence[str], is_repeated: bool = False) -> str:
    """What calls may come, as a regular expression: each line's may be left out, and loops are repeated.

    What a loop does without a condition it does each time: else its lines could come in any order.
    """
    found, number = "", 0
    while number < len(lines):
        line = lines[number]
        deep = len(line) - len(line.lstrip())
        inside = lines[number + 1 :]
        end = next((at for at, one in enumerate(inside) if len(one) - len(one.lstrip()) <= deep), len(inside))
        often = "*" if "both" in line else "" if is_repeated and ":" not in line else "?"
        own = "".join(f"(?:{name} ){often}" for name in FUNCTION.findall(line))
        below = pattern(inside[:end], line.strip().startswith(REPEATED))
        found += f"(?:{own}{below})*" if line.strip().startswith(REPEATED) else own + below
        number += 1 + end
    return found


@pytest.mark.parametrize("name", NAMES)
def test_ten_lines_that_begin_with_the_call(name: str) -> None:
    one = pseudocode(name)
    assert len(one.lines) <= 10
    assert one.lines[0].startswith(f"{name}(")
    assert max(map(len, one.lines)) <= 60
    assert str(one) == "\n".join(one.lines)


def test_there_are_twelve() -> None:
    assert len(NAMES) == 12


@pytest.mark.parametrize("name", NAMES)
def test_the_engine_has_the_function_and_calls_what_it_names_in_this_order(name: str) -> None:
    assert name in recorded(), "the engine reports no such function"
    order = pattern(pseudocode(name).lines[1:])
    wrong = [called for called in recorded()[name] if not re.fullmatch(order, "".join(f"{one} " for one in called))]
    assert wrong == []


@pytest.mark.parametrize("name", NAMES)
def test_each_function_that_is_named_is_called(name: str) -> None:
    named = {one for line in pseudocode(name).lines[1:] for one in FUNCTION.findall(line)}
    assert named <= {one for called in recorded()[name] for one in called}


@pytest.mark.parametrize("name", ["vm_map_entre", "", 7])
def test_a_function_without_one(name: object) -> None:
    with pytest.raises(vm.Refused, match=r"has none; there is one of pmap_enter, rbtree_insert"):
        vm.pseudocode(name)  # type: ignore[arg-type]  # wrong on purpose
