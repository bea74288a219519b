"""The guard against loops without an end: it counts steps, stops at the same one each time, and leaves tools alone."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine import endless
from vmwidgets.engine.machine.learners import callbacks
from vmwidgets.engine.machine.learners.runaway import Runaway, bounded

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 120
"""Seconds; only so that a guard that fails does not hold up the tests."""


@pytest.mark.parametrize("name", endless.LOOPS)
def test_each_loop_is_stopped_first_thing_in_a_process_and_later(name):
    command = [sys.executable, "-m", "tests.engine.machine.endless", name]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True)
    lines = answer.stdout.splitlines()
    assert lines[0] == f"{name} True"
    assert sorted(lines) == sorted(f"{loop} True" for loop in endless.LOOPS)


THREAD = """
import vmwidgets as vm

m = vm.boot(layout="tiny")

def spins():
    while True: pass

m.spawn(spins)
try:
    m.run()
except vm.CallbackFailed as failed:
    print(failed)
m.check()
"""


def test_a_thread_is_stopped_first_thing_in_a_process():
    command = [sys.executable, "-c", THREAD]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert answer.stdout.startswith("thread 'spins' failed: it made more than 1,000,000 turns of loops and calls")


def test_a_handler_is_stopped():
    m: Any = vm.boot(layout="tiny")

    @m.on_lowmem
    def spins():
        while True:
            pass

    while m.kmem_malloc(vm.PAGE, vm.M_NOWAIT):
        pass
    with pytest.raises(vm.CallbackFailed, match="handler 'spins' failed: it made more than 1,000,000 turns"):
        m.kmem_malloc(vm.PAGE)
    m.check()


def turns(most):
    """How many turns a loop makes that is allowed `most` steps, of which its function's call is one."""
    made = 0

    def loop():
        nonlocal made
        while True:
            made += 1

    with pytest.raises(Runaway), bounded(most):
        loop()
    return made


def test_the_same_code_stops_at_the_same_step():
    assert [turns(1000) for _ in range(3)] == [1000] * 3
    assert turns(10) == 10


def test_what_makes_no_more_steps_than_it_may_is_not_stopped():
    def loop():
        for _ in range(98):
            pass

    with bounded(100):
        loop()


def test_each_go_has_all_steps():
    def generator():
        while True:
            for _ in range(50):
                pass
            yield

    body = generator()
    for _ in range(20):
        with bounded(100):
            next(body)


def test_nothing_is_counted_afterwards():
    with suppress(Runaway), bounded(10):
        endless.an_empty_loop()
    assert sum(1 for _ in range(1000)) == 1000


def test_an_inner_bound_draws_on_the_outer_ones_steps():
    made = []

    def outer():
        while True:
            with bounded(10**9):
                made.append([0 for _ in range(100)])

    with pytest.raises(Runaway), bounded(1000):
        outer()
    assert 4 < len(made) <= 10


def test_the_bound_holds_after_an_inner_one_was_caught():
    def outer():
        with suppress(Runaway), bounded():
            endless.an_empty_loop()
        endless.counting_up()

    with pytest.raises(Runaway), bounded(1000):
        outer()


def few_steps(monkeypatch, most):
    monkeypatch.setattr(callbacks, "bounded", lambda: bounded(most))


def test_what_an_operation_does_inside_is_not_counted(monkeypatch):
    few_steps(monkeypatch, 10_000)
    m: Any = vm.boot(layout="tiny")

    def enters_and_removes():
        for _ in range(100):
            m.kernel_map.remove(m.kernel_map.enter("4 KiB"), size="4 KiB")

    m.spawn(enters_and_removes)
    m.run()
    assert m.threads["enters_and_removes"].state == "returned"
    m.check()


def test_what_a_look_does_is_counted(monkeypatch):
    few_steps(monkeypatch, 1000)
    m: Any = vm.boot(layout="tiny")
    seen = 0

    def looks():
        nonlocal seen
        for _ in range(900):
            m.kernel_map.entries()
            seen += 1

    m.spawn(looks)
    with pytest.raises(vm.CallbackFailed, match="turns of loops"):
        m.run()
    assert 0 < seen < 500
    m.check()


def test_a_tracer_stays_and_sees_what_it_saw():
    seen = []

    def trace(frame, event, argument):
        if frame.f_code is loop.__code__:
            seen.append(event)
        return trace

    def loop():
        for _ in range(5):
            pass

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with bounded(1000):
            loop()
        kept = sys.gettrace()
    finally:
        sys.settrace(before)
    assert kept is trace
    assert (seen[0], seen[-1]) == ("call", "return")
    assert seen.count("line") >= 10


def test_a_debugger_that_is_started_in_the_code_stays():
    def trace(frame, event, argument):
        return None

    before = sys.gettrace()
    try:
        with bounded(1000):
            sys.settrace(trace)
        kept = sys.gettrace()
    finally:
        sys.settrace(before)
    assert kept is trace


def test_a_generators_frame_is_left_as_it_was_for_a_debugger():
    def generator():
        while True:
            yield

    body = generator()
    with bounded(1000):
        next(body)
    frame: Any = body.gi_frame
    assert (frame.f_trace_lines, frame.f_trace_opcodes) == (True, False)


def test_with_every_place_for_tools_taken_the_code_runs_uncounted():
    """Six tools at once from Python 3.12 on; before, the one trace function."""
    monitoring: Any = getattr(sys, "monitoring", None)
    before = sys.gettrace()
    taken = [tool for tool in range(6) if monitoring.get_tool(tool) is None] if monitoring else []
    for tool in taken:
        monitoring.use_tool_id(tool, f"test {tool}")
    if not monitoring:
        sys.settrace(lambda *_: None)
    try:
        with bounded(10):
            made = sum(1 for _ in range(1000))
    finally:
        for tool in taken:
            monitoring.free_tool_id(tool)
        sys.settrace(before)
    assert made == 1000
    assert turns(10) == 10


def test_no_place_for_tools_stays_taken():
    monitoring: Any = getattr(sys, "monitoring", None)

    def tools():
        return [monitoring.get_tool(tool) for tool in range(6)] if monitoring else []

    before = tools()
    turns(10)
    assert tools() == before


def swallows_calls(k):
    while True:
        with suppress(BaseException):
            k.kmem_alloc("4 KiB")


SWALLOWS = """
def loop(k):
    while True:
        try:
            {call}
        except:
            pass
"""


def swallower(call):
    space = {}
    exec(SWALLOWS.format(call=call), space)
    return space["loop"]


@pytest.mark.parametrize(
    "loop", [swallows_calls, pytest.param(swallower('k.kmem_alloc("4 KiB")'), marks=pytest.mark.sweep)]
)
def test_a_loop_that_swallows_whatever_is_raised_in_it_ends_too(loop):
    """It is stopped at the jump to its next turn, which no `try` inside of it covers."""
    k: Any = vm.boot(layout="tiny")
    k.spawn(loop, k, name="t")
    with pytest.raises(vm.CallbackFailed, match="without waiting for anything"):
        k.run()
    k.check()
