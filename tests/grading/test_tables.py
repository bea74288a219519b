"""The tables of a run: what a person reads who looks for the work that counts."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.labs.test_sheets import SOLVED
from vmwidgets.cli import main

from .synthetic import COURSE, solved, written


def test_of_equal_uploads_the_table_says_which_counts(tmp_path: Path) -> None:
    written(tmp_path / "in" / "a.ipynb", "ada", "01", solved("01/guard", "ada"))
    written(tmp_path / "in" / "b.ipynb", "ada", "01", solved("01/guard", "ada"))
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\n')
    where = [str(tmp_path / "in"), "--course", str(tmp_path / "course.toml"), "--to", str(tmp_path / "out")]
    assert main(["grade", *where, "--jobs", "1"]) == 0
    with (tmp_path / "out" / "grades.csv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert rows["a.ipynb"]["note"] == ""
    assert rows["b.ipynb"]["note"] == "a.ipynb counts, with 5 of 5"
    assert {row["says"] for row in rows.values()} == {""}


def test_a_program_reads_the_points_of_each_criterion_and_no_drawing(tmp_path: Path) -> None:
    written(tmp_path / "in" / "a.ipynb", "ada", "01", solved("01/guard", "ada", SOLVED["01/guard"].spoilt[0]))
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\n')
    where = [str(tmp_path / "in"), "--course", str(tmp_path / "course.toml"), "--to", str(tmp_path / "out")]
    assert main(["grade", *where, "--jobs", "1"]) == 0
    text = (tmp_path / "out" / "grades.json").read_text()
    ((row,),) = (file["rows"] for file in json.loads(text))
    assert sum(one["points"] for one in row["result"]["criteria"]) == row["points"] < row["of"]
    assert "<svg" not in text


@pytest.mark.parametrize("name", ["x;=1+1", "x\t+1", 'x,"=1', "x|@sum", "x; -2", "\N{FULLWIDTH EQUALS SIGN}1", "=1"])
def test_no_cell_is_a_formula_whichever_separator_a_spreadsheet_reads(tmp_path: Path, name: str) -> None:
    written(tmp_path / "in" / f"{name}.ipynb", "ada", "01", solved("01/guard", "ada"))
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\n')
    where = [str(tmp_path / "in"), "--course", str(tmp_path / "course.toml"), "--to", str(tmp_path / "out")]
    assert main(["grade", *where, "--jobs", "1"]) == 0
    text = (tmp_path / "out" / "grades.csv").read_text()
    assert name[-2:] in text, "the name is there"
    for separator in ",;|\t":
        cells = [cell.strip(' \t"') for row in csv.reader(text.splitlines(), delimiter=separator) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}"))]
