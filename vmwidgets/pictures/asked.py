"""The question "what comes next?" in a picture of a translation, which waits for a press before each outcome.

A translation is divided into questions: which way of the TLB answers, which descriptor is read, where the walk ends,
which frame it reaches, and which way caches the translation.  Nothing after the first open question is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple
from zlib import crc32

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE_SHIFT, Address
from vmwidgets.engine.kernel.tasks.objects_schema import PagesEntered, PagesLeft
from vmwidgets.engine.machine import Machine
from vmwidgets.views.scene.kit import Switch, draw_switches
from vmwidgets.views.scene.model import Caption, Node, Scene, Steps
from vmwidgets.views.scene.text import visible
from vmwidgets.views.story.lookups import Lookup
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.tables.walk_tables import Reach, table_name

from .at import At
from .keeping import KEPT_BY
from .moments import look_at
from .spaces import MachineSpace
from .translation import Sight, Translation, runs_in, translation_scene, walked

MOST_LOOKUPS = 3
"""The most lookups of an access that get questions: the first try, and two tries after faults."""

ROWS = 4
"""The number of a table's descriptors to choose from."""

FRAMES = 4
"""The number of tasks' frames to choose from."""

FAULT = "a page fault"


class Question(NamedTuple):
    """One question: its number, its lookup, the part of the picture drawn with it, and the right thing to press.

    `right` is a way (its node), a descriptor (its node), "frame" and a number, or the verdict.
    """

    number: int
    lookup: Lookup
    place: int
    sight: Sight
    right: str


def questions_of(machine: Machine, one: Translation, moment: Moment, panes: Sequence[str]) -> list[Question]:
    """Return the questions of a translation in order, for these panes; the latest operation of `machine` made it."""
    found: list[Question] = []
    for lookup in one.lookups[:MOST_LOOKUPS]:
        for place, sight, right in _asked_of(machine, one, lookup, moment):
            found.append(Question(len(found) + 1, lookup, place, sight, right))
    return [asked for asked in found if _pane_of(asked.right) in panes]


def _pane_of(right: str) -> str:
    what = right.partition("/")[0].partition(":")[0]
    return {"tlb": "tlb", "walk": "walk", "frame": "frames"}[what]


def _asked_of(machine: Machine, one: Translation, lookup: Lookup, moment: Moment) -> Iterator[tuple[int, Sight, str]]:
    """Yield the questions of one lookup: the number of events done, the drawn part, and the right answer."""
    then = replace(one, lookups=(lookup,))
    space = MachineSpace(machine, one.task, moment.at(lookup.at))
    found = walked(machine, then, moment.at(lookup.at))
    width = space.tables.fmt.entry_width
    levels = len(space.tables.fmt.address_split(space.tables.controls).parts)
    frame = None if found.pa is None else found.pa >> PAGE_SHIFT
    hidden, is_walked = _frames_to_choose(machine, moment, lookup, frame), any(each.is_walked for each in one.lookups)

    def sight(read: int, opened: int, words: tuple[str, str] | None = _NEXT, reached: int | None = None) -> Sight:
        reach = Reach(levels, read, opened, words, ROWS, width, is_walked)
        return Sight(lookup, reach, reached, (), 2, hidden, True)

    place = lookup.at
    if lookup.place is not None:
        yield place, sight(0, 1), f"tlb/{lookup.cpu}/{lookup.place[0]}/{lookup.place[1]}"
        place += 1
        if lookup.outcome == "forbidden":
            yield place, sight(0, 1), "walk/verdict"
        elif lookup.outcome == "used":
            slot = look_at(machine.cpus, moment.at(lookup.at)).now.cpus[lookup.number].tlb
            kept = slot.rows[lookup.place[0]][lookup.place[1]]
            if kept is not None:
                frame = kept.entry.pa + lookup.va - kept.entry.va >> PAGE_SHIFT
                chosen = _frames_to_choose(machine, moment, lookup, frame)
                yield place, replace(sight(0, 1, _HIT), among=chosen), f"frame:{frame}"
    if not lookup.is_walked:
        return
    for number, step in enumerate(found.steps):
        yield place, sight(number, 1), f"walk/row/{step.level}/{step.index}"
        place = lookup.at + 1
    read = len(found.steps)
    if frame is None or lookup.faulted:
        yield place, sight(read, 0), "walk/verdict"
        return
    yield place, sight(read, 0), f"frame:{frame}"
    if lookup.filled is not None:
        set_, way = lookup.filled.place
        yield place, replace(sight(read, 0, None, frame), sets=(set_,)), f"tlb/{lookup.cpu}/{set_}/{way}"


def _frames_to_choose(machine: Machine, moment: Moment, lookup: Lookup, right: int | None) -> tuple[int, ...]:
    """Return at most :data:`FRAMES` frames that held pages of tasks then, among them `right` if it held one."""
    frames = set(machine.system.task_memory.pages)
    for event in reversed(moment.events[lookup.at :]):
        if isinstance(event, PagesEntered):
            frames -= {frame for _, frame in event.pages}
        elif isinstance(event, PagesLeft):
            frames |= {frame for _, frame in event.pages}
    found = sorted(frames)[:FRAMES]
    if right is not None and right not in found:
        found = [*found[: FRAMES - 1], right]
    return tuple(sorted(found))


_NEXT = ("Or a page fault?", "press here, if that comes next")
_HIT = ("Not read", "the TLB had the translation")


# ---- the picture ---------------------------------------------------------------------------------


@frozen(slots=False)
class Choice:
    """The meaning of a press on a node."""

    node: str
    words: str


def asking_scene(at: At, panes: Sequence[str], one: Translation, moment: Moment, asked: Question, before: str) -> Scene:
    """Return the translation so far with the question; `before` is the answer to the previous question."""
    drawn = translation_scene(at, panes, one, moment.at(asked.place), asked.sight)
    choices = {choice.node for choice in choices_in(drawn, at.whole, one, moment, asked)}
    switches = [Switch("pass", "show this", None, "skip this question, and show what comes next"),
                Switch("all", "show everything", None, "skip all remaining questions")]  # fmt: skip
    pressed, high = draw_switches([switches], "ask", 4, at.width)
    down = high + 6
    nodes = [_pressable(node) if node.id in choices else node for node in drawn.nodes]
    number = -1 if moment.operation is None else moment.operation.number
    return replace(
        drawn,
        height=drawn.height + down,
        nodes=(*pressed, *(replace(node, y=node.y + down) for node in nodes)),
        links=tuple(replace(link, points=tuple((x, y + down) for x, y in link.points)) for link in drawn.links),
        caption=Caption(f"{question_words(one, asked)} Press one of the dashed boxes.", (), before),
        steps=Steps(0, 0, number),
    )


def _pressable(node: Node) -> Node:
    """Return a node that can be pressed as an answer, with a dashed line around it."""
    said = f"{node.title}; press it if it comes next"
    return replace(node, action="open", thing="", lane=node.lane or "walk", state=(*node.state, "choice"), title=said)


def question_words(one: Translation, asked: Question) -> str:
    """Return the question of a lookup."""
    lookup = asked.lookup
    who = f"{lookup.cpu}: {lookup.access} at {Address(lookup.va)} of {one.whose}"
    return f"{who}, operation {one.number}, step {asked.number}. What comes next?"


def choices_in(drawn: Scene, machine: Machine, one: Translation, moment: Moment, asked: Question) -> list[Choice]:
    """Return what can be pressed in a picture: ways, the descriptors of a table not read yet, frames, a fault."""
    found = walked(machine, replace(one, lookups=(asked.lookup,)), moment.at(asked.lookup.at))
    tables = {str(step.level): table_name(step) for step in found.steps}
    choices = [Choice(node, _words_of_run(node, drawn)) for node, _, _ in runs_in(drawn)]
    for node in drawn.nodes:
        what, *rest = node.id.split("/")
        if what == "tlb" and len(rest) == 3 and rest[1].isdecimal():
            choices.append(Choice(node.id, f"way {rest[2]} of set {rest[1]} of {rest[0]}"))
        elif node.id.startswith("walk/row/"):
            choices.append(Choice(node.id, f"descriptor {rest[2]} of the {visible(tables[rest[1]])}"))
        elif node.id == "walk/verdict" and asked.sight.reach.verdict == _NEXT:
            choices.append(Choice(node.id, FAULT))
    return choices


def _words_of_run(node: str, drawn: Scene) -> str:
    title = next(one.title for one in drawn.nodes if one.id == node)
    return title.partition(":")[0].partition(" ")[2]


def right_choice(choices: Sequence[Choice], drawn: Scene, asked: Question) -> str:
    """Return the words for what comes next; a frame that is not drawn is named by its number."""
    if not asked.right.startswith("frame:"):
        return next((choice.words for choice in choices if choice.node == asked.right), asked.right)
    frame = int(asked.right.partition(":")[2])
    run = next((node for node, first, count in runs_in(drawn) if first <= frame < first + count), "")
    return next((choice.words for choice in choices if choice.node == run), f"frame {frame:#x}")


class Asker:
    """The questions of one picture, and their answers, whose names all begin with the permanent `name`."""

    def __init__(self, name: str) -> None:
        self._keeper = KEPT_BY[-1](name)

    def first_open(self, one: Translation, questions: Sequence[Question]) -> tuple[Question | None, str]:
        """Return the first open question, and the answer to the previous question."""
        said = ""
        for asked in questions:
            told = self._keeper.told(_key(one, asked), question_words(one, asked))
            if not told:
                return asked, said
            said = told
        return None, said

    def answer(self, one: Translation, asked: Question, said: str | None, actual: str) -> None:
        """Keep the answer to a question; None means that it was passed."""
        self._keeper.keep(_key(one, asked), question_words(one, asked), said, actual)


def _key(one: Translation, asked: Question) -> str:
    """Return the key of the answer.  In another history, the right answer may differ, so the key does too."""
    right = crc32(repr((one.task, asked.right)).encode("utf-8", "replace")) & 0xFFFF
    return f"{one.number}/{asked.number}-{right:04x}"
