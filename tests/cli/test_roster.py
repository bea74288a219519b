"""`roster` of vmwidgets.tools: keys and codes, who may read the file, and what is refused without its secret."""

from __future__ import annotations

import csv
import hmac
import io
import os
import re
import stat
from pathlib import Path
from typing import IO, Any

import pytest

from vmwidgets.cli import TOOLS, main
from vmwidgets.grading import read_course
from vmwidgets.labs.codes import checked_code, code_of

KEY = "0123456789abcdef0123456789abcdef"
COURSE = f'course = "os-2026"\nexercises = ["01/gaps"]\nkey = "{KEY}"\n'
ROSTER = "id,name\nada,Ada Lovelace\nÉmile,\ngus,=cmd()\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("course.toml").write_text(COURSE)
    Path("open.toml").write_text(COURSE.replace(f'key = "{KEY}"\n', ""))
    Path("roster.csv").write_text(ROSTER)
    Path("empty.csv").write_text("id,name\n")
    Path("odd.csv").write_text(f"{ROSTER},Without\n")
    Path("there.csv").write_text("mine")
    Path("handed-in").mkdir()
    Path("handed-in", "ada.IPYNB").write_text("{}")
    return tmp_path


def codes(
    capsys: pytest.CaptureFixture[str], *more: str, course: str = "course.toml", roster: str = "roster.csv"
) -> tuple[int, str, str]:
    status = main(["roster", "codes", "--course", course, "--roster", roster, *more], TOOLS)
    out, err = capsys.readouterr()
    return status, out, err


def test_each_student_has_a_code_that_lab_begin_takes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = codes(capsys)
    assert (status, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["id"], row["name"]) for row in rows] == [("ada", "Ada Lovelace"), ("Émile", ""), ("gus", "'=cmd()")]
    for row in rows:
        assert checked_code(row["code"], "os-2026", row["id"]) == row["code"] == code_of(KEY, "os-2026", row["id"])
    assert len({row["code"] for row in rows}) == 3
    assert KEY not in out


def test_no_module_of_the_course_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A course's file may lie in a folder that others can write to; codes need none of its exercises."""
    own = COURSE.replace("01/gaps", "desk/small")
    Path("planted.toml").write_text(f'{own}modules = ["mine.py"]\n')
    Path("mine.py").write_text(f"open({str(folder / 'ran')!r}, 'w')")
    assert codes(capsys, course="planted.toml") == codes(capsys)
    assert main(["questions", "--topic", "walk", "--secret", "planted.toml", "-o", "exam.md"]) == 0
    assert not Path("ran").exists()


def test_no_cell_is_a_formula(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("roster.csv").write_text("id,name\n=cmd(),+1\n@sum,ada\n")
    rows = list(csv.DictReader(io.StringIO(codes(capsys)[1])))
    assert [(row["id"], row["name"]) for row in rows] == [("'=cmd()", "'+1"), ("'@sum", "ada")]


def test_another_key_gives_other_codes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = codes(capsys)[1]
    assert codes(capsys)[1] == first
    Path("course.toml").write_text(COURSE.replace(KEY, KEY[::-1]))
    other = codes(capsys)[1]
    pairs = list(zip(first.splitlines()[1:], other.splitlines()[1:], strict=True))
    assert len(pairs) == 3
    assert all(one != two for one, two in pairs)


def test_a_file_of_codes_is_for_its_owner_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    umask = os.umask(0)
    try:
        status, out, err = codes(capsys, "-o", "codes.csv")
    finally:
        os.umask(umask)
    assert (status, out, err) == (0, "codes.csv: 3 codes\n", "")
    assert stat.S_IMODE(Path("codes.csv").stat().st_mode) == 0o600
    assert Path("codes.csv").read_text(encoding="utf-8") == codes(capsys)[1]


def test_rows_without_a_code_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = codes(capsys, roster="odd.csv")
    assert (status, len(out.splitlines())) == (1, 4)
    assert err == "vmwidgets: row 5 has no id: it is left out\n"


@pytest.mark.parametrize(
    ("course", "roster", "output", "says"),
    [
        (
            "open.toml",
            "roster.csv",
            "",
            'has no key: run "python -m vmwidgets.tools roster key", and add the line that it prints',
        ),
        ("missing.toml", "roster.csv", "", "can't be read"),
        ("course.toml", "missing.csv", "", "can't be read"),
        ("course.toml", "empty.csv", "", "has no students"),
        ("course.toml", "roster.csv", "there.csv", "already exists"),
        ("course.toml", "roster.csv", "link.csv", "already exists"),
        ("course.toml", "roster.csv", "handed-in", "already exists"),
        ("course.toml", "roster.csv", "handed-in/codes.csv", "has notebooks"),
        ("course.toml", "roster.csv", "deep/codes.csv", "No such file"),
        ("course.toml", "roster.csv", "a\0b", "is not a path"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], course: str, roster: str, output: str, says: str
) -> None:
    Path("link.csv").symlink_to("elsewhere.csv")
    before = sorted(folder.rglob("*"))
    status, out, err = codes(capsys, *(["-o", output] if output else []), course=course, roster=roster)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("vmwidgets: ")
    assert says in err
    assert KEY not in err
    assert sorted(folder.rglob("*")) == before
    assert Path("there.csv").read_text() == "mine"


def test_a_full_disk_leaves_no_half_table(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fdopen = os.fdopen

    def full(number: int, mode: str) -> IO[Any]:
        file = fdopen(number, mode)
        os.close(number)  # writing fails from now on, as on a full disk
        return file

    monkeypatch.setattr(os, "fdopen", full)
    status, _, err = codes(capsys, "-o", "codes.csv")
    assert (status, err.count("\n")) == (2, 1)
    assert not Path("codes.csv").exists()


def test_a_new_key_is_a_line_that_a_course_takes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for _ in range(2):
        assert main(["roster", "key"], TOOLS) == 0
        lines.append(capsys.readouterr().out)
    assert lines[0] != lines[1]
    assert re.fullmatch(r'key = "[0-9a-f]{32}"\n', lines[0])
    Path("new.toml").write_text(Path("open.toml").read_text() + lines[0])
    assert f'key = "{read_course(Path("new.toml")).key}"\n' == lines[0]
    assert codes(capsys, course="new.toml")[0] == 0


def test_a_code_comes_from_the_key_and_the_folded_id(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By hand: 60 bits of HMAC-SHA-256, in Crockford's letters."""
    Path("roster.csv").write_text("id\nADA\n")
    code = codes(capsys)[1].splitlines()[1].split(",")[2].replace("-", "")
    bits = int.from_bytes(hmac.new(KEY.encode(), b"os-2026|ada", "sha256").digest(), "big") >> 196
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    assert code[:12] == "".join(letters[bits >> 5 * (11 - place) & 31] for place in range(12))


def test_each_id_that_a_student_may_write_has_a_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A login, a number and an address: a code is for one of them, and a login in capitals is the login."""
    Path("roster.csv").write_text("username,student id,email,name\nada,4711,ADA,Ada Lovelace\nbob,,bob@os.edu,Bob\n")
    rows = list(csv.DictReader(io.StringIO(codes(capsys)[1])))
    assert [(row["id"], row["name"]) for row in rows] == [
        ("ada", "Ada Lovelace"), ("4711", "Ada Lovelace"), ("bob", "Bob"), ("bob@os.edu", "Bob"),
    ]  # fmt: skip  # a row a person
    for row in rows:
        assert checked_code(row["code"], "os-2026", row["id"]) == row["code"]
    assert "4 codes" in codes(capsys, "-o", "codes.csv")[1]
