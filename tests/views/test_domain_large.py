"""Pictures of a domain with more than can be drawn: all is drawn or counted, and folds open."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.views.test_domain import PAGE, placed, tree, words
from tests.views.test_kmem_layout import sound, steps_of
from vmwidgets.engine.machine.handles.domain import MachineDomain
from vmwidgets.engine.selfpaging.domain_schema import VnodeValue, all_vnodes


@pytest.fixture
def large() -> MachineDomain:
    """700 mappings in three tables, each with a region of its own, and slots that somebody else has."""
    domain = vm.boot("armv7", ram="64 MiB").domain("hello")
    frame = domain.frame("4 KiB")
    for number in range(350):
        domain.map(frame, at=0x5000_0000 + number * 2 * PAGE)
        domain.map(frame, at=0x5000_0000 + (699 - number) * 2 * PAGE)
    domain.take_slots(50)
    domain.map(frame, at=0x5000_0000 + 351 * PAGE)
    return domain


def test_what_a_picture_of_a_large_domain_leaves_out_is_counted(large: MachineDomain) -> None:
    whole = large.snapshot()
    scene = vm.Domain(large).scene()
    sound(scene)
    drawn = {node.id for node in scene.nodes if node.kind == "vnode"}
    folds = [words(node).split() for node in scene.nodes if node.id.startswith("tree/fold/")]
    leaves = [node for node in all_vnodes(whole.root) if not node.is_table]
    hidden = sum(int(said[said.index("leaves") - 1]) if "leaves" in said else 1 for said in folds)
    assert len([leaf for leaf in leaves if f"tree/{leaf.id}" in drawn]) + hidden == len(leaves)
    assert f"{len(leaves)} leaves" in words(placed(scene)["tree/heads/requested"])
    held = sum(len(cnode.capabilities) for cnode in whole.cnodes)
    assert f"{held:,} capabilities" in scene.subtitle
    assert f"{len(whole.regions):,} regions" in words(placed(scene)["books"])
    slots = vm.Capabilities(large).scene()
    sound(slots)
    left_outs = [node for node in slots.nodes if node.kind == "fold" and node.lane == "slots/slots"]
    cells = [node for node in slots.nodes if node.kind == "cap" and node.lane == "slots/slots"]
    left_out = sum(int(words(node).removeprefix("+").replace(",", "")) for node in left_outs)
    assert left_out + len(cells) == len(whole.cnodes[2].capabilities) + len(whole.cnodes[2].reserved)


def test_a_fold_in_the_middle_of_a_large_table_opens_where_it_begins(large: MachineDomain) -> None:
    view = vm.Vnodes(large)
    last = [node for node in view.scene().nodes if node.id.startswith("tree/fold/")][-1]
    _, _, table, first = last.id.split("/")
    view.opened(last.id)
    opened = [node for node in view.scene().nodes if node.kind == "vnode" and "is-leaf" in node.state]
    there = {f"tree/{node.id}": node for node in tree(large)}
    below = [there[node.id].entry for node in opened if there[node.id] in children(large, int(table))]
    assert min(entry for entry in below if entry >= int(first)) == int(first)
    assert len([entry for entry in below if entry >= int(first)]) > 30


def test_slots_that_are_left_out_are_drawn_if_their_fold_is_opened(large: MachineDomain) -> None:
    view = vm.Capabilities(large)
    before = {node.id for node in view.scene().nodes if node.kind == "cap"}
    fold = next(node for node in view.scene().nodes if node.id.startswith("slots/slots/fold/"))
    view.opened(fold.id)
    scene = view.scene()
    sound(scene)
    after = {node.id for node in scene.nodes if node.kind == "cap"}
    assert before < after
    assert len(after) > len(before) + 30


def children(domain: MachineDomain, table: int) -> tuple[VnodeValue, ...]:
    return next(node.children for node in tree(domain) if node.id == table)


def test_tables_of_a_large_domain_say_how_much_more_there_is(large: MachineDomain) -> None:
    whole = large.snapshot()
    many = sum(len(one.capabilities) for one in whole.cnodes)
    rows = vm.Capabilities(large).scene().table.rows
    assert len(rows) < 300
    assert rows[-1][0] == f"… {many - len(rows) + 1:,} more"
    assert len(vm.Domain(large).to_text().splitlines()) < 60


def test_steps_of_a_large_domain_go_back_to_what_was(large: MachineDomain) -> None:
    view = vm.Domain(large)
    scenes = list(steps_of(view))
    for scene in scenes:
        sound(scene)
    first, last = placed(scenes[0]), placed(scenes[-1])
    leaf = next(node for node in scenes[-1].nodes if node.kind == "vnode" and "new" in node.state)
    assert leaf.id not in first
    leaves = [int(words(scene["tree/heads/requested"]).split(" leaves")[0].split()[-1]) for scene in (first, last)]
    assert leaves[1] == leaves[0] + 1
