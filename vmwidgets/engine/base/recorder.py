"""Recorders: structures report changes to them, and kernel functions report their beginning and end.

A structure holds a :class:`Recorder` and reports through its `emit`.  Without a listener, `emit` is ``None``, and an
event costs only one test::

    emit = recorder.emit
    if emit is not None:
        emit((PageAllocated.tag, frame, order))

A report is a plain tuple: the tag of the event's class, then its fields in order; or a record of several events
(:mod:`.records`).  When a view asks, :func:`materialize` creates the frozen events of :mod:`~vmwidgets.events` from
these tuples.  :func:`kernel_function` reports where a kernel function begins and ends, which gives each event its
function and depth (:class:`CallStacks`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from inspect import Parameter, isgeneratorfunction, signature
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from .errors import KernelError
from .event import EVENTS, ROLES, WRITING, Event, Returned
from .records import BEGAN, RETURNED, Raw, expanded, unpacked

__all__ = [
    "CallStacks",
    "HasRecorder",
    "Raw",
    "Recorder",
    "Unrecorded",
    "expanded",
    "kernel_function",
    "materialize",
    "moves",
]


class Recorder:
    """The recorder that one machine's structures share; a bare structure has a recorder without a listener."""

    __slots__ = ("emit", "stepwise", "stop")

    def __init__(self) -> None:
        self.emit: Callable[[Raw], None] | None = None
        self.stepwise = False
        """Whether an insertion's path down is reported before the new leaf is linked, for listeners that read each
        event.
        """
        self.stop: Callable[[int], bool] | None = None
        """A function called at the safe points of a long operation, when everything below an address is done and
        nothing from there on; it returns whether to stop there, with the rest unchanged.  ``None`` if an operation
        must be finished.
        """

    def report(self, tag: str, *fields: Any) -> None:
        """Report an event in code that need not be fast."""
        if self.emit is not None:
            self.emit((tag, *fields))

    def take_stop(self) -> Callable[[int], bool] | None:
        """Return `stop` for the only loop that uses it, and clear it: functions called by the loop must finish."""
        stop, self.stop = self.stop, None
        return stop

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Hide events from listeners in a ``with`` block, to try out what a structure would do."""
        emit, self.emit = self.emit, None
        try:
            yield
        finally:
            self.emit = emit


class Unrecorded:
    """A listener for periods without recording: `first` is the first event that reports a change.

    >>> from vmwidgets.engine.base.event import Called
    >>> from vmwidgets.engine.kernel.map.map_schema import MapResized
    >>> heard = Unrecorded()
    >>> heard((Called.tag, "vm_map_lookup", ()))
    >>> heard((MapResized.tag, "kernel_map", 0, 4096))
    >>> heard.first
    'MapResized'
    """

    __slots__ = ("first",)

    def __init__(self) -> None:
        self.first = ""

    def __call__(self, raw: Raw) -> None:
        """Receive an event."""
        if not self.first:
            self.first = next((one[0] for one in unpacked((raw,)) if one[0] in WRITING), "")


# ---- kernel functions --------------------------------------------------------------------------


class HasRecorder(Protocol):
    """The first argument of a kernel function; the function reports to this argument's recorder."""

    @property
    def recorder(self) -> Recorder:
        """The listener."""


S = TypeVar("S", bound=HasRecorder)
P = ParamSpec("P")
R = TypeVar("R")


def kernel_function(
    name: str = "", *, first: int | None = None, errors: bool = False
) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Make a function report its calls as a kernel function's, with arguments and results.

    It decorates functions, methods and generators (functions that may sleep) whose first argument has a `recorder`.
    `name` is the kernel's name; by default, it is the function's own, without a leading underscore.  If `first` is
    given, only this many positional arguments are reported.  Structures are reported as their `in_events()`, or by
    name.  With `errors`, a kernel error counts as a result: its name is reported.  Without a listener, a call costs one
    more test.

    >>> class Map:
    ...     recorder = Recorder()
    ...
    ...     @kernel_function("vm_map_enter", first=1)
    ...     def enter(self, start: int, size: int) -> int:
    ...         return start + size
    >>> seen: list[Raw] = []
    >>> Map.recorder.emit = seen.append
    >>> Map().enter(4096, 8192), list(unpacked(seen))
    (12288, [('Called', 'vm_map_enter', (4096,)), ('Returned', 12288)])
    """

    def mark(function: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        called = name or function.__name__.removeprefix("_")
        return cast("Callable[Concatenate[S, P], R]", wraps(function)(_marked(function, called, first, errors)))

    return mark


_PLAIN = """
def reported({parameters}):
    emit = {self}.recorder.emit
    if emit is None:
        return function({passed})
    emit((BEGAN, called, {arguments}))
    result = function({passed})
    emit({returned})
    return result
"""

_WITH_ERRORS = _PLAIN.replace(
    "    result = function({passed})\n",
    """\
    try:
        result = function({passed})
    except KernelError as error:
        emit((RETURNED, error.name))
        raise
""",
)

_MAY_SLEEP = """
def reported({parameters}):
    emit = {self}.recorder.emit
    if emit is not None:
        emit((BEGAN, called, {arguments}))
    result = yield from function({passed})
    emit = {self}.recorder.emit  # there may be another listener by now, or none
    if emit is not None:
        emit({returned})
    return result
"""

_IN_EVENTS = {
    **dict.fromkeys(("int", "str", "bool", "int | None", "CapRef"), "{0}"),
    **dict.fromkeys(("E", "Entry", "KernelEntry", "Vnode"), "{0}.id"),
    "E | None": "None if {0} is None else {0}.id",
    "Request": "{0}.start, {0}.size",
}
"""The form of an argument in an event, by its annotation: unchanged, its ID, or its own description."""


def _marked(function: Any, called: str, first: int | None, errors: bool) -> Any:
    """Return a wrapper with exactly the parameters of `function`, compiled from text, as `dataclasses` does.

    A wrapper with `*args` would cost three times as much, and maps call kernel functions at every step.
    """
    parameters: list[str] = []
    passed: list[str] = []
    by_place: list[str] = []
    arguments: list[str] = []
    defaults: dict[str, Any] = {}
    seen = signature(function)
    for parameter in seen.parameters.values():
        name, by_name = parameter.name, parameter.kind is Parameter.KEYWORD_ONLY
        if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
            raise TypeError(f"{called}: a kernel function has named parameters, no *{name}")
        if by_name and "*" not in parameters:
            parameters.append("*")
        if parameter.default is Parameter.empty:
            parameters.append(name)
        else:
            parameters.append(f"{name}=_{name}")
            defaults[f"_{name}"] = parameter.default
        passed.append(f"{name}={name}" if by_name else name)
        if not by_name:
            by_place.append(name)
            arguments.append(_IN_EVENTS.get(parameter.annotation, "*in_events({0})").format(name))
    answer = _IN_EVENTS.get(seen.return_annotation, "answer({0})").format("result")
    returned = "NOTHING" if seen.return_annotation == "None" else f"(RETURNED, {answer})"
    template = _MAY_SLEEP if isgeneratorfunction(function) else _WITH_ERRORS if errors else _PLAIN
    source = template.format(
        parameters=", ".join(parameters),
        passed=", ".join(passed),
        self=by_place[0],
        returned=returned,
        arguments="".join(f"{one}, " for one in arguments[1:][:first]),
    )
    space = {"function": function, "called": called, **_NAMES, **defaults}
    exec(source, space)
    return space["reported"]


def _in_events(value: Any) -> tuple[Any, ...]:
    """Return an argument as data: numbers, strings and tuples as they are, structures by description or name."""
    if value is None or isinstance(value, (int, str)):
        return (value,)
    says = getattr(value, "in_events", None)
    if says is not None:
        said: tuple[Any, ...] = says()
        return said
    if isinstance(value, tuple):
        numbers = [item for item in value if isinstance(item, int)]
        return (tuple(value) if len(numbers) == len(value) else value,)  # a pair of named numbers is a pair
    return (getattr(value, "name", ""),)


def _answer(result: Any) -> Any:
    """Return a result as data: one number or string."""
    return next(iter(_in_events(result)), None)


_NAMES = {
    "BEGAN": BEGAN,
    "RETURNED": Returned.tag,
    "NOTHING": RETURNED,
    "KernelError": KernelError,
    "in_events": _in_events,
    "answer": _answer,
}
"""The names in the text of a wrapper."""


# ---- events ------------------------------------------------------------------------------------


def materialize(raw: Iterable[Raw], outermost: str) -> tuple[Event, ...]:
    """Return the frozen events of one operation, each with the kernel function that did it.

    Events outside any bracket belong to the operation called `outermost`.

    >>> from vmwidgets.engine.base.event import Called, Returned
    >>> materialize([(Called.tag, "vm_map_insert"), (Returned.tag, None)], "enter")[0].depth
    1
    """
    stacks = CallStacks()
    function, depth = outermost, 0
    events: list[Event] = []
    for tag, *fields in expanded(raw):
        if not moves(tag):
            events.append(EVENTS[tag](*fields, function=function, depth=depth))
            continue
        stacks.begin(tag, *fields)
        events.append(EVENTS[tag](*fields, function=_innermost(stacks, outermost), depth=len(stacks.stack)))
        stacks.end(tag, *fields)
        function, depth = _innermost(stacks, outermost), len(stacks.stack)
    return tuple(events)


def _innermost(stacks: CallStacks, outermost: str) -> str:
    return stacks.stack[-1] if stacks.stack else outermost


# ---- call stacks: the kernel functions under way in each simulated thread ----------------------


def moves(tag: str) -> bool:
    """Return whether events with this tag change the running function; a :class:`CallStacks` may skip others."""
    return ROLES.get(tag, "faults") != "faults"


class CallStacks:
    """The running functions while events are read: call :meth:`begin` before each event, and `end` after it.

    >>> stacks = CallStacks()
    >>> for raw in [
    ...     ("Called", "f"),
    ...     ("ThreadSlept", ""),
    ...     ("ThreadRuns", "sh"),
    ...     ("Called", "g"),
    ...     ("ThreadSlept", "sh"),
    ... ]:
    ...     stacks.begin(*raw)
    ...     print(repr(stacks.runner), stacks.stack)
    ...     stacks.end(*raw)
    '' ['f']
    '' ['f']
    'sh' []
    'sh' ['g']
    'sh' ['g']
    >>> stacks.runner, stacks.stack
    ('', ['f'])
    """

    __slots__ = ("_fired", "_stacks", "runner", "stack")

    def __init__(self) -> None:
        self.runner = ""
        """The running thread's name, or "" for the learner's cell."""
        self.stack: list[str] = []
        """The thread's running functions, outermost first."""
        self._stacks = {self.runner: self.stack}
        self._fired: list[int] = []
        """For each running handler, the number of functions running when it was called; the innermost last."""

    def begin(self, tag: str, *fields: Any) -> None:
        """Begin an event: a called function is now running or, if a thread continues, that thread's functions are."""
        role = ROLES.get(tag)
        if role == "called":
            self.stack.append(fields[0])
        elif role == "unwound":
            self._unwind(fields)
        elif role == "runs":
            self._switch(fields[0])
        elif role == "handlers":
            self._fired.append(len(self.stack))
        elif role == "handled" and self._fired:
            self._fired.pop()

    def end(self, tag: str, *fields: Any) -> None:
        """End an event: a call that returned is over, and a thread that slept or ended no longer runs."""
        role = ROLES.get(tag)
        if role == "returned":
            if self.stack:
                self.stack.pop()
        elif role in ("sleeps", "ends"):
            if role == "ends":  # when a thread is given up, another thread runs
                self._stacks.pop(fields[0], None)
            if fields[0] == self.runner:
                self._switch("")

    def _switch(self, runner: str) -> None:
        self.runner = runner
        self.stack = self._stacks.setdefault(runner, [])

    def _unwind(self, fields: Sequence[Any]) -> None:
        if ROLES.get(fields[0]) == "handlers":
            del self.stack[self._fired[-1] if self._fired else 0 :]
            return
        while self.stack and self.stack[-1] != fields[0]:
            self.stack.pop()
