"""What documents show after ``>>>`` can be typed there, and an answer of the questions' page can be typed alone."""

from __future__ import annotations

import code
import re
from codeop import compile_command
from collections.abc import Iterator
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "notebooks" / "README.md", *(ROOT / "docs").rglob("*.md")]
QUESTIONS = (ROOT / "docs" / "questions-people-have.md").read_text(encoding="utf-8")


class Prompt(code.InteractiveConsole):
    """A prompt that keeps what it was told to print of errors."""

    def __init__(self) -> None:
        super().__init__({"__name__": "__main__"})
        self.errors = ""

    def write(self, data: str) -> None:
        self.errors += data


def typed(text: str) -> Iterator[tuple[bool, str]]:
    """The lines that a reader types, each with whether it is at a new ``>>>``; Enter ends what an output follows.

    >>> list(typed("    >>> if 1: 2\\n    2\\n    >>> 3"))
    [(True, 'if 1: 2'), (False, ''), (True, '3')]
    """
    waiting = ""
    for line in map(str.strip, text.splitlines()):
        begins = line.startswith(">>> ")
        if begins or (waiting and line.startswith("...")):
            waiting = line[4:] if begins else f"{waiting}\n{line[4:]}"
            yield begins, line[4:]
            waiting = waiting if unfinished(waiting) else ""
        elif waiting:
            yield False, ""
            waiting = ""


def unfinished(source: str) -> bool:
    """Whether a prompt waits for another line.

    >>> unfinished("for a in b: c"), unfinished("for a in b: c\\n"), unfinished("a = (")
    (True, False, True)
    """
    return compile_command(source) is None


def at_prompt(text: str) -> tuple[list[str], str]:
    """Type a text's lines at a prompt.  Returns those that a ``>>>`` shows while ``...`` waits, and the errors."""
    prompt, more, wrong = Prompt(), False, []
    for begins, line in typed(text):
        if begins and more:
            wrong.append(line)
        more = prompt.push(line)
    return wrong, prompt.errors


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_line_after_a_prompt_is_typed_into_an_unfinished_statement(page: Path) -> None:
    waiting, wrong = "", []
    for begins, line in typed(page.read_text(encoding="utf-8")):
        if begins and waiting:
            wrong.append(line)
        waiting = f"{waiting}\n{line}" if waiting and not begins else line
        waiting = waiting if unfinished(waiting) else ""
    assert wrong == []


@pytest.mark.parametrize("name", ["README.md", "docs/figures.md", "docs/start.md"])
def test_a_page_can_be_typed_at_a_prompt(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert at_prompt((ROOT / name).read_text(encoding="utf-8")) == ([], "")


@pytest.mark.parametrize(
    "section", re.split(r"^## ", QUESTIONS, flags=re.MULTILINE)[1:], ids=lambda one: one.split("\n")[0]
)
def test_each_answer_can_be_typed_alone(section: str, capsys: Any) -> None:
    expected = re.findall(r"^    (?!>>>|\.\.\.)(.+)$", section, re.MULTILINE) if ">>>" in section else []
    assert at_prompt(f">>> import vmwidgets as vm\n{section}") == ([], "")
    said, wanted = capsys.readouterr().out, "".join(f"{line}\n" for line in expected)
    assert OutputChecker().check_output(wanted, said, ELLIPSIS), said


def test_a_compound_line_before_another_prompt_is_found() -> None:
    wrong, errors = at_prompt(">>> for a in (1, 2): b = a\n>>> c = b")
    assert wrong == ["c = b"]
    assert "SyntaxError" in errors
