from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.memory.ram import BusError, Ram

SIZE = 4 * PAGE


def committed(ram: Ram) -> int:
    """Bytes that this memory costs the host."""
    return len(ram._frames) * PAGE


@given(st.lists(st.tuples(st.integers(0, SIZE - 1), st.binary(min_size=1, max_size=2 * PAGE)), max_size=8))
def test_memory_holds_what_was_written(writes):
    ram, plain = Ram(SIZE), bytearray(SIZE)
    for pa, data in writes:
        kept = data[: SIZE - pa]
        ram.write(pa, kept)
        plain[pa : pa + len(kept)] = kept
    assert ram.read(0, SIZE) == plain


@given(st.sampled_from([1, 2, 4, 8]), st.integers(0, SIZE - 8), st.data())
def test_words_are_little_endian_wherever_they_lie(width, pa, data):
    value = data.draw(st.integers(0, 256**width - 1))
    ram = Ram(SIZE)
    ram.write_word(pa, width, value)
    assert ram.read_word(pa, width) == value
    assert ram.read(pa, 1) == bytes([value % 256])


def test_memory_is_committed_by_the_first_write_only():
    ram = Ram(1 << 44)
    assert (ram.read(1 << 43, 16), committed(ram)) == (bytes(16), 0)
    ram.write((1 << 43) - 1, b"ab")
    assert committed(ram) == 2 * PAGE
    ram.write_word(1 << 43, 8, 1)
    assert committed(ram) == 2 * PAGE


def test_a_frame_is_copied_whole_over_what_was_there():
    ram = Ram(SIZE)
    ram.write(PAGE, b"a" * PAGE)
    ram.write(2 * PAGE, b"b" * PAGE)
    ram.written.clear()
    ram.copy_frame(1, 2)
    ram.copy_frame(0, 1)  # never written: zeroes
    ram.write(2 * PAGE, b"c")
    assert ram.read(0, SIZE) == bytes(2 * PAGE) + b"c" + b"a" * (PAGE - 1) + bytes(PAGE)
    assert ram.written == {1, 2}
    for frames in ((1, 4), (4, 1), (-1, 1)):
        with pytest.raises(BusError):
            ram.copy_frame(*frames)
    assert ram.read(PAGE, PAGE) == bytes(PAGE)


def test_a_zeroed_frame_reads_zero_and_is_given_back():
    ram = Ram(SIZE)
    ram.fill(PAGE - 1, PAGE + 2, 7)
    ram.zero_frame(1)
    assert ram.read(PAGE - 1, PAGE + 2) == b"\x07" + bytes(PAGE) + b"\x07"
    assert committed(ram) == 2 * PAGE


@pytest.mark.parametrize(("pa", "length"), [(-1, 1), (SIZE, 1), (SIZE - 1, 2), (SIZE - 4, 8)])
def test_outside_ram_there_is_nothing_to_read_or_write(pa, length):
    ram = Ram(SIZE)
    for access in (lambda: ram.read(pa, length), lambda: ram.write(pa, bytes(length))):
        with pytest.raises(BusError, match="outside RAM"):
            access()
    assert committed(ram) == 0


def test_a_word_that_sticks_out_of_committed_memory_is_outside_too():
    ram = Ram(SIZE)
    ram.write_word(SIZE - 8, 8, 1)
    with pytest.raises(BusError):
        ram.read_word(SIZE - 4, 8)
    with pytest.raises(BusError):
        ram.zero_frame(SIZE // PAGE)


@pytest.mark.parametrize(
    ("act", "frames"),
    [
        (lambda ram: ram.write(PAGE - 1, b"xy"), {0, 1}),
        (lambda ram: ram.write_word(2 * PAGE, 8, 1), {2}),
        (lambda ram: ram.write_word(3 * PAGE - 4, 8, 1), {2, 3}),
        (lambda ram: ram.fill(4 * PAGE, PAGE, 7), {4}),
        (lambda ram: ram.zero_frame(5), {5}),
        (lambda ram: ram.read(0, PAGE), set()),
    ],
)
def test_memory_has_each_frame_that_is_written(act: Callable[[Ram], object], frames: set[int]) -> None:
    ram = Ram(16 * PAGE)
    for frame in range(16):
        ram.write(frame * PAGE, b"before")
    ram.written.clear()
    act(ram)
    assert ram.written == frames
    ram.written.clear()
    act(ram)
    assert ram.written == frames
