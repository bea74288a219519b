"""Random operations at the door of a machine, with silly arguments and descriptors edited by hand.

Whatever is called, nothing but the three kinds of failure comes out, and the machine is whole every fifty steps.
`python -m tests.engine.machine.random_door [STEPS [ARCHITECTURE …]]` does that at length and says what came of it.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from inspect import Parameter, signature
from typing import Any

import vmwidgets as vm
from vmwidgets.engine.base.errors import VMError

ARCHITECTURES = ("x86-64", "armv7", "aarch64", "riscv-sv39")
CHECKED_EVERY = 50

SILLY: tuple[Any, ...] = (
    None, -1, 0, 1, 7, 2**64, 10**30, 1.5, float("nan"), float("inf"), True, "", "x", "8 KiB", "-4096", "0x", "\ud800",
    "a" * 300, b"", b"bytes", [], [1, [2, [3]]], {}, {"a"}, object(), type, len, lambda: None, "kernel_map", "w", "rwx",
)  # fmt: skip  # read as a list
"""Arguments that fit hardly anywhere."""

SIZES: tuple[Any, ...] = (1, 100, 4096, "4 KiB", "8 KiB", "12 KiB", "64 KiB", "256 KiB", "1 MiB", "2 MiB", "3 MiB")
WORDS: dict[str, tuple[Any, ...]] = {
    "access": ("read", "write", "execute"),
    "advice": ("normal", "random", "sequential", "willneed", "dontneed"),
    "align": (0, 4096, "64 KiB"),
    "channel": ("a", "b"),
    "count": (0, 1, 2, 5, 40),
    "data": (b"x", b"hello", b"z" * 5000),
    "flags": ("rw", "r", "rwx", "w", "rw large", "M_NOWAIT", "M_NOWAIT|M_ZERO", 0),
    "hardening": ((), ("execute-never",)),
    "inherit": ("none", "share", "copy"),
    "interval": (None, 1, 5),
    "kind": ("Frame", "RAM", "VNode_ARM_l2", "VNode_x86_64_ptable", "anonymous", "one_frame", "pinned", "fixed"),
    "length": (1, 5, 4096, 6000),
    "max_prot": ("rwx", "rw", None),
    "message": ("", "why"),
    "name": ("one", "two", "three", "four"),
    "offset": (0, 0, 4096, 100),
    "page": (None, "2 MiB", "1 MiB", "64 KiB", "4 MiB"),
    "pages": (None, 1, 8),
    "placement": ("x15", "first", "best", "freebsd"),
    "prot": ("r", "rw", "rwx", "w", "x", ""),
    "rights": ("r", "rw", ""),
    "shootdown": ("wait", "lazy", "none"),
    "slots": (None, 64, 300),
    "steps": (5, 20),
    "ticks": (0, 1, 50),
}
"""Arguments that make sense, by the parameter's name."""

KINDS = (vm.Refused, vm.KernelError, vm.KernelPanic, vm.CallbackFailed)
"""What may come out of an operation; of the last, a learner's own code is the cause."""

LEFT_OUT = {"set_controls", "tsleep", "kmem_alloc_wait", "spawn", "run", "on_lowmem", "register_handler", "lock"}
"""What needs a learner's code, or would leave the cell waiting for a thread that nobody spawns."""


class Walker:
    """One machine at random work; `outcomes` counts what came of the operations."""

    def __init__(self, architecture: str, seed: int, quirks: Iterable[str] = ()) -> None:
        self.architecture = architecture
        self.quirks = set(quirks)
        self.chance = random.Random(f"{architecture} {seed}")
        self.outcomes: Counter[str] = Counter()
        self.boots = 0
        self.boot()

    def boot(self) -> None:
        """A new machine, of another kind each time."""
        layout = self.chance.choice(("tiny", "small"))
        kind: dict[str, Any] = {"layout": layout, "cpus": 1 + self.boots % 2, "seed": self.boots, "quirks": self.quirks}
        self.machine: Any = vm.boot(self.architecture, **kind)
        self.boots += 1
        self.addresses: list[int] = [int(self.machine.kernel_map.start), 0x40_0000, 1 << 20]
        self.names: list[Any] = []
        for name in ("one", "two"):
            self.machine.task(name)
            self.machine.object(name)
        if self.architecture in ("armv7", "x86-64"):
            with suppress(vm.Refused):  # not every layout has room for domains
                self.machine.domain("one")

    def steps(self, count: int) -> None:
        """So many operations; raises what must never come out, and :class:`vmwidgets.Broken`."""
        for number in range(1, count + 1):
            self.step()
            if number % CHECKED_EVERY == 0 and not self.machine.dead:
                self.undo_edits()
                if not self.machine.dead:
                    self.machine.check()

    def step(self) -> None:
        """One operation, on whatever part, with arguments that may make sense or not."""
        if self.machine.dead:
            self.undo_edits()
            self.outcomes["dead machines"] += 1
            self.boot()
        if self.chance.random() < 0.03:
            return self.edit()
        part = self.chance.choice(self.parts())
        names = [
            name for name in dir(type(part))
            if name not in LEFT_OUT and getattr(getattr(type(part), name, None), "is_operation", False)
        ]  # fmt: skip  # one list
        if names:
            self.call(part, self.chance.choice(names))
        return None

    def call(self, part: Any, name: str) -> None:
        """Call an operation and count what came of it."""
        method = getattr(part, name)
        places, words = [], {}
        by_place = True
        for parameter in signature(method).parameters.values():
            wanted = parameter.default is Parameter.empty or self.chance.random() < 0.4
            by_place = by_place and wanted and parameter.kind is not Parameter.KEYWORD_ONLY
            if by_place:
                places.append(self.argument(parameter.name))
            elif wanted:
                words[parameter.name] = self.argument(parameter.name)
        if self.chance.random() < 0.02:
            words["nonsense"] = 1
        self.tried(name, lambda: method(*places, **words))

    def tried(self, name: str, call: Any) -> None:
        """Make a call; only the kinds of failure that learners are promised may come out."""
        try:
            result = call()
        except KINDS as error:
            self.outcomes[type(error).__name__] += 1
        except TypeError as error:  # Python's own word for arguments that a call doesn't take
            if f"it takes {name}(" not in str(error):
                raise
            self.outcomes["TypeError"] += 1
        else:
            self.outcomes["done"] += 1
            if isinstance(result, int) and result > 4095:
                self.addresses.append(int(result))
            elif hasattr(result, "path"):
                self.names.append(result)

    def argument(self, name: str) -> Any:
        """A value for a parameter of this name; one of eight is silly."""
        if self.chance.random() < 0.12:
            return self.chance.choice(SILLY)
        if name in ("size", "max_pages"):
            return self.chance.choice(SIZES)
        if name in ("address", "start", "at", "end", "addr", "pa"):
            return self.chance.choice(self.addresses[-40:]) + self.chance.choice((0, 0, 0, 4096, 8192, 65536, 1))
        if name in ("map", "parent"):
            return self.chance.choice([*list(self.machine.kmem.maps), self.machine.kernel_map])
        if name in ("task", "domain", "object", "frame", "capability", "source"):
            return self.chance.choice([None, "one", "two", "slots[3]", "slots[5]", *self.names[-20:]])
        return self.chance.choice(WORDS.get(name, SILLY))

    def parts(self) -> list[Any]:
        """Everything that has operations."""
        m = self.machine
        found = [m, m, m, m, m.kernel_map, m.kernel_map, m.kentry, m.pagedaemon, *m.cpus, *m.kmem.maps.values()]
        for task in m.tasks.values():
            found += [task, task.map, task.map]
        found += [*m.domains.values(), *m.domains.values()]
        found += [one for one in self.names[-20:] if hasattr(one, "door")]
        return found

    def edit(self) -> None:
        """Write a descriptor past the kernel: one bit of one that a walk meets, or nonsense."""
        space = self.chance.choice([None, *self.machine.tasks])
        try:
            walked = self.machine.walk(self.chance.choice(self.addresses[-40:]), task=space)
        except VMError:
            return
        if walked.steps:
            step = self.chance.choice(walked.steps)
            value = step.value ^ 1 << self.chance.randrange(self.machine.system.pmap.fmt.entry_width * 8)
            self.tried("set_descriptor", lambda: self.machine.set_descriptor(step.pa, value))

    def undo_edits(self) -> None:
        """Take back the edits that are in force."""
        with suppress(VMError):
            for _ in range(10_000):
                self.machine.undo_descriptor()
            raise AssertionError("there is no end to the edits that can be undone")


def main(steps: int, architectures: list[str]) -> None:
    """Work at random and print what came of it."""
    for architecture in architectures:
        walker = Walker(architecture, seed=0)
        walker.steps(steps)
        outcomes = ", ".join(f"{count:,} {name}" for name, count in sorted(walker.outcomes.items()))
        print(f"{architecture}: {steps:,} steps on {walker.boots:,} machines: {outcomes}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, sys.argv[2:] or list(ARCHITECTURES))
