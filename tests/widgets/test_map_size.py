"""What an update costs: bytes are bounded, however large the map and whatever is asked."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.views.pictures import machine_with
from tests.widgets.page import draw
from vmwidgets.widgets.host.packing import pack

LIMIT = 64 * 1024


@pytest.mark.parametrize("entries", [300, 400, 1050, 1200])
def test_no_update_is_larger_than_the_limit(entries: int) -> None:
    machine = machine_with(entries)
    views: list[vm.View] = [
        kind(machine.kernel_map, whole=10**6) for kind in (vm.Tree, vm.EntryList, vm.Ribbon, vm.Map)
    ]
    for view in [*views, vm.Dashboard(machine, whole=10**6)]:
        assert len(pack(view.scene(), {})) < LIMIT, type(view).__name__


def test_a_single_lane_can_show_a_thousand_entries_whole() -> None:
    machine = machine_with(1023)
    view = vm.Tree(machine.kernel_map, whole=2000)
    nodes = view.scene().whole().nodes
    assert sum(node.kind == "tree-node" for node in nodes) == 1023
    assert not [node for node in nodes if node.kind == "fold"]
    draw(view)
    assert len(view.frame["data"]) <= 16 * 1024
