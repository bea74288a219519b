"""The basis of a map's picture: the map at one moment of an operation, and the states of its entries.

Its lanes share the columns, one for each entry or fold; :func:`seek` makes the picture of a search.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE_SHIFT, binary_size
from vmwidgets.engine.kernel.map.map_schema import Entries, EntryFields, EntryValue, Fold, MapValue, NodeValue
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.model import MANY, NAMED, STILL, Caption, Link, Marks, Node, Steps, looks_of
from vmwidgets.views.story.look import Difference, Look, difference
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, Stage, once, seen
from vmwidgets.views.story.step import Step
from vmwidgets.views.story.words.names import address as name
from vmwidgets.views.story.words.names import span
from vmwidgets.views.story.words.pictures import (
    map_sentence,
    map_state,
    out_of_order,
    say_sought,
    tree_answer,
    tree_rotated,
)

from .runs import Change, Range, Run, changes_of, facts_of, kind_of, name_of, removed, rights_of, runs_of

LANES = ("tree", "list", "ribbon")
"""The lanes of a picture of a map; the tree is drawn below the others."""


class Taken(NamedTuple):
    """The addresses of an entry or a fold at some step of an operation."""

    start: int
    end: int
    folded: bool


class Layout(NamedTuple):
    """The layout that all steps of an operation share, so that only what changes moves.

    `items` are the items with a column, in order: everything in the map before the operation, after it, or at the
    moment; `cards` are the most important; `looked_up` is the entry found last; `depth` is the depth of the tree.
    `taken` are the ranges on the axis of addresses, and `changes` the ranges that the operation adds or removes.
    """

    items: tuple[EntryValue | Fold, ...]
    cards: tuple[int, ...]
    looked_up: int = 0
    depth: int = 0
    near: int = 0
    """The number of the first `cards` that the operation changed, or that are beside such a card."""
    taken: tuple[Taken, ...] = ()
    changes: tuple[Change, ...] = ()
    runs: tuple[Run, ...] = ()
    """Files with several consecutive entries, heap and stack."""
    has_guards: bool = False
    """Whether some ranges allow no access."""

    @property
    def has_files(self) -> bool:
        """Return whether files are mapped, so that brackets show which."""
        return any(run.is_file for run in self.runs)

    @property
    def says_rights(self) -> bool:
        """Return whether fills show rights: files are mapped, or some ranges allow no access."""
        return self.has_guards or self.has_files


@frozen
class MapPicture:
    """The map `value` at one step, with the `states` of entries by ID ("new", "changed", "path", "here").

    `path` lists the nodes that the current search has compared, in order, with the direction taken at each; `sought` is
    the address that it seeks; `hint` is the address given to a search for space (None if there is no hint).
    """

    value: MapValue
    style: AddressStyle
    caption: Caption
    steps: Steps
    states: dict[int, tuple[str, ...]]
    path: tuple[tuple[int, str], ...]
    sought: int
    hint: int | None
    moment: Moment
    layout: Layout
    used: int
    """Bytes of the entries in the list.  The map's own sum is updated later, and would not match the number of
    entries.
    """
    moved: frozenset[int] = frozenset()
    """The nodes of the tree with a new parent or colour; their entries may be unchanged."""
    rehung: frozenset[int] = frozenset()
    """The moved nodes with a new parent."""
    gone: tuple[Range, ...] = ()
    """The entries that the operation has removed so far, unless they are in use again."""
    changes: tuple[Change, ...] = ()
    """The ranges that the operation has added or removed so far."""
    coming: frozenset[int] = frozenset()
    """Entries that the operation has made and not put into the list yet."""
    names: Mapping[int, str] = field(default_factory=dict)
    """The short names of ranges, by the IDs of their entries."""

    def name(self, identity: int) -> str:
        """Return the short name of an entry's range."""
        return self.names.get(identity) or f"entry {identity}"

    def fill_of(self, entry: EntryValue) -> tuple[str, ...]:
        """Return the classes of an entry's fill: its kind, and its rights if fills show them."""
        return (kind_of(entry), rights_of(entry)) if self.layout.says_rights else (kind_of(entry),)

    def in_tree(self, identity: int) -> tuple[str, ...]:
        """Return the states of a node of the tree: its entry's states, and whether its place or colour changed.

        After a search, places and colours are not the answer, and only the steps show them.

        If the list is out of order at the entry, only the list shows that as a fault, and the node does not.
        """
        states = tuple(state for state in self.states.get(identity, ()) if state != "fault")
        is_shown = identity in self.moved and not (self.path and self.moment.is_after)
        return (*states, "changed") if is_shown and not {"new", "changed"} & set(states) else states

    def in_order(self, identity: int) -> tuple[str, ...]:
        """Return the states of an entry in list and ribbon, without "path": a search goes through the tree."""
        return tuple(state for state in self.states.get(identity, ()) if state != "path")

    def near(self, selection: int = 0) -> list[int]:
        """Return the IDs of the selected entry, of those that were changed or found, and of their neighbours."""
        return [*([selection] if selection else []), *self.layout.cards[: self.layout.near]]

    def important(self, selection: int = 0) -> list[int]:
        """Return the IDs with a card, most important first: selected, new, changed, the end of the path.

        The IDs are the same in all steps of an operation.
        """
        layout = self.layout
        looked_up = [layout.looked_up] if layout.looked_up else []
        edges = [entry.id for entry in (*self.value.entries[:1], *self.value.entries[-1:])]
        return [*([selection] if selection else []), *layout.cards, *looked_up, *edges]


def steps_of_map(look: Look[MapValue], lanes: Collection[str] = LANES) -> Mine:
    """Return the steps in which a map changes, a search continues, or another entry becomes current, as `lanes` show.

    A tree alone has the addresses of its entries, and only a list has all that is known of an entry.
    """
    name, moment = look.after.name, look.moment

    def facts() -> Callable[[int], object]:
        before = entries_of(look.before)
        follows = [(at, one) for at, one in enumerate(moment.events) if isinstance(one, _FOLLOWED)]
        reached = [(step.index, int(thing[6:])) for step in moment.story.steps if (thing := _here(step, name))]
        last: list[Any] = [None, None]  # most steps leave the entries as they are

        def entries(value: MapValue) -> object:
            marked = [one.id for one in value.entries if (old := before.get(one.id)) is not one and old != one]
            if "list" in lanes:
                return marked, facts_of(value)
            return marked, [*map(_on_the_axis if "ribbon" in lanes else _at, value.items)]

        def at(done: int) -> object:
            value, followed = look.at(done), [one for at, one in follows if at < done]
            if last[0] != value.items:
                last[:] = value.items, entries(value)
            here = next((entry for at, entry in reversed(reached) if at < done), 0)
            is_there = any(entry.id == here for entry in value.entries)
            shown: list[object] = [last[1], value.folds and value.size, is_there and here]
            if "tree" in lanes:
                shown += [value.nodes, value.root, not moment.is_boot and _path(followed, value)[0]]
            if "ribbon" in lanes:
                threshold = value.find_cache and value.find_cache_threshold
                shown += [value.find_cache, threshold, _hint(followed, name)]
            return shown

        return at

    def mine(stages: Sequence[Stage]) -> Iterable[Stage]:
        if not any(name in _names(event) for event in moment.events):  # each change of a map names the map
            return ()
        return seen(look.at if look.is_far else facts(), is_far=look.is_far)(stages)

    return once(("map", name, tuple(lanes)), mine)


_FOLLOWED = ev.Called, ev.TreeCompared, ev.HintTried
"""The events of a search that a map's picture draws."""

_SEARCHES = "rbtree_insert", "rbtree_lookup_nearest"
"""The functions that begin a search in a tree."""


def _on_the_axis(item: EntryValue | Fold) -> object:
    return item if isinstance(item, Fold) else (_at(item), item.protection, name_of(item), kind_of(item))


def _at(item: EntryValue | Fold) -> tuple[int, int, int]:
    return item.id, item.start, item.end


def _names(event: ev.Event) -> tuple[object, ...]:
    """Return the map, or the map's tree, of an event."""
    return getattr(event, "map", None), getattr(event, "tree", None)


def _is_about(name: str) -> Callable[[Step], bool]:
    """Return a function that says which steps concern the map called `name`."""
    return lambda step: step.about.kind in ("tree", "list", "map") and step.about.name == name


def _here(step: Step, name: str) -> str:
    """Return the entry of a map that a step is about."""
    return step.thing if _is_about(name)(step) else ""


def _hint(done: Iterable[ev.Event], name: str) -> int | None:
    """Return the address at which the first search for space in a map was asked to begin."""
    return next((event.hint for event in done if isinstance(event, ev.HintTried) and event.map == name), None)


def map_picture(
    look: Look[MapValue], lanes: Collection[str] = LANES, names: Mapping[int, str] = MappingProxyType({})
) -> MapPicture:
    """Return the picture of a map; `lanes` are the lanes to draw, and `names` the ranges' names by entry."""
    moment, before, shown, value = look.moment, look.before, look.now, look.after
    style = AddressStyle.of(value.start, value.end)
    done = moment.so_far
    path, sought = ((), 0) if moment.is_boot else _path(done, shown)
    return MapPicture(
        shown,
        style,
        _caption(look, lanes, path, sought),
        moment.steps(steps_of_map(look, lanes), _is_about(value.name)),
        states_of(before, shown, _here_at(moment, value.name), path),
        path,
        sought,
        _hint(done, value.name),
        moment,
        _layout_of(look, lanes),
        _used(shown, value),
        moved_in_tree(before, shown),
        rehung_in_tree(before, shown),
        removed(before.entries, shown.items) if moment.operation is not None else (),
        changes_of(before, shown),
        frozenset() if shown is value else _ids(value) - _ids(before),
        names,
    )


def _used(shown: MapValue, value: MapValue) -> int:
    """Return the bytes in use; for an unfolded map, the bytes in its list, since its own sum is updated later."""
    if shown is value or shown.folds or value.folds:
        return shown.size
    return value.size + bytes_in(shown.entries) - bytes_in(value.entries)


def _ids(value: MapValue) -> frozenset[int]:
    return frozenset(item.id for item in value.items)


def bytes_in(entries: Iterable[EntryValue]) -> int:
    """Return the size of some entries in bytes."""
    return sum(entry.end - entry.start for entry in entries)


MOST_LEAVING = 4
"""The most removed entries that keep their columns after an operation; if there are more, none keeps its column."""


def _layout_of(look: Look[MapValue], lanes: Collection[str]) -> Layout:
    """Return the layout of all steps of the operation."""
    moment, before, shown, value = look.moment, look.before, look.now, look.after
    laid = laid_items(value, before, shown)
    has_tree = "tree" in lanes
    depth = 0 if not has_tree else depth_of(value) if moment.is_boot else _deepest(look)
    taken = taken_over(value, before, shown, moment) if "ribbon" in lanes else ()
    (cards, near), runs = cards_of(before, value, moment.events), tuple(runs_of(laid))
    changes = () if moment.is_boot or moment.operation is None else changes_of(before, value)
    return Layout(laid, cards, value.lookup_cache, depth, near, taken, changes, runs, has_guards(laid))


def has_guards(items: Iterable[EntryValue | Fold]) -> bool:
    """Return whether there are ranges without access: drawn like other ranges, they would look accessible."""
    return any(isinstance(item, EntryValue) and rights_of(item) == "nothing" for item in items)


def laid_items(value: MapValue, before: MapValue, shown: MapValue) -> tuple[EntryValue | Fold, ...]:
    """Return the items with a column in all steps of an operation: before it, after it (`value`) and now (`shown`)."""
    items = {item.id: item for one in (before, shown, value) for item in one.items}
    now = {item.id for item in value.items}
    is_in_order = all(one.start <= other.start for one, other in pairwise(value.items))
    folds = {(fold.id, fold.start, fold.end) for fold in value.folds}
    are_same = all((fold.id, fold.start, fold.end) in folds for one in (before, shown) for fold in one.folds)
    few = len(items) - len(now) <= MOST_LEAVING and len(now) - len(before.items) <= MOST_LEAVING
    stays = is_in_order and are_same and few
    if not stays:
        return shown.items
    gone = removed(before.entries, value.items)

    def place(item: EntryValue | Fold) -> int:
        """Return an item's address; for an entry that was cut and removed, the lost part's address."""
        if item.id in now:
            return item.start
        parts = (max(one.start, item.start) for one in gone if one.start < item.end and item.start < one.end)
        return next(parts, item.start)

    return tuple(sorted(items.values(), key=lambda item: (place(item), item.id)))


MOST_LEFT_FREE = 40
"""The most freed ranges that keep their room on the axis; if there are more, the rest uses it."""


def taken_over(value: MapValue, before: MapValue | None, shown: MapValue, moment: Moment) -> tuple[Taken, ...]:
    """Return the ranges on the axis at any step, or only at the present step if far more is freed than stays."""
    after = taken_in(value)
    freed = taken_in(before) - after if before is not None else set()
    if len(freed) > MOST_LEFT_FREE:
        return tuple(taken_in(shown))
    folds = [one for one in after | freed if one.folded]
    events = moment.events
    written = {Taken(one[1], one[2], folded=False) for event in events for one in _fields_in(event, value.name)}
    outside = {one for one in written if not any(one.start < fold.end and fold.start < one.end for fold in folds)}
    return tuple(after | freed | outside)


def _fields_in(event: ev.Event, name: str) -> tuple[EntryFields, ...]:
    """Return the old and new fields of a map's entries in an event."""
    if isinstance(event, (ev.EntryLinked, ev.EntryUnlinked)) and event.map == name:
        return (event.entry,)
    if isinstance(event, (ev.EntryResized, ev.EntryChanged)) and event.map == name:
        return event.before, event.after
    return ()


def taken_in(value: MapValue) -> set[Taken]:
    """Return the ranges on the axis of a map at one moment."""
    return {Taken(item.start, item.end, isinstance(item, Fold)) for item in value.items}


def cards_of(before: MapValue, value: MapValue, events: Sequence[ev.Event]) -> tuple[tuple[int, ...], int]:
    """Return the IDs of the entries that an operation changed, and their neighbours; then nodes compared or moved.

    The second value is the number of changed entries and neighbours; without any, of the last node compared.
    """
    states = states_of(before, value)
    new = sorted(one for one, those in states.items() if "new" in those)
    changed = sorted(one for one, those in states.items() if "changed" in those)
    leaving = sorted(difference(entries_of(before), entries_of(value)).leaving)
    path = _Path(value.name)
    path.goes_on(events)
    compared = [node for node, _ in reversed(path.nodes)]
    own = [*new, *changed, *leaving]
    pairs = [(one.id, other.id) for some in (before, value) for one, other in pairwise(some.entries)]
    beside = [one if other in own else other for one, other in pairs if one in own or other in own]
    near = tuple(dict.fromkeys([*own, *beside]))
    return tuple(dict.fromkeys([*near, *compared, *sorted(moved_in_tree(before, value))])), len(near or compared[:1])


def _deepest(look: Look[MapValue]) -> int:
    """Return the greatest depth of the tree: before the operation, after it, or when a node was inserted."""
    before, name = dict(depths_of(look.before)), look.before.name
    found = [depth_of(look.after), *before.values()]
    changes = (
        (number, event)
        for number, event in enumerate(look.moment.events, 1)
        if isinstance(event, (ev.TreeLinked, ev.TreeRotated, ev.TreeUnlinked)) and event.tree == name
    )
    linked = 0
    for position, (number, event) in enumerate(changes):
        if isinstance(event, ev.TreeLinked) and linked < MOST_LEAVING:
            linked += 1
            if position:
                found.append(depth_of(look.at(number)))
            elif event.parent in look.before.nodes and not look.is_far:  # all others are as before: no replay
                found.append(before[event.parent] + 1)
    return max(found, default=0)


def depths_of(value: MapValue) -> Iterator[tuple[int, int]]:
    """Yield IDs and depths of everything shown, in preorder."""
    shown = {item.id for item in value.items}
    pending = [(value.root, 0)]
    while pending:
        identity, depth = pending.pop()
        if identity not in shown:
            continue
        yield identity, depth
        node = value.nodes.get(identity)
        if node is not None:
            pending += [(node.right, depth + 1), (node.left, depth + 1)]


def depth_of(value: MapValue) -> int:
    """Return the number of levels below the root, counting only the nodes shown."""
    return max((depth for _, depth in depths_of(value)), default=0)


def _caption(look: Look[MapValue], lanes: Collection[str], path: Sequence[tuple[int, str]], sought: int) -> Caption:
    """Return the moment's caption, with the map's skipped steps or, at the end, the effect on the map.

    A tree alone says first how long the search was, or can be.
    """
    moment, value = look.moment, look.after
    if moment.operation is None:
        return moment.caption
    if not moment.is_after:
        return moment.caption_with(moment.passed(steps_of_map(look, lanes), _is_about(value.name)))
    if wrong := _out_of_order(value):
        own = out_of_order([entry.start for entry in wrong[:3]])
        return replace(moment.caption_with(own), tone="error")
    if tuple(lanes) == ("tree",):
        steps = moment.steps(steps_of_map(look, lanes))
        answer = tree_answer(value, value.size, path, sought, depth_of(value))
        caption = moment.caption_of(steps, answer)
        if not steps.count or caption.text != answer:
            return caption
        if rotated := tree_rotated(value, moment.events):
            return replace(caption, text=rotated, reason=f"{answer} {moment.caption.text}")
        return replace(caption, reason=moment.caption.text)  # what it did; the reason is about ranges
    more = map_sentence(value, moment.operation, moment.events)
    if _is_elsewhere(moment, value.name):
        # what this map had to do with an operation on another one comes first
        steps = moment.steps(steps_of_map(look))
        return moment.caption_of(steps, more or ("" if steps.count else map_state(value, value.size)), tells=not more)
    return moment.caption_with(more)


def _is_elsewhere(moment: Moment, name: str) -> bool:
    """Return whether the operation was on something other than the map called `name`, which existed before it."""
    operation = moment.operation
    if (
        operation is None
        or operation.outcome != "done"
        or operation.truncated
        or operation.name in ("boot", "task", "fork")
    ):
        return False
    is_made = any(isinstance(event, ev.MapCreated) and event.map == name for event in moment.events)
    return operation.target not in (name, "unchecked") and not is_made


def _here_at(moment: Moment, name: str) -> str:
    """Return the latest entry that the steps of a map reached; None before them, and after the operation."""
    steps = () if moment.is_after else moment.story.steps
    things = (_here(step, name) for step in reversed(steps) if step.index < moment.place)
    return next(filter(None, things), "")


class _Path:
    """The comparisons of the latest search in a map's tree, collected from events."""

    def __init__(self, name: str) -> None:
        self.nodes: tuple[tuple[int, str], ...] = ()
        self.sought = 0
        self._name = name
        self._fresh = True

    def goes_on(self, events: Iterable[ev.Event]) -> None:
        """Collect the comparisons in further events."""
        for event in events:
            if isinstance(event, ev.Called) and event.name in _SEARCHES:
                self._fresh = True
            elif isinstance(event, ev.TreeCompared) and event.tree == self._name:
                self.nodes = (*(() if self._fresh else self.nodes), (event.node, event.outcome))
                self.sought, self._fresh = event.key, False


def _path(done: Iterable[ev.Event], value: MapValue) -> tuple[tuple[tuple[int, str], ...], int]:
    """Return the latest search's comparisons (none if rotations changed the path later), and the address it seeks."""
    path = _Path(value.name)
    path.goes_on(done)
    return path.nodes if _leads_down(value, path.nodes) else (), path.sought


def _leads_down(value: MapValue, path: Sequence[tuple[int, str]]) -> bool:
    """Return whether all compared nodes are there, each as the child on the side chosen at the node before it."""
    if any(node not in value.nodes for node, _ in path):
        return False
    for (node, outcome), (following, _) in pairwise(path):
        there = value.nodes.get(node)
        if there is None or following != (there.left if outcome == "left" else there.right):
            return False
    return True


def states_of(
    before: MapValue, value: MapValue, here: str = "", path: Sequence[tuple[int, str]] = ()
) -> dict[int, tuple[str, ...]]:
    """Return the states, by ID, of the entries of `value`, which was `before` earlier; `here` is the current entry."""
    marks = difference(entries_of(before), entries_of(value))
    merged = _merged(before, value, marks)
    linked, changed = marks.new - merged, marks.changed | merged
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


def entries_of(value: MapValue) -> dict[int, EntryValue]:
    """Return the unfolded entries of a map, by ID."""
    return {entry.id: entry for entry in value.entries}


def _merged(before: MapValue, value: MapValue, marks: Difference) -> set[int]:
    """Return the new entries that replace an old entry, which left the list: its range now belongs to them.

    FreeBSD keeps the later of two merging entries, so most of its range may come from the earlier entry.
    """
    gone = [entry for entry in before.entries if entry.id in marks.leaving]
    new = [entry for entry in value.entries if entry.id in marks.new] if gone else []
    return {entry.id for entry in new if any(entry.start <= one.start and one.end <= entry.end for one in gone)}


def moved_in_tree(before: MapValue, value: MapValue) -> frozenset[int]:
    """Return the nodes of the tree of `value` whose parent or colour has changed, except new nodes."""
    both = before.nodes.keys() & value.nodes.keys()
    return rehung_in_tree(before, value) | {one for one in both if before.nodes[one].red != value.nodes[one].red}


def rehung_in_tree(before: MapValue, value: MapValue) -> frozenset[int]:
    """Return the nodes of the tree of `value` whose parent has changed, except new nodes."""
    was = parents_of(node for node in before.nodes.values() if value.nodes.get(node.id) is not node)
    now = parents_of(node for node in value.nodes.values() if before.nodes.get(node.id) is not node)
    both = before.nodes.keys() & value.nodes.keys()
    return frozenset(one for one in both & (was.keys() | now.keys()) if was.get(one) != now.get(one))


def parents_of(nodes: Iterable[NodeValue]) -> dict[int, int]:
    """Return the parent of each child of these nodes."""
    return {child: node.id for node in nodes for child in (node.left, node.right) if child}


def touched(moment: Moment, name: str) -> list[int]:
    """Return the IDs of the entries of map `name` in an operation, each once, the most useful for a picture first.

    New entries come first; then, latest first, entries written in list and tree, and visited entries.
    """
    met = [one for event in reversed(moment.events) for one in _met(event, name)]
    new = set(Entries.reported(moment.events).new(name))
    linked = dict.fromkeys(
        event.entry[0] for event in moment.events if isinstance(event, ev.EntryLinked) and event.map == name
    )
    return [one for one in dict.fromkeys([*reversed([one for one in linked if one in new]), *met]) if one]


def _met(event: ev.Event, name: str) -> Iterable[int]:
    """Return the entries of a map in an event, and their neighbours in list or tree."""
    if name not in _names(event):
        return ()
    if isinstance(event, (ev.EntryLinked, ev.EntryUnlinked)):
        return event.entry[0], event.previous, event.next
    if isinstance(event, (ev.EntryResized, ev.EntryChanged)):
        return (event.before[0],)
    if isinstance(event, (ev.EntryWired, ev.LookupCacheHit)):
        return (event.entry,)
    if isinstance(event, ev.LookupCacheMoved):
        return event.before, event.after
    if isinstance(event, ev.MergeTried):
        return (event.neighbour,)
    if isinstance(event, ev.TreeLinked):
        return event.node, event.parent
    if isinstance(event, ev.TreeRecoloured):
        return (event.node,)
    if isinstance(event, ev.TreeRotated):
        return [node for node, *_ in event.links]
    if isinstance(event, ev.TreeUnlinked):
        return [event.node, event.successor, *(node for node, *_ in event.links)]
    return ()


def maps_touched(moment: Moment) -> set[str]:
    """Return the names of the maps in which :func:`touched` finds something."""
    return {str(one) for event in moment.events for one in _names(event) if one}


def _out_of_order(value: MapValue) -> list[EntryValue]:
    """Return entries that are in the list after an entry at a higher address, as quirk clip-end-first puts them."""
    pairs = pairwise(value.entries)
    return [after for before, after in pairs if after.start < before.start]


# ---- looking an address up -----------------------------------------------------------------------


def seek(picture: MapPicture, address: int) -> MapPicture:
    """Return `picture` with the answer to "what is at `address`?": its path in the tree, and a sentence."""
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
        layout=Layout(
            value.items,
            tuple(dict.fromkeys(node for node, _ in reversed(path))),
            value.lookup_cache,
            near=1,
            taken=tuple(taken_in(value)),
            runs=tuple(runs_of(value.items)),
            has_guards=has_guards(value.items),
        ),
        moved=frozenset(),
        rehung=frozenset(),
        gone=(),
    )


def _search(value: MapValue, address: int) -> tuple[list[tuple[int, str]], EntryValue | None]:
    """Return each compared node with its direction, and the entry that contains the address."""
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


# ---- lanes ---------------------------------------------------------------------------------------


class Drawn(NamedTuple):
    """A lane's output: nodes, links that end at a node, marks with their own links, and the y where the lane ends."""

    nodes: list[Node]
    links: list[Link]
    marks: tuple[Marks, ...]
    bottom: float


def plain_ones(picture: MapPicture, entries: Iterable[EntryValue]) -> frozenset[int]:
    """Return the IDs of the entries drawn as marks, which are the entries without a state; none if there are few."""
    plain = frozenset(entry.id for entry in entries if not picture.in_order(entry.id))
    return plain if len(plain) >= MANY else frozenset()


def entry_marks(
    picture: MapPicture,
    lane: str,
    entries: Sequence[EntryValue],
    places: Sequence[tuple[float, float]],
    y: float,
    h: float,
    title: str,
    *,
    on: str = "",
) -> tuple[Marks, ...]:
    """Return entries as marks of a lane, with x and width from `places` and style by kind; none without entries."""
    if not entries:
        return ()
    looks, look = looks_of((picture.fill_of(entry), entry.protection) for entry in entries)
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
        title=f"{{name}}{NAMED}{title}",
        names=[picture.name(entry.id) for entry in entries],
        on=on,
    )
    return (marks,)
