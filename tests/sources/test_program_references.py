"""Texts with a program's references: each form, what surrounds it, and what is none."""

from __future__ import annotations

import gzip
import lzma
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

import vmwidgets as vm
from vmwidgets.cli import main
from vmwidgets.engine.base.errors import Refused
from vmwidgets.sources.program_references import read_references

LACKEY = """\
==77== Lackey, an example Valgrind tool
==77== Command: ./a
I  04222c92,3
 L 1ffefffd88,8
total 3
 S 1ffefffd80,8
 M 0421c7cc,4
==77==
"""

FORMS = {
    "hex": "0041f7a0 R\n13f5e2c0 W\n\n",
    "hex with 0x and tabs": "0x0041f7a0\tr\r\n0x13f5e2c0\tw\r\n",
    "the access first": "R 0x41f7a0\nW 0x13f5e2c0\n",
    "with a comment": "# gcc\n0041f7a0 R\n13f5e2c0 W\n",
    "Dinero": "0 41f7a0\n1 13f5e2c0\n",
    "DRAMSim": "0x41F7A0 READ 10\n0x13F5E2C0 WRITE 24\n",
    "a table": "cycle,address,op\n1,0x41f7a0,R\n2,334881472,write\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_has_a_read_and_a_write(name: str) -> None:
    found = read_references(FORMS[name], "the text")
    assert found is not None
    assert found.addresses.tolist() == [0x41F7A0, 0x13F5E2C0]
    assert found.kinds.tolist() == [0, 1]
    assert found.unsaid == ()


def test_lackeys_lines_are_found_between_others_and_touch_bytes() -> None:
    found = read_references(LACKEY, "the text")
    assert found is not None and found.sizes is not None
    assert found.kinds.tolist() == [2, 0, 1, 1]
    assert found.sizes.tolist() == [3, 8, 8, 4]
    assert found.unsaid == ("4 lines of Valgrind or the program passed over.",)


def test_damaged_lines_of_lackey_are_told_from_output_of_the_program() -> None:
    found = read_references(LACKEY.replace(" L 1ffefffd88,8", " L 1ffefffd88"), "the text")
    assert found is not None
    assert len(found) == 3
    damaged, others = found.unsaid
    assert "'L 1ffefffd88'" in damaged
    assert others.startswith("4 lines")


@pytest.mark.parametrize("form", ["hex", "the access first", "DRAMSim"])
def test_a_last_line_that_is_cut_is_left_out_and_said(form: str) -> None:
    found = read_references(f"{FORMS[form]}{FORMS[form].split()[0][:3]}", "the text")
    assert found is not None
    assert len(found) == 2
    assert any("is cut" in said for said in found.unsaid)


@pytest.mark.parametrize("change", [lambda line: line.strip(), lambda line: " ".join(line.split())])
def test_lackeys_lines_are_known_without_their_blanks(change: Callable[[str], str]) -> None:
    found = vm.load("".join(f"{change(line)}\n" for line in LACKEY.splitlines()))
    assert (found.kinds.tolist(), found.addresses[1]) == ([2, 0, 1, 1], 0x1FFEFFFD88)


@pytest.mark.parametrize("name", [name for name in FORMS if name != "a table"])
@pytest.mark.parametrize(
    ("before", "said"), [("> ", "quotation marks"), ("[   12.345678] ", "time stamps"), ("\x1b[0m", "cursor movements")]
)
def test_what_a_mail_or_a_log_adds_is_passed_over(name: str, before: str, said: str) -> None:
    found = vm.load("".join(f"{before}{line}\n" for line in FORMS[name].strip().splitlines()))
    assert found.addresses.tolist() == [0x41F7A0, 0x13F5E2C0]
    assert said in found.unsaid[-1]


@pytest.mark.parametrize(
    ("text", "addresses", "base"),
    [
        ("4096 R\n8192 W\n", [0x4096, 0x8192], "hexadecimal"),
        ("4096, R\n8192, W\n", [0x4096, 0x8192], "hexadecimal"),
        ("addr,rw\n4096,R\n8192,W\n", [4096, 8192], "decimal"),
    ],
)
def test_numbers_that_do_not_show_their_base_are_said_to_be_read_so(text: str, addresses: list[int], base: str) -> None:
    found = vm.load(text)
    assert found.addresses.tolist() == addresses
    assert found.unsaid == (f"No address has 0x or a letter: all are read as {base} numbers.",)


@pytest.mark.parametrize("text", ["0 12\n1 12\n0 13\n1 40\n", "0\t12\n2\t40\n", "0 0x1000\n1 0x2000\n"])
def test_two_readings_of_a_small_number_before_each_address_are_said(text: str) -> None:
    found = vm.load(text)
    assert found.addresses[0] == int(text.split()[1], 16)
    assert sum("a process with its page" in one and "Dinero's, which is used" in one for one in found.unsaid) == 1
    assert sum("hexadecimal" in one for one in found.unsaid) == ("0x" not in text)


def test_addresses_that_only_dinero_writes_have_one_reading() -> None:
    assert vm.load("0 41f7a0\n1 41f7b0\n").unsaid == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# process page\n0 12\n1 12\n", 1), ("# PID, VPN\n0 12\n1 13\n", 1), ("# columns: pid, page\n0 12\n", 1),
        ("process page\n0 12\n1 12\n", 1), ("\npid page\n5 100\n6 0x2000\n", 2), ("process,page\n1,0\n2,4\n", 1),
        ("0 12\n1 12\n3 14\n", 3), ("1 0x1000\n2 0x1000\n1 0x2000\n3 0x5000\n", 4), ("3 0\n1 1\n2 0\n", 1),
        ("# a run\n3 0\n4 1\n", 2),
    ],
)  # fmt: skip
def test_numbers_that_may_be_processes_and_pages_are_not_called_dinero(text: str, line: int) -> None:
    with pytest.raises(vm.Refused) as refused:
        vm.load(text)
    said = str(refused.value)
    assert said.startswith(f"line {line} of the text, ")
    assert "the numbers may be processes and pages; give vm.trace the addresses of one process" in said
    assert "Dinero" not in said


@pytest.mark.parametrize("remark", ["trace of process gcc", "task: matrix multiply", "process 12", "one proc, 3 pages"])
def test_a_remark_about_a_process_names_no_column(remark: str) -> None:
    found = vm.load(f"# {remark}\n0 41f7a0\n1 13f5e2c0\n2 400000\n")
    assert found.addresses.tolist() == [0x41F7A0, 0x13F5E2C0, 0x400000]


def test_lines_of_lackey_that_are_left_out_are_said() -> None:
    found = vm.load(" I  04001000,3\n L 1ffefffd88,8\n...and more...\n S 1ffefffd88,8\n")
    assert found.unsaid == ("Line 3 leaves lines out: their references are missing.",)


def test_the_numbers_of_a_column_have_one_base() -> None:
    found = vm.load("addr,rw\n1000,R\n1abc,W\n0x2000,W\n")
    assert found.addresses.tolist() == [0x1000, 0x1ABC, 0x2000]
    assert found.unsaid == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello\nworld\n",
        "I add\nI fed\n",
        "page table 0x87f6e000\n..0: pte 0x21fda801\n",
        "7f00-7f01 r-xp 0 0:0 0\n",
    ],
)
def test_another_text_is_none(text: str) -> None:
    assert read_references(text, "the text") is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1000 R\n2000 W\nthree R\n", "line 3 of a.trace, 'three R', is not a reference"),
        ("1000 R\nthree\x1b[1m\\ R\n", r"line 2 of a.trace, 'three\x1b[1m\\ R', is not a reference"),
        ("address,rw\nat\x1b,r\n", r"line 2 of a.trace, 'at\x1b,r', is not a reference"),
        (
            "# a\n1000 R\n10000000000000000 W\n",
            "line 3 of a.trace: the address 10000000000000000 has more than 64 bits",
        ),
        ("1000 R\n10000000000000000 W\n", "line 2 of a.trace: the address"),
        ("address,op\n0x1000,R\n0x10000000000000000,R\n", "line 3 of a.trace: the address"),
        ("address,op\n-5,R\n", "line 2 of a.trace"),
        ("0 1000\n3 2000\n", "line 2 of a.trace"),
        ("address,op\n0x1000,R\n0x2000,jump\n", "line 3 of a.trace"),
        ("R 1000\nhello", "line 2 of a.trace"),
        ("address,op\n", "no reference below"),
        (" L 1000,8\nhello\n S fffffffffffffffc,8\n", "line 3 of a.trace: 8 bytes at fffffffffffffffc go past"),
    ],
)
def test_a_line_that_is_none_is_named_with_its_number(text: str, sentence: str) -> None:
    with pytest.raises(Refused, match=re.escape(sentence)):
        read_references(text, "a.trace")


# ---- through the one door ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMS)
def test_each_form_goes_through_the_one_door(name: str) -> None:
    assert len(vm.load(FORMS[name])) == 2


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gzip", "xz"])
def test_a_file_gives_its_name_however_it_is_packed(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "gcc.trace.gz"
    path.write_bytes(pack(LACKEY.encode()))
    found = vm.load(path)
    assert found.name == "gcc"
    assert len(found) == 4
    assert len(vm.load(pack(LACKEY.encode()))) == 4


def champsim(instructions: int) -> bytes:
    """Instructions as ChampSim's tracer writes them: registers and memory of up to two stores and four loads."""
    return b"".join(
        struct.pack(
            "<Q8B6Q", 0x40_1000 + 4 * at, at % 7 == 0, 0, 26, 0, 25, 6, 0, 0, 0, 0, 0x7FFF_0000 + 8 * at, 0, 0, 0
        )
        for at in range(instructions)
    )


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gzip", "xz"])
def test_a_trace_of_champsim_is_named_and_refused(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "a.champsimtrace"
    path.write_bytes(pack(champsim(500)))
    for given in (path, pack(champsim(500))):
        with pytest.raises(Refused, match="a trace of ChampSim, 500 instructions"):
            vm.load(given)


def test_lackey_without_references_says_which_option_is_missing() -> None:
    with pytest.raises(Refused, match="record it with --trace-mem=yes"):
        vm.load("==77== Lackey, an example Valgrind tool\n==77== Command: ./a\n==77== Counted 3 calls to main()\n")


def test_a_program_is_said_to_be_one() -> None:
    with pytest.raises(Refused, match=r"is a program \(ELF\): record what it references"):
        vm.load(b"\x7fELF\x02\x01\x01" + bytes(200))


def test_a_file_that_is_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gcc.trace.gz"
    path.write_bytes(gzip.compress(FORMS["hex"].encode() * 100)[:-20])
    with pytest.raises(Refused, match=r"gcc\.trace\.gz can't be read"):
        vm.load(path)


def test_the_command_reads_it_and_draws_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gcc.trace"
    path.write_text(FORMS["hex"])
    assert main(["read", str(path), "--to", str(tmp_path / "gcc.svg")]) == 0
    assert capsys.readouterr().out.startswith("gcc: 2 references to 2 pages of 4 KiB (1 read, 1 write)")
    assert (tmp_path / "gcc.svg").read_text().startswith("<svg")
