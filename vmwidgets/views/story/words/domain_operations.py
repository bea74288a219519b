"""Headlines of operations on a self-paging domain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import PAGE, Size, binary_size, counted
from vmwidgets.views.scene.text import visible

from .domain_events import ref
from .headlines import Facts
from .map_operations import ACCESSES
from .names import a_kind, address, flag_words, given_flags, kind_words
from .registry import Headline, headline_of, sentences

say = sentences(
    "domain operations",
    {
        "map": "map placed {size} of {frame} at {address}, {flags}.",
        "map/pieces": "map placed {size} of {frame} at {address}, {flags}, in {pieces} pieces, one a table.",
        "unmap": "unmap cleared {size} at {address}.",
        "modify_flags": "modify_flags set the flags of {size} at {address} to {flags}.",
        "modify_flags/lost": (
            "modify_flags was to set the flags of {size} at {address} to {flags}; the kernel was asked for {asked}."
        ),
        "modify_flags/nothing": "modify_flags found nothing mapped in {size} at {address}.",
        "domain": "The domain begins with {count} capabilities: its cnodes and a root table that maps nothing.",
        "domain/same": "The domain {name} already exists: nothing was created.",
        "destroy_domain": "The domain is destroyed: {count} capabilities are deleted, and its memory is free again.",
        "made": "{slot} holds {kind} of {size} at physical {address}, {rights}.",
        "made/retype": "{slot} holds {kind} of {size} at physical {address}, {rights}, retyped from {source}.",
        "made/copy": "{slot} holds {kind} of {size} at physical {address}, {rights}, a copy of {source}.",
        "made/mint": "{slot} holds {kind} of {size} at physical {address}, {rights}, minted from {source}.",
        "delete": "delete emptied {slots}.",
        "delete/more": (
            "delete emptied {slots} and 1 more slot.",
            "delete emptied {slots} and {count} more slots.",
        ),
        "delete/leaves": ("1 leaf is unmapped with it.", "{count} leaves are unmapped with it."),
        "revoke": "revoke left no copy of {slot}, and nothing made from it: it emptied {slots}.",
        "revoke/more": (
            "revoke left no copy of {slot}, and nothing made from it: it emptied {slots} and 1 more slot.",
            "revoke left no copy of {slot}, and nothing made from it: it emptied {slots} and {count} more slots.",
        ),
        "revoke/nothing": "revoke found no copy of {slot}, and nothing made from it.",
        "memobj": "{name} created '{memobj}': {size} at {address}, {flags}; none of it is mapped yet.",
        "memobj/frame": (
            "{name} created '{memobj}' with {frame}: {size} at {address}, {flags}; none of it is mapped yet."
        ),
        "memobj/mapped": (
            "{name} created '{memobj}': {size} at {address}, {flags}, and mapped 1 page of {frame}.",
            "{name} created '{memobj}': {size} at {address}, {flags}, and mapped {count} pages of {frame}.",
        ),
        "fill": "fill put {frame} into '{memobj}' at offset {offset}; an access will map it.",
        "fill/mapped": (
            "fill put {frame} into '{memobj}' at offset {offset}, and mapped 1 page at {address}.",
            "fill put {frame} into '{memobj}' at offset {offset}, and mapped {count} pages at {address}.",
        ),
        "unfill": "unfill removed the frame at offset {offset} of '{memobj}'; none of it was mapped.",
        "unfill/mapped": (
            "unfill removed the frame at offset {offset} of '{memobj}', and unmapped 1 page at {address}.",
            "unfill removed the frame at offset {offset} of '{memobj}', and unmapped {count} pages at {address}.",
        ),
        "protect": "protect set {size} of '{memobj}', from offset {offset} on, to {flags}; none of it is mapped.",
        "protect/mapped": (
            "protect set {size} of '{memobj}', from offset {offset} on, to {flags}, and changed 1 mapped page.",
            "protect set {size} of '{memobj}', from offset {offset} on, to {flags}, and changed {count} mapped pages.",
        ),
        "protect/rest": "protect set '{memobj}', from offset {offset} to its end, to {flags}; none of it is mapped.",
        "protect/rest mapped": (
            "protect set '{memobj}', from offset {offset} to its end, to {flags}, and changed 1 mapped page.",
            "protect set '{memobj}', from offset {offset} to its end, to {flags}, and changed {count} mapped pages.",
        ),
        "remove": "remove ended '{memobj}', {size} at {address}; none of it was mapped.",
        "remove/mapped": (
            "remove ended '{memobj}', {size} at {address}, and unmapped 1 page.",
            "remove ended '{memobj}', {size} at {address}, and unmapped {count} pages.",
        ),
        "deserialise": (
            "deserialise mapped 1 page, the first at {address}.",
            "deserialise mapped {count} pages, the first at {address}.",
        ),
        "deserialise/nothing": "deserialise found no mapping in the data.",
        "take_slots": (
            "take_slots used up 1 slot of {name}; free slots left: {left}.",
            "take_slots used up {count} slots of {name}; free slots left: {left}.",
        ),
        "give_slots": (
            "give_slots freed 1 slot of {name}; free slots left: {left}.",
            "give_slots freed {count} slots of {name}; free slots left: {left}.",
        ),
        "took": "It used {calls}, {tables}, {slots} and {blocks}.",
        "took/back": "It used {calls}; {slots} and {blocks} are free again.",
        "took/both": "It used {calls}, {tables}, {slots} and {blocks}; {free_slots} and {free_blocks} are free again.",
        "short": (
            "The slab was 1 block short; a refill added {blocks}.",
            "The slab was {count} blocks short; a refill added {blocks}.",
        ),
        "short/nested": (
            "The slab was 1 block short; {refills} nested refills added {blocks}.",
            "The slab was {count} blocks short; {refills} nested refills added {blocks}.",
        ),
        "failed/undone": "Its work was rolled back.",
        "failed/refilled": "Its work was rolled back, except for a refill of {blocks} blocks.",
        "failed/stays": "A completed refill of {blocks} blocks remains.",
        "failed/half": "Its unfinished work remains: {slots} and {blocks} are used.",
        "failed/unchanged": "Nothing was changed.",
    },
)

MOST_SLOTS = 2
"""Slots that a headline names."""

PARTS = ("domain", "memobj")


def _slot_of(given: object) -> str:
    """The slot of a capability that was given by its path."""
    return visible(str(given).rpartition("/")[2].partition("#")[0])


class _Asked(NamedTuple):
    """A call of the pmap that an operation made: where, how many bytes, with which flags (0: none are known)."""

    address: int
    size: int
    flags: int


def _asked(facts: Facts, name: str) -> list[_Asked]:
    """The calls of the pmap that the operation made itself; those for its slab's frames are inside others."""
    found: list[_Asked] = []
    depth = 0
    for event in facts.events:
        if isinstance(event, ev.Called):
            if event.name == name and not depth:
                numbers = [one for one in event.arguments if isinstance(one, int)]
                found.append(_Asked(numbers[0], numbers[1 if name != "map" else 2], numbers[-1]))
            depth += 1
        elif isinstance(event, ev.Returned) and depth:
            depth -= 1
    return found


@headline_of("map", part=("domain",))
def _map(facts: Facts) -> Headline:
    start, frame = int(facts.result), _slot_of(facts.given["frame"])
    called = facts.called("do_map")  # the latest: those for the slab's frames come before
    size = called.arguments[3] if called else sum(one.size for one in facts.of(ev.RegionAdded))
    mine = [one for one in facts.of(ev.VnodeLinked) if not one.table and ref(one.cap) == frame]
    fields = {"size": binary_size(size), "address": address(start), "frame": frame, "flags": flag_words(mine[0].flags)}
    if len(mine) > 1 and not facts.truncated:
        return Headline(say("map/pieces", pieces=len(mine), **fields), _cost(facts))
    return Headline(say("map", **fields), _cost(facts))


@headline_of("unmap", part=("domain",))
def _unmap(facts: Facts) -> Headline:
    return Headline(say("unmap", size=binary_size(int(facts.result)), address=facts.where()), _cost(facts))


@headline_of("modify_flags", part=("domain",))
def _modify_flags(facts: Facts) -> Headline:
    fields = {"size": binary_size(int(facts.result)), "address": facts.where()}
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
    made = len(facts.of(ev.CapabilityMade))
    if not made:
        return Headline(say("domain/same", name=visible(str(facts.given["name"]))))
    return Headline(say("domain", made))


@headline_of("destroy_domain")
def _destroyed(facts: Facts) -> Headline:
    return Headline(say("destroy_domain", len(facts.of(ev.CapabilityDeleted))))


# ---- capabilities --------------------------------------------------------------------------------


@headline_of("frame", "ram", "device_frame", "retype", "copy", "mint", part=("domain",))
def _made(facts: Facts) -> Headline:
    """A frame, RAM, a copy: what is in its slot now."""
    slot = _slot_of(facts.result)
    (made,) = [one for one in facts.of(ev.CapabilityMade) if ref(one.ref) == slot]
    return Headline(
        say(
            "made" if made.source is None else f"made/{made.how}", slot=slot, kind=a_kind(made.kind),
            size=binary_size(made.bytes), address=address(made.base), rights=made.rights,
            source="" if made.source is None else ref(made.source),
        ),
        _cost(facts),
    )  # fmt: skip


@headline_of("delete", part=("domain",))
def _deleted(facts: Facts) -> Headline:
    slots, more = _slots(facts)
    return Headline(say("delete/more" if more else "delete", more, slots=slots), _leaves(facts))


@headline_of("revoke", part=("domain",))
def _revoked(facts: Facts) -> Headline:
    kept = _slot_of(facts.given["capability"])
    slots, more = _slots(facts)
    if not slots:
        return Headline(say("revoke/nothing", slot=kept))
    return Headline(say("revoke/more" if more else "revoke", more, slot=kept, slots=slots), _leaves(facts))


def _slots(facts: Facts) -> tuple[str, int]:
    """The slots that capabilities are gone from, and how many are not named."""
    gone = facts.of(ev.CapabilityDeleted)
    named = ", ".join(f"{ref(event.ref)} ({kind_words(event.kind).words})" for event in gone[:MOST_SLOTS])
    return named, max(0, len(gone) - MOST_SLOTS)


def _leaves(facts: Facts) -> str:
    unmapped = [event for event in facts.of(ev.VnodeUnlinked) if not event.table]
    return say("delete/leaves", len(unmapped)) if unmapped else ""


@headline_of("take_slots", "give_slots", part=("domain",))
def _slots_moved(facts: Facts) -> Headline:
    name = visible(facts.operation.target.removeprefix("domain:"))
    return Headline(say(facts.name, int(facts.given["count"]), name=name, left=f"{facts.result:,}"))


# ---- memory objects ------------------------------------------------------------------------------


def _object(path: object) -> str:
    """The name of a memory object, by its path."""
    return visible(str(path).partition("/memobj:")[2])


def _pages(asked: Sequence[_Asked]) -> int:
    return sum(one.size for one in asked) // PAGE


@headline_of("memobj", "anonymous", part=("domain",))
def _object_made(facts: Facts) -> Headline:
    memobj = str(facts.result).partition("/memobj:")[2]
    (region,) = [one for one in facts.of(ev.RegionAdded) if one.memobj == memobj]
    mapped = _asked(facts, "map")
    given = facts.given.get("frame")
    fields = {
        "name": facts.name,
        "memobj": visible(memobj),
        "size": binary_size(region.size),
        "address": address(region.base),
        "flags": flag_words(region.flags),
        "frame": _slot_of(given),
    }
    which = "memobj/mapped" if mapped else "memobj" if given is None else "memobj/frame"
    return Headline(say(which, _pages(mapped), **fields), _cost(facts))


@headline_of("fill", part=("memobj",))
def _filled(facts: Facts) -> Headline:
    mapped = _asked(facts, "map")
    fields = {**_place(facts), "frame": _slot_of(facts.given["frame"])}
    if not mapped:
        return Headline(say("fill", **fields))
    return Headline(say("fill/mapped", _pages(mapped), address=address(mapped[0].address), **fields), _cost(facts))


@headline_of("unfill", part=("memobj",))
def _unfilled(facts: Facts) -> Headline:
    unmapped = _asked(facts, "unmap")
    if not unmapped:
        return Headline(say("unfill", **_place(facts)))
    where = address(unmapped[0].address)
    return Headline(say("unfill/mapped", _pages(unmapped), address=where, **_place(facts)), _cost(facts))


@headline_of("protect", part=("memobj",))
def _protected(facts: Facts) -> Headline:
    changed = _asked(facts, "modify_flags")
    flags = flag_words(changed[0].flags) if changed else given_flags(facts.given["flags"])
    given = facts.given.get("size")
    fields = {**_place(facts), "flags": flags, "size": "" if given is None else binary_size(int(Size(given)))}
    which = {(False, False): "", (False, True): "/mapped", (True, False): "/rest", (True, True): "/rest mapped"}
    name = f"protect{which[given is None, bool(changed)]}"
    return Headline(say(name, _pages(changed), **fields), _cost(facts))


@headline_of("remove", part=("memobj",))
def _removed(facts: Facts) -> Headline:
    (region,) = facts.of(ev.RegionRemoved)
    unmapped = _asked(facts, "unmap")
    fields = {
        "memobj": _object(facts.operation.target),
        "size": binary_size(region.size),
        "address": address(region.base),
    }
    return Headline(say("remove/mapped" if unmapped else "remove", _pages(unmapped), **fields), _cost(facts))


def _place(facts: Facts) -> dict[str, str]:
    """Of a call on a memory object which it was, and the offset."""
    return {"memobj": _object(facts.operation.target), "offset": visible(address(facts.given.get("offset", 0)))}


@headline_of("deserialise", part=("domain",))
def _deserialised(facts: Facts) -> Headline:
    mapped = [event for event in facts.of(ev.Called) if event.name == "map"]
    if not mapped:
        return Headline(say("deserialise/nothing"), _cost(facts))
    pages = sum(int(event.arguments[3]) for event in mapped) // PAGE
    return Headline(say("deserialise", pages, address=address(mapped[0].arguments[0])), _cost(facts))


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
    slots, blocks, tables = made[ev.SlotAllocated], made[ev.BlockTaken], made[ev.VnodeCreated]
    back = {"slots": counted(made[ev.SlotFreed], "slot"), "blocks": counted(made[ev.BlockGiven], "block")}
    asked, is_back = counted(calls, "kernel call"), bool(made[ev.SlotFreed] or made[ev.BlockGiven])
    if is_back and not (slots or blocks or tables):
        return say("took/back", calls=asked, **back)
    words = {"tables": counted(tables, "new table"), "slots": counted(slots, "slot")}
    free = {f"free_{name}": text for name, text in back.items()}
    return say("took/both" if is_back else "took", calls=asked, blocks=counted(blocks, "block"), **words, **free)


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
    if grown:
        return Headline("", say("failed/stays", blocks=blocks))
    used = _still_used(facts)
    if any(used.values()):
        return Headline("", say("failed/half", **{name: counted(count, name[:-1]) for name, count in used.items()}))
    if facts.of(ev.VnodeLinked, ev.VnodeUnlinked):
        return Headline("", "")
    return Headline("", "" if facts.name in ACCESSES else say("failed/unchanged"))


def _still_used(facts: Facts) -> dict[str, int]:
    """How many slots and blocks a request took, and did not give back: what it had done stays with a quirk."""
    slots = sum(event.ref is not None for event in facts.of(ev.SlotAllocated)) - len(facts.of(ev.SlotFreed))
    blocks = sum(event.block is not None for event in facts.of(ev.BlockTaken)) - len(facts.of(ev.BlockGiven))
    return {"slots": max(0, slots), "blocks": max(0, blocks)}
