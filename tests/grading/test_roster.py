"""Rosters as offices and learning systems write them, late days, and overrides."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

import pytest

from tests.grading.earlier import prediction, result
from vmwidgets.cli import TOOLS, main
from vmwidgets.engine.base.errors import Refused
from vmwidgets.grading.comparing import compared
from vmwidgets.grading.course import Course
from vmwidgets.grading.dates import moment
from vmwidgets.grading.grades import Graded, Grades, Row
from vmwidgets.grading.late import due, with_late_days
from vmwidgets.grading.overrides import Override, Overrides, read_overrides, with_overrides
from vmwidgets.grading.roster import read_roster
from vmwidgets.grading.spreadsheet import plain_title, read_table
from vmwidgets.grading.titles import MEANINGS
from vmwidgets.labs.codes import code_of
from vmwidgets.labs.mistakes import known_mistakes

from .synthetic import COURSE, solved, worth, written


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two students and a pair, graded once; tests run the command again on what was kept."""
    root = tmp_path_factory.mktemp("graded")
    for student in "ada", "bert":
        written(root / "in" / f"{student}.ipynb", student, "01", solved("01/guard", student))
    written(root / "in" / "pair.ipynb", "cleo+dan", "01", solved("01/guard", "cleo+dan"))
    (root / "course.toml").write_text(f'course = "{COURSE}"\ngroups = 2\nexercises = ["01/guard"]\n')
    assert main(["grade", *arguments(root)]) == 0
    return root


def arguments(root: Path) -> list[str]:
    return [str(root / "in"), "--course", str(root / "course.toml"), "--to", str(root / "out"), "--jobs", "1"]


@pytest.fixture
def run(handed_in: Path, tmp_path: Path) -> Callable[..., int]:
    """Run the command with options, where a text with lines is a file that holds it."""
    (handed_in / "out" / "overrides.csv").unlink(missing_ok=True)

    def command(*options: str) -> int:
        given = []
        for number, option in enumerate(options):
            if "\n" in option:
                (tmp_path / f"{number}.csv").write_bytes(option.encode())
            given.append(str(tmp_path / f"{number}.csv") if "\n" in option else option)
        return main(["grade", *arguments(handed_in), *given])

    return command


def table(path: Path, key: str = "student") -> dict[str, dict[str, str]]:
    with path.open(newline="") as file:
        return {row[key]: row for row in csv.DictReader(file)}


TEXT = "Student ID{0}Last name{0}First name{0}Comment\nada{0}Lovelace{0}Ada{0}\nbert{0}Müller{0}“Bert”{0}so\n"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_and_separators_are_found(tmp_path: Path, encoding: str, separator: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(TEXT.format(separator).encode(encoding))
    roster = read_roster(path)
    assert {one.id: one.name for one in roster.people.values()} == {"ada": "Ada Lovelace", "bert": "“Bert” Müller"}
    assert roster.table.separator == separator


def test_latin_1_with_bytes_that_windows_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes("id,name\nada,Zoë\x81\n".encode("latin-1"))
    assert read_roster(path).people["ada"].name == "Zoë\x81"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines_are_those_of_any_system(tmp_path: Path, end: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(end.join(["sep=;", "id;name", "ada;Ada", ""]).encode())
    assert {one.id: one.name for one in read_roster(path).people.values()} == {"ada": "Ada"}


def test_any_column_of_ids_finds_a_student(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(
        "sep=,\nStudent,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\n"
        '"Lovelace, Ada",4711,S-1,ADA,Mon\n"Test, Student",4712,,,Mon\n'
    )
    roster = read_roster(path)
    assert [one.id for one in roster.people.values()] == ["ADA", "4712"]
    found = [roster.find(one) for one in ("ada", "S-1", "4711", "bert")]
    assert [one and one.name for one in found] == ["Lovelace, Ada"] * 3 + [None]
    assert roster.problems == ()


@pytest.mark.parametrize(
    "titles",
    [
        "First name,Last name,ID number,Username,Email address",
        "FIRST_NAME,LAST_NAME,SIS User ID,SIS Login ID,E\N{FULLWIDTH LATIN SMALL LETTER M}ail",
    ],
)  # fmt: skip  # one list
def test_titles_are_found_however_they_are_written(tmp_path: Path, titles: str) -> None:
    (tmp_path / "roster.csv").write_text(f"{titles}\nAda,Lovelace,007,ada,ada@u\n")
    roster = read_roster(tmp_path / "roster.csv")
    assert {one.id: one.name for one in roster.people.values()} == {"ada": "Ada Lovelace"}
    assert {roster.person(one) for one in ("007", "ada", "ada@u")} == {"ada"}


def test_the_handbook_has_all_titles() -> None:
    page = (Path(__file__).parents[2] / "docs" / "grading.md").read_text(encoding="utf-8")
    lines = page.partition("| the column contains | recognized titles |")[2].split("\n")
    said = {plain_title(one) for line in lines[:10] for one in re.split("[,;:|]", line)}
    assert {title for titles in MEANINGS.values() for title in titles} <= said


def test_letters_with_marks_are_the_same_in_one_sign_or_two(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(normalize("NFD", "id,exercise,points,reason\nzoé,01/guard,1,late\n"))
    assert read_roster(path).find(normalize("NFC", "Zoé"))
    assert read_overrides(path).rows[0].student == normalize("NFC", "zoé")


def test_odd_rows_are_listed_and_others_kept(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("id,name\nada,Ada\nada,Eve\n,Nobody\nbert\ncleo,Cleo,more,cells\n")
    roster = read_roster(path)
    assert {one.id: one.name for one in roster.people.values()} == {"ada": "Ada", "bert": "", "cleo": "Cleo"}
    assert roster.problems == (
        "row 3 has the id 'ada' again: the first row counts", "row 4 has no id: it is left out",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("id\nbert\nada\nADA\n", "rows 3 and 4: 'ADA'"),
        ("id\nstraße\nSTRASSE\n", "rows 2 and 3: 'STRASSE'"),
        ("id,email\nada,x@u\nbert,X@U\n", "rows 2 and 3: 'X@U'"),
        ("id,email\nada,bert\nbert,y@u\n", "rows 2 and 3: 'bert'"),
    ],
)
def test_two_people_whose_ids_are_one_are_refused_at_the_start(tmp_path: Path, rows: str, says: str) -> None:
    """Whichever of them was meant, the other would have the points."""
    path = tmp_path / "roster.csv"
    path.write_text(rows)
    with pytest.raises(Refused, match=says):
        read_roster(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"), (b"shoe,size\n1,2\n", "has no column for ids: call one 'id'; its columns: 'shoe', 'size'"),
        (b"id,name\n\0\xff\0\xfe", "is not a text file"), (b"id\n" + b"x" * 200_000, "is not a table"),
    ],
)  # fmt: skip  # one list
def test_a_file_that_is_no_roster_is_one_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(content)
    with pytest.raises(Refused, match=says) as caught:
        read_roster(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sign"),
    [("id,p\na,1.5\n", "."), ('id,p\na,"1,5"\n', ","), ("id;p\na;1.5\n", "."), ("id;p\na;1\n", ","), ("id,p\n", ".")],
)
def test_the_decimal_sign_is_that_of_the_numbers(tmp_path: Path, text: str, sign: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(text)
    assert read_table(path).decimal == sign


def test_students_who_are_not_in_the_roster_are_listed(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--roster", "id,name\nada,Ada\nada,Eve\ncleo,C\ndan,D\neve,Eve\n") == 1
    out = capsys.readouterr().out
    assert "bert: is not in the roster" in out
    assert "row 3 has the id 'ada' again" in out
    assert "  submitted nothing (1): eve\n" in out
    assert "not gradable" not in out
    assert run("--roster", "id\nada\nbert\ncleo\ndan\n") == 0
    assert run("--roster", "id,email\nada,bert\ncleo,\ndan,\n") == 1
    assert "ada: wrote ada, bert in lab 01: this is one person" in capsys.readouterr().out


def test_who_submitted_nothing_and_who_submitted_what_is_no_notebook_are_two_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the contents, by a learning system's words in the name, by the name alone, and for who uploaded another's."""
    folder = tmp_path / "in"
    for student in "s000", "s001":
        written(folder / f"{student}.ipynb", student, "01", solved("01/guard", student))
    written(folder / "s010.ipynb", "s010", "01")
    (folder / "s020.ipynb").write_text("{")
    (folder / "Lab 01_s021_attempt_2026-10-01-12-00-00_x.pdf").write_bytes(b"%PDF")
    shutil.copy(folder / "s001.ipynb", folder / "Lab 01_s062_attempt_2026-10-01-12-00-00_01-maps.ipynb")
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\n')
    (tmp_path / "roster.csv").write_text("id\n" + "".join(f"s{number:03}\n" for number in range(70)))
    command = ["grade", str(folder), "--course", str(tmp_path / "course.toml"), "--to", str(tmp_path / "out"),
               "--jobs", "1", "--roster", str(tmp_path / "roster.csv")]  # fmt: skip  # one call
    main(command)
    out = capsys.readouterr().out.splitlines()
    (nothing,) = (line for line in out if line.startswith("  submitted nothing (64): "))
    assert set(nothing.partition(": ")[2].split(", ")) == {f"s{one:03}" for one in range(70)} - {
        "s000", "s001", "s010", "s020", "s021", "s062",
    }  # fmt: skip  # one set
    assert "  submitted, not gradable: s010, s020, s021, s062" in out


def test_a_file_that_could_not_be_judged_is_exit_code_three_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless a person gives the points; a student who submitted nothing changes nothing."""
    folder = tmp_path / "in"
    written(folder / "ada.ipynb", "ada", "01", solved("01/guard", "ada"))
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\n')
    (tmp_path / "roster.csv").write_text("id\nada\nfred\n")
    command = ["grade", str(folder), "--course", str(tmp_path / "course.toml"), "--to", str(tmp_path / "out"),
               "--jobs", "1", "--roster", str(tmp_path / "roster.csv")]  # fmt: skip  # one call
    assert main(command) == 0
    (folder / "fred.ipynb").write_text("{")
    capsys.readouterr()
    assert main([*command, "--explain", "fred"]) == 3
    explained = capsys.readouterr().out.partition("fred: 0 of 5 points\n")[2]
    assert "fred.ipynb" in explained
    assert "not valid JSON" in explained
    (tmp_path / "given.csv").write_text("student,exercise,points,reason\nfred,01/guard,3,read\n")
    assert main([*command, "--overrides", str(tmp_path / "given.csv")]) == 1


@pytest.mark.parametrize(
    "given", [("--size", "100MB"), ("--seconds", "a minute"), ("--grace", "nan"), ("--jobs", "1.5")]
)
def test_what_is_no_number_is_one_sentence(capsys: pytest.CaptureFixture[str], given: tuple[str, str]) -> None:
    assert main(["grade", "in", "--course", "course.toml", *given]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert all(word in said[0] for word in given)


@pytest.fixture(scope="module")
def two_ids(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ida wrote her address in lab 01, and her name in lab 02 and beside Bob's address in lab 03."""
    root = tmp_path_factory.mktemp("ids")
    course = [("01", "ida@uni.example", "01/guard"), ("02", "ida", "02/no-rotation"), ("03", "bob@x+ida", "03/window")]
    for lab, student, exercise in course:
        name = next(one for one in known_mistakes() if one.startswith(f"{lab}/"))
        asked = {prediction.MIME: {"id": name, "question": "?", "answer": "1"}}
        written(root / "in" / f"{lab}.ipynb", student, lab, solved(exercise, student), asked)
    (root / "course.toml").write_text(
        f'course = "{COURSE}"\ngroups = 2\npredictions = 0.5\nexercises = {json.dumps([one[2] for one in course])}\n'
    )
    (root / "roster.csv").write_text("username,email\nida,ida@uni.example\nbob,bob@x\n")
    (root / "overrides.csv").write_text("student,exercise,points,reason\nida@uni.example,02/no-rotation,2,oral\n")
    return root


def test_who_writes_another_id_in_each_lab_is_one_person(two_ids: Path) -> None:
    options = [*arguments(two_ids), "--roster", str(two_ids / "roster.csv"), "--lms", "moodle"]
    out = two_ids / "out"
    assert main(["grade", *options]) == 0, "this is no reason for a look"
    all_points = [worth(name) for name in ("01/guard", "02/no-rotation", "03/window")]
    points = {name: float(row["points"]) for name, row in table(out / "students.csv").items()}
    assert points == {"bob": all_points[2] + 0.5, "ida": sum(all_points) + 1.5}
    assert {path.stem for path in (out / "feedback").iterdir()} == {"ida", "bob"}
    assert table(out / "gradebook-moodle.csv", "username")["ida"]["predictions"] == "1.5"
    options += ["--only", "IDA@uni.example", "--overrides", str(two_ids / "overrides.csv")]
    assert main(["grade", *options]) == 0
    assert table(out / "students.csv")["ida"]["points"] == f"{sum(all_points) + 1.5 - all_points[1] + 2:g}"


def test_nobody_copies_from_themselves(tmp_path: Path) -> None:
    own = Row("a", "ida", "01/guard", 5, 5, work="w")
    files = [Graded(one, one, "01", None, (replace(own, student=one),), {}, {}, {}) for one in ("ida", "ida@u", "bob")]
    (tmp_path / "roster.csv").write_text("id,email\nida,ida@u\n")
    found = compared(files, read_roster(tmp_path / "roster.csv"))
    assert [file.rows[0].says.partition(" (")[0] for file in found] == [
        "the same journal as bob", "the same journal as bob", "the same journal as ida",
    ]  # fmt: skip


def test_an_address_with_a_plus_is_not_who_a_person_is(tmp_path: Path) -> None:
    """A `+` parts the ids of a pair."""
    (tmp_path / "roster.csv").write_text("email,id number\nida+vm@u,7\n")
    assert read_roster(tmp_path / "roster.csv").person("7+zoe") == "7+zoe"


# ---- late days --------------------------------------------------------------------------------------


def days_late(at: str, date: str, grace: float = 0) -> int:
    until = due(date, grace)
    return until.late(moment(at, ""), until.date_of("01"))


@pytest.mark.parametrize(
    ("at", "days"),
    [
        ("2026-10-01T12:00", 0), ("2026-10-01T14:00", 0), ("2026-10-01T14:01", 1), ("2026-10-02T12:00", 1),
        ("2026-10-02T12:01", 2), ("2026-09-01", 0),
    ],
)  # fmt: skip  # one list
def test_begun_days_count_after_the_time_of_grace(at: str, days: int) -> None:
    assert days_late(at, "2026-10-01T12:00", 2) == days


def test_a_date_alone_is_the_end_of_its_day_and_zones_are_kept() -> None:
    assert days_late("2026-10-01T23:59", "2026-10-01") == 0
    assert days_late("2026-10-01T13:30+01:00", "2026-10-01T12:00Z") == 1
    assert days_late("2026-10-01T12:30+01:00", "2026-10-01T12:00Z") == 0


def test_files_and_the_roster_say_when_work_was_handed_in(
    handed_in: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    for student, at in {"ada": 1, "bert": 3, "pair": 2}.items():
        stamp = moment(f"2026-10-0{at}T18:00", "").timestamp()
        os.utime(handed_in / "in" / f"{student}.ipynb", (stamp, stamp))
    rows = "id,extension,handed in\nada,,2026-10-06 12:00\nbert,36 h,\ncleo,,\ndan,2026-10-02,\n"
    assert run("--roster", rows, "--due", "2026-10-01T12:00", "--grace", "1") == 0
    late = {name: row["late"] for name, row in table(handed_in / "out" / "students.csv").items()}
    assert late == {"ada": "5", "bert": "1", "cleo": "0", "dan": "0"}
    said = capsys.readouterr().out
    assert "late days of 3 files are" not in said
    assert "no student has more time" not in said
    assert run("--roster", rows.replace("extension", "Verlängerung"), "--due", "2026-10-01T12:00") == 0
    assert "  no student has more time: the roster has no column 'extension'\n" in capsys.readouterr().out
    assert run("--due", "2026-10-01T12:00") == 0
    assert "  late days of 3 files are based on the file's modification time\n" in capsys.readouterr().out
    late = {name: row["late"] for name, row in table(handed_in / "out" / "students.csv").items()}
    assert late == {"ada": "1", "bert": "3", "cleo": "2", "dan": "2"}


@pytest.mark.parametrize(
    ("titles", "days"),
    [
        ("handed in,Submitted 02", (9, 1)), ("Submission time (01),Submitted Lab 02", (9, 1)),
        ("handed_in 02,handed in", (5, 5)), ("handed in 11,submitted at", (5, 1)),
    ],
)  # fmt: skip  # one list
def test_a_column_of_a_lab_counts_before_that_of_all(tmp_path: Path, titles: str, days: tuple[int, int]) -> None:
    (tmp_path / "roster.csv").write_text(f"id,{titles}\nada,2026-10-10,2026-10-06\n")
    rows = {lab: (Row(lab, "ada", name, 1, 5),) for lab, name in (("01", "01/guard"), ("02", "02/no-rotation"))}
    files = tuple(Graded(f"{lab}.ipynb", "ada", lab, None, row, {}, {}, {}) for lab, row in rows.items())
    grades = Grades(Course(COURSE, {"01/guard": 5, "02/no-rotation": 5}), files)
    until = due("", 0, {"01": moment("2026-10-01", ""), "02": moment("2026-10-05", "")})
    found, by_change = with_late_days(grades, tmp_path, until, read_roster(tmp_path / "roster.csv"))
    assert tuple(file.rows[0].late for file in found.files) == days
    assert by_change == 0


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ('due = "2026-09-30T18:00"', 1), ("due = 2026-09-30T18:00:00", 1), ("due = 2026-09-29", 2),
        ('due = { "01" = "2026-09-28" }', 3), ('due = { "02" = "2026-09-28" }', 0),
    ],
)  # fmt: skip  # one list
def test_a_course_says_when_its_labs_are_due(
    handed_in: Path, run: Callable[..., int], written: str, days: int, tmp_path: Path
) -> None:
    """`--due` is for the labs that have no date there."""
    for path in (handed_in / "in").glob("*.ipynb"):
        stamp = moment("2026-10-01T12:00", "").timestamp()
        os.utime(path, (stamp, stamp))
    course = tmp_path / "course.toml"
    course.write_text(f'course = "{COURSE}"\ngroups = 2\nexercises = ["01/guard", "02/no-rotation"]\n{written}\n')
    for options in ([], ["--due", "2026-10-30"]):
        assert run("--course", str(course), *options) == 0
        assert {row["late"] for row in table(handed_in / "out" / "students.csv").values()} == {f"{days}"}
    assert run("--course", str(course), "--due", "2026-09-01") == 0
    found = {row["late"] for row in table(handed_in / "out" / "students.csv").values()}
    assert found == {f"{days or 30}"}


def test_an_extension_that_is_none_is_listed(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    rows = "id,extension\nada,two weeks\nbert,\ncleo,\ndan,\n"
    assert run("--roster", rows, "--due", "2026-10-01") == 1
    assert "ada: the roster's extension 'two weeks' is not an ISO date" in capsys.readouterr().out


def test_a_cell_that_can_not_be_read_takes_nothing_from_the_other(tmp_path: Path) -> None:
    """The file itself was changed years later: that time must not be taken for the roster's."""
    (tmp_path / "roster.csv").write_text(
        "id,handed in,extension\n"
        "ada,2026-10-02 10:00,two days\n"  # a day late: the extension is not known
        "bert,at noon,\n"  # the file's own time
        "cleo,at noon,?\n"
    )
    files = []
    for student in ("ada", "bert", "cleo"):
        path = tmp_path / f"{student}.ipynb"
        path.touch()
        os.utime(path, (stamp := moment("2026-10-11", "").timestamp(), stamp))
        row = Row(path.name, student, "01/guard", 5, 5)
        files.append(Graded(path.name, student, "01", None, (row,), {}, {}, {}))
    grades = Grades(Course(COURSE, {"01/guard": 5}), tuple(files))
    found, by_change = with_late_days(grades, tmp_path, due("2026-10-01"), read_roster(tmp_path / "roster.csv"))
    assert {file.student: file.rows[0].late for file in found.files} == {"ada": 1, "bert": 10, "cleo": 10}
    assert by_change == 2
    assert [(row.student, row.says.partition(" is not an ISO date")[0]) for row in found.notes] == [
        ("ada", "the roster's extension 'two days'"),
        ("bert", "the roster's submission time 'at noon'"),
        ("cleo", "the roster's submission time 'at noon'"),
        ("cleo", "the roster's extension '?'"),
    ]


def test_days_of_a_lab_count_once_and_are_those_of_the_work_that_counts() -> None:
    def file(student: str, points: int, late: int) -> Graded:
        rows = tuple(Row("a", student, exercise, points, 5, late=late) for exercise in ("01/guard", "01/gaps"))
        return Graded("a", student, "01", None, rows, {}, {}, {})

    course = Course(COURSE, {"01/guard": 5, "01/gaps": 5})
    grades = Grades(course, (file("ada+bert", 5, 2), file("ada", 5, 1), file("ada", 0, 0)))
    assert (grades.late_of("ada"), grades.late_of("bert")) == (1, 2)
    given = Overrides("o.csv", tuple(Override(2, "bert", exercise, "3", "") for exercise in course.exercises))
    assert with_overrides(grades, given, None).late_of("bert") == 2


# ---- overrides --------------------------------------------------------------------------------------


def test_overrides_are_kept_by_each_regrade(handed_in: Path, run: Callable[..., int]) -> None:
    rows = 'Student;Exercise;Points;Reason\nada;01/guard;2,5;"at the desk; 3 May"\ndan;01/guard;1;alone\n'
    kept = {"ada": "2.5", "bert": f"{worth('01/guard')}", "cleo": f"{worth('01/guard')}", "dan": "1"}
    for options in (["--overrides", rows], ["--only", "ada"], []):
        assert run(*options) == 0
        assert {name: row["points"] for name, row in table(handed_in / "out" / "students.csv").items()} == kept
    row = table(handed_in / "out" / "grades.csv")["ada"]
    assert (row["points"], row["override"]) == ("2.5", "at the desk; 3 May")
    scope = json.loads((handed_in / "out" / "gradescope" / "ada.json").read_text())
    assert scope["tests"][0]["output"].startswith("2.5 points were given: at the desk; 3 May")


@pytest.mark.parametrize("roster", [[], ["--roster", "id\nbert\ncleo\ndan\n"]])
@pytest.mark.parametrize("written", ["ADA", "\N{FULLWIDTH LATIN SMALL LETTER A}da"])
def test_an_override_is_for_the_student_however_the_id_is_written(
    handed_in: Path, run: Callable[..., int], written: str, roster: list[str]
) -> None:
    """Without a roster, and for a student who is not in it."""
    assert run("--overrides", f"student,exercise,points,reason\n{written},01/guard,3,oral\n", *roster) == bool(roster)
    points = {name: row["points"] for name, row in table(handed_in / "out" / "students.csv").items()}
    assert points["ada"] == "3"
    assert len(points) == 4


def test_what_has_an_override_is_not_listed_for_a_look(
    handed_in: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    lied = {result.MIME: {**solved("01/guard", "eve")[result.MIME], "points": 9}}
    path = written(handed_in / "in" / "eve.ipynb", "eve", "01", lied)
    try:
        assert run() == 1
        assert "eve, 01/guard: forged" in capsys.readouterr().out
        assert run("--overrides", "student,exercise,points,reason\neve,01/guard,3,on paper\n") == 0
        assert table(handed_in / "out" / "students.csv")["eve"]["points"] == "3"
    finally:
        path.unlink()


def test_overrides_that_fit_nothing_are_a_sentence_each(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (
        "zoe,01/guard,1,x\nada,01/gard,1,x\nada,01/guard,many,x\nada,01/guard,-1,x\nada,01/guard,1,x\nada,01/guard,2,x\n"
        "bert,01/guard,5.5,x"
    )
    assert run("--overrides", f"student,exercise,points,reason\n{rows}\n") == 1
    said = [line.partition(": ")[2] for line in capsys.readouterr().out.splitlines()[1:]]
    assert said == [
        "row 2: student 'zoe' is unknown", "row 3: exercise '01/gard' is not in this course",
        "row 4: points 'many' are not a number from 0", "row 5: points '-1' are not a number from 0",
        "row 7: ada has points for 01/guard in an earlier row, which counts",
        "row 8: 5.5 points are more than the 5 of 01/guard",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--overrides", "student,exercise,points\na,b,1\n"], "no column for the reason"),
        (["--overrides", "missing.csv"], "can't be read"), (["--roster", "missing.csv"], "can't be read"),
        (["--due", "soon"], "--due 'soon' is not an ISO date"), (["--grace", "3"], "--grace needs --due"),
        (["--due", "2026-10-01", "--grace", "-1"], "0 to 10000"), (["--due", "2026-10-01", "--grace", "nan"], "hours"),
        (["--lms", "canvas"], "--lms needs --roster"),
        (["--lms", "canvass", "--roster", "id\na\n"], "did you mean 'canvas'"),
    ],
)  # fmt: skip  # one list
def test_options_that_can_not_be_are_one_sentence(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    assert run(*options) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_with_codes_each_id_of_a_row_counts_with_its_own_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A student wrote the number in one lab and the login in another; `roster codes` has a code for each."""
    key = "0123456789abcdef0123456789abcdef"
    (tmp_path / "roster.csv").write_text("username,student id\nada,4711\n")
    (tmp_path / "course.toml").write_text(
        f'course = "{COURSE}"\nexercises = ["01/guard", "02/no-rotation"]\nkey = "{key}"\n'
    )
    course, roster = ["--course", str(tmp_path / "course.toml")], ["--roster", str(tmp_path / "roster.csv")]
    assert main(["roster", "codes", *course, *roster], TOOLS) == 0
    codes = {row["id"]: row["code"] for row in csv.DictReader(capsys.readouterr().out.splitlines())}
    assert codes == {one: code_of(key, COURSE, one) for one in ("ada", "4711")}
    written(tmp_path / "in" / "a.ipynb", "4711", "01", solved("01/guard", "4711", key=key), key=key)
    written(tmp_path / "in" / "b.ipynb", "ada", "02", solved("02/no-rotation", "ada", key=key), key=key)
    assert main(["grade", str(tmp_path / "in"), *course, *roster, "--to", str(tmp_path / "out"), "--jobs", "1"]) == 0
    assert [row["points"] for row in table(tmp_path / "out" / "students.csv").values()] == ["9"]
