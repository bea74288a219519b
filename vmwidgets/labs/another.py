"""The offer of another question like a prediction, once its outcome is shown: nothing of it is kept or graded."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.errors import Refused

from .alike import ALIKE, Alike
from .answers import KINDS, base_asked, written
from .draws import Draws
from .prediction import Prediction

OFFER = "Another one like this"
NO_POINTS = "No points, and nothing is kept."
MOST_DRAWS = 100
"""The most questions that are drawn to find one with another answer."""

MISSES = 2
"""The number of wrong answers after which the steps are shown; a wrong prediction counts."""


class Another:
    """The questions like one prediction, one after the other, as a control offers them."""

    def __init__(self, prediction: Prediction) -> None:
        self._prediction = prediction
        self._number = 0
        self._misses = 0
        self._now: Alike | None = None
        self._answer = ""
        self._said = ""
        self._steps: tuple[str, ...] = ()
        self._presses = 0
        """Tells the page of a press that changes nothing else."""

    def told(self) -> dict[str, Any]:
        """Return what the page shows: nothing before the outcome is shown, or if there are no questions like it."""
        outcome = self._prediction.outcome
        if not self._prediction.has_more or outcome is None or not outcome.is_open:
            return {}
        now = self._now
        return {
            "offer": OFFER,
            "number": self._number,
            "text": now.text if now else "",
            "options": list(now.options) if now else [],
            "hint": KINDS[now.kind] if now else "",
            "said": self._said,
            "steps": list(self._steps),
            "presses": self._presses,
        }

    def next(self) -> None:
        """Draw a question whose answer can't be copied: neither the latest one nor, without options, the lab's."""
        outcome = self._prediction.outcome
        if outcome is None or not self.told():
            return
        own, before = outcome.actual, self._answer or outcome.actual
        self._misses = int(self._number == 0 and outcome.right is False)
        draws = Draws(f"another|{self._prediction.id}|{self._number}")
        for _ in range(MOST_DRAWS):
            self._now = now = ALIKE[self._prediction.id](draws)
            self._answer = written(now.answer, now.kind, now.options)
            if self._answer != before and (now.options or self._answer != own):
                break
        self._number += 1
        self._presses += 1
        self._said, self._steps = NO_POINTS, ()

    def say(self, value: str) -> None:
        """Judge an answer; after the second miss, the steps are shown.  A value that is not an answer is no miss."""
        now = self._now
        self._presses += 1
        if now is None or self._steps:
            return
        try:
            if not value:
                raise Refused("choose one first" if now.options else "write something first")
            said = written(value, now.kind, now.options, base_asked(now.text))
        except Refused as refusal:
            self._said = f"{refusal}"
            return
        if said.casefold() == self._answer.casefold():
            self._misses = 0
            self._said = f"{said}: that is right."
            return
        self._misses += 1
        if self._misses < MISSES:
            self._said = f"{said} is not right. Try again."
        else:
            self._said, self._steps = f"{said} is not right. It is {self._answer}:", now.worked
