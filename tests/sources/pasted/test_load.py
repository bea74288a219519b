"""`vm.load` on terminals' texts: each answer was worked out by hand, or is that of the same tables in RAM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.sources.pasted.twin import in_ram
from vmwidgets.given.pasted import Pasted, SaidRange
from vmwidgets.sources.pasted.panics import CHECKS, check_of
from vmwidgets.sources.pasted.said import NotSaid, SaidMemory, SaidTable

DATA = Path(__file__).parents[2] / "data" / "pasted"

RANGES = (
    SaidRange(0, 0x1000, "r-xu", 0x87F5_B000),
    SaidRange(0x1000, 0x1000, "rw--", 0x87F5_8000),
    SaidRange(0x2000, 0x1000, "rw-u", 0x87F5_7000),
    SaidRange(0x3F_FFFF_E000, 0x1000, "rw--", 0x87F6_6000),
    SaidRange(0x3F_FFFF_F000, 0x1000, "r-x-", 0x8000_7000),
)


def text(name: str) -> str:
    return (DATA / f"{name}.txt").read_text()


def only(pasted: Pasted) -> Any:
    (table,) = pasted.tables
    return table


@pytest.mark.parametrize("name", ["vmprint-index", "vmprint-address"])
def test_a_pasted_table_walks_like_the_same_table_in_ram(name: str) -> None:
    pasted = vm.load(text(name))
    table, twin = only(pasted), in_ram()
    assert pasted.unsaid == ()
    assert table.root == 0x87F5_E000
    assert table.pieces == RANGES
    for va in (0, 0xFFF, 0x1008, 0x2FFF, 0x3000, 0x20_0000, 0x4000_0000, 0x3F_FFFF_D000, 0x3F_FFFF_E000, 0x3F_FFFF_F123,
               0x40_0000_0000, 0xFFFF_FFC0_0000_0000):  # fmt: skip
        for access in ("read", "write", "execute"):
            for user in (False, True):
                assert table.walk(va, access, user=user) == twin.walk(va, access, user=user)


@pytest.mark.parametrize(
    "change",
    [
        lambda given: given.replace("\n", "\r\n"),
        lambda given: given.replace("..0:", "..\t0:").replace(" pa ", "\tpa\t"),
        lambda given: given.replace("..", " ..").replace(".. ..", "..  .."),
        lambda given: given.replace("0x", "0X").upper().replace("PTE", "pte").replace("PA ", "pa "),
        lambda given: "\n".join(f"> {line}" for line in given.splitlines()),
        lambda given: given.replace("page table", "$ \x1b[1mpage table\x1b[0m"),
        lambda given: given.replace(".. .. ..1", "hart 1 starting.. .. ..1"),
        lambda given: given.replace(".. ..", "...."),
    ],
)
def test_what_a_terminal_adds_changes_nothing(change: Any) -> None:
    table = only(vm.load(change(text("vmprint-index"))))
    assert (table.root, table.pieces) == (0x87F5_E000, RANGES)


def test_a_superpage_is_one_page() -> None:
    lines = "page table 0x87f5e000\n..0: pte 0x21fd6801 pa 0x87f5a000\n.. ..1: pte 0x21e800d7 pa 0x87a00000\n$ "
    table = only(vm.load(lines))
    assert table.pieces == (SaidRange(0x20_0000, 0x20_0000, "rw-u", 0x87A0_0000),)
    assert table.walk(0x20_1234, "write").pa == 0x87A0_1234


def test_a_trap_is_walked_in_the_table_before_it() -> None:
    (trap,) = vm.load(text("trap")).traps
    assert (trap.where, trap.line, trap.scause, trap.pid, trap.sepc, trap.stval) == (
        "usertrap", 12, 15, 3, 0x42, 0x1FF8,
    )  # fmt: skip
    assert trap.walk == in_ram().walk(0x1FF8, "write", user=True)
    assert trap.refused == "U"
    assert "was refused: user code may not touch a supervisor page: U is 0" in trap.says


@pytest.mark.parametrize(
    ("scause", "stval", "refused"),
    [(0xD, 0x1000, "U"), (0xC, 0x2000, "X"), (0xF, 0x10, "W"), (0xF, 0x3008, "V"), (0xD, 0x2008, "")],
)
def test_the_bit_that_refused(scause: int, stval: int, refused: str) -> None:
    lines = f"{text('vmprint-index')}usertrap(): unexpected scause {scause:#x} pid=7\n    sepc=0x0 stval={stval:#x}\n"
    (trap,) = vm.load(lines).traps
    assert trap.refused == refused
    assert ("this table allows" in trap.says.lower()) == (not refused)


def test_the_kernel_may_never_fetch_from_a_users_page() -> None:
    lines = text("vmprint-index") + "scause 0x000000000000000c\nsepc=0x0000000000000000 stval=0x0000000000000000\n"
    (trap,) = vm.load(lines + "panic: kerneltrap\n").traps
    assert (trap.where, trap.pid, trap.refused) == ("kerneltrap", None, "U")


@pytest.mark.parametrize(
    ("before", "sstatus", "refused"),
    [
        ("", "", ""),
        ("", " sstatus=0x0000000000000100", ""),
        ("", " sstatus=0x0000000000000020", "U"),  # SPP (bit 8) is 0: kerneltrap was entered from user code
        ("user thread 17 killed: ", "", "U"),
    ],
)
def test_whose_access_registers_before_a_panic_describe(before: str, sstatus: str, refused: str) -> None:
    """The page at 0x1000 is the supervisor's (U is 0), so that only user code is refused there."""
    registers = f"{before}scause 0x000000000000000d\nsepc=0x0000000000000000 stval=0x0000000000001000{sstatus}\n"
    pasted = vm.load(f"{text('vmprint-index')}{registers}panic: kerneltrap\n")
    assert [trap.refused for trap in pasted.traps] == [refused]
    assert not any("whether user code made the trap" in one for one in pasted.unsaid)


def test_a_trap_without_a_table_says_so() -> None:
    pasted = vm.load("usertrap(): unexpected scause 0xd (load page fault) pid=4\n sepc=0x8 stval=0x505050505050505\n")
    (trap,) = pasted.traps
    assert (trap.pid, trap.stval, trap.walk, trap.refused) == (4, 0x0505_0505_0505_0505, None, "")
    assert "kalloc fills a page with the byte 5" in trap.says
    assert any("no page table for the trap" in sentence for sentence in pasted.unsaid)


def test_a_trap_that_is_no_page_fault_is_not_walked() -> None:
    (trap,) = vm.load(text("vmprint-index") + "usertrap(): unexpected scause 0x2 pid=3\n sepc=0x1 stval=0x0\n").traps
    assert (trap.walk, trap.says) == (None, "illegal instruction; this is not a page fault.")


@pytest.mark.parametrize(
    ("lines", "means"),
    [
        ("scause 0xf pid=3\n hello\n", "store/AMO page fault"),
        ("scause 0x2 pid=3\n sepc=0x1 stval=0x0\n", "illegal instruction"),
    ],
)
def test_a_trap_says_its_cause_once(lines: str, means: str) -> None:
    (trap,) = vm.load(f"usertrap(): unexpected {lines}").traps
    assert repr(trap).count(means) == 1
    assert trap.says.startswith(f"{means}; ")


def test_info_mem_of_riscv_agrees_with_the_table() -> None:
    pasted = vm.load(text("info-mem-riscv"))
    assert pasted.ranges == RANGES
    assert pasted.compare(vm.load(text("vmprint-index"))) == ()


def test_a_changed_right_and_a_moved_page_differ() -> None:
    before = vm.load(text("info-mem-riscv"))
    changed = text("info-mem-riscv").replace("rw-u-ad", "r--u-a-").replace("87f66000", "87f65000")
    whole, _, _ = changed.partition("0000003ffffff000 ")
    found = before.compare(vm.load(whole + "(qemu) \n"))
    assert [(one.start, one.size) for one in found] == [
        (0x2000, 0x1000), (0x3F_FFFF_E000, 0x1000), (0x3F_FFFF_F000, 0x1000),
    ]  # fmt: skip
    assert found[2].other is None
    unread = before.compare(vm.load(changed.replace("0000003ffffff000 ", "0000003ffffff000")))
    assert unread == found[:2]  # a line that can't be read may list the same page


def test_info_mem_of_x86_says_nothing_of_execution() -> None:
    pasted = vm.load(text("info-mem-x86"))
    assert pasted.ranges == (
        SaidRange(0x40_0000, 0x1000, "r-?u"),
        SaidRange(0x40_1000, 0x2000, "rw?u"),
        SaidRange(0xFFFF_8880_0000_0000, 0x20_0000, "rw?-"),
        SaidRange(0xFFFF_FFFF_FF60_0000, 0xA0_0000, "r-?u"),
    )
    assert pasted.listings[0].name == "info mem of x86"
    assert any("what may be executed" in sentence for sentence in pasted.unsaid)


@pytest.mark.parametrize("line", [". .. ..1:", ".. . ..1:", ".. .. .1:", ". ..1:"])
def test_a_line_that_lost_one_of_its_dots_is_of_no_level(line: str) -> None:
    whole = "page table 0x87f6e000\n..0: pte 0x21fda801 pa 0x87f6a000\n.. ..0: pte 0x21fda401 pa 0x87f69000\n"
    pasted = vm.load(f"{whole}.. .. ..0: pte 0x21fdac1b pa 0x87f6b000\n{line} pte 0x21fda00f pa 0x87f68000\n")
    assert [one.start for one in pasted.tables[0].ranges] == [0]
    assert any(said.startswith("Line 5") and "can't be read" in said for said in pasted.unsaid)


def test_an_address_with_a_letter_in_it_is_shown() -> None:
    pasted = vm.load("usertrap(): unexpected scause 0xf pid=3\n            sepc=0x8 stval=0xO010\n")
    assert any("0xO010" in said for said in pasted.unsaid)


@pytest.mark.parametrize(("second", "sizes"), [("00800000", [4, 4]), ("00600000", [2, 2])])
def test_large_pages_of_info_tlb_are_4_mib_if_none_begins_in_between(second: str, sizes: list[int]) -> None:
    pasted = vm.load(f"00000000: 00000000 --PDA---W\n{second}: {second} --PDA--UW\n")
    assert [one.size >> 20 for one in pasted.listings[0].ranges] == sizes


@pytest.mark.parametrize("line", ["00200000: 00300000 ---DA---W\n", "00c00000: 00c00000 X-PDA---W\n"])
def test_a_page_within_a_large_one_or_x_shows_that_large_pages_are_2_mib(line: str) -> None:
    lines = sorted(["00000000: 00000000 --PDA--UW\n", "00800000: 00800000 --PDA---W\n", line])
    (listing,) = vm.load("".join(lines)).listings
    large = [one for one in listing.ranges if one.size > vm.PAGE]
    assert sum(one.size for one in large) < (8 << 20)


def test_info_tlb_lists_page_tables_and_is_called_so() -> None:
    pasted = vm.load(text("info-tlb"))
    assert pasted.ranges == (
        SaidRange(0x40_0000, 0x1000, "r-xu", 0x123_4000),
        SaidRange(0x40_1000, 0x2000, "rw-u"),  # two frames that are not neighbours
        SaidRange(0xFFFF_8880_0000_0000, 0x40_0000, "rw--", 0),
    )
    assert "lists page tables" in pasted.listings[0].name
    assert any("not the TLB" in sentence for sentence in pasted.unsaid)


def test_two_listings_are_two() -> None:
    twice = text("info-mem-riscv") * 2
    assert [one.line for one in vm.load(twice).listings] == [5, 15]


def test_a_panic_says_what_is_protected_and_how_it_usually_breaks() -> None:
    (panic,) = vm.load("hart 1 starting\r\npanic: uvmunmap: not mapped\r\n").panics
    assert (panic.text, panic.line, panic.function) == ("uvmunmap: not mapped", 2, "uvmunmap in kernel/vm.c")
    assert "V of the descriptor is 0" in panic.protects
    assert len(panic.mistakes) == 3


def test_an_unknown_panic_is_found_and_nothing_is_made_up() -> None:
    pasted = vm.load("panic: my own check\n")
    assert (pasted.panics[0].text, pasted.panics[0].protects, pasted.panics[0].mistakes) == ("my own check", "", ())
    assert "my own check" in pasted.unsaid[0]


def test_all_in_one_text() -> None:
    pasted = vm.load(text("trap") + text("info-mem-riscv") + text("info-tlb"))
    assert pasted.summary == "1 page table, 1 trap, 1 panic, 8 ranges"
    assert len(repr(pasted).splitlines()) <= 8


def test_a_trap_is_walked_in_the_latest_table_before_it() -> None:
    other = text("vmprint-index").replace("0000000021fd6007", "0000000021fd6017")  # 0x1000 has U here
    trap = "usertrap(): unexpected scause 0xc pid=3\n sepc=0x1000 stval=0x1000\n"
    assert vm.load(text("vmprint-index") + other + trap).traps[0].refused == "X"
    both = vm.load(other + text("vmprint-index") + trap.replace("0xc", "0xd")).traps[0]
    assert (both.refused, both.walk is not None and both.walk.steps[-1].value) == ("U", 0x21FD_6007)


def test_what_one_listing_does_not_say_is_no_difference() -> None:
    found = vm.load(text("info-mem-x86")).compare(vm.load(text("info-tlb")))
    assert [(one.start, one.size, one.one is None, one.other is None) for one in found] == [
        (0xFFFF_8880_0020_0000, 0x20_0000, True, False),
        (0xFFFF_FFFF_FF60_0000, 0xA0_0000, False, True),
    ]


@pytest.mark.parametrize("other", [None, "panic: kfree", 3])
def test_a_comparison_with_something_else_is_refused(other: Any) -> None:
    with pytest.raises(vm.Refused, match=r"is not a result of vm\.load"):
        vm.load(text("info-tlb")).compare(other)


@pytest.mark.parametrize(("words", "function"), [("remap", "mappages"), ("inituvm: more than a page", "uvmfirst")])
def test_a_panic_of_an_older_year_is_the_same_check(words: str, function: str) -> None:
    (panic,) = vm.load(f"panic: {words}\n").panics
    assert (panic.text, panic.function) == (words, f"{function} in kernel/vm.c")


@pytest.mark.parametrize(
    "line",
    [
        "panic: freewalk: leaf |",
        "panic: freewalk: leaf\\",
        'panic: freewalk: leaf\\n"',
        "Panic: freewalk: leaf",
        "PANIC: FREEWALK: LEAF",
        "panic: Freewalk: leaf  │",
    ],
)
def test_a_panic_is_known_by_its_words_whatever_is_behind_them(line: str) -> None:
    pasted = vm.load(f"{line}\n")
    assert [(panic.text, panic.function) for panic in pasted.panics] == [("freewalk: leaf", "freewalk in kernel/vm.c")]
    assert pasted.unsaid == ()


@pytest.mark.parametrize(
    ("cut", "whole"),
    [("freewal", "freewalk: leaf"), ("freewalk: l", "freewalk: leaf"), ("uvmunmap: not ma", "uvmunmap: not mapped")],
)
def test_a_panic_that_is_cut_is_known_by_a_beginning_that_only_it_has(cut: str, whole: str) -> None:
    pasted = vm.load(f"panic: {cut}")
    assert (pasted.panics[0].text, pasted.panics[0].protects) == (whole, CHECKS[whole].protects)
    assert any("is cut" in sentence for sentence in pasted.unsaid)


@pytest.mark.parametrize("cut", ["uvmunmap: not", "f", "sched", "freewalk: leaves"])
def test_a_beginning_of_several_panics_is_not_guessed(cut: str) -> None:
    pasted = vm.load(f"panic: {cut}")
    assert (pasted.panics[0].text, pasted.panics[0].protects) == (cut, "")


@pytest.mark.parametrize(
    ("words", "function"),
    [
        ("sched RUNNING", "sched in kernel/proc.c"), ("sched running", "sched in kernel/proc.c"),
        ("sched interruptible", "sched in kernel/proc.c"), ("sched p->lock", "sched in kernel/proc.c"),
        ("zombie exit", "exit in kernel/proc.c"), ("pop_off", "pop_off in kernel/spinlock.c"),
        ("pop_off - interruptible", "pop_off in kernel/spinlock.c"),
        ("kerneltrap: interrupts enabled", "kerneltrap in kernel/trap.c"),
        ("kerneltrap: not from supervisor mode", "kerneltrap in kernel/trap.c"),
        ("loadseg: va must be page aligned", "loadseg in kernel/exec.c"),
    ],
)  # fmt: skip
def test_the_usual_panics_of_xv6_are_known(words: str, function: str) -> None:
    (panic,) = vm.load(f"panic: {words}\n").panics
    assert panic.function == function
    assert check_of(words) == CHECKS[panic.text]


@pytest.mark.parametrize("words", ["bget: no buffers", "ilock: no type", "free_desc 1", "Log_write outside of trans"])
def test_a_panic_that_is_not_about_memory_says_so(words: str) -> None:
    pasted = vm.load(f"panic: {words}\n")
    assert [(one.text, one.protects) for one in pasted.panics] == [(words, "")]
    (sentence,) = pasted.unsaid
    assert sentence.endswith("which has nothing to do with memory.")


def test_a_panic_that_is_mistyped_has_a_nearest_one() -> None:
    pasted = vm.load("panic: frewalk: leaf\n")
    assert [(one.text, one.protects) for one in pasted.panics] == [("frewalk: leaf", "")]
    assert pasted.unsaid[0].endswith("The nearest that is known is 'freewalk: leaf'.")
    assert "nearest" not in vm.load("panic: my own check\n").unsaid[0]


@pytest.mark.parametrize(
    ("words", "known"),
    [("kfree: refcnt", "kfree"), ("uvmunmap: not maped", "uvmunmap: not mapped"), ("pop_off: x", "pop_off")],
)
def test_a_panic_of_a_students_own_in_a_known_function_has_one_of_that_function(words: str, known: str) -> None:
    assert vm.load(f"panic: {words}\n").unsaid[0].endswith(f"The nearest that is known is {known!r}.")


def test_a_panic_of_two_harts_is_known_once() -> None:
    pasted = vm.load("panic: panic: kerneltrap\n")
    assert [panic.function for panic in pasted.panics] == ["kerneltrap in kernel/trap.c"]
    assert pasted.unsaid == (
        "Line 1 has the beginning of 2 panics: the words of the other one are elsewhere, or lost.",
    )


def test_every_panic_that_is_known_is_explained_in_sentences() -> None:
    for words, check in CHECKS.items():
        (panic,) = vm.load(f"panic: {words}\n").panics
        assert panic.function == check.function
        assert len(set(panic.mistakes)) == 3
        assert all(sentence.endswith(".") for sentence in (panic.protects, *panic.mistakes))


OF_A_USER = """\
page table 0x0000000087f6b000
 ..0: pte 0x0000000021fd9c01 pa 0x0000000087f67000
 .. ..0: pte 0x0000000021fd9801 pa 0x0000000087f66000
 .. .. ..1: pte 0x0000000021fd941b pa 0x0000000087f65000
 .. .. ..3: pte 0x0000000021fd8c07 pa 0x0000000087f63000
scause 0x000000000000000f sepc=0x0000000000001a2c stval=0x0000000000003000
"""


def test_a_trap_without_a_name_is_of_user_code_if_its_instruction_is() -> None:
    said = repr(vm.load(OF_A_USER))
    assert "user code may not touch a supervisor page" in said and "kerneltrap" not in said


@pytest.mark.parametrize(
    "text", [f"panic: kerneltrap\n{OF_A_USER}", OF_A_USER.replace("sepc=0x0000000000001a2c", "sepc=0x0000000080001a2c")]
)
def test_a_trap_without_a_name_is_of_the_kernel_if_something_says_so(text: str) -> None:
    assert "<kerneltrap" in repr(vm.load(text))


def without_line_ends(given: str) -> str:
    return " ".join(given.split("\n"))


def test_a_text_without_its_line_ends_says_what_it_said_with_them() -> None:
    whole, folded = vm.load(text("trap")), vm.load(without_line_ends(text("trap")))
    assert only(folded).pieces == only(whole).pieces
    assert [(trap.pid, trap.refused, trap.says) for trap in folded.traps] == [(3, "U", whole.traps[0].says)]
    assert [panic.text for panic in folded.panics] == ["freewalk: leaf"]
    assert "line ends" in folded.unsaid[0]
    assert not any("text ends with line" in sentence for sentence in folded.unsaid)


def test_a_list_without_its_line_ends_is_the_same_list() -> None:
    assert vm.load(without_line_ends(text("info-mem-riscv"))).ranges == RANGES


def test_a_text_in_one_string_of_a_program_is_the_same_text() -> None:
    whole = vm.load(text("trap"))
    escaped = vm.load(text("trap").replace("\n", "\\n"))
    assert only(escaped).pieces == only(whole).pieces
    assert [trap.says for trap in escaped.traps] == [trap.says for trap in whole.traps]
    assert [panic.text for panic in escaped.panics] == ["freewalk: leaf"]


DUMPED = """---[ Low Kernel Mapping ]---
0xffff888000000000-0xffff88800009a000         616K     RW                 GLB NX pte
0xffff88800009a000-0xffff88800009b000           4K     ro                 GLB NX pte
---[ High Kernel Mapping ]---
0xffffffff81000000-0xffffffff81e00000          14M     ro         PSE     GLB x  pmd
"""


def test_a_dump_of_the_kernels_tables_without_its_line_ends_is_the_same() -> None:
    assert len(vm.load(DUMPED).ranges) == 3
    assert vm.load(without_line_ends(DUMPED)).ranges == vm.load(DUMPED).ranges


def test_a_trap_behind_a_line_of_a_table_is_read() -> None:
    lines = text("trap").replace("\nusertrap", " usertrap")
    (trap,) = vm.load(lines).traps
    assert (trap.pid, trap.stval, trap.refused) == (3, 0x1FF8, "U")


def test_a_table_that_something_follows_in_its_line_has_ended() -> None:
    lines = text("vmprint-index").rpartition("511: pte")[0].rpartition("\n")[0]
    assert any("text ends with line" in sentence for sentence in vm.load(lines).unsaid)
    assert vm.load(f"{lines} panic: freewalk: leaf").unsaid == ()


@pytest.mark.parametrize(("written", "scause"), [("12", 12), ("13", 13), ("15", 15)])
def test_a_cause_in_decimal_is_read_as_one_and_the_text_says_so(written: str, scause: int) -> None:
    pasted = vm.load(f"usertrap(): unexpected scause {written} pid=3\n  sepc=0x8 stval=0x4000\n")
    assert pasted.traps[0].scause == scause
    assert any("decimal" in sentence for sentence in pasted.unsaid)


@pytest.mark.parametrize(("written", "scause"), [("0x15", 0x15), ("f", 15), ("d", 13), ("8", 8), ("11", 0x11)])
def test_a_cause_that_is_known_in_hexadecimal_or_has_0x_is_hexadecimal(written: str, scause: int) -> None:
    pasted = vm.load(f"usertrap(): unexpected scause {written} pid=3\n  sepc=0x8 stval=0x4000\n")
    assert pasted.traps[0].scause == scause
    assert not any("decimal" in sentence for sentence in pasted.unsaid)


GO = "panic: runtime error: invalid memory address or nil pointer dereference\n[signal {} addr=0x8 pc=0x480000]\n"


@pytest.mark.parametrize(
    ("signal", "address", "words"),
    [
        ("SIGSEGV: segmentation violation code=0x1", 8, "nothing is mapped there (code 1: SEGV_MAPERR)"),
        ("SIGSEGV: segmentation violation code=0x2", 8, "does not allow it (code 2: SEGV_ACCERR)"),
        ("SIGBUS: bus error code=0x1", 8, "BUS_ADRALN"),
        ("SIGBUS: bus error code=0x2", 8, "BUS_ADRERR"),
        ("SIGBUS: bus error code=0x3", 8, "BUS_OBJERR"),
        ("SIGSEGV: segmentation violation code=0x4", 8, "SEGV_PKUERR"),
        ("0xb code=0x1", 8, "SEGV_MAPERR"),
        ("SIGSEGV: segmentation violation code=0x80", None, "not canonical"),
    ],
)
def test_a_failed_access_of_a_go_program_is_not_a_kernels_panic(signal: str, address: int | None, words: str) -> None:
    pasted = vm.load(GO.format(signal) + "\ngoroutine 1 [running]:\nmain.main()\n\t/tmp/x.go:7 +0x1d\n")
    assert pasted.panics == ()
    (trap,) = pasted.traps
    assert (trap.where, trap.address, trap.pc) == ("a process of Go", address, 0x480000)
    assert words in trap.says
    assert not any("kernel" in one for one in pasted.unsaid)
    assert any("read or a write" in one for one in pasted.unsaid) == (address is not None)


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        ("panic: my check\n\ngoroutine 1 [running]:\nmain.main()\n", "a Go program"),
        ("panic: mine [recovered]\n\tpanic: mine\n\ngoroutine 7 [running]:\n", "a Go program"),
        ("thread 'main' panicked at 'index out of bounds', src/main.rs:4:5\n", "a Rust program"),
        ("thread 'worker-1' (4242) panicked at src/main.rs:4:5:\nindex out of bounds\n", "a Rust program"),
        ("thread 1234 panic: index 5, len 3\n/tmp/x.zig:3:7: 0x1034a1 in main (x)\n", "a Zig program"),
        ('Traceback (most recent call last):\n  File "x.py", line 1\nRuntimeError: panic: my check\n', "a program"),
        ("PANIC: unprotected error in call to Lua API (attempt to index a nil value)\n", "a Lua program"),
        ("[12] PANIC:  could not locate a valid checkpoint record\n[10] LOG:  startup was terminated\n", "PostgreSQL"),
        ("panic: memory wrap at x.pl line 3.\n", "Perl"),
        ('panic: standard_init_linux.go:178: exec user process caused "no such file"\n', "a Go program"),
        ("terminate called after throwing an instance of 'E'\n  what():  panic: my check\n", "a program"),
        ("x.rb:3:in `f': panic: my check (RuntimeError)\n", "a program"),
        ("** (RuntimeError) panic: my check\n", "a program"),
        ('Traceback (most recent call last):\n  File "x.py", line 1\nException: panic: my check\n', "a program"),
        ("Uncaught Error: panic: my check\n    at f (x.js:3:9)\n", "a program"),
    ],
)
def test_a_panic_of_a_program_is_not_called_a_kernels(text: str, whose: str) -> None:
    with pytest.raises(vm.Refused, match=f"is {whose}'s, not a kernel's"):
        vm.load(text)
    both = vm.load(text + "usertrap(): unexpected scause 0xf pid=3\n  sepc=0x42 stval=0x5008\n")
    assert both.panics == () and len(both.traps) == 1
    assert any(f"is {whose}'s" in one for one in both.unsaid)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("AssertionError: panic: freewalk: leaf\n", "freewalk: leaf"),
        (
            'Traceback (most recent call last):\n  File "grade.py", line 1\nException: xv6: panic: kerneltrap\n',
            "kerneltrap",
        ),
        ("panic: freewalk: leaf\n\ngoroutine 1 [running]:\nmain.main()\n", "freewalk: leaf"),
        ("LOG:  starting qemu\nPANIC:  kfree\n", "kfree"),
        ("thread 3 panic: uvmunmap: not mapped\n", "uvmunmap: not mapped"),
    ],
)
def test_a_known_check_is_the_kernels_whatever_is_printed_around_it(text: str, words: str) -> None:
    (panic,) = vm.load(text).panics
    assert (panic.text, panic.protects) == (words, CHECKS[words].protects)


@pytest.mark.parametrize(
    "line",
    [
        "panic: page not mapped at vm.c line 42", "kernel panic: page fault at trap.c line 12",
        "panic: bad trap at trampoline.S line 12.", "AssertionError: panic: my own check",
        "Exception: xv6: panic: my own check", "panic: trap (LoadPageFaultException)",
        "thread 3 panic: my own check", "kernel exception 13, panic: my own check",
    ],
)  # fmt: skip
def test_a_panic_that_can_be_a_kernels_is_not_called_a_programs(line: str) -> None:
    pasted = vm.load(f"{line}\n")
    (panic,) = pasted.panics
    assert panic.text == line.partition("panic: ")[2]
    assert not any("not a kernel's" in one for one in pasted.unsaid)
    assert any("a kernel or a program" in one for one in pasted.unsaid)


def test_a_level_of_a_kernels_log_is_no_program() -> None:
    assert [one.text for one in vm.load("ERROR: panic: kfree\n[ERROR] panic: walk\n").panics] == ["kfree", "walk"]


@pytest.mark.parametrize(
    ("before", "sepc", "where"),
    [("", "0000000080001234", "kerneltrap"), ("x ", "0000000080001234", "trap"), ("", "0000000000000042", "trap")],
)
def test_registers_alone_are_the_kernels_if_its_code_failed(before: str, sepc: str, where: str) -> None:
    """xv6's kerneltrap prints them without a word, and its code lies from 0x8000_0000 on."""
    (trap,) = vm.load(f"{before}scause 0x000000000000000d\nsepc=0x{sepc} stval=0x0000000000000008\n").traps
    assert trap.where == where


def test_bytes_of_a_printed_table_end_where_it_ends() -> None:
    memory = SaidMemory({0x1000: SaidTable({511: 0x0807_0605_0403_0201})}, 8)
    assert memory.read(0x1FF8, 8) == bytes(range(1, 9))
    for pa, length in ((0x1FF9, 8), (0x1FF8, 9), (0x2000, 1), (0x0FFF, 1)):
        with pytest.raises(NotSaid):
            memory.read(pa, length)
