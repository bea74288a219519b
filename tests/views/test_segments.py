"""Segments in physical memory: what is free and what is in use is seen without reading."""

from __future__ import annotations

import re
from pathlib import Path

import vmwidgets as vm
from vmwidgets.views.scene.svg import style_sheet

CSS = Path(__file__).parents[2] / "vmwidgets" / "views" / "scene" / "style.css"

FREE = (0xE_0000, 0xA_0000), (0x35_0000, 0x16_0000)


def test_what_is_free_looks_unlike_what_is_in_use() -> None:
    segments = vm.Segments(code=(0xE_0000, "448 KiB", "rx"))
    scene = vm.Placement(segments.placed_in(FREE)).scene()
    looks = {node.text[0].text: (node.kind, *node.state) for node in scene.nodes if node.id.startswith("segments/at/")}
    assert looks == {"in use": ("piece", "taken"), "code": ("card",), "free": ("piece", "free")}
    styles = [re.search(rf"\.node\.piece\.{state} > \.shape\{{([^}}]*)", style_sheet()) for state in ("taken", "free")]
    taken, free = (found[1] for found in styles if found is not None)
    assert taken != free
    forced = CSS.read_text().split("@media (forced-colors: active) {")[1].split("\n}")[0]
    rule = re.search(r"\.node\.piece\.free > \.shape \{ stroke-dasharray", forced)
    assert rule is not None, "the outline says it where fills are not seen"


def test_where_it_is_not_known_what_is_free_nothing_is_said_of_it() -> None:
    segments = vm.Segments(code=(0xE_0000, "448 KiB", "rx"))
    assert not [node for node in vm.Placement(segments.layout).scene().nodes if node.kind == "piece"]


def test_a_segment_has_the_colour_of_its_memory_on_both_sides_and_in_between() -> None:
    parts = {"code": "rx", "data": "rw", "heap": "rw", "stack": "rw"}
    places = {name: ((4 * number) << 20, "4 MiB", rights) for number, (name, rights) in enumerate(parts.items())}
    for pieces, names in ((places, [*parts]), ({"all": places["heap"]}, ["anonymous"])):
        scene = vm.Placement(vm.Segments(**pieces).layout).scene()
        boxes = {node.id: node.bars for node in scene.nodes if node.bars}
        assert len(scene.links) == len(names)
        for link, kind in zip(scene.links, names, strict=True):
            assert {bar.style for end in (link.source, link.target) for bar in boxes[end]} == {kind, *link.state}
            assert link.state == (kind,)


def test_segments_in_the_same_memory_both_show_their_colour() -> None:
    scene = vm.Placement(vm.Segments(heap=(0, "4 MiB", "rw"), stack=(0, "4 MiB", "rw")).layout).scene()
    (both,) = (node for node in scene.nodes if node.id.startswith("segments/at/"))
    *_, last = both.bars
    assert {bar.style for bar in both.bars} == {"heap", "stack"}
    assert 0 < last.x < last.x + last.w <= both.w, "the first is seen beside it"
