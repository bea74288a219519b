"""Faults of teaching kernels, and texts that are nearly like what xv6 prints."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from tests.sources import kinds
from vmwidgets.given.pasted import SaidRange


def only(text: str) -> Any:
    (trap,) = vm.load(text).traps
    return trap


def test_lines_that_are_left_out_are_no_absent_pages() -> None:
    lines = kinds.VMPRINT.splitlines()
    text = "\n".join([*lines[:4], "...", *lines[5:8], ""])
    pasted = vm.load(text)
    with pytest.raises(vm.Refused, match="line 5 of the text leaves lines out"):
        pasted.tables[0].walk(0x2000)
    assert pasted.tables[0].walk(0x10).ok
    assert any(one.startswith("Line 5 leaves lines out") for one in pasted.unsaid)
    trap = only(text + "usertrap(): unexpected scause 0xd pid=3\n sepc=0x10 stval=0x2000\n")
    assert (trap.refused, trap.walk) == ("", None)


def test_a_table_that_was_not_in_use_gives_no_reason() -> None:
    text = kinds.VMPRINT.rpartition("usertrap")[0] + "scause 0xd\nsepc=0x8000828e stval=0x0\npanic: kerneltrap\n"
    trap = only(text)
    assert (trap.refused, trap.walk) == ("", None)
    assert "was not in use, since it does not map the instruction at sepc, 0x8000_828e" in trap.says


def test_the_line_that_says_it() -> None:
    trap = only(
        "usertrap(): unexpected scause 0xf pid=3\n  sepc=0x1258 stval=0x4008\nva=0x0000000000004000"
        " pte=0x0000000000000000\n"
    )
    assert (trap.refused, trap.says) == (
        "V", "The store of 0x4008 was refused: the descriptor is 0x0: V is 0, so nothing is mapped there.",
    )  # fmt: skip


def test_a_trap_is_looked_up_in_print_pgtbl() -> None:
    trap = only(kinds.PRINT_PGTBL + "usertrap(): unexpected scause 0xf pid=3\n sepc=0x10 stval=0x2008\n")
    assert trap.refused == "U"


@pytest.mark.parametrize("text", [kinds.PRINT_PGTBL + kinds.VMPRINT, kinds.VMPRINT + kinds.PRINT_PGTBL])
def test_a_kernel_may_print_its_table_in_both_forms(text: str) -> None:
    """Lines of print_pgtbl have a pte and a pa as those of vmprint have, and are none of them."""
    pasted = vm.load(text)
    assert (len(pasted.tables[0].pieces), len(pasted.listings[0].pieces)) == (3, 4)
    assert not any("can't be read" in one for one in pasted.unsaid)


@pytest.mark.parametrize(
    "year", ["va 0x{:016X} pte 0x{:016X} pa 0x{:016X} perm 0x{:016X}", "va {:08x} pte {:08x} pa {:08x} perm {:08x}"]
)
def test_print_pgtbl_of_other_years_and_of_32_bits(year: str) -> None:
    pasted = vm.load(year.format(0x3000, 0x21FC7417, 0x87F1D000, 0x17) + "\n")
    assert pasted.listings[0].pieces == (SaidRange(0x3000, 0x1000, "rw-u", 0x87F1_D000),)


def test_unread_lines_of_a_listing_are_one_sentence() -> None:
    text = kinds.PRINT_PGTBL.replace("pte 0x21FC7C17", "pte 0xzz").replace("pte 0x21FC7807", "pte 0xyy")
    assert "Lines 3 to 4 look like lines of print_pgtbl of xv6, and can't be read." in vm.load(text).unsaid


@pytest.mark.parametrize(
    ("text", "scause", "stval", "sepc"),
    [
        ("usertrap: scause=0xd stval=0xffff_ffc0_8000_0000 sepc=0x10\n", 13, 0xFFFF_FFC0_8000_0000, 0x10),
        ("call usertrap sepc=3b0 sstatus=20 scause = 8\n", 8, None, 0x3B0),
        ("unexpected trap scause=0000000d, stval=01000423, sepc=8020128a\n", 13, 0x1000423, 0x8020128A),
        ("usertrap(): unexpected scause 0xd pid=3\n sepc 0x10 stval 0x4000\n", 13, 0x4000, 0x10),
        ("scause == 0xd\nsepc == 0x10\nstval   == 0x4000\n", 13, 0x4000, 0x10),
        ("user thread 17 killed: scause 0x3\n", 3, None, None),
        (("usertrap(): unexcepted scause Exception(StorePageFault), pid=PId(0)\n sepc=5C4,"
          " stval=B040\n"), 15, 0xB040, 0x5C4),
        (("riscv_cpu_do_interrupt: hart:0, async:0, cause:000000000000000f, epc:0x0000003ffffff00c,"
          " tval:0x0000003fffffe028\n"),
         15, 0x3F_FFFF_E028, 0x3F_FFFF_F00C),
    ],
)  # fmt: skip  # a row for each
def test_registers_in_other_forms(text: str, scause: int, stval: int | None, sepc: int | None) -> None:
    trap = only(text)
    assert (trap.scause, trap.stval, trap.sepc) == (scause, stval, sepc)


def test_a_listing_of_32_bits_says_which_mode_it_was() -> None:
    listing = "00001000 0000000080201000 01000000 rwxu-ad\n80200000 0000000080200000 00100000 rwx-gad\n"
    trap = only(listing + "unexpected trap scause=0000000d, stval=01000423, sepc=8020128a\n")
    assert trap.refused == "U"
    assert "has rwxu there: with SUM 0 the supervisor may not touch a user page" in trap.says
    other = only(listing + "unexpected trap scause=0000000d, stval=01000423, sepc=8020128a, sstatus=00040120\n")
    assert other.refused == ""


@pytest.mark.parametrize(
    ("stval", "words"),
    [
        ("0x001000007ff89060", "is not an Sv39 address"),
        ("0x101010101010159", "It lies 0x58 behind 0x101_0101_0101_0101"),
    ],
)
def test_an_address_that_needs_no_table(stval: str, words: str) -> None:
    assert words in only(f"usertrap(): unexpected scause 0xd pid=3\n sepc=0x10 stval={stval}\n").says


@pytest.mark.parametrize("words", ["kvmpa", "kvmmap", "loadseg: address should exist", "trap"])
def test_panics_of_more_years_are_explained(words: str) -> None:
    assert vm.load(f"panic: {words}\n").panics[0].protects


ROOT = "page table 0x87f6e000\n"


LAYOUTS = (
    """\
||idx: 0: pa: 0x87f6a000, flags: ----
||   ||idx: 0: pa: 0x87f69000, flags: ----
||   ||   ||idx: 0: va: 0x0 -> pa: 0x87f6b000, flags: r-xu
""",
    """\
|-- VA:0x0 PTE:0x21fda801 PA:0x87f6a000
|   |-- VA:0x0 PTE:0x21fda401 PA:0x87f69000
|   |   |-- VA:0x0 PTE:0x21fdac1b PA:0x87f6b000
""",
    """\
..0: pte=0x21fda801 pa=0x87f6a000
.. ..0: pte=0x21fda401 pa=0x87f69000
.. .. ..0: pte=0x21fdac1b pa=0x87f6b000
""",
    """\
..0: pa 0x87f6a000 pte 0x21fda801
.. ..0: pa 0x87f69000 pte 0x21fda401
.. .. ..0: pa 0x87f6b000 pte 0x21fdac1b
""",
)


@pytest.mark.parametrize("text", LAYOUTS)
def test_other_layouts_of_a_printed_table(text: str) -> None:
    (table,) = vm.load(ROOT + text + "$ \n").tables
    assert (table.root, table.pieces) == (0x87F6_E000, (SaidRange(0, 0x1000, "r-xu", 0x87F6_B000),))


def test_a_root_in_another_form() -> None:
    assert (
        vm.load(ROOT.replace("table ", "table at pa ") + "..0: pte 0x21fda801 pa 0x87f6a000\n$ \n").tables[0].root
        == 0x87F6_E000
    )


@pytest.mark.parametrize(
    ("err", "refused", "access"),
    [(4, "P", "read"), (6, "P", "write"), (5, "U/S", "read"), (7, "", "write"), (0x10 | 5, "", "fetch")],
)
def test_the_error_code_of_xv6_for_x86(err: int, refused: str, access: str) -> None:
    trap = only(kinds.XV6_X86.replace("err 6", f"err {err}"))
    assert (trap.pid, trap.pc, trap.address, trap.code, trap.refused) == (3, 0x10, 0x4000, err, refused)
    assert f"The {access} of 0x4000" in trap.says


def test_a_list_of_the_monitor_says_which_bit() -> None:
    listing = "00000000-00001000 00001000 urw\n00001000-00002000 00001000 ur-\n"
    found = {
        (err, address): only(listing + kinds.XV6_X86.replace("err 6", f"err {err}").replace("0x4000", address)).refused
        for err, address in ((7, "0x1000"), (6, "0x4000"), (5, "0x80103000"))
    }
    assert found == {(7, "0x1000"): "R/W", (6, "0x4000"): "P", (5, "0x80103000"): "U/S"}


def test_pintos_in_the_kernel() -> None:
    trap = only("Page fault at 0x0: not present error reading page in kernel context.\n")
    assert (trap.code, trap.address, trap.refused) == (0, 0, "P")


@pytest.mark.parametrize(
    ("text", "code", "address", "pc"),
    [
        (
            "[kernel] PageFault in application, bad addr = 0x0, bad instruction = 0x80400414, core dumped.\n",
            None,
            0,
            0x80400414,
        ),
        ("Unsupported trap Exception(LoadPageFault), stval = 0x8!\n", 13, 8, None),
        ("[kernel] IllegalInstruction in application, core dumped.\n", 2, None, None),
    ],
)
def test_rcore(text: str, code: int | None, address: int | None, pc: int | None) -> None:
    trap = only(text)
    assert (trap.code, trap.address, trap.pc, trap.refused) == (code, address, pc, "")


@pytest.mark.parametrize(
    ("text", "where", "code", "address"),
    [
        ("page falut at 0x00000100: K/W\n", "kernel trap", 15, 0x100),
        ("Store/AMO page fault\npage falut at 0x00000100: U/W\n", "user trap", 15, 0x100),
        ("Load page fault\npage falut at 0x00007100: U/R\n", "user trap", 13, 0x7100),
        ("Instruction page fault\npage falut at 0x00007100: U/R\n", "user trap", 12, 0x7100),
        ("page falut at 0x00007100: K/0x0000000c\n", "kernel trap", 12, 0x7100),
        ("page fault at 0x00007100: U/W\n", "user trap", 15, 0x7100),  # that of x86 has words in brackets
    ],
)
def test_ucore_for_risc_v(text: str, where: str, code: int, address: int) -> None:
    trap = only(text)
    assert (trap.where, trap.code, trap.address, trap.register) == (where, code, address, "scause")
    listed = "0000000000007000 0000000087f5a000 0000000000001000 rw-u-a-\n(qemu) \n"
    assert (
        only(listed + text).refused == {0x100: "V", 0x7100: "X" if code == 12 else "U" if "K/" in text else ""}[address]
    )


@pytest.mark.parametrize(
    ("text", "code", "address", "pc"),
    [
        ("core   0: exception trap_store_page_fault, epc 0x800001a4\ncore   0:           tval 0x1008\n", 15, 0x1008,
         0x8000_01A4),
        ("core   0: exception trap_load_access_fault, epc 0x80000114\ncore   0:           tval 0x8\n", 5, 8,
         0x8000_0114),
        ("core   0: exception trap_illegal_instruction, epc 0x80000114\n", 2, None, 0x8000_0114),
        ("core   0: exception trap_user_ecall, epc 0x80000114\n", None, None, 0x8000_0114),
        ("panic: Fatal page fault at 0xffffffc0003f1234: 0x00000000000010\n", None, 0x10, 0xFFFF_FFC0_003F_1234),
    ],
)  # fmt: skip
def test_other_systems_on_risc_v(text: str, code: int | None, address: int | None, pc: int) -> None:
    pasted = vm.load(text)
    (trap,) = pasted.traps
    assert (trap.code, trap.address, trap.pc, pasted.panics) == (code, address, pc, ())


def test_ucore_for_risc_v_prints_the_low_half_of_an_address() -> None:
    assert any("low 32 bits" in one for one in vm.load("page falut at 0xc0200000: K/W\n").unsaid)


def test_ptdump_of_three_processors() -> None:
    lines = (
        "0xffff000000000000-0xffff000000200000           2M PMD       RW NX SHD AF            BLK UXN MEM/NORMAL",
        "0xffffffff81000000-0xffffffff82000000          16M     ro         PSE     GLB x  pmd",
        "0xffffffff82000000-0xffffffff83000000          16M                               pmd",
        "0xffffffff83000000-0xffffffff83200000    0x0000000080200000         2M PMD     D A G . . W R V",
    )
    (listing,) = vm.load("\n".join(lines) + "\n").listings
    assert [one.rights for one in listing.pieces] == ["rw--", "r-x-", "rw--"]
    assert [one.start for one in listing.absent] == [0xFFFFFFFF82000000]
    assert listing.pieces[2].pa == 0x8020_0000
