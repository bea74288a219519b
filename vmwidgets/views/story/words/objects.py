"""The functions that `objects.say` needs: a process's calls, fork, files, swap space, injected failures."""

from __future__ import annotations

from collections import Counter

from vmwidgets import events as ev
from vmwidgets.engine.base.protection import INHERITANCE, inheritance_of, parse_protection, protection_text
from vmwidgets.engine.base.units import PAGE, binary_size, counted
from vmwidgets.views.scene.text import visible

from .headlines import Facts
from .maps import split
from .names import FAULT, Names, address, exactly
from .registry import Headline, Sentences, fact, headline_of
from .threads import waiting

say = Sentences("object operations")

_KINDS = {"anonymous": "with pages of zeroes", "file": "with the pages of a file", "device": "a device's memory"}
"""The contents of objects without a backing object, by kind."""


@fact(ev.ObjectMade)
def _kind(event: ev.ObjectMade, _: Names) -> str:
    kind = event.fields[0]
    return _KINDS.get(kind, kind)


@fact(ev.RingMoved)
def _was_evicted(event: ev.RingMoved, names: Names) -> bool:
    return event.frame in names.evicted


@fact(ev.RingMoved)
def _leaving(event: ev.RingMoved, names: Names) -> ev.PageLeaving | None:
    """Return the page that leaves memory when its frame leaves the ring."""
    leaving = names.leaving
    return leaving if leaving is not None and leaving.frame == event.frame else None


@fact(ev.PageCopied)
def _faulting(_: ev.PageCopied, names: Names) -> int | None:
    """Return the page of addresses for which the fault copies; None outside a fault, as in a fork."""
    return names.faulting if FAULT in names.functions else None


def none_left(event: ev.NothingToReclaim) -> str:
    """Return why there is no frame for a task's page."""
    return Sentences("object events")("NothingToReclaim", why=visible(event.why[:1].upper() + event.why[1:]))


@fact(Facts)
def _file_called(facts: Facts, _: None) -> str:
    return _file_of(facts)


def _file_of(facts: Facts) -> str:
    """Return the name of the file that was called."""
    return facts.target.removeprefix("file:")


def _at(facts: Facts, name: str = "start") -> dict[str, str]:
    """Return the address, the size and the task of a call."""
    return {"address": facts.where(name), "size": facts.size(), "task": facts.part}


# ---- a process's calls -----------------------------------------------------------------------------


@headline_of("mmap")
def _mmap(facts: Facts) -> Headline:
    called = facts.called("vm_mmap")
    size = binary_size(called.arguments[1]) if called is not None else facts.size()
    flags = visible(", ".join(str(facts.given.get("flags", "private")).replace("|", " ").split()))
    fields = {"address": visible(address(facts.result)), "size": size, "task": facts.part, "flags": flags}
    killed = [event.task for event in facts.of(ev.OutOfMemory)]
    if facts.own_name in killed:  # by one of the task's own page faults, for `populate`
        return Headline(say("mmap/killed", **fields))
    others = [say("killed", task=visible(task)) for task in killed]
    return Headline(say("mmap", **fields), " ".join(filter(None, (_mapped(facts), _replaced(facts), *others))))


def _replaced(facts: Facts) -> str:
    """Return how much of the task's memory a `fixed` mapping replaced."""
    size = sum(event.size for event in facts.of_task(ev.RangeRemoved))
    return say("mmap/replaced", size=binary_size(size)) if size else ""


def _mapped(facts: Facts) -> str:
    """Return a new range's object, and how much of it is already in memory."""
    linked = facts.last(ev.EntryLinked, map=f"{facts.operation.target}/map")
    target = visible(str(linked.entry[3])) if linked else ""
    came = facts.mapped_by_faults()  # one for each page of `populate`
    if came:
        return say("mmap/filled", came, object=target)
    if not target or any(event.object == target for event in facts.of(ev.ObjectMade)):
        got = _pages_of(facts, target)  # for `populate`, if no frame was left for a page table
        words = say("mmap/short", got, object=target) if got else say("mmap/new", object=target)
        return words if target else ""
    copies = any(event.why.startswith("is to be copied") for event in facts.of_task(ev.EntryChanged))
    return say("mmap/private" if copies else "mmap/of", object=target)


def _pages_of(facts: Facts, target: str) -> int:
    """Return how many pages came into a new object and stayed in it."""
    came = sum(len(event.pages) for event in facts.of(ev.PagesEntered) if visible(event.object) == target)
    return came - sum(len(event.pages) for event in facts.of(ev.PagesLeft) if visible(event.object) == target)


@headline_of("munmap")
def _munmap(facts: Facts) -> Headline:
    done = facts.of_task(ev.RangeRemoved)
    count, size = sum(event.entries for event in done), sum(event.size for event in done)
    if not count:
        return Headline(say("munmap/nothing"))
    text = say("munmap", count, size=binary_size(size), task=facts.part)
    return Headline(text, " ".join(filter(None, (_left(facts), split(facts)))))


def _left(facts: Facts) -> str:
    """Return how many pages were freed, if any were."""
    count = len(_pages_that_left(facts)) - len(facts.of(ev.PageKept))
    return say("left", count) if count else ""


def _pages_that_left(facts: Facts) -> set[tuple[str, int]]:
    """Return the objects and numbers of pages that left memory, except pages that another object took over."""
    entered = {frame for event in facts.of(ev.PagesEntered) for _, frame in event.pages}
    left = [(event.object, page, frame) for event in facts.of(ev.PagesLeft) for page, frame in event.pages]
    return {(name, page) for name, page, frame in left if frame not in entered}


@headline_of("mprotect")
def _mprotect(facts: Facts) -> Headline:
    rights = protection_text(parse_protection(facts.given.get("prot", 0)))
    return Headline(say("mprotect", rights=rights, **_at(facts)), split(facts))


@headline_of("brk")
def _brk(facts: Facts) -> Headline:
    text = say("brk", task=facts.part, address=visible(address(facts.result)))
    moved = sum(event.after - event.before for event in facts.of_task(ev.MapResized))
    size = binary_size(abs(moved))
    if moved < 0:
        return Headline(text, _given_back(facts, "brk/shrank", size=size))
    return Headline(text, say("brk/grew", size=size) if moved else say("brk/same"))


def _given_back(facts: Facts, name: str, **fields: str) -> str:
    """Return how many frames and slots of swap space were freed with pages, without the frames of paged-out pages."""
    frames, slots = _freed(facts)
    if slots and not frames:
        return say(f"{name}/only swap", slots, **fields)
    return say(f"{name}/swap" if slots else name, frames, slots=counted(slots, "slot"), **fields)


def _freed(facts: Facts) -> tuple[int, int]:
    """Return how many frames and slots of swap space were freed with their pages."""
    frames = sum(1 << event.order for event in facts.of(ev.PageFreed) if event.owner.startswith("object "))
    return frames - len(facts.of(ev.PageOut)), sum(len(event.slots) for event in facts.of(ev.SwapFreed))


@headline_of("madvise")
def _madvise(facts: Facts) -> Headline:
    text = say("madvise", advice=visible(str(facts.given.get("advice", ""))), **_at(facts))
    out: list[ev.SwapFreed | ev.SwapLeft] = [*facts.of(ev.SwapFreed), *facts.of(ev.SwapLeft)]
    forgotten = _pages_that_left(facts) | {(event.object, page) for event in out for page, _ in event.slots}
    return Headline(text, say("madvise/forgot", len(forgotten)) if forgotten else "")


@headline_of("page_out")
def _page_out(facts: Facts) -> Headline:
    out = facts.of(ev.PageOut)
    if facts.truncated and isinstance(facts.result, int):  # the first ones were not recorded
        return Headline(say("gone", facts.result))
    if not out:
        return Headline(say("page_out/nothing"))
    went = Counter(event.to for event in out)
    name = "page_out/unwritten" if went["nowhere"] else "page_out"
    places = {"swap": went["swap"], "file": went["file"], "nowhere": went["nowhere"]}
    return Headline(say(name, len(out), **places), say("page_out/reason", len(out)))


# ---- life ------------------------------------------------------------------------------------------


def _has_own(facts: Facts) -> bool:
    """Return whether a fork found pages in frames or in swap slots and shared them with the child."""
    made = {event.object for event in facts.of(ev.ObjectMade)}  # a page in another object was read back to be copied
    copied = {(event.object, event.index) for event in facts.of(ev.PageCopied)}
    came = {
        (event.object, page) for event in facts.of(ev.PagesEntered) if event.object in made for page, _ in event.pages
    }
    return bool(came - copied or facts.of(ev.SwapShared))


@headline_of("fork")
def _fork(facts: Facts) -> Headline:
    forked, copied = facts.last(ev.TaskForked, task=facts.own_name), len(facts.of(ev.PageCopied))
    tasks = {"child": visible(forked.child) if forked else "a child", "task": facts.part}
    linked = [event.entry for event in facts.of(ev.EntryLinked) if event.map.startswith("task:")]
    way = forked.way if forked else "shadow"
    if facts.truncated:  # the first ones were not recorded
        return Headline(say("fork/made", **tasks))
    if copied:
        name = "fork/pages/eager" if way == "eager" else "fork/pages"
        rest = f" {say('fork/rest')}" if way == "counted" and _has_own(facts) else ""
        return Headline(say("fork/copied", len(linked), **tasks), f"{say(name, copied)}{rest}")
    shared = sum(inheritance_of(flags) == INHERITANCE["share"] for _, _, _, _, _, flags, _, _ in linked)
    if shared == len(linked):
        how = "shared"
    elif way != "shadow" and not _has_own(facts):
        how = "none"
    elif shared:
        how = "both"
    else:
        how = "reason" if way == "shadow" else "counted"
    return Headline(say("fork", len(linked), **tasks), say(f"fork/{how}", shared) if linked else "")


@headline_of("exec", "exit")
def _over(facts: Facts) -> Headline:
    text, out = say(facts.name, task=facts.part), len(facts.of(ev.PageOut))
    reasons = [_given_back(facts, "freed") if any(_freed(facts)) else say("freed/nothing")]
    reasons += [say("gone", out)] if out else []
    return Headline(text, " ".join(reasons))


# ---- files and swap space --------------------------------------------------------------------------


@headline_of("make_file")
def _make_file(facts: Facts) -> Headline:
    name = str(facts.given.get("name", ""))
    made = facts.last(ev.FileResized, file=name)
    size = exactly(made.after if made else 0)
    return Headline(say("file", file=visible(name), size=size), say("file/reason"))


@headline_of("make_pager")
def _make_pager(facts: Facts) -> Headline:
    name = visible(str(facts.given.get("name", "")))
    return Headline(say("pager", name=name, size=facts.size()), say("file/reason"))


@headline_of("read", "write", part=("file",))
def _file(facts: Facts) -> Headline:
    data = facts.result if facts.name == "read" else facts.given.get("data")
    count = len(data) if isinstance(data, (bytes, bytearray)) else 0
    came = {page for event in facts.of(ev.PagesEntered) for page, _ in event.pages}  # including pages read ahead
    asked = {event.offset // PAGE for event in facts.of(ev.PagerAsked)}
    pages = {"hits": counted(len(asked - came), "page"), "misses": counted(len(came), "page")}
    return Headline(say(f"file {facts.name}", count, file=_file_of(facts)), say("file/pages", **pages) if asked else "")


@headline_of("truncate", part=("file",))
def _truncate(facts: Facts) -> Headline:
    resized = facts.last(ev.FileResized, file=facts.own_name)
    before, after = (resized.before, resized.after) if resized else (facts.given.get("size"),) * 2
    cut = resized is not None and resized.after < resized.before
    text = say("truncate", file=_file_of(facts), size=exactly(after), before=exactly(before))
    return Headline(text, say("truncate/reason") if cut else "")


@headline_of("swap_on")
def _swap_on(facts: Facts) -> Headline:
    size = facts.size()
    return Headline(say("swap_on", size=size), "" if size == binary_size(0) else say("swap_on/reason"))


# ---- failures --------------------------------------------------------------------------------------


@headline_of("failed", part=("task", "file"))
def _failed(facts: Facts) -> Headline:
    """Return how far a failed access got."""
    sent, stuck = facts.last(ev.SignalSent, task=facts.own_name), facts.last(ev.NothingToReclaim)
    if sent:
        return Headline("", say("signal", task=visible(sent.task), signal=sent.signal))
    killed = [say("killed", task=visible(event.task)) for event in facts.of(ev.OutOfMemory)]
    if killed:
        return Headline("", " ".join(killed))
    is_new = stuck is not None and stuck.why not in facts.operation.said
    return Headline("", none_left(stuck) if stuck and is_new else waiting(facts.events))
