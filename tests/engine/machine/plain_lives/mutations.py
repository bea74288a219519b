"""Bugs that were mended, each put back alone: do lives find it, how soon, and for how many seeds?

``python -m tests.engine.machine.plain_lives.mutations [BUG …] [--seeds 24] [--steps 100000]`` prints a row for each.  A
bug is a function of the engine, or several, that is replaced by a broken one, so each has a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import tests
from vmwidgets.engine.base.errors import KernelPanic

ROOT = Path(tests.__path__[0]).parent
ENOUGH = 0.75
"""The part of the seeds that has to find each bug."""

Function = Callable[..., Any]


class Patch(NamedTuple):
    """A function in a module below ``vmwidgets.engine``, by its name there, and what makes it the broken one."""

    module: str
    name: str
    breaks: Callable[[Function], Function]

    @property
    def holder(self) -> Any:
        """The class or the module that has the function."""
        found: Any = import_module(f"vmwidgets.engine.{self.module}")
        for part in self.name.split(".")[:-1]:
            found = getattr(found, part)
        return found

    @property
    def function(self) -> Function:
        """The function that is there now."""
        found: Function = getattr(self.holder, self.name.rpartition(".")[2])
        return found

    def put(self, replace: Callable[[Any, str, Any], None]) -> None:
        """Replace the function, in each module that has it if it is no method."""
        holder, name, mended = self.holder, self.name.rpartition(".")[2], self.function
        broken = self.breaks(mended)
        places = [holder]
        if isinstance(holder, ModuleType):
            places = [one for one in [*sys.modules.values()] if getattr(one, "__dict__", {}).get(name) is mended]
        for place in places:
            replace(place, name, broken)


@dataclass
class Bug:
    """The judge that finds it ("lives", "policies", "optimal" or "linux"), and how it comes back."""

    judge: str
    patches: list[Patch] = field(default_factory=list)


BUGS: dict[str, Bug] = {}
"""By what is wrong with it, what comes back."""


def bug(what: str, judge: str, module: str, name: str) -> Callable[[Callable[[Function], Function]], Function]:
    """Mark what makes the broken function from the mended one; a bug of several has this several times."""

    def mark(breaks: Callable[[Function], Function]) -> Function:
        BUGS.setdefault(what, Bug(judge)).patches.append(Patch(module, name, breaks))
        return breaks

    return mark


def put_back(name: str, replace: Callable[[Any, str, Any], None] = setattr) -> None:
    """Have the engine have this bug."""
    import vmwidgets  # noqa: F401  # so that all its modules have their functions

    for patch in BUGS[name].patches:
        patch.put(replace)


# ---- processors and threads ------------------------------------------------------------------


class _StaysLoaded:
    """A processor that loads no other tables."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._processor, name)

    def switch(self, pmap: Any) -> None:
        """Leave what is loaded."""


@bug("an access goes on in whatever tables are loaded", "lives", "spaces.processors", "Processor._reach")
def _(mended: Function) -> Function:
    return lambda self, *given, **named: mended(_StaysLoaded(self), *given, **named)


def _gives_nothing(operation: str) -> Callable[[Function], Function]:
    """What completes an access, and does not give the call that its thread is to wait for."""

    def breaks(mended: Function) -> Function:
        def complete_access(self: Any, name: str, *given: Any) -> Any:
            made = mended(self, name, *given)
            return None if name == operation else made

        return complete_access

    return breaks


def _refuses_none(mended: Function) -> Function:
    def refuse_unmade(self: Any, item: Any) -> None:
        self._made = []

    return refuse_unmade


for _name in ("write", "touch"):
    bug(f"a thread's {_name} is not done", "lives", "machine.system", "System.complete_access")(_gives_nothing(_name))
    bug(f"a thread's {_name} is not done", "lives", "machine.learners.callbacks", "ThreadActor._refuse_unmade")(
        _refuses_none
    )


@bug("a mapping whose pages come at once can't wait", "lives", "machine.learners.callbacks", "Callbacks.complete")
def _(mended: Function) -> Function:
    from vmwidgets.engine.kernel.threads.waits import run_without_sleeping

    return lambda self, name, steps: run_without_sleeping(steps) if name == "mmap" else mended(self, name, steps)


@bug("a number of a space is given on before its flush", "lives", "spaces.processors", "Processors.assign_asid")
def _(mended: Function) -> Function:
    def assign_asid(self: Any, pmap: Any) -> Any:
        retired, self._retired = self._retired, {}
        try:
            return mended(self, pmap)
        finally:
            self._retired = retired

    return assign_asid


@bug("a thread's access has the kernel on processor 0", "lives", "machine.system", "System.complete_access")
def _(mended: Function) -> Function:
    def complete_access(self: Any, name: str, steps: Any, processor: Any = None) -> Any:
        with nullcontext() if processor is None else self.processors.on(processor):
            return mended(self, name, steps)

    return complete_access


@bug("a thread that has ended can't be killed", "lives", "kernel.threads.scheduler", "Scheduler.abandon")
def _(mended: Function) -> Function:
    def abandon(self: Any, thread: Any) -> None:
        thread.call.close()
        mended(self, thread)

    return abandon


# ---- maps ------------------------------------------------------------------------------------


@bug("a task's map panics without entries", "lives", "kernel.x15.vm_map", "X15Map.provide_entries")
def _(mended: Function) -> Function:
    return lambda self, count: None


@bug("a task's map panics without entries", "lives", "kernel.x15.vm_map", "X15Map.no_entry")
def _(mended: Function) -> Function:
    return lambda self: KernelPanic("entry_create", f"no entry is left for {self.called}")


@bug("a stack passes the limit of addresses", "lives", "kernel.x15.vm_fault", "_grow_down")
def _(mended: Function) -> Function:
    def grow_down(vm_map: Any, entry: Any, va: int) -> None:
        limit, vm_map.space_limit = vm_map.space_limit, None
        try:
            mended(vm_map, entry, va)
        finally:
            vm_map.space_limit = limit

    return grow_down


@bug("what a mapping replaces counts twice", "lives", "spaces.task_space", "TaskSpace.mmap")
def _(mended: Function) -> Function:
    def mmap(self: Any, start: int, size: int, *given: Any, fixed: bool = False, **named: Any) -> Any:
        self.vm_map.check_room(size)
        return mended(self, start, size, *given, fixed=fixed, **named)

    return mmap


# ---- tables ----------------------------------------------------------------------------------


@bug("tables of tasks know the right to write alone", "lives", "kernel.pmap.user_pmap", "UserPmap.granted")
def _(mended: Function) -> Function:
    return lambda self, protection: protection


@bug("tables of tasks know the right to write alone", "lives", "kernel.pmap.user_pmap", "UserPmap._rights")
def _(mended: Function) -> Function:
    return lambda self, va, protection: mended(self, va, protection)._replace(read=True, execute=True)


@bug("an error names where a table begins", "lives", "kernel.pmap.pmap", "Pmap.prepared")
def _(mended: Function) -> Function:
    @contextmanager
    def prepared(self: Any, cuts: Iterable[int], absent: Iterable[tuple[int, int]] = ()) -> Iterator[None]:
        edges = [*cuts]
        wanted = [*absent, *(place for edge in edges for place in self._splits_at(edge))] if self.large else [*absent]
        places = [place for place in dict.fromkeys(wanted) if place not in self._reserved]
        if places:
            levels = [self.fmt.level(number - 1) for number, _ in places]
            slot = self.fmt.canonical(places[0][1] << self.fmt.level(places[0][0]).shift)
            self._reserved.update(zip(places, self._allocate_tables(levels, slot), strict=True))
        try:
            yield
        finally:
            for place in places:
                table = self._reserved.pop(place, None)
                if table is not None:
                    self.tables.free(table)

    return prepared


# ---- pages and files -------------------------------------------------------------------------


@bug("freed bytes come back", "lives", "kernel.tasks.vm_object", "TaskObject.trim")
def _(mended: Function) -> Function:
    return lambda self, pages: None


@bug("a page called clean is written", "lives", "kernel.tasks.pageout", "TaskMemory._page_out")
def _(mended: Function) -> Function:
    def page_out(self: Any, owner: Any, index: int, to: str, has: str) -> Any:
        return mended(self, owner, index, "swap", "") if has == "swap" else mended(self, owner, index, to, has)

    return page_out


@bug("a read of a slow file takes no time", "lives", "kernel.tasks.files", "File.read")
def _(mended: Function) -> Function:
    def read(self: Any, offset: int, length: int) -> Any:
        self._wait = lambda at: ()
        try:
            return (yield from mended(self, offset, length))
        finally:
            del self._wait

    return read


@bug("wiring a slow file takes no time", "lives", "kernel.x15.vm_fault", "wait_for_range")
def _(mended: Function) -> Function:
    return lambda vm_map, start, end: 0


@bug("what a child has counts for none once its parent is over", "lives", "kernel.tasks.pageout",
     "TaskMemory.bereaved")  # fmt: skip  # on two lines
def _(mended: Function) -> Function:
    return lambda self, task: self.rings.forget(task)


@bug("a link is replaced where a file is saved", "lives", "base.files", "regular")
def _(mended: Function) -> Function:
    return lambda target: mended(target) and target


# ---- policies --------------------------------------------------------------------------------


@bug("a page that could not go counts as used", "policies", "memory.replacement", "Lru.candidates")
def _(mended: Function) -> Function:
    def candidates(self: Any, pages: Any) -> Iterator[Any]:
        for page in self.queue:
            if pages.may_go(page):
                yield page
            self._behind(page)

    return candidates


@bug("OPT counts the references of all tasks", "optimal", "memory.replacement", "Future.made")
def _(mended: Function) -> Function:
    def made(self: Any, task: str, page: int) -> Any:
        if self._key(task, page) is not None:
            return mended(self, task, page)
        self.count += 1
        return self.count <= len(self.string)

    return made


@bug("a function is asked a number of times at most", "policies", "machine.learners.answering",
     "ReplacementCode.answer")  # fmt: skip  # on two lines
def _(mended: Function) -> Function:
    from vmwidgets.engine.base.errors import CallbackFailed

    def answer(self: Any, verb: str, given: Any, ask: Function) -> Any:
        def asked(function: Any, place: int) -> Any:
            if place >= 50:
                raise CallbackFailed(f"{self.title} chose 50 times")
            return ask(function, place)

        return mended(self, verb, given, asked)

    return answer


@bug("the clock takes the place that was vacated last", "policies", "memory.replacement", "Clock.left")
def _(mended: Function) -> Function:
    def left(self: Any, page: Any) -> None:
        queue = self.queue
        self._vacated = (queue * 2)[queue.index(page) + 1]
        mended(self, page)

    return left


@bug("the clock takes the place that was vacated last", "policies", "memory.replacement", "Clock.entered")
def _(mended: Function) -> Function:
    def entered(self: Any, page: Any) -> None:
        vacated = self.__dict__.pop("_vacated", None)
        mended(self, page)
        for part in (self._queue, self._ahead):
            order = [*part.values()]
            if vacated in order:
                del self._queue[page.frame]
                part[page.frame] = page
                for one in order[order.index(vacated) :]:
                    if one is not page:
                        part.move_to_end(one.frame)

    return entered


# ---- what is called and recorded -------------------------------------------------------------


@bug("a look has pages come", "lives", "machine.handles.tasks", "Task.peek")
def _(mended: Function) -> Function:
    return lambda self, address, length=1: self.read(address, length)


@bug("naming a task that is there is an operation", "lives", "machine.machine", "Machine.task")
def _(mended: Any) -> Function:
    from vmwidgets.engine.base.operations import operation
    from vmwidgets.engine.machine.handles.tasks import Task

    def task(self: Any, name: str, placement: str | None = None) -> Any:
        known = self.system.tasks.get(name) if placement is None else None
        return mended.__wrapped__(self, name, placement) if known is None else self.system.part(Task, known.path)

    return operation(task)


@bug("the name of the next child is not looked at", "lives", "machine.handles.tasks", "Task._child_name")
def _(mended: Function) -> Function:
    return lambda self: f"{self.name}.{self.space.children + 1}"


@bug("numbers are recorded as they are", "lives", "base.operations", "exact")
def _(mended: Function) -> Function:
    texts = str, bytes, bytearray, memoryview, float
    return lambda value: mended(value) if isinstance(value, texts) else value


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
