"""Nonsense at the doors of a machine: bad value × door, one sentence each, and nothing has changed.

A row has the machine, the call, what its sentence says, and the values.  tests/engine/machine/test_refusals.py has the
calls of maps and of boot.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vmwidgets as vm
from tests.engine.machine.snapshots import snapshot
from tests.engine.machine.test_refusals import Raising
from vmwidgets import PAGE

HEAP = 1 << 20
LAST = (1 << 64) - 1


@cache
def of(kind: str) -> Any:
    """A machine for all rows of its kind: no row changes it."""
    if kind == "new":
        return vm.boot("x86-64", layout="tiny")
    if kind == "without domains":
        return vm.boot("x86-64", layout="x15-32")
    if kind == "forgets":
        m = vm.boot("x86-64", quirks={"remove-forgets"})
        m.task("init")
        return m
    m = vm.boot(kind, cpus=2)
    task = m.task("init")
    task.map.enter("64 KiB", at=HEAP, object=m.object("heap"))
    task.map.wire(HEAP, size="64 KiB")
    m.file("motd", b"hello" * 2000)
    m.kmem_malloc(PAGE)
    if kind == "armv7":
        m.domain("hello")
    return m


class Incomparable:
    """Whatever it is compared with, it raises."""

    __hash__ = None  # as of a list

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")


def many_letters() -> None:
    """A function whose name is too long."""


many_letters.__name__ = "x" * 300

SIZES = [0, -1, 2**64 - 1, 2**64, 2**64 - PAGE, 1.5, None, "much", True]
NO_TASKS = [[], 7, {}, "nothing", b"init", 1.5]
LIKE_TASKS = [np.array([1, 2]), np.array(["init"]), 3.5, ["init"]]
X15S = r"kernel_map is X15's map.*m\.kmem\.kernel_map.*exec_map"
NO_ADDRESS = "='a' is not an address: write decimal digits"

ROWS: list[tuple[str, Callable[[Any, Any], object], str, list[Any]]] = [
    # threads, callbacks and history
    ("x86-64", lambda m, v: m.on_lowmem(v), "has 2 parameters", [lambda a, b: None]),
    ("x86-64", lambda m, v: m.on_lowmem(v), "can't be called", [3]),
    ("x86-64", lambda m, v: m.on_lowmem(v), "300 characters", [many_letters]),
    ("x86-64", lambda m, v: m.spawn(v), "can't be called", [5]),
    ("x86-64", lambda m, _: m.spawn(), "takes a function", [None]),
    ("x86-64", lambda m, _: m.spawn(vm.boot().kmem_alloc, "4 KiB"), "another machine", [None]),
    ("x86-64", lambda m, v: m.kill(v), "unknown thread", [Raising(), Incomparable()]),
    ("x86-64", lambda m, v: m.first(lambda _: True, progress=v), "progress=3: pass a function of two numbers", [3]),
    ("new", lambda m, _: m.undo(), "nothing can be undone; the boot itself can't", [None]),
    ("x86-64", lambda m, v: m.journal.save(v), "is not a path", [None, 3, "", "a\0b", b"x"]),
    ("x86-64", lambda _, v: vm.load_journal(v), "is not a path", [None, 3, "", "a\0b", b"x"]),
    ("x86-64", lambda m, v: m.journal.save(v), "can't be written", ["no/such/folder/j"]),
    ("x86-64", lambda m, v: m.journal.save(v), "is a folder", [Path()]),
    # numbers of frames, sizes, addresses
    ("x86-64", lambda m, v: m.device("far", at=v, size="4 KiB"), "reach", [1 << 45]),
    ("x86-64", lambda m, v: m.frames.owner(v), "frame", [-1, 1 << 40, "x", None]),
    ("x86-64", lambda m, v: m.frames.owner(v), "^frame='a': write a whole number", ["a"]),
    ("x86-64", lambda m, v: m.frames.mapped_at(v), "^frame='a': write a whole number", ["a"]),
    ("x86-64", lambda m, v: m.last_write(m.frames, v), "^frame='a': write a whole number", ["a"]),
    ("x86-64", lambda m, v: m.frames.inverted(v), "^buckets=", [0, 65, True, "8", None]),
    ("x86", lambda m, v: m.cpus[0].load(v, 4), "go past the last address of 32 bits", [0xFFFF_FFFE]),
    ("x86", lambda m, v: m.read(v), "go past the last address of 32 bits", [1 << 32]),
    ("x86", lambda m, v: m.tasks["init"].read(v), "go past the last address of 32 bits", [1 << 32]),
    ("x86-64", lambda m, v: m.read(0, v), "^length=.*: move 1 to 65536 bytes at a time", [0, 1 << 20]),
    ("x86-64", lambda m, v: m.read(v, 2), "go past the last address of 64 bits", [LAST]),
    ("x86-64", lambda m, v: m.write(next(iter(m.kmem.allocations)), v), "write bytes", ["text", 5, None]),
    ("x86-64", lambda m, v: m.files["motd"].read(v), "^offset", ["here"]),
    ("x86-64", lambda m, v: m.files["motd"].write(v, b"x"), "^offset", ["here"]),
    ("x86-64", lambda m, v: m.files["motd"].read(v, 2), "^offset=0xffff_ffff_ffff_ffff and length=2 go past", [LAST]),
    ("x86-64", lambda m, v: m.tasks["init"].limit("rss", v),
     "^most=.*: a task needs a page in memory", [0, 5, "1 KiB"]),
    ("x86", lambda m, v: m.tasks["init"].tables.descriptors(HEAP, v), "^(size|length|at)", [-1, "much", vm.GIB, None]),
    ("x86", lambda m, v: m.tasks["init"].tables.descriptor_at(v), "^pa=", [-8, 1 << 40, "nowhere", None]),
    ("x86", lambda m, v: m.tasks["init"].walk(HEAP).flips(level=v), "2 descriptors", [0, 3, -1]),
    ("armv7", lambda m, v: m.set_descriptor(m.system.pmap.root, v), "has 32 bits", [1 << 32]),
    ("armv7", lambda m, v: m.set_descriptor(m.system.pmap.root + v, 0), "multiples of 4", [2]),
    # kernel memory
    *(
        ("x86-64", lambda m, v, call=call: getattr(m, call)(v), "size", [*SIZES, "9 MiB"])
        for call in ("kmem_malloc", "kmem_alloc_wait", "malloc")
    ),
    *(
        ("x86-64", lambda m, v, call=call: getattr(m, call)(v), "size", [*SIZES, "25 MiB"])
        for call in ("kmem_alloc", "kmem_alloc_nofault")
    ),
    ("x86-64", lambda m, v: m.kmem_suballoc(v, "new"), "size", [*SIZES, "25 MiB"]),
    *(
        ("x86-64", lambda m, _, call=call: getattr(m, call)(m.kernel_map, PAGE), X15S, [None])
        for call in ("kmem_alloc", "kmem_malloc", "kmem_alloc_wait", "kmem_alloc_nofault")
    ),
    ("x86-64", lambda m, _: m.kmem_alloc(vm.boot().kmem.pipe_map, PAGE), "another machine", [None]),
    ("x86-64", lambda m, v: m.read_file("film", v), "size", [0, -1, "1 TiB", None]),
    # tasks, maps, domains and their parts
    ("x86-64", lambda m, v: m.walk(0, task=v), "task", LIKE_TASKS),
    ("x86-64", lambda m, v: m.tables_of(v), "task", LIKE_TASKS),
    ("x86-64", lambda m, v: m.cpus[0].run(v), "^unknown task ", NO_TASKS),
    ("x86-64", lambda m, v: m.walk(0x1000, task=v), "^unknown task ", NO_TASKS),
    ("x86-64", lambda m, v: m.pmap_of(v), "^unknown task ", NO_TASKS),
    *(
        ("x86-64", lambda m, v, ask=ask, thing=thing: getattr(m, ask)(thing(m), v), NO_ADDRESS, ["a"])
        for ask in ("last_write", "why")
        for thing in (lambda m: m.tasks["init"], lambda m: m.kernel_map, lambda m: m.tasks["init"].tables)
    ),
    ("x86-64", lambda m, v: m.tasks["init"].map.inherit(HEAP, size=PAGE, inherit=v),
     "inherit='child' is unknown: write one of none, share, copy", ["child"]),
    ("x86-64", lambda m, v: m.tasks["init"].map.advise(HEAP, size=PAGE, advice=v),
     "advice='soon' is unknown", ["soon"]),
    ("x86-64", lambda m, v: m.tasks["init"].map.simplify(size=v), "write start=", ["4 KiB"]),
    ("x86-64", lambda m, v: m.tasks["init"].exec(v), "'ls': exec loads no program here; it takes the address", ["ls"]),
    ("forgets", lambda m, _: m.tasks["init"].fork(), "quirk remove-forgets", [None]),
    ("without domains", lambda m, v: m.domain(v), "layout 'x15-32' has no domains", ["hello"]),
    ("armv7", lambda m, v: m.domains["hello"].take_slots(v),
     r"^count=20000: cnode 'slots' has 16,384 free slots$", [20_000]),
    ("armv7", lambda m, v: m.domains["hello"].window(v), "focus=3 is an int: write a DomainFocus", [3]),
    ("armv7", lambda m, v: m.domains["hello"].vnode_at(v), "address='here' is not an address", ["here"]),
    ("armv7", lambda m, v: m.domains["hello"].part(v),
     "is not a slot", [None, 3, ["slots[0]"], b"slots[0]", "slots", "memobj"]),
    ("armv7", lambda m, v: m.domains["hello"].part(v), "unknown memory object 'zz'", ["memobj:zz"]),
    ("armv7", lambda m, v: m.part(v), "is not part of this machine: write a path as records name it",
     [None, 3, "", "zz", "task:zz", "object:zz", "kmem/zz", "cpu:x", "kernel_map/zz"]),
    ("armv7", lambda m, v: m.part(v), r"^cpus\[99\]: this machine has 2 processors", ["cpu:99"]),
    ("armv7", lambda m, v: m.part(v), "^unknown thread 'zz'; known: pagedaemon", ["thread:zz"]),
    ("armv7", lambda m, v: m.part(v), "^'domain:zz' is not a domain of this machine, or was destroyed", ["domain:zz"]),
    ("armv7", lambda m, v: m.part(v),
     "is not a slot: write the cnode and a number", ["domain:hello/zz", "domain:hello/slots"]),
    ("armv7", lambda m, v: m.part(v), "^unknown memory object 'zz'; known: none yet", ["domain:hello/memobj:zz"]),
]  # fmt: skip  # a table


CASES = [
    pytest.param(kind, call, value, says, id=f"{says.strip('^')[:40]} {row}.{number}")
    for row, (kind, call, says, values) in enumerate(ROWS)
    for number, value in enumerate(values)
]


@pytest.mark.parametrize(("kind", "call", "value", "says"), CASES)
def test_one_sentence_and_nothing_has_changed(
    kind: str,
    call: Callable[[Any, Any], object],
    value: Any,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    machine = of(kind)
    before = snapshot(machine)
    with pytest.raises(vm.Refused, match=says) as caught:
        call(machine, value)
    assert snapshot(machine) == before
    assert "\n" not in str(caught.value)
    assert 10 < len(str(caught.value)) < 400
    assert not list(tmp_path.iterdir())
