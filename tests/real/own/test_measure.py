"""What code does to memory: against acts whose cost is known, and against what getrusage says."""

from __future__ import annotations

import mmap
import os
import resource
import subprocess
import sys
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import vmwidgets as vm
from vmwidgets import Refused

MIB = 1 << 20


def mapped(size: int) -> mmap.mmap:
    memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    return memory


def test_mapped_memory_costs_nothing_until_it_is_touched():
    held = {}
    with vm.memory(held) as seen:
        held["big"] = mapped(64 * MIB)
    assert abs(seen.result.mapped - 64 * MIB) <= MIB
    assert seen.result.resident < MIB
    assert [one.holds for one in seen.result.changes if one.mapped >= 64 * MIB] == ["big"]
    with vm.memory(held) as seen:
        for page in range(0, 16 * MIB, 4096):
            held["big"][page] = 1
    assert abs(seen.result.resident - 16 * MIB) <= MIB
    assert abs(seen.result.minor - 4096) <= 100
    assert "16 MiB came into memory" in seen.result.title
    with vm.memory(held) as seen:
        held.pop("big").close()
    assert "gave back" in seen.result.title
    assert abs(seen.result.mapped + 64 * MIB) <= 4 * MIB
    assert [(one.kind, one.holds) for one in seen.result.changes if one.mapped <= -60 * MIB] == [("left", "big")]


def test_the_measuring_is_not_in_the_numbers():
    for _ in range(2):  # the second time, the first one's readings are given back
        with vm.memory() as seen:
            pass
        assert (seen.result.mapped, seen.result.major) == (0, 0)
        assert seen.result.minor <= 4
        assert abs(seen.result.resident) <= 16 << 10


def test_memory_that_is_not_touched_is_no_arena_and_a_reservation_is_not_mapped():
    seen = vm.memory()
    seen.by_line(["one", "two"])
    with seen:
        seen.mark()
        first = mmap.mmap(-1, 64 * MIB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        seen.mark()
        second = mmap.mmap(-1, 64 * MIB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 0)
    assert not any("arena" in words for words in seen.result.notes)
    assert seen.result.lines[0].mapped >= 64 * MIB
    assert seen.result.lines[1].mapped <= MIB
    first.close()
    second.close()


def guesses(seen: Any) -> set[str]:
    return {one.holds for one in seen.result.changes if abs(one.mapped) >= MIB}


def test_what_has_no_name_is_guessed_and_a_name_is_no_guess():
    with vm.memory() as seen:
        memory = mapped(8 * MIB)
        for page in range(0, 8 * MIB, 4096):
            memory[page] = 1
    assert guesses(seen) == {"one big object?"}
    assert not any("arena" in words for words in seen.result.notes)
    assert any("question mark is a guess" in words for words in seen.result.notes)
    with vm.memory({"memory": memory}) as named:
        for page in range(0, 8 * MIB, 4096):
            memory[page] = 2
        memory.madvise(mmap.MADV_DONTNEED)
    assert not any("?" in name for name in guesses(named))
    memory.close()


FRESH = """
import threading, vmwidgets as vm
end = threading.Event()
thread = threading.Thread(target=end.wait)
with vm.memory() as seen:
    thread.start()
    objects = [str(number) for number in range(400_000)]
end.set()
print(seen.json())
"""


def test_objects_in_arenas_and_a_threads_stack_are_guessed():
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    assert "a thread's stack?" in done.stdout, "a process that had threads keeps their stacks"
    assert "Python's objects?" in done.stdout, "a process that had objects has room for more"
    assert "arenas of 1 MiB" in done.stdout


def test_two_processes_are_compared_and_a_peak_of_long_ago_is_not_said():
    before = vm.process().at()
    assert not any("peak" in words for words in vm.diff(before, vm.process().at()).notes)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    found = vm.diff(before, vm.process(child.pid).at())
    child.communicate(b"x")
    assert "less mapped" in found.title
    assert "not compared" in found.faults


def test_names_are_variables():
    with pytest.raises(Refused, match="give variables by name"):
        vm.memory([1])  # type: ignore[arg-type]
    numbered: Any = {1: bytes(MIB)}
    with vm.memory(numbered) as seen:  # of no name
        pass
    assert seen.result is not None


def test_faults_are_those_that_the_system_counts():
    memory = mapped(8 * MIB)
    with vm.memory() as seen:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for page in range(0, 8 * MIB, 4096):
            memory[page] = 1
        counted = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    assert counted <= seen.result.minor <= counted + 40


def test_a_peak_is_told_that_is_over_at_the_end():
    with vm.memory() as seen:
        memory = mapped(40 * MIB)
        for page in range(0, 40 * MIB, 4096):
            memory[page] = 1
        memory.close()
    assert seen.result.resident < MIB
    assert seen.result.after.peak - seen.result.before.resident >= 38 * MIB
    assert any("peak" in words for words in seen.result.notes)


def test_code_that_fails_is_reported_as_far_as_it_came():
    held = {}
    seen = vm.memory(held)

    def fail() -> None:
        with seen:
            held["x"] = mapped(32 * MIB)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert seen.result.mapped >= 31 * MIB
    assert "ZeroDivisionError" in repr(seen)


def test_a_child_that_runs_to_the_end_of_the_block_reports_nothing():
    read, write = os.pipe()
    seen = vm.memory()
    with seen:
        child = os.fork()
    if not child:
        os.write(write, b"y" if seen.result is None else b"n")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 1) == b"y"
    assert seen.result is not None


def test_numbers_are_asked_for_after_the_block():
    with pytest.raises(Refused, match="after the with block"):
        vm.memory().json()


@pytest.fixture
def shell(monkeypatch):
    shell: Any = InteractiveShell()
    shown: list[Any] = []
    monkeypatch.setattr("vmwidgets.labs.cell_memory.show", shown.append)
    from vmwidgets.labs.cell_memory import pages

    shell.register_magic_function(lambda line, cell: pages(shell, line, cell), "cell", "pages")
    shell.shown = shown
    return shell


def test_a_cell_is_measured_line_by_line_and_keeps_its_variables(shell):
    shell.run_cell("import mmap")
    loop = "for page in range(1000):\n    a[page * 4096] = 1"
    result = shell.run_cell(f"%%pages --lines\na = mmap.mmap(-1, 64 << 20, 34)\n{loop}\nb = 7\nb + 1")
    assert result.success
    assert shell.user_ns["b"] == 7
    (seen,) = shell.shown
    first, loop, _, last = seen.lines
    assert first.mapped >= 64 * MIB > MIB > first.resident
    assert loop.line.startswith("for page")
    assert loop.resident >= 3 * MIB
    assert last.mapped == 0


def test_a_cell_that_fails_or_awaits_says_so(shell):
    assert not shell.run_cell("%%pages\nx = 1\n1 / 0").success
    assert "ZeroDivisionError" in shell.shown[0].failed
    assert isinstance(shell.run_cell("%%pages\nimport asyncio\nawait asyncio.sleep(0)").error_in_exec, Refused)
    assert isinstance(shell.run_cell("%%pages --line\nx = 1").error_in_exec, Refused)
    assert shell.user_ns["x"] == 1
