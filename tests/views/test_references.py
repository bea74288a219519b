"""The grid of a string of references says what the values say."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.views.test_kmem_layout import sound
from vmwidgets.engine.base.errors import Refused
from vmwidgets.views.scene.model import Node, Scene

TEXTBOOK = "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1"


def columns(scene: Scene, block: int) -> list[Node]:
    """The references of a block, in the order of the string."""
    found = [node for node in scene.nodes if node.kind == "reference" and node.id.startswith(f"references/{block}/")]
    return sorted(found, key=lambda node: int(node.thing.partition(":")[2]))


@pytest.mark.parametrize("width", [420, 900, 1600])
@pytest.mark.parametrize("policy", ["fifo", "clock", "second chance", "working set", "lru", "opt"])
def test_each_column_is_its_step(width, policy):
    found = vm.reference_string(TEXTBOOK, 3, vm.Replacement(policy, window=3, future=(0,)))
    picture = vm.References(found, width=width)
    scene = picture.scene()
    sound(scene)
    drawn = columns(scene, 0)
    steps = found.runs[0].steps
    assert len(drawn) == len(steps)
    for node, step in zip(drawn, steps, strict=True):
        head, *rest = [run.text for run in node.text if run.text != "▸"]
        assert head == str(step.page)
        gone = ",".join(map(str, step.gone))
        expected = [str(page) for page in step.pages if page is not None] + (["●"] if step.fault else [])
        assert rest == expected + ([gone] if gone else [])
        assert ("fault" in node.state) == step.fault
        squares = [bar for bar in node.bars if (bar.w, bar.h) == (4, 4)]
        assert len(squares) == (len(step.referenced) if found.runs[0].uses_bits else 0)
        hands = [run.y for run in node.text if run.text == "▸"]
        assert len(hands) == (policy == "clock")


def test_the_hand_is_at_its_frame():
    found = vm.reference_string(TEXTBOOK, 3, "clock")
    for node, step in zip(columns(vm.picture(found).scene(), 0), found.runs[0].steps, strict=True):
        hand = next(run.y for run in node.text if run.text == "▸")
        underline = next(bar for bar in node.bars if bar.h == 1.5)
        assert round((hand - underline.y) / 19) == step.hand - step.frame
        assert f"hand at frame {step.hand}" in node.title


def test_one_reference_is_one_thing_in_all_blocks():
    picture = vm.References(vm.reference_string(TEXTBOOK, (3, 4), ("fifo", "opt")))
    assert picture.scene().caption.text == (
        "Faults with 3 frames: 15 by fifo, 9 by opt. Faults with 4 frames: 10 by fifo, 8 by opt."
    )
    assert sum(node.thing == "reference:7" for node in picture.scene().nodes) == 4
    picture.selection = "reference:7"
    assert picture.scene().caption.text == (
        "Reference 7, page 4; fifo with 3 frames: fault, 2 goes; fifo with 4 frames: fault, 0 goes; "
        "opt with 3 frames: fault, 0 goes; opt with 4 frames: fault, 1 goes."
    )
    picture.selection = "reference:99"
    assert picture.scene().caption.text.startswith("Faults with")


def test_belady_is_in_the_caption():
    scene = vm.picture(vm.reference_string("1 2 3 4 1 2 5 1 2 3 4 5", (3, 4), "fifo")).scene()
    assert scene.caption.reason == "Belady's anomaly: fifo has 9 faults with 3 frames, and 10 with 4."


@pytest.mark.parametrize("width", [420, 1600])
def test_a_long_string_is_drawn_in_parts_that_miss_nothing(width):
    string = [number % 7 for number in range(1000)]
    picture = vm.References(vm.reference_string(string, 3, ("fifo", "lru")), width=width)
    seen: list[int] = []
    for _ in range(20):
        scene = picture.scene()
        assert len(scene.nodes) < 300
        seen += [int(node.thing.partition(":")[2]) for node in columns(scene, 1)]
        later = [node for node in scene.nodes if node.kind == "fold" and "later" in node.title]
        if not later:
            break
        picture.opened(later[0].id)
    assert seen == list(range(1000))
    assert picture.first == seen[-len(columns(picture.scene(), 1))], "the last part begins where it was asked to"
    earlier = next(node for node in picture.scene().nodes if node.kind == "fold")
    before = picture.first
    picture.opened(earlier.id)
    assert picture.first < before


def test_the_table_has_every_reference():
    found = vm.reference_string("1 2w 1 3", 2, "clock")
    ((_, table),) = vm.picture(found).scene().table.more
    assert table.header == ("reference", "page", "frame 0", "frame 1", "bits", "hand", "fault", "goes")
    assert table.rows[1] == ("1", "2w", "1", "2", "0 1", "0", "fault", "")
    assert table.rows[3] == ("3", "3", "3", "2", "0", "1", "fault", "1")


def test_other_things_are_refused():
    with pytest.raises(Refused, match=r"References shows the result of vm.reference_string\(…\), not 'text'"):
        vm.References("text")


@pytest.mark.parametrize("width", [900, 1600])
def test_the_runs_of_a_policy_are_beside_each_other_where_there_is_room(width: int) -> None:
    found = vm.reference_string("1 2 3 4 1 2 5 1 2 3 4 5", (3, 4), ("fifo", "opt"))
    view = vm.References(found)
    view.width = width
    places = {node.text[0].text: (node.x, node.y) for node in view.scene().nodes if node.id.endswith("/heading")}
    fifo, fifo_more, opt, opt_more = (places[f"{name}, {n} frames"] for name in ("fifo", "opt") for n in (3, 4))
    assert fifo[1] == fifo_more[1] < opt[1] == opt_more[1]
    assert fifo[0] == opt[0] < fifo_more[0] == opt_more[0]
    view.width = 420
    assert len({node.y for node in view.scene().nodes if node.id.endswith("/heading")}) == 4


def test_a_string_that_just_fits_beside_another_is_in_one_line() -> None:
    view = vm.References(vm.reference_string("7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1", (3, 4), ("fifo", "lru", "opt")))
    view.width = 1600
    assert len({node.y for node in view.scene().nodes if node.id.endswith("/names")}) == 3
