"""Pages for assistants: one for each lab, all of one form, in hours that add up, with sections that exist."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from vmwidgets import lab as _lab  # noqa: F401  the exercises that ship register themselves
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.moved import lab_of

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
INSTRUCTORS = ROOT / "docs" / "instructors.md"
PAGES = [ROOT / "docs" / "labs" / path.name for path in sorted((ROOT / "course").glob("*.md"))]

HEADINGS = [
    "Before the lab: three questions",
    "Ten minutes in",
    "Thirty minutes of work",
    "Ten minutes out",
    "At home",
    "If time runs short",
    "Rubric",
]
MOST_WORDS = 450
"""But for the rubric, which is the exercises' own."""

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
    source = (ROOT / "course" / page.name).read_text(encoding="utf-8")
    return {int(number) for number in re.findall(r"^## (\d+) · ", source, flags=re.MULTILINE)}


def test_each_lab_has_a_page_and_each_page_a_lab() -> None:
    assert sorted((ROOT / "docs" / "labs").glob("*.md")) == PAGES


@each_page
def test_the_instructors_find_it(page: Path) -> None:
    assert f"(labs/{page.name})" in INSTRUCTORS.read_text(encoding="utf-8")


@each_page
def test_headings_in_order(page: Path) -> None:
    first, *others = re.findall(r"^#+ .*", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert re.fullmatch(rf"# Lab {page.stem.split('-')[0]}, .+: for assistants", first)
    assert others == [f"## {heading}" for heading in HEADINGS]


@each_page
def test_three_questions_with_answers(page: Path) -> None:
    questions = re.findall(r"^\d\. (.+?)(?=^\d\. |\Z)", parts(page)[HEADINGS[0]], flags=re.MULTILINE | re.DOTALL)
    assert [bool(re.search(r"\?\s+\*[^*]+\*", question)) for question in questions] == [True] * 3


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
    source = (ROOT / "course" / page.name).read_text(encoding="utf-8")
    exercises = re.findall(r'lab\.\w+\("([^"]+)"\)', page.read_text(encoding="utf-8"))
    assert [name for name in exercises if f'"{name}"' not in source] == []


@each_page
def test_the_rubric_says_all_points_of_all_exercises(page: Path) -> None:
    """What it says of each is written by `make course`, and compared by `make lint`."""
    tables = re.split(r"^\*\*(.+?), .+\*\* \((\d+) points\)$", parts(page)["Rubric"], flags=re.MULTILINE)[1:]
    lab = page.stem.partition("-")[0]
    graded = [one.id for one in exercises().values() if one.shipped and lab_of(one.id) == lab]
    assert tables[::3] == graded
    for points, table in zip(tables[1::3], tables[2::3], strict=True):
        assert sum(map(int, re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE))) == int(points)


@each_page
def test_it_is_short(page: Path) -> None:
    texts = [text for heading, text in parts(page).items() if heading != "Rubric"]
    words = [word for word in " ".join(texts).split() if any(map(str.isalnum, word))]
    assert len(words) <= MOST_WORDS


def test_examples_for_instructors_run() -> None:
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, tried = doctest.testfile(str(INSTRUCTORS), module_relative=False, encoding="utf-8", optionflags=options)
    assert (failed, tried > 0) == (0, True)
