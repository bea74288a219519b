"""Random lives of tasks, lived by the model and by real processes of Linux: bytes, signals and failures are compared.

POSIX leaves some things open, and in some the two differ on purpose (docs/deviations.md). The judge does not ask these:

| what | why |
|---|---|
| mprotect over a hole inside a range | Linux changes the part before it and fails; the model changes nothing |
| writing past the end in a file's last page | POSIX leaves open how long such bytes are seen |
| private copies of pages that a file loses | Linux drops them, the model does not: "dontneed" comes first |
| where a mapping goes that has no place | POSIX leaves it open; the process maps it where the model did |
| the heap's own system call | the interpreter has the real heap; the process plays brk by mmap and munmap |
| a page free above the heap | Linux wants it, the model does not, nor does the play |
| what is near a stack, and holes in it | Linux keeps 256 pages free below a stack, the model one |
| RLIMIT_STACK other than 8 MiB | it is counted by mapping, and the kernels join mappings differently |
| RLIMIT_DATA | Linux counts all private memory that can be written, the model the heap |
| RLIMIT_RSS, page-out, policies, processors | only the model has them here: no byte may depend on them |
| running out of memory | the computer's own must not run out, so the model has swap enough |
| submaps, populate, wiring | Linux has no submaps; of the others nothing can be seen but by time |
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import vmwidgets as vm
from tests.engine.machine.linux.steps import FILES, HEAP, LOW, LOW_PAGES, PAGE, STACK_PAGES, STACK_TOP, Step
from vmwidgets.engine.kernel.tasks.forks import FORKS
from vmwidgets.real.linux.processes import Linux, RealTask
from vmwidgets.real.linux.rights import granted

CHECKED_EVERY = 50
ERRORS = {"": "", "ENOMEM": "NOMEM", "EEXIST": "NOMEM"}
"""The model's words for Linux's; where they differ by call, the call says so."""
SIGNALS = {"FAULT": "SIGSEGV", "ACCES": "SIGSEGV", "IO": "SIGBUS"}
LINUX_ADVICE = {"normal": 0, "random": 1, "sequential": 2, "willneed": 3, "dontneed": 4}
WORD, MANY = 7, 32
"""Bytes of a word that is written; longer bytes are written as one repeated."""
SPARE, TABLES = 8, 7
"""Frames where memory is short: the most that a task's tables take, and a few for pages of all."""
CONTENT = b"0123456"
"""What files have at first, after each letter of their name."""


class Difference(Exception):
    """Linux and the model differ."""


@dataclass(frozen=True)
class Setting:
    """The machine of a life: none of it may change a byte."""

    architecture: str
    cpus: int = 1
    asids: bool = False
    tasks: int = 5
    """How many may live at once."""
    frames: int | None = None
    """Frames that are left to tasks, with their tables; none: as many as there are."""
    fork: str = "shadow"

    @classmethod
    def drawn(cls, architecture: str, seed: int) -> Setting:
        """That of the life with this seed: in half of them memory is short."""
        chance = random.Random(f"setting {seed}")
        cpus, asids, tasks = chance.choice((1, 2)), chance.random() < 0.4, chance.choice((2, 3, 5))
        frames = SPARE + TABLES * tasks if chance.random() < 0.5 else None
        return cls(architecture, cpus, asids and architecture != "x86", tasks, frames, chance.choice([*FORKS]))

    def boot(self) -> tuple[Any, list[str]]:
        """The machine, and the lines that boot it."""
        ways = f"cpus={self.cpus}, asids={self.asids}, fork={self.fork!r}"
        lines = [f"m = vm.boot({self.architecture!r}, layout='tiny', ram='4 MiB', {ways})"]
        lines.append("m.swap_on('4 MiB')")
        if self.frames is not None:
            lines.append(f"m.take_pages(m.pages.obtainable_pages - {self.frames})")
        lines += [f"_ = m.file({name!r}, {name.encode() + CONTENT!r} * {size // 8})" for name, size in FILES.items()]
        names: dict[str, Any] = {"vm": vm}
        exec("\n".join(lines), names)
        return names["m"], lines


def content(name: str) -> bytes:
    """What a file has at first."""
    return (name.encode() + CONTENT) * (FILES[name] // 8)


class Life:
    """A machine, and real processes with the same mappings; `lines` is what was done, as Python."""

    def __init__(self, linux: Linux, setting: Setting) -> None:
        self.linux, self.setting = linux, setting
        self.machine, self.lines = setting.boot()
        for name in FILES:
            linux.fill(name, content(name))
        self.real: dict[str, RealTask] = {}
        self.counts: Counter[str] = Counter()
        """Steps that were asked, by kind."""
        self.failures: Counter[str] = Counter()

    def close(self) -> None:
        """Let the real processes end."""
        for real in self.real.values():
            real.close()

    # ---- one step ----------------------------------------------------------------------------

    def perform(self, step: Step) -> None:
        """Do a step in both, if its task lives and it is a thing to ask; raises :class:`Difference`."""
        if (step.task in self.real) == (step.kind == "start"):
            return
        act = step.kind.split()[0] if step.kind.startswith("mmap") else step.kind.replace(" ", "_")
        if step.kind in ("mmap anywhere", "mmap stack"):
            act = step.kind.replace(" ", "_")
        kind = getattr(self, f"do_{act}")(step.task, *step.arguments)
        if kind is None:
            return
        self.counts[kind or step.kind] += 1
        if step.task in self.real:
            self.compare_map(step.task)
        if self.counts.total() % CHECKED_EVERY == 0:
            self.machine.check()

    def model(self, holder: str, name: str, *arguments: Any, **words: Any) -> tuple[str, Any]:
        """Have the model do something: the name of its error, or "" and the result."""
        shown = [text(one) for one in arguments] + [f"{key}={text(one)}" for key, one in words.items()]
        line = f"{holder}.{name}({', '.join(shown)})"
        self.lines.append(line)
        try:
            return "", getattr(self.held(holder), name)(*arguments, **words)
        except vm.KernelError as error:
            self.lines[-1] = f"with suppress(vm.KernelError): {line}"
            return error.name, None

    def held(self, holder: str) -> Any:
        """What a line of Python names."""
        if holder in self.real:
            return self.machine.tasks[holder]
        return eval(holder, {"m": self.machine})

    def agree(self, here: Any, real: Any, what: str = "") -> None:
        """Raise where the two differ."""
        if here != real:
            raise Difference(f"{what or self.lines[-1]}: Linux {real!r}, here {here!r}")

    def agree_on_bytes(self, here: bytes, real: bytes) -> None:
        """Raise where bytes differ, with those around the first that does."""
        self.agree(len(here), len(real))
        if here != real:
            at = next(at for at in range(len(here)) if here[at] != real[at])
            self.agree(here[at : at + 16], real[at : at + 16], f"{self.lines[-1]}, from byte {at} on")

    def outcome(self, here: str, real: str, **errors: str) -> bool:
        """Compare how a call ended; whether it was done."""
        expected = {**ERRORS, **errors}.get(real, real)
        self.agree(here, expected)
        if here:
            self.failures[here] += 1
        return not here

    # ---- the same mappings -------------------------------------------------------------------

    def compare_map(self, task: str) -> None:
        """Hold the rights of every page against each other, and who sees what is written."""
        here: list[tuple[int, int, str]] = []
        for entry in self.machine.tasks[task].map:
            letters = str(entry.protection) + ("s" if entry.inheritance == "share" else "p")
            add(here, int(entry.start), int(entry.end), letters)
        real: list[tuple[int, int, str]] = []
        for start, end, rights, *_ in self.real[task].mapped:
            add(real, start, end, rights)
        self.agree(spans(here), spans(real), f"mappings of {task} after {self.lines[-1]}")

    def compare_all(self) -> None:
        """Read every page of every task and every file in both."""
        for task, real in self.real.items():
            for start, end, *_ in real.mapped:
                for number, found in enumerate(real.ask("load_pages", start, end)):
                    self.compare_read(task, start + number * PAGE, PAGE, 0, [found])
        for name in FILES:
            self.compare_file(name, 0, 1 << 16)
        self.machine.check()

    def mapped_from(self, task: str, at: int, pages: int) -> int:
        """How many pages of a range are mapped before its first hole."""
        position = at
        for start, end, *_ in self.real[task].mapped:
            if start <= position < end:
                position = end
        return min(pages, (position - at) // PAGE)

    # ---- life --------------------------------------------------------------------------------

    def do_start(self, task: str) -> str:
        """A task from nothing."""
        self.lines.append(f"{task} = m.task({task!r})")
        self.machine.task(task)
        self.real[task] = self.linux.first.fork()
        return self.do_exec(task)

    def do_fork(self, task: str, child: str) -> str:
        """A child with a copy of all that is mapped."""
        self.lines.append(f"{child} = {task}.fork({child!r})")
        self.machine.tasks[task].fork(child)
        self.real[child] = self.real[task].fork()
        self.compare_map(child)
        return ""

    def do_exec(self, task: str) -> str:
        """Begin again with nothing mapped."""
        self.model(task, "exec", heap=HEAP)
        self.real[task].ask("exec", HEAP)
        self.agree(len(self.held(task).signals), 0)
        return ""

    def do_exit(self, task: str) -> str:
        """End; what it shared stays with the others."""
        self.model(task, "exit")
        self.real.pop(task).exit()
        return ""

    # ---- mappings ----------------------------------------------------------------------------

    def do_mmap(self, task: str, at: int, pages: int, rights: str, words: str, file: str, first: int) -> str:
        """A mapping at an address, in the place of what is there."""
        descriptor = self.linux.files[file] if file else -1
        where: dict[str, Any] = {"file": file, "offset": first * PAGE} if file else {}
        here, _ = self.model(task, "mmap", pages * PAGE, rights, f"{words} fixed", at=at, **where)
        real = self.real[task].ask("mmap", at, pages * PAGE, rights, words, descriptor, first * PAGE)
        self.outcome(here, real)
        return ""

    def do_mmap_anywhere(
        self, task: str, at: int, pages: int, rights: str, words: str, file: str, first: int
    ) -> str | None:
        """A mapping at an address if that is free, and else elsewhere."""
        mapped = self.real[task].mapped
        if sum(end - start for start, end, *_ in mapped if end <= LOW + LOW_PAGES * PAGE) > (LOW_PAGES // 2) * PAGE:
            return None
        descriptor, real = self.linux.files[file] if file else -1, self.real[task]
        where: dict[str, Any] = {"file": file, "offset": first * PAGE} if file else {}
        here, made = self.model(task, "mmap", pages * PAGE, rights, words, at=at, **where)
        if here:
            self.outcome(here, real.ask("mmap", at, pages * PAGE, rights, f"{words} wish", descriptor, first * PAGE))
            return ""
        if not any(start < at + pages * PAGE and at < end for start, end, *_ in mapped):
            self.agree(int(made), at)
        answer = real.ask("mmap", int(made), pages * PAGE, rights, f"{words} new", descriptor, first * PAGE)
        self.agree(here, answer)
        return ""

    def do_mmap_stack(self, task: str, pages: int) -> str:
        """A mapping that grows down."""
        at = STACK_TOP - pages * PAGE
        here, _ = self.model(task, "mmap", pages * PAGE, "rw", "private fixed growsdown", at=at)
        self.outcome(here, self.real[task].ask("mmap", at, pages * PAGE, "rw", "private growsdown", -1, 0))
        return ""

    def do_munmap(self, task: str, at: int, pages: int) -> str:
        """Unmap pages; holes are fine."""
        here, _ = self.model(task, "munmap", at, pages * PAGE)
        self.outcome(here, self.real[task].ask("munmap", at, pages * PAGE))
        return ""

    def do_munmap_stack(self, task: str, left: int) -> str:
        """Unmap a stack up to its last pages."""
        lowest = STACK_TOP - 2 * STACK_PAGES * PAGE
        return self.do_munmap(task, lowest, 2 * STACK_PAGES - left)

    def do_mprotect(self, task: str, at: int, pages: int, rights: str) -> str:
        """Other rights for pages that are mapped, or a range that begins with a hole."""
        pages = self.mapped_from(task, at, pages) or pages
        here, _ = self.model(task, "mprotect", at, pages * PAGE, rights)
        self.outcome(here, self.real[task].ask("mprotect", at, pages * PAGE, rights), ENOMEM="FAULT")
        return ""

    def do_dontneed(self, task: str, at: int, pages: int) -> str:
        """Forget what pages hold."""
        here, _ = self.model(task, "madvise", at, pages * PAGE, "dontneed")
        self.outcome(here, self.real[task].ask("madvise", at, pages * PAGE, LINUX_ADVICE["dontneed"]))
        return ""

    def do_advise(self, task: str, at: int, pages: int, advice: str) -> str:
        """Say how pages will be used."""
        here, _ = self.model(task, "madvise", at, pages * PAGE, advice)
        self.outcome(here, self.real[task].ask("madvise", at, pages * PAGE, LINUX_ADVICE[advice]))
        return ""

    def do_msync(self, task: str, at: int, pages: int) -> str:
        """Have the files of a range written back."""
        here, _ = self.model(task, "msync", at, pages * PAGE)
        self.outcome(here, self.real[task].ask("msync", at, pages * PAGE), ENOMEM="FAULT")
        return ""

    def do_brk(self, task: str, end: int) -> str:
        """Move the end of the heap."""
        before = int(self.held(task).space.heap.end)
        here, _ = self.model(task, "brk", end)
        done = self.outcome(here, self.real[task].ask("brk", end))
        self.agree(int(self.held(task).space.heap.end), end if done else before)
        return "brk grows" if end > before else "brk shrinks"

    def do_limit(self, task: str, pages: int | None) -> str:
        """Have a task map only so many pages (RLIMIT_AS)."""
        most = None if pages is None else pages * PAGE
        self.model(task, "limit", "as", most)
        self.real[task].ask("limit", most)
        return ""

    # ---- accesses ----------------------------------------------------------------------------

    def do_read(self, task: str, at: int, count: int, cpu: int) -> str | None:
        """Read bytes, page by page."""
        found = []
        for start, length in pieces(at, count):
            found.append(self.real[task].ask("load", start, length))
            if self.failure(found[-1][0], "r", found[-1][1] is not None):
                break
        self.compare_read(task, at, count, cpu, found)
        return ""

    def compare_read(self, task: str, at: int, count: int, cpu: int, found: list[tuple[str, bytes | None]]) -> None:
        """Read what a real process found, page by page: rights, and bytes where there were any."""
        rights, last = found[-1]
        here, data = self.access(task, cpu, "read", at, count)
        if self.ended(task, here, self.failure(rights, "r", last is not None)):
            self.agree_on_bytes(data, b"".join(part or b"" for _, part in found))

    def do_write(self, task: str, at: int, word: bytes, times: int, cpu: int) -> str | None:
        """Write bytes, page by page; what was written before a failure stays."""
        data = (word * times)[: self.room(task, at, times * len(word))]
        if not data:
            return None
        real = ""
        for start, length in pieces(at, len(data)):
            rights, done = self.real[task].ask("store", start, data[start - at : start - at + length])
            real = self.failure(rights, "w", done)
            if real:
                break
        here, _ = self.access(task, cpu, "write", at, data)
        self.ended(task, here, real)
        return ""

    def do_execute(self, task: str, at: int) -> str:
        """Fetch from an address, as far as that is allowed."""
        rights, data = self.real[task].ask("load", at, 1)
        here, _ = self.model(task, "touch", at, "execute")
        self.ended(task, here, self.failure(rights, "x", data is not None))
        return ""

    def failure(self, rights: str, wanted: str, done: bool) -> str:
        """Why an access fails, by the rights that /proc/self/maps says and by whether there was a page."""
        if not rights:
            return "FAULT"
        if wanted not in granted(self.setting.architecture, rights):
            return "ACCES"
        return "" if done else "IO"

    def access(self, task: str, cpu: int, name: str, *arguments: Any) -> tuple[str, Any]:
        """Read or write as a task on one of the processors."""
        if not cpu or self.setting.cpus == 1:
            return self.model(task, name, *arguments)
        self.lines.append(f"m.cpus[1].run({task})")
        self.machine.cpus[1].run(self.held(task))
        return self.model("m.cpus[1]", {"read": "load", "write": "store"}[name], *arguments, user=True)

    def ended(self, task: str, here: str, real: str) -> bool:
        """Compare how an access ended, and the signal for it; whether it was done."""
        done = self.outcome(here, real)
        if not done:
            self.agree(self.held(task).signals[-1].name, SIGNALS[real])
        return done

    def room(self, task: str, at: int, count: int) -> int:
        """How many bytes may be written from `at` on: none past the end in a shared file's last page."""
        for start, end, rights, offset, path in self.real[task].mapped:
            name = path.removeprefix("/memfd:").partition(" ")[0]
            if not (rights.endswith("s") and name in FILES and start < at + count and at < end):
                continue
            size = self.linux.size(name)
            last = start - offset + size
            if size % PAGE and last < at + count and at < (last | PAGE - 1) + 1:
                return max(0, last - at)
        return count

    # ---- files -------------------------------------------------------------------------------

    def do_file_write(self, _task: str, name: str, offset: int, data: bytes) -> str:
        """Write into a file, which grows if it has to."""
        self.model(f"m.files[{name!r}]", "write", offset, data)
        os.pwrite(self.linux.files[name], data, offset)
        return ""

    def do_file_read(self, _task: str, name: str, offset: int, count: int) -> str:
        """Read from a file what its mappings have."""
        self.compare_file(name, offset, count)
        return ""

    def compare_file(self, name: str, offset: int, count: int) -> None:
        """Hold bytes of a file against each other."""
        here, data = self.model(f"m.files[{name!r}]", "read", offset, count)
        self.agree(here, "")
        self.agree_on_bytes(data, os.pread(self.linux.files[name], count, offset))

    def do_file_cut(self, _task: str, name: str, size: int) -> str:
        """Give a file another size, after private copies of what it loses were forgotten."""
        past = -(-size // PAGE) * PAGE
        for task, real in self.real.items():
            for start, end, rights, offset, path in real.mapped:
                first = max(start, start - offset + past)
                if rights.endswith("p") and path.startswith(f"/memfd:{name} ") and first < end:
                    self.do_dontneed(task, first, (end - first) // PAGE)
        self.model(f"m.files[{name!r}]", "truncate", size)
        os.ftruncate(self.linux.files[name], size)
        return ""

    # ---- what no byte depends on ---------------------------------------------------------------

    def do_page_out(self, task: str, at: int, pages: int) -> str:
        """Have pages leave memory."""
        self.agree(self.model(task, "page_out", at, pages * PAGE)[0], "")
        return ""

    def do_resident(self, task: str, pages: int | None) -> str:
        """Have a task keep few pages in memory, or as many as it likes."""
        self.model(task, "limit", "rss", None if pages is None else pages * PAGE)
        return ""

    def do_policy(self, _task: str, name: str, local: bool) -> str:
        """Choose another policy of replacement."""
        self.lines.append(f"m.replacement = vm.Replacement({name!r}, local={local})")
        self.machine.replacement = vm.Replacement(name, local=local)
        return ""


def text(value: Any) -> str:
    """A value as Python, addresses in hexadecimal."""
    if isinstance(value, bytes) and len(value) > MANY:
        word, times = value[:WORD], -(-len(value) // WORD)
        return f"({word!r} * {times})[:{len(value)}]"
    return hex(value) if isinstance(value, int) and not isinstance(value, bool) and value >= PAGE else repr(value)


def pieces(at: int, count: int) -> list[tuple[int, int]]:
    """A range cut at the borders of pages: address and bytes of each piece."""
    borders = [at, *range((at // PAGE + 1) * PAGE, at + count, PAGE), at + count]
    return [(start, end - start) for start, end in pairwise(borders)]


def add(found: list[tuple[int, int, str]], start: int, end: int, letters: str) -> None:
    """Append a mapping to those below it, and join what is alike."""
    if found and found[-1][1] == start and found[-1][2] == letters:
        start = found.pop()[0]
    found.append((start, end, letters))


def spans(mappings: list[tuple[int, int, str]]) -> list[str]:
    """Mappings as texts."""
    return [f"{start:#x}-{end:#x} {letters}" for start, end, letters in mappings]
