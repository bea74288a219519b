"""Oopses of Linux: each bit that refused was worked out by hand from the descriptors and from the code."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from tests.sources import kinds
from vmwidgets.engine.mmu.formats.aarch64 import status_of
from vmwidgets.engine.mmu.tables import Shown
from vmwidgets.sources.pasted import oops
from vmwidgets.sources.pasted.oops_arm import status_of as fsr_says
from vmwidgets.sources.pasted.x86_codes import code_of


def only(text: str) -> Any:
    (trap,) = vm.load(text).traps
    return trap


def words(trap: Any) -> list[int]:
    return [step.value for step in trap.walk.steps]


def x86(address: str, code: int, tables: str, more: str = "") -> str:
    access = f"BUG: unable to handle page fault for address: {address}\n#PF: error_code(0x{code:04x}) - x\n"
    return f"{access}{tables}\nOops: {code:04x} [#1] SMP\n{more}\n"


KERNEL_PAGE = "ffffffff81e00010"
USER_PAGE = "00007f1234567000"


@pytest.mark.parametrize(
    ("text", "refused", "levels"),
    [
        (x86("0000000000000008", 2, "PGD 0 P4D 0 "), "P", 1),
        (x86("0000000000000008", 2, "PGD 1234067 P4D 1234067 PUD 0 "), "P", 2),
        (x86("0000000000000008", 0, "PGD 1234067 PUD 5678067 PMD 0 "), "P", 3),
        (x86(KERNEL_PAGE, 3, "PGD 2a0d067 P4D 2a0d067 PUD 2a0e063 PMD 8000000001e001a1 "), "R/W", 3),
        (x86(KERNEL_PAGE, 0x11, "PGD 2a0d067 P4D 2a0d067 PUD 2a0e063 PMD 8000000001e001e3 "), "XD", 3),
        (
            x86(USER_PAGE, 1, "PGD 1067 P4D 1067 PUD 2067 PMD 3067 PTE 8000000004067", "CR4: 00000000003706f0"),
            "SMAP",
            4,
        ),
        (x86(USER_PAGE, 0x11, "PGD 1067 P4D 1067 PUD 2067 PMD 3067 PTE 4067", "CR4: 00000000001706f0"), "SMEP", 4),
        (x86(USER_PAGE, 5, "PGD 1067 P4D 1067 PUD 2067 PMD 3063 PTE 4067"), "U/S", 4),
        (x86(USER_PAGE, 9, "PGD 1067 P4D 1067 PUD 2067 PMD 3067 PTE 4000000004067"), "RSVD", 4),
        (x86("ff11000000000000", 0, "PGD 1067 P4D 2067 PUD 0"), "P", 3),
    ],
)
def test_the_bit_that_refused_on_x86(text: str, refused: str, levels: int) -> None:
    trap = only(text)
    assert (trap.refused, len(trap.walk.steps)) == (refused, levels)


def test_five_levels_are_told_from_a_folded_p4d() -> None:
    folded, five = (only(x86("0000000000000008", 0, f"PGD 1067 P4D {p4d} PUD 0")) for p4d in ("1067", "2067"))
    assert (folded.walk.format, five.walk.format) == ("x86-64", "x86-64-la57")


@pytest.mark.parametrize(
    ("tables", "format", "levels"),
    [
        ("*pde = 00000000", "x86", [0]),
        ("*pde = 01234067 *pte = 00000000", "x86", [0x1234067, 0]),
        (
            "*pdpt = 0000000001a34001 *pde = 0000000036d7b067 *pte = 0000000000000000",
            "x86-pae",
            [0x1A34001, 0x36D7B067, 0],
        ),
    ],
)
def test_kernels_of_32_bits(tables: str, format: str, levels: list[int]) -> None:  # noqa: A002  the field's name
    text = (
        f"BUG: unable to handle kernel NULL pointer dereference at 00000004\nIP: [<c0123456>]"
        f" x\n{tables}\nOops: 0002 [#1]\n"
    )
    trap = only(text)
    assert (trap.refused, trap.walk.format, words(trap), trap.pc) == ("P", format, levels, 0xC0123456)


def test_tables_that_allow_what_failed_give_no_bit() -> None:
    pasted = vm.load(x86(KERNEL_PAGE, 2, "PGD 2a0d067 P4D 2a0d067 PUD 2a0e063 PMD 1e001e3 "))
    assert pasted.traps[0].refused == ""
    assert any("allow what failed" in one for one in pasted.unsaid)


@pytest.mark.parametrize("mode", [0x21, 0x25])
def test_a_protection_key_is_no_smap_and_no_stale_tlb(mode: int) -> None:
    text = x86(USER_PAGE, mode, "PGD 1067 P4D 1067 PUD 2067 PMD 3067 PTE 8000000004067", "CR4: 00000000007706f0")
    trap = only(text)
    assert trap.refused == "PK"
    assert "protection key" in trap.says
    assert not any("TLB" in said for said in vm.load(text).unsaid)


def test_an_error_code_and_words_that_name_two_accesses_are_said() -> None:
    text = x86("0000000000000008", 0, "PGD 0 P4D 0 ").replace(
        "#PF: error", "#PF: supervisor {} access in kernel mode\n#PF: error"
    )
    assert any("two accesses" in said for said in vm.load(text.format("write")).unsaid)
    assert not any("two accesses" in said for said in vm.load(text.format("read")).unsaid)
    (said,) = (one for one in vm.load(text.format("read").replace("(0x0000)", "(0x0004)")).unsaid if "accesses" in one)
    assert "by the kernel in words" in said and "by user code in its" in said


def test_descriptors_in_the_last_line_may_be_cut() -> None:
    whole = "BUG: unable to handle page fault for address: 0000000000000008\n#PF: error_code(0x0002) - x\nPGD 1067 PUD "
    assert not any("may be missing" in said for said in vm.load(f"{whole}0\n").unsaid)
    assert any("may be missing" in said for said in vm.load(f"{whole}20\n\n").unsaid)
    assert not any("may be missing" in said for said in vm.load(f"{whole}20\nOops: 0002 [#1]\n").unsaid)


def test_an_address_that_is_not_canonical_needs_no_table() -> None:
    trap = only(
        "general protection fault, probably for non-canonical address 0xdead000000000108: 0000 [#1] PREEMPT SMP\n"
    )
    assert (trap.means, trap.address, trap.refused, trap.walk) == (
        "general protection fault",
        0xDEAD000000000108,
        "",
        None,
    )
    assert "bits 63 to 47 are not all equal" in trap.says


@pytest.mark.parametrize(
    ("line", "means"),
    [
        ("traps: a.out[77] general protection fault ip:401000 sp:7fff00001000 error:0", "general protection fault"),
        ("traps: a.out[77] general protection ip:401000 sp:7fff00001000 error:0", "general protection fault"),
        ("a.out[77]: trap divide error ip:401000 sp:7fff00001000 error:0", "divide error"),
        ("traps: a.out[77] trap stack segment ip:401000 sp:7fff00001000 error:0", "stack segment"),
    ],
)
def test_other_exceptions_of_programs_are_of_user_code(line: str, means: str) -> None:
    trap = only(f"{line} in a.out[400000+1000]\n")
    assert (trap.where, trap.means, trap.pid, trap.pc, trap.address) == ("user mode", means, 77, 0x40_1000, None)


@pytest.mark.parametrize(
    ("text", "address", "esr", "refused"),
    [
        (("panic(cpu 0 caller 0xfffffe0012345678): Kernel data abort. at pc 0xfffffe0011223344, lr 0xfffffe0011223340\n"
         "  x0: 0x0000000000000000\n pc: 0xfffffe0011223344 cpsr: 0x60401208  esr: 0x96000006  far: 0x0000000000000010"
         "\n"), 0x10, 0x9600_0006, "valid"),
        (("Fatal data abort:\n  x0: 0000000000000000\n elr: ffff000000412345\n far: 0000000000000010\n"
         " esr:         96000044\npanic: data abort in critical section\n"), 0x10, 0x9600_0044, "valid"),
        ("Taking exception 4 [Data Abort] on CPU 0\n...from EL1 to EL1\n...with ESR 0x25/0x9600004f\n...with FAR 0x8\n",
         8, 0x9600_004F, ""),
        ("CPU Exception!\n\nESR_EL1: 0x82000005\nFAR_EL1: 0x0000000200000000\n", 0x2_0000_0000, 0x8200_0005, "valid"),
        ("ERROR_INVALID_EL1h, ESR: 96000045, address: 80abc\n", None, 0x9600_0045, ""),
    ],
)  # fmt: skip
def test_other_kernels_on_aarch64(text: str, address: int | None, esr: int, refused: str) -> None:
    """ARM DDI 0487, D17.2.37: EC is bits 31:26, WnR bit 6; status 4 to 7 is a translation fault."""
    pasted = vm.load(text)
    (trap,) = pasted.traps
    assert (trap.address, trap.code, trap.refused, trap.where) == (
        address, esr, refused, "user mode" if esr >> 26 == 0x20 else "kernel mode",
    )  # fmt: skip
    assert (pasted.what, pasted.panics) == (("a kernel on AArch64",), ())
    made = "fetch" if esr >> 26 == 0x20 else "write" if esr & 1 << 6 else "read"
    assert address is None or trap.says.startswith(f"The {made} of")


def test_an_address_of_the_upper_half_is_canonical() -> None:
    trap = only("general protection fault, maybe for address 0xffff888012345678: 0000 [#1] PREEMPT SMP\n")
    assert "0xffff_8880_1234_5678, which is canonical" in trap.says


@pytest.mark.parametrize(
    ("code", "refused"), [(4, "P"), (6, "P"), (0x14, "P"), (5, "U/S"), (7, ""), (0x15, ""), (0x25, "PK")]
)
def test_a_segfault_has_the_error_code_alone(code: int, refused: str) -> None:
    trap = only(
        f"a.out[1234]: segfault at 10 ip 000055d0c0de1139 sp 00007ffd00001000 error {code:x} in"
        f" a.out[55d0c0de1000+1000]\n"
    )
    assert (trap.pid, trap.code, trap.refused) == (1234, code, refused)


def test_the_error_code_in_words() -> None:
    assert (code_of(0x17).access, code_of(0x17).user) == ("execute", True)
    assert [one.split(" is ")[0] for one in code_of(0).decoded] == ["P (bit 0)", "W/R (bit 1)", "U/S (bit 2)"]


def arm64(address: str, esr: int, tables: str, size: str = "4k pages, 39-bit VAs", more: str = "") -> str:
    return (
        f"Unable to handle kernel paging request at virtual address {address}\n  ESR = {esr:#018x}\n"
        f"swapper pgtable: {size}, pgdp=0000000001cf5000\n[{address}] {tables}\n{more}\n"
    )


TABLE3 = "pgd=000000007bfff003, p4d=000000007bfff003, pud=000000007bfff003, pmd="


@pytest.mark.parametrize(
    ("text", "refused", "levels"),
    [
        (arm64("ffffffc010a12340", 0x96000005, ("pgd=0000000000000000, p4d=0000000000000000,"
                                                " pud=0000000000000000")), "valid", 1),
        (arm64("ffffffc010a12340", 0x96000006, f"{TABLE3}0000000000000000"), "valid", 2),
        (arm64("ffffffc010a12340", 0x9600004E, f"{TABLE3}0060000001000791"), "AP[2]", 2),
        (arm64("ffffffc010a12340", 0x8600000E, f"{TABLE3}0060000001000711"), "PXN", 2),
        (arm64("ffffffc010a12340", 0x9600000A, f"{TABLE3}0060000001000311"), "AF", 2),
        (arm64("ffffffc010a12340", 0x96000007, f"{TABLE3}000000007bffe003, pte=0000000000000000"), "valid", 3),
        (
            arm64("0000aaaad1234000", 0x9600000F,
                  ("pgd=080000004567a003, p4d=080000004567a003, pud=080000004567b003, pmd=080000004567c003,"
                   " pte=00e800004567df53"),
                  "4k pages, 48-bit VAs", "pstate: 60400005 (nZCv daif +PAN -UAO)"),
            "PAN", 4,
        ),
        (arm64("ffffc04000004000", 0x96000005, "pgd=0000000000000000", "16k pages, 47-bit VAs"), "valid", 1),
        (arm64("fffffc0010a12340", 0x96000007, "pgd=000000007bff0003, pmd=000000007bff0003, pte=0000000000000000",
               "64k pages, 42-bit VAs"), "valid", 2),
    ],
)  # fmt: skip  # a row for each
def test_the_bit_that_refused_on_arm64(text: str, refused: str, levels: int) -> None:
    pasted = vm.load(text)
    (trap,) = pasted.traps
    assert (trap.refused, len(trap.walk.steps)) == (refused, levels)
    assert not any("they were changed in between" in one for one in pasted.unsaid)


def test_an_address_in_neither_half_has_no_walk() -> None:
    (trap,) = vm.load(arm64("ffff800012345678", 0x96000004, "pgd=0000000000000000")).traps
    assert trap.walk.steps == ()
    assert "in neither half" in trap.says


def test_a_walk_that_ends_elsewhere_than_esr_says_is_told() -> None:
    pasted = vm.load(arm64("ffffffc010a12340", 0x96000007, f"{TABLE3}0000000000000000"))
    assert any(
        "says translation fault, level 3" in one and "translation fault, level 2" in one for one in pasted.unsaid
    )


@pytest.mark.parametrize("top", ["01", "fe"])
def test_the_top_byte_of_a_users_address_is_a_tag(top: str) -> None:
    """ARM DDI 0487, D8.3: bit 55 selects the tables, whatever the bits above it are."""
    text = kinds.OOPS_ARM64.replace("write to read-only memory", "paging request").replace("9600004e", "96000005")
    pasted = vm.load(
        text.replace("ffffffc010a12340", f"{top}00007010a12340").replace(
            "pgd=000000007bfff003, p4d=000000007bfff003, pud=000000007bfff003, pmd=0060000001000791",
            "pgd=0000000000000000",
        )
    )
    (trap,) = pasted.traps
    assert (trap.refused, len(trap.walk.steps)) == ("valid", 1)
    assert any("is a tag" in one for one in pasted.unsaid)


@pytest.mark.parametrize(("pan", "words"), [("+PAN", "PSTATE.PAN is 1"), ("-PAN", "with PSTATE.PAN 1")])
def test_whether_pan_is_on_is_said_only_if_the_text_says_it(pan: str, words: str) -> None:
    text = kinds.OOPS_ARM64.replace("write to read-only memory", "access to user memory outside uaccess routines")
    text = text.replace("ffffffc010a12340", "0000007f10a12340").replace("9600004e", "9600004f")
    text = text.replace("pmd=0060000001000791", "pmd=0060000001000751") + f"pstate: 60400005 (nZCv daif {pan} -UAO)\n"
    trap = only(text)
    assert (trap.refused, words in trap.says) == ("PAN", True)


def test_an_address_in_neither_half_needs_no_table() -> None:
    trap = only(
        "Unable to handle kernel paging request at virtual address dead000000000108\n  ESR = 0x0000000096000044\n"
        "[dead000000000108] address between user and kernel address ranges\n"
    )
    assert (trap.walk, trap.refused) == (None, "")
    assert "in neither half" in trap.says
    assert "WnR (bit 6) is 1: a write" in trap.decoded


@pytest.mark.parametrize(
    ("status", "says"),
    [(0x05, "translation fault, level 1"), (0x09, "access flag fault, level 1"), (0x0E, "permission fault, level 2"),
     (0x21, "alignment fault"), (0x10, "synchronous external abort"), (0x2B, "translation fault, level -1")],
)  # fmt: skip
def test_the_status_of_esr(status: int, says: str) -> None:
    assert status_of(status) == says


@pytest.mark.parametrize(
    ("oops", "address", "tables", "refused", "levels", "access"),
    [
        ("17", "0000000c", "*pgd=0d3e2831, *pte=00000000, *ppte=00000000", "type", 2, "read"),
        ("817", "00000034", "*pgd=192f2831, *pte=00000000, *ppte=00000000", "type", 2, "write"),
        ("5", "00000100", "*pgd=00000000", "type", 1, "read"),
        ("80d", "c0008000", "*pgd=0001941e(bad)", "AP", 1, "write"),
        ("80f", "b6f00000", "*pgd=192f2831, *pte=192f118f, *ppte=192f1a2e", "AP", 2, "write"),
        ("80000007", "bf000000", "*pgd=1e8c2811, *pte=00000000, *ppte=00000000", "type", 2, "execute"),
        ("206", "00000100", "*pgd=80000000004003, *pmd=00000000", "valid", 2, "read"),
        ("a06", "00000100", "*pgd=80000000004003, *pmd=00000000", "valid", 2, "write"),
    ],
)
def test_the_bit_that_refused_on_arm(
    oops: str, address: str, tables: str, refused: str, levels: int, access: str
) -> None:
    text = (
        f"Unable to handle kernel paging request at virtual address {address}\npgd = c0004000\n[{address}] {tables}\n"
        f"Internal error: Oops: {oops} [#1] SMP ARM\n"
    )
    trap = only(text)
    assert (trap.refused, len(trap.walk.steps), trap.walk.access, trap.code) == (refused, levels, access, int(oops, 16))


def test_the_hardwares_entry_is_walked_and_not_linuxs() -> None:
    text = kinds.OOPS_ARM.replace("*pte=00000000, *ppte=00000000", "*pte=12345fdf, *ppte=12345c7f")
    assert words(only(text)) == [0x192F2831, 0x12345C7F]


def test_the_second_of_a_pair_of_first_level_descriptors() -> None:
    pasted = vm.load(kinds.OOPS_ARM.replace("00000034", "00100034"))
    assert any("the first of a pair" in one for one in pasted.unsaid)
    assert pasted.traps[0].walk.steps[1].pa == 0x192F_2800 + 0x400  # ARM DDI 0406C, B3.5: a table has 256 words


def test_a_closed_domain() -> None:
    text = (
        kinds.OOPS_ARM.replace("ppte=00000000", "ppte=12345c7f") + "Control: 10c5387d  Table: 192f0019  DAC: 00000051\n"
    )
    trap = only(text.replace("817", "81b"))
    assert (trap.refused, trap.walk.root) == ("domain", 0x192F0000)


@pytest.mark.parametrize(
    ("fsr", "says"),
    [(0x17, ("translation fault"
             " of a page")), (0x805, ("translation fault of a"
                                                     " section")), (0x80F, "permission fault of a page"),
     (0x1B, "domain fault of a page"), (0x206, "translation fault, level 2"), (0xA0F, "permission fault, level 3"),
     (0x406, "asynchronous external abort")],
)  # fmt: skip
def test_the_status_of_fsr(fsr: int, says: str) -> None:
    assert fsr_says(fsr) == says


def test_an_oops_of_risc_v_without_descriptors() -> None:
    lines = [line for line in kinds.OOPS_RISCV.splitlines() if "pgtable" not in line and "pgd=" not in line]
    alone = vm.load("\n".join(lines) + "\n")
    assert (alone.traps[0].refused, alone.traps[0].walk) == ("", None)
    assert any("has no descriptors" in one for one in alone.unsaid)


def test_sv48_has_a_level_more() -> None:
    text = kinds.OOPS_RISCV.replace("39-bit", "48-bit").replace("pud=0000000020691801", "pud=0000000020692401")
    assert words(only(text)) == [0x20691801, 0x20692401, 0x20691C01, 0x20692013]


def test_a_log_of_many_oopses_is_read_in_part_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oops, "MOST", 3)
    pasted = vm.load(kinds.OOPS_X86 * 5)
    assert [trap.line for trap in pasted.traps] == [1, 9, 17]
    assert any(one.startswith("The oopses from line 25 on are not read") for one in pasted.unsaid)


def test_two_oopses_are_two_and_what_two_processors_print_is_one() -> None:
    assert len(vm.load(kinds.OOPS_X86 + kinds.OOPS_ARM64).traps) == 2
    lines = kinds.OOPS_ARM64.splitlines()
    mixed = [lines[0], lines[1], lines[0], *lines[2:4], lines[1], *lines[4:]]
    assert only("\n".join(mixed) + "\n").refused == "AP[2]"


@pytest.mark.parametrize("name", [name for name in kinds.KERNELS if name.startswith("oops")])
def test_an_oops_whose_end_is_cut_says_so(name: str) -> None:
    text = kinds.KERNELS[name]
    whole = vm.load(text).traps[0]
    for cut in range(len(text)):
        try:
            found = vm.load(text[:cut])
        except vm.Refused:
            continue
        for trap in found.traps:
            assert trap.refused == whole.refused or found.unsaid, text[:cut]


CHAIN = "PGD 2615067 P4D 2615067 PUD 2616063 PMD 10a5d8067 PTE 800000010a3c2161"
LISTED = {"PGD": 0x2615067, "PUD": 0x2616063, "PMD": 0x1_0A5D_8067, "PTE": 0x8000_0001_0A3C_2161}


def damaged(name: str) -> str:
    """The descriptors of an x86 oops with a letter O in one of them."""
    return CHAIN.replace(f"{name} 2", f"{name} O").replace(f"{name} 1", f"{name} O").replace(f"{name} 8", f"{name} O")


@pytest.mark.parametrize("name", ["PUD", "PMD"])
@pytest.mark.parametrize("end", ["", "CR4: 00000000003706f0"])
def test_a_descriptor_that_cant_be_read_shifts_no_level(name: str, end: str) -> None:
    found = vm.load(x86("ffffffffa0002000", 3, damaged(name), end))
    (table,) = found.tables
    assert table.format == "x86-64"
    levels = {list(LISTED)[len(path) - 1]: word for path, word in table.listed}
    assert levels == {of: word for of, word in LISTED.items() if of != name}
    (trap,) = found.traps
    assert (trap.walk, trap.refused) == (None, "R/W")  # as the PTE alone shows
    assert trap.says.endswith("R/W is 0 in the PTE.")
    assert any(one.startswith(f"{name} in line 3 can't be read") for one in found.unsaid)


def test_a_lowest_descriptor_that_cant_be_read_leaves_the_reason_to_the_code() -> None:
    found = vm.load(x86("ffffffffa0002000", 3, damaged("PTE")))
    assert [len(path) for path, _ in found.tables[0].listed] == [1, 2, 3]
    assert found.traps[0].refused == ""
    assert any(one.startswith("PTE in line 3 can't be read") for one in found.unsaid)


@pytest.mark.parametrize("name", ["PGD", "P4D"])
def test_a_pgd_that_cant_be_read_is_its_p4d_with_four_levels(name: str) -> None:
    found = vm.load(x86("ffffffffa0002000", 3, damaged(name)))
    assert (found.tables[0].format, words(found.traps[0])) == ("x86-64", [*LISTED.values()])
    assert any(one.startswith(f"{name} in line 3 can't be read") for one in found.unsaid)


def test_cr4_says_whether_a_pgd_and_a_p4d_that_differ_are_two_levels() -> None:
    text = CHAIN.replace("PGD 2615", "PGD 2675")
    found = vm.load(x86("ffffffffa0002000", 3, text, "CR4: 00000000003706f0"))
    assert (found.tables[0].format, found.traps[0].walk) == ("x86-64", None)
    assert any("CR4.LA57 is 0" in one and "one of them is damaged" in one for one in found.unsaid)
    five = vm.load(x86("ffffffffa0002000", 3, text))
    assert five.tables[0].format == "x86-64-la57"
    assert any("differ in one digit" in one for one in five.unsaid)


@pytest.mark.parametrize(
    ("tables", "name", "depths"),
    [
        ("PGD 2615067 P4D 2615067 PMD 10a5d8067 PTE 800000010a3c2161", "Line 3 has no PUD", [1, 3, 4]),
        ("*pdpt = 0000000001O34001 *pde = 0000000005678067 *pte = 0000000000000000", "PDPT in line 3", [2, 3]),
        ("*pde = 012340O7 *pte = 00000000", "PDE in line 3", [2]),
        ("PGD 12345678123456781 P4D 2615067 PUD 10a5d8067 PMD 0", "PGD in line 3", [1, 2, 3]),  # 17 digits
    ],
)
def test_what_is_missing_or_unread_in_other_forms_keeps_its_level(tables: str, name: str, depths: list[int]) -> None:
    found = vm.load(x86("00001008", 2, tables))
    assert [len(path) for path, _ in found.tables[0].listed] == depths
    assert any(one.startswith(name) for one in found.unsaid)


def test_a_descriptor_of_another_processor_that_cant_be_read_is_named() -> None:
    for text, old, new, name in (
        (kinds.OOPS_ARM64, "pmd=00", "pmd=O0", "PMD"),
        (kinds.OOPS_RISCV, "pmd=00", "pmd=O0", "PMD"),
        (kinds.OOPS_ARM, "*ppte=0", "*ppte=O", "PPTE"),
    ):
        assert old in text
        found = vm.load(text.replace(old, new))
        assert any(one.startswith(f"{name} in line ") and "can't be read" in one for one in found.unsaid), found.unsaid


NO_ROOTS = {
    "CR3": kinds.OOPS_X86.replace("CR3: 0000000004321000 ", ""),
    "pgdp of arm64": kinds.OOPS_ARM64.replace(", pgdp=0000000001cf5000", ""),
    "pgdp": kinds.OOPS_RISCV.replace(", pgdp=0x0000000081a42000", ""),
    "Table": kinds.OOPS_ARM,
}


@pytest.mark.parametrize("name", NO_ROOTS)
def test_an_oops_without_a_root_says_that_one_is_put_in_its_place(name: str) -> None:
    found = vm.load(NO_ROOTS[name])
    (table,) = found.tables
    assert not table.root_is_said
    assert (
        f"The oops in line 1 has no root address ({name.partition(' ')[0]}): {int(table.root):#x} is put in its place."
        in found.unsaid
    )


@pytest.mark.parametrize("name", [name for name in kinds.KERNELS if name.startswith("oops") and name != "oops of ARM"])
def test_a_root_that_an_oops_prints_is_not_missed(name: str) -> None:
    assert not any("root address" in one for one in vm.load(kinds.KERNELS[name]).unsaid)


def test_a_kernel_address_of_arm64_is_in_the_tables_of_ttbr1() -> None:
    for bits, upper, lower in (
        (39, "ffffffc010a12340", "0000004010a12340"),
        (48, "ffff800010a12340", "0000800010a12340"),
    ):
        text = kinds.OOPS_ARM64.replace("ffffffc010a12340", upper).replace("39-bit", f"{bits}-bit")
        (table,) = vm.load(text).tables
        assert "TTBR1_EL1 0x1cf_5000" in repr(table)
        assert "TTBR0" not in repr(table) + vm.picture(table).to_text()
        assert [one.start for one in table.ranges] == [int(upper, 16) & -0x20_0000]
        root = next(one for one in table.window(Shown()).tables if one.parent is None)
        assert root.va == (1 << 64) - (1 << bits)
        with pytest.raises(vm.Refused, match="does not say what is there"):
            table.walk(int(lower, 16) & (1 << bits) - 1)
    user = vm.load(kinds.OOPS_ARM64.replace("ffffffc010a12340", "0000004010a12340"))
    assert "TTBR0_EL1 0x1cf_5000" in repr(user.tables[0])
    with pytest.raises(vm.Refused, match="does not say what is there"):
        user.tables[0].walk(0xFFFF_FFC0_10A1_2340)


@pytest.mark.parametrize(
    ("old", "new"),
    [("PUD 2616063", "PUD 2616 63"), ("PMD 10a5d8067", "PMD 10a5 8067"), ("PTE 800000010a", "PTE 8 0000010a")],
)
def test_a_descriptor_with_a_blank_in_it_is_not_its_first_digits(old: str, new: str) -> None:
    found = vm.load(x86("ffffffffa0002000", 3, CHAIN.replace(old, new)))
    name = old[:3]
    assert name not in [list(LISTED)[len(path) - 1] for path, _ in found.tables[0].listed]
    assert any(one.startswith(f"{name} in line 3 can't be read") for one in found.unsaid)


def test_a_descriptor_of_fixed_width_with_fewer_digits_is_said() -> None:
    found = vm.load(x86("00001008", 2, "*pde = 0x234067 *pte = 00000000"))
    assert any("not the same number of digits" in one for one in found.unsaid)


def test_a_cr4_that_lost_a_digit_is_not_taken() -> None:
    found = vm.load(x86("ffffffffa0002000", 3, CHAIN, "CR4: 00000000003706 0"))
    assert found.tables[0].format == "x86-64"


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (kinds.OOPS_ARM64, "0x000000009600004e\n  EC", "0x000000009600 04e\n  EC"),
        (kinds.OOPS_RISCV, "cause: 000000000000000d", "cause: 00000000 000000d"),
        (x86("ffffffffa0002000", 3, CHAIN), "ffffffffa0002000", "ffffffffa00 2000"),
    ],
)
def test_a_register_with_a_blank_in_it_is_not_its_first_digits(text: str, old: str, new: str) -> None:
    assert old in text
    found = vm.load(text.replace(old, new))
    assert any("has a blank in it" in one for one in found.unsaid)
    assert not any("not canonical" in trap.says or "unknown reason" in trap.says for trap in found.traps)
    assert not any("misaligned" in trap.says for trap in found.traps)


def test_descriptors_of_16_digits_are_pae_without_its_pdpt() -> None:
    found = vm.load(x86("00001008", 2, "*pOpt = 0000000001034001 *pde = 0000000005678067 *pte = 0000000000000000"))
    assert (found.tables[0].format, [len(path) for path, _ in found.tables[0].listed]) == ("x86-pae", [2, 3])
    assert any("has no PDPT" in one for one in found.unsaid)


@pytest.mark.parametrize("name", ["f", "add", "dead_beef"])
def test_a_function_whose_name_is_hexadecimal_is_not_a_part_of_the_number(name: str) -> None:
    old = f"BUG: unable to handle kernel NULL pointer dereference at 0000000000000008\nIP: [<ffffffff8110a0b5>] {name}"
    found = vm.load(f"{old}+0x1/0x2\nPGD 1234067 PUD 5678067 PMD 0 \nOops: 0002 [#1] SMP\n")
    assert found.traps[0].pc == 0xFFFFFFFF8110A0B5


def test_an_error_code_that_does_not_fit_the_descriptors_is_believed() -> None:
    pasted = vm.load(x86("ffffa3b1c0123000", 3, "PGD 100000067 P4D 100000067 PUD 1001c5067 PMD 1053f1067 PTE 80000"))
    (trap,) = pasted.traps
    assert trap.refused == ""
    assert "the error code says: all descriptors were present" in trap.says
    assert "nothing is mapped" not in trap.says


def test_a_status_that_does_not_fit_the_descriptors_is_believed() -> None:
    on_arm64 = only(arm64("ffffffc010a12340", 0x9600004F, f"{TABLE3}0000000000000000"))
    on_arm = only(
        "Unable to handle kernel paging request at virtual address bf00a000\n"
        "[bf00a000] *pgd=6d01e811, *pte=00000000, *ppte=00000000\nInternal error: Oops: 80f [#1] SMP ARM\n"
    )
    for trap in (on_arm64, on_arm):
        assert trap.refused == ""
        assert "permission fault" in trap.says
        assert "do not fit it" in trap.says


@pytest.mark.parametrize("cut", range(len("1053f1067 PTE 8000000104a3f16") + 1))
def test_a_descriptor_that_ends_the_text_is_read_only_with_all_its_digits(cut: int) -> None:
    below = "1053f1067 PTE 8000000104a3f16"[:cut]
    pasted = vm.load(
        "BUG: unable to handle page fault for address: ffffa3b1c0123000\n#PF: error_code(0x0002) - not-present page\n"
        f"PGD 100000067 P4D 100000067 PUD 1001c5067 PMD {below}"
    )
    assert "is 0x" not in pasted.traps[0].says
    assert pasted.traps[0].refused == "P"  # as the code says


def test_a_whole_descriptor_may_end_the_text() -> None:
    text = x86("ffffa3b1c0123000", 0, "")
    ends = {"PGD 1067 P4D 1067 PUD 0": [0x1067, 0], "PGD 8000000000001067": [0x8000000000001067]}
    for tables, listed in ends.items():
        (table,) = vm.load(f"{text.partition('Oops')[0].rstrip()}\n{tables}").tables
        assert [word for _, word in table.listed] == listed


AT = "Unable to handle kernel paging request at virtual address "


WITHOUT_CODE = (
    f"""{AT}ffffa3b1c0123000
PGD 100000067 P4D 100000067 PUD 1001c5067 PMD 1053f1067 PTE 8000000104a3f161
""",
    f"{AT}bf00a000\n[bf00a000] *pgd=6d01e811, *pte=6e1c265f, *ppte=6e1c2653\n",
    f"{AT}bf00a000\n[bf00a000] *pgd=6d01e811\n",
    f"""{AT}ffffffc010a12340
swapper pgtable: 4k pages, 39-bit VAs, pgdp=0000000001cf5000
[ffffffc010a12340] pgd=000000007bfff003, p4d=000000007bfff003, pud=000000007bfff003, pmd=0060000001000791
""",
    f"""{AT}0000000000010000
Current sh pgtable: 4K pagesize, 39-bit VAs, pgdp=0x0000000081a42000
[0000000000010000] pgd=0000000020691801, p4d=0000000020691801, pud=0000000020691801, pmd=0000000020691c01, \
pte=00000000206920c3
""",
)  # fmt: skip


@pytest.mark.parametrize("text", WITHOUT_CODE)
def test_an_access_that_the_text_does_not_say_is_not_called_a_read(text: str) -> None:
    pasted = vm.load(text)
    (trap,) = pasted.traps
    assert trap.says.startswith("The access to 0x")
    assert " it." not in trap.says  # what was refused can't be allowed by what is known
    assert not any("allow what failed" in one for one in pasted.unsaid)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        (
            f"{AT}0000000000000010\nMem abort info:\n  ESR = 0x0000000096000005",
            "data abort from the same exception level",
        ),
        (f"{AT}0000000000000008\nOops [#1]\nstatus: 0000000200000120 cause: 000000000000000f", "store/AMO page fault"),
    ],
)
def test_a_register_that_ends_the_text_is_not_its_leading_zeros(text: str, means: str) -> None:
    assert only(f"{text}\n").means == only(text).means == means
    for cut in range(1, 16):
        trap = only(text[:-cut])
        assert (trap.code, trap.decoded) == (None, ()), text[:-cut]
        assert "not a" not in trap.says


def test_a_register_of_32_bits_may_end_the_text() -> None:
    assert only(f"{AT}00000034").address == 0x34


def test_ac_lets_the_kernel_read_a_users_page_under_smap() -> None:
    """Intel SDM 4.6.1: SMAP refuses only while RFLAGS.AC (bit 18) is 0; 0x4_0002 has it, and 0x8_0002 has not."""
    tables, smap = "PGD 1067 P4D 1067 PUD 2067 PMD 3067 PTE 8000000004067", "CR4: 00000000003706f0"
    on, off = (only(x86(USER_PAGE, 1, tables, f"EFLAGS: {flags}\n{smap}")) for flags in ("00040002", "00080002"))
    assert off.refused == "SMAP"
    assert on.refused != "SMAP"


def test_two_processors_that_print_one_head_are_one_oops_only_nearby() -> None:
    """Both print the head, then one of them the rest; with two addresses, or far apart, one oops lacks its rest."""
    head = "BUG: unable to handle page fault for address: {}\n"
    rest = "#PF: error_code(0x0002) - x\nPGD 1234067 P4D 1234067 PUD 0\nOops: 0002 [#1] SMP\n"
    eight = head.format("0000000000000008")
    near = vm.load(eight + "noise\n" * 39 + eight + rest)
    others = vm.load(head.format("0000000000000010") + eight + rest)
    far = vm.load(eight + "noise\n" * 40 + eight + rest)
    for found, lacks in ((near, False), (others, True), (far, True)):
        assert [trap.address for trap in found.traps] == [8]
        assert any("Line 1 begins an oops" in one for one in found.unsaid) == lacks


@pytest.mark.parametrize("between", ["{}", "noise\n{}", "{}noise\n"])
def test_one_head_after_the_others_table_is_another_oops(between: str) -> None:
    head = "BUG: unable to handle page fault for address: 0000000000000008\n"
    table = "PGD 1234067 P4D 1234067 PUD 0\n"
    found = vm.load(f"{head}{between.format(table)}{head}#PF: error_code(0x0002) - x\n{table}Oops: 0002 [#1] SMP\n")
    assert [trap.line for trap in found.traps] == [1, 3 + ("noise" in between)]


def test_a_head_that_says_no_address_is_nobodys_twin() -> None:
    """A double fault has no address: the page fault beside it is another one."""
    lines = ["double fault: 0000 [#1] SMP\n", "BUG: unable to handle page fault for address: 0000000000000008\n"]
    for heads in (lines, lines[::-1]):
        found = vm.load("".join(heads) + "#PF: error_code(0x0002) - x\nPGD 1234067 P4D 1234067 PUD 0\n")
        assert [trap.line for trap in found.traps] == [2]
        assert any("Line 1 begins an oops" in one for one in found.unsaid)


@pytest.mark.parametrize(
    "line",
    [
        "[INT] Fault address: 0x41", "core[0]: trap taken at 0x80000000", "cpu[1]: unhandled interrupt 7",
        "hart[0]: unhandled exception 5", "general protection fault: error code 0x10", "double fault: error 0",
    ],
)  # fmt: skip
def test_what_any_kernel_prints_is_not_said_to_be_linuxs(line: str) -> None:
    with pytest.raises(vm.Refused) as refused:
        vm.load(f"{line}\n")
    assert "Linux" not in str(refused.value)
