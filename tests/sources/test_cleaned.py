"""What surrounds lines is taken away and counted, and nothing of the lines themselves."""

from __future__ import annotations

import re

import pytest

from vmwidgets.sources.cleaned import blank_but, cleaned
from vmwidgets.sources.given_text import decoded

STAMPS = (
    "[   12.345678] ", "[   12.345678][ T1234] ", "<4>[   12.345678] ", "[Thu Nov 26 21:40:21 2026] ",
    ("Jun  3 01:02:03 host"
     " kernel: "), ("Jun  3 01:02:03 host kernel: [  "
                                      " 12.345678] "), ("2026-01-02T03:04:05+0000"
                                                                                      " host kernel: "),
    "2026-01-02T03:04:05.123Z ", "2026-01-02 03:04:05,123 ", "07-03 09:10:11.123  1234  1234 F DEBUG   : ",
    "F/DEBUG   (  123): ", "07-03 09:10:11.123 F/DEBUG   (  123): ",
    "14:00:02.123 ", "[161.467 ERROR 0 0:0] ", "I0412 12:00:00.000000    1234 log.go:12] ",
)  # fmt: skip


@pytest.mark.parametrize("stamp", STAMPS)
def test_time_stamps_are_taken_away(stamp: str) -> None:
    found = cleaned(f"{stamp}panic: kfree\n{stamp}next\n")
    assert found.lines == ["panic: kfree", "next"]
    assert found.said == ["2 time stamps"]


@pytest.mark.parametrize(
    "line",
    [
        "     0.000123 brk(0) = 0",
        "[pid   12] brk(0) = 0",
        "1234  12:00:01 brk(0) = 0",
        "[00007f0012345678] brk(0) = 0",
        "[00000000] *pgd=192f2831",
        "..0: pte 0x21fda801 pa 0x87f6a000",
        "0x1000 0x2000 0x1000 0x0 /a",
        "mmap(<unfinished ...>",
        "<... mmap resumed>) = 0",
        "[heap]",
        "a <b> & c",
        "é\u2028",
    ],
)
def test_what_belongs_to_a_line_stays(line: str) -> None:
    found = cleaned(f"{line}\n{line}\n")
    assert (found.lines, found.said) == ([line, line], [])


@pytest.mark.parametrize(
    "name", ["kernel-1  | ", "stdout F ", "[ERROR] ", "INFO: ", "2026-01-02T03:04:05.123Z stdout F "]
)
def test_a_log_s_names_before_lines_are_taken_away(name: str) -> None:
    found = cleaned(f"{name}panic: kfree\n{name}    next\n")
    assert found.lines == ["panic: kfree", "    next"]
    assert found.said[-1] == "2 names before lines"


def test_what_one_line_in_three_begins_with_belongs_to_it() -> None:
    text = "ERROR: panic\nnext\n14:00:02 at\n"
    assert cleaned(text).text == text


def test_hyphens_that_an_editor_made_long_are_hyphens() -> None:
    assert cleaned("0x1000\u20130x2000 r\u2011xp\n").lines == ["0x1000-0x2000 r-xp"]


def test_numbers_of_lines_are_taken_away_where_they_count() -> None:
    lines = ["page table 0x1", "..0: pte", "", "$"]
    assert cleaned("".join(f"{n:4}\t{line}\n" for n, line in enumerate(lines, 1))).lines == lines
    assert cleaned("7 a\n7 b\n7 c\n").lines == ["7 a", "7 b", "7 c"]
    assert cleaned("1 a\n5 b\n2 c\n").lines == ["1 a", "5 b", "2 c"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("> > a\n> b\n", ["a", "b"]),
        ('"a b",\n"c\\n"\n', ["a b", "c"]),
        ("```text\na\n```\n", ["", "a", ""]),
        ("<pre>a &lt;b&gt;<br>c</pre>\n", ["a <b>", "c"]),
        ("\x1b[31ma\x1b[0m\r\nb\r\n", ["a", "b"]),
        ("a\x00b\n", ["ab"]),
        ("\ufeffa\n", ["a"]),
    ],
)
def test_marks_of_mails_pages_and_terminals_are_taken_away(text: str, lines: list[str]) -> None:
    found = cleaned(text)
    assert found.lines == lines


def test_bars_that_are_levels_of_a_table_stay() -> None:
    text = "||idx: 0: pa: 0x1000\n||   ||idx: 1: pa: 0x2000\n"
    assert cleaned(text).text == text
    assert cleaned("| a\n| b\n").lines == ["a", "b"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_bytes_are_read_in_each_encoding_that_terminals_write(encoding: str) -> None:
    assert cleaned(decoded("panic: kfree\n".encode(encoding))).lines == ["panic: kfree"]


def test_a_long_log_is_blanked_but_for_what_is_near() -> None:
    lines = [f"noise {n}" for n in range(100)]
    lines[50], lines[99] = "Panic: kfree", "at 0x1000"
    text, blanked = blank_but("\n".join(lines), ["panic"], re.compile("0x[0-9]"), 2)
    assert [n for n, line in enumerate(text.split("\n")) if line] == [48, 49, 50, 51, 52, 97, 98, 99]
    assert blanked == 92
