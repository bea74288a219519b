"""Exercises by name: the question, the check and the hints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from inspect import signature
from math import inf
from types import FunctionType
from typing import Any, Protocol

from vmwidgets.build import code, code_of
from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.machine.arguments import known

from .answers import is_whole, line
from .chosen import Chosen
from .criterion import Criterion, whole_points
from .draws import Draws
from .prediction import identity_of
from .session import Kept

Judge = Callable[..., Iterable[Criterion]]
"""A judge, which takes the graded object and, if the exercise has sheets, the task; it yields criteria."""

Asking = Callable[..., tuple[Any, tuple[str, ...]]]
"""A function that asks a learner's function.

It also takes the task (None without sheets) and a :class:`.chosen.Chosen` that draws.  It returns the learner's
choices as plain data, and sentences about calls that failed.
"""

Hints = Sequence[str] | Callable[[Any], Sequence[str]]
"""Hints: strings, the gentlest first, or a function that returns them for a task."""

MOST_HINTS = 20
"""The most hints of an exercise."""


class Asked(Protocol):
    """A task, which a seed determines: an author's own class, often a frozen dataclass."""

    @property
    def text(self) -> str:
        """The task in words."""

    def start(self) -> Any:
        """Return the object that work begins with, a new one at each call."""


@frozen
class Exercise:
    """An exercise: `judge` examines an object of class `takes`, and yields criteria worth `points` in all.

    `alive` means that a machine that panicked can't be graded.  `shows` returns what to draw of the object next to a
    result, or lines of text; if it takes two arguments, the second is the task.  Without `shows`, only maps are drawn.
    `sheet` makes the task from draws; without `sheet`, everyone has the same task.  `asks` asks a function that a
    learner wrote.  `shipped` says that the exercise came with the package.  `edition` changes whenever seeds draw other
    sheets, or the judge gives other points; work of all editions in `judged` is still judged, by the present rules.
    """

    id: str
    title: str
    points: int
    takes: type
    judge: Judge
    alive: bool = True
    shows: Callable[..., Any] | None = None
    sheet: Callable[[Draws], Asked] | None = None
    hints: Hints = ()
    shipped: bool = False
    edition: int = 1
    judged: tuple[int, ...] = (1,)
    asks: Asking | None = None

    @property
    def judged_by(self) -> str:
        """A digest of the code that judges it here, and of an author's own files; "" if a part of it is not known."""
        package = code()
        if self.shipped or not package:
            return package
        own = code_of(*(one for one in (self.judge, self.sheet, self.asks) if one is not None))
        return own and f"{package}+{own}"

    def seen(self, thing: Any, asked: Any) -> Any:
        """Return what to draw of an object; `shows` also receives the task, if it takes a second argument."""
        if self.shows is None:
            return thing
        takes_both = len(signature(self.shows).parameters) > 1
        return self.shows(thing, asked) if takes_both else self.shows(thing)


_exercises: Kept[dict[str, Exercise]] = Kept(dict, dict)

SHIPPED = "vmwidgets.labs.exercises."
"""The package of the exercises that come with vmwidgets."""


def exercise(
    id: str,  # noqa: A002
    title: str,
    *,
    points: int,
    takes: type | Asking,
    alive: bool = True,
    shows: Callable[..., Any] | None = None,
    variant: Callable[[Draws], Asked] | None = None,
    hints: Hints = (),
    edition: int | tuple[int, ...] = 1,
    replace: bool = False,
) -> Callable[[Judge], Judge]:
    """Mark a function as the judge of the exercise `id`: it receives a thing of class `takes` and yields criteria.

    With `variant`, each student gets a different variant.  It is a function that receives :class:`Draws`, and returns
    an object with the text of the assignment and with `start()`.  The judge receives that object too.  `hints` are
    texts, the gentlest first, or a function of that object.  Raise `edition` if a change makes a seed draw
    another variant, or makes the judge award different points; ``(1, 2)`` is edition 2, and also judges work of edition
    1, whose variants were the same.  If learners write a function, `takes` is a function that asks the learner's
    function: it receives that function, the variant's object and a :class:`Chosen`, whose `draws` depend on the two.
    It returns the answers as plain data, and sentences about calls that failed.  The judge receives the answers as a
    :class:`Chosen`, in grading too, where no student's code runs.  The name of an exercise of the package is refused,
    unless `replace=True`.

    >>> from vmwidgets import lab, Machine
    >>> @lab.author.exercise("doc/small", "A small machine", points=1, takes=Machine)
    ... def small(machine):
    ...     size = machine.ram_bytes
    ...     yield lab.author.criterion(1, size <= 8 << 20, "it is small", "it has more than 8 MiB", actual=size)
    """
    name, words = identity_of(id or None, ""), line(title, "title")
    worth = whole_points(points, "points", 1)
    asks = takes if isinstance(takes, FunctionType) else None
    taken = Chosen if asks else takes
    if not isinstance(taken, type):
        raise Refused(f"takes={shown(takes)}: write the class of what is graded, such as vm.Machine")
    if shows is not None and not callable(shows):
        raise Refused(f"shows={shown(shows)}: pass a function that returns what to draw of the graded thing")
    if variant is not None and not callable(variant):
        raise Refused(f"variant={shown(variant)}: pass a function that takes lab.author.Draws and returns a variant")
    numbers = tuple(map(_edition, edition if isinstance(edition, tuple) and edition else (edition,)))
    helping = hints if callable(hints) else hints_read(hints)

    def register(judge: Judge) -> Judge:
        if not callable(judge):
            raise Refused(f"exercise {name!r}: {shown(judge)} is not a function that yields criteria")
        shipped = str(getattr(judge, "__module__", "")).startswith(SHIPPED)
        if name in _exercises.now() and _exercises.now()[name].shipped and not (replace or shipped):
            raise Refused(f"exercise {name!r} ships with vmwidgets: choose another id, or write replace=True")
        _exercises.now()[name] = Exercise(
            name, words, worth, taken, judge, alive, shows, variant, helping, shipped, numbers[-1], numbers, asks
        )
        return judge

    return register


def _edition(value: Any) -> int:
    if not is_whole(value, 1, inf):
        raise Refused(f"edition={shown(value)}: write a whole number, 1 or more")
    return value


def exercise_named(name: Any) -> Exercise:
    """Return the exercise with this ID; the error for an unknown ID names the nearest ID of its lab, or of all labs."""
    every = _exercises.now()
    lab = name.partition("/")[0] if isinstance(name, str) else ""
    of_lab = [one for one in every if one.startswith(f"{lab}/")]
    return every[known(name, of_lab or every, "check")]


def exercises() -> dict[str, Exercise]:
    """Return all exercises of this kernel, by ID."""
    return dict(_exercises.now())


def hints_read(hints: Any) -> tuple[str, ...]:
    """Return hints as they are stored; raises :class:`Refused` for anything but a list of sentences."""
    if isinstance(hints, (str, bytes)) or not isinstance(hints, Sequence) or len(hints) > MOST_HINTS:
        raise Refused(f"hints={shown(hints)}: pass a list of at most {MOST_HINTS} strings, the gentlest hint first")
    return tuple(line(text, "hint") for text in hints)
