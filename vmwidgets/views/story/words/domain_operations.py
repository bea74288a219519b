"""Headlines of operations on a self-paging domain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from vmwidgets.engine.base import events as ev
from vmwidgets.engine.base.units import binary_size, counted
from vmwidgets.views.scene.text import visible

from .domain_events import ref
from .headlines import Facts
from .map_operations import ACCESSES
from .names import address, flag_words, kind_words
from .registry import Headline, headline_of, sentences

say = sentences(
    "domain operations",
    {
        "map": "map placed {size} of {frame} at {address}, {flags}.",
        "map/range": "map placed {size} at {address}.",
        "map/pieces": "map placed {size} of {frame} at {address}, {flags}, in {pieces} pieces, one a table.",
        "unmap": "unmap cleared {size} at {address}.",
        "modify_flags": "modify_flags made {size} at {address} {flags}.",
        "modify_flags/lost": "modify_flags wanted {size} at {address} {flags}; the kernel was asked for {asked}.",
        "modify_flags/nothing": "modify_flags found nothing mapped in {size} at {address}.",
        "domain": (
            "The domain begins with 1 capability.",
            "The domain begins with {count} capabilities: its cnodes and a root table that maps nothing.",
        ),
        "destroy_domain": (
            "The domain is destroyed: 1 capability is gone, and its memory is free again.",
            "The domain is destroyed: {count} capabilities are gone, and its memory is free again.",
        ),
        "made": "{slot} holds a {kind} of {size} at physical {address}, {rights}.",
        "made/retype": "{slot} holds a {kind} of {size} at physical {address}, {rights}, retyped from {source}.",
        "made/copy": "{slot} holds a {kind} of {size} at physical {address}, {rights}, a copy of {source}.",
        "made/mint": "{slot} holds a {kind} of {size} at physical {address}, {rights}, a weaker copy of {source}.",
        "made/from": "{slot} holds a {kind} of {size} at physical {address}, {rights}, from {source}.",
        "delete": "delete emptied {slots}.",
        "delete/more": "delete emptied {slots} and {more} more slots.",
        "delete/nothing": "delete found nothing to empty.",
        "delete/leaves": ("1 leaf is unmapped with it.", "{count} leaves are unmapped with it."),
        "revoke": "revoke left {slot} alone with its memory, and emptied {slots}.",
        "revoke/more": "revoke left {slot} alone with its memory, and emptied {slots} and {more} more slots.",
        "revoke/nothing": "revoke found no other capability for the memory of {slot}.",
        "capabilities": "{name} of {target}: {made} made, {gone} deleted.",
        "slots": "{name} of {target}: {taken} taken, {freed} given back.",
        "took": "It took {calls}, {tables}, {slots} and {blocks}.",
        "took/back": "It took {calls}; {slots} and {blocks} are free again.",
        "short": (
            "The slab was 1 block short; a refill added {blocks}.",
            "The slab was {count} blocks short; a refill added {blocks}.",
        ),
        "short/nested": (
            "The slab was 1 block short; {refills} nested refills added {blocks}.",
            "The slab was {count} blocks short; {refills} nested refills added {blocks}.",
        ),
        "failed/undone": "What it had begun was taken back.",
        "failed/refilled": "What it had begun was taken back, but for a refill of {blocks} blocks.",
        "failed/stays": "The {blocks} blocks of a refill that was done stay.",
        "failed/unchanged": "Nothing was changed.",
    },
)

MOST_SLOTS = 2
"""Slots that a headline names."""

PARTS = ("domain", "memobj")


@headline_of("map", part=("domain",))
def _map(facts: Facts) -> Headline:
    leaves = [event for event in facts.of(ev.VnodeLinked) if not event.table]
    mine = [event for event in leaves if event.cap == leaves[-1].cap] if leaves else []
    called = facts.called("do_map")
    size = facts.given.get("size")
    if not isinstance(size, int) and called is not None and len(called.arguments) > 3:
        size = called.arguments[3]
    what = binary_size(size) if isinstance(size, int) else visible(str(size or "a range"))
    where = address(facts.result) if isinstance(facts.result, int) else ""
    if not mine:
        return Headline(say("map/range", size=what, address=where), _cost(facts))
    fields = {"size": what, "address": where, "frame": ref(mine[-1].cap), "flags": flag_words(mine[-1].flags)}
    if len(mine) > 1 and not facts.truncated:
        return Headline(say("map/pieces", pieces=len(mine), **fields), _cost(facts))
    return Headline(say("map", **fields), _cost(facts))


@headline_of("unmap", part=("domain",))
def _unmap(facts: Facts) -> Headline:
    size = facts.size() if "size" in facts.given else binary_size(int(facts.result or 0))
    return Headline(say("unmap", size=size, address=facts.where()), _cost(facts))


@headline_of("modify_flags", part=("domain",))
def _modify_flags(facts: Facts) -> Headline:
    fields = {"size": facts.size(), "address": facts.where()}
    called = facts.called("modify_flags")
    given = visible(str(facts.given.get("flags", "")))
    wanted = flag_words(called.arguments[2]) if called is not None and len(called.arguments) > 2 else given
    asked = list(dict.fromkeys(flag_words(event.flags) for event in facts.of(ev.MappingFlagsInvoked)))
    if not asked:
        return Headline(say("modify_flags/nothing", **fields), _cost(facts))
    if asked == [wanted]:
        return Headline(say("modify_flags", flags=wanted, **fields), _cost(facts))
    return Headline(say("modify_flags/lost", flags=wanted, asked=" and ".join(asked), **fields), _cost(facts))


@headline_of("domain")
def _began(facts: Facts) -> Headline:
    return Headline(say("domain", len(facts.of(ev.CapabilityMade))))


@headline_of("destroy_domain")
def _destroyed(facts: Facts) -> Headline:
    return Headline(say("destroy_domain", len(facts.of(ev.CapabilityDeleted))))


# ---- capabilities --------------------------------------------------------------------------------


@headline_of("frame", "ram", "device_frame", "retype", "copy", "mint", part=("domain",))
def _made(facts: Facts) -> Headline:
    """A frame, RAM, a copy: what is in its slot now."""
    made = facts.of(ev.CapabilityMade)
    if not made:
        return _other(facts)
    last = made[-1]
    how = last.how if last.how in ("retype", "copy", "mint") else "from"
    return Headline(
        say(
            "made" if last.source is None else f"made/{how}", slot=ref(last.ref), kind=kind_words(last.kind).words,
            size=binary_size(last.bytes), address=address(last.base), rights=last.rights,
            source="" if last.source is None else ref(last.source),
        ),
        _cost(facts),
    )  # fmt: skip


@headline_of("delete", part=("domain",))
def _deleted(facts: Facts) -> Headline:
    slots, more = _slots(facts)
    if not slots:
        return Headline(say("delete/nothing"))
    return Headline(say("delete/more" if more else "delete", slots=slots, more=more), _leaves(facts))


@headline_of("revoke", part=("domain",))
def _revoked(facts: Facts) -> Headline:
    kept = visible(str(facts.given.get("capability", "")).rpartition("/")[2].partition("#")[0])
    slots, more = _slots(facts)
    if not slots:
        return Headline(say("revoke/nothing", slot=kept))
    return Headline(say("revoke/more" if more else "revoke", slot=kept, slots=slots, more=more), _leaves(facts))


def _slots(facts: Facts) -> tuple[str, int]:
    """The slots that capabilities are gone from, and how many are not named."""
    gone = facts.of(ev.CapabilityDeleted)
    named = ", ".join(f"{ref(event.ref)} ({kind_words(event.kind).words})" for event in gone[:MOST_SLOTS])
    return named, max(0, len(gone) - MOST_SLOTS)


def _leaves(facts: Facts) -> str:
    unmapped = [event for event in facts.of(ev.VnodeUnlinked) if not event.table]
    return say("delete/leaves", len(unmapped)) if unmapped else ""


@headline_of("memobj", "anonymous", "deserialise", "take_slots", "give_slots", part=("domain",))
@headline_of("fill", "unfill", "protect", "remove", part=("memobj",))
def _other(facts: Facts) -> Headline:
    made, gone = len(facts.of(ev.CapabilityMade)), len(facts.of(ev.CapabilityDeleted))
    fields = {"name": facts.name, "target": facts.target}
    if made or gone or facts.name not in ("take_slots", "give_slots"):
        counts = {"made": counted(made, "capability"), "gone": f"{gone:,}"}
        return Headline(say("capabilities", **counts, **fields), _cost(facts))
    slots = {"taken": counted(len(facts.of(ev.SlotAllocated)), "slot"), "freed": f"{len(facts.of(ev.SlotFreed)):,}"}
    return Headline(say("slots", **slots, **fields))


# ---- what it cost --------------------------------------------------------------------------------


def _cost(facts: Facts) -> str:
    """What it took: a refill if there was one, else kernel calls, tables, slots, blocks."""
    refilled = _refilled(facts.events)
    if refilled:
        return refilled
    made = Counter(type(event) for event in facts.events)
    calls = sum(made[kind] for kind in ev.INVOCATIONS)
    if not calls:
        return ""
    asked = counted(calls, "kernel call")
    slots, blocks, tables = made[ev.SlotAllocated], made[ev.BlockTaken], made[ev.VnodeCreated]
    if slots or blocks or tables or not (made[ev.SlotFreed] or made[ev.BlockGiven]):
        words = {"tables": counted(tables, "new table"), "slots": counted(slots, "slot")}
        return say("took", calls=asked, blocks=counted(blocks, "block"), **words)
    back = {"slots": counted(made[ev.SlotFreed], "slot"), "blocks": counted(made[ev.BlockGiven], "block")}
    return say("took/back", calls=asked, **back)


def _refilled(events: Sequence[ev.Event]) -> str:
    began = [event for event in events if isinstance(event, ev.SlabRefillBegan)]
    grown = [event for event in events if isinstance(event, ev.SlabGrown)]
    if not began or not grown:
        return ""
    deep = max(event.level for event in began)
    blocks = f"{sum(event.blocks for event in grown):,}"
    return say("short/nested" if deep > 1 else "short", began[0].missing, refills=deep, blocks=blocks)


@headline_of("failed", part=PARTS)
def _failed(facts: Facts) -> Headline:
    """What a failed request left."""
    grown = facts.of(ev.SlabGrown)
    undone, blocks = bool(facts.of(ev.MapUndone)), f"{sum(event.blocks for event in grown):,}"
    if undone:
        return Headline("", say("failed/refilled", blocks=blocks) if grown else say("failed/undone"))
    if facts.of(ev.VnodeLinked, ev.VnodeUnlinked):
        return Headline("", say("failed/stays", blocks=blocks) if grown else "")
    if grown:
        return Headline("", say("failed/stays", blocks=blocks))
    return Headline("", "" if facts.name in ACCESSES else say("failed/unchanged"))
