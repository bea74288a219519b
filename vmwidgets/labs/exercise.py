"""Exercises: what a check looks for, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.machine.arguments import known

from .answers import line
from .criterion import Criterion, whole_points
from .prediction import identity_of

Judge = Callable[[Any], Iterable[Criterion]]


@dataclass(frozen=True, slots=True)
class Exercise:
    """`judge` looks at a thing of class `takes` and gives criteria that are worth `points` together.

    `alive`: a machine that a panic has ended can't be graded.  `shows` gives what there is to see of the thing, for the
    picture beside a result that is not complete; without it a map is drawn, and nothing of others.
    """

    id: str
    title: str
    points: int
    takes: type
    judge: Judge
    alive: bool = True
    shows: Callable[[Any], Any] | None = None


_exercises: dict[str, Exercise] = {}


def exercise(
    id: str,  # noqa: A002
    title: str,
    *,
    points: int,
    takes: type,
    alive: bool = True,
    shows: Callable[[Any], Any] | None = None,
) -> Callable[[Judge], Judge]:
    """Mark a function as the judge of the exercise `id`: it is given a thing of class `takes`, and yields criteria.

    >>> from vmwidgets import lab, Machine
    >>> @lab.exercise("doc/small", "A small machine", points=1, takes=Machine)
    ... def small(machine):
    ...     size = machine.ram_bytes
    ...     yield lab.criterion(1, size <= 8 << 20, "it is small", "it has more than 8 MiB", actual=size)
    """
    name, words = identity_of(id or None, ""), line(title, "title")
    worth = whole_points(points, "points", 1)
    if not isinstance(takes, type):
        raise Refused(f"takes={shown(takes)}: write the class of what is graded, such as vm.Machine")
    if shows is not None and not callable(shows):
        raise Refused(f"shows={shown(shows)}: write a function that gives what is drawn of the thing that is graded")

    def register(judge: Judge) -> Judge:
        _exercises[name] = Exercise(name, words, worth, takes, judge, alive, shows)
        return judge

    return register


def exercise_named(name: Any) -> Exercise:
    """The exercise of this id; a name that is none is refused, with the nearest."""
    return _exercises[known(name, _exercises, "check")]
