"""The stages in which an operation repaired the tree of a map, side by side: linked, recoloured, rotated.

Each stage is the whole tree at that point.  x is the order of addresses in all of them, since no stage changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import listed
from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold, MapValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, Box
from vmwidgets.views.scene.model import NAMED, Bar, Lane, Link, Node, Table, Text
from vmwidgets.views.scene.text import short_count, text_width
from vmwidgets.views.story.look import Look

from .picture import Drawn, MapPicture, depths_of, moved_in_tree, parents_of
from .tree import is_red

TreeEvent = ev.TreeLinked | ev.TreeUnlinked | ev.TreeRecoloured | ev.TreeRotated


class Stage(NamedTuple):
    """The tree before and after some events that belong together; the last event names the stage."""

    events: tuple[TreeEvent, ...]
    before: MapValue
    after: MapValue


NO_STAGES = "The tree as it is: its last repair has no stages, or too many, or they can't be looked into from here."
"""The words above a tree that could not be drawn in stages."""

MOST_STAGES = 12
"""The most stages that a picture has: an operation on many entries repairs its tree many times."""


def stages_of(look: Look[MapValue]) -> list[Stage]:
    """Return the stages up to the moment that is drawn.

    There are no stages for the boot, for an operation that is too long or too far back to look into, and for a folded
    tree that lacks a node of a stage.
    """
    operation = look.moment.operation
    if look.is_far or operation is None or operation.name == "boot":
        return []
    name, groups = look.now.name, list[list[TreeEvent]]()
    places: list[int] = []
    for place, event in enumerate(look.moment.so_far, 1):
        if isinstance(event, TreeEvent) and event.tree == name:
            if groups and _belongs(groups[-1][-1], event):
                groups[-1].append(event)
                places[-1] = place
            else:
                groups.append([event])
                places.append(place)
    if len(groups) > MOST_STAGES:
        return []
    trees = [look.before, *(look.at(place) for place in places)]
    stages = [Stage(tuple(group), *both) for group, both in zip(groups, pairwise(trees), strict=True)]
    return stages if all(map(_is_whole, stages)) else []


def _is_whole(stage: Stage) -> bool:
    """Return whether the trees of a stage have each node that its words are about."""
    known = {*stage.before.nodes, *stage.after.nodes}
    named = {one for event in stage.events for one in _nodes_of(event, stage.after) if one}
    last, was, now = stage.events[-1], stage.before.nodes, stage.after.nodes
    if isinstance(last, ev.TreeLinked):
        return named <= known and last.node in now and last.node not in was
    return named <= known and (not isinstance(last, ev.TreeUnlinked) or (last.node in was and last.node not in now))


def _nodes_of(event: TreeEvent, tree: MapValue) -> tuple[int, ...]:
    """Return the nodes that the words about an event name."""
    if isinstance(event, ev.TreeLinked):
        return event.node, event.parent, _uncle(event, tree)
    if isinstance(event, ev.TreeUnlinked):
        return event.node, event.successor
    return (event.node, event.raised) if isinstance(event, ev.TreeRotated) else (event.node,)


def _uncle(event: ev.TreeLinked, tree: MapValue) -> int:
    """Return the brother of a new node's parent; 0 if it has none."""
    pairs = ((node.left, node.right) for node in tree.nodes.values())
    return next((one if other == event.parent else other for one, other in pairs if event.parent in (one, other)), 0)


_ALONE = "red uncle", "brother without red child", "the root is black"
"""How the reason begins for a recolouring that is a separate step; other recolourings prepare a rotation."""


def _belongs(event: TreeEvent, following: TreeEvent) -> bool:
    """Return whether two events belong to one stage."""
    if not isinstance(event, ev.TreeRecoloured):
        return False
    is_alone = event.why.startswith(_ALONE)
    if isinstance(following, ev.TreeRecoloured):
        return following.why.startswith(_ALONE) == is_alone
    return isinstance(following, ev.TreeRotated) and not is_alone


# ---- words -----------------------------------------------------------------------------------------


def words_of(stage: Stage, name: Callable[[int], str]) -> tuple[str, str]:
    """Return the work of a stage, as its heading and as a sentence or two."""
    event, tree = stage.events[-1], stage.after
    if isinstance(event, ev.TreeLinked):
        return _linked(event, tree, name)
    if isinstance(event, ev.TreeUnlinked):
        heir = f"; {name(event.successor)} takes its place and colour" if event.successor else ""
        gone = f"{name(event.node)} is gone{heir}."
        if not tree.nodes:
            return "removed", f"{gone} The tree is empty."
        lost = event.successor_red if event.successor else event.red
        place = f"the place that {name(event.successor)} left" if event.successor else "its place"
        need = "red: nothing to repair" if lost else f"black: the paths through {place} have one black node too few"
        return "removed", f"{gone} The colour that is lost is {need}."
    last = {one.node: one.red for one in stage.events if isinstance(one, ev.TreeRecoloured)}
    turned = {node: red for node, red in last.items() if is_red(stage.before, node) != red}  # the root may change twice
    colours = [
        f"{listed([name(node) for node, now in turned.items() if now is red])} {'red' if red else 'black'}"
        for red in (False, True)
        if red in turned.values()
    ]
    if isinstance(event, ev.TreeRotated):
        sides = f"{name(event.raised)} moves up, {name(event.node)} down"
        return f"rotated to the {event.side}", f"{sides}; {' and '.join(colours)} now." if colours else f"{sides}."
    if event.why == "the root is black":
        alone = f"{name(event.node)} is the root: it becomes black."
        return "recoloured", f"The root stays black; now {' and '.join(colours)}." if len(last) > 1 else alone
    title = "recoloured, red moves up" if event.why.startswith("red uncle") else "recoloured"
    return title, f"Now {' and '.join(colours)}."


def _linked(event: ev.TreeLinked, tree: MapValue, name: Callable[[int], str]) -> tuple[str, str]:
    """Return the words about a new leaf: whether it is red under red, and the colour of its uncle."""
    if not event.parent:
        return "linked", f"{name(event.node)} becomes the root."
    below = f"{name(event.node)} below {name(event.parent)}"
    if not is_red(tree, event.parent):
        return "linked", f"{below}, which is black: nothing to repair."
    uncle = _uncle(event, tree)
    colour = (
        "there is no uncle"
        if not uncle
        else f"its uncle {name(uncle)} is {'red too' if is_red(tree, uncle) else 'black'}"
    )
    return "linked, red under red", f"{below}; {colour}."


def order_kept(stages: Sequence[Stage], name: Callable[[int], str]) -> str:
    """Return words about the order that a rotation keeps, and the child that changes sides; "" without a rotation."""
    turns = [stage for stage in stages if isinstance(stage.events[-1], ev.TreeRotated)]
    if not turns:
        return ""
    said = "A rotation changes depth, not order"
    for stage in turns:
        (node, _, raised, inner), *_ = stage.events[-1].links  # type: ignore[union-attr]  # a rotation's, see above
        starts = {entry.id: entry.start for entry in stage.after.entries}
        if inner and {node, raised, inner} <= starts.keys():
            between = " and ".join(map(name, sorted((node, raised), key=lambda one: starts[one])))
            return f"{said}: {name(inner)}, which lies between {between}, gets another parent and stays there."
    return f"{said}: each range stays in its column."


# ---- drawing ---------------------------------------------------------------------------------------

LEAST = 262.0
"""The pixels that a stage needs; if there are fewer, stages are below each other."""

_MARK, _ROW, _GAP, _FOOT, _LINE, _WIDEST = 14.0, 30.0, 24.0, 22.0, 16.0, 60.0


def stages_lane(stages: Sequence[Stage], picture: MapPicture, top: float, width: float) -> Drawn:
    """Return the stages from `top` on, from left to right, in rows of the same number."""
    room = width - 2 * MARGIN
    most = max(1, int((room + _GAP) // (LEAST + _GAP)))
    across = ceil(len(stages) / ceil(len(stages) / most))
    w = (room - (across - 1) * _GAP) / across
    nodes: list[Node] = []
    links: list[Link] = []
    y = top
    for first in range(0, len(stages), across):
        row = stages[first : first + across]
        said = [words_of(stage, picture.name) for stage in row]
        heads = [
            kit.paragraph(f"tree/stage/{first + i}/words", words, 0, 0, w - _NUMBER)
            for i, (_, words) in enumerate(said)
        ]
        head = 22 + max(one.h for one in heads)
        bottom = y
        for i, stage in enumerate(row):
            number, x = first + i, MARGIN + i * (w + _GAP)
            nodes.append(_heading(number, said[i][0], x, y, w))
            nodes.append(replace(heads[i], x=x + _NUMBER, y=y + 22))
            end = _draw(stage, number, picture, Box(x, y + head + 12, w, 0), nodes, links)
            bottom = max(bottom, end)
        y = bottom + 14
    if kept := order_kept(stages, picture.name):
        nodes.append(kit.paragraph("tree/kept", kept, MARGIN, y, room, style="body"))
        y += nodes[-1].h
    if any(node.kind == "fold" for node in nodes):
        nodes.append(kit.paragraph("tree/folds", _FOLDS, MARGIN, y, room))
        y += nodes[-1].h
    return Drawn(nodes, links, (), y + 6)


_FOLDS = "A number in place of a node: so many entries are folded there."
"""The meaning of a fold's count."""


_NUMBER = 30.0
"""The pixels for the number of a stage, left of its words."""


def _heading(number: int, title: str, x: float, y: float, w: float) -> Node:
    """Return the number of a stage and its work."""
    text = (Text(11, 16, str(number + 1), "label strong on-step", "middle"), Text(_NUMBER, 16, title, "body strong"))
    return Node(f"tree/stage/{number}", "stage", x, y, w, 22, shape="none", text=text,
                bars=(Bar(0, 0, 22, 22, "step"),), title=f"{number + 1}: {title}", lane="stages")  # fmt: skip


def _draw(stage: Stage, number: int, picture: MapPicture, box: Box, nodes: list[Node], links: list[Link]) -> float:
    """Add a stage's tree, and its names in order; return where it ends."""
    tree = stage.after
    items = {item.id: item for item in tree.items}
    depths = dict(depths_of(tree))
    order = sorted(depths, key=lambda one: items[one].start)
    step = min(_WIDEST, box.w / max(1, len(order)))
    middle = {one: box.x + (place + 0.5) * step for place, one in enumerate(order)}
    new = {event.node for event in stage.events if isinstance(event, ev.TreeLinked)}
    moved = moved_in_tree(stage.before, tree)
    drawn: dict[int, Node] = {}
    for one in order:
        y = box.y + depths[one] * _ROW
        states = ("new",) if one in new else ("changed",) if one in moved else ()
        drawn[one] = _node(tree, items[one], number, middle[one], y, states, picture)
    nodes.extend(drawn.values())
    links.extend(_links(stage, number, drawn))
    bottom = box.y + (max(depths.values(), default=0) + 1) * _ROW
    said = {one for event in stage.events for one in _nodes_of(event, tree)}
    below = list(_names(order, items, middle, (said, new | moved), number, picture, box._replace(y=bottom)))
    nodes.extend(below)
    return max((node.y + _FOOT for node in below), default=bottom + _FOOT)


def _node(
    tree: MapValue,
    item: EntryValue | Fold,
    number: int,
    x: float,
    y: float,
    states: tuple[str, ...],
    picture: MapPicture,
) -> Node:
    """Return a node of a stage's tree, or a fold of several."""
    lane = f"tree/{number}"
    if isinstance(item, Fold):
        words = short_count(item.count)
        w = text_width(words, "label") + 8
        return kit.chip(
            f"{lane}/fold/{item.id}",
            "fold",
            Box(x - w / 2, y - 2, w, 18),
            words,
            thing=f"fold:{item.id}",
            state=("folded",),
            title=f"{item.count:,} entries folded",
            lane=lane,
            spare=0,
        )
    colour = "red" if is_red(tree, item.id) else "black"
    return Node(
        f"{lane}/{item.id}",
        "tree-node",
        x - _MARK / 2,
        y,
        _MARK,
        _MARK,
        f"entry:{item.id}",
        "round" if colour == "red" else "box",
        state=(colour, *states),
        action="select",
        lane=lane,
        title=f"{picture.name(item.id)}{NAMED}{colour} node {picture.style.whole(item.start)}, entry {item.id}",
    )


def _links(stage: Stage, number: int, drawn: Mapping[int, Node]) -> Iterator[Link]:
    """Yield lines from each node to its children, with the states of conflicts and of moved nodes."""
    was = parents_of(stage.before.nodes.values())
    for node in stage.after.nodes.values():
        for side, child in (("left", node.left), ("right", node.right)):
            source, target = drawn.get(node.id), drawn.get(child)
            if source is None or target is None:
                continue
            both = is_red(stage.after, node.id, child)
            state = ("fault",) if both else ("new",) if was.get(child) != node.id else ()
            start, end = (source.x + source.w / 2, source.y + source.h), (target.x + target.w / 2, target.y)
            yield Link(
                f"tree/{number}/{node.id}/{side}",
                "tree",
                source.id,
                target.id,
                (start, end),
                state=state,
                branch=True,
                bend="upright",
            )


def _names(
    order: Sequence[int],
    items: Mapping[int, EntryValue | Fold],
    middle: Mapping[int, float],
    first: tuple[Collection[int], Collection[int]],
    number: int,
    picture: MapPicture,
    box: Box,
) -> Iterator[Node]:
    """Yield the names below a tree, as far as there is room.

    The nodes in `first` have priority: the nodes that the stage's words are about, which may need lines of their own,
    and the changed nodes, whose names have the accent colour.
    """
    said, marked = first
    lines: list[list[tuple[float, float]]] = [[]]
    for one in sorted(order, key=lambda one: (one not in said, one not in marked)):
        if isinstance(items[one], Fold):
            continue
        words = picture.name(one)
        w = text_width(words, "label strong")
        left = max(box.x, min(middle[one] - w / 2, box.x + box.w - w))
        free = (all(left >= end + 4 or left + w <= start - 4 for start, end in line) for line in lines)
        line = next((line for line, is_free in enumerate(free) if is_free), len(lines))
        if line and one not in said:
            continue
        if line == len(lines):
            lines.append([])
        lines[line].append((left, left + w))
        look = "label strong path" if one in marked else "label strong" if one in said else "label dim"
        yield kit.runs(
            f"tree/{number}/name/{one}",
            Box(left, box.y + line * _LINE, w, 18),
            (Text(w / 2, 13, words, look, "middle"),),
        )


def tree_lanes(stages: Sequence[Stage], name: str) -> list[Lane]:
    """Return a lane for each stage, so that arrow keys follow its tree."""
    return [Lane(f"tree/{i}", "tree", label=f"tree of {name} after stage {i + 1}") for i in range(len(stages))]


def stages_table(stages: Sequence[Stage], picture: MapPicture, entries: Table) -> Table:
    """Return the stages in words, with the table of the map's entries after it."""
    told = enumerate((words_of(one, picture.name) for one in stages), 1)
    rows = [(f"{number}: {title}", words) for number, (title, words) in told]
    return Table(("stage", "what it did"), rows, more=(("entries", entries), *entries.more))
