"""Headlines of operations on kernel memory: allocating and freeing, submaps, zones, files, the page daemon."""

from __future__ import annotations

from vmwidgets import events as ev
from vmwidgets.engine.base.units import binary_size
from vmwidgets.views.scene.text import visible

from .called import called
from .headlines import Facts
from .kmem_events import class_of
from .names import address, span
from .registry import Headline, headline_of, sentences
from .threads import waiting

say = sentences(
    "kmem operations",
    {
        "alloc": "{name} allocated {size} at {address} from {map}.",
        "alloc/pages": (
            "{name} allocated {size} at {address} from {map}: 1 page of {object}, class {page_class}.",
            "{name} allocated {size} at {address} from {map}: {count} pages of {object}, class {page_class}.",
        ),
        "alloc/nofault": "{name} allocated {size} at {address} from {map}: addresses only; a fault there is a panic.",
        "alloc/addresses": "{name} allocated {size} at {address} from {map}: addresses, and no pages yet.",
        "alloc/no pages": "{name} returned 0: it may not sleep, and too few pages are left for class {page_class}.",
        "alloc/gave back": (
            "The 1 page it had already allocated is freed.",
            "The {count} pages it had already allocated are freed.",
        ),
        "alloc/nothing to give": "Nothing had to be freed.",
        "alloc/no gap": "{name} returned 0: {map} has no gap of {size}.",
        "alloc/addresses short": "The map is short of addresses, however many pages are free.",
        "alloc/nothing": "{name} returned 0.",
        "alloc/both": "It merged with the entries on both sides: same object, consecutive offsets, same wiring.",
        "alloc/prev": "It merged with the entry before it: same object, consecutive offsets, same wiring.",
        "alloc/next": "It merged with the entry after it: same object, consecutive offsets, same wiring.",
        "alloc/grown": "It created no new entry: the previous one was extended.",
        "alloc/new": "It created a new entry.",
        "alloc/reclaimed": (
            "The map was full: it asked for memory once (the limit is 8 times).",
            "The map was full: it asked for memory {count} times (the limit is 8 times).",
        ),
        "alloc/slept": ("It waited for pages once.", "It waited for pages {count} times."),
        "free": "{name} freed {size} at {address} in {map}.",
        "free/pages": (
            "{name} freed {size} at {address} in {map}: 1 page is free again.",
            "{name} freed {size} at {address} in {map}: {count} pages are free again.",
        ),
        "free/nothing": "{name} found nothing to free there.",
        "free/cuts": ("It made 1 cut at the edges.", "It made {count} cuts at the edges."),
        "free/woke": (
            "It woke 1 sleeper, which checks again.",
            "It woke {count} sleepers: each checks again, in this order.",
        ),
        "free/silent": "It does not wake sleepers; kmem_free_wakeup does.",
        "free/silent cuts": (
            "It made 1 cut at the edges, and wakes no sleeper; kmem_free_wakeup does.",
            "It made {count} cuts at the edges, and wakes no sleeper; kmem_free_wakeup does.",
        ),
        "suballoc": "kmem_suballoc created {submap}, a separate map over {range} of {map}.",
        "suballoc/reason": "Allocations in it use its own lock and its own addresses.",
        "malloc": "malloc allocated the buffer at {address} from {cache}.",
        "malloc/slab": "It needed a slab: kmem_malloc returned {address}.",
        "malloc/had": "The buffer is in a slab that the zone already had.",
        "mfree": "free returned the buffer at {address} to {cache}.",
        "mfree/kept": "Its slab stays with the zone, empty or not, until uma_reclaim.",
        "uma_reclaim": "The zones returned {size} to kmem_map.",
        "uma_reclaim/nothing": "The zones had no empty slab to return.",
        "uma_reclaim/reason": "Only empty slabs can be returned.",
        "register_handler": "From now on, {handler} is asked for memory when the kernel runs short.",
        "lock": "The cell holds the lock of {map}.",
        "lock/reason": "Other threads that want it wait until it is unlocked.",
        "unlock": "The lock of {map} is free.",
        "read_file": (
            "read_file used 1 page of {file}; pages that had to be read: {read}.",
            "read_file used {count} pages of {file}; pages that had to be read: {read}.",
        ),
        "read_file/long": ("read_file used 1 page of {file}.", "read_file used {count} pages of {file}."),
        "read_file/reason": "Pages of files can be evicted when others need memory.",
        "take_pages": ("Another user allocated 1 page.", "Another user allocated {count} pages."),
        "give_pages": ("Another user freed 1 page.", "Another user freed {count} pages."),
        "stop": "The page daemon was stopped.",
        "start": "The page daemon may work again.",
        "pace": "The page daemon's pace was changed.",
    },
)

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
    fields = {"name": facts.name, "size": binary_size(size), "address": address(facts.result), "map": _map(facts)}
    why = _waited(facts) or _merged(facts, inserted)
    if granted:
        classes = " and ".join(dict.fromkeys(class_of(event) for event in granted))
        of = visible(granted[0].object)
        return Headline(say("alloc/pages", len(granted), object=of, page_class=classes, **fields), why)
    if facts.name == "kmem_alloc_nofault":
        return Headline(say("alloc/nofault", **fields), why)
    return Headline(say("alloc/addresses" if inserted and facts.name != "malloc" else "alloc", **fields), why)


def _map(facts: Facts) -> str:
    """The map that something was taken from or given back to."""
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
    """Whether the range that was given back is what was inserted."""
    return not event.status and event.start == result


def _merged(facts: Facts, inserted: ev.RangeInserted | None) -> str:
    if inserted is None:
        return ""
    joined = [event for event in facts.of(ev.EntryJoined) if event.map == inserted.map]
    grew = inserted.how == "extend"  # the one before, over the range
    if joined:
        return say("alloc/both" if grew or len(joined) > 1 else f"alloc/{joined[0].side}")
    return say("alloc/grown" if grew else "alloc/new")


def _waited(facts: Facts) -> str:
    tries, denied = len(facts.of(ev.LowMemory)), len(facts.of(ev.PageDenied))
    if tries:
        return say("alloc/reclaimed", tries)
    return say("alloc/slept", denied) if denied else ""


def _long(facts: Facts, verb: str, where: object) -> Headline:
    """An operation of so many pages that what happened first was not recorded: by what was given and what came back."""
    return Headline(say(verb, name=facts.name, size=facts.size(), address=visible(address(where)), map=_map(facts)))


# ---- freeing -------------------------------------------------------------------------------------


@headline_of(*FREE)
def _freed(facts: Facts) -> Headline:
    facts = facts.of_the_cell()
    if facts.truncated:
        return _long(facts, "free", facts.given.get("address", facts.given.get("addr", 0)))
    deleted, released = facts.of(ev.RangeDeleted), facts.of(ev.PageReleased)
    if not deleted:
        return Headline(say("free/nothing", name=facts.name))
    size = binary_size(sum(event.end - event.start for event in deleted))
    fields = {"name": facts.name, "size": size, "map": called(deleted[0].map)}
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


# ---- zones ---------------------------------------------------------------------------------------


@headline_of("malloc", part=("machine", "kmem"))
def _malloc(facts: Facts) -> Headline:
    facts = facts.of_the_cell()
    taken = next((event for event in facts.of(ev.BufferAllocated) if event.address == facts.result), None)
    if taken is None:  # larger than the zones' buffers, or none
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


@headline_of("uma_reclaim")
def _reclaimed(facts: Facts) -> Headline:
    size = facts.result if isinstance(facts.result, int) else 0
    if not size:
        return Headline(say("uma_reclaim/nothing"))
    return Headline(say("uma_reclaim", size=binary_size(size)), say("uma_reclaim/reason"))


# ---- locks, files, the page daemon ---------------------------------------------------------------


@headline_of("lock", "unlock", part=("kmem",))
def _locked(facts: Facts) -> Headline:
    """Lock and unlock of a map, by the cell: what threads do is said of their run."""
    text = say(facts.name, map=facts.target.partition("/")[2])
    return Headline(text, say("lock/reason") if facts.name == "lock" else "")


@headline_of("register_handler")
def _handler(facts: Facts) -> Headline:
    return Headline(say("register_handler", handler=visible(str(facts.given.get("name", "")))))


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


@headline_of("stop", "start", "pace", part=("pagedaemon",))
def _daemon(facts: Facts) -> Headline:
    return Headline(say(facts.name))
