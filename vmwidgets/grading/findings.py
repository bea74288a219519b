"""Findings on a file or a piece of work, as values, and their words for staff and for students.

Code never examines a sentence, only the status.  Both tables of words are here, side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import Enum
from typing import Any

from vmwidgets.engine.base.frozen import frozen


class Status(Enum):
    """The kind of a finding; the value is its name in files."""

    # about one exercise in a file
    UNCHECKED = "not checked"
    STOPPED_CHECK = "check stopped"
    FORGED = "forged"
    DIFFERS = "differs"
    COPIED = "copied"
    OTHER_VARIANT = "of another variant"
    OTHER_EDITION = "of another edition"
    OTHER_LAB = "of another lab"
    FUNCTION = "function not run"
    UNMADE = "not made again"
    UNJUDGED = "not judged"
    HIGHER = "higher claim not judged"
    GIVEN = "given"
    # about a file without work
    NOTHING_DONE = "nothing done"
    NOTHING_CHECKED = "nothing checked"
    # about a file that is not graded
    NO_NOTEBOOK = "no notebook"
    UNREADABLE = "not readable"
    UNREAD = "not read to its end"
    BEGIN_REFUSED = "lab.begin refused"
    BEGIN_FAILED = "lab.begin failed"
    NOT_BEGUN = "not begun"
    NO_STUDENT = "no student"
    OTHER_COURSE = "of another course"
    NO_CODE = "no code"
    NO_KEY = "no key"
    OTHER_CODE = "another code"
    OTHER_CODES = "other codes"
    NOT_IN_COURSE = "not in the course"
    CONCEPT_TEST = "concept test"
    UPLOADED = "uploaded by another"
    # about tables and the class
    ROSTER = "odd in the roster"
    STRANGER = "not in the roster"
    TWO_IDS = "two ids"
    LARGE_GROUP = "large group"
    TWO_GROUPS = "two groups"
    ODD_OVERRIDE = "odd override"
    ODD_DATE = "odd date"
    OTHER_COUNTS = "another file counts"


STAFF: dict[Status, str] = {
    Status.UNCHECKED: "no check of it is in the file",
    Status.STOPPED_CHECK: "{problem}",
    Status.FORGED: "forged: the notebook claims {claim}, and its journal gives {points}{worth}",
    Status.DIFFERS: "differs: the notebook claims {claim}{made}, and its journal gives {points}{worth}{judge}",
    Status.COPIED: "the same journal as {others}",
    Status.OTHER_VARIANT: "its journal is of another variant",
    Status.OTHER_EDITION: "not judged: it was made with edition {edition} of this exercise, and this is edition "
    "{ours}: grade it with {made}",
    Status.OTHER_LAB: "not judged: the notebook last began {began}, and this is of {lab}",
    Status.FUNCTION: "not judged: it is a function, as earlier versions kept it, and no student's code runs: read its "
    "source in the notebook, and give points by hand",
    Status.UNMADE: "not judged: {problem}",
    Status.UNJUDGED: "not judged: {problem}",
    Status.HIGHER: "the work of cell {cell}, which claims {claim}, was {was}",
    Status.GIVEN: "given by a person: {reason}",
    Status.NOTHING_DONE: "nothing has been done yet",
    Status.NOTHING_CHECKED: "nothing was checked or submitted",
    Status.NO_NOTEBOOK: "not a notebook: {kind}",
    Status.UNREADABLE: "{problem}",
    Status.UNREAD: "not graded: {problem}",
    Status.BEGIN_REFUSED: "its lab.begin can't be: {problem}",
    Status.BEGIN_FAILED: "lab.begin failed: cell {cell} says why",
    Status.NOT_BEGUN: "lab.begin was never run in it, or it was saved without outputs",
    Status.NO_STUDENT: "no student ID: this is the default variant",
    Status.OTHER_COURSE: "it is of the course {course}, not {ours}",
    Status.NO_CODE: "it was begun without a code: write code= in lab.begin and do the exercises again",
    Status.NO_KEY: "it was begun with a code, and the course's file has no key",
    Status.OTHER_CODE: "it was begun with a code that is not that of {student}",
    Status.OTHER_CODES: "it was begun with a code that is not that of {student}",
    Status.NOT_IN_COURSE: "lab {lab} has no exercise in this course",
    Status.CONCEPT_TEST: "it is a concept test, for vmwidgets grade FOLDER --gain",
    Status.UPLOADED: "{by} uploaded it, in the name of {students}: it counts for no one",
    Status.ROSTER: "the roster's {problem}",
    Status.STRANGER: "is not in the roster",
    Status.TWO_IDS: "wrote {ids} in lab {lab}: this is one person, with the most points",
    Status.LARGE_GROUP: "{count} students began it together, and the course allows groups of {most}",
    Status.TWO_GROUPS: "worked in {count} groups in lab {lab}: {groups}",
    Status.ODD_OVERRIDE: "row {row}: {problem}",
    Status.ODD_DATE: "the roster's {problem}",
    Status.OTHER_COUNTS: "{counts}",
}
"""The words for staff."""

STUDENTS: dict[Status, str] = {
    Status.UNCHECKED: "no check of it is in the file",
    Status.STOPPED_CHECK: "{problem}",
    Status.FORGED: "",
    Status.DIFFERS: "differs: the notebook claims {claim}, and its journal gives {points}{worth}",
    Status.COPIED: "",
    Status.OTHER_VARIANT: "it was done under another id or in another lab, or before lab.begin: run its cells again "
    "and save",
    Status.OTHER_EDITION: "not judged: it was made with another edition of this exercise",
    Status.OTHER_LAB: "not judged: the notebook last began {began}, and this is of {lab}",
    Status.FUNCTION: "not judged: it is a function, as earlier versions kept it: your instructor reads it",
    Status.UNMADE: "not judged: the work can't be rebuilt from the notebook",
    Status.UNJUDGED: "not judged: {problem}",
    Status.HIGHER: "the work of cell {cell}, which claims {claim}, was {was}",
    Status.GIVEN: "{points} points were given: {reason}",
    Status.NOTHING_DONE: "nothing has been done yet",
    Status.NOTHING_CHECKED: "nothing was checked or submitted",
    Status.NO_NOTEBOOK: "it is not a notebook: submit the .ipynb",
    Status.UNREADABLE: "{problem}",
    Status.UNREAD: "not graded: {problem}",
    Status.BEGIN_REFUSED: "its lab.begin can't be read",
    Status.BEGIN_FAILED: "lab.begin failed: cell {cell} says why",
    Status.NOT_BEGUN: "lab.begin was never run in it, or it was saved without outputs",
    Status.NO_STUDENT: "no student ID: this is the default variant",
    Status.OTHER_COURSE: "it is of another course",
    Status.NO_CODE: "it was begun without a code: write code= in lab.begin and do the exercises again",
    Status.NO_KEY: "it was begun with a code, and the course's file has no key",
    Status.OTHER_CODE: "it was begun with a code that is not that of its student",
    Status.OTHER_CODES: "it was begun with a code that is not that of its students",
    Status.NOT_IN_COURSE: "its lab has no exercise in this course",
    Status.CONCEPT_TEST: "it is a concept test, which gives no points",
    Status.UPLOADED: "",
    Status.ROSTER: "",
    Status.STRANGER: "",
    Status.TWO_IDS: "",
    Status.LARGE_GROUP: "",
    Status.TWO_GROUPS: "",
    Status.ODD_OVERRIDE: "",
    Status.ODD_DATE: "",
    Status.OTHER_COUNTS: "",
}
"""The words for the student whose work it is: no suspicion, no other student's ID, and nothing from inside a file.

Anyone may submit a file in a classmate's name.
"""

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
        return self._in(STAFF)

    @property
    def student(self) -> str:
        """The words for the student; "" if there are none."""
        return self._in(STUDENTS)

    def _in(self, words: Mapping[Status, str]) -> str:
        about = {name: one._in(words) if isinstance(one, Finding) else one for name, one in self.about.items()}
        return words[self.status].format_map(about)

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
