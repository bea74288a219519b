"""A buddy system on paper: what is drawn is memory, to scale, and the cuts are the engine's."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import events as ev
from vmwidgets.engine.base.recorder import Raw, Recorder
from vmwidgets.engine.memory.pages import Buddy
from vmwidgets.on_paper.buddy import BuddyValue

CASES: list[tuple[str, list[int | str]]] = [
    ("1 MiB", ["21 KiB"]),
    ("1 MiB", ["21 KiB", "60 KiB", "35 KiB"]),
    ("4 MiB", ["4097 B"] * 8),
    ("4 KiB", ["4 KiB"]),
    ("64 KiB", [1]),
]
cases = pytest.mark.parametrize("value", [vm.buddy(*one) for one in CASES], ids=lambda one: str(len(one.requests)))


@cases
def test_blocks_and_free_blocks_are_all_memory(value: BuddyValue) -> None:
    for number, last in enumerate(value.requests, 1):
        blocks = sorted([*last.free, *((one.start, one.size) for one in value.requests[:number])])
        assert [start for start, _ in blocks] + [value.size] == [0, *(start + size for start, size in blocks)]


@cases
def test_a_block_is_the_smallest_that_is_large_enough(value: BuddyValue) -> None:
    for one in value.requests:
        assert one.waste == one.size - one.asked >= 0
        assert one.size == vm.PAGE or one.size // 2 < one.asked
        assert one.start % one.size == 0


@cases
def test_each_cut_is_one_of_the_engine(value: BuddyValue) -> None:
    recorder = Recorder()
    raws: list[Raw] = []
    recorder.emit = raws.append
    blocks = Buddy(recorder, 0, value.size // vm.PAGE)
    for one in value.requests:
        blocks.allocate((one.size // vm.PAGE).bit_length() - 1)
    split = [(raw[1], raw[2]) for raw in raws if raw[0] == ev.BlockSplit.tag]
    scene = vm.Buddy(value).scene()
    drawn = {node.id for node in scene.nodes if node.id.startswith("buddy/halved/")}
    assert drawn == {f"buddy/halved/{frame * vm.PAGE:x}/{vm.PAGE << order:x}" for frame, order in split}
    red = [bar for node in scene.nodes for bar in node.bars if bar.style == "error"]
    assert len(red) == len(value.requests[-1].halved)
    numbers = [run.text for node in scene.nodes for run in node.text if "error" in run.style]
    assert numbers == [f"cut {at}" for at in range(1, len(numbers) + 1)], "from the top"


@pytest.mark.parametrize("width", [420, 900, 1600])
@cases
def test_widths_are_to_scale(value: BuddyValue, width: int) -> None:
    at = {node.id: node for node in vm.Buddy(value, width=width).scene().nodes}
    last = value.requests[-1]
    unit = at[f"buddy/given/{last.start:x}"].w / last.size
    assert all(at[f"buddy/free/{start:x}"].w == pytest.approx(unit * size) for start, size in last.free)
    assert all(at[f"buddy/given/{one.start:x}"].w == pytest.approx(unit * one.size) for one in value.requests)
    whole = at["buddy/larger/used"].w + (at["buddy/larger/waste"].w if last.waste else 0)
    assert at["buddy/larger/used"].w / whole == pytest.approx(last.asked / last.size)
    used, waste, _ = at[f"buddy/given/{last.start:x}"].bars
    assert [used.w, waste.w] == pytest.approx([unit * last.asked, unit * last.waste])


@pytest.mark.parametrize(
    ("memory", "requests", "words"),
    [
        ("1 MiB", ["2 MiB"], "largest free block is 1 MiB"),
        ("1 MiB", ["1 MiB", 1], "no block is free"),
        ("12 KiB", [1], "power of two"),
        ("8 MiB", [1], "power of two"),
        ("1 MiB", [1] * 9, "8 requests"),
        ("1 MiB", [], "requests"),
        ("1 MiB", [0], "at least 1"),
    ],
)
def test_what_a_buddy_system_cannot_do_is_refused(memory: str, requests: list[int | str], words: str) -> None:
    with pytest.raises(vm.Refused, match=words):
        vm.buddy(memory, requests)
