"""Bugs that were mended, each put back alone: do lives find it, how soon, and for how many seeds?

``python -m tests.engine.machine.plain_lives.mutations [BUG …] [--seeds 24] [--steps 100000]`` prints a row for each.  A
bug is a text in the source that is replaced while its module is imported, so each has a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple

import tests

ROOT = Path(tests.__path__[0]).parent
ENOUGH = 0.75
"""The part of the seeds that has to find each bug."""


class Edit(NamedTuple):
    """In a module below ``vmwidgets.engine``, a text that occurs once, and what stands there with the bug."""

    module: str
    mended: str
    broken: str

    def applied(self, source: str) -> str:
        """The source with the bug."""
        if source.count(self.mended) != 1:
            raise ValueError(f"{self.module} has {source.count(self.mended)} times {self.mended!r}")
        return source.replace(self.mended, self.broken)


@dataclass(frozen=True)
class Bug:
    """What was wrong, the judge that finds it ("lives", "policies", "optimal" or "linux"), and how it comes back."""

    judge: str
    edits: tuple[Edit, ...]


def bug(judge: str, *edits: tuple[str, str, str]) -> Bug:
    """A bug of these edits."""
    return Bug(judge, tuple(Edit(*edit) for edit in edits))


_AGAIN = """raise Refused(f"placement={rule!r}: {known!r} already exists; write its name alone to get it")\n"""

BUGS = {
    "an access goes on in whatever tables are loaded": bug(
        "lives", ("spaces.processors", "if is_user and self.pmap is not space:", "if False:")
    ),
    "a thread's write is not done": bug(
        "lives",
        ("machine.handles.tasks", 'return self.system.complete_access("write"', 'self.system.complete_access("write"'),
        ("machine.learners.callbacks", "        for call in made:", "        for call in ():"),
    ),
    "a thread's touch is not done": bug(
        "lives",
        ("machine.handles.tasks", 'return self.system.complete_access("touch"', 'self.system.complete_access("touch"'),
        ("machine.learners.callbacks", "        for call in made:", "        for call in ():"),
    ),
    "freed bytes come back": bug(
        "lives",
        (
            "kernel.tasks.led_object",
            "if at.keeps_pages:\n",
            "if True:\n",
        ),
    ),
    "a mapping whose pages come at once can't wait": bug(
        "lives",
        (
            "machine.handles.unix_calls",
            'return self.system.callbacks.complete("mmap", self._populated(mapped, length, protection))',
            """from ..kernel.threads.waits import run_without_sleeping
        return run_without_sleeping(self._populated(mapped, length, protection))""",
        ),
    ),
    "a range of a submap is not guarded": bug(
        "lives",
        ("kernel.tasks.task_ranges", "in self._from(self.peek(start), end) if self.has_submaps else ():", "in ():"),
    ),
    "another program leaves submaps": bug(
        "lives",
        ("spaces.task_ends", 'in [one for one in self._maps if one.startswith(f"{own}/")]:', "in ():"),
    ),
    "tables of tasks know the right to write alone": bug(
        "lives",
        ("kernel.pmap.spaces", "known = READ * read | WRITE * write | EXECUTE * execute", "known = protection"),
        (
            "kernel.pmap.spaces",
            "return Rights(bool(may & READ), bool(may & WRITE), bool(may & EXECUTE), user=True)",
            "return Rights(True, bool(may & WRITE), True, user=True)",
        ),
    ),
    "a page called clean is written": bug(
        "lives",
        (
            "kernel.tasks.task_memory",
            "        has = self._had_by(owner, index)\n",
            '        has = self._had_by(owner, index)\n        has = "" if has == "swap" else has\n',
        ),
    ),
    "a page that could not go counts as used": bug(
        "policies",
        (
            "memory.queues",
            '''the others come near to."""

    counts = True
''',
            '''the others come near to."""

    counts = True

    def candidates(self, pages):
        for _ in range(len(self)):
            page = self._first
            if pages.may_go(page):
                yield page
            self._behind(page)
''',
        ),
    ),
    "OPT counts the references of all tasks": bug(
        "optimal",
        ("memory.optimal", "        if key is None:\n            return False\n", ""),
    ),
    "a number of a space is given on before its flush": bug(
        "lives",
        ("spaces.processors", "taken = {*self._asids.values(), *self._retired}", "taken = {*self._asids.values()}"),
        ("spaces.processors", "if self._retired and len(self._asids)", "if False and len(self._asids)"),
    ),
    "a task's map panics without entries": bug(
        "lives",
        (
            "kernel.x15.vm_map",
            "        if self.provides is None:\n            return super()",
            "        return super()",
        ),
        (
            "kernel.tasks.task_ranges",
            "if count and self.provides is not None and not self.provides(count):",
            "if False:",
        ),
    ),
    "a stack passes the limit of addresses": bug(
        "lives",
        ("kernel.tasks.vm_fault", "if most is not None and self.size + entry.start - va > most:", "if False:"),
    ),
    "what a mapping replaces counts twice": bug(
        "lives", ("spaces.task_space", "vm_map.check_room(size - taken)", "vm_map.check_room(size)")
    ),
    "a look has pages come": bug(
        "lives",
        (
            "machine.handles.tasks",
            "        with self.door.looking():\n            return self.space.peek(start, count)\n",
            "        return self.read(start, count)\n",
        ),
    ),
    "naming a task that is there is an operation": bug(
        "lives",
        ("machine.handles.tasks", _AGAIN + "            self.door.only_looked()\n", _AGAIN),
    ),
    "a thread's access has the kernel on processor 0": bug(
        "lives",
        (
            "machine.system",
            "from contextlib import contextmanager",
            "from contextlib import contextmanager, nullcontext",
        ),
        (
            "machine.system",
            "        return self.callbacks.complete(name, self.processors.perform(steps, processor))\n",
            """\
        with nullcontext() if processor is None else self.processors.on(processor):
            return self.callbacks.complete(name, self.processors.perform(steps))
""",
        ),
    ),
    "the name of the next child is not looked at": bug(
        "lives", ("machine.handles.tasks", 'while system.has_had_task(f"{self.name}.{number}"):', "while False:")
    ),
    "an error names where a table begins": bug(
        "lives", ("kernel.pmap.pmap", "where = edges[0] if edges else slot", "where = slot")
    ),
    "a read of a slow file takes no time": bug(
        "lives",
        (
            "kernel.tasks.files",
            "            yield from self._wait(at)\n            if at >= self.pager.size:",
            "            yield from ()\n            if at >= self.pager.size:",
        ),
    ),
    "wiring a slow file takes no time": bug(
        "lives", ("kernel.tasks.vm_fault", "if isinstance(target, TaskObject) and target.is_slow:", "if False:")
    ),
    "a function is asked a number of times at most": bug(
        "policies",
        (
            "machine.learners.answering",
            "            chosen = self.run(lambda: function(list(pages)))\n",
            """\
            if place >= 50:
                raise CallbackFailed(f"{self.title} chose 50 times")
            chosen = self.run(lambda: function(list(pages)))
""",
        ),
    ),
    "what a child has counts for none once its parent is over": bug(
        "lives", ("spaces.task_ends", "space.memory.bereaved(space.name)", "space.memory.rings.forget(space.name)")
    ),
    "the clock takes the place that was vacated last": bug(
        "policies",
        (
            "memory.clock",
            "        super().left(page)\n",
            "        self._vacated = page.following\n        super().left(page)\n",
        ),
        (
            "memory.clock",
            "    def _new_place(self) -> int:\n",
            """\
    def _link(self, page):
        at, vacated = self._first, self.__dict__.pop("_vacated", None)
        if at is not None and vacated is not None and vacated.ring is self:
            self._first = vacated
            super()._link(page)
            self._first = at
        else:
            super()._link(page)

    def _new_place(self) -> int:
""",
        ),
    ),
    "numbers are recorded as they are": bug(
        "lives",
        ("base.operations", '    if not hasattr(kind, "__index__"):\n        return value\n', "    return value\n"),
    ),
    "a thread that has ended can't be killed": bug(
        "lives", ("kernel.threads.scheduler", "if not thread.done:  # a copy of", "if True:  # a copy of")
    ),
    "a link is replaced where a file is saved": bug(
        "lives",
        ("base.files", "    place = regular(target)\n    part", "    place = regular(target) and target\n    part"),
    ),
}
"""By what is wrong with it, what comes back."""


# ---- putting one back ------------------------------------------------------------------------


class _Broken(SourceFileLoader):
    """Loads a module from its source with the edits of a bug."""

    edits: Sequence[Edit] = ()

    def get_code(self, fullname: str) -> CodeType:
        source = Path(self.path).read_text(encoding="utf-8")
        for edit in self.edits:
            source = edit.applied(source)
        return compile(source, self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    def __init__(self, found: Bug) -> None:
        self.found = found

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        edits = [edit for edit in self.found.edits if f"vmwidgets.engine.{edit.module}" == fullname]
        spec = PathFinder.find_spec(fullname, path, target) if edits else None
        if spec is not None and spec.origin is not None:
            spec.loader = _Broken(fullname, spec.origin)
            spec.loader.edits = edits
        return spec


def put_back(name: str) -> None:
    """Have the engine, which is not imported yet, come with this bug."""
    if any(module.startswith("vmwidgets") for module in sys.modules):
        raise RuntimeError("vmwidgets is imported already")
    sys.meta_path.insert(0, _Finder(BUGS[name]))


# ---- looking for it --------------------------------------------------------------------------


def lives(seed: int) -> Iterator[tuple[int, str]]:
    """Lives of 400 steps, one after the other: the steps of each, and how it differs."""
    from .life import ARCHITECTURES, Life  # once the bug is there

    for number in range(10_000):
        life: Any = None
        try:
            life = Life(ARCHITECTURES[seed % 4], 10_000 * seed + number, "shadow")
            life.live(400)
        except Exception as error:  # noqa: BLE001  whatever comes out is a difference
            yield (life.counts.total() if life else 1), f"{type(error).__name__}: {error}"
        else:
            yield life.counts.total(), ""


def policies(seed: int) -> Iterator[tuple[int, str]]:
    """Lives of policies that are held against paper."""
    from .policies import life  # once the bug is there

    for number in range(10_000):
        for policy in ("lru", "clock", "second chance", "function"):
            yield _tried(120, life, "x86-64", policy, 10_000 * seed + number, 120)


def optimal(seed: int) -> Iterator[tuple[int, str]]:
    """Strings of references that OPT knows."""
    from .policies import optimal_life  # once the bug is there

    for number in range(10_000):
        yield _tried(50, optimal_life, "x86-64", 10_000 * seed + number, 50)


def linux(seed: int) -> Iterator[tuple[int, str]]:
    """Lives that processes of this computer's Linux live as well."""
    from vmwidgets.real.linux.processes import Linux  # once the bug is there

    from ..linux.judge import ARCHITECTURES, drawn_life  # once the bug is there

    with Linux() as kernel:
        for number in range(10_000):
            outcome = drawn_life(kernel, ARCHITECTURES[seed % 4], 10_000 * seed + number)
            yield outcome.counts.total(), outcome.difference


def _tried(steps: int, function: Any, *arguments: Any) -> tuple[int, str]:
    try:
        function(*arguments)
    except Exception as error:  # noqa: BLE001  whatever comes out is a difference
        return steps, f"{type(error).__name__}: {str(error).splitlines()[-1]}"
    return steps, ""


JUDGES = {"lives": lives, "policies": policies, "optimal": optimal, "linux": linux}


class Finding(NamedTuple):
    """After how many steps a seed met the bug, and how it differed: "" if it did not, within the steps it had."""

    seed: int
    steps: int
    difference: str


def looked_for(name: str, seeds: Sequence[int], steps: int, seconds: float, judge: str = "") -> Iterator[Finding]:
    """What seeds find, each up to so many steps, and as long as there is time."""
    end = time.monotonic() + seconds
    for seed in seeds:
        made, difference = 0, ""
        for more, difference in JUDGES[judge or BUGS[name].judge](seed):
            made += more
            if difference or made >= steps or time.monotonic() > end:
                break
        yield Finding(seed, made, difference)
        if time.monotonic() > end:
            return


def found_in_process(name: str, seeds: int, steps: int, seconds: float, judge: str = "") -> list[Finding]:
    """The same in a process of its own, where the bug is put back."""
    module = __spec__.name if __spec__ is not None else __name__
    command = [sys.executable, "-m", module, "--put-back", name, "--judge", judge]
    command += ["--seeds", str(seeds), "--steps", str(steps), "--seconds", str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr}")
    return [Finding(*row) for row in json.loads(done.stdout.splitlines()[-1])]


def row(name: str, findings: Sequence[Finding]) -> str:
    """What seeds found, as a line of text."""
    hits = sorted(one.steps for one in findings if one.difference)
    middle = f"{hits[len(hits) // 2]:,} steps in the middle, {hits[-1]:,} at most" if hits else "never"
    how = next((one.difference for one in findings if one.difference), "").splitlines() or [""]
    return f"{name}: {len(hits)} of {len(findings)} seeds; {middle}; {how[0][:150]}"


def main() -> None:
    """Look for the bugs that are named, or for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bugs", nargs="*", help="words of their names; without any, all")
    parser.add_argument("--seeds", type=int, default=24)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=1e9, help="the longest that one bug is looked for")
    parser.add_argument("--judge", default="", choices=["", *JUDGES])
    parser.add_argument("--put-back", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.put_back:
        put_back(given.put_back)
        found = looked_for(given.put_back, range(given.seeds), given.steps, given.seconds, given.judge)
        print(json.dumps(list(found)))
        return
    for name in BUGS:
        if not given.bugs or any(words in name for words in given.bugs):
            findings = found_in_process(name, given.seeds, given.steps, given.seconds, given.judge)
            print(row(name, findings), flush=True)


if __name__ == "__main__":
    main()
