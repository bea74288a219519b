"""What a picture of a map is made from: the map at one moment of an operation, and what is true of it.

Its lanes share the columns, one for each entry or fold; :func:`seek` makes the picture of a search.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from vmwidgets.engine.base import events as ev
from vmwidgets.engine.base.units import PAGE_SHIFT, binary_size
from vmwidgets.engine.base.values.maps import EntryValue, Fold, MapValue
from vmwidgets.engine.base.values.past import ABSENT, Past
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.model import MANY, STILL, Caption, Link, Look, Marks, Node, Steps, looks_of
from vmwidgets.views.scene.text import text_width
from vmwidgets.views.story.moment import Mine, Moment
from vmwidgets.views.story.story import Step
from vmwidgets.views.story.words.names import address as name
from vmwidgets.views.story.words.names import span
from vmwidgets.views.story.words.pictures import map_sentence, map_untouched, out_of_order, say_sought


@dataclass(frozen=True, slots=True)
class MapPicture:
    """`value` is the map at the step shown; `states` what is true of entries by id ("new", "changed", "path", "here").

    `path` lists the nodes that the search under way compared, in order, with the direction that it took at each;
    `hint` is the address a free search was given (None: none).
    """

    value: MapValue
    style: AddressStyle
    caption: Caption
    steps: Steps
    states: dict[int, tuple[str, ...]]
    path: tuple[tuple[int, str], ...]
    hint: int | None
    moment: Moment
    moved: frozenset[int] = frozenset()
    """Nodes of the tree that got another parent or colour; their entries need not have changed."""

    def in_tree(self, identity: int) -> tuple[str, ...]:
        """What is true of a node of the tree: of its entry, and that its place or colour changed.

        That the list is out of order there is no fault of the tree.
        """
        states = tuple(state for state in self.states.get(identity, ()) if state != "fault")
        return (*states, "changed") if identity in self.moved and not {"new", "changed"} & set(states) else states

    def in_order(self, identity: int) -> tuple[str, ...]:
        """What is true of an entry in list and ribbon: a search goes through the tree."""
        return tuple(state for state in self.states.get(identity, ()) if state != "path")

    def important(self, selection: int = 0) -> list[int]:
        """Ids that deserve a card, most important first: here, new, changed, selected, the end of the path."""
        ranked = {"here": 0, "new": 1, "changed": 2}
        marked = [(min(ranked[s] for s in states if s in ranked), identity)
                  for identity, states in self.states.items() if any(s in ranked for s in states)]  # fmt: skip
        chosen = [identity for _, identity in sorted(marked)] + sorted(self.moved)
        ends = [node for node, _ in reversed(self.path)]
        looked_up = [self.value.lookup_cache] if self.value.lookup_cache else []
        edges = [entry.id for entry in (*self.value.entries[:1], *self.value.entries[-1:])]
        return [*([selection] if selection else []), *chosen, *ends, *looked_up, *edges]


def steps_of_map(name: str) -> Mine:
    """The steps of the map called `name`: all that happens in it, and what belongs to no map."""

    def mine(step: Step) -> bool:
        kind, of = step.about
        return (kind in ("tree", "list", "map") and of == name) or kind in ("machine", "kentry")

    return mine


def map_picture(value: MapValue, moment: Moment) -> MapPicture:
    """The picture at `moment` of `value`, which is the map after its operation."""
    style = AddressStyle.of(value.start, value.end)
    moment = moment.above(value.reach(moment.events))
    shown = value if moment.is_after else value.at(moment.past)
    done, here = moment.so_far, moment.step
    path = _path(done, shown) if moment.operation is None or moment.operation.name != "boot" else ()
    return MapPicture(
        shown,
        style,
        _caption(value, moment),
        moment.steps(steps_of_map(value.name)),
        states_of(shown, done, "" if here is None else here.thing, path),
        path,
        next((event.hint for event in done if isinstance(event, ev.HintTried) and event.map == value.name), None),
        moment,
        moved_in_tree(done, shown),
    )


def _caption(value: MapValue, moment: Moment) -> Caption:
    """The moment's, and after the operation what it meant for this map."""
    if moment.operation is None:
        return Caption(map_untouched(value))
    if not moment.is_after:
        return moment.caption
    if wrong := _out_of_order(value):
        own = out_of_order([entry.start for entry in wrong[:3]])
        return replace(moment.caption_with(own), tone="error")
    return moment.caption_with(map_sentence(value, moment.operation, moment.events))


def _path(done: Sequence[ev.Event], value: MapValue) -> tuple[tuple[int, str], ...]:
    """The comparisons of the latest search that made any; none once rotations have made them another way."""
    path: list[tuple[int, str]] = []
    fresh = True
    for event in done:
        if isinstance(event, ev.Called) and event.name in ("rbtree_insert", "rbtree_lookup_nearest"):
            fresh = True
        elif isinstance(event, ev.TreeCompared) and event.tree == value.name:
            if fresh:
                path, fresh = [], False
            path.append((event.node, event.outcome))
    return tuple(path) if _leads_down(value, path) else ()


def _leads_down(value: MapValue, path: Sequence[tuple[int, str]]) -> bool:
    """Whether each node compared is still the child that the one before was left for."""
    for (node, outcome), (following, _) in pairwise(path):
        there = value.nodes.get(node)
        if there is None or following != (there.left if outcome == "left" else there.right):
            return False
    return True


def states_of(
    value: MapValue, done: Sequence[ev.Event], here: str = "", path: Sequence[tuple[int, str]] = ()
) -> dict[int, tuple[str, ...]]:
    """What is true of the entries of `value` after the events `done`, by id; `here` is the thing at hand."""
    past = Past(done)
    merged = _merged(past, value)
    linked = past.marks("after", value.name).new - merged  # an entry may change before it is in the list
    changed = past.marks("entry", value.name).changed | past.marks("wired", value.name).changed | merged
    found: dict[int, list[str]] = {}
    for node, _ in path:
        found.setdefault(node, []).append("path")
    for entry in value.entries:
        if entry.id in linked:
            found.setdefault(entry.id, []).append("new")
        elif entry.id in changed:
            found.setdefault(entry.id, []).append("changed")
    for entry in _out_of_order(value):
        found.setdefault(entry.id, []).append("fault")
    if here.startswith("entry:"):
        found.setdefault(int(here.removeprefix("entry:")), []).append("here")
    return {identity: tuple(states) for identity, states in found.items()}


def _merged(past: Past, value: MapValue) -> set[int]:
    """New entries that stand for one that was there: it left the list, and its range is theirs now.

    FreeBSD keeps the later of two entries that merge.  Most of what it stands for may be as old as the other.
    """
    marks = past.marks("after", value.name)
    entries = past.before("entry", value.name)
    gone = [entries[one] for one in marks.leaving if entries.get(one, ABSENT) is not ABSENT]
    return {
        entry.id
        for entry in value.entries
        if entry.id in marks.new and any(entry.start <= start and end <= entry.end for _, start, end, *_ in gone)
    }


def moved_in_tree(done: Sequence[ev.Event], value: MapValue) -> frozenset[int]:
    """Nodes of the tree of `value` that events gave another parent or another colour; new ones are not among them."""
    past, name = Past(done), value.name
    before: dict[int, int] = {}
    after: dict[int, int] = {}
    for table in ("left", "right"):
        for parent, change in past.changes(table, name).items():
            for parents, child in ((before, change.before), (after, change.after)):
                if child not in (0, ABSENT):
                    parents[child] = parent
    moved = {child for child in before.keys() | after.keys() if before.get(child) != after.get(child)}
    red = past.before("red", name).items()
    moved |= {one for one, was in red if was is not ABSENT and one in value.nodes and value.nodes[one].red != was}
    there = past.marks("node", name)
    return frozenset(moved - there.new - there.leaving)


def touched(events: Sequence[ev.Event], name: str) -> list[int]:
    """Ids of the entries of map `name` that `events` were about, each once, those that a picture needs most first.

    First what is new; then, the latest first, what was written in list and tree, and what was met.
    """
    met: list[int] = []
    for event in reversed(events):
        rows = [row for row in event.writes() if row[1] == name]
        for table, _, key, *held in rows:
            links = held if table in ("after", "lookup cache") else ()
            met += [one for one in (key, *links) if one is not ABSENT]
        if isinstance(event, ev.LookupCacheHit) and event.map == name:
            met.append(event.entry)
        elif isinstance(event, ev.MergeTried) and event.map == name:
            met.append(event.neighbour)
    past = Past(events)
    new, _, gone = past.marks("after", name)
    found = dict.fromkeys([*reversed([one for one in past.changes("after", name) if one in new]), *met])
    return [one for one in found if one not in gone and one]


def _out_of_order(value: MapValue) -> list[EntryValue]:
    """Entries that the list has behind one which lies above them: what quirk clip-end-first does."""
    pairs = pairwise(value.entries)
    return [after for before, after in pairs if after.start < before.start]


def kind_of(entry: EntryValue) -> str:
    """The colour class of an entry: "static", "submap", "object" or "plain"."""
    if entry.role or entry.flags & NOFAULT:
        return "static"
    if entry.flags & _SUB_MAP:
        return "submap"
    return "object" if entry.object is not None else "plain"


NOFAULT, _SUB_MAP = 0x100000, 0x200000
"""Flags of FreeBSD's entries: a fault there is a panic; the range belongs to another map."""


def what_is(entry: EntryValue) -> str:
    """What an entry is for, in a word or two: its role, its submap, its object and offset."""
    if entry.role:
        return entry.role
    if entry.flags & _SUB_MAP:
        return (entry.object or "").removeprefix("submap:") or "submap"
    if entry.object is None:
        return "NOFAULT" if entry.flags & NOFAULT else "anonymous"
    return f"{entry.object}+{entry.offset:#x}"


# ---- looking an address up -----------------------------------------------------------------------


def seek(picture: MapPicture, address: int) -> MapPicture:
    """`picture` as the answer to "what is at `address`?": its path in the tree, and a sentence."""
    value = picture.value
    path, found = _search(value, address)
    states: dict[int, tuple[str, ...]] = {node: ("path",) for node, _ in path}
    if found is not None:
        states[found.id] = ("path", "here")
    return replace(
        picture,
        caption=_answer(value, address, found, len(path)),
        steps=STILL,
        states=states,
        path=tuple(path),
        hint=None,
        moved=frozenset(),
    )


def _search(value: MapValue, address: int) -> tuple[list[tuple[int, str]], EntryValue | None]:
    """Each node compared with where it sent the search, and the entry that holds the address."""
    entries = {entry.id: entry for entry in value.entries}
    path: list[tuple[int, str]] = []
    node = value.nodes.get(value.root)
    while node is not None and node.id in entries:
        entry = entries[node.id]
        if entry.start <= address < entry.end:
            path.append((node.id, "here"))
            return path, entry
        side = "left" if address < entry.start else "right"
        path.append((node.id, side))
        node = value.nodes.get(node.left if side == "left" else node.right)
    return path, None


def _answer(value: MapValue, address: int, found: EntryValue | None, compared: int) -> Caption:
    reason = say_sought("compared", compared)
    if found is not None:
        return Caption(say_sought("held", address=name(address), range=span(found.start, found.end)), (), reason)
    below = max((entry.end for entry in value.entries if entry.end <= address), default=value.start)
    above = min((entry.start for entry in value.entries if entry.start > address), default=value.end)
    size = binary_size(above - below)
    return Caption(say_sought("free", address=name(address), size=size, range=span(below, above)), (), reason)


# ---- columns -------------------------------------------------------------------------------------

CARD = 106.0
"""Width of a card's column, for "kernel memory"; the widest address style needs more."""

SHORT = 34.0
FOLD = 56.0
LEAST_FOLD = 34.0
MAX_CARDS, FEWER = 6, 3
"""So many cards at most; so many fewer, less one, if then there is room for labels of all others."""


def card_width(style: AddressStyle) -> float:
    """The width of a card's column where addresses are written like this."""
    return max(CARD, text_width(style.widest, "mono label") + 24)


@dataclass(frozen=True, slots=True)
class Column:
    """Where one thing is: `level` is "card", "short" or "mark"."""

    id: int
    x: float
    w: float
    level: str

    @property
    def middle(self) -> float:
        """The x of its axis."""
        return self.x + self.w / 2


class Drawn(NamedTuple):
    """What a lane draws: nodes, links that end at one, marks with their own, and the y where it ends."""

    nodes: list[Node]
    links: list[Link]
    marks: tuple[Marks, ...]
    bottom: float


def plain_ones(picture: MapPicture, entries: Iterable[EntryValue]) -> frozenset[int]:
    """Ids of those that a lane draws as marks: nothing is said of them, and there are many."""
    plain = frozenset(entry.id for entry in entries if not picture.in_order(entry.id))
    return plain if len(plain) >= MANY else frozenset()


def entry_marks(
    lane: str,
    entries: Sequence[EntryValue],
    places: Sequence[tuple[float, float]],
    y: float,
    h: float,
    title: str,
    *,
    graph: bool = False,
    on: str = "",
) -> tuple[Marks, ...]:
    """Entries as marks of a lane, each at its x and as wide as `places` says; none for none."""
    if not entries:
        return ()
    looks, look = looks_of(Look("box", (kind_of(entry),), entry.protection) for entry in entries)
    marks = Marks(
        lane=lane,
        kind="range",
        of="entry",
        number=[entry.id for entry in entries],
        x=[x for x, _ in places],
        y=[y] * len(entries),
        w=[w for _, w in places],
        h=h,
        looks=looks,
        look=look,
        page=[entry.start >> PAGE_SHIFT for entry in entries],
        pages=[(entry.end - entry.start) >> PAGE_SHIFT for entry in entries],
        title=title,
        graph=graph,
        on=on,
    )
    return (marks,)


def lay_columns(
    items: Sequence[EntryValue | Fold],
    important: Sequence[int],
    width: float = WIDTH,
    card: float = CARD,
    left: float = MARGIN,
) -> dict[int, Column]:
    """A column for every item; those in `important` (ids, most important first) get cards as far as they fit.

    `left` is kept free.
    """
    room = width - left - MARGIN
    if not items:
        return {}
    if len(items) * card <= room and not any(isinstance(item, Fold) for item in items):
        share = min(room / len(items), card * 1.7)
        x = left + (room - share * len(items)) / 2
        return {item.id: Column(item.id, x + i * share, share, "card") for i, item in enumerate(items)}
    folds = {item.id for item in items if isinstance(item, Fold)}
    chosen = _choose_cards(items, important, max(card, room * 0.9 - len(folds) * LEAST_FOLD - len(items) * 3), card)
    shares = [_shares(len(items), len(folds), count, room, card) for count in range(len(chosen) + 1)]
    fewer = range(len(chosen), max(0, len(chosen) - FEWER), -1)  # if then each of the others has its label
    count = next((one for one in fewer if shares[one][1] >= SHORT), len(chosen))
    cards, rest = frozenset(chosen[:count]), len(items) - count - len(folds)
    fold, share = shares[count]
    level = "short" if share >= SHORT else "mark"
    columns: dict[int, Column] = {}
    x = left + max(0.0, room - len(cards) * card - len(folds) * fold - rest * share) / 2
    for item in items:
        w = card if item.id in cards else fold if item.id in folds else share
        columns[item.id] = Column(item.id, x, w, "card" if item.id in cards else "fold" if item.id in folds else level)
        x += w
    return columns


def _shares(items: int, folds: int, cards: int, room: float, card: float) -> tuple[float, float]:
    """How wide a fold is, and what is neither fold nor card, if so many are cards."""
    left_over = max(0.0, room - cards * card)
    fold = min(FOLD, left_over * 0.8 / max(1, folds))
    return fold, min(card, (left_over - folds * fold) / max(1, items - cards - folds))


def _choose_cards(
    items: Sequence[EntryValue | Fold], important: Sequence[int], room: float, card: float
) -> Sequence[int]:
    """The ids of the cards, most important first."""
    shown = {item.id for item in items if isinstance(item, EntryValue)}
    limit = max(1, min(MAX_CARDS, int(room // card)))
    chosen: list[int] = []
    for identity in important:
        if identity in shown and identity not in chosen and len(chosen) < limit:
            chosen.append(identity)
    return chosen
