"""The functions that `map.say` needs: X15's maps, ranges of all maps, and accesses."""

from __future__ import annotations

from vmwidgets import events as ev
from vmwidgets.engine.base.protection import ADVICE, INHERITANCE, name_of, protection_text
from vmwidgets.engine.base.units import binary_size

from .headlines import Facts
from .names import Names, address, span
from .registry import Headline, Sentences, fact, headline_of

say = Sentences("map operations")


@fact(ev.MergeTried)
def _obstacle(event: ev.MergeTried, _: Names) -> str:
    return obstacle(event.why)


_OBSTACLES = {
    "it may not merge": "one of them is marked nomerge",
    "the request may not merge": "the request is marked nomerge",
}


def obstacle(why: str) -> str:
    """Return why a range did not merge."""
    return _OBSTACLES.get(why, why)


MAPS = ("map", "kmem")


# ---- entering, removing, looking up --------------------------------------------------------------


@headline_of("enter", "vm_map_enter", part=("map",))
def _enter(facts: Facts) -> Headline:
    resized = facts.at_map(ev.MapResized)  # a replaced entry resizes too: the last event is the new entry's
    size = binary_size(resized[-1].after - resized[-1].before) if resized else facts.size()
    return Headline(say("enter", size=size, address=address(facts.result), map=facts.map), _how_entered(facts))


def _how_entered(facts: Facts) -> str:
    hint = next(iter(facts.at_map(ev.HintTried)), None)
    if hint is not None and not hint.taken:
        return say("enter/hint refused", why=hint.why)
    if hint is not None and "multiple of align" in hint.why:
        return say("enter/hint taken", why=hint.why)
    tried = facts.at_map(ev.MergeTried)
    merged = next((event for event in reversed(tried) if event.merged), None)
    if merged is not None:
        side = "before" if merged.side == "previous" else "after"
        return say("enter/joined" if merged.side == "both" else "enter/grown", side=side, why=merged.why)
    if tried:
        return say("enter/apart", side=tried[-1].side, why=obstacle(tried[-1].why))
    return say("enter/alone") if facts.at_map(ev.EntryLinked) else ""


@headline_of("remove", "vm_map_remove", part=("map",))
def _remove(facts: Facts) -> Headline:
    done = next(iter(reversed(facts.at_map(ev.RangeRemoved))), None)
    if done is None or not done.entries:
        above = any(facts.returned("vm_map_lookup_nearest"))
        return Headline(say("remove/nothing"), say("remove/cache" if above else "remove/untouched"))
    text = say("remove", done.entries, size=binary_size(done.size), map=facts.map)
    how = say("remove/cut", done.cuts) if done.cuts else say("remove/whole")
    return Headline(text, " ".join(filter(None, (how, split(facts)))))


@headline_of("lookup", part=("map",))
def _lookup(facts: Facts) -> Headline:
    compared = len(facts.of(ev.TreeCompared))
    how = say("lookup/cached") if facts.of(ev.LookupCacheHit) else say("lookup/compared", compared)
    found, wanted = facts.result, facts.called("vm_map_lookup_nearest")
    where = wanted.arguments[0] if wanted is not None and wanted.arguments else facts.given.get("address", 0)
    if found is None:
        return Headline(say("lookup/nothing", address=address(where)), how)
    held = not isinstance(where, int) or found.start <= where
    name = "lookup" if held else "lookup/next"
    return Headline(say(name, address=address(where), range=span(found.start, found.end)), how)


# ---- ranges --------------------------------------------------------------------------------------

FUNCTIONS = {
    "protect": "vm_map_protect",
    "inherit": "vm_map_inherit",
    "advise": "vm_map_madvise",
    "wire": "vm_map_wire",
    "unwire": "vm_map_unwire",
    "simplify": "vm_map_simplify_entry",
}
"""Operations on ranges, with the kernel functions that they call."""


@headline_of(*FUNCTIONS, part=MAPS)
def _range(facts: Facts) -> Headline:
    called = facts.called(FUNCTIONS[facts.name])
    if facts.name == "simplify":
        return _simplified(facts)
    if called is None:
        start, end, rest = facts.given.get("start", 0), 0, []
        size = facts.size()
    else:
        start, end, *rest = called.arguments
        size = binary_size(end - start)
    how = " ".join(filter(None, (_entries(facts), split(facts))))
    return Headline(_of_range(facts.name, size, address(start), rest), how)


def _of_range(name: str, size: str, where: str, rest: list[object]) -> str:
    fields = {"size": size, "address": where}
    value = rest[0] if rest else ""
    number = value if isinstance(value, int) else 0
    if name == "protect":
        limit = len(rest) > 1 and bool(rest[1])
        return say("protect/max" if limit else "protect", rights=protection_text(number), **fields)
    if name == "inherit":
        return say(f"inherit/{name_of(number, INHERITANCE)}", **fields)
    if name == "advise":
        return say("advise", what=name_of(number, ADVICE), **fields)
    return say(name, **fields)


def _simplified(facts: Facts) -> Headline:
    joined = len(facts.of(ev.EntryJoined))
    count = facts.result if isinstance(facts.result, int) else joined
    return Headline(say("simplify", count) if count else say("simplify/nothing"))


def _entries(facts: Facts) -> str:
    """Return how entries changed."""
    changed = {event.after[0] for event in facts.of(ev.EntryChanged)} | {
        event.entry for event in facts.of(ev.EntryWired)
    }
    cuts = sum(event.name.startswith("vm_map_clip_") for event in facts.of(ev.Called)) + len(facts.of(ev.EntryClipped))
    return say("range", changed=f"{len(changed):,}", cut=f"{cuts:,}", joined=f"{len(facts.of(ev.EntryJoined)):,}")


def split(facts: Facts) -> str:
    """Return how many large pages are now mapped by smaller ones, so that parts of them can change.

    A large page with one descriptor gets a table, which is filled before the descriptor refers to it: first empty words
    of the next lower level are written, and then a word that was not empty.  If the page fills several slots, their
    words are equal before, and all different after.
    """
    count, last = 0, None
    pieces: set[int] = set()  # words of smaller pages: a page that is split again was counted already
    for event in facts.of(ev.PteWritten):
        if not event.before:
            pieces.add(event.pa)
        elif last is not None and event.after and event.pa not in pieces:
            if not last.before and last.level == event.level - 1:
                count += 1
            elif last.before == event.before and last.after != event.after:
                count += last.pa not in pieces
                pieces |= {last.pa, event.pa}
        last = event
    return say("split", count) if count else ""


# ---- the machine ---------------------------------------------------------------------------------
