from __future__ import annotations

from collections.abc import Iterable

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.machine.capabilities import MachineCapability
from vmwidgets.engine.machine.domain import MachineDomain

KIB, MIB, PAGE = vm.KIB, vm.MIB, vm.PAGE
TEXT_AT = 0x5000_0000
TEXT = b"what the program wrote"


def points(name: str, target: object) -> list[int]:
    return [criterion.points for criterion in lab.check(name, target).criteria]


@pytest.fixture
def domain() -> MachineDomain:
    return vm.boot("armv7").domain("hello")


# ---- 09/refill -------------------------------------------------------------------------------


def video(domain: MachineDomain) -> MachineCapability:
    return domain.device_frame("1 GiB", "64 MiB")


def down_to(domain: MachineDomain, free: int) -> None:
    """Sections take a block each, and want three more to be there."""
    frame = domain.frame("1 MiB")
    while domain.snapshot().slab.free > free:
        domain.map(frame, flags="rw large")
    assert domain.snapshot().slab.free == free


def test_with_three_blocks_sixteen_mib_have_three_levels(domain: MachineDomain) -> None:
    down_to(domain, 3)
    domain.map(video(domain), size="16 MiB")
    assert lab.check("09/refill", domain).passed


def test_it_does_not_matter_what_was_mapped_where(domain: MachineDomain) -> None:
    down_to(domain, 5)
    down_to(domain, 3)
    domain.map(video(domain), at=0x5000_3000, offset="1 MiB", size="20 MiB", flags="r")
    domain.map(domain.frame())
    assert lab.check("09/refill", domain).passed


def test_a_large_map_is_enough_for_the_levels_alone(domain: MachineDomain) -> None:
    down_to(domain, 5)
    domain.map(video(domain), size="60 MiB")
    assert points("09/refill", domain) == [3, 0]


def test_a_map_that_was_refused_has_refilled_all_the_same(domain: MachineDomain) -> None:
    down_to(domain, 4)
    domain.map(domain.frame(), at=TEXT_AT, flags="r")
    taken = domain.snapshot().slab
    assert taken.total > 7, "the test wants a refill before"
    with pytest.raises(vm.KernelError, match="EXISTING_MAPPING"):
        domain.map(video(domain), at=TEXT_AT - MIB, size="60 MiB")
    assert points("09/refill", domain) == [2, 0]


def test_two_levels_are_two_thirds(domain: MachineDomain) -> None:
    down_to(domain, 5)
    domain.map(video(domain), size="1 MiB")
    assert points("09/refill", domain) == [2, 0]


def test_one_level_is_one_third(domain: MachineDomain) -> None:
    for _ in range(2):
        domain.map(domain.frame())
    assert points("09/refill", domain) == [1, 0]


def test_refills_side_by_side_are_not_inside_each_other(domain: MachineDomain) -> None:
    for number in range(200):
        domain.map(domain.frame(), at=0x5000_0000 + number * MIB)
    heads = [head for head in domain.snapshot().slab.heads if head.address]
    assert len(heads) > 3
    assert points("09/refill", domain) == [1, 0]


def test_nothing_refilled_is_nothing_earned(domain: MachineDomain) -> None:
    domain.map(domain.frame())
    assert points("09/refill", domain) == [0, 0]


# ---- 09/thrift -------------------------------------------------------------------------------


def eight(domain: MachineDomain, size: int, flags: str, at: int | None = None) -> None:
    for number in range(8 * MIB // size):
        domain.map(domain.frame(size), at=None if at is None else at + number * size, flags=flags)


def test_sections_of_two_frames_are_four_slots(domain: MachineDomain) -> None:
    eight(domain, 4 * MIB, "rw large")
    assert lab.check("09/thrift", domain).passed


def test_sections_may_lie_apart(domain: MachineDomain) -> None:
    for at in 0x6000_0000, 0x1000_0000:
        domain.map(domain.frame(4 * MIB), at=at, flags="rwx large")
    assert lab.check("09/thrift", domain).passed


def test_small_frames_take_more_slots(domain: MachineDomain) -> None:
    eight(domain, MIB, "rw large")
    assert points("09/thrift", domain) == [2, 1, 0]


def test_pages_take_tables(domain: MachineDomain) -> None:
    eight(domain, 4 * MIB, "rw", at=TEXT_AT)
    assert points("09/thrift", domain) == [2, 0, 0]


def test_large_at_a_wrong_address_is_not_large(domain: MachineDomain) -> None:
    eight(domain, 4 * MIB, "rw large", at=TEXT_AT + PAGE)
    assert points("09/thrift", domain)[2] == 0


def test_the_same_frame_twice_is_no_more_memory(domain: MachineDomain) -> None:
    frame = domain.frame("4 MiB")
    for _ in range(2):
        domain.map(frame, flags="rw large")
    assert points("09/thrift", domain) == [1, 0, 0]


def test_a_device_is_no_memory_and_read_only_no_read_and_write(domain: MachineDomain) -> None:
    domain.map(domain.device_frame("1 GiB", "8 MiB"), flags="rw large")
    assert points("09/thrift", domain) == [0, 0, 0]
    eight(domain, 4 * MIB, "r large")
    assert points("09/thrift", domain) == [0, 0, 0]


# ---- 09/bug ----------------------------------------------------------------------------------


def written(quirks: Iterable[str] = ("modify-flags-lost",)) -> MachineDomain:
    domain = vm.boot("armv7", quirks=quirks).domain("log")
    domain.map(domain.frame("16 KiB"), at=TEXT_AT)
    domain.write(TEXT_AT, TEXT)
    return domain


def mapped_again(domain: MachineDomain, frame: MachineCapability | str = "slots[0]") -> None:
    domain.unmap(TEXT_AT, "16 KiB")
    domain.map(frame, at=TEXT_AT, size="16 KiB", flags="r")


def over_a_border(domain: MachineDomain, flags: str) -> None:
    at = 0x6010_0000 - PAGE
    domain.map(domain.frame("8 KiB"), at=at)
    domain.modify_flags(at, "8 KiB", flags)


@pytest.mark.parametrize("flags", ["rw", "r", "x"])
@pytest.mark.parametrize("quirks", [["modify-flags-lost"], vm.QUIRKS], ids=["alone", "all"])
def test_mapped_again_and_a_call_over_a_border(quirks: Iterable[str], flags: str) -> None:
    domain = written(quirks)
    mapped_again(domain)
    over_a_border(domain, flags)
    assert lab.check("09/bug", domain).passed


def test_a_capability_that_cannot_write_does_as_well() -> None:
    domain = written()
    mapped_again(domain, domain.mint("slots[0]", "rg"))
    over_a_border(domain, "rw")
    assert lab.check("09/bug", domain).passed


def test_nothing_done_is_nothing_earned_in_spite_of_the_bug() -> None:
    assert points("09/bug", written()) == [0, 0, 0]


def test_the_call_that_is_broken_makes_nothing_read_only() -> None:
    domain = written()
    domain.modify_flags(TEXT_AT, "16 KiB", "r")
    assert points("09/bug", domain) == [0, 0, 1]


def test_other_memory_is_not_what_was_written() -> None:
    domain = written()
    mapped_again(domain, domain.frame("16 KiB"))
    assert points("09/bug", domain) == [2, 0, 0]


def test_half_of_it_is_half() -> None:
    domain = written()
    domain.unmap(TEXT_AT, "16 KiB")
    for page, flags in enumerate(["r", "r", "rw", "rw"]):
        domain.map("slots[0]", at=TEXT_AT + page * PAGE, offset=page * PAGE, size=PAGE, flags=flags)
    assert points("09/bug", domain) == [1, 1, 0]


def test_without_the_bug_there_is_no_witness() -> None:
    domain = written(quirks=())
    domain.modify_flags(TEXT_AT, "16 KiB", "r")
    over_a_border(domain, "rw")
    assert points("09/bug", domain) == [2, 1, 0]


def test_rights_given_by_hand_are_no_witness() -> None:
    domain = written(quirks=())
    over_a_border(domain, "rw")
    domain.unmap(0x6010_0000 - PAGE, "8 KiB")
    for page, flags in enumerate(["", "r"]):
        domain.map(domain.frame(), at=0x6010_0000 + (page - 1) * PAGE, flags=flags)
    assert points("09/bug", domain)[2] == 0


@pytest.mark.parametrize("name", ["09/thrift", "09/bug"])
def test_descriptors_edited_by_hand_earn_nothing(name: str) -> None:
    domain = vm.boot("armv7", quirks=vm.QUIRKS).domain("by hand")
    domain.map(domain.frame("16 KiB"), at=0x5000_0000)
    domain.write(0x5000_0000, b"what the program wrote")
    first = domain.walk(0x5000_0000).steps[-1]
    for page in range(4):
        domain.machine.set_descriptor(
            first.pa + 4 * page, domain.machine.system.ram.read_word(first.pa + 4 * page, 4) & ~0x10
        )
    if name == "09/thrift":
        domain.map(domain.frame("4 MiB"), at=0x6000_0000, flags="rw large")
        domain.map(domain.frame("4 MiB"), at=0x6040_0000, flags="rw large")
    result = lab.check(name, domain)
    assert result.criteria[0].points == 0
    assert "edited by hand" in result.criteria[0].sentence
