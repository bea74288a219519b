"""What keeps the answers of a picture that asks, and what writes exams: the package gives it, pictures know neither."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol


class Keeper(Protocol):
    """The answers of one picture, by key."""

    def told(self, key: str, question: str) -> str:
        """Return what was said of a question that was answered or passed; "" for one that was not."""

    def keep(self, key: str, question: str, said: str | None, actual: str) -> None:
        """Keep an answer (None: it was passed) and what happened."""


KEPT_BY: list[Callable[[str], Keeper]] = []
"""Gives a keeper by its name."""

EXAMINED_BY: list[Callable[[Any, str | Path, bool, bool], Path]] = []
"""Writes the exam of a worksheet to a file, with its key or without, in place of a file or not."""
