from __future__ import annotations

from dataclasses import replace

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.tasks import Task

MIB, KIB, PAGE = vm.MIB, vm.KIB, vm.PAGE
SECTION = 0x100_0000


def points(name: str, target: object) -> list[int]:
    return [criterion.points for criterion in lab.check(name, target).criteria]


@pytest.fixture
def player() -> Task:
    machine = vm.boot("armv7")
    machine.device("video", at="128 MiB", size="8 MiB")
    machine.object("log")
    return machine.task("player")


def mapped(player: Task, name: str, at: int, size: int, page: str, prot: str = "rw") -> None:
    player.map.enter(size, at=at, object=name, prot=prot)
    player.map.superpages(at, size=size, page=page)


@pytest.mark.parametrize("at", [MIB, 16 * MIB, 2048 * MIB])
def test_eleven_can_be_done_wherever_it_is_aligned(player: Task, at: int) -> None:
    mapped(player, "video", at, 8 * MIB, "1 MiB")
    mapped(player, "log", at + 8 * MIB, 192 * KIB, "64 KiB")
    assert lab.check("07/eleven", player).passed


def test_nothing_done_is_nothing_earned(player: Task) -> None:
    assert points("07/eleven", player) == [0, 0, 0]


def test_large_pages_alone_are_half_of_it(player: Task) -> None:
    mapped(player, "video", 16 * MIB, 8 * MIB, "64 KiB")
    mapped(player, "log", 32 * MIB, 192 * KIB, "64 KiB")
    assert points("07/eleven", player) == [2, 1, 0]


def test_small_pages_are_too_many(player: Task) -> None:
    mapped(player, "video", 16 * MIB, 8 * MIB, "1 MiB")
    player.map.enter(192 * KIB, at=32 * MIB + 60 * KIB, object="log")
    player.map.wire(32 * MIB + 60 * KIB, size=192 * KIB)
    assert points("07/eleven", player) == [2, 1, 1]


def test_a_page_that_was_split_is_sixteen(player: Task) -> None:
    mapped(player, "video", 16 * MIB, 8 * MIB, "1 MiB")
    mapped(player, "log", 32 * MIB, 192 * KIB, "64 KiB")
    for prot in "r", "rw":
        player.map.protect(32 * MIB, size=PAGE, prot=prot)
    assert points("07/eleven", player) == [2, 1, 1]


def test_all_by_small_pages_is_far_too_many(player: Task) -> None:
    for name, at, size in ("video", 16 * MIB, 8 * MIB), ("log", 32 * MIB, 192 * KIB):
        player.map.enter(size, at=at, object=name)
        player.map.wire(at, size=size)
    assert points("07/eleven", player) == [2, 0, 0]


def test_one_of_two_is_half(player: Task) -> None:
    mapped(player, "video", 16 * MIB, 8 * MIB, "1 MiB")
    assert points("07/eleven", player) == [1, 0, 0]


def test_a_log_across_a_border_needs_another_table(player: Task) -> None:
    mapped(player, "video", 16 * MIB, 8 * MIB, "1 MiB")
    mapped(player, "log", 33 * MIB - 64 * KIB, 192 * KIB, "64 KiB")
    assert points("07/eleven", player) == [2, 2, 0]


def test_half_of_it_or_what_may_only_be_read_is_not_all(player: Task) -> None:
    mapped(player, "video", 16 * MIB, 4 * MIB, "1 MiB")
    mapped(player, "log", 32 * MIB, 192 * KIB, "64 KiB", prot="r")
    assert points("07/eleven", player) == [0, 0, 0]


@pytest.fixture
def bank() -> Machine:
    machine = vm.boot("armv7")
    vault = machine.task("vault")
    vault.map.enter("1 MiB", at=SECTION, object=machine.object("gold"))
    vault.map.superpages(SECTION, size="1 MiB", page="1 MiB")
    vault.write(vault.map.enter(PAGE, at=0x40_0000, object=machine.object("door")), b"closed?")
    return machine


def put_into(bank: Machine, address: int, domain: int) -> None:
    step = bank.tasks["vault"].walk(address).steps[0]
    bank.set_descriptor(step.pa, step.value | domain << 5)


def close(bank: Machine, domain: int, two_bits: int = 0) -> None:
    bank.controls = replace(bank.controls, dacr=bank.controls.dacr & ~(3 << 2 * domain) | two_bits << 2 * domain)


@pytest.mark.parametrize("domain", [1, 15])
def test_any_domain_of_its_own_will_do(bank: Machine, domain: int) -> None:
    put_into(bank, SECTION, domain)
    close(bank, domain)
    assert lab.check("07/door", bank).passed


def test_half_of_the_door_is_nothing(bank: Machine) -> None:
    assert points("07/door", bank) == [0, 0, 0]
    put_into(bank, SECTION, 5)
    assert points("07/door", bank) == [0, 0, 0]


def test_domain_0_is_the_kernels_too(bank: Machine) -> None:
    close(bank, 0)
    assert points("07/door", bank) == [2, 0, 2]


def test_the_other_page_stays_open(bank: Machine) -> None:
    put_into(bank, SECTION, 5)
    put_into(bank, 0x40_0000, 5)
    close(bank, 5)
    assert points("07/door", bank) == [2, 0, 2]


def test_the_kernel_is_not_locked_out(bank: Machine) -> None:
    put_into(bank, SECTION, 5)
    put_into(bank, bank.kernel_map.start, 5)
    close(bank, 5)
    assert points("07/door", bank) == [2, 0, 2]


def test_rights_that_went_with_it_are_missed(bank: Machine) -> None:
    step = bank.tasks["vault"].walk(SECTION).steps[0]
    bank.set_descriptor(step.pa, step.value | 5 << 5 | 1 << 15)
    close(bank, 5)
    assert points("07/door", bank) == [2, 1, 1]


def test_a_fault_of_another_kind_is_no_closed_door(bank: Machine) -> None:
    step = bank.tasks["vault"].walk(SECTION).steps[0]
    bank.set_descriptor(step.pa, 0)
    close(bank, 5)
    assert points("07/door", bank) == [0, 0, 0]
