"""What pictures say of their own: beside the story of an operation, and where there is no operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from vmwidgets import events as ev
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.past import Past
from vmwidgets.engine.base.units import binary_size, counted, listed
from vmwidgets.engine.kernel.map.map_schema import MapValue
from vmwidgets.engine.mmu.tables_schema import Permission, Walk

from .kmem_events import KENTRY
from .names import address
from .registry import sentences

# ---- maps ----------------------------------------------------------------------------------------

_say_map = sentences(
    "map pictures",
    {
        "map/out of order": "The list is out of order at {addresses}.",
        "map/same": "This map did not change.",
        "map/took": "The cache of entries allocated {size} from this map.",
        "map/entries": (
            "The map had 1 entry before and has {now} now.",
            "The map had {count} entries before and has {now} now.",
        ),
    },
)

say_sought = sentences(
    "sought addresses",
    {
        "held": "{address} is in the entry {range}.",
        "free": "No entry contains {address}: it is in a gap of {size}, {range}.",
        "compared": (
            "It took 1 comparison in the tree; nothing in the machine changed.",
            "It took {count} comparisons in the tree; nothing in the machine changed.",
        ),
    },
)


def out_of_order(starts: Iterable[int]) -> str:
    """That the list is out of order there."""
    return _say_map("map/out of order", addresses=", ".join(address(start) for start in starts))


def same_map() -> str:
    """That an operation was on something else, and left a map as it was."""
    return _say_map("map/same")


def map_sentence(value: MapValue, operation: Operation, events: Sequence[ev.Event]) -> str:
    """What an operation that is done meant for the map `value`; "" where the headline says it all."""
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
    marks = Past(events).marks("after", name)
    before = value.nr_entries - len(marks.new) + len(marks.leaving)
    return "" if before == value.nr_entries else _say_map("map/entries", before, now=f"{value.nr_entries:,}")


# ---- moments -------------------------------------------------------------------------------------

say_nothing = sentences(
    "no picture",
    {
        "missing": "{why}.",
        "later": "This is the moment after operation {number}: step on to operation {made}.",
        "earlier": "This is the moment after operation {number}: step back to operation {made}.",
        "then": "This is the moment after operation {number}.",
        "undone": "The operation at this point in history was undone: go to now.",
    },
)

say_moment = sentences(
    "moments",
    {
        "destroyed": "The domain was destroyed more than {many} operations ago.",
        "before": "Before the operation.",
        "left out": "Earlier steps are left out.",
        "folded": "They happened in a part of the map that is folded here.",
        "truncated": "This operation made more than {events} events; the first ones were not recorded.",
    },
)


# ---- the kentry area -----------------------------------------------------------------------------

_say_kentry = sentences(
    "kentry pictures",
    {
        "kentry/none": "No slot was allocated or freed.",
        "kentry/taken": ("1 slot was allocated.", "{count} slots were allocated."),
        "kentry/given": ("1 slot was freed.", "{count} slots were freed."),
        "kentry/both": "{taken} allocated, {given} freed.",
        "kentry/slab": (
            "{taken} allocated, from a new slab with a page of its own.",
            "{taken} allocated, from {count} new slabs with a page each.",
        ),
    },
)


def kentry_sentence(name: str, events: Sequence[ev.Event]) -> str:
    """How many slots an operation took and gave back; "" for one that is about slabs."""
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


# ---- TLBs ----------------------------------------------------------------------------------------

_say_tlb = sentences(
    "tlb pictures",
    {
        "none": "It changed no TLB.",
        "accesses": "The TLBs had {hits} and {misses}, and cached {filled}.",
        "accesses/nothing new": "The TLBs had {hits} and {misses}, and cached nothing new.",
        "dropped": ("It dropped 1 translation.", "It dropped {count} translations."),
        "sent": (
            "It sent 1 shootdown and dropped {dropped}.",
            "It sent {count} shootdowns and dropped {dropped}.",
        ),
        "acknowledged": (
            "It sent {sent}, acknowledged 1, and dropped {dropped}.",
            "It sent {sent}, acknowledged {count}, and dropped {dropped}.",
        ),
        "forgotten": (
            "It forgot 1 shootdown and dropped {dropped}.",
            "It forgot {count} shootdowns and dropped {dropped}.",
        ),
        "stale": (
            "1 cached translation disagrees with the page tables (marked ≠).",
            "{count} cached translations disagree with the page tables (marked ≠).",
        ),
    },
)


def tlb_sentence(events: Sequence[ev.Event]) -> str:
    """What an operation did to TLBs."""
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
    if hits or misses or filled:
        kept = {"misses": counted(misses, "miss"), "filled": counted(filled, "new translation")}
        return _say_tlb("accesses" if filled else "accesses/nothing new", hits=counted(hits, "hit"), **kept)
    return _say_tlb("dropped", dropped) if dropped else _say_tlb("none")


def stale_sentence(count: int) -> str:
    """How many translations are stale."""
    return _say_tlb("stale", count)


# ---- walks and page tables -----------------------------------------------------------------------

say_walk = sentences(
    "walks",
    {
        "reached": "{address} is at physical {physical}, in a page of {size}.",
        "fault": "{exception}: {why}.",
        "may/both": "The page tables let user code and the supervisor {supervisor} here.",
        "may/supervisor": "The page tables let only the supervisor {supervisor} here.",
        "may/each": "The page tables let user code {user} here, and the supervisor {supervisor}.",
        "earlier/reached": "When the cell ran, the access reached physical {physical}.",
        "earlier/fault": "When the cell ran, the access was a fault: {kind}.",
        "edited": (
            "1 descriptor was edited by hand; the access still has the same result.",
            "{count} descriptors were edited by hand; the access still has the same result.",
        ),
        "edited/reached": (
            "1 descriptor was edited by hand; without the edit, the access would reach physical {physical}.",
            "{count} descriptors were edited by hand; without the edits, the access would reach physical {physical}.",
        ),
        "edited/fault": (
            "1 descriptor was edited by hand; without the edit, the access would raise {exception} ({kind}).",
            "{count} descriptors were edited by hand; without the edits, the access would raise {exception} ({kind}).",
        ),
        "tables": (
            "1 descriptor of the {root} is in use: {what}.",
            "{count} descriptors of the {root} are in use: {what}.",
        ),
        "tables/open": (
            "1 table is open. Gaps are shown by their size only.",
            "{count} tables are open. Gaps are shown by their size only.",
        ),
        "tables/folded": (
            "1 table is open; the rest is in {folds}. Gaps are shown by their size only.",
            "{count} tables are open; the rest is in {folds}. Gaps are shown by their size only.",
        ),
    },
)


def walk_rights(walk: Walk) -> str:
    """What each side may do with the page, the processor set as it was for the walk."""
    may = walk.permissions
    if may is None:
        return ""
    case = "both" if may.user == may.supervisor else "each" if any(may.user) else "supervisor"
    return say_walk(f"may/{case}", user=_accesses(may.user), supervisor=_accesses(may.supervisor))


def _accesses(may: Permission) -> str:
    """Such as "read, write and execute", or "do nothing"."""
    what = [word for word, allowed in zip(("read", "write", "execute"), may, strict=True) if allowed]
    return listed(what) or "do nothing"


def earlier_walk(walk: Walk) -> str:
    """What an earlier walk of the same address had said."""
    if walk.fault is not None:
        return say_walk("earlier/fault", kind=walk.fault.kind)
    return say_walk("earlier/reached", physical=address(walk.pa or 0))


def edited_walk(count: int, before: Walk | None) -> str:
    """That so many descriptors were edited, and what the access was `before` (none: the same)."""
    if before is None:
        return say_walk("edited", count)
    if before.fault is not None:
        return say_walk("edited/fault", count, exception=before.fault.exception, kind=before.fault.kind)
    return say_walk("edited/reached", count, physical=address(before.pa or 0))


# ---- comparisons ---------------------------------------------------------------------------------

say_segments = sentences(
    "segments",
    {
        "segments/none": "No segment has a size yet.",
        "segments/placed": (
            "The program lies in 1 piece of physical memory.",
            "The program lies in {count} pieces of physical memory.",
        ),
        "segments/free": (
            "1 piece is free: {size}.",
            "{count} pieces are free, {size} together; the largest has {largest}.",
        ),
        "segments/outside": "Placed in memory that is in use: {names}.",
        "segments/over": "Placed in the same memory: {names}.",
    },
)

say_inverted = sentences(
    "inverted tables",
    {
        "inverted/none": "No page of any task is in memory.",
        "inverted/pages": (
            "1 page of tasks is in memory, so the table has 1 entry.",
            "{count} pages of tasks are in memory, so the table has {count} entries.",
        ),
        "inverted/longest": (
            "A search compares 1 entry at most.",
            "A search compares {count} entries at most.",
        ),
    },
)

say_compared = sentences(
    "comparisons",
    {
        "maps/one": ("1 operation ran on {map} alone.", "{count} operations ran on {map} alone."),
        "maps/agree": "All maps agree on every operation.",
        "maps/disagree": (
            "The maps disagree on {differing} of 1 operation.",
            "The maps disagree on {differing} of {count} operations.",
        ),
        "maps/apart": "After operation {operation}, the first on which they disagree. At the end they are alike.",
        "maps/first": "The first is {operation} ({answers}).",
        "maps/equal work": "Each looked at {least} nodes and gaps.",
        "maps/work": "{fewest} looked at the fewest nodes and gaps, {least}; {most} at the most, {more}.",
        "diff/agree": "Model and system agree on everything that the calls determine.",
        "diff/disagree": ("1 range should agree but does not.", "{count} ranges should agree but do not."),
        "formats/only": "Only {format} can map all of it.",
        "formats/none": "No format can map all of it.",
        "formats/nothing": "There is nothing to compare with.",
        "formats/equal": "All need {size} of tables.",
        "formats/tables": "{fewest} the smallest tables, {least}; {most} the largest, {more}.",
        "formats/entries": (
            "Reaching all of it takes 1 TLB entry in each.",
            "Reaching all of it takes {count} TLB entries in each.",
        ),
        "formats/more entries": (
            "Reaching all of it takes 1 TLB entry in {fewest}, and {more} in {most}.",
            "Reaching all of it takes {count} TLB entries in {fewest}, and {more} in {most}.",
        ),
        "formats/out": (
            "{format} can't map 1 of the ranges, {size}.",
            "{format} can't map {count} of the ranges, {size}.",
        ),
        "paging": "The kernel mapped {task} in {faults}; the domain mapped {domain} itself, in {calls}.",
        "paging/at least": (
            "The kernel mapped {task} in at least {faults}; the domain mapped {domain} itself, in at least {calls}."
        ),
        "paging/bytes": "The tables use {task} and {domain}; the records use {task_records} and {domain_records}.",
        "paging/lost": (
            "The events of 1 older call were not kept and are not counted.",
            "The events of {count} older calls were not kept and are not counted.",
        ),
    },
)


# ---- faults and memory objects -------------------------------------------------------------------

say_fault = sentences(
    "fault strips",
    {
        "earlier": "The fault shown is from {operation}.",
        "none": "It made no access that this picture can show.",
    },
)

say_objects = sentences(
    "object pictures",
    {
        "none": "No task maps a memory object.",
        "none/task": "{task} maps no memory object.",
        "copy": 'A write through a mapping with the words "to copy" first copies the page.',
        "copy/some": (
            'With "1 to copy", this is so for 1 of its pages.',
            'With "{count} to copy", this is so for {count} of its pages.',
        ),
        "once": "Each frame is drawn once. This kernel counts who uses each frame; vm.Sharing shows the tasks.",
    },
)

# ---- strings of references -----------------------------------------------------------------------

say_references = sentences(
    "strings of references",
    {
        "faults": "Faults with {frames}: {faults}.",
        "fewest": "Fewest faults: {faults}.",
        "reference": "Reference {number}, page {page}; {what}.",
    },
)
