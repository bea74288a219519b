"""What is read of a process, beside another reader of the same files, after each of some random acts of a child."""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import re
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vmwidgets as vm
from vmwidgets import Refused
from vmwidgets.engine.base.units import Address
from vmwidgets.given.process import ProcessMoment, ProcessRange, rounded
from vmwidgets.real.own.process import MOST_ROWS, used_during, used_in_parts
from vmwidgets.real.own.reader import moment_of, ranges_in, states_of

CHILD = """
import ctypes, mmap, os, random, sys, tempfile
libc = ctypes.CDLL(None, use_errno=True)
held, fixed, forked = [], [], 0
def address(one):
    return ctypes.addressof(ctypes.c_char.from_buffer(one))
for line in sys.stdin:
    rng = random.Random(int(line))
    what = rng.choice(
        ["map", "shared", "file", "write", "write", "read", "drop", "rights", "unmap", "fork", "end", "huge"]
    )
    if what == "map":
        held.append(mmap.mmap(-1, rng.randrange(1, 600) * 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    elif what == "huge":
        one = mmap.mmap(-1, rng.randrange(4, 9) << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        one.madvise(mmap.MADV_HUGEPAGE)
        one[rng.randrange(len(one))] = 1
        held.append(one)
    elif what == "shared":
        held.append(mmap.mmap(-1, rng.randrange(1, 50) * 4096))
    elif what == "file":
        file = tempfile.TemporaryFile()
        file.write(b"x" * 4096 * rng.randrange(1, 50)); file.flush()
        held.append(mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE))
    elif what == "fork" and not forked:
        forked = os.fork()
        if not forked:
            libc.prctl(1, 9)  # ends with its parent
            libc.prctl(15, b"waits")
            libc.pause()
        while f"{forked} (waits) S" not in open(f"/proc/{forked}/stat").read():
            pass  # it writes to pages that both have, until it waits
    elif what == "end" and forked:
        os.kill(forked, 9); os.waitpid(forked, 0); forked = 0
    elif held and what in ("write", "read", "drop"):
        one = rng.choice(held)
        first = rng.randrange(len(one) // 4096)
        for page in range(first, min(first + 40, len(one) // 4096)):
            if what == "write":
                one[page * 4096] = 7
            else:
                one[page * 4096]
        if what == "drop":
            one.madvise(mmap.MADV_DONTNEED)
    elif held and what == "rights":  # of what is not written any more
        fixed.append(held.pop(rng.randrange(len(held))))
        first, rights = rng.randrange(len(fixed[-1]) // 4096), rng.choice([0, 1])
        libc.mprotect(ctypes.c_void_p(address(fixed[-1]) + first * 4096), ctypes.c_size_t(4096), rights)
    elif held and what == "unmap":
        held.pop(rng.randrange(len(held))).close()
    print(what, flush=True)
"""


def by_another_reader(pid: int) -> list[tuple[Any, ...]]:
    """Start, end, rights, Rss, private dirty and swap of each range, line by line."""
    found: list[list[Any]] = []
    with Path(f"/proc/{pid}/smaps").open() as file:
        for line in file:
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) ", line)
            if match:
                found.append([int(match[1], 16), int(match[2], 16), match[3], 0, 0, 0])
            for place, name in ((3, "Rss"), (4, "Private_Dirty"), (5, "Swap")):
                if line.startswith(f"{name}:"):
                    found[-1][place] = int(line.split()[1]) * 1024
    return [tuple(one) for one in found]


def pages_present(pid: int, start: int, end: int) -> int:
    """How many pages of a range are in memory."""
    with Path(f"/proc/{pid}/pagemap").open("rb") as file:
        file.seek(start // 4096 * 8)
        data = file.read((end - start) // 4096 * 8)
    return sum(word >> 63 for (word,) in struct.iter_unpack("<Q", data))


def state_of(pid: int) -> tuple[str, int, int]:
    """The state of a process, and its minor and major faults, which are those of its getrusage(2)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0], int(fields[7]), int(fields[9])


@pytest.mark.parametrize("acts", [40, pytest.param(200, marks=pytest.mark.sweep)])
def test_each_number_is_the_kernels(request, acts):
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    request.addfinalizer(child.communicate)
    request.addfinalizer(child.kill)
    seeds = random.Random(62)
    process = vm.process(child.pid)
    before, done = process.at(), set()
    for _ in range(acts):
        child.stdin.write(f"{seeds.randrange(1 << 30)}\n")
        child.stdin.flush()
        act = child.stdout.readline().strip()
        done.add(act)
        while state_of(child.pid)[0] != "S":
            pass  # until it waits for the next act, it writes to memory of its own
        moment, read = process.at(), by_another_reader(child.pid)
        seen = [
            (one.start, one.end, one.protection + ("s" if one.shared else "p"), one.resident, one.dirty, one.swap)
            for one in moment.ranges
        ]
        assert seen == read, act
        assert (moment.minor, moment.major) == state_of(child.pid)[1:], act
        big = max((one for one in moment.ranges if not one.path), key=lambda one: one.size)
        states = process.pages(big.start)
        assert states.present == pages_present(child.pid, big.start, big.end), act
        assert states.present - (states.zero or 0) == big.resident // 4096, act
        drawn = [(row[0], row[3]) for row in vm.picture(moment).scene().table.rows]
        assert drawn == [(f"{Address(start)}–{Address(end)}", rounded(rss)) for start, end, _, rss, _, _ in read], act
        changed, before = vm.diff(before, moment), moment
        assert changed.resident == changed.after.resident - changed.before.resident, act
        assert sum(one.resident for one in changed.changes) == changed.resident, act
        assert sum(one.mapped for one in changed.changes) == changed.mapped, act
    assert done == {"map", "shared", "file", "write", "read", "drop", "rights", "unmap", "fork", "end", "huge"}


def test_who_has_most_in_memory_comes_first():
    memory = mmap.mmap(-1, 64 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for page in range(0, 64 << 20, 4096):
        memory[page] = 1
    first, held = next(iter(vm.process().at().owners().items()))
    assert first == "memory without a file"
    assert sum(one.resident for one in held) >= 64 << 20
    memory.close()


def test_a_page_that_was_only_read_takes_no_memory():
    memory = mmap.mmap(-1, 40 * 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    assert [memory[page * 4096] for page in range(10)] == [0] * 10
    memory[20 * 4096] = 1
    states = states_of(os.getpid(), start, start + 40 * 4096)
    assert (states.present, states.zero) in ((11, 10), (11, None))


def test_a_process_becomes_a_task_whose_map_has_its_ranges():
    machine = vm.boot()
    loaded = vm.process().task(machine)
    mine = [one for one in loaded.ranges if one.path.endswith(os.path.realpath(sys.executable)[-6:])]
    assert loaded.task.map.lookup(mine[0].start).start <= mine[0].start
    assert vm.process().task(machine).task.name != loaded.task.name


TOUCHES = """
import mmap
memory = mmap.mmap(-1, 32 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for page in range(0, 32 << 20, 4096):
    memory[page] = 1
print("ready", flush=True)
while line := input():
    seen = [memory[page] for page in range(0, 32 << 20, 4096)] if line == "read" else []
    print("done", flush=True)
"""


def test_what_a_process_uses_is_what_it_touches(request):
    """A child with one thread: in the process of the tests, others use memory at any time."""
    child = subprocess.Popen([sys.executable, "-c", TOUCHES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    request.addfinalizer(lambda: child.communicate("\n"))
    assert child.stdin is not None and child.stdout is not None
    assert child.stdout.readline() == "ready\n"

    def do(line: str) -> None:
        child.stdin.write(line + "\n")
        child.stdin.flush()
        assert child.stdout.readline() == "done\n"

    do("read")  # code that runs for the first time is paged in
    idle = used_during(child.pid, lambda: do("rest"))
    busy = used_during(child.pid, lambda: do("read"))
    assert idle.size < 16 << 20
    assert busy.size - idle.size >= 30 << 20


def test_use_over_time_is_of_files_together_and_of_big_ranges_alone():
    def seen(*referenced: int) -> list[ProcessRange]:
        places = ((0x1000, 2, "/lib/a.so"), (0x8000, 1, "/lib/a.so"), (0x10_0000, 300, ""), (0x90_0000, 1, ""))
        return [
            ProcessRange(start, start + pages * 4096, "rw-", path=path, resident=pages * 4096, referenced=used * 4096)
            for (start, pages, path), used in zip(places, referenced, strict=True)
        ]

    found = used_in_parts([seen(1, 1, 300, 0), seen(0, 1, 7, 0)])
    assert [(one.name, one.start, one.pages, one.parts) for one in found] == [
        ("a.so", 0x1000, 3, (2, 1)),
        ("1.2 MiB, no file", 0x10_0000, 300, (300, 7)),
    ]


def test_a_process_is_watched_while_a_function_runs_and_a_child_that_waits_uses_little(request):
    memory = mmap.mmap(-1, 32 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    end = threading.Event()

    def work() -> None:
        while not end.is_set():
            for page in range(0, 32 << 20, 4096):
                memory[page] = 1

    threading.Timer(0.5, end.set).start()
    busy = vm.process().locality(work, seconds=10, each=0.1)
    assert max(busy.sets) >= (30 << 20) // 4096
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    request.addfinalizer(lambda: child.communicate(b"x"))
    idle = vm.process(child.pid).locality(seconds=0.09, each=0.03)
    assert len(idle.sets) == 3
    assert vm.picture(idle).scene().table.header[-1] == "0.09 s"
    uneven = vm.process(child.pid).locality(seconds=0.09, each=0.06)
    assert (uneven.parts, round(uneven.each, 6)) == (2, 0.045)  # they make up the seconds
    memory.close()


def test_the_least_used_ranges_are_counted_as_others():
    """They lie in several places: as one row, they have no address, and are not the lowest range."""
    files = "".join(
        f"{number:x}000-{number + 1:x}000 r--p 0 08:01 7 /lib/{number}.so\n"
        "Size: 4 kB\nRss: 4 kB\nReferenced: 4 kB\nVmFlags: rd\n"
        for number in range(16, 16 + MOST_ROWS + 3)
    )
    *rows, others = used_in_parts([[*ranges_in(files.encode())]])
    assert [one.start for one in rows] == sorted(one.start for one in rows)
    assert (len(rows), others.name, others.start, others.parts) == (MOST_ROWS, "3 other ranges", None, (3,))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"do": 7}, "do=7 is an int: give a function"),
        ({"each": 0}, "each=0: write a number of seconds"),
        ({"seconds": 1e9}, "seconds=.*: write a number of seconds from 0.2 to 48"),
        ({"do": lambda: None}, "ended before 0.2 s"),
    ],
)
def test_a_time_in_which_nothing_can_be_counted_is_refused(asked, says):
    with pytest.raises(Refused, match=says):
        vm.process().locality(**asked)


@pytest.mark.parametrize(
    ("pid", "says"),
    [
        (0, "give the number"),
        ("no", "give the number"),
        (True, "give the number"),
        (2**22 + 1, "has ended, never was"),
    ],
)
def test_what_is_no_process_is_refused_in_a_sentence(pid, says):
    with pytest.raises(Refused, match=says):
        vm.process(pid)


def test_a_zombie_is_named():
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(Refused, match="zombie"):
        vm.process(child.pid)
    child.wait()


def test_a_range_that_is_not_there_is_refused():
    with pytest.raises(Refused, match="no range called"):
        vm.process().pages("no such file")
    with pytest.raises(Refused, match="no range at 0x0"):
        vm.process().pages(0)
    with pytest.raises(Refused, match="address=-5 is negative"):
        vm.process().pages(-5)
    with pytest.raises(Refused, match="does not fit a word"):
        vm.process().pages(1 << 64)


def test_of_a_path_with_a_newline_each_range_is_read(tmp_path):
    path = tmp_path / "two\nlines (deleted)"
    path.write_bytes(b"x" * 4096)
    with path.open("r+b") as file:
        memory = mmap.mmap(file.fileno(), 0)
        count = len(by_another_reader(os.getpid()))
        assert abs(len(moment_of(os.getpid()).ranges) - count) <= 1
        memory.close()


def test_a_saved_smaps_says_as_much_as_the_process() -> None:
    text = Path("/proc/self/smaps").read_bytes()
    live = [*ranges_in(text)]
    loaded = vm.load(text)
    fields = ("start", "end", "protection", "shared", "offset", "path", "resident", "fair", "dirty", "swap")
    said = [[tuple(getattr(one, field) for field in fields) for one in some] for some in (loaded.ranges, live)]
    assert said[0] == said[1]
    assert any(one.fair and one.dirty for one in live)
    table = vm.picture(loaded).scene().table
    heap = next(row for row in table.rows if row[-1] == "[heap]")
    assert dict(zip(table.header, heap, strict=True))["private, written"] not in ("", "0")


def test_pages_says_which_addresses_it_is_about_and_an_array_is_its_bytes() -> None:
    big = np.ones(8 << 20, np.uint8)
    start = big.ctypes.data
    of_array = vm.process().pages(big)
    assert (of_array.start, of_array.end) == (start // 4096 * 4096, -(-(start + big.nbytes) // 4096) * 4096)
    assert of_array.pages in (2048, 2049)
    assert of_array.present == of_array.pages
    assert repr(of_array).startswith(f"{Address(of_array.start)}-{Address(of_array.end)}: ")
    one = vm.process().at().at(start)
    assert one is not None
    of_range = vm.process().pages(start)
    assert (of_range.start, of_range.end, of_range.pages) == (one.start, one.end, one.size // 4096)
    turned = vm.process().pages(big[::-1])  # the kernel may join its pages into huge ones meanwhile
    assert (turned.start, turned.end, turned.present) == (of_array.start, of_array.end, of_array.present)
    some = vm.process().pages("lib")
    assert (some.start, some.end) == (None, None)
    assert repr(some).startswith(f"{some.ranges} ranges: ")


def test_pages_of_memory_that_is_read_only_and_of_another_process() -> None:
    assert vm.process().pages(b"x" * 40960).pages in (11, 12)  # with the object's own words before its bytes
    assert vm.process().pages(memoryview(bytearray(40960))).pages in (10, 11)
    with pytest.raises(Refused, match="are in this process, and not in process"):
        vm.process(os.getppid()).pages(bytearray(4096))
    with pytest.raises(Refused, match="neither an address nor the name of a range, nor an array"):
        vm.process().pages([1, 2])


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/dev/zero (deleted)", "shared memory without a file"), ("/SYSV0000002a (deleted)", "shared memory of shmget"),
        ("/anon_hugepage (deleted)", "huge pages without a file"), ("/memfd:a (deleted)", "memfd:a"),
        ("/srv/zero (deleted)", "zero"), ("", "memory without a file"),
    ],
)  # fmt: skip
def test_the_owner_of_memory_that_has_a_path_and_no_file(path: str, owner: str) -> None:
    assert ProcessRange(0, 4096, "rw-", path=path).owner == owner


def test_two_files_of_one_name_are_two_in_a_process_and_in_its_task() -> None:
    held = []
    for letter in (b"a", b"b"):
        number = os.memfd_create("same")
        os.write(number, letter * 4096)
        held.append(mmap.mmap(number, 4096))
        os.close(number)
    one, other = (each for each in vm.process().at().ranges if each.path == "/memfd:same (deleted)")
    assert one.file != other.file
    task = vm.process().task(vm.boot(ram="256 MiB")).task
    names = {entry.object for entry in task.map.entries() if "memfd:same" in (entry.object or "")}
    assert len(names) == 2
    was, now = (ProcessMoment(1, "p", (ProcessRange(0, 4096, "rw-", path="/a", inode=inode),)) for inode in (1, 2))
    assert {each.kind for each in vm.diff(was, now).changes} == {"came", "left"}
