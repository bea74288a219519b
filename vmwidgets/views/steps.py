"""The last operation, one step at a time: which events are worth a picture, and what each says.

A step is one comparison, one link, one recolouring, one rotation, one cut, one try to merge.  Its sentence gives the
reason, its functions the kernel functions that were under way, outermost first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.base import events as ev
from ..engine.base.events import EntryWired
from ..engine.base.units import binary_size
from ..engine.base.values.maps import EntryFields, MapValue
from .addresses import AddressStyle
from .functions import followed
from .kmem_sentences import sentence
from .text import visible


@dataclass(frozen=True, slots=True)
class Step:
    """A moment of an operation: after `events[index]`; `thing` is the id of the entry it is about (0: none)."""

    index: int
    sentence: str
    functions: tuple[str, ...]
    thing: int = 0


class Names:
    """What sentences call entries: by where they start, in the style of the picture."""

    def __init__(self, style: AddressStyle, value: MapValue, events: Sequence[ev.Event]) -> None:
        self.style = style
        self._starts = {entry.id: entry.start for entry in value.entries}
        for event in events:
            for fields in _fields(event):
                self._starts.setdefault(fields[0], fields[1])

    def entry(self, identity: int) -> str:
        """An entry, by its start."""
        start = self._starts.get(identity)
        return f"entry {identity}" if start is None else self.style.long(start)

    def follow(self, event: ev.Event) -> None:
        """From here on an entry starts elsewhere."""
        for fields in _fields(event):
            self._starts[fields[0]] = fields[1]

    def range(self, fields: EntryFields) -> str:
        """A range, as an entry's fields have it."""
        return f"{self.style.long(fields[1])}–{self.style.long(fields[2])}"


def _fields(event: ev.Event) -> tuple[EntryFields, ...]:
    if isinstance(event, (ev.EntryLinked, ev.EntryUnlinked)):
        return (event.entry,)
    return (event.after,) if isinstance(event, (ev.EntryResized, ev.EntryChanged)) else ()


def plan(events: Sequence[ev.Event], names: Names, map_name: str) -> list[Step]:
    """The steps of one operation as far as they concern the map called `map_name`."""
    steps: list[Step] = []
    for index, event, functions, _ in followed(events):
        owner = getattr(event, "map", None) or getattr(event, "tree", None)
        names.follow(event)
        told = _sentence(event, names) if owner in (None, map_name) else ""
        if not told and owner == map_name:
            told = sentence(
                event, names.style, set()
            )  # what only FreeBSD's maps tell of: their lock, and how they look
        if told:
            steps.append(Step(index, told, functions, _thing(event)))
    return steps


def _thing(event: ev.Event) -> int:
    if isinstance(event, EntryWired):
        return event.entry
    for name in ("node", "neighbour", "after"):
        value = getattr(event, name, None)
        if isinstance(value, int) and not isinstance(event, (ev.MapResized, ev.FindCacheMoved, ev.KernelLimitMoved)):
            return value
    fields = _fields(event)
    return fields[0][0] if fields else 0


def _sentence(event: ev.Event, names: Names) -> str:
    writer = _SENTENCES.get(type(event))
    return "" if writer is None else writer(event, names)


def _compared(event: ev.TreeCompared, names: Names) -> str:
    where = {
        "left": "lies below {}: go left",
        "right": "lies at or above the end of {}: go right",
        "here": "lies inside {}: found",
    }[event.outcome]
    return f"{names.style.long(event.key)} {where.format(names.entry(event.node))}."


def _linked_in_tree(event: ev.TreeLinked, names: Names) -> str:
    if not event.parent:
        return f"{names.entry(event.node)} becomes the root, red at first."
    return f"{names.entry(event.node)} is hung below {names.entry(event.parent)}, a red leaf on the {event.side}."


def _recoloured(event: ev.TreeRecoloured, names: Names) -> str:
    colour = "red" if event.red else "black"
    return f"{names.entry(event.node)} becomes {colour} ({event.why})."


def _rotated(event: ev.TreeRotated, names: Names) -> str:
    return f"Rotation to the {event.side} at {names.entry(event.node)}: {names.entry(event.raised)} comes up."


def _unlinked_from_tree(event: ev.TreeUnlinked, names: Names) -> str:
    if event.successor:
        heir = names.entry(event.successor)
        return f"{names.entry(event.node)} leaves the tree; {heir}, its successor, takes its place and colour."
    return f"{names.entry(event.node)} leaves the tree; its child, if any, takes its place."


def _linked(event: ev.EntryLinked, names: Names) -> str:
    before = names.entry(event.previous) if event.previous else "the header"
    after = names.entry(event.next) if event.next else "the header"
    return f"{names.range(event.entry)} is linked into the list, between {before} and {after}."


def _unlinked(event: ev.EntryUnlinked, names: Names) -> str:
    return f"{names.range(event.entry)} is taken out of the list."


def _resized(event: ev.EntryResized, names: Names) -> str:
    return f"{names.range(event.before)} becomes {names.range(event.after)}: {event.why}."


def _wired(event: EntryWired, names: Names) -> str:
    if not event.after:
        return f"{names.entry(event.entry)} is wired no more: its pages need not stay."
    often = "once" if event.after == 1 else f"{event.after} times"
    return f"{names.entry(event.entry)} is wired {often}: its pages stay."


def _merge_tried(event: ev.MergeTried, names: Names) -> str:
    neighbours = {"previous": "the previous entry", "next": "the next entry", "both": "both neighbours"}[event.side]
    return f"{'Merged' if event.merged else 'Not merged'} with {neighbours}: {event.why}."


def _find_cache(event: ev.FindCacheMoved, names: Names) -> str:
    if event.threshold_after in (2**64 - 1, 2**32 - 1):
        return "The find cache is forgotten: the next free search begins at the bottom."
    more = f" of more than {binary_size(event.threshold_after)}" if event.threshold_after else ""
    return f"A free search{more} may now begin at {names.style.long(event.after)}."


def _gap(event: ev.GapTried, names: Names) -> str:
    verdict = event.why or ("large enough" if event.taken else "too small" if event.space else "no gap")
    space = f"{binary_size(event.space)} free" if event.space else "nothing free"
    return f"At {names.style.long(event.position)}: {space}, {verdict}."


def _hint(event: ev.HintTried, names: Names) -> str:
    return f"The hint {names.style.long(event.hint)} is {'taken' if event.taken else 'passed over'}: {event.why}."


def _pager(event: ev.PagerAsked) -> str:
    where = f"{visible(event.object)} + {event.offset:#x}"
    if event.outcome == "hit":
        return f"The object has the page of {where} already: frame {event.frame:#x}."
    if event.outcome == "miss":
        return f"The pager of {where} supplies frame {event.frame:#x}."
    return f"The pager of {where} has no page: {event.outcome}."


_SENTENCES: dict[type[ev.Event], Callable[[Any, Names], str]] = {
    ev.TreeCompared: _compared,
    ev.TreeLinked: _linked_in_tree,
    ev.TreeRecoloured: _recoloured,
    ev.TreeRotated: _rotated,
    ev.TreeUnlinked: _unlinked_from_tree,
    ev.EntryLinked: _linked,
    ev.EntryUnlinked: _unlinked,
    ev.EntryResized: _resized,
    ev.EntryChanged: lambda event, names: f"{names.range(event.after)}: {visible(event.why)}.",
    EntryWired: _wired,
    ev.MergeTried: _merge_tried,
    ev.FindCacheMoved: _find_cache,
    ev.GapTried: _gap,
    ev.HintTried: _hint,
    ev.LookupCacheHit: lambda event, names: f"The lookup cache, {names.entry(event.entry)}, holds the address.",
    ev.SearchRestarted: lambda event, names: "Nothing is left above: the search begins again at the bottom.",
    ev.KernelLimitMoved: lambda event, names: f"Page tables now reach up to {names.style.long(event.after)}.",
    ev.KentrySlabTaken: lambda event, names: f"Slab {event.index} is taken from the kentry area.",
    ev.KentrySlabGiven: lambda event, names: f"Slab {event.index} goes back to the kentry area.",
    ev.FaultRaised: lambda event, names: (
        f"The access to {names.style.long(event.va)} faults: {event.kind}, code {event.code}."
    ),
    ev.PagerAsked: lambda event, names: _pager(event),
    ev.BootStage: lambda event, names: f"{event.name}: {event.what}.",
    ev.Panicked: lambda event, names: f"Panic ({event.name}): {event.reason}.",
}
