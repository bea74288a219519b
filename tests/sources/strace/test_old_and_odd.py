"""Traces of old straces, of parts of a run, and of forks: what files and offsets they mean."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm

FILE = 'open("/lib/libc.so.6", O_RDONLY) = 3\n'


def entries(text: str) -> list[Any]:
    return list(vm.load(text).task.map.entries())


def test_a_forked_child_has_its_parents_files() -> None:
    mapped = "mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7f0000000000\n"
    text = f"{FILE}{mapped}clone(child_stack=NULL, flags=SIGCHLD) = 77\n"
    found = vm.load(text)
    children = [task for task in found.tasks if task.name != found.task.name]
    assert [[one.object for one in task.map.entries()] for task in children] == [["/lib/libc.so.6"]]


def test_an_offset_that_is_no_multiple_of_a_page_proves_an_old_strace_for_the_whole_text() -> None:
    text = (
        f"{FILE}mmap2(0xb7748000, 4096, PROT_READ, MAP_PRIVATE|MAP_FIXED, 3, 0x1000) = 0xb7748000\n"
        "mmap2(0xb7750000, 4096, PROT_READ, MAP_PRIVATE|MAP_FIXED, 3, 0x1a4) = 0xb7750000\n"
    )
    assert [one.offset for one in entries(text)] == [16 << 20, 0x1A4000]
    assert any("pages of 4 KiB" in one for one in vm.load(text).unsaid)


def test_where_nothing_proves_it_an_offset_is_bytes_and_a_sentence_says_so() -> None:
    text = f"{FILE}mmap2(0xb7748000, 4096, PROT_READ, MAP_PRIVATE|MAP_FIXED, 3, 0x1000) = 0xb7748000\n"
    assert [one.offset for one in entries(text)] == [0x1000]
    assert any("taken as bytes" in one for one in vm.load(text).unsaid)


def test_truss_has_anonymous_memory() -> None:
    (one,) = entries("mmap(0x0,4096,PROT_READ,MAP_PRIVATE|MAP_ANON,-1,0x0) = 34372427776 (0x800c1a000)\n")
    assert (one.start, one.end - one.start) == (0x800C1A000, 4096)
    assert "file" not in str(one.object)


def test_processes_that_no_call_made_are_threads_of_one() -> None:
    call = "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)"
    text = f"10 {call} = 0x7f0000000000\n11 {call} = 0x7f0000010000\n"
    assert len(entries(text)) == 2
    assert any("threads of one" in one for one in vm.load(text).unsaid)


def test_huge_pages_with_their_size_are_private_and_anonymous() -> None:
    text = (
        "mmap(NULL, 2097152, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB|21<<MAP_HUGE_SHIFT, -1, 0)"
        " = 0x7f0000000000\n"
    )
    (one,) = entries(text)
    assert one.end - one.start == 2 << 20


def test_two_files_of_one_name_are_two() -> None:
    text = "".join(
        f'openat(AT_FDCWD, "/{folder}/x", O_RDONLY) = {number}\n'
        f"mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, {number}, 0) = 0x7f00000{number}0000\n"
        for number, folder in ((3, "a"), (4, "b"))
    )
    assert len({one.object for one in entries(text)}) == 2


def test_a_result_that_a_window_wraps_is_not_its_first_digits() -> None:
    whole = f"{FILE}mmap(NULL, 2125824, PROT_READ, MAP_PRIVATE|MAP_DENYWRITE, 3, 0) = 0x7f3a5c000000\n"
    result = whole.rindex("0x")
    for cut in range(result + 1, len(whole) - 1):
        with pytest.raises(vm.Refused, match=f"line 2 .* a window of {cut - len(FILE)} columns"):
            vm.load(f"{whole[:cut]}\n{whole[cut:]}")


def test_what_a_program_prints_behind_a_call_is_no_part_of_its_result() -> None:
    mapped = "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f3a5c000000\n"
    (one,) = entries(f'execve("./a", [], 0x7ffd1a2b3c40 /* {"9" * 40} vars */) = 0\n{mapped}42\n')
    assert one.start == 0x7F3A5C000000


def test_a_range_that_is_known_in_part_is_unmapped_in_part() -> None:
    """munmap(2): it is not an error if the range has no mapped pages."""
    line = "mmap(0x7f0000010000, 4096, PROT_READ, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0) = 0x7f0000010000\n"
    assert len(vm.load(line).task.map) == 1
    assert len(vm.load(line + "munmap(0x7f000000f000, 12288) = 0\n").task.map) == 0


def test_a_file_without_a_name_is_said_with_its_descriptor() -> None:
    found = vm.load("mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 5, 0) = 0x7f0000010000\n")
    assert any("which files are mapped by file descriptors 5 " in one for one in found.unsaid)
