"""The whole machine at random work, in a layout small enough to run out of everything; made again; interrupted."""

from __future__ import annotations

import signal
import threading
import time

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import vmwidgets as vm
from tests.engine.machine.snapshots import snapshot
from vmwidgets.engine.base.packed import KEPT
from vmwidgets.engine.memory.ram import Ram

PAGE = 4096
USER = 0x40_0000


class WholeMachine(RuleBasedStateMachine):
    """Kernel map, kentry area, tasks and objects together: every invariant after every step, whatever fails."""

    @initialize(quirks=st.sampled_from([(), (), ("kentry-unlocked", "nomerge-enter")]))
    def boot(self, quirks: tuple[str, ...]) -> None:
        self.machine = vm.boot("x86-64", layout="tiny", ram="4 MiB", quirks=quirks)
        self.written: dict[tuple[str, int], int] = {}

    def attempt(self, call):
        """Errors and panics are answers too; a dead machine is exchanged for one that was made again.

        A panic keeps the state reached; only a cut is half done then (see TestPanicWhileCutting).
        """
        try:
            return call()
        except vm.KernelPanic:
            if self.machine.journal.last.name != "remove":
                self.machine.check()
            assert self.machine.dead
            self.boot(tuple(self.machine.quirks))
            return None
        except (vm.KernelError, vm.Refused):
            return None

    @rule(
        pages=st.integers(1, 8),
        nomerge=st.booleans(),
        prot=st.sampled_from(["rw", "r"]),
        copies=st.sampled_from([1, 1, 25]),
    )
    def enter_in_the_kernel(self, pages: int, nomerge: bool, prot: str, copies: int) -> None:
        for _ in range(copies):
            self.attempt(lambda: self.machine.kernel_map.enter(pages * PAGE, nomerge=nomerge, prot=prot))

    @rule(pages=st.integers(3, 6))
    def cut_and_join(self, pages: int) -> None:
        """A hole is cut into a range and filled again, which joins both sides."""

        def call():
            kernel_map = self.machine.kernel_map
            address = kernel_map.enter(pages * PAGE)
            kernel_map.remove(address + PAGE, size=PAGE)
            count = len(kernel_map)
            kernel_map.enter(PAGE, at=address + PAGE, fixed=True)
            assert len(kernel_map) == count - 1

        self.attempt(call)

    @rule(page=st.integers(0, 1023), pages=st.integers(1, 200))
    def remove_from_the_kernel(self, page: int, pages: int) -> None:
        kernel_map = self.machine.kernel_map
        start = kernel_map.start + page * PAGE
        self.attempt(lambda: kernel_map.remove(start, min(start + pages * PAGE, kernel_map.end)))

    @rule(
        task=st.sampled_from("ab"),
        name=st.sampled_from(["x", "y", None]),
        page=st.integers(0, 20),
        pages=st.integers(1, 6),
    )
    def enter_in_a_task(self, task: str, name: str | None, page: int, pages: int) -> None:
        def call():
            if name is not None:
                self.machine.object(name, max_pages=8)
            space = self.machine.task(task).map
            offset = page * PAGE if name else 0
            space.enter(pages * PAGE, at=USER + page * PAGE, fixed=True, object=name, offset=offset)

        self.attempt(call)

    @rule(task=st.sampled_from("ab"), page=st.integers(0, 20), pages=st.integers(1, 12))
    def remove_from_a_task(self, task: str, page: int, pages: int) -> None:
        self.attempt(lambda: self.machine.task(task).map.remove(USER + page * PAGE, size=pages * PAGE))
        self.forget_objects_that_nobody_maps()

    def forget_objects_that_nobody_maps(self) -> None:
        for name, target in self.machine.objects.items():
            if not target.pages:
                self.written = {key: value for key, value in self.written.items() if key[0] != name}

    @rule(task=st.sampled_from("ab"), page=st.integers(0, 25), byte=st.integers(1, 255))
    def write(self, task: str, page: int, byte: int) -> None:
        """What is written shows in every mapping of the same page, and nowhere else."""

        def call():
            self.machine.task(task).write(USER + page * PAGE + 7, bytes([byte]))
            (entry,) = (one for one in self.machine.tasks[task].map if one.start <= USER + page * PAGE < one.end)
            self.written[entry.object, entry.offset + USER + page * PAGE - entry.start] = byte

        self.attempt(call)

    @precondition(lambda self: hasattr(self, "machine") and self.machine.tasks)
    @rule()
    def read_all(self) -> None:
        for task in list(self.machine.tasks.values()):
            for entry in task.map.entries():
                for position in range(0, entry.size, PAGE):
                    found = self.attempt(lambda task=task, at=entry.start + position: task.read(at + 7))
                    if found is not None:
                        assert found[0] == self.written.get((entry.object, entry.offset + position), 0)

    @rule()
    def reap(self) -> None:
        self.attempt(self.machine.reap)
        for cache in (self.machine.system.kernel.kentry_cache, self.machine.system.kernel.entry_cache):
            assert all(slab.state != "free" for slab in cache.slabs())

    @invariant()
    def sound(self) -> None:
        if not hasattr(self, "machine"):
            return
        machine = self.machine
        machine.check()
        self.no_page_is_lost()
        live = [entry for entry in machine.kernel_map.vm_map if not entry.static]
        assert machine.system.kernel.kentry_cache.allocated == len(live)
        area = machine.kentry.area
        assert all(area.start <= entry.address < area.end for entry in live)

    def no_page_is_lost(self) -> None:
        """Each page is free, or stands where its owner says."""
        machine = self.machine
        owners = dict(machine.system.pages.snapshot().owners)
        assert machine.system.pages.free_pages + sum(owners.values()) == machine.system.pages.total_pages
        for name, target in machine.objects.items():
            assert owners.get(f"object {name}", 0) == len(target.pages)
        slabs = sum(size for size, _ in machine.system.kernel.memory.ranges.values()) // PAGE
        assert owners.get("vm_map_entry cache", 0) == slabs
        assert owners["kentry area"] == machine.kentry.area.allocated + 1, "slabs, and the table"


WholeMachine.TestCase.settings = settings(stateful_step_count=40)
TestWholeMachine = WholeMachine.TestCase


# ---- made again --------------------------------------------------------------------------------


def work(machine):
    """A little of everything that can be done, failures included."""
    machine.object("file", max_pages=2)
    task = machine.task("a/map")
    machine.task("a").map.enter("8 KiB", at=USER, prot="r")
    task.map.enter("16 KiB", at=USER, object=machine.objects["file"], offset="4 KiB")
    data = bytearray(b"hello")
    task.write(USER + 4094, data)
    data.clear()
    first = machine.kernel_map.enter(size="32 KiB", align="16 KiB")
    machine.kernel_map.remove(first + PAGE, size=PAGE)
    for call in (
        lambda: machine.kernel_map.enter("1 MiB", at=machine.kernel_map.start, fixed=True),
        lambda: task.read(USER + 3 * PAGE),
        lambda: machine.kernel_map.enter(-1),
        lambda: task.map.enter("4 KiB", object="fiel"),
    ):
        with pytest.raises(vm.VMError):
            call()
    task.touch(USER, "write")
    machine.kernel_map.lookup(first)
    machine.unchecked.vm_map_enter(machine.tasks["a"].map, 0, PAGE, 0, 0x273, machine.objects["file"], 0)
    machine.unchecked.vm_map_remove(machine.kernel_map, first, first + PAGE)
    machine.kentry.reap()
    machine.reap()


@pytest.mark.parametrize("layout", ["tiny", "x15-32"])
def test_a_machine_is_made_again_from_its_journal(layout):
    machine = vm.boot("x86-64", layout=layout, ram="8 MiB")
    work(machine)
    twin = machine.branch(len(machine.journal) - 1)
    assert snapshot(twin) == snapshot(machine)
    assert [record[:6] for record in map(tuple_of, twin.journal)] == [
        record[:6] for record in map(tuple_of, machine.journal)
    ]
    assert all(one.events == other.events for one, other in zip(twin.journal, machine.journal, strict=True))
    assert twin.tasks["a/map"].read(USER + 4094, 5) == b"hello"
    twin.check()


def tuple_of(record):
    return (record.number, record.target, record.name, record.arguments, record.outcome, record.result)


def test_it_can_be_made_again_as_it_was_earlier():
    machine = vm.boot("x86-64", layout="tiny", ram="8 MiB")
    states = [snapshot(machine)]
    machine.kernel_map.enter("8 KiB")
    states.append(snapshot(machine))
    machine.task("t").map.enter("8 KiB")
    for number, state in enumerate(states):
        assert snapshot(machine.branch(number)) == state
    assert len(machine.journal) == 4


def test_a_panic_is_made_again_too():
    machine = vm.boot("x86-64", layout="tiny", ram="8 MiB")
    with pytest.raises(vm.KernelPanic):
        machine.unchecked.vm_map_enter(machine.kernel_map, 0, 0, 0, 0x273)
    twin = machine.branch(1)
    assert twin.dead
    assert snapshot(twin) == snapshot(machine)


class TestPanicWhileCutting:
    """No entry is left for the second piece of a range: the panic keeps the state it was reached in."""

    @pytest.fixture
    def machine(self):
        machine = vm.boot("x86-64", layout="tiny", ram="8 MiB")
        self.address = machine.kernel_map.enter("32 KiB")
        while machine.kentry.cache.allocated < machine.kentry.room:
            machine.kernel_map.enter(PAGE, nomerge=True)
        machine.check()
        self.before = machine.kernel_map.entries()
        with pytest.raises(vm.KernelPanic, match="no entry is left for kernel_map") as caught:
            machine.kernel_map.remove(self.address + PAGE, size=PAGE)
        assert caught.value.name == "entry_create"
        return machine

    def test_the_range_is_out_of_the_map_and_not_yet_back(self, machine):
        (lost,) = (entry for entry in self.before if entry.start == self.address)
        assert machine.kernel_map.entries() == [entry for entry in self.before if entry != lost]
        mapped = sum(entry.size for entry in self.before)
        message = f"kernel_map says {vm.Size(mapped)}, its entries have {vm.Size(mapped - lost.size)}$"
        with pytest.raises(vm.Broken, match=message):
            machine.check()

    def test_the_machine_is_dead_and_can_be_looked_at(self, machine):
        assert machine.dead
        assert machine.journal.last.outcome == "panic"
        for call in (
            lambda: machine.kernel_map.enter(PAGE),
            lambda: machine.kernel_map.remove(self.address, size=PAGE),
            lambda: machine.task("t"),
            machine.reap,
        ):
            with pytest.raises(vm.Refused, match="this machine is dead"):
                call()
        assert len(machine.kernel_map.value(whole=1000).entries) == len(self.before) - 1
        assert not machine.walk(self.address).ok
        for thing in (machine, machine.kernel_map, machine.kentry, machine.walk(self.address)):
            assert "</svg>" in vm.show(thing).to_svg()

    def test_it_is_made_again_in_that_state(self, machine):
        assert snapshot(machine.branch(len(machine.journal) - 1)) == snapshot(machine)


def test_events_of_long_ago_are_those_that_were():
    machine = vm.boot("x86-64", layout="tiny", ram="8 MiB")
    first = machine.kernel_map.enter("8 KiB")
    early = [machine.journal[0].events, machine.journal[1].events]
    above = machine.kernel_map.entries()[-1].end + PAGE
    assert above > first
    for _ in range(KEPT):
        machine.kernel_map.enter("8 KiB", at=above)
        machine.kernel_map.remove(above, size="8 KiB")
    assert machine.journal[1].events == ()
    assert [machine.journal.events(number) for number in (0, 1)] == early
    assert machine.journal.bytes_an_operation() < 120


# ---- interrupted, watched ----------------------------------------------------------------------


def run_for_ever(machine, presser):
    presser.start()
    kernel_map = machine.kernel_map
    while True:
        address = kernel_map.enter("16 KiB")
        kernel_map.remove(address + PAGE, size=PAGE)
        kernel_map.remove(address, size="16 KiB")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a press that Python drops
@pytest.mark.parametrize("delay", [0.003, 0.007, 0.011, 0.017, 0.023])
def test_the_stop_button_leaves_a_machine_that_is_whole(delay):
    """The press comes from another thread, at whatever place the loop has reached.

    Where Python itself calls back (at a collection of garbage, for a weak reference), it drops what is raised: such a
    press is repeated, as a reader would.
    """
    machine = vm.boot("x86-64", layout="tiny", ram="8 MiB")
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    stopped = threading.Event()

    def press():
        time.sleep(delay)
        while not stopped.is_set():
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            stopped.wait(1)

    presser = threading.Thread(target=press)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_for_ever(machine, presser)
    finally:
        stopped.set()
        presser.join()
        signal.signal(signal.SIGINT, previous)
    machine.check()
    assert machine.journal.last.outcome in ("done", "interrupted")
    machine.kernel_map.enter("16 KiB")
    assert snapshot(machine.branch(len(machine.journal) - 1))[3:] == snapshot(machine)[3:]


def test_the_stop_button_inside_an_operation_waits_for_its_end(monkeypatch):
    """Pressed while a page is made ready, in the middle of a fault."""
    machine = vm.boot("x86-64", ram="8 MiB")
    machine.object("file")
    task = machine.task("t")
    task.map.enter("8 KiB", at=USER, object="file")
    zero_frame = Ram.zero_frame

    def interrupted(ram, frame):
        signal.raise_signal(signal.SIGINT)
        zero_frame(ram, frame)

    monkeypatch.setattr(Ram, "zero_frame", interrupted)
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            task.write(USER, b"whole")
    finally:
        signal.signal(signal.SIGINT, previous)
    monkeypatch.undo()
    machine.check()
    assert machine.journal.last.outcome == "done"
    assert task.read(USER, 5) == b"whole"


class Watcher:
    def __init__(self):
        self.seen = []

    def look(self, machine):
        self.seen.append(len(machine.journal))


def test_who_watches_is_told_after_each_operation_and_forgotten_when_gone():
    machine = vm.boot("x86-64")
    watcher, plain = Watcher(), []
    machine.on_operation(watcher.look)
    machine.on_operation(lambda one: plain.append(one is machine))
    machine.kernel_map.enter(4096)
    with pytest.raises(vm.Refused):
        machine.kernel_map.enter(0)
    assert (watcher.seen, plain) == ([2], [True])
    seen = watcher.seen
    del watcher
    machine.kernel_map.enter(4096)
    assert (seen, plain) == ([2], [True, True])


def test_check_waits_for_an_operation_of_another_thread():
    machine = vm.boot("x86-64", layout="tiny", ram="8 MiB")
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            address = machine.kernel_map.enter("16 KiB", nomerge=True)
            machine.kernel_map.remove(address + PAGE, size=PAGE)
            machine.kernel_map.remove(address, size="16 KiB")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(30):
            machine.check()
    finally:
        stop.set()
        thread.join()


class TestCheck:
    """Invariants across structures, broken by hand, are found."""

    def machine(self):
        machine = vm.boot("x86-64", layout="tiny", ram="8 MiB")
        machine.object("file")
        self.address = machine.kernel_map.enter(4096)
        machine.task("t").map.enter(4096, at=USER, object="file")
        machine.check()
        return machine

    def entry(self, machine):
        """The one that was entered in the kernel map."""
        return machine.kernel_map.vm_map.lookup_nearest(self.address)

    def broken(self, machine, message):
        with pytest.raises(vm.Broken, match=message):
            machine.check()

    def test_an_entry_in_no_buffer(self):
        machine = self.machine()
        entry = self.entry(machine)
        entry.address += 8 * 4096
        self.broken(machine, f"^M1: the entry at {entry.address:#x} is in no buffer that vm_map_kentry handed out$")

    def test_a_buffer_that_is_lost(self):
        machine = self.machine()
        machine.system.kernel.kentry_cache.allocate()
        # kernel memory's, ours, and that of the slab where the task's entry lives; two more are static
        self.broken(machine, r"^M1: 3 entries are linked, vm_map_kentry handed out 4$")

    def test_two_entries_in_one_buffer(self):
        machine = self.machine()
        one = self.entry(machine)
        self.address = machine.kernel_map.enter(4096, nomerge=True)
        assert self.entry(machine) is not one
        self.entry(machine).address = one.address
        self.broken(machine, f"^M1: two entries live at {one.address:#x}, in one buffer of vm_map_kentry$")

    def test_references(self):
        machine = self.machine()
        machine.objects["file"].vm_object.reference()
        self.broken(machine, "^M3: object 'file' counts 2 references, and has 1")

    def test_a_slab_without_its_page(self):
        machine = self.machine()
        machine.system.pmap.kremove(machine.kentry.start, machine.kentry.start + 4096)
        self.broken(machine, "^M4: no page is mapped behind the kentry slab")

    def test_tables_that_do_not_reach(self):
        machine = self.machine()
        start = machine.kernel_map.enter(4096, at=machine.kernel_map.start + (3 << 20))
        entry = machine.kernel_map.lookup(start)
        machine.system.pmap.klimit = machine.kernel_map.start + (2 << 20)
        limit = machine.system.pmap.klimit
        self.broken(machine, f"^M2: entry {entry.id} ends at {start + 4096:#x}, page tables at {limit:#x}$")


def test_what_is_called_without_checks_keeps_the_limit_of_addresses():
    task = vm.boot("x86-64").task("init")
    task.limit("as", "64 KiB")
    with pytest.raises(vm.KernelError, match="NOMEM"):
        task.machine.unchecked.vm_map_enter(task.map, 0, 128 * 1024, 0, 0x273)
    assert len(task.map) == 0


def test_a_table_that_can_not_be_made_again_is_told_of_with_its_call():
    machine = vm.boot("armv7")
    domain = machine.domain("init")
    frame, at = domain.frame("1 MiB"), 0x5000_0000
    domain.map(domain.frame("4 KiB"), at=at, flags="rw")
    domain.unmap(at, "4 KiB")
    machine.inject("page_alloc")
    with pytest.raises(vm.VMError, match="WRITE was asked for"):
        domain.map(domain.mint(frame, "r"), at=at, flags="rw large")
    assert [type(event).__name__ for event in machine.journal.last.events].count("MapUndone") == 1
    machine.check()
