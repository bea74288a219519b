"""The functions that `kmem.say` needs: runs of pages, allocating, freeing, submaps, zones, files, the page daemon."""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets import events as ev
from vmwidgets.engine.base.protection import protection_text
from vmwidgets.engine.base.units import PAGE, binary_size
from vmwidgets.engine.memory.pages_schema import CACHED
from vmwidgets.views.scene.text import visible

from .called import called
from .headlines import Facts
from .names import Names, address, frames, owner_words, span
from .registry import Headline, Sentences, fact, headline_of
from .threads import waiting

say = Sentences("kmem operations")

_step = Sentences("kmem events")

KENTRY = "vm_map_kentry"
"""The cache whose buffers are the kentry area's slots."""

_ZONE = "zone "
"""The beginning of the names of zones' caches, which get a capital at the start of a sentence."""


@fact(ev.RangeInserted)
def _extended(event: ev.RangeInserted, names: Names) -> str | None:
    """Return the object of the entry that was extended over the range."""
    return None if names.resized is None else names.resized[3]


@fact(ev.PageAllocated, ev.PageFreed)
def _run(event: ev.PageAllocated | ev.PageFreed, _: Names) -> int:
    return int(1 << event.order)


@fact(ev.PageAllocated, ev.PageFreed)
def _frames(event: ev.PageAllocated | ev.PageFreed, _: Names) -> str:
    return frames(event.frame, 1 << event.order)


@fact(ev.PageAllocated, ev.PageFreed)
def _whose(event: ev.PageAllocated | ev.PageFreed, _: Names) -> str:
    return owner_words(event.owner.removeprefix(CACHED)) or "another user"


@fact(ev.PageDenied)
def _page_class(event: ev.PageDenied, _: Names) -> str:
    return class_of(event)


@fact(ev.SlabCreated, ev.SlabDestroyed)
def _of_a_zone(event: ev.SlabCreated | ev.SlabDestroyed, _: Names) -> bool:
    return event.cache.startswith(_ZONE)


@fact(ev.SlabCreated, ev.SlabDestroyed, ev.BufferAllocated, ev.BufferFreed)
def _which(event: ev.SlabCreated | ev.SlabDestroyed | ev.BufferAllocated | ev.BufferFreed, _: Names) -> str:
    """Return the cache, to begin a sentence with."""
    return event.cache.capitalize() if event.cache.startswith(_ZONE) else f"The cache {event.cache}"


# ---- runs of pages -------------------------------------------------------------------------------


_COUNTED = {"zero": "PageZeroed", "cache": "PageCached", "split": "BlockSplit", "join": "BlockJoined"}


def said_of_run(family: str, events: Sequence[ev.Event]) -> str:
    """Return the sentence of a run of pages of one family, except granted ones."""
    if family == "enter":
        first = next(event for event in events if isinstance(event, ev.TranslationEntered))
        return _step("TranslationEntered", len(events), address=address(first.va))
    if family == "release":
        return _released(events)
    return _step(_COUNTED[family], len(events))


def said_of_descriptors(events: Sequence[ev.Event], call: ev.Called) -> str:
    """Return the sentence of the descriptors that a call of pmap_enter wrote."""
    va, pa, protection = call.arguments[:3]
    rights = protection_text(protection)
    return _step("PteWritten", len(events), address=address(va), frame=frames(pa // PAGE), rights=rights)


def _released(events: Sequence[ev.Event]) -> str:
    freed = [event for event in events if isinstance(event, ev.PageReleased)]
    unwired = len(events) - len(freed)
    if not freed:
        return _step("PageUnwired", unwired)
    name = "PageReleased/unwired" if unwired else "PageReleased"  # kmem_malloc frees its pages, the last one first
    return _step(name, len(freed), object=visible(freed[0].object))


def said_of_page(events: Sequence[ev.Event]) -> str:
    """Return the sentence of one granted page, which may have been cleared."""
    first = events[0]
    if not isinstance(first, ev.PageGranted):
        assert isinstance(first, ev.PageCleared), "a run of pages that are granted begins with one or the other"
        return _step("PageCleared", frame=frames(first.frame))
    words = first.request.split("|")
    case = " ".join(["wired"] * ("WIRED" in words) + [("zeroed" if first.zeroed else "cleared")] * ("ZERO" in words))
    return _step(
        f"PageGranted/{case}" if case else "PageGranted",
        page_class=words[0],
        frame=frames(first.frame),
        page=f"{first.pindex:#x}",
        object=visible(first.object),
    )


def said_of_alike(steps: int, last: str) -> str:
    """Return the sentence about steps that repeat the steps before them; `last` is the sentence of the last step."""
    return _step("Alike", steps, last=last.removesuffix("."))


def said_of_rest(pages: int, cleared: int) -> str:
    """Return the sentence of the remaining pages of a run."""
    return _step("PageGranted/more cleared" if cleared else "PageGranted/more", pages, cleared=f"{cleared:,}")


def class_of(event: ev.PageGranted | ev.PageDenied) -> str:
    """Return the class of a page request."""
    return event.request.partition("|")[0]


ALLOCATE = ("kmem_malloc", "kmem_alloc", "kmem_alloc_nofault", "kmem_alloc_wait")
FREE = ("kmem_free", "kmem_free_wakeup")


# ---- allocating ----------------------------------------------------------------------------------


@headline_of(*ALLOCATE)
def _allocated(facts: Facts) -> Headline:
    facts = facts.of_the_cell()
    if facts.truncated:
        return _long(facts, "alloc", facts.result)
    if not isinstance(facts.result, int) or not facts.result:
        return _refused(facts)
    inserted = next((event for event in facts.of(ev.RangeInserted) if _is_of(event, facts.result)), None)
    granted, sought = facts.of(ev.PageGranted), facts.of(ev.SpaceSought)
    size = inserted.end - inserted.start if inserted else sought[0].length if sought else 0
    fields = {"size": binary_size(size), "address": address(facts.result), "map": _map(facts)}
    why = _waited(facts) or _merged(facts, inserted)
    if granted:
        classes = " and ".join(dict.fromkeys(class_of(event) for event in granted))
        of = visible(granted[0].object)
        return Headline(say("alloc/pages", len(granted), object=of, page_class=classes, **fields), why)
    if facts.name == "kmem_alloc_nofault":
        return Headline(say("alloc/nofault", **fields), why)
    return Headline(say("alloc/addresses" if inserted and facts.name != "malloc" else "alloc", **fields), why)


def _map(facts: Facts) -> str:
    """Return the map of an allocation or a free."""
    for kinds in ((ev.SpaceSought,), (ev.RangeInserted,), (ev.MapUnlocked,)):
        found = facts.of(*kinds)
        if found:
            return called(found[0].map)
    given = facts.given.get("map")
    return visible(str(given)) if given else "its map"


def _refused(facts: Facts) -> Headline:
    denied, sought, granted = facts.of(ev.PageDenied), facts.of(ev.SpaceSought), facts.of(ev.PageGranted)
    if denied:
        text = say("alloc/no pages", name=facts.name, page_class=class_of(denied[0]))
        back = say("alloc/gave back", len(granted)) if granted else say("alloc/nothing to give")
        return Headline(text, back)
    last = facts.last(ev.SpaceSought, map=sought[0].map) if sought else None
    if last is not None and last.address is None:
        size = binary_size(last.length)
        return Headline(say("alloc/no gap", name=facts.name, map=_map(facts), size=size), say("alloc/addresses short"))
    return Headline(say("alloc/nothing", name=facts.name))


def _is_of(event: ev.RangeInserted, result: object) -> bool:
    """Return whether the allocated range is the range that was inserted."""
    return not event.status and event.start == result


def _merged(facts: Facts, inserted: ev.RangeInserted | None) -> str:
    if inserted is None:
        return ""
    joined = [event for event in facts.of(ev.EntryJoined) if event.map == inserted.map]
    grew = inserted.how == "extend"  # the preceding entry grew over the range
    if joined:
        return say("alloc/both" if grew or len(joined) > 1 else f"alloc/{joined[0].side}")
    return say("alloc/grown" if grew else "alloc/new")


def _waited(facts: Facts) -> str:
    tries, denied = len(facts.of(ev.LowMemory)), len(facts.of(ev.PageDenied))
    if tries:
        return say("alloc/reclaimed", tries)
    return say("alloc/slept", denied) if denied else ""


def _long(facts: Facts, verb: str, where: object) -> Headline:
    """Return the sentence of an operation on so many pages that its first events were no longer kept."""
    return Headline(say(verb, size=facts.size(), address=visible(address(where)), map=_map(facts)))


# ---- freeing -------------------------------------------------------------------------------------


@headline_of(*FREE)
def _freed(facts: Facts) -> Headline:
    facts = facts.of_the_cell()
    if facts.truncated:
        return _long(facts, "free", facts.given.get("address", facts.given.get("addr", 0)))
    deleted, released = facts.of(ev.RangeDeleted), facts.of(ev.PageReleased)
    if not deleted:
        return Headline(say("free/nothing"))
    size = binary_size(sum(event.end - event.start for event in deleted))
    fields = {"size": size, "map": called(deleted[0].map)}
    text = say(
        "free/pages" if released else "free",
        len(released),
        address=address(min(one.start for one in deleted)),
        **fields,
    )
    woken = facts.last(ev.SleepersWoken, map=deleted[0].map)
    if woken:
        return Headline(text, say("free/woke", woken.count))
    clipped = len(facts.of(ev.EntryClipped))
    if facts.name == "kmem_free":
        return Headline(text, say("free/silent cuts", clipped) if clipped else say("free/silent"))
    return Headline(text, say("free/cuts", clipped) if clipped else "")


@headline_of("kmem_suballoc")
def _suballoc(facts: Facts) -> Headline:
    attached = facts.of(ev.SubmapAttached)
    if not attached:
        return Headline(say("alloc/nothing", name=facts.name))
    last = attached[0]
    fields = {"submap": called(last.submap), "range": span(last.start, last.end), "map": called(last.map)}
    return Headline(say("suballoc", **fields), say("suballoc/reason"))


@fact(Facts)
def _submap(facts: Facts, _: None) -> str:
    return facts.target.partition("/")[2]


# ---- zones ---------------------------------------------------------------------------------------


@headline_of("malloc", part=("machine", "kmem"))
def _malloc(facts: Facts) -> Headline:
    facts = facts.of_the_cell()
    taken = next((event for event in facts.of(ev.BufferAllocated) if event.address == facts.result), None)
    if taken is None:  # larger than the zones' buffers, or no buffer at all
        return _allocated(facts)
    made = facts.last(ev.SlabCreated, cache=taken.cache)
    text = say("malloc", address=address(taken.address), cache=visible(taken.cache))
    return Headline(text, say("malloc/slab", address=address(made.address)) if made else say("malloc/had"))


@headline_of("free", part=("machine", "kmem"))
def _mfree(facts: Facts) -> Headline:
    facts = facts.of_the_cell()
    where = facts.given.get("address", facts.given.get("addr"))
    given = next((event for event in facts.of(ev.BufferFreed) if event.address == where), None)
    if given is None:
        return _freed(facts)
    return Headline(say("mfree", address=address(given.address), cache=visible(given.cache)), say("mfree/kept"))


# ---- locks, files, the page daemon ---------------------------------------------------------------


@headline_of("read_file")
def _file(facts: Facts) -> Headline:
    if facts.truncated:  # the first ones were not recorded
        count = facts.result if isinstance(facts.result, int) else 0
        return Headline(say("read_file/long", count, file=visible(str(facts.given.get("name", "")))))
    used = facts.of(ev.FileRead)
    read, file = sum(event.how == "read" for event in used), visible(str(facts.given.get("name", "")))
    return Headline(say("read_file", len(used), read=f"{read:,}", file=file), say("read_file/reason"))


@headline_of("take_pages", "give_pages")
def _others(facts: Facts) -> Headline:
    count = facts.result if isinstance(facts.result, int) else 0
    return Headline(say(facts.name, count), waiting(facts.events))
