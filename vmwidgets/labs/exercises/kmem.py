"""Exercises of notebook 05: a handler that gives back what is asked for, and two threads that want the same locks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vmwidgets.engine.base.scripts import Script
from vmwidgets.engine.base.units import PAGE, Size
from vmwidgets.engine.machine import Machine

from ..criterion import Criterion, criterion
from ..exercise import exercise
from .structures import pages

SPARE = (3, 9, 10, 20, 21, 22, 23, 40, 41, 55)
"""Pages of kmem_map, from its start, that the notebook's cache could read again; all others are in use."""

WANTED = 4 * PAGE

FREEING = ("kmem_free", "kmem_free_wakeup")
"""Operations that give memory back."""

THREADS = ("exec", "pipe")
LOCKS = {"kmem/exec_map", "kmem/pipe_map"}


@exercise(
    "05/handler",
    "A handler that frees what is needed",
    points=5,
    takes=Machine,
    alive=False,
    shows=lambda machine: machine.kmem,
)
def handler(machine: Machine) -> Iterator[Criterion]:
    """kmem_map, full of single pages, has room for 16 KiB: a handler gave the right ones of :data:`SPARE` back."""
    served = not machine.dead and any(
        one.map == "kmem_map" and one.size == WANTED and not one.owner for one in machine.kmem.allocations
    )
    yield criterion(
        1,
        served,
        "the request got its memory",
        "the request should get four pages in a row: addresses of one request are never apart",
        expected=f"an allocation of {Size(WANTED)} in kmem_map",
        actual=machine.door.dead or f"the largest gap of kmem_map is {machine.kmem.kmem_map.largest_gap}",
    )
    yield criterion(
        1,
        served and machine.threads.ticks == 0,
        "it got it at the first try, without a sleep",
        "the first try should succeed; the thread sleeps after each try that fails",
        first="" if served else "serve the request",
        expected="tick 0",
        actual=f"tick {machine.threads.ticks:,}",
    )
    by_cell = sum(one.outcome == "done" and one.name in FREEING for one in machine.journal)
    frees = {name: sum(one.name in FREEING for one in script) for name, script in machine.journal.scripts.items()}
    by_handler = sum(count for name, count in frees.items() if name.startswith("on_lowmem:"))
    others = {"a cell": by_cell, "a thread": sum(frees.values()) - by_handler}
    by_others = " and ".join(f"{count} times from {who}" for who, count in others.items() if count)
    yield criterion(
        1,
        served and by_handler > 0 and not by_others,
        "the handler freed the memory",
        "a handler should free the memory, when it is called",
        first="" if served or by_others else "serve the request",
        actual=by_others,
    )
    gone = _gone(machine)
    in_use = [number for number in gone if number not in SPARE]
    yield criterion(
        2,
        (served and not in_use) * ((len(gone) < len(SPARE)) + (len(gone) <= WANTED // PAGE)),
        "what others need is still there, and most of the cache",
        "pages were freed that are in use: only those of the cache can be spared"
        if in_use
        else "more was freed than was needed: which four pages are enough?",
        first="" if served or in_use else "serve the request",
        expected=f"{pages(WANTED)} of the cache, and nothing else",
        actual=f"pages {', '.join(map(str, gone[:12]))}{' and more' if len(gone) > 12 else ''}" if gone else "none",
    )


def _gone(machine: Machine) -> list[int]:
    """The pages of kmem_map, counted from its start, that are no allocation of one page any more."""
    kmem_map = machine.kmem.kmem_map
    single = {one.start for one in machine.kmem.allocations if one.map == "kmem_map" and one.size == PAGE}
    starts = range(kmem_map.start, kmem_map.end, PAGE)
    return [number for number, start in enumerate(starts) if start not in single]


@exercise("05/order", "Two threads, two locks", points=5, takes=Machine, shows=lambda machine: machine.threads)
def order(machine: Machine) -> Iterator[Criterion]:
    """Threads "exec" and "pipe" each copy while they hold the locks of exec_map and pipe_map, and both return."""
    states = {one.name: one.state for one in machine.threads if one.name in THREADS}
    yield criterion(
        1,
        list(states.values()) == ["returned"] * 2,
        "both threads have returned",
        "both threads should return",
        actual=", ".join(f"{name} {state}" for name, state in states.items()) or "there are no such threads",
    )
    scripts = {name: _latest(machine, name) for name in THREADS}
    copied = [name for name in THREADS if _copies(scripts[name])]
    missing = [name for name in THREADS if name not in copied]
    yield criterion(
        2,
        len(copied),
        "each copies while it has both locks",
        "a thread copies without both locks: what it copies may be freed meanwhile",
        first="" if any(_tries(script) for script in scripts.values()) else "let them reach the copy",
        expected='tsleep("copy") with the locks of exec_map and pipe_map',
        actual=f"not so in {' and '.join(missing)}" if missing else "",
    )
    orders = sorted({pair for script in scripts.values() for pair in _nestings(script)})
    crossing = [pair for pair in orders if pair[::-1] in orders]
    yield criterion(
        2,
        not missing and not crossing,
        "both take the locks in one order, so they can't wait for each other, whoever runs when",
        "they take the locks in different orders: one day each will hold what the other waits for",
        first="" if crossing else "let both copy",
        actual=", ".join(f"{_map(first)} before {_map(second)}" for first, second in crossing),
    )


def _latest(machine: Machine, name: str) -> Script:
    """What the thread of this name did: the latest, where others had the name before it was given again."""
    scripts = machine.journal.scripts
    keys = [key for key in scripts if re.fullmatch(rf"{name}(#\d+)?", key)]
    return scripts[keys[-1]] if keys else Script()


def _held(script: Script) -> Iterator[tuple[str, str, str, set[str]]]:
    """Each action of a thread: target, name, its first argument, and the locks that it had before."""
    held: set[str] = set()
    for action in script:
        first = str(action.arguments[0][1]) if action.arguments else ""
        yield action.target, action.name, first, set(held)
        if action.target in LOCKS and action.name in ("lock", "unlock"):
            held = held | {action.target} if action.name == "lock" else held - {action.target}


def _copies(script: Script) -> bool:
    return any(name == "tsleep" and what == "copy" and held == LOCKS for _, name, what, held in _held(script))


def _tries(script: Script) -> bool:
    return any(name == "tsleep" and what == "copy" for _, name, what, _ in _held(script))


def _nestings(script: Script) -> Iterator[tuple[str, str]]:
    """Pairs of locks: the second was taken while the thread had the first."""
    for target, name, _, held in _held(script):
        if target in LOCKS and name == "lock":
            yield from ((one, target) for one in held)


def _map(path: str) -> str:
    return path.removeprefix("kmem/")
