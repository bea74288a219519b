"""A machine beside this computer's Linux: right lives differ in nothing, planted differences are found and named."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import threading

import pytest

import vmwidgets as vm
from tests.engine.machine.linux.judge import ARCHITECTURES, STEPS
from tests.engine.machine.linux.life import Life, Setting
from tests.engine.machine.linux.steps import Drawing
from tests.real.linux.test_leaving import living_processes
from vmwidgets.real.linux import compare
from vmwidgets.real.linux.living import Living
from vmwidgets.real.linux.processes import ALONE, Linux, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=f"only Linux can say what Linux does. {why_not()}")

A = 0x10_0000


def machine(**options):
    return vm.boot("x86-64", layout="tiny", **{"fork": "counted", **options})


def told(found):
    return [(one.number, one.what.split()[0], one.kind) for one in found.rows]


def drawn(architecture, seed):
    """A machine that has lived a random life, as the judge of the tests draws it."""
    setting = Setting.drawn(architecture, seed)
    with Linux() as linux:
        life, drawing = Life(linux, setting), Drawing(seed, setting.tasks)
        try:
            for _ in range(STEPS):
                life.perform(drawing.step(sorted(life.real)))
        finally:
            life.close()
    return life.machine


# ---- right lives -----------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_random_lives_are_those_of_linux(architecture):
    found = vm.compare_with_linux(drawn(architecture, 51))
    assert not found.surprises, found
    assert not found.stopped
    assert found.done > STEPS // 2


@pytest.mark.sweep
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_many_random_lives_are_those_of_linux(architecture):
    done, seed = 0, 1000
    while done < 10_000:
        found = vm.compare_with_linux(drawn(architecture, seed))
        assert not found.surprises, f"seed {seed}: {found!r}"
        assert not found.stopped
        done, seed = done + found.done, seed + 1


def test_a_fork_and_what_both_write_agree_in_bytes_pages_and_faults():
    m = machine()
    t = m.task("init")
    t.mmap("16 KiB", at=A)
    t.write(A, b"hello")
    child = t.fork()
    child.write(A, b"jello")
    t.write(A, b"hallo")
    child.write(A + 4096, b"x")
    assert t.read(A, 5) == b"hallo"
    found = vm.compare_with_linux(m)
    assert not found.rows, found
    assert dict(found.calls)["write"] == 4
    assert found.machine == m.name
    assert not any(one.startswith("pages in memory") for one in found.not_compared), "pages were compared"


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor: no process moves to another")
def test_faults_are_the_same_while_the_processes_move_between_processors(monkeypatch):
    m = machine()
    parent = m.task("init")
    parent.mmap("256 KiB", at=A)
    for page in range(60):
        parent.write(A + page * 4096, b"hello")
        parent.fork(f"child {page}").write(A + page * 4096, b"jello")
        parent.write(A + page * 4096, b"hallo")
    processors = itertools.cycle(sorted(os.sched_getaffinity(0))[:2])
    ended = threading.Event()

    def move(session: int) -> None:
        while not ended.is_set():
            one = next(processors)
            for process in living_processes(session):
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(process, {one})

    class Moved(Living):
        def __enter__(self):
            threading.Thread(target=move, args=(self.linux.program.pid,)).start()
            return super().__enter__()

    monkeypatch.setattr(compare, "Living", Moved)
    try:
        found = vm.compare_with_linux(m)
    finally:
        ended.set()
    assert not found.rows, found


MOVED = """
import ctypes, os
from resource import RUSAGE_SELF, getrusage

call = ctypes.CDLL(None).sched_setaffinity
one, other = (ctypes.c_uint64(1 << processor) for processor in map(int, os.environ["PROCESSORS"].split()))

def faults(mask):
    before = getrusage(RUSAGE_SELF).ru_minflt
    call(0, 8, ctypes.byref(mask))
    return getrusage(RUSAGE_SELF).ru_minflt - before

faults(one)
for _ in range(20):
    child = os.fork()
    warm = [faults(one) for _ in range(9)]
    assert not (warm[-1] + faults(other) + faults(one)), "a move to another processor has cost a fault"
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor: no process moves to another")
def test_a_move_to_another_processor_takes_no_fault_after_a_fork():
    processors = " ".join(map(str, sorted(os.sched_getaffinity(0))[:2]))
    environment = {**os.environ, **ALONE, "PROCESSORS": processors}
    subprocess.run([sys.executable, "-I", "-S", "-c", MOVED], env=environment, check=True)


def test_files_shared_memory_a_heap_and_failures_agree():
    m = machine()
    t = m.task("init")
    f = m.file("f", b"A" * 4096 + b"B" * 100)
    t.mmap("12 KiB", "rw", "shared", f, at=A)
    t.mmap("4 KiB", "r", "private", f, at=2 * A)
    t.mmap("8 KiB", "rw", "shared", m.object("both"), at=3 * A)
    child = t.fork("child")
    child.write(3 * A + 4097, b"from the child")
    child.write(A, b"written")
    f.write(10, b"file")
    heap = int(t.brk())
    t.brk(heap + 5000)
    t.write(heap + 4999, b"!")
    assert t.read(3 * A + 4097, 14) == b"from the child"
    for space, at in ((t, 0x5000), (t, 2 * A), (child, A + 2 * 4096), (t, heap + 8192)):
        with pytest.raises(vm.KernelError):
            space.write(at, b"x")
    t.mprotect(A, "4 KiB", "none")
    with pytest.raises(vm.KernelError):
        t.read(A)
    assert not vm.compare_with_linux(m).rows


def test_what_x15s_own_calls_map_is_mapped_in_linux_too_also_at_address_zero():
    m = machine()
    t = m.task("init")
    assert int(t.map.enter("12 KiB")) == 0
    t.map.protect(0, size="4 KiB", prot="r")
    t.map.remove(4096, size="4 KiB")
    with pytest.raises(vm.KernelError):
        t.read(4096)
    found = vm.compare_with_linux(m)
    assert not found.rows, found
    assert {one.name: one.times for one in found.left_out} == {"enter": 1, "protect": 1, "remove": 1}


# ---- differences that are known --------------------------------------------------------------


def test_a_read_and_then_a_write_fault_twice_in_linux_and_that_is_known():
    m = machine()
    t = m.task("init")
    t.mmap("8 KiB", at=A)
    t.read(A)
    t.write(A, b"x")
    found = vm.compare_with_linux(m)
    assert told(found) == [(3, "pages", "page of zeroes"), (4, "faults", "page of zeroes")]
    assert (found.rows[1].here, found.rows[1].linux) == ("0", "1")
    assert found.agrees
    assert "one page of zeroes that all share" in repr(found)


def test_mprotect_over_a_hole_is_known_and_what_comes_after_is_compared():
    m = machine()
    t = m.task("init")
    t.mmap("4 KiB", at=A)
    t.mmap("4 KiB", at=A + 8192)
    with pytest.raises(vm.KernelError):
        t.mprotect(A, "12 KiB", "r")
    t.write(A, b"still")
    found = vm.compare_with_linux(m)
    assert told(found) == [(4, "mappings", "hole in mprotect")]
    assert (found.rows[0].here, found.rows[0].linux) == ("0x10_0000 rw-p", "0x10_0000 r--p")
    assert [(one.number, one.found) for one in found.made if one.number > 4][:1] == [(5, "same")], "the write"
    assert not any("it has other mappings there" in one for one in found.unseen)


def test_an_entry_without_an_object_is_known():
    m = machine()
    t = m.task("init")
    t.map.enter("4 KiB", at=A)
    with pytest.raises(vm.KernelError):
        t.write(A, b"x")
    assert told(vm.compare_with_linux(m)) == [(3, "outcome", "entry without an object")]


def test_private_copies_of_a_file_that_was_cut_are_known():
    m = machine()
    t = m.task("init")
    f = m.file("f", b"x" * 8192)
    t.mmap("8 KiB", "rw", "private", f, at=A)
    t.write(A + 4096, b"own")
    f.truncate(4096)
    assert t.read(A + 4096, 3) == b"own"
    assert {one.kind for one in vm.compare_with_linux(m).rows} == {"file that was cut"}


# ---- differences that are none of these ------------------------------------------------------


def test_a_shootdown_that_was_forgotten_is_found():
    m = machine(cpus=2)
    t = m.task("init")
    t.mmap("8 KiB", at=A)
    t.write(A, b"secret")
    m.cpus.shootdown = "forgotten"
    for cpu in m.cpus:
        cpu.run(t)
    m.cpus[1].load(A, 6)
    t.munmap(A, "4 KiB")
    assert m.cpus[1].load(A, 6) == b"secret", "by the stale translation"
    found = vm.compare_with_linux(m)
    [wrong] = found.surprises
    assert (wrong.what, wrong.here, wrong.linux) == ("outcome", "done", "SIGSEGV, nothing is mapped")
    assert not found.agrees
    assert wrong.number == m.journal.last.number
    assert "!= not expected" in str(found)


def test_bytes_of_another_page_are_found_where_they_are_read_and_in_the_end():
    m = machine()
    t = m.task("init")
    t.mmap("8 KiB", at=A)
    t.write(A, b"one")
    t.write(A + 4096, b"two")
    one, two = (t.tables.walk(at).steps[-1] for at in (A, A + 4096))
    m.set_descriptor(one.pa, two.value)
    m.cpus[0].flush()
    assert t.read(A, 3) == b"two", "the descriptor leads to the other page"
    [wrong] = vm.compare_with_linux(m).surprises
    assert (wrong.what, wrong.here, wrong.linux) == ("bytes from 0x10_0000 on", "b'two'", "b'one'")


def test_memory_that_is_too_small_is_known_and_the_tasks_come_apart():
    m = machine()
    t = m.task("init")
    t.mmap("8 KiB", at=A)
    m.take_pages(m.pages.obtainable_pages)
    with pytest.raises(vm.KernelError):
        t.write(A, b"x")
    found = vm.compare_with_linux(m)
    assert ("memory ran out", "outcome") in {(one.kind, one.what) for one in found.rows}


# ---- what is not compared --------------------------------------------------------------------


def test_pages_are_not_compared_after_a_fork_of_another_way_and_after_page_out():
    m = machine(fork="shadow")
    t = m.task("init")
    t.mmap("8 KiB", at=A)
    t.write(A, b"x")
    t.fork().write(A, b"y")
    found = vm.compare_with_linux(m)
    assert not found.rows
    assert (
        'pages in memory and faults, from operation 4 on: a fork is "shadow", not "counted" as in Linux' in found.unseen
    )


def test_operations_without_an_equal_are_counted_by_name():
    m = machine()
    m.kmem_alloc("4 KiB")
    m.kmem_alloc("4 KiB")
    m.task("init").limit("data", "8 KiB")
    left = {one.name: (one.times, one.why) for one in vm.compare_with_linux(m).left_out}
    assert left["kmem_alloc"] == (2, "memory of the kernel")
    assert left["limit data"][0] == 1


def test_a_thread_of_a_learners_ends_the_comparison_and_says_so():
    m = machine()
    t = m.task("init")
    t.mmap("4 KiB", at=A)

    def run():
        yield from t.write(A, b"x")

    m.spawn(run, name="writer")
    m.run()
    found = vm.compare_with_linux(m)
    assert found.stopped.startswith("from operation 3 on, machine.spawn: a thread is code of yours")
    assert not found.rows


def test_other_things_than_machines_are_refused():
    with pytest.raises(vm.Refused, match=r"compare_with_linux compares a machine, such as m = vm\.boot\(\), not 5"):
        vm.compare_with_linux(5)  # type: ignore[arg-type]  # it is refused


def test_the_picture_says_all_that_the_result_says():
    m = machine()
    t = m.task("init")
    t.mmap("8 KiB", at=A)
    t.read(A)
    found = vm.compare_with_linux(m)
    text = vm.picture(found).to_text()
    assert found.headline in text
    assert all(one in text for one in found.unseen)
    assert found.rows[0].linux in text
