"""The stop button, with real signals: an operation is finished first, and then interrupted."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager

import pytest

from tests.engine.base.counters import Counter
from vmwidgets.engine.base.errors import KernelError, Refused
from vmwidgets.engine.base.interrupts import DeferredInterrupt

PATIENCE = 60
"""Seconds; only so that a lock that is never free does not hold up the tests."""


@pytest.fixture
def counter():
    return Counter()


@pytest.fixture(autouse=True)
def stop_works_afterwards():
    """Whatever happened, the next press outside of operations interrupts as it did before."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    with pytest.raises(KeyboardInterrupt):
        press_stop()
    signal.signal(signal.SIGINT, signal.default_int_handler)


def press_stop():
    signal.raise_signal(signal.SIGINT)


def test_an_interrupt_in_the_middle_waits_for_the_end(counter):
    counter.between = press_stop
    with pytest.raises(KeyboardInterrupt):
        counter.add(1)
    counter.check()
    assert (counter.left, len(counter.door.journal)) == (1, 1)
    counter.between = lambda: None
    assert counter.add(1) == 2, "the next operation is not interrupted again"


def test_many_presses_interrupt_once(counter):
    counter.between = lambda: [press_stop() for _ in range(5)]
    with pytest.raises(KeyboardInterrupt):
        counter.add(1)
    counter.between = lambda: None
    counter.add(1)
    counter.check()


def add_for_long(counter):
    for _ in range(10**7):
        counter.add(1)


@pytest.mark.usefixtures("without_collector")
def test_an_interrupt_by_a_timer_in_a_long_run_leaves_whole_operations(counter):
    """The signal comes from outside, wherever the loop happens to be."""
    counter.between = lambda: sum(range(300))
    previous = signal.signal(signal.SIGALRM, lambda *_: press_stop())
    try:
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012  the press has to come in here
            signal.setitimer(signal.ITIMER_REAL, 0.02)  # in here: a busy computer may be slow
            add_for_long(counter)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    counter.check()
    assert counter.left == len(counter.door.journal)


def test_an_interrupt_while_an_error_is_on_its_way_is_not_lost(counter):
    def between():
        press_stop()

    counter.between = between
    with pytest.raises(KeyboardInterrupt) as caught:
        counter.fail()
    assert isinstance(caught.value.__context__, KernelError)
    assert counter.door.journal.last.outcome == "error"
    assert (counter.door.busy, counter.recorder.emit) == (False, None)


def test_listeners_are_told_before_the_interrupt_takes_effect(counter):
    told = []
    counter.between = press_stop
    counter.door.listeners.append(lambda: told.append(counter.left))
    with pytest.raises(KeyboardInterrupt):
        counter.add(1)
    assert told == [1]


def test_an_interrupt_while_listeners_are_told_waits_for_them(counter):
    told = []
    counter.door.listeners += [press_stop, lambda: told.append(counter.left)]
    with pytest.raises(KeyboardInterrupt):
        counter.add(1)
    assert told == [1]


def test_a_listener_that_fails_gives_the_handler_back(counter):
    def listener():
        raise ZeroDivisionError

    counter.door.listeners.append(listener)
    with pytest.raises(ZeroDivisionError):
        counter.add(1)
    with pytest.raises(KeyboardInterrupt):
        press_stop()


def test_a_listener_with_an_operation_of_its_own_gives_the_handler_back(counter):
    def once():
        counter.door.listeners.clear()
        counter.add(10)

    counter.door.listeners.append(once)
    counter.add(1)
    with pytest.raises(KeyboardInterrupt):
        press_stop()
    counter.add(1)
    with pytest.raises(KeyboardInterrupt):
        press_stop()


def test_an_interrupt_in_a_listeners_operation_is_not_lost(counter):
    def once():
        counter.door.listeners.clear()
        counter.between = press_stop
        counter.add(10)

    counter.door.listeners.append(once)
    with pytest.raises(KeyboardInterrupt):
        counter.add(1)
    assert (counter.left, counter.right) == (11, 11)


def test_an_interrupt_before_the_inner_operation_is_not_forgotten(counter):
    """Pressed while a listener runs, before that begins an operation of its own."""

    def once():
        counter.door.listeners.clear()
        press_stop()
        counter.add(10)

    counter.door.listeners.append(once)
    with pytest.raises(KeyboardInterrupt):
        counter.add(1)
    assert counter.left == counter.right


def test_two_machines_inside_each_other_keep_it_too(counter):
    other = Counter()
    counter.between = lambda: (press_stop(), other.add(1))
    with pytest.raises(KeyboardInterrupt):
        counter.add(1)
    counter.check()
    other.check()


def test_refusals_give_the_handler_back(counter):
    for _ in range(3):
        with pytest.raises(Refused):
            counter.add(0)
    with pytest.raises(KeyboardInterrupt):
        press_stop()


def test_in_other_threads_signals_are_left_alone(counter):
    handlers = []
    counter.between = lambda: handlers.append(signal.getsignal(signal.SIGINT))
    thread = threading.Thread(target=lambda: counter.add(1))
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]


def test_a_handler_of_somebody_elses_is_put_back(counter):
    calls = []
    previous = signal.signal(signal.SIGINT, lambda *_: calls.append(1))
    try:
        counter.add(1)
        press_stop()
        assert calls == [1]
    finally:
        signal.signal(signal.SIGINT, previous)


def test_a_handler_that_passes_the_signal_on_is_not_called_for_ever(counter):
    """It was put in the place of ours, and hands every signal to the one it found."""
    counter.add(1)
    found, calls = signal.getsignal(signal.SIGINT), []

    def handler(number, frame):
        calls.append(number)
        found(number, frame)  # type: ignore[operator]

    signal.signal(signal.SIGINT, handler)
    counter.add(1)
    with pytest.raises(KeyboardInterrupt):
        press_stop()
    assert len(calls) == 1
    counter.between = press_stop
    with pytest.raises(KeyboardInterrupt):
        counter.add(1)
    counter.check()


def test_an_ignored_signal_stays_ignored(counter):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    counter.add(1)
    press_stop()
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def door_held(counter):
    """Another Python thread is in the middle of an operation: lets it go on, and says whether it is done."""
    inside, leave, done = threading.Event(), threading.Event(), threading.Event()

    def stay():
        counter.between = lambda: None
        inside.set()
        leave.wait(PATIENCE)

    def work():
        counter.between = stay
        counter.add(1)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait(PATIENCE)
    try:
        yield leave, done
    finally:
        leave.set()
        thread.join(PATIENCE)


def stop_soon():
    """The stop button is pressed while the main thread waits for something."""

    def press():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    timer = threading.Timer(0.1, press)
    timer.start()
    return timer


def test_an_interrupt_while_another_thread_operates_comes_at_once_and_nothing_is_done(counter):
    with door_held(counter) as (_, done):
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012  the press has to come in here
            stop_soon()
            counter.add(10)
        assert not done.is_set(), "the other operation is still under way"
    assert done.is_set()
    assert (counter.left, len(counter.door.journal)) == (1, 1)
    assert counter.add(1) == 2


def test_a_look_that_waits_is_interrupted_at_once(counter):
    with door_held(counter) as (_, done):
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012  the press has to come in here
            stop_soon()
            with counter.door.looking():
                pass
        assert not done.is_set()
    assert counter.add(1) == 2


def test_without_an_interrupt_the_wait_ends_with_the_other_operation(counter):
    with door_held(counter) as (leave, _):
        threading.Timer(0.1, leave.set).start()
        assert counter.add(10) == 11
    counter.check()


def test_a_wait_in_the_middle_of_another_machines_operation_is_not_interrupted(counter):
    """That one is under way, and would be cut in half."""
    other = Counter()

    def between():
        press_stop()
        threading.Timer(0.2, leave.set).start()
        counter.add(10)

    with door_held(counter) as (leave, _):
        other.between = between
        with pytest.raises(KeyboardInterrupt):
            other.add(1)
    other.check()
    assert (counter.left, counter.right) == (11, 11)


@pytest.mark.usefixtures("without_collector")
def test_interrupts_at_any_moment_of_a_contended_door_leave_it_whole_and_free(counter):
    """Signals of a timer, while another thread takes the door again and again."""
    over, interrupts, armed = threading.Event(), 0, False

    def work():
        while not over.is_set():
            counter.add(1)

    def press_once(*_):
        nonlocal armed
        if armed:
            armed = False
            press_stop()

    def look_and_add():
        nonlocal armed
        armed = True
        with counter.door.looking():
            pass
        counter.add(1)
        armed = False

    thread = threading.Thread(target=work)
    counter.between = lambda: sum(range(50))
    previous = signal.signal(signal.SIGALRM, press_once)
    thread.start()
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    try:
        while interrupts < 200:
            try:
                look_and_add()
            except KeyboardInterrupt:  # noqa: PERF203  each is one
                interrupts += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        over.set()
        thread.join(PATIENCE)
    assert not thread.is_alive(), "the lock was not left with the main thread"
    counter.check()
    assert counter.left == len(counter.door.journal)


def test_release_without_hold_does_nothing():
    DeferredInterrupt().release()
