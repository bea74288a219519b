"""A life in two engines: each line is done in both, and all that comes of it is compared."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from re import compile as pattern_of
from typing import Any

import vmwidgets
from tests.beside.alike import unlike
from tests.beside.before import before, calls_on_processor_0, of_today, said
from tests.beside.called import CALLED
from tests.beside.drawing import BASE, Drawing

LISTED = Path(__file__).with_name("differences.txt")
WHOLE = 10**6
CHECKED_EVERY = 20
"""After so many lines the whole machine is looked at, and it checks itself."""


class Different(AssertionError):
    """Raised for a difference that nobody asked for; the text is the life, as Python, and what differs."""


def listed() -> dict[str, str]:
    """Return the differences that were asked for: patterns, with reasons."""
    rows = [line.split("\t") for line in LISTED.read_text().splitlines() if line and not line.startswith("#")]
    return {row[0]: row[1] for row in rows}


class Side:
    """One engine, and what the lines of a life name in it."""

    def __init__(self, package: Any) -> None:
        self.vm = package
        self.seen: list[int] = []
        self.kept: dict[str, list[Any]] = {"caps": [], "memobjs": [], "failures": []}
        self.names: dict[str, Any] = {
            **CALLED, "vm": package, "spare": [], "given": [], "small": [],
            "seen": lambda n: self.seen[n % len(self.seen)] if self.seen else BASE,
            "cap": lambda n: self._held("caps", n), "memobj": lambda n: self._held("memobjs", n),
            "failures": lambda n: self._held("failures", n),
        }  # fmt: skip  # pairs

    @property
    def m(self) -> Any:
        """The machine."""
        return self.names["m"]

    def _held(self, kind: str, n: int) -> Any:
        held = self.kept[kind]
        return held[n % len(held)] if held else None

    def do(self, line: str) -> tuple[Any, ...]:
        """Do a line: what came of it, the warnings, and the operations that it recorded."""
        known = len(self.m.journal) if "m" in self.names else 0
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                came: Any = ("value", self._value(line))
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  compared, like all else
                came = (type(error).__name__, str(error))
        heard = [str(one.message) for one in caught if one.category.__module__ != "builtins"]
        count = len(self.m.journal) if "m" in self.names else 0
        return came, heard, [self.m.journal[number] for number in range(known, count)]

    def _value(self, line: str) -> Any:
        try:
            code = compile(line, "<life>", "eval")
        except SyntaxError:
            exec(line, self.names)
            self.m.name = "m"
            return None
        value = eval(code, self.names)
        if isinstance(value, int) and value > 4095:
            self.seen.append(int(value))
        for kind, name in (("MachineCapability", "caps"), ("MachineMemobj", "memobjs"), ("Injection", "failures")):
            if type(value).__name__ == kind:
                self.kept[name].append(value)
        return value

    def state(self, *, whole: bool) -> Iterator[tuple[str, Any]]:
        """Look at all that can be read of the machine; `whole`: without folding anything."""
        m = self.m
        yield "is dead, is busy", (m.dead, m.busy)
        yield "counts", (m.frame_count, len(m.journal), m.pages.free_pages)
        yield "kernel memory", m.kmem.value(whole=WHOLE)
        yield "threads", m.threads.value()
        yield "caches", m.caches.value(most=WHOLE)
        yield "kentry", m.kentry.contents(most=WHOLE)
        yield "processors", m.cpus.value()
        yield "replacement", m.replacement.value()
        yield "objects", m.memory_objects.value()
        yield "edits", m.descriptor_edits
        yield "kernel map", m.kernel_map.value(whole=WHOLE)
        for name, task in m.tasks.items():
            yield f"map of {name}", task.map.value(whole=WHOLE)
        for name, domain in m.domains.items():
            yield f"domain {name}", domain.snapshot()
        for name, file in m.files.items():
            yield f"file {name}", (file.size, file.disk)
        if whole:
            yield "frames", m.frames.value(whole=WHOLE)
            yield "faults", m.fault_count
            yield "checks itself", m.check()
            for name, task in m.tasks.items():
                yield f"parts of {name}", (task, task.map, [*task.map])


def looked_at(side: Side, *, whole: bool) -> Iterator[tuple[str, Any]]:
    """Look at the machine as far as it can be read: what refuses to be read ends the look."""
    try:
        yield from side.state(whole=whole)
    except Exception as error:  # noqa: BLE001  compared, like all else
        yield "can't be read", (type(error).__name__, str(error))


_RECORDED = ("number", "target", "name", "arguments", "outcome", "result", "said", "stopped_at", "events", "calls")


class Life:
    """The lines of a seed, done in the engine before and in today's."""

    def __init__(self, seed: int, lines: int = 60) -> None:
        self.seed, self.count = seed, lines
        self.drawing = Drawing(seed)
        self.old, self.new = Side(before()), Side(vmwidgets)
        self.lines: list[str] = []
        self.outcomes: Counter[str] = Counter()
        self.asked_for: Counter[str] = Counter()
        """The listed differences that were met, by pattern."""
        self._listed = {text: pattern_of(text) for text in listed()}

    def live(self) -> None:
        """Do all lines; raises :class:`Different`."""
        with calls_on_processor_0():
            self._live()

    def _live(self) -> None:
        for line in self.drawing.boot():
            self.do(line)
        self.look(whole=True)
        for number in range(1, self.count + 1):
            line = self.drawing.line()
            changed = self.do("m.undo()" if self.old.m.dead else line)
            whole = number == self.count or number % CHECKED_EVERY == 0
            if changed or whole:
                self.look(whole=whole)
        self.do("saved(m)")

    def do(self, line: str) -> bool:
        """Do a line on both sides, and compare what came of it and what was recorded; whether a journal changed."""
        self.lines.append(line)
        counts = [len(side.m.journal) if "m" in side.names else 0 for side in (self.old, self.new)]
        was, heard, done = self.old.do(line)
        now, hears, does = self.new.do(line)
        self.outcomes["done" if was[0] == "value" else was[0]] += 1
        self.compare("came", was, now)
        self.compare("warnings", heard, hears)
        self.compare("operations recorded", len(done), len(does))
        for one, other in zip(done, does, strict=False):
            for name in _RECORDED:
                if name == "calls" and one.truncated:
                    continue
                was, now = getattr(one, name), getattr(other, name)
                if name == "events":
                    was = of_today(was)
                    if one.truncated:  # events that are not told today took the place of earlier ones, and of brackets
                        most = min(len(was), len(now))
                        was, now = ([repr(event) for event in kept[-most:]] for kept in (was, now))
                self.compare(f"{one.name}'s {name}", was, now)
        return counts != [len(side.m.journal) if "m" in side.names else 0 for side in (self.old, self.new)]

    def look(self, *, whole: bool) -> None:
        """Compare the states of both machines."""
        was, now = self.old.m.system.ram, self.new.m.system.ram
        if whole or was._frames != getattr(now, "_frames", None):  # as they are stored, or else as they are read
            self.compare("bytes of RAM", was.read(0, was.size), now.read(0, now.size))
        for (name, was), (named, now) in zip(
            looked_at(self.old, whole=whole), looked_at(self.new, whole=whole), strict=False
        ):
            self.compare("looks", name, named)
            self.compare(name, of_today(was) if name == "replacement" else was, now)

    def compare(self, name: str, was: Any, now: Any) -> None:
        """Compare a value of both sides; a difference must be listed."""
        found = unlike(was, now, name)
        if not found:
            return
        text = f"{found} (line: {said(self.lines[-1])})"
        met = [one for one, pattern in self._listed.items() if pattern.search(text)]
        if not met:
            script = "\n".join(self.lines)
            raise Different(f"# life {self.seed}: {self.drawing.subject}\n{script}\n# before and now: {text[:3000]}")
        self.asked_for[met[0]] += 1
