"""Headlines of a process's calls, of fork and its kin, of files and swap space, and of failures on purpose."""

from __future__ import annotations

from vmwidgets.engine.base import events as ev
from vmwidgets.engine.base.protection import protection_text
from vmwidgets.engine.base.units import Size, binary_size, counted, duration
from vmwidgets.views.scene.text import visible

from .headlines import Facts
from .names import address
from .object_events import none_left
from .registry import Headline, headline_of, sentences
from .threads import waiting

say = sentences(
    "object operations",
    {
        "mmap": "mmap mapped {size} at {address} of {task}, {flags}.",
        "mmap/new": "It is of {object}, which is new and has no page yet.",
        "mmap/filled": (
            "It is of {object}, and its 1 page came at once.",
            "It is of {object}, and {count} pages came at once.",
        ),
        "mmap/of": "It is of {object}: its pages come when they are touched.",
        "mmap/private": "It is of {object}: a page is copied before it is written for the first time.",
        "munmap": (
            "munmap freed {size} (1 entry) of {task}.",
            "munmap freed {size} ({count} entries) of {task}.",
        ),
        "munmap/nothing": "munmap found nothing mapped there.",
        "mprotect": "mprotect gives {size} at {address} of {task} the rights {rights}.",
        "brk": "The heap of {task} ends at {address}.",
        "brk/grew": "It grew by {size}: its pages come when they are touched.",
        "brk/shrank": "It shrank by {size}: the pages there are free again.",
        "brk/same": "No page came, and none left.",
        "msync": ("msync wrote 1 page back.", "msync wrote {count} pages back."),
        "madvise": "madvise says of {size} at {address} of {task}: {advice}.",
        "madvise/forgot": (
            "1 page was forgotten: it begins again when it is touched.",
            "{count} pages were forgotten: they begin again when they are touched.",
        ),
        "page_out": (
            "1 page left memory: {swap} for swap space, {file} for files.",
            "{count} pages left memory: {swap} for swap space, {file} for files.",
        ),
        "page_out/nothing": "No page left memory.",
        "page_out/reason": ("It comes back when it is touched.", "They come back when they are touched."),
        "limit": "{task} may have at most {size} ({name}).",
        "limit/none": "{task} has no limit for {name} any more.",
        "limit/reason": "What it has already stays.",
        "gone": ("1 page left memory.", "{count} pages left memory."),
        "fork": (
            "fork made {child} with 1 entry of {task}: no page was copied.",
            "fork made {child} with {count} entries of {task}: no page was copied.",
        ),
        "fork/reason": "Both have the same pages, until one of them writes.",
        "fork/copied": (
            "fork made {child} with 1 entry of {task}.",
            "fork made {child} with {count} entries of {task}.",
        ),
        "fork/pages": (
            "1 page was copied at once: it is shared in its object, or wired.",
            "{count} pages were copied at once: they are shared in their object, or wired.",
        ),
        "exec": "exec left {task} with nothing mapped.",
        "exit": "exit ended {task}.",
        "freed": ("1 page is free again.", "{count} pages are free again."),
        "freed/nothing": "It had no page that only it used.",
        "file": "There is a file {file} of {size}.",
        "file/reason": "Its pages come into memory when they are used.",
        "pager": "There is a memory object {name} of {size}, whose pages a function gives.",
        "file/same": "The file {file} was there already.",
        "file read": ("read got 1 byte of {file}.", "read got {count} bytes of {file}."),
        "file write": ("write put 1 byte into {file}.", "write put {count} bytes into {file}."),
        "file/pages": "{hits} of it in memory already, {misses} read in.",
        "sync": ("sync wrote 1 page of {file} back.", "sync wrote {count} pages of {file} back."),
        "truncate": "truncate made the size of {file} {size}, after {before}.",
        "truncate/reason": "Mappings stay: a use of what was cut off is a SIGBUS.",
        "vanish": "The disk of {file} is gone.",
        "vanish/reason": "Mappings of it stay: their use is a SIGBUS.",
        "swap_on": "There are {size} of swap space.",
        "swap_on/reason": "Pages of tasks can go there when memory runs short.",
        "set_replacement": "Pages are replaced by {policy} from now on.",
        "set_replacement/local": "A task that needs a frame gives one of its own.",
        "set_replacement/all": "A task that needs a frame may take that of any other.",
        "set_costs": "Operations say from now on how long their accesses took.",
        "set_costs/reason": "A reference to memory takes {memory}, a minor fault {minor}, a major one {major}.",
        "forget_costs": "Operations say no times from now on.",
        "replace_by": "Which page goes is what a function says from now on.",
        "replace_by/reason": "It is given those that may go.",
        "read_ahead": (
            "1 page of a file is read in behind each one that is asked for.",
            "{count} pages of a file are read in behind each one that is asked for.",
        ),
        "kill_when_out_of_memory": "When memory runs out, the task with most pages is killed from now on.",
        "kill_when_out_of_memory/no": "When memory runs out, a fault ends with NOMEM from now on.",
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
    return {"address": facts.where(name), "size": facts.size(), "task": facts.target}


# ---- a process's calls -----------------------------------------------------------------------------


@headline_of("mmap")
def _mmap(facts: Facts) -> Headline:
    called = facts.called("vm_mmap")
    size = binary_size(called.arguments[1]) if called is not None else facts.size()
    flags = visible(", ".join(str(facts.given.get("flags", "private")).replace("|", " ").split()))
    text = say("mmap", address=visible(address(facts.result)), size=size, task=facts.target, flags=flags)
    entries = [event.entry for event in facts.of(ev.EntryLinked)]
    target = visible(str(entries[-1][3])) if entries else ""
    came = sum(event.outcome == "miss" for event in facts.of(ev.PagerAsked))
    if came:
        return Headline(text, say("mmap/filled", came, object=target))
    if not target or facts.of(ev.ObjectMade):
        return Headline(text, say("mmap/new", object=target) if target else "")
    copies = any(event.why.startswith("is to be copied") for event in facts.of(ev.EntryChanged))
    return Headline(text, say("mmap/private" if copies else "mmap/of", object=target))


@headline_of("munmap")
def _munmap(facts: Facts) -> Headline:
    done = next(iter(reversed(facts.of(ev.RangeRemoved))), None)
    if done is None or not done.entries:
        return Headline(say("munmap/nothing"))
    return Headline(say("munmap", done.entries, size=binary_size(done.size), task=facts.target), _left(facts))


def _left(facts: Facts) -> str:
    """How many pages left memory, if any did."""
    count = sum(len(event.pages) for event in facts.of(ev.PagesLeft))
    return say("gone", count) if count else ""


@headline_of("mprotect")
def _mprotect(facts: Facts) -> Headline:
    given = facts.given.get("prot", "")
    rights = protection_text(given) if isinstance(given, int) else visible(str(given))
    return Headline(say("mprotect", rights=rights, **_at(facts)))


@headline_of("brk")
def _brk(facts: Facts) -> Headline:
    text = say("brk", task=facts.target, address=visible(address(facts.result)))
    moved = sum(event.after - event.before for event in facts.of(ev.MapResized))
    how = "grew" if moved > 0 else "shrank" if moved < 0 else "same"
    return Headline(text, say(f"brk/{how}", size=binary_size(abs(moved))))


@headline_of("msync")
def _msync(facts: Facts) -> Headline:
    return Headline(say("msync", facts.result if isinstance(facts.result, int) else 0))


@headline_of("madvise")
def _madvise(facts: Facts) -> Headline:
    text = say("madvise", advice=visible(str(facts.given.get("advice", ""))), **_at(facts))
    forgotten = sum(len(event.pages) for event in facts.of(ev.PagesLeft))
    return Headline(text, say("madvise/forgot", forgotten) if forgotten else "")


@headline_of("page_out")
def _page_out(facts: Facts) -> Headline:
    out = facts.of(ev.PageOut)
    if not out:
        return Headline(say("page_out/nothing"))
    swap = sum(event.to == "swap" for event in out)
    return Headline(say("page_out", len(out), swap=swap, file=len(out) - swap), say("page_out/reason", len(out)))


@headline_of("limit")
def _limit(facts: Facts) -> Headline:
    most, name = facts.given.get("most"), visible(str(facts.given.get("name", "")))
    if most is None:
        return Headline(say("limit/none", task=facts.target, name=name), say("limit/reason"))
    return Headline(say("limit", task=facts.target, name=name, size=facts.size("most")), say("limit/reason"))


# ---- life ------------------------------------------------------------------------------------------


@headline_of("fork")
def _fork(facts: Facts) -> Headline:
    forked, copied = facts.of(ev.TaskForked), len(facts.of(ev.PageCopied))
    tasks = {"child": visible(forked[-1].child) if forked else "a child", "task": facts.target.partition(":")[2]}
    entries = sum(event.map.startswith("task:") for event in facts.of(ev.EntryLinked))
    if copied:
        return Headline(say("fork/copied", entries, **tasks), say("fork/pages", copied))
    return Headline(say("fork", entries, **tasks), say("fork/reason") if entries else "")


@headline_of("exec", "exit")
def _over(facts: Facts) -> Headline:
    freed = sum(event.owner.startswith("object ") for event in facts.of(ev.PageFreed))
    return Headline(say(facts.name, task=facts.target), say("freed", freed) if freed else say("freed/nothing"))


# ---- files and swap space --------------------------------------------------------------------------


@headline_of("make_file")
def _make_file(facts: Facts) -> Headline:
    made, name = facts.of(ev.FileResized), visible(str(facts.given.get("name", "")))
    if not made:
        return Headline(say("file/same", file=name))
    return Headline(say("file", file=name, size=Size(made[-1].after)), say("file/reason"))


@headline_of("make_pager")
def _make_pager(facts: Facts) -> Headline:
    name = visible(str(facts.given.get("name", "")))
    return Headline(say("pager", name=name, size=facts.size()), say("file/reason"))


@headline_of("read", "write", part=("file",))
def _file(facts: Facts) -> Headline:
    data = facts.result if facts.name == "read" else facts.given.get("data")
    count = len(data) if isinstance(data, (bytes, bytearray)) else 0
    asked = [event.outcome for event in facts.of(ev.PagerAsked)]
    pages = {"hits": counted(asked.count("hit"), "page"), "misses": counted(asked.count("miss"), "page")}
    return Headline(say(f"file {facts.name}", count, file=_file_of(facts)), say("file/pages", **pages) if asked else "")


@headline_of("sync", part=("file",))
def _sync(facts: Facts) -> Headline:
    return Headline(say("sync", facts.result if isinstance(facts.result, int) else 0, file=_file_of(facts)))


@headline_of("truncate", part=("file",))
def _truncate(facts: Facts) -> Headline:
    resized = facts.of(ev.FileResized)
    before = Size(resized[-1].before) if resized else facts.size()
    cut = bool(resized) and resized[-1].after < resized[-1].before
    text = say("truncate", file=_file_of(facts), size=facts.size(), before=before)
    return Headline(text, say("truncate/reason") if cut else "")


@headline_of("vanish", part=("file",))
def _vanish(facts: Facts) -> Headline:
    return Headline(say("vanish", file=_file_of(facts)), say("vanish/reason"))


@headline_of("swap_on")
def _swap_on(facts: Facts) -> Headline:
    return Headline(say("swap_on", size=facts.size()), say("swap_on/reason"))


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
    signals, killed, stuck = facts.of(ev.SignalSent), facts.of(ev.OutOfMemory), facts.of(ev.NothingToReclaim)
    if signals:
        return Headline("", say("signal", task=visible(signals[-1].task), signal=signals[-1].signal))
    if killed:
        return Headline("", say("killed", task=visible(killed[-1].task)))
    return Headline("", none_left(stuck[-1]) if stuck else waiting(facts.events))
