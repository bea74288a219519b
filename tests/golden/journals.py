"""Journals that were drawn once are done again: what each operation did, said and left, and what the past answers."""

from __future__ import annotations

import gzip
import json
import lzma
import random
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import vmwidgets as vm
from tests.engine.watch import Watch
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.mmu.tables import Shown, TableKey

from .packed import FOLDER, Case, Moment
from .plain import digest, flat, lines, text_of

JOB = 10
"""So many journals are one job."""

MIDDLE = 10
"""Into one operation of so many is looked while it is under way."""

LOOKS = (3, 9, 27)
"""After so many reports of it."""

TOLD = 30
"""Of each kind of operation with each kind of outcome so many are explained."""

ASKED = 6
"""One journal of so many is asked about its past."""

OPENED = 14
"""So many tables of a space are looked at."""

WHOLE = 10**6


# ---- journals --------------------------------------------------------------------------------------

DRAWN = "drawn"
"""The file of journals, with what is asked of each and refused."""


@lru_cache(maxsize=1)
def drawn() -> dict[str, dict[str, Any]]:
    """By name: a journal's lines as they are saved, and the calls that are refused after its operations."""
    content = lzma.decompress((FOLDER / f"{DRAWN}.xz").read_bytes()).decode()
    return {one["name"]: one for one in map(json.loads, content.splitlines())}


def loaded(name: str) -> Any:
    """The machine of a journal."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "drawn.jsonl.gz"
        path.write_bytes(gzip.compress(drawn()[name]["journal"].encode(), 1))
        machine = vm.load_journal(path)
    machine.name = "machine"
    return machine


def jobs() -> list[str]:
    """Journals by tens."""
    return [f"journals {number} on" for number in range(0, len(drawn()), JOB)]


def names_of(job: str) -> list[str]:
    """The journals of a job."""
    first = int(job.split()[1])
    return list(drawn())[first : first + JOB]


def done_again(machine: Any, before: Callable[[], None] = lambda: None) -> Iterator[Operation]:
    """Undo all, and do it again: each operation when it is done; `before` is called before each."""
    total = len(machine.journal)
    yield machine.journal[0]
    if total == 1:
        return
    machine.undo(len(machine.journal.units(total)) - 1)
    while len(machine.journal) < total:
        before()
        machine.redo()
        yield machine.journal.last


# ---- structures ------------------------------------------------------------------------------------


def structures(machine: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each value that pictures are made of, by name, as a function that reads it."""
    yield "kernel memory", lambda: machine.kmem.value(whole=WHOLE)
    yield "threads", machine.threads.value
    yield "frames", lambda: machine.frames.value(whole=WHOLE)
    yield "caches", lambda: machine.caches.value(most=WHOLE)
    yield "kentry", lambda: machine.kentry.contents(most=WHOLE)
    yield "processors", machine.cpus.value
    yield "replacement", machine.replacement.value
    yield "objects", machine.memory_objects.value
    for path in machine.system.maps:
        yield f"map {path}", partial(machine.part(path).value, whole=WHOLE)
    for name in machine.domains:
        yield f"domain {name}", machine.part(f"domain:{name}").snapshot
    for name in ("", *machine.tasks, *(f"domain:{name}" for name in machine.domains)):
        yield f"tables of {name or 'the kernel'}", partial(tables_of, machine, name)


def tables_of(machine: Any, name: str) -> Any:
    """The first page tables of a space, from the root down."""
    read = machine.tables_of(name).now()
    opened: list[TableKey] = []
    while True:
        found = read.window(Shown(opened, rows=40))
        keys = [(one.level - 1, row.va) for one in found.tables for row in one.rows if row.kind == "table"]
        more = [key for key in keys if key not in opened][: OPENED - len(opened)]
        if not more:
            return found.tables
        opened += more


class Dumps:
    """Structures of one machine as lines: a check value of each, or with `whole` all that is in it."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._known: dict[str, tuple[Any, str]] = {}

    def of(self, machine: Any) -> list[tuple[str, Any]]:
        """All structures as they are."""
        found: list[tuple[str, Any]] = []
        for name, read in structures(machine):
            try:
                value = read()
            except vm.VMError as error:  # it is not there yet, or not any longer
                found.append((name, f"can't be read: {error}"))
                continue
            if self._whole:
                found += [(f"{name}{path}", text) for path, text in flat(value)]
                continue
            known = self._known.get(name)
            if known is None or known[0] != value:
                known = self._known[name] = value, digest("\n".join(sorted("\t".join(one) for one in flat(value))))
            found.append((name, known[1]))
        return found


# ---- parts -----------------------------------------------------------------------------------------


def label_of(operation: Operation) -> str:
    """How a moment after an operation is called."""
    return f"operation {operation.number}"


def did(operation: Operation) -> list[tuple[str, Any]]:
    """What an operation was and gave; a long argument is cut."""
    call = f"{operation.target}.{operation.name}"
    given = ", ".join(f"{name}={text_of(value)[:300]}" for name, value in operation.arguments)
    gave = [("sentence", operation.said)] if operation.said else [("gave", text_of(operation.result))]
    return [("operation", f"{call}({given})"), ("outcome", operation.outcome), *gave]


def journals(job: str, *, whole: bool = False) -> Iterator[Case]:
    """Operations, outcomes, refusals, events, and each structure after each operation and within some."""
    for name in names_of(job):
        yield Case(name, list(_moments(name, whole=whole)))


def _moments(name: str, *, whole: bool) -> Iterator[Moment]:
    machine, refused = loaded(name), drawn()[name]["refused"]
    dumps = Dumps(whole=whole)
    reports = count(1)
    looks = Watch(machine.recorder, lambda: Dumps(whole=whole).of(machine), lambda: next(reports) in LOOKS)
    looked = False

    def before() -> None:
        nonlocal reports, looked
        looks.begin()
        looked = len(machine.journal) % MIDDLE == 3
        reports = count(1) if looked else count(WHOLE)

    before()
    for operation in done_again(machine, before):
        said_so = did(operation)
        events = operation.events
        texts = ["; ".join(f"{path}={text}" for path, text in flat(event)) for event in events]
        if whole:
            said_so += [(f"event {place}", text) for place, text in enumerate(texts)]
        said_so += [("events", f"{len(texts)} {digest(chr(10).join(texts))}")]
        inner = [Moment(f"operation {operation.number}, {done} events on", lines(seen)) for done, seen in looks.seen]
        yield from inner
        yield Moment(label_of(operation), lines([*said_so, *dumps.of(machine), *_refusals(machine, refused)]))
        before()


def _refusals(machine: Any, refused: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """The calls that are refused after this operation, with their sentences."""
    for number, path, name, given in refused:
        if number == machine.journal.last.number:
            call = f"{path}.{name}({', '.join(f'{one}={value!r}' for one, value in given.items())})"
            yield f"refused {call}", refusal(machine, path, name, given)


def refusal(machine: Any, path: str, name: str, given: dict[str, Any]) -> str:
    """The sentence that refuses a call; what happened, if it is not refused."""
    try:
        getattr(machine.part(path), name)(**given)
    except vm.Refused as error:
        return str(error)
    except vm.VMError as error:
        return f"not refused: {type(error).__name__}: {error}"
    return "not refused"


# ---- sentences -------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def told() -> dict[str, set[int]]:
    """By journal: the operations that are explained, so many of each kind with each outcome."""
    seen: Counter[tuple[str, ...]] = Counter()
    found: dict[str, set[int]] = {}
    for name, one in drawn().items():
        number = -1
        for line in one["journal"].splitlines():
            data = json.loads(line)
            if "line" in data:
                break
            if "operation" not in data:
                continue
            number += 1
            target = data["target"]
            kind = "kmem" if target.startswith("kmem/") else target.partition(":")[0] + target.partition("/")[2]
            failed = json.dumps(data["result"])[:40] if data["outcome"] != "done" else ""
            key = kind, data["name"], data["outcome"], failed
            seen[key] += 1
            if seen[key] <= TOLD:
                found.setdefault(name, set()).add(number)
    return found


def sentences(job: str, *, whole: bool = False) -> Iterator[Case]:
    """Headlines and sentences of operations."""
    for name in names_of(job):
        wanted = told().get(name, set())
        moments = [
            Moment(label_of(operation), lines(explained(operation)))
            for operation in done_again(loaded(name))
            if operation.number in wanted
        ]
        yield Case(name, moments)


def explained(operation: Operation) -> Iterator[tuple[str, Any]]:
    """An operation's story: headline, reason and functions, then its steps; check values of their order, and of all."""
    yield "operation", f"{operation.target}.{operation.name}"
    story = str(operation.explain())
    for place, line in enumerate(story.splitlines()):
        step = _STEP.match(line)
        yield ("step", line[step.end() :]) if step else ("headline" if place == 0 else "line", line.strip())
    yield "order of steps", digest(story)
    yield "every step", digest(str(getattr(operation.explain(), "whole")))  # noqa: B009  the protocol has less


_STEP = re.compile(r" *\d+\. ")
"""Before a step there is its number, which others would move."""


# ---- the past --------------------------------------------------------------------------------------


def past(job: str, *, whole: bool = False) -> Iterator[Case]:
    """Answers of at, undo, redo, last_write, why, first, again and lockstep."""
    for name in names_of(job)[:: ASKED // 2]:
        yield Case(name, list(_asked(name, whole=whole)))


def _asked(name: str, *, whole: bool) -> Iterator[Moment]:
    machine, chance = loaded(name), random.Random(name)
    total = len(machine.journal)
    numbers = sorted(chance.sample(range(total), min(4, total)))
    ways = [(f"at({number})", machine.at, number) for number in numbers]
    for way, go, number in [*ways, (f"branch({numbers[0]})", machine.branch, numbers[0])]:
        yield Moment(way, lines(_answered(lambda: Dumps(whole=whole).of(go(number)))))  # noqa: B023  it is called here
    yield Moment("questions", lines(_questions(machine, chance)))
    back = chance.randrange(1, max(2, min(12, len(machine.journal.units(total)) - 1)))
    yield Moment(f"undo({back})", lines(_answered(lambda: _after(machine, machine.undo, back, whole=whole))))
    yield Moment(f"redo({back})", lines(_answered(lambda: _after(machine, machine.redo, back, whole=whole))))
    for change in ({"fork": "eager"}, {"fork": "counted"}, {"tlb": (1, 2)}, {"replacement": "fifo"}):
        if chance.random() < 0.5:
            yield Moment(f"again({change})", lines(_answered(partial(_again, machine, change))))
    yield Moment("lockstep", lines(_answered(lambda: _in_step(machine))))


def _answered(ask: Callable[[], Iterable[tuple[str, Any]]]) -> list[tuple[str, Any]]:
    """An answer, or the sentence that refuses it."""
    try:
        return list(ask())
    except vm.VMError as error:
        return [("refused", f"{type(error).__name__}: {error}")]


def _after(machine: Any, go: Callable[[int], None], units: int, *, whole: bool) -> list[tuple[str, Any]]:
    go(units)
    return [("operations", len(machine.journal)), *Dumps(whole=whole).of(machine)]


def _questions(machine: Any, chance: random.Random) -> Iterator[tuple[str, Any]]:
    """What last changed bytes, entries, descriptors and frames; and why some of them are so."""
    asked: list[tuple[str, Any, Any]] = []
    for task in list(machine.tasks.values())[:3]:
        entries = list(task.map)
        for entry in chance.sample(entries, min(3, len(entries))):
            where = int(entry.start) + chance.choice((0, 1, 4096))
            asked += [(f"task {task.name}", task, where), (f"map of {task.name}", task.map, where)]
            asked += [(f"tables of {task.name}", task.tables, where)]
    entries = list(machine.kernel_map)
    asked += [
        ("kernel_map", machine.kernel_map, int(one.start)) for one in chance.sample(entries, min(3, len(entries)))
    ]
    asked += [("frames", machine.frames, chance.randrange(256, 1024)) for _ in range(4)]
    asked += [(f"object {one}", machine.objects[one], 0) for one in list(machine.objects)[:2]]
    asked += [(f"file {one}", machine.files[one], 0) for one in list(machine.files)[:2]]
    for what, thing, where in asked:
        yield from _named(f"last_write {what} {where:#x}", partial(machine.last_write, thing, where))
    for what, thing, where in chance.sample(asked, min(4, len(asked))):
        yield from _named(f"why {what} {where:#x}", partial(machine.why, thing, where))
    most = len(machine.kernel_map)
    yield from _named("first", partial(machine.first, lambda then: len(then.kernel_map) >= most))


def _named(of: str, ask: Callable[[], object]) -> Iterator[tuple[str, Any]]:
    yield from ((of, text) for _, text in _answered(lambda: [("", repr(ask()))]))


def _again(machine: Any, change: dict[str, Any]) -> list[tuple[str, Any]]:
    found = machine.again(**change)
    return [("says", repr(found)), *Dumps(whole=False).of(found.machine)]


def _in_step(machine: Any) -> list[tuple[str, Any]]:
    """The journal done on a machine that another one follows."""
    boot = dict(machine.journal[0].arguments)
    first, second = vm.boot(**boot), vm.boot(**{**boot, "fork": "eager" if boot.get("fork") != "eager" else "counted"})
    first.name, second.name = "first", "second"
    pair = vm.lockstep(first, second)
    for operation in machine.journal[1:]:
        try:
            call = first.recorded(operation.target, operation.name)
            call(**{name: first.resolve(value) for name, value in operation.arguments})
        except (vm.VMError, TypeError):
            pass
        if pair.stopped:
            break
    found = [("says", repr(pair)), ("first has", len(first.journal)), ("second has", len(second.journal))]
    pair.close()
    return [*found, *Dumps(whole=False).of(second)]
