"""An outcome: what happened, next to what was predicted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

from vmwidgets.engine.base.errors import in_ascii
from vmwidgets.engine.base.frozen import frozen

from .answers import UNSURE
from .explained import explanation_of
from .markup import closed, framed, in_html, marked
from .mistakes import Mistake, mistake_of
from .records import MIME, OUTCOME, record

NOT_YET = (
    "Not answered yet. Answer the question, if only with “I don't know”: then this says what happened, and why. "
    "Only an answer given before this cell runs counts as a prediction."
)
"""The text of a closed outcome."""

WAITS = "This output says what happened. First answer the question above, if only with “I don't know”."
"""The text in place of the next cell's output while an outcome is closed."""

WHY = "Your answer is kept. Why? Write one line, or skip."
"""The text that asks for the reason of a kept answer, before the result is shown."""

WHY_FIRST = f"{WHY} Then this says what happened. Running this cell again shows it too."
"""The text of an outcome that waits for the reason of an answer."""

MORE = "To try another one like this, press the button below the question."
"""The text of an outcome whose question has others like it."""


@frozen
class Outcome:
    """The prediction `said` (None without one) and the result `actual`, both in their written form.

    `late` means that the answer came after the outcome.  The outcome is closed until the question is answered or
    passed; with `waits`, it is closed until the answer's reason is given or skipped.  `again` is the result of
    another run of the cell, if it differs.  `in_text` means that the question is in the notebook's text.  `has_more`
    means that the question's control offers another one like it.  `show` puts the outcome on a page.
    """

    id: str
    question: str
    said: str | None
    actual: str
    late: bool = False
    again: str = ""
    is_passed: bool = False
    waits: bool = False
    in_text: bool = False
    has_more: bool = False
    show: Callable[[Outcome], None] | None = field(default=None, repr=False, compare=False)

    @property
    def is_open(self) -> bool:
        """Return whether the outcome shows what happened."""
        return self.is_passed or (self.said is not None and not self.waits)

    @property
    def right(self) -> bool | None:
        """Return whether the prediction was right; None if it was "I don't know", and while the outcome is closed."""
        return (
            None if self.said in (None, UNSURE) or self.waits else str(self.said).casefold() == self.actual.casefold()
        )

    @property
    def sign(self) -> str:
        """✓ for right, ✗ for wrong, and nothing without an answer."""
        return {True: "✓", False: "✗", None: ""}[self.right]

    @property
    def sentence(self) -> str:
        """The prediction and the result, in a sentence."""
        if not self.is_open:
            return WHY_FIRST if self.waits else NOT_YET
        if self.said is None:
            return f"What happened: {self.actual}. You had given no answer."
        when = " (after this cell had run)" if self.late else ""
        again = f" This time: {self.again}. The first outcome counts." if self.again else ""
        if self.right:
            return f"You said: {self.said}{when}. That is right.{again}"
        why = f" {self.mistake.why}" if self.mistake else ""
        return f"You said: {self.said}{when}. What happened: {self.actual}.{why}{again}"

    @property
    def mistake(self) -> Mistake | None:
        """The mistake that was made, if it has a name."""
        return mistake_of(self.id, self.said) if self.said is not None and self.right is False else None

    @property
    def explanation(self) -> str:
        """The explanation in Markdown; "" if there is none, or while the outcome is closed."""
        return explanation_of(self.id) if self.is_open else ""

    def data(self) -> dict[str, Any]:
        """Return the outcome as the notebook keeps it."""
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

    def bundle(self) -> dict[str, Any]:
        """Return the outcome in all forms of an output; as data only when it is open."""
        html = f"<div>{marked(f'{self.sign} {self.sentence}'.strip())}</div>"
        if self.explanation:
            html += f'<div style="margin-top: 6px">{in_html(self.explanation)}</div>'
        if self.has_more and self.is_open:
            html += f'<div style="margin-top: 6px">{marked(MORE, "em")}</div>'
        if not self.is_open:
            html = closed(html, WAITS)
        shown = framed(html, f"prediction {self.id}" if self.in_text else f"prediction {self.id}: {self.question}")
        bundle = record(OUTCOME, self.data(), html=shown, plain=repr(self))
        if not self.is_open:
            del bundle[MIME]
        return bundle

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        return self.bundle()

    def _ipython_display_(self) -> None:
        if self.show is None:
            raise NotImplementedError  # IPython then shows it like any value
        self.show(self)

    @in_ascii
    def __repr__(self) -> str:
        return "\n".join(filter(None, (self.sentence, self.explanation)))
