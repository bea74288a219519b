"""Every picture at every width that it is laid out for: nothing sticks out, nothing covers anything else, and all can
be read.

tests/browser/test_width.py holds the same in a browser, with its own font.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf

import pytest

from tests.views import gallery
from tests.views.gallery import Named
from tests.views.pictures import covered_words, crossing_text, misplaced_text, outside, overlaps
from vmwidgets.pictures.registry import known_pictures
from vmwidgets.pictures.slim import SLIM
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.scene.text import font_size

WIDTHS = (420, 640, 900, 1300, 1600)
BETWEEN = (480, 560, 760, 1200)
"""Looked at by `make sweep` too."""

READABLE = 12
"""Pixels that text must have."""

GALLERY = (
    gallery.of_maps, gallery.of_tables, gallery.of_pasted, gallery.of_real_kernels, gallery.of_linux,
    gallery.of_memory, gallery.of_objects, gallery.of_domains,
    gallery.of_comparisons, gallery.of_references, *gallery.long_names(),
)  # fmt: skip  # one list


def is_ground(node: Node) -> bool:
    """Whether what lies on the node is on it on purpose."""
    return node.kind in ("ribbon", "axis")


def too_small(scene: Scene) -> list[str]:
    """Runs of text that can't be read."""
    return [f"{node.id}: {run.text!r}" for node in scene.nodes for run in node.text if font_size(run.style) < READABLE]


@pytest.mark.parametrize("widths", [WIDTHS, pytest.param(BETWEEN, marks=pytest.mark.sweep)], ids=["each", "between"])
@pytest.mark.parametrize("pictures", GALLERY)
def test_nothing_sticks_out_covers_anything_else_or_is_too_small(
    pictures: Callable[[], Named], widths: tuple[int, ...]
) -> None:
    wrong = []
    for name, picture in pictures():
        for width in widths:
            picture.width = width
            scene = picture.scene()
            assert scene.width == width, name
            lanes = {node.lane for node in scene.nodes} - {"", "slices"}  # slices may cover each other
            found = [*misplaced_text(scene), *crossing_text(scene), *outside(scene), *too_small(scene)]
            found += covered_words(scene)
            for lane in lanes:
                found += overlaps([node for node in scene.nodes if node.lane == lane and not is_ground(node)])
            if found:
                wrong.append((name, width, found[:3]))
    assert wrong == []


@pytest.mark.parametrize("pictures", GALLERY)
def test_on_a_telephone_nothing_reaches_out_of_a_handouts_picture(pictures: Callable[[], Named]) -> None:
    wrong = []
    for name, picture in pictures():
        scene = picture.drawing(replace(picture.at(), width=SLIM, height=inf))
        assert scene.width == SLIM, name
        if found := outside(scene):
            wrong.append((name, found[:3]))
    assert wrong == []


@pytest.mark.parametrize("width", [*WIDTHS, *BETWEEN])
def test_of_a_walk_in_a_line_all_boxes_have_their_name_or_none_has(width: int) -> None:
    found = set()
    for name, picture in (*gallery.of_maps(), *gallery.of_tables()):
        picture.width = width
        nodes = picture.scene().nodes
        read = [node for node in nodes if node.id.startswith("walk/line/") and node.kind == "descriptor"]
        names = {" " in node.text[0].text for node in read}
        assert len(names) < 2, (name, width, [node.text[0].text for node in read])
        found |= names
    assert found, "some have words"


@pytest.mark.parametrize("width", [*WIDTHS, *BETWEEN])
def test_addresses_of_segments_are_never_cut(width: int) -> None:
    for name, picture in gallery.of_segments():
        picture.width = width
        runs = [run for node in picture.scene().nodes for run in node.text if run.style == "mono label"]
        assert not [run.text for run in runs if run.room], (name, width)


def test_the_gallery_has_every_registered_picture() -> None:
    own = {name for name, kind in known_pictures().items() if kind.__module__.startswith("vmwidgets.")}
    assert own <= {type(picture).__name__ for _, picture in gallery.every()}
