"""Answers that an earlier kernel stored in the notebook: a restart must not make a first answer a later one.

Jupyter tells a kernel which notebook it was started for (`JPY_SESSION_NAME`); where it does not, nothing is known.
The file may have been edited by hand: what is not an answer to the question asked is left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.errors import Refused

from .answers import written
from .prediction import MIME, Answer, Prediction

MOST_BYTES = 64 * 1024 * 1024
MOST_ANSWERS = 100


def answers_in_the_notebook(asked: Prediction) -> tuple[Answer, ...]:
    """What the notebook, as it was saved, holds of answers to the same question; empty if there is none."""
    name = os.environ.get("JPY_SESSION_NAME", "")
    return answers_in(_saved(name).get(asked.id), asked) if name.endswith(".ipynb") else ()


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
    return Answer(text, how if how in ("code", "control") else "code", stored.get("late") is True)


@lru_cache(maxsize=1)
def _saved(name: str) -> dict[str, Any]:
    """The stored predictions of a notebook's file by id; read once, before running it writes others."""
    path = Path(name)
    try:
        if path.stat().st_size > MOST_BYTES:
            return {}
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {data["id"]: data for data in stored(notebook) if isinstance(data.get("id"), str)}


def stored(notebook: Any) -> Iterator[dict[str, Any]]:
    """The predictions in the outputs of a notebook, in order."""
    for bundle in bundles(notebook):
        data = bundle.get(MIME)
        if isinstance(data, dict):
            yield data


def bundles(notebook: Any, most: int | None = None) -> Iterator[dict[str, Any]]:
    """What the outputs of a notebook hold, by kind, in order; what is not as it should be is left out.

    With `most`, only so many cells are looked at, and so many outputs in all.
    """
    count = 0
    for cell in _list(notebook, "cells")[:most]:
        for output in _list(cell, "outputs"):
            count += 1
            bundle = output.get("data") if isinstance(output, dict) else None
            if isinstance(bundle, dict) and (most is None or count <= most):
                yield bundle


def _list(thing: Any, name: str) -> list[Any]:
    found = thing.get(name) if isinstance(thing, dict) else None
    return found if isinstance(found, list) else []
