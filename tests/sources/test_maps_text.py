from __future__ import annotations

import pytest

from vmwidgets.engine.base.errors import Refused
from vmwidgets.sources import maps_text
from vmwidgets.sources.maps_text import looks_like_maps, parse_maps

LINE = "7f0000001000-7f0000003000 r-xp 00002000 08:01 4711                       /usr/lib/libc.so.6"


def parse(text):
    return parse_maps(text, "a text")


def test_a_line_says_all_of_a_range():
    (found,) = parse(LINE + "\n")
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
    found = parse(f"0-1000 r--p 0 0:0 0\n{line}\n3000-4000 r--p 0 0:0 0")
    assert [one.path for one in found] == ["", path, ""]


def test_shared_and_private_and_all_protections():
    letters = ["r--p", "-w-s", "--xp", "rwxs", "---p"]
    found = parse("".join(f"{i}000-{i + 1}000 {flags} 0 0:0 0\n" for i, flags in enumerate(letters)))
    assert [one.protection + "ps"[one.shared] for one in found] == letters


def test_the_edges_of_the_word_can_be_said():
    (found,) = parse("0000000000000000-fffffffffffff000 r--p 0 0:0 0\n")
    assert found.end == 2**64 - 4096
    assert parse("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]")[0].path == "[vsyscall]"


def test_blank_lines_and_indentation_of_a_pasted_text_do_no_harm():
    text = f"\n    {LINE}\n\n    7f0000003000-7f0000004000 rw-p 0 00:00 0\n    "
    assert [(one.line, one.path) for one in parse(text)] == [(2, "/usr/lib/libc.so.6"), (4, "")]


def test_line_ends_of_windows_are_no_part_of_a_path():
    found = parse(f"1000-2000 r--p 0 0:0 0\r\n{LINE}\r\n")
    assert [one.path for one in found] == ["", "/usr/lib/libc.so.6"]


BAD = [
    ("hello", "'hello' is not a range"),
    ("1000-2000", "is not a range"),
    (LINE[:40], "is not a range"),
    ("1000-2000 rw-p 0 00:00", "is not a range"),
    ("1000-2000 rw 0 00:00 0", "is not a range"),
    ("1000-2000 wr-p 0 00:00 0", "is not a range"),
    ("1000-2000 rwxz 0 00:00 0", "is not a range"),
    ("1000-2000 rwx\u017f 0 00:00 0", "is not a range"),
    ("1000:2000 rw-p 0 00:00 0", "is not a range"),
    ("g000-h000 rw-p 0 00:00 0", "is not a range"),
    ("-1000-2000 rw-p 0 00:00 0", "is not a range"),
    ("٣000-٤000 rw-p 0 00:00 0", "is not a range"),
    ("1000-2000 rw-p 0 00:00 -1", "is not a range"),
    ("1000-10000000000000000 rw-p 0 00:00 0", "is not a range"),
    ("1000-2000 rw-p 10000000000000000 00:00 0", "is not a range"),
    ("1" * 10**6, "is not a range"),
    ("Size:                  8 kB", "the range of line 1 has 4 KiB, not 8 KiB"),
    ("Rss:                   8 kB", "8 KiB of a range of 4 KiB can't be in memory"),
    ("Rss:                   4 MB", "is not a range"),
    ("Size:                  kB", "is not a range"),
    ("\x00\x01\x02\x1b[31m", "is not a range"),
    ("2000-1000 rw-p 0 00:00 0", "end 0x1000 is not above start 0x2000"),
    ("1000-1000 rw-p 0 00:00 0", "end 0x1000 is not above start 0x1000"),
    ("1001-2000 rw-p 0 00:00 0", "start 0x1001 is not page aligned"),
    ("1000-2fff rw-p 0 00:00 0", "end 0x2fff is not page aligned"),
    ("1000-2000 rw-p 800 00:00 0", "offset 0x800 is not page aligned"),
    ("1000-2000 rw-p fffffffffffff000 00:00 0", "pass the end of 64 bits"),
]


@pytest.mark.parametrize(("line", "reason"), BAD, ids=[reason[:20] + line[:12] for line, reason in BAD])
def test_a_line_that_is_no_range_is_refused_with_its_number(line, reason):
    with pytest.raises(Refused) as caught:
        parse(f"0-1000 r--p 0 0:0 0\n\n{line}\n")
    message = str(caught.value)
    assert message.startswith("line 3 of a text: ")
    assert reason in message
    assert message.isprintable()
    assert len(message) < 300


@pytest.mark.parametrize("second", ["2000-3000", "1000-2000", "0-1000", "2fff000-3000000"])
def test_ranges_ascend_and_do_not_overlap(second):
    text = f"1000-3000000 r--p 0 0:0 0\n\n{second} r--p 0 0:0 0\n"
    with pytest.raises(
        Refused, match=r"^line 3 of a text: it begins at 0x.*, below the end of line 1, 0x300_0000: ranges"
    ):
        parse(text)
    assert len(parse("1000-3000 r--p 0 0:0 0\n3000-4000 r--p 0 0:0 0")) == 2


@pytest.mark.parametrize("text", ["", "\n", "  \n\t\n"])
def test_a_text_without_ranges_is_refused(text):
    with pytest.raises(Refused, match="a text is empty"):
        parse(text)


def test_there_is_an_end_to_how_many_are_read(monkeypatch):
    monkeypatch.setattr(maps_text, "MOST_RANGES", 3)
    lines = [f"{i:x}000-{i + 1:x}000 r--p 0 0:0 0" for i in range(4)]
    assert len(parse("\n".join(lines[:3]))) == 3
    with pytest.raises(Refused, match="line 4 of a text: more than 3 ranges"):
        parse("\n".join(lines))


def test_one_line_is_told_from_a_files_name():
    assert looks_like_maps(LINE)
    assert looks_like_maps("  1000-2000 rw-p 0 00:00 0 ")
    assert not looks_like_maps("/proc/self/maps")
    assert not looks_like_maps("1000-2000")


def test_what_can_not_be_printed_is_spelled_out():
    assert repr(parse("1000-2000 rw-s 0 00:00 0 /\x1b]0;x")[0]) == "0x1000-0x2000 rw-s 4 KiB /\\x1b]0;x"
