"""What a console prints: text in ASCII whatever things are called, and numbers laid out as their text."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.sources.workload import allocate, free

NAME = "ذاكرة – café → 虛擬"


def things() -> Iterator[object]:
    """What learners print, of a machine whose things have names in many scripts."""
    m: Any = vm.boot("x86-64", layout="small", ram="16 MiB", cpus=2)
    m.name = NAME
    m.swap_on("64 KiB")
    task, file, heap = m.task(NAME), m.file(NAME, b"x" * 9000), m.object(f"{NAME}2")
    start = task.mmap("16 KiB", "rw", "private", file)
    task.write(start, b"a")
    child = task.fork(f"{NAME}3")
    child.write(start, b"b")
    m.cpus[0].run(task)
    m.cpus[0].load(start)
    task.map.enter("8 KiB", object=heap)
    m.kmem_malloc("8 KiB")
    m.spawn(lambda: m.tsleep(NAME, NAME, 3), name=NAME)
    m.run()
    domain: Any = vm.boot("armv7").domain(NAME)
    domain.map(domain.frame("64 KiB"))
    yield from (m, task, file, heap, task.map, m.kernel_map, m.kentry, m.frames, m.kmem, m.kmem.kmem_map, m.replacement)
    yield from (*task.map, *m.cpus, m.pagedaemon, m.tasks, m.files, m.objects, domain, domain.machine)
    yield from (task.walk(start), m.walk(0), m.tables, m.frames.inverted())
    yield from (m.journal, *m.journal, *(event for operation in m.journal for event in operation.events))
    yield from (operation.explain() for operation in m.journal)
    yield from (m.kernel_map.value(), task.map.value(), m.threads.value(), m.frames.value(), m.cpus.value())
    yield from (m.why(task, start), m.last_write(task, start), m.again(fork="eager"))
    yield vm.compare([allocate("a", "8 KiB"), allocate("b", "16 KiB"), free("a"), allocate("c", "16 KiB")])
    yield vm.load_maps(vm.boot(), f"10000-11000 rw-p 0 00:00 0 /{NAME}\n11000-13000 rw-p 0 00:00 0\n")
    yield from (vm.Costs(), vm.show(m), vm.Objects(m), vm.Tree(m.kernel_map))
    with pytest.raises(vm.Refused) as refused:
        task.map.enter("8 KiB", object=f"no {NAME}")
    yield refused.value


@pytest.mark.parametrize("write", [repr, str], ids=["repr", "str"])
def test_each_text_is_ascii(write: Any) -> None:
    odd = {type(thing).__name__: write(thing) for thing in things() if not write(thing).isascii()}
    assert odd == {}


def test_a_console_without_unicode_prints_a_walk() -> None:
    console = io.TextIOWrapper(io.BytesIO(), encoding="cp437")
    machine = vm.boot("x86-64")
    walk = machine.walk(machine.kernel_map.enter("8 KiB"))
    print(walk, machine.kernel_map, machine.journal, file=console, flush=True)
    assert b" -> " in console.buffer.getvalue()


def test_pages_and_pictures_keep_names_and_signs() -> None:
    machine = vm.boot("x86-64")
    machine.object(NAME)
    assert NAME in vm.show(machine.task(NAME)).to_svg()
    with pytest.raises(vm.Refused) as refused:
        machine.kernel_map.enter("8 KiB", object=f"no {NAME}")
    assert NAME in f"{refused.value}"


@pytest.mark.parametrize(
    ("number", "text"), [(vm.Address(0xFFFF_8080_0030_0000), "0xffff_8080_0030_0000"), (vm.Size(8192), "8 KiB")]
)
def test_room_is_given_to_the_text_and_a_base_to_the_number(number: int, text: str) -> None:
    for spec in ("", "30", ">30", "<30", "*^30", "30s"):
        assert format(number, spec) == format(text, spec)
    for spec in ("d", "x", "#x", ",", "030", "+", ">30,", "_x"):
        assert format(number, spec) == format(int(number), spec)
