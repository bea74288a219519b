"""Searches by a learner's function: for the first operation after which it is true, or for a change of its value.

The function may only read.  It gets a machine rebuilt to the state after an operation, and so reads the values at that
point.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ...base.errors import CallbackFailed, KernelError, Refused, in_ascii, shown
from ...base.interrupts import INTERRUPT
from ...base.journal import Operation
from ...base.progress import Progress
from ...base.units import counted
from ..history import History
from ..system import System

MEANS = "write a function that reads the machine that it receives, such as lambda m: len(m.kernel_map) > 4"


class NotThere:
    """The value of a function if the machine refuses the function's request."""

    @in_ascii
    def __repr__(self) -> str:
        return "nothing to look at"


NOT_THERE = NotThere()


class Turn(NamedTuple):
    """An operation that changed a function's value from `before` to `after`."""

    operation: Operation
    before: Any
    after: Any

    @in_ascii
    def __repr__(self) -> str:
        seen = f"f is {shown(self.before)} before it, and {shown(self.after)} after it"
        return f"{self.operation}\n{seen}; it may have changed elsewhere too"


class Question:
    """A learner's function of a machine; `name` is the search that calls it."""

    def __init__(self, name: str, function: Any) -> None:
        if not callable(function):
            raise Refused(f"{name}({shown(function)}): {MEANS}")
        self._name = name
        self._function = function
        self._changes = f"{name}(f): f calls an operation, and it may only look; {MEANS}"
        self.refusals = 0
        self.refused = ""
        """The machine's latest refusal of a request by the function."""

    def ask(self, machine: Any) -> Any:
        """Return the function's value for a machine; :data:`NOT_THERE` if it asks for something that does not exist.

        Raises Refused if the function changes something, and CallbackFailed if it fails.
        """
        number = machine.journal.last.number
        try:
            with machine.door.closed(self._changes), INTERRUPT.window(open_=True):
                found = self._function(machine)
        except (Refused, KernelError) as error:
            if f"{error}" in (self._changes, machine.door.only_to_look_at):
                raise Refused(self._changes) from None
            self.refusals, self.refused, found = self.refusals + 1, f"{error}", NOT_THERE
        except Exception as error:
            raise CallbackFailed(f"{self._name}(f): {self._failed(number, error)}") from error
        if machine.journal.incomplete:
            raise Refused(f"{self._name}(f): f changes the machine, but may only look at it; {MEANS}")
        return found

    def is_true(self, machine: Any) -> bool:
        """Return whether a value from the function counts as true."""
        found = self.ask(machine)
        try:
            return found is not NOT_THERE and bool(found)
        except Exception as error:
            raise CallbackFailed(f"{self._name}(f): {self._failed(machine.journal.last.number, error)}") from error

    def differ(self, one: Any, other: Any, number: int) -> bool:
        """Return whether two answers differ; the later answer is from after operation `number`."""
        if one is NOT_THERE or other is NOT_THERE:
            one, other = one is not NOT_THERE and bool(one), other is not NOT_THERE and bool(other)
        try:
            return bool(one != other)
        except Exception as error:
            raise CallbackFailed(f"{self._name}(f): {self._failed(number, error)}") from error

    def _failed(self, number: int, error: BaseException) -> str:
        return f"f failed after operation {number}: {type(error).__name__}: {error}"

    @property
    def why_never(self) -> str:
        """The addition to the message of a failed search: the machine's refusal of the request."""
        if not self.refusals:
            return ""
        return f"; {counted(self.refusals, 'time')} it asked for what was not there, the last time: {self.refused}"


def check_progress(progress: object) -> None:
    """Refuse what is to be called during a search, and can't be called."""
    if progress is not None and not callable(progress):
        raise Refused(f"progress={shown(progress)}: pass a function of two numbers, the operations done and the total")


def first(history: History, function: Any, progress: Progress | None) -> Operation:
    """Return the first operation after which a function is true; each operation is checked once."""
    check_progress(progress)
    question, journal = Question("first", function), history.journal

    def look(system: System) -> bool:
        if progress is not None:
            progress(system.journal.last.number + 1, len(journal))
        return question.is_true(system.machine)

    with history.door.closed(question._changes):
        found = history.search(look)
    if found is not None:
        return journal[found]
    none = f"first(f): f is true after none of {counted(len(journal), 'operation')}"
    raise Refused(f"{none}{question.why_never}")


def turned(history: History, function: Any) -> Turn:
    """Return an operation that changes the value of a function, between two points where the value differs.

    The history is bisected at its copies, and the part between two copies is replayed.
    """
    question, journal = Question("turned", function), history.journal
    low, high = 0, len(journal) - 1

    def at(number: int) -> Any:
        return question.ask(history.at(number))

    with history.door.closed(question._changes):
        before, after = at(low), at(high)
        if not question.differ(before, after, high):
            one, other = _said(before), _said(after)
            both = f"f {one} after the boot and now" if one == other else f"f {one} after the boot and {other} now"
            same = f"turned(f): {both}, which is not a change; m.first(f) looks at every operation"
            raise Refused(f"{same}{question.why_never}")
        while True:
            middle = (low + high) // 2
            kept = [number for number in history.cheap() if low < number < high]
            if not kept:
                break
            number = min(kept, key=lambda one: abs(one - middle))
            found = at(number)
            if question.differ(before, found, number):
                high = number
            else:
                low, before = number, found
        return _between(history, question, low, high)


def _said(found: Any) -> str:
    """Return the value of a function as the end of a sentence, from its verb on."""
    return "has nothing to look at" if found is NOT_THERE else f"is {shown(found)}"


def _between(history: History, question: Question, low: int, high: int) -> Turn:
    """Return the first operation after `low`, up to `high`, that changes the function's value."""
    seen: list[Any] = []

    def look(system: System) -> bool:
        seen.append(question.ask(system.machine))
        if len(seen) > 1 and question.differ(seen[0], seen[1], system.journal.last.number):
            return True
        del seen[:-1]
        history.note(system)
        return False

    found = history.search(look, low, high)
    if found is not None:
        return Turn(history.journal[found], *seen)
    raise CallbackFailed("turned(f): f returns another value at each call for the same machine")
