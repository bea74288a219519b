"""A prediction: a question, and what was said to it, in order.  Data; nothing here knows of a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.views.scene.twin import LOST

from .answers import KINDS, written
from .markup import framed, marked
from .outcome import Outcome

MIME = "application/vnd.vmwidgets.prediction+json"
"""Of a prediction as a notebook keeps it."""

SCHEMA = 1
"""Of the data; a change that a reader must know of raises it."""

IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: `answer` in its written form, `how` "code" or "control", `late` if what happened was shown before."""

    answer: str
    how: str
    late: bool = False


class Prediction:
    """What was asked, and what was said; :func:`vmwidgets.lab.predict` makes it.

    `id` is lasting ("01/first-fit"), `kind` says what an answer is, `options` what there is to choose from.  The first
    answer counts; later ones are kept after it.  `happened` is what :meth:`compare` was first given, None before.
    `listeners` are called after each answer and after the first outcome; `show` puts it on a page.
    """

    def __init__(self, identity: str, question: str, kind: str, options: tuple[str, ...] = ()) -> None:
        self.id = identity
        self.question = question
        self.kind = kind
        self.options = options
        self.answers: tuple[Answer, ...] = ()
        self.happened: str | None = None
        self.listeners: list[Callable[[], None]] = []
        self.show: Callable[[], None] | None = None

    @property
    def answer(self) -> str | None:
        """What was said first; None: nothing yet."""
        return self.answers[0].answer if self.answers else None

    @property
    def asked(self) -> tuple[str, str, tuple[str, ...]]:
        """What makes it another question."""
        return self.question, self.kind, self.options

    def say(self, value: Any, how: str = "code") -> None:
        """Answer it, or answer it again; the same once more is no other answer.

        Raises :class:`Refused` for a value that is no answer to this question; nothing has changed then.
        """
        text = written(value, self.kind, self.options)
        if self.answers and self.answers[-1].answer == text:
            return
        self.answers = (*self.answers, Answer(text, how, self.happened is not None))
        self._tell()

    def _tell(self) -> None:
        for listener in list(self.listeners):
            listener()

    def compare(self, actual: Any) -> Outcome:
        """What happened, beside what was said; having said nothing is no error.

        `actual` is of the question's kind.  Answers that come after this are marked as late.  Called again, it compares
        with what happened now; the first outcome is kept.
        """
        try:
            happened = written(actual, self.kind, self.options)
        except Refused:  # what happened is not among the options: that is an outcome as well
            happened = shown(actual)
        if self.happened is None:
            self.happened = happened
            self._tell()
        return self._outcome(happened)

    @property
    def outcome(self) -> Outcome | None:
        """What happened first, beside what was said; None before :meth:`compare`."""
        return None if self.happened is None else self._outcome(self.happened)

    def _outcome(self, happened: str) -> Outcome:
        late = bool(self.answers) and self.answers[0].late
        return Outcome(self.id, self.question, self.answer, happened, late)

    def data(self) -> dict[str, Any]:
        """The prediction as the notebook keeps it; docs/labs.md says what it means."""
        return {
            "schema": SCHEMA,
            "id": self.id,
            "question": self.question,
            "kind": self.kind,
            "options": list(self.options),
            "answer": self.answer,
            "answers": [asdict(answer) for answer in self.answers],
            "happened": self.happened,
        }

    def bundle(self) -> dict[str, Any]:
        """The prediction in all forms of an output."""
        return {MIME: self.data(), "text/html": self._html(), "text/plain": repr(self)}

    def _ipython_display_(self) -> None:
        """The value of a cell: shown, unless the cell has shown it when it asked."""
        if self.show is not None:
            self.show()

    def _lines(self) -> Iterator[tuple[str, str]]:
        if self.answer is None:
            yield "not answered yet:", "answer below (if nothing is there, run this cell), or in code with answer=…"
        else:
            yield "you said:", self.answer
        if len(self.answers) > 1:
            yield "and later:", ", then ".join(answer.answer for answer in self.answers[1:])

    def _html(self) -> str:
        rows = "".join(f"<div>{marked(word, 'em')} {marked(text)}</div>" for word, text in self._lines())
        card = f'[data-vmwidgets-prediction="{self.id}"]'
        alone = f"<style>.jp-OutputArea-child:has({card}) + {LOST} {{ display: none }}</style>"  # the control's place
        shown = framed(f"<div>{marked(self.question, 'strong')}</div>{rows}", f"prediction {self.id}")
        return f'<div data-vmwidgets-prediction="{self.id}">{shown}{alone}</div>'

    def __repr__(self) -> str:
        said = "; ".join(f"{word} {text}" for word, text in self._lines() if self.answers)
        wanted = " | ".join(self.options) or KINDS[self.kind]
        return f"<prediction {self.id}: {self.question} ({said or f'not answered yet: {wanted}'})>"


def identity_of(identity: Any, question: str) -> str:
    """A lasting id, given or made from the question.

    >>> identity_of("", "Where will it land?")
    'where-will-it-land'
    """
    if identity == "":
        return re.sub(r"[^a-z0-9]+", "-", question.lower()).strip("-")[:100] or "question"
    if not isinstance(identity, str) or len(identity) > 100 or not IDENTITY.fullmatch(identity):
        raise Refused(f"id={shown(identity)}: write letters, digits and dashes, such as '01/first-fit'")
    return identity
