"""Interfaces to exams and to the store of a picture's answers, which other parts of the package implement."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol


class Ask(NamedTuple):
    """A question, identified by its `key`: its `words` may be edited.

    Notebooks up to commit 181686ba keep the answer under the key `before`, if there is one, with `words_before` in the
    question.
    """

    key: str
    words: str
    before: str = ""
    words_before: str = ""


class Keeper(Protocol):
    """The answers of one picture, by key."""

    def told(self, ask: Ask) -> str:
        """Return the answer to a question that was answered or passed; "" otherwise."""

    def keep(self, ask: Ask, said: str | None, actual: str) -> None:
        """Keep an answer (None if the question was passed) and what happened."""


KEPT_BY: list[Callable[[str], Keeper]] = []
"""The function that returns a keeper by name."""

EXAMINED_BY: list[Callable[[Any, str | Path, bool, bool], Path]] = []
"""The function that writes a worksheet's exam to a file, with or without the key; it can replace an existing file."""
