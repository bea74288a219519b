"""The last operation as a self-paging domain saw it, step by step.

A step is one thing asked of the world, or one record that the pmap changes.  What the kernel does for a call
(descriptors written, a capability that appears) is one step with the call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..engine.base import events as ev
from ..engine.base.journal import MAX_EVENTS, Operation
from .addresses import AddressStyle
from .domain_captions import domain_summary
from .domain_sentences import tell
from .functions import with_functions
from .scene import Caption, Steps


@dataclass(frozen=True, slots=True)
class DomainStep:
    """A moment of an operation: after `events[index]`.

    `short` and `call` are its word and, if it is a call to the world, the call's name; `level` how many refills it is
    inside; `undoing`: it takes something back.
    """

    index: int
    sentence: str
    functions: tuple[str, ...]
    event: ev.Event
    short: str
    call: str
    level: int
    failed: bool = False
    undoing: bool = False


@dataclass(frozen=True, slots=True)
class DomainMoment:
    """Where in an operation a picture stands: `done` of its events are behind it, and all of its steps."""

    caption: Caption
    steps: Steps
    done: int
    plan: tuple[DomainStep, ...]


def domain_moment(
    operation: Operation | None, events: Sequence[ev.Event], step: int, style: AddressStyle
) -> DomainMoment:
    """The moment at `step` of `operation` (-1: after it)."""
    if operation is None:
        return DomainMoment(Caption("Nothing was done here yet."), Steps(0, 0, -1), 0, ())
    plan = plan_domain(events, style)
    last = len(plan) + bool(plan)  # the whole operation stands behind its last step, so that this one is seen too
    at = last if step < 0 or step > last else step
    where = Steps(at, last, operation.number)
    if at == last:
        return DomainMoment(domain_summary(operation, events, style), where, len(events), plan)
    if at == 0:
        why = f"Of one operation, the last {MAX_EVENTS:,} events are kept." if operation.truncated else ""
        before = Caption("Earlier steps are left out." if why else "Before the operation.", (), why)
        return DomainMoment(before, where, 0, plan)
    here = plan[at - 1]
    return DomainMoment(Caption(here.sentence, here.functions[-4:]), where, here.index + 1, plan)


def plan_domain(events: Sequence[ev.Event], style: AddressStyle) -> tuple[DomainStep, ...]:
    """The steps of one operation."""
    steps: list[DomainStep] = []
    for index, event, functions in with_functions(events):
        if steps and _belongs_to(event, steps[-1].event):
            steps[-1] = replace(steps[-1], index=index)
            continue
        if functions and functions[-1] in _WITH_THE_CALL:
            continue  # the call itself is told of when the kernel is done
        told = tell(event, style)
        if told is not None:
            level = functions.count("refill_slabs")
            steps.append(
                DomainStep(index, told.sentence, functions, event, told.short, told.call, level, _fails(event))
            )
    return tuple(_marked(steps))


_WITH_THE_CALL = frozenset(("caps_copy_to_vnode", "page_mappings_unmap", "page_mappings_modify_flags"))
"""What the kernel does in these functions is one step with the call that follows."""


def _belongs_to(event: ev.Event, before: ev.Event) -> bool:
    """Whether an event is the effect of the call before it."""
    if isinstance(event, ev.VnodeMapped):
        return True
    if isinstance(event, ev.CapabilityMade):
        made = (ev.VnodeCreated, ev.FrameAllocated, ev.CapabilityCopyInvoked)
        return isinstance(before, made) and before.ref == event.ref
    if isinstance(event, ev.CapabilityDeleted):
        return isinstance(before, ev.CapabilityDeleteInvoked) and before.ref == event.ref
    return False


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
