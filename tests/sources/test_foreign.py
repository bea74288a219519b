"""Texts of other programs are known, by what their manuals show, and refused with what they are and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

import vmwidgets as vm

VMMAP = """\
Process:         cat [1234]
Path:            /bin/cat

==== Non-writable regions for process 1234
REGION TYPE                    START - END         [ VSIZE  RSDNT  DIRTY   SWAP] PRT/MAX SHRMOD PURGE    REGION DETAIL
__TEXT                      10b5a9000-10b5ae000    [   20K    20K     0K     0K] r-x/r-x SM=COW          /bin/cat
"""
PROCSTAT = """\
  PID              START                END PRT    RES PRES REF SHD FLAG  TP PATH
  681           0x400000           0x408000 r-x      8   10   2   1 CN--- vn /bin/cat
"""
PMAP = "1234:   cat\n0000558d6f2c5000      8K r---- cat\n total             5420K\n"
GDB = """\
process 4242
Mapped address spaces:

          Start Addr           End Addr       Size     Offset  Perms  objfile
      0x555555554000     0x555555556000     0x2000        0x0  r--p   /usr/bin/cat
"""
ROLLUP = "556858f9e000-7ffde0ca9000 ---p 00000000 00:00 0                          [rollup]\nRss:   1000 kB\n"
READ = {
    "what vmmap of macOS prints; give it to vm.load": VMMAP,
    "what procstat of FreeBSD prints; give it to vm.load": PROCSTAT,
    "what pmap prints; give it to vm.load": PMAP,
    "what gdb prints for 'info proc mappings'; give it to vm.load": GDB,
}
FOREIGN = {
    "a smaps_rollup, which sums all ranges up as one; give /proc/PID/smaps, which has each range": ROLLUP,
}


@pytest.mark.parametrize("what", READ)
def test_ranges_of_other_programs_are_read_and_are_no_trace(what):
    machine = vm.boot("x86-64")
    assert len(vm.load_maps(machine, READ[what]).ranges) == 1
    with pytest.raises(vm.Refused) as caught:
        vm.load_strace(machine, READ[what])
    assert str(caught.value).endswith(f"this is {what}")


@pytest.mark.parametrize("what", FOREIGN)
def test_the_readers_say_what_it_is(what, tmp_path):
    path = tmp_path / "theirs.txt"
    path.write_text(FOREIGN[what])
    machine = vm.boot("x86-64")
    for read in (vm.load_maps, vm.load_strace):
        with pytest.raises(vm.Refused) as caught:
            read(machine, path)
        assert str(caught.value).endswith(f"this is {what}")
    for read_any in (vm.load, lambda path: vm.diff(machine.task("a"), path)):
        with pytest.raises(vm.Refused, match="this is "):
            read_any(path)


@pytest.mark.parametrize("name", ["python", "threads", "fails"])
def test_no_real_text_is_taken_for_another(name):
    machine = vm.boot("x86-64", ram="256 MiB")
    assert len(vm.load_maps(machine, vm.recording(name).maps).task.map) > 40


NAMED = [
    tuple(one.split("\n", 1))
    for one in Path(__file__).with_name("named.txt").read_text(encoding="utf-8").split("~~~~\n")
]
"""Texts that have a name: a word that the name has, and the text."""


@pytest.mark.parametrize(("word", "text"), NAMED, ids=[f"{word} {at}" for at, (word, _) in enumerate(NAMED)])
def test_a_text_that_is_not_read_is_called_by_its_name(word: str, text: str) -> None:
    for before, after in (("", ""), ("a log\n" * 30, "and more of it\n" * 30)):
        with pytest.raises(vm.Refused, match=r"^line [0-9]+ of the text: this is ") as caught:
            vm.load(before + text + after)
        assert word in str(caught.value)
