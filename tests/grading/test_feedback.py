"""What students and instructors read: pages of feedback, texts for a comment's field, and the report of a class."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.labs.test_sheets import SOLVED
from vmwidgets import lab
from vmwidgets.cli import main
from vmwidgets.grading.course import Course
from vmwidgets.grading.feedback import MOST_TEXT, text
from vmwidgets.grading.grades import Graded, Grades, Row
from vmwidgets.grading.report import pseudonym, secret_of
from vmwidgets.labs import hinting, outcome, prediction, result
from vmwidgets.labs.mistakes import known_mistakes
from vmwidgets.labs.outcome import Outcome

from .synthetic import COURSE, solved, written

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'

NAMED = next(
    (question, answer, mistake)
    for question, table in known_mistakes().items()
    for answer, mistake in table.items()
    if question.startswith("01/")
)
"""A wrong answer of lab 01 that has a name."""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command wrote for one who lost points and predicted, one without fault, a pair and a cut file."""
    root = tmp_path_factory.mktemp("feedback")
    question, answer, _ = NAMED
    said = [Outcome(question, "How many?", answer, "right"), Outcome("01/b", EVIL, EVIL, EVIL.upper())]
    late = Outcome("01/late", "When?", "1", "2", late=True)
    lied = {**Outcome("01/c", "Which?", "3", "4").data(), "right": True}
    written(
        root / "in" / "ada.ipynb", "ada", "01", solved("01/guard", "ada", SOLVED["01/guard"].spoilt[0]),
        {hinting.MIME: {"schema": 1, "id": "01/guard", "tier": 2, "of": 3}},
        *({outcome.MIME: one} for one in (*(one.data() for one in (*said, late)), lied)),
        {prediction.MIME: {"id": "01/d", "question": EVIL, "answer": EVIL}},
    )  # fmt: skip
    written(root / "in" / "bert.ipynb", "bert", "01", solved("01/guard", "bert"), solved("01/gaps", "bert"))
    written(root / "in" / "pair.ipynb", "cleo+dan", "01", solved("01/guard", "cleo+dan"))
    (root / "in" / "cut.ipynb").write_text("{")
    (root / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard", "01/gaps"]\n')
    (root / "roster.csv").write_text("id,name\nada,Ada <b>Lovelace</b>\nbert,Bert\ncleo,Cleo\ndan,Dan\n")
    assert command(root) == 1
    return root


def command(root: Path, *options: str) -> int:
    where = [str(root / "in"), "--course", str(root / "course.toml"), "--to", str(root / "out"), "--jobs", "1"]
    return main(["grade", *where, *options])


class Page(HTMLParser):
    """The elements of a page, their attributes and all text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attributes]
        self.text += " "

    def handle_data(self, data: str) -> None:
        self.text += data


def test_each_student_has_a_page_and_a_text(out: Path) -> None:
    names = {path.name for path in (out / "out" / "feedback").iterdir()}
    assert names == {f"{name}.{kind}" for name in ("ada", "bert", "cleo", "dan") for kind in ("html", "txt")}


def test_a_page_has_points_reasons_picture_hints_and_predictions(out: Path) -> None:
    page = Page(out / "out" / "feedback" / "ada.html")
    said = " ".join(page.text.split())
    assert "01/guard · Stacks and their guard pages 4 of 5 points" in said
    assert re.search(r"✗ 1/2 some pages of the stacks are not there.*expected 34 pages rw-\s*found 33", said)
    assert "✓ 1/1" in said
    assert "Hints used: 2 of 3" in said
    assert "not handed in" in said
    assert page.tags.count("figure") == 1
    assert [value[:24] for name, value in page.attributes if name == "src"] == ["data:image/svg+xml;base6"]
    assert "✗ How many? You said" in said
    assert NAMED[2].why in said
    assert "✗ Which? You said: 3." in said, "a notebook's own claim to be right counts for nothing"


def test_a_page_loads_and_runs_nothing(out: Path) -> None:
    for name in ("feedback/ada.html", "report.html"):
        page = Page(out / "out" / name)
        assert not {"script", "iframe", "link", "b"} & set(page.tags)
        assert not [name for name, _ in page.attributes if name.startswith("on")]
        assert [value for name, value in page.attributes if value.startswith("http")] == []
        assert any("default-src 'none'" in value for _, value in page.attributes)
    assert EVIL in Page(out / "out" / "feedback" / "ada.html").text


def test_texts_say_what_is_missing(out: Path) -> None:
    assert (out / "out" / "feedback" / "ada.txt").read_text() == (
        f"ada, {COURSE}: 4 points\n01/guard: 4 of 5. some pages of the stacks are not there, or can't be read and "
        "written\n01/gaps: 0 of 4. not handed in\n"
    )
    assert (out / "out" / "feedback" / "bert.txt").read_text() == (
        f"bert, {COURSE}: 9 points\n01/guard: 5 of 5\n01/gaps: 4 of 4\n"
    )


def long(says: str, exercises: int) -> Grades:
    ids = [f"01/{number:03}" for number in range(exercises)]
    rows = tuple(Row("a.ipynb", "ada", name, 1, 2, says=says) for name in ids)
    return Grades(Course("os", dict.fromkeys(ids, 2)), (Graded("a.ipynb", "ada", "01", "", rows, {}, {}, {}),))


@pytest.mark.parametrize(("says", "exercises"), [("x" * 90, 6), ("x" * 600, 2), ("", 60)])
def test_a_text_has_at_most_500_characters(says: str, exercises: int) -> None:
    found = text(long(says, exercises), "ada", "ada")
    assert len(found) <= MOST_TEXT
    assert "01/000: 1 of 2" in found
    if exercises < 60:
        assert f"01/00{exercises - 1}: 1 of 2" in found, "points of all are kept, reasons of the last are not"


def test_no_student_reads_a_suspicion_or_anothers_id() -> None:
    grades = long("", 1)
    (row,) = grades.files[0].rows
    for says in ("forged: the notebook claims 4", "the same journal as bert"):
        assert replace(row, says=says).remark == ""
    assert replace(row, says="its journal is of another sheet").remark


@pytest.fixture(scope="module")
def worth_more(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ada lost a point of five where the course counts ten, Bert handed in hers as his own, Cleo claims all points."""
    root = tmp_path_factory.mktemp("more")
    spoilt = [solved("01/guard", name, SOLVED["01/guard"].spoilt[0]) for name in ("ada", "cleo")]
    spoilt[1] = {result.MIME: {**spoilt[1][result.MIME], "points": 5}}
    for student, check in zip(("ada", "bert", "cleo"), [spoilt[0], *spoilt], strict=True):
        asked = {prediction.MIME: {"id": "01/a", "question": "?", "answer": "1"}}
        written(root / "in" / f"{student}.ipynb", student, "01", check, asked)
    written(root / "in" / "oto.ipynb", "oto", "01", {result.MIME: checked_nothing()})
    (root / "course.toml").write_text(f'course = "{COURSE}"\npredictions = 0.5\nexercises = {{"01/guard" = 10}}\n')
    assert command(root) == 1
    return root / "out"


def checked_nothing() -> dict[str, object]:
    return lab.check("01/guard", None).data()


def test_points_that_the_course_counts_otherwise_are_both_said(worth_more: Path) -> None:
    said = Page(worth_more / "feedback" / "ada.html").text
    assert "4 of 5, counted as 8 of 10 points" in said
    scope = json.loads((worth_more / "gradescope" / "ada.json").read_text())
    assert scope["tests"][0]["output"].startswith("4 of 5, counted as 8 of 10\n")
    says = {row["student"]: row["says"] for row in table(worth_more / "grades.csv")}
    assert says["cleo"].endswith("claims 5 points, and its journal gives 4 of 5, counted as 8 of 10")


def test_of_another_sheets_work_only_this_is_said(worth_more: Path) -> None:
    page = Page(worth_more / "feedback" / "bert.html")
    assert "this was not made from your sheet" in page.text
    assert not {"ul", "figure"} & set(page.tags[: page.tags.index("h2", page.tags.index("h2") + 1)])
    scope = json.loads((worth_more / "gradescope" / "bert.json").read_text())
    assert scope["tests"][0]["output"] == "this was not made from your sheet"
    assert (worth_more / "feedback" / "bert.txt").read_text().endswith(". this was not made from your sheet\n")


def test_points_for_predictions_have_a_column(worth_more: Path) -> None:
    rows = {row["student"]: row for row in table(worth_more / "students.csv")}
    assert {**rows["ada"]} == {"student": "ada", "points": "8.5", "of": "10", "predictions": "0.5", "late": "0"}


def test_who_checked_and_did_nothing_reads_that(worth_more: Path) -> None:
    assert "nothing was done yet" in Page(worth_more / "feedback" / "oto.html").text


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


# ---- the report -------------------------------------------------------------------------------------


def cells(page: Path) -> Iterator[list[str]]:
    for row in re.findall(r"<tr>(.*?)</tr>", page.read_text(encoding="utf-8")):
        yield [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]


def test_the_report_counts_criteria_and_mistakes(out: Path) -> None:
    rows = list(cells(out / "out" / "report.html"))
    assert ["nothing else is mapped", "3 of 3", "", "1 of 1"] in rows
    assert any(row[1:] == ["2 of 3", "", "1.7 of 2"] for row in rows)
    assert [NAMED[0], NAMED[2].name, "1", ""] in rows
    assert ["01/c", "0 of 1", "", "3 (1)"] in rows
    assert not [row for row in rows if row[:1] == ["01/late"]], "what was said when it was shown is no belief"


def test_the_report_has_pseudonyms_that_stay_and_names_only_on_request(out: Path) -> None:
    report = out / "out" / "report.html"
    secret = secret_of(out / "out")
    codes = {pseudonym(secret, student): points for student, points in (("ada", "4"), ("bert", "9"))}
    before = report.read_text()
    found = {row[0]: row[1] for row in cells(report) if len(row) == 3}
    assert found.items() >= codes.items()
    assert "bert" not in before.lower()
    assert command(out, "--roster", str(out / "roster.csv")) == 1
    assert report.read_text() == before
    assert command(out, "--roster", str(out / "roster.csv"), "--names") == 1
    assert {"Ada &lt;b&gt;Lovelace&lt;/b&gt;", "Dan"} <= {row[0] for row in cells(report) if len(row) == 3}
    assert "Feedback for Ada <b>Lovelace</b>" in Page(out / "out" / "feedback" / "ada.html").text


def test_pseudonyms_are_of_one_folder(tmp_path: Path) -> None:
    secrets = [secret_of(tmp_path / name) for name in ("a", "b", "a")]
    assert secrets[0] == secrets[2] != secrets[1]
    assert pseudonym(secrets[0], "ada") != pseudonym(secrets[1], "ada")
    assert len({pseudonym(secrets[0], str(number)) for number in range(2000)}) == 2000


def test_names_without_a_roster_and_a_broken_secret_are_one_sentence(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(out, "--names") == 2
    (tmp_path / "secret.key").write_text("")
    assert command(out, "--to", str(tmp_path)) == 2
    error = capsys.readouterr().err.splitlines()
    assert [one.partition(": ")[2][:25] for one in error] == ["--names needs --roster FI", error[1][11:36]]
    assert "holds no secret" in error[1]
