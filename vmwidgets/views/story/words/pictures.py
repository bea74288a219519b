"""The pictures' own sentences: some are in addition to an operation's story, some need no operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from vmwidgets import events as ev
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.units import PAGE_SHIFT, binary_size, counted, listed
from vmwidgets.engine.kernel.map.map_schema import Entries, MapValue
from vmwidgets.engine.mmu.tables_schema import Permission, Rights, Walk

from .called import called
from .kmem import KENTRY
from .names import address
from .registry import Sentences

# ---- maps ----------------------------------------------------------------------------------------

_say_map = Sentences("map pictures")

say_sought = Sentences("sought addresses")


def out_of_order(starts: Iterable[int]) -> str:
    """Return a sentence that says where the list is out of order."""
    return _say_map("map/out of order", addresses=", ".join(address(start) for start in starts))


def map_state(value: MapValue, used: int) -> str:
    """Return how much of a map is mapped: `used` bytes."""
    fields = {"map": _called(value), "size": binary_size(value.end - value.start)}
    if not value.nr_entries:
        return _say_map("map/empty", **fields)
    return _say_map("map/state", value.nr_entries, mapped=binary_size(used), **fields)


def tree_answer(value: MapValue, used: int, path: Sequence[tuple[int, str]], sought: int, depth: int) -> str:
    """Return how many comparisons the latest search made, or any search makes at most in a tree of this `depth`.

    If the tree is not shown whole, nothing is known of its depth.
    """
    if path:
        case = "found" if path[-1][1] == "here" else "place"
        return _say_map(f"tree/{case}", len(path), address=address(sought))
    if value.folds or not value.nodes:
        return map_state(value, used)
    return _say_map("tree/state", depth + 1, map=_called(value))


def tree_rotated(value: MapValue, events: Sequence[ev.Event]) -> str:
    """Return that these events rotated the map's tree; "" if none did."""
    is_rotated = any(isinstance(event, ev.TreeRotated) and event.tree == value.name for event in events)
    return _say_map("tree/rotated") if is_rotated else ""


def _called(value: MapValue) -> str:
    return called(value.name).removeprefix("the map of ")


def map_sentence(value: MapValue, operation: Operation, events: Sequence[ev.Event]) -> str:
    """Return what a completed operation meant for the map `value`; "" if the headline says everything."""
    if operation.outcome != "done" or operation.name == "boot":
        return ""
    name, here = value.name, operation.target in (value.name, "unchecked")
    if operation.name in ("enter", "remove") and not here:
        change = sum(
            event.after - event.before for event in events if isinstance(event, ev.MapResized) and event.map == name
        )
        if change <= 0:  # only reap gives slabs back
            return ""
        return _say_map("map/took", size=binary_size(change))
    if operation.truncated or not here:
        return ""
    entries = Entries.reported(events)
    before = value.nr_entries - len(entries.new(name)) + len(entries.gone(name))
    return "" if before == value.nr_entries else _say_map("map/entries", before, now=f"{value.nr_entries:,}")


# ---- moments -------------------------------------------------------------------------------------

say_nothing = Sentences("no picture")

say_moment = Sentences("moments")


# ---- the kentry area -----------------------------------------------------------------------------

_say_kentry = Sentences("kentry pictures")


def kentry_sentence(name: str, events: Sequence[ev.Event]) -> str:
    """Return how many slots an operation allocated and freed; "" for an operation on slabs."""
    taken = sum(isinstance(event, ev.BufferAllocated) and event.cache == KENTRY for event in events)
    given = sum(isinstance(event, ev.BufferFreed) and event.cache == KENTRY for event in events)
    slabs = sum(isinstance(event, ev.KentrySlabTaken) for event in events)
    if slabs and taken:
        return _say_kentry("kentry/slab", slabs, taken=counted(taken, "slot"))
    if taken and given:
        return _say_kentry("kentry/both", taken=counted(taken, "slot"), given=f"{given:,}")
    if taken or given:
        return _say_kentry("kentry/taken" if taken else "kentry/given", taken or given)
    return "" if name in ("reap", "boot") else _say_kentry("kentry/none")


def kentry_state(case: str, count: int, **fields: object) -> str:
    """Return where the records of a map's entries are, or how many slots are used."""
    return _say_kentry(f"kentry/{case}", count, **fields)


_say_caches = Sentences("cache pictures")


def objects_sentence(taken: int, given: int, caches: Sequence[str]) -> str:
    """Return how many objects of which caches an operation allocated and freed; "" for none."""
    if not taken and not given:
        return ""
    names = caches[0] if len(caches) == 1 else f"{len(caches)} caches"
    case = "both" if taken and given else "taken" if taken else "given"
    return _say_caches(case, taken or given, caches=names, given=f"{given:,}")


# ---- TLBs ----------------------------------------------------------------------------------------

_say_tlb = Sentences("tlb pictures")


def tlb_sentence(events: Sequence[ev.Event]) -> str:
    """Return what an operation did to TLBs."""
    kinds = Counter(type(event) for event in events)
    dropped = sum(len(event.dropped) for event in events if isinstance(event, ev.TlbFlushed))
    fields = {"dropped": counted(dropped, "translation"), "sent": counted(kinds[ev.ShootdownSent], "shootdown")}
    if kinds[ev.ShootdownForgotten]:
        return _say_tlb("forgotten", kinds[ev.ShootdownForgotten], **fields)
    if kinds[ev.ShootdownAcknowledged]:
        return _say_tlb("acknowledged", kinds[ev.ShootdownAcknowledged], **fields)
    if kinds[ev.ShootdownSent]:
        return _say_tlb("sent", kinds[ev.ShootdownSent], **fields)
    hits, misses, filled = kinds[ev.TlbHit], kinds[ev.TlbMissed], kinds[ev.TlbFilled]
    looked = [event for event in events if isinstance(event, (ev.TlbHit, ev.TlbMissed))]
    if len({(event.cpu, event.va >> PAGE_SHIFT) for event in looked}) == 1 and (bool(misses), bool(hits)) != (1, 1):
        case = "hit" if hits else "missed" if filled == 1 else ""
        if case and (case == "missed" or not filled):
            return _say_tlb(case, cpu=looked[0].cpu, address=address(looked[0].va))
    if hits or misses or filled:
        kept = {"misses": counted(misses, "miss"), "filled": counted(filled, "new translation")}
        return _say_tlb("accesses" if filled else "accesses/nothing new", hits=counted(hits, "hit"), **kept)
    return _say_tlb("dropped", dropped) if dropped else _say_tlb("none")


say_translation = Sentences("translations")


def stale_sentence(count: int) -> str:
    """Return how many translations are stale."""
    return _say_tlb("stale", count)


# ---- walks and page tables -----------------------------------------------------------------------

say_walk = Sentences("walks")


def walk_rights(walk: Walk) -> str:
    """Return what the program and the kernel may do with the page, under the processor's settings during the walk."""
    may = walk.permissions
    if may is None or {*walk.without} == {*Rights._fields}:
        return ""
    case = "both" if may.user == may.supervisor else "each" if any(may.user) else "supervisor"
    user, supervisor = (_accesses(side, walk.without) for side in (may.user, may.supervisor))
    return say_walk(f"may/{case if walk.side else 'all'}", user=user, supervisor=supervisor)


def _accesses(may: Permission, without: Collection[str]) -> str:
    """Return accesses in words, such as "read, write and execute", or "do nothing"; only those with bits are named."""
    named = zip(Permission._fields, may, strict=True)
    what = [word for word, allowed in named if allowed and word not in without]
    has_bits = any(word not in without for word in Permission._fields)
    return listed(what) or ("use the page" if any(may) and not has_bits else "do nothing")


def earlier_walk(walk: Walk) -> str:
    """Return what an earlier walk of the same address had reported."""
    if walk.fault is not None:
        return say_walk("earlier/fault", kind=walk.fault.called)
    return say_walk("earlier/reached", physical=address(walk.pa or 0))


def edited_walk(count: int, before: Walk | None) -> str:
    """Return how many descriptors were edited, and the access's outcome `before` (None if it was the same)."""
    if before is None:
        return say_walk("edited", count)
    if before.fault is not None:
        return say_walk("edited/fault", count, exception=before.fault.exception, kind=before.fault.called)
    return say_walk("edited/reached", count, physical=address(before.pa or 0))


# ---- comparisons ---------------------------------------------------------------------------------

say_segments = Sentences("segments")

say_inverted = Sentences("inverted tables")

say_compared = Sentences("comparisons")


# ---- faults and memory objects -------------------------------------------------------------------

say_fault = Sentences("fault strips")

say_objects = Sentences("object pictures")

# ---- strings of references -----------------------------------------------------------------------

say_traces = Sentences("traces")

say_references = Sentences("strings of references")

# ---- side by side ----------------------------------------------------------------------------------

say_beside = Sentences("side by side")


def differing(left: int, right: int, both: int, folded: bool, noun: tuple[str, str]) -> tuple[str, str]:
    """Return how many things differ, and on which side; `noun` is their name, singular and plural.

    `folded` says that there may be more in folded parts.
    """
    more, which = ([say_beside("folded")], "/folded") if folded else ([], "")
    count = left + right + both
    if not count:
        return say_beside(f"equal{which}"), " ".join(more)
    counts = (("left", left), ("right", right), ("both", both))
    reason = [say_beside(where, many) for where, many in counts if many]
    return say_beside(f"differ{which}", count, what=counted(count, *noun)), " ".join([*reason, *more])
