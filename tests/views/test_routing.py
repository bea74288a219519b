"""Links that cross a box: which they are, and the ways around that Graphviz finds for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from tests.views import gallery
from vmwidgets.pictures.at import At
from vmwidgets.pictures.registry import picture_of, picture_shown
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Caption, Link, Node, Scene, Table
from vmwidgets.views.scene.routing import CROSSED, inside, marked, routes_dot
from vmwidgets.widgets.host.packing import pack, unpack

from .laid_out import laid_out

Point = tuple[float, float]


def picture(nodes: list[Node], links: list[Link]) -> Scene:
    return kit.scene("test", "t", "", nodes, links=links, caption=Caption(""), table=Table((), ()))


def cards(boxes: list[Box]) -> list[Node]:
    return [kit.card(f"{number}", box, [f"card {number}"]) for number, box in enumerate(boxes)]


# ---- pictures of free form, as learners draw them, by name: each with the links that cross a box ------


def a_wait_past_a_neighbour() -> tuple[Scene, set[str]]:
    """Three in a row; the first waits for the second and for the last."""
    a, b, c = cards(kit.row(3, 60, 40, gap=60))
    return picture([a, b, c], [kit.arrow("near", a, b), kit.arrow("far", a, c)]), {"far"}


def objects_in_columns() -> tuple[Scene, set[str]]:
    """An object in the first column is in front of one in the third; one in the second is between them."""
    one, between, other, low = cards(
        [Box(20, 20, 120, 60), Box(220, 60, 120, 60), Box(420, 100, 120, 60), Box(220, 200, 120, 60)]
    )
    links = [kit.arrow("across", one, other), kit.arrow("down", between, low), kit.arrow("steep", one, low)]
    return picture([one, between, other, low], links), {"across"}


def capabilities_in_a_ring() -> tuple[Scene, set[str]]:
    """Six in a ring around a seventh: copies of opposite ones lead through it."""
    places = kit.ring(6, 90, 40, gap=60)
    x, y = kit.center(places)
    *ring, middle = cards([*places, Box(x - 45, y - 20, 90, 40)])
    links = [kit.arrow(f"{i}", one, other) for i, (one, other) in enumerate(pairwise(ring))]
    return picture([*ring, middle], [*links, kit.arrow("through", ring[0], ring[3])]), {"through"}


def rows_of_tables_below_each_other() -> tuple[Scene, set[str]]:
    """A row of one table refers to the third table; the second is between.  Nothing in a table is an obstacle to it."""
    tables = [Node(f"table {i}", "table", 100, 20 + 120 * i, 200, 90) for i in range(3)]
    rows = [Node(f"row {i}", "descriptor", 104, 60 + 120 * i, 192, 18) for i in range(3)]
    links = [kit.arrow("next", rows[1], tables[2]), kit.arrow("over", rows[0], tables[2])]
    return picture([*tables, *rows], links), {"over"}


PICTURES = (a_wait_past_a_neighbour, objects_in_columns, capabilities_in_a_ring, rows_of_tables_below_each_other)


@pytest.mark.parametrize("made", PICTURES)
def test_the_links_that_cross_a_third_box_are_marked_and_no_others(made: Callable[[], tuple[Scene, set[str]]]) -> None:
    scene, crossing = made()
    assert {link.id for link in marked(scene).links if link.graph} == crossing


def sampled(route: str, height: float) -> list[Point]:
    """Points along a curve as Graphviz writes it, y turned down again."""
    points = [tuple(map(float, word.split(","))) for word in route.split()]
    curve = [(x, height - y) for x, y in points]
    found = [curve[0]]
    for begin in range(0, len(curve) - 1, 3):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = curve[begin : begin + 4]
        for t in (number / 20 for number in range(1, 21)):
            u = 1 - t
            shares = u**3, 3 * u * u * t, 3 * u * t * t, t**3
            found.append(
                (
                    sum(share * x for share, x in zip(shares, (ax, bx, cx, dx), strict=True)),
                    sum(share * y for share, y in zip(shares, (ay, by, cy, dy), strict=True)),
                )
            )
    return found


def length_inside(points: list[Point], scene: Scene, link: Link) -> float:
    """Pixels of a way that are in a box which has nothing to do with the link's ends."""
    placed = {node.id: node for node in scene.nodes}
    ends = [placed[link.source], placed[link.target]]
    others = [
        node
        for node in scene.nodes
        if not any(
            node.x < end.x + end.w and end.x < node.x + node.w and node.y < end.y + end.h and end.y < node.y + node.h
            for end in ends
        )
    ]
    return sum(inside(one, other, node) for one, other in pairwise(points) for node in others)


@pytest.mark.parametrize("made", PICTURES)
@pytest.mark.sampled(3)
def test_graphviz_leads_each_of_them_around(made: Callable[[], tuple[Scene, set[str]]]) -> None:
    scene, crossing = made()
    scene = marked(scene)
    (answer,) = laid_out([routes_dot(scene)], "json0", "nop")
    edges = {edge["id"]: edge["pos"] for edge in json.loads(answer)["edges"]}
    links = [link for link in scene.links if link.graph]
    assert set(edges) == {f"e{number}" for number in range(len(crossing))}
    for number, link in enumerate(links):
        way = sampled(edges[f"e{number}"], scene.height)
        assert length_inside(list(link.points), scene, link) > CROSSED, "the straight line crosses a box"
        assert length_inside([link.points[0], *way, link.points[-1]], scene, link) < CROSSED, "the way around none"
        for end, got in ((link.points[0], way[0]), (link.points[-1], way[-1])):
            assert abs(end[0] - got[0]) + abs(end[1] - got[1]) < 16, "it begins and ends where the link does"


@dataclass
class Waiting:
    """What a learner's own picture is of: so many cards in a row, of which the first waits for the last."""

    size: int


def test_a_learners_picture_is_marked_when_it_is_drawn_and_sends_what_graphviz_needs() -> None:
    @picture_of(first_for=Waiting, name="Waiting")
    def draw(at: At) -> Scene:
        first, *others = cards(kit.row(at.target.size, 20, 30, gap=40))
        return picture([first, *others], [kit.arrow("far", first, others[-1])])

    for size, graph in ((2, False), (3, True)):
        scene = picture_shown(Waiting(size))(Waiting(size)).scene()
        assert [link.graph for link in scene.links] == [graph]
        assert bool(unpack(pack(scene, {}))["dot"]) is graph


def every_width() -> Iterator[tuple[str, Scene]]:
    for name, one in gallery.every():
        for width in (420, 560, 900):
            one.width = width
            yield f"{name} at {width}", one.scene()


@pytest.mark.once
def test_no_picture_of_the_package_has_one_so_that_none_loads_graphviz() -> None:
    assert [name for name, scene in every_width() if any(link.graph for link in scene.links)] == []


def test_a_mark_that_was_set_by_hand_does_not_count() -> None:
    a, b = cards(kit.row(2, 20, 30))
    scene = picture([a, b], [replace(kit.arrow("near", a, b), graph=True)])
    assert [link.graph for link in marked(scene).links] == [False]
