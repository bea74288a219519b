"""How many elements a page has to paint for a picture: that is most of what a picture costs there."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

import pytest

import vmwidgets as vm
from vmwidgets.pictures.picture import Picture
from vmwidgets.views.scene.model import Node, Scene


def dashboard() -> Picture:
    machine = vm.boot("x86-64")
    for number in range(20):
        machine.kernel_map.enter("16 KiB", prot=("rw", "r", "rx")[number % 3], nomerge=True)
    return vm.Dashboard(machine)


def tlbs() -> Picture:
    machine = vm.boot("x86-64", cpus=2)
    task = machine.task("init")
    start = task.mmap("64 KiB", "rw", "private|populate")
    for cpu in machine.cpus:
        cpu.run(task)
        for page in range(16):
            cpu.load(start + vm.PAGE * page)
    return vm.Tlb(machine)


MANY_BARS = int(
    re.findall(r"const MANY_BARS = (\d+);", (Path(__file__).parents[2] / "js" / "src" / "node.ts").read_text())[0]
)
"""So many bars of one style that follow each other are one path in a page."""


def bars_of(node: Node) -> int:
    """How many elements the bars of a node are."""
    runs = (len(list(those)) for _, those in groupby(bar.style for bar in node.bars))
    return sum(1 if count >= MANY_BARS else count for count in runs)


def elements(scene: Scene) -> int:
    """Those that `js/src/node.ts` makes: a group, shape, bars and runs of text; a line and its head."""
    drawn = sum(1 + (one.shape != "none") + bars_of(one) + len(one.text) for one in scene.nodes)
    return drawn + sum(2 + one.arrow for one in scene.links)


@pytest.mark.parametrize(("made", "most"), [(dashboard, 330), (tlbs, 170)])
def test_a_picture_has_few_elements(made, most: int) -> None:
    """What has no room for words is a bar of one node, or a mark, and no node of its own."""
    assert 100 < elements(made().scene()) <= most
