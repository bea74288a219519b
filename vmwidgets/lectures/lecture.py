"""A lecture: the story of a machine, with what its handout needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.machine import Machine
from vmwidgets.pictures.handing_out import handout
from vmwidgets.pictures.picture import Picture

WIDE = 760
"""Pixels of a picture: enlarged to 1,920, its smallest words are 24 high."""

Asked = tuple[str, list[str], str, str]
"""A question, its options, the answer, and why."""


@dataclass
class Lecture:
    """A lecture in the making: `pictures` show `machine` at each step; moments are marks.

    A step of the story is one of `by`, as in :func:`vmwidgets.handout`; a mark can begin another unit.

    >>> from vmwidgets.lectures import faults
    >>> [answer for _, _, answer, _ in faults.lecture().ask.values()]
    ['0', '4', '5']
    """

    title: str
    machine: Machine
    pictures: tuple[Picture, ...] = ()
    ask: dict[str, Asked] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    what_if: dict[str, Machine] = field(default_factory=dict)
    by: dict[str, str] = field(default_factory=dict)

    def show(self, *pictures: Picture, wide: int = WIDE) -> None:
        """Show these at each step, laid out so that their words can be read from the last row."""
        for one in pictures:
            one.width = wide
        self.pictures = pictures

    def mark(self, name: str, notes: str, by: str = "") -> None:
        """Begin a chapter here, with what the lecturer may say; a step is one of `by` from here on ("": as before)."""
        self.machine.mark(name)
        self.notes[name] = notes
        if by:
            self.by[name] = by

    def question(self, moment: str, text: str, options: list[str], answer: object, why: str) -> None:
        """Ask at a mark; the machine has the answer, which must be among the options.

        Raises :class:`Refused` if it is not.
        """
        if str(answer) not in options:
            raise Refused(f"the machine's answer to {shown(text)} is {shown(str(answer))}, which is not an option")
        self.ask[moment] = text, options, str(answer), why

    def write(self, path: Path, *, questions: str = "closed", notes: bool = True) -> Path:
        """Write the handout, and the journal beside it (`….jsonl.gz`)."""
        by = self.by or "step"
        made = handout(
            self.machine, path, *self.pictures, title=self.title, ask=self.ask, what_if=self.what_if,
            questions=questions, notes=self.notes if notes else None, since=next(iter(self.notes)), by=by,
        )  # fmt: skip
        self.machine.journal.save(path.with_suffix(".jsonl.gz"))
        return made
