"""Headlines of operations on X15's maps, on ranges of all maps, and of accesses."""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets import events as ev
from vmwidgets.engine.base.protection import ADVICE, INHERITANCE, name_of, protection_text
from vmwidgets.engine.base.units import PAGE, binary_size, counted, duration
from vmwidgets.views.scene.text import visible

from .called import called
from .headlines import Facts
from .map_events import obstacle
from .names import address, span
from .registry import Headline, headline_of, sentences

say = sentences(
    "map operations",
    {
        "enter": "enter mapped {size} at {address} in {map}.",
        "enter/grown": "It extended the entry {side} it: {why}.",
        "enter/joined": "It merged with both neighbours: {why}.",
        "enter/alone": "It created a new entry: no neighbour touches it.",
        "enter/apart": "It created a new entry, which did not merge with the {side} one: {why}.",
        "enter/hint refused": "The hint was refused: {why}.",
        "enter/hint taken": "The hint was used: {why}.",
        "remove": (
            "remove unmapped {size} (1 entry) from {map}.",
            "remove unmapped {size} ({count} entries) from {map}.",
        ),
        "remove/nothing": "remove found no entry in the range.",
        "remove/cache": "The find cache is cleared anyway.",
        "remove/untouched": "No entry is above it either, so the find cache stays as it is.",
        "remove/whole": "No entry had to be cut.",
        "remove/cut": (
            "First it made 1 cut, at the edge of the range.",
            "First it made {count} cuts, at the edges of the range.",
        ),
        "lookup": "lookup found the entry {range}.",
        "lookup/next": "lookup found no entry at {address}; the next one is {range}.",
        "lookup/nothing": "lookup found no entry at {address} or above.",
        "lookup/cached": "The lookup cache had it: nothing was compared.",
        "lookup/compared": ("It made 1 comparison in the tree.", "It made {count} comparisons in the tree."),
        "read": (
            "{name} returned 1 byte from {address} in {space}.",
            "{name} returned {count} bytes from {address} in {space}.",
        ),
        "write": (
            "{name} stored 1 byte at {address} in {space}.",
            "{name} stored {count} bytes at {address} in {space}.",
        ),
        "touch": "{name} accessed {address} in {space} ({access}).",
        "read/cpu": (
            "{name} returned 1 byte from {address} through {cpu}.",
            "{name} returned {count} bytes from {address} through {cpu}.",
        ),
        "write/cpu": (
            "{name} stored 1 byte at {address} through {cpu}.",
            "{name} stored {count} bytes at {address} through {cpu}.",
        ),
        "access/hit": (
            "The TLB had the translation: no walk, no page fault.",
            "The TLB had all {count} translations: no walk, no page fault.",
        ),
        "access/walked": (
            "The TLB did not have the translation: 1 walk of {tables}, no page fault.",
            "The TLB did not have the translations: {count} walks of {tables}, no page fault.",
        ),
        "access/marked": (
            "The TLB had the translation, and 1 walk of {tables} marked the page as written.",
            "The TLB had the translations, and {count} walks of {tables} marked the pages as written.",
        ),
        "access/both": (
            "The TLB had {hits}; 1 walk of {tables} found the other, without a page fault.",
            "The TLB had {hits}; {count} walks of {tables} found the others, without a page fault.",
        ),
        "access/faults": (
            "It went through {tables} and took 1 page fault; pagers supplied {pages}.",
            "It went through {tables} and took {count} page faults; pagers supplied {pages}.",
        ),
        "access/faults/in memory": (
            "It went through {tables} and took 1 page fault; the page was in memory already.",
            "It went through {tables} and took {count} page faults; the pages were in memory already.",
        ),
        "access/faults/no copy": (
            "It took 1 page fault; no copy: only {task} maps this frame.",
            "It took {count} page faults; no copies: only {task} maps these frames.",
        ),
        "access/copied": (
            "It took 1 page fault: page {page} was copied because {object} is not the task's alone.",
            "It took {count} page faults; pages copied: {pages}, because {object} is not the task's alone.",
        ),
        "access/copied/from several": (
            "It took 1 page fault; pages copied: {pages}, from {objects}.",
            "It took {count} page faults; pages copied: {pages}, from {objects}.",
        ),
        "access/copied/one has it": (
            "It took 1 page fault: page {page} was copied because {task} has it too.",
            "It took {count} page faults; pages copied: {pages}, because {task} has them too.",
        ),
        "access/copied/more have it": (
            "It took 1 page fault: page {page} was copied because {task} and {others} have it too.",
            "It took {count} page faults; pages copied: {pages}, because {task} and {others} have them too.",
        ),
        "access/copied/frame": (
            "It took 1 page fault: page {page} was copied because its frame was not the task's alone.",
            "It took {count} page faults; pages copied: {pages}, because their frames were not the task's alone.",
        ),
        "access/out": ("1 page was evicted.", "{count} pages were evicted."),
        "access/time": "It took {time}.",
        "access/killed": (
            "It took 1 page fault: no frame was left, and task {task} was killed.",
            "It took {count} page faults: no frame was left, and task {task} was killed.",
        ),
        "protect": "protect set the protection of {size} at {address} to {rights}.",
        "protect/max": "protect limited {size} at {address} to {rights}.",
        "inherit/share": "A child task will share {size} at {address} (inherit=share).",
        "inherit/copy": "A child task will get a copy of {size} at {address} (inherit=copy).",
        "inherit/none": "A child task will not get {size} at {address} (inherit=none).",
        "advise": "advise marked {size} at {address} as {what}.",
        "wire": "wire wired {size} at {address}: its pages stay in memory.",
        "unwire": "unwire removed one wiring from {size} at {address}.",
        "simplify": (
            "simplify merged matching neighbours: 1 entry fewer.",
            "simplify merged matching neighbours: {count} entries fewer.",
        ),
        "simplify/nothing": "simplify found no neighbours to merge.",
        "submap": "submap turned {size} at {address} into the submap {map}.",
        "range": "Entries: {changed} changed, {cut} cut, {joined} merged.",
        "split": (
            "It split 1 large page into smaller ones.",
            "It split {count} large pages into smaller ones.",
        ),
        "superpages": ("superpages mapped 1 large page.", "superpages mapped {count} large pages."),
        "superpages/of": ("superpages mapped 1 page of {size}.", "superpages mapped {count} pages of {size}."),
        "promote": (
            "promote replaced small pages with 1 large one.",
            "promote replaced small pages with {count} large ones.",
        ),
        "boot": "The machine booted.",
        "boot/reason": "Step back to see how its maps were created.",
        "task": "task created {name}, with an empty address space.",
        "task/reason": "It shares the kernel's page tables.",
        "object": "object created {name}, which has no pages yet.",
        "device": "device created {name}, over {size} of device memory.",
        "reap": ("reap returned 1 empty slab.", "reap returned {count} empty slabs."),
        "reap/nothing": "reap found no empty slab to return.",
        "reap/reason": "Their pages are free again.",
        "set_controls": "set_controls changed the processor's control registers.",
    },
)

MAPS = ("map", "kmem")


# ---- entering, removing, looking up --------------------------------------------------------------


@headline_of("enter", "vm_map_enter", part=("map",))
def _enter(facts: Facts) -> Headline:
    resized = facts.at_map(ev.MapResized)  # of an entry that is replaced as well: it comes last
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


# ---- accesses ------------------------------------------------------------------------------------

_TABLES = {"machine": "the kernel's page tables", "cpu": "the page tables"}
"""What is walked, by the part that makes an access; a task and a domain have page tables of their own."""

ACCESSES = ("read", "write", "touch", "load", "store", "fetch")


@headline_of(*ACCESSES)
def _access(facts: Facts) -> Headline:
    facts = facts.of_the_cell()
    text, why = _accessed(facts)
    out, taken = len(facts.of(ev.PageOut)), facts.last(ev.TimeTaken)
    more = [say("access/out", out)] if out else []
    more += [say("access/time", time=duration(taken.nanoseconds))] if taken else []
    return Headline(text, " ".join((why, *more)))


def _accessed(facts: Facts) -> Headline:
    part, given, result = facts.operation.target.partition(":")[0], facts.given, facts.result
    written, got = given.get("data"), result
    fields = {
        "name": facts.name,
        "address": facts.where(),
        "space": facts.part if part != "machine" else "the kernel",
        "cpu": facts.target,
    }
    where = "/cpu" if part == "cpu" else ""
    if facts.name in ("write", "store"):
        text = say(f"write{where}", len(written) if isinstance(written, (bytes, bytearray)) else 1, **fields)
    elif facts.name == "touch":
        text = say("touch", access=visible(str(given.get("access", "read"))), **fields)
    else:
        text = say(f"read{where}", len(got) if isinstance(got, (bytes, bytearray)) else 1, **fields)
    tables = _TABLES.get(part) or f"the page tables of {facts.part}"
    faults = facts.of(ev.FaultRaised)
    if not faults:
        return Headline(text, _translated(facts, tables))
    copied, killed = facts.of(ev.PageCopied), facts.of(ev.OutOfMemory)
    if killed:
        return Headline(text, say("access/killed", len(faults), task=visible(killed[0].task)))
    if copied:
        last = copied[0]
        fields = {"page": f"{last.index:,}", "pages": f"{len(copied):,}", "object": visible(last.source)}
        first, *others = _who_else(copied, facts.target) or [""]
        fields |= {"task": visible(first), "others": counted(len(others), "other task")}
        why = "/more have it" if others else "/one has it" if first else ""
        sources = dict.fromkeys(visible(one.source) for one in copied)
        if not why and len(sources) > 1:
            fields["objects"] = " and ".join(sources) if len(sources) == 2 else counted(len(sources), "object")
            why = "/from several"
        elif not why and all(one.source == one.object for one in copied):
            why = "/frame"
        return Headline(text, say(f"access/copied{why}", len(faults), **fields))
    came = {(event.object, page) for event in facts.of(ev.PagesEntered) for page, _ in event.pages}
    asked = {(event.object, event.offset // PAGE) for event in facts.of(ev.PagerAsked) if event.outcome == "miss"}
    came -= {(event.object, event.index) for event in facts.of(ev.PageJoined)}
    pages = counted(len(came | asked), "page")  # with those that were read ahead
    alone = facts.of(ev.NoCopyNeeded)
    if len(alone) == len(faults):
        return Headline(text, say("access/faults/no copy", len(faults), task=visible(alone[0].task)))
    if not came and not asked:
        return Headline(text, say("access/faults/in memory", len(faults), tables=tables))
    return Headline(text, say("access/faults", len(faults), tables=tables, pages=pages))


def _translated(facts: Facts, tables: str) -> str:
    """What an access without a fault got its translations from: the TLB, the page tables, or both."""
    found = facts.of(ev.TlbHit)
    hits, marked = sum(event.outcome == "used" for event in found), sum(event.outcome == "clean" for event in found)
    walks = len(facts.of(ev.TlbMissed))
    if marked and not walks:
        return say("access/marked", marked, tables=tables)
    if (hits or marked) and walks:
        return say("access/both", walks, hits=counted(hits + marked, "translation"), tables=tables)
    return say("access/hit" if hits else "access/walked", hits or walks, tables=tables)


def _who_else(copied: Sequence[ev.PageCopied], target: str) -> list[str]:
    """The tasks that had all of these pages mapped, but `target`; none where that is not a task: it may be any of them.

    A page of a file is copied in a private mapping whoever has it.
    """
    if not target.startswith("task:") or any(one.source.startswith("file ") for one in copied):
        return []
    own = target.removeprefix("task:")
    return [name for name in copied[0].mapped if name != own and all(name in one.mapped for one in copied)]


# ---- ranges --------------------------------------------------------------------------------------

FUNCTIONS = {
    "protect": "vm_map_protect",
    "inherit": "vm_map_inherit",
    "advise": "vm_map_madvise",
    "wire": "vm_map_wire",
    "unwire": "vm_map_unwire",
    "simplify": "vm_map_simplify_entry",
    "submap": "vm_map_submap",
}
"""Operations on ranges and the kernel functions that they stand before."""


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
    if name == "submap":
        return say("submap", map=called(str(value)), **fields)
    return say(name, **fields)


def _simplified(facts: Facts) -> Headline:
    joined = len(facts.of(ev.EntryJoined))
    count = facts.result if isinstance(facts.result, int) else joined
    return Headline(say("simplify", count) if count else say("simplify/nothing"))


def _entries(facts: Facts) -> str:
    """How entries changed."""
    changed = {event.after[0] for event in facts.of(ev.EntryChanged)} | {
        event.entry for event in facts.of(ev.EntryWired)
    }
    cuts = sum(event.name.startswith("vm_map_clip_") for event in facts.of(ev.Called)) + len(facts.of(ev.EntryClipped))
    return say("range", changed=f"{len(changed):,}", cut=f"{cuts:,}", joined=f"{len(facts.of(ev.EntryJoined)):,}")


def split(facts: Facts) -> str:
    """How many large pages are mapped by smaller ones now, so that a part of each can change.

    A page of one descriptor gets a table, which is filled before the descriptor refers to it: words that held nothing
    are written, one level below, and then one that held something.  The words of a page that fills several are alike
    before, and each is another one after.
    """
    count, last = 0, None
    pieces: set[int] = set()  # words of smaller pages: one that is split further was counted already
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


@headline_of("superpages", "promote", part=("map",))
def _large(facts: Facts) -> Headline:
    count = facts.result if isinstance(facts.result, int) else 0
    if facts.name == "superpages" and facts.given.get("page"):
        return Headline(say("superpages/of", count, size=facts.size("page")))
    return Headline(say(facts.name, count))


# ---- the machine ---------------------------------------------------------------------------------


@headline_of("boot")
def _boot(facts: Facts) -> Headline:
    return Headline(say("boot"), say("boot/reason"))


@headline_of("task")
def _task(facts: Facts) -> Headline:
    return Headline(say("task", name=visible(str(facts.given.get("name", "")))), say("task/reason"))


@headline_of("object", "device")
def _object(facts: Facts) -> Headline:
    return Headline(say(facts.name, name=visible(str(facts.given.get("name", ""))), size=facts.size()))


@headline_of("reap")
def _reap(facts: Facts) -> Headline:
    slabs = facts.result if isinstance(facts.result, int) else 0
    return Headline(say("reap", slabs), say("reap/reason")) if slabs else Headline(say("reap/nothing"))


@headline_of("set_controls")
def _controls(facts: Facts) -> Headline:
    return Headline(say("set_controls"))
