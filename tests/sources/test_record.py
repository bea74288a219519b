"""Recorded references: the three that ship, and a program that is recorded here, where Valgrind is."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

import pytest

import vmwidgets as vm
from vmwidgets.cli import main
from vmwidgets.engine.base.errors import Refused

from ..tiers import program


@pytest.fixture(scope="session")
def valgrind() -> str:
    return program("valgrind")


def test_rows_fault_once_for_each_page_and_columns_for_each_page_of_each_column() -> None:
    rows, columns = (vm.recording(name).faults("lru", (32, 64)) for name in ("rows", "columns"))
    sweeps = columns.faults("lru", 32) - rows.faults("lru", 32)
    assert 127 * 32 - 32 <= sweeps <= 127 * 32  # each column but the first brings in all pages of the matrix again
    assert rows.faults("lru", 64) == columns.faults("lru", 64)


@pytest.mark.parametrize(("name", "array"), [("rows", "matrix"), ("columns", "matrix"), ("list", "nodes")])
def test_ranges_of_a_recorded_program_have_its_names(name: Literal["rows", "columns", "list"], array: str) -> None:
    rows = vm.recording(name).locality(rows=200).rows
    pages = {of: [row for row in rows if row.name == of] for of in ("code", array, "stack")}
    assert sum(row.used for row in pages[array]) == 32
    assert min(row.references for row in pages[array]) >= 64
    fetches = [sum(cell[2] for cell in row.cells) for row in rows]
    assert {row.name for row, fetched in zip(rows, fetches, strict=True) if fetched} == {"code"}
    assert pages["stack"]


def test_the_list_writes_in_all_its_pages_in_each_round() -> None:
    found = vm.recording("list")
    pages, writes = found.pages()
    written = pages[writes].tolist()
    nodes = [page for page in set(written) if written.count(page) == 5 * 64]
    assert len(nodes) == 32  # of 64 nodes each: they are linked, and then visited in each of four rounds


@pytest.mark.usefixtures("valgrind")
def test_a_program_is_recorded_as_far_as_is_asked() -> None:
    found = vm.record(["/bin/echo", "hello"], references=2_000)
    assert len(found) == 2_000
    assert found.name == "echo"
    assert {0, 1, 2} == set(found.kinds.tolist())
    assert "first 2,000 references" in repr(found)


@pytest.mark.usefixtures("valgrind")
def test_a_child_that_a_program_leaves_ends_with_the_recording(tmp_path: Path) -> None:
    held, ready, never = (tmp_path / name for name in ("held", "ready", "never"))
    for one in (held, ready, never):
        os.mkfifo(one)
    ends = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    child = f"(exec 3>{held}; echo up >{ready}; read words <{never}) &"  # it keeps Valgrind's log open too
    assert len(vm.record(["/bin/sh", "-c", f"{child} read words <{ready}"])) > 1_000
    os.set_blocking(ends, True)
    with os.fdopen(ends, "rb") as file:
        assert file.read() == b""  # ends when the child has


@pytest.mark.usefixtures("valgrind")
def test_the_command_records_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "true.svg"
    assert main(["read", "--to", str(picture), "--record", "--", "/bin/true", "--ignored"]) == 0
    assert capsys.readouterr().out.startswith("true: ")
    assert picture.read_text().startswith("<svg")


WRONG = [
    (lambda: vm.record(print), "what print references can't be seen from within Python"),
    (lambda: vm.record([]), "write a path, or a list of words"),
    (lambda: vm.record([sys.executable, 7]), "write a list of words"),
    (lambda: vm.record("true", references=0), "references=0: write a number"),
]


@pytest.mark.parametrize(("asked", "sentence"), WRONG, ids=[sentence for _, sentence in WRONG])
def test_what_is_wrong_is_one_sentence(asked: object, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        asked()  # type: ignore[operator]


@pytest.mark.usefixtures("valgrind")
def test_no_such_program_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "--record", "./none-of-this-name"]) == 2
    assert capsys.readouterr().err == (
        "vmwidgets: ./none-of-this-name is not a program that can be run: write its path, such as './prog'\n"
    )


def test_without_valgrind_a_sentence_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["read", "--record", "/bin/true"]) == 2
    assert "apt install valgrind" in capsys.readouterr().err
