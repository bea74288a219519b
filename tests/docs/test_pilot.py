"""The pilot kit: its minutes add up, its two papers can be made, and its lab and its sections exist."""

from __future__ import annotations

import re
from pathlib import Path

from vmwidgets.cli import main
from vmwidgets.questions import make_exam

ROOT = Path(__file__).resolve().parents[2]
KIT = (ROOT / "docs" / "pilot.md").read_text(encoding="utf-8")


def test_the_minutes_are_fifty() -> None:
    (text,) = re.findall(r"^## Fifty minutes$(.*?)^## ", KIT, re.MULTILINE | re.DOTALL)
    assert sum(map(int, re.findall(r"^\| (\d+) \|", text, re.MULTILINE))) == 50


def test_its_commands_make_two_papers_of_the_same_kinds(tmp_path: Path) -> None:
    calls = [line.split()[1:] for line in KIT.splitlines() if line.startswith("    vmwidgets questions ")]
    assert [call[-1] for call in calls] == ["before.html", "after.html"]
    assert [main([*call[:-1], str(tmp_path / call[-1])]) for call in calls] == [0, 0]
    kinds, seed = calls[0][calls[0].index("--kind") + 1].split(","), int(calls[0][calls[0].index("--seed") + 1])
    one, other = (make_exam((), seed, kinds=kinds, form=form).questions for form in "AB")
    assert sorted(question.id for question in one) == sorted(kinds) == sorted(question.id for question in other)


def test_its_sections_are_those_of_the_lab() -> None:
    source = (ROOT / "course" / "08a-demand-paging.md").read_text(encoding="utf-8")
    there = set(re.findall(r"^## (\d) ·", source, re.MULTILINE))
    rows = re.findall(r"^\| minutes: sections? (.*?) \|", KIT, re.MULTILINE)
    assert rows and set(re.findall(r"\d", " ".join(rows))) <= there
