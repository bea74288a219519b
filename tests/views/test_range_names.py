"""The short names of ranges: by the order in which the journal made them, whichever way a machine came to its state."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine.lives import ARCHITECTURES, operations_life
from vmwidgets.events import EntryLinked, MapCreated
from vmwidgets.pictures.spaces import range_names


def names_in(space: Any) -> Mapping[int, str]:
    return range_names(space.vm_map, space.roles)


def by_address(space: Any) -> list[str]:
    names = names_in(space)
    return [names[entry.id] for entry in space]


def maps_of(machine: vm.Machine) -> dict[str, Any]:
    tasks = {name: task.map for name, task in machine.tasks.items()}
    return {"the kernel": machine.kernel_map, **tasks, **machine.kmem.maps}


def test_ranges_have_the_learners_names_or_numbers() -> None:
    machine = vm.boot("x86-64", layout="tiny")
    machine.file("libc.so", b"x" * 2 * vm.PAGE)
    task = machine.task("init")
    task.mmap("4 KiB", at="1 MiB")
    task.mmap("8 KiB", at="2 MiB", file="libc.so")
    task.map.enter("8 KiB", at="3 MiB", object=machine.object("heap"))
    task.map.enter("8 KiB", at="4 MiB", object="heap")
    task.map.enter("4 KiB", at="5 MiB", object=machine.object("r1"))
    assert by_address(task.map) == ["r1", "libc.so", "heap", "heap r4", "r5"]
    assert by_address(machine.kernel_map)[:2] == ["boot range", "kentry area"]


def test_a_name_stays_with_its_entry_and_is_never_used_again() -> None:
    machine = vm.boot("x86-64", layout="small")
    space = machine.task("init").map
    start = space.enter("16 KiB", at="1 MiB")
    whole = next(iter(space)).id
    space.protect(start, size="4 KiB", prot="r")
    names = names_in(space)
    assert names[whole] == "r1" and sorted(by_address(space)) == ["r1", "r2"]
    gone = next(name for identity, name in names.items() if identity != whole)
    space.protect(start, size="4 KiB", prot="rw")
    space.simplify()
    assert len(space) == 1, "the parts are one again"
    space.remove(start, size="16 KiB")
    space.enter("16 KiB", at="1 MiB")
    assert by_address(space) == ["r3"] and gone != "r3"


def test_another_operation_after_an_undo_gets_the_name_that_it_would_have_got() -> None:
    machine = vm.boot("x86-64", layout="small")
    space = machine.task("init").map
    space.enter("4 KiB", at="1 MiB")
    space.enter("4 KiB", at="3 MiB")
    assert by_address(space) == ["r1", "r2"]
    machine.undo()
    space.enter("4 KiB", at="2 MiB", object=machine.object("heap"))
    space.enter("4 KiB", at="3 MiB")
    assert by_address(space) == ["r1", "heap", "r3"]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("seed", range(2))
def test_names_are_in_the_order_of_the_journal(architecture: str, seed: int, tmp_path: Path) -> None:
    """Also in a branch, from a file, at an earlier moment, and after an undo and a redo."""
    machine = operations_life(architecture, seed, 120)
    linked: dict[str, list[int]] = {}
    for operation in machine.journal:
        for event in operation.events:
            if isinstance(event, MapCreated) and event.map is not None:
                linked[event.map] = []
            elif isinstance(event, EntryLinked) and event.entry[0] not in linked.setdefault(event.map, []):
                linked[event.map].append(event.entry[0])
    is_cut = any(operation.truncated for operation in machine.journal)  # then the first events are not known
    known = {name: dict(names_in(space)) for name, space in maps_of(machine).items()}
    for name, space in maps_of(machine).items():
        told = linked.get(space.name, [])
        assert [one for one in known[name] if one in told or not is_cut] == told, name
        assert len({*known[name].values()}) == len(known[name]), "no name is used twice"
        numbered = [(place, one) for place, one in enumerate(known[name].values(), 1) if one.startswith("r")]
        assert all(one == f"r{place}" for place, one in numbered if one[1:].isdecimal())
    machine.journal.save(tmp_path / "kept.jsonl.gz")
    for copy in (machine.branch(), vm.load_journal(tmp_path / "kept.jsonl.gz")):
        assert {name: names_in(space) for name, space in maps_of(copy).items()} == known
    earlier = machine.at(len(machine.journal) // 2)
    for name, space in maps_of(earlier).items():
        if name in known:
            assert names_in(space).items() <= known[name].items(), "a later range changes no name"
    if not machine.dead:
        machine.undo()
        machine.redo()
        assert {name: names_in(space) for name, space in maps_of(machine).items()} == known
