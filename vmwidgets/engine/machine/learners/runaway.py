"""A limit on the steps of a learner's code before it waits, so that it can't block a cell.

The limit is a number of steps, not a time: the same code stops at the same place every time. A step is a turn of a loop
or a call of a Python function. All endless code makes steps, except for loops inside functions written in C
(``list(itertools.count())``).

Code of this package is never stopped. Its steps count while it only reads the machine, since that may take long; steps
inside an operation don't count.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dis import get_instructions, hasjabs, hasjrel
from functools import lru_cache
from os.path import dirname, sep
from threading import Lock, get_ident
from types import CodeType, FrameType
from typing import Any

MOST_STEPS = 1_000_000
"""The most turns of loops and calls of functions that a thread or handler may make in one go."""

MOST_CALLS = 50_000
"""The most operations that a thread or handler may call in one go; each of them makes about twenty steps before it
begins."""

TOOLS = (4, 3, 5, 2, 1, 0)
"""The IDs of `sys.monitoring`, beginning with IDs that other tools usually do not use."""


class Runaway(BaseException):
    """Raised if a learner's code does not end; no ``except Exception`` of its own catches this."""


class _Budget:
    """The number of steps that the code in one Python thread may still make."""

    __slots__ = ("counting", "left", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self.left = most
        self.counting = False

    def spend(self, code: CodeType) -> None:
        """Count a step; raises :class:`Runaway` in code that may be stopped if no step is left."""
        self.left -= 1
        if self.left < 0 and not _ours(code):
            raise Runaway(
                f"it made more than {self.most:,} turns of loops and calls of functions without waiting for anything"
            )


_budgets: dict[int, _Budget] = {}
"""The remaining steps of each Python thread in which learners' code runs."""


def _ours(code: CodeType) -> bool:
    return code.co_filename.startswith(_PACKAGE)


_PACKAGE = dirname(dirname(dirname(_ours.__code__.co_filename))) + sep  # noqa: PTH120  as text, this runs at each step


class bounded:  # noqa: N801  used as a function
    """Stop the code in this block after a number of steps.

    Nested blocks also use up the steps of the outer block.  Before Python 3.12, nothing is counted while a debugger or
    a coverage tool traces, since there is only one trace function; from 3.12 on, both work side by side.

    This is a class and not a generator function: the steps of `contextlib` would be counted, and stopped.
    """

    __slots__ = ("_most", "_outer")

    def __init__(self, most: int = MOST_STEPS) -> None:
        self._most = most

    def __enter__(self) -> None:
        me = get_ident()
        budget = _budgets.get(me)
        self._outer = None if budget is None else budget.counting
        if budget is None:
            # Set before the watch begins and until it has ended: if a machine is garbage-collected meanwhile, its
            # threads end within these bounds, and begin no watch of their own.
            budget = _budgets[me] = _Budget(self._most)
            if not _WATCH.begin():
                del _budgets[me]
                return
        budget.counting = True

    def __exit__(self, *error: object) -> None:
        me = get_ident()
        budget = _budgets.get(me)
        if budget is None:
            return
        if self._outer is None:
            budget.counting = False
            _WATCH.end()
            del _budgets[me]
        else:
            budget.counting = self._outer
            _WATCH.go_on()


def counting(on: bool) -> bool:
    """Count the steps of this Python thread from now on, or no longer; return whether they were counted before."""
    budget = _budgets.get(get_ident())
    if budget is None:
        return False
    before, budget.counting = budget.counting, on
    return before


class _Monitoring:
    """The method for Python 3.12 and newer: `sys.monitoring` reports only turns and calls, alongside other tools."""

    def __init__(self, monitoring: Any) -> None:
        self._monitoring = monitoring
        self._lock = Lock()
        self._threads = 0
        self._tool = 0

    def begin(self) -> bool:
        """Begin to report this Python thread's steps; return false if other tools use all IDs."""
        with self._lock:
            if not self._threads and not self._take():
                return False
            self._threads += 1
            return True

    def _take(self) -> bool:
        monitoring = self._monitoring
        free = [tool for tool in TOOLS if monitoring.get_tool(tool) is None]
        if not free:
            return False
        self._tool, events = free[0], monitoring.events
        monitoring.use_tool_id(self._tool, "vmwidgets")
        monitoring.register_callback(self._tool, events.PY_START, self._called)
        monitoring.register_callback(self._tool, events.PY_RESUME, self._called)
        monitoring.register_callback(self._tool, events.JUMP, self._jumped)
        monitoring.set_events(self._tool, events.PY_START | events.PY_RESUME | events.JUMP)
        return True

    def end(self) -> None:
        """End the reports for this Python thread."""
        with self._lock:
            self._threads -= 1
            if not self._threads:
                self._monitoring.set_events(self._tool, 0)
                self._monitoring.free_tool_id(self._tool)

    def go_on(self) -> None:
        """Do nothing: only :meth:`end` ends the reports."""

    def _called(self, code: CodeType, offset: int) -> None:
        budget = _budgets.get(get_ident())
        if budget is not None and budget.counting:
            budget.spend(code)

    def _jumped(self, code: CodeType, source: int, destination: int) -> Any:
        if destination > source or _ours(code):
            return self._monitoring.DISABLE  # the place never jumps back: it is not reported again
        budget = _budgets.get(get_ident())
        if budget is not None and budget.counting:
            budget.spend(code)
        return None


class _Tracing:
    """The method for earlier Python versions: a trace function, which gets each instruction."""

    def begin(self) -> bool:
        """Trace this Python thread; return false if a tool traces it already."""
        if sys.gettrace() is not None:
            return False
        sys.settrace(_trace_call)
        return True

    def end(self) -> None:
        """Stop tracing; a debugger that was started meanwhile keeps its trace function."""
        if sys.gettrace() is _trace_call:
            sys.settrace(None)

    def go_on(self) -> None:
        """Resume tracing: an error raised by a trace function ends tracing."""
        if sys.gettrace() is None:
            sys.settrace(_trace_call)


def _trace_call(frame: FrameType, event: str, argument: Any) -> Any:
    """Count a call; the next turn of a loop stops code without steps left, since the call may be inside a `try`."""
    budget = _budgets.get(get_ident())
    if budget is None or not budget.counting:
        return None
    budget.left -= 1
    if budget.left < -budget.most:  # no loop has turned: functions written in C make the calls
        budget.spend(frame.f_code)
    if _ours(frame.f_code):
        return None
    frame.f_trace_lines, frame.f_trace_opcodes = False, True
    return _trace_turns(budget, _jumps_back(frame.f_code))


def _trace_turns(budget: _Budget, jumps: frozenset[int]) -> Callable[[FrameType, str, Any], Any]:
    """Count an instruction of one frame: a jump back begins a loop's next turn, and so does a repeated instruction."""
    last = -1

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal last
        if event == "return":  # a generator's frame lives on, and a debugger may trace it
            frame.f_trace_lines, frame.f_trace_opcodes = True, False
        elif event == "opcode":
            here = frame.f_lasti
            if (here in jumps or (here <= last and last not in jumps)) and budget.counting:
                budget.spend(frame.f_code)
            last = here
        return trace

    return trace


@lru_cache(maxsize=256)
def _jumps_back(code: CodeType) -> frozenset[int]:
    """Return the places of the instructions that jump back; an instruction's place is the place of its first prefix."""
    found: set[int] = set()
    prefix = -1
    for one in get_instructions(code):
        if one.opname == "EXTENDED_ARG":
            prefix = one.offset if prefix < 0 else prefix
            continue
        if one.opcode in _JUMPS and isinstance(one.argval, int) and one.argval <= one.offset:
            found |= {one.offset, one.offset if prefix < 0 else prefix}
        prefix = -1
    return frozenset(found)


_JUMPS = frozenset((*hasjrel, *hasjabs))

_WATCH: _Monitoring | _Tracing = _Monitoring(sys.monitoring) if hasattr(sys, "monitoring") else _Tracing()
