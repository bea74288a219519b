"""The kit: places of boxes, and the parts of pictures."""

from __future__ import annotations

from typing import Any

import pytest

from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.kit import (
    Box,
    Switch,
    arrow,
    card,
    draw_switches,
    fold,
    gathered,
    heading,
    label,
    ring,
    row,
    runs,
    scene,
    ticks,
)  # fmt: skip
from vmwidgets.views.scene.model import STILL, Caption, Node, Steps, Table, Text
from vmwidgets.views.scene.svg import to_svg
from vmwidgets.views.scene.text import cut, text_width

PARTS: dict[str, Any] = {"caption": Caption("One."), "table": Table((), ())}


@pytest.mark.parametrize("count", [1, 2, 3, 7, 40])
def test_boxes_of_a_ring_and_of_a_row_keep_apart_and_inside(count: int) -> None:
    for boxes in (ring(count, 60, 30, width=3000), row(count, 8, 30, width=3000)):
        for number, one in enumerate(boxes):
            assert 0 <= one.x <= one.x + one.w <= 3000
            assert one.y >= 0
            for other in boxes[:number]:
                apart = abs(one.middle[0] - other.middle[0]) >= (one.w + other.w) / 2 - 1e-6
                assert apart or abs(one.middle[1] - other.middle[1]) >= (one.h + other.h) / 2 - 1e-6


def test_ticks_of_neighbours_never_meet_and_both_ends_have_one() -> None:
    start, end = 0xFFFF_8080_0000_0000, 0xFFFF_8080_0400_0000
    wanted = [start, end, *range(start, end, (end - start) // 40)]
    drawn = ticks(
        "axis", wanted, lambda at: 14 + 400 * (at - start) / (end - start), AddressStyle.of(start, end), 0, width=428
    )
    assert {f"axis/tick/{start:x}", f"axis/tick/{end:x}"} <= {node.id for node in drawn}
    assert len(drawn) > 2
    for number, one in enumerate(drawn):
        assert 14 <= one.x <= one.x + one.w <= 428 - 14 + 1e-6
        assert all(one.x + one.w <= other.x or other.x + other.w <= one.x for other in drawn[:number])


def test_a_scene_is_as_high_as_what_is_in_it_unless_it_says_how_high() -> None:
    low, deep = label("a", "one", 0, 10), label("b", "two", 0, 90)
    assert scene("view", "title", "", [deep, low], **PARTS).height == deep.y + deep.h + 8
    assert scene("view", "title", "", [deep, low], height=300, **PARTS).height == 300
    assert scene("view", "title", "", [], **PARTS).steps == STILL, "no operation made it"


def test_words_that_are_too_long_have_their_room_and_are_cut_in_files_alone_whole_on_hover() -> None:
    words = "a line of words that is far too long for its place"
    short = [
        label("a", words, 0, 0, most=80),
        fold("b", Box(0, 0, 80, 20), words),
        card("c", Box(0, 0, 80, 40), [words]),
    ]
    for node in short:
        for text in node.text:
            assert text.text == words
            assert text.room <= 80
            assert cut(text).endswith("…")
            assert text_width(cut(text), text.style) <= 80
        svg = to_svg(scene("view", "title", "", [node], **PARTS))
        assert f"<title>{words}</title>" in svg
    assert label("a", words, 0, 0).text[0].room == 0


def test_words_of_a_heading_are_beside_it_or_below_in_lines_and_never_cut() -> None:
    words = "words about it that take a line"
    wide, narrow = heading("h", "title", words, 0), heading("h", "title", words, 0, width=160)
    assert [run.text for run in wide.text] == ["title", words]
    assert wide.text[0].y == wide.text[1].y
    assert " ".join(run.text for run in narrow.text[1:]) == words
    assert narrow.h - wide.h == 18 * len(narrow.text[1:]) > 18


def test_a_heading_that_is_too_long_goes_on_in_a_new_line_and_what_follows_is_below() -> None:
    title = "usertrap of process 3, line 12: store/AMO page fault at 0x1ff8"
    (wide, narrow) = (heading("section/a", title, "about it", 0, width=width) for width in (900, 420))
    assert [run.text for run in wide.text] == [title, "about it"]
    assert [run.style for run in narrow.text] == ["body strong", "body strong", "label dim"]
    assert " ".join(run.text for run in narrow.text[:-1]) == title
    assert narrow.text[0].y < narrow.text[1].y < narrow.text[2].y < narrow.h


def test_switches_go_on_in_a_new_line() -> None:
    switches = [Switch(word, word, None, word) for word in ("one", "another", "the third of them")]
    (_, _, third), high = draw_switches([switches], "v", 4, width=200)
    assert (third.x, third.y) == (14, 30)
    assert high == 48
    assert draw_switches([], "v", 4) == ([], 0)


def test_an_arrow_ends_at_the_edge_of_what_it_leads_to() -> None:
    one, other = (Node(name, "card", x, y, 40, 20) for name, x, y in (("a", 0, 0), ("b", 100, 50)))
    (start, end) = arrow("l", one, other, kind="walk").points
    assert start == pytest.approx((40, 20), abs=6)
    assert 100 <= end[0] <= 140
    assert end[1] == pytest.approx(50, abs=6)


def test_a_scene_is_as_high_as_what_is_in_it() -> None:
    nodes = [Node("a", "card", 0, 10, 40, 20), Node("b", "card", 0, 90, 40, 25)]
    assert scene("v", "t", "", nodes, caption=Caption(""), steps=Steps(0, 0, 0), table=Table((), ())).height == 123


def test_runs_stand_where_they_say_without_a_box_and_are_selected_only_with_a_thing() -> None:
    box, text = Box(1, 2, 30, 20), [Text(3, 14, "a"), Text(9, 14, "b")]
    plain = runs("one", box, text, title="both")
    assert (plain.kind, plain.shape, plain.text, plain.title) == ("label", "none", tuple(text), "both")
    assert (plain.x, plain.y, plain.w, plain.h, plain.action) == (*box, "")
    assert runs("one", box, text, thing="frame:1").action == "select"


@pytest.mark.parametrize(("changed", "rings"), [((0, 1, 2, 3, 4), 1), ((0, 1, 3, 4), 0)])
def test_a_line_is_around_neighbours_that_changed_and_around_nothing_else(changed: tuple[int, ...], rings: int) -> None:
    nodes = [Node(f"x/{at}", "range", 10.0 * at, 0, 8, 20, state=("new",) if at in changed else ()) for at in range(5)]
    assert sum(node.kind == "around" for node in gathered(nodes, 900)) == rings
