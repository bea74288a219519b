"""The tree lane: how an address is found.

x is the address order and y the depth.  Red nodes are round, and black ones square.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, tee

from vmwidgets.engine.base.units import PAGE_SHIFT
from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold, MapValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.model import NAMED, Link, Look, Marks, Node, Text
from vmwidgets.views.scene.text import short_count, shorten_middle, text_width

from .columns import Column
from .picture import Drawn, MapPicture, depths_of

_ROW = {"card": 36.0, "short": 36.0, "mark": 30.0}
_HEIGHT = {"card": 24.0, "short": 14.0, "mark": 8.0}
_NAME = "body strong"


def tree_lane(picture: MapPicture, columns: Mapping[int, Column], top: float, width: float = WIDTH) -> Drawn:
    """Return the tree from `top` on, with the names of all nodes, or of important ones; others may be marks."""
    depths = dict(depths_of(picture.value))
    if not depths:
        return Drawn([kit.label("tree/empty", "The tree is empty.", MARGIN, top)], [], (), top + 24)
    if has_room(picture, columns, width):
        columns = {one: replace(column, level="card") for one, column in columns.items()}
    items = {item.id: item for item in picture.value.items}
    plain = [identity for identity in depths if columns[identity].level == "mark" and not picture.in_tree(identity)]
    small, row = set(plain), _ROW[_level(columns)]
    nodes = [
        _fold(items[identity], columns[identity], top + depth * row)  # type: ignore[arg-type]  # no EntryValue: a Fold
        if isinstance(items[identity], Fold)
        else _node(picture, items[identity], columns[identity], top + depth * row, width)  # type: ignore[arg-type]
        for identity, depth in depths.items()
        if identity not in small
    ]
    marks = [_marks(picture, items, plain, columns, depths, top)] if plain else []  # type: ignore[arg-type]
    placed = {node.id: node for node in nodes}
    links = list(_links(picture, placed, marks))
    labels = _comparisons(picture, placed, marks, items, width)
    nodes += [*labels, *_conflicts(picture, placed, labels, width)]
    return Drawn(nodes, links, tuple(marks), top + max(picture.layout.depth, *depths.values()) * row + 30)


def has_room(picture: MapPicture, columns: Mapping[int, Column], width: float) -> bool:
    """Return whether the names of all nodes fit at all steps: nodes at one depth are two columns or more apart."""
    items = sorted(picture.layout.items, key=lambda item: item.start)
    ends, later = tee(_place(columns[one.id], _label(picture, one.id), width) for one in items)
    return not any(isinstance(one, Fold) for one in items) and all(
        x + w <= following for (x, w), (following, _) in zip(ends, islice(later, 2, None), strict=False)
    )


def _place(column: Column, label: str, width: float) -> tuple[float, float]:
    """Return the x and the width of a node with its name, in its column and in the picture."""
    w = text_width(label, _NAME) + 14
    return min(max(MARGIN, column.middle - w / 2), width - MARGIN - w), w


def _label(picture: MapPicture, identity: int) -> str:
    return shorten_middle(picture.name(identity), _WIDEST, _NAME)


_WIDEST = 140.0
"""The most pixels of a name in a node."""


def _marks(
    picture: MapPicture,
    items: Mapping[int, EntryValue],
    plain: Sequence[int],
    columns: Mapping[int, Column],
    depths: Mapping[int, int],
    top: float,
) -> Marks:
    """Return the nodes without words, in address order: nodes that have no room for words, and no state."""
    size, row, nodes = _HEIGHT["mark"], _ROW["mark"], picture.value.nodes
    drawn = sorted(plain, key=lambda identity: columns[identity].x)
    place = {identity: number for number, identity in enumerate(drawn)}
    parent = [-1] * len(drawn)
    for identity in drawn:
        node = nodes[identity]
        for child in (node.left, node.right):
            if child in place:
                parent[place[child]] = place[identity]
    return Marks(
        lane="tree",
        kind="tree-node",
        of="entry",
        number=drawn,
        x=[columns[identity].middle - size / 2 for identity in drawn],
        y=[top + depths[identity] * row + (24 - size) / 2 for identity in drawn],
        w=[size] * len(drawn),
        h=size,
        looks=(Look("box", ("black",)), Look("round", ("red",))),
        look=[int(nodes[identity].red) for identity in drawn],
        page=[items[identity].start >> PAGE_SHIFT for identity in drawn],
        title=f"{{name}}{NAMED}{{state}} node {{address}}, entry {{number}}",
        names=[picture.name(identity) for identity in drawn],
        parent=parent,
    )


def _level(columns: Mapping[int, Column]) -> str:
    levels = {column.level for column in columns.values()}
    return "mark" if "mark" in levels else "short" if "short" in levels else "card"


def _node(picture: MapPicture, entry: EntryValue, column: Column, y: float, width: float) -> Node:
    """Return a node; if its column is a card, it has its name."""
    red = picture.value.nodes[entry.id].red
    states = ("red" if red else "black", *picture.in_tree(entry.id))
    h = w = _HEIGHT[column.level]
    x, text = column.middle - w / 2, tuple[Text, ...]()
    if column.level == "card":
        label = _label(picture, entry.id)
        x, w = _place(column, label, width)
        text = (Text(w / 2, 17, label, _NAME, "middle"),)
    node = f"{'red' if red else 'black'} node {picture.style.whole(entry.start)}, entry {entry.id}"
    title = f"{picture.name(entry.id)}{NAMED}{node}"
    return Node(
        f"tree/{entry.id}", "tree-node", x, y + (24 - h) / 2, w, h, f"entry:{entry.id}",
        "round" if red else "box", text, state=states, title=title, action="select", lane="tree",
    )  # fmt: skip


def _fold(fold: Fold, column: Column, y: float) -> Node:
    label = short_count(fold.count)
    w = max(20.0, min(text_width(label, "label") + 8, column.w))
    return kit.chip(
        f"tree/fold/{fold.id}",
        "fold",
        kit.Box(column.middle - w / 2, y + 3, w, 18),
        label,
        thing=f"fold:{fold.id}",
        state=("folded",),
        title=f"{fold.count:,} entries folded: open",
        action="open",
        lane="tree",
        spare=0,
    )


def _links(picture: MapPicture, placed: Mapping[str, Node], marks: Sequence[Marks]) -> Iterator[Link]:
    """Yield the links that begin or end at a node; links between marks belong to the marks."""
    walked = dict(picture.path)
    small = {number: (one, place) for one in marks for place, number in enumerate(one.number)}

    def drawn(identity: int) -> Node | None:
        there = placed.get(f"tree/{identity}") or placed.get(f"tree/fold/{identity}")
        if there is None and identity in small:
            one, place = small[identity]
            return one.node(place)
        return there

    for node in picture.value.nodes.values():
        for side, child in (("left", node.left), ("right", node.right)):
            if not child or (node.id in small and child in small):
                continue
            source, target = drawn(node.id), drawn(child)
            if source is None or target is None:
                continue
            new = "new" in picture.states.get(child, ())
            on_path = walked.get(node.id) == side and child in walked
            start, end = (source.x + source.w / 2, source.y + source.h), (target.x + target.w / 2, target.y)
            state = "fault" if is_red(picture.value, node.id, child) else "path" if on_path else ""
            yield Link(
                f"tree/{node.id}/{side}",
                "tree",
                source.id,
                target.id,
                (start, end),
                state=(state,) if state else ("new",) if new or child in picture.rehung else (),
                branch=True,
            )


def is_red(tree: MapValue, *nodes: int) -> bool:
    """Return whether all of these nodes are red: a red parent must not keep a red child."""
    return all((node := tree.nodes.get(one)) is not None and node.red for one in nodes)


def _conflicts(picture: MapPicture, placed: Mapping[str, Node], labels: Sequence[Node], width: float) -> Iterator[Node]:
    """Yield notes that a node and its parent are both red, next to the node, if there is room."""
    for parent in picture.value.nodes.values():
        for child in (parent.left, parent.right):
            node = placed.get(f"tree/{child}")
            if node is None or not is_red(picture.value, parent.id, child):
                continue
            others = [
                one
                for one in (*placed.values(), *labels)
                if one is not node and one.y < node.y + node.h and node.y < one.y + one.h
            ]
            w = text_width(CONFLICT)
            sides = (x for x in (node.x + node.w + 10, node.x - w - 6) if _is_free(x, w, others, width))
            x = next(sides, None)
            if x is not None:
                box = kit.Box(x, node.y + node.h / 2 - 9, w, 18)
                yield kit.runs(f"{node.id}/conflict", box, (Text(0, 13, CONFLICT, "label error"),))


CONFLICT = "red under red"


def _comparisons(
    picture: MapPicture,
    placed: Mapping[str, Node],
    marks: Sequence[Marks],
    items: Mapping[int, EntryValue | Fold],
    width: float,
) -> list[Node]:
    """Draw the comparison at each node of the path, with the address that it compares, next to it if there is room."""
    rows: dict[float, list[Node]] = {}
    for node in placed.values():
        rows.setdefault(node.y + node.h / 2, []).append(node)
    labels: list[Node] = []
    walked = [placed.get(f"tree/{identity}") for identity, _ in picture.path]
    for number, (asked, (identity, outcome)) in enumerate(zip(walked, picture.path, strict=True), 1):
        if asked is None:
            continue
        before, after = walked[max(number - 2, 0)], walked[min(number, len(walked) - 1)]
        others = [one for one in rows[asked.y + asked.h / 2] if one is not asked]
        is_bare = not asked.text
        place = picture.style.long(items[identity].start)
        said = f"{number} · {_COMPARED[outcome]}"
        full = said.format(f" than {place}"), f"{number} · {place}"
        ways = full if is_bare else (full[0], said.format(""))
        for label in (*ways, f"{number}"):
            w = text_width(label, "label")
            sides = [asked.x + asked.w + 4, asked.x - w - 4]
            if is_bare and _leans_right(asked, before, after):
                sides.reverse()
            if is_bare and label in full:
                sides = sides[:1]  # on the other side, the path's link would cross the address
            free = [x for x in sides if _is_free(x, w, others, width) and not _is_marked(x, w, asked, marks)]
            if free:
                text = (Text(0, 13, label, "label path"),)
                box = kit.Box(free[0], asked.y + asked.h / 2 - 9, w, 18)
                labels.append(kit.runs(f"{asked.id}/asked", box, text))
                break
    return labels


_COMPARED = {"left": "lower{}: left", "right": "higher{}: right", "here": "found"}
"""Where the sought address lies, seen from a node's entry, and where the search goes on."""


def _leans_right(asked: Node, *beside: Node | None) -> bool:
    """Return whether the path's flattest link at this mark is on the right, where it would cross a label."""
    across = [one.x + one.w / 2 - asked.x - asked.w / 2 for one in beside if one is not None]
    return max(across, default=0) > -min(across, default=0)


def _is_free(x: float, w: float, others: Sequence[Node], width: float) -> bool:
    """Return whether a label from `x` on covers none of the nodes of its row."""
    return x >= 0 and x + w <= width and not any(one.x < x + w and one.x + one.w > x for one in others)


def _is_marked(x: float, w: float, asked: Node, marks: Sequence[Marks]) -> bool:
    """Return whether a label from `x` on, next to `asked`, covers a mark of its row."""
    y = asked.y + asked.h / 2
    return any(
        left < x + w and left + wide > x
        for one in marks
        for left, top, wide in zip(one.x, one.y, one.w, strict=True)
        if abs(top + one.h / 2 - y) < 1
    )
