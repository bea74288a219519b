"""Odd columns of each format of ranges; tests/texts/ranges has what the usual ones say."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.sources import kinds


def test_a_name_of_pmap_may_begin_with_a_number() -> None:
    named = kinds.PMAP_X.replace("rd mr mw me cat", "rd mr mw me 12 monkeys")
    assert vm.load(named).ranges[0].path == "12 monkeys"
    bare = kinds.PMAP_X.replace("              VmFlags", "").replace("          rd mr mw me cat", " 123")
    assert vm.load(bare).ranges[0].path == "123"


def test_a_range_without_rights_is_entered_with_none() -> None:
    assert {entry.protection for entry in vm.load(kinds.GDB_OLD).task.map.entries()} == {"---"}


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("pmap", ("kB              24", "kB              28"), "total of the text is 28 kB, and its ranges have 24 kB"),
        ("pmap", ("558d6f2c5000", "58d6f2c5000"), "same number of digits"),
        ("pmap -X", ("28    20", "32    20"), "total of the text is 32 kB, and its ranges have 28 kB"),
        ("gdb", ("0x2000        0x0", "0x3000        0x0"), "has a size that is not the one of its addresses"),
        ("pwndbg", ("   1e000", "   1f000"), "has a size that is not the one of its addresses"),
        ("vmmap of macOS", ("[   20K", "[  200K"), "has a size that is not the one of its addresses"),
        ("tombstone", ("(2 entries)", "(3 entries)"), "says 3 entries, and 2 could be read"),
    ],
)
def test_what_does_not_fit_is_said(name: str, change: tuple[str, str], words: str) -> None:
    text = kinds.RANGES[name]
    assert change[0] in text
    assert any(words in one for one in vm.load(text.replace(*change)).unsaid)


def test_a_map_of_64_bit_arm_goes_into_a_machine_that_has_its_addresses() -> None:
    found = vm.load("aaaad1230000-aaaad1234000 r-xp 00000000 08:01 12 /bin/cat\n")
    assert (found.entered, found.outside, found.task.machine.architecture) == (1, (), "aarch64")
    other = vm.load_maps(vm.boot(), "aaaad1230000-aaaad1234000 r-xp 00000000 08:01 12 /bin/cat\n")
    assert 'vm.boot("aarch64")' in repr(other)


def test_libraries_of_windows_are_in_the_order_in_which_they_were_loaded() -> None:
    lines = ["0x77B00000 - 0x77C00000 \tC:\\b.dll", "0x77A00000 - 0x77B00000 \tC:\\a.exe"]
    found = vm.load("Dynamic libraries:\n" + "\n".join(lines) + "\n")
    assert [one.path for one in found.ranges] == [r"C:\a.exe", r"C:\b.dll"]
    assert not any("order of addresses" in one for one in found.unsaid)


def test_the_map_near_an_address_is_in_the_order_in_which_android_printed_it() -> None:
    assert not any("order of addresses" in one for one in vm.load(kinds.OLD_TOMBSTONE).unsaid)


@pytest.mark.parametrize(
    ("mode", "shared"),
    [("S/A", True), ("SHM", True), ("ALI", True), ("COW", False), ("PRV", False), ("P/A", False), ("NUL", False),
     ("ZER", False)],
)  # fmt: skip
def test_each_sharing_mode_of_macos_is_read_and_the_name_after_it(mode: str, shared: bool) -> None:
    line = f"mapped file  10b5a9000-10b5ae000 [  20K  20K  0K  0K] r--/rwx SM={mode}  /usr/share/icu/icudt.dat\n"
    found = vm.load("==== Non-writable regions for process 7\n" + line)
    assert [(one.path, one.shared) for one in found.ranges] == [("/usr/share/icu/icudt.dat", shared)]
    assert not any("What is shared" in one for one in found.unsaid)


@pytest.mark.parametrize("mode", ["SM=Q/Z", ""])
def test_a_sharing_mode_of_macos_that_is_not_known_is_said(mode: str) -> None:
    found = vm.load(f"__TEXT  10b5a9000-10b5ae000 [  20K  20K  0K  0K] r-x/r-x {mode}  /bin/cat\n")
    assert [(one.path, one.shared) for one in found.ranges] == [("/bin/cat", False)]
    assert any("What is shared is not said in line 1" in one for one in found.unsaid)


@pytest.mark.parametrize("name", sorted(set(kinds.RANGES) - {"hs_err of Windows", "smaps"}))
def test_lines_left_out_between_ranges_are_said_in_each_format(name: str) -> None:
    lines = kinds.RANGES[name].splitlines()
    ranges = [one.line for one in vm.load(kinds.RANGES[name]).ranges]
    text = "\n".join([*lines[: max(ranges) - 1], "...and more...", *lines[max(ranges) - 1 :], ""])
    assert any(f"Line {max(ranges)} leaves lines out" in one for one in vm.load(text).unsaid)
    assert not any("leaves lines out" in one for one in vm.load("log\n...\nlog\n" + kinds.RANGES[name]).unsaid)


def test_a_small_letter_of_a_size_is_read_as_a_large_one() -> None:
    (one, _) = vm.load(kinds.RANGES["vmmap of macOS"].replace("20K", "20k")).ranges
    assert one.resident == 20 << 10
