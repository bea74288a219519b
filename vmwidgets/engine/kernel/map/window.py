"""The part of a map that one picture shows: the surroundings of the entries that matter; the rest is folded.

With each shown entry, its parent in the tree is shown. So exactly one subtree is missing between two of them, and a
fold replaces it in the list and in the tree. The cost depends on the shown entries: O(shown × log n).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ...base.event import Event
from ...base.rbtree import Node
from ...base.tree_schema import TreeLinked, TreeRecoloured, TreeRotated, TreeUnlinked
from .core import Entry, MapCore
from .map_schema import Entries, EntryValue, Fold, MapValue, NodeValue

WHOLE = 300
"""The most entries of a map that is shown completely."""

OPENED_LEVELS = 3
"""The number of levels that are shown when a fold is opened."""

FOLDED_CONTEXT = 2
"""The number of levels from the root that are always open in a folded map."""


def map_value(
    vm_map: MapCore[Any],
    focus: Iterable[int] = (),
    opened: Iterable[int] = (),
    addresses: Iterable[int] = (),
    *,
    whole: int = WHOLE,
    around: bool = True,
    roles: Mapping[int, str] | None = None,
) -> MapValue:
    """Return `vm_map` as a value: all of it if it has at most `whole` entries, or the surroundings of those in `focus`.

    `focus` and `opened` are entry IDs; IDs of removed entries are ignored. An opened entry shows the entries below it.
    The entries at `addresses` are shown too. Without `around`, only the entries in focus and their ancestors in the
    tree are shown. `roles` names entries by ID. A FreeBSD map has no find cache and no limit of page tables: these are
    0 and None in its value.
    """
    names = roles or {}
    shown = None if vm_map.nr_entries <= whole else _closed(vm_map, focus, opened, addresses, around=around)
    in_order = _in_order(vm_map) if shown is None else sorted(shown.values(), key=lambda entry: entry.start)
    items: list[EntryValue | Fold] = []
    nodes: dict[int, NodeValue] = {}
    previous_end = vm_map.start
    for entry in in_order:
        left, right = _folded(entry.left, shown), _folded(entry.right, shown)
        if left is not None:
            items.append(Fold(left.id, left.count, previous_end, entry.start))
        items.append(EntryValue.of(entry.fields(), names.get(entry.id, "")))
        if right is not None:
            following = _after_subtree(right)
            end = vm_map.end if following is None else following.start
            items.append(Fold(right.id, right.count, entry.end, end))
        if _hangs(entry, vm_map.tree.root):
            nodes[entry.id] = _node_value(entry)
        previous_end = entry.end
    return _with_items(vm_map, tuple(items), nodes)


def while_booting(value: MapValue, events: Iterable[Event]) -> MapValue:
    """Return a map that a boot made, after some of the boot's events, which say what was linked into list and tree.

    No machine is booted again up to that point, since its parts only exist after the boot.
    """
    events = [*events]
    roles = {entry.id: entry.role for entry in value.entries}
    linked = Entries.reported(events).of.get(value.name, {})
    items = [EntryValue.of(after, roles.get(which, "")) for which, (_, after) in linked.items() if after is not None]
    nodes = _tree_of(event for event in events if getattr(event, "tree", None) == value.name)
    return replace(
        value,
        items=tuple(sorted(items, key=lambda one: one.start)),
        root=nodes.pop(0)["root"],
        nodes={which: NodeValue.of(which, *node.values()) for which, node in nodes.items()},
        nr_entries=len(items),
        size=sum(one.size for one in items),
        lookup_cache=0,
    )


def _tree_of(events: Iterable[Event]) -> dict[int, dict[str, Any]]:
    """Return the tree that these events made of nothing: links and colour of each node, and the root as that of 0."""
    nodes: dict[int, dict[str, Any]] = {0: {"root": 0}}
    for event in events:
        if isinstance(event, TreeLinked):
            nodes[event.node] = {"left": 0, "right": 0, "red": True}
            nodes[event.parent][event.side if event.parent else "root"] = event.node
        elif isinstance(event, TreeRecoloured):
            nodes[event.node]["red"] = event.red
        elif isinstance(event, (TreeRotated, TreeUnlinked)):
            for node, side, _, after in event.links:
                nodes[node][side] = after
            if isinstance(event, TreeUnlinked):
                del nodes[event.node]
                if event.successor:
                    nodes[event.successor]["red"] = event.red
    return nodes


def _with_items(vm_map: MapCore[Any], items: tuple[EntryValue | Fold, ...], nodes: dict[int, NodeValue]) -> MapValue:
    root, cached = vm_map.tree.root, vm_map.lookup_cache
    find_cache, threshold, klimit = vm_map.search_state()
    return MapValue(
        name=vm_map.name,
        start=vm_map.start,
        end=vm_map.end,
        size=vm_map.size,
        nr_entries=sum(item.count if isinstance(item, Fold) else 1 for item in items),
        find_cache=find_cache,
        find_cache_threshold=threshold,
        lookup_cache=0 if cached is None else cached.id,
        klimit=klimit,
        root=0 if root is None else root.id,
        items=items,
        nodes=nodes,
    )


def _in_order(vm_map: MapCore[Any]) -> list[Entry]:
    """Return the entries of the list, and the one that is being unlinked, whose unlinking is reported last."""
    found: list[Entry] = list(vm_map)
    if len(found) < len(vm_map.by_id):
        listed = {entry.id for entry in found}
        for entry in vm_map.by_id.values():
            if entry.id not in listed:
                found.insert(0 if entry.prev is None else found.index(entry.prev) + 1, entry)
    return found


def _hangs(entry: Entry, root: Node | None) -> bool:
    """Return whether an entry of the list is also in the tree, into which it is inserted a little later."""
    above = entry.parent
    return entry is root or (above is not None and (above.left is entry or above.right is entry))


def _node_value(node: Node) -> NodeValue:
    left, right = node.left, node.right
    return NodeValue.of(node.id, 0 if left is None else left.id, 0 if right is None else right.id, node.red)


def _folded(child: Node | None, shown: dict[int, Entry] | None) -> Node | None:
    return child if child is not None and shown is not None and child.id not in shown else None


def _after_subtree(node: Node) -> Entry | None:
    """Return the first entry to the right of everything below `node`."""
    while node.parent is not None:
        if node is node.parent.left:
            return node.parent if isinstance(node.parent, Entry) else None
        node = node.parent
    return None


def _closed(
    vm_map: MapCore[Any], focus: Iterable[int], opened: Iterable[int], addresses: Iterable[int], *, around: bool
) -> dict[int, Entry]:
    """Return entries in focus with their neighbours, the top of the tree, opened subtrees, and all their ancestors."""
    shown: dict[int, Entry] = {}
    found = [vm_map.by_id.get(identity) for identity in focus]
    if not around:
        for entry in found:
            _add_with_ancestors(shown, entry)
        return shown
    found += [vm_map.peek(address) or vm_map.last for address in addresses]
    for entry in found:
        for one in () if entry is None else (entry, entry.prev, entry.next):
            _add_with_ancestors(shown, one)
    _add_top(shown, vm_map.tree.root, FOLDED_CONTEXT)
    for identity in opened:
        entry = vm_map.by_id.get(identity)
        _add_with_ancestors(shown, entry)
        _add_top(shown, entry, OPENED_LEVELS)
    return shown


def _add_with_ancestors(shown: dict[int, Entry], node: Node | None) -> None:
    while isinstance(node, Entry) and node.id not in shown:
        shown[node.id] = node
        node = node.parent


def _add_top(shown: dict[int, Entry], node: Node | None, levels: int) -> None:
    if levels and isinstance(node, Entry):
        shown[node.id] = node
        _add_top(shown, node.left, levels - 1)
        _add_top(shown, node.right, levels - 1)
