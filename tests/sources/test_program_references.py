"""Texts with a program's references: each form, what surrounds it, and what is none."""

from __future__ import annotations

import gzip
import lzma
import random
import re
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

import vmwidgets as vm
from vmwidgets.cli import main
from vmwidgets.engine.base.errors import Refused
from vmwidgets.sources.program_references import read_references, recognized

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
    "loads and stores": "l 0x41f7a0\ns 0x13f5e2c0\n",
    "loads and stores in capitals": "L 0x41f7a0\r\nS 0x13f5e2c0\r\n",
    "words": "READ 0x41f7a0\nWRITE 0x13f5e2c0\n",
    "words after the address": "0x41f7a0,read\n0x13f5e2c0,write\n",
    "DynamoRIO": "T7   read  8 byte(s) @ 0x41f7a0 by PC 0x1\nT7     write 4 byte(s) @ 0x13f5e2c0 by PC 0x5\n",
    "DynamoRIO with numbers of records": "  1   0: 7 read 8 byte(s) @ 0x41f7a0\n  2: T7 write 4 byte(s) @ 0x13f5e2c0\n",
    "access, address and size": "R 0x41f7a0 4\nW 0x13f5e2c0 8\n",
    "a table with other columns": "thread;Virtual Address;note;R/W\na b;0x41f7a0;;R\n;0x13f5e2c0;x y;W\n",
    "a table with quotation marks": '"Address","is_write"\n"0x41f7a0","0"\n"0x13f5e2c0","1"\n',
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_has_a_read_and_a_write(name: str) -> None:
    found = read_references(recognized(FORMS[name]), "the text")
    assert found is not None
    assert found.addresses.tolist() == [0x41F7A0, 0x13F5E2C0]
    assert found.kinds.tolist() == [0, 1]
    assert found.unsaid == ()


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("16916\n62493\n30198\n", [16916, 62493, 30198]), ("16916, 62493, 30198, 0", [16916, 62493, 30198, 0]),
        ("0x1000\n0x1008\n", [0x1000, 0x1008]), ("1f00\n2000\n", [0x1F00, 0x2000]),
        ("address\n0x1000\n0x2000\n", [0x1000, 0x2000]), ("time,address\n1,0x1000\n2,0x2000\n", [0x1000, 0x2000]),
        ("ARG seed 0\n  VA 0x00003229 (decimal:    12841) --> PA or invalid address?\n", [0x3229]),
        ("  VA  0: 0x0000006c (decimal:  108) --> PA or segmentation violation?\n", [0x6C]),
        ("Virtual Address 611c: Translates To What Physical Address? Or Fault?\n", [0x611C]),
    ],
)  # fmt: skip
def test_addresses_alone_are_reads(text: str, addresses: list[int]) -> None:
    found = vm.load(text)
    assert found.addresses.tolist() == addresses
    assert not found.kinds.any()


@pytest.mark.parametrize("change", [str, lambda text: text.replace("0x", ""), lambda text: text.replace("\n", " 8\n")])
def test_the_first_address_of_a_line_of_pinatrace_is_a_fetch(change: Callable[[str], str]) -> None:
    found = vm.load(change("0x400500: R 0x7ffe0010\n0x400504: W 0x601000\n") + "#eof\n")
    assert found.addresses.tolist() == [0x400500, 0x7FFE0010, 0x400504, 0x601000]
    assert found.kinds.tolist() == [2, 0, 2, 1]


PAGES = 1 << 12


@pytest.mark.parametrize(
    ("text", "processes", "addresses"),
    [
        ("1\t4660\tR\n", 1, [0x1234]),
        ("1\t4660\tR\n2\t4660\tW\n1\t4661\tR\n", 2, [0x1234, (1 << 56) + 0x1234, 0x1235]),
        (" 4321 R 0x7ffe1000\n 4321 W 0x7ffe1004\n", 1, [0x7FFE1000, 0x7FFE1004]),
        ("P1 R 0x10\nP2 R 0x10\nP1 W 0x11\n", 2, [0x10, (1 << 56) + 0x10, 0x11]),
        ("START\n0 r 12f4 00\n1 w 12f8 ff\n0 r 1300 00\nSTOP\n", 2, [0x12F4, (1 << 56) + 0x12F8, 0x1300]),
        ("pid,address,op\n7,0x10,R\n9,0x10,W\n", 2, [0x10, (1 << 56) + 0x10]),
        ("c 0\nr 10\nw 11\nr 10\n", 1, [10 * PAGES, 11 * PAGES, 10 * PAGES]),
        (
            "#process/vma\n2\n#### process 0\n1\n0 63 0 0\n#\n1\n0 9 1 0\n# simulation\nc 1\nr 9\nc 0\nw 9\ne 0\n",
            2, [(1 << 56) + 9 * PAGES, 9 * PAGES],
        ),
    ],
)  # fmt: skip
def test_the_addresses_of_processes_are_kept_apart(text: str, processes: int, addresses: list[int]) -> None:
    found = vm.load(text)
    assert found.addresses.tolist() == addresses
    assert len(found.ranges) == (processes if processes > 1 else 0)
    assert "of process" in found.unsaid[0]


def test_each_process_has_its_own_frames_if_it_shall() -> None:
    found = vm.load("process page\n" + "1 5\n2 5\n" * 3)
    counts = found.faults("lru", 2)
    assert (counts.faults("lru", 2), found.faults("lru", 2, local=True).faults("lru", 2)) == (2, 2)


def test_numbers_of_lines_are_no_processes() -> None:
    found = vm.load("1 R 0x1000\n2 W 0x2000\n3 R 0x1000\n")
    assert found.addresses.tolist() == [0x1000, 0x2000, 0x1000]
    assert "passed over" in found.unsaid[0]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1", 15),
        ("7, 0, 1, 2, 0, 3, 0, 4, 2, 3,\n0, 3, 2, 1, 2, 0, 1, 7, 0, 1\n", 15),
        ("1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5", 9), ("Reference string: 1 2 3 4 1 2 5 1 2 3 4 5.", 9),
        ("ref = [1,2,3,1]\n", 3), ("# a homework\nA B C A D\n", 4), ("8\n7\n4\n", 3), ("1w 2 | 3 1", 3),
        ("A\nB\nC\nA\n", 3), ("Homework 3\n7 0 1 2\n", 4), ("1, 2, 3", 3),
        ("ARG policy FIFO\n\nAccess: 8  Hit/Miss?  State of Memory?\nAccess: 7  Hit/Miss?  State of Memory?\n", 2),
    ],
)  # fmt: skip
def test_a_reference_string_is_answered_for_three_frames(text: str, faults: int) -> None:
    """The first three are of Silberschatz, section 9.4: 15 faults of FIFO, and Belady's 9."""
    found = vm.load(text)
    assert (found.frames, found.faults("fifo")) == ((3,), faults)
    assert "vm.reference_string" in repr(found)


def test_small_numbers_that_are_too_many_for_a_string_are_pages_of_a_trace() -> None:
    found = vm.load("1\n2\n3\n" * 4_000)
    assert len(found.pages()[0]) == 12_000
    assert found.faults("lru", 3).faults("lru", 3) == 3


def test_lackeys_lines_are_found_between_others_and_touch_bytes() -> None:
    found = read_references(recognized(LACKEY), "the text")
    assert found is not None and found.sizes is not None
    assert found.kinds.tolist() == [2, 0, 1, 1]
    assert found.sizes.tolist() == [3, 8, 8, 4]
    assert found.unsaid == ("4 lines of Valgrind or the program passed over.",)


def test_damaged_lines_of_lackey_are_told_from_output_of_the_program() -> None:
    found = read_references(recognized(LACKEY.replace(" L 1ffefffd88,8", " L 1ffefffd88")), "the text")
    assert found is not None
    assert len(found) == 3
    damaged, others = found.unsaid
    assert "'L 1ffefffd88'" in damaged
    assert others.startswith("4 lines")


@pytest.mark.parametrize("form", ["hex", "the access first", "DRAMSim"])
def test_a_last_line_that_is_cut_is_left_out_and_said(form: str) -> None:
    found = read_references(recognized(f"{FORMS[form]}{FORMS[form].split()[0][:3]}"), "the text")
    assert found is not None
    assert len(found) == 2
    assert any("is cut" in said for said in found.unsaid)


@pytest.mark.parametrize(
    "text",
    [
        "R 0x7ffd3a1b2c58\nW 0x7ffd3a1b2c60\nR 0x7ffd", "0 7ffd3a1b2c58\n1 7ffd3a1b2c60\n0 7ffd3a1",
        "1 R 0x7ffd3a1b2c58\n1 W 0x7ffd3a1b2c60\n1 R 0x7f", "op,address\nR,0x7ffd3a1b2c58\nW,0x7ffd3a1b2c60\nR,0x7ff",
        "T7 read 8 byte(s) @ 0x7ffd3a1b2c58 by\nT7 write 8 byte(s) @ 0x7ffd3a1b2c60 by\nT7 read 8 byte(s) @ 0x7ff",
    ],
)  # fmt: skip
def test_an_address_at_the_end_with_fewer_digits_than_all_others_is_left_out_and_said(text: str) -> None:
    found = vm.load(text)
    assert found.addresses.tolist() == [0x7FFD3A1B2C58, 0x7FFD3A1B2C60]
    assert any("it is cut, and not read" in said for said in found.unsaid)
    whole = vm.load(text + "\n")
    assert len(whole) == 3
    assert not any("cut" in said for said in whole.unsaid)


def test_an_instruction_of_pinatrace_goes_with_its_cut_address() -> None:
    found = vm.load("0x400500: R 0x7ffe0010\n0x400504: W 0x7ffe0018\n0x400508: R 0x7f")
    assert found.addresses.tolist() == [0x400500, 0x7FFE0010, 0x400504, 0x7FFE0018]
    assert any("it is cut, and not read" in said for said in found.unsaid)


def test_an_address_at_the_end_with_fewer_digits_than_some_others_may_be_cut() -> None:
    found = vm.load("R 0x601000\nW 0x7ffd3a1b2c60\nR 0x7ffd3a1")
    assert len(found) == 3
    assert "The text ends with the address 0x7ffd3a1: digits may be missing." in found.unsaid
    assert vm.load("R 0x601000\nW 0x601008\nR 0x601010").unsaid == ()


@pytest.mark.parametrize(
    ("size", "says"), [("1k", "page=1024"), ("4k", ""), ("16k", "page=16384"), ("32", "of 32 can't")]
)
def test_the_page_size_above_the_addresses_of_ostep_is_said(size: str, says: str) -> None:
    text = f"ARG seed 0\nARG page size {size}\n\nVirtual Address Trace\n"
    found = vm.load(f"{text}  VA 0x00003229 (decimal:    12841) --> PA or invalid address?\n")
    assert any(says in said for said in found.unsaid[1:]) == bool(says)


@pytest.mark.parametrize("change", [lambda line: line.strip(), lambda line: " ".join(line.split())])
def test_lackeys_lines_are_known_without_their_blanks(change: Callable[[str], str]) -> None:
    found = vm.load("".join(f"{change(line)}\n" for line in LACKEY.splitlines()))
    assert (found.kinds.tolist(), found.addresses[1]) == ([2, 0, 1, 1], 0x1FFEFFFD88)


@pytest.mark.parametrize("name", [name for name in FORMS if not name.startswith("a table")])
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
    assert found.unsaid[0] == f"No address has 0x or a letter: all are read as {base} numbers."
    assert len(found.unsaid) == 2


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
        ("0 12\n1 12\n3 14\n", 3), ("1 0x1000\n2 0x1000\n1 0x2000\n3 0x5000\n", 4), ("3 0\n1 1\n2 0\n", 1),
        ("# a run\n3 0\n4 1\n", 2), ("3 20734016\n0 20734080 20734016\n", 1),
    ],
)  # fmt: skip
def test_numbers_that_may_be_processes_and_pages_are_not_called_dinero(text: str, line: int) -> None:
    with pytest.raises(vm.Refused) as refused:
        vm.load(text)
    said = str(refused.value)
    assert said.startswith(f"line {line} of the text, ")
    assert "the numbers may be processes and pages; give vm.trace the addresses of one process" in said
    assert "Ramulator" in said
    assert "Dinero" not in said


OTHER = 1 << 56
"""Where the addresses of the second process begin, as those of the second program in `interleaved`."""


@pytest.mark.parametrize(
    ("header", "addresses"),
    [
        ("# process page", [0x1000, OTHER + 0x1000]), ("# PID, VPN", [0x1000, OTHER + 0x1000]),
        ("# columns: pid, page", [0x1000, OTHER + 0x1000]), ("\nprocess and page", [0x1000, OTHER + 0x1000]),
        ("pid,page", [0x1000, OTHER + 0x1000]), ("(process id, page number)", [0x1000, OTHER + 0x1000]),
        ("process address", [1, OTHER + 1]), ("access address", [1, 1]), ("count page", [0x1000, 0x1000]),
    ],
)  # fmt: skip
def test_a_first_line_that_names_the_columns_chooses_their_meaning(header: str, addresses: list[int]) -> None:
    assert vm.load(f"{header}\n0 1\n1 1\n").addresses.tolist() == addresses


@pytest.mark.parametrize(
    ("header", "addresses"),
    [("address", [16, 4112]), ("hex address", [0x16, 0x4112]), ("page", [16 << 12, 4112 << 12])],
)
@pytest.mark.parametrize("between", ["\n", " ", ", "])
def test_a_first_line_chooses_the_meaning_of_numbers_alone(header: str, addresses: list[int], between: str) -> None:
    found = vm.load(header + "\n" + between.join(("16", "4112", "16", "16")))
    assert found.addresses.tolist() == [*addresses, addresses[0], addresses[0]]


@pytest.mark.parametrize("remark", ["trace of process gcc", "task: matrix multiply", "process 12", "one proc, 3 pages"])
def test_a_remark_about_a_process_names_no_column(remark: str) -> None:
    found = vm.load(f"# {remark}\n0 41f7a0\n1 13f5e2c0\n2 400000\n")
    assert found.addresses.tolist() == [0x41F7A0, 0x13F5E2C0, 0x400000]


@pytest.mark.parametrize(
    ("titles", "lines"),
    [
        ("Memory trace of matmul\n", "0x1000 R\n0x2000 W\n"), ("Addresses of ls:\n\n", "4096\n8192\n"),
        ("Accesses\n2\n", "R 0x1000\nW 0x2000\n"),
        ("Homework 4 (b)\n-------\n", "R 0x1000\nW 0x2000\n"), ("2\n", "R 0x1000\nW 0x2000\n"),
        ("gcc\n", "address,rw\n0x1000,R\n0x2000,W\n"), ("A trace for Dinero\n", "0 1000\n1 2000\n"),
        ("2\n", "0x1000\n0x2000\n"), ("2\n", "4096\n8192\n"),
    ],
)  # fmt: skip
def test_titles_above_a_trace_are_passed_over_and_said(titles: str, lines: str) -> None:
    found = vm.load(titles + lines)
    assert found.addresses.tolist() == [0x1000, 0x2000]
    assert any("passed over" in one and titles.split(maxsplit=1)[0] in one for one in found.unsaid)
    assert not any("passed over" in one for one in vm.load(lines).unsaid)


@pytest.mark.parametrize(
    ("text", "addresses", "kinds"),
    [
        ("R 1000 4\nW 2000 4\n", [0x1000, 0x2000], [0, 1]), ("0x1000 4 R\n0x2000 8 W\n", [0x1000, 0x2000], [0, 1]),
        ("Read from 0x1000\nWrite to 0x2000\n", [0x1000, 0x2000], [0, 1]),
        ("addr 0x1000\naddr: 8192\n", [0x1000, 0x2000], [0, 0]), ("page 1\nPage 2\n", [0x1000, 0x2000], [0, 0]),
        ("VPN: 1\nVPN: 2\n", [0x1000, 0x2000], [0, 0]),
        ("1: 0x1000\n2: 0x2000\n3: 0x3000\n", [4096, 8192, 12288], [0] * 3),
        ("0x400000 R 0x1000\n0x400004 W 0x2000\n", [0x40_0000, 0x1000, 0x40_0004, 0x2000], [2, 0, 2, 1]),
        ("timestamp tid address\n1 7 0x1000\n2 7 0x2000\n", [0x1000, 0x2000], [0, 0]),
    ],
)  # fmt: skip
def test_more_ways_to_write_a_reference(text: str, addresses: list[int], kinds: list[int]) -> None:
    found = vm.load(text)
    assert (found.addresses.tolist(), found.kinds.tolist()) == (addresses, kinds)


def test_a_reference_string_may_have_short_lines() -> None:
    assert vm.load("7 0 1 2\n0 3 0 4\n2 3 0 3\n").faults("fifo") == vm.load("7 0 1 2 0 3 0 4 2 3 0 3\n").faults("fifo")


def test_an_access_may_stand_before_and_after_an_address() -> None:
    found = vm.load("R 0x1000\n0x2000 W\nw 0x3000\n")
    assert (found.addresses.tolist(), found.kinds.tolist()) == ([0x1000, 0x2000, 0x3000], [0, 1, 1])
    with pytest.raises(Refused, match="line 3 of the text, 'hello', is not a reference"):
        vm.load("R 0x1000\n0x2000 W\nhello\n")


def test_lines_of_lackey_that_are_left_out_are_said() -> None:
    found = vm.load(" I  04001000,3\n L 1ffefffd88,8\n...and more...\n S 1ffefffd88,8\n")
    assert found.unsaid == ("Line 3 leaves lines out: their references are missing.",)


def test_the_numbers_of_a_column_have_one_base() -> None:
    found = vm.load("addr,rw\n1000,R\n1abc,W\n0x2000,W\n")
    assert found.addresses.tolist() == [0x1000, 0x1ABC, 0x2000]
    assert found.unsaid == ()


FAULT, WRITE = (
    "address=0x7f0e2e3a1000 ip=0x401136 error_code=0x6",
    "address: 0x7f0e2e3a1000, ip: 4198710, error_code: 6",
)
"""A write by user code to a page that was not present, as ftrace and perf say it."""


@pytest.mark.parametrize(
    ("text", "process"),
    [
        (f"page_fault_user: {FAULT}\n", ""), (f" 2)               |  /* page_fault_user: {FAULT} */\n", ""),
        (f"# tracer: nop\n#\n  bash-930   [003] d...  6288.896762: page_fault_user: {FAULT}\n", "930"),
        (f"  kworker/u8:1-77 (     77) [003] d...  6288.8: page_fault_user: {FAULT}\n", "77"),
        (f"  bash-930  [003]  6288.896762: page_fault_user:      {FAULT}\n", "930"),
        (f"a.out  930 [003]  6288.896762: exceptions:page_fault_user: {FAULT}\n", "930"),
        (f"a.out  930/931 [003]  6288.896762: exceptions:page_fault_user: {FAULT}\n", "930"),
        (f"LOST 11 events!\n  3711.661 a.out/930 exceptions:page_fault_user({WRITE})\n", "930"),
        (f"     0.000 ( 0.000 ms): a.out/930 exceptions:page_fault_user({WRITE})\n", "930"),
        (f"     0.000 exceptions:page_fault_user({WRITE.replace('0x7f0e2e3a1000', str(0x7F0E2E3A1000))})\n", ""),
        (f"[  352.775505]  init-1       1d... 346277984us : page_fault_user: {FAULT}\n", "1"),
    ],
)  # fmt: skip
def test_linux_telling_its_page_faults_is_a_trace(text: str, process: str) -> None:
    found = vm.load(text)
    assert (found.addresses.tolist(), found.kinds.tolist()) == ([0x7F0E2E3A1000], [1])
    assert f"All references are of process {process}." in found.unsaid or not process
    assert any(one.startswith("1 page fault: ") and "not present, write, user" in one for one in found.unsaid)


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("0x4", 0, "not present, read, user"), ("0x14", 2, "not present, user, fetch"), ("20", 2, "0x14"),
        ("0x3", 1, "present, write, supervisor"), ("0x7", 1, "present, write, user"),
        ("0xf", 0, "not one of x86"), ("0x92000047", 0, "not one of x86"),
    ],
)  # fmt: skip
def test_the_error_code_of_an_event_says_what_the_access_was(code: str, kind: int, said: str) -> None:
    """0xf is a store in a RISC-V kernel, and 0x92000047 a write on AArch64: they are not decoded as x86's."""
    line = f"sh-9 [000] d... 1.5: page_fault_kernel: address=0x1000 ip=__put_user_4 error_code={code}\n"
    found = vm.load(line * 3)
    assert found.kinds.tolist() == [kind] * 3
    assert any(one.startswith("3 page faults: ") and said in one for one in found.unsaid)


def test_perfs_page_faults_are_of_files_and_of_processes() -> None:
    found = vm.load(
        "     0.000 ( 0.000 ms): tee/5 majfault [elf_load+0x20f] => 0x59e5e5c74098 (?k)\n"
        "    35.338 ( 0.000 ms): grep/6 majfault [0x14984] => /etc/ld.so.cache@0x5000 (d.)\n"
        "   239.249 ( 0.000 ms): grep/6 minfault [0x748ee69268b0] => //anon@0x748ee6926000 (?.)\n"
        "   240.001 ( 0.000 ms): tee/5 minfault [_start+0x0] => /etc/ld.so.cache@0x6000 (x.)\n"
    )
    names = [name for _, _, name in found.ranges]
    assert names == ["process 5", "process 6", "/etc/ld.so.cache"]
    wanted = [0x59E5E5C74098, (2 << 56) + 0x5000, (1 << 56) + 0x748EE6926000, (2 << 56) + 0x6000]
    assert found.addresses.tolist() == wanted
    assert [sum(one.startswith(f"2 page faults: {kind}") for one in found.unsaid) for kind in ("maj", "min")] == [1, 1]


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("0b00010010\n0b00010011\n", [0x12, 0x13]), ("0B1001 R\n0b1111 W\n", [9, 15]), ("R 0b1\nR 0x10\n", [1, 16]),
        ("0b" + "1" * 64 + "\n0b0\n", [(1 << 64) - 1, 0]), ("0b1001 R\n0c1001 R\n", [0xB1001, 0xC1001]),
    ],
)  # fmt: skip
def test_numbers_with_0b_are_binary_unless_others_have_letters_without_0x(text: str, addresses: list[int]) -> None:
    assert vm.load(text).addresses.tolist() == addresses


MANY = 30_000
"""More lines than a format is chosen by, in several parts."""


def test_a_long_text_is_read_by_parts_as_a_short_one() -> None:
    draw = random.Random(7)
    numbers, does = [draw.randrange(1 << 40) for _ in range(MANY)], draw.choices("RW", k=MANY)
    for line in ("{0:#x} {1}", "{1} {0:#x} ", "{0:x} {1}", "3 {1} {0:#x}", "{1} {0:#x} 4"):
        found = vm.load("".join(f"{line.format(*one)}\n" for one in zip(numbers, does, strict=True)))
        assert found.addresses.tolist() == numbers
        assert found.kinds.tolist() == ["RW".index(one) for one in does]


@pytest.mark.parametrize(
    ("head", "line", "late", "says"),
    [
        ("", "0x1000 R\n", "0x10 R x\n", "line 30,001 of a.trace"),
        ("", "1000 R\n", "10000000000000000 R\n", "line 30,001 of a.trace"),
        ("", "4096\n", "4096 4096\n", "line 30,001 of a.trace"),
        ("A trace of gcc\n\n", "R 0x1000\n", "R\n", "line 30,003 of a.trace"),
    ],
)
def test_a_damaged_line_far_from_the_beginning_is_refused_with_its_number(
    head: str, line: str, late: str, says: str
) -> None:
    with pytest.raises(Refused, match=says):
        read_references(recognized(head + line * MANY + late + line * MANY), "a.trace")


def test_a_letter_far_from_the_beginning_makes_a_column_hexadecimal() -> None:
    found = vm.load("10\n" * MANY + "1f\n" + "10\n" * MANY)
    assert (found.addresses[0], found.addresses[MANY], len(found)) == (0x10, 0x1F, 2 * MANY + 1)


def test_a_process_of_nyus_lab_stays_over_the_parts_of_a_text() -> None:
    found = vm.load("c 0\nr 1\nc 1\n" + "r 10\n" * MANY)
    assert (found.addresses[1:] == (1 << 56) + 10 * PAGES).all()
    assert found.addresses[0] == PAGES


def test_numbers_of_very_many_lines_are_no_processes() -> None:
    found = vm.load("".join(f"{at} R {16 * at:#x}\n" for at in range(1, 70_000)))
    assert found.addresses.tolist() == [16 * at for at in range(1, 70_000)]
    assert "is passed over" in found.unsaid[0]


def test_a_reference_of_a_long_text_needs_few_bytes(tmp_path: Path) -> None:
    """The tables in which pages are numbered are as large for a short text: only the difference counts."""
    lengths, peaks, path = (200_000, 400_000), [], tmp_path / "a.trace"
    assert len(vm.load("0x1000\n0x2000\n")) == 2  # with what is imported once
    for count in lengths:
        path.write_text("".join(f"{0x7F00_0000 + 16 * at:#x}\n" for at in range(count)))
        tracemalloc.start()
        try:
            assert len(vm.load(path)) == count
            peaks.append(tracemalloc.get_traced_memory()[1] - path.stat().st_size)
        finally:
            tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / (lengths[1] - lengths[0]) <= 25


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
    assert read_references(recognized(text), "the text") is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1000 R\n2000 W\nthree R\n", "line 3 of a.trace, 'three R', is not a reference"),
        ("1000 R\nthree\x1b[1m\\ R\n", r"line 2 of a.trace, 'three\x1b[1m\\ R', is not a reference"),
        ("address,rw\nat\x1b,r\n", r"line 2 of a.trace, 'at\x1b,r', is not a reference"),
        (
            "# a\n1000 R\n10000000000000000 W\n",
            "line 3 of a.trace: the reference to 10000000000000000 goes past 64 bits",
        ),
        ("1000 R\n10000000000000000 W\n", "line 2 of a.trace: the reference to 1"),
        ("address,op\n0x1000,R\n0x10000000000000000,R\n", "line 3 of a.trace: the reference to 0x1"),
        ("address,op\n-5,R\n", "line 2 of a.trace"),
        ("0 1000\n3 2000\n", "line 2 of a.trace"),
        ("address,op\n0x1000,R\n0x2000,jump\n", "line 3 of a.trace"),
        ("R 1000\nhello", "line 2 of a.trace"),
        ("address,op\n", "no reference below"),
        (" L 1000,8\nhello\n S fffffffffffffffc,8\n", "line 3 of a.trace: the reference to fffffffffffffffc goes past"),
    ],
)
def test_a_line_that_is_none_is_named_with_its_number(text: str, sentence: str) -> None:
    with pytest.raises(Refused, match=re.escape(sentence)):
        read_references(recognized(text), "a.trace")


def test_a_buffer_of_translations_counts_the_addresses_of_a_course() -> None:
    """17 pages of 256 bytes in turn always miss in 16 entries of FIFO; 16 pages miss once each."""
    text = "".join(f"{256 * (page + 16) + turn}\n" for turn in range(3) for page in range(17))
    found = vm.load(text)
    assert found.tlb(16, policy="fifo", page=256).hits == 0
    assert found.faults(("fifo", "opt"), 17, page=256).faults("fifo", 17) == 17
    fewer = vm.load("".join(line for line in text.splitlines(keepends=True) if int(line) < 256 * 32))
    assert fewer.tlb(16, policy="fifo", page=256).hits == 48 - 16


def damaged(kind: str, lines: list[str], draw: random.Random) -> str:
    """A text that a person could have made from another by accident."""
    lines = list(lines)
    place = draw.randrange(len(lines))
    if kind == "cut":
        text = "\n".join(lines)
        return text[draw.randrange(len(text)) :] if draw.random() < 0.5 else text[: draw.randrange(len(text))]
    if kind == "doubled":
        lines[place] *= 2
    elif kind == "shuffled":
        draw.shuffle(lines)
    elif kind == "interleaved":
        other = draw.choice([*FORMS.values()]).splitlines()
        lines[place:place] = other[: draw.randrange(len(other) + 1)]
    else:
        new = draw.choice(["", "0b", "-", "\u0660", "9" * 30, "h", "0x0x"])
        lines[place] = lines[place].replace(draw.choice(["0x", "0", "1", " "]), new)
    return "\n".join(lines)


@pytest.mark.parametrize("kind", ["cut", "doubled", "shuffled", "interleaved", "another base"])
def test_a_damaged_trace_is_read_or_refused_with_a_sentence(kind: str) -> None:
    draw = random.Random(kind)
    texts = [*FORMS.values(), LACKEY, "c 0\nr 10\nc 1\nw 11\n", "0x40: R 0x1000\n0x44: W 0x2000\n", "8\n7\n4\n8\n"]
    for _ in range(100):
        assert answer(damaged(kind, draw.choice(texts).splitlines(), draw))


def answer(text: str) -> str:
    """What a text is read as, or the one sentence that refuses it."""
    try:
        return repr(vm.load(text))
    except Refused as error:
        return "" if "\n" in str(error) else str(error)


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


def test_the_command_answers_a_reference_string(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "exam.txt"
    path.write_text("7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1\n")
    assert main(["read", str(path)]) == 0
    assert "20 references to 6 pages" in capsys.readouterr().out
    path.write_text("0 12\n3 14\n")
    assert main(["read", str(path)]) == 2
    assert "'process page'" in capsys.readouterr().err
