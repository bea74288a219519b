"""Parts that place themselves: nothing leaves its width or meets its neighbour, whatever is said in them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Bars, Chips, Column, Drawn, Row
from vmwidgets.views.scene.model import Caption, Link, Node, Table, Text
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


def test_columns_have_their_widths_and_share_the_rest() -> None:
    parts = [(wide, boxes.card(name, ["word"])) for name, wide in (("a", 60.0), ("b", 0), ("c", 100.0), ("d", 0))]
    drawn, _ = put(boxes.columns(*parts, gap=10), 400)
    assert [node.w for node in drawn.nodes] == [60, 105, 100, 105]
    assert all(other.x == one.x + one.w + 10 for one, other in pairwise(drawn.nodes))


def test_in_the_middle_all_columns_have_their_middle_at_one_height_with_what_joins_their_things() -> None:
    low = boxes.joined(boxes.flowing([(60.0, boxes.card(name, ["word"])) for name in "ab"]), boxes.onward)
    high = boxes.below(*(boxes.card(name, ["word"]) for name in "cde"), gap=10)
    drawn, end = put(boxes.columns((200, low), (0, high), middle=True), 400)
    at = {node.id: node for node in drawn.nodes}
    middle = at["d"].y + at["d"].h / 2
    assert {at[name].y + at[name].h / 2 for name in "ab"} == {middle} == {y for _, y in drawn.links[0].points}
    assert (at["c"].y, at["e"].y + at["e"].h) == (20, end)


@given(st.integers(1, 9), st.integers(100, 900))
@example(2, 170)  # just enough for both
def test_equal_parts_are_as_wide_as_they_may_be_in_as_few_lines_as_possible(count: int, width: int) -> None:
    cards = [boxes.card(str(at), ["word"]) for at in range(count)]
    drawn, end = put(boxes.equal(cards, 80, most=150, gap=10), width)
    wides, lines = {node.w for node in drawn.nodes}, sorted({node.y for node in drawn.nodes})
    assert len(wides) == 1 and 80 <= min(wides) <= 150
    assert all(node.x >= 10 and node.x + node.w <= 10.01 + width and node.y + node.h <= end for node in drawn.nodes)
    longest = max(sum(node.y == line for node in drawn.nodes) for line in lines)
    assert len(lines) == 1 or 80 * (longest + 1) + 10 * longest > width


def test_a_drawing_may_have_lines_between_its_things() -> None:
    def draw(box: kit.Box) -> Iterator[Node | Link]:
        one, other = (kit.card(name, box._replace(x=box.x + at, w=40), ["word"]) for name, at in (("a", 0), ("b", 90)))
        yield from (kit.beside("a/b", one, other), one, other)

    drawn, end = put(boxes.drawing(30, draw), 300)
    assert [node.id for node in drawn.nodes] == ["a", "b"] and [link.id for link in drawn.links] == ["a/b"]
    assert end == 50


def test_links_are_made_when_all_things_have_their_places() -> None:
    cards = boxes.inset(25, boxes.below(*(boxes.card(name, ["word"]) for name in "abc"), gap=10))
    drawn, _ = put(boxes.linked(cards, lambda at: [kit.arrow("c/a", at["c"], at["a"], kind="walk")]), 300)
    assert [node.id for node in drawn.nodes] == [*"abc"] and {node.x for node in drawn.nodes} == {35.0}
    ((start, end),) = [link.points for link in drawn.links]
    assert (start[1], end[1]) == (drawn.nodes[2].y, drawn.nodes[0].y + drawn.nodes[0].h)


def test_neighbours_in_one_state_have_one_line_and_their_number_and_those_alone_keep_their_own() -> None:
    cards = boxes.below(*(boxes.card(name, ["word"]) for name in "abcdef"), gap=10)
    states = {"a": "new", "c": "new", "d": "new", "e": "changed", "f": "changed"}
    drawn, end = put(boxes.ringed("ring", cards, states, {"d": 7}), 300)
    at = {node.id: node for node in drawn.nodes}
    assert [(link.source, link.target, *link.state) for link in drawn.links] == [
        ("c", "d", "new"),
        ("e", "f", "changed"),
    ]
    assert [name for name in "abcdef" if "within" in at[name].state] == [*"cdef"]
    counts = [node.text[0].text for node in drawn.nodes if node.id not in "abcdef"]
    assert counts == ["8", "2"] and end == at["f"].y + at["f"].h
    ys = [y for _, y in drawn.links[0].points]
    assert at["b"].y + at["b"].h < min(ys) < at["c"].y and at["d"].y + at["d"].h < max(ys) < at["e"].y


def test_words_at_the_end_end_there_and_a_rule_is_as_wide_as_its_room() -> None:
    drawn, _ = put(boxes.below(boxes.at_end("end", "some words"), boxes.rule("rule")), 300)
    words, rule = drawn.nodes
    assert place(words, words.text[0]).x + text_width("some words", words.text[0].style) == pytest.approx(310)
    assert (rule.x, [bar.w for bar in rule.bars]) == (10, [300])


def test_a_strip_is_as_wide_as_its_card_whose_words_are_below_it() -> None:
    drawn, _ = put(boxes.card("card", ["word"], strip=["code", "stack"]), 300)
    (card,) = drawn.nodes
    assert [(bar.style, bar.x, bar.w) for bar in card.bars] == [("code", 0, 150), ("stack", 150, 150)]
    assert not any(meet(place(card, run), kit.Box(card.x + bar.x, bar.y, bar.w, bar.h))
                   for run in card.text for bar in card.bars)  # fmt: skip


@pytest.mark.parametrize("width", [100, 500])
def test_what_a_part_has_may_depend_on_its_room(width: int) -> None:
    drawn, _ = put(boxes.sized(lambda w: boxes.words("room", f"{w}")), width)
    assert drawn.nodes[0].text[0].text == str(width)


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
