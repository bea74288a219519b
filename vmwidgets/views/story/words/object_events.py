"""What happens to memory objects, to files and swap space, and to tasks, event by event."""

from __future__ import annotations

from vmwidgets import events as ev
from vmwidgets.engine.base.units import PAGE, binary_size
from vmwidgets.views.scene.text import visible

from .names import Names, address, exactly, frames
from .registry import InBox, says, sentences

say = sentences(
    "object events",
    {
        "ObjectMade": "There is a new memory object: {object}, {kind}.",
        "ObjectMade/shadow": "There is a new memory object: {object}, a shadow in front of {behind}.",
        "ObjectGone": "Memory object {object} is gone: {why}.",
        "ObjectGone/collapsed": "Memory object {object} is gone: the object in front of it now has its pages.",
        "ShadowMoved/collapsed": "{object} absorbs {before}, which nothing else referred to; {after} is now behind it.",
        "ShadowMoved/collapsed all": (
            "{object} absorbs {before}, which nothing else referred to; nothing is now behind it."
        ),
        "ShadowMoved/bypassed": (
            "{object}'s own pages hide all of {before}, which is bypassed: {after} is now behind {object}."
        ),
        "ShadowMoved/bypassed all": (
            "{object}'s own pages hide all of {before}, which is bypassed: nothing is now behind {object}."
        ),
        "PagesEntered": (
            "Page {page} is added to the pages of {object}: it is in frame {frame}.",
            "{count} pages are added to {object}, from page {page} on.",
        ),
        "PagesLeft": (
            "Page {page} is removed from the pages of {object}: it was in frame {frame}.",
            "{count} pages are removed from {object}, from page {page} on.",
        ),
        "ObjectSearched/on": "{object} does not have page {page}: the search continues in the object behind it.",
        "ObjectSearched/nowhere": "{object} does not have page {page}, and nothing is behind it.",
        "ObjectSearched/memory": "{object} has page {page} in memory.",
        "ObjectSearched/swap": "{object} has page {page} in swap space.",
        "ObjectSearched/file": "Page {page} is not in memory: the pager of {object}, the last of the chain, is asked.",
        "PageCopied": "Page {page} of {source} is copied into frame {frame}, which is page {page} of {object}.",
        "NoCopyNeeded": "No copy is made: only {task} maps frame {frame}.",
        "PageCopied/own": "Page {page} of {object} is copied into frame {frame}: its old frame is shared with others.",
        "PageKept": "Frame {frame} is not free: {object} has the page too.",
        "PageDirtied": "Page {page} of {object} is now dirty: it has to be written back.",
        "PageCleaned": "Page {page} of {object} was written back to its file.",
        "PageLost": "Page {page} of {object} was dirty: what was written there is lost.",
        "ReplacementChosen": "Pages are replaced by policy {after} from now on.",
        "RingMoved/in": "Frame {frame} is in the ring, at place {place}.",
        "RingMoved/again": "Frame {frame} is used again: it is in the ring, at place {place}.",
        "RingMoved/out": "Frame {frame} is no longer in the ring.",
        "RingMoved/evicted": "Page {page} of {task} is evicted: frame {frame} is no longer in the ring.",
        "RingMoved/evicted, mapped nowhere": (
            "The page in frame {frame}, which is mapped nowhere, is evicted: the frame is no longer in the ring."
        ),
        "RingMoved/behind": "Frame {frame} is moved to the last place in the ring.",
        "RingRenumbered": "The places in the ring are renumbered, with room for new pages; their order stays the same.",
        "PagesAged": (
            "The counter of frame {frame} shifts right once a tick; its reference bit enters at the left.",
            "The counters of {count} pages shift right once a tick; reference bits enter at the left.",
        ),
        "HandMoved": "The hand moves from place {before} to place {after}.",
        "HandLooked/used": (
            "The hand is at place {place}, page {page} of {task}: its reference bit was set, and is cleared."
        ),
        "HandLooked/unused": (
            "The hand is at place {place}, page {page} of {task}: its reference bit is clear, so this page is chosen."
        ),
        "HandLooked/unused, mapped nowhere": (
            "The hand is at place {place}: the page in frame {frame} is mapped nowhere, so this page is chosen."
        ),
        "HandLooked/kept": (
            "The hand is at place {place}: the page in frame {frame} can't be evicted now and is passed over."
        ),
        "ReferenceCleared": (
            "Frame {frame} has been used since the last check: its page stays and its reference bit is cleared."
        ),
        "PageOut/swap": "Page {page} of {object} is paged out to swap slot {slot}; frame {frame} is free.",
        "PageOut/file": "Page {page} of {object} has been written back and is evicted; frame {frame} is free.",
        "PageOut/nowhere": (
            "Page {page} of {object} is evicted. Its file already has the contents; frame {frame} is free."
        ),
        "PageOut/nowhere/swap": (
            "Page {page} of {object} is evicted. Swap space already has the contents; frame {frame} is free."
        ),
        "PageOut/nowhere/zeroes": (
            "Page {page} of {object} is evicted. It was never written, so it is zeroes; frame {frame} is free."
        ),
        "PageIn": "Page {page} of {object} is read from swap slot {slot}, which keeps the page until it is written.",
        "PageJoined": "Page {page} of {object}, in swap slot {slot}, is already in memory, in frame {frame}.",
        "SwapShared": (
            "Page {page} of {object} is in swap slot {slot}, which another object uses too.",
            "{count} pages of {object} are in swap slots that another object uses too.",
        ),
        "SwapLeft": (
            "Page {page} of {object} is no longer in swap slot {slot}, which another object keeps.",
            "{count} pages of {object} are no longer in their swap slots, which other objects keep.",
        ),
        "SwapFreed": (
            "Swap slot {slot}, which held page {page} of {object}, is free again.",
            "{count} swap slots, which held pages of {object}, are free again.",
        ),
        "SwapMoved": (
            "Page {page} of {before}, in swap space, now belongs to {object}.",
            "{count} pages of {before}, in swap space, now belong to {object}.",
        ),
        "SwapResized": "Swap space is now {size}.",
        "NothingToReclaim": "{why}.",
        "FileResized": "File {file} is now {size}; it was {before}.",
        "FileResized/new": "There is a new file: {file}, {size}.",
        "FileResized/gone": "File {file} is gone.",
        "TaskForked": "Task {child} is a child of {task}, with a copy of its address space.",
        "TaskExited": "Task {task} has ended: {why}.",
        "SignalSent": "Task {task} gets {signal} for its access to {address}.",
        "OutOfMemory": (
            "Out of memory: task {task} is killed because it has the most pages (1).",
            "Out of memory: task {task} is killed because it has the most pages ({count}).",
        ),
        "Injected": "Injected failure: request {count} at point {point} fails.",
    },
)

KINDS = {"anonymous": "with pages of zeroes", "file": "with the pages of a file", "device": "a device's memory"}
"""What objects without anything behind them have, by their kinds."""


# ---- objects and their pages -----------------------------------------------------------------------


@says(
    ev.ObjectMade,
    about="object",
    of="object",
    thing="object:{0.object}",
    box=InBox("object", lambda event, _: f"new: {visible(event.object)}"),
)
def _made(event: ev.ObjectMade, names: Names) -> str:
    kind, behind = event.fields
    fields = {"object": visible(event.object), "behind": visible(behind)}
    return say("ObjectMade/shadow" if behind else "ObjectMade", kind=KINDS.get(kind, kind), **fields)


@says(ev.ObjectGone, about="object", of="object")
def _gone(event: ev.ObjectGone, names: Names) -> str:
    name = "ObjectGone/collapsed" if event.why == "collapsed" else "ObjectGone"
    return say(name, object=visible(event.object), why=visible(event.why))


@says(
    ev.ShadowMoved,
    about="object",
    of="object",
    thing="object:{0.object}",
    box=InBox("object", lambda event, _: f"{visible(event.before[1])} {event.why}"),
)
def _moved(event: ev.ShadowMoved, names: Names) -> str:
    (_, before), (_, after) = event.before, event.after
    name = f"ShadowMoved/{event.why}{'' if after else ' all'}"
    return say(name, object=visible(event.object), before=visible(before), after=visible(after))


@says(ev.PagesEntered, ev.PagesLeft, about="object", of="object")
def _pages(event: ev.PagesEntered | ev.PagesLeft, names: Names) -> str:
    first, frame = event.pages[0]
    return say(event.tag, len(event.pages), object=visible(event.object), page=first, frame=frames(frame))


_FOUND = {"": "no", "nowhere": "no", "memory": "in memory", "swap": "in swap space", "file": "in the file"}


@says(
    ev.ObjectSearched,
    about="object",
    of="object",
    thing="object:{0.object}",
    box=InBox("object", lambda event, _: f"{visible(event.object)}: {_FOUND[event.found]}"),
)
def _searched(event: ev.ObjectSearched, names: Names) -> str:
    return say(f"ObjectSearched/{event.found or 'on'}", object=visible(event.object), page=event.index)


@says(
    ev.PageCopied,
    about="object",
    of="object",
    thing="frame:{0.frame}",
    weight={"map": 4},
    box=InBox("frame", lambda event, _: f"copy of {event.source_frame:#x}"),
)
def _copied(event: ev.PageCopied, names: Names) -> str:
    fields = {"object": visible(event.object), "source": visible(event.source)}
    name = "PageCopied/own" if event.source == event.object else "PageCopied"
    return say(name, page=event.index, frame=frames(event.frame), **fields)


@says(
    ev.NoCopyNeeded,
    about="object",
    of="object",
    thing="frame:{0.frame}",
    box=InBox("frame", lambda event, _: f"{event.frame:#x}, no copy"),
)
def _not_copied(event: ev.NoCopyNeeded, names: Names) -> str:
    return say("NoCopyNeeded", task=visible(event.task), frame=frames(event.frame))


@says(ev.PageKept, about="object", of="object")
def _kept(event: ev.PageKept, names: Names) -> str:
    return say("PageKept", frame=frames(event.frame), object=visible(event.object))


@says(
    ev.PageDirtied,
    about="object",
    of="object",
    thing="object:{0.object}",
    box=InBox("object", lambda event, _: "dirty from now on"),
)
@says(ev.PageCleaned, ev.PageLost, about="object", of="object")
def _written(event: ev.PageDirtied | ev.PageCleaned | ev.PageLost, names: Names) -> str:
    return say(event.tag, page=event.index, object=visible(event.object))


# ---- going out and coming back ---------------------------------------------------------------------


def _gone_to(event: ev.PageOut, names: Names) -> str:
    return f"{event.frame:#x} dropped" if event.to == "nowhere" else f"{event.frame:#x} out to {event.to}"


@says(
    ev.PageOut, about="object", of="object", thing="object:{0.object}", weight={"map": 4}, box=InBox("frame", _gone_to)
)
def _out(event: ev.PageOut, names: Names) -> str:
    fields = {"object": visible(event.object), "frame": frames(event.frame)}
    has = f"/{event.has}" if event.has in ("swap", "zeroes") else ""
    return say(f"PageOut/{event.to}{has}", page=event.index, slot=event.slot, **fields)


@says(
    ev.PageIn,
    about="object",
    of="object",
    thing="object:{0.object}",
    box=InBox("object", lambda event, _: f"read from slot {event.slot}"),
)
def _in(event: ev.PageIn, names: Names) -> str:
    return say("PageIn", page=event.index, slot=event.slot, object=visible(event.object))


@says(ev.ReplacementChosen, about="object")
def _chosen(event: ev.ReplacementChosen, names: Names) -> str:
    return say("ReplacementChosen", after=visible(event.after))


@says(ev.RingMoved, about="ring", of="ring")
def _ring(event: ev.RingMoved, names: Names) -> str:
    fields = {"frame": frames(event.frame), "place": event.after}
    if event.before < 0:
        return say("RingMoved/again" if event.frame in names.evicted else "RingMoved/in", **fields)
    if event.after >= 0:
        return say("RingMoved/behind", **fields)
    leaving = names.leaving
    if leaving is None or leaving.frame != event.frame:
        return say("RingMoved/out", **fields)
    return _with_page("RingMoved/evicted", leaving, **fields)


def _with_page(name: str, event: ev.PageLeaving | ev.HandLooked, **fields: object) -> str:
    """A sentence of a page, by the address at which a picture has it; or by its frame, where it is mapped nowhere."""
    name = name if event.task else f"{name}, mapped nowhere"
    return say(name, page=address(event.va), task=visible(event.task), **fields)


@says(ev.HandMoved, about="ring", of="ring")
def _hand(event: ev.HandMoved, names: Names) -> str:
    return say("HandMoved", before=event.before, after=event.after)


@says(ev.HandLooked, about="ring", of="ring")
def _looked(event: ev.HandLooked, names: Names) -> str:
    fields = {"place": event.after, "frame": frames(event.frame)}
    if event.found == "kept":
        return say("HandLooked/kept", **fields)
    return _with_page(f"HandLooked/{event.found}", event, **fields)


@says(ev.PagesAged, about="ring", of="ring")
def _aged(event: ev.PagesAged, names: Names) -> str:
    return say("PagesAged", len(event.notes), frame=frames(event.notes[0][0]))


@says(ev.RingRenumbered, about="ring", of="ring")
def _renumbered(event: ev.RingRenumbered, names: Names) -> str:
    return say("RingRenumbered")


@says(ev.ReferenceCleared, about="ring")
def _cleared(event: ev.ReferenceCleared, names: Names) -> str:
    return say("ReferenceCleared", frame=frames(event.frame))


@says(
    ev.PageJoined,
    about="object",
    of="object",
    thing="object:{0.object}",
    box=InBox("object", lambda event, _: f"in memory already: {event.frame:#x}"),
)
def _joined(event: ev.PageJoined, names: Names) -> str:
    fields = {"object": visible(event.object), "frame": frames(event.frame)}
    return say("PageJoined", page=event.index, slot=event.slot, **fields)


def _free(slots: int) -> str:
    return "a slot is free" if slots == 1 else f"{slots} slots are free"


@says(
    ev.SwapFreed,
    about="object",
    of="object",
    thing="object:{0.object}",
    box=InBox("object", lambda event, _: _free(len(event.slots))),
)
@says(ev.SwapShared, ev.SwapLeft, about="object", of="object")
def _slots(event: ev.SwapFreed | ev.SwapShared | ev.SwapLeft, names: Names) -> str:
    page, slot = event.slots[0]
    return say(event.tag, len(event.slots), page=page, slot=slot, object=visible(event.object))


@says(ev.SwapMoved, about="object", of="object")
def _swap_moved(event: ev.SwapMoved, names: Names) -> str:
    fields = {"before": visible(event.before), "object": visible(event.object)}
    return say("SwapMoved", len(event.slots), page=event.slots[0][0], **fields)


@says(ev.SwapResized, about="object")
def _swap(event: ev.SwapResized, names: Names) -> str:
    return say("SwapResized", size=binary_size(event.after * PAGE))


@says(ev.NothingToReclaim, about="object", box=InBox("frame", lambda event, _: "none is left"))
def _stuck(event: ev.NothingToReclaim, names: Names) -> str:
    return none_left(event)


def none_left(event: ev.NothingToReclaim) -> str:
    """Why there is no frame for a page of a task."""
    return say("NothingToReclaim", why=visible(event.why[:1].upper() + event.why[1:]))


@says(ev.FileResized, about="object", of="file")
def _file(event: ev.FileResized, names: Names) -> str:
    if event.before == event.after:
        return ""
    case = "gone" if event.after < 0 else "new" if event.before < 0 else ""
    sizes = {"before": exactly(max(0, event.before)), "size": exactly(max(0, event.after))}
    return say(f"FileResized/{case}" if case else "FileResized", file=visible(event.file), **sizes)


# ---- tasks -----------------------------------------------------------------------------------------


@says(ev.TaskForked, about="task", of="child")
def _forked(event: ev.TaskForked, names: Names) -> str:
    return say("TaskForked", task=visible(event.task), child=visible(event.child))


@says(ev.TaskExited, about="task", of="task")
def _exited(event: ev.TaskExited, names: Names) -> str:
    return say("TaskExited", task=visible(event.task), why=visible(event.why))


@says(ev.SignalSent, about="task", of="task")
def _signal(event: ev.SignalSent, names: Names) -> str:
    return say("SignalSent", task=visible(event.task), signal=event.signal, address=address(event.address))


@says(ev.OutOfMemory, about="task", of="task", box=InBox("frame", lambda event, _: f"{visible(event.task)} is killed"))
def _killed(event: ev.OutOfMemory, names: Names) -> str:
    return say("OutOfMemory", event.resident, task=visible(event.task))


@says(ev.Injected, about="machine", box=InBox("frame", lambda event, _: "refused on purpose"))
def _injected(event: ev.Injected, names: Names) -> str:
    return say("Injected", event.count, point=event.point)
