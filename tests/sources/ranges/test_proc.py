"""/proc/PID/maps and smaps: each line says a range; what is damaged, missing or around them is said."""

from __future__ import annotations

import pytest

from tests.sources import kinds
from vmwidgets.engine.base.errors import Refused
from vmwidgets.sources.proc_maps import looks_like_ranges, ranges_of
from vmwidgets.sources.ranges import read

LINE = "7f0000001000-7f0000003000 r-xp 00002000 08:01 4711                       /usr/lib/libc.so.6"


def parse(text):
    return ranges_of(text, "a text")


def test_a_line_says_all_of_a_range():
    (found,) = parse(LINE + "\n").ranges
    assert (found.line, found.start, found.end) == (1, 0x7F0000001000, 0x7F0000003000)
    assert (found.protection, found.shared, found.offset) == ("r-x", False, 0x2000)
    assert (found.device, found.inode, found.path) == ("08:01", 4711, "/usr/lib/libc.so.6")
    assert found.size == 0x2000


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("1000-2000 rw-p 00000000 00:00 0", ""),
        ("1000-2000 rw-p 00000000 00:00 0 ", ""),
        ("1000-2000 rw-p 00000000 00:00 0                          [heap]", "[heap]"),
        ("1000-2000 rw-p 0 00:00 0 [anon:a b: c]", "[anon:a b: c]"),
        ("1000-2000 rw-p 0 08:01 1 /tmp/a  b ", "/tmp/a  b "),
        ("1000-2000 rw-p 0 08:01 1 /tmp/new\\012line", "/tmp/new\\012line"),
        ("1000-2000 rw-p 0 08:01 1 /tmp/x (deleted)", "/tmp/x (deleted)"),
        (
            "1000-2000 rw-p 0 08:01 1 /tmp/<script>\"'&:{}|\t\x0b\x0c\x1b\x85\u2028é",
            "/tmp/<script>\"'&:{}|\t\x0b\x0c\x1b\x85\u2028é",
        ),
        ("1000-2000 rw-p 0 08:01 1 /tmp/r\r", "/tmp/r\r"),
        ("1000-2000 rw-s 0 00:0e 1 anon_inode:[perf_event]", "anon_inode:[perf_event]"),
    ],
)
def test_paths_are_kept_as_they_are(line, path):
    found = parse(f"0-1000 r--p 0 0:0 0\n{line}\n3000-4000 r--p 0 0:0 0\n")
    assert [one.path for one in found.ranges] == ["", path, ""]
    assert not found.unsaid


def test_shared_and_private_and_all_protections():
    letters = ["r--p", "-w-s", "--xp", "rwxs", "---p"]
    found = parse("".join(f"{i}000-{i + 1}000 {flags} 0 0:0 0\n" for i, flags in enumerate(letters)))
    assert [one.protection + "ps"[one.shared] for one in found.ranges] == letters


def test_the_edges_of_the_word_can_be_said():
    (found,) = parse("0000000000000000-fffffffffffff000 r--p 0 0:0 0\n").ranges
    assert found.end == 2**64 - 4096
    assert parse("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]").ranges[0].path == "[vsyscall]"


def test_line_ends_of_windows_are_no_part_of_a_path():
    found = parse(f"1000-2000 r--p 0 0:0 0\r\n{LINE}\r\n")
    assert [one.path for one in found.ranges] == ["", "/usr/lib/libc.so.6"]


DAMAGED = [
    ("1000-2000", "looks like a range and can't be read"),
    (LINE[:40], "looks like a range and can't be read"),
    ("1000-2000 rwxz 0 00:00 0", "looks like a range and can't be read"),
    ("1000-10000000000000000 rw-p 0 00:00 0", "looks like a range and can't be read"),
    ("2000-1000 rw-p 0 00:00 0", "has an end, 0x1000, that is not above its start, 0x2000"),
    ("1001-2000 rw-p 0 00:00 0", "has start 0x1001, which is not page aligned"),
    ("1000-2fff rw-p 0 00:00 0", "has end 0x2fff, which is not page aligned"),
    ("1000-2000 rw-p 800 00:00 0", "has offset 0x800, which is not page aligned"),
    ("1000-2000 rw-p fffffffffffff000 00:00 0", "has numbers that pass the end of 64 bits"),
]


@pytest.mark.parametrize(("line", "reason"), DAMAGED, ids=[reason[:20] + line[:12] for line, reason in DAMAGED])
def test_a_damaged_range_is_left_out_and_said_with_its_line(line, reason):
    found = parse(f"0-1000 r--p 0 0:0 0\n\n{line}\n5000-6000 r--p 0 0:0 0\n")
    assert [one.start for one in found.ranges] == [0, 0x5000]
    assert found.unsaid == (f"Line 3 {reason}: it is left out.",)


def test_of_many_damaged_lines_the_first_ones_are_named():
    found = parse("0-1000 r--p 0 0:0 0\n" + "1000-2000 r--p\n" * 9 + "5000-6000 r--p 0 0:0 0\n")
    assert any("Lines 2, 3, 4, 5, 6, 7, 8, 9 … look like ranges" in one for one in found.unsaid), found.unsaid


@pytest.mark.parametrize(
    "line", ["hello", "\x00\x01\x02\x1b[31m x", "Aborted (core dumped)", "g000-h000 rw-p 0 00:00 0"]
)
def test_other_lines_are_passed_over_and_counted(line):
    found = parse(f"0-1000 r--p 0 0:0 0\n\n{line}\n5000-6000 r--p 0 0:0 0\n")
    assert (len(found.ranges), found.unsaid) == (2, ())
    assert found.passed_over.startswith("Passed over: 1 line")
    assert "the first line is 3" in found.passed_over


def test_lines_in_another_order_are_ordered_and_that_is_said():
    lines = [f"{i}000-{i + 1}000 r--p 0 0:0 0" for i in range(1, 5)]
    found = parse("\n".join(reversed(lines)) + "\n")
    assert [one.start for one in found.ranges] == [0x1000, 0x2000, 0x3000, 0x4000]
    assert [one[:34] for one in found.unsaid] == ["Line 2 lies below the line before i"[:34]]


def test_a_map_that_is_there_twice_counts_once():
    found = parse(kinds.MAPS * 2)
    assert (len(found.ranges), found.unsaid) == (4, ("4 ranges of the text are there twice, and count once.",))


def test_another_map_behind_the_first_is_left_out_and_said():
    found = parse("1000-3000 r--p 0 0:0 0 /a\n2000-4000 r--p 0 0:0 0 /b\n8000-9000 r--p 0 0:0 0 /c\n")
    assert [one.path for one in found.ranges] == ["/a"]
    assert "another map begins there, of which 2 ranges are left out" in found.unsaid[0]


def test_smaps_say_what_is_in_memory():
    found = parse(kinds.SMAPS)
    assert [(one.resident, one.path) for one in found.ranges] == [(4096, "/home/u/a.out"), (0, "[anon:libc_malloc]")]
    assert (found.unsaid, found.passed_over) == ((), "")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("Size:                  8 kB", "Size:                  4 kB"), "has 8 KiB, not 4 KiB"),
        (("Rss:                   4 kB", "Rss:                  40 kB"), "can't be in memory"),
        (("Rss:                   4 kB\n", ""), "Rss is not said of 1 of 2 ranges"),
        (("Rss:                   4 kB", "Rss:                   4 kB\nRss:                   8 kB"), "said twice"),
        (("Rss:                   0 kB", "Rss: 0 kB\nSwap:                  8 kB"), "can't be in swap"),
        (("Size:                  4 kB\n", ""), "lines are missing, or in another order"),
    ],
)
def test_what_does_not_fit_in_smaps_is_said(change, words):
    found = parse(kinds.SMAPS.replace(*change))
    assert any(words in one for one in found.unsaid)
    assert len(found.ranges) == 2


def test_a_path_on_a_line_of_its_own_belongs_to_the_range_before():
    found = parse("1000-2000 r-xp 00000000 08:01 4711 \n  /usr/lib/libc.so.6\n2000-3000 rw-p 00000000 00:00 0\n")
    assert [one.path for one in found.ranges] == ["/usr/lib/libc.so.6", ""]


@pytest.mark.parametrize("text", ["", "\n", "  \n\t\n"])
def test_a_text_without_ranges_is_refused(text):
    with pytest.raises(Refused, match="a text is empty"):
        parse(text)


def test_a_text_of_which_no_range_can_be_read_says_why():
    with pytest.raises(Refused, match="a text has no range of a process: line 2, 'hello', is none"):
        parse("\nhello\n")
    with pytest.raises(Refused, match="a text has no range that can be read: Line 1 has an end"):
        parse("2000-1000 rw-p 0 00:00 0\n")


def test_there_is_an_end_to_how_many_are_read(monkeypatch):
    monkeypatch.setattr(read, "MOST_RANGES", 3)
    lines = [f"{i:x}000-{i + 1:x}000 r--p 0 0:0 0 x\n-" for i in range(1, 5)]
    assert len(parse("\n".join(lines[:3])).ranges) == 3
    with pytest.raises(Refused, match="more than 3 are not read"):
        parse("\n".join(lines))


def test_one_line_is_told_from_a_files_name():
    assert looks_like_ranges(LINE)
    assert looks_like_ranges("  1000-2000 rw-p 0 00:00 0 ")
    assert not looks_like_ranges("/proc/self/maps")
    assert not looks_like_ranges("1000-2000")


def test_a_first_line_whose_beginning_is_cut_is_left_out():
    found = parse(kinds.MAPS[1:])
    assert found.ranges[0].line == 2
    assert "fewer digits than its end" in found.unsaid[0]


def test_what_can_not_be_printed_is_spelled_out():
    assert repr(parse("1000-2000 rw-s 0 00:00 0 /\x1b]0;x").ranges[0]) == "0x1000-0x2000 rw-s 4 KiB /\\x1b]0;x"


NAMED = [
    ("/usr/bin/python3.11", 12), ("/usr/lib/x86_64-linux-gnu/libc.so.6", 13), ("[heap]", 0),
    ("/nix/store/0123456789abcdef0123456789abcdef-openssl-3.0.13/lib/libcrypto-with-a-long-name.so.3", 14),
    ("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", 15), ("[stack]", 0),
]  # fmt: skip
A_MAP = "".join(
    f"7f{at:x}0000000-7f{at:x}0001000 r-xp 00000000 08:01 {inode:<25} {name}\n"
    for at, (name, inode) in enumerate(NAMED)
)


def names(text: str) -> list[str]:
    return [one.path for one in parse(text).ranges]


@pytest.mark.parametrize("width", [74, 80, 96])
def test_a_path_that_a_window_wraps_more_than_once_is_whole(width):
    path = "/nix/store/" + "/".join(letter * 60 for letter in "wxyz")
    lines = [f"{number}000-{number + 1}000 r-xp 00000000 08:01 4711{' ' * 24}{path}" for number in (1, 4, 7)]
    cut = [line[at : at + width] for line in lines for at in range(0, len(line), width)]
    assert [one.path for one in parse("\n".join([*cut, "9000-a000 rw-p 00000000 00:00 0\n"])).ranges] == [path] * 3 + [
        ""
    ]


@pytest.mark.parametrize("width", range(74, 100))
@pytest.mark.parametrize("quoted", ["", "> "])
def test_a_map_that_a_window_wraps_has_its_files(width, quoted):
    lines = [line[at : at + width] for line in A_MAP.splitlines() for at in range(0, len(line), width)]
    wrapped = parse("".join(f"{quoted}{line}\n" for line in lines))
    whole = [name for name, _ in NAMED]
    assert [one.path for one in wrapped.ranges] == whole or any("A window may" in one for one in wrapped.unsaid)
    if width < 90:
        assert [one.path for one in wrapped.ranges] == whole


@pytest.mark.parametrize("quoted", [("", ""), ("> ", "> "), ("> ", "")])
def test_a_map_that_a_mail_wraps_has_its_files(quoted):
    first, rest = quoted
    lines = [f"{first}{' '.join(line.split()[:5])}\n{rest}{line.split()[5]}\n" for line in A_MAP.splitlines()]
    assert names("".join(lines)) == [name for name, _ in NAMED]


def test_what_follows_a_range_without_a_file_is_not_its_name():
    text = "7f0000000000-7f0000001000 r-xp 00000000 00:00 0\n"
    for line in ("[12345.678] end", "[root localhost]$ ls", "Aborted (core dumped)", "free: /lib/x"):
        assert names(f"{text}{line}\n") == [""]


def test_the_longest_lines_of_a_log_are_no_parts_of_a_path():
    log = f"{'=' * 120}\nend\n"
    assert names(f"{A_MAP}{log * 4}") == [name for name, _ in NAMED]
    assert parse(f"{A_MAP}{log * 4}").unsaid == ()


def test_a_numbered_range_is_not_the_rest_of_the_line_before_it() -> None:
    text = """\
  1  5581a5a00000-5581a5a02000 r--p 00000000 08:01 131                           /usr/bin/concatenate
  2  5581a5a02000-5581a5a06000 r-xp 00002000 08:01 131                           /usr/bin/cat
"""
    assert len(parse(text).ranges) == 2
    assert not any("wrapped" in said for said in parse(text).unsaid)
