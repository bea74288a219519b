"""The rules of every correct solution of a lab, and what a call must do in the base kernel.

Pages at the top of the addresses that user code can't touch are exceptions.  The trampoline is in every table.  A
trapframe is freed before its table, and during exec both the old and the new table map it.  The kernel's own table
belongs to no process: its direct map and its kernel stacks refer to frames that may be free or belong to a process.  A
stack's guard page is an ordinary page without U.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from struct import unpack_from
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen

from ...engine.base.units import PAGE, Address, counted
from ...engine.mmu.formats.riscv import A, D, G, R, U, V, W, X
from ...sources.pasted.traps import junk_of
from ..gdb import Gdb
from ..processes import Process
from .calls import MAXVA, Call
from .counts import Counts
from .free_list import FreePages
from .spaces import Leaf, Space, Spaces

TOP = MAXVA - 16 * PAGE
"""The address from which on pages of the kernel are excepted: the trampoline, the trapframe, and their neighbours."""


def is_excepted(va: int, leaf: Leaf) -> bool:
    """Return whether a descriptor is the kernel's own, at the top; a user's page there, as of mmap, is like any other.

    >>> [is_excepted(MAXVA - 3 * PAGE, Leaf(V | word, PAGE)) for word in (W, W | U)]
    [True, False]
    """
    return va >= TOP and not leaf.word & U


LABS = ("base", "pgtbl", "cow", "lazy", "mmap")

_FLAGS = 0x3FF & ~(A | D | G)
"""The bits of a descriptor that a call sets; the hardware sets A and D."""


class Rule(NamedTuple):
    """A rule: its name, its sentence, the reason, and the labs in which every correct solution keeps it."""

    name: str
    says: str
    reason: str
    labs: tuple[str, ...] = LABS


RULES = (
    Rule("free-and-mapped", "No frame is both free and mapped by a process.",
         "The next kalloc hands the frame to another, and both write it."),
    Rule("free-and-table", "No page with a table of a process is free.",
         "The next kalloc overwrites the table."),
    Rule("shared-and-writable", "Once fork has returned, a frame that two processes map is writable in neither.",
         "One process would see the other's stores.", ("base", "pgtbl", "cow", "lazy")),
    Rule("mapped-twice", "No process maps a frame at two addresses if it can write to it.",
         "A store to one address would change the other.", ("base", "pgtbl", "cow", "lazy")),
    Rule("table-shared", "A page with a table belongs to one process alone.",
         "A descriptor written for one process would change the other, and the page would be freed twice."),
    Rule("aligned", "A superpage's frame begins at a multiple of its size.",
         "The hardware refuses each access to it (RISC-V Privileged, 4.3.2)."),
    Rule("reserved", "No valid descriptor has a reserved bit, or W without R.",
         "The hardware refuses each access through it (RISC-V Privileged, 4.3.1 and 4.4.1)."),
    Rule("no-memory", "No process maps a frame outside of memory.",
         "There is nothing at its address: each access fails, and kfree panics."),
    Rule("count", "The count of a frame is the number of descriptors that refer to it.",
         "Too small, and the frame is freed while it is mapped; too large, and it is never freed.", ("cow",)),
    Rule("beyond-size", "After a process shrinks, nothing is mapped between its new and its old size.",
         "The pages would be used after they were given back, and uvmfree would not find them."),
    Rule("unmapped", "uvmunmap, uvmdealloc, sbrk and munmap unmap no page outside of what they were asked for.",
         "The process loses memory that it uses."),
    Rule("exec-rights", "A page of a program has the rights that its segment asks for: no W or X more, no R or X less.",
         "A store to the program's code must fault. Checked only if the kernel reads segment flags (from 2022 on);"
         " later than at exec, not in the lab mmap, nor if the kernel has a function such as mprotect."),
    Rule("guard", "User code can't touch the page below its stack.",
         "A stack that overflows must fault. Checked where exec-rights is, if the kernel calls uvmclear."),
    Rule("user", "Below a process's size, only the guard page of its stack lacks U.",
         "User code could not touch memory of its own. Checked if the program's file is in `user`, and the kernel calls"
         " uvmclear."),
    Rule("lost", "A page that no descriptor refers to any more is free, or the kernel still holds its address.",
         "It is never used again: memory runs out."),
    Rule("table-lost", "A table that nothing refers to any more is free.",
         "It is never used again: memory runs out."),
    Rule("unreaped", "When the shell waits again, there is no zombie whose parent has ended or sleeps in wait, and no"
         " process that was made and never ran.", "Nothing ends it, so its memory is never freed."),
    Rule("free-list", "The list of free pages contains only pages, and ends.",
         "kalloc hands out whatever is in the list."),
    Rule("mappages", "mappages maps what it was asked to map.", "The base kernel's does.", ("base",)),
    Rule("uvmalloc", "uvmalloc that fails leaves nothing mapped; in base, it maps each page with the rights that it was"
         " asked for.", "The pages would lie beyond the size that the process keeps."),
    Rule("uvmunmap", "uvmunmap leaves nothing mapped in its range.", "The base kernel's does.", ("base",)),
    Rule("uvmcopy", "uvmcopy maps each page of the parent in the child too; in base, as a copy with its rights.",
         "The child's memory would be another's, or zeros.", ("base", "pgtbl", "cow", "lazy")),
    Rule("mapped-over", "No descriptor in use is overwritten with another frame.",
         "The page that it mapped would be lost. The base kernel handles no faults on mapped pages.", ("base",)),
)  # fmt: skip  # a rule, then its reason
"""The rules, as docs/read.md lists them."""

_HOLDS_IN = {rule.name: frozenset(rule.labs) for rule in RULES}


@frozen(slots=False)
class Wrong:
    """A broken rule: where, and the descriptors to show."""

    rule: str
    says: str
    root: int = 0
    address: int | None = None
    frame: int | None = None
    also: tuple[tuple[int, int], ...] = ()
    """Other descriptors, by root and address."""

    @property
    def key(self) -> tuple[str, int, int | None, int | None]:
        """The key that identifies the broken rule when it is checked again."""
        return self.rule, self.root, self.address, self.frame


class Loaded(NamedTuple):
    """A program that a table was made for: its name, and the least size that the process has had since its exec."""

    name: str
    size: int


@dataclass
class State:
    """The guest at a stop: processes by root, their tables, the free pages."""

    gdb: Gdb
    lab: str
    processes: dict[int, Process]
    spaces: Spaces
    free: FreePages
    changing: set[int]
    """The roots that calls under way are changing: they are not judged yet."""
    counts: Counts | None = None
    images: dict[str, list[tuple[int, int, int]]] = field(default_factory=dict)
    """The segments of programs by name: address, size and flags; filled when they are read."""
    programs: Path | None = None
    """The folder with the user programs."""
    reads_flags: bool = False
    has_guard: bool = False
    loaded: Mapping[int, Loaded] = field(default_factory=dict)
    """The program of each root, if no call may change the rights of its pages."""
    memory: range = range(0)
    """The addresses of memory; empty if they are not known."""

    def holds(self, rule: str) -> bool:
        """Return whether a rule belongs to this lab; counts are compared wherever an array of them was named."""
        return self.lab in _HOLDS_IN[rule] or (rule == "count" and self.counts is not None)

    def name(self, root: int) -> str:
        """Return the name of a process for a sentence."""
        found = self.processes.get(root)
        return str(found) if found is not None else f"the table at {Address(root)}"

    def judged(self, root: int) -> bool:
        """Return whether a root belongs to a process and no call is changing it."""
        return root in self.processes and root not in self.changing

    def lives(self, root: int) -> bool:
        """Return whether a root's process is not being freed: if it is, another process may already have its tables."""
        process = self.processes.get(root)
        return process is not None and process.state.lower() not in ("zombie", "unused")

    def users(self, frame: int) -> list[tuple[int, int]]:
        """Return the descriptors of processes, below the top, that refer to a frame."""
        return sorted(
            (root, va)
            for root, va in self.spaces.leading(frame)
            if root in self.processes and not is_excepted(va, leaf := self.spaces.known[root].leaves[va])
            if not _is_misaligned(leaf)
        )


def suspects(state: State, root: int, addresses: Iterable[int]) -> Iterator[int]:
    """Yield the addresses at which :func:`leaf_wrong` may find something: most descriptors are clearly right."""
    space = state.spaces.known.get(root)
    if space is None or root in state.changing:
        return
    known, leading, free, leaves = state.spaces.known, state.spaces.leading, state.free, space.leaves
    is_owned = root in state.processes
    is_shared_wrong = is_owned and state.holds("shared-and-writable")
    counts = state.counts if is_owned and state.holds("count") else None
    count_of = counts.reader(state.gdb) if counts is not None else None
    loaded = state.loaded.get(root) if is_owned else None
    least = loaded.size if loaded is not None else 0
    for va in addresses:
        leaf = leaves.get(va)
        if leaf is None or is_excepted(va, leaf):
            continue
        frame = leaf.frame
        users = leading(frame)
        if (
            leaf.size > PAGE
            or not leaf.word & U
            or va < least
            or frame in free
            or (counts is not None and count_of is not None and count_of(frame) != counts.wanted(len(users)))
            or (
                len(users) > 1
                and is_owned
                and any(
                    is_excepted(at, known[one].leaves[at]) or (is_shared_wrong and known[one].leaves[at].word & W)
                    for one, at in users
                )
            )
        ):
            yield va


def refused_wrong(state: State, root: int, addresses: Iterable[int]) -> Iterator[Wrong]:
    """Yield descriptors that the hardware refuses: other rules would take the range for granted that they map."""
    space = state.spaces.known.get(root)
    if space is None or not state.judged(root) or not state.lives(root):
        return
    if space.refused is not None:
        va, word = space.refused
        why = _why_refused(word)
        says = f"The descriptor of {state.name(root)} at {Address(va)}, {word:#x}, has reserved bits: {why}."
        yield Wrong("reserved", says, root, va)
    for va in addresses:
        leaf = space.leaves.get(va)
        if leaf is not None and _is_misaligned(leaf) and not is_excepted(va, leaf):
            says = (
                f"The superpage at {Address(va)} leads to {Address(leaf.frame)}, which is not a multiple of its size."
            )
            yield Wrong("aligned", says, root, va, leaf.frame)
        elif leaf is not None and _is_outside(state, va, leaf):
            says = f"{state.name(root)} maps {Address(va)} to frame {Address(leaf.frame)}, where there is no memory."
            yield Wrong("no-memory", says, root, va, leaf.frame)


def _is_outside(state: State, va: int, leaf: Leaf) -> bool:
    return bool(state.memory) and leaf.frame not in state.memory and not is_excepted(va, leaf)


def _is_misaligned(leaf: Leaf) -> bool:
    return leaf.size > PAGE and bool(leaf.frame % leaf.size)


def _why_refused(word: int) -> str:
    junk = junk_of(word).strip()
    if word >> 54 or junk:
        return junk.rstrip(".") or "a bit from 54 on is set"
    return "it has W and not R" if word & W else "it leads to a table, and has A, D or U"


def leaf_wrong(state: State, root: int, va: int) -> Iterator[Wrong]:
    """Yield what is wrong with one descriptor of a process, or of a table that is being made."""
    space = state.spaces.known.get(root)
    leaf = None if space is None else space.leaves.get(va)
    if leaf is None or is_excepted(va, leaf) or root in state.changing or _is_misaligned(leaf):
        return
    loaded = state.loaded.get(root)
    if loaded is not None and state.lives(root) and va < loaded.size:
        yield from _rights_wrong(state, root, va, leaf, _segments(state, loaded.name))
    for frame in leaf.frames:
        if frame in state.free:
            yield _free_and_mapped(state, root, va, frame)
        if root not in state.processes:
            continue
        if state.lives(root):
            yield from untouchable(state, root, va, leaf)
        users = state.users(frame) if len(state.spaces.leading(frame)) > 1 else [(root, va)]
        if state.holds("shared-and-writable") and len(users) > 1:
            yield from _shared_and_writable(state, root, va, frame, leaf, users)
        if state.counts is not None and state.holds("count"):
            yield from _counted(state, state.counts, root, va, frame, users)


def frame_wrong(state: State, frame: int) -> Iterator[Wrong]:
    """Yield what is wrong with a frame that was freed."""
    if frame not in state.free:
        return
    for root, va in state.users(frame):
        if state.judged(root):
            yield _free_and_mapped(state, root, va, frame)


def untouchable(state: State, root: int, va: int, leaf: Leaf) -> Iterator[Wrong]:
    """Yield a page below a process's size that user code can't touch, and that is no guard page of its stack."""
    process = state.processes[root]
    if leaf.word & U or va >= process.size:
        return
    segments = _segments(state, process.name)
    leaves = state.spaces.known[root].leaves
    guards = segments and all(
        (one := leaves.get(at)) is not None and not one.word & U for at in range(_end_of(segments), va + PAGE, PAGE)
    )
    loaded = state.loaded.get(root)  # the top of what exec loaded is the stack, which is no guard page
    stack = min(loaded.size - PAGE, TOP) if loaded is not None else TOP
    if segments and state.has_guard and not (guards and _end_of(segments) <= va < stack):
        says = f"User code of {process} can't touch {Address(va)}: U is 0, and only the guard page may lack it."
        yield Wrong("user", says, root, va, leaf.frame)


def grows_into(state: State, root: int, va: int) -> bool:
    """Return whether user code can't touch a page above its process's size, which may grow: xv6 maps pages first."""
    process, space = state.processes.get(root), state.spaces.known.get(root)
    leaf = space.leaves.get(va) if space is not None else None
    return process is not None and leaf is not None and not leaf.word & U and process.size <= va < TOP


def dangling_wrong(state: State, root: int) -> Iterator[Wrong]:
    """Yield the free pages to which a process's tables still point."""
    space = state.spaces.known.get(root)
    for page in sorted(space.dangling) if space is not None and state.judged(root) else ():
        if page in state.free:
            says = f"Page {Address(page)} is free, and {state.name(root)} still has a table in it."
            yield Wrong("free-and-table", says, root, None, page)


def table_wrong(state: State, page: int) -> Iterator[Wrong]:
    """Yield what is wrong with a page that holds a table."""
    having = sorted(root for root in state.spaces.having(page) if state.judged(root))
    if len(having) > 1:
        one, two = having[:2]
        says = f"Page {Address(page)} holds a table of {state.name(one)} and of {state.name(two)}."
        yield Wrong("table-shared", says, one, None, page)
    for root, va in state.users(page) if having else ():
        if state.judged(root):
            says = f"Page {Address(page)} holds a table of {state.name(having[0])}, and {state.name(root)} maps it."
            yield Wrong("table-shared", says, root, va, page)


def shrunk_wrong(state: State, root: int, start: int, stop: int) -> Iterator[Wrong]:
    """Yield what is still mapped above a process that shrank."""
    space = state.spaces.known.get(root)
    process = state.processes.get(root)
    if space is None or process is None or root in state.changing:
        return
    yield from beyond(process, space, start, stop)


def beyond(process: Process, space: Space, start: int, stop: int) -> Iterator[Wrong]:
    """Yield the pages from `start` to `stop`, its old size, that a process's tables map above its size now."""
    start = max(start, process.size + PAGE - 1 & -PAGE)
    for va in sorted(space.leaves):
        if start <= va < stop:
            says = (
                f"{process} has shrunk to {process.size:,} bytes, and {Address(va)} is still mapped, to frame"
                f" {Address(space.leaves[va].frame)}."
            )
            yield Wrong("beyond-size", says, process.root, va, space.leaves[va].frame)


def exec_wrong(state: State, root: int) -> Iterator[Wrong]:
    """Yield what is wrong with the tables of a process that has just executed a program, or was just forked."""
    process, space = state.processes.get(root), state.spaces.known.get(root)
    if process is None or space is None or root in state.changing:
        return
    name, size = state.loaded.get(root, (process.name, process.size))
    segments = _segments(state, name)
    if not segments:
        return
    for va, leaf in sorted(space.leaves.items()):
        if va >= min(size, TOP) or leaf.size > PAGE:
            break
        yield from _rights_wrong(state, root, va, leaf, segments)


def _rights_wrong(
    state: State, root: int, va: int, leaf: Leaf, segments: list[tuple[int, int, int]]
) -> Iterator[Wrong]:
    """Yield the rights of one page of a program, or of its stack, that differ from what the program asks for."""
    if not segments or leaf.size > PAGE:
        return
    name = state.name(root)
    flags = next((flags for start, size, flags in segments if start <= va < start + size), None)
    wants = _RW if flags is None else flags
    more = "".join(one for one, bit, asked in _BITS if leaf.word & bit and not wants & asked and one != "R")
    less = "".join(one for one, bit, asked in _BITS if not leaf.word & bit and wants & asked and one != "W")
    if (more or (less and flags is not None)) and state.reads_flags:
        what = "its segment" if flags is not None else "a stack"
        asks = f"does not ask for {more}" if more else f"asks for {less}"
        says = f"{name} maps {Address(va)} with {leaf.rights}, and {what} {asks}."
        yield Wrong("exec-rights", says, root, va, leaf.frame)
    if state.has_guard and va == _end_of(segments) and leaf.word & U:
        says = f"User code of {name} can touch {Address(va)}, the guard page below its stack."
        yield Wrong("guard", says, root, va, leaf.frame)


_BITS, _RW = (("R", R, 4), ("W", W, 2), ("X", X, 1)), 6
"""The rights: a letter, the descriptor's bit, and the bit of a program's segment (p_flags); and R and W of these."""


def _end_of(segments: list[tuple[int, int, int]]) -> int:
    """Return the first page after a program's segments: its stack's guard page."""
    return max(va + size for va, size, _ in segments) + PAGE - 1 & -PAGE


def _segments(state: State, name: str) -> list[tuple[int, int, int]]:
    """Return the loaded segments of a program (address, size and flags) from the ELF file on xv6's disk."""
    if name not in state.images:
        found: list[tuple[int, int, int]] = []
        path = None if state.programs is None else state.programs / f"_{name}"
        if path is not None and name and "/" not in name and path.is_file():
            data = path.read_bytes()
            if data[:4] == b"\x7fELF" and len(data) > 64:
                at, size, count = (*unpack_from("<Q", data, 32), *unpack_from("<HH", data, 54))
                for each in range(count):
                    kind, flags = unpack_from("<II", data, at + each * size)
                    va, _, _, memory = unpack_from("<4Q", data, at + each * size + 16)
                    if kind == 1:
                        found.append((va, memory, flags))
        state.images[name] = found
    return state.images[name]


def _free_and_mapped(state: State, root: int, va: int, frame: int) -> Wrong:
    says = f"Frame {Address(frame)} is free, and {state.name(root)} still maps it at {Address(va)}."
    return Wrong("free-and-mapped", says, root, va, frame)


def _shared_and_writable(
    state: State, root: int, va: int, frame: int, leaf: Leaf, users: list[tuple[int, int]]
) -> Iterator[Wrong]:
    """Yield a broken rule if a frame that two processes map is writable in one of them."""
    for other, there in users:
        if (other, there) == (root, va) or not state.judged(other):
            continue
        theirs = _holding(state.spaces.known[other], there, frame)
        if theirs is None or not (leaf.writable or theirs.writable):
            continue
        one, two = (state.name(root), va), (state.name(other), there)
        if other == root:
            says = f"{one[0]} maps frame {Address(frame)} at {Address(va)} and at {Address(there)}, and can write it."
            yield Wrong("mapped-twice", says, root, va, frame, ((other, there),))
            continue
        if leaf.writable and theirs.writable:
            says = (
                f"Frame {Address(frame)} can be written by {one[0]} at {Address(va)} and by {two[0]} at"
                f" {Address(there)}."
            )
        else:
            writer, reader = (one, two) if leaf.writable else (two, one)
            says = (
                f"Frame {Address(frame)} can be written by {writer[0]} at {Address(writer[1])}, and {reader[0]} maps it"
                f" too, at {Address(reader[1])}."
            )
        yield Wrong("shared-and-writable", says, root, va, frame, ((other, there),))


def _holding(space: Space, va: int, frame: int) -> Leaf | None:
    leaf = space.leaves.get(va)
    return leaf if leaf is not None and leaf.frame <= frame < leaf.frame + leaf.size else None


def _counted(
    state: State, counts: Counts, root: int, va: int, frame: int, users: list[tuple[int, int]]
) -> Iterator[Wrong]:
    if any(other not in state.processes or other in state.changing for other, _ in state.spaces.leading(frame)):
        return
    count = counts.of(state.gdb, frame)
    wanted = counts.wanted(len(users))
    if count is not None and count != wanted:
        right = "" if wanted == len(users) else f" (so the count should be {wanted})"
        says = (
            f"Frame {Address(frame)} is counted {counted(count, 'time')}, and {counted(len(users), 'descriptor')} of"
            f" processes {'leads' if len(users) == 1 else 'lead'} to it{right}:"
            f" {'' if len(users) == 1 else 'one is '}{state.name(root)}'s at {Address(va)}."
        )
        yield Wrong("count", says, root, va, frame, tuple(one for one in users if one != (root, va)))


# ---- the base kernel ---------------------------------------------------------------------------


def any_call(state: State, call: Call) -> Iterator[Wrong]:
    """Yield what a call did wrong in any lab: uvmalloc that failed left pages, or uvmcopy left one out."""
    space = state.spaces.known.get(call.roots[-1]) if call.roots else None
    if space is not None and call.function == "uvmalloc" and (call.failed or _did_not_grow(state, call)):
        yield from _left_by_failure(call, space)
    elif call.function == "uvmcopy" and not call.failed and state.lab != "mmap":
        yield from not_copied(state, call)
        loaded = state.loaded.get(call.argument(0))  # the child has the parent's program, and no name yet
        for va, leaf in sorted(space.leaves.items()) if space is not None and loaded is not None else ():
            if loaded is not None and va < min(loaded.size, TOP):
                yield from _rights_wrong(state, call.argument(1), va, leaf, _segments(state, loaded.name))


def _did_not_grow(state: State, call: Call) -> bool:
    """Return whether a call of uvmalloc whose result was not seen has failed: its process kept the size it had."""
    process = state.processes.get(call.roots[-1]) if call.far else None
    return process is not None and process.size == call.argument(1) < call.argument(2)


def base_call(state: State, call: Call) -> Iterator[Wrong]:
    """Yield what a call did wrong to a table in the base kernel."""
    space = state.spaces.known.get(call.roots[-1]) if call.roots else None
    if space is None:
        return
    if call.failed:  # of others than uvmalloc, the caller must remove the rest
        return
    if call.function == "mappages" and len(call.values) == 5:
        yield from _mapped(call, space)
    elif call.function == "uvmalloc" and len(call.values) == 4:
        yield from _allocated(call, space)
    elif call.function == "uvmunmap" and len(call.values) == 4:
        yield from _unmapped(call, space)
    elif call.function == "uvmcopy" and len(call.values) == 3:
        yield from _copied(call, space)


def _left_by_failure(call: Call, space: Space) -> Iterator[Wrong]:
    for va in (va for va in sorted(space.leaves) if call.pages is not None and va in call.pages):
        says = f"uvmalloc failed, and left {Address(va)} mapped, which is beyond the size that the process keeps."
        yield Wrong("uvmalloc", says, call.values[0], va, space.leaves[va].frame)
        return


def _mapped(call: Call, space: Space) -> Iterator[Wrong]:
    root, pa, perm = call.values[0], call.values[3], call.values[4]
    for va in call.pages or ():
        wanted = (pa >> 12 << 10) | (perm & _FLAGS) | V
        leaf = space.leaves.get(va)
        if leaf is None:
            yield Wrong("mappages", f"{Address(va)} was to be mapped, and its descriptor is not valid.", root, va, pa)
        elif (leaf.word ^ wanted) & ~(A | D | G):
            says = (
                f"The descriptor of {Address(va)} is {leaf.word:#x}, and mappages was asked for {wanted:#x}:"
                f" {_difference(leaf.word, wanted)}."
            )
            yield Wrong("mappages", says, root, va, leaf.frame)
        pa += PAGE


def _allocated(call: Call, space: Space) -> Iterator[Wrong]:
    wanted = (call.values[3] & _FLAGS) | V | 2 | U
    for va in call.pages or ():
        leaf = space.leaves.get(va)
        if leaf is None:
            yield Wrong("uvmalloc", f"{Address(va)} was to be allocated, and is not mapped.", call.values[0], va)
        elif (leaf.word ^ wanted) & _FLAGS & ~0x300:
            says = (
                f"The descriptor of {Address(va)} is {leaf.word:#x}: {_difference(leaf.word & 0xFF & _FLAGS, wanted)}."
            )
            yield Wrong("uvmalloc", says, call.values[0], va, leaf.frame)


def _unmapped(call: Call, space: Space) -> Iterator[Wrong]:
    for va in call.pages or ():
        leaf = space.leaves.get(va)
        if leaf is not None:
            says = f"{Address(va)} was to be unmapped, and its descriptor is still {leaf.word:#x}."
            yield Wrong("uvmunmap", says, call.values[0], va, leaf.frame)


def not_copied(state: State, call: Call) -> Iterator[Wrong]:
    """Yield a page of the parent that uvmcopy mapped nowhere in the child, by a superpage or by a page."""
    parent, child = call.before.get(call.argument(0)), state.spaces.known.get(call.argument(1))
    if parent is None or child is None or len(call.values) != 3:
        return
    large = [va for va, leaf in child.leaves.items() if leaf.size > PAGE]
    for va, leaf in parent.items():
        is_there = va in child.leaves or any(at <= va < at + child.leaves[at].size for at in large)
        if va < call.values[2] and leaf.word & U and not is_there:
            yield Wrong("uvmcopy", f"The parent maps {Address(va)}, and the child does not.", call.values[1], va)


def _copied(call: Call, child: Space) -> Iterator[Wrong]:
    parent = call.before.get(call.values[0])
    if parent is None:
        return
    new, size = call.values[1], call.values[2]
    for va, leaf in parent.items():
        if va >= size:
            continue
        copy = child.leaves.get(va)
        if copy is None:
            yield Wrong("uvmcopy", f"The parent maps {Address(va)}, and the child does not.", new, va)
        elif (copy.word ^ leaf.word) & _FLAGS:
            bits = _difference(copy.word & _FLAGS, leaf.word & _FLAGS)
            says = f"The child's descriptor of {Address(va)} differs from the parent's: {bits}."
            yield Wrong("uvmcopy", says, new, va, copy.frame)
        elif copy.frame == leaf.frame:
            says = f"Parent and child share frame {Address(leaf.frame)} at {Address(va)}, and the base kernel copies."
            yield Wrong("uvmcopy", says, new, va, copy.frame, ((call.values[0], va),))


_NAMES = {V: "V", 2: "R", W: "W", 8: "X", 16: "U", 0x100: "RSW[0]", 0x200: "RSW[1]"}


def _difference(is_: int, wanted: int) -> str:
    """Return the names of the bits that differ."""
    parts = [
        f"{name} is {int(bool(is_ & bit))} and not {int(bool(wanted & bit))}"
        for bit, name in _NAMES.items()
        if (is_ ^ wanted) & bit
    ]
    if is_ >> 10 != wanted >> 10:
        parts.append(f"it leads to {Address(is_ >> 10 << 12)} and not to {Address(wanted >> 10 << 12)}")
    return ", ".join(parts)
