"""What a life is made of: steps drawn at random, from few pages and few tasks, so that they meet each other often."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

PAGE = 4096
LOW, LOW_PAGES = 0x1_0000, 40
"""Where the model puts a mapping without an address: the lowest gap."""
WINDOW, WINDOW_PAGES = 0x1000_0000, 8
HEAP, HEAP_PAGES = 0x1002_0000, 6
STACK_TOP, STACK_PAGES = 0x1200_0000, 6
"""Everything below the stack is free for more than its limit of 8 MiB: Linux keeps 256 pages free there."""
FILES = {"a": 3 * PAGE, "b": 5000}
"""Files, and their bytes at the beginning of a life."""
MOST_FILE = 5 * PAGE
WEIGHTS = {
    "mmap private anonymous": 4, "mmap shared anonymous": 3, "mmap private file": 4, "mmap shared file": 4,
    "mmap anywhere": 3, "mmap stack": 3, "munmap": 4, "munmap stack": 4, "mprotect": 4, "dontneed": 3.5, "advise": 4,
    "msync": 2, "brk": 12, "write": 25, "read": 12, "execute": 3, "fork": 8, "exec": 1.5, "exit": 6, "file write": 2,
    "file read": 2, "file cut": 2, "limit": 2, "page out": 2, "resident": 1.5, "policy": 1.5,
}  # fmt: skip  # a table
"""Kinds of steps, and how often each is drawn."""
SWARM = (0.4, 1, 2)
"""Each life does some things more often than others, so that rare things meet each other in some."""
LESS = {kind: 0.3 for kind in WEIGHTS if kind.startswith(("mmap", "munmap"))} | {
    "mprotect": 0.4, "dontneed": 0.4, "brk": 0.2, "fork": 1.5, "exit": 2
}  # fmt: skip  # a table
FOCUS: dict[str, dict[str, float]] = {
    "": {},
    "window": {"brk": 0.2, "mmap stack": 0.2, "munmap stack": 0.2, "munmap": 2},
    "heap": LESS | {"brk": 1.2},
    "stack": LESS | {"mmap stack": 1, "munmap stack": 3},
}
"""What lives are about: one region or all of them; kinds that are drawn more or less often then."""
LOOKS = 0.25
"""How often what a step mapped or wrote is read at once."""
FAR = 0.03
"""How often a life that is about one region looks at another."""
REGIONS = {"window": 10, "heap": 5, "stack": 3, "low": 2}
ADVICE = ("normal", "random", "sequential", "willneed")
POLICIES = ("fifo", "lru", "second chance", "clock")
RIGHTS = ("rw", "rw", "rw", "r", "none", "rx", "rwx", "w", "x", "wx")


class Step(NamedTuple):
    """One thing to do: its kind, which task does it, and with what."""

    kind: str
    task: str
    arguments: tuple[Any, ...] = ()


class Drawing:
    """Draws the steps of one life from its seed; it knows who lives, and nothing else of what became of them."""

    def __init__(self, seed: int | str, most: int) -> None:
        self.chance = random.Random(f"steps {seed}")
        self.rights = RIGHTS
        self.number = 0
        focus, more = self.chance.choice(tuple(FOCUS.items()))
        self.weights = [weight * more.get(kind, 1) * self.chance.choice(SWARM) for kind, weight in WEIGHTS.items()]
        self.regions = [weight * (FAR if focus not in ("", region) else 1) for region, weight in REGIONS.items()]
        self.most = most
        self.stays = self.chance.choice((0, 0.5, 0.8))
        """How often the task that did the latest step does the next."""
        self.latest = ""
        self.mapped: list[int] = []
        """Pages that the latest step may have mapped or written."""
        self.planned: Step | None = None
        self.recent: deque[int] = deque([WINDOW], maxlen=10)
        """Pages that were mapped lately: accesses go there more often."""
        self.drawn: dict[str, Callable[[], tuple[Any, ...]]] = {
            "mmap private anonymous": lambda: (*self.place(), self.right(), "private", "", 0),
            "mmap shared anonymous": lambda: (*self.place(), self.right(), "shared", "", 0),
            "mmap private file": lambda: (*self.place(), self.right(), "private", *self.part_of_file()),
            "mmap shared file": lambda: (*self.place(), self.right(), "shared", *self.part_of_file()),
            "mmap anywhere": lambda: (*self.place(), self.right(), *self.anything()),
            "mmap stack": lambda: (self.chance.randrange(1, 5),),
            "munmap": self.place,
            "munmap stack": lambda: (self.chance.choice((0, 1, 2, 3)),),
            "mprotect": lambda: (*self.place(stack=True), self.right()),
            "dontneed": lambda: self.place(stack=True),
            "advise": lambda: (*self.place(stack=True), self.chance.choice(ADVICE)),
            "msync": self.place,
            "brk": lambda: (HEAP + self.chance.randrange(HEAP_PAGES * PAGE + 1),),
            "write": lambda: (self.address(), self.text(), self.times(), self.chance.randrange(2)),
            "read": lambda: (self.address(), self.chance.choice((1, 16, PAGE, 3 * PAGE)), self.chance.randrange(2)),
            "execute": lambda: (self.address(),),
            "file write": lambda: (*self.in_file(), self.text()),
            "file read": lambda: (*self.in_file(), self.chance.choice((16, 3 * PAGE))),
            "file cut": self.in_file,
            "limit": lambda: (self.chance.choice((None, None, 6, 12, 18)),),
            "page out": lambda: self.place(stack=True),
            "resident": lambda: (self.chance.choice((None, None, 2, 4, 8)),),
            "policy": lambda: (self.chance.choice(POLICIES), self.chance.random() < 0.3),
        }

    def step(self, living: list[str]) -> Step:
        """The next step of a life in which these tasks live."""
        if not living or (len(living) < self.most and self.chance.random() < 0.01):
            return Step("start", self.name())
        planned, self.planned = self.planned, None
        if planned is not None:
            return planned
        kind = self.chance.choices(list(WEIGHTS), self.weights)[0]
        if kind == "fork" and len(living) >= self.most:
            kind = "exit"
        elif kind == "exit" and len(living) == 1 and self.chance.random() < 0.8:
            kind = "fork"
        stays = self.latest in living and self.chance.random() < self.stays
        self.latest = task = self.latest if stays else self.chance.choice(living)
        if kind == "fork":
            return Step(kind, task, (self.name(),))
        step = Step(kind, task, self.drawn.get(kind, tuple)())
        self.note(step)
        if self.mapped and self.chance.random() < LOOKS:
            self.planned = Step("read", task, (self.chance.choice(self.mapped), 2 * PAGE, self.chance.randrange(2)))
        return step

    def note(self, step: Step) -> None:
        """Remember the pages that a step may have mapped."""
        self.mapped = []
        if step.kind == "brk":
            self.mapped = list(range(HEAP, step.arguments[0], PAGE))
        elif step.kind == "mmap stack":
            self.mapped = [STACK_TOP - number * PAGE for number in range(1, step.arguments[0] + 1)]
        elif step.kind == "write":
            self.mapped = [step.arguments[0] & -PAGE]
        elif step.kind.startswith("mmap"):
            self.mapped = [step.arguments[0] + number * PAGE for number in range(step.arguments[1])]
        self.recent.extend(self.mapped if step.kind != "write" else ())

    def name(self) -> str:
        """A new name of a task."""
        self.number += 1
        return f"t{self.number}"

    def right(self) -> str:
        """Rights of a mapping."""
        return self.chance.choice(self.rights)

    def region(self) -> str:
        """Where to look."""
        return self.chance.choices(list(REGIONS), self.regions)[0]

    def place(self, stack: bool = False) -> tuple[int, int]:
        """An address of a page, and a number of pages; in the stack only its last pages, if at all."""
        if self.chance.random() < 0.4:
            start = self.chance.choice(self.recent)
            if stack or start < STACK_TOP - STACK_PAGES * PAGE:
                most = 4 if start < HEAP + HEAP_PAGES * PAGE else (STACK_TOP - start) // PAGE
                return start, self.chance.randrange(1, min(4, most) + 1)
        where = self.region()
        if where == "stack":
            first = self.chance.randrange(1, 5)
            return (STACK_TOP - first * PAGE, self.chance.randrange(1, first + 1)) if stack else self.place()
        start, pages = {"window": (WINDOW, WINDOW_PAGES), "heap": (HEAP, HEAP_PAGES), "low": (LOW, 8)}[where]
        return start + self.chance.randrange(pages) * PAGE, self.chance.randrange(1, 5)

    def address(self) -> int:
        """An address of an access: often near the beginning or the end of a page."""
        offset = self.chance.choice((0, 0, 0, 8, 900, PAGE - 4, self.chance.randrange(PAGE)))
        if self.chance.random() < 0.6:
            return self.chance.choice(self.recent) + offset
        start, pages = {
            "window": (WINDOW, WINDOW_PAGES),
            "heap": (HEAP, HEAP_PAGES),
            "low": (LOW, 8),
            "stack": (STACK_TOP - STACK_PAGES * PAGE, STACK_PAGES),
        }[self.region()]
        return start + self.chance.randrange(pages) * PAGE + offset

    def text(self) -> bytes:
        """Bytes to be written: no two steps write the same."""
        return b"<%05d>" % self.chance.randrange(100_000)

    def times(self) -> int:
        """How many times that is written: once, or through several pages."""
        return self.chance.choice((1, 1, 1, 600, 1800))

    def part_of_file(self) -> tuple[str, int]:
        """A file, and the page of it that a mapping begins with."""
        return self.chance.choice(tuple(FILES)), self.chance.randrange(2)

    def in_file(self) -> tuple[str, int]:
        """A file, and a place in it or past its end."""
        return self.chance.choice(tuple(FILES)), self.chance.choice((0, 4000, PAGE, self.chance.randrange(MOST_FILE)))

    def anything(self) -> tuple[str, str, int]:
        """Flags, a file or none, and the page of it."""
        words = self.chance.choice(("private", "shared"))
        return words, *(self.part_of_file() if self.chance.random() < 0.4 else ("", 0))
