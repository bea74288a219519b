"""What headlines of operations on processors claim, and of descriptors that are edited by hand."""

from __future__ import annotations

from typing import Any

import vmwidgets as vm

from .claiming import Said, Seen, claim
from .reading import number


def processor(machine: vm.Machine, name: str) -> Any:
    """The value of a processor."""
    return machine.cpus[int(name.removeprefix("cpu:"))].value()


def kept(machine: vm.Machine, name: str) -> set[Any]:
    """What the TLB of a processor keeps."""
    return {slot.entry for slot in processor(machine, name).tlb.slots}


def called(seen: Seen, said: Said) -> str:
    """The processor that a sentence names is the one that was called."""
    assert said["cpu"] == seen.operation.target
    return said["cpu"]


@claim("cpus: cpu run")
def runs(seen: Seen, said: Said) -> None:
    name = called(seen, said)
    before, after = processor(seen.before, name), processor(seen.machine, name)
    assert after.space == said["space"]
    assert (before.space, before.root) != (after.space, after.root)


@claim("cpus: cpu run/same")
def runs_already(seen: Seen, said: Said) -> None:
    name = called(seen, said)
    before, after = processor(seen.before, name), processor(seen.machine, name)
    assert before.space == after.space == said["space"]
    assert kept(seen.before, name) == kept(seen.machine, name)


@claim("cpus: flush")
def flushed(seen: Seen, said: Said) -> None:
    name = called(seen, said)
    before, after = kept(seen.before, name), kept(seen.machine, name)
    assert after < before
    assert len(before - after) == number(said["count"])


@claim("cpus: flush/none")
def flushed_none(seen: Seen, said: Said) -> None:
    name = called(seen, said)
    assert kept(seen.before, name) == kept(seen.machine, name)
    if not dict(seen.given):
        assert kept(seen.before, name) == set()


@claim("cpus: acknowledge")
def acknowledged(seen: Seen, said: Said) -> None:
    name, count = called(seen, said), number(said["count"])
    assert len(processor(seen.before, name).pending) == count > 0
    assert processor(seen.machine, name).pending == ()
    assert seen.machine.cpus.acknowledged - seen.before.cpus.acknowledged == count


@claim("cpus: acknowledge/none")
def acknowledged_none(seen: Seen, said: Said) -> None:
    name = called(seen, said)
    assert processor(seen.before, name) == processor(seen.machine, name)
    assert processor(seen.machine, name).pending == ()


@claim("cpus: set_calls_on/here")
def calls_are_on(seen: Seen, said: Said) -> None:
    assert seen.machine.cpus.calls_on == number(said["number"])


@claim("cpus: set_calls_on/lowest")
def calls_are_on_the_lowest(seen: Seen, said: Said) -> None:
    assert seen.machine.cpus.calls_on is None


@claim("cpus: set_shootdown")
def shootdowns_are(seen: Seen, said: Said) -> None:
    assert seen.machine.cpus.shootdown == said["mode"]


# ---- descriptors ---------------------------------------------------------------------------------


def word(machine: vm.Machine, address: int) -> int:
    """The descriptor at a physical address."""
    width = machine.system.pmap.fmt.entry_width
    return int.from_bytes(bytes(machine.system.ram.read(address, width)), "little")


@claim("cpus: set_descriptor")
def descriptor_changed(seen: Seen, said: Said) -> None:
    address = number(said["address"])
    assert word(seen.before, address) == number(said["before"])
    assert word(seen.machine, address) == number(said["after"])
    assert said["before"] != said["after"]


@claim("cpus: set_descriptor/same")
def descriptor_left(seen: Seen, said: Said) -> None:
    address = number(said["address"])
    assert address == int(vm.Address(seen.given["pa"]))
    assert word(seen.before, address) == word(seen.machine, address) == number(said["after"])


@claim("cpus: set_descriptor/reason")
def no_tlb_was_flushed(seen: Seen, said: Said) -> None:
    for cpu in seen.machine.cpus:
        assert kept(seen.before, cpu.path) == kept(seen.machine, cpu.path)


@claim("cpus: undo_descriptor")
def edit_taken_back(seen: Seen, said: Said) -> None:
    address = number(said["address"])
    *rest, last = seen.before.standing_edits
    assert int(last.pa) == address
    assert seen.machine.standing_edits == rest
    assert word(seen.machine, address) == int(last.before)
