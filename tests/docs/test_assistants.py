"""Pages for assistants: one for each lab, with minutes that add up, and sections and exercises that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEACH = ROOT / "docs" / "teach.md"
PAGES = [ROOT / "docs" / "labs" / f"{path.parent.name}.md" for path in sorted((ROOT / "course").glob("*/lab.md"))]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def parts(page: Path) -> dict[str, str]:
    """What is under each heading of the second level; the beginning is under ""."""
    beginning, *found = re.split(r"^## (.+)\n+", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {"": beginning, **dict(zip(found[::2], found[1::2], strict=True))}


def rows(text: str, title: str) -> list[list[str]]:
    """The cells of the table whose first line has `title` as its second column."""
    table = next(block for block in text.split("\n\n") if block.startswith(f"| section | {title} |"))
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.strip().splitlines()[2:]]


def numbers(text: str) -> set[int]:
    """The sections that a text names: "3", "4 and 5", "1 to 3", "3, 6 and 7"."""
    found = set()
    for first, last, single in re.findall(r"(\d+) to (\d+)|(\d+)", text):
        found |= {int(single)} if single else set(range(int(first), int(last) + 1))
    return found


def named(text: str) -> set[int]:
    """The sections that sentences name, without those of another lab ("section 6 of lab 01")."""
    lists = re.findall(r"[Ss]ections?\s+(\d+(?:(?:,|\s+and|\s+to)\s+\d+)*)(?!\d|\s+of\s+lab)", text)
    return set().union(*map(numbers, lists))


def planned(page: Path) -> set[int]:
    """The sections that are done in the room."""
    plan = rows(parts(page)["Thirty minutes of work"], "minutes")
    return set().union(*(numbers(row[0]) for row in plan))


def of_source(page: Path) -> set[int]:
    """The numbered sections of the page's lab."""
    source = (ROOT / "course" / page.stem / "lab.md").read_text(encoding="utf-8")
    return {int(number) for number in re.findall(r"^## (\d+) · ", source, flags=re.MULTILINE)}


def test_each_lab_has_a_page_that_instructors_find_and_each_page_a_lab() -> None:
    assert sorted((ROOT / "docs" / "labs").glob("*.md")) == PAGES
    text = TEACH.read_text(encoding="utf-8")
    assert [page.name for page in PAGES if f"(labs/{page.name})" not in text] == []


@each_page
def test_thirty_minutes_add_up(page: Path) -> None:
    assert sum(int(row[1]) for row in rows(parts(page)["Thirty minutes of work"], "minutes")) == 30


@each_page
def test_every_section_is_done_in_the_room_or_at_home_and_none_is_invented(page: Path) -> None:
    text = parts(page)
    assert planned(page) | named(text["At home"]) == of_source(page)
    assert set().union(*map(named, text.values())) <= of_source(page)


@each_page
def test_people_get_stuck_in_what_is_done_in_the_room(page: Path) -> None:
    stuck = rows(parts(page)["Thirty minutes of work"], "where people get stuck")
    assert set().union(*(numbers(row[0]) for row in stuck)) <= planned(page)


@each_page
def test_its_exercises_exist(page: Path) -> None:
    source = (ROOT / "course" / page.stem / "lab.md").read_text(encoding="utf-8")
    exercises = re.findall(r'lab\.\w+\("([^"]+)"\)', page.read_text(encoding="utf-8"))
    assert [name for name in exercises if f'"{name}"' not in source] == []
