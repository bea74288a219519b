"""What must hold after a call, in every right solution of a lab; and what a call must do, in the base kernel alone.

Pages at the top of the addresses are exceptions by name: the trampoline is in every table, and a trapframe (as the page
that the pgtbl lab shares with user code) is freed before its table is, and mapped by the old and the new table
during exec.
The kernel's own table is not a process's: its direct map and its kernel stacks lead to frames that may be free or a
process's.  A stack's guard page is a page like others, without U.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vmwidgets.engine.base.frozen import frozen

from ...engine.base.units import PAGE, Address
from ...engine.mmu.formats.riscv import A, D, G, V, W
from ..gdb import Gdb
from ..processes import Process
from ..program import Variable
from .calls import Call
from .free_list import FreeList
from .spaces import Leaf, Space, Spaces

MAXVA = 1 << 38

TOP = MAXVA - 16 * PAGE
"""From here on are trampoline, trapframe and what the pgtbl lab adds below them."""

KERNBASE = 0x8000_0000

LABS = ("base", "pgtbl", "cow", "lazy")

_FLAGS = 0x3FF & ~(A | D | G)
"""The bits of a descriptor that a call decides; hardware sets A and D."""


@frozen(slots=False)
class Wrong:
    """A rule that does not hold: where, and the descriptors to show."""

    rule: str
    says: str
    root: int = 0
    address: int | None = None
    frame: int | None = None
    also: tuple[tuple[int, int], ...] = ()
    """Other descriptors, by root and address."""


@dataclass
class State:
    """What is known of the guest after a call: processes by root, their tables, the free list."""

    gdb: Gdb
    processes: dict[int, Process]
    spaces: Spaces
    free: FreeList
    changing: set[int]
    """Roots that calls under way are changing: nothing is said of these yet."""
    counts: Variable | None = None
    own: frozenset[int] = frozenset()
    """Roots that the call is about: exec's new table is not a process's yet."""

    def name(self, root: int) -> str:
        """A process in a sentence."""
        found = self.processes.get(root)
        return str(found) if found is not None else f"the table at {Address(root)}"

    def judged(self, root: int) -> bool:
        """Whether a root is a process's, and no call is changing it."""
        return root in self.processes and root not in self.changing

    def users(self, frame: int) -> list[tuple[int, int]]:
        """The descriptors of processes, below the top, that lead to a frame."""
        return sorted((root, va) for root, va in self.spaces.leading(frame) if va < TOP and root in self.processes)


def invariants(state: State, changed: Iterable[tuple[int, int]], freed: Iterable[int]) -> Iterator[Wrong]:
    """What no right solution breaks, asked of descriptors that a call `changed` and of frames newly `freed`."""
    for frame in freed:
        for root, va in state.users(frame):
            if state.judged(root):
                yield _free_and_mapped(state, root, va, frame)
    for root, va in changed:
        leaf = state.spaces.known[root].leaves.get(va)
        if leaf is None or va >= TOP or root in state.changing:
            continue
        for frame in range(leaf.frame, leaf.frame + leaf.size, PAGE):
            if frame in state.free and (root in state.own or root in state.processes):
                yield _free_and_mapped(state, root, va, frame)
            if root not in state.processes:
                continue
            yield from _shared_and_writable(state, root, va, frame, leaf)
            if state.counts is not None:
                yield from _counted(state, state.counts, root, va, frame)


def _free_and_mapped(state: State, root: int, va: int, frame: int) -> Wrong:
    says = f"Frame {Address(frame)} is free, and {state.name(root)} still maps it at {Address(va)}."
    return Wrong("free-and-mapped", says, root, va, frame)


def _shared_and_writable(state: State, root: int, va: int, frame: int, leaf: Leaf) -> Iterator[Wrong]:
    """A frame that two processes map is writable in neither: a store would be seen by the other."""
    for other, there in state.users(frame):
        if other == root or not state.judged(other):
            continue
        theirs = _holding(state.spaces.known[other], there, frame)
        if theirs is None or not (leaf.writable or theirs.writable):
            continue
        one, two = (state.name(root), va), (state.name(other), there)
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


def _counted(state: State, counts: Variable, root: int, va: int, frame: int) -> Iterator[Wrong]:
    leading = state.users(frame)
    if any(other in state.changing for other, _ in leading):
        return
    index = frame // PAGE if counts.count > KERNBASE // PAGE else (frame - KERNBASE) // PAGE
    if not 0 <= index < counts.count:
        return
    data = state.gdb.read_one(counts.address + index * counts.step, counts.size)
    count = int.from_bytes(data, "little")
    if count != len(leading):
        says = (
            f"Frame {Address(frame)} is counted {count} times, and {len(leading)} descriptors of processes lead to it;"
            f" one is {state.name(root)}'s at {Address(va)}."
        )
        yield Wrong("count", says, root, va, frame, tuple(one for one in leading if one != (root, va)))


# ---- the base kernel ---------------------------------------------------------------------------


def base_call(state: State, call: Call, before: Space | None) -> Iterator[Wrong]:
    """What a call must do to a table in the base kernel; `before` is the table as it was at the call's entry."""
    space = state.spaces.known.get(call.roots[-1])
    if space is None or call.failed:  # what is left is its caller's to take away
        return
    if call.function == "mappages":
        yield from _mapped(state, call, space)
    elif call.function == "uvmunmap":
        yield from _unmapped(state, call, space)
    elif call.function == "uvmcopy":
        yield from _copied(state, call, space, before)


def _mapped(state: State, call: Call, space: Space) -> Iterator[Wrong]:
    root, pa, perm = call.arguments[0], call.arguments[3], call.arguments[4]
    for va in call.pages:
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


def _unmapped(state: State, call: Call, space: Space) -> Iterator[Wrong]:
    root = call.arguments[0]
    for va in call.pages:
        leaf = space.leaves.get(va)
        if leaf is not None:
            says = f"{Address(va)} was to be unmapped, and its descriptor is still {leaf.word:#x}."
            yield Wrong("uvmunmap", says, root, va, leaf.frame)


def _copied(state: State, call: Call, child: Space, parent: Space | None) -> Iterator[Wrong]:
    if parent is None:
        return
    new, size = call.arguments[1], call.arguments[2]
    for va, leaf in parent.leaves.items():
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
            yield Wrong("uvmcopy", says, new, va, copy.frame, ((call.arguments[0], va),))


_NAMES = {V: "V", 2: "R", W: "W", 8: "X", 16: "U", 0x100: "RSW[0]", 0x200: "RSW[1]"}


def _difference(is_: int, wanted: int) -> str:
    """The bits that differ, in words."""
    parts = [
        f"{name} is {int(bool(is_ & bit))} and not {int(bool(wanted & bit))}"
        for bit, name in _NAMES.items()
        if (is_ ^ wanted) & bit
    ]
    if is_ >> 10 != wanted >> 10:
        parts.append(f"it leads to {Address(is_ >> 10 << 12)} and not to {Address(wanted >> 10 << 12)}")
    return ", ".join(parts)
