"""Whose lab this is: a student and a course give a seed, and the seed gives the sheet.

The seed lets a grader make the same sheet again.  It proves nothing: whoever knows the names can compute it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from vmwidgets import __version__
from vmwidgets.engine.base.errors import Refused, shown

from .markup import framed, marked

MIME = "application/vnd.vmwidgets.lab+json"
"""Of a lab's beginning as a notebook keeps it."""

MOST_CHARACTERS = 64
"""Of a student's id, or of a course."""

MOST_STUDENTS = 8
"""Who work on one sheet together."""

MARKS = "._-@"
"""What an id may hold beside letters and digits."""

LAB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{,99}")
"""The name of a lab."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """The lab `lab` of a course, and the students' ids, sorted; without students it is the default sheet."""

    lab: str
    course: str = ""
    students: tuple[str, ...] = ()

    @property
    def student(self) -> str:
        """All ids as one text; "" where there are none."""
        return "+".join(self.students)

    @property
    def whose(self) -> str:
        """The students and the course, for sentences."""
        of = f", course {self.course}" if self.course else ""
        return f"{', '.join(self.students) or 'the default sheet'}{of}"

    @property
    def seed(self) -> int:
        """The first 8 bytes of SHA-256(course | lab | student), as a number.

        >>> hex(Beginning("01", "os", ("anna",)).seed)
        '0x98385e9c252e94ef'
        """
        return int.from_bytes(sha256(f"{self.course}|{self.lab}|{self.student}".encode()).digest()[:8], "big")

    @property
    def sentence(self) -> str:
        """Whose sheet it is."""
        if not self.students:
            return f"Lab {self.lab}: the default sheet. For a sheet of your own, write student= and course= above."
        return f"Lab {self.lab} of {self.whose}: sheet {self.seed:016x}."

    def data(self) -> dict[str, Any]:
        """The beginning as the notebook keeps it."""
        return {
            "schema": 1,
            "lab": self.lab,
            "course": self.course,
            "student": self.student,
            "seed": f"{self.seed:016x}",
            "version": __version__,
        }

    @classmethod
    def made_from(cls, data: Any) -> Beginning:
        """The beginning of :meth:`data`, made again; :class:`Refused` for what :func:`begin` refuses.

        >>> Beginning.made_from(Beginning("01", "os", ("anna", "ben")).data()).students
        ('anna', 'ben')
        """
        student = data.get("student") if isinstance(data, dict) else None
        if not isinstance(student, str):
            raise Refused(f"{shown(data)} is no beginning of a lab: student is a text")
        return _beginning(data.get("lab"), student.split("+") if student else "", data.get("course"))

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        html = framed(marked(self.sentence), f"lab {self.lab} · vmwidgets {__version__}")
        return {MIME: self.data(), "text/html": html, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return self.sentence


_begun: list[Beginning] = []  # of this kernel: none or one


def begin(lab: str, *, student: str | Collection[str] = "", course: str = "") -> Beginning:
    """Begin the lab `lab` ("01"): from here on its exercises are those of this student's sheet.

    `student` is an id of letters, digits and ``. _ - @``, as the course's roster has it, or a list of ids for those who
    work together; their order means nothing.  `course` is the course's name, the same for all.  Without a student it
    is the default sheet, which is the same for everyone.  To begin the same once more changes nothing.

    Raises :class:`Refused` for an id or a course that can't be, for a student without a course, and for another
    beginning in the same kernel.

    >>> from vmwidgets import lab
    >>> lab.begin("doc")
    Lab doc: the default sheet. For a sheet of your own, write student= and course= above.
    """
    wanted = _beginning(lab, student, course)
    if _begun and _begun[0] != wanted:
        has_begun = f"this notebook has begun lab {_begun[0].lab} for {_begun[0].whose}"
        raise Refused(f"{has_begun}: restart the kernel to begin lab {wanted.lab} for {wanted.whose}")
    _begun[:] = [wanted]
    return wanted


def begun() -> Beginning | None:
    """What this kernel has begun; None before :func:`begin`."""
    return _begun[0] if _begun else None


def _beginning(lab: Any, student: Any, course: Any) -> Beginning:
    name = _lab(lab)
    students = () if _nothing(student) else _students(student)
    of = "" if _nothing(course) else _id(course, "course")
    if students and not of:
        raise Refused(f"student={shown(student)} without a course: write course= as your instructor gives it")
    return Beginning(name, of, students)


def _lab(value: Any) -> str:
    if not isinstance(value, str) or not LAB.fullmatch(value):
        raise Refused(f"lab={shown(value)}: write the lab's number or name in letters, digits and dashes, such as '01'")
    return value


def _nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _students(student: Any) -> tuple[str, ...]:
    several = [student] if isinstance(student, str) else student
    if not isinstance(several, (list, tuple, set, frozenset)) or not 1 <= len(several) <= MOST_STUDENTS:
        raise Refused(f"student={shown(student)}: write an id, or a list of 1 to {MOST_STUDENTS} ids")
    ids = sorted(_id(one, "student") for one in several)
    if len(set(ids)) != len(ids):
        raise Refused(f"student={shown(student)}: an id is there twice")
    return tuple(ids)


def _id(value: Any, what: str) -> str:
    text = unicodedata.normalize("NFC", value) if isinstance(value, str) else ""
    if not text or len(text) > MOST_CHARACTERS or not all(sign.isalnum() or sign in MARKS for sign in text):
        raise Refused(
            f"{what}={shown(value)}: write 1 to {MOST_CHARACTERS} letters, digits and {' '.join(MARKS)}, without spaces"
        )
    return text
