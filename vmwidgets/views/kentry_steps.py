"""The last operation as the kentry area saw it, step by step."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine.base import events as ev
from ..engine.base.journal import Operation
from ..engine.base.units import Address
from .functions import left_open, with_functions
from .kentry import CACHE
from .scene import Caption, Steps
from .steps import Step
from .text import visible


def kentry_moment(operation: Operation | None, events: Sequence[ev.Event], step: int) -> tuple[Caption, Steps, int]:
    """Caption, steps and number of events done for the area at `step` of `operation` (-1: after it)."""
    if operation is None:
        return Caption("The latest operations took no entry from the area and gave none back."), Steps(0, 0, -1), 0
    steps = _plan(events)
    last = len(steps) + bool(steps)  # the whole operation stands behind its last step, so that this one is seen too
    at = last if step < 0 or step > last else step
    if at == last:
        return _summary(operation, events), Steps(last, last, operation.number), len(events)
    if at == 0:
        return Caption("Before the operation."), Steps(0, last, operation.number), 0
    here = steps[at - 1]
    return Caption(here.sentence, here.functions), Steps(at, last, operation.number), here.index + 1


def _plan(events: Sequence[ev.Event]) -> list[Step]:
    told = ((index, _sentence(event), functions) for index, event, functions in with_functions(events))
    return [Step(index, sentence, functions) for index, sentence, functions in told if sentence]


def _sentence(event: ev.Event) -> str:
    if isinstance(event, ev.KentrySlabTaken):
        return f"Slab {event.index} is popped from the free list."
    if isinstance(event, ev.KentrySlabGiven):
        return f"Slab {event.index} is pushed on the free list."
    if isinstance(event, (ev.PageAllocated, ev.PageFreed)) and event.owner == "kentry area":
        done = "comes to stand behind it" if isinstance(event, ev.PageAllocated) else "is free again"
        return f"Physical page {Address(event.frame << 12)} {done}."
    if isinstance(event, ev.BufferAllocated) and event.cache == CACHE:
        return f"The slot at {Address(event.address)} is taken for an entry."
    if isinstance(event, ev.BufferFreed) and event.cache == CACHE:
        return f"The slot at {Address(event.address)} is free again."
    return ""


def _summary(operation: Operation, events: Sequence[ev.Event]) -> Caption:
    taken = sum(isinstance(event, ev.BufferAllocated) and event.cache == CACHE for event in events)
    freed = sum(isinstance(event, ev.BufferFreed) and event.cache == CACHE for event in events)
    slabs = sum(isinstance(event, ev.KentrySlabTaken) for event in events)
    given = sum(isinstance(event, ev.KentrySlabGiven) for event in events)
    if operation.outcome == "panic":
        return Caption(visible(operation.said), left_open(events), "The machine is dead.", "panic")
    parts = [f"{taken} slot{'s' * (taken != 1)} taken"] * bool(taken) + [f"{freed} given back"] * bool(freed)
    parts += [f"{given} empty slab{'s' * (given != 1)} returned"] * bool(given)
    what = ", ".join(parts) if parts else "no slot taken or given back"
    text = f"{operation.name.capitalize()} of {visible(operation.target)}: {what}."
    more = f"It needed {slabs} fresh slab{'s' * (slabs != 1)}, with a page behind each." if slabs else ""
    functions = ("vm_map_entry_create", "vm_map_kentry_alloc") if slabs else ()
    return Caption(text, functions, more, "good")
