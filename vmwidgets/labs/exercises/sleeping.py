"""Exercise of notebook 05b: threads that must not wait in a circle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import permutations

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.scripts import Script
from vmwidgets.engine.machine import Machine, boot

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake
from .structures import listed

LOCKS = ("exec_map", "pipe_map", "log_map", "net_map")
OF_BOOT = LOCKS[:2]
"""The maps that every machine has; the others are made for the exercise."""

THREADS = ("backup", "exec", "login", "mail", "pipe", "print")

Orders = dict[str, tuple[str, ...]]
"""The locks that each thread takes, in order, by the thread's name."""


@frozen(slots=False)
class OrderSheet:
    """The locks that each thread takes, and their order."""

    threads: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def drawn(cls, draws: Draws) -> OrderSheet:
        """Draw three or four threads that can wait in a circle; changing one of them, or sometimes two, prevents it."""
        locks = LOCKS[: draws.between(3, 4)]
        names = draws.sample(THREADS, draws.between(3, 4))
        while True:
            lists = [tuple(draws.sample(locks, draws.choice([2, 2, 3]))) for _ in names]
            sheet = cls(tuple(zip(names, lists, strict=True)))
            changes = [changed(sheet, orders) for orders in mended(sheet)]
            used = {lock for _, taken in sheet.threads for lock in taken}
            if len(used) == len(locks) and 0 < min(changes) < max(changes) and changes.count(min(changes)) <= 3:
                return sheet

    @property
    def orders(self) -> Orders:
        """The threads' present orders."""
        return dict(self.threads)

    @property
    def text(self) -> str:
        """The task in words."""
        rows = "".join(f"`{name}` takes {_in_order(locks)}.\n" for name, locks in self.threads)
        first, locks = self.threads[0]
        given = ", ".join(f'"{lock}"' for lock in locks)
        used = {lock for _, taken in self.threads for lock in taken}
        more = " and ".join(f"`{lock}`" for lock in LOCKS[len(OF_BOOT) :] if lock in used)
        return (
            f"{len(self.threads)} threads copy between maps (this machine has {more} too). Each needs several locks at "
            f"once, and takes them in its own order:\n{rows}"
            "So some of them can wait for each other in a circle. Spawn all of them with the same locks, but change "
            "the order of locks in as few threads as possible, so that no circle is possible in any run.\n"
            f'On a machine `m`, `{first}` is `m.spawn(m.kmem.copier, {given}, name="{first}")` as it is now. When all '
            "are spawned, let them run: `m.run()`."
        )

    def start(self) -> Machine:
        """Return a machine with the maps, but no threads yet."""
        machine = boot("x86-64", layout="tiny")
        for name in LOCKS[len(OF_BOOT) :]:
            machine.kmem_suballoc("16 KiB", name)
        return machine


def mended(asked: OrderSheet) -> list[Orders]:
    """Return orders without a circle, one for each order of all locks; the fewest changed threads come first."""
    found = []
    for ranking in permutations(LOCKS):
        one = {name: tuple(sorted(locks, key=ranking.index)) for name, locks in asked.threads}
        if one not in found:
            found.append(one)
    return sorted(found, key=lambda orders: changed(asked, orders))


def changed(asked: OrderSheet, orders: Orders) -> int:
    """Return how many threads have a different order in `orders` than at the start; missing locks don't count."""
    before = asked.orders
    return sum(locks != tuple(one for one in before[name] if one in locks) for name, locks in orders.items())


@exercise(
    "05b/order",
    "Threads that need several locks",
    points=5,
    takes=Machine,
    shows=lambda machine: machine.threads,
    variant=OrderSheet.drawn,
    edition=2,
    hints=(
        "For each thread, draw an arrow from each lock to the locks that it takes later. Where is there a circle?",
        "You have to break each circle. In which thread does another order reverse an arrow of every circle?",
        "Find one order of all locks that most threads follow already. Change only the threads that do not follow it.",
    ),
)
def order(machine: Machine, asked: OrderSheet) -> Iterator[Criterion]:
    """Judge the threads: each copied with all its locks and returned, without a circle, and few were changed."""
    scripts = {name: _latest(machine, name) for name, _ in asked.threads}
    states = {one.name: one.state for one in machine.threads}
    copied = [name for name, locks in asked.threads if _copies(scripts[name], set(locks))]
    whole = [name for name in copied if states.get(name) == "returned"]
    missing = [name for name in scripts if name not in whole]
    tried = [name for name, script in scripts.items() if _copies(script, set())]
    taken = {name: _order(script, asked.orders[name]) for name, script in scripts.items()}
    waiting = "" if all(taken.values()) else "spawn all threads, and let them run"
    circle = _circle({(one, lock) for script in scripts.values() for lock, held in _taken(script) for one in held})
    moved = changed(asked, taken)
    begun = "" if moved else "change the order of a thread's locks"
    yield criterion(
        2,
        0 if waiting or (begun and circle) else bool(whole) + (not missing),
        "each thread copies while it holds all its locks, and returns",
        "each thread should copy while it holds all its locks, and return",
        first=begun if circle else "",
        expected=f"{listed(list(scripts))} have returned",
        actual="; ".join(f"{name}: {_state(name, states, name in tried)}" for name in missing),
        mistake=WITHOUT if any(name in tried for name in missing) else None,
    )
    needed = changed(asked, mended(asked)[0])
    few = len(tried) == len(scripts) and moved <= needed
    yield criterion(
        3,
        0 if waiting or circle or begun else 2 + few,
        "no circle is possible, in whatever order the threads run, and as few threads as possible were changed",
        "the orders of locks allow a circle, in which each thread holds the lock that the next one waits for"
        if circle
        else "no circle is possible, but more threads were changed than necessary: the others could keep their order",
        first="" if circle else waiting or begun or ("" if len(tried) == len(scripts) else "let all of them copy"),
        expected="" if circle else f"{needed} of {len(taken)} threads changed",
        actual=" before ".join(circle) if circle else f"{moved} of them",
        mistake=ALL_SORTED if not circle else LUCK if not missing else None,
    )


def _in_order(locks: tuple[str, ...]) -> str:
    return ", then ".join(f"`{lock}`" for lock in locks)


WITHOUT = Mistake("copies without a lock", "What a thread copies without the lock may be freed or changed meanwhile.")
LUCK = Mistake("a lucky run", "The threads did not wait in a circle this time, but their orders still allow it.")
ALL_SORTED = Mistake(
    "sorts what was in order", "Any common order is right: choose an order that most threads follow already."
)


def _state(name: str, states: dict[str, str], tried: bool) -> str:
    return states.get(name, "there is no such thread") if not tried else "without all its locks"


def _latest(machine: Machine, name: str) -> Script:
    """Return what the latest thread with this name did."""
    scripts = machine.journal.scripts
    keys = [key for key in scripts if re.fullmatch(rf"{name}(#\d+)?", key)]
    return scripts[keys[-1]] if keys else Script()


def _held(script: Script) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield each action of a thread: its name, the lock or channel, and the locks that the thread held, in order."""
    held: dict[str, None] = {}
    for action in script:
        lock = action.target.removeprefix("kmem/")
        yield action.name, str(action.arguments[0][1]) if action.arguments else lock, tuple(held)
        if action.name == "lock":
            held[lock] = None
        elif action.name == "unlock":
            held.pop(lock, None)


def _taken(script: Script) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each lock that a thread took or waits for, with the locks that it held before."""
    return ((lock, held) for action, lock, held in _held(script) if action == "lock")


def _copies(script: Script, locks: set[str]) -> bool:
    return any(name == "tsleep" and what == "copy" and locks <= {*held} for name, what, held in _held(script))


def _order(script: Script, before: tuple[str, ...]) -> tuple[str, ...]:
    """Return the order of the locks that a thread held when it copied; if there are several, one other than `before`.

    If the thread never copied with all locks, return the order in which it first took each.
    """
    orders = [
        held for name, what, held in _held(script) if name == "tsleep" and what == "copy" and {*before} <= {*held}
    ]
    first = tuple(dict.fromkeys(lock for lock, _ in _taken(script)))
    return next((order for order in orders if order != before), orders[0] if orders else first)


def _circle(pairs: set[tuple[str, str]]) -> list[str]:
    """Return locks in a circle, each taken before the next, and the last before the first; empty if there is none."""
    for length in range(2, len(LOCKS) + 1):
        for locks in permutations(sorted({lock for pair in pairs for lock in pair}), length):
            if all(pair in pairs for pair in zip(locks, [*locks[1:], locks[0]], strict=True)):
                return [*locks, locks[0]]
    return []
