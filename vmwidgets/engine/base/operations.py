"""The only way to change a machine: an operation, with its arguments and result recorded as data.

Cells, buttons, replays and tests call the same methods, marked with :func:`operation`.  Only the outermost call is an
operation; calls inside it are part of it.  The states of an operation::

    asked ─────▶ decided ─────▶ changing ◀────▶ asleep
      │             │              │
      ▼             ▼              ▼
    refused     refused, done   done, failed, stopped, panic
                failed, panic

- asked: the call waits for the current operation to end, and is refused if no operation may begin here;
- decided: the call was admitted, its arguments and the machine's state were checked, and its action is decided.
  Nothing has changed: a refusal is not recorded, and an error is recorded without events;
- changing: the operation has reported an event.  It ends as done, as failed (an error; its changes were undone, or the
  error states them), as stopped (by the stop button, at a safe point: done in part), or in a panic, after which the
  machine  can only be looked at;
- asleep: the call waits, and other threads run inside this operation until the call is woken or given up.

:attr:`Door.state` is the state of the current operation, and assertions check that each end is possible from that
state.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial, wraps
from inspect import Parameter, Signature, signature, unwrap
from itertools import islice, repeat
from operator import index
from sys import maxsize
from threading import get_ident
from types import NoneType, UnionType
from typing import Annotated, Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar, Union, get_args, get_origin

from .calls import wrong_call
from .errors import KernelPanic, Refused, VMError, a_kind, failure, shown
from .event import Panicked
from .interrupts import INTERRUPT, Stopped
from .journal import MAX_EVENTS, RUNNING, Journal
from .recorder import Raw, Recorder
from .units import Address, Size

AFTER_A_PANIC = frozenset({"undo_descriptor"})
"""Operations that a dead machine still does: they undo the fatal operation."""


class Edits(Protocol):
    """Descriptors written without the kernel."""

    @property
    def places(self) -> Collection[int]:
        """The addresses of the edited descriptors."""


class _Untouched:
    """The empty edits of an object without page tables."""

    places = ()


class Door:
    """The only entrance to a machine: it admits one operation at a time, records it, and informs the listeners.

    `dead` is the panic that ended the machine, if there was one; operations are then refused.
    """

    def __init__(self, recorder: Recorder, journal: Journal) -> None:
        self.recorder = recorder
        self.journal = journal
        self.dead: KernelPanic | None = None
        self.only_to_look_at = ""
        """The reason why no operation is admitted (this is an earlier state of a machine), in a sentence."""
        self._closed: dict[int, str] = {}
        """The Python threads whose operations are refused, each with the reason."""
        self.listeners: list[Callable[[], None]] = []
        self.edits: Edits = _Untouched()
        """A learner's edits of page tables, which may keep the machine from continuing."""
        self.actor: Actor | None = None
        """The learner's thread or handler that runs inside an operation: its calls are noted."""
        self.remedy: Callable[[], str] = lambda: "boot another"
        """Advice for a dead machine, in words."""
        self.whole = False
        """Whether a learner's code is making a call, which must not be interrupted."""
        self.repeats = False
        """Whether recorded operations are being repeated."""
        self._only_looked = False
        """Whether the current operation has only read."""
        self.asleep = False
        """Whether the current operation's call is waiting, so that other threads run."""
        self.stop_at = 0
        """The safe point at which the next operation, a repeated one, stops; 0 if it does not stop."""
        self._lock = threading.RLock()
        self._raw: deque[Raw] = deque(maxlen=MAX_EVENTS)
        """The last events of the current operation."""
        self._report: Callable[[Raw], None] = self._raw.append
        self.owner = 0
        """The Python thread that is in the middle of an operation; 0 if there is none."""
        self._between: Callable[[Raw], None] | None = None
        """The listener for changes between operations."""
        self._points = 0
        self._stopped = -1
        """The address at which the current operation stopped; -1 if it did not."""

    @property
    def inside(self) -> bool:
        """Return whether this Python thread is in the middle of an operation."""
        return self.owner == get_ident()

    @property
    def busy(self) -> bool:
        """Return whether any Python thread is in the middle of an operation."""
        return self.owner != 0

    @property
    def state(self) -> str:
        """The state of the current operation: "decided", "changing" or "asleep"; "" if there is none."""
        if not self.owner:
            return ""
        return "asleep" if self.asleep else "changing" if self._raw else "decided"

    def _may_fail(self, outcome: str) -> bool:
        """Return whether the current operation may end with this failure; "" means an end without a record."""
        if outcome == "panic":
            return self.dead is not None
        if outcome == "interrupted":
            return self._stopped >= 0
        return not self.asleep and (outcome != "" or not self._raw)

    def operate(self, target: str, name: str, arguments: Arguments, call: Callable[[], Any]) -> Any:
        """Run `call` as one recorded operation, while others wait.  `arguments` are read when the call is done."""
        return self.perform(target, name, None, _recorded(arguments), call, (), {})

    def perform(
        self,
        target: str,
        name: str,
        words: tuple[str, ...] | None,
        values: Iterable[Any],
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        """Run `call` with `args` and `kwargs` like :meth:`operate`; the recorded arguments are `words` and `values`.

        A refusal is not recorded, since nothing changed; an error and a panic are.
        """
        # Interrupts are held before the lock is taken: an interrupt just after that would leave it taken forever.
        INTERRUPT.hold()
        outcome: str = ""
        try:
            if not self._lock.acquire(False):
                INTERRUPT.acquire(self._lock)
            try:
                if self.only_to_look_at or self._closed or self.dead is not None:
                    self._refuse(name)
                said, edited_by_hand, recorder = "", bool(self.edits.places), self.recorder
                result: Any = None
                self.owner = get_ident()
                recorder.emit = self._report
                self._points, self._stopped, self._only_looked = 0, -1, False
                try:
                    returned = call(*args, **kwargs)
                    if self._stopped >= 0:
                        reached = Address(self._stopped)
                        raise Stopped(f"interrupted: it is done below {reached}, and nothing has changed from there on")
                    outcome = "" if self._only_looked and not (self.repeats or self._raw) else "done"
                    assert not self.asleep, "a call that waits does not return"
                    result = returned if type(returned) in _ATOMS else as_data(returned)
                    return returned  # noqa: TRY300  an else would come after the clause below, which ends each way
                except BaseException as error:
                    outcome, said, dead = self._failed(error, edited_by_hand)
                    result = failure(self.dead if outcome == "panic" and self.dead is not None else error)
                    if outcome == "interrupted":
                        result = (*result, self._stopped)
                    if dead is not None:
                        raise dead from error
                    raise
                finally:
                    recorder.emit, recorder.stop = self._between, None
                    self.owner = self.stop_at = 0
                    if outcome:
                        point = self._points if self._stopped >= 0 else 0
                        raw = tuple(self._raw)
                        self._note_cell()
                        self.journal.record(target, name, words, tuple(values), outcome, result, said, raw, point)
                    self._raw.clear()
            finally:
                self._lock.release()
        finally:
            try:
                for listener in tuple(self.listeners) if outcome else ():
                    listener()
            finally:
                INTERRUPT.release()

    def _note_cell(self) -> None:
        """Assign the next record to the running cell, unless the record is a repetition."""
        if self.journal.cell != RUNNING.cell and not self.repeats:
            self.journal.begin_cell(RUNNING.cell)

    def _refuse(self, name: str) -> None:
        """Refuse the operation `name` if no operation is admitted here, or if the machine is dead."""
        self.refuse_if_closed()
        if self.dead is not None and name not in AFTER_A_PANIC:
            raise Refused(f"this machine is dead ({self.dead}); you can still look at it; {self.remedy()}")

    def _failed(self, error: BaseException, edited_by_hand: bool) -> tuple[str, str, KernelPanic | None]:
        """Return the outcome ("" for no record), the sentence and the panic, if any, of a call that raised an error."""
        found = self._failure(error, edited_by_hand)
        is_ours = isinstance(error, Exception)  # otherwise Python itself is ending
        assert not is_ours or self._may_fail(found[0]), (self.state, found[0])
        return found

    def _failure(self, error: BaseException, edited_by_hand: bool) -> tuple[str, str, KernelPanic | None]:
        dead, raw = None, self._raw
        if isinstance(error, Refused):  # recorded if something had happened before: threads ran, or ticks passed
            outcome = "error" if raw else ""
        elif isinstance(error, KernelPanic):
            self.dead = error
            raw.append((Panicked.tag, error.name, error.reason))
            outcome = "panic"
        elif isinstance(error, VMError):
            outcome = "error"
        elif isinstance(error, Stopped):
            outcome = "interrupted"
        elif isinstance(error, KeyboardInterrupt):  # only while a learner's own code ran: the machine is whole
            return "error", "interrupted", None
        elif not isinstance(error, Exception) or not (raw or edited_by_hand):
            outcome = ""
        else:  # without edits, it is our own bug, in the middle of a change
            reason = f"{type(error).__name__}: {error}"
            edited = f"the kernel could not go on with page tables that were edited by hand ({reason})"
            self.dead = KernelPanic("edited_tables", edited) if edited_by_hand else KernelPanic("internal", reason)
            raw.append((Panicked.tag, self.dead.name, self.dead.reason))
            return "panic", str(self.dead), self.dead if edited_by_hand else None
        return outcome, f"{error}", dead

    def only_looked(self) -> None:
        """Note that the current operation changes nothing: it is not recorded, and redo still works.

        When recorded operations are repeated, each is recorded again even if it changes nothing.
        """
        self._only_looked = True

    def may_stop(self) -> None:
        """Let the current operation stop at its safe points from here on, except while a learner's code runs."""
        if not self.whole:
            self.recorder.stop = self._stops_before

    def _stops_before(self, address: int) -> bool:
        """Return whether to stop at this safe point."""
        if self._stopped < 0:
            self._points += 1
            if self._points == self.stop_at or (INTERRUPT.pending and INTERRUPT.take()):
                self._stopped = address
        return self._stopped >= 0

    def watch(self) -> None:
        """Note in the journal, from now on, whatever structures report between operations."""
        self.recorder.emit = self._between = self.journal.unrecorded

    def overhear(self, hears: Callable[[Raw], None] | None) -> None:
        """Call `hears` with each event of operations from now on, even with events that the journal drops.

        None stops the calls.
        """
        keep = self._raw.append
        if hears is None:
            self._report = keep
            return

        def report(raw: Raw) -> None:
            keep(raw)
            hears(raw)

        self._report = report

    def tell(self) -> None:
        """Inform the listeners that the machine has changed."""
        for listener in tuple(self.listeners):
            listener()

    @contextmanager
    def closed(self, why: str) -> Iterator[None]:
        """Refuse operations of this Python thread in a ``with`` block, with a reason."""
        thread = get_ident()
        before = self._closed.get(thread)
        self._closed[thread] = why
        try:
            yield
        finally:
            if before is None:
                del self._closed[thread]
            else:
                self._closed[thread] = before

    def refuse_if_closed(self) -> None:
        """Raise :class:`Refused`, with the reason, if nothing may be changed, not even outside an operation."""
        why = self.only_to_look_at or self._closed.get(get_ident())
        if why:
            raise Refused(why)

    @contextmanager
    def looking(self, wait: bool = True) -> Iterator[bool]:
        """Keep operations out while a view reads; without `wait`, yields false if an operation is running.

        Reading from inside an operation is allowed.
        """
        if self.inside:
            yield True
            return
        if wait:
            with self._lock:  # a `with` statement: no interrupt can come between taking the lock and the body
                yield True
            return
        INTERRUPT.hold()
        taken = False
        try:
            taken = self._lock.acquire(blocking=False)
            yield taken
        finally:
            if taken:
                self._lock.release()
            INTERRUPT.release()


Arguments = Iterable[tuple[str, Any]]
"""The names and values of an operation's arguments."""


class Actor(Protocol):
    """A learner's thread or handler: its engine calls are noted, so that a replay can repeat them."""

    def act(self, target: str, name: str, arguments: Iterable[tuple[str, Any]], call: Callable[[], Any]) -> Any:
        """Call an operation on the actor's behalf."""


class HasDoor(Protocol):
    """Anything that has operations, with its door and its path in the machine."""

    @property
    def door(self) -> Door:
        """The machine's door."""

    @property
    def path(self) -> str:
        """The object's path in the machine ("kernel_map", "task:init/map")."""


S = TypeVar("S", bound=HasDoor)

P = ParamSpec("P")

R = TypeVar("R")

T = TypeVar("T")


class Argument:
    """What a parameter of an operation accepts, in its annotation: ``size: Annotated[int | str, Argument(whole)]``.

    `read` takes a value as it was given and the name of its parameter (or `called`, another name for refusals), and
    with `of_part` first the operation's part.  It returns the value for the method, or raises :class:`Refused`.  The
    journal keeps what was given.
    """

    def __init__(self, read: Callable[..., Any], called: str = "", *, of_part: bool = False) -> None:
        self.read = read
        self.called = called
        self.of_part = of_part


class _Reader(NamedTuple):
    """How a parameter's value is read: :class:`Argument` has the first three; whether None is a value; the default."""

    read: Callable[..., Any]
    called: str
    of_part: bool
    or_none: bool
    default: Any


def _accepted(annotation: Any, known: dict[str, Any]) -> tuple[Argument, bool, str] | None:
    """Return what a type accepts, whether None too, and the type that callers see; None for types of other values.

    `known` are the names of the method's module.
    """
    try:
        kind = eval(annotation, known) if isinstance(annotation, str) else annotation
    except NameError:  # a class that is defined later
        return None
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    typed = next((one for one in kinds if get_origin(one) is Annotated), None)
    found = next(iter(getattr(typed, "__metadata__", ())), None)
    if typed is None or not isinstance(found, Argument):
        return None
    of, or_none = typed.__origin__, NoneType in kinds
    shown = getattr(of, "__forward_arg__", of.__name__ if isinstance(of, type) else str(of))
    return found, or_none, f"{shown} | None" if or_none else shown


_BY_PLACE = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def _reading(method: Callable[..., R]) -> tuple[Callable[..., R], Signature]:
    """Return a method that reads its arguments as their types say, in the order of the call; and its signature.

    Defaults are read once.  A default that depends on the part is read at each call.
    """
    takes, known = signature(method), unwrap(method).__globals__
    readers: dict[str, _Reader] = {}
    shown = []
    for name, one in takes.parameters.items():
        accepted = _accepted(one.annotation, known)
        if accepted is not None:
            found, or_none, kind = accepted
            readers[name] = _Reader(found.read, found.called or name, found.of_part, or_none, one.default)
            one = one.replace(annotation=kind)  # noqa: PLW2901  as callers see it
        shown.append(one)
    takes = takes.replace(parameters=shown)
    if not readers:
        return method, takes
    names = tuple(takes.parameters)[1:]
    placed = tuple(name for name in names if takes.parameters[name].kind in _BY_PLACE)

    def read_one(part: Any, name: str, value: Any) -> Any:
        if name not in readers:
            return value
        read, called, of_part, or_none, _ = readers[name]
        if value is None and or_none:
            return None
        return read(part, value, called) if of_part else read(value, called)

    left = {name: one for name, one in readers.items() if one.default not in (None, Parameter.empty)}
    anew = [(name, one.default) for name, one in left.items() if one.of_part]
    ready = [
        (place if name in placed else maxsize, name, read_one(None, name, left[name].default))
        for place, name in enumerate(names)
        if name in left and not left[name].of_part
    ]

    @wraps(method)
    def read_first(part: Any, /, *args: Any, **kwargs: Any) -> R:
        places = (*map(read_one, repeat(part), placed, args), *args[len(placed) :])
        for name, value in anew:
            kwargs.setdefault(name, value)
        for name, value in kwargs.items():
            kwargs[name] = read_one(part, name, value)
        for place, name, value in ready:
            if place >= len(args):
                kwargs.setdefault(name, value)
        return method(part, *places, **kwargs)

    return read_first, takes


def reads_arguments(method: Callable[..., R]) -> Callable[..., R]:
    """Make a method that is not an operation read its arguments, as the types of its parameters say."""
    reads, shown = _reading(method)
    if reads is not method:
        reads.__signature__ = shown  # type: ignore[attr-defined]  # what callers write
        reads.__annotations__ = _annotations(shown)
    return reads


def _annotations(shown: Signature) -> dict[str, Any]:
    """Return a signature's annotations in the form of a function's, which pages of reference read."""
    found = {name: one.annotation for name, one in shown.parameters.items()}
    found["return"] = shown.return_annotation
    return {name: one for name, one in found.items() if one is not Parameter.empty}


def operation(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Mark a method as an operation: called from outside, it goes through the door.

    A part of an address space has `_kernel_call`, which makes the call on the space's processor, or refuses it if the
    part was destroyed.
    Arguments that the method does not accept raise a TypeError before the door, as for any Python function.  The method
    gets what the types of its parameters read (:class:`Argument`), from left to right.
    """
    method, shown = _reading(method)
    takes = _Parameters(method.__name__, shown)
    known, name = takes.known, method.__name__

    def by_its_program(self: Any, /, *args: Any, **kwargs: Any) -> R:
        result: R = self._kernel_call(method, self, *args, **kwargs)
        return result

    @wraps(method)
    def through_the_door(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        door = self.door
        inside = door.owner and door.inside
        if inside and door.actor is None:
            return method(self, *args, **kwargs)
        words = known.get((len(args), *kwargs))
        if words is None:
            words = takes.words(args, kwargs)
        places: tuple[Any, ...] = args
        given: Mapping[str, Any] = kwargs
        values = args + tuple(kwargs.values())
        for value in values:
            if type(value) not in _ATOMS:
                places = tuple(_settled(one) for one in args)
                given = {key: _settled(one) for key, one in kwargs.items()}
                values = tuple(as_data(one) for one in (*places, *given.values()))
                break
        call = by_its_program if hasattr(type(self), "_kernel_call") else method
        result: R
        if inside:
            acting = partial(call, self, *places, **given)
            result = through(self, name, tuple(zip(words, values, strict=True)), acting)
        else:
            result = door.perform(self.path, name, words, values, call, (self, *places), given)
        return result

    through_the_door.__signature__ = shown  # type: ignore[attr-defined]  # what callers write
    through_the_door.__annotations__ = _annotations(shown)
    through_the_door.is_operation = True  # type: ignore[attr-defined]  # read by the operations panel and by replay
    return through_the_door


class _Parameters:
    """A method's parameters without `self`, to compare with arguments: cheaper than binding the method's signature."""

    __slots__ = ("_most", "_names", "_needed", "_places", "_takes", "_title", "known")

    def __init__(self, title: str, takes: Signature) -> None:
        parameters = list(takes.parameters.values())[1:]
        self._takes = Signature(parameters)
        self._title = title
        self._names = tuple(one.name for one in parameters)
        self._most = sum(one.kind is Parameter.POSITIONAL_OR_KEYWORD for one in parameters)
        self._places = {name: at for at, name in enumerate(self._names)}
        self._needed = tuple(at for at, one in enumerate(parameters) if one.default is Parameter.empty)
        self.known: dict[tuple[Any, ...], tuple[str, ...]] = {}
        """The names of all arguments, by the number of positional arguments and the names of keyword arguments."""

    def words(self, args: tuple[Any, ...], words: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the arguments, in that order; raises a TypeError if the method does not accept them."""
        count = len(args)
        fits = count <= self._most and all(self._places.get(name, -1) >= count for name in words)
        if not fits or not all(at < count or self._names[at] in words for at in self._needed):
            raise wrong_call(self._title, self._takes, args, words)
        shape = (count, *words)
        names = self.known[shape] = (*self._names[:count], *words)
        return names


def through(part: HasDoor, name: str, arguments: Arguments, call: Callable[[], R]) -> R:
    """Run `call` as the operation `name` of a part of a machine, from anywhere.

    From outside, the call is recorded; inside another operation, it is a part of that operation; in a learner's thread,
    it is noted as the thread's action.
    """
    door = part.door
    result: R
    if not door.inside:
        result = door.operate(part.path, name, arguments, call)
    elif door.actor is not None:
        result = door.actor.act(part.path, name, tuple(_recorded(arguments)), call)
    else:
        result = call()
    return result


def _recorded(arguments: Arguments) -> Iterator[tuple[str, Any]]:
    """Return arguments in the form in which they are recorded."""
    return ((name, as_data(value)) for name, value in arguments)


MOST_ITEMS, DEEPEST = 1000, 4
"""The most items of an argument that is a list or the like, and the deepest nesting of lists."""

_COLLECTIONS = (tuple, list, set, frozenset)

_ATOMS = frozenset((int, str, bytes, bool, type(None), Address, Size))
"""The types of nearly all arguments and results: they never change, and are recorded as they are."""


def _settled(value: Any, depth: int = 0) -> Any:
    """Return an argument as a value that can't change: lists and sets are copied, iterators (usable once) are read.

    The operation and the record get the same plain number or string, whatever its class was.
    """
    kind = type(value)
    if kind not in _COLLECTIONS and not isinstance(value, Iterator):
        return exact(value)
    if depth == DEEPEST:
        raise Refused(f"an argument is a {kind.__name__} with too much in it: write lists in lists {DEEPEST} deep")
    settled = [_settled(item, depth + 1) for item in few(value)]
    return kind(settled) if kind in _COLLECTIONS else tuple(settled)


def few(values: Iterable[T]) -> list[T]:
    """Return the items of an argument; refuses more than a call reads, such as a range that never ends.

    >>> few(range(3))
    [0, 1, 2]
    """
    items = list(islice(values, MOST_ITEMS + 1))
    if len(items) > MOST_ITEMS:
        raise Refused(f"an argument is {a_kind(values)} with too much in it: write at most {MOST_ITEMS:,} items")
    return items


def exact(value: Any) -> Any:
    """Return a number, string or bytes of a derived class in Python's own class; anything else unchanged.

    A number is whatever Python accepts as an index (``__index__``): NumPy's integers, arrays without dimensions,
    members of an ``IntEnum``.  Addresses and sizes stay what they are, since they have formats of their own.

    >>> import enum
    >>> Port = enum.IntEnum("Port", ["A", "B"])
    >>> exact(Port.B), exact(Address(4096)), exact(bytearray(b"x")), exact(None)
    (2, 0x1000, b'x', None)
    """
    kind = type(value)
    if kind in _ATOMS or issubclass(kind, PartReference):
        return value
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, (bytes, bytearray, memoryview)):
        return b"".join((value,)) if issubclass(kind, bytes) else bytes(value)
    if issubclass(kind, float):
        return float.__float__(value)
    if not hasattr(kind, "__index__"):
        return value
    try:
        return int.__index__(value if issubclass(kind, int) else index(value))
    except Exception:  # noqa: BLE001  an array of several numbers, or whatever a learner's object does when it is asked
        return value


def number_within(given: Any, name: str, low: int, high: int) -> int:
    """Return a whole number from `low` to `high`, as :func:`exact` does; raises :class:`Refused` for anything else.

    >>> number_within(3, "page", 0, 7)
    3
    """
    number = exact(given)
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
        raise Refused(f"{name}={shown(given)}: write a whole number from {low:,} to {high:,}")
    return int(number)


def plain(value: Any) -> Any:
    """Return an argument or result as data: a machine's parts as paths, numbers and strings by :func:`exact`.

    A tuple, list or set becomes a tuple of its items, each made plain; a set's items are sorted by their text.

    >>> plain("64 MiB"), plain(4096), plain(["r", bytearray(b"x")])
    ('64 MiB', 4096, ('r', b'x'))
    """
    if type(value) in _ATOMS:
        return value
    if type(value) in _COLLECTIONS:
        items = sorted(value, key=_written) if isinstance(value, (set, frozenset)) else value
        return tuple(plain(item) for item in items)
    path = getattr(value, "path", None)
    return PartReference(path) if isinstance(path, str) else exact(value)


def _written(value: Any) -> str:
    """Return a value as Python writes it, or the value's kind if writing it fails."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  whatever a learner's object does when it is asked
        return type(value).__name__


def as_data(value: Any) -> Any:
    """Return a result as data: numbers, strings, bytes, values, parts of the machine; otherwise the kind's name.

    >>> as_data((1, [2, object()]))
    (1, (2, 'object'))
    """
    kind = type(value)
    if kind in _ATOMS:
        return value  # nearly always
    if kind in _COLLECTIONS:
        return tuple(as_data(item) for item in plain(value))
    kept = plain(value)
    is_data = isinstance(kept, (int, float, str, bytes)) or _is_value(kind.__module__) or hasattr(kind, "is_data")
    return kept if is_data else kind.__name__


_ENGINE = __name__.partition("base.")[0]


def _is_value(module: str) -> bool:
    """Return whether a module contains frozen values, as schemas and table formats (with processors' settings) do."""
    return module.startswith(_ENGINE) and (module.endswith("_schema") or module.startswith(f"{_ENGINE}mmu.formats."))


class PartReference(str):
    """A part of the machine in a record: its path."""

    __slots__ = ()
