"""Policies of page replacement in a machine, and on paper with the same references, as textbooks have them.

A task may have few pages in memory.  It touches pages, has some wired, and unmaps some; which page leaves is what the
paper says.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import vmwidgets as vm

from .memory import PAGE
from .outcomes import Difference
from .scripted import oldest

BASE, PAGES = 0x10_0000, 9


class Paper:
    """The pages in memory, in the order in which they are asked, for "lru", "clock", "second chance" or "function".

    The function is :func:`~.scripted.oldest`.
    """

    def __init__(self, policy: str, room: int) -> None:
        self.policy = policy
        self.room = room
        self.queue: list[int] = []
        self.used: set[int] = set()
        self.wired: set[int] = set()

    def touch(self, page: int) -> int | None:
        """A reference; the page that leaves for it."""
        victim = None
        if page in self.queue:
            if self.policy == "lru":
                self.queue.remove(page)
                self.queue.append(page)
        else:
            if len(self.queue) == self.room:
                victim = self.chosen()
                self.left(victim)
            self.queue.append(page)
        self.used.add(page)
        return victim

    def chosen(self) -> int:
        """The page that goes: the first that may; those that were used get their second chance where there is one."""
        if self.policy in ("lru", "function"):
            return next(page for page in self.queue if page not in self.wired)
        while True:
            page = self.queue[0]
            if page not in self.wired and page not in self.used:
                return page
            if page not in self.wired:
                self.used.discard(page)
            self.queue.append(self.queue.pop(0))

    def left(self, page: int) -> None:
        """A page is in memory no longer."""
        self.queue.remove(page)
        self.used.discard(page)
        self.wired.discard(page)


def life(architecture: str, policy: str, seed: int, steps: int) -> Counter[str]:
    """A life against paper; what it did.  Raises :class:`Difference` with the life as Python lines."""
    chance = random.Random(f"{policy} {seed}")
    room = chance.randrange(3, 6)
    paper, counts = Paper(policy, room), Counter[str]()
    lines: list[str] = []
    m: Any = vm.boot(architecture, layout="tiny", ram="8 MiB")
    names = {"m": m, "vm": vm, "oldest": oldest}

    def do(line: str) -> list[int]:
        """Do a line; the pages that left."""
        lines.append(line)
        exec(line, names)
        return [event.index for event in m.journal.last.events if isinstance(event, vm.events.PageOut)]

    do(f"m.swap_on({40 * PAGE})")
    do("m.replacement = oldest" if policy == "function" else f"m.replacement = {policy!r}")
    do("t = m.task('t')")
    do(f"t.mmap({PAGES * PAGE}, 'rw', 'private fixed', at={BASE:#x})")
    do(f"t.limit('rss', {room * PAGE})")
    for _ in range(steps):
        page = chance.randrange(PAGES)
        at = f"{BASE + page * PAGE:#x}"
        what = chance.choices(("touch", "write", "wire", "munmap"), (8, 4, 4, 2))[0]
        gone: int | None = None
        if what == "munmap":
            if page not in paper.queue or page in paper.wired:
                continue
            paper.left(page)
            found = do(f"t.munmap({at}, {PAGE})") + do(f"t.mmap({PAGE}, 'rw', 'private fixed', at={at})")
        elif what == "wire":
            if page in paper.wired:
                paper.wired.discard(page)
                found = do(f"t.map.unwire({at}, size={PAGE})")
            elif page in paper.queue and len(paper.wired) < room - 2:
                paper.wired.add(page)
                found = do(f"t.map.wire({at}, size={PAGE})")
            else:
                continue
        else:
            gone = paper.touch(page)
            found = do(f"t.read({at})" if what == "touch" else f"t.write({at}, b'x')")
        counts[what] += 1
        resident = sorted(one for one in range(PAGES) if m.tasks["t"].walk(BASE + one * PAGE).pa is not None)
        if resident != sorted(paper.queue):
            head = f"# {architecture}, {policy}, seed {seed}\nimport vmwidgets as vm\nm = vm.boot({architecture!r})"
            said = f"# in memory are {resident}, on paper {sorted(paper.queue)}: {gone} leaves there, and {found} left"
            raise Difference("\n".join([head, *lines, said]))
    return counts


def optimal_life(architecture: str, seed: int, steps: int, *, alone: bool = False) -> int:
    """References of a task whose future is known, among those of another; as many pages come as on paper, and how many.

    Belady's rule makes the fewest pages come that can be, whichever of two that are never used again goes.
    """
    chance = random.Random(f"opt {seed}")
    room, string = chance.randrange(3, 5), [chance.randrange(6) for _ in range(steps)]
    m: Any = vm.boot(architecture, layout="tiny", ram="8 MiB")
    m.swap_on(40 * PAGE)
    t, other = m.task("t"), m.task("other")
    for task in (t, other):
        task.mmap(PAGES * PAGE, "rw", "private fixed", at=BASE)
    m.replacement = vm.Replacement("opt", future=tuple(BASE // PAGE + page for page in string))
    t.limit("rss", room * PAGE)
    came, inside, expected = 0, set[int](), 0
    for now, page in enumerate(string):
        if page not in inside:
            expected += 1
            if len(inside) == room:
                later = [string.index(one, now) if one in string[now:] else steps for one in sorted(inside)]
                inside.discard(sorted(inside)[later.index(max(later))])
            inside.add(page)
        before = t.walk(BASE + page * PAGE).pa
        t.read(BASE + page * PAGE)
        came += before is None
        if not alone and chance.random() < 0.4:
            other.read(BASE + (chance.randrange(2) + 7) * PAGE)
    if came != expected:
        raise Difference(f"# {architecture}, opt, seed {seed}: {came} pages came for {string}, and on paper {expected}")
    return came
