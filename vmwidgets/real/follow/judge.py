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
from ..memory import StoppedMemory
from ..processes import Process
from ..program import Line
from .calls import Call
from .checks import Check, asked
from .counts import Counts
from .lost import Lost
from .plan import NAMED
from .rules import (
    RULES,
    TOP,
    State,
    Wrong,
    base_call,
    beyond,
    dangling_wrong,
    exec_wrong,
    frame_wrong,
    grows_into,
    is_excepted,
    leaf_wrong,
    shrunk_wrong,
    suspects,
    table_wrong,
    untouchable,
)
from .seen import REMOVING, Leaving, Seen
from .spaces import Change, read_space
from .stacks import Hart

_FORKS = ("kfork", "fork")

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
        )

    def judge(self, entering: tuple[int, ...] = ()) -> None:
        """Judge changed tables that no call is changing; check earlier mistakes, too.

        A call that is `entering` may be about to free tables that no process uses any longer.
        """
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

    def _judge_noticed(self) -> None:
        """Judge findings of the stop: a damaged list of free pages, and overwritten descriptors."""
        if self.seen.damage is not None:
            (link, by), self.seen.damage = self.seen.damage, None
            self._doubt(_damaged(link), by, _still_damaged)
        written, self.seen.overwritten = self.seen.overwritten, []
        for change, culprit in written if self.lab == "base" else ():
            unseen = culprit is None and not {"mappages", "uvmunmap"} & self.thinned  # else it may have been unmapped
            if unseen or (culprit is not None and culprit.function == "mappages"):
                wrong = _written_over(change)
                self._doubt(wrong, culprit, _of_change(change, wrong))

    def _judge_changed(self, state: State, busy: set[int]) -> None:
        """Judge written descriptors, pages that now hold tables, and freed frames."""
        for root in [root for root in self.seen.changed if root not in busy]:
            changed = self.seen.changed.pop(root)
            for va in suspects(state, root, changed):
                self._all(leaf_wrong(state, root, va), changed[va], _of_leaf(root, va))
            if grows := {va: call for va, call in changed.items() if grows_into(state, root, va)}:
                self.seen.changed[root] = grows  # judged again once the process's size covers them
        for page, call in [*self.seen.new_tables.items()]:
            if self.seen.spaces.having(page).isdisjoint(busy):
                del self.seen.new_tables[page]
                self._all(table_wrong(state, page), call, _of_table(page))
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
        for root in [*self.seen.executed]:
            if root not in busy:
                self.seen.executed.discard(root)
                self._all(exec_wrong(state, root), None, _of_exec(root))

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
        if wrong.rule == "shared-and-writable":
            forking = self.seen.forking(harts)
            self.to_return |= forking
            return bool(forking)
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
            "" if line is None else str(line),
            tuple(lines),
            "" if process is None else str(process),
            wrong.address,
            wrong.frame,
            tuple(walks),
            *_rule_of(wrong.rule),
        )

    def _blamed(
        self, wrong: Wrong, call: Call | None, made_in: tuple[str, ...]
    ) -> tuple[Call | None, Line | None, list[str]]:
        """Return the call that broke a rule, if one was followed, the line to look at, and what is known of both."""
        program, before = self.seen.program, self.seen.mapper(wrong.root, wrong.address)
        if call is None and wrong.rule == "user":
            call = before
        made_in = made_in or _MADE_IN.get(wrong.rule, ())
        if call is not None:
            lines = [one.lines(program) for one in (call, call.outer) if one is not None]
            line = self._line_of(wrong, call)
            shared = self.seen.shared.get(wrong.frame or 0) if wrong.rule == "free-and-mapped" else None
            if shared is not None and self.counts is None and call.function in REMOVING:
                line = self._line_of(wrong, shared)  # counted or not, the frame was shared, and the one process ended
                lines.append(f"shared by {shared}, {shared.lines(program)}")
        elif made_in:
            return None, self._made_in(made_in), []
        elif wrong.rule in ("exec-rights", "guard") and before is not None:
            return None, self._asked_at(before), []
        elif wrong.rule not in ("exec-rights", "guard", "lost", "table-lost"):
            says = "written, or left, outside the functions that are followed, or while not each call was"
            return None, None, [says]
        else:
            line, lines = None, []
        if wrong.rule in ("lost", "table-lost"):
            at, more = self._how_lost(wrong)
            line, lines = at or line, [*lines, *more]
        return call, line, lines

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
            line = program.definition(name) if name else None
            where = f"in {name} ({line})" if line is not None else "outside the functions that are followed"
            lines.append(f"its process gave its tables up {where}")
        if handed is not None and handed.places:
            taker = [handed.places[0] - 1, *handed.places[1:3]]
            lines.append(f"handed out by kalloc to {', called by '.join(self.seen.stacks.lines(taker))}")
            line = line or (program.line(taker[0]) if last is None and before is None else None)
        elif last is None and handed is not None and handed.call is None and handed.after is not None:
            lines.append(f"handed out after {handed.after}, {handed.after.lines(program)}")
        count = self.counts.of(self.seen.gdb, frame) if self.counts is not None and wrong.rule == "lost" else None
        if self.counts is not None and count is not None:
            is_freed = count == self.counts.wanted(0)
            line = program.definition("kfree") if is_freed else line
            should = ", so kfree should have put it into the list of free pages"
            lines.append(f"its count is {count}{should if is_freed else ''}")
        return line, lines

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

    def _line_of(self, wrong: Wrong, call: Call) -> Line | None:
        """Return the line to look at: the call for the wrong descriptor, or the function that failed to do its work."""
        program = self.seen.program
        if wrong.rule in ("mappages", "uvmunmap"):
            return program.definition(call.function)
        if call.fault is not None:
            return program.line(call.began - 1)
        pages, removes = call.pages, call.function in REMOVING
        not_asked = wrong.rule == "beyond-size" and pages is not None and wrong.address not in pages
        not_asked |= wrong.rule in ("lost", "count") and call.arguments.get("do_free", 1) == 0
        if call.function == "mappages" or (removes and not_asked):
            return program.line(call.returns_to - 2)  # its caller requested it
        sites = program.code.call_sites(call.function, "mappages")
        space = self.seen.spaces.known.get(wrong.root)
        leaf = space.leaves.get(wrong.address or 0) if space is not None else None
        is_small = leaf is None or leaf.size == PAGE  # mappages maps no superpages
        copies = wrong.rule in ("uvmcopy", "shared-and-writable", "count", "free-and-mapped") and is_small
        if copies and call.function == "uvmcopy" and len(sites) == 1:
            return program.line(sites[0])
        return program.definition(call.function)

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


def _rule_of(name: str) -> tuple[str, str]:
    """Return the sentence of a rule and its reason; nothing for a check of a course."""
    return next(((one.says, one.reason) for one in RULES if one.name == name), ("", ""))


def _one_table(one: Process, two: Process) -> Wrong:
    says = f"{one} and {two} have the same page table, at {Address(one.root)}."
    return Wrong("table-shared", says, one.root, None, one.root)


def _of_sharing(seen: Seen, wrong: Wrong) -> Callable[[State], Iterable[Wrong]]:
    return lambda state: [wrong for one, _ in seen.sharing if one.root == wrong.root]


def _damaged(link: int) -> Wrong:
    return Wrong("free-list", f"The list of free pages leads to {Address(link)}, which is not a page, or to itself.")


def _still_damaged(state: State) -> Iterator[Wrong]:
    if state.free.damaged is not None:
        yield _damaged(state.free.damaged)


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
