from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.kernel.kmems import Kernel
from vmwidgets.engine.base.errors import KernelPanic, Refused
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.kmem import M_NOWAIT, M_WAITOK, Kmem
from vmwidgets.engine.kernel.threads.scheduler import Scheduler, Stuck
from vmwidgets.engine.kernel.threads.threads_schema import ThreadsValue
from vmwidgets.engine.kernel.threads.waits import EWOULDBLOCK, ChannelWait, Running, TimedWait


def bare(seed=0):
    scheduler = Scheduler(Recorder(), Running())
    scheduler.draw_from(seed)
    return scheduler


def with_kernel(**sizes):
    kernel = Kernel(**sizes)
    scheduler = Scheduler(kernel.recorder, kernel.kmem.running)
    kernel.kmem.wakeup = scheduler.wakeup_map
    kernel.kmem.pages.freed = scheduler.wakeup_pages
    return kernel, scheduler


def napper(log, name, naps, ticks=1):
    for nap in range(naps):
        log.append((name, nap))
        yield TimedWait("nap", ticks)
    return name


class TestOrder:
    def test_without_seed_it_is_the_order_of_becoming_ready(self):
        log, scheduler = [], bare()
        for name in "abc":
            scheduler.spawn(name, napper(log, name, 2))
        scheduler.run()
        assert log == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("b", 1), ("c", 1)]

    def test_threads_are_numbered_in_the_order_of_their_creation(self):
        scheduler = bare()
        made = [scheduler.spawn(name, napper([], name, 1)).value() for name in "cab"]
        shown = ThreadsValue.of(reversed(made), 0, 100, ())
        assert [one.name for one in shown.threads] == ["c", "a", "b"]

    @given(seed=st.integers(1, 10**6))
    def test_a_seed_gives_one_order_that_is_always_the_same(self, seed):
        logs = []
        for _ in range(2):
            log, scheduler = [], bare(seed)
            for name in "abcd":
                scheduler.spawn(name, napper(log, name, 3))
            scheduler.run()
            logs.append(log)
        assert logs[0] == logs[1]
        assert sorted(logs[0]) == [(name, nap) for name in "abcd" for nap in range(3)]

    def test_different_seeds_give_different_orders(self):
        orders = set()
        for seed in range(1, 20):
            log, scheduler = [], bare(seed)
            for name in "abcd":
                scheduler.spawn(name, napper(log, name, 1))
            scheduler.run()
            orders.add(tuple(log))
        assert len(orders) > 5


class TestClock:
    def test_it_goes_on_only_when_told_or_when_all_sleep(self):
        log, scheduler = [], bare()
        thread = scheduler.spawn("a", napper(log, "a", 1, ticks=10))
        scheduler.step()
        assert (scheduler.ticks, scheduler.step()) == (0, None)
        scheduler.tick(9)
        assert scheduler.step() is None
        scheduler.tick()
        assert scheduler.step() is thread
        assert (thread.state, thread.result) == ("returned", "a")

    def test_the_earliest_timer_is_first(self):
        log, scheduler = [], bare()
        for name, ticks in (("slow", 30), ("quick", 10)):
            scheduler.spawn(name, napper(log, name, 2, ticks))
        scheduler.step()
        scheduler.step()
        scheduler.tick(100)
        scheduler.run()
        assert [name for name, _ in log[2:]] == ["quick", "slow"]

    def test_a_sleeper_learns_whether_it_was_woken_or_its_time_was_up(self):
        def sleeper():
            return (yield ChannelWait("door", "wait", 5))

        scheduler = bare()
        woken, late = scheduler.spawn("woken", sleeper()), scheduler.spawn("late", sleeper())
        scheduler.step()
        assert scheduler.wakeup("window") == 0
        assert scheduler.wakeup("door") == 1
        scheduler.run()
        assert (woken.result, late.result, scheduler.ticks) == (0, EWOULDBLOCK, 5)

    def test_it_does_not_go_back(self):
        with pytest.raises(Refused, match="does not go back"):
            bare().tick(-1)


class TestBadThreads:
    def test_one_that_raises_ends_alone(self):
        def faulty():
            yield TimedWait("nap", 1)
            raise ZeroDivisionError

        log, scheduler = [], bare()
        thread = scheduler.spawn("faulty", faulty())
        other = scheduler.spawn("other", napper(log, "other", 3))
        scheduler.run()
        assert (thread.state, other.result) == ("failed", "other")
        with pytest.raises(ZeroDivisionError):
            scheduler.finish(thread)

    def test_one_that_yields_nonsense_is_told_so(self):
        def babbler():
            yield 5

        scheduler = bare()
        thread = scheduler.spawn("babbler", babbler())
        with pytest.raises(Refused, match="thread babbler yielded 5"):
            scheduler.finish(thread)

    def test_one_that_never_ends_is_given_up(self):
        log, scheduler = [], bare()
        scheduler.spawn("endless", napper(log, "endless", 10**9))
        with pytest.raises(Stuck, match="after 100 steps"):
            scheduler.run(steps=100)

    def test_one_that_is_interrupted_is_over_and_the_interrupt_goes_on(self):
        def interrupted():
            raise KeyboardInterrupt
            yield

        scheduler = bare()
        thread = scheduler.spawn("interrupted", interrupted())
        with pytest.raises(KeyboardInterrupt):
            scheduler.run()
        assert (thread.state, scheduler.running.thread) == ("failed", "")

    @pytest.mark.parametrize("call", [None, 5, lambda: None, iter([])])
    def test_what_is_no_generator_is_refused(self, call):
        scheduler = bare()
        with pytest.raises(Refused, match="give a generator"):
            scheduler.spawn("odd", call)
        assert not scheduler.threads

    def test_names_are_given_once(self):
        scheduler = bare()
        scheduler.spawn("a", napper([], "a", 1))
        with pytest.raises(Refused, match="there is already a thread with this name"):
            scheduler.spawn("a", napper([], "a", 1))


class TestKernel:
    def test_sleepers_for_room_are_woken_together_and_look_in_their_order(self):
        kernel, scheduler = with_kernel(execs=4)
        first = kernel.do(Kmem.kmem_alloc_wait, kernel.exec_map, 4 * PAGE)
        for name, size in (("large", 3), ("small", 2)):
            scheduler.spawn(name, kernel.kmem.kmem_alloc_wait(kernel.exec_map, size * PAGE))
        scheduler.run()
        assert [(one.state, one.waits_for) for one in (thread.value() for thread in scheduler.threads.values())] == [
            ("asleep", "room in exec_map")
        ] * 2
        kernel.do(Kmem.kmem_free_wakeup, kernel.exec_map, first, 2 * PAGE)
        assert [one.state for one in (thread.value() for thread in scheduler.threads.values())] == ["ready", "ready"]
        scheduler.run()
        assert [one.state for one in (thread.value() for thread in scheduler.threads.values())] == [
            "asleep",
            "returned",
        ]
        assert scheduler.threads["small"].result == first
        kernel.check()

    def test_freed_pages_wake_who_waits_for_them(self):
        kernel, scheduler = with_kernel(pages=20)
        held = kernel.do(Kmem.kmem_malloc, kernel.kmem_map, 17 * PAGE, M_NOWAIT)
        waiter = scheduler.spawn("waiter", kernel.kmem.kmem_alloc(kernel.kernel_map, 2 * PAGE))
        scheduler.run()
        assert waiter.value().waits_for == "free pages"
        kernel.do(Kmem.kmem_free, kernel.kmem_map, held, 17 * PAGE)
        assert scheduler.finish(waiter)
        kernel.check()

    def test_the_retry_loop_takes_nine_seconds_and_panics(self):
        kernel, scheduler = with_kernel()
        thread = scheduler.spawn("malloc", kernel.kmem.kmem_malloc(kernel.kmem_map, 65 * PAGE, M_WAITOK))
        with pytest.raises(KernelPanic, match="kmem_map too small"):
            scheduler.finish(thread)
        assert scheduler.ticks == 9000

    def test_what_nobody_can_wake_is_an_error_that_says_who_waits_for_what(self):
        kernel, scheduler = with_kernel(execs=4)
        first = kernel.do(Kmem.kmem_alloc_wait, kernel.exec_map, PAGE)
        thread = scheduler.spawn("cell", kernel.kmem.kmem_alloc_wait(kernel.exec_map, 4 * PAGE))
        with pytest.raises(Stuck, match=r"cell can't finish, .*: cell waits for room in exec_map") as stuck:
            scheduler.finish(thread)
        assert stuck.value.cycle == ()
        kernel.do(Kmem.kmem_free_wakeup, kernel.exec_map, first, PAGE)
        assert scheduler.finish(thread) == first, "it stayed asleep and can still be woken"

    def test_others_go_on_while_one_is_waited_for(self):
        kernel, scheduler = with_kernel(execs=4)
        first = kernel.do(Kmem.kmem_alloc_wait, kernel.exec_map, 4 * PAGE)

        def helper():
            yield TimedWait("soon", 7)
            yield from kernel.kmem.kmem_free_wakeup(kernel.exec_map, first, PAGE)

        scheduler.spawn("helper", helper())
        thread = scheduler.spawn("cell", kernel.kmem.kmem_alloc_wait(kernel.exec_map, PAGE))
        assert scheduler.finish(thread) == first
        assert scheduler.ticks == 7


def taker(first, second):
    """Takes two locks, with a nap in between."""
    yield from first.acquire()
    yield TimedWait("nap", 1)
    yield from second.acquire()
    second.release()
    first.release()


def test_two_locks_in_two_orders_are_a_deadlock_that_is_named():
    kernel, scheduler = with_kernel()
    one, two = kernel.exec_map.lock, kernel.kernel_map.lock
    scheduler.spawn("bystander", kernel.kmem.kmem_free(kernel.exec_map, 0, 0))
    thread = scheduler.spawn("a", taker(one, two))
    scheduler.spawn("b", taker(two, one))
    waiting = scheduler.spawn("c", taker(one, two))
    scheduler.run()
    assert (thread.value().holder, waiting.value().holder) == ("b", "a")
    assert scheduler.cycle() == ("c", "a", "b")[1:]
    with pytest.raises(Stuck, match="deadlock: a -> b -> a") as stuck:
        scheduler.finish(thread)
    assert stuck.value.cycle == ("a", "b")
    assert "c waits for the lock of exec_map, which a has" in str(stuck.value)


def test_two_locks_in_one_order_are_none():
    kernel, scheduler = with_kernel()
    one, two = kernel.exec_map.lock, kernel.kernel_map.lock
    threads = [scheduler.spawn(name, taker(one, two)) for name in "abc"]
    scheduler.run()
    assert [thread.state for thread in threads] == ["returned"] * 3
    assert not one.held and not two.held


class Watched(ChannelWait):
    """Counts how often its kind is asked for."""

    looks = 0

    @property  # type: ignore[misc]  # only read
    def __class__(self):
        Watched.looks += 1
        return ChannelWait


def test_freed_pages_cost_nothing_for_those_who_sleep_for_something_else():
    def sleeper():
        yield Watched("door")

    kernel, scheduler = with_kernel()
    held = kernel.do(Kmem.kmem_malloc, kernel.kmem_map, 32 * PAGE, M_NOWAIT)
    for number in range(20):
        scheduler.spawn(f"sleeper {number}", sleeper())
    scheduler.run()
    Watched.looks = 0
    kernel.do(Kmem.kmem_free, kernel.kmem_map, held, 32 * PAGE)
    assert Watched.looks == 0
    assert scheduler.wakeup("door") == 20
