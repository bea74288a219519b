"""A life: steps drawn one after the other, each done in a machine and in plain bytes, and compared.

A life that differs is printed as Python lines, the seed first.  ``python -m tests.engine.machine.plain_lives`` lives
many.
"""

from __future__ import annotations

import random
import warnings
from collections import Counter
from types import CodeType
from typing import Any

import numpy as np

import vmwidgets as vm
from vmwidgets.engine.base.errors import CallbackFailed, KernelError, Refused
from vmwidgets.engine.kernel.tasks.forks import FORKS

from .drawing import Drawing, Step
from .journeys import Journeys
from .memory import PAGE, Memory
from .outcomes import Difference, Got, Outcomes
from .rules import LATENCY, LOOKS, Rules
from .scripted import Index, clean_first, dirty_first, member, thread

ARCHITECTURES = ("x86-64", "armv7", "aarch64", "riscv-sv39")

HEADER = """import random
from contextlib import suppress
import numpy as np, vmwidgets as vm
from tests.engine.machine.plain_lives.scripted import *
told = print  # hears of the accesses of threads"""


class Life:
    """A machine of this architecture, what it has to hold, and the steps drawn: the same for the same seed.

    The machine forks in this way, or in one that is drawn: that may change no byte.
    """

    def __init__(self, architecture: str, seed: int, fork: str = "") -> None:
        self.architecture, self.seed = architecture, seed
        self.fork = fork or random.Random(f"fork {seed}").choice([*FORKS])
        self.chance = random.Random(f"plain {seed}")  # the same on each architecture
        self.memory = Memory()
        self.outcomes = Outcomes(self.memory, architecture)
        self.scarce = seed % 3 == 1
        self.sent = seed % 5 == 2
        """Whether flushes wait until they are acknowledged, which is before the task's own next access, or never."""
        self.drawing = Drawing(self.memory, self.chance, scarce=self.scarce, threaded=not self.sent)
        self.counts: Counter[str] = Counter()
        self.lines: list[str] = []
        self.steps: list[Step] = []
        self.heard: list[tuple[Any, ...]] = []
        """The accesses of threads in the operation that is under way."""
        self.differences: list[Difference] = []
        """What threads met; raised once the operation in which they ran is over."""
        self.difference: Difference | None = None
        """What went wrong, where that was noted."""
        self.is_over = False
        """A thread wrote beyond the end of a file that was mapped there meanwhile: what such bytes are, nobody says."""
        self.forgetful: set[str] = set()
        """The threads that make a call and do not wait for it."""
        self.names: dict[str, Any] = {
            "vm": vm, "np": np, "random": random, "Index": Index, "member": member, "thread": thread, "told": self.told,
            "clean_first": clean_first, "dirty_first": dirty_first,
        }  # fmt: skip  # pairs
        self.journeys = Journeys(self)
        self.rules = Rules(self)
        self.boot()
        self.drawing.is_quiet = lambda: all(one.done for one in self.m.threads if one.name.startswith("T"))

    # ---- what there is in the beginning ------------------------------------------------------

    def boot(self) -> None:
        """Boot a machine with files of two kinds."""
        asids = self.seed % 2 == 0 or self.sent
        ways = f"cpus=2, asids={asids}, fork={self.fork!r}"
        self.line(f"m = vm.boot({self.architecture!r}, layout='tiny', ram='8 MiB', {ways})")
        m = self.names["m"]
        self.line(f"m.swap_on({40 * PAGE})")
        for name, size in (("a", 3 * PAGE), ("b", 5000), ("slow", 9000), ("crawl", 6000)):
            latency = LATENCY.get(name, 0)
            content = random.Random(name).randbytes(size)
            self.line(f"m.file({name!r}, random.Random({name!r}).randbytes({size}), latency={latency})")
            self.memory.files[name] = bytearray(content)
        for name in ("o", "p"):
            self.line(f"m.object({name!r})")
            self.memory.objects[name] = {}
        if self.sent:
            self.line("m.cpus.shootdown = 'sent'")
        if self.scarce:
            self.line(f"m.take_pages({m.pages.obtainable_pages - 60})")
        for _ in range(2):
            self.perform(self.drawing.task())

    @property
    def m(self) -> Any:
        """The machine."""
        return self.names["m"]

    # ---- steps -------------------------------------------------------------------------------

    def live(self, steps: int, checked_every: int = 12, compared_every: int = 60) -> None:
        """So many steps, or fewer if nobody can say what comes."""
        for number in range(1, steps + 1):
            if self.is_over:
                return
            if self.chance.random() < 0.02:
                self.journeys.go()
            self.perform(self.drawing.step())
            if number % checked_every == 0:
                self.check()
            if number % compared_every == 0 or number == steps:
                self.compare()

    def live_or_tell(self, steps: int) -> None:
        """So many steps; what goes wrong is told with the whole life as Python lines."""
        try:
            self.live(steps)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            raise Difference(f"{self.script()}\n# {why}") from error

    def perform(self, step: Step) -> None:
        """Do a step in the machine and in plain bytes."""
        if step.kind != "compared":
            self.counts[step.kind] += 1
        self.steps.append(step)
        if step.kind == "spawn" and "'forgets'" in step.lines[0]:
            self.forgetful.add(step.lines[0].split("name='")[1].removesuffix("')"))
        if step.failing:
            self.counts["injected"] += 1
            self.line(f"failing = m.inject({step.failing})")
        shortage = {"NOMEM"} if self.scarce or self.is_limited(step) else set()
        if step.failing:
            shortage.add("IO")
        self.rules.before(step)
        got = self.got(step, frozenset(shortage))
        self.rules.after(step, got)
        if step.failing:
            self.line("failing.stop()")
        if step.outcome == "mmap" and got.error == "NOMEM" and "fixed" in step.arguments[3]:
            self.see_what_is_free(step.arguments[0], step.arguments[4], step.arguments[1])
        if step.outcome == "file_write" and got.error in got.shortage:
            self.see_how_long(step.arguments[0])
        if not self.is_over:
            self.expect(step, got)
        for difference in self.differences:
            raise difference

    def is_limited(self, step: Step) -> bool:
        """Whether it is of a task that may have few pages in memory, so that wired ones may leave it without any."""
        task = self.memory.tasks.get(step.arguments[0]) if step.arguments else None
        return task is not None and task.limits.resident is not None

    def got(self, step: Step, shortage: frozenset[str]) -> Got:
        """What comes of the lines of a step."""
        value: Any = None
        if self.sent and step.kind not in LOOKS:
            self.acknowledge(step)
        try:
            for line in step.lines:
                value = self.line(line)
        except (KernelError, Refused, CallbackFailed) as error:
            self.lines[-1] = f"with suppress(VMError): {self.lines[-1]}"
            return got_of(error, shortage)
        except vm.KernelPanic as panic:
            raise Difference(f"a panic: {panic}") from panic
        return got_of(value, shortage)

    def acknowledge(self, step: Step) -> None:
        """Have a processor do what it was asked for of the task that makes an access there; other tasks' waits on."""
        for cpu in self.m.cpus:
            on_it = f"m.cpus[{cpu.number}]" in step.lines[0] or cpu.number == 0
            if on_it and step.arguments and any(one.space == step.arguments[0] for one in cpu.value().pending):
                self.line(f"m.cpus[{cpu.number}].acknowledge()")

    def expect(self, step: Step, got: Got) -> None:
        """Compare the outcome of a step with what it has to be."""
        arguments = step.arguments
        if step.outcome == "task":
            if not got.error:
                task = self.m.tasks[arguments[0]]
                heap = int(self.line(f"m.tasks[{arguments[0]!r}].brk()"))
                arguments = (*arguments, (int(task.map.start), int(task.map.end)), heap)
            else:
                arguments = (*arguments, (0, 0), 0)
        if step.outcome == "fork":
            arguments = (*arguments, "" if got.error else got.value.name)
            self.drawing.given.add(arguments[-1])
        if step.outcome == "access" and step.kind == "touch" and not got.error and not got.value.ok:
            raise Difference(f"it was touched, and a walk fails: {got.value}")
        if step.kind == "kill" and got.error == "Refused":
            return
        if got.error == "CallbackFailed" and any(f"thread {name!r} called" in got.words for name in self.forgetful):
            return
        getattr(self.outcomes, step.outcome)(got, *arguments)

    def line(self, line: str) -> Any:
        """Do a line of Python in the machine."""
        self.lines.append(line)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            code, is_expression = compiled(line)
            value: Any = None
            if is_expression:
                value = eval(code, self.names)
            else:
                exec(code, self.names)
        for warning in caught:
            if "without waiting for it" not in str(warning.message):  # a thread that forgets to, while the cell waited
                raise Difference(f"a warning: {warning.message}")
        return value

    def got_quietly(self, line: str) -> str:
        """Do a line, and give the name of its error, or ""."""
        error = ""
        try:
            self.line(line)
        except (KernelError, Refused, CallbackFailed) as caught:
            error = got_of(caught).error
        except (KeyError, OSError) as caught:
            error = type(caught).__name__
        if error:
            self.lines[-1] = f"with suppress(VMError, KeyError, OSError): {self.lines[-1]}"
        return error

    def told(self, item: tuple[Any, ...], result: Any) -> None:
        """An access of a thread is over, just now."""
        what, *rest = item
        self.heard.append(item)
        if what in ("sleep", "forgets"):
            return
        limited = any(one.limits.resident is not None for one in self.memory.tasks.values())
        got = got_of(result, frozenset({"NOMEM", "IO"} if self.scarce else {"NOMEM"} if limited else ()))
        kind = {"load": "read", "store": "write"}.get(what, what)
        self.counts[f"{'second processor' if what in ('load', 'store') else kind} in a thread"] += 1
        if what in ("load", "store"):
            rest = rest[1:]
        if what == "touch":
            kind, rest = rest[2], rest[:2]
        name, address, *data = rest
        self.is_over |= (
            kind == "write" and not got.error and self.memory.ends_before(name, address + sum(map(len, data)))
        )
        try:
            self.rules.see_what_is_named("access", (name, address), got)
            self.outcomes.access(got, name, address, kind, *data)
        except Difference as difference:
            self.differences.append(Difference(f"thread: {item}: {difference}"))

    # ---- comparing ---------------------------------------------------------------------------

    def check(self) -> None:
        """Have the machine check itself."""
        self.line("m.check()")

    def compare(self) -> None:
        """Read every page of every task."""
        for name in sorted(self.memory.tasks):
            for va, page in sorted(self.memory.tasks[name].pages.items()):
                if "r" in page.prot:
                    self.perform(
                        Step(
                            "compared",
                            (f"m.tasks[{name!r}].read({va:#x}, {PAGE})",),
                            "access",
                            (name, va, "read", PAGE),
                        )
                    )
        for name, content in self.memory.files.items():
            if int(self.m.files[name].size) != len(content):
                raise Difference(f"file {name!r} has {self.m.files[name].size}, and not {len(content)} bytes")
        self.check()

    def see_what_is_free(self, name: str, start: int, size: int) -> None:
        """Where a mapping failed that was to take the place of others, these may be gone."""
        pages = self.memory.tasks[name].pages
        there = [(int(entry.start), int(entry.end)) for entry in self.m.tasks[name].map]
        for va in range(start, start + size, PAGE):
            if not any(first <= va < end for first, end in there):
                pages.pop(va, None)
        self.memory.forget_objects()

    def see_how_long(self, name: str) -> None:
        """Where a write failed, the file may have grown."""
        content = self.memory.files[name]
        content.extend(bytes(max(0, int(self.m.files[name].size) - len(content))))

    def script(self) -> str:
        """The life so far, to be pasted."""
        return "\n".join(
            [f"# {self.architecture}, seed {self.seed}, {sum(self.counts.values())} steps", HEADER, *self.lines]
        )


def got_of(result: Any, shortage: frozenset[str] = frozenset()) -> Got:
    """What came of an operation, from what it returned or raised."""
    if isinstance(result, KernelError):
        return Got(result.name, None, shortage, str(result))
    if isinstance(result, (Refused, CallbackFailed)):
        name = "CallbackFailed" if isinstance(result, CallbackFailed) else "Refused"
        return Got(name, None, shortage, str(result))
    return Got("", result, shortage)


def compiled(line: str) -> tuple[CodeType, bool]:
    """A line as code, and whether it is an expression."""
    try:
        return compile(line, "<life>", "eval"), True
    except SyntaxError:
        return compile(line, "<life>", "exec"), False
