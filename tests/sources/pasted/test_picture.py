"""How a pasted text shows itself: as the value of a cell, with tables that open."""

from __future__ import annotations

from pathlib import Path

import pytest

import vmwidgets as vm

DATA = Path(__file__).parents[2] / "data" / "pasted"
PASTED = vm.load((DATA / "trap.txt").read_text())


def test_it_shows_the_refusal_the_panic_the_walk_and_the_tables() -> None:
    scene = vm.picture(PASTED).scene()
    assert scene.caption.text == PASTED.traps[0].says
    assert {node.id.split("/")[0] for node in scene.nodes} >= {"pasted", "walk", "tables"}
    words = vm.picture(PASTED).to_text()
    for part in ("freewalk in kernel/vm.c", *PASTED.panics[0].mistakes, *PASTED.unsaid):
        assert part in words
    assert len({node.id for node in scene.nodes}) == len(scene.nodes)


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


def test_a_table_opens_and_closes() -> None:
    picture = vm.picture(PASTED)
    before = {node.id for node in picture.scene().nodes}
    picture.opened("tables/table/2/0")
    after = {node.id for node in picture.scene().nodes}
    assert before - after


def test_a_text_without_tables_has_nothing_to_find() -> None:
    with pytest.raises(vm.Refused, match="no page table to look in"):
        vm.picture(vm.load("panic: kfree")).sought("0x1000")


def test_it_shows_nothing_else() -> None:
    with pytest.raises(vm.Refused, match=r"Pasted shows the result of vm\.load"):
        vm.Pasted(vm.boot("x86-64"))
