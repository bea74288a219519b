"""Whose lab this is: a student and a course give a seed, and the seed gives the sheet.

The seed lets a grader make the same sheet again.  It proves nothing: whoever knows the names can compute it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from vmwidgets import __version__
from vmwidgets.engine.base.errors import Refused, shown

from .markup import framed, marked
from .prediction import identity_of

MIME = "application/vnd.vmwidgets.lab+json"
"""Of a lab's beginning as a notebook keeps it."""

MOST_CHARACTERS = 64
"""Of a student's id, or of a course."""

MOST_STUDENTS = 8
"""Who work on one sheet together."""

MARKS = "._-@"
"""What an id may hold beside letters and digits."""


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
        return f"Lab {self.lab} of {', '.join(self.students)}, course {self.course}: sheet {self.seed:016x}."

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

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        html = framed(marked(self.sentence), f"lab {self.lab} · vmwidgets {__version__}")
        return {MIME: self.data(), "text/html": html, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return self.sentence


_begun: list[Beginning] = []  # of this kernel: none or one


def begin(lab: str, *, student: str | Iterable[str] = "", course: str = "") -> Beginning:
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
    name = identity_of(lab or None, "")
    students = _students(student)
    of = _id(course, "course") if course else ""
    if students and not of:
        raise Refused(f"student={shown(student)} without a course: write course= as your instructor gives it")
    wanted = Beginning(name, of, students)
    if _begun and _begun[0] != wanted:
        whose = _begun[0].student or "the default sheet"
        raise Refused(
            f"this notebook has begun lab {_begun[0].lab} for {whose}: restart the kernel to begin lab {name} "
            f"for {wanted.student or 'the default sheet'}"
        )
    _begun[:] = [wanted]
    return wanted


def begun() -> Beginning | None:
    """What this kernel has begun; None before :func:`begin`."""
    return _begun[0] if _begun else None


def _students(student: Any) -> tuple[str, ...]:
    if student is None or student == "":
        return ()
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
