"""Breakpoints beside the code: copies of instructions do the same elsewhere, and slow no loop."""

from __future__ import annotations

import struct

import pytest

import vmwidgets as vm
from tests.real.test_follow import folder  # noqa: F401  a fixture
from vmwidgets.real.aside import Copy, copies
from vmwidgets.real.code import RA, Code, Part, passed, target_of

START, ROOM = 0x8000_0000, range(0x8000_5100, 0x8000_6000)

ADDI16SP, SDSP, RET, NOP, LONG_NOP = 0x7139, 0xFC06, 0x8082, 0x0001, 0x0000_0013
BEQZ = 0xC111
"""c.beqz a0, 4 bytes on."""
BLTU_BACK = 0xFEB5_6EE3
"""bltu a0, a1, 4 bytes back."""
CALL = 0x0100_00EF
"""jal ra, 16 bytes on."""
PAIR, AUIPC = 0x9502, 0x0001_0517
"""c.jalr a0; auipc a0, 16."""


def code_of(*words: int) -> Code:
    """A function of these instructions."""
    data = b"".join(word.to_bytes(4 if word & 3 == 3 else 2, "little") for word in words)
    return Code([Part("f", START, len(data))], [(START, data + bytes(8))])


def copy_of(code: Code, place: int) -> Copy:
    (one,) = copies(code, [place], ROOM)
    assert target_of(one.start, int.from_bytes(one.jump, "little")) == one.to
    return one


def walked(one: Copy, registers: list[int]) -> dict[int, list[int]]:
    """The registers at each place outside of the copy that its instructions come to, from its start on."""
    registers[32] = one.to
    for _ in range(20):
        at = registers[32] - one.to
        if not 0 <= at < len(one.code):
            return {registers[32]: registers}
        word = int.from_bytes(one.code[at : at + 4], "little")
        word &= 0xFFFF_FFFF if word & 3 == 3 else 0xFFFF
        if word & 0x7F == 0x17:
            registers[word >> 7 & 31] = registers[32] + struct.unpack("<i", struct.pack("<I", word & 0xFFFF_F000))[0]
            registers[32] += 4
        elif word & 0x7F == 0x6F:
            registers[32] = target_of(registers[32], word) or 0
        else:
            changed = passed(word, registers)
            assert changed is not None, f"{word:#x}"
            for number, value in changed.items():
                registers[number] = value
    raise AssertionError("it does not end")


@pytest.mark.parametrize(
    ("words", "number", "a0", "ends"),
    [
        ((ADDI16SP, NOP, RET), 0, 0, 4),
        ((LONG_NOP, RET), 0, 0, 4),
        ((NOP, BEQZ, NOP, NOP, RET), 0, 0, 6),  # taken
        ((NOP, BEQZ, NOP, NOP, RET), 0, 1, 4),
        ((LONG_NOP, LONG_NOP, BLTU_BACK, RET), 8, 1, 4),
        ((LONG_NOP, LONG_NOP, BLTU_BACK, RET), 8, 9, 12),
        ((LONG_NOP, CALL, RET), 4, 0, 20),
        ((AUIPC, RET), 0, 0, 4),
    ],
)
def test_a_copy_goes_on_where_the_original_does(words, number, a0, ends):
    one = copy_of(code_of(*words), START + number)
    registers = [0] * 33
    registers[2], registers[10], registers[11] = 0x8700_0000, a0, 5
    ((end, after),) = walked(one, registers).items()
    assert end == START + ends
    assert after[2] == 0x8700_0000 - (64 if ADDI16SP in words else 0)
    assert after[RA] == (START + number + 4 if CALL in words else 0)
    if AUIPC in words:
        assert after[10] == START + 0x10000


def test_a_return_is_copied_with_what_comes_before_it():
    one = copy_of(code_of(LONG_NOP, ADDI16SP, RET), START + 6)
    assert one.start == START + 4
    registers = [0] * 33
    registers[RA] = START + 0x100
    assert walked(one, registers).keys() == {START + 0x100}


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ((NOP, NOP, BLTU_BACK, RET), START),  # a branch leads into the middle
        ((NOP, PAIR, RET), START),  # a call through a register: its return address would be the copy's
        ((NOP, NOP, NOP, 0x8502, RET), START),  # a jump through a register may lead anywhere in the function
    ],
)
def test_where_no_jump_can_be_written(words, place):
    words = tuple(0xFEB5_6FE3 if one == BLTU_BACK else one for one in words)  # 2 bytes back
    assert not copies(code_of(*words), [place], ROOM)


def test_each_place_has_a_copy_of_its_own():
    code = code_of(*[NOP] * 40)
    made = copies(code, range(START, START + 40, 4), ROOM)
    assert len(made) == 10
    ends = [one.to + len(one.code) for one in made]
    assert all(end <= other.to for end, other in zip(ends, made[1:], strict=False))
    assert not copies(code, [START], range(ROOM.start, ROOM.start + 4)), "there is no room"


@pytest.mark.kernel
def test_no_breakpoint_lies_beside_a_loop(folder):  # noqa: F811  the fixture
    with vm.xv6(folder) as k:
        found = k.follow("base", run="life", seconds=120)
        assert found.outcome == "nothing found"
        assert not any("not each call" in line for line in found.outside)
        entry = k._program.address("growproc")
        assert k._port.do(lambda gdb: gdb.is_aside(k._program.address("uvmunmap")) and not gdb.is_aside(entry))
        k._started.type("life\n")
        assert k.go(until="uvmunmap", seconds=60).startswith("uvmunmap (vm.c:")
        assert k.step().startswith("uvmunmap (vm.c:")
        assert k.go(until="growproc", seconds=60).startswith("growproc (proc.c:")
