"""The story of an operation: a sentence about all of it, and its steps.  It is the same for every picture.

A step is one thing that an event reports, such as a comparison, a link, a lock, or a call of the kernel.  After three
pages of a run, the others become one step, and so do other repeating steps (:mod:`.alike`).  The kernel's work for a
domain's call is one step with the call, and a thread's step begins with its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from vmwidgets import events as ev
from vmwidgets.engine.base.errors import in_ascii
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.journal import Operation
from vmwidgets.views.scene.model import Caption
from vmwidgets.views.scene.text import visible

from .alike import folded
from .calls import Functions, followed
from .step import About, Step
from .words import domains, faults, maps, objects, tables  # noqa: F401  they declare headlines
from .words.headlines import headline, shortened
from .words.kmem import said_of_descriptors, said_of_page, said_of_rest, said_of_run
from .words.names import FAULT, UNKNOWN, Names, Ranges
from .words.registry import saying_of
from .words.threads import THREADS

STRUCTURES = ("tree", "list", "buffers", "kentry")
"""Subjects of steps that an outline leaves out."""

SINGLE = 3
"""How many pages of a run have steps of their own."""


@frozen
class Story:
    """The story of an operation: `headline` is one sentence and perhaps a reason, and `steps` are its steps."""

    headline: Caption
    steps: tuple[Step, ...]

    @property
    def every_step(self) -> tuple[Step, ...]:
        """The steps, with folds opened."""
        return tuple(one for step in self.steps for one in (step.inside or (step,)))


def story_of(operation: Operation, ranges: Ranges = UNKNOWN, events: Sequence[ev.Event] | None = None) -> Story:
    """Return the story of `operation`, which needs only its events, arguments, result and outcome.  O(events).

    `ranges` gives the names and places of entries, which events mention by ID; without it, an entry is "entry 17".
    `events` are the operation's events, if it has forgotten them.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> a = m.kernel_map.enter("16 KiB")
    >>> story_of(m.journal.last).headline.text
    '16 KiB was mapped at 0xffff_8080_0014_1000 in kernel_map.'
    """
    events = operation.events if events is None else events
    return Story(headline(operation, events), tuple(folded(_Plan(events, ranges).steps())))


class _Plan:
    """The steps of one operation, as they are collected."""

    def __init__(self, events: Sequence[ev.Event], ranges: Ranges) -> None:
        self._events = events
        self._names = Names(events, ranges)
        self._steps: list[Step] = []
        self._run: list[_Said] = []
        self._requested = {event.frame for event in events if isinstance(event, (ev.PageGranted, ev.PageReleased))}
        self._supplied = {frame for event in events for frame in _frames_said(event)}

    def steps(self) -> list[Step]:
        """Return all steps."""
        for index, event, functions, runner in followed(self._events):
            self._names.follow(event, functions)
            said = _Said(index, event, functions, runner, _family(event, functions))
            if self._goes_with_a_call(said) or self._told_by_requests(event):
                continue
            sentence = "" if said.family else self._sentence(event)
            if sentence or said.family:
                self._end_run(said)
                if said.family:
                    self._run.append(said)
                else:
                    self._steps.append(said.step(sentence))
        self._end_run(None)
        return self._steps

    def _sentence(self, event: ev.Event) -> str:
        writer = saying_of(event).writer
        return "" if writer is None else writer(event, self._names)

    def _told_by_requests(self, event: ev.Event) -> bool:
        """Return whether page requests already say what an event of the allocator or of an object's pages would say."""
        if isinstance(event, (ev.BlockSplit, ev.BlockJoined)):
            return bool(self._requested)
        if isinstance(event, (ev.PagesEntered, ev.PagesLeft)):
            return len(event.pages) == 1 and event.pages[0][1] in self._supplied
        return isinstance(event, (ev.PageAllocated, ev.PageFreed)) and event.frame in self._requested

    # ---- what the kernel does inside a domain's call ---------------------------------------------

    def _goes_with_a_call(self, said: _Said) -> bool:
        """Return whether an event is the kernel's work for a call, and so part of the call's step."""
        event = said.event
        if isinstance(event, ev.VnodeMapped) or (_of_a_domain(event) and self._steps):
            of_domains = (step for step in reversed(self._steps) if step.about.kind == "domain")
            # a table's mappings are removed before the table itself
            call = next((step for step in of_domains if not isinstance(step.event, ev.CapabilityDeleted)), None)
            if call is not None and _belongs_to(event, call.event):
                self._steps.remove(call)
                self._steps.append(replace(call, index=said.index))
                return True
        return _of_a_domain(event) and bool(said.functions) and said.functions[-1] in _WITH_THE_CALL

    # ---- runs of pages ---------------------------------------------------------------------------

    def _end_run(self, coming: _Said | None) -> None:
        """Make steps of a run that `coming` does not continue."""
        run = self._run
        if run and (coming is None or (run[0].family, run[0].runner) != (coming.family, coming.runner)):
            self._steps += _folded(run, self._events)
            self._run = []


@frozen
class _Said:
    """An event with the running functions and the thread."""

    index: int
    event: Any
    functions: Functions
    runner: str
    family: str

    def step(self, sentence: str) -> Step:
        who = f"{visible(self.runner)}: " if self.runner and not isinstance(self.event, THREADS) else ""
        thing = saying_of(self.event).thing_of(self.event)
        return Step(self.index, who + sentence, self.functions, thing, _about(self.event), self.event)


def _about(event: ev.Event) -> About:
    saying = saying_of(event)
    return About(saying.kind, str(getattr(event, saying.of) or "") if saying.of else "")


def _family(event: ev.Event, functions: Functions) -> str:
    """Return an event's family of runs: descriptors written by a fault belong to the fault."""
    if isinstance(event, ev.PteWritten) and functions[:1] + functions[-1:] != _END_OF_A_FAULT:
        return ""
    return saying_of(event).family


ENTER = "pmap_enter"
_END_OF_A_FAULT = (FAULT, ENTER)


def _frames_said(event: ev.Event) -> tuple[int, ...]:
    """Return the frame that an event gives to an object, or takes from it."""
    if isinstance(event, ev.PagerAsked):
        return (event.frame,) if event.outcome == "miss" else ()
    return (event.frame,) if isinstance(event, (ev.PageCopied, ev.PageOut)) else ()


def _of_a_domain(event: ev.Event) -> bool:
    return saying_of(event).kind == "domain"


_WITH_THE_CALL = frozenset(("caps_copy_to_vnode", "page_mappings_unmap", "page_mappings_modify_flags"))
"""The functions in which the kernel's work and the call that follows are one step."""


def _belongs_to(event: ev.Event, before: ev.Event) -> bool:
    """Return whether an event is the effect of the call before it."""
    if isinstance(event, ev.VnodeMapped):
        return True
    if isinstance(event, ev.CapabilityMade):
        made = (ev.VnodeCreated, ev.FrameAllocated, ev.CapabilityCopyInvoked)
        return isinstance(before, made) and before.ref == event.ref
    if isinstance(event, ev.CapabilityDeleted):
        return isinstance(before, ev.CapabilityDeleteInvoked) and before.ref == event.ref
    return False


def _folded(run: Sequence[_Said], events: Sequence[ev.Event]) -> Iterator[Step]:
    """Yield the steps of a run in these events: one or, for granted pages, a few."""
    if run[0].family == "descriptor":
        before = map(events.__getitem__, range(run[0].index, -1, -1))
        call = next(event for event in before if isinstance(event, ev.Called) and event.name == ENTER)
        yield run[-1].step(said_of_descriptors([said.event for said in run], call))
        return
    if run[0].family != "grant":
        yield run[-1].step(said_of_run(run[0].family, [said.event for said in run]))
        return
    units: list[list[_Said]] = []
    for said in run:
        if isinstance(said.event, ev.PageGranted) or not units:
            units.append([])
        units[-1].append(said)
    few = units if len(units) <= SINGLE + 1 else units[:SINGLE]
    for unit in few:
        yield unit[-1].step(said_of_page([said.event for said in unit]))
    rest = units[len(few) :]
    if rest:
        cleared = sum(isinstance(said.event, ev.PageCleared) for unit in rest for said in unit)
        yield rest[-1][-1].step(said_of_rest(len(rest), cleared))


# ---- as text -------------------------------------------------------------------------------------

MOST = 400
"""The most steps that are printed; if there are more, the first and the last steps are."""


@frozen(repr=False)
class Explanation:
    """A story that prints as text: headline and reason with their functions, then a numbered line for each step."""

    story: Story

    @property
    def whole(self) -> Explanation:
        """The story with all steps, even folded ones."""
        return Explanation(replace(self.story, steps=self.story.every_step))

    def outline(self, *words: str) -> Explanation:
        """Return the story without steps in trees, lists and slabs of entries.

        With `words`, the outline has only steps that contain one of these words.
        """
        steps = (step for step in self.story.steps if step.about.kind not in STRUCTURES)
        kept = tuple(step for step in steps if not words or any(word in step.sentence for word in words))
        return Explanation(replace(self.story, steps=kept))

    @in_ascii
    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        headline = self.story.headline
        yield from filter(None, (headline.text, headline.reason, _chain(headline.functions)))
        steps = list(enumerate(self.story.steps, 1))
        left_out = max(0, len(steps) - MOST)
        first = steps if not left_out else steps[: MOST // 2]
        yield from _numbered(first)
        if left_out:
            yield f"     … {left_out:,} more steps"
            yield from _numbered(steps[MOST // 2 + left_out :])


def _numbered(steps: Sequence[tuple[int, Step]]) -> Iterator[str]:
    """Yield a line for each step, with its functions if they differ from the functions of the step before."""
    said: Functions = ()
    for number, step in steps:
        if step.functions != said:
            said = step.functions
            yield f"     {_chain(said)}" if said else "     outside kernel functions"
        yield f"{number:>3}. {step.sentence}"


def _chain(functions: Functions) -> str:
    return " → ".join(shortened(functions))
