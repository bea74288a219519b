from __future__ import annotations

import pytest

from vmwidgets.sources.strace import arguments
from vmwidgets.sources.strace.text import Call, parse_strace


def given(line):
    (call,) = parse_strace(f"{line} = 0", "a text")
    assert isinstance(call, Call)
    return call.arguments


@pytest.mark.parametrize(
    ("written", "wanted"),
    [("0", 0), ("NULL", 0), ("-1", -1), ("4096", 4096), ("0x7f00", 0x7F00), ("0644", 0o644), ("3</etc/passwd>", 3),
     ("089", None), ("A", None), ("1|2", None), ('"1"', None), ("{1}", None), ("1.5", None)],
)  # fmt: skip
def test_numbers(written, wanted):
    assert arguments.number(given(f"clone3({written})")[0]) == wanted


def test_flags_by_names_by_bits_and_by_both():
    def flags(written):
        return set(arguments.flags(given(f"clone3({written})")[0], arguments.MAP))

    assert flags("MAP_PRIVATE|MAP_FIXED") == flags("0x12") == flags("0x12 /* MAP_PRIVATE|MAP_FIXED */") == {
        "MAP_PRIVATE", "MAP_FIXED"
    }  # fmt: skip
    assert flags("MAP_SHARED|0x80000000") == {"MAP_SHARED", "0x80000000"}
    assert flags("0") == set()


@pytest.mark.parametrize(
    ("written", "wanted"),
    [(r'"/a\"b\\c"', '/a"b\\c'), (r'"\303\251\n\x41"', "é\nA"), (r'"\377"', "\\xff"), ('"cut"...', None), ("NULL",
    None)],
)  # fmt: skip
def test_texts(written, wanted):
    assert arguments.text(given(f"clone3({written})")[0]) == wanted


@pytest.mark.parametrize(
    ("written", "wanted"),
    [("3</etc/passwd>", "/etc/passwd"), ("1</dev/pts/0<char 136:0>>", "/dev/pts/0"), ("3", ""),
     (r"3</a\76b>", "/a>b"), ("3</tmp/x>(deleted)", "/tmp/x (deleted)"), ("3<pipe:[12]>", "pipe:[12]")],
)  # fmt: skip
def test_paths_of_file_descriptors(written, wanted):
    assert arguments.path_behind(given(f"clone3({written})")[0]) == wanted


def test_arguments_with_a_name():
    clone = given("clone(child_stack=NULL, flags=CLONE_VM|SIGCHLD)")
    assert arguments.named(clone, "flags") == ["CLONE_VM", "|", "SIGCHLD"]
    assert arguments.named(given("clone3({flags=CLONE_FILES, stack=0x1}, 88)"), "flags") == ["CLONE_FILES"]
    assert arguments.named(given("clone(1, 2)"), "flags") == []
