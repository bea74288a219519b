"""Findings on a file or a piece of work, as values, and their words for staff and for students.

Code never examines a sentence, only the status, which has the words of both readers side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import Enum
from typing import Any

from vmwidgets.engine.base.frozen import frozen


class Status(Enum):
    """The kind of a finding: the value is its name in files, followed by the words for staff and for the student.

    Without a third text, the student reads the words for staff; "" are none.  The student whose work it is reads of no
    suspicion, no other student's ID, and nothing from inside a file: anyone may submit a file in a classmate's name.
    """

    staff: str
    student: str

    def __new__(cls, name: str, staff: str = "", student: str | None = None) -> Status:
        """Make a status, which files call `name`; a call with the name alone finds it."""
        one = object.__new__(cls)
        one._value_, one.staff, one.student = name, staff, staff if student is None else student
        return one

    # about one exercise in a file
    UNCHECKED = "not checked", "no check of it is in the file"
    STOPPED_CHECK = "check stopped", "{problem}"
    FORGED = "forged", "forged: the notebook claims {claim}, and its journal gives {points}{worth}", ""
    DIFFERS = (
        "differs",
        "differs: the notebook claims {claim}{made}, and its journal gives {points}{worth}{judge}",
        "differs: the notebook claims {claim}, and its journal gives {points}{worth}",
    )
    COPIED = "copied", "the same journal as {others}", ""
    OTHER_VARIANT = (
        "of another variant",
        "its journal is of another variant",
        "it was done under another id or in another lab, or before lab.begin: run its cells again and save",
    )
    OTHER_EDITION = (
        "of another edition",
        (
            "not judged: it was made with edition {edition} of this exercise, and this is edition {ours}: grade it "
            "with {made}"
        ),
        "not judged: it was made with another edition of this exercise",
    )
    OTHER_LAB = "of another lab", "not judged: the notebook last began {began}, and this is of {lab}"
    FUNCTION = (
        "function not run",
        (
            "not judged: it is a function, as earlier versions kept it, and no student's code runs: read its source in "
            "the notebook, and give points by hand"
        ),
        "not judged: it is a function, as earlier versions kept it: your instructor reads it",
    )
    UNMADE = "not made again", "not judged: {problem}", "not judged: the work can't be rebuilt from the notebook"
    UNJUDGED = "not judged", "not judged: {problem}"
    HIGHER = "higher claim not judged", "the work of cell {cell}, which claims {claim}, was {was}"
    GIVEN = "given", "given by a person: {reason}", "{points} points were given: {reason}"
    # about a file without work
    NOTHING_DONE = "nothing done", "nothing has been done yet"
    NOTHING_CHECKED = "nothing checked", "nothing was checked or submitted"
    # about a file that is not graded
    NO_NOTEBOOK = "no notebook", "not a notebook: {kind}", "it is not a notebook: submit the .ipynb"
    UNREADABLE = "not readable", "{problem}"
    UNREAD = "not read to its end", "not graded: {problem}"
    BEGIN_REFUSED = "lab.begin refused", "its lab.begin can't be: {problem}", "its lab.begin can't be read"
    BEGIN_FAILED = "lab.begin failed", "lab.begin failed: cell {cell} says why"
    NOT_BEGUN = "not begun", "lab.begin was never run in it, or it was saved without outputs"
    NO_STUDENT = "no student", "no student ID: this is the default variant"
    OTHER_COURSE = "of another course", "it is of the course {course}, not {ours}", "it is of another course"
    NO_CODE = "no code", "it was begun without a code: write code= in lab.begin and do the exercises again"
    NO_KEY = "no key", "it was begun with a code, and the course's file has no key"
    OTHER_CODE = (
        "another code",
        "it was begun with a code that is not that of {student}",
        "it was begun with a code that is not that of its student",
    )
    OTHER_CODES = (
        "other codes",
        "it was begun with a code that is not that of {student}",
        "it was begun with a code that is not that of its students",
    )
    NOT_IN_COURSE = (
        "not in the course",
        "lab {lab} has no exercise in this course",
        "its lab has no exercise in this course",
    )
    CONCEPT_TEST = (
        "concept test",
        "it is a concept test, for vmwidgets grade FOLDER --gain",
        "it is a concept test, which gives no points",
    )
    UPLOADED = "uploaded by another", "{by} uploaded it, in the name of {students}: it counts for no one", ""
    # about tables and the class
    ROSTER = "odd in the roster", "the roster's {problem}", ""
    STRANGER = "not in the roster", "is not in the roster", ""
    TWO_IDS = "two ids", "wrote {ids} in lab {lab}: this is one person, with the most points", ""
    LARGE_GROUP = "large group", "{count} students began it together, and the course allows groups of {most}", ""
    TWO_GROUPS = "two groups", "worked in {count} groups in lab {lab}: {groups}", ""
    ODD_OVERRIDE = "odd override", "row {row}: {problem}", ""
    ODD_DATE = "odd date", "the roster's {problem}", ""
    OTHER_COUNTS = "another file counts", "{counts}", ""


SUSPICIOUS = frozenset({Status.FORGED, Status.COPIED})
"""Findings that are suspicious: a claim was changed, or others have the same work."""

NOT_JUDGED = frozenset({Status.OTHER_EDITION, Status.OTHER_LAB, Status.FUNCTION, Status.UNMADE, Status.UNJUDGED})
"""The finding on work whose points are unknown."""

NO_WORK = frozenset({Status.NOTHING_DONE, Status.NOTHING_CHECKED})
"""Findings on a readable file without work: its predictions count."""

NO_LOOK = frozenset({Status.UNCHECKED, Status.GIVEN})
"""Findings that need no attention from staff."""


@frozen
class Finding:
    """A `status` with its details, `about`: values for the words, one of which may be another finding."""

    status: Status
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def staff(self) -> str:
        """The words for staff."""
        return self._in("staff")

    @property
    def student(self) -> str:
        """The words for the student; "" if there are none."""
        return self._in("student")

    def _in(self, reader: str) -> str:
        about = {name: one._in(reader) if isinstance(one, Finding) else one for name, one in self.about.items()}
        words: str = getattr(self.status, reader)
        return words.format_map(about)

    def data(self) -> dict[str, Any]:
        """Return the finding as JSON."""
        about = {name: one.data() if isinstance(one, Finding) else one for name, one in self.about.items()}
        return {"status": self.status.value, "about": about}

    @classmethod
    def made_from(cls, data: dict[str, Any]) -> Finding:
        """Return the finding rebuilt from :meth:`data`; raises Python's own errors for malformed data."""
        about = {name: cls.made_from(one) if isinstance(one, dict) else str(one) for name, one in data["about"].items()}
        return cls(Status(data["status"]), about)


def found(status: Status, **about: str | Finding) -> Finding:
    """Make a finding."""
    return Finding(status, about)


def in_words(findings: Iterable[Finding], *, student: bool = False) -> str:
    """Return the sentences of several findings, without those that have no words for this reader."""
    return "; ".join(filter(None, (one.student if student else one.staff for one in findings)))


def tried(attempts: int, student: str) -> str:
    """Return the words for staff after a finding if `attempts` runs were stopped while judging."""
    return f" ({attempts} times; only --only {student or 'STUDENT'} tries again)" if attempts else ""
