"""Processors and their TLBs: what happens in them, and headlines of operations on them and on descriptors."""

from __future__ import annotations

from vmwidgets import events as ev
from vmwidgets.engine.base.units import PAGE, counted, duration
from vmwidgets.engine.spaces.processors_schema import FlushRequest
from vmwidgets.views.scene.text import visible

from .headlines import Facts
from .names import Names, address, span
from .registry import Headline, headline_of, says, sentences

say = sentences(
    "cpus",
    {
        "SpaceLoaded": "{cpu} loads the page tables of {space}.",
        "AsidRollover": (
            "No ASID is free: every TLB is flushed, and 1 ASID can be used again.",
            "No ASID is free: every TLB is flushed, and {count} ASIDs can be used again.",
        ),
        "TlbHit/used": "{cpu} finds {address} in its TLB.",
        "TlbHit/forbidden": "{cpu} finds {address} in its TLB; the permissions cached there forbid the access.",
        "TlbHit/clean": (
            "{cpu} finds {address} in its TLB, not yet dirty: the write must set the dirty bit in the tables first."
        ),
        "TimeTaken": (
            "1 access took {time}: {hits}, {walks} by page walks, {minor} and {major}.",
            "{count} accesses took {time}: {hits}, {walks} by page walks, {minor} and {major}.",
        ),
        "PageMarked/referenced": "The reference bit of {address} is set in the page tables.",
        "PageMarked/dirty": "The dirty bit of {address} is set in the page tables.",
        "PageMarked/both": "The reference bit and the dirty bit of {address} are set in the page tables.",
        "TlbMissed": "{cpu} does not find {address} in its TLB and walks the page tables.",
        "TlbFilled": "{cpu} caches the translation of {address} in its TLB.",
        "TlbFilled/evicted": "{cpu} caches the translation of {address} in its TLB and evicts that of {evicted}.",
        "TlbFlushed/range": (
            "{cpu} drops 1 translation of {range}.",
            "{cpu} drops {count} translations of {range}.",
        ),
        "TlbFlushed/fault": (
            "{cpu} drops its translation of {address}: the access faulted.",
            "{cpu} drops its {count} translations of {address}: the access faulted.",
        ),
        "TlbFlushed/space": (
            "{cpu} drops 1 translation of address space {asid}.",
            "{cpu} drops {count} translations of address space {asid}.",
        ),
        "TlbFlushed/all": (
            "{cpu} drops the 1 translation that is not global.",
            "{cpu} drops all {count} translations that are not global.",
        ),
        "TlbFlushed/all and global": (
            "{cpu} drops the 1 translation of its TLB.",
            "{cpu} drops all {count} translations of its TLB.",
        ),
        "ShootdownSent": "{sender} asks {cpu} to drop {what}.",
        "ShootdownAcknowledged": "{cpu} has dropped {what} and acknowledges it.",
        "ShootdownForgotten": "{sender} does not ask {cpu} to drop {what}: its TLB may now be stale.",
        "ShootdownChosen": "Shootdowns are {after} from now on.",
        "cpu run": "{cpu} now runs {space}.",
        "cpu run/same": "{cpu} already runs {space}.",
        "flush": (
            "flush dropped 1 translation from {cpu}'s TLB.",
            "flush dropped {count} translations from {cpu}'s TLB.",
        ),
        "flush/none": "flush found no translation in {cpu} to drop.",
        "acknowledge": ("{cpu} acknowledged 1 shootdown.", "{cpu} acknowledged {count} shootdowns."),
        "acknowledge/none": "{cpu} had no shootdown to acknowledge.",
        "set_shootdown": "Shootdowns are {mode} from now on.",
        "set_descriptor": "set_descriptor changed the descriptor at {address} from {before} to {after}.",
        "set_descriptor/same": "set_descriptor left the descriptor at {address} as it was, {after}.",
        "set_descriptor/reason": "No TLB was flushed.",
        "undo_descriptor": "undo_descriptor undid the edit of the descriptor at {address}.",
    },
)


@says(ev.SpaceLoaded, about="cpu", of="cpu")
def _loaded(event: ev.SpaceLoaded, names: Names) -> str:
    return say("SpaceLoaded", cpu=event.cpu, space=visible(event.space))


@says(ev.AsidRollover, about="cpu")
def _rolled_over(event: ev.AsidRollover, names: Names) -> str:
    return say("AsidRollover", len(event.freed))


@says(ev.TlbHit, about="cpu", of="cpu")
def _hit(event: ev.TlbHit, names: Names) -> str:
    return say(f"TlbHit/{event.outcome}", cpu=event.cpu, address=address(event.va))


@says(ev.PageMarked, about="ring")
def _marked(event: ev.PageMarked, names: Names) -> str:
    which = "both" if event.referenced and event.dirty else "dirty" if event.dirty else "referenced"
    return say(f"PageMarked/{which}", address=address(event.va & -PAGE))


@says(ev.TimeTaken, about="cpu")
def _time(event: ev.TimeTaken, names: Names) -> str:
    fields = {
        "time": duration(event.nanoseconds),
        "hits": counted(event.tlb_hits, "TLB hit"),
        "walks": counted(event.walk_references, "memory reference"),
        "minor": counted(event.minor, "minor fault"),
        "major": counted(event.major, "major fault"),
    }
    return say("TimeTaken", event.accesses, **fields)


@says(ev.TlbMissed, about="cpu", of="cpu")
def _missed(event: ev.TlbMissed, names: Names) -> str:
    return say("TlbMissed", cpu=event.cpu, address=address(event.va))


@says(ev.TlbFilled, about="cpu", of="cpu")
def _filled(event: ev.TlbFilled, names: Names) -> str:
    evicted = event.evicted
    other = evicted is not None and evicted.page != event.entry.page
    name = "TlbFilled/evicted" if other else "TlbFilled"
    return say(name, cpu=event.cpu, address=address(event.entry.va), evicted=address(evicted.va if evicted else 0))


@says(ev.TlbFlushed, about="cpu", of="cpu")
def _flushed(event: ev.TlbFlushed, names: Names) -> str:
    if not event.dropped:
        return ""
    fields = {"range": span(event.start, event.end), "address": address(event.start), "asid": event.asid}
    return say(f"TlbFlushed/{event.scope}", len(event.dropped), cpu=event.cpu, **fields)


@says(ev.ShootdownSent, ev.ShootdownAcknowledged, ev.ShootdownForgotten, about="cpu", of="cpu")
def _shootdown(event: ev.ShootdownSent | ev.ShootdownAcknowledged | ev.ShootdownForgotten, names: Names) -> str:
    return say(event.tag, cpu=event.cpu, sender=event.request.sender, what=flush_in_words(event.request))


@says(ev.ShootdownChosen, about="cpu")
def _chosen(event: ev.ShootdownChosen, names: Names) -> str:
    return say("ShootdownChosen", after=event.after)


def flush_in_words(request: FlushRequest) -> str:
    """What is to be dropped: "2 pages at 0x1000 of init"."""
    return f"{what_of(request)} of {visible(request.space)}"


def what_of(request: FlushRequest) -> str:
    """The same without whose it is."""
    return f"{counted(request.pages, 'page')} at {address(request.start)}" if request.pages else "all"


# ---- operations ----------------------------------------------------------------------------------


@headline_of("run", part=("cpu",))
def _run(facts: Facts) -> Headline:
    loaded = facts.last(ev.SpaceLoaded, cpu=facts.operation.target)
    space = loaded.space if loaded else str(facts.given.get("task") or "kernel").removeprefix("task:")
    return Headline(say("cpu run" if loaded else "cpu run/same", cpu=facts.target, space=visible(space)))


@headline_of("flush", "acknowledge", part=("cpu",))
def _flush(facts: Facts) -> Headline:
    count = facts.result if isinstance(facts.result, int) else 0
    return Headline(say(facts.name if count else f"{facts.name}/none", count, cpu=facts.target))


@headline_of("set_shootdown")
def _shootdowns_chosen(facts: Facts) -> Headline:
    return Headline(say("set_shootdown", mode=visible(str(facts.given.get("shootdown", "")))))


@headline_of("set_descriptor")
def _edited(facts: Facts) -> Headline:
    before, after = facts.result, facts.given.get("value", 0)
    name = "set_descriptor/same" if before == after else "set_descriptor"
    fields = {"before": _word(before), "after": _word(after)}
    return Headline(say(name, address=facts.where("pa"), **fields), say("set_descriptor/reason"))


@headline_of("undo_descriptor")
def _undone(facts: Facts) -> Headline:
    return Headline(say("undo_descriptor", address=visible(address(facts.result))), say("set_descriptor/reason"))


def _word(value: object) -> str:
    return f"{value:#x}" if isinstance(value, int) else visible(str(value))
