"""What an earlier kernel stored in the notebook: a restart must not make a first answer a later one.

Hosts tell a kernel in ways of their own which notebook it runs; where none does, nothing is known.  The notebook may
have been edited by hand: what is not an answer to the question asked is left out.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.errors import Refused
from vmwidgets.widgets.host.cells import current_shell

from . import outcome
from .answers import MOST_CHARACTERS, written
from .prediction import MIME, Answer, Prediction
from .predictions import Predictions

MOST_BYTES = 64 * 1024 * 1024
MOST_ANSWERS = 100

PATIENCE = 5
"""Seconds that Colab's page has to answer; a page that is closed never does."""


@dataclass
class Saved:
    """What the outputs of a notebook hold, by the id of a prediction and in their order: predictions, and outcomes."""

    predictions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    outcomes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def recall(self, asked: Prediction) -> None:
        """Give `asked` the first answers and the first outcome that are stored for the same question."""
        of_it = [one for one in self.predictions.get(asked.id, ()) if one.get("question") == asked.question]
        shown = [one for one in self.outcomes.get(asked.id, ()) if one.get("question") == asked.question]
        said = [{**one, "answers": [{**one, "answer": one.get("said")}], "kind": asked.kind} for one in shown]
        asked.answers = next((answers for one in (*of_it, *said) if (answers := answers_in(one, asked))), ())
        happened = (*(one.get("happened") for one in of_it), *(one.get("actual") for one in shown))
        asked.happened = next((one for one in happened if isinstance(one, str)), None)
        missed = (one.get("missed") for one in of_it)
        asked.missed = next((one for one in missed if isinstance(one, str)), "")[:MOST_CHARACTERS]


def recall(asked: Prediction) -> None:
    """Give `asked` what the notebook, as it was saved, holds of answers to the same question, and of its outcome."""
    of_the_notebook().recall(asked)


_read: list[Saved] = []  # by this kernel: none or one


def of_the_notebook() -> Saved:
    """What the kernel's notebook holds; read once, before running it writes other outputs."""
    if not _read:
        notebooks = (way() for way in WAYS)
        _read.append(saved_in(next((one for one in notebooks if one is not None), None)))
    return _read[0]


def saved_in(notebook: Any) -> Saved:
    """What a notebook's outputs hold of predictions."""
    found = Saved()
    for _cell, bundle in bundles(notebook):
        table = bundle.get(Predictions.MIME)
        for one in (bundle.get(MIME), *listed(table, "predictions")):
            _file(found.predictions, one)
        for one in (bundle.get(outcome.MIME), *listed(table, "outcomes")):
            _file(found.outcomes, one)
    return found


def _file(found: dict[str, list[dict[str, Any]]], one: Any) -> None:
    if isinstance(one, dict) and isinstance(one.get("id"), str):
        found.setdefault(one["id"], []).append(one)


def answers_in(data: Any, asked: Prediction) -> tuple[Answer, ...]:
    """The answers in a prediction's stored data, as far as they are answers to `asked`."""
    if not isinstance(data, dict) or data.get("question") != asked.question or data.get("kind") != asked.kind:
        return ()
    stored = data.get("answers")
    found = (_answer(one, asked) for one in stored[:MOST_ANSWERS]) if isinstance(stored, list) else ()
    return tuple(answer for answer in found if answer is not None)


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
    """The file that JupyterLab, Notebook and JupyterHub name when they start a kernel."""
    return _file_at(os.environ.get("JPY_SESSION_NAME"))


def _of_vs_code() -> Any:
    """The file that Visual Studio Code names in a variable of the notebook."""
    shell = current_shell()
    return _file_at(getattr(shell, "user_ns", {}).get("__vsc_ipynb_file__"))


def _of_colab() -> Any:
    """The notebook as Colab's page has it."""
    colab: Any = sys.modules.get("google.colab")
    if colab is None:
        return None
    try:
        return colab._message.blocking_request("get_ipynb", timeout_sec=PATIENCE)["ipynb"]
    except Exception:  # noqa: BLE001  no interface of theirs: without it, nothing is known
        return None


WAYS: tuple[Callable[[], Any], ...] = (_of_jupyter, _of_vs_code, _of_colab)
"""How hosts tell a kernel what its notebook is; each gives the notebook's data, or None."""


def _file_at(name: Any) -> Any:
    if not isinstance(name, str) or not name.endswith(".ipynb"):
        return None
    path = Path(name)
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def bundles(notebook: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """What the outputs of a notebook hold, by kind, in order, with the numbers of their cells, from 1 on.

    What is not as it should be is left out.
    """
    for number, cell in enumerate(listed(notebook, "cells"), 1):
        for output in listed(cell, "outputs"):
            bundle = output.get("data") if isinstance(output, dict) else None
            if isinstance(bundle, dict):
                yield number, {kind: _data(kind, value) for kind, value in bundle.items()}


def _data(kind: str, value: Any) -> Any:
    """The value of one kind; of JSON that a host saved as text, or as a list of lines, what it says."""
    text = "".join(value) if isinstance(value, list) and all(isinstance(line, str) for line in value) else value
    if not kind.endswith("+json") or not isinstance(text, str):
        return value
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return value


def listed(thing: Any, name: str) -> list[Any]:
    """The list that a thing of a notebook has under this name; empty where it has none."""
    found = thing.get(name) if isinstance(thing, dict) else None
    return found if isinstance(found, list) else []
