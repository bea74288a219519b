"""Processors of a machine: TLBs that kernel and tasks go through, and shootdown between them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import vmwidgets as vm
from tests.engine.machine.snapshots import snapshot
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.tables_schema import FaultRaised
from vmwidgets.engine.mmu.tlb_schema import TlbFilled, TlbFlushed, TlbHit, TlbMissed
from vmwidgets.engine.spaces.processors_schema import (
    ShootdownAcknowledged,
    ShootdownForgotten,
    ShootdownSent,
    SpaceLoaded,
)

AT = 0x40_0000
PAGE = vm.PAGE
NUMBERED = [name for name in FORMATS if FORMATS[name].asid_bits]


def two(name: str = "x86-64", *, cpus: int = 2, tasks: tuple[str, ...] = ("a",), **options) -> vm.Machine:
    """A machine whose tasks have four pages each of an object of their own at `AT`; the first runs everywhere."""
    m = vm.boot(name, ram="16 MiB", cpus=cpus, **options)
    for task in tasks:
        m.task(task).map.enter(4 * PAGE, at=AT, prot="rwx", object=m.object(f"memory of {task}"))
    for cpu in m.cpus:
        cpu.run(tasks[0])
    return m


def told(m: vm.Machine, *kinds: type) -> list[str]:
    return [type(event).__name__ for event in m.journal.last.events if isinstance(event, kinds)]


SHOTS = (ShootdownSent, ShootdownAcknowledged, ShootdownForgotten)


@pytest.mark.parametrize("name", FORMATS)
class TestEachArchitecture:
    def test_processors_share_memory_and_each_has_a_tlb(self, name):
        m = two(name)
        k = m.kmem_malloc(PAGE)
        m.cpus[0].store(AT + PAGE - 2, b"user")
        m.cpus[1].store(k, b"kernel")
        assert m.cpus[1].load(AT + PAGE - 2, 4) == m.tasks["a"].read(AT + PAGE - 2, 4) == b"user"
        assert m.cpus[0].load(k, 6) == m.read(k, 6) == b"kernel"
        assert m.cpus[1].fetch(AT, 2) == bytes(2)
        assert [cpu.value().tlb.misses > 0 for cpu in m.cpus] == [True, True]
        m.check()

    def test_what_is_taken_away_is_taken_away_everywhere(self, name):
        m = two(name)
        for cpu in m.cpus:
            cpu.store(AT, b"x")
        m.tasks["a"].map.protect(AT, size=PAGE, prot="r")
        for cpu in m.cpus:
            assert cpu.load(AT) == b"x"
            with pytest.raises(vm.KernelError, match="ACCES"):
                cpu.store(AT, b"y")
        m.tasks["a"].map.remove(AT, size=PAGE)
        for cpu in m.cpus:
            with pytest.raises(vm.KernelError, match="FAULT"):
                cpu.load(AT)
        m.check()

    def test_a_forgotten_shootdown_leaves_a_page_that_is_somebody_elses_by_now(self, name):
        m = two(name, tasks=("a", "b"))
        for cpu in m.cpus:
            cpu.store(AT, b"mine")
        m.cpus.shootdown = "forgotten"
        m.tasks["a"].map.remove(AT, size=PAGE)
        assert told(m, *SHOTS) == ["ShootdownForgotten"]
        with pytest.raises(vm.KernelError, match="FAULT"):
            m.cpus[0].load(AT)
        assert m.cpus[1].load(AT, 4) == b"mine"  # the bug to be seen
        (slot,) = m.cpus[1].stale
        assert (slot.entry.va, [one.what for one in slot.stale], m.cpus[0].stale) == (AT, ["mapping"], ())
        assert (m.cpus[1].value().forgotten, m.cpus.value().forgotten) == (1, 1)
        m.check()  # a stale entry is the learner's doing, not ours
        m.cpus[1].flush(AT)
        with pytest.raises(vm.KernelError, match="FAULT"):
            m.cpus[1].load(AT)

    def test_a_shootdown_that_was_sent_takes_effect_when_it_is_acknowledged(self, name):
        m = two(name)
        for cpu in m.cpus:
            cpu.store(AT, b"x")
        m.cpus.shootdown = "sent"
        sent, acknowledged = m.cpus.sent, m.cpus.acknowledged
        m.tasks["a"].map.protect(AT, size=2 * PAGE, prot="r")
        assert told(m, *SHOTS) == ["ShootdownSent"]
        (request,) = m.cpus[1].value().pending
        assert (request.sender, request.space, request.start, request.end) == ("cpu:0", "a", AT, AT + 2 * PAGE)
        m.cpus[1].store(AT, b"y")
        m.check()
        assert (m.cpus[1].acknowledge(), told(m, *SHOTS)) == (1, ["ShootdownAcknowledged"])
        assert (m.cpus[1].stale, m.cpus[1].value().pending) == ((), ())
        with pytest.raises(vm.KernelError, match="ACCES"):
            m.cpus[1].store(AT, b"z")
        counts = m.cpus.sent - sent, m.cpus.acknowledged - acknowledged
        assert (counts, m.cpus[1].acknowledge()) == ((1, 1), 0)

    def test_a_twin_made_by_replay_believes_the_same(self, name):
        m = two(name, tasks=("a", "b"), tlb=(2, 2))
        m.cpus.shootdown = "sent"
        m.tasks["b"].write(AT, b"b")
        m.cpus[1].store(AT + PAGE, b"a")
        m.tasks["a"].map.protect(AT, size=4 * PAGE, prot="r")
        m.cpus[0].run("b")
        with pytest.raises(vm.KernelError):
            m.cpus[0].load(AT + 9 * PAGE)
        m.cpus[1].acknowledge()
        m.cpus[1].flush(keep_globals=True)
        m.write(m.kmem_malloc(PAGE), b"k")
        assert snapshot(m.branch(len(m.journal) - 1)) == snapshot(m)


class TestWhoIsAsked:
    def test_only_processors_that_run_the_space(self):
        m = two(cpus=3, tasks=("a", "b"))
        m.cpus[2].run("b")
        m.tasks["a"].write(AT, b"x")
        m.tasks["a"].map.remove(AT, size=PAGE)
        asked = [event.cpu for event in m.journal.last.events if isinstance(event, ShootdownSent)]
        assert asked == ["cpu:1"]

    def test_all_when_the_kernels_half_changes(self):
        m = two(cpus=3, tasks=("a", "b"))
        m.cpus[2].run(None)
        k = m.kmem_malloc(PAGE)
        for cpu in m.cpus:
            cpu.load(k)
        m.kmem_free(k, PAGE)
        assert told(m, *SHOTS) == ["ShootdownSent", "ShootdownAcknowledged"] * 2
        assert [cpu.lookup(k) for cpu in m.cpus] == [None, None, None]

    def test_more_than_64_pages_are_not_dropped_one_by_one(self):
        m = vm.boot("x86-64", cpus=2)
        k = m.kmem_malloc(65 * PAGE)
        small = m.kmem_malloc(PAGE)
        m.cpus[1].load(small)
        m.kmem_free(k, 65 * PAGE)
        (request,) = {event.request for event in m.journal.last.events if isinstance(event, ShootdownSent)}
        assert (request.pages, m.cpus[1].lookup(small)) == (0, None)

    def test_a_fault_is_handled_where_it_happens(self):
        m = two()
        m.cpus[1].store(AT, b"x")
        sent = [event for event in m.journal.last.events if isinstance(event, ShootdownSent)]
        assert [(event.cpu, event.request.sender) for event in sent] == [("cpu:0", "cpu:1")]


CALLS = {
    "mprotect": lambda t: t.mprotect(AT, PAGE, "r"),
    "munmap": lambda t: t.munmap(AT, PAGE),
    "mmap": lambda t: t.mmap(PAGE, flags="private fixed", at=AT),
    "madvise": lambda t: t.madvise(AT, PAGE, "dontneed"),
    "page_out": lambda t: t.page_out(AT),
    "fork": lambda t: t.fork("child"),
    "exec": lambda t: t.exec(),
    "exit": lambda t: t.exit(),
    "protect": lambda t: t.map.protect(AT, size=PAGE, prot="r"),
    "remove": lambda t: t.map.remove(AT, size=PAGE),
}
"""Calls that take something away from a task which has a page at `AT`."""


def running(on: tuple[int, ...], cpus: int = 3, **options) -> tuple[vm.Machine, vm.Task]:
    """A machine whose task has written its pages, on each of these processors."""
    m = vm.boot("x86-64", ram="16 MiB", cpus=cpus, fork="counted", **options)
    m.swap_on("1 MiB")
    t = m.task("a")
    t.mmap(4 * PAGE, at=AT, flags="private fixed")
    for cpu in on:
        m.cpus[cpu].run(t)
    for cpu in on:
        for page in (AT, AT + PAGE):
            m.cpus[cpu].store(page, b"x")
    if not on:
        t.write(AT, b"x")
    return m, t


def senders(m: vm.Machine) -> set[str]:
    return {event.request.sender for event in m.journal.last.events if isinstance(event, SHOTS)}


def asked(m: vm.Machine) -> set[str]:
    return {event.cpu for event in m.journal.last.events if isinstance(event, SHOTS)}


def flushed(m: vm.Machine) -> set[str]:
    return {event.cpu for event in m.journal.last.events if isinstance(event, TlbFlushed)}


class TestWhoAsks:
    """A system call runs on the processor of the thread that makes it."""

    @pytest.mark.parametrize("call", CALLS)
    @pytest.mark.parametrize("cpu", [0, 1, 2])
    def test_a_call_of_a_task_on_one_processor_needs_no_message(self, call, cpu):
        m, t = running((cpu,))
        m.cpus.shootdown = "forgotten"
        CALLS[call](t)
        assert (senders(m), flushed(m)) == (set(), {f"cpu:{cpu}"})
        assert all(not one.stale for one in m.cpus)
        m.check()

    @pytest.mark.parametrize("call", CALLS)
    def test_of_several_the_lowest_makes_it_and_asks_the_others(self, call):
        m, t = running((2, 1))
        CALLS[call](t)
        assert (senders(m), asked(m)) == ({"cpu:1"}, {"cpu:2"})

    @pytest.mark.parametrize("call", CALLS)
    def test_or_the_one_of_the_block(self, call):
        m, t = running((1, 2))
        with m.cpus[2]:
            CALLS[call](t)
            assert (senders(m), asked(m)) == ({"cpu:2"}, {"cpu:1"})

    def test_a_block_in_a_block_ends_before_it(self):
        m, t = running((0, 1, 2))
        found = []
        with m.cpus[2]:
            with m.cpus[1]:
                t.mprotect(AT, PAGE, "r")
                found.append(senders(m))
            t.mprotect(AT, PAGE, "rw")
            t.mprotect(AT, PAGE, "r")
            found.append(senders(m))
        t.mprotect(AT + PAGE, PAGE, "r")
        assert [*found, senders(m)] == [{"cpu:1"}, {"cpu:2"}, {"cpu:0"}]
        assert m.cpus.calls_on is None

    def test_a_block_does_not_move_a_task_that_runs_elsewhere(self):
        m, t = running((1,))
        with m.cpus[2]:
            t.mprotect(AT, PAGE, "r")
            assert (senders(m), flushed(m)) == (set(), {"cpu:1"})

    @pytest.mark.parametrize("number", [3, -1, True, "1", 1.5])
    def test_a_processor_that_is_not_there_is_refused(self, number):
        m, _ = running(())
        before = snapshot(m)
        with pytest.raises(vm.Refused, match="number="):
            m.cpus.set_calls_on(number)
        assert (m.cpus.calls_on, snapshot(m)) == (None, before)

    def test_a_machine_that_dies_in_a_block_raises_its_panic(self):
        m = vm.boot("x86-64", quirks={"pmap-current-only"}, cpus=2)
        m.task("a").map.enter(PAGE, at=AT, object=m.object("o"))
        m.cpus[1].run("a")
        m.cpus[1].store(AT, b"x")
        m.cpus[1].run(None)
        with pytest.raises(vm.KernelPanic), m.cpus[1]:
            m.tasks["a"].map.protect(AT, size=PAGE, prot="r")

    def test_a_task_that_no_processor_runs_calls_on_processor_0_which_loads_nothing(self):
        m, t = running((), cpus=2)
        m.cpus[0].run(None)
        m.cpus[1].run(m.task("b"))
        t.mprotect(AT, PAGE, "r")
        assert told(m, SpaceLoaded) == []
        assert [cpu.space for cpu in m.cpus] == ["kernel", "b"]

    def test_a_processor_that_only_holds_entries_is_still_asked(self):
        m, t = running((2,), asids=True)
        m.cpus[2].run(m.task("b"))
        m.cpus[1].run(t)
        t.munmap(AT, PAGE)
        assert (senders(m), asked(m)) == ({"cpu:1"}, {"cpu:2"})

    def test_a_processor_that_was_borrowed_is_asked_by_the_one_that_runs_the_task(self):
        m, t = running((), cpus=2)
        m.cpus[1].run(t)
        t.munmap(AT, PAGE)
        assert (senders(m), asked(m)) == ({"cpu:1"}, {"cpu:0"})

    @pytest.mark.parametrize("access", ["read", "write", "touch"])
    def test_reads_and_writes_are_made_where_the_task_runs(self, access):
        m, t = running((1, 2))
        m.swap_on("1 MiB")
        given = {"read": (AT,), "write": (AT + 2 * PAGE, b"y"), "touch": (AT,)}[access]
        looked = set()
        for block in (m.cpus[1], m.cpus[2]):
            with block:
                getattr(t, access)(*given)
                looked.add((block.path, *{e.cpu for e in m.journal.last.events if isinstance(e, (TlbHit, TlbMissed))}))
        assert looked == {("cpu:1", "cpu:1"), ("cpu:2", "cpu:2")}
        assert m.cpus[0].space == "kernel"

    def test_a_domain_s_calls_are_made_where_it_runs(self):
        m = vm.boot("x86-64", cpus=2)
        d = m.domain("hello")
        at = 0x5000_0000
        d.map(d.frame(PAGE), at=at)
        m.cpus[1].run(d)
        m.cpus[1].store(at, b"x")
        m.cpus.shootdown = "forgotten"
        d.unmap(at, PAGE)
        assert (senders(m), flushed(m)) == (set(), {"cpu:1"})

    def test_a_thread_s_calls_are_made_where_its_task_runs_when_they_begin(self):
        m, t = running((1,))

        def program():
            t.mprotect(AT, PAGE, "r")
            yield from t.read(AT + PAGE)
            m.cpus[1].run(None)
            m.cpus[2].run(t)
            yield from t.read(AT)
            m.cpus[1].run(t)
            t.fork("child")
            yield from t.write(AT + PAGE, b"y")  # a fault, which flushes the page here and there

        m.spawn(program)
        m.run()
        looked = [event.cpu for event in m.journal.last.events if isinstance(event, (TlbHit, TlbMissed))]
        assert looked == ["cpu:1", "cpu:2", "cpu:1", "cpu:1"]
        assert senders(m) == {"cpu:1"}

    def test_other_threads_do_not_run_where_a_call_waits(self):
        m, t = running((1,))
        slow = t.mmap(PAGE, "r", "shared", m.file("slow", b"x" * PAGE, latency=20))
        k = m.kmem_malloc(PAGE)
        for cpu in m.cpus:
            cpu.load(k)
        m.spawn(m.kmem_free, k, PAGE)
        t.read(slow)
        assert (senders(m), asked(m)) == ({"cpu:0"}, {"cpu:1", "cpu:2"})

    def test_the_kernel_s_own_calls_are_made_on_processor_0(self):
        m, _ = running((1, 2))
        k = m.kmem_malloc(PAGE)
        for cpu in m.cpus:
            cpu.load(k)
        with m.cpus[1]:
            m.kmem_free(k, PAGE)
            assert (senders(m), asked(m)) == ({"cpu:0"}, {"cpu:1", "cpu:2"})

    @pytest.mark.parametrize("by_hand", [False, True])
    def test_the_kernel_kills_on_processor_0(self, by_hand):
        m = vm.boot("x86-64", layout="small", cpus=2)
        victim, other = m.task("victim"), m.task("other")
        a, b = victim.mmap("64 KiB"), other.mmap("4 KiB")
        m.cpus[1].run(victim)
        victim.use_pages(a, " ".join(map(str, range(16))), "write")
        m.cpus[1].run(other)
        m.cpus[0].run(victim)
        m.cpus[0].load(a)
        m.take_pages(m.pages.obtainable_pages)
        m.kill_when_out_of_memory()
        m.cpus.shootdown = "forgotten"
        if by_hand:
            m.cpus[1].store(b, b"x")
        else:
            other.write(b, b"x")
        assert "victim" not in m.tasks
        assert senders(m) == set(), "the victim runs there, so there is nobody to ask"
        assert "cpu:0" in flushed(m)

    def test_one_thread_never_sees_its_write_in_its_child_and_two_may(self):
        """A flush that is forgotten is one of another processor: `hello` for one thread, on whichever processor."""
        for on in range(2):
            m = vm.boot("x86-64", cpus=2, fork="counted")
            p, cpu, other = m.task("parent"), m.cpus[on], m.cpus[1 - on]
            a = p.mmap(PAGE)
            cpu.run(p)
            cpu.store(a, b"hello")
            m.cpus.shootdown = "forgotten"
            child = p.fork("child")
            cpu.store(a, b"J")
            other.run(child)
            assert other.load(a, 5) == b"hello"
        m = vm.boot("x86-64", cpus=2, fork="counted")
        p = m.task("parent")
        a = p.mmap(PAGE)
        for cpu in m.cpus:
            cpu.run(p)
        m.cpus[1].store(a, b"hello")
        m.cpus.shootdown = "forgotten"
        child = p.fork("child")
        m.cpus[1].store(a, b"J")
        m.cpus[0].run(child)
        assert m.cpus[0].load(a, 5) == b"Jello"

    def test_a_block_is_repeated_with_the_machine(self, tmp_path):
        m, t = running((1, 2))
        with m.cpus[2]:
            t.mprotect(AT, PAGE, "r")
        t.munmap(AT, PAGE)
        m.journal.save(tmp_path / "mine.jsonl.gz")
        assert snapshot(vm.load_journal(tmp_path / "mine.jsonl.gz")) == snapshot(m)
        assert snapshot(m.branch(len(m.journal) - 1)) == snapshot(m)


class TestTasks:
    def test_a_task_borrows_processor_0_and_what_it_had_goes(self):
        m = two(cpus=1, tasks=("a", "b"))
        m.tasks["a"].write(AT, b"a")
        m.tasks["a"].read(AT)
        assert told(m, TlbHit, TlbMissed) == ["TlbHit"]
        m.tasks["b"].read(AT)
        loaded = [event for event in m.journal.last.events if isinstance(event, SpaceLoaded)]
        assert [(event.cpu, event.space, event.before, event.asid) for event in loaded] == [("cpu:0", "b", "a", 0)]
        m.tasks["a"].read(AT)
        assert told(m, TlbHit, TlbMissed, TlbFilled) == ["TlbMissed", "TlbFilled"]

    @pytest.mark.parametrize("name", NUMBERED)
    def test_with_numbers_nothing_goes(self, name):
        m = two(name, cpus=1, tasks=("a", "b"), asids=True)
        for _ in range(2):
            for task in m.tasks.values():
                task.write(AT, task.name.encode())
        assert [m.tasks[name].read(AT) for name in ("a", "b")] == [b"a", b"b"]
        assert told(m, TlbHit, TlbMissed, TlbFlushed) == ["TlbHit"]
        assert sorted({slot.entry.asid for slot in m.cpus[0].value().tlb.slots}) == [1, 2]
        m.check()

    def test_with_numbers_a_space_that_is_not_loaded_is_flushed_too(self):
        m = two(tasks=("a", "b"), asids=True)
        m.cpus[1].store(AT, b"a")
        m.cpus[1].run("b")
        assert m.cpus[1].value().tlb.slots
        m.tasks["a"].map.remove(AT, size=PAGE)
        assert told(m, *SHOTS) == ["ShootdownSent", "ShootdownAcknowledged"]
        assert not m.cpus[1].value().tlb.slots
        m.check()

    def test_a_number_that_is_given_again_leads_to_nothing_old(self):
        m = two(tasks=("a", "b"), asids=True)
        m.cpus[1].store(AT, b"a")
        m.tasks["a"].space.pmap.destroy()
        assert [(cpu.space, cpu._processor.current) for cpu in m.cpus] == [("kernel", m.system.pmap)] * 2
        m.cpus[1].run("b")
        assert m.cpus[1].asid == 1
        assert m.cpus[1].load(AT) == b"\0"

    def test_reads_and_writes_mark_the_tables(self):
        m = two(cpus=1)
        task = m.tasks["a"]
        task.read(AT)
        assert [step.value >> 5 & 3 for step in task.walk(AT).steps] == [1, 1, 1, 1]
        task.write(AT, b"x")
        assert [step.value >> 5 & 3 for step in task.walk(AT).steps] == [1, 1, 1, 3]

    @pytest.mark.parametrize(
        ("name", "settings", "flags"), [("riscv-sv39", {"adue": False}, 3 << 6), ("aarch64", {}, 1 << 10)]
    )
    def test_where_the_hardware_marks_nothing_the_kernel_does(self, name, settings, flags):
        m = two(name)
        m.controls = replace(m.controls, **settings)
        k = m.kmem_malloc(PAGE)
        m.write(k, b"kernel")
        m.cpus[0].store(AT, b"user")
        step = m.tasks["a"].walk(AT).steps[-1]
        assert step.value & flags == flags
        m.set_descriptor(step.pa, step.value & ~flags)
        m.cpus[0].flush()
        m.cpus[0].store(AT, b"more")
        assert told(m, TlbHit, TlbMissed, FaultRaised) == ["TlbMissed", "FaultRaised", "TlbMissed"]
        assert "PagerAsked" not in [type(event).__name__ for event in m.journal.last.events]
        assert m.tasks["a"].walk(AT).steps[-1].value == step.value
        assert (m.read(k, 6), m.cpus[1].load(AT, 4)) == (b"kernel", b"more")
        m.check()

    def test_looking_marks_and_fills_nothing(self):
        m = two()
        m.tasks["a"].write(AT, b"x")
        before = snapshot(m)
        m.walk(AT + PAGE, "write", task="a")
        m.tasks["a"].walk(AT)
        m.cpus[0].lookup(AT)
        m.cpus.value()
        m.check()
        assert snapshot(m) == before

    def test_what_a_task_has_is_no_kernel_memory(self):
        m = two()
        m.tasks["a"].write(AT, b"x")
        with pytest.raises(vm.KernelError, match="FAULT"):
            m.read(AT)

    def test_user_code_on_a_processor_stays_out_of_the_kernels_half(self):
        m = two()
        k = m.kmem_malloc(PAGE)
        with pytest.raises(vm.KernelError, match="FAULT"):
            m.cpus[0].load(k, user=True)
        m.cpus[0].run()
        with pytest.raises(vm.KernelError, match="FAULT"):
            m.cpus[0].load(AT)

    def test_tables_seen_in_the_window_are_those_that_are_there(self):
        """The window shows the loaded tables as pages (X15's ptemap): when a table goes, so must what is kept of it."""
        m = two(cpus=1)
        task = m.tasks["a"]
        task.write(AT, b"x")
        window = m.system.pmap.layout.window
        descriptor = window + (AT >> 12) * 8
        found = int.from_bytes(m.cpus[0].load(descriptor, 8, user=False), "little")
        assert found == task.walk(AT).steps[-1].value
        task.map.remove(AT, size=4 * PAGE)  # the level-1 table is empty now, and goes back
        m.check()
        with pytest.raises(vm.KernelError, match="FAULT"):
            m.cpus[0].load(descriptor, 8)

    def test_the_original_knows_which_task_runs(self):
        m = vm.boot("x86-64", quirks={"pmap-current-only"}, cpus=2)
        m.task("a").map.enter(PAGE, at=AT, object=m.object("o"))
        m.cpus[1].run("a")
        m.cpus[1].store(AT, b"x")
        assert m.cpus[1].load(AT) == b"x"
        m.tasks["a"].map.protect(AT, size=PAGE, prot="r")  # on processor 1
        m.cpus[1].run(None)
        with pytest.raises(vm.KernelPanic, match="pmap_not_current"):
            m.tasks["a"].map.protect(AT, size=PAGE, prot="rw")  # on processor 0, which runs the kernel alone


class TestLooking:
    def test_a_lookup_tells_place_age_and_staleness(self):
        m = two(tlb=(1, 2))
        assert m.cpus[0].lookup(AT) is None
        m.cpus[0].store(AT, b"x")
        m.cpus[0].load(AT + PAGE)
        slot = m.cpus[0].lookup(AT + 5)
        assert (slot.entry.va, slot.entry.asid, slot.entry.page_size, slot.age) == (AT, 0, PAGE, 1)
        assert (slot.entry.dirty, str(slot.entry.permissions.user), slot.stale) == (True, "rwx", ())

    def test_an_edit_by_hand_is_a_flush_forgotten(self):
        m = two(cpus=1)
        m.cpus[0].store(AT, b"x")
        step = m.tasks["a"].walk(AT).steps[-1]
        m.set_descriptor(step.pa, step.value & ~1)
        assert m.cpus[0].load(AT) == b"x"
        assert [str(one).split(":")[0] for one in m.cpus[0].stale[0].stale] == ["mapping"]
        m.check()
        m.undo_descriptor()
        m.check()
        m.set_descriptor(step.pa, step.value & ~1)
        m.cpus[0].flush()
        assert m.cpus[0].load(AT) == b"x"
        assert told(m, TlbHit, TlbMissed, FaultRaised) == ["TlbMissed", "FaultRaised", "TlbMissed"]

    def test_they_print(self):
        m = two()
        assert repr(m.cpus).splitlines()[0] == "shootdowns are acknowledged"
        assert "<cpu:1: runs 'a'" in repr(m.cpus)
        assert m.part("cpu:1") is m.cpus[1]
        assert m.part("cpus") is m.cpus
        assert (len(m.cpus), [cpu.number for cpu in m.cpus]) == (2, [0, 1])


class TestRefusals:
    @pytest.mark.parametrize(
        "call",
        [
            lambda m: m.cpus[0].load(AT, 0),
            lambda m: m.cpus[0].load(AT, 1 << 20),
            lambda m: m.cpus[0].load("?"),
            lambda m: m.cpus[0].load((1 << 64) - 2, 4),
            lambda m: m.cpus[0].load(AT, user=1),
            lambda m: m.cpus[0].store(AT, "text"),
            lambda m: m.cpus[0].store(AT, b""),
            lambda m: m.cpus[0].fetch(-1),
            lambda m: m.cpus[0].run("nobody"),
            lambda m: m.cpus[0].run(vm.boot().task("a")),
            lambda m: m.cpus[0].flush(AT, keep_globals=True),
            lambda m: m.cpus[0].flush(task="a", keep_globals=True),
            lambda m: m.cpus[0].flush(task="nobody"),
            lambda m: m.cpus[0].flush(keep_globals="no"),
            lambda m: setattr(m.cpus, "shootdown", "perhaps"),
        ],
    )
    def test_nonsense_changes_nothing(self, call):
        m = two()
        m.cpus[0].store(AT, b"x")
        before = snapshot(m)
        with pytest.raises(vm.Refused) as caught:
            call(m)
        assert "\n" not in str(caught.value)
        assert snapshot(m) == before


class Shootdowns(RuleBasedStateMachine):
    """Random work on two processors with acknowledged shootdowns: no wrong byte, no stale entry, ever."""

    @initialize(
        name=st.sampled_from(sorted(FORMATS)), asids=st.booleans(), tlb=st.sampled_from([(1, 2), (2, 2), (16, 4)])
    )
    def boot(self, name: str, asids: bool, tlb: tuple[int, int]) -> None:
        numbered = asids and bool(FORMATS[name].asid_bits)
        self.m = vm.boot(name, ram="8 MiB", layout="tiny", cpus=2, tlb=tlb, asids=numbered)
        for task in ("a", "b"):
            self.m.task(task)
            self.m.object(task)
        self.bytes: dict[tuple[str, int], int] = {}
        self.pages: dict[tuple[str, int], str] = {}
        self.kernel: dict[int, int] = {}

    @rule(cpu=st.integers(0, 1), task=st.sampled_from(["a", "b", None]))
    def run(self, cpu: int, task: str | None) -> None:
        self.m.cpus[cpu].run(task)

    @rule(
        task=st.sampled_from("ab"),
        page=st.integers(0, 5),
        count=st.integers(1, 3),
        how=st.sampled_from(["rw", "r", ""]),
    )
    def change(self, task: str, page: int, count: int, how: str) -> None:
        """Give some pages of a task these rights, or take them away."""
        task_map, at = self.m.tasks[task].map, AT + page * PAGE
        if any((task, one) in self.pages for one in range(page, page + count)):
            if how and all((task, one) in self.pages for one in range(page, page + count)):
                task_map.protect(at, size=count * PAGE, prot=how)
            else:
                task_map.remove(at, size=count * PAGE)
                how = ""
        elif how:
            task_map.enter(count * PAGE, at=at, object=task, offset=page * PAGE, prot=how)
        for one in range(page, page + count):
            if how:
                self.pages[task, one] = how
            else:
                self.pages.pop((task, one), None)

    @rule(cpu=st.integers(0, 1), page=st.integers(0, 7), byte=st.integers(0, 255), write=st.booleans())
    def touch(self, cpu: int, page: int, byte: int, write: bool) -> None:
        where = self.m.cpus[cpu]
        right = self.pages.get((where.space, page), "")
        if right and (not write or "w" in right):
            if write:
                where.store(AT + page * PAGE, bytes([byte]))
                self.bytes[where.space, page] = byte
            assert where.load(AT + page * PAGE) == bytes([self.bytes.get((where.space, page), 0)])
            return
        with pytest.raises(vm.KernelError):
            where.store(AT + page * PAGE, b"x") if write else where.load(AT + page * PAGE)

    @rule(cpu=st.integers(0, 1), byte=st.integers(0, 255))
    def use_kernel_memory(self, cpu: int, byte: int) -> None:
        if len(self.kernel) > 3:
            address = next(iter(self.kernel))
            assert self.m.cpus[cpu].load(address) == bytes([self.kernel.pop(address)])
            self.m.kmem_free(address, PAGE)
        else:
            address = self.m.kmem_malloc(PAGE)
            self.m.cpus[cpu].store(address, bytes([byte]))
            self.kernel[address] = byte

    @invariant()
    def no_tlb_keeps_what_is_no_longer_so(self) -> None:
        if hasattr(self, "m"):
            self.m.check()
            for cpu in self.m.cpus:
                for address, byte in self.kernel.items():
                    assert cpu.load(address) == bytes([byte])


TestShootdowns = Shootdowns.TestCase


@pytest.mark.parametrize("number", [2, -1, "0", None, True])
def test_a_processor_that_is_not_there_is_refused(number):
    m = vm.boot("x86-64", cpus=2)
    with pytest.raises(vm.Refused, match=r"this machine has 2 processors, from cpus\[0\] to cpus\[1\]"):
        m.cpus[number]
    assert [cpu.path for cpu in m.cpus] == ["cpu:0", "cpu:1"]


def test_several_processors_are_selected_by_a_slice():
    m = vm.boot("x86-64", cpus=3)
    assert [cpu.path for cpu in m.cpus[1:]] == ["cpu:1", "cpu:2"]
    assert [cpu.path for cpu in m.cpus[:2]] == ["cpu:0", "cpu:1"]
    for wrong in slice("a", None), slice(None, None, 0):
        with pytest.raises(vm.Refused, match="write whole numbers"):
            m.cpus[wrong]
