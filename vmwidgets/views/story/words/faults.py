"""The functions that `faults.say` needs: the findings of an access, and the reasons for copied pages."""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets import events as ev
from vmwidgets.engine.base.protection import NEEDS_COPY
from vmwidgets.engine.base.units import PAGE, counted, duration
from vmwidgets.views.scene.text import visible

from .headlines import Facts
from .names import Names
from .registry import Headline, Sentences, fact, headline_of

say = Sentences("map operations")


@fact(ev.PagerAsked)
def _where(event: ev.PagerAsked, _: Names) -> str:
    return f"{event.object}+{event.offset:#x}"


_TABLES = {"machine": "the kernel's page tables", "cpu": "the page tables"}
"""The tables that are walked, by the part that makes an access; tasks and domains have page tables of their own."""

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
        "address": facts.where(),
        "who": facts.part if part != "machine" else "The kernel",
        "cpu": facts.target,
        "did": "fetched" if facts.name == "fetch" else "loaded",
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
        first, *others = _who_else(copied, facts) or [""]
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
    pages = counted(len(came | asked), "page")  # including pages that were read ahead
    alone = facts.of(ev.NoCopyNeeded)
    if len(alone) == len(faults):
        objects = {one.object for one in alone}
        if len(objects) == 1 and any(map(kept_object, facts.of(ev.EntryChanged))):
            return Headline(text, say("access/faults/no reference", len(faults), object=visible(alone[0].object)))
        return Headline(text, say("access/faults/no copy", len(faults), task=visible(alone[0].task)))
    if not came and not asked:
        return Headline(text, say("access/faults/in memory", len(faults), tables=tables))
    return Headline(text, say("access/faults", len(faults), tables=tables, pages=pages))


def kept_object(event: ev.Event) -> bool:
    """Return whether an entry needs no copy any more and kept its object: X15's `vm_object_shadow` made no shadow."""
    if not isinstance(event, ev.EntryChanged):
        return False
    (_, _, _, before, _, was, *_), (_, _, _, after, _, now, *_) = event.before, event.after
    return before == after and bool(was & ~now & NEEDS_COPY)


def _translated(facts: Facts, tables: str) -> str:
    """Return where an access without a fault got its translations: the TLB, the page tables, or both."""
    found = facts.of(ev.TlbHit)
    hits, marked = sum(event.outcome == "used" for event in found), sum(event.outcome == "clean" for event in found)
    walks = len(facts.of(ev.TlbMissed))
    if marked and not walks:
        return say("access/marked", marked, tables=tables)
    if (hits or marked) and walks:
        return say("access/both", walks, hits=counted(hits + marked, "translation"), tables=tables)
    return say("access/hit" if hits else "access/walked", hits or walks, tables=tables)


def _who_else(copied: Sequence[ev.PageCopied], facts: Facts) -> list[str]:
    """Return the tasks other than the called one that mapped all of the copied pages; none if no task was called.

    There are also none for pages of a file, which a private mapping copies in any case.
    """
    if not facts.target.startswith("task:") or any(one.source.startswith("file ") for one in copied):
        return []
    mapped = copied[0].mapped
    return [name for name in mapped if name != facts.own_name and all(name in one.mapped for one in copied)]
