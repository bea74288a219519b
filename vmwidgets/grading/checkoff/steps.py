"""The steps of a student's work: the state after each step, and the effect of other steps.

Steps are the calls of a journal after the sheet's start (:class:`JournalSteps`), or the lines of a trace
(:class:`TraceSteps`).  A run of some steps is judged by the exercise's own criteria.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import field
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from vmwidgets.engine.base.errors import Refused, VMError, failure
from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.operations import PartReference, as_data
from vmwidgets.engine.base.scripts import Action, Script
from vmwidgets.engine.base.units import Address
from vmwidgets.engine.kernel.map.map_schema import EntryValue
from vmwidgets.engine.machine import Machine, boot
from vmwidgets.labs.checking import criteria_of
from vmwidgets.labs.criterion import Criterion
from vmwidgets.labs.exercise import exercise_named
from vmwidgets.labs.sheet import sheet_of
from vmwidgets.pictures.at import ranges_of
from vmwidgets.questions.question import Again
from vmwidgets.sources.strace.load import load_strace
from vmwidgets.sources.strace.result import LoadedStrace
from vmwidgets.views.story.story import story_of
from vmwidgets.views.story.typed import called, typed

T = TypeVar("T")

MOST = 40
"""The most steps that are examined one by one: if there are more, only the last ones are."""

MOST_STEPS = 10_000
"""The most steps of threads in a changed run."""

PLACES = ("at", "address", "start", "end")
"""Arguments that may be the result of an earlier call, or an address after it."""

TRIVIAL = ("run", "register_handler", "spawn", "object")
"""Calls about which no question is asked: they change nothing, or only name a file."""

REACH = 1 << 24
"""Bytes after a returned address within which a later argument may be an offset from it."""

LEARNERS = ("make_pager", "replace_by")
"""Calls that take a learner's function, whose code is unknown."""


@frozen(slots=False)
class Outcome:
    """The result of a run: the graded object, its criteria, and each step's result ("" before a failure)."""

    thing: Any
    criteria: tuple[Criterion, ...]
    results: dict[int, tuple[str, Any]] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """The points earned."""
        return sum(one.points for one in self.criteria)

    @property
    def end(self) -> str:
        """The reason why nothing could be judged."""
        machine = getattr(self.thing, "machine", self.thing)
        return "the machine panics" if isinstance(machine, Machine) and machine.dead else "what is judged is not there"


class Steps(ABC):
    """The steps of a piece of work, numbered from 1; step 0 is the sheet's start."""

    noun = "call"
    exercise: str
    of: str
    map_path = ""
    """The path of the steps' map; "" if there is none."""
    space_path = ""
    """The path of the task or the domain; "" if there is none."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of steps."""

    @abstractmethod
    def typed(self, step: int) -> str:
        """Return the step as it was typed."""

    @abstractmethod
    def machine_at(self, step: int) -> Machine:
        """Return the machine right after a step, for reading."""

    @abstractmethod
    def branch(self) -> Machine:
        """Return a copy of the machine after all steps, which may be changed."""

    @abstractmethod
    def again(self, steps: Sequence[int]) -> Outcome:
        """Repeat these steps, in this order, from the sheet's start."""

    @abstractmethod
    def why(self, step: int) -> str:
        """Return what a step did, in a sentence or two."""

    def is_trivial(self, step: int) -> bool:
        """Return whether no question asks about leaving out this step."""
        return False

    @property
    def late(self) -> range:
        """The steps that are examined."""
        return range(max(1, len(self) - MOST + 1), len(self) + 1)

    def named(self, step: int) -> str:
        """Return a step as a question names it: ``call 3 of 7, `…` ``."""
        return f"{self.noun} {step} of {len(self)}, `{self.typed(step)}`"

    @cached_property
    def whole(self) -> Outcome:
        """The result of all steps."""
        return self.again(range(1, len(self) + 1))

    def without(self, step: int) -> Outcome:
        """Return the result of all steps except this one."""
        return self.again([one for one in range(1, len(self) + 1) if one != step])

    def exchanged(self, one: int, other: int) -> Outcome:
        """Return the result of all steps with two swapped."""
        places = {one: other, other: one}
        return self.again([places.get(step, step) for step in range(1, len(self) + 1)])

    def along(self, measure: Callable[[int], T]) -> dict[int, T]:
        """Return the result of `measure` after each examined step, and before the first."""
        return {step: measure(step) for step in (self.late[0] - 1, *self.late)}

    def entries_at(self, step: int) -> tuple[EntryValue, ...]:
        """Return the entries of the map right after a step; none if the map does not exist."""
        if step not in self._entries:
            self._entries[step] = ()
            with suppress(VMError):
                self._entries[step] = tuple(self.machine_at(step).part(self.map_path).entries())
        return self._entries[step]

    @cached_property
    def _entries(self) -> dict[int, tuple[EntryValue, ...]]:
        return {}


class JournalSteps(Steps):
    """The calls of a machine's journal after the sheet's start."""

    def __init__(self, exercise: str, of: str, thing: Any) -> None:
        self.exercise, self.of = exercise, of
        self.machine: Machine = thing if isinstance(thing, Machine) else thing.machine
        self._path = thing.path
        sheet = None if exercise_named(exercise).sheet is None else sheet_of(exercise, of)
        if sheet is not None and (why := sheet.not_begun(thing)):
            raise Refused(why)
        self._first = 1 if sheet is None or sheet.begins is None else len(sheet.begins.operations)
        self._operations = self.machine.journal[self._first :]
        results = (one.result for one in self._operations)
        self._given = {one for one in results if isinstance(one, (PartReference, Address))}
        self._placed = {
            step: (one.result, _size(one))
            for step, one in enumerate(self._operations, 1)
            if isinstance(one.result, Address) and not {"at", "pa"} & {name for name, _ in one.arguments}
        }
        self._at = lru_cache(MOST + 1)(self._made)
        self.map_path, self.space_path = self._map_path(), self._space_path()

    def __len__(self) -> int:
        return len(self._operations)

    def operation(self, step: int) -> Operation:
        """Return the step's record."""
        return self._operations[step - 1]

    def typed(self, step: int) -> str:
        """Return the call."""
        return typed(self.operation(step))

    def is_trivial(self, step: int) -> bool:
        """Return whether the step only runs or creates threads."""
        return self.operation(step).name in TRIVIAL

    def machine_at(self, step: int) -> Machine:
        """Return the machine rebuilt from the journal."""
        return self._at(step)

    def _made(self, step: int) -> Machine:
        found: Machine = self.machine.at(self._first + step - 1)
        return found

    def branch(self) -> Machine:
        """Return a copy of the machine."""
        return self.machine.branch()

    def why(self, step: int) -> str:
        """Return the headline of the operation's story."""
        events = self.machine.journal.events(self._first + step - 1)
        return headline(self.machine_at(step), self.operation(step), events)

    def again(self, steps: Sequence[int], but: tuple[str, int] | None = None) -> Outcome:
        """Repeat these calls with their arguments; in a script, `but` leaves an action out.

        The result of an earlier call was kept under a name and passed to a later call, which now gets the new result.
        Raises :class:`Again` if it is unknown whether an argument comes from an earlier call.
        """
        machine = self.machine.branch(self._first - 1)
        results: dict[int, tuple[str, Any]] = {}
        now: dict[Any, Any] = {}
        for step in steps:
            operation = self.operation(step)
            self._refuse_unplaced(step, results)
            given = {name: self._given_now(name, value, now) for name, value in operation.arguments}
            try:
                results[step] = "done", as_data(self._do(machine, operation, given, but))
            except VMError as error:
                results[step] = f"{error}", failure(error)[0]
            if isinstance(operation.result, (PartReference, Address)):
                here, then = results[step][1], operation.result
                now[then] = here if now.get(then, here) == here else None  # equal results of two calls now differ
        thing: Any = None
        with suppress(VMError):
            thing = machine.part(self._path)
        return Outcome(thing, () if thing is None else criteria_of(self.exercise, self.of, thing), results)

    def _refuse_unplaced(self, step: int, results: Collection[int]) -> None:
        """Refuse a call at an address in memory placed by an earlier call that this run has not made."""
        for name, value in self.operation(step).arguments:
            if name in PLACES and isinstance(value, int):
                for placed, (start, size) in self._placed.items():
                    if placed < step and placed not in results and start <= value < start + size:
                        raise Again

    def _given_now(self, name: str, value: Any, now: dict[Any, Any]) -> Any:
        """Return an argument in this run, in which earlier calls returned `now` instead of their first results."""
        if isinstance(value, (PartReference, Address)):
            if value not in now and value in self._given:
                raise Again  # a call that is left out, or comes later now, returned it
            if now.get(value, value) is None:
                raise Again
            return now.get(value, value)
        if name in PLACES and isinstance(value, int):
            for then, here in now.items():
                if isinstance(then, Address) and here != then and then <= value < then + REACH:
                    raise Again
        return value

    def _do(self, machine: Machine, operation: Operation, values: dict[str, Any], but: tuple[str, int] | None) -> Any:
        given = {name: machine.resolve(value) for name, value in values.items()}
        if operation.name in LEARNERS:
            raise Refused(f"{operation.name} takes a function, which the journal does not have")
        if operation.name == "run":
            return machine.run(steps=MOST_STEPS)
        if operation.name not in ("spawn", "register_handler"):
            return machine.recorded(operation.target, operation.name)(**given)
        key, script = next((one for one in self._scripts() if one[1].serial == operation.serial), ("", Script()))
        actions = [one for place, one in enumerate(script) if but != (key, place)]
        if operation.name == "spawn":
            return machine.spawn(thread_of, machine, actions, name=given["name"])
        return machine.register_handler(given["name"], handler_of(machine, actions))

    def _scripts(self) -> list[tuple[str, Script]]:
        return list(self.machine.journal.scripts.items())

    def _map_path(self) -> str:
        """Return the path of the map on which most calls were made, or else of the object's own map."""
        found: Counter[str] = Counter()
        for operation in self._operations:
            target = operation.target
            if target.endswith("/map") or target == "kernel_map" or target.startswith("kmem/"):
                found[target] += 1
            elif target.startswith("task:"):
                found[f"{target.partition('/')[0]}/map"] += 1
            elif operation.name.startswith("kmem_") or operation.name in ("run", "register_handler"):
                found["kmem/kmem_map"] += 1
        own = [path for path in (self._path, f"{self._path}/map") if path.endswith("map")]
        return max(found, key=lambda one: found[one]) if found else own[0] if own and "task" in own[0] else ""

    def _space_path(self) -> str:
        """Return the path of the task or domain: the object's, its map's, the edited tables', or else the first."""
        for path in (self._path, self.map_path):
            if path.startswith(("task:", "domain:")):
                return path.partition("/")[0]
        edited = [edit.space for edit in self.machine.descriptor_edits if edit.space in self.machine.tasks]
        names = [*edited[-1:], *self.machine.tasks]
        return self.machine.tasks[names[0]].path if names else ""


def _size(operation: Operation) -> int:
    """Return how much memory a call asked for, if that is known."""
    size = dict(operation.arguments).get("size")
    return size if isinstance(size, int) else REACH


def thread_of(machine: Machine, actions: Sequence[Action]) -> Iterator[Any]:
    """Yield another thread's recorded calls, whatever their answers are now."""
    for action in actions:
        if action.target:
            with suppress(Refused):
                made = _made(machine, action)
                if hasattr(made, "steps"):
                    yield from made


def handler_of(machine: Machine, actions: Sequence[Action]) -> Callable[[], None]:
    """Return a handler that repeats, in each of its runs, the actions recorded for that run."""
    left = iter(actions)

    def handler() -> None:
        for action in left:
            if action.target:
                with suppress(Refused):
                    _made(machine, action)
            elif action.name != "begins":
                return

    return handler


def _made(machine: Machine, action: Action) -> Any:
    given = {name: machine.resolve(value) for name, value in action.arguments}
    return machine.recorded(action.target, action.name)(**given)


class TraceSteps(Steps):
    """The lines of a trace."""

    noun = "line"

    def __init__(self, exercise: str, of: str, thing: LoadedStrace) -> None:
        self.exercise, self.of = exercise, of
        self._lines = [line for line in thing.text.splitlines() if line.strip()]
        self.map_path, self.space_path = f"{thing.task.path}/map", thing.task.path
        self._task = thing.task.name
        self._loaded = lru_cache(MOST + 1)(self._load)

    def __len__(self) -> int:
        return len(self._lines)

    def typed(self, step: int) -> str:
        """Return the line."""
        line = self._lines[step - 1].strip().replace("`", "'")
        return line if len(line) <= 120 else f"{line[:120]}…"

    def machine_at(self, step: int) -> Machine:
        """Return the result of the lines up to this one."""
        found: Machine = self._loaded(tuple(range(1, step + 1))).task.machine
        return found

    def branch(self) -> Machine:
        """Return the trace, loaded again."""
        found: Machine = self._load(tuple(range(1, len(self) + 1))).task.machine
        return found

    def why(self, step: int) -> str:
        """Return the headline of the last operation that the line caused."""
        machine = self.machine_at(step)
        if len(machine.journal) == len(self.machine_at(step - 1).journal):
            return "The line makes no call of the machine."
        return headline(machine, machine.journal.last)

    def again(self, steps: Sequence[int]) -> Outcome:
        """Load these lines."""
        try:
            loaded = self._load(tuple(steps))
        except VMError as error:
            return Outcome(None, (), {0: (f"{error}", failure(error)[0])})
        return Outcome(loaded, criteria_of(self.exercise, self.of, loaded))

    def _load(self, steps: tuple[int, ...]) -> LoadedStrace:
        text = "\n".join(["", *(self._lines[step - 1] for step in steps), ""])
        return load_strace(boot("x86-64"), text, task=self._task)


def headline(machine: Machine, operation: Operation, events: Sequence[Event] | None = None) -> str:
    """Return what an operation did, in a sentence or two; `events` are its record's, if it has lost them."""
    found = story_of(operation, ranges_of(machine), events).headline
    return f"{found.text} {found.reason}".strip()


def map_name(steps: Steps) -> str:
    """Return the map's name in a question."""
    return f"`{called(steps.map_path)}`"
