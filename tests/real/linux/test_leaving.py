"""Comparisons leave nothing behind: however many there were, and however one of them ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import vmwidgets as vm
from vmwidgets.real.linux import compare, living
from vmwidgets.real.linux.asked import asked_of
from vmwidgets.real.linux.living import Living
from vmwidgets.real.linux.processes import PROGRAM, Linux, Occupied, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=f"only Linux can say what Linux does. {why_not()}")

A = 0x10_0000
DEADLINE = 20
"""Seconds after which what should have ended has not; nothing else depends on it."""


def machine():
    m = vm.boot("x86-64", layout="tiny", fork="counted")
    t = m.task("init")
    t.mmap("8 KiB", at=A)
    t.write(A, b"hello")
    for name in ("one", "two"):
        t.fork(name).write(A, name.encode())
    t.write(A, b"hallo")
    return m


def living_processes(session=None):
    """The numbers of processes that run the program of real processes, of one session or of those started from here."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if str(PROGRAM).encode() in words and fields[0] != "Z" and (session is None or int(fields[3]) == session):
            found.append(int(folder.name))
    return found


def until(condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it has not happened"
        time.sleep(0.01)


@pytest.mark.sweep
def test_a_hundred_comparisons_one_of_them_killed_from_outside_leave_no_process(monkeypatch):
    m, sessions = machine(), []

    class Watched(Living):
        def __init__(self, life):
            super().__init__(life)
            sessions.append(self.linux.program.pid)

        def see(self, asked):
            if len(sessions) == 50 and asked.name == "write" and asked.task == "two":
                [_, *others] = sorted(living_processes(sessions[-1]))
                assert len(others) == 3, "init, one and two"
                os.kill(others[-1], signal.SIGKILL)
            return super().see(asked)

    monkeypatch.setattr(compare, "Living", Watched)
    descriptors = len([*Path("/proc/self/fd").iterdir()])
    found = [vm.compare_with_linux(m) for _ in range(100)]
    stopped = [one.stopped for one in found]
    assert all(one.agrees for one in found if not one.stopped)
    assert len(set(sessions)) == 100
    assert [number for number, why in enumerate(stopped, 1) if why] == [50]
    assert stopped[49].startswith("in operation 7 a process was ended from outside")
    assert [one for session in sessions for one in living_processes(session)] == []
    assert len([*Path("/proc/self/fd").iterdir()]) == descriptors


def test_an_interrupt_ends_the_comparison_and_its_processes(monkeypatch):
    m, sessions = machine(), []

    class Interrupted(Living):
        def see(self, asked):
            if asked.name == "fork":
                sessions.append(self.linux.program.pid)
                raise KeyboardInterrupt
            return super().see(asked)

    monkeypatch.setattr(compare, "Living", Interrupted)
    before = len(m.journal)
    with pytest.raises(KeyboardInterrupt):
        vm.compare_with_linux(m)
    assert living_processes(sessions[0]) == []
    assert len(m.journal) == before, "the machine goes on as it was"
    monkeypatch.undo()
    assert vm.compare_with_linux(m).agrees


def test_after_a_fork_no_memory_of_the_interpreters_is_still_shared():
    """A write to such a page would fault, and be counted with the access that was compared just then."""
    if tuple(int(one) for one in os.uname().release.split("-")[0].split(".")[:2]) < (5, 14):
        pytest.skip("MADV_POPULATE_WRITE came with Linux 5.14")
    with Linux() as linux:
        child = linux.first.fork()
        for process in living_processes(linux.program.pid):
            folder = Path(f"/proc/{process}")
            shared, seen = [], 0
            with (folder / "pagemap").open("rb", buffering=0) as pagemap:
                for line in (folder / "maps").read_text().splitlines():
                    if line.split()[1] != "rw-p":
                        continue
                    start, end = (int(word, 16) for word in line.split()[0].split("-"))
                    pagemap.seek(start // 4096 * 8)
                    for word in memoryview(pagemap.read((end - start) // 4096 * 8)).cast("Q"):
                        seen += word >> 63
                        if word >> 63 and not word >> 56 & 1:
                            shared.append(line)
            assert seen > 100, "an interpreter has megabytes"
            assert not shared
        child.close()


def test_processes_end_with_the_process_that_asked_also_if_that_is_killed():
    program = """
import sys, time
import vmwidgets as vm
from vmwidgets.real.linux.asked import asked_of
from vmwidgets.real.linux.living import Living
m = vm.boot("x86-64", layout="tiny")
m.task("init").mmap("4 KiB")
life = asked_of(m)
living = Living(life)
for one in life.calls[:2]:
    living.see(one)
print(living.linux.program.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None
        session = int(asking.stdout.readline())
        assert len(living_processes(session)) == 2
        asking.kill()
    until(lambda: not living_processes(session))


def test_where_the_interpreter_has_memory_a_life_is_lived_elsewhere(monkeypatch):
    m = machine()
    life = asked_of(m)
    with Living(life) as here:
        assert here.places.there(A) == A
    tried = []

    def occupied(files, regions):
        tried.append(regions)
        if len(tried) == 1:
            raise Occupied("as if")
        return Linux(files, regions)

    monkeypatch.setattr(living, "Linux", occupied)
    with Living(life) as there:
        assert there.places.there(A) >= living.ELSEWHERE
        assert there.places.here(there.places.there(A)) == A
    tried.clear()
    found = vm.compare_with_linux(m)
    assert len(tried) == 2
    assert not found.rows, found


def test_the_interpreters_own_memory_is_noticed():
    with pytest.raises(Occupied):
        Linux((), [(0x7000_0000_0000, 0x7FFF_FFFF_F000)])
