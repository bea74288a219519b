"""A domain's own steps in an operation, with what the strip of its calls shows of each.

A step is one thing asked of the world, or one record that the pmap changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vmwidgets.engine.base import events as ev
from vmwidgets.views.story.moment import Mine, Moment
from vmwidgets.views.story.story import Step
from vmwidgets.views.story.words.domain_events import strip_words


@dataclass(frozen=True, slots=True)
class DomainStep:
    """A step of an operation in the strip.

    `short` and `call` are its word and, if it is a call to the world, the call's name; `level` how many refills it is
    inside; `undoing`: it takes something back.
    """

    sentence: str
    event: ev.Event
    short: str
    call: str
    level: int
    failed: bool = False
    undoing: bool = False


def steps_of_domain(name: str) -> Mine:
    """The steps of the domain called `name`."""
    return lambda step: step.about == ("domain", name)


def plan_of(moment: Moment, name: str) -> tuple[DomainStep, ...]:
    """The steps of the domain called `name` in the operation of a moment."""
    return tuple(_marked([_in_the_strip(step) for step in moment.mine(steps_of_domain(name))]))


def _in_the_strip(step: Step) -> DomainStep:
    short, call = strip_words(step.event)
    level = step.functions.count("refill_slabs")
    return DomainStep(step.sentence, step.event, short, call, level, _fails(step.event))


def _fails(event: ev.Event) -> bool:
    if isinstance(event, ev.SlotAllocated):
        return event.ref is None
    if isinstance(event, ev.BlockTaken):
        return event.block is None
    if isinstance(event, (ev.VnodeCreated, ev.FrameAllocated)):
        return event.base is None
    return getattr(event, "error", None) is not None


def _marked(steps: Sequence[DomainStep]) -> Iterator[DomainStep]:
    """Steps between a failure and the word that all was taken back do just that."""
    ends = [number for number, step in enumerate(steps) if isinstance(step.event, ev.MapUndone)]
    undoing = False
    for number, step in enumerate(steps):
        yield replace(step, undoing=undoing) if undoing else step
        if step.failed and any(number < end for end in ends):
            undoing = True
        elif isinstance(step.event, ev.MapUndone):
            undoing = any(number < end for end in ends)
