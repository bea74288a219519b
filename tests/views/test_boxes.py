"""Parts that place themselves: nothing leaves its width or meets its neighbour, whatever is said in them."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Bars, Chips, Column, Drawn, Row
from vmwidgets.views.scene.model import Caption, Node, Table, Text
from vmwidgets.views.scene.text import cut, text_width

WORDS = st.text("abc WM", max_size=40)


def put(part: boxes.Part, width: float) -> tuple[Drawn, float]:
    drawn = Drawn()
    return drawn, part(drawn, 10.0, 20.0, width)


def place(node: Node, run: Text) -> kit.Box:
    """Return where the letters of a text are."""
    wide = text_width(cut(run), run.style)
    left = run.x - {"start": 0, "middle": wide / 2, "end": wide}[run.anchor]
    return kit.Box(node.x + left, run.y - 9, wide, 12)


def meet(one: kit.Box, other: kit.Box) -> bool:
    across = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    return across > 0.01 and min(one.y + one.h, other.y + other.h) > max(one.y, other.y)


@given(
    st.lists(st.tuples(WORDS, WORDS, st.integers(0, 10**6)), min_size=1, max_size=6),
    st.integers(160, 900),
    st.booleans(),
)
def test_cells_of_rows_stay_in_their_width_and_apart(said: list[tuple[str, str, int]], width: int, boxed: bool) -> None:
    columns = [
        Column("name", middle=True), Column(least=40, takes=True), Column("size", "strong", end=True),
        Column("why", "mono", rank=1), Column("rights", rank=2, under=True), Column("", rank=3, under=True),
    ]  # fmt: skip  # of each kind
    some = [
        Row(
            f"row/{at}",
            (name, Bars([(size, "used")]), f"{size:,}", why, Chips([("r", "page")] * (size % 5), 30, 16), why),
            edge="page" * (at % 2),
        )
        for at, (name, why, size) in enumerate(said)
    ]
    drawn, end = put(boxes.rows("rows", columns, some, boxed=boxed), width)
    assert max(node.y + node.h for node in drawn.nodes) <= end
    for node in drawn.nodes:
        bars = [kit.Box(node.x + bar.x, bar.y, bar.w, bar.h) for bar in node.bars]
        words = [place(node, run) for run in node.text]
        in_bars = [run for run in words if any(meet(run, bar) for bar in bars)]
        assert all(any(run.x >= bar.x and run.x + run.w <= bar.x + bar.w for bar in bars) for run in in_bars)
        assert not any(meet(*two) for some in (words, bars) for two in combinations(some, 2))
        assert all(
            one.x >= 10 and one.x + one.w <= 10.01 + width and one.y + one.h <= node.h for one in [*words, *bars]
        )


@pytest.mark.parametrize(("width", "kept"), [(600, "abc"), (230, "ab"), (150, "a")])
def test_without_room_the_columns_of_the_greatest_rank_go_first(width: int, kept: str) -> None:
    columns = [Column(end=True), Column(rank=1), Column(rank=2)]
    drawn, _ = put(boxes.rows("rows", columns, [Row("row", [letter * 12 for letter in "abc"])]), width)
    assert "".join(run.text[0] for run in drawn.nodes[0].text) == kept


def test_rows_beyond_the_most_are_counted() -> None:
    some = [Row(f"row/{number}", (str(number),)) for number in range(9)]
    drawn, end = put(boxes.rows("rows", [Column()], some, most=4), 300)
    assert [node.id for node in drawn.nodes] == [*(f"row/{number}" for number in range(4)), "rows/more"]
    assert "5" in drawn.nodes[-1].text[0].text and end == drawn.nodes[-1].y + drawn.nodes[-1].h


@pytest.mark.parametrize("high", [18, 24, 40])
def test_rows_are_as_high_as_asked(high: int) -> None:
    some = [Row(f"row/{number}", (str(number),)) for number in range(3)]
    drawn, end = put(boxes.rows("rows", [Column("name")], some, high=high, gap=4), 300)
    names, *rows = drawn.nodes
    assert {node.h for node in drawn.nodes} == {high}
    assert [one.y - names.y for one in rows] == [high, 2 * high + 4, 3 * high + 8] and end == rows[-1].y + high + 4


def test_amounts_have_one_scale() -> None:
    some = [Row("long", (Bars([(30, "used")]),)), Row("short", (Bars([(10, "used")]),))]
    drawn, _ = put(boxes.rows("rows", [Column(takes=True)], some), 300)
    long, short = (node.bars[0].w for node in drawn.nodes)
    assert long == 300
    assert long / short == pytest.approx(3)


@given(st.lists(st.integers(20, 200), min_size=1, max_size=8), st.integers(220, 700))
def test_flowing_parts_neither_meet_nor_leave_the_width(wides: list[int], width: int) -> None:
    cards = [(float(wide), boxes.card(f"{at}", ["word"])) for at, wide in enumerate(wides)]
    drawn, end = put(boxes.flowing(cards, gap=8), width)
    assert all(node.x >= 10 and node.x + node.w <= 10 + width and node.y + node.h <= end for node in drawn.nodes)
    for one, other in pairwise(drawn.nodes):
        assert other.x >= one.x + one.w + 8 or (other.x == 10 and other.y >= one.y + one.h + 8)


@pytest.mark.parametrize(("width", "columns"), [(120, ["abcde"]), (250, ["abc", "de"]), (400, ["ab", "cd", "e"])])
def test_parts_are_read_downwards_in_as_many_columns_as_have_room(width: int, columns: list[str]) -> None:
    cards = [boxes.card(letter, [letter]) for letter in "abcde"]
    drawn, end = put(boxes.downwards(cards, 100, most=3, gap=20, under=5), width)
    lefts = sorted({node.x for node in drawn.nodes})
    assert ["".join(node.id for node in drawn.nodes if node.x == left) for left in lefts] == columns
    assert max(node.x + node.w for node in drawn.nodes) <= 10 + width
    assert end == max(node.y + node.h for node in drawn.nodes)


@pytest.mark.parametrize(("width", "is_beside"), [(500, True), (250, False)])
def test_parts_are_beside_each_other_where_each_has_room(width: int, is_beside: bool) -> None:
    one, other = (boxes.card(name, ["word"]) for name in ("one", "other"))
    drawn, end = put(boxes.beside(one, other, gap=10, least=200), width)
    first, second = drawn.nodes
    assert (first.y == second.y) == is_beside
    assert second.x + second.w == 10 + width and end == second.y + second.h


@given(st.integers(0, 60), st.integers(0, 60), st.integers(300, 500))
def test_outer_parts_have_their_own_width_and_the_others_equal_shares(first: int, last: int, width: int) -> None:
    cards = [boxes.card(name, ["word"]) for name in "abcd"]
    drawn, _ = put(boxes.beside(*cards, gap=10, first=first, last=last), width)
    wides = [node.w for node in drawn.nodes]
    assert wides[1] == pytest.approx(wides[2])
    assert wides[0] == (first or pytest.approx(wides[1])) and wides[3] == (last or pytest.approx(wides[1]))
    assert sum(wides) + 3 * 10 == pytest.approx(width)


@pytest.mark.parametrize(("width", "said"), [(200, "wide"), (199, "narrow")])
def test_one_of_two_parts_is_drawn_by_their_room(width: int, said: str) -> None:
    drawn, _ = put(boxes.either(200, boxes.words("part", "wide"), boxes.words("part", "narrow")), width)
    assert [run.text for node in drawn.nodes for run in node.text] == [said]


def test_a_block_of_words_ends_below_its_last_line() -> None:
    drawn, end = put(boxes.block("block", ["name", "about", "more"], step=20), 300)
    (node,) = drawn.nodes
    steps = [after.y - one.y for one, after in pairwise(node.text)]
    assert steps == [20, 20] and node.text[-1].y < node.h == end - node.y


def test_a_part_that_draws_nothing_takes_no_room() -> None:
    card = boxes.card("card", ["word"])
    _, alone = put(card, 300)
    _, end = put(boxes.below(boxes.words("none", ""), card, boxes.below(), gap=30), 300)
    assert end == alone


@pytest.mark.parametrize("room", [0, 40])
def test_a_picture_is_as_high_as_its_parts_with_their_empty_room(room: int) -> None:
    card = boxes.card("card", ["word"])
    scene = boxes.picture(
        "view", "title", "", boxes.below(card, boxes.apart(room)), caption=Caption(""), table=Table((), ())
    )
    (node,) = scene.nodes
    assert scene.height - (node.y + node.h) == pytest.approx(room, abs=12) and scene.height > node.y + node.h + room


def test_links_join_each_thing_to_the_next() -> None:
    cards = boxes.below(*(boxes.card(name, ["word"]) for name in "abc"), gap=10)
    drawn, _ = put(boxes.joined(cards, boxes.onward), 300)
    assert [(link.source, link.target) for link in drawn.links] == [("a", "b"), ("b", "c")]
