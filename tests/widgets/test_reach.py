"""What is drawn small can be reached: every range of a 48-bit space, and every node of a thousand, at 420 pixels."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.widgets.page import HELLO, draw, replies
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.views.scene.model import Node

MANY = 1000
LANES = ("tree", "list", "ribbon")


@pytest.fixture(scope="module")
def space() -> MachineMap:
    """A map with a thousand small entries, from one end of 48 bits to the other."""
    found = vm.boot("aarch64").task("init").map
    apart = int(found.end - found.start) // MANY & -(1 << 16)
    for number in range(MANY):
        found.enter("64 KiB", at=int(found.start) + number * apart, fixed=True, nomerge=True)
    return found


def reached(picture: vm.View) -> dict[str, list[Node]]:
    """The nodes to which a key can go, by lane."""
    nodes = picture.scene().whole().nodes
    return {lane: [one for one in nodes if one.lane == lane] for lane in LANES}


@pytest.mark.parametrize("step", [40, pytest.param(1, marks=pytest.mark.sweep)])
def test_an_address_is_found_in_each_lane(space: MachineMap, step: int) -> None:
    view = vm.Map(space, width=420)
    draw(view)
    for entry in [*space][::-step]:
        replies(view, {"type": "find", "text": f"{int(entry.start):x}", "way": 1})
        assert view.selection == f"entry:{entry.id}"
        there = {lane: [node.thing for node in nodes] for lane, nodes in reached(view).items()}
        assert all(view.selection in things for things in there.values()), entry


@pytest.mark.parametrize("kind", ["Tree", "EntryList", "Ribbon"])
def test_each_node_is_under_some_fold(space: MachineMap, kind: str) -> None:
    """Each fold is pressed on the way to it, and what it holds is nodes and smaller folds."""
    found: set[str] = set()
    pressed: set[str] = set()
    ways: list[tuple[str, ...]] = [()]
    while ways:
        way = ways.pop()
        view = getattr(vm, kind)(space, width=420)
        for fold in way:
            view.opened(fold)
        (nodes,) = (nodes for nodes in reached(view).values() if nodes)
        found |= {node.thing for node in nodes if node.action == "select"}
        folds = {node.id for node in nodes if node.action == "open"} - pressed
        pressed |= folds
        ways += [(*way, fold) for fold in folds]
    assert found >= {f"entry:{entry.id}" for entry in space}


@pytest.mark.parametrize("kind", ["Tree", "EntryList", "Ribbon"])
def test_a_thousand_that_are_drawn_one_by_one_are_in_one_lane(space: MachineMap, kind: str) -> None:
    """Arrow keys go along a lane: tests/browser/test_reach.py."""
    view = getattr(vm, kind)(space, width=420, whole=MANY)
    (nodes,) = (nodes for nodes in reached(view).values() if nodes)
    assert {node.thing for node in nodes} >= {f"entry:{entry.id}" for entry in space}


def test_a_fold_opens_on_a_page_that_has_the_film(space: MachineMap) -> None:
    view = vm.Ribbon(space, width=420)
    replies(view, HELLO)
    draw(view)
    for _ in view.filming():
        pass
    assert view.film, "the page has the steps"
    fold = next(node for node in view.scene().nodes if node.action == "open")
    before = view.seq
    assert replies(view, {"type": "open", "id": fold.id}) == []
    assert view.seq == before + 1
