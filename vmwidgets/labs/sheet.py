"""Sheets: the task of one student in one exercise, drawn from the seed of the current lab."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, in_ascii, shown
from vmwidgets.engine.base.frozen import frozen

from .answers import is_whole
from .beginning import begun
from .draws import Draws
from .exercise import Exercise, exercise_named
from .markup import framed, marked, with_code
from .records import SHEET, record
from .starting import Start, part_taken, start_of
from .work import by_kind, packed, remade

CHECKED = "check what you made with `lab.check(practice, …)`, and ask for hints with `lab.hint(practice)`"
"""The way to check a practice sheet."""

MOST_PRACTICE = 1_000_000
"""The highest number of a practice sheet."""


@frozen(slots=False)
class Sheet:
    """The task of `exercise` for one student: `text` in words; :meth:`start` returns the object with which work begins.

    `of` is the sheet's origin: the seed in hexadecimal, "default", or "practice 3".  `given` is the drawn task, an
    object of the exercise's own class.  If an exercise is the same for all students, `of` is "" and `given` is None.
    """

    exercise: Exercise
    of: str
    given: Any

    @property
    def id(self) -> str:
        """The exercise's ID, with the number of a practice sheet."""
        return f"{self.exercise.id} ({self.of})" if self.practice else self.exercise.id

    @property
    def practice(self) -> bool:
        """Return whether the sheet is for practice, and counts for nothing."""
        return self.of.startswith("practice")

    @property
    def text(self) -> str:
        """The task in words."""
        return str(self.given.text)

    def start(self) -> Any:
        """Return the object with which work begins, a new one at each call: call again to start over."""
        return self.given.start()

    @cached_property
    def begins(self) -> Start | None:
        """The operations with which work on the sheet begins; None if it starts without a machine."""
        return None if self.given is None else start_of(self.start(), self.exercise)

    def not_begun(self, thing: Any) -> str:
        """Return why `thing` is not work on this sheet, in a sentence; "" if it is, or if there is no machine.

        >>> import vmwidgets as vm
        >>> sheet = vm.lab.variant("01/gaps")
        >>> sheet.not_begun(sheet.start())
        ''
        >>> print(sheet.not_begun(vm.boot().task("puzzle").map))
        this machine does not begin as the variant does: call lab.variant("01/gaps").start() and work on its result
        """
        call = "practice.start()" if self.practice else f'lab.variant("{self.exercise.id}").start()'
        why = "" if self.begins is None else self.begins.why_not(thing, call)
        return why and self._renamed.why_not(thing, call)

    @cached_property
    def _renamed(self) -> Start:
        """The same operations, with the file names of ``lab.submit(names="by kind")``."""
        renamed = start_of(remade(by_kind(packed(part_taken(self.start(), self.exercise)))), self.exercise)
        assert renamed is not None, "it is a machine as before"
        return renamed

    def data(self) -> dict[str, Any]:
        """Return the sheet as the notebook keeps it."""
        return {"schema": 1, "id": self.exercise.id, "of": self.of, "text": self.text}

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        rows = "".join(f'<div style="margin: 4px 0">{with_code(one)}</div>' for one in self.text.splitlines() if one)
        content = f"<div>{marked(self.exercise.title, 'strong')}</div>{rows}<div>{with_code(self._beside)}</div>"
        return record(SHEET, self.data(), html=framed(content, f"exercise {self.id}"), plain=repr(self))

    @in_ascii
    def __repr__(self) -> str:
        return f"{self.id} · {self.exercise.title}\n{self.text}\n{self._beside}"

    @property
    def _beside(self) -> str:
        """The other calls for this sheet."""
        name = self.exercise.id
        if self.practice:
            made = f'`practice = lab.practice("{name}", {self.of.split()[-1]})`'
            return f"For practice: it counts for nothing. {made}, begin with `practice.start()`, {CHECKED}."
        practised = f'`practice = lab.practice("{name}", 2)`, or another number; {CHECKED}'
        return f'To practise: {practised}. Stuck: `lab.hint("{name}")`.'


@says_what_it_takes
def variant(name: str) -> Sheet:
    """Return the exercise's variant for the student who began this lab; without :func:`begin`, the default variant.

    Raises :class:`Refused` for an unknown exercise, and for an exercise that is the same for all students.

    >>> from vmwidgets import lab
    >>> lab.variant("01/gaps").of, len(lab.variant("01/gaps").start())
    ('default', 4)
    """
    return _drawn(exercise_named(name), _own())


@says_what_it_takes
def practice(name: str, number: Any = 1) -> Sheet:
    """Return a variant of the exercise `name` for practice: public, the same for everyone, and not graded.

    `number` is 1 to 1,000,000; each number is another variant.  :func:`check` and :func:`hint` accept the variant
    instead of the name.

    >>> from vmwidgets import lab
    >>> lab.practice("01/gaps", 2).of
    'practice 2'
    """
    if not is_whole(number, 1, MOST_PRACTICE):
        raise Refused(f"number={shown(number)}: write a number, 1 to {MOST_PRACTICE:,}")
    return _drawn(exercise_named(name), f"practice {number}")


def sheet_of(name: str, of: str) -> Sheet:
    """Return the exercise's sheet drawn from `of`: a seed in hexadecimal, "default" or "practice 3"."""
    return _drawn(exercise_named(name), of)


def asked(name: Any, of: str | None = None) -> tuple[Exercise, Sheet]:
    """Return the exercise that a name or a sheet means, and its sheet: the student's, or the one drawn from `of`."""
    if isinstance(name, Sheet):
        return name.exercise, name
    exercise = exercise_named(name)
    if exercise.sheet is None:
        return exercise, Sheet(exercise, "", None)
    return exercise, _drawn(exercise, _own() if of is None else of)


def _own() -> str:
    """Return the origin of the sheets of the student who began this lab."""
    beginning = begun()
    return f"{beginning.seed:016x}" if beginning is not None and beginning.students else "default"


@lru_cache(maxsize=256)
def _drawn(exercise: Exercise, of: str) -> Sheet:
    """Return the sheet that `exercise` draws from `of`; other exercises do not affect it."""
    if exercise.sheet is None:
        raise Refused(f"exercise {exercise.id!r} has no variants: all students get the same one")
    given = exercise.sheet(Draws(f"{of}|{exercise.id}"))
    if not isinstance(getattr(given, "text", None), str) or not callable(getattr(given, "start", None)):
        raise Refused(f"exercise {exercise.id!r}: its variant= gave {shown(given)}, which has no text or no start()")
    return Sheet(exercise, of, given)
