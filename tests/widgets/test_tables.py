"""Page tables that are opened, searched and edited by what a page asks."""

from __future__ import annotations

from pathlib import Path

import pytest

import vmwidgets as vm
from tests.widgets.page import asked, draw

DATA = Path(__file__).parents[1] / "data" / "mmu"


def tables_of(view: vm.View) -> list[str]:
    return [node.id for node in view.scene().nodes if node.kind == "table"]


def test_a_click_opens_a_table_and_another_closes_it_with_what_is_below() -> None:
    view = vm.Tables(vm.load_tables(DATA / "linux-x86_64.jsonl.gz"))
    before = tables_of(view)
    assert "tables/table/3/0" in before
    assert asked(view, type="open", id="tables/slot/4/0") == ""
    assert [one for one in tables_of(view) if one.startswith("tables/table/3")] == []
    assert tables_of(view) == ["tables/table/4/0"]
    asked(view, type="open", id="tables/slot/4/0")
    assert "tables/table/3/0" in tables_of(view)
    asked(view, type="open", id="tables/table/3/0")
    assert tables_of(view) == ["tables/table/4/0"]


def test_never_more_tables_are_open_than_fit() -> None:
    view = vm.Tables(vm.load_tables(DATA / "linux-armv7.jsonl.gz"))
    for _ in range(20):
        rows = [node for node in view.scene().nodes if "is-table" in node.state]
        shut = [row for row in rows if row.id.replace("slot/2", "table/1") not in tables_of(view)]
        folds = [node for node in view.scene().nodes if node.kind == "fold" and "/2/" in node.id]
        if not (shut or folds):
            break
        asked(view, type="open", id=(shut or folds)[0].id)
        assert len(tables_of(view)) <= 16


def test_a_typed_address_opens_its_way_and_a_wrong_one_is_refused() -> None:
    tables = vm.load_tables(DATA / "linux-x86_64.jsonl.gz")
    view = vm.Tables(tables)
    found = tables.walk(tables.queries[0].va)
    assert asked(view, type="find", way=1, text=f"{found.va:x}") == ""
    assert len(tables_of(view)) == len(found.steps)
    assert view.selection == f"pte:{found.steps[-1].pa:x}"
    assert view.address == found.va
    assert "nothing in this picture is called 'over there'" in asked(view, type="find", way=1, text="over there")
    assert "is not an address" in asked(view, type="find", way=1, text="…1000"), (
        "nothing is left out here: what would it be?"
    )
    assert "does not fit the 64 bits" in asked(view, type="find", way=1, text="1" * 17)
    assert view.address == found.va, "a wrong one changes nothing"


@pytest.mark.parametrize("asks", ["tables/bit/1", "tables/switch/undo"])
def test_tables_without_a_machine_refuse_to_be_edited(asks: str) -> None:
    tables = vm.load_tables(DATA / "linux-x86_64.jsonl.gz")
    view = vm.Tables(tables)
    asked(view, type="find", way=1, text=f"{tables.queries[0].va:x}")
    before = view.to_json()
    assert asked(view, type="open", id=asks) != "", "the page has nothing to ask it by"
    with pytest.raises(vm.Refused, match="they can be viewed but not edited"):
        view.opened(asks)
    assert view.to_json() == before


def test_a_bit_is_flipped_through_the_door_and_undone() -> None:
    machine = vm.boot("x86-64")
    view = vm.Tables(machine)
    asked(view, type="find", way=1, text=f"{machine.kernel_map.start:x}")
    before = machine.walk(machine.kernel_map.start)
    assert asked(view, type="open", id="tables/bit/1") == ""
    assert machine.journal[-1].name == "set_descriptor"
    assert machine.walk(machine.kernel_map.start, "write").fault.kind == "protection"
    changed = [node for node in view.scene().nodes if "changed" in node.state]
    assert {node.kind for node in changed} == {"bit", "descriptor"}
    assert asked(view, type="open", id="tables/switch/undo") == ""
    assert machine.walk(machine.kernel_map.start) == before


def test_a_cut_off_table_is_gone_from_the_picture_until_it_is_undone() -> None:
    machine = vm.boot("x86-64")
    view = vm.Tables(machine)
    before = tables_of(view)
    top = machine.walk(machine.kernel_map.start).steps[0]
    machine.set_descriptor(top.pa, 0)
    assert tables_of(view) == ["tables/table/4/0"]
    machine.undo_descriptor()
    assert tables_of(view) == before


def test_the_picture_follows_the_machine() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    view = vm.Tables(task)
    assert not any("user" in node.title for node in view.scene().nodes)
    at = task.map.enter("16 KiB", object=machine.object("heap"))
    task.write(at, bytes(3 * 4096))
    leaves = [node.title for node in view.scene().nodes if "is-leaf" in node.state]
    assert any("user" in title for title in leaves)


@pytest.mark.parametrize("target", [None, 5, "m", [], vm.Walk])
def test_what_has_no_tables_is_refused(target: object) -> None:
    with pytest.raises(vm.Refused, match="Tables shows"):
        vm.Tables(target)
    with pytest.raises(vm.Refused, match="Formats shows"):
        vm.Formats(target)


def test_tables_nobody_else_keeps_stay_with_their_picture() -> None:
    import gc

    view = vm.show(vm.load_tables(DATA / "linux-x86_64.jsonl.gz"))
    formats = vm.show(vm.compare_formats([(0, "4 KiB")]))
    gc.collect()
    assert view.scene().nodes
    assert formats.scene().nodes


def test_an_address_can_be_given_and_set() -> None:
    tables = vm.load_tables(DATA / "linux-x86_64.jsonl.gz")
    first, second = (tables.walk(query.va) for query in tables.queries[:2])
    view = vm.Tables(tables, address=first.va)
    assert len(tables_of(view)) == len(first.steps)
    assert view.selection == f"pte:{first.steps[-1].pa:x}"
    view.address = second.va
    assert view.selection == f"pte:{second.steps[-1].pa:x}"
    assert str(vm.Address(second.va)) in view.scene().caption.text
    view.address = -1
    assert view.scene().caption.text.startswith("73 of the root's 512 descriptors")


def test_an_address_that_no_register_holds_is_refused() -> None:
    arm = vm.boot("armv7")
    with pytest.raises(vm.Refused, match="32 bits"):
        vm.Tables(arm, address=1 << 40)
    view = vm.Tables(arm)
    with pytest.raises(vm.Refused, match="32 bits"):
        view.address = 1 << 40
    assert view.address == -1
    draw(view)
    assert view.status == ""


def test_each_address_of_64_bits_and_none_besides_can_be_looked_for() -> None:
    view = vm.Tables(vm.boot("x86-64"), address=2**64 - 1)
    for wrong in (-2, 2**64):
        with pytest.raises(vm.Refused, match=r"at most 0xffff_?ffff_?ffff_?ffff"):
            view.address = wrong
    assert view.address == 2**64 - 1


def test_a_domains_tables_are_shown_like_a_tasks() -> None:
    domain = vm.boot("armv7").domain("hello")
    domain.map(domain.frame(), at=0x5000_0000)
    view = vm.Tables(domain)
    view.sought("5000 0000")
    assert "is mapped" in view.scene().caption.text
    assert view.scene().title == vm.Tables(domain.tables).scene().title
