"""Real programs, recorded by a real strace: what they read of their own maps is what the replay ends in."""

from __future__ import annotations

import gzip
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

import vmwidgets as vm
from tests import tiers
from vmwidgets.comparisons.maps import AGREES, SYSTEM

DATA = Path(__file__).resolve().parents[2] / "data" / "strace"
SHIPPED = ("ls", "python", "threads", "forks", "fails")
VARIANTS = sorted(path.name.removesuffix(".strace.gz") for path in DATA.glob("*.strace.gz"))
FIRST_THREAD = "threads-first"
"""Recorded without -f: what the other threads did is not in it."""


def variant(name):
    """What strace wrote, and the map, if there is one."""
    maps = DATA / f"{name}.maps.gz"
    text = gzip.decompress((DATA / f"{name}.strace.gz").read_bytes()).decode()
    return text, gzip.decompress(maps.read_bytes()).decode() if maps.exists() else ""


def texts(name):
    if name in SHIPPED:
        return vm.recording(name).strace, vm.recording(name).maps
    return variant(name)


@pytest.mark.parametrize("name", [*SHIPPED, *VARIANTS])
def test_a_recording_replays_and_nothing_of_it_is_dropped(name):
    text, _ = texts(name)
    machine = vm.boot("x86-64")
    loaded = vm.load_strace(machine, text)
    machine.check()
    counters = (loaded.skipped, loaded.failed, loaded.others, loaded.unfinished)
    rest = loaded.calls - sum(one.total() for one in counters)
    assert loaded.skipped == {}
    assert 35 <= loaded.replayed.total() <= rest <= loaded.replayed.total() + loaded.beyond.total() + 10
    assert loaded.taken == 0 or name == FIRST_THREAD


@pytest.mark.parametrize("name", [name for name in (*SHIPPED, *VARIANTS) if texts(name)[1] and name != FIRST_THREAD])
def test_a_replay_ends_in_the_map_that_the_program_read(name):
    text, maps = texts(name)
    machine = vm.boot("x86-64")
    found = vm.diff(vm.load_strace(machine, text, until="maps").task, maps)
    assert found.agrees, found
    assert {row.verdict for row in found.rows} == {AGREES, SYSTEM}
    assert agreed(found) == determined(maps)


def agreed(found):
    """The bytes of the system's map on which both agree."""
    return sum(row.size for row in found.rows if row.verdict == AGREES)


def determined(maps):
    """The bytes that execve and the kernel did not map themselves: all but the program, its bss, ld.so, [names]."""
    lines = [line.split(None, 5) for line in maps.splitlines()]
    total, before = 0, ""
    for place, _, _, _, _, *path in lines:
        start, end = (int(part, 16) for part in place.split("-"))
        name = path[0] if path else before if "python3" in before else ""
        own = "/python3." in name and "lib" not in name
        if not (own or "/ld-linux" in name or name in ("[stack]", "[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]")):
            total += end - start
        before = path[0] if path else before
    return total


def test_a_python_makes_a_thousand_calls():
    for text in (vm.recording("python").strace, variant("python-plain")[0]):
        assert vm.load_strace(vm.boot("x86-64"), text).calls >= 1000


def test_without_f_what_other_threads_did_is_missing():
    text, maps = variant(FIRST_THREAD)
    found = vm.diff(vm.load_strace(vm.boot("x86-64"), text, until="maps").task, maps)
    assert {row.verdict for row in found.faults} == {SYSTEM}
    assert {row.why for row in found.faults} == {"no call accounts for it"}


def test_options_make_no_difference_to_what_is_mapped():
    """The same program under other options of strace: the same sizes and protections, in the same order."""

    def shape(text):
        task = vm.load_strace(vm.boot("x86-64"), text).task
        return [(one.size, one.protection, one.offset) for one in task.map if not one.object.startswith("memory")]

    plain = shape(variant("ls-plain")[0])
    assert len(plain) > 10
    assert (
        shape(variant("ls-times")[0]) == shape(variant("ls-relative")[0]) == shape(vm.recording("ls").strace) == plain
    )


def test_what_each_recording_shows():
    machine = vm.boot("x86-64")
    forks = vm.load_strace(machine, vm.recording("forks").strace)
    assert forks.ends == {"ls": "exited with 0", "wc": "exited with 0", "sh 2": "exited with 3", "sh": "exited with 0"}
    assert (forks.replayed["clone"], forks.replayed["execve"]) == (3, 3)
    threads = vm.load_strace(machine, vm.recording("threads").strace)
    assert (threads.replayed["clone3"], len(threads.tasks)) == (3, 1)
    fails = vm.load_strace(machine, vm.recording("fails").strace)
    assert (fails.failed["mmap"], fails.signals) == (1, {"SIGSEGV": 1})
    assert fails.ends == {fails.task.name: "killed by SIGSEGV"}


SYSTEMS = {"usr", "etc", "lib", "bin", "dev", "proc", "sys", "selinux"}
"""The folders of a system, which say nothing of who recorded."""


def paths_in(text):
    """Absolute paths: in quotes, after a descriptor, and at the end of a line of a map."""
    return set(re.findall(r'["<\s](/[\w.][^">\s,\\]*)', text))


def test_no_path_of_who_recorded_is_in_a_recording():
    assert paths_in('openat(3</root>, "/home/a", 0)\n7f-80 r 0 0:0 1  /work/b\n/* 3 vars */') == {
        "/root", "/home/a", "/work/b",
    }  # fmt: skip
    for name in (*SHIPPED, *VARIANTS):
        text, maps = texts(name)
        found = paths_in(text + maps)
        assert {path.split("/")[1] for path in found} <= SYSTEMS, (name, found)
        assert "nodename" not in text, "the computer's own name"
        assert not re.search(r'execve\(.*\[.*"[A-Z_]+=', text), "the environment of who recorded"


# ---- now, on this machine --------------------------------------------------------------------


LIVE = """
import mmap, os, threading
held = [bytearray(size) for size in (100, 10_000, 300_000, 5_000_000)]
shared = mmap.mmap(-1, 20_000)
file = mmap.mmap(os.open("/proc/self/exe", os.O_RDONLY), 8192, prot=mmap.PROT_READ, offset=4096)
thread = threading.Thread(target=lambda: held.append(bytearray(200_000)))
thread.start(); thread.join()
if os.fork() == 0:
    os._exit(0)
os.wait()
del held[2]
print(open("/proc/self/maps").read(), end="")
"""


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="strace is Linux's; recordings are x86-64's",
)
@pytest.mark.parametrize("options", [[], ["-f"], ["-f", "-y"], ["-f", "-yy", "-tt", "-T"], ["-f", "-X", "raw"]])
def test_a_program_that_runs_now(tmp_path, options):
    file = tmp_path / "live.strace"
    program = LIVE if "-f" in options else LIVE.replace("thread.start(); thread.join()", "")
    command = [tiers.program("strace"), *options, "-o", str(file), sys.executable, "-I", "-S", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    machine = vm.boot("x86-64")
    found = vm.diff(vm.load_strace(machine, file, until="maps").task, done.stdout)
    machine.check()
    assert found.agrees, found
    assert agreed(found) > 5_000_000
