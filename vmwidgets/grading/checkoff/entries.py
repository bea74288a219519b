"""Questions on a map's entries after each step, and on its tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

from vmwidgets.engine.base.errors import VMError
from vmwidgets.engine.base.units import PAGE, Address, counted
from vmwidgets.engine.kernel.map.map_schema import EntryValue
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.labs.draws import Draws
from vmwidgets.questions.question import Question

from .steps import Steps, headline, map_name
from .subject import LISTED, Subject, asks, before, choices, drawn_first, with_steps

SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 32)
"""The possible pages of a next request."""

FEW = 4
"""The size of a tree below which no question is asked."""


def count(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask how many entries there are right after a step."""
    steps = subject.steps
    if steps is None or not steps.map_path or len(steps) < 1:
        return
    counts = steps.along(lambda step: len(steps.entries_at(step)))
    changed = [one for one in steps.late if counts[one] > 1 and _all(steps, one) != _all(steps, one - 1)]
    for step in drawn_first(draws, changed, lambda one: counts[one] - counts[one - 1] != 1):
        yield asks(
            f"How many entries did the map {map_name(steps)} have right after {steps.named(step)}?"
            f"{before(counts[step - 1])}",
            counted(counts[step], "entry"),
            f"Before it there {'was' if counts[step - 1] == 1 else 'were'} {counts[step - 1]:,}. {steps.why(step)}",
        )


def maker(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask which step gave an entry its present form, for an entry whose limits are not in any one call."""
    steps = subject.steps
    if steps is None or not steps.map_path or not 3 <= len(steps) <= LISTED:
        return
    now = steps.entries_at(len(steps))
    made: dict[EntryValue, int] = {}
    for step in range(len(steps), 0, -1):
        before = {_seen(one) for one in steps.entries_at(step - 1)}
        for entry in now:
            if entry not in made and _seen(entry) not in before:
                made[entry] = step
    for entry in drawn_first(draws, made, lambda one: not _given_away(steps, made[one], one)):
        if _given_away(steps, made[entry], entry):
            return
        limits = f"`{Address(entry.start)}` to `{Address(entry.end)}`, `{entry.protection}`"
        text = f"At the end there is an entry from {limits}. Which of your {steps.noun}s was the last to change it?"
        yield asks(with_steps(text, steps), choices(steps, [made[entry]]), steps.why(made[entry]))


def _seen(entry: EntryValue) -> tuple[int, int, int, str | None]:
    return entry.start, entry.end, entry.flags, entry.object


def _all(steps: Steps, step: int) -> list[tuple[int, int, int, str | None]]:
    return list(map(_seen, steps.entries_at(step)))


def _given_away(steps: Steps, step: int, entry: EntryValue) -> bool:
    """Return whether only this step names the address at which the entry begins, which would give the answer away."""
    name = str(Address(entry.start))
    named = [one for one in range(1, len(steps) + 1) if _names(steps.typed(one), name, entry.start)]
    return named == [step]


def _names(typed: str, address: str, number: int) -> bool:
    return address in typed or f"{number:#x}" in typed or str(number) in typed


def coming(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask where the next request would land."""
    steps = subject.steps
    if steps is None or not steps.map_path or not isinstance(steps.branch().part(steps.map_path), MachineMap):
        return
    entries = steps.entries_at(len(steps))
    seen = {space_start(steps)}  # a question with this answer would be too easy
    gaps = [high.start - low.end for low, high in pairwise(entries) if high.start > low.end]
    for size in drawn_first(draws, SIZES, lambda one: any(gap < one * PAGE for gap in gaps))[:4]:
        space = steps.branch().part(steps.map_path)
        with suppress(VMError):
            place = space.enter(size * PAGE)
            if place in seen:
                continue
            seen.add(place)
            yield asks(
                f"As the map {map_name(steps)} is now, at the end: at which address does a request for "
                f"{counted(size, 'page')} land that gives no address, `enter({size} * vm.PAGE)`?",
                f"`{place}`",
                headline(space.machine, space.machine.journal.last),
            )


def space_start(steps: Steps) -> int:
    """Return the lowest address of the map."""
    start: int = steps.machine_at(len(steps)).part(steps.map_path).value().start
    return start


def lookup(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask how many nodes of the tree a lookup compares."""
    for steps, step in _moments(subject, draws):
        entries = steps.entries_at(step)
        chosen = draws.choice(entries)
        space = steps.machine_at(step).branch().part(steps.map_path)
        if not isinstance(space, MachineMap):
            return
        space.lookup(next(one.start for one in entries if one != chosen))  # so that another entry is cached
        found = space.comparisons(chosen.start)
        if found < 2:
            continue
        yield asks(
            f"Right after {steps.named(step)}, a lookup of `{Address(chosen.start)}` in {map_name(steps)} finds "
            "nothing in the lookup cache. With how many entries of the tree does it compare?",
            counted(found, "entry"),
            f"The tree has {counted(len(entries), 'entry')} on {counted(space.levels, 'level')}.",
        )


def _moments(subject: Subject, draws: Draws) -> Iterator[tuple[Steps, int]]:
    """Yield moments at which the tree has some entries; none in labs before lab 02, which is about trees."""
    steps = subject.steps
    if steps is not None and steps.map_path and subject.exercise >= "02":
        for step in draws.shuffled(steps.late):
            space = steps.machine_at(step).part(steps.map_path)
            if isinstance(space, MachineMap) and FEW <= len(steps.entries_at(step)) <= 4 * LISTED:
                yield steps, step
