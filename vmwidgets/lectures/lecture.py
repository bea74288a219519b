"""A lecture: the story of a machine, and the settings of its handout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.machine import Machine
from vmwidgets.pictures.handing_out import handed_out
from vmwidgets.pictures.handout.telling import nothing
from vmwidgets.pictures.picture import Picture
from vmwidgets.views.story.words.registry import is_housekeeping

WIDE = 760
"""Width in pixels of a picture: enlarged to 1,920, its smallest words are 24 high."""

Moment = str | tuple[str, int]
"""A mark, or a mark and a number of steps after it."""

Asked = tuple[str, list[str], str, str]
"""A question, its options, the answer, and why."""


@dataclass
class Lecture:
    """A lecture under construction: `pictures` show `machine` at each step; moments are marks.

    `by` is the unit of the story's steps, as in :func:`vmwidgets.handout`; a mark can begin another unit.

    >>> from vmwidgets.lectures import faults
    >>> [answer for _, _, answer, _ in faults.lecture().ask.values()]
    ['0', '4', '5', '5']
    """

    title: str
    machine: Machine
    pictures: tuple[Picture, ...] = ()
    ask: dict[Moment, Asked] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    what_if: dict[str, Machine] = field(default_factory=dict)
    by: dict[str, str] = field(default_factory=dict)
    minutes: dict[str, int] = field(default_factory=dict)
    """The minutes of each chapter."""
    wrong: dict[Moment, dict[str, str]] = field(default_factory=dict)
    """The reply to each wrong answer, by question."""
    of_rings: bool = False
    """Whether the ring's changes have steps of their own, because they are the subject."""

    def show(self, *pictures: Picture, wide: int = WIDE) -> None:
        """Show these pictures at each step, laid out so that their words can be read from the last row."""
        for one in pictures:
            one.width = wide
        self.pictures = pictures

    def mark(self, name: str, notes: str, *, minutes: int, by: str = "", live: str = "", paper: str = "") -> None:
        """Begin a chapter of this many `minutes`, with notes for the lecturer.

        `live` is a call to make in a notebook, `paper` a question for the class to answer on paper.  From here on, `by`
        is the unit of the steps ("" for no change).
        """
        self.machine.mark(name)
        beside = [f"{where}: {words}" for where, words in (("In a cell", live), ("On paper", paper)) if words]
        self.notes[name], self.minutes[name] = "\n".join((notes, *beside)), minutes
        if by:
            self.by[name] = by

    def question(
        self,
        moment: str,
        text: str,
        options: list[str],
        answer: object,
        why: str,
        wrong: dict[str, str],
        *,
        later: int = 0,
    ) -> None:
        """Ask at a mark, or `later` steps after it.  The lecture computes `answer`, which must be among the options.

        `wrong` has a reply to each other option.  Raises :class:`Refused` if an option has no reply, or if the answer
        is not an option.
        """
        if str(answer) not in options:
            raise Refused(f"the machine's answer to {shown(text)} is {shown(str(answer))}, which is not an option")
        if {*wrong, str(answer)} != {*options}:
            raise Refused(f"of {shown(text)}: explain each wrong option, and no other")
        asked = (moment, later) if later else moment
        self.ask[asked], self.wrong[asked] = (text, options, str(answer), why), wrong

    def notes_of(self, name: str) -> str:
        """Return the notes of a chapter, a line each: minutes, the plan, and right and wrong answers."""
        begun = sum(self.minutes[one] for one in list(self.notes)[: list(self.notes).index(name)])
        said = [f"Minutes {begun} to {begun + self.minutes[name]}", self.notes[name]]
        for moment, (_, _, answer, _) in self.ask.items():
            if name == (moment if isinstance(moment, str) else moment[0]):
                said.append(f"Right: {answer}")
                said += [f"If they say {option}: {comment}" for option, comment in self.wrong[moment].items()]
        return "\n".join(said)

    def write(self, path: Path, *, questions: str = "closed", notes: bool = True) -> Path:
        """Write the handout, and the journal next to it (`….jsonl.gz`)."""
        by, written = self.by or "step", {name: self.notes_of(name) for name in self.notes}
        options: dict[str, Any] = {"title": self.title, "ask": self.ask, "what_if": self.what_if, "by": by}
        options |= {"questions": questions, "notes": written if notes else None, "since": next(iter(self.notes))}
        quiet = nothing if self.of_rings else is_housekeeping
        made, _ = handed_out(self.machine, path, self.pictures, options, quiet=quiet)
        self.machine.journal.save(path.with_suffix(".jsonl.gz"))
        return made


@frozen
class Ready:
    """A lecture that `vmwidgets lecture` writes: its name, minutes, subject in a line, and what makes it.

    `short` makes its version of twenty minutes; `of_fork` makes it for a way to fork of :func:`vmwidgets.boot`.  `also`
    are other names for its subject.
    """

    name: str
    minutes: int
    about: str
    make: Callable[[], Lecture]
    short: Callable[[], Lecture] | None = None
    of_fork: Callable[[str], Lecture] | None = None
    also: tuple[str, ...] = ()
