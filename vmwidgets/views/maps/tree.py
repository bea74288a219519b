"""The tree lane: how an address is found.

x is the address order and y the depth, so that a node is right above its entry.  Red nodes are round and marked R,
black ones square and marked B.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vmwidgets.engine.base.units import PAGE_SHIFT
from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold, MapValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.model import Link, Look, Marks, Node, Text
from vmwidgets.views.scene.text import short_count, shorten_middle, text_width

from .columns import SHORT_GAP, Column
from .picture import Drawn, MapPicture, depths_of

_ROW = {"card": 40.0, "short": 34.0, "mark": 30.0}
_HEIGHT = {"card": 24.0, "short": 20.0, "mark": 8.0}


def tree_lane(picture: MapPicture, columns: Mapping[int, Column], top: float, width: float = WIDTH) -> Drawn:
    """Return the tree from `top` on; important entries are nodes, the rest of a large tree marks."""
    depths = dict(depths_of(picture.value))
    if not depths:
        return Drawn([kit.label("tree/empty", "The tree is empty.", MARGIN, top)], [], (), top + 24)
    row = _ROW[_level(columns)]
    items = {item.id: item for item in picture.value.items}
    plain = [identity for identity in depths if columns[identity].level == "mark" and not picture.in_tree(identity)]
    small = set(plain)
    nodes = [
        _fold(items[identity], columns[identity], top + depth * row)  # type: ignore[arg-type]  # no EntryValue: a Fold
        if isinstance(items[identity], Fold)
        else _node(picture, items[identity], columns[identity], top + depth * row)  # type: ignore[arg-type]
        for identity, depth in depths.items()
        if identity not in small
    ]
    marks = [_marks(picture, items, plain, columns, depths, top)] if plain else []  # type: ignore[arg-type]
    placed = {node.id: node for node in nodes}
    links = list(_links(picture, placed, marks))
    labels = _comparisons(picture, placed, marks, items, columns, width)
    nodes += [*labels, *_conflicts(picture, placed, labels, width)]
    return Drawn(nodes, links, tuple(marks), top + max(picture.layout.depth, *depths.values()) * row + 30)


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
        title="{state} node {address}, entry {number}",
        parent=parent,
    )


def _level(columns: Mapping[int, Column]) -> str:
    levels = {column.level for column in columns.values()}
    return "mark" if "mark" in levels else "short" if "short" in levels else "card"


def _node(picture: MapPicture, entry: EntryValue, column: Column, y: float) -> Node:
    """Return a node; it has no letter if addresses are page numbers."""
    red = picture.value.nodes[entry.id].red
    states = ("red" if red else "black", *picture.in_tree(entry.id))
    h = _HEIGHT[column.level]
    text: tuple[Text, ...] = ()
    if column.level == "card":
        label = picture.style.short(entry.start) if column.is_brief else picture.style.long(entry.start)
        letter = 0 if column.is_brief else 16  # all nodes of a tree have a letter, or none has
        w = min(column.w + 8, text_width(label, "mono label") + 12 + letter)  # neighbours in order are at other depths
        letters = (Text(6, 15.5, "R" if red else "B", "letter"),) if letter else ()
        text = (*letters, Text(w / 2 + letter / 2, 16, label, "mono label", "middle"))
    elif column.level == "short":
        label = picture.style.short(entry.start)
        if text_width(label, "mono label") > 2 * column.w - 12:  # neighbours in order are at other depths
            label = shorten_middle(label, column.w - SHORT_GAP, "mono label")  # shortened as in the list
        w = max(26.0, text_width(label, "mono label") + 8)
        text = (Text(w / 2, 14, label, "mono label", "middle"),)
    else:
        w = h
    title = f"{'red' if red else 'black'} node {picture.style.whole(entry.start)}, entry {entry.id}"
    return Node(
        f"tree/{entry.id}", "tree-node", column.middle - w / 2, y + (24 - h) / 2, w, h, f"entry:{entry.id}",
        "round" if red else "box", text, state=states, title=title, action="select", lane="tree",
    )  # fmt: skip


def _fold(fold: Fold, column: Column, y: float) -> Node:
    label = short_count(fold.count)
    w = max(20.0, min(text_width(label, "label") + 8, column.w))
    return kit.chip(
        f"tree/fold/{fold.id}", "fold", kit.Box(column.middle - w / 2, y + 3, w, 18), label, thing=f"fold:{fold.id}",
        state=("folded",), title=f"{fold.count:,} entries folded: open", action="open", lane="tree",
        spare=0,
    )  # fmt: skip


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
            on_path = walked.get(node.id) == side and (new or child in walked)
            start, end = (source.x + source.w / 2, source.y + source.h), (target.x + target.w / 2, target.y)
            state = "fault" if is_red(picture.value, node.id, child) else "path" if on_path else ""
            yield Link(
                f"tree/{node.id}/{side}", "tree", source.id, target.id, (start, end),
                state=(state,) if state else ("new",) if new or child in picture.rehung else (), branch=True,
            )  # fmt: skip


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
            others = [one for one in (*placed.values(), *labels)
                      if one is not node and one.y < node.y + node.h and node.y < one.y + one.h]  # fmt: skip
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
    columns: Mapping[int, Column],
    width: float,
) -> list[Node]:
    """Draw the comparison at each node of the path, next to it if there is room.

    The comparison is between the sought address and the start or the end of the node's entry.  At a node drawn without
    its address, the entry's start is written instead.
    """
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
        is_bare = asked.h < _HEIGHT["short"]
        full = f"{number} {picture.style.long(items[identity].start)}"
        is_brief = columns[identity].is_brief or columns[identity].level == "short"
        said = _compared(picture, items[identity], outcome, is_brief=is_brief)
        for label in (full, f"{number}") if is_bare else (*(f"{number} {one}" for one in said), f"{number}"):
            w = text_width(label, "label")
            sides = [asked.x + asked.w + 4, asked.x - w - 4]
            if is_bare and _leans_right(asked, before, after):
                sides.reverse()
            if is_bare and label is full:
                sides = sides[:1]  # on the other side, the path's link would cross the address
            free = [x for x in sides if _is_free(x, w, others, width) and not _is_marked(x, w, asked, marks)]
            if free:
                text = (Text(0, 13, label, "label path"),)
                box = kit.Box(free[0], asked.y + asked.h / 2 - 9, w, 18)
                labels.append(kit.runs(f"{asked.id}/asked", box, text))
                break
    return labels


def _compared(picture: MapPicture, item: EntryValue | Fold, outcome: str, *, is_brief: bool) -> Iterator[str]:
    """Yield a comparison in words, longest first: two addresses (if the bound has not moved), one, none."""
    write = picture.style.short if is_brief else picture.style.long
    start, end, sought = item.start, item.end, picture.sought
    if outcome == "here":
        yield from [f"{write(sought)} is in it: found", "found"]
        return
    sign, bound, at = ("<", "start", start) if outcome == "left" else ("≥", "end", end)
    if (sought < start) if outcome == "left" else (sought >= end):
        yield f"{write(sought)} {sign} {bound} {write(at)} → {outcome}"
    yield f"{write(sought)} {sign} its {bound} → {outcome}"
    yield f"→ {outcome}"


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
