"""Learners' threads on a machine: how they sleep, wake, hold locks, end, and in which order they run."""

from __future__ import annotations

import gc
import signal
import time
from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.kernel.threads.scheduler import Stuck

STRING = 256 * vm.KIB
"""What exec takes of exec_map for the arguments of one program: a quarter of it in the small layout."""


@pytest.fixture
def m():
    return vm.boot("x86-64")


@pytest.fixture
def full(m):
    """A machine whose exec_map has no room, and the four ranges in it."""
    assert [m.kmem_alloc_wait(STRING) for _ in range(4)] == strings(m)
    return m


def strings(m):
    return [m.kmem.exec_map.start + at * STRING for at in range(4)]


def shell(m, size=STRING):
    address = yield from m.kmem_alloc_wait(size)
    yield from m.write(address, b"argv")
    return address


def names(m, state):
    return [thread.name for thread in m.threads if thread.state == state and thread.name != "pagedaemon"]


class Asked(dict[str, Any]):
    """A dictionary that counts how often it is asked for a key."""

    asked = 0

    def __contains__(self, key):
        self.asked += 1
        return super().__contains__(key)


class TestSpawn:
    def test_a_thread_more_costs_the_same_however_many_there_are(self, m):
        scheduler, callbacks = m.system.kernel.kmem.scheduler, m.system.callbacks
        scheduler.threads, m.journal.scripts = Asked(scheduler.threads), Asked(callbacks.scripts)

        def cost(spawn):
            before = scheduler.threads.asked + callbacks.scripts.asked
            spawn()
            return scheduler.threads.asked + callbacks.scripts.asked - before

        def same_name():
            m.spawn(m.wakeup, "x", name="sh")
            m.run()

        for spawn in (lambda: m.spawn(m.wakeup, "x"), same_name):
            costs = [cost(spawn) for _ in range(100)]
            assert costs[10:] == [costs[10]] * 90

    def test_threads_of_one_function_are_numbered_from_2_and_the_lowest_number_is_taken(self, m):
        assert [m.spawn(m.wakeup, "x").name for _ in range(4)] == ["wakeup", "wakeup 2", "wakeup 3", "wakeup 4"]
        m.kill("wakeup 3")
        m.kill("wakeup 2")
        assert [m.spawn(m.wakeup, "x").name for _ in range(3)] == ["wakeup 2", "wakeup 3", "wakeup 5"]
        m.kill("wakeup")
        assert m.spawn(m.wakeup, "x").name == "wakeup"

    def test_nothing_runs_before_a_step(self, m):
        begun = []

        def thread():
            begun.append(True)
            yield from m.tsleep("x", ticks=1)

        assert m.spawn(thread).state == "ready"
        assert not begun

    def test_yield_and_yield_from_wait_alike(self, m):
        def one():
            return (yield m.kmem_alloc("4 KiB"))

        def other():
            return (yield from m.kmem_alloc("4 KiB"))

        first, second = m.spawn(one), m.spawn(other)
        m.run()
        assert second.result - first.result == vm.PAGE

    def test_one_call_needs_no_function(self, m):
        thread = m.spawn(m.kmem_malloc, "8 KiB", "M_NOWAIT", name="driver")
        m.run(until="driver")
        assert m.kmem.allocations.at(thread.result).size == 8 * vm.KIB

    def test_a_name_is_given_once_and_found_if_none_is_given(self, m):
        assert [m.spawn(shell, m).name for _ in range(3)] == ["shell", "shell 2", "shell 3"]
        with pytest.raises(vm.Refused, match=r"already a thread with this name, ready; .*m\.kill\('shell'\)"):
            m.spawn(shell, m, name="shell")
        m.run()
        assert m.spawn(shell, m, name="shell").state == "ready", "one that has ended makes room"

    def test_a_kernel_error_is_raised_where_the_call_is_and_can_be_caught(self, m):
        def thread():
            try:
                yield from m.read(m.kmem.kmem_map.start)
            except vm.KernelError as error:
                return error.name

        assert m.spawn(thread) and m.run() == 1
        assert m.threads["thread"].result == "FAULT"


class TestSleeping:
    def test_sleepers_are_woken_in_order_and_all_of_them(self, full):
        for name in "ls", "cat":
            full.spawn(shell, full, name=name)
        full.run()
        assert full.kmem.exec_map.sleepers == ("ls", "cat")
        full.kmem_free(strings(full)[0], STRING)
        assert full.kmem.exec_map.sleepers == ("ls", "cat"), "kmem_free wakes nobody"
        full.kmem_free_wakeup(strings(full)[1], STRING)
        assert names(full, "ready") == ["ls", "cat"]
        full.run()
        assert [full.threads[name].result for name in ("ls", "cat")] == strings(full)[:2]
        full.check()

    def test_who_finds_too_little_goes_to_the_back(self, full):
        for name, size in ("large", 2 * STRING), ("small", STRING):
            full.spawn(shell, full, size, name=name)
        full.run()
        full.kmem_free_wakeup(strings(full)[0], STRING)
        full.run()
        assert (names(full, "asleep"), names(full, "returned")) == (["large"], ["small"])
        assert full.kmem.exec_map.needs_wakeup

    def test_a_cell_waits_while_others_run(self, full):
        def frees():
            yield from full.tsleep("later", ticks=7)
            yield from full.kmem_free_wakeup(strings(full)[2], STRING)

        full.spawn(frees)
        assert full.kmem_alloc_wait(STRING) == strings(full)[2]
        assert full.threads.ticks == 7

    def test_the_operation_of_a_cell_that_waits_is_asleep_meanwhile(self, full):
        seen = []

        def frees():
            seen.append(full.door.state)
            yield from full.kmem_free_wakeup(strings(full)[2], STRING)

        full.spawn(frees)
        full.kmem_alloc_wait(STRING)
        assert (seen, full.door.state) == (["asleep"], "")
        with pytest.raises(Stuck):
            full.kmem_alloc_wait(STRING)
        assert full.door.state == ""

    def test_a_cell_that_nobody_can_wake_is_told_who_waits_and_nothing_is_left_of_the_call(self, full):
        before = full.kmem.exec_map.entries()
        with pytest.raises(Stuck, match=r"kmem_alloc_wait can't finish.*the cell waits for room in exec_map"):
            full.kmem_alloc_wait(STRING)
        assert full.kmem.exec_map.entries() == before
        assert full.journal.last.outcome == "error"
        assert [thread.name for thread in full.threads] == ["pagedaemon"]
        full.check()

    def test_a_timeout_says_so(self, m):
        def thread():
            return [(yield from m.tsleep("a", ticks=3)), (yield from m.tsleep("b"))]

        m.spawn(thread)
        m.run()
        assert (m.wakeup("a"), m.wakeup("b")) == (0, 1)
        m.run()
        assert m.threads["thread"].result == [35, 0]

    def test_ticks_pass_when_asked_and_wake_whose_time_is_up(self, m):
        m.spawn(m.tsleep, "x", "nap", 5, name="napper")
        m.step()
        m.tick(4)
        assert m.step() is None
        m.tick()
        assert m.step().state == "returned"

    def test_running_stops_where_it_is_told_to(self, m):
        def clock():
            while True:
                yield from m.tsleep("tick", ticks=10)

        m.spawn(clock)
        m.run(until=50)
        assert m.threads.ticks == 50
        m.run(until=lambda: m.threads.ticks >= 70)
        assert m.threads.ticks == 70
        assert m.run(steps=3) == 3

    def test_one_that_fails_while_a_cell_waits_is_a_warning_and_the_cell_gets_its_memory(self, full):
        def frees_and_fails():
            yield from full.kmem_free_wakeup(strings(full)[3], STRING)
            raise ValueError("oops")

        full.spawn(frees_and_fails)
        with pytest.warns(RuntimeWarning, match="failed: ValueError: oops"):
            assert full.kmem_alloc_wait(STRING) == strings(full)[3]


class TestLocks:
    def crossing(self, m, first, second):
        yield from first.lock()
        yield from m.tsleep("pause", ticks=1)
        yield from second.lock()
        second.unlock()
        first.unlock()

    def test_the_cell_that_waits_for_its_own_lock_is_no_cycle_of_two(self, m):
        m.kmem.exec_map.lock()
        with pytest.raises(Stuck, match=r"deadlock: the cell waits for a lock that it holds itself$"):
            m.kmem_alloc_wait("4 KiB", map="exec_map")

    def test_a_deadlock_is_found_and_named(self, m):
        a, b = m.kmem.exec_map, m.kmem.pipe_map
        m.spawn(self.crossing, m, a, b, name="one")
        m.spawn(self.crossing, m, b, a, name="two")
        m.run()
        assert m.threads.cycle == ("one", "two")
        with pytest.raises(Stuck, match="deadlock: one -> two -> one") as stuck:
            m.kmem_alloc_wait("4 KiB")
        assert stuck.value.cycle == ("one", "two")
        m.kill("one")
        m.run()
        assert m.threads.cycle == ()
        assert m.threads["two"].state == "returned"
        m.check()

    def test_taken_in_one_order_they_do_not_deadlock(self, m):
        a, b = m.kmem.exec_map, m.kmem.pipe_map
        for name in "one", "two":
            m.spawn(self.crossing, m, a, b, name=name)
        m.run()
        assert names(m, "returned") == ["one", "two"]

    def test_a_mutex_may_not_be_held_asleep(self, m):
        def thread():
            yield from m.kmem.kmem_map.lock()
            yield from m.tsleep("pause", ticks=1)

        m.spawn(thread)
        with pytest.raises(vm.KernelPanic, match="thread sleeps while it holds the lock of kmem_map, a mutex"):
            m.run()
        assert m.dead

    def test_a_cell_may_keep_a_sleep_lock_but_no_mutex(self, m):
        with pytest.raises(vm.Refused, match="mutex"):
            m.kmem.kmem_map.lock()
        m.kmem.pipe_map.lock()
        assert m.kmem.pipe_map.locked_by == ""
        with pytest.raises(Stuck, match="the lock of pipe_map, which the cell has"):
            m.kmem_alloc_wait("4 KiB", map="pipe_map")
        m.kmem.pipe_map.unlock()
        assert m.kmem_alloc_wait("4 KiB", map="pipe_map")

    def test_only_who_has_a_lock_lets_go_of_it(self, m):
        with pytest.raises(vm.Refused, match="it is free"):
            m.kmem.pipe_map.unlock()

        def keeps():
            yield from m.kmem.pipe_map.lock()
            yield from m.tsleep("disk")

        m.spawn(keeps, name="keeper")
        m.run()
        with pytest.raises(vm.Refused, match="keeper holds it"):
            m.kmem.pipe_map.unlock()
        m.kill("keeper")
        assert m.kmem.pipe_map.locked_by is None

    @pytest.mark.parametrize("name", ["pipe_map", "kmem_map"])
    def test_a_thread_that_ends_with_a_lock_is_told_and_the_lock_is_free(self, m, name):
        m.spawn(m.kmem.maps[name].lock, name="keeper")
        with pytest.raises(vm.CallbackFailed, match=f"thread 'keeper' ended with the lock of {name}"):
            m.run()
        assert m.kmem.maps[name].locked_by is None
        m.check()


class TestEnding:
    def test_who_catches_everything_is_ended_all_the_same(self, m):
        go_on = [True]

        def stubborn():
            while go_on:
                with suppress(BaseException):
                    yield from m.tsleep("x", ticks=1)

        m.spawn(stubborn)
        m.run(until=5)
        with pytest.warns(RuntimeWarning, match="ignored GeneratorExit"):
            m.kill("stubborn")
        assert len(m.threads) == 1
        go_on.clear()  # Python ends it once more when it lets go of it
        m.check()

    def test_an_exception_that_is_caught_does_not_hold_up_the_count(self, m):
        def spins():
            while True:
                with suppress(Exception):
                    exec("while True: pass")
            yield

        m.spawn(spins)
        with pytest.raises(vm.CallbackFailed, match="turns of loops and calls of functions without waiting"):
            m.run()

    def test_what_it_does_when_it_is_ended_is_bounded_and_can_not_wait(self, m):
        def waits_at_the_end():
            try:
                yield from m.tsleep("x")
            finally:
                yield from m.kmem_alloc("4 KiB")

        def spins_at_the_end():
            try:
                yield from m.tsleep("x")
            finally:
                exec("while True: pass")

        size = m.kmem.kernel_map.size
        for body in waits_at_the_end, spins_at_the_end:
            m.spawn(body)
            m.run()
            with pytest.warns(RuntimeWarning, match="when it was ended"):
                m.kill(body.__name__)
        assert m.kmem.kernel_map.size == size
        m.check()

    def test_the_cell_and_the_daemon_can_not_be_killed(self, m):
        def kills():
            yield from m.tsleep("x", ticks=1)
            m.kill("")

        m.spawn(kills)
        with pytest.raises(vm.CallbackFailed, match="unknown thread ''"):
            m.run()
        with pytest.raises(vm.Refused, match=r"m\.pagedaemon\.stop"):
            m.kill("pagedaemon")
        m.kill(m.spawn(shell, m))


class TestOrder:
    def test_a_seed_gives_another_order_and_always_the_same(self):
        def order(seed):
            m: Any = vm.boot(layout="tiny", seed=seed)
            ended: list[str] = []

            def thread(name):
                yield from m.tsleep("x", ticks=1)
                ended.append(name)

            for name in "abcdef":
                m.spawn(thread, name, name=name)
            m.run()
            return ended, m.branch(len(m.journal) - 1).threads.value() == m.threads.value()

        assert order(0) == (list("abcdef"), True)
        assert order(7) == order(7)
        assert order(7)[1]
        assert len({tuple(order(seed)[0]) for seed in range(1, 9)}) > 1


class TestStopButton:
    def test_between_two_steps_it_stops_the_run_and_the_machine_is_whole(self, m):
        def polls():
            while True:
                yield from m.tsleep("x", ticks=1)
                if m.threads.ticks == 50:
                    signal.raise_signal(signal.SIGINT)

        m.spawn(polls)
        with pytest.raises(KeyboardInterrupt):
            m.run()
        assert m.threads.ticks < 60
        assert not m.dead
        m.check()

    def test_in_a_handler_it_ends_the_call_and_not_the_machine(self):
        m: Any = vm.boot(layout="tiny")
        while m.kmem_malloc(vm.PAGE, vm.M_NOWAIT):
            pass

        @m.on_lowmem
        def slow():
            signal.raise_signal(signal.SIGINT)
            time.sleep(0)

        with pytest.raises(KeyboardInterrupt):
            m.kmem_malloc(vm.PAGE)
        assert (m.dead, m.journal.last.outcome) == (False, "error")
        m.check()

    def test_pressed_while_garbage_is_collected_it_is_not_lost(self, m):
        """A machine that nobody has any more ends its threads wherever Python comes to it."""

        def sleeps():
            yield from old.tsleep("x")

        old: Any = vm.boot(layout="tiny")
        old.spawn(sleeps)
        old.run()
        body = m.task("t").map
        start = body.enter("4 KiB")
        unmap = body.vm_map.unmap

        def press_and_collect(*range_):
            nonlocal old
            signal.raise_signal(signal.SIGINT)
            old = None
            gc.collect()
            unmap(*range_)

        body.vm_map.unmap = press_and_collect
        with pytest.raises(KeyboardInterrupt):
            body.remove(start, size="4 KiB")
        m.check()


def test_a_thread_that_has_ended_stays_ended_when_what_came_later_is_undone(m):
    m.spawn(shell, m, name="sh")
    m.run()
    result = m.threads["sh"].result
    m.history.take_copy()
    m.kernel_map.enter("4 KiB")
    m.kernel_map.enter("4 KiB")
    m.undo()
    m.undo()
    assert (m.threads["sh"].state, m.threads["sh"].result) == ("returned", result)
