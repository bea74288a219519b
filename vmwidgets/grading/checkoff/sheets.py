"""A checkoff as text for a terminal, as Markdown, and as a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vmwidgets.engine.base.errors import Refused, printable, shown
from vmwidgets.engine.base.units import counted
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.markup import marked
from vmwidgets.questions.markup import plain, to_html

from ..output import write
from ..page import page
from .checkoff import Checkoff
from .choosing import Asked

STROKE = r"\|"
"""A vertical bar in a cell of a table."""


def title(checkoff: Checkoff) -> str:
    """Return the student and the lab."""
    return f"Lab {checkoff.begun.lab}, {checkoff.begun.whose}: {counted(len(checkoff.asked), 'question')} for the desk"


def _head(one: Asked) -> str:
    return f"{one.exercise} · {exercises()[one.exercise].title}"


def text(checkoff: Checkoff) -> str:
    """Return plain text: each question, followed by its answer and the reason."""
    parts = [title(checkoff)]
    for number, one in enumerate(checkoff.asked, 1):
        question = one.question
        rows = [f"{number}. {_head(one)}", *_lines(question.text), f"Answer: {plain(question.answer)}"]
        parts.append("\n   ".join([*rows, f"Why: {plain(question.why)}"]))
    parts += [f"{name}: {why}" for name, why in checkoff.missing.items()]
    return "\n\n".join("\n".join(map(printable, part.splitlines())) for part in parts)


def _lines(text: str) -> list[str]:
    """Return text with a table as plain lines."""
    found = []
    for line in text.splitlines():
        if line.startswith("| "):
            number, said = plain(line[2:-2]).split(" | ", 1)
            found.append(f"  {number:>4}  {said.replace(STROKE, '|')}")
        elif line and not line.startswith("|---"):
            found.append(plain(line))
    return found


def markdown(checkoff: Checkoff) -> str:
    """Return the sheet of a checkoff in Markdown."""
    parts = [f"# {title(checkoff)}"]
    for number, one in enumerate(checkoff.asked, 1):
        question = one.question
        parts += [f"## {number}. {_head(one)}", question.text, f"**Answer:** {question.answer}", question.why]
    parts += [f"{name}: {why}" for name, why in checkoff.missing.items()]
    return "\n\n".join("\n".join(map(printable, part.splitlines())) for part in parts) + "\n"


def html(checkoff: Checkoff) -> str:
    """Return one page of HTML that needs no other file."""
    parts = []
    for number, one in enumerate(checkoff.asked, 1):
        question = one.question
        answer = to_html(f"Answer: {question.answer}")
        parts.append(
            f"<section>{marked(f'{number}. {_head(one)}', 'h2')}{to_html(question.text)}"
            f"<strong>{answer}</strong>{to_html(question.why)}</section>"
        )
    parts += [marked(f"{name}: {why}", "p") for name, why in checkoff.missing.items()]
    return page(title(checkoff), "\n".join(parts))


FORMATS: dict[str, Callable[[Checkoff], str]] = {".md": markdown, ".html": html}
"""The writers by the ending of a file."""


def format_of(path: Path) -> Callable[[Checkoff], str]:
    """Return the writer for a file; raises :class:`Refused` for another ending."""
    if path.suffix.lower() not in FORMATS:
        raise Refused(f"{shown(str(path))}: it must end in {' or '.join(FORMATS)}")
    return FORMATS[path.suffix.lower()]


def save(checkoff: Checkoff, path: Path) -> None:
    """Write a checkoff in the format of the file's ending."""
    write({path: format_of(path)(checkoff)})
