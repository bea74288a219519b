"""The judge of changes: it checks tables as soon as no call is changing them, and everything at the end.

Anything wrong is checked again when no other process or hart is in the middle of writing descriptors, and reported only
if it is still wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple

from ...engine.base.units import PAGE, Address, counted
from ...engine.mmu.rules import Access
from ...given.followed import Break
from ...sources.pasted.traps import junk_of
from ..memory import StoppedMemory
from ..processes import Process
from ..program import Line
from .calls import A0, Call
from .checks import Check, asked
from .counts import KERNBASE, Counts
from .lost import Lost
from .plan import NAMED
from .rules import (
    RULES,
    TOP,
    State,
    Wrong,
    any_call,
    base_call,
    beyond,
    dangling_wrong,
    exec_wrong,
    frame_wrong,
    grows_into,
    is_excepted,
    leaf_wrong,
    refused_wrong,
    shrunk_wrong,
    suspects,
    table_wrong,
    untouchable,
)
from .seen import REMOVING, Leaving, Seen
from .spaces import Change, read_space
from .stacks import Hart

_FORKS = ("kfork", "fork")

_MAKING_TABLES = ("uvmcreate", "proc_pagetable")
"""The functions that get a page for a table when another function asks for one."""

_COPIED = ("uvmcopy", "shared-and-writable", "count", "free-and-mapped", "exec-rights", "guard", "user")
"""The rules that a fork breaks in the line of uvmcopy that maps a page in the child."""

_SHRINKS = ("growproc", "sys_sbrk", "sys_munmap")

_MADE_IN = {"beyond-size": ("growproc", "sys_sbrk"), "table-shared": _FORKS, "unreaped": ("reparent", "kexit", "exit")}
"""The functions of xv6 in which a mistake is made that no followed call makes, by its rule."""

MOST_DOUBTS = 64
"""The most doubts that are kept to be checked again; later doubts are dropped."""


class Doubt(NamedTuple):
    """Something wrong that is to be checked again, with the call that did it, if one was followed."""

    wrong: Wrong
    call: Call | None
    again: Callable[[State], Iterable[Wrong]]


@dataclass
class Judge:
    """The rules of a lab, applied to a guest's memory: `first` is the first broken rule."""

    seen: Seen
    lab: str
    arrays: list[Counts]
    """The arrays that may contain the reference counts."""
    checks: dict[str, Check]
    """The course's own checks, by the function whose calls they judge."""
    counts: Counts | None = None
    """The array that contains the counts, once it is known."""
    doubts: list[Doubt] = field(default_factory=list)
    first: Break | None = None
    left: dict[int, Leaving] = field(default_factory=dict)
    """The latest known facts on frames that left a table, in case they turn out to be lost at the end."""
    unled: set[int] | None = None
    """The frames without any reference when the shell first waited: the kernel keeps track of them in its own way."""
    free_before: int | None = None
    free_after: int | None = None
    had: dict[int, int] = field(default_factory=dict)
    """The pages of each process when the shell first waited, by pid."""
    holders: tuple[str, ...] = ()
    """The processes that have pages which were free before the command, in sentences."""
    images: dict[str, list[tuple[int, int, int]]] = field(default_factory=dict)
    ended: set[tuple[int, int]] = field(default_factory=set)
    """The processes that were judged when they ended, by pid and root."""
    thinned: set[str] = field(default_factory=set)
    """The functions of which not each call was followed."""
    before: tuple[str, ...] = ()
    """At a panic, doubts about calls that are still under way, in sentences."""
    memory: range = range(0)
    """The addresses of memory, once the kernel has mapped it."""
    asked_from: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)
    """The backtrace of the system call that unmapped a page without being asked, by root and address."""
    to_return: set[int] = field(default_factory=set)
    """The places to which forks return whose effects are doubted: the doubts are checked again there."""

    def __post_init__(self) -> None:
        self.lost = Lost(self.seen.program, self.seen.processes, self.seen.stacks)

    def _state(self) -> State:
        seen, symbols = self.seen, self.seen.program.symbols
        return State(
            seen.gdb,
            self.lab,
            seen.there,
            seen.spaces,
            seen.free,
            seen.calls.changing() | seen.being_freed,
            self.counts,
            self.images,
            seen.program.path.parent.parent / "user",
            "flags2perm" in symbols,
            "uvmclear" in symbols,
            {} if self.lab == "mmap" or any("protect" in name for name in symbols) else seen.loaded,
            self.memory,
        )

    def judge(self, entering: tuple[int, ...] = ()) -> None:
        """Judge changed tables that no call is changing; check earlier mistakes, too.

        A call that is `entering` may be about to free tables that no process uses any longer.
        """
        if not self.memory and self.lost.is_known:
            self.memory = range(KERNBASE, self.lost.frames(self.seen.gdb).stop)
        state = self._state()
        self._judge_dying(state, entering)
        if self.first is not None:
            return
        for one, two in self.seen.sharing:
            wrong = _one_table(one, two)
            self._doubt(wrong, None, _of_sharing(self.seen, wrong))
        self._judge_noticed()
        self._judge_changed(state, state.changing)
        self._judge_processes(state, state.changing)
        self._judge_leaving(entering)
        if self.doubts:
            self._look_again()

    def _damaged(self, damage: tuple[int, int]) -> Wrong:
        """Return what is wrong with a list of free pages: the page that holds a wrong link was written, or freed twice.

        The words on junk are those with which pasted texts are explained.
        """
        link, page = damage
        if link % PAGE == 0 and link in self.seen.free:
            says = f"The list of free pages leads back to {Address(link)}: this page was freed twice."
            return Wrong("free-list", says, frame=link)
        if not page:
            return Wrong("free-list", f"The list of free pages begins with {Address(link)}, which is not a page.")
        says = (
            f"Free page {Address(page)} holds {Address(link)} where its link to the next free page was: it was written"
            f" after it was freed.{junk_of(link)}{self._whose(page)}"
        )
        return Wrong("free-list", says, frame=page)

    def _still_damaged(self, state: State) -> Iterator[Wrong]:
        if state.free.damaged is not None:
            yield self._damaged(state.free.damaged)

    def _whose(self, page: int) -> str:
        """Return a sentence with the process that still has the address of a page, or had it last; or ""."""
        seen = self.seen
        proc = seen.program.variable("proc")
        for one in seen.processes.read(seen.gdb):
            data = seen.gdb.read_one(one.place, proc.step)
            for name, at in proc.fields.items():
                if at.size == 8 and int.from_bytes(data[at.offset : at.offset + 8], "little") == page:
                    return f" It is the {name} of {one}, which still uses it."
        last = self.left.get(page)
        if last is None:
            return ""
        return f" {last.whose} had it{'' if last.va is None else f' at {Address(last.va)}'}."

    def _judge_noticed(self) -> None:
        """Judge findings of the stop: a damaged list of free pages, and overwritten descriptors."""
        if self.seen.damage is not None:
            (link, by), self.seen.damage = self.seen.damage, None
            self._doubt(self._damaged(link), by, self._still_damaged)
        unasked, self.seen.unasked = self.seen.unasked, []
        for one in unasked:
            says = f"{one.asked}, and {Address(one.va)} was unmapped too."
            wrong = Wrong("unmapped", says[0].upper() * (one.call is None) + says[one.call is None :], one.root, one.va)
            self.asked_from[one.root, one.va] = one.places
            self._doubt(wrong, one.call, _of_unasked(wrong))
        written, self.seen.overwritten = self.seen.overwritten, []
        for change, culprit in written if self.lab == "base" else ():
            unseen = culprit is None and not {"mappages", "uvmunmap"} & self.thinned  # else it may have been unmapped
            if unseen or (culprit is not None and culprit.function == "mappages"):
                wrong = _written_over(change)
                self._doubt(wrong, culprit, _of_change(change, wrong))

    def _judge_changed(self, state: State, busy: set[int]) -> None:
        """Judge written descriptors, pages that now hold tables, and freed frames."""
        ready = {root: self.seen.changed.pop(root) for root in [*self.seen.changed] if root not in busy}
        refused = {root: self.seen.refused.pop(root) for root in [*self.seen.refused] if root not in busy}
        for root in {*ready, *refused}:  # first what the hardware refuses: other rules take the range for granted
            addresses = [*ready.get(root, ())]
            for wrong in refused_wrong(state, root, addresses):
                by = ready.get(root, {}).get(wrong.address or 0) or refused.get(root)
                self._doubt(wrong, by, _of_refused(root, addresses))
        for page, call in [*self.seen.new_tables.items()]:
            if self.seen.spaces.having(page).isdisjoint(busy):
                del self.seen.new_tables[page]
                self._all(table_wrong(state, page), call, _of_table(page))
        for root, changed in ready.items():
            for va in suspects(state, root, changed):
                self._all(leaf_wrong(state, root, va), changed[va], _of_leaf(root, va))
            if grows := {va: call for va, call in changed.items() if grows_into(state, root, va)}:
                self.seen.changed[root] = grows  # judged again once the process's size covers them
        self._judge_fewer(state, busy)
        leading, having = self.seen.spaces.leading, self.seen.spaces.having
        for frame, call in [*self.seen.freed.items()]:
            roots = {root for root, _ in leading(frame)} | having(frame)
            if roots.isdisjoint(busy):
                del self.seen.freed[frame]
                if roots:
                    self._all(frame_wrong(state, frame), call, _of_frame(frame))

    def _judge_fewer(self, state: State, busy: set[int]) -> None:
        """Judge frames that lost a descriptor and have others; a frame waits until no table that maps it is busy."""
        left: dict[int, dict[int, Call | None]] = {}
        for root in [root for root in self.seen.fewer if root not in busy]:
            for frame, call in self.seen.fewer.pop(root).items():
                users = self.seen.spaces.leading(frame)
                blocker = next((one for one, _ in users if one in busy), None)
                if blocker is not None:
                    self.seen.fewer.setdefault(blocker, {})[frame] = call
                elif users:
                    one, va = min(users)
                    left.setdefault(one, {})[va] = call
        for root, changed in left.items():
            for va in suspects(state, root, changed):
                self._all(leaf_wrong(state, root, va), changed[va], _of_leaf(root, va))

    def _judge_processes(self, state: State, busy: set[int]) -> None:
        """Judge processes that shrank or executed a program, and tables that point to free pages."""
        for (root, start, stop), call in [*self.seen.shrunk.items()]:
            if root not in busy:
                del self.seen.shrunk[root, start, stop]
                self._all(shrunk_wrong(state, root, start, stop), call, _of_shrunk(root, start, stop))
        for root, call in [*self.seen.dangling.items()]:
            if root not in busy:
                del self.seen.dangling[root]
                self._all(dangling_wrong(state, root), call, _of_dangling(root))
        for root in {*self.seen.executed, *self.seen.forked} - busy:
            if root in self.seen.executed or root in state.loaded:
                self._all(exec_wrong(state, root), None, _of_exec(root))
            self.seen.executed.discard(root)
            self.seen.forked.discard(root)

    def _judge_dying(self, state: State, entering: tuple[int, ...]) -> None:
        """Judge processes that have ended, as their tables are about to be freed: they are still whole.

        That is their size, and the pages into which they grew last.
        """
        for root in entering:
            process = state.processes.get(root)
            if process is None or process.state != "zombie" or (process.pid, root) in self.ended:
                continue
            self.ended.add((process.pid, root))
            leaves = state.spaces.known[root].leaves if root in state.spaces.known else {}
            for va, by in self.seen.changed.get(root, {}).items():
                for found in untouchable(state, root, va, leaves[va]) if va in leaves else ():
                    self.first = self._told(found, by, state)
                    return
            shrunk = [(key, call) for key, call in self.seen.shrunk.items() if key[0] == root]
            for key, _ in shrunk:
                del self.seen.shrunk[key]
            if self.lab == "mmap":  # a solution may map files above the size, and unmap them here
                continue
            space = read_space(state.gdb, root, state.spaces.known.get(root))
            for found in beyond(process, space, 0, TOP):
                says = found.says if shrunk else found.says.replace(" has shrunk to ", " has ended with ")
                self.first = self._told(replace(found, says=says), shrunk[0][1] if shrunk else None, state)
                return

    def _judge_leaving(self, entering: tuple[int, ...]) -> None:
        if self.seen.calls.all():
            return
        self.seen.forget_strays(entering)
        left, self.seen.leaving = self.seen.leaving, {}
        for frame, last in left.items():
            if frame in self.seen.free or self.seen.spaces.leading(frame) or self.seen.spaces.having(frame):
                continue
            self.left[frame] = last
            if self.unled is not None and frame not in self.unled:
                self.doubts.append(Doubt(_lost(frame, last), last.call, _of_lost(frame)))

    def _all(self, found: Iterable[Wrong], call: Call | None, again: Callable[[State], Iterable[Wrong]]) -> None:
        if len(self.doubts) < MOST_DOUBTS:
            for wrong in islice(found, MOST_DOUBTS):
                self._doubt(wrong, call, again)

    def _doubt(self, wrong: Wrong, call: Call | None, again: Callable[[State], Iterable[Wrong]]) -> None:
        if len(self.doubts) < MOST_DOUBTS and all(one.wrong.key != wrong.key for one in self.doubts):
            self.doubts.append(Doubt(wrong, call, again))

    def _look_again(self) -> None:
        """Check doubts again, if nothing else is being written; the first justified doubt ends the run."""
        harts = self.seen.stacks.harts(self.seen.gdb)
        if not self.seen.is_quiet(harts):
            return
        self.seen.free.read_again(self.seen.gdb)
        state = self._state()
        kept: list[Doubt] = []
        unled: set[int] | None = None
        well = self._counted_well({one.wrong.frame or 0 for one in self.doubts if one.wrong.rule == "count"})
        for doubt in self.doubts:
            if doubt.wrong.root in state.changing:
                kept.append(doubt)
                continue
            if doubt.wrong.rule in ("lost", "table-lost"):
                frame = doubt.wrong.frame or 0
                if frame in self.seen.free or self.seen.spaces.leading(frame) or self.seen.spaces.having(frame):
                    continue
                if unled is None:
                    unled = self._unled(harts)
                if frame not in unled:
                    continue
            elif self._may_go_on(doubt.wrong, harts):
                kept.append(doubt)
                continue
            elif (doubt.wrong.rule == "count" and doubt.wrong.frame in well) or all(
                one.key != doubt.wrong.key for one in doubt.again(state)
            ):
                continue
            self.doubts = []
            self.first = self._told(doubt.wrong, doubt.call, state)
            return
        self.doubts = kept

    def _may_go_on(self, wrong: Wrong, harts: list[Hart]) -> bool:
        """Return whether the system call that is doubted is still under way, and may put right what it left."""
        if wrong.rule in ("shared-and-writable", "unmapped"):
            under_way = self.seen.returning(harts, _FORKS if wrong.rule != "unmapped" else _SHRINKS)
            self.to_return |= under_way
            return bool(under_way)
        return wrong.rule == "beyond-size" and self.seen.is_shrinking(wrong.root, harts)

    def _counted_well(self, frames: set[int]) -> set[int]:
        """Return the frames whose counts turn out right when the tables of all processes are read again."""
        if self.counts is None or not frames:
            return set()
        seen, leading = self.seen, dict.fromkeys(frames, 0)
        for root in {one.root for one in seen.processes.read(seen.gdb)}:
            for va, leaf in read_space(seen.gdb, root, seen.spaces.known.get(root)).leaves.items():
                for frame in leaf.frames if not is_excepted(va, leaf) else ():
                    if frame in leading:
                        leading[frame] += 1
        return {one for one in frames if self.counts.of(seen.gdb, one) == self.counts.wanted(leading[one])}

    def _unled(self, harts: list[Hart] | None = None) -> set[int]:
        if not self.lost.is_known:
            return set()
        harts = self.seen.stacks.harts(self.seen.gdb) if harts is None else harts
        seen = self.seen
        spaces = [seen.spaces.known[root] for root in seen.there if root in seen.spaces.known]
        return self.lost.without_leader(seen.gdb, seen.processes.read(seen.gdb), spaces, seen.free, harts)

    def take_stock(self) -> None:
        """Record free pages and pages without references when the shell first waits, and learn how counts work."""
        self.seen.free.read_again(self.seen.gdb)
        self.free_before = len(self.seen.free)
        self.unled = self._unled()
        self.had = self._pages()
        self.learn_counts()

    def learn_counts(self) -> None:
        """Learn which array has the counts, and what they mean, from the pages in use and from free pages."""
        if self.arrays:
            alone = [
                leaf.frame
                for root in self.seen.there
                for va, leaf in self.seen.spaces.known[root].leaves.items()
                if not is_excepted(va, leaf) and len(self.seen.spaces.leading(leaf.frame)) == 1
            ]
            for one in self.arrays:
                one.learn(self.seen.gdb, alone, self.lost.frames(self.seen.gdb), self.seen.free)
            known = [one for one in self.arrays if one.is_known]
            places = {one.place(self.seen.gdb) for one in known}
            self.counts = known[0] if len(places) == 1 else None  # an array, or a pointer to it

    def check_all(self) -> None:
        """Check everything at the end: descriptors, tables, counts, and frames without references."""
        self.seen.free.read_again(self.seen.gdb)
        self.free_after = len(self.seen.free)
        for root in self.seen.there:
            space = self.seen.spaces.known[root]
            self.seen.changed[root] = {va: self.seen.mapper(root, va) for va in space.leaves}
            self.seen.new_tables |= dict.fromkeys(space.pages)
        self.judge()
        if self.first is not None or self.unled is None:
            return
        now = self._unled()
        lost = sorted(now - self.unled)
        if lost and len(now) > len(self.unled):
            taken, leading, having = self.seen.taken, self.seen.spaces.leading, self.seen.spaces.having
            self.left = {
                pa: one
                for pa, one in self.left.items()
                if one.handed_out is taken.get(pa) and not leading(pa) and not having(pa)  # else it was used again
            }
            known = (
                [pa for pa in lost if pa in self.left]
                or [pa for pa in lost if leading(pa)]
                or [pa for pa in lost if pa in taken and taken[pa].places]
            )
            frame = (known or lost)[0]
            last = self.left.get(frame)
            wrong = (
                _lost(frame, last)
                if last is not None
                else Wrong(
                    "lost", f"Frame {Address(frame)} was handed out, is not free, and nothing leads to it.", frame=frame
                )
            )
            root, va = min(leading(frame), default=(0, None))  # a table that no process has
            call = last.call if last is not None else taken[frame].call if frame in taken else None
            many = (
                f" {counted(len(lost), 'such frame')} were lost in this run: {self.free_before:,} pages were free"
                f" before the command, and {self.free_after:,} after it."
            )
            says = wrong.says + (many if len(lost) > 1 else "")
            wrong = Wrong(wrong.rule, says, root, va, frame)
            self.first = self._told(wrong, call, self._state())
        else:
            self._say_who_has()

    def _pages(self) -> dict[int, int]:
        """Return the number of pages that each process has, by pid: what its tables lead to alone, and these."""
        found: dict[int, int] = {}
        memory = self.lost.frames(self.seen.gdb)
        for one in self.seen.processes.read(self.seen.gdb):
            space = read_space(self.seen.gdb, one.root, self.seen.spaces.known.get(one.root))
            frames = {frame for leaf in space.leaves.values() for frame in leaf.frames}
            found[one.pid] = len(space.tables) + sum(frame in memory for frame in frames)
        return found

    def _say_who_has(self) -> None:
        """Find out who has pages that were free before the command; a process that never ends breaks a rule."""
        seen, before, after = self.seen, self.free_before or 0, self.free_after or 0
        if after >= before:
            return
        fewer = f"{counted(before - after, 'page')} fewer are free than before the command"
        said = []
        there, has = seen.processes.read(seen.gdb), self._pages()
        for one in there:
            more = has.get(one.pid, 0) - self.had.get(one.pid, 0)
            if more <= 0:
                continue
            what = "a zombie" if one.state == "zombie" else one.state
            waits = next((each for each in there if each.place == one.parent and each.waits), None)
            why = ""
            if one.state == "used":
                what, why = "which was made and never ran", "so it never ends"
            elif seen.has_lost_parent(one, there):
                what += f"{'' if one.state == 'zombie' else ','} whose parent has ended"
                why = "and no process waits for it" if one.state == "zombie" else ""
            elif one.state == "zombie" and waits is not None:
                why = f"and its parent, {waits}, sleeps in wait: nothing has woken it"
            if why:
                says = f"{fewer}: {one}, {what}, has {counted(more, 'page')}, {why}."
                made_in = _FORKS if one.state == "used" else ()
                self.first = self._told(Wrong("unreaped", says, one.root), None, self._state(), made_in)
                return
            said.append(f"{one}, {what}, has {more:,}")
        self.holders = (f"{fewer}: {'; '.join(said) or 'the kernel has them'}.",)

    def _told(self, wrong: Wrong, call: Call | None, state: State, made_in: tuple[str, ...] = ()) -> Break:
        program = self.seen.program
        call, line, lines = self._blamed(wrong, call, made_in)
        before = self.seen.mapper(wrong.root, wrong.address)
        if before is not None and before is not call:
            lines.append(f"mapped by {before}, {before.lines(program)}")
        memory = StoppedMemory(self.seen.gdb.read)
        walks = []
        for root, va in [(wrong.root, wrong.address), *wrong.also][:4]:
            if va is not None and root and root in self.seen.spaces.known:
                owner = state.processes.get(root) or Process(f"table {Address(root)}", 0, "", 0, root)
                leaf = self.seen.spaces.known[root].leaves.get(va)
                lets: tuple[Access, bool] = ("read", True) if leaf is None else leaf.lets
                walks.append(owner.tables(memory).walk(va, lets[0], user=lets[1]))
        memory.close()
        process = state.processes.get(wrong.root)
        return Break(
            wrong.rule,
            wrong.says,
            "" if call is None else str(call),
            line,
            tuple(lines),
            "" if process is None else str(process),
            wrong.address,
            wrong.frame,
            tuple(walks),
            *_rule_of(wrong.rule),
        )

    def _blamed(self, wrong: Wrong, call: Call | None, made_in: tuple[str, ...]) -> tuple[Call | None, str, list[str]]:
        """Return the call that broke a rule, if one was followed, the line to look at, and what is known of both."""
        program, before = self.seen.program, self.seen.mapper(wrong.root, wrong.address)
        if call is None and wrong.rule == "user":
            call = before
        if call is None and wrong.rule in ("exec-rights", "guard"):
            call = before.made_by("uvmcopy") if before is not None else None
        made_in = made_in or _MADE_IN.get(wrong.rule, ())
        if call is not None:
            line, lines = self._told_of(wrong, call)
        elif made_in:
            grew = [f"perhaps left by uvmalloc ({program.definition('uvmalloc')}): not each call of it was followed"]
            is_left = wrong.rule == "beyond-size" and "uvmalloc" in self.thinned
            return None, _in_words([self._made_in(made_in)]), grew if is_left else []
        elif wrong.rule in ("exec-rights", "guard") and before is not None:
            return None, _in_words([self._asked_at(before)]), []
        elif wrong.rule == "free-list":
            return None, "", self._taker(wrong.frame or 0)  # the function that wrote or freed it is not known
        elif wrong.rule not in ("exec-rights", "guard", "lost", "table-lost"):
            says = "written, or left, outside the functions that are followed, or while not each call was"
            maybe = [name for name in self.thinned - {*NAMED} if not all(zero for _, zero in self._stores(name))]
            if len(maybe) != 1:
                return None, "", [says]
            line = self._lines_at(at for at, is_zero in self._stores(maybe[0]) if not is_zero)
            return None, line, [f"{says}: perhaps in {maybe[0]} ({program.definition(maybe[0])})"]
        else:
            line, lines = "", []
        if wrong.rule in ("lost", "table-lost"):
            at, more = self._how_lost(wrong)
            line, lines = _in_words([at]) or line, [*lines, *more]
        return call, line, lines

    def _told_of(self, wrong: Wrong, call: Call) -> tuple[str, list[str]]:
        """Return the line to look at in a followed call, and what is known of the call."""
        program = self.seen.program
        lines = [one.lines(program) for one in (call, call.outer) if one is not None]
        places = self._places_of(wrong, call)
        line = self._lines_at(places) or _in_words([program.definition(call.function)])
        inlined = {program.frames(at)[0].name for at in places if program.function(at) == call.function}
        lines += [f"in {name}, which is inlined there" for name in sorted(inlined - {call.function})]
        if wrong.rule == "count" and (some := self.thinned - {*NAMED}):
            lines.append(f"perhaps left earlier: not each call of {', '.join(sorted(some))} was followed")
        if wrong.rule == "unmapped" and len(places) > 1 and self.asked_from.get((wrong.root, wrong.address or 0)):
            lines.append(f"asked by {', called by '.join(self.seen.stacks.lines([places[0], *places[1:]]))}")
        shared = self.seen.shared.get(wrong.frame or 0) if wrong.rule == "free-and-mapped" else None
        if shared is not None and self.counts is None and call.function in REMOVING:
            line = self._lines_at(self._places_of(wrong, shared)) or line  # counted or not, the frame was shared
            lines.append(f"shared by {shared}, {shared.lines(program)}")
        return line, lines

    def _how_lost(self, wrong: Wrong) -> tuple[Line | None, list[str]]:
        """Return the line in which a page was lost, if it is not the call's, and what is known of the page."""
        program, frame = self.seen.program, wrong.frame or 0
        last, handed = self.left.get(frame), self.seen.taken.get(frame)
        line, lines = None, []
        before = self.seen.mapper(wrong.root, wrong.address)
        if last is None and before is not None:
            line = self._asked_at(before)
            lines.append("only a table that no process has leads to it: its process gave it up, or never had it")
        elif last is not None and last.call is None:
            name = next((name for name in last.given_up_by if name in program.symbols), "")
            root = program.variable("proc").fields.get("pagetable")
            places = program.code.stores_at(name, root.offset) if root is not None else []
            line = program.line(places[0]) if places else program.definition(name) if name else None
            where = f"in {name} ({line})" if line is not None else "outside the functions that are followed"
            lines.append(f"its process gave its tables up {where}")
        if handed is not None and handed.places:
            lines += self._taker(frame)
            asked = [at - 1 for at in handed.places if program.function(at - 1) not in _MAKING_TABLES]
            line = line or (program.line((asked or handed.places)[0]) if last is None and before is None else None)
        elif last is None and handed is not None and handed.call is None and handed.after is not None:
            lines.append(f"handed out after {handed.after}, {handed.after.lines(program)}")
        count = self.counts.of(self.seen.gdb, frame) if self.counts is not None and wrong.rule == "lost" else None
        if self.counts is not None and count is not None:
            is_freed = count == self.counts.wanted(0)
            line = program.definition("kfree") if is_freed else line
            should = ", so kfree should have put it into the list of free pages"
            lines.append(f"its count is {count}{should if is_freed else ''}")
        return line, lines

    def _taker(self, frame: int) -> list[str]:
        """Return a sentence on the function that got a page from `kalloc`, if it is known."""
        handed = self.seen.taken.get(frame)
        if handed is None or not handed.places:
            return []
        taker = [handed.places[0] - 1, *handed.places[1:3]]
        return [f"handed out by kalloc to {', called by '.join(self.seen.stacks.lines(taker))}"]

    def _asked_at(self, call: Call) -> Line | None:
        """Return the line that asked for a mapping, outside of xv6's own functions that map."""
        while call.outer is not None and call.outer.function in NAMED:
            call = call.outer
        return self.seen.program.line(call.returns_to - 2)

    def _made_in(self, names: tuple[str, ...]) -> Line | None:
        """Return where the first of these functions begins that the kernel has."""
        program = self.seen.program
        if "sys_sbrk" in names and "growproc" not in program.code.callees.get("sys_sbrk", names):
            names = ("sys_sbrk",)
        return next((program.definition(name) for name in names if name in program.symbols), None)

    def _lines_at(self, places: Iterable[int]) -> str:
        return _in_words(self.seen.program.frames(at)[0].line for at in places)

    def _places_of(self, wrong: Wrong, call: Call) -> list[int]:
        """Return the instructions to look at: those that store the descriptor, the loop that missed it, or the call."""
        program, name = self.seen.program, call.function
        code, space = program.code, self.seen.spaces.known.get(wrong.root)
        leaf = space.leaves.get(wrong.address or 0) if space is not None else None
        pages, removes = call.pages, name in REMOVING
        not_asked = wrong.rule == "beyond-size" and pages is not None and wrong.address not in pages
        not_asked |= wrong.rule in ("lost", "count") and call.arguments.get("do_free", 1) == 0
        not_asked |= wrong.rule == "unmapped" and pages is not None and wrong.address in pages
        inner = code.call_sites(name, "uvmunmap") if wrong.rule == "unmapped" else []
        if (
            wrong.rule == "lost" and not_asked and call.outer is not None
        ):  # who unmaps it, or who asks for that, frees it
            return [call.returns_to - 2, call.outer.returns_to - 2]
        if wrong.rule == "unmapped" and (asked := self.asked_from.get((wrong.root, wrong.address or 0))):
            return [*asked]
        if (name == "mappages" and wrong.rule != "mappages") or (removes and not_asked):
            return [call.returns_to - 2]  # its caller requested it
        if inner:
            return inner
        sites, stores = code.call_sites(name, "mappages"), self._stores(name)
        is_small = leaf is None or leaf.size == PAGE  # mappages maps no superpages
        copies = wrong.rule in _COPIED and is_small
        zeros = [at for at, is_zero in stores if is_zero]
        others = [at for at, is_zero in stores if not is_zero]
        if call.began and not stores:
            return [call.began - 1]
        if wrong.rule in ("uvmcopy", "uvmunmap", "beyond-size") and (leaf is None or removes):
            return [self._head_of_loop(name, at) for at in sites or zeros or others]
        if copies and name == "uvmcopy" and len(sites) == 1:
            return sites
        if wrong.rule == "lost" and wrong.frame not in self.left:  # no descriptor has led to it
            return code.call_sites(name, "kalloc") or others or sites
        if wrong.rule in ("lost", "table-lost", "unmapped"):
            return zeros or others or sites
        return others or sites or zeros

    def _head_of_loop(self, name: str, address: int) -> int:
        """Return the instruction of the loop around an address whose line is the first in its function: its `for`."""
        program = self.seen.program
        first = program.definition(name)
        lines = [(program.line(at), at) for at in program.code.loop_around(address)[::2]]
        there = [
            (line.number, at)
            for line, at in lines
            if line is not None and first is not None and line.file == first.file and line.number >= first.number
        ]
        return min(there, default=(0, address))[1]

    def _stores(self, name: str) -> list[tuple[int, bool]]:
        """Return where a function stores descriptors, each with whether it stores 0."""
        program = self.seen.program
        gives = {"kalloc", *program.gives_descriptors}
        starts = frozenset(program.symbols[one].address for one in gives if one in program.symbols)
        parameters = program.parameters.get(name, ())
        pointers = (A0 + at for at, one in enumerate(parameters) if one.type in ("pte_t", "pagetable_t"))
        return program.code.descriptor_stores(name, starts, frozenset(pointers))

    def by_call(self, call: Call) -> None:
        """Find mistakes of a call, by the course's own checks and, in the base kernel, by its rules."""
        if not any(self._wrong_by_call(call)):
            return
        self.seen.free.read_again(self.seen.gdb)
        self.seen.scan(call)
        for wrong in self._wrong_by_call(call):
            self.first = self._told(wrong, call, self._state())
            return

    def _wrong_by_call(self, call: Call) -> Iterator[Wrong]:
        if call.function in self.checks and not self.seen.calls.is_inner(call) and not call.failed:
            yield from asked(self.checks[call.function], call, self.seen.spaces)
        if self.lab == "base":
            yield from base_call(self._state(), call)
        yield from any_call(self._state(), call)

    def at_panic(self) -> None:
        """Judge the effects of calls that have returned, even if others are running."""
        seen = self.seen
        if self.first is None:
            seen.scan(None, at_panic=True)
        under_way = {id(call) for call in seen.calls.all()}
        for root in seen.changed:
            seen.changed[root] = {va: call for va, call in seen.changed[root].items() if id(call) not in under_way}
        seen.freed = {frame: call for frame, call in seen.freed.items() if id(call) not in under_way}
        for root, frames in seen.fewer.items():
            seen.fewer[root] = {at: call for at, call in frames.items() if call and id(call) not in under_way}
        self.doubts = [one for one in self.doubts if one.wrong.rule not in ("lost", "table-lost")]
        state = self._state()
        state.changing = set()
        self._judge_noticed()
        self._judge_changed(state, set())
        self._judge_processes(state, set())
        kept = [one for one in self.doubts if any(each.key == one.wrong.key for each in one.again(state))]
        harts = seen.stacks.harts(seen.gdb)
        open_ = [one for one in kept if one.wrong.rule == "beyond-size" and seen.is_shrinking(one.wrong.root, harts)]
        self.before = tuple(
            f"before: {one.wrong.says}".replace(" has shrunk", " had shrunk").replace(" is still", " was still")
            for one in open_
        )
        for one in kept if self.first is None else ():
            if one not in open_:
                self.first = self._told(one.wrong, one.call, state)
                break


def _in_words(lines: Iterable[Line | None]) -> str:
    """Return lines as "vm.c:645 or 648"; "" if there is none, and only the first ones of many.

    >>> _in_words([Line("vm.c", 648), None, Line("vm.c", 645), Line("proc.c", 20)])
    'vm.c:645 or 648, or proc.c:20'
    """
    there: dict[str, set[int]] = {}
    for line in lines:
        if line is not None:
            there.setdefault(line.file, set()).add(line.number)
    return ", or ".join(
        f"{file}:{' or '.join(map(str, sorted(numbers)[:_MOST_LINES]))}" for file, numbers in there.items()
    )


_MOST_LINES = 3


def _rule_of(name: str) -> tuple[str, str]:
    """Return the sentence of a rule and its reason; nothing for a check of a course."""
    return next(((one.says, one.reason) for one in RULES if one.name == name), ("", ""))


def _one_table(one: Process, two: Process) -> Wrong:
    says = f"{one} and {two} have the same page table, at {Address(one.root)}."
    return Wrong("table-shared", says, one.root, None, one.root)


def _of_sharing(seen: Seen, wrong: Wrong) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: [wrong for one, _ in seen.sharing if one.root == wrong.root]


def _of_unasked(wrong: Wrong) -> Callable[[State], Iterable[Wrong]]:
    def again(state: State) -> Iterator[Wrong]:
        space = state.spaces.known.get(wrong.root)
        if space is not None and wrong.address not in space.leaves:
            yield wrong

    return again


def _written_over(change: Change) -> Wrong:
    assert change.was is not None
    assert change.now is not None
    was, now = Address(change.was.frame), Address(change.now.frame)
    says = f"{Address(change.va)} was mapped to frame {was}, and is now mapped to {now}."
    return Wrong("mapped-over", says, change.root, change.va, change.now.frame)


def _of_change(change: Change, wrong: Wrong) -> Callable[[State], Iterable[Wrong]]:
    assert wrong.frame is not None
    frame = wrong.frame
    return lambda state: [wrong] if _leads(state, change.root, change.va, frame) else []


def _leads(state: State, root: int, va: int, frame: int) -> bool:
    space = state.spaces.known.get(root)
    leaf = None if space is None else space.leaves.get(va)
    return leaf is not None and leaf.frame == frame and root in state.processes


def _lost(frame: int, last: Leaving) -> Wrong:
    if last.va is None:
        says = f"A page of {last.whose}, {Address(frame)}, held a table that nothing leads to, and it is not free."
        return Wrong("table-lost", says, frame=frame)
    says = (
        f"Frame {Address(frame)} is lost: {last.whose} had it at {Address(last.va)}, no descriptor leads to it any"
        " more, and it is not free."
    )
    return Wrong("lost", says, frame=frame)


def _of_leaf(root: int, va: int) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: leaf_wrong(state, root, va)


def _of_refused(root: int, addresses: list[int]) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: refused_wrong(state, root, addresses)


def _of_table(page: int) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: table_wrong(state, page)


def _of_frame(frame: int) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: frame_wrong(state, frame)


def _of_shrunk(root: int, start: int, stop: int) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: shrunk_wrong(state, root, start, stop)


def _of_dangling(root: int) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: dangling_wrong(state, root)


def _of_exec(root: int) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: exec_wrong(state, root)


def _of_lost(frame: int) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: ()
