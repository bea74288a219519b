"""Reading questions as a student does: from their text alone."""

from __future__ import annotations

import re
from collections.abc import Callable

from vmwidgets.questions import Question

Solver = Callable[[Question], set[str]]
"""Gives all right options of a question or, where it has none, all right answers."""


def number(text: str) -> int:
    """A number as questions write it."""
    return int(text.replace("_", "").replace(",", ""), 0)


def found(pattern: str, question: Question) -> re.Match[str]:
    """Where the text says something."""
    match = re.search(pattern, question.text, re.DOTALL)
    assert match is not None, f"{question.id} does not say {pattern!r}: {question.text}"
    return match


def rows(question: Question) -> list[list[str]]:
    """The rows of the text's table, without its header."""
    lines = [line for line in question.text.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines[2:]]


def grouped(value: int) -> str:
    """An address as answers write it."""
    digits, groups = f"{value:x}", []
    while digits:
        digits, group = digits[:-4], digits[-4:]
        groups.append(group)
    return "0x" + "_".join(reversed(groups))


def those(question: Question, is_right: Callable[[str], bool]) -> set[str]:
    """The options that are right."""
    return {option for option in question.options if is_right(option)}
