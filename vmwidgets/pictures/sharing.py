"""Frames by page table: the tasks whose tables refer to a frame, and the rights of each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from types import MappingProxyType
from typing import Any, NamedTuple

from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT, Address, counted
from vmwidgets.engine.kernel.map.map_schema import EntryValue
from vmwidgets.engine.kernel.tasks.objects_schema import NoCopyNeeded, PageCopied
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.mmu.tables import PageTables
from vmwidgets.engine.mmu.walk import translate
from vmwidgets.given.runs import runs
from vmwidgets.views.memory.blackboard import (
    LETTERS,
    MOST,
    Board,
    BoardFrame,
    BoardPage,
    Descriptor,
    blackboard,
    entry_word,
)
from vmwidgets.views.memory.sharing import Frames, SharedRange, capsules, cells_of, tasks_by_frame
from vmwidgets.views.scene import boxes
from vmwidgets.views.scene.key import kind_of_object
from vmwidgets.views.scene.model import Lane, Scene, Table
from vmwidgets.views.scene.text import visible
from vmwidgets.views.story.faults import faults_of
from vmwidgets.views.story.moment import Moment

from .at import At
from .finding import EVERY
from .registry import picture_of
from .spaces import MachineSpace


@picture_of(shows=Machine, name="Sharing")
def draw(at: At) -> Scene:
    """Return, for each frame, the tasks whose page tables refer to it, and their rights.  `target` is the machine.

    A frame that was added to tables is marked as new; a frame with other tasks or other rights is marked as changed.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> t = m.task("init")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> child = t.fork()
    >>> vm.Sharing(m)
    Sharing of machine ...
    """
    return scene_of(at)


def scene_of(at: At, *, room: Mapping[int, int] = MappingProxyType({})) -> Scene:
    """Return the scene; `room` is the least number of frames for which a page has room, by its address."""
    before = frames_of(replace(at, done=0))
    frames, tasks, is_promised, pages, ranges = _seen(at, before)
    part = boxes.words("sharing/none", "No task's page tables map a frame.")
    did = _Did.of(at, frames, before)
    if pages:
        left, right = (*tasks, "", "")[:2]
        word = entry_word(at.whole.architecture)
        part = blackboard(
            Board(
                (left, right),
                pages,
                tasks_by_frame(frames),
                word,
                did.in_words(sum(len(users) > 1 for users in frames.values())),
                is_promised,
                room,
            )
        )
    elif frames:
        part = capsules(frames, before, tasks, ranges)
    named = {page.va: letter for letter, page in zip(LETTERS, pages, strict=False)}
    rows = [
        (f"{frame:#x}", task, str(Address(va)), rights, *_drawn(named, va, rights))
        for frame, users in sorted(frames.items())
        for (task, va), rights in users.items()
    ]
    table = Table(("frame", "task", "address", "rights", *("page", "lock") * bool(named)), rows)

    steps = at.steps(lambda then: _seen(then, before))
    words = f"{counted(len(frames), 'frame')} in the page tables of tasks"
    operation = at.moment.operation
    is_gone = operation is not None and operation.name == "exit"  # of a task that is not in `before` any longer
    title, reason = _story(at, did, frames, before, {va: f"page {letter}" for va, letter in named.items()})
    if title:
        caption = replace(at.moment.caption, text=title, reason=reason, functions=())
    else:
        caption = at.moment.caption_of(steps, _answer(frames), changed=is_gone or frames != before)
        caption = replace(caption, reason=caption.reason.replace(at.moment.caption.text, _said(at.moment)))
    names = {**{f"sharing/{one}": visible(one) for one in tasks}, "sharing/frames": "frames"}
    lanes = [Lane(lane, label=name) for lane, name in names.items()] if pages else []
    return boxes.picture("sharing", "frames by page table", words, part, caption=caption, table=table, steps=steps,
                         machine=at.whole.name, width=at.width, lanes=lanes)  # fmt: skip  # all of it


class _Seen(NamedTuple):
    """What is drawn at a moment: the tasks, and either the pages of a blackboard or the ranges with the frames."""

    frames: Frames
    tasks: list[str]
    is_promised: bool
    """Whether pages are drawn that have no frame, or may have none."""
    pages: list[BoardPage]
    ranges: list[SharedRange]


def _seen(at: At, before: Frames) -> _Seen:
    """Return what is drawn at a moment of an operation; its page tables were `before`."""
    frames = frames_of(at)
    having = {task for users in (*frames.values(), *before.values()) for task, _ in users}
    tasks = [name for name in at.whole.tasks if name in having]
    promise = promised(at, tasks or [*at.whole.tasks][:2])
    tasks = tasks or [name for name in at.whole.tasks if promise][:2]
    if (frames or promise) and _fits_a_board(frames, before, tasks, promise):
        left, right = (*tasks, "", "")[:2]
        return _Seen(frames, tasks, bool(promise), board_of(at, frames, before, (left, right), promise), [])
    return _Seen(frames, tasks, False, [], ranges_of(at, frames))


def _drawn(named: Mapping[int, str], va: int, rights: str) -> tuple[str, ...]:
    """Return the letter of a page and its lock, if pages are drawn with them."""
    return (named.get(va, ""), "open" if "w" in rights else "closed") if named else ()


# ---- what an operation did ---------------------------------------------------------------------------


class _Did(NamedTuple):
    """The locks that a completed operation closed and opened, and the pages that it copied.

    A fork closes a lock of the parent's, and gives the child a closed one: that is two.  A lock of the child's whose
    original was closed already counts for none.
    """

    closed: int = 0
    opened: int = 0
    copies: tuple[PageCopied, ...] = ()

    @classmethod
    def of(cls, at: At, frames: Frames, before: Frames) -> _Did:
        """Return what an operation did; nothing if it is not over, failed, or has lost some of its events."""
        operation = at.moment.operation
        if operation is None or not at.moment.is_after or operation.outcome != "done" or operation.truncated:
            return cls()
        now, was = cells_of(frames), cells_of(before)
        closed = opened = 0
        for va, users in now.items():
            for task, (_, rights) in users.items():
                earlier = was.get(va, {}).get(task)
                if earlier is None:
                    _, original = was.get(va, {}).get(operation.target.removeprefix("task:"), (0, ""))
                    closed += operation.name == "fork" and "w" in original and "w" not in rights
                else:
                    closed += "w" in earlier[1] and "w" not in rights
                    opened += "w" not in earlier[1] and "w" in rights
        return cls(closed, opened, tuple(one for one in at.moment.events if isinstance(one, PageCopied)))

    def in_words(self, shared: int) -> str:
        """Return the numbers in words, with that of the frames still shared; "" if no lock changed, without a copy."""
        copied = f"{counted(len(self.copies), 'page')} copied"
        if self.closed:
            return f"{counted(self.closed, 'lock')} closed, {copied}"
        if self.opened and not self.copies:
            return f"{counted(self.opened, 'lock')} opened, {copied}"
        return copied + f", {shared:,} still shared" * bool(shared) if self.copies else ""


def _story(at: At, did: _Did, frames: Frames, before: Frames, named: Mapping[int, str]) -> tuple[str, str]:
    """Return the answer and the reason for a fork and for a write that faulted; two empty words for anything else.

    `named` are the names of the pages that have any, by address.
    """
    operation = at.moment.operation
    if operation is None or not at.moment.is_after or operation.outcome != "done":
        return "", ""
    if operation.name == "fork" and not did.copies:
        return _forked(did, frames, before, operation.target.removeprefix("task:"))
    if operation.name == "fork" and did.copies and not did.closed:
        return f"fork copied {counted(len(did.copies), 'page')} and closed no lock.", at.moment.caption.reason
    fault = written_by(at)
    if fault is not None:
        was = cells_of(before).get(fault.page, {}).get(fault.task)
        if was is not None and "w" not in was[1]:
            place = named.get(fault.page, f"page {_number(at, frames, fault.page):,}")
            is_first = _is_untouched(before, fault.task)
            return _wrote(at, did, fault, place, was[0], first=is_first, has_locks=bool(named))
        if was is None and len(did.copies) == 1:
            left = sum(fault.task not in users for users in cells_of(frames).values())
            place = named.get(fault.page, f"page {_number(at, frames, fault.page):,}")
            title = f"{visible(fault.task)} has its own {place}"
            title += f"; {left:,} others are not in its table yet" * (left > 1)
            return f"{title}.", f"{_said(at.moment)} {at.moment.caption.reason}"
    elif operation.name == "write" and did.copies:
        return f"The write copied {counted(len(did.copies), 'page')}.", f"{_said(at.moment)} {at.moment.caption.reason}"
    return "", ""


def _number(at: At, frames: Frames, page: int) -> int:
    """Return the number of the page at an address, as it is above the page's capsule."""
    its = next(one for one in ranges_of(at, frames) if page in one.pages)
    return (page - its.start) >> PAGE_SHIFT


def _is_untouched(before: Frames, task: str) -> bool:
    """Return whether at each page of a task all tasks have one frame, and no lock is open: no write came before."""
    pages = [users for users in cells_of(before).values() if task in users]
    return all(
        len({frame for frame, _ in users.values()}) == 1 and not any("w" in rights for _, rights in users.values())
        for users in pages
    )


def _forked(did: _Did, frames: Frames, before: Frames, parent: str) -> tuple[str, str]:
    """Return the answer and the reason for a fork that copied no page; two empty words if locks say nothing of it."""
    cells = cells_of(frames)
    every = [rights for users in frames.values() for rights in users.values()]
    theirs = [users for users in cells.values() if parent in users]
    if not theirs or (not did.closed and any("w" in users[parent][1] for users in theirs)):
        return "", ""
    had = {task for users in before.values() for task, _ in users}
    shut = [users for users in theirs if "w" not in users[parent][1]]
    alike = [one for one in shut if any(task not in had and its == one[parent] for task, its in one.items())]
    if did.closed:
        which = "every lock" if did.closed == len(every) else counted(did.closed, "lock")
        title, now = f"fork copies no page: it closes {which}.", "now "
    elif any("w" in rights for rights in every):  # another task's
        title, now = f"fork copies no page: {visible(parent)}'s locks stay closed.", ""
    else:
        title, now = "fork copies no page: every lock stays closed.", ""
    traps = f"{now}traps to the kernel."
    if not alike:  # the child's page tables begin empty
        which = " to a page with a closed lock" * (len(shut) < len(theirs))
        return title, f"The child's page tables have no page yet. A write of {visible(parent)}'s{which} {traps}"
    both = (
        "both"
        if len({task for users in frames.values() for task, _ in users}) == 2
        else f"{visible(parent)} and the child"
    )
    if len(alike) == len(cells):
        return title, f"The same address in {both}, one frame: a write {traps}"
    have, them = ("has", "it") if len(alike) == 1 else ("have", "them")
    return title, f"{counted(len(alike), 'page')} {have} the same frame in {both}: a write to {them} {traps}"


class Written(NamedTuple):
    """The one page that a write faulted on: the task, the page's address, and what was written, in words.

    `by_kernel` says whether the kernel wrote it for the task.
    """

    task: str
    page: int
    what: str
    by_kernel: bool


def written_by(at: At) -> Written | None:
    """Return the page of a completed operation's one fault, if the fault was a write of a task's; None otherwise."""
    faults = [fault for fault in faults_of(at.moment) if fault.faulted]
    if len(faults) != 1 or faults[0].access != "write" or not faults[0].space or faults[0].failed >= 0:
        return None
    page, what = faults[0].va & ~(PAGE - 1), wrote_in_words(at.moment.operation)
    return Written(faults[0].space, page, what, not faults[0].user)


def wrote_in_words(operation: Operation | None) -> str:
    """Return what an operation wrote: its bytes, if they are a few printable ones, or their number."""
    arguments = {} if operation is None else dict(operation.arguments)
    data = arguments.get("data")
    if not isinstance(data, bytes):
        return ""
    text = _as_text(data)
    return f"“{text}”" if text and len(text) == len(data) <= MOST_QUOTED else counted(len(data), "byte")


MOST_QUOTED = 12
"""The most written bytes that a sentence repeats."""


def _wrote(
    at: At, did: _Did, fault: Written, place: str, frame: int, *, first: bool, has_locks: bool
) -> tuple[str, str]:
    """Return the answer and the reason for a write to a page whose lock was closed; `first`: no write came before.

    A picture of many pages `has_locks` in none of them.
    """
    task, what = visible(fault.task), f" {visible(fault.what)}" * bool(fault.what)
    closed = "its lock was closed" if has_locks else f"it could only read {place}"
    opened = f"opened {task}'s lock" if has_locks else "let it write there"
    who = f"The kernel, for {task}," if fault.by_kernel else task
    trapped = f"{who} wrote{what}: {closed}, so the write trapped. The kernel"
    if not did.copies:
        why = (
            "only it has the frame" if any(isinstance(one, NoCopyNeeded) for one in at.moment.events) else "it faulted"
        )
        return (
            f"{task}'s write copied no page: {why}.",
            f"{trapped} {opened}; {place} stays in frame {frame:#x}.",
        )
    title = f"The {'first ' * first}write copies one page, and only that page."
    return title, f"{trapped} {f'copied {place} and {opened}' if has_locks else 'copied it'}."


def _said(moment: Moment) -> str:
    """Return the moment's own sentence; of a task's access, the task is the subject."""
    operation, did = moment.operation, {"read": "read", "write": "wrote"}
    if (
        operation is None
        or not moment.is_after
        or operation.name not in did
        or not operation.target.startswith("task:")
    ):
        return moment.caption.text
    task, what = visible(operation.target.removeprefix("task:")), wrote_in_words(operation)
    return f"{task} {did[operation.name]}{f' {what}' * bool(what)}."


def _answer(frames: Frames) -> str:
    """Return how many frames several tasks share, and how many can be written without a page fault; "" if none.

    A task keeps its right to write: a descriptor that does not allow a write makes the write fault.
    """
    if not frames:
        return ""
    several = [users for users in frames.values() if len({task for task, _ in users}) > 1]
    tasks = {task for users in frames.values() for task, _ in users}
    if len(tasks) == 1:
        pages = counted(sum(map(len, frames.values())), "page")
        return f"{visible(*tasks)} has {pages}, in {counted(len(frames), 'frame')}."
    if not several:
        of_each = Counter(task for users in frames.values() for task, _ in users)
        task = min(of_each, key=lambda one: (of_each[one], one))
        few = counted(of_each[task], "page")
        return f"No frame is in two page tables; the table of {visible(task)} has {few} so far."
    written = sum(any("w" in rights for rights in users.values()) for users in several)
    which = f"{len(several):,} of {counted(len(frames), 'frame')} {'is' if len(several) == 1 else 'are'}"
    if len(several) == 1:
        may = "a write to it needs no fault" if written else "a write to it faults"
    else:
        may = f"a write to {f'{written:,}' if written else 'any'} of them {'needs no fault' if written else 'faults'}"
    return f"{which} in the page tables of several tasks; {may}."


def promised(at: At, tasks: Sequence[str]) -> dict[int, str]:
    """Return the kind of each page that tasks have mapped, used or not, by its address; none if they are too many."""
    found: dict[int, str] = {}
    for name in tasks:
        for one in at.value(at.whole.tasks[name].map, whole=EVERY).entries:
            if len(found) + (one.end - one.start) // PAGE > 2 * MOST:
                return {}
            found |= dict.fromkeys(range(one.start, one.end, PAGE), _called(one)[1])
    return found if len(found) <= MOST else {}


def _fits_a_board(frames: Frames, before: Frames, tasks: Sequence[str], promise: Mapping[int, str]) -> bool:
    """Return whether at most two tasks have few pages, with each frame at one address."""
    every = (*frames.values(), *before.values())
    is_at_one = all(len({va for _, va in users}) == 1 for users in every)
    return 0 < len(tasks) <= 2 and is_at_one and len({*promise, *(va for users in every for _, va in users)}) <= MOST


def board_of(
    at: At, frames: Frames, before: Frames, tasks: tuple[str, str], promise: Mapping[int, str] = MappingProxyType({})
) -> list[BoardPage]:
    """Return the contents of a blackboard of two tasks: each page with its descriptors and frames.

    `promise` has pages that are mapped, and perhaps have no frame yet, with their kinds.
    """
    cells, was = cells_of(frames), cells_of(before)
    split, refused = _under_way(at)
    kinds = {**promise, **{va: one.kind for one in ranges_of(at, frames) for va in one.pages}}
    copied = (event.frame for event in at.moment.events if isinstance(event, PageCopied))
    known = {*frames, *before, *frames_of(replace(at, done=None)), *copied}  # the same at all steps: one look is enough
    first = at.look(at.whole.frames, tuple(sorted(known)), of="beginnings").now
    pages = []
    for va in sorted({*cells, *promise}):
        descriptors = {}
        for task, (frame, rights) in cells.get(va, {}).items():
            earlier = was.get(va, {}).get(task)
            state = "new" if earlier is None else "changed" if earlier != (frame, rights) else ""
            descriptors[task] = Descriptor(frame, rights, refused.get((task, va), state))
        order = dict.fromkeys(one.frame for task in reversed(tasks) if (one := descriptors.get(task)) is not None)
        shown = [_on_board(frame, frames, before, first[frame]) for frame in order]
        for task, copy in split:
            if copy.source_frame in order:
                ghost = BoardFrame(copy.frame, 0, 0, in_words(first[copy.frame]), "ghost", copy.source_frame)
                shown.insert(len(shown) if task == tasks[0] else 0, ghost)
        pages.append(BoardPage(va, kinds[va] * bool(shown), descriptors, shown))  # a kind is a frame's colour
    return pages


def _on_board(frame: int, frames: Frames, before: Frames, first: bytes) -> BoardFrame:
    users, earlier = frames[frame], before.get(frame, {})
    state = "new" if not earlier else "changed" if users != earlier else ""
    return BoardFrame(frame, len(users), len(earlier), in_words(first), state)


def in_words(first: bytes) -> str:
    r"""Return the text at a page's beginning, up to 8 characters of it, as far as it is text; "" if it isn't.

    >>> in_words(b"hello" + bytes(3)), in_words(bytes(8)), in_words(b"\x7fELF")
    ('hello', '', '')
    >>> in_words(b"long text"), in_words(b"8 bytes." + bytes(1))
    ('long tex…', '8 bytes.')
    """
    text = _as_text(first)
    return f"{text[:MOST_SHOWN]}…" if len(text) > MOST_SHOWN else text


MOST_SHOWN = 8
"""The most characters of a page's text in its frame; one more byte is read, to know whether the text goes on."""


def _as_text(first: bytes) -> str:
    """Return the bytes before the first null byte as text; "" if they aren't."""
    text = first.partition(b"\0")[0].decode("ascii", "replace")
    return text if text.isprintable() and text.isascii() else ""


def _under_way(at: At) -> tuple[list[tuple[str, PageCopied]], dict[tuple[str, int], str]]:
    """Return copies that no table maps yet, each with the writing task, and descriptors that just refused an access.

    A descriptor is a task and a page's address, with "fault" if the access fails, and "refused" if the kernel resolves
    the fault.  Both remain until the fault's descriptor is written.
    """
    place, events = at.moment.place, at.moment.events
    split: list[tuple[str, PageCopied]] = []
    refused = {}
    for fault in faults_of(at.moment):
        end = max((mark.at for mark in fault.marks if mark.box == "enter"), default=len(events))
        if place > end:
            continue
        done = [mark for mark in fault.marks if mark.at < place]
        split += [(fault.space, copy) for mark in done if isinstance(copy := events[mark.at], PageCopied)]
        if any(mark.box == "code" for mark in done):
            refused[fault.space, fault.va & ~(PAGE - 1)] = "fault" if fault.failed >= 0 else "refused"
    return split, refused


def ranges_of(at: At, frames: Frames) -> list[SharedRange]:
    """Return the pages of all frames by address, grouped by the name that the first task gives them."""
    entries = [one for task in at.whole.tasks.values() for one in at.value(task.map, whole=EVERY).entries]

    def whose(va: int) -> tuple[str, str, int]:
        return next((_called(one) for one in entries if one.start <= va < one.end), ("memory", "anonymous", va))

    pages = sorted({va for users in frames.values() for _, va in users})
    return [SharedRange(*its, tuple(those)) for its, those in groupby(pages, whose)]


def _called(entry: EntryValue) -> tuple[str, str, int]:
    """Return the name and the kind of an entry's memory, and the address of its page 0."""
    name, is_file = (entry.object or "").removeprefix("file "), (entry.object or "").startswith("file ")
    kind = kind_of_object(entry.object, entry.protection) if is_file else "anonymous"
    return f"{name}, {KINDS[kind]}" if is_file else KINDS[kind], kind, entry.start - entry.offset * is_file


KINDS = {"anonymous": "memory", "code": "code", "data": "file, written", "file": "file"}
"""The kinds of an entry's pages."""


def _pages(tables: PageTables[Any], end: int) -> list[tuple[int, int, str]]:
    """Return the address, the frame and the rights of each page that user code may use."""
    found = []
    for run in runs(tables, end=end).ranges:
        for va in range(run.start, run.end, PAGE) if "u" in run.rights else ():
            # A reference bit of 0 refuses on some processors; a walk that is explained costs five times as much.
            pa = translate(tables.memory, tables.fmt, tables.root, va, "read", True, tables.controls).pa
            if pa is not None:
                found.append((va, pa >> PAGE_SHIFT, run.rights[:3]))
    return found


def frames_of(at: At) -> Frames:
    """Return the frames of pages that tasks may use at a moment."""
    machine, moment = at.whole, at.moment

    def read() -> Frames:
        found = defaultdict[int, dict[tuple[str, int], str]](dict)
        for name in machine.tasks:
            for va, frame, rights in _pages(MachineSpace(machine, name, moment).tables, machine.layout.user_end):
                found[frame][name, va] = rights
        return {**found}

    frames: Frames = moment.read_once(("frames", machine.name), read)
    return frames
