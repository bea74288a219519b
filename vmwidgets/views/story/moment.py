"""The moment that all pictures of an operation share: the number of its events that are done."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import field, replace
from functools import cached_property
from typing import Any, NamedTuple

from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.journal import MAX_EVENTS, Operation
from vmwidgets.engine.mmu.tables_schema import words_written
from vmwidgets.views.scene.model import AFTER, STILL, Caption, Row, Rows, Steps

from .stages import Mine, Stages, stages_of
from .step import Step
from .story import Story, story_of
from .words.headlines import shortened
from .words.names import Ranges
from .words.pictures import say_moment

About = Callable[[Step], bool]
"""A function that decides which steps are about a picture's subject."""

ACCESSES = ("read", "write", "load", "store", "fetch")
"""Operations that touch only the memory of a task: a failing one is no news of a picture that it did not change."""

MOST_PASSED = 3
"""The most skipped steps that the next step mentions."""


class Told(NamedTuple):
    """The steps of a picture with words of its own, and a function that adds the moment's words to its caption."""

    steps: Steps = STILL
    caption: Callable[[Caption], Caption] = lambda own: own


@frozen(slots=False)
class Moment:
    """A moment of `operation`: after `done` events, or after the whole operation if `done` is None.

    `ranges` is for :func:`.story.story_of`.  Without `has_steps`, the picture shows the end (:meth:`at_end`).

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> a = m.kernel_map.enter("16 KiB")
    >>> Moment(m.journal.last, 0).caption == Moment(m.journal.last).caption
    False
    >>> from vmwidgets.views.story.stages import where
    >>> steps = Moment(m.journal.last).steps(where(lambda stage: stage.step.about.kind == "tree"))
    >>> steps.index == steps.count, steps.places[0], steps.places[-1]
    (True, 0, -1)
    """

    operation: Operation | None = None
    done: int | None = None
    ranges: Ranges = field(default_factory=dict, repr=False, compare=False)
    has_steps: bool = field(default=True, repr=False, compare=False)

    @cached_property
    def events(self) -> Sequence[Event]:
        """All kept events of the operation."""
        return () if self.operation is None else self.operation.events

    @cached_property
    def story(self) -> Story:
        """The operation's story."""
        if self.operation is None:
            return Story(Caption(""), ())
        return story_of(self.operation, self.ranges, self.events)

    @cached_property
    def stages(self) -> Stages:
        """The steps of the story, each with the events since the step before it."""
        return stages_of(self.story.steps, self.events)

    @cached_property
    def opened(self) -> Stages:
        """The stages of all steps, with folds opened; empty if there are no folds."""
        is_folded = any(step.inside for step in self.story.steps)
        found = stages_of(self.story.every_step if is_folded else (), self.events)
        found.folded = self.stages
        return found

    @property
    def place(self) -> int:
        """The number of events that are done."""
        return len(self.events) if self.done is None else min(self.done, len(self.events))

    @property
    def is_after(self) -> bool:
        """Return whether the whole operation is done, so that the headline describes it."""
        return self.done is None

    @property
    def is_boot(self) -> bool:
        """Return whether the operation is the machine's boot."""
        return self.operation is not None and self.operation.name == "boot"

    @property
    def so_far(self) -> Sequence[Event]:
        """The events so far."""
        return self.events[: self.place]

    def words(self, place: int) -> dict[int, int]:
        """Return the words of descriptors after this many events, by physical address, if later events change them."""
        known = self._words
        if place not in known:
            if len(known) >= MOST_WORDS:
                known.pop(next(iter(known)))
            known[place] = {pa: before for pa, (before, _) in words_written(self.events[place:]).items()}
        return known[place]

    @cached_property
    def _words(self) -> dict[int, dict[int, int]]:
        return {}

    def read_once(self, what: Hashable, read: Callable[[], Any]) -> Any:
        """Return what `read` returns of page tables: for all moments at which these have the same words, it reads once.

        `what` says what is read: a name of this reading, and the tables.
        """
        key = what, frozenset(self.words(self.place).items())
        if key not in self._read:
            self._read[key] = read()
        return self._read[key]

    @cached_property
    def _read(self) -> dict[Hashable, Any]:
        return {}

    # ---- words -----------------------------------------------------------------------------------

    @cached_property
    def step(self) -> Step | None:
        """The latest step, if the operation is not over; None before the first step."""
        if self.is_after:
            return None
        reached = [step for step in self.story.steps if step.index < self.place]
        following = next((step for step in self.story.steps if step.index + 1 > self.place), None)
        inside = following.inside if following is not None else ()
        reached += [step for step in inside if step.index < self.place]
        return reached[-1] if reached else None

    @cached_property
    def caption(self) -> Caption:
        """The headline after the operation, and otherwise the current step's sentence: the same in all pictures."""
        operation = self.operation
        if operation is None or self.is_after:
            return self.story.headline
        if self.step is not None:
            return Caption(self.step.sentence, shortened(self.step.functions))
        if operation.truncated:
            return Caption(say_moment("left out"), (), say_moment("truncated", events=f"{MAX_EVENTS:,}"))
        return Caption(say_moment("before"))

    def caption_with(self, own: str) -> Caption:
        """Return the caption, followed by a sentence about the picture's own subject ("" for none)."""
        caption = self.caption
        return replace(caption, reason=f"{caption.reason} {own}".strip()) if own else caption

    def caption_of(
        self, steps: Steps, answer: str = "", more: str = "", *, tells: bool = True, changed: bool = False
    ) -> Caption:
        """Return the caption of a picture with these `steps`; its own `answer` comes first ("" for none), `more` last.

        If no step of the operation changed the picture, the caption says only that, with the picture's own words.
        Otherwise, the operation's headline says what happened if the picture draws what the headline names (`tells`).
        `changed` says that the picture changed without a step of the story, such as when a task exits.
        At a step, and if an operation failed that the picture tells of, the moment's own caption comes before all.
        """
        caption = self.caption
        if not self.is_after or self.operation is None or caption.tone == "panic":
            return self.caption_with(f"{answer} {more}".strip())
        known = self.has_steps and not self.operation.truncated and self.operation.name != "boot"
        is_elsewhere = known and not steps.count and not changed and self.operation.name in ACCESSES
        if caption.tone == "error" and not is_elsewhere:
            caption = caption if tells or steps.count else replace(caption, reason="", functions=())
            return replace(caption, reason=" ".join(one for one in (caption.reason, answer, more) if one))
        if known and not steps.count and not changed:
            said, caption = say_moment("same"), Caption("", (), "", "plain")
        elif known and not tells:
            said = "" if answer else say_moment("changed")
            caption = replace(caption, reason="", functions=(self.operation.name,))
        else:
            said = caption.text
            if self.operation.name == "boot":  # the reason is about maps
                caption = replace(caption, reason="")
        words = [answer, said, caption.reason, more] if answer else [said, caption.reason, more]
        text, *rest = [one for one in words if one]
        return replace(caption, text=text, reason=" ".join(rest))

    def told(self, mine: Mine) -> Told:
        """Return a picture's steps, and a function that joins the picture's own caption and the moment's words.

        After the operation, the picture's own words come first; at a step, the step's words do.
        """

        def caption(own: Caption) -> Caption:
            if not steps.count:
                return own
            if self.is_after:
                before = "Before: " * (own.tone == "error")  # what the operation did is not why an access is refused
                return replace(own, reason=f"{own.reason} {before}{self.caption.text}".strip())
            return replace(self.caption_with(own.text), tone=own.tone)

        steps = self.steps(mine)
        return Told(steps, caption)

    # ---- the steps of a picture ------------------------------------------------------------------

    def mine(self, mine: Mine) -> list[Step]:
        """Return the steps that change a picture."""
        return [stage.step for stage in mine(self.stages)] if self.has_steps else []

    def passed(self, mine: Mine, about: About) -> str:
        """Return what a picture skipped before its current step: joined steps, and others of its subject."""
        if self.is_after:
            return ""
        every_one = self.mine(mine)
        steps = _joined(every_one)
        if all(step.index + 1 != self.place for step in steps):
            steps = every_one  # one of `every`, or a step of another picture
        done = [step.index for step in steps if step.index < self.place]
        skipped = self._between(done[-2] if len(done) > 1 else -1, done[-1], every_one, about) if done else ""
        return f"Before: {skipped}" if skipped else ""

    def _between(self, first: int, last: int, own: Sequence[Step], about: About) -> str:
        """Return the latest sentences of a picture's `own` steps, and about its subject, between two of its steps."""
        known = {step.index for step in own}
        skipped = (step for step in self.story.steps if first < step.index < last)
        return " ".join([step.sentence for step in skipped if step.index in known or about(step)][-MOST_PASSED:])

    def steps(self, mine: Mine, about: About = lambda step: False) -> Steps:
        """Return the picture's place among its own steps, at most nine: the last place is after the operation.

        `about` selects further steps about the picture's subject, whose sentences are added to the picture's next step.
        """
        if self.operation is None:
            return STILL
        every_one = self.mine(mine)
        if not every_one:
            return Steps(0, 0, self.operation.number)
        steps = _joined(every_one)
        done = [step.index + 1 for step in steps]
        count = len(done) + 1  # the whole operation comes after its last step, so that this one is seen too
        at = count if self.is_after else sum(one <= self.place for one in done)
        functions = [number + 1 for number, step in enumerate(steps) if not number or _begins(step, steps[number - 1])]
        places = (0, *done, AFTER)
        apart = (0, *(step.index + 1 for step in every_one), AFTER)
        each = [stage.step for stage in mine(self.opened)] if self.opened else every_one
        every = (0, *(step.index + 1 for step in each), AFTER) if len(each) > len(done) else ()
        said = Rows(lambda: self._said(steps, every_one, about))
        return Steps(at, count, self.operation.number, places, (0, *functions, count), said, every, apart)

    def _said(self, steps: Sequence[Step], own: Sequence[Step], about: About) -> tuple[Row, ...]:
        """Return each step's sentence after those of the skipped steps before it, and its functions.

        The last sentence is what the operation did.
        """
        before = [-1, *(step.index for step in steps)]
        rows = [
            (f"{self._between(first, step.index, own, about)} {step.sentence}".strip(), shortened(step.functions))
            for first, step in zip(before, steps, strict=False)
        ]
        done = self.story.headline
        rows.append((f"{done.text} {done.reason}".strip(), done.functions))
        return tuple((text, " → ".join(functions)) for text, functions in rows)

    def at(self, place: int | None, ranges: Ranges | None = None) -> Moment:
        """Return another moment of the same operation, with the same story; None and AFTER mean after the operation.

        Views that name ranges need `ranges`, which a moment made by :meth:`with_story` does not have.
        """
        return self._with(done=None if place == AFTER else place, ranges=self.ranges if ranges is None else ranges)

    def at_end(self) -> Moment:
        """Return the moment after the operation, for a picture without steps inside the operation."""
        return self._with(done=None, has_steps=False)

    def with_story(self) -> Moment:
        """Return this moment with its story, which no longer refers to the machine."""
        other = self._with(ranges={})
        other.__dict__.update(events=self.events, story=self.story, stages=self.stages, opened=self.opened)
        return other

    def _with(self, **changes: Any) -> Moment:
        other: Moment = replace(self, **changes)
        known = self.__dict__
        shared = known.keys() & {"events", "story", "stages", "opened"}
        other.__dict__.update({name: known[name] for name in shared}, _words=self._words, _read=self._read)
        return other


MOST_WORDS = 8
"""The number of an operation's moments for which the words of descriptors are cached."""


MOST_STEPS = 9
"""The most steps of a picture: of more, neighbours are joined, and each is still one of `every`."""


def _joined(steps: Sequence[Step]) -> Sequence[Step]:
    """Return at most :data:`MOST_STEPS` steps: the last one of each of as many groups of neighbours."""
    if len(steps) <= MOST_STEPS:
        return steps
    return [steps[len(steps) * group // MOST_STEPS - 1] for group in range(1, MOST_STEPS + 1)]


def _begins(step: Step, before: Step) -> bool:
    """Return whether a step has different running functions from the step before."""
    return step.functions[-1:] != before.functions[-1:]
