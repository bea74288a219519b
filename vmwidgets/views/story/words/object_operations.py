"""Headlines of a process's calls, of fork and its kin, of files and swap space, and of failures on purpose."""

from __future__ import annotations

from collections import Counter

from vmwidgets import events as ev
from vmwidgets.engine.base.protection import INHERITANCE, inheritance_of, parse_protection, protection_text
from vmwidgets.engine.base.units import PAGE, binary_size, counted, duration
from vmwidgets.views.scene.text import visible

from .headlines import Facts
from .map_operations import split
from .names import address, exactly
from .object_events import none_left
from .registry import Headline, headline_of, sentences
from .threads import waiting

say = sentences(
    "object operations",
    {
        "mmap": "mmap mapped {size} at {address} of {task}, {flags}.",
        "mmap/killed": "mmap mapped {size} at {address} of {task}, {flags}; no frame was left, and {task} was killed.",
        "mmap/new": "It maps {object}, a new object with no pages yet.",
        "mmap/short": (
            "It maps {object}, a new object: 1 page is in memory, and none is mapped, since no frame was left.",
            "It maps {object}, a new object: {count} pages are in memory, and none is mapped, since no frame was left.",
        ),
        "mmap/filled": (
            "It maps {object}; 1 page is already in the page tables.",
            "It maps {object}; {count} pages are already in the page tables.",
        ),
        "mmap/of": "It maps {object}; a page is brought in when it is first touched.",
        "mmap/private": "It maps {object}; a page is copied before it is first written.",
        "mmap/replaced": "It replaced {size} that had been mapped there.",
        "munmap": (
            "munmap unmapped {size} (1 entry) of {task}.",
            "munmap unmapped {size} ({count} entries) of {task}.",
        ),
        "munmap/nothing": "munmap found nothing mapped there.",
        "mprotect": "mprotect set the protection of {size} at {address} of {task} to {rights}.",
        "brk": "The heap of {task} ends at {address}.",
        "brk/grew": "It grew by {size}; a page is allocated when it is first touched.",
        "brk/shrank": (
            "It shrank by {size}, and 1 page is free again.",
            "It shrank by {size}, and {count} pages are free again.",
        ),
        "brk/shrank/swap": (
            "It shrank by {size}: 1 page is free again, and {slots} of swap space.",
            "It shrank by {size}: {count} pages are free again, and {slots} of swap space.",
        ),
        "brk/same": "No page was added or removed.",
        "msync": ("msync wrote 1 page back.", "msync wrote {count} pages back."),
        "madvise": "madvise marked {size} at {address} of {task} as {advice}.",
        "madvise/forgot": (
            "1 page was discarded; the next access to it brings in a fresh page.",
            "{count} pages were discarded; the next access to each brings in a fresh page.",
        ),
        "page_out": (
            "1 page was evicted: {swap} to swap space, {file} to files.",
            "{count} pages were evicted: {swap} to swap space, {file} to files.",
        ),
        "page_out/unwritten": (
            "1 page was evicted: {swap} to swap space, {file} to files, {nowhere} dropped.",
            "{count} pages were evicted: {swap} to swap space, {file} to files, {nowhere} dropped.",
        ),
        "page_out/nothing": "No page was evicted.",
        "page_out/reason": (
            "It is brought back when it is next touched.",
            "They are brought back when they are next touched.",
        ),
        "brk/shrank/only swap": (
            "It shrank by {size}: 1 slot of swap space is free again.",
            "It shrank by {size}: {count} slots of swap space are free again.",
        ),
        "limit": "{task} may use at most {size} ({name}).",
        "limit/none": "{task} no longer has a limit for {name}.",
        "limit/reason": "It keeps everything that it already uses.",
        "limit/rss": "Pages beyond that are evicted when it needs another frame.",
        "gone": ("1 page was evicted.", "{count} pages were evicted."),
        "left": ("1 page in memory was freed.", "{count} pages in memory were freed."),
        "fork": (
            "fork created {child} with 1 entry of {task}; no page was copied.",
            "fork created {child} with {count} entries of {task}; no page was copied.",
        ),
        "fork/made": "fork created {child} from {task}.",
        "fork/reason": "They share every page until one of them writes to it.",
        "fork/counted": ("Both map the same frames, read-only: a task that writes to a page gets a copy of it."),
        "fork/none": "It had no page of its own memory yet.",
        "fork/rest": ("Both map the frames of all other pages read-only: a task that writes to a page gets a copy."),
        "fork/shared": "They share their memory: what one writes, the other reads.",
        "fork/both": (
            "They share 1 entry; in all other entries, a page is copied when one of them writes to it.",
            "They share {count} entries; in all other entries, a page is copied when one of them writes to it.",
        ),
        "fork/copied": (
            "fork created {child} with 1 entry of {task}.",
            "fork created {child} with {count} entries of {task}.",
        ),
        "fork/pages": (
            "1 page was copied immediately: it is shared in its object, or wired.",
            "{count} pages were copied immediately: they are shared in their object, or wired.",
        ),
        "fork/pages/eager": (
            "1 page was copied immediately, so a later write to it needs no copy.",
            "{count} pages were copied immediately, so a later write to them needs no copy.",
        ),
        "exec": "exec left {task} with nothing mapped.",
        "exit": "exit ended {task}.",
        "freed": ("1 page is free again.", "{count} pages are free again."),
        "freed/swap": (
            "1 page is free again, and {slots} of swap space.",
            "{count} pages are free again, and {slots} of swap space.",
        ),
        "freed/only swap": ("1 slot of swap space is free again.", "{count} slots of swap space are free again."),
        "freed/nothing": "It had no page that only it used.",
        "file": "There is a file {file} of {size}.",
        "file/reason": "Its pages are brought into memory when they are used.",
        "pager": "There is a memory object {name} of {size}, whose pages a function supplies.",
        "file read": ("read returned 1 byte of {file}.", "read returned {count} bytes of {file}."),
        "file write": ("write stored 1 byte in {file}.", "write stored {count} bytes in {file}."),
        "file/pages": "{hits} already in memory, {misses} read in.",
        "sync": ("sync wrote 1 page of {file} back.", "sync wrote {count} pages of {file} back."),
        "truncate": "truncate changed the size of {file} from {before} to {size}.",
        "truncate/reason": "Mappings remain: an access to the part that was cut off gets SIGBUS.",
        "vanish": "The disk of {file} is gone.",
        "vanish/reason": "Mappings of it remain: using them raises SIGBUS.",
        "swap_on": "Swap space is {size}.",
        "swap_on/reason": "Pages of tasks can be paged out to it when memory runs short.",
        "set_replacement": "Pages are replaced by {policy} from now on.",
        "set_replacement/local": "A task that needs a frame gives up one of its own.",
        "set_replacement/all": "A task that needs a frame may take one from any other task.",
        "set_costs": "From now on, operations report how long their accesses took.",
        "set_costs/reason": "A reference to memory takes {memory}, a minor fault {minor}, a major fault {major}.",
        "forget_costs": "Operations no longer report times.",
        "replace_by": "From now on, a function chooses which page to evict.",
        "replace_by/reason": "The function receives the pages that can be evicted.",
        "read_ahead": (
            "1 page of a file is read in after each one that is asked for.",
            "{count} pages of a file are read in after each one that is asked for.",
        ),
        "kill_when_out_of_memory": "From now on, the task with the most pages is killed when memory runs out.",
        "kill_when_out_of_memory/no": "From now on, a fault ends with NOMEM when memory runs out.",
        "inject": "One request in {every} at point {point} fails from now on.",
        "inject/all": "Each request at point {point} fails from now on.",
        "stop": ("Requests succeed again; 1 has failed.", "Requests succeed again; {count} have failed."),
        "signal": "Task {task} got {signal}.",
        "killed": "Task {task} was killed: memory ran out.",
    },
)


def _file_of(facts: Facts) -> str:
    """The name of the file that was called."""
    return facts.target.removeprefix("file:")


def _at(facts: Facts, name: str = "start") -> dict[str, str]:
    """Where a call was made, how large the range is, and of which task."""
    return {"address": facts.where(name), "size": facts.size(), "task": facts.part}


# ---- a process's calls -----------------------------------------------------------------------------


@headline_of("mmap")
def _mmap(facts: Facts) -> Headline:
    called = facts.called("vm_mmap")
    size = binary_size(called.arguments[1]) if called is not None else facts.size()
    flags = visible(", ".join(str(facts.given.get("flags", "private")).replace("|", " ").split()))
    fields = {"address": visible(address(facts.result)), "size": size, "task": facts.part, "flags": flags}
    killed = [event.task for event in facts.of(ev.OutOfMemory)]
    if facts.own_name in killed:  # by one of its own page faults, for `populate`
        return Headline(say("mmap/killed", **fields))
    others = [say("killed", task=visible(task)) for task in killed]
    return Headline(say("mmap", **fields), " ".join(filter(None, (_mapped(facts), _replaced(facts), *others))))


def _replaced(facts: Facts) -> str:
    """How much of what the task had there is unmapped now: `fixed` replaces it."""
    size = sum(event.size for event in facts.of_task(ev.RangeRemoved))
    return say("mmap/replaced", size=binary_size(size)) if size else ""


def _mapped(facts: Facts) -> str:
    """Which object a new range is of, and how much of it is there already."""
    linked = facts.last(ev.EntryLinked, map=f"{facts.operation.target}/map")
    target = visible(str(linked.entry[3])) if linked else ""
    came = facts.mapped_by_faults()  # one for each page of `populate`
    if came:
        return say("mmap/filled", came, object=target)
    if not target or any(event.object == target for event in facts.of(ev.ObjectMade)):
        got = _pages_of(facts, target)  # for `populate`, which had no frame left for a page table
        words = say("mmap/short", got, object=target) if got else say("mmap/new", object=target)
        return words if target else ""
    copies = any(event.why.startswith("is to be copied") for event in facts.of_task(ev.EntryChanged))
    return say("mmap/private" if copies else "mmap/of", object=target)


def _pages_of(facts: Facts, target: str) -> int:
    """How many pages came into an object that is new, and stayed."""
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
    """How many pages were freed, if any were."""
    count = len(_pages_that_left(facts)) - len(facts.of(ev.PageKept))
    return say("left", count) if count else ""


def _pages_that_left(facts: Facts) -> set[tuple[str, int]]:
    """The objects and numbers of pages that left memory: not those that another object took in, in their frames."""
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
    """How many frames and slots of swap space the pages of objects gave back, but for those that were paged out."""
    frames, slots = _freed(facts)
    if slots and not frames:
        return say(f"{name}/only swap", slots, **fields)
    return say(f"{name}/swap" if slots else name, frames, slots=counted(slots, "slot"), **fields)


def _freed(facts: Facts) -> tuple[int, int]:
    """How many frames and slots of swap space are free of pages that are gone."""
    frames = sum(1 << event.order for event in facts.of(ev.PageFreed) if event.owner.startswith("object "))
    return frames - len(facts.of(ev.PageOut)), sum(len(event.slots) for event in facts.of(ev.SwapFreed))


@headline_of("msync")
def _msync(facts: Facts) -> Headline:
    return Headline(say("msync", facts.result if isinstance(facts.result, int) else 0))


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


@headline_of("limit")
def _limit(facts: Facts) -> Headline:
    most, name = facts.given.get("most"), visible(str(facts.given.get("name", "")))
    if most is None:
        return Headline(say("limit/none", task=facts.part, name=name), say("limit/reason"))
    reason = say("limit/rss" if name == "rss" else "limit/reason")
    return Headline(say("limit", task=facts.part, name=name, size=facts.size("most")), reason)


# ---- life ------------------------------------------------------------------------------------------


def _has_own(facts: Facts) -> bool:
    """Whether pages are in frames, or in slots of swap space, that a fork found them in and gave the child too."""
    made = {event.object for event in facts.of(ev.ObjectMade)}  # into others a page came back, to be copied
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
    came = {page for event in facts.of(ev.PagesEntered) for page, _ in event.pages}  # with those read ahead
    asked = {event.offset // PAGE for event in facts.of(ev.PagerAsked)}
    pages = {"hits": counted(len(asked - came), "page"), "misses": counted(len(came), "page")}
    return Headline(say(f"file {facts.name}", count, file=_file_of(facts)), say("file/pages", **pages) if asked else "")


@headline_of("sync", part=("file",))
def _sync(facts: Facts) -> Headline:
    return Headline(say("sync", facts.result if isinstance(facts.result, int) else 0, file=_file_of(facts)))


@headline_of("truncate", part=("file",))
def _truncate(facts: Facts) -> Headline:
    resized = facts.last(ev.FileResized, file=facts.own_name)
    before, after = (resized.before, resized.after) if resized else (facts.given.get("size"),) * 2
    cut = resized is not None and resized.after < resized.before
    text = say("truncate", file=_file_of(facts), size=exactly(after), before=exactly(before))
    return Headline(text, say("truncate/reason") if cut else "")


@headline_of("vanish", part=("file",))
def _vanish(facts: Facts) -> Headline:
    return Headline(say("vanish", file=_file_of(facts)), say("vanish/reason"))


@headline_of("swap_on")
def _swap_on(facts: Facts) -> Headline:
    size = facts.size()
    return Headline(say("swap_on", size=size), "" if size == binary_size(0) else say("swap_on/reason"))


@headline_of("set_replacement")
def _replacement(facts: Facts) -> Headline:
    policy, local = facts.given.get("policy"), facts.given.get("local", False)
    reason = say("set_replacement/local" if local or policy == "working set" else "set_replacement/all")
    return Headline(say("set_replacement", policy=visible(str(policy))), reason)


@headline_of("set_costs")
def _costs(facts: Facts) -> Headline:
    given = {name: duration(float(str(facts.given.get(name, 0)))) for name in ("memory", "minor", "major")}
    return Headline(say("set_costs"), say("set_costs/reason", **given))


@headline_of("forget_costs")
def _no_costs(facts: Facts) -> Headline:
    return Headline(say("forget_costs"))


@headline_of("replace_by")
def _replace_by(facts: Facts) -> Headline:
    return Headline(say("replace_by"), say("replace_by/reason"))


@headline_of("read_ahead")
def _read_ahead(facts: Facts) -> Headline:
    count = facts.given.get("pages")
    return Headline(say("read_ahead", count if isinstance(count, int) else 0))


# ---- failures --------------------------------------------------------------------------------------


@headline_of("kill_when_out_of_memory")
def _kills(facts: Facts) -> Headline:
    kills = facts.given.get("kills", True)
    return Headline(say("kill_when_out_of_memory" if kills else "kill_when_out_of_memory/no"))


@headline_of("inject")
def _inject(facts: Facts) -> Headline:
    every = facts.given.get("every", 1)
    point = visible(str(facts.given.get("point", "")))
    return Headline(say("inject/all" if every == 1 else "inject", every=visible(str(every)), point=point))


@headline_of("stop", part=("injection",))
def _stop(facts: Facts) -> Headline:
    return Headline(say("stop", facts.result if isinstance(facts.result, int) else 0))


@headline_of("failed", part=("task", "file"))
def _failed(facts: Facts) -> Headline:
    """What an access that failed had come to."""
    sent, stuck = facts.last(ev.SignalSent, task=facts.own_name), facts.last(ev.NothingToReclaim)
    if sent:
        return Headline("", say("signal", task=visible(sent.task), signal=sent.signal))
    killed = [say("killed", task=visible(event.task)) for event in facts.of(ev.OutOfMemory)]
    if killed:
        return Headline("", " ".join(killed))
    is_new = stuck is not None and stuck.why not in facts.operation.said
    return Headline("", none_left(stuck) if stuck and is_new else waiting(facts.events))
