"""The shadow tree as it was in the middle of an operation, with what its descriptors held then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from ..engine.base import events as ev
from ..engine.base.events import PteRunWritten, PteWritten
from ..engine.base.values.domains import CapRef, DomainValue, VnodeValue

_BELOW = {
    "VNode_ARM_l1": ("VNode_ARM_l2", 20),
    "VNode_ARM_l2": ("", 12),
    "VNode_x86_64_pml4": ("VNode_x86_64_pdpt", 39),
    "VNode_x86_64_pdpt": ("VNode_x86_64_pdir", 30),
    "VNode_x86_64_pdir": ("VNode_x86_64_ptable", 21),
    "VNode_x86_64_ptable": ("", 12),
}
"""Of each kind of table: the kind of those in it, and log2 of the bytes that an entry is for."""


class Known(Protocol):
    """As much of a capability as a vnode needs."""

    @property
    def base(self) -> int:
        """Its physical address."""


@dataclass(slots=True)
class _Node:
    """A vnode whose children come and go, newest first; `older` ones stand behind it, of `count` below it."""

    value: VnodeValue
    older: int
    count: int = 0
    children: list[_Node] = field(default_factory=list)


class PastTree:
    """The tree, backwards; `known` tells what is in a slot, or was the last thing in it."""

    def __init__(self, value: DomainValue, known: Callable[[CapRef], Known | None]) -> None:
        self._known = known
        self._width = 4 if value.architecture == "armv7" else 8
        self._nodes: dict[int, _Node] = {}
        self._words: dict[int, int] = {}
        self._root = self._take_in(value.root)

    def _take_in(self, value: VnodeValue) -> _Node:
        node = self._nodes[value.id] = _Node(value, value.older, value.child_count)
        if value.descriptor_pa is not None and value.descriptor is not None:
            self._words[value.descriptor_pa] = value.descriptor
        node.children = [self._take_in(child) for child in value.children]
        return node

    def undo(self, event: ev.Event) -> None:
        """Take one event back."""
        if isinstance(event, ev.VnodeLinked):
            node = self._nodes.pop(event.id, None)
            parent = self._nodes.get(event.parent)
            if node is not None and parent is not None:
                parent.children.remove(node)
                parent.count -= 1
                for child in parent.children:
                    child.older -= child.older > node.older
        elif isinstance(event, ev.VnodeUnlinked):
            self._link_again(event)
        elif isinstance(event, ev.VnodeMapped):
            self._change(event.id, mapping=event.before)
        elif isinstance(event, ev.VnodeFlagsChanged):
            self._change(event.id, flags=event.before)
        elif isinstance(event, PteWritten):
            self._words[event.pa] = event.before
        elif isinstance(event, PteRunWritten):
            self._words.update((pa, before) for pa, before, _ in event.words())

    def _change(self, identity: int, **fields: object) -> None:
        node = self._nodes.get(identity)
        if node is not None:
            node.value = replace(node.value, **fields)  # type: ignore[arg-type]  # fields of a vnode

    def _link_again(self, event: ev.VnodeUnlinked) -> None:
        parent = self._nodes[event.parent]
        above = parent.value
        below, shift = _BELOW[above.kind]
        source = self._known(event.cap)
        base = (0 if source is None else source.base) + event.offset
        value = VnodeValue(
            event.id, below if event.table else "leaf", above.level - 1, event.entry, event.count,
            above.va + (event.entry << shift), event.count << shift, event.cap, event.cap, event.mapping, base,
            event.offset, event.flags, None, above.base + event.entry * self._width,
        )  # fmt: skip
        node = self._nodes[event.id] = _Node(value, parent.count - event.position)
        at = next((at for at, child in enumerate(parent.children) if child.older < node.older), len(parent.children))
        for child in parent.children[:at]:
            child.older += 1
        parent.children.insert(at, node)
        parent.count += 1

    def freeze(self) -> VnodeValue:
        """The tree as it was."""
        return self._frozen(self._root)

    def _frozen(self, node: _Node) -> VnodeValue:
        place = node.value.descriptor_pa
        word = None if place is None else self._words.get(place, 0)
        children = tuple(self._frozen(child) for child in node.children)
        return replace(node.value, descriptor=word, children=children, older=node.older)
