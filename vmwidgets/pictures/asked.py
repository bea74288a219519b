"""The question "what does the processor do next?" in a picture of a translation, which waits for an answer each time.

A translation is divided into questions: where the processor looks first, whether it then reads a table, reaches the
frame or faults.  The answers are three, in words, at one place.  Nothing after the first open question is drawn: the
TLB, the tables and the frames are there when they are reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple
from zlib import crc32

from vmwidgets.engine.base.units import Address
from vmwidgets.engine.machine import Machine
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import Box, stack
from vmwidgets.views.scene.model import Bar, Caption, Node, Scene, Steps, Table, Text
from vmwidgets.views.scene.text import fitted, visible
from vmwidgets.views.story.lookups import Lookup
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.tables.walk_tables import Reach

from .at import At
from .keeping import KEPT_BY, Ask
from .translation import Sight, Translation, translation_scene, walked

MOST_LOOKUPS = 3
"""The most lookups of an access that get questions: the first try, and two tries after faults."""

WORDS = {"tlb": "looks in the TLB", "table": "reads a table", "frame": "uses the frame", "fault": "faults"}
"""The answers, by what is right."""

FIRST, LATER = ("tlb", "table", "fault"), ("table", "frame", "fault")
"""The answers to the first question of a lookup, and to all others."""


class Question(NamedTuple):
    """One question: its number, its lookup, the part of the picture drawn with it, and the right answer.

    `read` is the number of descriptors that are read; -1 before the TLB is looked at.
    """

    number: int
    lookup: Lookup
    place: int
    sight: Sight
    right: str
    read: int

    @property
    def answers(self) -> tuple[str, ...]:
        """The answers to choose from."""
        return FIRST if self.read < 0 else LATER


def questions_of(machine: Machine, one: Translation, moment: Moment, panes: Sequence[str]) -> list[Question]:
    """Return the questions of a translation in order, for these panes; the latest operation of `machine` made it."""
    found: list[Question] = []
    for lookup in one.lookups[:MOST_LOOKUPS]:
        for place, sight, right, read in _asked_of(machine, one, lookup, moment):
            found.append(Question(len(found) + 1, lookup, place, sight, right, read))
    return [asked for asked in found if _PANE_OF[asked.right] in panes]


_PANE_OF = {"tlb": "tlb", "table": "walk", "fault": "walk", "frame": "frames"}
"""The pane that shows what is right."""


def _asked_of(
    machine: Machine, one: Translation, lookup: Lookup, moment: Moment
) -> Iterator[tuple[int, Sight, str, int]]:
    """Yield the questions of one lookup: the number of events done, the drawn part, the answer, and what is read."""
    then = replace(one, lookups=(lookup,))
    found = walked(machine, then, moment.at(lookup.at))
    is_walked = any(each.is_walked for each in one.lookups)

    def sight(read: int) -> Sight:
        reach = Reach(read, ("What comes next?", "the answers are above"), asked=True, is_walked=is_walked)
        return Sight(lookup, reach, None, asked=True)

    yield lookup.at, sight(0), "tlb", -1
    if lookup.outcome in ("used", "forbidden"):
        yield lookup.at, sight(0), "frame" if lookup.outcome == "used" else "fault", 0
    if not lookup.is_walked:
        return
    place = lookup.at
    for number in range(len(found.steps)):
        yield place, sight(number), "table", number
        place = lookup.at + 1
    is_fault = found.pa is None or lookup.faulted
    yield place, sight(len(found.steps)), "fault" if is_fault else "frame", len(found.steps)


# ---- the picture ---------------------------------------------------------------------------------


def asking_scene(at: At, panes: Sequence[str], one: Translation, moment: Moment, asked: Question, before: str) -> Scene:
    """Return the translation so far with the question; `before` is the answer to the previous question."""
    then, said = moment.at(asked.place), question_words(one, asked)
    reached = {
        "address": True,
        "tlb": asked.read >= 0,
        "walk": asked.read > 0,
        "rights": asked.read > 0,
        "frames": False,
    }
    shown = [name for name in panes if reached[name]]
    rows = [(said, "; ".join(WORDS[key] for key in asked.answers))]
    number = -1 if moment.operation is None else moment.operation.number
    question = boxes.picture(
        "translation",
        f"translation of {Address(one.va)} in {one.whose}",
        f"{at.whole.architecture} · operation {one.number}, question {asked.number}",
        choices(asked.lookup.va, asked.answers),
        caption=Caption(said, (), before),
        table=Table(("question", "answers"), rows),
        machine=at.whole.name,
        width=at.width,
    )
    scenes = [question, *([translation_scene(at, shown, one, then, asked.sight)] if shown else [])]
    return replace(stack(scenes, "translation", headed=False), steps=Steps(0, 0, number))


def choices(va: int, answers: Sequence[str]) -> Part:
    """Return an address, large, the answers by their keys in `WORDS`, and two ways to pass."""
    address = boxes.words("ask/address", str(Address(va)), "large mono")
    parts = [boxes.thing(64, partial(_choice, number, key)) for number, key in enumerate(answers, 1)]
    passing = [
        kit.Switch("pass", "show this", None, "skip this question, and show what comes next"),
        kit.Switch("all", "show everything", None, "skip all remaining questions"),
    ]
    return boxes.below(address, boxes.equal(parts, 130.0, gap=12), boxes.switches("ask", [passing]), gap=12)


def _choice(number: int, key: str, box: Box) -> Node:
    """Return an answer: its number, and its words."""
    text = [
        Text(26, 36, str(number), "letter on-step", "middle"),
        fitted(46, 38, WORDS[key], box.w - 54, "large strong" if box.w > 230 else "body strong"),
    ]
    return Node(
        f"ask/answer/{key}",
        "card",
        *box,
        text=tuple(text),
        bars=(Bar(15, 21, 22, 22, "count step"),),
        title=f"answer {number}: {WORDS[key]}",
        action="open",
        lane="answers",
        state=("choice",),
    )


def question_words(one: Translation, asked: Question) -> str:
    """Return the question of a lookup."""
    lookup = asked.lookup
    does = {"read": "reads from", "write": "writes to", "execute": "fetches from"}.get(lookup.access, "accesses")
    again = " again" * (lookup is not one.lookups[0])
    when = "first" if asked.read < 0 else "next"
    return f"{visible(one.whose)} {does} {Address(lookup.va)}{again}. What does the processor do {when}?"


class Asker:
    """The questions of one picture, and their answers, whose names all begin with the permanent `name`."""

    def __init__(self, name: str) -> None:
        self._keeper = KEPT_BY[-1](name)

    def first_open(self, one: Translation, questions: Sequence[Question]) -> tuple[Question | None, str]:
        """Return the first open question, and the answer to the previous question."""
        said = ""
        for asked in questions:
            told = self._keeper.told(_ask(one, asked))
            if not told:
                return asked, said
            said = told
        return None, said

    def answer(self, one: Translation, asked: Question, said: str | None, actual: str) -> None:
        """Keep the answer to a question; None means that it was passed."""
        self._keeper.keep(_ask(one, asked), said, actual)


def _ask(one: Translation, asked: Question) -> Ask:
    """Return the question as its answer is kept.  In another history it may be another question, so its key differs."""
    lookup, place = asked.lookup, f"{one.number}/{asked.number}"
    key = f"{place}-{_digest(one.task, lookup.access, int(lookup.va), asked.right)}"
    before = f"{place}-{_digest(one.task, asked.right)}"
    return Ask(key, question_words(one, asked), before, _words_before(one, lookup))


def _digest(*facts: object) -> str:
    return f"{crc32(repr(facts).encode('utf-8', 'replace')) & 0xFFFF:04x}"


def _words_before(one: Translation, lookup: Lookup) -> str:
    """Return the words that tell the access in notebooks up to commit 181686ba, whatever a question says today."""
    does = {"read": "reads from", "write": "writes to", "execute": "fetches from"}.get(lookup.access, "accesses")
    return f" {does} {Address(lookup.va)}{' again' * (lookup is not one.lookups[0])}."
