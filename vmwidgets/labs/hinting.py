"""Hints, the gentlest first: where to look, what to do, how to do it.  Requests are counted, and kept as data."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, in_ascii, shown
from vmwidgets.engine.base.frozen import frozen

from .answers import is_whole
from .exercise import Exercise, hints_read
from .markup import framed, marked
from .records import HINT, record
from .session import Kept
from .sheet import Sheet, asked


@frozen(slots=False)
class Hint:
    """The hints of the exercise `id` up to the requested tier."""

    id: str
    texts: tuple[str, ...]
    of: int

    @property
    def tier(self) -> int:
        """The number of hints requested."""
        return len(self.texts)

    def data(self) -> dict[str, Any]:
        """Return the hints as the notebook keeps them."""
        return {"schema": 1, "id": self.id, "tier": self.tier, "of": self.of}

    @property
    def _more(self) -> str:
        left = self.of - self.tier
        name = "practice" if " " in self.id else f'"{self.id}"'  # as in a practice sheet's text
        return f"{left} more: lab.hint({name}) again." if left else "That is the last hint."

    def _lines(self) -> list[str]:
        return [*(f"{number} of {self.of}: {text}" for number, text in enumerate(self.texts, 1)), self._more]

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        html = framed("".join(f"<div>{marked(text)}</div>" for text in self._lines()), f"hints for {self.id}")
        return record(HINT, self.data(), html=html, plain=repr(self))

    @in_ascii
    def __repr__(self) -> str:
        return "\n".join(self._lines())


_asked_for: Kept[dict[str, int]] = Kept(dict)
"""The number of hints shown, by ID."""


@says_what_it_takes
def hint(name: str | Sheet, tier: Any = None) -> Hint:
    """Return the next hint for the exercise `name` (or for a practice variant), with the earlier hints.

    Each call adds a hint, up to the last; `tier` shows all hints up to that number.  Hints cost nothing.  The notebook
    records how many you asked for.

    Raises :class:`Refused` for an unknown exercise or tier, and for an exercise without hints.

    >>> from vmwidgets import lab
    >>> lab.hint("01/gaps").tier, lab.hint("01/gaps").tier, lab.hint("01/gaps", tier=1).tier
    (1, 2, 1)
    """
    exercise, sheet = asked(name)
    texts = hints_of(exercise, sheet)
    if not texts:
        raise Refused(f"exercise {exercise.id!r} has no hints")
    if tier is not None and not is_whole(tier, 1, len(texts)):
        raise Refused(f"tier={shown(tier)}: exercise {exercise.id!r} has hints 1 to {len(texts)}")
    asked_for = _asked_for.now()
    before = asked_for.get(sheet.id, 0)
    wanted = min(before + 1, len(texts)) if tier is None else tier
    asked_for[sheet.id] = max(before, wanted)
    return Hint(sheet.id, texts[:wanted], len(texts))


def hints_of(exercise: Exercise, sheet: Sheet) -> tuple[str, ...]:
    """Return the hints for the task, the gentlest first."""
    if not callable(exercise.hints):
        return tuple(exercise.hints)
    return hints_read(exercise.hints(sheet.given))


def number_of_hints(exercise: Exercise, sheet: Sheet) -> int:
    """Return the number of hints for the task; 0 if the author's function gives none that can be read."""
    try:
        return len(hints_of(exercise, sheet))
    except Exception:  # noqa: BLE001  an author's function may do anything, and `lab.hint` says what is wrong
        return 0
