"""The functions of a kernel to follow: the functions that can write descriptors, found in its machine code.

A function can write a descriptor if it asks for a descriptor's place (by calling `walk`, or another function that
returns a `pte_t *`) and stores words through pointers.  So a student's own fault handler is followed, whatever its
name.

While a breakpoint is set, QEMU runs the code in the same page of 4 KiB one instruction at a time.  So a function near
the loops that fill and copy pages is followed for short periods only, and not while many pages are filled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...engine.base.frozen import frozen
from ...engine.base.units import PAGE
from ..code import length_of
from ..program import Parameter, Program

NAMED = ("mappages", "uvmunmap", "uvmalloc", "uvmdealloc", "uvmcopy", "freewalk")
"""The functions of xv6 that are always followed."""

_WRITE = ("mappages", "uvmunmap", "freewalk")

_BUSY_ANYWAY = ("usertrap", "kerneltrap", "syscall", "copyout", "copyin", "copyinstr")
"""Functions that run far more often than they write a descriptor: they are followed from their first read of a
descriptor."""

AT_BOOT = ("kvm", "proc_mapstacks", "virtio", "uvmfirst", "uvminit", "userinit", "main")
"""What the names of functions begin with that only run before the first process."""

_TRAP_ENDS = ("prepare_return", "usertrapret")
"""The functions that `usertrap` calls at its end: it may not return."""

_NOT_A_HANDLER = ("syscall", "yield", "devintr", "exit", "kexit")
"""The functions that `usertrap` calls outside a fault handler: a process may wait in them."""

_LOOPS = ("memset", "memmove", "memcpy")
"""The functions in which a kernel spends most of its time."""


@frozen
class Point:
    """A function that is followed: where it begins, and where its calls end."""

    name: str
    entry: int
    ends: tuple[int, ...]
    """The function's returns; empty if it may end by a jump, so that its return address is watched instead."""
    late: tuple[int, ...]
    """The place after which the function has written or looked for a descriptor, if it is followed from there on."""
    parameters: tuple[Parameter, ...]
    near_loops: bool = False
    """Whether a breakpoint there makes filling and copying pages slow."""

    @property
    def places(self) -> tuple[int, ...]:
        """The places of the function's breakpoints while it is followed."""
        return self.late or ((self.entry,) if self.near_loops else (self.entry, *self.ends))


def plan(program: Program) -> dict[str, Point]:
    """Return the functions to follow, by name, ignoring how much their breakpoints slow other code down."""
    code = program.code
    walks = program.gives_descriptors | {name for name in ("walk",) if name in code.callees}
    writers = _writing(program) - walks
    writers |= {name for name in NAMED if name in program.symbols}
    for name, callees in code.callees.items():  # one level up, functions have telling names
        if callees & set(_WRITE) and any(one.type == "pagetable_t" for one in program.parameters.get(name, ())):
            writers.add(name)
    chosen = {name for name in writers if not name.startswith(AT_BOOT) and name not in walks}
    return {name: _point(program, name, walks if name in _BUSY_ANYWAY else set()) for name in sorted(chosen)}


def with_loops(points: dict[str, Point], near: set[int], is_aside: Callable[[int], bool]) -> dict[str, Point]:
    """Return the functions, and mark the functions near loops; `near` are the pages of the loops."""
    return {
        name: replace(one, near_loops=any(at & -PAGE in near and not is_aside(at) for at in one.places))
        for name, one in points.items()
    }


def _writing(program: Program) -> set[str]:
    """Return the functions that get the place of a descriptor, and store words or free the page that it leads to."""
    code = program.code
    walks = program.gives_descriptors | {"walk"}
    given = {
        name
        for name, parameters in program.parameters.items()
        if any(one.type == "pte_t" for one in parameters) and code.body(name).stores_words
    }
    return {
        name
        for name, callees in code.callees.items()
        if callees & walks and (code.body(name).stores_words or callees & given or "kfree" in callees)
    }


def writers_of(program: Program) -> frozenset[str]:
    """Return the functions that write descriptors and hand out frames, followed or not."""
    found = _writing(program)
    others = ("uvmfree", "proc_freepagetable", "freeproc", "kalloc", "kfree", "proc_pagetable")
    return frozenset(found | {name for name in (*NAMED, *others) if name in program.symbols} - {"walk"}) - {
        "kerneltrap",
        "syscall",
    }


def is_writing(names: list[str], writers: frozenset[str]) -> bool:
    """Return whether a backtrace contains one of the writers; `usertrap` also calls other functions."""
    return any(
        name in writers and not (name == "usertrap" and before in _NOT_A_HANDLER)
        for before, name in zip(("", *names), names, strict=False)
    )


def freers_of(program: Program) -> frozenset[str]:
    """Return the functions that free a process's tables, up to the function after which the process has none."""
    found: set[str] = set()
    to_look_at = ["freewalk"]
    while to_look_at:
        name = to_look_at.pop()
        if name not in found:
            found.add(name)
            if name == "freewalk" or any(one.type == "pagetable_t" for one in program.parameters.get(name, ())):
                to_look_at += program.code.callers.get(name, frozenset())
    return frozenset(found)


def near_loops(program: Program) -> set[int]:
    """Return the pages of code that contain the loops over pages."""
    there = [program.symbols[name] for name in _LOOPS if name in program.symbols]
    return {at & -PAGE for one in there for at in (one.address, one.address + max(one.size, 1) - 1)}


def _point(program: Program, name: str, late_after: set[str]) -> Point:
    code = program.code
    body, entry = code.body(name), program.address(name)
    sites = [at for one in sorted(late_after) for at in code.call_sites(name, one)]
    late = tuple(sorted(at + length_of(code.word(at)) for at in sites))
    ends = body.returns if not body.leaves_to else ()
    if late:
        ends = (*body.returns, *(at for end in _TRAP_ENDS for at in code.call_sites(name, end)))
    return Point(name, entry, ends, late, program.parameters.get(name, ()))


def takers(program: Program, followed: set[str]) -> list[int]:
    """Return the places at which functions that are not followed get a page from `kalloc`."""
    code = program.code
    names = code.callers.get("kalloc", frozenset()) - {"walk"}
    return [
        at + length_of(code.word(at))
        for name in sorted(names)
        if name not in followed and not inner_only(program, name, followed)
        for at in code.call_sites(name, "kalloc")
    ]


def inner_only(program: Program, name: str, followed: set[str]) -> bool:
    """Return whether every caller of a function is followed."""
    callers = {one for one in program.code.callers.get(name, frozenset()) if not one.startswith(AT_BOOT)}
    return bool(callers) and callers <= followed
