"""What students and instructors read: pages of feedback, texts for a comment's field, and the report of a class."""

from __future__ import annotations

import csv
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.grading.earlier import beginning, hinting, outcome, prediction, result
from tests.labs.test_sheets import SOLVED
from vmwidgets import lab
from vmwidgets.cli import main
from vmwidgets.grading.course import Course
from vmwidgets.grading.feedback import MOST_TEXT, html, text
from vmwidgets.grading.findings import Status, found
from vmwidgets.grading.grades import Graded, Grades, Row
from vmwidgets.grading.report import pseudonym, secret_of
from vmwidgets.labs.mistakes import known_mistakes
from vmwidgets.labs.outcome import Outcome

from .synthetic import COURSE, notebook, seed_of, solved, written

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'

ADVERTISEMENT = "Buy my notes at notes.example"
"""What a notebook says that it answered."""

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
    said = [Outcome(question, "How many?", answer, "right"), Outcome("01/own", EVIL, EVIL, EVIL.upper())]
    said.append(Outcome("01/b", "Not asked", ADVERTISEMENT, ""))
    late = Outcome("01/merge", "When?", "1", "2", late=True)
    lied = {**Outcome("01/cut", "Which?", ADVERTISEMENT, "4").data(), "right": True}
    silent = Outcome("01/first-fit", "Whose?", None, "5")
    written(
        root / "in" / "ada.ipynb", "ada", "01", solved("01/guard", "ada", SOLVED["01/guard"].spoilt[0]),
        {hinting.MIME: {"schema": 1, "id": "01/guard", "tier": 2, "of": 3}},
        *({outcome.MIME: one} for one in (*(one.data() for one in (*said, late, silent)), lied)),
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


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights than a mode")
def test_results_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Whatever the umask is; and what an earlier version left for all is closed where a person made the folder."""
    written(tmp_path / "in" / "ada.ipynb", "ada", "01", solved("01/guard", "ada"))
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\n')
    (tmp_path / "roster.csv").write_text("id,name\nada,Ada\n")
    (tmp_path / "given.csv").write_text("student,exercise,points,reason\n")
    more = ["--roster", str(tmp_path / "roster.csv"), "--lms", "moodle", "--overrides", str(tmp_path / "given.csv")]
    umask = os.umask(0)
    try:
        assert command(tmp_path, *more) == 0
        everything = [tmp_path / "out", *(tmp_path / "out").rglob("*")]
        assert len(everything) == 14
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in everything}
        assert modes == {path: 0o700 if path.is_dir() else 0o600 for path in everything}
        for path in everything:
            path.chmod(0o755 if path.is_dir() else 0o644)
        (tmp_path / "out" / "grades.csv").write_text("of before")
        assert command(tmp_path, *more, "--only", "ada") == 0
    finally:
        os.umask(umask)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in everything if path.is_file()}
    assert modes == dict.fromkeys(modes, 0o640)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o755


def test_a_page_has_points_reasons_picture_hints_and_predictions(out: Path) -> None:
    page = Page(out / "out" / "feedback" / "ada.html")
    said = " ".join(page.text.split())
    assert "01/guard · Stacks and their guard pages 4 of 5 points" in said
    assert re.search(r"✗ 1/2 some pages of the stacks are not mapped.*expected 34 pages rw-\s*found 33", said)
    assert "✓ 1/1" in said
    assert "Hints used: 2 of 3" in said
    assert "no check of it is in the file" in said
    assert page.tags.count("figure") == 1
    assert [value[:24] for name, value in page.attributes if name == "src"] == ["data:image/svg+xml;chars"]
    assert NAMED[2].why in said
    asked = "One page is removed from the middle of the merged entry. "
    asked += "How many more entries does the map have afterwards?"
    assert f"✗ {asked} You said: {ADVERTISEMENT}." in said, "a notebook's own claim to be right counts for nothing"


def test_a_page_asks_what_the_lab_asks(out: Path) -> None:
    """A notebook that somebody else made in a student's name could ask anything there."""
    said = Page(out / "out" / "feedback" / "ada.html").text
    assert not [text for text in ("How many?", "Which?", "Not asked") if text in said]
    assert said.count(ADVERTISEMENT) == 1, "an answer to a question of the lab"


SLANDER = "Ada.you.are.reported"


@pytest.mark.parametrize("where", ["lab", "course", "student", "version", "edition", "name"])
def test_nothing_that_a_file_says_of_itself_is_in_the_page_of_the_one_it_names(tmp_path: Path, where: str) -> None:
    """Anyone may hand in a file in a classmate's name."""
    key = "a key of enough characters"
    made = notebook("s002", "01", solved("01/guard", "s002", key=key), key=key)
    whose, work = (cell["outputs"][0]["data"] for cell in made["cells"])
    if where in ("lab", "course", "version"):
        whose[beginning.MIME][where] = SLANDER
    if where == "lab":
        whose[beginning.MIME]["seed"] = seed_of("s002", SLANDER, key=key)
    if where == "student":
        whose[beginning.MIME][where] = f"{SLANDER}+s002"
    if where == "edition":
        work[result.MIME][where] = SLANDER
    if where == "version":
        work[result.MIME]["points"] = 3
    path = tmp_path / "in" / f"Lab 01_s002_attempt_2026-10-01-12-00-00_x.{'ipynb' if where != 'name' else SLANDER}"
    path.parent.mkdir()
    path.write_text(json.dumps(made) if where != "name" else "{}")
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\nkey = "{key}"\n')
    (tmp_path / "roster.csv").write_text("id,name\ns002,Zoe\n")
    assert command(tmp_path, "--roster", str(tmp_path / "roster.csv")) in (1, 3)
    own = [*(tmp_path / "out").glob("*/s002.*")]
    assert len(own) == 3
    assert "reported" not in " ".join(path.read_text() for path in own)
    assert "eported" in (tmp_path / "out" / "grades.csv").read_text(), "instructors read it"


def test_a_page_has_predictions_of_files_that_count(tmp_path: Path) -> None:
    """Another file in the same name adds nothing to the page, and is not named: its name may be a student's."""
    asked = {outcome.MIME: Outcome("01/cut", "", ADVERTISEMENT, "4").data()}
    own = {outcome.MIME: Outcome("01/cut", "", "7", "4").data()}
    hint = {hinting.MIME: {"schema": 1, "id": "01/guard", "tier": 3, "of": 3}}
    spoilt = solved("01/guard", "ada", SOLVED["01/guard"].spoilt[0])
    written(tmp_path / "in" / "Mal Lory_2_assignsubmission_file_" / "01.ipynb", "ada", "01", spoilt, asked, hint)
    written(tmp_path / "in" / "Mal Lory_2.ipynb", "ada", "01", spoilt, course="another")
    written(tmp_path / "in" / "z.ipynb", "ada", "01", solved("01/guard", "ada"), own)
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\n')
    assert command(tmp_path) == 1
    said = Page(tmp_path / "out" / "feedback" / "ada.html").text
    assert "You said: 7." in said
    assert "Hints used" not in said
    assert ADVERTISEMENT not in said
    assert "A file of lab 01 in your name was not graded: it is of another course" in said
    assert "Mal" not in said


def test_a_course_without_the_labs_questions_shows_their_ids() -> None:
    said = {"01/cut": Outcome("01/cut", EVIL, "7", "4").data()}
    row = Row("a.ipynb", "ada", "01/guard", 5, 5, cell=2)
    grades = Grades(Course("os", {"01/guard": 5}), (Graded("a.ipynb", "ada", "01", None, (row,), {}, said, {}),))
    assert "<strong>01/cut</strong>" in html(grades, "ada", "ada")


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
        f"ada, {COURSE}: 4 points\n01/guard: 4 of 5. some pages of the stacks are not mapped, or can't be read and "
        "written\n01/gaps: 0 of 4. no check of it is in the file\n"
    )
    assert (out / "out" / "feedback" / "bert.txt").read_text() == (
        f"bert, {COURSE}: 9 points\n01/guard: 5 of 5\n01/gaps: 4 of 4\n"
    )


def test_nothing_is_not_judged_yet_when_it_is_graded(tmp_path: Path) -> None:
    hardly_begun = solved("01/guard", "ada", lambda _: "thing.enter('1 page')")
    written(tmp_path / "in" / "ada.ipynb", "ada", "01", hardly_begun)
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\n')
    command(tmp_path)
    why = "(not judged before this is done: map most of the stacks, with a guard)"
    texts = [path for path in (tmp_path / "out").rglob("*") if path.suffix in (".html", ".json", ".csv", ".txt")]
    assert len(texts) > 5
    assert [path.name for path in texts if "not judged yet" in path.read_text(encoding="utf-8")] == []
    assert why in (tmp_path / "out" / "feedback" / "ada.html").read_text(encoding="utf-8")


def long(says: str, exercises: int) -> Grades:
    ids = [f"01/{number:03}" for number in range(exercises)]
    findings = (found(Status.STOPPED_CHECK, problem=says),) * bool(says)
    rows = tuple(Row("a.ipynb", "ada", name, 1, 2, findings=findings) for name in ids)
    return Grades(Course("os", dict.fromkeys(ids, 2)), (Graded("a.ipynb", "ada", "01", None, rows, {}, {}, {}),))


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
    claims = {"claim": "4 points", "made": ", made with bert", "points": "3", "worth": ""}
    assert replace(row, findings=(found(Status.FORGED, **claims),)).remark == ""
    differs = found(Status.DIFFERS, **claims)
    said = "differs: the notebook claims 4 points, and its journal gives 3"
    assert replace(row, findings=(found(Status.COPIED, others="bert"), differs)).remark == said


@pytest.fixture(scope="module")
def worth_more(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ada lost a point of five where the course counts ten, Bert handed in hers as his own, Cleo claims all points."""
    root = tmp_path_factory.mktemp("more")
    spoilt = [solved("01/guard", name, SOLVED["01/guard"].spoilt[0]) for name in ("ada", "cleo")]
    spoilt[1] = {result.MIME: {**spoilt[1][result.MIME], "points": 5}}
    for student, check in zip(("ada", "bert", "cleo"), [spoilt[0], *spoilt], strict=True):
        asked = {prediction.MIME: {"id": "01/cut", "question": "?", "answer": "1"}}
        written(root / "in" / f"{student}.ipynb", student, "01", check, asked)
    written(root / "in" / "oto.ipynb", "oto", "01", {result.MIME: checked_nothing()})
    (root / "course.toml").write_text(f'course = "{COURSE}"\npredictions = 0.5\nexercises = {{"01/guard" = 10}}\n')
    assert command(root) == 3
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
    assert (
        "it was done under another id or in another lab, or before lab.begin: run its cells again and save" in page.text
    )
    assert not {"ul", "figure"} & set(page.tags[: page.tags.index("h2", page.tags.index("h2") + 1)])
    scope = json.loads((worth_more / "gradescope" / "bert.json").read_text())
    assert (
        scope["tests"][0]["output"]
        == "it was done under another id or in another lab, or before lab.begin: run its cells again and save"
    )
    assert (
        (worth_more / "feedback" / "bert.txt").read_text().endswith("before lab.begin: run its cells again and save\n")
    )


def test_points_for_predictions_have_a_column(worth_more: Path) -> None:
    rows = {row["student"]: row for row in table(worth_more / "students.csv")}
    assert [*rows["ada"].values()] == ["ada", "8.5", "10", "0.5", "0", ""]
    assert [*rows["ada"]] == ["student", "points", "of", "predictions", "late", "with"]


def test_who_checked_and_did_nothing_reads_that(worth_more: Path) -> None:
    assert "nothing has been done yet" in Page(worth_more / "feedback" / "oto.html").text


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
    assert [NAMED[0], "0 of 1", "", f"{NAMED[1].casefold()} (1)"] in rows
    assert ["01/cut", "0 of 1", "", "another answer (1)"] in rows
    assert not [row for row in rows if row[:1] == ["01/merge"]], "what was said when it was shown is not a belief"


def test_the_report_says_what_it_counts(out: Path, tmp_path: Path) -> None:
    """Only graded notebooks are counted as notebooks, whatever else lies in the folder."""
    said = "4 students, 3 graded notebooks of 1 lab, 1 file that was not graded; 2 rows in grades.csv to look at."
    assert said in Page(out / "out" / "report.html").text
    for number in ("01", "03"):
        written(tmp_path / "in" / f"ada-{number}.ipynb", "ada", number)
    (tmp_path / "in" / "notes.pdf").write_bytes(b"%PDF-1.5")
    (tmp_path / "in" / "empty.ipynb").write_bytes(b"")
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard", "03/whole"]\n')
    command(tmp_path)
    said = "1 student, 2 graded notebooks of 2 labs, 2 files that were not graded; "
    assert said in Page(tmp_path / "out" / "report.html").text


def test_no_text_of_a_notebook_is_in_the_report_of_the_class(out: Path) -> None:
    page = (out / "out" / "report.html").read_text(encoding="utf-8")
    assert ADVERTISEMENT not in page
    assert "01/b<" not in page, "an id that no lab has"


def test_of_a_criterion_that_nobody_met_the_report_has_only_the_number(tmp_path: Path) -> None:
    """Its sentence says what was found, and that may be a notebook's text."""
    check = solved("11/policy", "ada", SOLVED["11/policy"].spoilt[0])
    written(tmp_path / "in" / "ada.ipynb", "ada", "11", check)
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["11/policy"]\n')
    assert command(tmp_path) == 0
    assert ["criterion 1", "0 of 1", "", "0 of 3"] in cells(tmp_path / "out" / "report.html")


def test_feedback_leaves_out_questions_that_were_not_answered(out: Path) -> None:
    said = Page(out / "out" / "feedback" / "ada.html").text
    assert "One page is removed from the middle of the merged entry" in said
    assert "We ask for 2 pages, anywhere." not in said


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
