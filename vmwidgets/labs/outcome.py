"""What happened, beside what was predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .markup import framed, marked
from .mistakes import Mistake, mistake_of

MIME = "application/vnd.vmwidgets.outcome+json"
"""Of an outcome as a notebook keeps it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`said` (None: nothing) and `actual`, both in their written form; `late`: it was said after this was shown."""

    id: str
    question: str
    said: str | None
    actual: str
    late: bool = False

    @property
    def right(self) -> bool | None:
        """Whether it is what was said; None if nothing was."""
        return None if self.said is None else self.said.casefold() == self.actual.casefold()

    @property
    def sign(self) -> str:
        """✓ for right, ✗ for wrong, nothing where nothing was said."""
        return {True: "✓", False: "✗", None: ""}[self.right]

    @property
    def sentence(self) -> str:
        """Both, in a sentence."""
        if self.said is None:
            return f"What happened: {self.actual}. You gave no answer before."
        when = " (after it was shown)" if self.late else ""
        if self.right:
            return f"You said: {self.said}{when}. That is right."
        why = f" {self.mistake.why}" if self.mistake else ""
        return f"You said: {self.said}{when}. What happened: {self.actual}.{why}"

    @property
    def mistake(self) -> Mistake | None:
        """The mistake that was made, if it has a name."""
        return mistake_of(self.id, self.said) if self.said is not None and not self.right else None

    def data(self) -> dict[str, Any]:
        """The outcome as the notebook keeps it."""
        return {
            "schema": 1,
            "id": self.id,
            "question": self.question,
            "said": self.said,
            "actual": self.actual,
            "right": self.right,
            "late": self.late,
            "mistake": self.mistake.name if self.mistake else "",
        }

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        html = framed(
            f"<div>{marked(f'{self.sign} {self.sentence}'.strip())}</div>", f"prediction {self.id}: {self.question}"
        )
        return {MIME: self.data(), "text/html": html, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return self.sentence
