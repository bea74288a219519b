"""A fork of this process, and a pager of its own memory: what the kernel says of the pages, and what is read there."""

from __future__ import annotations

import array
import ctypes
import gc
import mmap
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vmwidgets as vm
from vmwidgets import Refused
from vmwidgets.real.own import pager as pagers

from ...tiers import leave_out


def test_the_first_write_copies_and_the_second_does_not():
    with vm.copy_on_write(3) as two:
        assert two.at().frames == 3
        copied = two.write("child", 1, "B")
        assert (copied.frames, copied.pages[1].parent, copied.pages[1].child) == (4, "A", "B")
        assert "is copied" in copied.said
        own = two.write("parent", 1, "C")
        assert (own.frames, own.pages[1].parent, own.pages[1].child) == (4, "C", "B")
        assert "no copy" in own.said
        assert two.write("parent", 0, "D").frames == 5


def test_a_second_pair_ends_the_first_one():
    two = vm.copy_on_write(1)
    first = two.child
    two = vm.copy_on_write(1)
    assert two.at().frames == 1
    assert not Path(f"/proc/{first}").exists()


def test_two_threads_that_ask_the_child_get_their_own_answers():
    with vm.copy_on_write(2) as two:
        two.write("child", 1, "B")
        asks = threading.Thread(target=lambda: [two.at() for _ in range(50)])
        asks.start()
        assert {two.read("child", 1) for _ in range(300)} == {"B"}
        asks.join()


def test_what_is_no_page_letter_or_process_is_refused():
    with vm.copy_on_write(2) as two:
        for wrong in (
            lambda: two.write("x", 0, "B"),
            lambda: two.write("child", 2, "B"),
            lambda: two.write("child", 0, ""),
        ):
            with pytest.raises(Refused):
                wrong()
        assert two.at().frames == 2
        os.kill(two.child, signal.SIGKILL)
        os.waitid(os.P_PID, two.child, os.WEXITED | os.WNOWAIT)
        with pytest.raises(Refused):
            two.at()
    with pytest.raises(Refused, match="has ended"):
        two.read("child")
    with pytest.raises(Refused, match="pages=0"):
        vm.copy_on_write(0)


def array_of(pages, *, advice="nohugepage"):
    """Memory that was written, in huge pages or not, as NumPy asks for it from 4 MiB on."""
    size = pages * 4096 + (2 << 20)
    memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(getattr(mmap, f"MADV_{advice.upper()}"))
    memory.write(b"x" * size)
    start = -ctypes.addressof(ctypes.c_char.from_buffer(memory)) % (2 << 20)
    return memoryview(memory)[start : start + pages * 4096]


def test_of_an_array_the_written_pages_are_copied_and_no_others():
    array = array_of(100)
    with vm.copy_on_write(array[1000:]) as two:
        assert "99 pages of 4 KiB (396 KiB)" in two.at().said, "the first is only in part of these bytes"
        assert [page.parent for page in two.at().pages] == ["x"] * 8
        assert (two.at().frames, two.write("child", 3, "B").frames, two.write("parent", 5, "C").frames) == (8, 9, 10)
        assert "1 page of 4 KiB is copied" in two.at().said
        assert "no copy" in two.write("child", 3, "D").said
        assert (array[4 * 4096 : 4 * 4096 + 1].tobytes(), two.read("child", 3)) == (b"x", "D")
    assert array[6 * 4096 : 6 * 4096 + 1].tobytes() == b"C", "the parent's write is a write to the array"


@pytest.mark.parametrize(("first", "second"), [("child", "parent"), ("parent", "child")])
def test_of_a_huge_page_linux_copies_4_kib(first, second):
    """Since Linux 5.8 the writer's mapping is split; the other process still maps it as one, with one bit 56."""
    array = array_of(1024, advice="hugepage")
    if platform_is_older_than(6, 7) or not vm.process().pages(array).huge:
        leave_out("this kernel gives no huge pages, or does not say which are")
    with vm.copy_on_write(array) as two:
        assert two.at().frames == 8
        assert "page 0: 1 page of 4 KiB is copied" in two.write(first, 0, "B").said
        assert [page.is_shared for page in two.at().pages] == [False, *[True] * 7]
        assert "page 1: 1 page of 4 KiB is copied" in two.write(second, 1, "C").said
        assert "page 0: no copy" in two.write(second, 0, "D").said
        assert two.at().frames == 10


def platform_is_older_than(*version: int) -> bool:
    return tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2]) < version


def test_a_page_that_was_only_read_comes_into_memory():
    memory = mmap.mmap(-1, 8 * 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with vm.copy_on_write(memory) as two:
        assert two.read("child", 2) == two.read("parent", 2) == "0x00"
        if not platform_is_older_than(6, 7):
            assert "comes into memory" in two.write("child", 2, "B").said


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (b"x" * 9000, "can't be written"),
        (bytearray(4096), "cover no whole page that begins at a multiple of 4 KiB"),
        (memoryview(bytearray(90_000))[::2], "in one piece"),
        ("abc", "or give an array"),
        (0, "or give an array"),
        (65, "from 1 to 64, or give an array"),
        ([1] * 9000, "in one piece"),
        (None, "number of pages"),
        ("4", "whole number"),
        (True, "whole number"),
    ],
)
def test_what_is_no_array_of_a_page_is_refused(given, says):
    with pytest.raises(Refused, match=says):
        vm.copy_on_write(given)


OBJECTS = (ctypes.py_object * 4096)()


def view_of(given: Any) -> memoryview:
    """An array's memory; to a type checker of Python 3.10, an array has none."""
    return memoryview(given)


@pytest.mark.parametrize(
    "given",
    [
        np.empty(4096, object),
        np.empty((64, 64), object).T,
        np.zeros(4096, [("n", "i4"), ("who", object)]),
        np.zeros(4096, [("n", "i4"), ("in", [("who", object, (2,))])]),
        view_of(np.empty(4096, object)),
        view_of(np.zeros(4096, [("n", "i4"), ("who", object)])),
        memoryview(OBJECTS),
    ],
)
def test_no_byte_is_written_into_a_reference_to_an_object(given):
    """It would be a pointer to nowhere, and end Python."""
    with pytest.raises(Refused, match="references to Python objects"):
        vm.copy_on_write(given)


@pytest.mark.parametrize(
    "given",
    [
        np.zeros(4096, "M8[s]"),
        np.zeros(4096, [("Other", "f4"), ("day", "M8[D]")]),
        np.zeros((64, 128)).T,
        np.zeros((16, 16, 32)).transpose(1, 2, 0),
        np.zeros(4096)[::-1],
        np.zeros((64, 64, 2), "c16")[:, ::-1],
        view_of(np.zeros(4096, [("Other", "f4"), ("n", "i8")])),
        array.array("d", bytes(1 << 15)),
    ],
)
def test_an_array_in_one_piece_is_taken_whatever_is_in_it(given):
    with vm.copy_on_write(given) as two:
        assert two.write("parent", 1, "C").pages[1].parent == "C"
        assert two.read("child", 1) == "0x00"
        assert bytes(given.tobytes()).count(b"C") == 1, "it is the array that was written, and no copy"


def test_an_array_with_gaps_is_not_in_one_piece():
    for given in (
        np.zeros(1 << 16)[::2],
        np.zeros((64, 128))[:, :100],
        np.zeros(64)[:0],
        np.zeros((1, 1 << 14))[:, ::2],
    ):
        with pytest.raises(Refused, match=r"not in one piece|no whole page"):
            vm.copy_on_write(given)
    fixed = np.zeros(1 << 14)
    fixed.flags.writeable = False
    with pytest.raises(Refused, match="can't be written"):
        vm.copy_on_write(fixed)


def test_a_pair_that_has_ended_says_so_at_the_prompt():
    with vm.copy_on_write(1) as two:
        assert "A" in repr(two)
    assert "the child has ended" in repr(two)


@pytest.fixture
def own_pager():
    """A maker of pagers, where the system lets one be."""
    made = []

    def make(supply, pages=8):
        try:
            made.append(vm.pager(supply, pages))
        except Refused as refused:
            leave_out(str(refused))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_page_is_supplied_when_it_is_first_touched(own_pager):
    asked = []

    def supply(page: int) -> bytes:
        asked.append(page)
        return bytes([65 + page]) * 4096

    pages = own_pager(supply)
    assert asked == []
    assert (pages[5][:2], pages[0][:2], pages[5][:2]) == (b"FF", b"AA", b"FF")
    assert asked == pages.faults == [5, 0]


@pytest.mark.parametrize(
    ("supply", "says"),
    [
        (lambda page: 1 // page, "ZeroDivisionError"),
        (lambda page: b"short", "5 bytes for page 0"),
        (lambda page: "text", "a str for page 0"),
    ],
)
def test_a_function_that_fails_hangs_nothing(own_pager, supply, says):
    pages = own_pager(supply)
    with pytest.raises(Refused, match=says):
        pages[0]
    assert pages[0] == bytes(4096)


def test_a_function_that_touches_its_own_range_hangs_nothing(own_pager):
    def supply(page: int) -> bytes:
        room = ctypes.create_string_buffer(8)
        pagers._LIBC.memcpy(ctypes.addressof(room), pages.address + 5 * 4096, 8)
        return bytes(4096)

    pages = own_pager(supply)
    with pytest.raises(Refused, match="touches page 5 of its own range"):
        pages[1]


def test_a_function_that_never_ends_hangs_no_later_touch(own_pager, monkeypatch):
    monkeypatch.setattr(pagers, "LONGEST", 0.2)
    end = threading.Event()

    def supply(page: int) -> bytes:
        end.wait()
        return bytes(4096)

    pages = own_pager(supply)
    for page in (0, 1):
        with pytest.raises(Refused, match="took more than"):
            pages[page]
    end.set()


def test_other_code_that_reads_there_gets_zeros_in_time(own_pager, monkeypatch):
    monkeypatch.setattr(pagers, "LONGEST", 0.2)
    pages = own_pager(lambda page: b"A" * 4096)
    assert ctypes.string_at(int(pages.address), 1) == bytes(1)


def test_a_pager_is_closed_by_no_function_and_after_the_last_touch(own_pager):
    made: list[Any] = []
    made.append(own_pager(lambda page: made[0].close()))
    pages = made[0]
    with pytest.raises(Refused, match="can't close its own pager"):
        pages[0]
    asked, end = threading.Event(), threading.Event()

    def supply(page: int) -> bytes:
        asked.set()
        end.wait()
        return b"B" * 4096

    slow = own_pager(supply)
    read: list[bytes] = []
    touch = threading.Thread(target=lambda: read.append(slow[0][:1]))
    touch.start()
    asked.wait()
    threading.Timer(0.05, end.set).start()
    slow.close()
    touch.join()
    assert read == [b"B"]
    with pytest.raises(Refused, match="is closed"):
        slow[0]


def test_pagers_that_are_given_up_end_their_threads(own_pager):
    own_pager(bytes)
    before = {*threading.enumerate()}
    pagers = [vm.pager(bytes) for _ in range(3)]
    made = [thread for thread in threading.enumerate() if thread not in before]
    assert [thread.name for thread in made] == ["vmwidgets pager"] * len(pagers)
    pagers.clear()
    gc.collect()
    for thread in made:
        thread.join(60)
    assert not any(thread.is_alive() for thread in made)


def test_a_pager_ends_where_its_pages_do(own_pager):
    assert [page[:1] for page in own_pager(lambda page: b"C" * 4096, 3)] == [b"C"] * 3
