"""The predictions of a kernel, together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .markup import framed, marked
from .prediction import SCHEMA, Prediction


class Predictions(Mapping[str, Prediction]):
    """The predictions of this kernel by id, in the order in which they were asked; shown, all of them."""

    MIME = "application/vnd.vmwidgets.predictions+json"

    def __init__(self) -> None:
        self._by_id: dict[str, Prediction] = {}

    def ask(self, asked: Prediction) -> Prediction:
        """The prediction of this id: the known one if it asks the same, else `asked` in its place."""
        known = self._by_id.get(asked.id)
        if known is not None and known.asked == asked.asked:
            return known
        self._by_id[asked.id] = asked
        return asked

    def __getitem__(self, identity: str) -> Prediction:
        return self._by_id[identity]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        rows = "".join(f"<div>{marked(one.id, 'code')} {marked(one.answer or '–')}</div>" for one in self.values())
        data = {"schema": SCHEMA, "predictions": [one.data() for one in self.values()]}
        return {self.MIME: data, "text/html": framed(rows, "your predictions"), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return "\n".join(f"{one.id}: {one.answer or '–'}" for one in self.values()) or "no predictions yet"
