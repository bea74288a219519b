"""The functions that `domains.say` needs: a self-paging domain's calls, and their cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import PAGE, Size, binary_size, counted
from vmwidgets.engine.selfpaging.domain_schema import CapRef
from vmwidgets.views.scene.text import visible
from vmwidgets.views.story.calls import with_functions

from .faults import ACCESSES
from .headlines import Facts
from .names import Names, a_kind, address, flag_words, given_flags, kind_words
from .registry import Headline, Sentences, fact, headline_of, saying_of

say = Sentences("domain operations")


@fact(ev.CapabilityCopyInvoked)
def _refused(event: ev.CapabilityCopyInvoked, names: Names) -> bool:
    return event.ref not in names.made


@fact(ev.VnodeMapInvoked, ev.VnodeUnmapInvoked, ev.MappingFlagsInvoked)
def _call(event: ev.VnodeMapInvoked | ev.VnodeUnmapInvoked | ev.MappingFlagsInvoked, _: Names) -> str:
    return call_of(event)


@fact(ev.VnodeMapInvoked)
def _from(event: ev.VnodeMapInvoked, _: Names) -> str:
    return f"{event.source}+{event.offset:#x}" if event.offset else str(event.source)


@fact(ev.VnodeUnmapInvoked)
def _entry(event: ev.VnodeUnmapInvoked, _: Names) -> int:
    return event.entry or 0


@fact(ev.VnodeUnmapInvoked)
def _descriptors(event: ev.VnodeUnmapInvoked, _: Names) -> int:
    return event.count or 0


@fact(ev.VnodeMapInvoked, ev.VnodeUnmapInvoked)
def _entries(event: ev.VnodeMapInvoked | ev.VnodeUnmapInvoked, _: Names) -> str:
    return _in_a_row(event.entry or 0, event.count or 0)


@fact(ev.VnodeLinked)
def _entries_of(event: ev.VnodeLinked, _: Names) -> str:
    return f"{'entry' if event.count == 1 else 'entries'} {_in_a_row(event.entry, event.count)}"


def _in_a_row(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}–{first + count - 1}"


@fact(ev.RegionAdded, ev.RegionRemoved)
def _range(event: ev.RegionAdded | ev.RegionRemoved, _: Names) -> tuple[int, int]:
    return event.base, event.base + event.size


def call_of(event: ev.Event) -> str:
    """Return the name of the call that an event reports; "" for a change by the pmap itself."""
    tick = saying_of(event).tick
    return "" if tick is None else tick.of(event).call


def ref(slot: CapRef) -> str:
    """Return a slot in a sentence."""
    return visible(str(slot))


MOST_SLOTS = 2
"""The most slots that a headline names."""

PARTS = ("domain", "memobj")


def _slot_of(given: object) -> str:
    """Return the slot of a capability, given its path."""
    return visible(str(given).rpartition("/")[2].partition("#")[0])


class _Asked(NamedTuple):
    """A call of the pmap in an operation: address, bytes and flags (0 if none are known)."""

    address: int
    size: int
    flags: int


def _asked(facts: Facts, name: str) -> list[_Asked]:
    """Return the operation's own calls of the pmap, without the calls inside them that map the slab's frames."""
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
    frame = _slot_of(facts.given["frame"])
    called = facts.called("do_map")  # the latest: calls for the slab's frames come before it
    size = called.arguments[3] if called else sum(one.size for one in facts.of(ev.RegionAdded))
    linked = [
        event
        for _, event, functions in with_functions(facts.events)
        if isinstance(event, ev.VnodeLinked) and "refill_slabs" not in functions
    ]
    leaves, tables = (sum(event.table is is_table for event in linked) for is_table in (False, True))
    fields = {"size": binary_size(size), "address": address(int(facts.result))}
    if facts.truncated:
        return Headline(say("map/long", **fields))
    flags = next(event.flags for event in linked if not event.table)
    shown = say("map/frame", frame=frame, flags=flag_words(flags))
    if len(facts.of(ev.VnodeLinked)) > len(linked):
        return Headline(say("map/refilled", **fields), f"{shown} {_cost(facts)}".strip())
    made = {0: "without a new table", 1: "with one new table"}.get(tables) or f"with {tables:,} new tables"
    case, pieces = ("map", {}) if leaves == 1 else ("map/pieces", {"mappings": f"{leaves:,}"})
    return Headline(say(case, tables=made, **fields, **pieces), f"{shown} {_cost(facts)}".strip())


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
    """Return the new frame, RAM or copy that is now in its slot."""
    slot = _slot_of(facts.result)
    (made,) = [one for one in facts.of(ev.CapabilityMade) if ref(one.ref) == slot]
    source = {} if made.source is None else {"source": ref(made.source)}
    what = say("made", slot=slot, kind=a_kind(made.kind), size=binary_size(made.bytes))
    how = say(
        "made/of" if made.source is None else f"made/{made.how}",
        address=address(made.base),
        rights=made.rights,
        **source,
    )
    return Headline(what, f"{how} {_cost(facts)}".rstrip())


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
    emptied = say("revoke/more" if more else "revoke/slots", more, slots=slots)
    return Headline(say("revoke", slot=kept), f"{emptied} {_leaves(facts)}".rstrip())


def _slots(facts: Facts) -> tuple[str, int]:
    """Return the slots that lost their capabilities, and how many more there are."""
    gone = facts.of(ev.CapabilityDeleted)
    named = ", ".join(f"{ref(event.ref)} ({kind_words(event.kind).words})" for event in gone[:MOST_SLOTS])
    return named, max(0, len(gone) - MOST_SLOTS)


def _leaves(facts: Facts) -> str:
    unmapped = [event for event in facts.of(ev.VnodeUnlinked) if not event.table]
    return say("delete/leaves", len(unmapped)) if unmapped else ""


@fact(Facts)
def _domain(facts: Facts, _: None) -> str:
    return facts.operation.target.removeprefix("domain:")


# ---- memory objects ------------------------------------------------------------------------------


def _object(path: object) -> str:
    """Return the name of a memory object, by its path."""
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
    """Return the memory object of a call, and the offset."""
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
    """Return the cost: a refill if there was one, and otherwise kernel calls, tables, slots, blocks."""
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
    """Return what a failed request left behind."""
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
    """Return how many slots and blocks a request used and did not free: with a quirk, its work is not undone."""
    slots = sum(event.ref is not None for event in facts.of(ev.SlotAllocated)) - len(facts.of(ev.SlotFreed))
    blocks = sum(event.block is not None for event in facts.of(ev.BlockTaken)) - len(facts.of(ev.BlockGiven))
    return {"slots": max(0, slots), "blocks": max(0, blocks)}
