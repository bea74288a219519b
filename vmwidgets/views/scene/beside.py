"""Two scenes of one kind in equal halves, with their differences marked and counted.

Things are compared, not pixels: things at the same place on both sides are equal if everything said about them is
equal.  A side's own history (new, changed, the path of a search) is not marked here: an outline means a difference.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import Address, counted
from vmwidgets.views.scene import kit

from .kit import MARGIN, WIDTH
from .model import NAMED, Caption, Lane, Link, Look, Marks, Node, Opened, Row, Rows, Scene, Table, Text
from .relations import FRAMES, About, Pages, together
from .text import fitted, text_width

_AROUND = 2.0
"""Pixels between frames that differ and the line around them."""

_APART = 6.0
"""Pixels between what differs in a box and the box's right edge."""

GAP = 20.0
"""Pixels between the halves."""

HALF = 420.0
"""Pixels that a half needs: if there is less room, one half is below the other."""

HEAD = 46.0
"""Pixels above a half, for its name and its moment."""

_HAPPENED = frozenset(("new", "changed", "path", "here", "leaving", "shown", "within", "grew"))
"""States that describe a side's own history."""

_NEW_COUNT = {"count step-new": "count step"}
"""The style of a count that an operation changed, and of one that it left."""

_NOUNS = {
    "entry": "entry", "frame": "frame", "object": "object", "thread": "thread", "pte": "descriptor", "table": "table",
    "slab": "slab", "map": "map", "cap": "capability", "vnode": "vnode", "fault": "stage",
}  # fmt: skip  # read as a list

BESIDE = "beside"
"""The state of a thing that differs; its title describes the difference."""

PAIRED = "beside"
"""A space in which a thing has the same page on both sides, so that both light up together."""


class Said(NamedTuple):
    """A thing of one side: the texts about it, by place, and the longest of these texts.

    Texts in the same place can be compared: a card says more than a strip, and a row of the table says everything.
    """

    thing: str
    words: dict[str, str]
    title: str
    many: int = 1
    """The number of things that it stands for: neighbouring frames with the same words are drawn as one."""


@frozen
class Differences:
    """The differences between two scenes, at places that both sides have."""

    left: Mapping[str, Said]
    right: Mapping[str, Said]
    folded: frozenset[str]
    """Places of one side that a folded part of the other side may contain."""
    has_folds: bool
    """Whether a side has folds."""
    cuts: tuple[int, ...] = ()
    """Frames at which the words about frames may change, on either side."""

    @classmethod
    def between(cls, left: Scene, right: Scene, places: Places) -> Differences:
        """Compare what is drawn.  O(things)."""
        sides = [(_things(scene, places(scene)), _runs(scene)) for scene in (left, right)]
        cuts = tuple(sorted({frame for _, runs in sides for run in runs.values() for frame in run[:2]}))
        ours, theirs = (_frames_cut(said, runs, cuts) for said, runs in sides)
        folded = _hidden(left, ours, right, theirs) + _hidden(right, theirs, left, ours)
        return cls(ours, theirs, frozenset(folded), _is_folded(left) or _is_folded(right), cuts)

    @property
    def only_left(self) -> list[str]:
        """Places that only the left side has."""
        return [place for place in self.left if place not in self.right and place not in self.folded]

    @property
    def only_right(self) -> list[str]:
        """Places that only the right side has."""
        return [place for place in self.right if place not in self.left and place not in self.folded]

    @property
    def both(self) -> list[str]:
        """Places that both sides have, with different words."""
        return [place for place, one in self.left.items() if self._differs(place, one)]

    def _differs(self, place: str, one: Said) -> bool:
        other = self.right.get(place)
        return other is not None and any(other.words.get(where, said) != said for where, said in one.words.items())

    @property
    def counts(self) -> tuple[int, int, int]:
        """The numbers of things only on the left, only on the right, and on both sides with different words."""
        left, right, both = (
            sum(side[place].many for place in places)
            for side, places in ((self.left, self.only_left), (self.right, self.only_right), (self.left, self.both))
        )
        return left, right, both

    def state_of_frames(self, first: int, end: int) -> tuple[str, ...]:
        """Return the mark of a run of frames: the strongest mark of any frame in it."""
        inside = self.cuts[bisect_left(self.cuts, first) : bisect_left(self.cuts, end)]
        marks = {self.state(f"frame:{frame}") for frame in inside}
        return next((mark for mark in (("changed",), ("new",)) if mark in marks), ())

    def state(self, place: str) -> tuple[str, ...]:
        """Return the mark of a thing at a place."""
        if place in self.folded:
            return ()
        if place not in self.left or place not in self.right:
            return ("new",)
        return ("changed",) if self._differs(place, self.left[place]) else ()

    @property
    def noun(self) -> tuple[str, str]:
        """The names of the differences, singular and plural: their common kind, or "things"."""
        differ = (*self.only_left, *self.only_right, *self.both)
        kinds = {_kind((self.left.get(place) or self.right[place]).thing) for place in differ}
        noun = _NOUNS.get(next(iter(kinds)), "thing") if len(kinds) == 1 else "thing"
        return noun, counted(2, noun).partition(" ")[2]

    @property
    def rows(self) -> tuple[Row, ...]:
        """The differences as a table."""
        places = [*self.both, *self.only_left, *self.only_right]
        sides = (self.left, self.right)
        return tuple(
            (
                "differs" if all(place in side for side in sides) else "left" if place in self.left else "right",
                *(side[place].title if place in side else "" for side in sides),
            )
            for place in places
        )


def _is_history(node: Node) -> bool:
    """Return whether a node has words about the path of a search, or counts or rings what an operation changed."""
    if node.kind == "fresh" or (not node.thing and any(bar.style in _NEW_COUNT for bar in node.bars)):
        return True
    return (
        not node.thing
        and not node.lane
        and bool(node.text)
        and all({"path", "new"} & set(run.style.split()) for run in node.text)
    )


def _kind(thing: str) -> str:
    return re.split("[:/]", thing, maxsplit=1)[0]


def _is_stage(node: Node) -> bool:
    """Return whether a node is a stage of a fault: it is compared as itself, whatever thing it led to."""
    return node.kind == "stage" and node.lane == "fault"


def _compared(node: Node) -> str:
    """Return the name under which a node is compared: its thing's, or a stage's own; "" if it is not compared."""
    return node.id if _is_stage(node) else node.thing


def _is_page(node: Node) -> bool:
    """Return whether a node is an object's page in a frame."""
    return node.kind == "page" and _kind(node.thing) == "frame"


def _is_folded(scene: Scene) -> bool:
    """Return whether a scene leaves things out; the same state of a page means that it is in swap space."""
    return any("folded" in node.state and node.kind != "page" for node in scene.nodes)


def _hidden(scene: Scene, said: Mapping[str, Said], other: Scene, others: Mapping[str, Said]) -> list[str]:
    """Return the places of a scene that the other scene does not show, but may have in a fold."""
    missing = [place for place in said if place not in others]
    if not missing or not _is_folded(other):
        return []
    tables = _Tables(scene, other)
    return [place for place in missing if tables.hide(said[place].thing)]


class _Tables:
    """The open page tables of a scene; they tell which of its things may be in folds or closed tables of another."""

    def __init__(self, scene: Scene, other: Scene) -> None:
        self._tables = {one.thing: one for one in scene.opened}
        self._slots = {thing: (one, number) for one in scene.opened for thing, (number, _) in one.slots.items()}
        self._above = _descriptors(scene)
        self._other, self._above_other = {(one.level, one.start): one for one in other.opened}, _descriptors(other)

    def hide(self, thing: str) -> bool:
        """Return whether the other scene may have a thing in a fold; only descriptors and tables have known places."""
        if thing in self._tables:
            return self._is_closed(self._tables[thing])
        return thing not in self._slots or self._is_folded(*self._slots[thing])

    def _is_folded(self, table: Opened, number: int) -> bool:
        """Return whether the other scene has a fold or a closed table where this scene has a descriptor."""
        there = self._other.get((table.level, table.start))
        return self._is_closed(table) if there is None else any(number in fold for fold in there.folds)

    def _is_closed(self, table: Opened) -> bool:
        """Return whether a table that the other scene has not opened may be there."""
        place = table.level + 1, table.start
        above = self._above.get(place)
        return above is None or place in self._above_other or self._is_folded(*above)


def _descriptors(scene: Scene) -> dict[tuple[int, int], tuple[Opened, int]]:
    """Return the drawn descriptors by level and first address: the table that each is in, and its number."""
    return {(one.level, start): (one, number) for one in scene.opened for number, start in one.slots.values()}


def _is_tile(node: Node) -> bool:
    """Return whether a node is neighbouring frames, in rows of frames."""
    return "tile" in node.state and _kind(node.thing) == "frame"


_Runs = Mapping[str, tuple[int, int, str]]


def _runs(scene: Scene) -> _Runs:
    """Return the drawn runs of frames by name: the first frame, the one after the last, and what they are."""
    found = {}
    for node in scene.whole().nodes:
        if _is_tile(node) and (span := _span(scene, node)) is not None:
            _, _, words = node.title.partition(": ")
            found[node.thing] = (*span, words.partition("; ")[0])
    return found


def _span(scene: Scene, node: Node) -> tuple[int, int] | None:
    """Return the first frame of a tile, and the frame after its last one."""
    pages = next((at for at in scene.about.get(node.thing, About()).at if at.space == FRAMES), None)
    return None if pages is None or not _is_tile(node) else (pages.first, pages.first + pages.length)


def _frames_cut(said: Mapping[str, Said], runs: _Runs, cuts: Sequence[int]) -> dict[str, Said]:
    """Return a side's things, with its runs of frames cut at `cuts`."""
    found = {place: one for place, one in said.items() if one.thing not in runs}
    for first, end, words in runs.values():
        for start, after in pairwise(cuts[bisect_left(cuts, first) : bisect_left(cuts, end) + 1]):
            title = f"{counted(after - start, 'frame')} from {start:#x}: {words}"
            found[f"frame:{start}"] = Said(f"frame:{start}", {"run": words}, title, after - start)
    return found


Places = Callable[[Scene], Mapping[str, str]]
"""The places of a scene's things, in words that both sides share."""


def by_name(scene: Scene) -> Mapping[str, str]:
    """Return places for one thing at two moments: an entry stays the same entry when it grows."""
    return {thing: thing for thing in _names(scene)}


def by_address(scene: Scene) -> Mapping[str, str]:
    """Return places for two machines: entries have different numbers, and are the same if they begin at one address.

    Tables and descriptors are at different places in memory, and are the same if they are for the same addresses, which
    their nodes' IDs contain.  Frames have different numbers too; if objects are drawn, frames are the same if they
    contain the same page of an object.
    """
    found = dict(by_name(scene))
    found |= {node.thing: node.id for node in reversed(scene.nodes) if node.id.startswith("object/") and _is_page(node)}
    found |= {node.thing: node.id for node in scene.nodes if _kind(node.thing) in ("pte", "table")}
    for thing, about in scene.about.items():
        if thing.startswith("entry:") and about.at:
            found[thing] = f"entry@{about.at[0].first:x}"
    for marks in scene.marks:
        if marks.of == "entry":
            found |= {
                f"entry:{number}": f"entry@{page:x}" for number, page in zip(marks.number, marks.page, strict=True)
            }
    return found


def _names(scene: Scene) -> Iterator[str]:
    yield from map(_compared, scene.nodes)
    for marks in scene.marks:
        yield from (f"{marks.of}:{number}" for number in marks.number)


def _things(scene: Scene, places: Mapping[str, str]) -> dict[str, Said]:
    """Return all things of a scene by place, each with all texts of its nodes."""
    found: dict[str, Said] = {}
    rows = _rows_of_entries(scene)
    for node in scene.whole().nodes:
        name = _compared(node)
        if not name or node.kind in ("fold", "switch", "press"):
            continue
        words, row = _words(node, scene.view == "tree"), rows.get(name)
        if _is_page(node) and places[name] != name:
            words = re.sub(r", frame 0x[\da-f]+", "", words, count=1)
        old = found.setdefault(places[name], Said(name, {"row": row} if row else {}, ""))
        where = _where(node)
        old.words[where] = " | ".join(filter(None, (old.words.get(where), words)))
        if len(words) > len(old.title):
            found[places[name]] = old._replace(title=words)
    return found


def _rows_of_entries(scene: Scene) -> dict[str, str]:
    """Return the table's texts about entries, by name, without names, numbers and parents in the tree."""
    table = scene.table
    if "entry" not in table.header:
        return {}
    own, skipped = (
        table.header.index("entry"),
        {table.header.index(name) for name in ("name", "entry", "node") if name in table.header},
    )
    return {
        f"entry:{row[own]}": ", ".join(cell for place, cell in enumerate(row) if place not in skipped)
        for row in table.rows
        if row[own]
    }


def _words(node: Node, is_tree: bool) -> str:
    """Return a node's text without names that only one map or machine uses: an entry's, or a descriptor's address.

    The colour of an entry's node belongs to the tree, and is compared only in a picture of the tree.
    """
    said = node.title or " ".join(run.text for run in node.text)
    kind, _, name = _compared(node).partition(":")
    if kind in ("pte", "table"):
        said = said.replace(f" at physical {Address(int(name, 16))}", "", 1)
        return re.sub(r", (new|changed)\b", "", said)  # what the side's own operation did
    if kind == "entry":
        said = said.partition(NAMED)[2] or said
    said = re.sub(r", itself at 0x[\da-f_]+", "", said)
    if node.kind == "board":
        said = re.sub(r": (new|changed), ", ": ", said, count=1)  # what the side's own operation did
    if not is_tree:
        said = re.sub(r"^(red|black) node", "node", said)
    looks = [state for state in node.state if state in ("fault", "stuck")]
    return " ".join((re.sub(rf"\b(entry) {re.escape(name)}\b:? ?", r"\1 ", said).strip(), *looks))


def _where(node: Node) -> str:
    """Return where a node is: texts about one thing in the same place can be compared."""
    return f"{node.lane} {node.kind}"


def _read(scene: Scene, places: Mapping[str, str]) -> dict[tuple[str, str], Node]:
    """Return the boxes of a scene's things, by the thing's place and where the box is."""
    return {(places[name], _where(node)): node for node in scene.nodes if (name := _compared(node))}


def _part(words: str, others: str) -> str:
    """Return the part of a thing's words that the words about the other side's thing do not have.

    >>> _part("4 KiB physical 0x19_c000, rw- user", "4 KiB physical 0x20_1000, rw- user")
    '0x19_c000'
    """
    own, other = words.split(), others.split()
    while own and other and own[0] == other[0]:
        own, other = own[1:], other[1:]
    while own and other and own[-1] == other[-1]:
        own, other = own[:-1], other[:-1]
    return " ".join(own).rstrip(",")


def _with_part(node: Node, part: str) -> Node:
    """Return a box with a part of its words in place of those in its first line that tell no difference."""
    first, *others = node.text or (Text(0, 0, ""),)
    if not part or first.x + text_width(f"{first.text} ", first.style) + text_width(part, "mono") > node.w - _APART:
        return node
    kept = (replace(run, style=f"{run.style} dim") for run in (first, *others) if run is first or run.y != first.y)
    return replace(node, text=(*kept, Text(node.w - _APART, first.y, part, "mono", "end")))


# ---- the picture -----------------------------------------------------------------------------------


LEGEND = "A thick outline, +: only on that side. A dashed outline, ≠: on both sides, but different."
"""The meanings of the marks."""


class Side(NamedTuple):
    """One half: its scene, its name, and its moment."""

    scene: Scene
    name: str
    when: str


def draw_beside(
    left: Side,
    right: Side,
    places: Places,
    caption: Callable[[Differences], Caption],
    *,
    one_machine: bool,
    width: float = WIDTH,
) -> Scene:
    """Return both sides in one scene; its steps are the steps of the right side, which leads.

    `caption` describes the differences; `one_machine` says that both are of the same machine.
    """
    found = Differences.between(left.scene, right.scene, places)
    ours, theirs = places(left.scene), places(right.scene)
    across = width >= 2 * HALF + GAP
    second = (left.scene.width + GAP, 0.0) if across else (0.0, HEAD + left.scene.height + 8)
    nodes: list[Node] = []
    links: list[Link] = []
    marks: list[Marks] = []
    lanes: list[Lane] = []
    known: list[Mapping[str, About]] = []
    for key, side, (x, y), named, other in (
        ("left", left, (0.0, 0.0), ours, _read(right.scene, theirs)),
        ("right", right, second, theirs, _read(left.scene, ours)),
    ):
        apart = "" if one_machine or key == "right" else "left/"
        half = _Half(key, side.scene, found, named, (x, y + HEAD), apart, other)
        nodes += [_head(key, side, x, y), *half.nodes()]
        links += half.links()
        marks += half.marks()
        lanes += half.lanes()
        known.append(half.about())
    heights = [one.scene.height + HEAD for one in (left, right)]
    height = max(heights) if across else sum(heights) + 8
    if any(found.counts):
        nodes.append(kit.paragraph("beside/legend", LEGEND, MARGIN, height, width - 2 * MARGIN))
        height += nodes[-1].h + 8
    parts = tuple((f"{one.name} · {one.when}", replace(one.scene.table, more=())) for one in (left, right))
    scene = right.scene
    return replace(
        scene,
        view="beside",
        title=left.name if left.name == right.name else f"{left.name} beside {right.name}",
        subtitle=f"{'left and right' if across else 'left is above, right below'}, in step",
        width=width,
        height=height,
        caption=caption(found),
        nodes=tuple(nodes),
        links=tuple(links),
        marks=tuple(marks),
        lanes=tuple(lanes),
        notes=tuple(dict.fromkeys((*left.scene.notes, *right.scene.notes))),
        about=together(known),
        table=Table(("differs", "left", "right"), Rows(lambda: found.rows), parts),
    )


def _head(key: str, side: Side, x: float, y: float) -> Node:
    w = side.scene.width - 2 * MARGIN
    text = fitted(0, 16, side.name, w, "strong"), fitted(0, 33, side.when, w, "label dim")
    title = f"{key}: {side.name}, {side.when}"
    return kit.runs(f"{key}/name", kit.Box(x + MARGIN, y, w, HEAD - 8), text, title=title)


def half_of(width: float) -> float:
    """Return the width of a half in pixels."""
    return (width - GAP) / 2 if width >= 2 * HALF + GAP else width


class _Half:
    """One side's part of the scene: with names of its own, at its place, and marked where it differs.

    `apart` is a prefix for the things of another machine, which are not the things on this side; `other` are the boxes
    of the other side.
    """

    def __init__(
        self,
        key: str,
        scene: Scene,
        found: Differences,
        places: Mapping[str, str],
        at: tuple[float, float],
        apart: str,
        other: Mapping[tuple[str, str], Node],
    ) -> None:
        self._key, self._scene, self._found, self._places, self._apart = key, scene, found, places, apart
        self._x, self._y = at
        self._other = other
        self._pairs = {place: number for number, place in enumerate(sorted({*found.left} & {*found.right}))}

    def nodes(self) -> Iterator[Node]:
        """Yield the nodes, which can no longer be turned or pressed: only a separate picture can do that."""
        for node in self._scene.nodes:
            if node.kind in ("switch", "press") or _is_history(node):
                continue
            mark = self._mark(node)
            yield replace(
                self._parted(node) if "changed" in mark else node,
                id=f"{self._key}/{node.id}",
                x=node.x + self._x,
                y=node.y + self._y,
                thing=self._thing(node.thing),
                lane=node.lane and f"{self._key}/{node.lane}",
                state=(*(state for state in node.state if state not in _HAPPENED), *mark, *([BESIDE] if mark else [])),
                title=self._titled(node.title, mark),
                value=-1,
                role="",
                bars=tuple(replace(bar, style=_NEW_COUNT.get(bar.style, bar.style)) for bar in node.bars),
            )

    def _mark(self, node: Node) -> tuple[str, ...]:
        name = _compared(node)
        if not name:
            return ()
        span = _span(self._scene, node)
        return self._found.state(self._places[name]) if span is None else self._found.state_of_frames(*span)

    def _parted(self, node: Node) -> Node:
        """Return a node that differs; if it reads like the one on the other side, with what differs, the rest grey."""
        other = self._other.get((self._places[_compared(node)], _where(node)))
        if other is None or [run.text for run in other.text] != [run.text for run in node.text]:
            return node
        return _with_part(node, _part(*(_words(one, self._scene.view == "tree") for one in (node, other))))

    def _titled(self, title: str, mark: Collection[str]) -> str:
        words = {"new": f"only at the {self._key}", "changed": "differs from the other side"}
        return "; ".join((*[title] * bool(title), *(words[one] for one in mark)))

    def _thing(self, thing: str) -> str:
        return thing and f"{self._apart}{thing}"

    def links(self) -> Iterator[Link]:
        """Yield the lines."""
        for link in self._scene.links:
            yield replace(
                link,
                id=f"{self._key}/{link.id}",
                source=f"{self._key}/{link.source}",
                target=f"{self._key}/{link.target}",
                points=tuple((x + self._x, y + self._y) for x, y in link.points),
                state=tuple(state for state in link.state if state not in _HAPPENED),
            )
        marked = [(node, self._mark(node)) for node in self._scene.nodes if _is_tile(node) or _is_stage(node)]
        for (_, mark), row in groupby(marked, key=lambda one: (one[0].y, one[1])):
            if mark:
                tiles = [replace(tile, x=tile.x + self._x, y=tile.y + self._y) for tile, _ in row]
                name = f"{self._key}/{tiles[0].id}"
                line = kit.around(f"{name}/{BESIDE}", tiles, state=(*mark, BESIDE), apart=_AROUND)
                yield replace(line, source=name, target=name)

    def marks(self) -> Iterator[Marks]:
        """Yield the things without words; differences have another style."""
        for marks in self._scene.marks:
            looks = list(marks.looks)
            look = []
            for number, old in zip(marks.number, marks.look, strict=True):
                mark = self._found.state(self._places[f"{marks.of}:{number}"])
                wanted = looks[old]._replace(state=(*looks[old].state, *mark))
                if wanted not in looks:
                    looks.append(Look(*wanted))
                look.append(looks.index(wanted))
            yield replace(
                marks,
                lane=f"{self._key}/{marks.lane}",
                of=f"{self._apart}{marks.of}",
                x=[x + self._x for x in marks.x],
                y=[y + self._y for y in marks.y],
                looks=tuple(looks),
                look=look,
                on=marks.on and f"{self._key}/{marks.on}",
                space=marks.space and f"{self._apart}{marks.space}",
            )

    def lanes(self) -> Iterator[Lane]:
        """Yield the lanes, each named after its side."""
        for lane in self._scene.lanes:
            label = lane.label and f"{self._key}: {lane.label}"
            yield replace(lane, name=f"{self._key}/{lane.name}", label=label)

    def about(self) -> dict[str, About]:
        """Return the facts about the things, each with the thing at the same place on the other side."""
        known = {self._thing(thing): self._moved(about) for thing, about in self._scene.about.items()}
        for node in self._scene.nodes:
            number = self._pairs.get(self._places[_compared(node)]) if node.thing else None
            if number is not None:
                thing = self._thing(node.thing)
                at, to = known.get(thing, About())
                pair = Pages(PAIRED, number, 1)
                known[thing] = About(at if pair in at else (*at, pair), to)
        return known

    def _moved(self, about: About) -> About:
        """Return a thing's places in this side's spaces: another machine has other spaces."""
        if not self._apart:
            return about
        at = tuple(one._replace(space=f"{self._apart}{one.space}") for one in about.at)
        to = tuple(
            self._thing(one) if isinstance(one, str) else one._replace(space=f"{self._apart}{one.space}")
            for one in about.to
        )
        return About(at, to)
