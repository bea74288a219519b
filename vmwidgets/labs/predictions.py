"""A kernel's predictions: questions, answers, outcomes, and how many were right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vmwidgets.engine.base.errors import in_ascii

from .answers import UNSURE
from .markup import framed, marked
from .outcome import Outcome
from .prediction import SCHEMA, Prediction
from .records import PREDICTIONS, record
from .session import Kept

_CELL = "text-align: left; vertical-align: top; padding: 2px 12px 2px 0"


class Predictions(Mapping[str, Prediction]):
    """This kernel's predictions by ID, in the order in which they were asked; a cell's value shows all."""

    def __init__(self) -> None:
        self._by_id: dict[str, Prediction] = {}

    def ask(self, asked: Prediction) -> Prediction:
        """Return the prediction with this ID: the known one, or `asked` in its place if anything else is asked.

        The same question goes on with its answers, also with other options, and in other words if its cell was edited.
        """
        known = self._by_id.get(asked.id)
        if known is not None and known.asked == asked.asked:
            known.seed, known.cell = asked.seed, asked.cell
            return known
        if known is not None:
            asked.go_on_from(known)
        self._by_id[asked.id] = asked
        return asked

    def __getitem__(self, identity: str) -> Prediction:
        return self._by_id[identity]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def summary(self) -> str:
        """A sentence: the number of right answers given before their outcomes, and the number of other answers."""
        judged = [one.right for one in self.outcomes if one.right is not None and not one.late]
        late = sum(one.outcome is not None if one.answer is None else one.answers[0].late for one in self.values())
        still = sum(one.answer is None and one.outcome is None for one in self.values())
        unsure = sum(one.answer == UNSURE for one in self.values())
        parts = f"{sum(judged)} of {len(judged)} right.", f"{late} not answered before the outcome." if late else ""
        more = f"{unsure} not known." if unsure else "", f"{still} not answered yet." if still else ""
        return " ".join(filter(None, (*parts, *more)))

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcomes of the compared predictions."""
        return [one.outcome for one in self.values() if one.outcome is not None]

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        heads = "".join(
            f'<th style="{_CELL}; overflow-wrap: normal">{head}</th>'
            for head in ("question", "you said", "what happened")
        )
        rows = "".join(map(_row, self.values()))
        table = f"<table><thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
        html = framed(f"<div>{marked(self.summary, 'strong')}</div>{table}", "your predictions")
        data = {
            "schema": SCHEMA,
            "summary": self.summary,
            "predictions": [one.data() for one in self.values()],
            "outcomes": [outcome.data() for outcome in self.outcomes if outcome.is_open],
        }
        return record(PREDICTIONS, data, html=html, plain=repr(self))

    @in_ascii
    def __repr__(self) -> str:
        if not self:
            return "no predictions yet"
        return "\n".join([*map(_line, self.values()), self.summary])


def _parts(one: Prediction) -> tuple[str, str, str]:
    """Return a sign for right or wrong, the prediction, and what happened."""
    outcome = one.outcome
    if outcome is None or not outcome.is_open:
        return "", next(iter(one.said()), "–"), "not shown yet"
    return outcome.sign, next(iter(one.said(" (after its cell had run)" * outcome.late)), "–"), outcome.actual


def _line(one: Prediction) -> str:
    sign, said, happened = _parts(one)
    return f"{sign or '·'} {one.id}: {one.question} You said: {said.removesuffix('.')}. What happened: {happened}."


def _row(one: Prediction) -> str:
    sign, *texts = _parts(one)
    cells = f'<td style="{_CELL}">{marked(sign)}</td>'
    asked = marked(one.question) + f' <span style="opacity: 0.7">{marked(one.id, "code")}</span>'
    cells += f'<td style="{_CELL}">{asked}</td>'
    return f"<tr>{cells}" + "".join(f'<td style="{_CELL}">{marked(text)}</td>' for text in texts) + "</tr>"


asked = Kept(Predictions)
"""The predictions of this kernel, by ID."""
