"""Swap keeps what it has of a page until that is written: a clean page goes for nothing, and policies see it."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import PAGE
from vmwidgets.events import PageOut, SwapFreed

ARCHITECTURES = ("x86-64", "aarch64", "riscv-sv39", "armv7")


def swapping(architecture: str = "x86-64", size: str = "64 KiB") -> tuple[vm.Machine, vm.Task, int]:
    m = vm.boot(architecture)
    m.swap_on(size)
    t = m.task("t")
    return m, t, int(t.mmap(8 * PAGE))


def outs(m: vm.Machine) -> list[tuple[str, str]]:
    return [(one.to, one.has) for one in m.journal.last.events if isinstance(one, PageOut)]


def dirty(m: vm.Machine, t: vm.Task, a: int) -> bool:
    memory = m.system.task_memory
    return memory.dirty(memory.pages[t.walk(a).pa >> 12])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_page_that_was_only_read_since_it_came_back_is_not_written_again(architecture: str) -> None:
    m, t, a = swapping(architecture)
    t.write(a, b"one")
    assert dirty(m, t, a)
    t.page_out(a)
    assert outs(m) == [("swap", "")]
    assert (t.read(a, 3), dirty(m, t, a), m.system.task_memory.swap.used) == (b"one", False, 1)
    t.page_out(a)
    assert outs(m) == [("nowhere", "swap")]
    assert t.read(a, 3) == b"one"
    m.check()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_first_write_frees_the_slot(architecture: str) -> None:
    m, t, a = swapping(architecture)
    t.write(a, b"one")
    t.page_out(a)
    t.read(a)
    t.write(a, b"two")
    assert any(isinstance(event, SwapFreed) for event in m.journal.last.events)
    assert (dirty(m, t, a), m.system.task_memory.swap.used) == (True, 0)
    t.page_out(a)
    assert (outs(m), t.read(a, 3)) == ([("swap", "")], b"two")
    m.check()


def test_a_page_that_was_never_written_is_dropped() -> None:
    m, t, a = swapping()
    t.read(a)
    assert not dirty(m, t, a)
    t.page_out(a)
    assert (outs(m), m.system.task_memory.swap.used, t.read(a)) == ([("nowhere", "zeroes")], 0, b"\0")
    m.check()


@pytest.mark.parametrize("away", ["mprotect", "dontcare", "fork"])
def test_a_write_is_remembered_when_its_translation_goes(away: str) -> None:
    """The dirty bit is in the translation: taking that away must not lose the byte."""
    m, t, a = swapping()
    t.read(a)
    t.write(a, b"x")
    if away == "mprotect":
        t.mprotect(a, PAGE, "")
        t.mprotect(a, PAGE, "r")
    elif away == "fork":
        t.fork().exit()
    t.page_out(a)
    assert (outs(m), t.read(a)) == ([("swap", "")], b"x")
    m.check()


def test_zeroes_in_front_of_a_page_that_another_task_wrote_are_not_dropped() -> None:
    """What a shadow shows must not change when its page leaves."""
    m, t, a = swapping()
    t.write(a + PAGE, b"x")
    child = t.fork()
    child.write(a + PAGE, b"y")
    assert child.read(a) == b"\0"
    t.write(a, b"mine")
    child.page_out(a)
    assert child.read(a, 4) == bytes(4)
    m.check()


def test_where_swap_space_is_full_of_copies_one_of_them_makes_room() -> None:
    m, t, a = swapping(size="8 KiB")
    for page in range(2):
        t.write(a + page * PAGE, b"%d" % page)
    t.page_out(a, 2 * PAGE)
    t.read(a, 1)
    t.read(a + PAGE, 1)
    t.write(a + 2 * PAGE, b"2")
    assert t.page_out(a + 2 * PAGE) == 1
    assert [t.read(a + page * PAGE) for page in range(3)] == [b"0", b"1", b"2"]
    m.check()


def test_a_policy_that_prefers_clean_pages_sees_them() -> None:
    m, t, a = swapping()
    seen = []

    def clean_first(pages):
        seen.append([page.dirty for page in pages])
        return min(pages, key=lambda page: page.dirty)

    for page in range(2):
        t.write(a + page * PAGE, b"x")
    t.page_out(a, 2 * PAGE)
    t.read(a)
    t.write(a + PAGE, b"y")
    m.replacement = clean_first
    t.limit("rss", 2 * PAGE)
    t.write(a + 2 * PAGE, b"z")
    assert (seen, outs(m)) == ([[False, True]], [("nowhere", "swap")])


def test_without_swap_space_the_error_says_so() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    t.limit("rss", 2 * PAGE)
    a = t.mmap(8 * PAGE)
    t.write(a, b"x" * 2 * PAGE)
    with pytest.raises(
        vm.KernelError, match=r"^NOMEM: .* of 2 pages of task 't' in memory none can go: there is no swap space"
    ):
        t.write(a + 2 * PAGE, b"x")


def test_what_a_child_inherited_counts_for_it_when_its_parent_is_over() -> None:
    m, t, a = swapping()
    t.write(a, b"x" * 8 * PAGE)
    child = t.fork()
    child.limit("rss", 2 * PAGE)
    t.exit()
    for page in range(8):
        assert child.read(a + page * PAGE) == b"x"
        assert child.resident <= 2 * PAGE
    m.check()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_page_that_was_written_is_no_page_of_zeroes_once_a_fork_protects_it(architecture: str) -> None:
    """ARM's tables have no dirty bit: there the right to write says it, and a fork takes that away."""
    m, t, a = swapping(architecture)
    t.read(a)
    t.write(a, b"x")
    child = t.fork()
    child.page_out(a)
    assert (t.read(a), child.read(a)) == (b"x", b"x")
    m.check()


def test_pictures_of_rings_say_what_policies_are_shown() -> None:
    m, t, a = swapping()
    m.replacement = "clock"
    t.limit("rss", 4 * PAGE)
    t.write(a, b"x" * 2 * PAGE)
    t.page_out(a)
    t.read(a)
    t.mprotect(a + PAGE, PAGE, "")
    ring = m.replacement.value().rings["t"]
    memory = m.system.task_memory
    shown = {page.index: page.dirty for page in ring.pages}
    assert shown == {0: False, 1: True}
    assert shown == {page.index: memory.dirty(memory.pages[page.frame]) for page in ring.pages}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_page_that_the_clock_passed_is_still_known_to_be_written(architecture: str) -> None:
    """ARMv7's reference bit is one of its rights: clearing it must not hide that the page may be written."""
    m, t, a = swapping(architecture)
    m.replacement = "clock"
    t.read(a)
    t.write(a, b"abc")
    t.limit("rss", PAGE)
    for page in (1, 2):
        t.read(a + page * PAGE)
    assert t.read(a, 3) == b"abc"
    m.check()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_files_page_that_the_clock_passed_is_written_back_and_noticed_again(architecture: str) -> None:
    m, t, _ = swapping(architecture)
    f = m.file("f", b"x" * PAGE)
    a = t.mmap(PAGE, "rw", "shared", f)
    t.write(a, b"one")
    memory = m.system.task_memory
    memory.clear_referenced(memory.pages[t.walk(a).pa >> 12])
    f.sync()
    t.write(a, b"two")
    assert f.dirty == (0,)


def test_pages_that_come_with_what_their_frame_held_are_kept_though_nobody_wrote_them() -> None:
    m = vm.boot("x86-64", quirks=["anonymous-not-zeroed"])
    m.swap_on("64 KiB")
    t, u = m.task("t"), m.task("u")
    a = t.mmap(PAGE)
    t.write(a, b"before")
    t.munmap(a, PAGE)
    b = t.mmap(PAGE)
    held = t.read(b, 6)
    t.page_out(b)
    c = u.mmap(PAGE)
    u.write(c, b"u-data")
    u.munmap(c, PAGE)
    assert t.read(b, 6) == held == b"before"
