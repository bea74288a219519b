"""The steps of a picture: those at whose end it draws something else than before."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from operator import attrgetter

from vmwidgets.engine.base.errors import Diverged
from vmwidgets.engine.base.event import WRITING, Event
from vmwidgets.engine.base.frozen import frozen

from .step import Step


@frozen
class Stage:
    """A step of the story, with the events since the step before it."""

    step: Step
    events: Sequence[Event]


class Stages(tuple[Stage, ...]):  # noqa: SLOT001  slots of a tuple can hold nothing
    """The stages of one operation, with the results that are computed once for it (:func:`once`).

    If they are in folds, which were opened, `folded` are the stages with the folds closed.
    """

    folded: Stages | None = None

    def __init__(self, _stages: Iterable[Stage]) -> None:
        self.known: dict[Hashable, tuple[Stage, ...]] = {}


Mine = Callable[[Sequence[Stage]], Iterable[Stage]]
"""A function that selects a picture's steps from an operation's stages."""


def once(key: Hashable, mine: Mine) -> Mine:
    """Return the same function, computed once for an operation, for all pictures with an equal `key`."""

    def remembered(stages: Sequence[Stage]) -> Iterable[Stage]:
        if not isinstance(stages, Stages):
            return mine(stages)
        if key not in stages.known:
            stages.known[key] = tuple(mine(stages))
        return stages.known[key]

    return remembered


def where(changes: Callable[[Stage], bool]) -> Mine:
    """Return the stages that change a picture, if each stage can be judged by itself."""
    return lambda stages: filter(changes, stages)


def either(*mine: Mine) -> Mine:
    """Return the stages of several parts of a picture, in order."""

    def all_of(stages: Sequence[Stage]) -> Iterable[Stage]:
        found = {stage.step.index: stage for one in mine for stage in one(stages)}
        return sorted(found.values(), key=attrgetter("step.index"))

    return all_of


MOST = 200
"""The most stages of an operation that are compared: if it has more, neighbours are joined."""


def joined(stages: Sequence[Stage]) -> Sequence[Stage]:
    """Return the stages, with as many neighbours joined as leave :data:`MOST`."""
    if (size := -(-len(stages) // MOST)) < 2:
        return stages
    groups = (stages[at : at + size] for at in range(0, len(stages), size))
    return [Stage(group[-1].step, [event for one in group for event in one.events]) for group in groups]


def seen(
    facts: Callable[[int], object], *, is_far: bool = False, within: Callable[[Stage], bool] = lambda stage: True
) -> Mine:
    """Return the stages at whose end other `facts` hold than at their beginning.

    `facts` gets a number of events, and returns what a picture draws after these: a small value without anything that
    the picture leaves out.  If the picture draws events, such as the comparisons of a search, they are facts too.  If
    it `is_far` to read inside the operation, each stage that changes anything is a step.  No facts are read inside
    folds: there, each stage is a step for which `within` is true.
    """

    def changing(stages: Sequence[Stage]) -> Iterable[Stage]:
        if is_far:
            return filter(_writes, joined(stages))
        found: list[Stage] = []
        try:
            before = facts(0)
        except Diverged:  # of a processor that only its author's program knows
            return filter(_writes, joined(stages))
        for stage in joined(stages):
            now = facts(stage.step.index + 1)
            if now != before:
                found.append(stage)
            before = now
        return found

    def mine(stages: Sequence[Stage]) -> Iterable[Stage]:
        if not isinstance(stages, Stages) or stages.folded is None:
            return changing(stages)
        folds = changing(stages.folded)
        inside = {one.index for fold in folds for one in (fold.step.inside or (fold.step,))}
        return [stage for stage in stages if stage.step.index in inside and within(stage)]

    return mine


def _writes(stage: Stage) -> bool:
    return any(event.tag in WRITING for event in stage.events)


def stages_of(steps: Sequence[Step], events: Sequence[Event]) -> Stages:
    """Return a stage for each step of an operation."""
    ends = [step.index + 1 for step in steps]
    return Stages(Stage(step, events[begin:end]) for step, begin, end in zip(steps, [0, *ends], ends, strict=False))
