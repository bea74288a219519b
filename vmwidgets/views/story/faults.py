"""The faults of an operation, found in its events alone: each is a path from box to box, with the acting functions.

The boxes are the parts of a textbook's fault, in order: access, TLB, walk, fault code, map lookup, object and pager,
frame, page tables, retry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import PAGE_SHIFT
from vmwidgets.views.scene.text import visible

from .calls import Functions, followed
from .moment import Moment
from .words.names import Names, address
from .words.registry import saying_of

PROCESSOR = "the processor"

BOXES = {
    "access": ("access", "the program"),
    "tlb": ("TLB", PROCESSOR),
    "walk": ("page-table walk", PROCESSOR),
    "code": ("fault code", PROCESSOR),
    "lookup": ("map lookup", "vm_map_lookup_nearest"),
    "object": ("object and pager", "vm_map_fault"),
    "frame": ("frame", "vm_map_fault"),
    "enter": ("page tables", "pmap_enter"),
    "retry": ("retry", PROCESSOR),
}
"""The title of each box, and its usual actor, used until an event names the actor."""


class Mark(NamedTuple):
    """An event at index `at` in a box: the actor, the action, the ID of its subject, and a `detail`.

    The detail is the number behind the action, such as a descriptor's bits.
    """

    at: int
    box: str
    who: str
    words: str
    thing: str = ""
    detail: str = ""


class Meaning(NamedTuple):
    """What a descriptor says: its `kind` ("table", "leaf" or another), its target, and whether writes are allowed."""

    kind: str
    address: int = 0
    may_write: bool = False

    def __str__(self) -> str:
        """Return the target: a table's address, or a page's frame."""
        return f"a table at {address(self.address)}" if self.kind == "table" else f"frame {self.number}"

    @property
    def number(self) -> str:
        """The number of the frame."""
        return f"{self.address >> PAGE_SHIFT:#x}"


Read = Callable[[int, int], Meaning]
"""A function that reads a descriptor, given its level and its word; it depends on the format."""


class Running(NamedTuple):
    """What processors run after an operation: by path, the space of each, "" for the kernel; and whose an address is.

    `is_user` returns whether an address is in the half of users.
    """

    spaces: Mapping[str, str]
    is_user: Callable[[int], bool]


@dataclass
class Fault:
    """An access to `va` and its outcome; `space` is a task's name, or "domain:" and a domain's; "" for the kernel.

    `user` says whether user code makes the access; otherwise the kernel does, for `space` if that is not "".
    """

    va: int
    access: str
    space: str
    user: bool = True
    marks: list[Mark] = field(default_factory=list)
    faulted: bool = False
    tried_again: bool = False
    failed: int = -1
    """The index of the event by which the access failed, or -1."""
    signal: str = ""
    """The signal or error with which the access failed."""
    waited: str = ""
    """The time that the access waited for its pager, such as "50 ticks"."""

    @property
    def owner(self) -> str:
        """The name of the task or domain whose address it is, in words."""
        return visible(self.space.removeprefix("domain:")) or "the kernel"

    @property
    def who(self) -> str:
        """The actor of the access, in words: the owner's program, or the kernel, as in copyin and copyout."""
        return self.owner if self.user or not self.space else f"the kernel, for {self.owner}"

    @property
    def failing(self) -> str:
        """The box where the access failed: the last with an action, or the lookup if there was only a fault code."""
        last = self.marks[-1].box
        return "lookup" if last == "code" else last


def faults_of(moment: Moment, read: Read | None = None, running: Running | None = None) -> list[Fault]:
    """Return the faulting accesses of an operation, in order; if there are none, all accesses.  O(events).

    With `read`, the words about a descriptor are its meaning, and the detail is its bits.  Events name a space only
    when it is loaded, and when its map resolves a fault: `running` after the operation says the rest.
    """
    reader = _Reader(moment, read, running)
    for index, event, functions, runner in followed(moment.events):
        reader.read(index, event, functions, runner)
    reader.end()
    return [one for one in reader.found if one.faulted] or reader.found


class _Reader:
    """The accesses of one operation, as they are collected: each thread makes one access at a time."""

    def __init__(self, moment: Moment, read: Read | None, running: Running | None) -> None:
        self._moment = moment
        self._running = running
        self._read_as = read
        operation = moment.operation
        target = "" if operation is None else operation.target
        self._named = target.removeprefix("task:") if target.startswith(("task:", "domain:")) else ""
        self._names = Names(moment.events, moment.ranges, by_address=True)
        self._loaded = {} if running is None else dict(running.spaces)
        for event in reversed(moment.events):
            if isinstance(event, ev.SpaceLoaded):  # the first of each processor says what was loaded before
                self._loaded[event.cpu] = _space_of(event.before)
        self._open: dict[str, Fault] = {}
        self._killed = ""
        """The task whose maps and tables are being freed, because a fault found no frame."""
        self.found: list[Fault] = []

    def read(self, index: int, event: ev.Event, functions: Functions, runner: str) -> None:
        """Read one more event."""
        self._names.follow(event)
        if isinstance(event, ev.SpaceLoaded):
            self._loaded[event.cpu] = _space_of(event.space)
        elif isinstance(event, ev.TaskExited):
            self._killed = ""
        one = self._open.get(runner)
        if isinstance(event, (ev.TlbMissed, ev.TlbHit)):
            again = one is not None and one.faulted and not one.tried_again and one.va == event.va
            if one is None or not again:
                one = self._begin(index, event, runner)
            one.tried_again = again
            self._look(one, index, event, "retry" if again else "tlb")
        elif one is not None:
            self._go_on(one, index, event, functions)
        if isinstance(event, ev.OutOfMemory):
            self._killed = event.task

    def _begin(self, index: int, event: ev.TlbMissed | ev.TlbHit, runner: str) -> Fault:
        user = self._by_user(event.va)
        is_own = user or self._running is None or self._running.is_user(event.va)  # otherwise a kernel's address
        made = Fault(event.va, event.access, self._loaded.get(event.cpu, self._named) if is_own else "", user)
        made.marks.append(Mark(index, "access", BOXES["access"][1], f"{event.access} {address(event.va)}"))
        self._open[runner] = made
        self.found.append(made)
        return made

    def _by_user(self, va: int) -> bool:
        """Return whether user code accesses `va`: by default, if it is a user's address."""
        operation = self._moment.operation
        given = None if operation is None else dict(operation.arguments).get("user")
        if isinstance(given, bool):
            return given
        return self._running is None or self._running.is_user(va)

    def _look(self, one: Fault, index: int, event: ev.TlbMissed | ev.TlbHit, box: str) -> None:
        words = "miss" if isinstance(event, ev.TlbMissed) else f"hit: {event.outcome}"
        if box == "retry":
            words = f"TLB: {words}"
        one.marks.append(Mark(index, box, event.cpu, words))

    def _go_on(self, one: Fault, index: int, event: ev.Event, functions: Functions) -> None:
        if isinstance(event, ev.FaultRaised):
            one.faulted, one.tried_again = True, False
            one.marks.append(Mark(index, "walk", PROCESSOR, _stops(event.kind, one.access)))
            one.marks.append(Mark(index, "code", PROCESSOR, f"error code {event.words}"))
        elif isinstance(event, ev.TlbFilled):
            frame = event.entry.pa >> PAGE_SHIFT
            box = "retry" if one.tried_again else "tlb"
            if box == "tlb":
                one.marks.append(Mark(index, "walk", PROCESSOR, f"reached frame {frame:#x}", f"frame:{frame}"))
            words = f"walk: frame {frame:#x}" if box == "retry" else f"stores frame {frame:#x}"
            one.marks.append(Mark(index, box, event.cpu, words, f"frame:{frame}"))
            one.marks = _with_frame(one.marks, frame)
        elif isinstance(event, ev.SignalSent):
            one.failed, one.signal = index, event.signal
        elif isinstance(event, ev.ThreadSlept) and event.subject == "the pager":
            one.waited = event.what.partition(" (")[0]
        elif one.faulted and not one.tried_again:
            one.space = (not self._killed and _task_of(event)) or one.space
            if isinstance(event, ev.PteWritten) and not self._killed:
                one.marks = [_stopped_at(mark, event.pa) for mark in one.marks]
            saying, box = saying_of(event), _box_of(event, functions)
            is_its_own = not self._killed or box != "lookup"  # the exit of another task looks into that task's map
            if saying.box is not None and box and is_its_own and not _is_for_want_of_a_frame(one, event):
                words, detail = _with_detail(event, saying.box.words(event, self._names), self._read_as)
                if isinstance(event, ev.PagerAsked) and one.waited:
                    words += f" after {one.waited}"
                if self._killed and box == "enter":
                    words += f" (exit of {visible(self._killed)})"
                if box == "frame" and not any(mark.box == "object" for mark in one.marks):
                    one.marks.append(Mark(index, "object", functions[-1], "asked for the page", _owner(event)))
                one.marks.append(Mark(index, box, functions[-1], words, saying.thing_of(event), detail))

    def end(self) -> None:
        """Note the end: a failed operation failed in its last access, with or without a signal."""
        operation = self._moment.operation
        last = self.found[-1] if self.found else None
        for one in self.found:
            one.marks[0] = one.marks[0]._replace(who=one.who)
        if operation is None or operation.outcome not in ("error", "panic") or last is None or not last.faulted:
            return
        if last.failed < 0 and not any(mark.box == "retry" for mark in last.marks):
            name = operation.said.partition(":")[0]
            last.failed, last.signal = last.marks[-1].at, name if operation.outcome == "error" else "panic"


def _space_of(loaded: str) -> str:
    """Return the space whose tables were loaded, by their name in events; "" for the kernel's."""
    return "" if loaded == "kernel" else loaded


def _box_of(event: ev.Event, functions: Functions) -> str:
    """Return the box of a kernel function's action; "" if no function did it, or no box has words for it."""
    saying = saying_of(event)
    if saying.box is None or not functions:
        return ""
    return "enter" if functions[-1].startswith("pmap_") else _POINTS.get(_point(event), saying.box.name)


def _stops(kind: str, access: str) -> str:
    """Return words for the end of a walk, by the kind of its fault."""
    return f"refuses the {access}" if kind == "protection" else f"stops: {kind.replace('-', ' ')}"


def _with_detail(event: ev.Event, words: str, read: Read | None) -> tuple[str, str]:
    """Return the words about an event and their detail: for a descriptor, its meaning and its bits."""
    if isinstance(event, ev.PteWritten) and read is not None:
        return _rewritten(event, read), words
    return words, ""


def _rewritten(event: ev.PteWritten, read: Read) -> str:
    """Return what changed in a descriptor, in words: its frame, and whether writes are allowed."""
    was, now = read(event.level, event.before), read(event.level, event.after)
    if now.kind == "table":
        return str(now)
    if now.kind != "leaf":
        return f"no longer {was}" if was.kind in ("table", "leaf") else "cleared"
    may, might = ("may write" if one.may_write else "no write" for one in (now, was))
    if was.kind != "leaf":
        return f"{now}, {may}"
    return f"{was}{f' → {now.number}' * (was.address != now.address)}, {may if may == might else f'{might} → {may}'}"


def _task_of(event: ev.Event) -> str:
    """Return the task whose map an event concerns."""
    path = str(getattr(event, "tree", "") or getattr(event, "map", ""))
    return path.removeprefix("task:").partition("/")[0] if path.startswith("task:") else ""


def _with_frame(marks: list[Mark], frame: int) -> list[Mark]:
    """Return the marks, with the frame of a page that was in memory: only the event that enters the page names it."""
    entered = next((place for place, mark in enumerate(marks) if mark.box == "enter"), None)
    if entered is None or any(mark.box == "frame" for mark in marks):
        return marks
    known = Mark(marks[entered].at, "frame", BOXES["frame"][1], f"{frame:#x}, in memory", f"frame:{frame}")
    return [*marks[:entered], known, *marks[entered:]]


def _stopped_at(mark: Mark, pa: int) -> Mark:
    """Return the mark with the place where the walk stopped: the descriptor that is written first."""
    return mark._replace(thing=f"pte:{pa:x}") if mark.box == "walk" and not mark.thing else mark


def _is_for_want_of_a_frame(one: Fault, event: ev.Event) -> bool:
    """Return whether a pager has no page because there was no free frame: the frame's box already says so."""
    return isinstance(event, ev.PagerAsked) and event.outcome == "NOMEM" and one.marks[-1].box == "frame"


_POINTS = {"pager_read": "object"}
"""Injection points whose failures are not in the frame's box."""


def _point(event: ev.Event) -> str:
    return event.point if isinstance(event, ev.Injected) else ""


def _owner(event: ev.Event) -> str:
    """Return the ID of the object for which a frame was allocated."""
    owner = str(getattr(event, "owner", ""))
    return f"object:{owner.removeprefix('object ')}" if owner.startswith("object ") else ""
