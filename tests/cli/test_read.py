"""`vmwidgets read`: what a text is and holds, a picture of it, and the exit status where nothing was found."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from tests.sources import kinds
from vmwidgets.cli import main


def test_a_file_is_read_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "crash.txt").write_text(kinds.OOPS_X86)
    picture = tmp_path / "walk.svg"
    assert main(["read", str(tmp_path / "crash.txt"), "--to", str(picture)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("<pasted an oops of Linux on x86: 1 page table, 1 trap")
    assert "W/R (bit 1) is 1: the access was a write" in printed
    assert picture.read_text().startswith("<svg")


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    given = io.TextIOWrapper(io.BytesIO(kinds.MAPS.encode("utf-16")))
    monkeypatch.setattr(sys, "stdin", given)
    assert main(["read", "-"]) == 0
    assert "4 ranges of the text in task 'maps'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "head"),
    [
        (kinds.MAPS, ["range", "rights", "mapped", "what"]),
        (kinds.STRACE, ["range", "rights", "mapped", "what"]),
        (kinds.SMAPS, ["range", "rights", "mapped", "in memory (Rss)", "what"]),
    ],
)
def test_what_a_text_does_not_say_has_no_column(
    text: str, head: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text(text)
    assert main(["read", str(tmp_path / "text")]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("range "))
    assert re.split("  +", line) == head


@pytest.mark.parametrize(
    ("content", "words"),
    [("hello\n", "no line of it is near a kind that can be read"), ("", "is empty"), (None, "can't be read")],
)
def test_nothing_found_is_2_and_a_sentence(
    content: str | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "text"
    if content is not None:
        path.write_text(content)
    assert main(["read", str(path)]) == 2
    printed = capsys.readouterr()
    assert (printed.out, words in printed.err) == ("", True)


def test_a_picture_that_can_not_be_written_is_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m").write_text(kinds.MAPS)
    assert main(["read", str(tmp_path / "m"), "--to", str(tmp_path / "none" / "m.svg")]) == 2
    assert capsys.readouterr().err


def test_the_name_of_the_picture_is_checked_before_anything_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m").write_text(kinds.MAPS)
    assert main(["read", str(tmp_path / "m"), "--to", str(tmp_path / "p.eps")]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert printed.err.startswith("vmwidgets: --to: '")
    assert "ends in '.eps'; it must end in .svg" in printed.err


def test_a_file_that_is_not_there_is_told_from_a_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(tmp_path / "none.txt")]) == 2
    said = capsys.readouterr().err
    assert said.endswith(
        "none.txt can't be read (No such file or directory): write the path of a text about memory, "
        "or - for what another command prints\n"
    )
