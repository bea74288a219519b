"""The owner of a lab: a student and a course determine a seed, and the seed determines the sheet.

With the seed, a grader can create the same sheet again.  Without a code, the seed proves nothing, since anyone who
knows the names can compute it; with a code, only someone who knows the code can.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from hashlib import sha256
from typing import Any

from vmwidgets import __version__
from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, in_ascii, shown
from vmwidgets.engine.base.frozen import frozen

from .codes import checked_code, code_of
from .exercise import exercises
from .identity import folded
from .markup import framed, marked
from .minutes import measure
from .mistakes import known_mistakes
from .moved import CONCEPTS, called, lab_of, labs_of
from .publishing import cards
from .records import BEGIN, record
from .saved import of_the_notebook
from .session import Kept

WITHOUT_EXERCISES = frozenset({"12"})
"""The labs of this package that only ask questions: without variants, they need no ID."""

MOST_CHARACTERS = 64
"""The most characters of a student's ID or of a course."""

MOST_STUDENTS = 8
"""The most students who share one sheet."""

MARKS = "._-@"
"""The characters that an ID may have in addition to letters and digits."""

INVISIBLE = (
    ("\u034f", "\u034f"),
    ("\u115f", "\u1160"),
    ("\u17b4", "\u17b5"),
    ("\u180b", "\u180f"),
    ("\u3164", "\u3164"),
    ("\ufe00", "\ufe0f"),
    ("\uffa0", "\uffa0"),
    ("\U000e0000", "\U000e0fff"),
)
"""Ranges, first and last, of letters and marks that show nothing (Default_Ignorable_Code_Point in Unicode's data)."""

CARD = "lab.begin()"
"""The name of the beginning among a cell's outputs; no exercise can have it."""

LAB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{,99}")
"""The name of a lab."""


@frozen(eq=False)
class Beginning:
    """The lab `lab` of a course, and its students; without students it is the default sheet.

    `students` are IDs as they were typed, in the order of the folded IDs.  `codes` are the students' secrets in the
    same order, if the course has codes.  Beginnings that differ only in how IDs were typed are equal.  `again` are the
    exercises that were checked without an ID and have not been checked since.
    """

    lab: str
    course: str = ""
    students: tuple[str, ...] = ()
    codes: tuple[str, ...] = field(default=(), repr=False)
    again: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The folded ids, sorted: the seed is computed from them.

        >>> Beginning("01", "os", ("Zoe", "anna")).ids
        ('anna', 'zoe')
        """
        return tuple(sorted(map(folded, self.students)))

    @property
    def student(self) -> str:
        """All IDs as one string, as they were typed; "" if there are none."""
        return "+".join(self.students)

    @property
    def whose(self) -> str:
        """The students and the course, for sentences."""
        of = f", course {self.course}" if self.course else ""
        return f"{', '.join(self.students) or 'the default sheet'}{of}"

    @property
    def seed(self) -> int:
        """The first 8 bytes of SHA-256(course | lab | ids), or of SHA-256(course | lab | ids | codes), as a number.

        The course is folded, as IDs are: its spelling makes no difference.

        >>> hex(Beginning("01", "os", ("anna",)).seed)
        '0x98385e9c252e94ef'
        """
        parts = [folded(self.course), self.lab, "+".join(self.ids), *(["+".join(self.codes)] if self.codes else [])]
        return int.from_bytes(sha256("|".join(parts).encode()).digest()[:8], "big")

    @property
    def _has_exercises(self) -> bool:
        """Return whether the package or the course has an exercise for this lab."""
        return any(lab_of(name) == self.lab for name in exercises())

    @property
    def sentence(self) -> str:
        """The owner of the variant, and the exercises that have to be repeated, as a sentence."""
        if self.lab == CONCEPTS:
            if not self.students:
                return "Concept test: write your ID into student= above, and run the cells again."
            return f"Concept test of {self.whose}."
        if not self.students and self.lab in WITHOUT_EXERCISES and not self._has_exercises:
            return f"Lab {self.lab}: it has no exercises, so there is nothing to write above."
        if not self.students:
            return (
                f"Lab {self.lab}, just trying: exercises are practice, and count for no one. "
                "To get your own variant, write your ID and your course's name into student= and course= above, "
                "and run the cell again."
            )
        again = f" Checked without an ID, so repeat: {', '.join(self.again)}." if self.again else ""
        return f"Lab {self.lab} of {self.whose}: variant {self.seed:016x}.{again}"

    def data(self) -> dict[str, Any]:
        """Return the beginning as data for the notebook: `coded` says whether there are codes, which are left out."""
        return {
            "schema": 1,
            "lab": self.lab,
            "course": self.course,
            "student": self.student,
            "coded": bool(self.codes),
            "seed": f"{self.seed:016x}",
            "version": __version__,
        }

    @classmethod
    def made_from(cls, data: Any, key: str = "") -> Beginning:
        """Return the beginning rebuilt from :meth:`data`.

        Raises :class:`Refused` for anything that :func:`begin` refuses.

        With a course's `key`, the beginning gets the codes that the course gave to its students, whether the notebook
        has codes or not.  If the students left out their codes or made them up, the seed then differs from the seed in
        `data`.

        >>> Beginning.made_from(Beginning("01", "os", ("anna", "ben")).data()).students
        ('anna', 'ben')
        """
        student = data.get("student") if isinstance(data, dict) else None
        if not isinstance(student, str):
            raise Refused(f"{shown(data)} is not a record of lab.begin: student must be a string")
        made = _beginning(data.get("lab"), student.split("+") if student else "", data.get("course"), "")
        codes = tuple(code_of(key, made.course, one) for one in made.ids) if key else ()
        return cls(made.lab, made.course, made.students, codes)

    def lets(self, later: Beginning) -> bool:
        """Return whether `later` may follow in the same Jupyter kernel: it adds an ID to a lab that had none."""
        return self.lab == later.lab and not self.students and bool(later.students)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Beginning) and self._same == other._same

    def __hash__(self) -> int:
        return hash(self._same)

    @property
    def _same(self) -> tuple[object, ...]:
        """The values that make two beginnings equal."""
        return self.lab, folded(self.course), self.ids, self.codes

    def bundle(self) -> dict[str, Any]:
        """Return the beginning in all forms of an output."""
        html = framed(marked(self.sentence), f"{called(self.lab).removeprefix('the ')} · vmwidgets {__version__}")
        return record(BEGIN, self.data(), html=html, plain=repr(self))

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        return self.bundle()

    def _ipython_display_(self) -> None:
        """Show the beginning as a cell's value, unless the cell has already shown it."""
        cards.now().show(CARD, self)

    @in_ascii
    def __repr__(self) -> str:
        return self.sentence


@dataclass
class _Begun:
    """The lab that a kernel has begun; `tried` are exercises that were checked only without an ID."""

    begun: Beginning | None = None
    tried: dict[str, None] = field(default_factory=dict)


_kept = Kept(_Begun)


@says_what_it_takes
def begin(
    lab: str,
    *,
    student: str | Collection[str] = "",
    course: str = "",
    code: str | Sequence[str] = "",
    minutes: bool = False,
) -> Beginning:
    """Begin the lab `lab` ("01"): from now on, its exercises are this student's variants.

    `student` is an ID of letters, digits and ``. _ - @``, as in the course's roster, or a list of IDs for students who
    work together.  Neither the order, nor capitals, nor blanks around an ID matter.  `course` is the course's name, the
    same for all.  `code` is the secret code that some courses give to each student; for a list of IDs, pass a list of
    codes in the same order.  Without a student you get the default variant, which is the same for everyone and only for
    practice.
    Calling it again with the same arguments changes nothing.  If you pass an ID later, you get its variants and keep
    your predictions.  A message lists the exercises to repeat, since exercises checked without an ID count for no one.
    With `minutes`, the kernel notes how long each cell takes.  Only `lab.minutes()` shows it, and no output contains
    it.

    Raises :class:`Refused` for a misspelt lab, such as "1", for an invalid ID, course or code, for a student without a
    course, for another student's code, and for another student or lab in the same Jupyter kernel.

    >>> from vmwidgets import lab
    >>> lab.begin("doc").whose
    'the default sheet'
    """
    wanted = _beginning(lab, student, course, code)
    _refuse_misspelt(wanted.lab)
    measure(minutes)
    kept = _kept.now()
    one, other = kept.begun, wanted
    if one is not None and one != other and not one.lets(other):
        codes = one.codes != other.codes
        has_begun = f"this notebook has begun {called(one.lab)} for {one.whose}{_with_code(one) * codes}"
        raise Refused(
            f"{has_begun}: restart the kernel to begin {called(other.lab)} for {other.whose}{_with_code(other) * codes}"
        )
    if one is None:
        of_the_notebook()  # before the cells below lose the outputs of an earlier kernel
    known = one if one is not None and one == wanted else wanted
    kept.begun = replace(known, again=tuple(kept.tried) if known.students else ())
    cards.now().publish(CARD, kept.begun)
    return kept.begun


def begun() -> Beginning | None:
    """Return the lab that this kernel has begun; None before :func:`begin`."""
    return _kept.now().begun


def note_check(exercise: str, of: str) -> None:
    """Note that `exercise` was checked on the sheet `of`: on the default sheet, it must be repeated for an ID."""
    if of == "default":
        _kept.now().tried[exercise] = None
    else:
        _kept.now().tried.pop(exercise, None)


def _with_code(beginning: Beginning) -> str:
    return f" with{'' if beginning.codes else 'out'} a code"


def _beginning(lab: Any, student: Any, course: Any, code: Any) -> Beginning:
    name = _lab(lab)
    typed = [] if _nothing(student) else _typed(student)
    of = "" if _nothing(course) else _id(course, "course")
    if typed and not of:
        raise Refused(f"student={shown(student)} without a course: write course= as your instructor gives it")
    codes = [] if _nothing(code) else _codes(code, student, typed, of)
    order = sorted(range(len(typed)), key=lambda place: folded(typed[place]))
    return Beginning(name, of, tuple(typed[place] for place in order), tuple(codes[place] for place in order if codes))


def _lab(value: Any) -> str:
    if not isinstance(value, str) or not LAB.fullmatch(value):
        raise Refused(f"lab={shown(value)}: write the lab's number or name in letters, digits and dashes, such as '01'")
    return value


def _refuse_misspelt(name: str) -> None:
    """Refuse a name that is nearly a lab's name, since it would give other variants, and count for nothing.

    Any other name may belong to a course's own lab, which need not have exercises unless its name is a number.
    """
    ours = {*map(lab_of, known_mistakes()), *WITHOUT_EXERCISES, CONCEPTS}
    there = {*map(lab_of, exercises()), *ours}
    if name in there or any(name in labs_of(one) for one in exercises()):
        return
    plain = re.sub(r"^lab[-_.]?", "", name.casefold())
    number = re.match(r"0*(\d{1,2})([a-z]?)(?:-[a-z]|$)", plain)
    meant = f"{number[1]:0>2}{number[2]}" if number else plain
    near = [one for one in sorted(ours) if number and one[:2] == meant[:2] and one[2:].isalpha()]
    if plain.isalpha() and len(plain) > 4:
        near = get_close_matches(plain, ours, 1, cutoff=0.8)
    if number or meant in ours or near:
        best = [meant] if meant in ours else near
        advice = "import a course's own exercises first; "
        if best:
            advice = f"did you mean {' or '.join(map(repr, best))}? "
        raise Refused(f"lab={name!r}: there is no such lab; {advice}there are {', '.join(sorted(there - {CONCEPTS}))}")


def _nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _typed(student: Any) -> list[str]:
    """Return the IDs in the order in which they were typed."""
    several = [student] if isinstance(student, (str, int)) and not isinstance(student, bool) else student
    if not isinstance(several, (list, tuple, set, frozenset)) or not 1 <= len(several) <= MOST_STUDENTS:
        raise Refused(f"student={shown(student)}: write an id, or a list of 1 to {MOST_STUDENTS} ids")
    found: dict[str, str] = {}
    for one in sorted(several, key=str) if isinstance(several, (set, frozenset)) else several:
        typed = _id(one, "student")
        if folded(typed) in found:
            other = found[folded(typed)]
            raise Refused(
                f"student={shown(student)}: {other} and {typed} are the same person, so the same id is listed twice"
            )
        found[folded(typed)] = typed
    return list(found.values())


def _codes(code: Any, student: Any, typed: Sequence[str], course: str) -> list[str]:
    """Return the codes in the order of the IDs; an error about a code does not contain it."""
    several = [code] if isinstance(code, str) else code
    if not typed:
        raise Refused("code= without a student: write student= and course=, too")
    if not isinstance(several, (list, tuple)) or len(several) != len(typed) or isinstance(student, (set, frozenset)):
        raise Refused(f"code= and student= don't match: write {len(typed)} of each, as lists in the same order")
    return [checked_code(one, course, whose) for one, whose in zip(several, typed, strict=True)]


def _id(value: Any, what: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        raise Refused(f"{what}={value}: write it in quotes, as {what}={str(value)!r}")
    text = unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else ""
    fits = len(text) <= MOST_CHARACTERS and all(map(_seen, text + folded(text)))
    if not fits or not any(map(str.isalnum, text)):
        raise Refused(
            f"{what}={shown(value)}: write 1 to {MOST_CHARACTERS} letters, digits and {' '.join(MARKS)}, without spaces"
        )
    return text


def _seen(sign: str) -> bool:
    """Return whether an ID may contain this character: a letter, a digit, a mark on a letter, or one of `MARKS`."""
    marks = unicodedata.category(sign) in ("Mn", "Mc")
    return (sign.isalnum() or sign in MARKS or marks) and not any(first <= sign <= last for first, last in INVISIBLE)
