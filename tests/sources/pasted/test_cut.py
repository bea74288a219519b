"""Texts that are cut, damaged, mixed or nonsense: nothing is claimed that the whole text would not say."""

from __future__ import annotations

import random
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.sources.pasted.twin import WORDS, in_ram
from vmwidgets.engine.mmu.rules import Access
from vmwidgets.given.pasted import SaidRange
from vmwidgets.sources import door

DATA = Path(__file__).parents[2] / "data" / "pasted"
WHOLE = {name: (DATA / f"{name}.txt").read_text() for name in ("vmprint-index", "vmprint-address")}

PROBES = (
    0, 0x1008, 0x2000, 0x3000, 0x1F_F000, 0x20_0000, 0x4000_0000, 0x3F_BFFF_F000, 0x3F_C000_0000, 0x3F_FFFF_D000,
    0x3F_FFFF_E000, 0x3F_FFFF_F000, 0x40_0000_0000,
)  # fmt: skip
READ_WRITE: tuple[Access, ...] = ("read", "write")
TWIN = in_ram()
ANSWERS = {(va, access): TWIN.walk(va, access, user=True) for va, access in product(PROBES, READ_WRITE)}


def said(text: str) -> list[tuple[int, Access]]:
    """What the tables of a text claim otherwise than the whole table; an address or a root that is not known is not."""
    try:
        tables = vm.load(text).tables
    except vm.Refused:
        return []
    wrong = []
    for table in tables:
        for (va, access), answer in ANSWERS.items():
            try:
                found = table.walk(va, access, user=True)
            except vm.Refused:
                continue
            words = [step.value for step in found.steps]
            if (found.pa, words, found.ok) != (answer.pa, [step.value for step in answer.steps], answer.ok):
                wrong.append((va, access))
    return wrong


@pytest.mark.parametrize("name", WHOLE)
def test_a_text_that_is_cut_at_any_place_claims_nothing_else(name: str) -> None:
    whole = WHOLE[name].rpartition("$ ")[0]
    table = whole[: whole.index("511: pte" if "index" in name else "fffff000: pte")]
    wrong = {cut: found for cut in range(len(table)) if (found := said(table[:cut]))}
    assert wrong == {}


@pytest.mark.parametrize("name", WHOLE)
def test_a_text_whose_beginning_is_missing_claims_nothing_else(name: str) -> None:
    whole = WHOLE[name]
    wrong = {cut: found for cut in range(len(whole)) if (found := said(whole[cut:]))}
    assert wrong == {}


def test_a_first_line_that_a_deeper_table_follows_has_all_of_its_dots() -> None:
    lines = (
        "..0: pte 0x21fda401 pa 0x87f69000",
        ".. ..1: pte 0x21fda001 pa 0x87f68000",
        ".. .. ..2: pte 0x21fdb01f pa 0x87f6c000",
    )
    (table,) = vm.load("\n".join([*lines, "$ "])).tables
    assert table.walk(1 << 21 | 2 << 12).pa == 0x87F6_C000


@pytest.mark.parametrize(("end", "of"), [("\n", "uCore"), ("", "a kernel")])
def test_a_line_of_ucore_on_riscv_is_not_the_beginning_of_one_on_x86(end: str, of: str) -> None:
    """uCore on x86 goes on with a bracket, which a cut text does not have."""
    assert vm.load(f"page fault at 0x00000100: K/W{end}").what == (of,)


@pytest.mark.parametrize("after", ["error code 0x7", "0x7 cr2=0x200 eip 0x300"])
def test_ucore_prints_all_of_a_fault_in_one_line(after: str) -> None:
    (trap,) = vm.load(f"page fault at 0x00000100: K/W [no page found].\n{after}\n").traps
    assert (trap.refused, trap.where, trap.pc) == ("P", "kernel mode", None)


@pytest.mark.parametrize("name", WHOLE)
def test_a_damaged_line_takes_its_own_descriptor_along_and_no_more_is_claimed(name: str) -> None:
    lines = WHOLE[name].splitlines()
    for number, line in enumerate(lines):
        if "pte" not in line:
            continue
        for broken in (
            line.replace("pte 0x0000", "pte 0x00z0"),
            line[: line.index("pte") + 9],
            line.replace("pa", "p"),
        ):
            text = "\n".join([*lines[:number], broken, *lines[number + 1 :]])
            assert said(text) == [], broken
            assert any(f"ine {number + 1} " in one for one in vm.load(text).unsaid), broken


def test_what_lies_around_a_damaged_line_is_still_said() -> None:
    text = WHOLE["vmprint-index"].replace(".. .. ..1: pte 0x0000", ".. .. ..1: pte 0x00z0")
    (table,) = vm.load(text).tables
    assert table.walk(0x10, "read", user=True).pa == 0x87F5_B010
    assert table.walk(0x2010, "write", user=True).pa == 0x87F5_7010
    assert table.walk(0x4000_0000).fault.kind == "not-present"  # the root's lines are all there
    with pytest.raises(vm.Refused, match="line 8 of the text can't be read"):
        table.walk(0x1000)


@pytest.mark.parametrize("name", WHOLE)
def test_rows_behind_a_damaged_line_are_known_where_the_next_line_follows(name: str) -> None:
    lines = WHOLE[name].splitlines()
    at = next(number for number, line in enumerate(lines) if "21fd6007" in line)
    lines[at] = lines[at].replace("pte 0x0000", "pte 0x00z0")
    (table,) = vm.load("\n".join(lines) + "\n").tables
    for va in (0x3000, 0x1F_F000, 0x20_0000, 0x4000_0000):  # the table goes on with 0x2000, and ends
        assert table.walk(va).fault.kind == "not-present"
    assert [[*range(one.start, one.stop)] for one in table.unread(0x87F5_9000)] == [[1]]


def test_two_damaged_lines_leave_what_is_behind_the_next_one_known() -> None:
    text = WHOLE["vmprint-index"].replace(".. .. ..1: pte 0x0000", ".. .. ..1: pte 0x00z0")
    line = ".. .. ..3: pte 0x0000000021fd5cd7 pa 0x0000000087f57000\n"
    text = text.replace("hart 1 starting\n.. .. ..2: pte 0x0000", ".. .. ..2: pte 0x00z0").replace(
        "..255", line + "..255"
    )
    (table,) = vm.load(text).tables
    assert {at for one in table.unread(0x87F5_9000) for at in one} - {0} == {1, 2}
    assert table.walk(0x4000).fault.kind == "not-present"


def test_rows_behind_the_last_line_of_a_table_stay_unknown_if_that_is_damaged() -> None:
    text = WHOLE["vmprint-index"].replace(".. .. ..2: pte 0x0000", ".. .. ..2: pte 0x00z0")
    (table,) = vm.load(text).tables
    for va in (0x2000, 0x3000, 0x1F_F000):
        with pytest.raises(vm.Refused, match="line 10 of the text can't be read"):
            table.walk(va)
    assert table.walk(0x20_0000).fault.kind == "not-present"


@pytest.mark.parametrize("row", ["0", "1", "2", "510", "511"])
def test_addresses_that_are_unknown_are_those_that_a_walk_refuses(row: str) -> None:
    text = WHOLE["vmprint-index"].replace(f".. .. ..{row}: pte 0x0000", f".. .. ..{row}: pte 0x00z0")
    (table,) = vm.load(text).tables
    assert table.unknown

    def refused(va: int) -> bool:
        try:
            return not table.walk(va)
        except vm.Refused:
            return True

    ends = {at for one in table.unknown for at in (one.start, one.end)}
    for va in {*PROBES, *(at + by for at in ends for by in (-vm.PAGE, 0))}:
        if 0 <= va < 1 << 39:
            assert refused(va) == any(one.start <= va < one.end for one in table.unknown), hex(va)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_line_of_a_table_without_a_beginning_is_named(count: int) -> None:
    lost = [
        f".. .. ..{row}: pte {0x21FD_40D7 + (row << 10):#018x} pa {0x87F5_0000 + (row << 12):#018x}"
        for row in (1, 2, 3)
    ]
    says = vm.load("\n".join([*lost[:count], WHOLE["vmprint-index"]])).unsaid
    (said,) = (one for one in says if "whose beginning is missing" in one)
    assert re.findall("PTE (0x[0-9a-f]+)", said) == [f"{0x21FD_40D7 + (row << 10):#x}" for row in (1, 2, 3)[:count]]
    assert ("It has" in said, "They have" in said) == (count == 1, count > 1)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("lost", [r"\.\.", r"\.\. ?", r" *\.\. *"])
def test_a_table_without_any_dots_says_that_they_are_missing(name: str, lost: str) -> None:
    text = re.sub(lost, "", WHOLE[name])
    with pytest.raises(vm.Refused, match="without the dots at the left"):
        vm.load(text)
    unsaid = vm.load(text + "panic: kfree\n").unsaid
    assert any("without the dots at the left" in one for one in unsaid)
    assert not any("not in a form" in one or "can't be read" in one for one in unsaid)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("dots", ["…", "‥"])
def test_an_ellipsis_in_one_character_is_read_as_dots(name: str, dots: str) -> None:
    for text in (WHOLE[name].replace("..", dots), WHOLE[name].replace(".. .. ..", f"{dots} {dots} {dots}")):
        pasted = vm.load(text)
        assert [table.pieces for table in pasted.tables] == [table.pieces for table in vm.load(WHOLE[name]).tables]
        assert any("ellipsis" in one for one in pasted.unsaid)


def test_a_refusal_says_why_before_it_says_what_is_odd() -> None:
    lines = [line for line in WHOLE["vmprint-index"].splitlines() if "pte" in line or "page table" in line]
    others = [line.replace("21fd", "21bd").replace("87f", "86f") for line in lines]
    others[3] = others[3].replace("pa 0x0000000086f5b", "pa 0x0000000086f5e")
    text = "".join(f"{one}\n{other}\n" for one, other in zip(lines, others, strict=True))
    assert "has a pa that is not" in vm.load(text + "panic: kfree\n").unsaid[0]
    with pytest.raises(vm.Refused, match="make CPUS=1 qemu"):
        vm.load(text)


def test_the_text_may_end_before_its_table_does() -> None:
    pasted = vm.load("page table 0x87f5e000\n..0: pte 0x21fd6801 pa 0x87f5a000\n.. ..0: pte 0x21fd6401 pa 0x87f59000\n")
    assert "ends with line 3" in pasted.unsaid[0]
    with pytest.raises(vm.Refused, match="the text ends with line 3"):
        pasted.tables[0].walk(0)


def test_two_tables_at_once_are_told_apart_where_the_order_leaves_one_way() -> None:
    first, second = vm.load((DATA / "two-tables.txt").read_text()).tables
    assert (first.root, second.root) == (0x87F5_E000, 0x87F4_E000)
    assert first.pieces == (SaidRange(0, 0x1000, "r-xu", 0x87F5_B000),)
    assert second.pieces == (SaidRange(0, 0x1000, "r-xu", 0x87F4_B000),)


def test_two_tables_at_once_are_not_guessed() -> None:
    lines = (
        "page table 0x87f5e000", "page table 0x87f4e000",
        "..0: pte 0x21fd6801 pa 0x87f5a000", "..0: pte 0x21fd2801 pa 0x87f4a000",
        ".. ..0: pte 0x21fd6401 pa 0x87f59000", ".. ..0: pte 0x21fd2401 pa 0x87f49000", "$ ",
    )  # fmt: skip
    text = "\n".join(lines)
    with pytest.raises(vm.Refused, match="does not say which line belongs to which"):
        vm.load(text)
    pasted = vm.load(text + "\npanic: kfree\n")
    assert pasted.tables == ()
    assert "make CPUS=1 qemu" in pasted.unsaid[0]


def test_tables_one_after_the_other_are_two() -> None:
    twice = vm.load(WHOLE["vmprint-index"] * 2)
    assert [table.lines for table in twice.tables] == [(5, 14), (21, 30)]
    assert said(WHOLE["vmprint-index"] * 2) == []


def with_fewer_dots(text: str, lost: str) -> str:
    """Tables whose lines begin without what is lost."""
    return re.sub(rf"(?m)^(?:{lost})(?= ?\.\.)", "", text)


@pytest.mark.parametrize("lost", [r"( ?\.\. )+", r" ?\.\. ", r" ?\.\. (?= ?\.\. )"])
@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("lines", [5, 10])
def test_a_table_whose_dots_are_lost_is_not_walked(name: str, lost: str, lines: int) -> None:
    table = "\n".join(WHOLE[name][WHOLE[name].index("page table") :].split("\n")[:lines])
    trap = "\nusertrap(): unexpected scause 0xf pid=3\n  sepc=0x42 stval=0x1ff8\n"
    assert vm.load(table + trap).traps[0].walk is not None
    pasted = vm.load(with_fewer_dots(table, lost) + trap)
    assert (pasted.tables, pasted.traps[0].walk) == ((), None)
    assert any("dots" in sentence for sentence in pasted.unsaid)


def test_a_table_whose_dots_are_lost_is_known_by_a_page_that_can_not_be_so_large() -> None:
    table = "page table 0x87f5e000\n..0: pte 0x21fd6801 pa 0x87f5a000\n..1: pte 0x21fd6401 pa 0x87f59000\n"
    with pytest.raises(vm.Refused, match="dots"):
        vm.load(table + "..2: pte 0x21fd5cd7 pa 0x87f57000\n$ ")
    assert len(vm.load(table + "..2: pte 0x200000d7 pa 0x80000000\n$ ").tables) == 1


@pytest.mark.parametrize("line", [".. ..2:", ".. ..0x0000000000400000:", "..2:", "..0x0000000080000000:"])
@pytest.mark.parametrize("stval", ["0x2008", "0x400000", "0x80000000"])
def test_a_page_that_can_not_be_so_large_is_not_mapped(line: str, stval: str) -> None:
    table = "page table 0x87f6e000\n..0: pte 0x21fda801 pa 0x87f6a000\n.. ..0: pte 0x21fda401 pa 0x87f69000\n"
    table += f".. .. ..0: pte 0x21fdac5b pa 0x87f6b000\n{line} pte 0x21fda0d7 pa 0x87f68000\n$ "
    pasted = vm.load(f"{table}usertrap(): unexpected scause 0xf pid=3\n  sepc=0x10 stval={stval}\n")
    assert [one.start for one in pasted.ranges or pasted.tables[0].ranges] == [0]
    assert any(said.startswith("Line 5 has a large page") and "lost two" in said for said in pasted.unsaid)
    is_there = stval == "0x2008" or stval == ("0x400000" if line.startswith(".. ..") else "0x80000000")
    assert pasted.traps[0].refused == "V" * (not is_there)


def test_a_table_without_its_root_is_walked_and_the_root_is_not_made_up() -> None:
    text = re.sub(r"page table .*\n", "", WHOLE["vmprint-index"])
    pasted = vm.load(text)
    (table,) = pasted.tables
    assert not table.root_is_said
    assert table.root not in WORDS
    assert table.walk(0x2004, "write", user=True).pa == 0x87F5_7004
    assert any("no root address" in sentence for sentence in pasted.unsaid)


def test_a_pa_that_is_not_the_descriptors_is_said() -> None:
    text = WHOLE["vmprint-index"].replace("pa 0x0000000087f57000", "pa 0x0000000087f56000")
    pasted = vm.load(text)
    assert said(text) == []
    assert pasted.unsaid == ("Line 10 has a pa that is not the one in its pte, which is used.",)


@pytest.mark.parametrize(
    "line",
    [
        "..512: pte 0x21fd6801 pa 0x87f5a000",
        ".. .. .. ..0: pte 0x21fd6801 pa 0x87f5a000",
        "..0x1000: pte 0x21fd6801 pa 0x87f5a000",
        "..0: pte 0x00000021fd6801 pa 0x87f5a000",
        "..0: pte 0x121fd680100000000 pa 0x87f5a000",
    ],
)
def test_a_line_that_no_table_can_have_is_said(line: str) -> None:
    pasted = vm.load(f"panic: kfree\npage table 0x87f5e000\n{line}\n")
    assert pasted.tables == ()
    assert any(one.startswith("Line 3 looks like") for one in pasted.unsaid)


def test_a_root_that_no_table_can_have_is_said() -> None:
    pasted = vm.load(WHOLE["vmprint-index"].replace("87f5e000", "87f5e123"))
    assert not pasted.tables[0].root_is_said
    assert "no table can have" in pasted.unsaid[0]


@pytest.mark.parametrize(
    "cut", ["scause 0x0000000000", "scause 0x000000000000000f pid=3\n sepc=0x0000000000000040 stv"]
)
def test_a_trap_that_is_cut_says_what_is_missing(cut: str) -> None:
    pasted = vm.load(f"panic: kfree\nusertrap(): unexpected {cut}")
    assert all(trap.stval is None and trap.walk is None for trap in pasted.traps)
    assert any("is cut" in one or "has no stval" in one for one in pasted.unsaid)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "$ ls\n..  1 1 1024\n", "hello", "\0" * 9, "...", "panic", "0x1: pte", "é\ud800"]
)
def test_nonsense_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(vm.Refused, match=r"docs/read\.md|is nearest to") as refused:
        vm.load(text)
    assert "\n" not in str(refused.value)


def test_a_text_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "MOST_TEXT_BYTES", 1 << 12)
    for given in ("a\n" * (1 << 12), b"a\n" * (1 << 12)):
        with pytest.raises(vm.Refused, match=r"at most|has more than"):
            vm.load(given)


def test_a_table_that_leads_to_itself_is_walked_and_drawn() -> None:
    lines = "".join(f"..{index}: pte 0x21fd7801 pa 0x87f5e000\n" for index in range(512))
    (table,) = vm.load(f"page table 0x87f5e000\n{lines}$ \n").tables
    assert table.pieces == ()
    assert vm.picture(table).scene().nodes
    assert table.walk(0).fault.kind == "reserved"  # the last level has no pointers


def test_shuffled_and_repeated_pieces_are_read_or_refused() -> None:
    source = random.Random(34)
    pieces = [piece for path in sorted(DATA.glob("*.txt")) for piece in re.split(r"(?<=[ :\n])", path.read_text())]
    for _ in range(300):
        text = "".join(source.choices(pieces, k=source.randrange(1, 60)))
        try:
            pasted = vm.load(text)
        except vm.Refused:
            continue
        assert vm.picture(pasted).scene().nodes
        for table in pasted.tables:
            assert all(one.size in (1 << 12, 1 << 21, 1 << 30) for one in table.pieces)


def test_what_a_damaged_line_can_not_have_listed_is_not_mapped() -> None:
    lines = (
        "page table 0x87f5e000",
        "..3: pte 0x200000d7 pa 0x80000000",
        "..7: pte 0x21fz",
        "..9: pte 0x0 pa 0x0",
        "$ ",
    )
    (table,) = vm.load("\n".join(lines)).tables
    assert table.walk(1 << 30).fault.kind == "not-present"  # index 1 is below 3, which was printed before
    with pytest.raises(vm.Refused, match="line 3 of the text can't be read"):
        table.walk(5 << 30)


def test_two_traps_at_once_are_not_guessed() -> None:
    lines = (
        "usertrap(): unexpected scause 0xd pid=3", "usertrap(): unexpected scause 0xf pid=4",
        " sepc=0x10 stval=0x1000", " sepc=0x20 stval=0x2000", "usertrap(): unexpected scause 0xf pid=5",
        " sepc=0x30 stval=0x3000", "",
    )  # fmt: skip
    pasted = vm.load(WHOLE["vmprint-index"] + "\n".join(lines))
    assert [(trap.pid, trap.stval, trap.walk is None) for trap in pasted.traps] == [
        (3, None, True), (4, None, True), (5, 0x3000, False),
    ]  # fmt: skip
    assert any("may be those of the trap printed before it" in one for one in pasted.unsaid)


@pytest.mark.parametrize(("end", "is_said"), [("0x1ff", True), ("0x1ff8\n", False), ("0x0000000000001ff8", False)])
def test_a_number_at_the_end_of_the_text_may_be_cut(end: str, is_said: bool) -> None:
    pasted = vm.load(f"usertrap(): unexpected scause 0xf pid=3\n sepc=0x10 stval={end}")
    assert any("digits may be missing" in one for one in pasted.unsaid) == is_said


OOPS = """[  104.237121] BUG: unable to handle page fault for address: ffffa3b1c0123000
[  104.237133] #PF: error_code(0x0003) - permissions violation
[  104.237136] PGD 100000067 P4D 100000067 PUD 1001c5067 PMD 1053f1067 PTE 8000000104a3f161
[  104.237143] Oops: 0003 [#1] PREEMPT SMP NOPTI
[  104.237190] CR2: ffffa3b1c0123000 CR3: 0000000104c2c000 CR4: 0000000000750ee0
"""
XV6_X86 = "pid 3 prog: trap 14 err 6 on cpu 0 eip 0x10 addr 0x4000--kill proc\n"


def wrapped(text: str, width: int) -> str:
    """The lines of a text as a window of this width shows them."""
    return "".join(f"{line[at : at + width]}\n" for line in text.split("\n") for at in range(0, len(line) or 1, width))


def traps_of(text: str) -> tuple[Any, ...]:
    """The traps of a text, none if it is refused."""
    try:
        return vm.load(text).traps  # type: ignore[no-any-return]  # Any: texts of all kinds
    except vm.Refused:
        return ()


@pytest.mark.parametrize("text", [OOPS, XV6_X86, f"[kernel] {'-' * 50} scause=0xf, sepc=0x42, stval=0x3ffffff000\n"])
def test_a_number_that_a_window_wraps_is_not_its_first_digits(text: str) -> None:
    (whole,) = vm.load(text).traps
    known = {step.value for step in whole.walk.steps} if whole.walk else set()
    for width in range(40, max(map(len, text.split("\n")))):
        for trap in traps_of(wrapped(text, width)):
            assert trap.address in (None, whole.address), width
            assert trap.refused in ("", whole.refused), width
            assert {step.value for step in trap.walk.steps} <= known if trap.walk else True, width


def test_a_text_that_a_window_wraps_says_which_number_is_not_read() -> None:
    pasted = vm.load(wrapped(OOPS, 80))
    assert pasted.traps[0].refused == ""
    assert "from line 3 to line 4, as a window of 80 columns wraps it" in pasted.unsaid[0]


def test_rows_of_equal_length_are_not_wrapped() -> None:
    rows = "".join(f"{at:08x} {at:016x} {4096:08x} rwxu-ad\n" for at in range(0, 5 * 4096, 4096))
    assert len(vm.load(rows).listings[0].ranges) == 1
    assert not any("window" in one for one in vm.load(rows).unsaid)


LISTED = (
    "0000003fffffe000 0000000087f66000 0000000000001000 rw---ad",
    "3fffe000 0000000087f66000 00001000 rw---ad",
    "ffff888000200000-ffff888000400000 0000000000200000 -rw",
    "00001000-00002000 00001000 urw",
    "ffff888000200000: 0000000000200000 XGPDA---W",
)


@pytest.mark.parametrize("line", LISTED)
def test_a_line_of_the_monitor_whose_beginning_is_missing_is_left_out(line: str) -> None:
    assert len(vm.load(f"{line}\n").listings[0].ranges) == 1
    for cut in range(1, len(line)):
        with pytest.raises(vm.Refused):
            vm.load(f"{line[cut:]}\n")


LINES_OUT = """\
page table 0x87f6e000
..0: pte 0x21fda801 pa 0x87f6a000
.. ..0: pte 0x21fda401 pa 0x87f69000
.. .. ..0: pte 0x21fdac5b pa 0x87f6b000
...
.. .. ..3: pte 0x21fd9cd7 pa 0x87f67000
..255: pte 0x21fdb401 pa 0x87f6d000
.. ..511: pte 0x21fdb001 pa 0x87f6c000
.. .. ..511: pte 0x20001c4b pa 0x80007000
$
"""


def test_lines_left_out_end_at_the_roots_next_descriptor() -> None:
    trap = "usertrap(): unexpected scause 0xf pid=3\n  sepc=0x8 stval={:#x}\n"
    at = [1 << 30, 254 << 30, -256 << 30 & (1 << 64) - 1, -4096 & (1 << 64) - 1]  # slots 1, 254, 256, 511
    assert [vm.load(LINES_OUT + trap.format(one)).traps[0].refused for one in at] == ["", "", "V", "V"]


def test_a_descriptor_in_no_table_is_said() -> None:
    (said,) = (one for one in vm.load(LINES_OUT).unsaid if one.startswith("Line 6 "))
    assert "0x21fd9cd7" in said and "0x87f6_7000" in said
