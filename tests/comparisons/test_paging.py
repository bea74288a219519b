"""A task beside a domain: what is counted is what happened, and bytes are those of the tables that there are."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.engine.mmu.tables_schema import FaultRaised
from vmwidgets.engine.selfpaging.calls_schema import VnodeCreated, VnodeMapInvoked
from vmwidgets.engine.selfpaging.domain_schema import VnodeValue

PAGE = 4096


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
def test_the_same_memory_mapped_both_ways(architecture: str) -> None:
    machine = vm.boot(architecture, ram="64 MiB")
    task, domain = machine.task("init"), machine.domain("hello")
    memory = machine.object("memory")
    for _ in range(3):
        address = task.map.enter(4 * PAGE, object=memory)
        task.write(address, b"x" * 2 * PAGE)
        domain.map(domain.frame(4 * PAGE))
    events = [event for operation in machine.journal for event in operation.events]
    found = vm.compare_paging(task, domain)
    assert (found.task.calls, found.domain.calls) == (6, 6)
    assert found.task.faults == sum(isinstance(event, FaultRaised) for event in events) == 6
    assert found.domain.faults == 0
    assert found.domain.invocations == sum(isinstance(event, (VnodeCreated, VnodeMapInvoked)) for event in events) - 1
    assert found.task.invocations == 0
    assert (found.task.present, found.domain.present) == (6 * PAGE, 12 * PAGE)
    assert [one.end - one.start for one in found.domain.ranges] == [4 * PAGE] * 3
    assert dict(found.task.functions)["vm_map_fault"] == 6
    assert dict(found.domain.functions)["map"] == 3
    assert (found.task.decider, found.domain.decider) == ("the kernel", "the program")
    sizes = {"armv7": {16384, 1024}, "x86-64": {4096}}[architecture]
    for side in (found.task, found.domain):
        assert {one.bytes // one.count for one in side.tables} == sizes
    assert found.task.table_bytes == task.space.pmap.tables.bytes_used
    assert found.domain.slots == len(domain.domain.slots.used)


def test_descriptors_are_counted_one_by_one_though_a_run_is_one_event() -> None:
    machine = vm.boot("armv7", ram="64 MiB")
    domain = machine.domain("hello")
    domain.map(domain.frame("1 MiB"), at=0x5000_0000)
    found = vm.compare_paging(machine.task("init"), domain).domain
    frames = sum(node.count for node in _leaves(domain.snapshot().root))
    assert found.descriptors == frames + sum(one.count for one in found.tables) - 1
    assert frames > 256


def _leaves(node: VnodeValue) -> list[VnodeValue]:
    return [leaf for child in node.children for leaf in (_leaves(child) if child.is_table else [child])]


def test_it_prints_as_a_table_and_is_the_same_every_time() -> None:
    def lived() -> str:
        machine = vm.boot("armv7")
        task, domain = machine.task("init"), machine.domain("hello")
        task.write(task.map.enter(PAGE, object=machine.object("memory")), b"x")
        domain.map(domain.frame(PAGE))
        return str(vm.compare_paging(task, domain))

    lines = lived().splitlines()
    assert lines[0].split() == ["task", "init", "domain", "hello"]
    assert lines[1].split() == ["who", "decides", "the", "kernel", "the", "program"]
    assert lived() == lived()


@pytest.mark.parametrize("given", [(1, 2), (None, None)])
def test_other_things_are_refused(given: tuple[object, object]) -> None:
    with pytest.raises(vm.Refused, match=r"compares a machine\.task"):
        vm.compare_paging(*given)


def test_the_two_may_be_of_two_machines_and_what_is_old_is_said_to_be_forgotten() -> None:
    task = vm.boot("x86-64").task("init")
    machine = vm.boot("armv7")
    domain = machine.domain("hello")
    address = domain.map(domain.frame(PAGE))
    for _ in range(2100):
        domain.touch(address)
    found = vm.compare_paging(task, domain)
    assert found.task.architecture == "x86-64"
    old = [one for one in machine.journal if not one.events]
    assert 0 < len(old) == found.domain.forgotten + 2, "the boot, and the call that made the domain"
