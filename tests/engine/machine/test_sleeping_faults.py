"""Faults that sleep: the access goes on where it began, whatever runs in between, in cells and in threads."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import PAGE


def waited(call: object) -> Any:
    """A call that a thread waits for: there it gives no result, but what `yield from` takes."""
    return call


def two_tasks(number: int = 1, **options) -> tuple[vm.Machine, vm.Task, vm.Task, int]:
    """Two tasks with a page each at one address: the first's is of a slow file, the second's is private."""
    m = vm.boot("x86-64", cpus=number, **options)
    one, two = m.task("one"), m.task("two")
    at = int(one.mmap(PAGE, "rw", "shared", m.file("slow", b"the right bytes", latency=5)))
    two.mmap(PAGE, flags="private fixed", at=at)
    two.write(at, b"two's own")
    return m, one, two, at


def use_meanwhile(m: vm.Machine, task: vm.Task, at: int) -> None:
    """Have a thread use `task` while another access sleeps."""

    def body():
        yield from waited(m.tsleep("x", ticks=2))
        yield from waited(task.read(at, 1))

    m.spawn(body, name="meanwhile")


def test_a_write_that_slept_goes_on_in_its_own_task() -> None:
    m, one, two, at = two_tasks()
    use_meanwhile(m, two, at)
    one.write(at, b"HERE")
    assert (two.read(at, 9), m.files["slow"].read(0, 6)) == (b"two's own", b"HEREig"[:4] + b"ri")


def test_a_read_that_slept_goes_on_in_its_own_task() -> None:
    m, one, two, at = two_tasks()
    use_meanwhile(m, two, at)
    assert one.read(at, 15) == b"the right bytes"


def test_an_access_of_several_pages_stays_in_its_task_for_all_of_them() -> None:
    m = vm.boot("x86-64")
    one, two = m.task("one"), m.task("two")
    content = bytes(range(256)) * 32
    at = int(one.mmap(2 * PAGE, "r", "private", m.file("slow", content, latency=3)))
    two.mmap(2 * PAGE, flags="private fixed", at=at)
    use_meanwhile(m, two, at)
    assert one.read(at + PAGE - 8, 16) == content[PAGE - 8 : PAGE + 8]


def test_where_the_other_task_has_nothing_the_access_still_succeeds() -> None:
    m, one, two, at = two_tasks()
    two.munmap(at, PAGE)
    other = two.mmap(PAGE)
    use_meanwhile(m, two, int(other))
    assert one.read(at, 3) == b"the"


def test_what_a_processor_was_given_to_run_meanwhile_stays_loaded() -> None:
    m, one, two, at = two_tasks(2)
    m.cpus[1].run(one)

    def body():
        return (yield from waited(m.cpus[1].load(at, 3)))

    m.spawn(body, name="reader")
    m.run(steps=1)
    m.cpus[1].run(two)
    m.run()
    assert m.threads["reader"].result == b"the"
    assert (m.cpus[1].space, m.cpus[1].load(at, 9)) == ("two", b"two's own")


def test_a_call_that_waits_for_its_turn_is_made_in_the_space_of_its_task() -> None:
    """Between making a call and waiting for it, a thread may have another space loaded."""
    m, one, two, at = two_tasks()
    two.touch(at)

    def body():
        call = waited(two.read(at, 9))
        m.cpus[0].run(one)
        return (yield from call)

    m.spawn(body, name="late")
    m.run()
    assert m.threads["late"].result == b"two's own"


def test_a_task_that_ends_while_its_access_sleeps_gets_a_fault() -> None:
    m, one, two, at = two_tasks()

    def body():
        return (yield from waited(one.read(at, 3)))

    m.spawn(body, name="reader")
    m.run(steps=1)
    one.exit()
    with pytest.raises(vm.CallbackFailed, match=r"FAULT: 0x1_0000: the address space of one is gone"):
        m.run()
    assert not any(type(event).__name__ == "SignalSent" for event in m.journal.last.events)
    assert m.threads["reader"].state == "failed"
    assert two.read(at, 3) == b"two"
    m.check()


# ---- threads --------------------------------------------------------------------------------------


def test_a_thread_writes_and_touches() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    a = t.mmap(2 * PAGE)

    def body():
        yield from waited(t.write(a, b"hello"))
        found = yield from waited(t.touch(a + PAGE, "write"))
        return (yield from waited(t.read(a, 5))), found.pa is not None

    m.spawn(body, name="T")
    m.run()
    assert t.read(a, 5) == b"hello"
    assert t.walk(a + PAGE).pa is not None
    first = m.journal.scripts["T"][0]
    assert (first.name, first.answer) == ("write", None)
    assert m.branch().tasks["t"].read(a, 5) == b"hello"


def test_a_write_that_its_thread_does_not_wait_for_is_refused() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    a = t.mmap(PAGE)

    def body():
        t.write(a, b"hello")
        yield from waited(m.tsleep("c", ticks=1))

    m.spawn(body, name="T")
    with pytest.raises(vm.CallbackFailed, match="called write without"):
        m.run()


def test_an_operation_that_keeps_its_call_to_itself_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistake that made threads' writes vanish: the call is made, and something else is returned."""
    m = vm.boot("x86-64")
    t = m.task("t")
    a = t.mmap(PAGE)
    found = type(m.system).complete_call
    monkeypatch.setattr(type(m.system), "complete_call", lambda *given: found(*given) and None)

    def body():
        t.read(a, 1)
        yield from waited(m.tsleep("c", ticks=1))

    m.spawn(body, name="T")
    with pytest.raises(vm.Broken, match="does not hand out the call"):
        m.run()


def test_a_thread_on_another_processor_has_its_kernel_work_there() -> None:
    """The store faults and copies, so the other processor has to be asked to drop the page: from where it ran."""

    def shootdowns(threaded: bool) -> list[str]:
        m = vm.boot("x86-64", cpus=2)
        t = m.task("t")
        a = t.mmap(PAGE)
        t.write(a, b"one")
        t.fork()
        m.cpus[1].run(t)
        m.cpus[1].load(a, 1)
        t.read(a, 1)
        before = len(m.journal)
        if threaded:
            m.spawn(lambda: (yield from waited(m.cpus[1].store(a, b"two"))), name="S")
            m.run()
        else:
            m.cpus[1].store(a, b"two")
        sent = [e for op in list(m.journal)[before:] for e in op.events if isinstance(e, vm.events.ShootdownSent)]
        return [f"{one.request.sender} to {one.cpu}" for one in sent]

    assert shootdowns(False) == shootdowns(True) == ["cpu:1 to cpu:0"]


def test_the_time_of_a_threads_accesses_is_reported_without_what_others_do() -> None:
    m, one, two, at = two_tasks()
    m.costs = vm.Costs()

    def body():
        return (yield from waited(one.read(at, 3)))

    m.spawn(body, name="reader")
    use_meanwhile(m, two, at)
    m.run()
    times = [e for e in m.journal.last.events if isinstance(e, vm.events.TimeTaken)]
    assert sorted((e.accesses, e.major) for e in times) == [(1, 0), (1, 1)]


# ---- who else waits -------------------------------------------------------------------------------


def ticks(m: vm.Machine) -> int:
    return m.system.kmem.scheduler.ticks


def test_populate_waits_for_a_slow_file() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    a = t.mmap("8 KiB", "r", "private populate", m.file("slow", b"s" * 9000, latency=5))
    assert (ticks(m), t.resident, t.read(a, 3)) == (10, 8192, b"sss")
    assert t.signals == ()


def test_populate_in_a_thread_is_waited_for_and_one_that_is_killed_leaves_no_mapping() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    f = m.file("slow", b"s" * 9000, latency=5)

    def body():
        a = yield from waited(t.mmap("8 KiB", "r", "private populate", f))
        return (yield from waited(t.read(a, 1)))

    m.spawn(body, name="whole")
    m.run()
    assert m.threads["whole"].result == b"s"
    t.exec()
    f.truncate(0)
    f.truncate(9000)
    m.spawn(body, name="killed")
    m.run(steps=1)
    m.kill("killed")
    assert len(t.map) == 0
    m.check()


def test_populate_beyond_the_end_of_a_file_is_no_signal() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    t.mmap("16 KiB", "r", "shared populate", m.file("short", b"s" * 5000))
    assert (t.resident, t.signals) == (8192, ())


@pytest.mark.parametrize("how", ["read", "write", "wire"])
def test_whoever_needs_a_slow_page_waits_for_it(how: str) -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    f = m.file("slow", b"s" * 2 * PAGE, latency=4)
    a = t.mmap(2 * PAGE, "r", "shared", f)
    {
        "read": lambda: f.read(0, 2 * PAGE),
        "write": lambda: f.write(PAGE - 1, b"xy"),
        "wire": lambda: t.map.wire(a, size=2 * PAGE),
    }[how]()
    assert ticks(m) == 8
    f.read(0, 2 * PAGE)
    assert ticks(m) == 8


def test_swap_space_may_be_slow() -> None:
    m = vm.boot("x86-64")
    m.swap_on("64 KiB", latency=7)
    t = m.task("t")
    a = t.mmap(PAGE)
    t.write(a, b"x")
    t.page_out(a)
    assert (t.read(a), ticks(m)) == (b"x", 7)


def test_a_call_that_a_thread_forgets_has_no_effect_and_none_when_it_is_made_again() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    a = t.mmap(PAGE)
    t.write(a, b"x")

    def body():
        yield from waited(t.read(a, 1))
        m.tick()
        t.read(a, 1)

    m.spawn(body, name="T")
    with pytest.raises(vm.CallbackFailed, match="called read without waiting for it"):
        m.run()
    assert m.branch().cpus[0].value() == m.cpus[0].value()


def test_a_write_past_the_end_of_a_slow_file_waits_for_the_page_that_it_is_in() -> None:
    m = vm.boot("x86-64")
    f = m.file("slow", b"x" * 9000, latency=3)
    f.write(11618, b"abc")
    assert (ticks(m), f.read(8999, 2)) == (3, b"x\0")


def test_an_access_in_a_space_that_is_gone_loads_nothing() -> None:
    m = vm.boot("x86-64", asids=True)
    t = m.task("t")
    a = t.mmap(PAGE)

    def body():
        call = waited(t.read(a, 1))
        t.exit()
        return (yield from call)

    m.spawn(body, name="T")
    with pytest.raises(vm.CallbackFailed, match="task 't' does not exist"):
        m.run()
    assert m.cpus[0].space == "kernel"
    m.check()


def test_calls_that_wait_for_their_turn_are_made_again_as_they_were() -> None:
    """What a call looks at, it looks at when it is waited for: that is when the record has it."""
    m = vm.boot("x86-64", cpus=2)
    t, u = m.task("t"), m.task("u")
    o = m.object("o")
    a = t.mmap(PAGE)
    u.mmap(PAGE, flags="private fixed", at=a)
    t.write(a, b"t")
    u.write(a, b"u")
    f = m.file("f", b"file")
    found = {}

    def cpu():
        m.cpus[0].run(t)
        call = waited(m.cpus[0].load(a, 1))
        m.cpus[0].run(u)
        found["cpu"] = yield from call

    def populate():
        call = waited(t.mmap(PAGE, flags="private populate"))
        found["other"] = int(t.mmap(PAGE))
        found["populated"] = int((yield from call))

    def gone():
        call = waited(t.read(a, 1))
        t.exit()
        again = m.task("v")
        again.map.enter(PAGE, at=a, object=o)
        yield from call

    def vanished():
        call = waited(f.read(0, 3))
        f.vanish()
        yield from call

    for body in (cpu, populate, vanished, gone):
        m.spawn(body, name=body.__name__)
        with suppress(vm.CallbackFailed):
            m.run()
    assert found["cpu"] == b"u"
    assert found["other"] < found["populated"]
    assert m.branch().journal.last == m.journal.last
    m.undo(3)
    m.redo()
    m.check()


def test_a_populate_that_is_given_up_takes_back_no_mapping_of_others() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    f = m.file("slow", b"s" * 9000, latency=5)
    m.spawn(lambda: (yield from waited(t.mmap("8 KiB", "r", "private populate", f))), name="T")
    m.run(steps=1)
    a = next(iter(t.map)).start
    t.munmap(a, "8 KiB")
    t.mmap(PAGE, flags="private fixed", at=a)
    t.write(a, b"kept")
    m.kill("T")
    assert t.read(a, 4) == b"kept"
    m.check()
