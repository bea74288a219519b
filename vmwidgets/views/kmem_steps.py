"""The last operation as kernel memory, its pages and its threads saw it, step by step.

A step is one lock, one search, one insertion, one page, one join, one thread that sleeps or wakes; after three pages
of a run the others are one step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.base import events as ev
from ..engine.base.journal import MAX_EVENTS, Operation
from .addresses import AddressStyle
from .functions import followed
from .kmem_captions import kmem_summary
from .kmem_sentences import pages_of, sentence
from .scene import Caption, Steps
from .steps import Step
from .text import visible

SINGLE = 3
"""So many pages of a run have a step of their own."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in an operation a picture stands: `done` of its events are behind it."""

    caption: Caption
    steps: Steps
    done: int


def kmem_moment(
    operation: Operation | None, events: Sequence[ev.Event], step: int, style: AddressStyle, first: int = 0
) -> Moment:
    """Caption, steps and number of events done at `step` of `operation` (-1: after it).

    `first` events can't be taken back in the picture at hand.
    """
    if operation is None:
        return Moment(Caption("Nothing was done here yet."), Steps(0, 0, -1), 0)
    steps = [one for one in plan_kmem(events, style) if one.index + 1 >= first]
    last = len(steps) + bool(steps)  # the whole operation stands behind its last step, so that this one is seen too
    at = last if step < 0 or step > last else step
    where = Steps(at, last, operation.number)
    if at == last:
        return Moment(kmem_summary(operation, events, style), where, len(events))
    if at == 0:
        left_out = "Earlier steps are left out." if first or operation.truncated else "Before the operation."
        why = f"Of one operation, the last {MAX_EVENTS:,} events are kept." if operation.truncated else ""
        return Moment(Caption(left_out, (), why), where, first)
    here = steps[at - 1]
    return Moment(Caption(here.sentence, here.functions), where, here.index + 1)


def plan_kmem(events: Sequence[ev.Event], style: AddressStyle) -> list[Step]:
    """The steps of one operation."""
    steps: list[Step] = []
    run: list[_Told] = []
    frames = {event.frame for event in events if isinstance(event, (ev.PageGranted, ev.PageReleased))}
    for index, event, functions, runner in followed(events):
        family = _FAMILIES.get(type(event), "")
        if family in ("split", "join") and frames:
            continue  # what the page queues do says enough
        told_so = "" if family else sentence(event, style, frames)
        if not family and not told_so:
            continue
        told = _Told(index, event, functions, runner, family)
        if run and (run[0].family, run[0].runner) != (family, runner):
            steps += _folded(run, style)
            run = []
        if family:
            run.append(told)
        else:
            steps.append(told.step(told_so))
    return [*steps, *_folded(run, style)]


@dataclass(frozen=True, slots=True)
class _Told:
    """An event with what was under way, and who ran."""

    index: int
    event: Any
    functions: tuple[str, ...]
    runner: str
    family: str

    def step(self, sentence: str) -> Step:
        thread_tells = isinstance(self.event, _THREAD_EVENTS)
        who = f"{visible(self.runner)}: " if self.runner and not thread_tells else ""
        return Step(self.index, who + sentence, self.functions)


_THREAD_EVENTS = (ev.ThreadSpawned, ev.ThreadRuns, ev.ThreadSlept, ev.ThreadWoken, ev.ThreadEnded)
_FAMILIES: dict[type[ev.Event], str] = {
    ev.PageGranted: "grant",
    ev.PageCleared: "grant",
    ev.PageUnwired: "release",
    ev.PageReleased: "release",
    ev.TranslationEntered: "enter",
    ev.PageZeroed: "zero",
    ev.PageCached: "cache",
    ev.BlockSplit: "split",
    ev.BlockJoined: "join",
}
"""Events that come in runs, page by page."""


_COUNTED = {
    "zero": (
        "The idle loop fills a free frame with zeroes ahead of need.",
        "The idle loop fills {} frames with zeroes.",
    ),
    "cache": (
        "The page daemon makes an inactive page a cached one: it can be had at once.",
        "The page daemon makes {} inactive pages cached ones: they can be had at once.",
    ),
    "split": (
        "The buddy system halves a free block.",
        "The buddy system halves free blocks {} times, down to a frame.",
    ),
    "join": ("Two free buddies become one block.", "Free buddies become one block, {} times."),
}
"""What is said of one event of a family, and of several."""


def _folded(run: Sequence[_Told], style: AddressStyle) -> Iterator[Step]:
    if not run:
        return
    family = run[0].family
    if family in _COUNTED:
        one, many = _COUNTED[family]
        yield run[-1].step(one if len(run) == 1 else many.format(len(run)))
    elif family == "release":
        yield run[-1].step(_released([told.event for told in run]))
    elif family == "enter":
        first = run[0].event
        yield run[-1].step(
            f"{pages_of(len(run))} {'is' if len(run) == 1 else 'are'} entered in the kernel's page tables, "
            f"from {style.long(first.va)} on."
        )
    else:
        yield from _granted(run)


def _granted(run: Sequence[_Told]) -> Iterator[Step]:
    """Each of the first pages with its clearing, and the others together."""
    units: list[list[_Told]] = []
    for told in run:
        if isinstance(told.event, ev.PageGranted) or not units:
            units.append([])
        units[-1].append(told)
    few = units if len(units) <= SINGLE + 1 else units[:SINGLE]
    for unit in few:
        yield unit[-1].step(_one_page([told.event for told in unit]))
    rest = units[len(few) :]
    if rest:
        cleared = sum(isinstance(told.event, ev.PageCleared) for unit in rest for told in unit)
        more = f"; {cleared} of them are filled with zeroes" if cleared else ""
        yield rest[-1][-1].step(f"{len(rest)} more pages come the same way{more}.")


def _one_page(events: Sequence[Any]) -> str:
    first = events[0]
    if isinstance(first, ev.PageCleared):
        return f"Frame {first.frame:#x} is filled with zeroes."
    page_class, *words = first.request.split("|")
    wired = ", wired" if "WIRED" in words else ""
    zero = ""
    if "ZERO" in words:
        zero = "; it holds zeroes already" if first.zeroed else "; it is filled with zeroes by hand"
    where = f"page {first.pindex:#x} of {visible(first.object)}"
    return f"Class {page_class} gets frame {first.frame:#x} for {where}{wired}{zero}."


def _released(events: Sequence[Any]) -> str:
    freed = [event for event in events if isinstance(event, ev.PageReleased)]
    unwired = [event for event in events if isinstance(event, ev.PageUnwired)]
    if not freed:
        return f"{pages_of(len(unwired))} lost a wiring."
    falling = len(freed) > 1 and freed[0].pindex > freed[-1].pindex
    words = f"{pages_of(len(freed))} of {visible(freed[0].object)} {'is' if len(freed) == 1 else 'are'} "
    return words + f"{'unwired and ' if unwired else ''}free again{', the highest first' if falling else ''}."
