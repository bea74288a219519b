"""The records of an earlier kernel in the notebook, so that a restart does not turn a first answer into a late one.

Each host tells a Jupyter kernel in its own way which notebook runs in it; if a host doesn't, nothing is known.  The
notebook may have been edited by hand: anything that is not an answer to the question is left out.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from vmwidgets.engine.base.errors import Refused
from vmwidgets.widgets.host.cells import current_shell

from .answers import MOST_CHARACTERS, written
from .prediction import Answer, Prediction
from .records import Asked, Begun, Happened, records
from .session import Kept

NOTEBOOK_BYTES = 64 << 20
"""The most bytes of a notebook that a student's kernel reads back, and that grading reads by default."""

MOST_ANSWERS = 100

PATIENCE = 5
"""Seconds that Colab's page may take to answer; a closed page never answers."""


class Before(NamedTuple):
    """Where earlier notebooks keep answers to a question: under this ID, with these words in the question."""

    id: str
    words: str


Stored = TypeVar("Stored", Asked, Happened)


@dataclass
class Saved:
    """A notebook's predictions and outcomes, in order, by the prediction's ID; and the seed of its variant."""

    predictions: dict[str, list[Asked]] = field(default_factory=dict)
    outcomes: dict[str, list[Happened]] = field(default_factory=dict)
    seed: str = ""

    def recall(self, asked: Prediction, before: Before | None = None) -> None:
        """Give `asked` the first answers and the first outcome stored for the same question, perhaps in other words.

        If nothing is stored, what `asked` has stays.  `before` is where earlier notebooks keep its answers.
        """
        words = self._words(asked)
        of_it = [one for one in _kept(self.predictions, asked, words, before) if one.kind == asked.kind]
        shown = list(_kept(self.outcomes, asked, words, before))
        asked.wordings |= words
        stored = [one.answers for one in of_it]
        stored += [[{"answer": one.said, "late": one.late}] for one in shown]
        asked.answers = next((answers for one in stored if (answers := answers_in(one, asked))), ())
        happened = [
            one for one in (*(one.happened for one in of_it), *(one.actual for one in shown)) if one is not None
        ]
        asked.happened = next((one for one in happened if isinstance(one, str) and asked.offers(one)), asked.happened)
        asked.comes_after = asked.comes_after or any(isinstance(one, str) for one in happened)
        missed = (one.missed for one in of_it)
        asked.missed = next((one for one in missed if isinstance(one, str)), asked.missed)[:MOST_CHARACTERS]
        asked.asks_why = asked.lacks_reason and not asked.has_happened

    def _words(self, asked: Prediction) -> set[str]:
        """Return the words of the records that are of `asked`: its own, or others if no record has its own.

        Words of another question that this kernel has asked with the same ID are that question's.
        """
        kept = [*self.predictions.get(asked.id, ()), *self.outcomes.get(asked.id, ())]
        words = {str(one.question) for one in kept}
        if asked.question in words and not asked.by_id:
            return {asked.question}
        of_others = set[str]().union(*(one.wordings for one in asked.others.values()))
        return {one for one in words if asked.is_asked_in(one, self.seed)} - of_others


def _kept(
    kept: Mapping[str, list[Stored]], asked: Prediction, words: set[str], before: Before | None
) -> Iterator[Stored]:
    """Yield the records of a question."""
    yield from (one for one in kept.get(asked.id, ()) if str(one.question) in words)
    if before is not None:
        yield from (one for one in kept.get(before.id, ()) if before.words in str(one.question))


def recall(asked: Prediction, before: Before | None = None) -> None:
    """Give `asked` the answers and the outcome of the same question in the saved notebook."""
    of_the_notebook().recall(asked, before)


_read: Kept[list[Saved]] = Kept(list)
"""This kernel's saved notebook, if it was read."""


def of_the_notebook() -> Saved:
    """Return the kernel's notebook; it is read once, before running it writes other outputs."""
    kept = _read.now()
    if not kept:
        notebooks = (way() for way in WAYS)
        kept.append(saved_in(next((one for one in notebooks if one is not None), None)))
    return kept[0]


def saved_in(notebook: Any) -> Saved:
    """Return the predictions in a notebook's outputs."""
    found = Saved()
    for one in records(notebook):
        if isinstance(one, Asked):
            found.predictions.setdefault(one.id, []).append(one)
        elif isinstance(one, Happened):
            found.outcomes.setdefault(one.id, []).append(one)
        elif isinstance(one, Begun):
            found.seed = one.seed
    return found


def answers_in(stored: list[Any], asked: Prediction) -> tuple[Answer, ...]:
    """Return the stored answers that are valid answers to `asked`; none if the first, which counts, is not valid."""
    found = [_answer(one, asked) for one in stored[:MOST_ANSWERS]]
    return tuple(answer for answer in found if answer is not None) if found and found[0] is not None else ()


def _answer(stored: Any, asked: Prediction) -> Answer | None:
    if not isinstance(stored, dict) or not isinstance(stored.get("answer"), str):
        return None
    try:
        text = written(stored["answer"], asked.kind, asked.options)
    except Refused:
        return None
    how = stored.get("how")
    because = stored.get("because")
    reason = because[:MOST_CHARACTERS] if isinstance(because, str) else ""
    return Answer(text, how if how in ("code", "control") else "code", stored.get("late") is True, reason)


def _of_jupyter() -> Any:
    """Return the file that JupyterLab, Notebook or JupyterHub names when it starts a kernel."""
    return _file_at(os.environ.get("JPY_SESSION_NAME"))


def _of_vs_code() -> Any:
    """Return the file that Visual Studio Code names in a variable of the notebook."""
    shell = current_shell()
    return _file_at(getattr(shell, "user_ns", {}).get("__vsc_ipynb_file__"))


def _of_colab() -> Any:
    """Return the notebook from Colab's page."""
    colab: Any = sys.modules.get("google.colab")
    if colab is None:
        return None
    try:
        return colab._message.blocking_request("get_ipynb", timeout_sec=PATIENCE)["ipynb"]
    except Exception:  # noqa: BLE001  no interface of theirs: without it, nothing is known
        return None


WAYS: tuple[Callable[[], Any], ...] = (_of_jupyter, _of_vs_code, _of_colab)
"""The ways in which hosts identify a notebook to its kernel; each returns the notebook's data, or None."""


def _file_at(name: Any) -> Any:
    if not isinstance(name, str) or not name.endswith(".ipynb"):
        return None
    path = Path(name)
    try:
        if path.stat().st_size > NOTEBOOK_BYTES:
            return None
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
