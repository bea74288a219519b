"""Faults of kernels for x86 in many dresses, and walks that debuggers print; all numbers are invented."""

from __future__ import annotations

import contextlib
import random
import re
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.sources.kinds import (
    BAD_MAP,
    BLOG_OS,
    FREEBSD,
    OPENBSD,
    OS161,
    QEMU,
    START,
    UCORE,
    VTOP,
    WINDBG,
    XEN,
)
from tests.sources.texts import TEXTS as TEXTS_FOLDER
from vmwidgets.given.pasted import SaidRange

TEXTS = (FREEBSD, OPENBSD, QEMU, BLOG_OS, UCORE, OS161, XEN, WINDBG, VTOP, BAD_MAP, START)


def only(text: str) -> Any:
    (trap,) = vm.load(text).traps
    return trap


@pytest.mark.parametrize(
    ("text", "address", "code", "refused", "begins"),
    [
        (FREEBSD.replace("write data, page not present", "read instruction, protection violation"), 0x18, 0x11, "",
         "The fetch of 0x18 by the kernel"),
        (FREEBSD.replace("supervisor write", "user read").replace("kernel mode", "user mode"), 0x18, 4, "P",
         "The read of 0x18 by user code"),
        (QEMU.replace(" CR2", "\n     CR2"), 4, 6, "P", "The write of 0x4 by user code"),
        (BLOG_OS.replace("VirtAddr(0x4008)", "Ok(VirtAddr(0x4008))").replace(
            "PROTECTION_VIOLATION | CAUSED_BY_WRITE", "PageFaultErrorCode(\n    CAUSED_BY_WRITE | USER_MODE,\n)"),
         0x4008, 6, "P", "The write of 0x4008 by user code"),
        (BLOG_OS.replace("PROTECTION_VIOLATION | CAUSED_BY_WRITE", "(empty)"), 0x4008, 0, "P", "The read of 0x4008"),
        ("page fault at 0x00001000: U/R [protection fault].\n", 0x1000, 5, "U/S", "The read of 0x1000 by user code"),
        ("Page fault! ( present read-only user-mode ) at 0xa0000000\n", 0xA000_0000, 6, "P", "The write of"),
        ("Page fault! ( not-present ) at 0xa0000000\n", 0xA000_0000, 0, "P", "The read of 0xa000_0000 by the kernel"),
        ("Page fault\ninterrupt: 000000000000000e\nerror code: 0000000000000000\naddress: 0000000000000002\n", 2, 0,
         "P", "The read of 0x2 by the kernel"),
        ("fault: 80000b0e old 0 error 6 cr2 aaaad000 at eip b71e9cf6\n", 0xAAAA_D000, 6, "P", "The write of"),
        ("CPU EXCEPTION: Page fault\nat address 0x1000\ntried to access 0x20\nerror code 0x3\n", 0x20, 3, "",
         "The write of 0x20 by the kernel"),
        ("Page Fault\nCR2: 0xdeadbeef\nError code: 16\n", 0xDEAD_BEEF, 16, "P", "The fetch of 0xdead_beef"),
        ("(XEN) FATAL PAGE FAULT\n(XEN) [error_code=0009]\n(XEN) Faulting linear address: 0000000000000144\n", 0x144, 9,
         "RSVD", "The read of 0x144 by the kernel"),
        ("Page fault (0x4) at 0xdeadbeef, rip=0x10\n", 0xDEAD_BEEF, 4, "P", "The read of 0xdead_beef by user code"),
        ("#PF at 0x1000 err=0x7 rip=0x2000\n", 0x1000, 7, "", "The write of 0x1000 by user code"),
        ("trapno=14 err_code=0x6 cr2=0x8 eip=0x1000\n", 8, 6, "P", "The write of 0x8 by user code"),
        ("PAGE FAULT\n  Present: 0\n  Write: 1\n  User: 1\n  faulting_address: 0xabc000\n", 0xABC000, 6, "P",
         "The write of 0xab_c000 by user code"),
        ("Page fault (0xe) at 0x401000, code 0x4, cr2 0x8\n", 8, 4, "P", "The read of 0x8 by user code"),
        (("vm_page_fault: vm_soft_fault returned error 'Bad address' on fault at 0x28, ip 0x1a2b3c, write 1, user 1,"
         " present 0\n"), 0x28, 6, "P", "The write of 0x28 by user code"),
        ("E: Page fault at address (nil) (error code 0x2)\n", 0, 2, "P", "The write of 0x0 by the kernel"),
        ("Page fault: 0000000000004008\nCODE:  0000000000000006\nRIP:   0000000000401000\n", 0x4008, 6, "P",
         "The write of 0x4008 by user code"),
        ("EXCEPTION: PAGE FAULT (CPU 0) while accessing 0x4008\nerror code: PageFaultErrorCode(CAUSED_BY_WRITE)\n",
         0x4008, 2, "P", "The write of 0x4008 by the kernel"),
        ("!!! Page fault !!!\nAddress: 0xB8000000\nReason: Write to non-present page\nRing: 3\n", 0xB800_0000, 6, "P",
         "The write of 0xb800_0000 by user code"),
        ("PF: va=0x1234 rip=0xffffffff80001000 error=0x2 (W)\n", 0x1234, 2, "P", "The write of 0x1234"),
    ],
)  # fmt: skip  # a row for each
def test_an_address_and_a_code_wherever_they_stand(
    text: str, address: int, code: int, refused: str, begins: str
) -> None:
    pasted = vm.load(text)
    (trap,) = pasted.traps
    assert (trap.address, trap.code, trap.refused) == (address, code, refused)
    assert trap.says.startswith(begins)
    assert pasted.panics == ()


@pytest.mark.parametrize(
    ("written", "code", "base"),
    [
        ("10", 0x10, "hexadecimal"), ("14", 0x14, "hexadecimal"), ("16", 16, "decimal"), ("20", 20, "decimal"),
        ("11", 11, "decimal"), ("11 instruction fetch", 0x11, "hexadecimal"), ("6", 6, ""), ("0x10", 0x10, ""),
    ],
)  # fmt: skip
def test_an_error_code_without_its_base_is_one_that_a_processor_has(written: str, code: int, base: str) -> None:
    """Intel SDM volume 3A, 4.7: RSVD is 1 only if P is, and a fetch is not a write."""
    pasted = vm.load(f"Page fault cr2=0x4000 error code={written}\n")
    assert pasted.traps[0].code == code
    assert any(f"is read as a {base} number, {code:#x}" in one for one in pasted.unsaid) == bool(base)


def test_a_head_and_the_line_with_its_numbers_are_one_fault() -> None:
    pasted = vm.load("KERNEL PANIC: Page fault!\n  eip=0xc0101234 cr2=0xcafe0008 err=2\n")
    assert [(one.address, one.code, one.pc) for one in pasted.traps] == [(0xCAFE_0008, 2, 0xC010_1234)]
    assert pasted.panics == ()


def test_words_alone_say_no_more_than_they_do() -> None:
    trap = only("wine: Unhandled page fault on write access to 0x003d2000 at address 0x4d86e6 (thread 0009)\n")
    assert (trap.address, trap.pc, trap.code, trap.refused) == (0x3D_2000, 0x4D_86E6, None, "")
    assert trap.says == "The write of 0x3d_2000 was refused; the text does not say why."


def test_the_tutorials_present_is_said_to_be_turned_round() -> None:
    assert any("prints 'present'" in one for one in vm.load("Page fault! ( present ) at 0x10\n").unsaid)


def test_the_tutorials_lack_of_present_may_be_turned_round_too() -> None:
    """Molloy's handler tests `!(err_code & 1)` and prints 'present': without the word, P is 1, or 0 if mended."""
    (trap,), unsaid = (found := vm.load("Page fault! ( write user ) at 0xa0000000\n")).traps, found.unsaid
    assert trap.code == 7
    assert any("If your handler was mended, P was 0" in one for one in unsaid)


@pytest.mark.parametrize(("digits", "address"), [("ffff8000", None), ("0000000000", None), ("ffff800000000ff8", -1)])
@pytest.mark.parametrize("end", ["\n", "", "\nRAX=0000000000000000 RBX=0000000000000000\n"])
def test_qemus_log_for_64_bits_has_addresses_of_16_digits(digits: str, address: int | None, end: str) -> None:
    line = "  0: v=0e e=0002 i=0 cpl=0 IP=0008:ffffffff80100000 pc=ffffffff80100000 SP=0010:ffff800000001000 CR2="
    pasted = vm.load(f"{line}{digits}{end}")
    assert pasted.traps[0].address == (address and int(digits, 16))
    assert any("is cut, and not read" in one for one in pasted.unsaid) == (address is None)


def test_qemus_log_for_32_bits_has_addresses_of_8_digits() -> None:
    pasted = vm.load(QEMU.replace("CR2=00000004", "CR2=00000"))
    assert pasted.traps[0].address is None
    assert any("is cut, and not read" in one for one in pasted.unsaid)


def test_an_address_without_0x_is_read_in_base_16_and_that_is_said() -> None:
    pasted = vm.load("page fault: addr=4096 err=2\n")
    assert pasted.traps[0].address == 0x4096
    assert "The address 4096 in line 1 has no 0x, and is read in base 16." in pasted.unsaid


def test_a_fault_is_looked_up_in_a_list_of_the_same_text() -> None:
    assert only(START + "Page fault at 0x1008 (present, write, user)\n").refused == "U/S"
    assert only("00004000-00005000 00001000 ur-\n" + BLOG_OS).refused == "R/W"


def test_bochs_lists_what_is_mapped_without_rights() -> None:
    tab = "cr3: 0x000000100000\n0x00000000-0x000fffff -> 0x000000000000-0x0000000fffff\n"
    tab += "0xc0000000-0xc00fffff -> 0x000000200000-0x0000002fffff\n"
    (listing,) = vm.load(tab).listings
    assert listing.pieces == (
        SaidRange(0, 0x10_0000, "r???", 0), SaidRange(0xC000_0000, 0x10_0000, "r???", 0x20_0000),
    )  # fmt: skip
    fault = "Page fault cr2=0x{} error code=0x{}\n"
    absent = vm.load(tab + fault.format("8000", "2").replace("8000", "80000000")).traps[0]
    assert "does not have it, so P is 0" in absent.says
    present = vm.load(tab + fault.format("8000", "3"))
    assert "does not say these rights" in present.traps[0].says
    assert not any("does not fit" in one for one in present.unsaid)
    assert any("does not fit" in one for one in vm.load(tab + fault.format("8000", "2")).unsaid)
    damaged = vm.load(tab.replace("0x0000002fffff", "0x0000001fffff"))
    assert (len(damaged.ranges), "contradicts itself" in damaged.unsaid[0]) == (1, True)


def test_a_tlb_miss_of_mips_walks_no_table() -> None:
    user = only("Fatal user mode trap 2 sig 11 (TLB miss on load, epc 0x4000a0, vaddr 0x20)\n")
    assert (user.where, user.address) == ("user mode", 0x20)


def test_two_faults_are_two_and_doubled_lines_are_one() -> None:
    assert [trap.address for trap in vm.load(FREEBSD + FREEBSD.replace("0x18", "0x20")).traps] == [0x18, 0x20]
    twice = "".join(2 * f"{line}\n" for line in ("= Page fault =", " Fault address: 0x10", " Error code: 2"))
    assert [(trap.address, trap.code) for trap in vm.load(twice).traps] == [(0x10, 2)]


def test_a_log_of_many_faults_is_read_in_part_and_that_is_said() -> None:
    pasted = vm.load("".join(QEMU.replace("CR2=00000004", f"CR2={at:08x}") for at in range(2_100)))
    assert len(pasted.traps) == 2_000
    assert "The faults from line 2001 on are not read: at most 2,000 are." in pasted.unsaid


def test_other_exceptions_of_a_log_are_no_page_faults() -> None:
    log = QEMU + "  13: v=20 e=0000 i=1 cpl=0 IP=0008:00100000\n  14: v=08 e=0000 i=0 cpl=0 IP=0008:00100000\n"
    assert [(trap.means, trap.address) for trap in vm.load(log).traps] == [("page fault", 4), ("double fault", None)]
    assert only(FREEBSD.replace("12: page", "9: general protection").replace("fault code", "x")).address is None


def test_a_walk_that_a_debugger_prints() -> None:
    large = WINDBG.replace("0A00000012347867", "0A000000126000E3").replace("8000000012348005", "0000000000000000")
    assert vm.load(large).tables[0].ranges == (SaidRange(0, 0x20_0000, "rwx-", 0x1260_0000),)
    whole = (
        "crash> vtop ffff888012345678\nVIRTUAL           PHYSICAL\nffff888012345678  12345678\n\n"
        "PGD DIRECTORY: ffffffff82410000\nPAGE DIRECTORY: 2e01067\n   PUD: 2e01000 => 2e02067\n"
        "   PMD: 2e02488 => 12a15063\n   PTE: 12a15a28 => 8000000012345163\n  PAGE: 12345000\n"
    )
    for text in (whole, whole.replace("VIRTUAL", "\nVIRTUAL", 1)):
        (trap,) = vm.load(text).traps
        assert trap.walk.pa == 0x1234_5678
        assert not any("has no descriptors" in one for one in vm.load(text).unsaid)


XEN_WALK = (
    "(XEN) Pagetable walk from ffff82d080000010:\n(XEN)  L4[0x105] = 0000000000abc063 ffffffffffffffff\n"
    "(XEN)  L3[0x142] = 0000000000000000 ffffffffffffffff\n"
)
VTOP_USER = "crash> vtop 7f0000005000\n   PGD: 12a147f0 => 12a15067\n"


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        (f"{VTOP_USER}   PUD: 12a15000 =>\n", "PUD", [0x12A1_5067]),
        (f"{VTOP_USER}   PUD: 12a15000 =", "PUD", [0x12A1_5067]), (f"{VTOP_USER}   PUD:\n", "PUD", [0x12A1_5067]),
        (f"{VTOP_USER}   PUD: 12a15000 => 12a16067\n   PMD: 12a16000\n", "PMD", [0x12A1_5067, 0x12A1_6067]),
        (XEN[: XEN.index("L3")] + "L3[0x000] = 00000000bf4\n", "L3", [0x1234_5063]),
        (XEN[: XEN.index("L3") + 12], "L3", [0x1234_5063]),
        (WINDBG.replace("8000000012348005", "80000001223"), "PTE", [0xA00_0000_1234_5867 + 4096 * n for n in range(3)]),
        (WINDBG.replace("8000000012348005", "8000"), "PTE", [0xA00_0000_1234_5867 + 4096 * n for n in range(3)]),
        (WINDBG.replace("8000000012348005", "80000012"), "PTE", [0xA00_0000_1234_5867 + 4096 * n for n in range(3)]),
    ],
)  # fmt: skip
def test_a_descriptor_of_a_walk_that_is_cut_is_named_and_not_read(text: str, name: str, values: list[int]) -> None:
    """Left of crash's arrow is a descriptor's address; Xen and WinDbg print all 16 digits."""
    pasted = vm.load(text)
    assert [word for _, word in pasted.tables[0].listed] == values
    (trap,) = pasted.traps
    assert (trap.refused, trap.walk) == ("", None)
    assert not trap.says.endswith(": .")
    assert any(one.startswith(f"{name} in line") and one.endswith("is cut, and not read.") for one in pasted.unsaid)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (BAD_MAP, "addr:00007f0000005000", "addr:00007f000000"), (WINDBG, "VA 0000000000010000", "VA 000000001"),
        (XEN_WALK, "from ffff82d080000010", "from ffff82d0"),
    ],
)  # fmt: skip
def test_the_address_of_a_walk_that_is_cut_is_not_another(text: str, old: str, new: str) -> None:
    """Xen, WinDbg and Linux print all digits of an address."""
    lines = "panic: kfree\n"  # so that something is read
    pasted = vm.load(text.replace(old, new) + lines)
    assert [trap.address for trap in pasted.traps if trap.address is not None] == []
    assert any("is cut, and not read" in one for one in pasted.unsaid)


def test_windbgs_mark_in_an_address_is_not_its_end() -> None:
    marked = vm.load(WINDBG.replace("VA 0000000000010000", "VA 00000000`00010000"))
    assert marked.traps[0].address == 0x1_0000


def test_windbg_for_32_bits_prints_8_digits() -> None:
    text = "  VA 7ffe0000\nPDE at C03007FC    PTE at C01FFF80\ncontains 03A52067  contains {}\n"
    assert vm.load(text.format("00041025")).traps[0].walk.pa == 0x4_1000
    cut = vm.load(text.format("00041"))
    assert cut.traps[0].walk is None
    assert any("PTE in line 3 is cut" in one for one in cut.unsaid)


@pytest.mark.parametrize(
    "head", ["801544F4  - PDE at {}        PTE at {}\n", "      VA 801544f4\nPDE at {}     PTE at {}\n"]
)
def test_windbg_for_32_bits_has_two_tables_or_three(head: str) -> None:
    """With PAE, descriptors have 16 digits, and the third level is not printed: Intel SDM volume 3A, 4.4.2."""
    (two,) = vm.load(head.format("C0300800", "C0200550") + "   contains 0003B163      contains 00154121\n").traps
    assert (two.walk.format, two.walk.pa) == ("x86", 0x15_44F4)
    pae = head.format("C0602000", "C0400AA0") + "contains 000000000003B063  contains {}\n"
    pasted = vm.load(pae.format("8000000000154123"))
    assert pasted.tables[0].format == "x86-pae"
    assert "0x8015_44f4 is at physical 0x15_44f4, if P of the PDPTE is 1" in pasted.traps[0].says
    (absent,) = vm.load(pae.format("00000012300000E0")).traps
    assert (absent.refused, absent.walk) == ("P", None)
    assert any("PTE in line" in one and "is cut" in one for one in vm.load(pae.format("80000000")).unsaid)


def test_the_last_descriptor_of_crash_may_have_lost_digits() -> None:
    pasted = vm.load(f"{VTOP_USER}   PUD: 12a15000 => 12a1\n")
    assert any("PUD in line 3 is cut" in one for one in pasted.unsaid)  # shorter than all others
    with pytest.raises(vm.Refused, match="PGD in line 2 is cut"):  # shorter than its own address
        vm.load("crash> vtop 7f0000005000\n   PGD: 12a147f0 => 12a1\n")
    pasted = vm.load(f"{VTOP_USER}   PUD: 12a15000 => 80000001234\n")
    assert any("PUD in line 3 is cut" in one for one in pasted.unsaid)  # neither as long as others nor 16 digits
    pasted = vm.load(f"{VTOP_USER}   PUD: 12a15000 => 12a16067\n")
    assert any("digits of its descriptor may be missing" in one for one in pasted.unsaid)
    assert len(pasted.tables[0].listed) == 2


@pytest.mark.parametrize(
    ("text", "old", "new", "right"),
    [
        (XEN_WALK, "L4[0x105]", "L4[0x106]", "0x105"), (XEN_WALK, "L3[0x142]", "L3[0x143]", "0x142"),
        (WINDBG, "PTE at FFFFF68000000080", "PTE at FFFFF68000000088", "0x10"), (VTOP, "12a14ff0", "12a14ff8", "0x1fe"),
    ],
)  # fmt: skip
def test_an_entry_that_the_address_does_not_have_is_said(text: str, old: str, new: str, right: str) -> None:
    """0xffff82d080000010 has the indices 0x105 and 0x142; descriptors of 8 bytes lie at their index times 8."""
    assert not any("one of the two is damaged" in one for one in vm.load(text).unsaid)
    assert any(
        f"has entry {right} there: one of the two is damaged" in one for one in vm.load(text.replace(old, new)).unsaid
    )


def test_the_command_of_a_debugger_is_not_a_line_of_a_page_table() -> None:
    assert vm.load("0: kd> !pte 0x10000\n" + WINDBG).unsaid == vm.load("\n" + WINDBG).unsaid


def test_a_course_lists_pages_by_their_numbers() -> None:
    (listing,) = vm.load(START).listings
    assert listing.pieces == (
        SaidRange(0, 0x1000, "rw?u", 0x1_2000), SaidRange(0x1000, 0x1000, "rw?-", 0x1_3000),
    )  # fmt: skip
    assert listing.unsaid_at(0x5000) == ""
    cut = vm.load(START.replace("END PAGE TABLE\n", "")).listings[0]
    assert "may go on" in cut.unsaid_at(0x5000)
    left_out = vm.load(START.replace("0x1 P", "...\n0x7 P")).listings[0]
    assert "leaves lines out" in left_out.unsaid_at(0x2000)


def test_a_number_that_is_cut_off_at_the_end_is_not_read() -> None:
    assert vm.load(QEMU.replace("CR2=00000004\n", "CR2=00000")).traps[0].address is None
    for cut in range(XEN.index("L3"), XEN.index("L3") + 28):
        for trap in vm.load(XEN[:cut]).traps:
            assert trap.refused != "P" or trap.walk is None, cut


def test_a_descriptor_that_is_shorter_than_all_others_at_the_end_is_not_read() -> None:
    text = (
        "BUG: kernel NULL pointer dereference, address: 0000000000000008\n#PF: error_code(0x0003)\n"
        "PGD 1234067 P4D 1234067"
    )
    assert only(f"{text} PUD 5678067 PMD 56\n").walk is None
    assert only(f"{text} PUD 5678067 PMD 0\n").walk is not None


def test_a_protection_key_that_refused_the_kernel_is_not_smap() -> None:
    text = (
        "BUG: unable to handle page fault for address: 00007f0000001000\n#PF: error_code(0x0021)\n"
        "PGD 1234067 P4D 1234067 PUD 5678067 PMD 5679067 PTE 800000000567a067\n"
        "RSP: 0018:ffffc90000013e00 EFLAGS: 00010202\n"
        "CR2: 00007f0000001000 CR3: 0000000001234000 CR4: 00000000007706f0\n"
    )
    assert only(text).refused == "PK"


def test_an_oops_of_arm64_whose_first_descriptor_is_damaged() -> None:
    text = (
        "Unable to handle kernel paging request at virtual address ffff9fc910a12340\n  ESR = 0x0000000096000006\n"
        "[ffff9fc910a12340] pgd=zz, p4d=000000007bfff003, pud=000000007bfff003, pmd=0000000000000000\n"
    )
    assert only(text).address == 0xFFFF_9FC9_10A1_2340


def damaged(text: str, chance: random.Random) -> str:
    """The text cut, doubled, shuffled, interleaved, or with other characters."""
    lines = text.splitlines(keepends=True)
    kind = chance.randrange(6)
    if kind == 0:
        at = sorted(chance.choices(range(len(text)), k=2))
        return text[: at[0]] + text[at[1] :]
    if kind == 1:
        return "".join(line * chance.randrange(3) for line in lines)
    if kind == 2:
        return "".join(chance.sample(lines, len(lines)))
    if kind == 3:
        other = chance.choice(TEXTS).splitlines(keepends=True)
        return "".join(one for pair in zip(lines, other * 9, strict=False) for one in pair)
    if kind == 4:
        return "".join(chance.choice("0x9fZ g=-\n:") if chance.random() < 0.03 else one for one in text)
    return text.replace("0x", chance.choice(("", "0b", "0x0x", "0o"))).replace("1", chance.choice("1f-"))


def test_damaged_texts_are_read_or_refused() -> None:
    chance = random.Random(4)
    for text in TEXTS:
        for _ in range(40):
            with contextlib.suppress(vm.Refused):
                repr(vm.load(damaged(text, chance)))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Interrupt 0x0d (#GP General Protection Exception) at eip=c0021234\n cr2=00000000 error=00000010\n", "0x0d"),
        ("EXCEPTION: DOUBLE FAULT\nCR2=0x1000 ERR=0\n", "DOUBLE FAULT"),
        ("trap 13 err 0x10 cr2 0x1000\n", "trap 13"),
    ],
)
def test_another_exception_with_cr2_is_no_page_fault(text: str, kind: str) -> None:
    """Intel SDM 6.15: only vector 14 loads CR2; other handlers print what it still has."""
    (trap,) = vm.load(text).traps
    assert kind in trap.says
    assert "not a page fault" in trap.says
    assert trap.address is None


NO_X86 = (TEXTS_FOLDER / "no-x86-faults.txt").read_text(encoding="utf-8").split("\n\n")[1:]


def of_no_x86() -> Any:
    """Yield each text of the file with what is read of it, also as other consoles print it."""
    of = ""
    for paragraph in NO_X86:
        head, _, rest = paragraph.partition("\n")
        of, text = (head.removeprefix("== "), rest) if head.startswith("== ") else (of, paragraph)
        lines = text.strip("\n").split("\n")
        for dressed in (lines, [f"[   12.345678] {line}" for line in lines], [f"> {line}" for line in lines]):
            yield of, "\n".join([*dressed, ""])


def test_no_fault_of_another_processor_or_of_none_is_one_of_x86() -> None:
    """x86 is said of a text that has its registers, its vector or its error code, or a system's own words."""
    seen = 0
    for of, text in of_no_x86():
        seen += 1
        found: Any = None
        with contextlib.suppress(vm.Refused):
            found = vm.load(text)
        traps, what = getattr(found, "traps", ()), getattr(found, "what", ())
        assert bool(traps) == (of != "nothing"), text
        assert of == "nothing" or any(one.endswith(of) for one in what), (text, what)
        words = " ".join([*what, *(one.says + one.where + one.register for one in traps if of not in what)])
        for word in ("x86", "P 0", "U/S", "R/W", "SMAP", "XD", "error code"):
            assert word not in words, text
    assert seen >= 200


@pytest.mark.parametrize(
    ("text", "words", "source"),
    [
        ("kernel panic at kern/pmap.c:165: PADDR called with invalid kva 00000000\n",
         "PADDR called with invalid kva 00000000", "kern/pmap.c:165"),
        ("kernel panic at kern/mm/vmm.c:399:\n    no vma covers it\n", "no vma covers it", "kern/mm/vmm.c:399"),
        ("[00001000] user panic in forktree at lib/fork.c:87: bad\n", "bad", "lib/fork.c:87"),
        ("panic(cpu 1): vm_page_release: page 0x2788000 still mapped\n",
         "vm_page_release: page 0x2788000 still mapped", "a kernel or a program"),
    ],
)  # fmt: skip
def test_a_panic_names_its_place_as_jos_ucore_and_mach_print_it(text: str, words: str, source: str) -> None:
    pasted = vm.load(text)
    assert [one.text for one in pasted.panics] == [words]
    assert any(source in one for one in pasted.unsaid)


def test_sev_snp_refuses_by_its_own_table() -> None:
    text = (
        "BUG: unable to handle page fault for address: ffff888100012000\n#PF: error_code(0x80000003) - RMP violation\n"
        "PGD 2e01067 P4D 2e01067 PUD 2e02067 PMD 2e03067 PTE 8000000100012163\ndone\n"
    )
    assert only(text).refused == only(text.replace("PGD", "xxx")).refused == "RMP"
    assert only(text.replace("80000003", "00000003")).refused != "RMP"


UEFI = """!!!! X64 Exception Type - 0E(#PF - Page-Fault)  CPU Apic ID - 00000000 !!!!
ExceptionData - 0000000000000003  I:0 R:0 U:0 W:1 P:1 PK:0 SS:0 SGX:0
RIP  - 000000003EB01234, CS  - 0000000000000038, RFLAGS - 0000000000210202
CR0  - 0000000080010033, CR2 - 000000003EC03FC0, CR3 - 000000003EC01000
"""
ZCORE = """[161.467 ERROR 0 0:0] page fault from user mode 0x0 WRITE
[161.533 ERROR 0 0:0] Page Fault from user mode: UserContext {
    error_code: 0x6,
}
<== write not-present page fault, PC at 0x110200001a59
 CS:                   0 RIP:     0x110200001a59 EFL:             0x3202 CR2:                  0
"""


@pytest.mark.parametrize(
    ("text", "address", "code", "pc"),
    [
        (UEFI, 0x3EC0_3FC0, 3, 0x3EB0_1234),
        ("Exception 14\nError code: 0x2\nFault address (CR2): 0x41\n", 0x41, 2, None),
        (ZCORE, 0, 6, 0x1102_0000_1A59),
        ("E: Page fault at address 0x8 (error code 0x2)\n", 8, 2, None),
        ("A page fault occurred at address 0x8, error code 0x2\n", 8, 2, None),
        ("Page fault\nat address 0x1000\ntried to access 0x20\nerror code 0x3\n", 0x20, 3, 0x1000),
        ("Page fault at 0x10\nError code: 110b\n", 0x10, 6, None),
        ("Page fault at 0x10\nError code: 0b110\n", 0x10, 6, None),
        ("Bad kernel fault at addr=0x8\ntrap:                e err:                2 rip:       1000\n", 8, 2, 0x1000),
        (("ERROR: KERNEL PANIC: PAGE FAULT\nERROR: Faulting virtual address: 0xd0810014\\n\n"
          "ERROR: Error code: CAUSED_BY_WRITE\\n\n"), 0xD081_0014, 2, None),
        (("page fault at 0xc0100210: U/R [protection fault].\n  trap 0x0000000e Page Fault\n  err  0x00000005\n"
          "  eip  0xc0100000\n"), 0xC010_0210, 5, None),
        (("kernel-1  | page fault at 0xc0100210: U/R [protection fault].\n"
          "kernel-1  |   err  0x5\n"), 0xC010_0210, 5, None),
    ],
)  # fmt: skip
def test_evidence_of_x86_is_enough_in_any_dress(text: str, address: int, code: int, pc: int | None) -> None:
    trap = only(text)
    assert (trap.address, trap.code, trap.pc) == (address, code, pc)
    assert not any("do not fit" in one for one in vm.load(text).unsaid)


@pytest.mark.parametrize("path", sorted((TEXTS_FOLDER / "pasted").glob("*.txt")), ids=lambda path: path.stem)
def test_digits_of_either_case_are_the_same(path: Path) -> None:
    text = path.read_text(encoding="utf-8").partition("\n----\n")[2]
    upper = re.sub(r"(?<![A-Za-z0-9_])(?:0x)?[0-9a-f]{3,16}(?![A-Za-z0-9_])", raised, text)
    one, other = vm.load(text), vm.load(upper)
    assert [(trap.address, trap.code, trap.refused) for trap in one.traps] == [
        (trap.address, trap.code, trap.refused) for trap in other.traps
    ]
    assert [listing.pieces for listing in one.listings] == [listing.pieces for listing in other.listings]
    assert [table.ranges for table in one.tables] == [table.ranges for table in other.tables]


def raised(found: re.Match[str]) -> str:
    return found[0].upper().replace("0X", "0x")


def test_the_status_of_a_fetch_has_no_mark_that_the_text_lacks() -> None:
    trap = only("PAGE FAULT ifsr: 0x7 ifar: 0x00000010\n")
    assert trap.says.startswith("The fetch of 0x10 was refused")
    assert not any("bit 31" in one or "WnR" in one for one in trap.decoded)
    assert any("bit 31" in one for one in only("page fault: FSR=0x80000007 FAR=0x10\n").decoded)


def test_who_made_an_access_on_arm_is_said_only_if_the_text_does() -> None:
    assert only("Unhandled fault: alignment exception (0x001) at 0x76fb1001\n").where not in (
        "user mode",
        "kernel mode",
    )
    assert only("init: unhandled page fault (11) at 0x000008ec, code 0x817\n").where == "user mode"


def test_a_domain_fault_is_refused_by_dacr_and_not_by_the_descriptors() -> None:
    text = (
        "Unhandled fault: page domain fault (0x81b) at 0x76fb1000\n"
        "[76fb1000] *pgd=3812a831, *pte=36ec075f, *ppte=36ec0c7f\nInternal error: : 81b [#1] PREEMPT SMP ARM\n"
    )
    trap = only(text)
    assert (trap.code, trap.refused) == (0x81B, "domain")
    assert "DACR" in trap.says
    alone = only(text.splitlines()[0] + "\n")
    assert (alone.refused, alone.walk, "DACR" in alone.says) == ("domain", None, True)


@pytest.mark.parametrize(
    ("text", "address", "code"),
    [
        ("[pod/kernel-0/qemu] Page fault at 0x10: not present error reading page in user context.\n", 0x10, 4),
        ("Page fault\nCR2: 0x00000000deadbee\nf err: 0x2\n", None, None),
        ("Page Fault { error_code: CAUSED_BY_WRITE, cr2: VirtAddr(0x8) }\n", 8, 2),
        ("Page Fault { error_code: PROTECTION_VIOLATION | CAUSED_BY_WRIT\nE | USER_MODE, cr2: 0x8 }\n", 8, None),
        ("Page fault\ncr2 0x8\nError Code: (empty)\n", 8, 0),
        ("PANIC: FATAL PAGE FAULT AT 0XFFFFFFC000123456: 0X18\n", 0x18, None),
    ],
)
def test_damage_changes_no_reason(text: str, address: int | None, code: int | None) -> None:
    """A prefix names no mode, and what a window has cut is not read."""
    try:
        traps = vm.load(text).traps
    except vm.Refused:
        traps = ()
    assert [(trap.address, trap.code) for trap in traps] == [(address, code)] * (address is not None)


def test_the_address_of_ucores_next_fault_is_not_the_one_before() -> None:
    frame = "not valid addr {}, and  can not find it in vma\n  trap 0x0000000e Page Fault\n  err  0x00000006\n"
    with pytest.raises(vm.Refused):
        vm.load(frame.format("100") + frame.format("200"))
