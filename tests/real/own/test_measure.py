"""What code does to memory: against acts whose cost is known, and against what getrusage says."""

from __future__ import annotations

import mmap
import os
import re
import resource
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

import vmwidgets as vm
from vmwidgets import Refused
from vmwidgets.given.process import Change
from vmwidgets.real.own.measure import guessed

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


@pytest.mark.parametrize("forks", [0, 1, 2])
def test_forks_and_what_they_make_later_writes_do_are_said(forks):
    with vm.memory() as seen:
        for _ in range(forks):
            child = os.fork()
            if not child:
                os._exit(0)
            os.waitpid(child, 0)
        subprocess.run(["true"], check=True)  # no fork of Python's: its child writes nothing
    said = [one for one in seen.result.python if "forked" in one]
    assert len(said) == (forks > 0)
    assert all("copies" in one and "faults" in one and f" {forks} time" in one for one in said)


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


TRACEBACKS = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor")
shell.run_cell("import vmwidgets; x = [1]", store_history=True)
shell.run_cell("y = 1", store_history=True)
for options in ("", " --lines"):
    cell = f"%%pages{options}\\ndef f():\\n    return x[5]\\n\\nf()"
    print(shell.run_cell(cell, store_history=True).success)
"""


def test_the_traceback_of_a_cell_is_the_cells_alone():
    text = subprocess.run(
        [sys.executable, "-c", TRACEBACKS], check=True, capture_output=True, text=True, timeout=120
    ).stdout
    assert text.count("\nIndexError: list index out of range") == 2
    where = re.findall(r"^(?:Cell|File) .*|^(?:True|False)$", text, re.MULTILINE)
    assert where == [
        "Cell In[3], line 4", "Cell In[3], line 2, in f()", "False",
        "Cell In[4], line 4", "Cell In[4], line 2, in f()", "False",
    ]  # fmt: skip


def test_an_array_without_bytes_is_in_no_page():
    with pytest.raises(Refused, match="has no bytes"):
        vm.process().pages(np.zeros(0))
    with pytest.raises(Refused, match="has no bytes"):
        vm.process().pages(bytearray())
    assert vm.process().pages(np.zeros(1)).pages == 1


def test_pages_that_read_as_zeros_are_counted_and_take_no_memory():
    memory = mapped(8 * MIB)
    seen = vm.memory()
    seen.by_line(["read", "write"])
    with seen:
        seen.mark()
        for page in range(0, 8 * MIB, 4096):
            memory[page]
        seen.mark()
        for page in range(0, 8 * MIB, 4096):
            memory[page] = 1
    read, write = seen.result.lines
    assert (read.minor >= 2048, read.resident < MIB, write.resident >= 8 * MIB - 65536) == (True, True, True)
    if vm.process().pages(memory).zero is None:  # before Linux 6.7
        assert "read as zeros" in read.why
        return
    assert (read.zero, write.zero) == (2048, -2048)
    assert read.why == "2,048 pages that read as zeros: they take no memory"
    again = mapped(8 * MIB)
    with vm.memory() as only:
        for page in range(0, 8 * MIB, 4096):
            again[page]
    assert any("2,048 more pages that read as zeros" in words for words in only.result.notes)
    memory.close()
    again.close()


FORK = """
import os, resource, vmwidgets as vm
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def act():
    before = faults()
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    return faults() - before
act()
with vm.memory() as seen:
    inside = act()
lines = vm.memory()
lines.by_line(["fork", "nothing", "nothing"])
with lines:
    lines.mark()
    act()
    lines.mark()
    lines.mark()
print(inside, seen.result.minor, lines.result.minor, *(one.minor for one in lines.result.lines))
"""


def test_what_a_fork_makes_the_measuring_copy_is_not_in_the_numbers():
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, check=True)
    inside, measured, by_lines, fork, *nothing = map(int, done.stdout.split())
    assert inside <= measured <= inside + 40  # 100 and more, with the faults of has_proc and of the readings
    assert fork + sum(nothing) <= by_lines
    assert max(nothing) <= 15


COPIED = """
import mmap, os, vmwidgets as vm
memory = mmap.mmap(-1, 8 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
memory[:] = b"x" * len(memory)
seen = vm.memory()
seen.by_line(["fork", "write"])
read, write = os.pipe()
with seen:
    seen.mark()
    child = os.fork()
    if not child:
        os.read(read, 1)
        os._exit(0)
    seen.mark()
    for page in range(0, 8 << 20, 4096):
        memory[page] = 1
os.write(write, b"x")
os.waitpid(child, 0)
print(seen.result.lines[1].minor, seen.result.lines[1].resident, seen.result.lines[1].why, sep="|")
"""


def test_a_line_that_copies_pages_after_a_fork_is_not_said_to_bring_and_lose_them():
    done = subprocess.run([sys.executable, "-c", COPIED], capture_output=True, text=True, check=True)
    minor, resident, why = done.stdout.split("|")
    assert (int(minor) >= 2048, int(resident) < MIB, "copied" in why) == (True, True, True)


MERGED = """
import vmwidgets as vm
with vm.memory() as seen:
    objects = list(range(2_000_000))
print(seen)
"""


def test_objects_in_one_range_with_a_list_are_told_by_their_blocks():
    done = subprocess.run([sys.executable, "-c", MERGED], capture_output=True, text=True, check=True)
    assert "one big object?" not in done.stdout
    assert "Python's objects?" in done.stdout
    (said,) = (line for line in done.stdout.splitlines() if "more small objects" in line)
    assert 1_990_000 <= int(said.split()[2].replace(",", "")) <= 2_010_000


@pytest.mark.parametrize(
    ("resident", "arenas", "holds"),
    [
        (77, 61, "Python's objects?"),
        (77, 6, "Python's objects, or one big object?"),
        (77, 0, "one big object?"),
        (77, -61, "one big object?"),
        (77, None, "Python's objects, or one big object?"),
        (1, 61, "one big object?"),  # mapped, and not used
        (1, None, "one big object?"),
    ],
)
def test_a_range_that_is_not_of_whole_arenas_is_named_by_the_arenas_that_fit(resident, arenas, holds):
    size = (77 << 20) + 4096
    change = Change("grew", "memory without a file", size, resident << 20, 0, 1, 0x7F00_0000_0000)
    (named,) = guessed((change,), (), arenas)
    assert named.holds == holds


def test_a_range_of_whole_arenas_is_guessed_before_a_larger_or_smaller_one():
    sizes = [7 * MIB + 4096, 60 * MIB, 90 * MIB + 8192]
    changes = [Change("came", "memory without a file", size, size, 0, 1, at << 40) for at, size in enumerate(sizes, 1)]
    assert [one.holds for one in guessed(changes, (), 60)] == [
        "one big object?",
        "Python's objects?",
        "one big object?",
    ]
    gone = [one._replace(mapped=-one.mapped, resident=-one.mapped) for one in changes]
    assert [one.holds for one in guessed(gone, (), -60)] == ["one big object?", "Python's objects?", "one big object?"]


ARENAS = """
import mmap, os, re, sys, tempfile
import vmwidgets as vm

def arenas():
    \"\"\"Return what sys._debugmallocstats() writes to C's standard error.\"\"\"
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        sys._debugmallocstats()
        os.dup2(kept, 2)
        os.close(kept)
        file.seek(0)
        found = re.search(rb"allocated current *= *(\\d+)", file.read())
        return int(found[1]) if found else 0

def step(code):
    with vm.memory(names) as seen:
        was = arenas()
        exec(code, names)
        now = arenas()
    said = [one for one in seen.result.python if " arena" in one and ("took" in one or "gave back" in one)]
    print(now - was, said, [one.kind for one in seen.result.changes if abs(one.mapped) >= 1 << 20], sep="|")

names = {"mmap": mmap}
exec("x = [str(i) * 10 for i in range(10**6)]; keep = x[::100]; del x", names)
step("d = [{'a': i, 'b': str(i)} for i in range(300_000)]")
step("del d")
step("m = mmap.mmap(-1, 16 << 20, 34); m[:] = b'x' * len(m); e = [str(i) for i in range(300_000)]")
"""


@pytest.mark.parametrize("allocator", ["pymalloc", "malloc"])
def test_arenas_are_those_that_cpython_counts_and_nothing_comes_by_a_del(allocator):
    given = os.environ | {"PYTHONMALLOC": allocator}
    done = subprocess.run([sys.executable, "-c", ARENAS], capture_output=True, text=True, check=True, env=given)
    steps = [line.split("|") for line in done.stdout.splitlines()]
    assert done.stderr == ""
    for number, said, _ in steps:
        assert [int(one) for one in re.findall(r"(?:took|gave back) (\d+) arena", said)] == [abs(int(number))] * (
            number != "0"
        )
    made, deleted, _ = (int(number) for number, *_ in steps)
    assert (made > 20, deleted < -20) == (allocator == "pymalloc",) * 2
    assert "came" not in steps[1][2]


KEPT = """
import ctypes, sys
import vmwidgets as vm

def step(code):
    with vm.memory(names) as seen:
        exec(code, names)
    print(*[one for one in seen.result.python if "stays" in one])

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
names = {"libc": libc}
exec("x = [str(i) * 10 for i in range(10**6)]; keep = x[::100]; y = [str(i) * 10 for i in range(10**5)]", names)
exec("blocks = [libc.malloc(10_000) for _ in range(10_000)]", names)
step("del x")
step("del y, keep")
step("for one in blocks[:-1]: libc.free(one)")
step("again = [libc.malloc(10_000) for _ in range(9_000)]")
step("_ = [libc.free(one) for one in again[:-1]]; libc.malloc_trim(0)")
"""


def test_memory_that_was_freed_and_stays_has_its_reason():
    given = os.environ | {"MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_MMAP_THRESHOLD_": str(1 << 20)}
    done = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=True, env=given)
    scattered, all_gone, freed, used, trimmed = done.stdout.splitlines()
    size = int(re.findall(r"(\d+) MiB", scattered)[0])
    assert "_debugmallocstats" in scattered
    assert 80 <= size <= 130, "990,000 strings of 65 to 112 bytes"
    assert "arena" not in all_gone
    assert "mallinfo2" in freed
    assert 94 <= int(re.findall(r"(\d+) MiB", freed)[0]) <= 97, "9,999 blocks of 10,000 bytes"
    assert (used, trimmed) == ("", "")


def test_memory_that_is_marked_as_free_is_still_in_memory():
    memory = mapped(8 * MIB)
    memory[:] = b"x" * len(memory)
    with vm.memory() as seen:
        memory.madvise(mmap.MADV_FREE)
    assert abs(seen.result.resident) < MIB
    assert any("8 MiB" in words and "MADV_FREE" in words for words in seen.result.notes)
    with vm.memory() as seen:
        memory[0] = 1
    assert not any("MADV_FREE" in words for words in seen.result.notes)
    memory.close()


def test_the_text_of_a_cell_says_what_its_picture_says(shell):
    shell.run_cell("import os")
    shell.run_cell("%%pages\npid = os.fork()\nif not pid: os._exit(0)\nos.waitpid(pid, 0)")
    (seen,) = shell.shown
    assert any("forked" in one for one in seen.python)
    assert all(note in vm.picture(seen).to_text() for note in seen.notes)
    recorded = replace(vm.process().at(), unsaid=("This is a recording.",))
    assert "This is a recording." in vm.picture(recorded).to_text()


def test_shared_memory_without_a_file_and_files_that_are_only_read_have_names(tmp_path):
    shared = mmap.mmap(-1, 4 * MIB)
    with vm.memory({"shared": shared}) as seen:
        for page in range(0, 4 * MIB, 4096):
            shared[page] = 1
    (change,) = (one for one in seen.result.changes if one.resident >= 4 * MIB)
    assert (change.owner, change.holds) == ("shared memory without a file", "shared")
    path = tmp_path / "data"
    path.write_bytes(bytes(4 * MIB))
    held: Any = {}
    with path.open("rb") as file, vm.memory(held) as seen:
        held["only"] = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    assert [(one.owner, one.holds) for one in seen.result.changes if one.mapped >= 4 * MIB] == [("data", "only")]
    for mode in ("r", "r+", "c"):
        with vm.memory(held) as seen:
            held["array"] = np.memmap(path, mode=mode)
        assert [one.holds for one in seen.result.changes if one.mapped >= 4 * MIB] == ["array"]
        del held["array"]
    closed = held["only"]
    closed.close()
    with vm.memory(held) as seen:
        pass
    assert seen.result.mapped == 0


@pytest.mark.parametrize(
    ("cell", "typed"),
    [
        ("a = 1; b = 2", ["a = 1", "b = 2"]),
        ("a = '''x\ny'''; b = 'ü'; c = 3;", ["a = '''x\ny'''", "b = 'ü'", "c = 3"]),
        ("!true\nx = !true\n%timeit -n1 -r1 x\ny = 1", ["!true", "x = !true", "%timeit -n1 -r1 x", "y = 1"]),
        ("\n\n!true \\\n  && true\ny = 1", ["!true \\\n  && true", "y = 1"]),
        ("for i in range(1):\n    !true\nq = 1", ["for i in range(1):\n    !true", "q = 1"]),
        ("import functools\n@functools.cache\ndef f():\n    pass", ["import functools",
         "@functools.cache\ndef f():\n    pass"]),
        ("    a = 1\n    b = 2; c = 3", ["a = 1", "b = 2", "c = 3"]),
    ],
)  # fmt: skip
def test_each_statement_has_its_own_text_as_it_was_typed(shell, cell, typed):
    shell.run_cell(f"%%pages --lines\n{cell}")
    (seen,) = shell.shown
    assert [one.line for one in seen.lines] == typed
