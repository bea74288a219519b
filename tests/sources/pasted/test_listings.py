"""Listings with lines that stand for others, and listings of each level of the tables (uCore)."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from tests.sources import kinds
from vmwidgets.given.pasted import SaidRange

RISCV = (
    "0000000000000000 0000000087f57000 0000000000001000 r-xu-a-\n",
    "0000000000001000 0000000087f58000 0000000000001000 rw-u---\n",
    "0000003fffffe000 0000000087f60000 0000000000001000 rw---ad\n",
)
X86 = ("00000000-00001000 00001000 ur-\n", "00001000-00002000 00001000 urw\n", "00800000-00801000 00001000 -rw\n")
TLB = (
    "0000000000000000: 0000000000101000 ----A--U-\n",
    "0000000000001000: 0000000000102000 ----A--UW\n",
    "0000000000800000: 0000000000103000 ---DA---W\n",
)
PG = (
    "[00000-003ff]  PDE[000]     ----A--UWP\n  [00000-00000]  PTE[000]     -------U-P 00101\n",
    "  [00001-00001]  PTE[001]     -------UWP 00102\n",
    "[00800-00bff]  PDE[002]     ----A--UWP\n  [00800-00800]  PTE[000]     --------WP 00103\n",
)
PGDIR = (
    "PDE(001) 00000000-00400000 00400000 urw\n  |-- PTE(00001) 00000000-00001000 00001000 ur-\n",
    "  |-- PTE(00001) 00001000-00002000 00001000 urw\n",
    "PDE(001) 00800000-00c00000 00400000 -rw\n  |-- PTE(00001) 00800000-00801000 00001000 -rw\n",
)
RISCV_TRAP = "usertrap(): unexpected scause 0xf pid=3\n  sepc=0x42 stval={0:#x}\n"
X86_TRAP = "pid 3 prog: trap 14 err {1} on cpu 0 eip 0x10 addr {0:#x}--kill proc\n"


def trap(text: str) -> Any:
    (found,) = vm.load(text).traps
    return found


@pytest.mark.parametrize(
    "dots",
    ["...", "…", "[...]", "[snip]", "<snip>", "--More--", "...and more...", "and 12 more", "(12 lines omitted)",
     "20 lines omitted", "\n...\n", "// ...", "--- snip ---", "[output truncated]", "... removed", "skipped 12 lines",
     "some entries omitted"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("lines", "report"),
    [(RISCV, RISCV_TRAP), (X86, X86_TRAP), (TLB, X86_TRAP), (PG, X86_TRAP), (PGDIR, X86_TRAP)],
    ids=["riscv", "x86", "tlb", "pg", "pgdir"],
)
def test_a_page_that_may_be_in_a_line_left_out_is_not_called_absent(
    lines: tuple[str, ...], report: str, dots: str
) -> None:
    text = lines[0] + lines[1] + dots + "\n" + lines[2]
    number = (lines[0] + lines[1] + dots).rstrip().count("\n") + 1
    pasted = vm.load(text)
    (listing,) = pasted.listings
    assert f"Line {number} leaves lines out: the addresses that they map are not said." in pasted.unsaid
    end = 0x3F_FFFF_E000 if lines is RISCV else 0x80_0000
    assert [(one.start, one.end) for one in listing.left_out] == [(0x2000, end)]
    unknown = trap(text + report.format(0x5008, 6))
    assert "V is 0" not in unknown.says and "does not have it" not in unknown.says
    known = trap(text + report.format(0x44, 7))  # the page at 0 is listed
    assert known.refused in ("W", "R/W")


@pytest.mark.parametrize(
    "printed",
    ["uvmunmap removed 3 pages", "page removed", "lazy alloc skipped", "munmap removed: 0x3000", "file truncated",
     ":", "3 pages removed", "[kernel] page removed", "* page skipped", "- removed page 3", "# removed 2 entries"],
)  # fmt: skip
def test_words_that_a_kernel_prints_leave_no_line_out(printed: str) -> None:
    table = kinds.VMPRINT.rpartition("usertrap")[0]
    for before in (table, "(qemu) info mem\n" + "".join(RISCV)):
        found = vm.load(f"{before}{printed}\n{RISCV_TRAP.format(0x5008)}")
        assert found.traps[0].refused == "V"
        assert not any("leaves lines out" in one for one in found.unsaid)


def test_lines_left_out_before_and_after_a_listing_are_not_called_absent() -> None:
    head, tail = trap("...\n" + "".join(RISCV[1:]) + RISCV_TRAP.format(0x8)), "".join(RISCV) + "[snip]\n"
    assert head.refused == "" and "line 1 of the text leaves lines out" in head.says
    assert trap(tail + RISCV_TRAP.format(0x3F_FFFF_F000)).refused == ""
    assert trap(tail + RISCV_TRAP.format(0x2000)).refused == "V"  # between two listed pages


def test_dots_elsewhere_leave_no_line_of_a_listing_out() -> None:
    text = "booting\n...\ninit: starting sh\n(qemu) info mem\n" + "".join(RISCV) + "(qemu) \nhart 1 starting\n...\n"
    pasted = vm.load(text + RISCV_TRAP.format(0x5008))
    assert pasted.traps[0].refused == "V"
    assert pasted.listings[0].left_out == ()


@pytest.mark.parametrize(
    "broken", [RISCV[1].replace("000087f58", "0000z7f58"), RISCV[1].replace("0000000000001000 0", "01000 0")]
)
def test_a_page_that_may_be_in_a_damaged_line_is_not_called_absent(broken: str) -> None:
    text = RISCV[0] + broken + RISCV[2]
    assert trap(text + RISCV_TRAP.format(0x1008)).refused == ""
    assert trap(RISCV[0] + RISCV[2] + RISCV_TRAP.format(0x1008)).refused == "V"


def test_a_page_that_one_text_leaves_out_is_no_difference() -> None:
    whole, cut = vm.load("".join(RISCV)), vm.load(RISCV[0] + "...\n" + RISCV[2])
    assert whole.compare(cut) == cut.compare(whole) == ()
    assert [one.start for one in whole.compare(vm.load(RISCV[0] + RISCV[2]))] == [0x1000]
    printed = vm.load(kinds.PRINT_PGTBL)  # single pages: of other addresses, nothing is said
    said = (*printed.listings[0].pieces, *printed.listings[0].absent)
    assert {each.start for each in printed.compare(whole)} <= {one.start for one in said}


def test_a_table_with_lines_left_out_differs_only_where_it_is_said() -> None:
    lines = kinds.VMPRINT.rpartition("usertrap")[0].splitlines()
    whole = vm.load("\n".join([*lines, "$ \n"]))
    cut = vm.load("\n".join([*lines[:4], "...and more...", *lines[5:], "$ \n"]))
    assert whole.tables[0].pieces != cut.tables[0].pieces
    assert whole.compare(cut) == ()


def test_a_page_has_the_rights_that_all_its_tables_have() -> None:
    text = (
        "PDE(001) 00800000-00c00000 00400000 -rw\n"
        "  |-- PTE(00002) 00a00000-00a02000 00002000 urw\n"
    )  # fmt: skip
    pasted = vm.load(text)
    (listing,) = pasted.listings
    assert listing.pieces == (SaidRange(0xA0_0000, 0x2000, "rw?-"),)
    assert trap(text + X86_TRAP.format(0xA0_0000, 7)).refused == "U/S"
    assert trap(text + X86_TRAP.format(0x80_0000, 6)).refused == "P"  # nothing else of the 4 MiB is mapped


UCORE = """-------------------- BEGIN --------------------
PDE(002) 00800000-01000000 00800000 urw
  |-- PTE(00002) 00800000-00802000 00002000 ur-
  |-- PTE(00001) 00ffe000-00fff000 00001000 -rw
PDE(001) afc00000-b0000000 00400000 ur-
  |-- PTE(00001) afffd000-afffe000 00001000 urw
PDE(0e0) c0000000-f8000000 38000000 urw
  |-- PTE(38000) c0000000-f8000000 38000000 -rw
PDE(001) ffc00000-00000000 00400000 -rw
--------------------- END ---------------------
"""


def test_several_tables_with_several_runs_of_pages() -> None:
    pasted = vm.load(UCORE)
    (listing,) = pasted.listings
    assert listing.ranges == (
        SaidRange(0x80_0000, 0x2000, "r-?u"), SaidRange(0xFF_E000, 0x1000, "rw?-"),
        SaidRange(0xAFFF_D000, 0x1000, "r-?u"), SaidRange(0xC000_0000, 0x3800_0000, "rw?-"),
    )  # fmt: skip
    assert any("Line 9 lists tables without a page" in one for one in pasted.unsaid)
    twice = vm.load(UCORE + UCORE)
    assert [one.ranges for one in twice.listings] == [listing.ranges] * 2


def test_four_levels_and_64_bits() -> None:
    pasted = vm.load(
        "PGD(001) 0000000000000000-0000008000000000 0000008000000000 urw\n"
        " |-PUD(001) 0000000000000000-0000000040000000 0000000040000000 urw\n"
        "  |-PMD(001) 0000000000200000-0000000000400000 0000000000200000 -rw\n"
        "   |-PTE(00003) 0000000000200000-0000000000203000 0000000000003000 urw\n"
        "  |-PMD(001) 0000000000400000-0000000000600000 0000000000200000 urw\n"
        "   |-PTE(00001) 0000000000400000-0000000000401000 0000000000001000 ur-\n"
    )
    assert pasted.ranges == (SaidRange(0x20_0000, 0x3000, "rw?-"), SaidRange(0x40_0000, 0x1000, "r-?u"))


@pytest.mark.parametrize(
    ("text", "rights"),
    [
        ("  |-- PTE(00001) 00a00000-00a01000 00001000 urw\n", "r??" + "?"),  # no table above: at most its own rights
        ("  |-- PTE(00001) 00a00000-00a01000 00001000 ur-\n", "r-?" + "?"),
        ("PDE(001) 00400000-00800000 00400000 urw\n  |-- PTE(00001) 00a00000-00a01000 00001000 -rw\n", "r??-"),
    ],
)
def test_a_page_without_its_table_has_rights_that_are_not_said(text: str, rights: str) -> None:
    assert [one.rights for one in vm.load(text).ranges] == [rights]


@pytest.mark.parametrize(
    ("text", "address", "refused"),
    [
        ("PDE(001) 00400000-00800000 00400000 urw\nPDE(001) 00800000-00c00000 00400000 -rw\n", 0x40_0000, ""),
        (UCORE.rpartition("PDE")[0].rpartition("  |--")[0], 0xC000_0000, ""),  # the text ends with a table's line
        (UCORE, 0xFFC0_0000, "P"),
        (UCORE.replace("00ffe000-00fff000 00001000", "00ffe000-00fff000 00002000"), 0xFF_E000, ""),
    ],
)
def test_pages_whose_lines_may_be_missing_are_not_called_absent(text: str, address: int, refused: str) -> None:
    found = trap(text + "\n" * (text is UCORE) + X86_TRAP.format(address, 4))
    assert ("does not have it" in found.says) == bool(refused)


@pytest.mark.parametrize(
    ("frames", "pa"),
    [("00200-00203", 0x20_0000), ("00200-00201 00202-00203", 0x20_0000), ("00200-00202 00300", None),
     ("00200 ...", None), ("00200-00202", None)],
)  # fmt: skip  # a row each
def test_the_frames_of_a_run_in_info_pg_are_those_of_its_pages(frames: str, pa: int | None) -> None:
    """Four pages: they lie in a row only if four frames in a row are listed."""
    head = "VPN range             Entry         Flags        Physical page\n[00000-003ff]  PDE[000]     ----A--UWP\n"
    (listing,) = vm.load(f"{head}  [00010-00013]  PTE[010-013] ----A--UWP {frames}\n").listings
    assert [(one.start, one.size, one.pa) for one in listing.ranges] == [(0x1_0000, 0x4000, pa)]


@pytest.mark.parametrize(
    "line",
    [
        "[00013-00010]  PTE[013-010] ----A--UWP 00200",  # ends before it begins
        "[00010-00013]  PTE[010-012] ----A--UWP 00200-00203",  # four pages, three entries
        "[00010-00013]  PTE[010-013] ----A--UW- 00200-00203",  # not present, and listed
        "[00010-00013]  PTE[010-013] ----A--UWP 00200 zz",  # a frame that is no number
    ],
)
def test_a_line_of_info_pg_that_contradicts_itself_is_left_out(line: str) -> None:
    found = vm.load(f"[00000-003ff]  PDE[000]     ----A--UWP\n  [00001-00001]  PTE[001] ----A--UWP 00102\n  {line}\n")
    assert "Line 3 of info pg of x86 contradicts itself, and is left out." in found.unsaid
    (listing,) = found.listings
    assert [(one.start, one.pa) for one in listing.ranges] == [(0x1000, 0x10_2000)]
    assert [(one.start, one.end) for one in listing.left_out] == [(0x2000, 1 << 64)]


@pytest.mark.parametrize("frames", ["00200 00201 00300", "00300 00200 00201"])
def test_more_frames_than_pages_in_info_pg_say_no_page(frames: str) -> None:
    """Which two of three frames are meant is not said."""
    (listing,) = vm.load(
        f"[00000-003ff]  PDE[000]  ----A--UWP\n  [00010-00011]  PTE[010-011] ----A--UWP {frames}\n"
    ).listings
    assert [(one.start, one.size, one.pa) for one in listing.ranges] == [(0x1_0000, 0x2000, None)]


@pytest.mark.parametrize(
    ("frames", "pa"),
    [("00800-00bff", 0x80_0000), ("00800-00900", 0x80_0000), ("00800", None), ("00800-00801 00900", None)],
)
def test_the_frames_of_a_large_page_in_info_pg_begin_where_it_does(frames: str, pa: int | None) -> None:
    """QEMU's line of a large page ends before its frames do; a single frame is no run."""
    (listing,) = vm.load(
        f"VPN range     Entry         Flags        Physical page\n[00800-00bff]  PDE[002]     --SA--UWP {frames}\n"
    ).listings
    assert [(one.start, one.size, one.pa) for one in listing.ranges] == [(0x80_0000, 0x40_0000, pa)]


PT = """             Address :         Length | Permissions
      0x7fd9da053000 :         0x2000 | W:0 X:1 S:0 UC:0 WB:1
      0x7fd9da055000 :         0x2000 | W:1 X:0 S:0 UC:0 WB:1
  0xffff9bd200000000 :        0x98000 | W:1 X:0 S:1 UC:0 WB:1
"""


def test_pt_of_gdb_lists_runs_with_their_rights() -> None:
    (listing,) = vm.load(PT).listings
    assert [(one.start, one.size, one.rights) for one in listing.pieces] == [
        (0x7FD9_DA05_3000, 0x2000, "r-xu"), (0x7FD9_DA05_5000, 0x2000, "rw-u"),
        (0xFFFF_9BD2_0000_0000, 0x9_8000, "rw--"),
    ]  # fmt: skip
    assert vm.load(PT + "Page fault cr2=0x7fd9da053000 err=7\n").traps[0].refused == "R/W"
    (riscv,) = vm.load("  0x1000 : 0x1000 : 0x87f6b000 | W:0 X:0 R:1 S:1\n").listings
    assert (riscv.pieces[0].rights, riscv.pieces[0].pa) == ("r---", 0x87F6_B000)
    (arm,) = vm.load(
        "  Address :  Length  User space    Kernel space\n0x400000 : 0x40000   R:1 W:0 X:1   R:1 W:0 X:0\n"
        "0xfffffdfffe5fa000 :  0x1000   R:0 W:0 X:0   R:1 W:1 X:0\n"
    ).listings
    assert [one.rights for one in arm.pieces] == ["r-xu", "rw--"]


def test_a_line_of_ptdump_that_is_cut_does_not_say_what_may_be_executed() -> None:
    line = "0xffffffff81000000-0xffffffff82000000          16M     ro         PSE     GLB {}  pmd\n"
    for end, rights in (("NX", "r---"), ("x ", "r-x-")):
        assert vm.load(line.format(end)).listings[0].pieces[0].rights == rights
    assert vm.load(line[: line.index(" PSE")] + "\n").listings[0].pieces[0].rights == "r-?-"


def test_ucore_says_what_a_missing_level_does_to_the_rights() -> None:
    pasted = vm.load("  |-- PTE(00001) 00a00000-00a01000 00001000 ur-\n")
    assert "?" in pasted.listings[0].pieces[0].rights
    assert any("where a level is missing" in one for one in pasted.unsaid)
