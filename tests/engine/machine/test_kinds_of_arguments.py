"""A number is one number, whatever class it is of: each operation takes it, records it, and can be done again."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from contextlib import suppress
from inspect import getmembers, isclass, signature
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pytest

import vmwidgets as vm
import vmwidgets.engine.machine as parts
from tests.engine.machine.lives import LIVES
from vmwidgets.engine.machine.replay import quiet


class Own:
    """A number of a learner's own."""

    def __init__(self, number):
        self.number = number

    def __index__(self):
        return self.number


class Text(str):
    """A text of a learner's own, which says something else when it is printed."""

    __slots__ = ()

    def __str__(self):
        return "another text"

    __repr__ = __str__


class Bytes(bytes):
    """Bytes of a learner's own."""

    def __bytes__(self):
        return b"other bytes"


def member(number):
    """A member of an enumeration."""
    numbers: Any = enum.IntEnum("numbers", {"ONE": number})
    return numbers.ONE


def numpys(number):
    """NumPy's integer."""
    return np.uint64(number) if number >> 63 == 1 else np.int64(number) if -(1 << 63) <= number < 1 << 63 else number


def array(number):
    """An array without dimensions."""
    return np.array(numpys(number))


NUMBERS: dict[str, Callable[[int], Any]] = {
    "int": int, "IntEnum": member, "NumPy": numpys, "array": array, "own": Own, "Size": vm.Size, "Address": vm.Address,
}  # fmt: skip  # a list of names and makers

OTHERS = {str: Text, float: np.float64, bytes: Bytes}
"""What is put in the place of texts, fractions and bytes."""


def as_kind(value, kind):
    """An argument with numbers of this kind; flags stay."""
    if type(value) is tuple:
        return [as_kind(item, kind) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return NUMBERS[kind](int(value))
    return OTHERS.get(type(value), lambda same: same)(value)


def saved(m, path):
    """The bytes of the journal."""
    m.journal.save(path)
    return path.read_bytes()


def agree(m, folder):
    """The machine can be loaded, branched and taken back, and what is saved of it then is the same."""
    before = saved(m, folder / "saved.gz")
    again = vm.load_journal(folder / "saved.gz")
    assert saved(again, folder / "again.gz") == before
    assert [one for one in m.branch().journal if one.agrees(m.journal[one.number])] == list(m.journal)


def repeated(life, kind):
    """Another machine to which the same was done, with numbers of this kind."""
    boot, *operations = life.journal
    m = vm.boot(**{name: as_kind(value, kind) for name, value in boot.arguments})
    with quiet(m):
        m.system.callbacks.begin(life.journal.scripts, operations[-1].serial)
        for operation in operations:
            m.door.stop_at = operation.stopped_at
            given = {name: as_kind(m.resolve(value), kind) for name, value in operation.arguments}
            with suppress(vm.VMError, KeyboardInterrupt):
                m.recorded(operation.target, operation.name)(**given)
            m.door.stop_at = 0
    return m


def the_rest(architecture, seed, until):
    """What random lives hardly ever do, each once, on x86-64."""
    m: Any = vm.boot(architecture, cpus=2)
    m.costs = vm.Costs(major=5.5, minor=7)
    m.replacement = vm.Replacement("working set", window=5, future=(1, 2))
    m.cpus.shootdown = "sent"
    task = m.task("init")
    task.limit("as", 1 << 20)
    file = m.file("f", b"content", latency=2)
    a = task.mmap(8192, "rw", "shared", file)
    task.write(a, b"x")
    task.read(a, 1)
    task.madvise(a, 4096, "dontneed")
    task.mprotect(a, 4096, "r")
    task.msync(a, 8192)
    file.sync()
    file.write(100, b"more")
    file.truncate(3)
    m.inject("page_alloc", every=3, after=5, times=1).stop()
    m.kmem_free_wakeup(m.kmem.exec_map, m.kmem_alloc_wait(m.kmem.exec_map, 4096), 4096)
    m.free(m.malloc(100))
    m.kmem.exec_map.lock()
    m.kmem.exec_map.unlock()

    def sleeps():
        yield from m.tsleep("nap", "a nap", ticks=3)

    m.spawn(sleeps)
    m.run(until=7)
    start = m.kernel_map.enter(2 << 20, align=2 << 20)
    m.kernel_map.wire(start, size=8192)
    m.kernel_map.unwire(start, size=8192)
    m.kernel_map.superpages(start, size=2 << 20, page=2 << 20)
    m.kernel_map.promote(start, size=2 << 20, page=2 << 20)
    m.kmem_suballoc(4096, "small")
    b = m.unchecked.vm_map_enter(m.kernel_map, 0, 4096, 0, 0x77)
    m.unchecked.vm_map_remove(m.kernel_map, b, b + 4096)
    d = m.domain("hello")
    frame = d.frame()
    address = d.map(frame, size=4096)
    d.touch(address)
    d.modify_flags(address, 4096, "r")
    d.retype(d.ram(8192), "Frame", 4096, 4096)
    d.device_frame(1 << 30, 4096)
    m.device("screen", 1 << 30, 4096)
    d.unmap(address, 4096)
    held = d.memobj("pinned", 8192)
    held.fill(d.frame(8192), 0)
    held.unfill()
    m.set_controls(m.controls)
    m.cpus[1].run(task)
    m.cpus.set_calls_on(1)
    return m


LIVED = {**LIVES, "rest": the_rest}


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("life", LIVED)
def test_a_life_of_other_numbers_is_the_same_life(life, kind, tmp_path):
    lived = LIVED[life]("x86-64", 5, 250)
    m = repeated(lived, kind)
    assert m.journal[0].agrees(lived.journal[0])
    agree(m, tmp_path)


def test_these_lives_have_every_operation_that_takes_numbers():
    """An operation that comes new has to be in one of them."""
    modules = [__import__(f"{parts.__name__}.{one.name}", fromlist=["x"]) for one in iter_modules(parts.__path__)]
    kinds = [kind for module in modules for _, kind in getmembers(module, isclass)]
    operations = {name: held for kind in kinds for name, held in vars(kind).items() if hasattr(held, "is_operation")}
    numeric = {name for name, held in operations.items() if re.search(r"\b(int|float)\b", str(signature(held)))}
    assert len(numeric) > 50
    done = {"tsleep"}  # in threads
    for live in LIVED.values():
        for architecture, seed in (("x86-64", 1), ("x86-64", 2), ("armv7", 1), ("armv7", 2)):
            if architecture == "x86-64" or live is not the_rest:
                done |= {one.name for one in live(architecture, seed, 250).journal if one.outcome == "done"}
    assert numeric - done == set()


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_in_a_group_in_costs_and_in_what_a_thread_returns(kind, tmp_path):
    number = NUMBERS[kind]
    m: Any = vm.boot(ram=number(64 << 20), cpus=number(2), tlb=(number(16), number(4)), seed=number(3))
    m.costs = vm.Costs(major=number(5), minor=np.float64(7))

    def sleeps():
        return number((yield from m.tsleep("nap", ticks=number(2))))

    thread = m.spawn(sleeps)
    m.run(until=number(9), steps=number(100))
    assert thread.done
    m.pager("numbers", number(8192), lambda page: b"x")
    m.kernel_map.enter(number(8192))
    done = len(m.journal)
    with suppress(KeyError), m.group("both"):
        m.kernel_map.enter(number(4096))
        raise KeyError
    assert len(m.journal) == done
    agree(m, tmp_path)
    m.undo()
    m.redo()


def test_what_is_no_number_is_left_to_the_operation():
    m: Any = vm.boot()
    done = len(m.journal)
    for wrong in (np.array([1, 2]), np.float32(4096), np.bool_(True), 4096.0):
        with pytest.raises(vm.Refused, match="pass a whole number"):
            m.kernel_map.enter(wrong)
    assert len(m.journal) == done
