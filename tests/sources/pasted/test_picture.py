"""How a pasted text shows itself: as the value of a cell, with tables that open."""

from __future__ import annotations

from pathlib import Path

import pytest

import vmwidgets as vm

DATA = Path(__file__).parents[2] / "data" / "pasted"
PASTED = vm.load((DATA / "trap.txt").read_text())


def test_it_shows_the_refusal_the_panic_the_walk_and_the_tables() -> None:
    scene = vm.picture(PASTED).scene()
    assert (scene.caption.text, scene.caption.reason) == (
        "The store of 0x1ff8 was refused.", "User code may not touch a supervisor page. U is 0 in the level 0 PTE.",
    )  # fmt: skip  # the sentence of the trap, in one line and what is below
    assert {node.id.split("/")[0] for node in scene.nodes} == {"section", "walk"}
    picture = vm.picture(PASTED)
    picture.opened("section/tables")
    assert "tables" in {node.id.split("/")[0] for node in picture.scene().nodes}
    words = vm.picture(PASTED).to_text()
    for part in ("freewalk in kernel/vm.c", *PASTED.panics[0].mistakes, *PASTED.unsaid):
        assert part in words
    assert len({node.id for node in scene.nodes}) == len(scene.nodes)


def test_the_walk_is_first_and_the_panic_and_the_rest_open() -> None:
    picture = vm.picture(PASTED)
    likely, *others = PASTED.panics[0].mistakes

    def drawn() -> dict[str, float]:
        """Where each sentence is drawn."""
        nodes = picture.scene().nodes
        return {" ".join(run.text for run in node.text): node.y for node in nodes if node.text}

    folds = {node.id: node for node in picture.scene().nodes if "folded" in node.state}
    assert all(node.action == "open" for node in folds.values())
    places = drawn()
    bits = folds.pop("walk/fold")
    assert bits.y < min(node.y for node in folds.values())
    walk = max(node.y for node in picture.scene().nodes if node.id.startswith("walk/"))
    assert walk < min(node.y for node in folds.values())
    assert len({node.y for node in folds.values()}) < len(folds), "folded parts are side by side"
    hidden = [likely, *others, *PASTED.unsaid]
    assert not any(one in place for one in hidden for place in places)
    for node_id in folds:
        picture.opened(node_id)
    assert all(any(one in place for place in drawn()) for one in (likely, *others))
    for node_id in folds:
        picture.opened(node_id)
    assert drawn() == places


def test_the_flag_that_refuses_is_red_in_a_line_of_flags_and_all_bits_open() -> None:
    picture = vm.picture(PASTED)
    (trap,) = (trap for trap in PASTED.traps if trap.walk is not None)
    last = trap.walk.steps[-1]
    flags = [node for node in picture.scene().nodes if node.kind == "flag"]
    assert {(node.text[0].text, node.text[1].text) for node in flags} == {
        (name, str(last.value >> bit & 1)) for bit, name in enumerate("VRWXUGAD") if name != "G"
    }
    assert [node.text[0].text for node in flags if "fault" in node.state] == ["U"]
    picture.opened("walk/fold")
    bits = {node.id for node in picture.scene().nodes if node.kind == "bit"}
    assert bits == {f"walk/bit/{bit}" for bit in range(64)}


def test_without_a_walk_a_list_is_not_folded() -> None:
    scene = vm.picture(vm.load((DATA / "info-mem-riscv.txt").read_text())).scene()
    assert [node.text[0].text for node in scene.nodes if "folded" in node.state] == ["What the text does not say"]
    assert any(node.id.startswith("pasted/0/row") for node in scene.nodes)


def test_a_panic_that_comes_twice_is_explained_once_with_both_lines() -> None:
    scene = vm.picture(vm.load("panic: freewalk: leaf\nhart 1 starting\npanic: freewalk: leaf\npanic: kfree\n")).scene()
    protected = [row for row in scene.table.rows if "would be lost" in row[1]]
    assert [row[0] for row in protected] == ["panic: freewalk: leaf, lines 1 and 3"]
    assert any(row[0] == "panic: kfree" for row in scene.table.rows)


def test_a_trap_of_which_the_caption_says_all_has_no_empty_table() -> None:
    picture = vm.picture(vm.load("usertrap(): unexpected scause 0x2 pid=3\n  sepc=0x1 stval=0x0\n"))
    assert "illegal instruction" in picture.scene().caption.text
    assert "says" not in picture.to_text().split()


def test_the_only_refusal_is_said_once() -> None:
    """In the caption, or below the trap's headline when the caption says what is at an address."""

    def below(picture: vm.Pasted) -> str:
        return " ".join(line.text for node in picture.scene().nodes for line in node.text)

    picture = vm.Pasted(PASTED)
    assert PASTED.traps[0].headline in below(picture)
    assert PASTED.traps[0].says not in below(picture)
    picture.sought("0x2000")
    assert PASTED.traps[0].says in below(picture)


def test_an_address_is_found_in_its_tables() -> None:
    picture = vm.picture(PASTED)
    picture.sought("0x2000")
    assert picture.scene().caption.text == "0x2000 is mapped: physical 0x87f5_7000, in a page of 4 KiB."
    assert picture.selection == "pte:87f59010"


def test_what_is_not_said_is_not_called_unmapped() -> None:
    (table,) = vm.load("page table 0x87f5e000\n..0: pte 0x21fd6801 pa 0x87f5a000").tables
    tables = vm.Tables(table)
    tables.show_address(0x1000)
    caption = tables.scene().caption
    assert "the text ends with line 2" in caption.text
    assert "Nothing is mapped" not in caption.text


def kinds(text: str) -> dict[tuple[str, str], str]:
    """What the picture of a text's table says of slots, by table and slots."""
    scene = vm.picture(vm.load(text).tables[0]).scene()
    return {(row[0], row[1]): row[3] for row in scene.table.rows}


def test_slots_that_a_text_may_have_lost_are_not_called_a_gap() -> None:
    whole = (DATA / "vmprint-index.txt").read_text()
    garbled = kinds(whole.replace("pte 0x0000000021fd6007", "pte 0x00z0000021fd6007"))
    assert garbled["level 0 table", "1"] == "can't be read"
    assert garbled["level 0 table", "3–511"] == "gap"  # the next line has 2, and the one behind that ends the table
    assert garbled["level 2 table", "1–254"] == "gap"
    twice = kinds(whole.replace("pte 0x0000000021fd5cd7", "pte").replace("pte 0x0000000021fd6007", "pte"))
    assert twice["level 0 table", "1–511"] == "can't be read"
    cut = kinds(whole[: whole.index("..255")])
    assert cut["level 2 table", "1–511"] == "can't be read"
    assert "can't be read" not in kinds(whole).values()


def test_slots_that_can_not_be_read_are_written_into_the_table() -> None:
    whole = (DATA / "vmprint-index.txt").read_text()
    for text, is_there in ((whole, False), (whole.replace("pte 0x0000000021fd6007", "pte 0x00z0000021fd6007"), True)):
        scene = vm.picture(vm.load(text).tables[0]).scene()
        words = [run.text for node in scene.nodes for run in node.text]
        assert any("can't be read" in one for one in words) is is_there


def test_a_table_opens_and_closes() -> None:
    picture = vm.picture(PASTED)
    picture.opened("section/tables")
    before = {node.id for node in picture.scene().nodes}
    picture.opened("tables/table/2/0")
    after = {node.id for node in picture.scene().nodes}
    assert before - after


def test_a_listing_is_in_the_order_of_addresses_with_what_is_not_mapped_in_its_place() -> None:
    mapped = "va 0x{0} pte 0x21FC7C5B pa 0x87F1F000 perm 0x5B\n"
    absent = "va 0x5000 pte 0x0 pa 0x0 perm 0x0\n"
    listed = vm.load(mapped.format(3000) + absent + mapped.format(7000))
    scene = vm.picture(listed).scene()
    assert [row[1].split()[0] for row in scene.table.rows if row[1].startswith("0x")] == ["0x3000", "0x5000", "0x7000"]
    rows = sorted((node.y, node.text[0].text) for node in scene.nodes if node.text and node.text[0].text[:2] == "0x")
    assert [words for _, words in rows] == ["0x3000", "0x5000", "0x7000"]


def test_a_listing_shows_where_lines_are_left_out() -> None:
    line = "{0:016x} 0000000087f58000 0000000000001000 rw-u---\n"
    scene = vm.picture(vm.load(line.format(0x1000) + "...\n" + line.format(0x9000))).scene()
    rows = [row[1].split() for row in scene.table.rows if row[1].startswith("0x")]
    assert [row[0] for row in rows] == ["0x1000", "0x2000", "0x9000"]
    assert rows[1][1:] == ["not", "said"]
    assert "leaves other lines out" in str(scene.caption)


@pytest.mark.parametrize(
    ("perm", "words"),
    [
        ("5B", "user code, which may write none of it"),
        ("17", "user code, which may write 4 KiB"),
        ("7", "none of it"),
    ],
)
def test_a_listing_says_what_user_code_may_reach(perm: str, words: str) -> None:
    listed = vm.load(f"va 0x5000 pte 0x{0x21FC7C00 + int(perm, 16):X} pa 0x87F1F000 perm 0x{perm}\n")
    assert words in vm.picture(listed).scene().caption.text


def test_a_trace_calls_the_heap_a_heap() -> None:
    traced = vm.load("brk(NULL) = 0x55d5c0a1f000\nbrk(0x55d5c0a40000) = 0x55d5c0a40000\n")
    assert [row[-1] for row in vm.picture(traced).scene().table.rows] == ["[heap]"]
