"""Pictures that no life draws: comparisons, strings of references, walks of edited tables, folded maps."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import vmwidgets as vm
from vmwidgets.comparisons.placements import WorkloadOperation
from vmwidgets.pictures.moments import When
from vmwidgets.pictures.picture import Picture
from vmwidgets.pictures.registry import picture
from vmwidgets.sources.workload import allocate, free

from .claims_comparisons import FORMATS
from .pictured import SHOWN, Pictured, drawn, heard_while
from .reading import PAGE

Exhibit = tuple[Pictured, list[tuple[str, str]]]


def exhibits(seed: int) -> Iterator[Exhibit]:
    """All of them, drawn by chance."""
    draws = random.Random(f"exhibits {seed}")
    for of in (of_maps, of_formats, of_references, of_traces, of_edits, of_moments, of_systems, of_domains, of_times):
        yield from of(draws)


def shown(kind: str, made: Picture, subject: Any = None) -> Exhibit:
    """A picture, drawn."""
    return drawn(kind, made, subject=subject)


def of_maps(draws: random.Random) -> Iterator[Exhibit]:
    """Maps that placed the same allocations."""
    for number in range(3):
        work: list[WorkloadOperation] = []
        live: list[str] = []
        for place in range(draws.choice([1, 2, 12, 30])):
            if live and draws.random() < 0.4:
                work.append(free(live.pop(draws.randrange(len(live)))))
            else:
                live.append(f"n{place}")
                work.append(allocate(live[-1], draws.choice([1, 2, 3, 20]) * PAGE))
        maps = [["x15"], ["x15", "worst", "freebsd"], ["first", "best"]][number]
        value = vm.compare(work, on=maps)
        yield shown("comparison", picture(value), value)


STARTS = [0, 1 << 22, 1 << 26, 1 << 30, 1 << 31, 1 << 35, 1 << 40]
"""Where ranges begin."""


def of_formats(draws: random.Random) -> Iterator[Exhibit]:
    """One mapping in several formats."""
    for _ in range(4):
        names = draws.sample(sorted(FORMATS), draws.choice([1, 2, 3, 4]))
        sizes = [1, 3, 512, 513, 1024, 262_144]
        starts = sorted(draws.sample(STARTS, draws.choice([1, 2, 3])))
        ranges = [(one, one + draws.choice(sizes) * PAGE) for one in starts]
        ranges = [one for one, other in zip(ranges, [*starts[1:], 1 << 60], strict=True) if one[1] <= other]
        value = vm.compare_formats([(first, end - first) for first, end in ranges], names)
        yield shown("formats", picture(value), (names, ranges))


def of_references(draws: random.Random) -> Iterator[Exhibit]:
    """Strings of references under policies that are simple enough to be done again."""
    for _ in range(3):
        pages = [draws.randrange(6) for _ in range(draws.randrange(8, 30))]
        policies = draws.sample(["fifo", "lru", "opt"], draws.choice([1, 2, 3]))
        frames = draws.choice([(3,), (2, 4), (3,)])
        found = SHOWN["References"](vm.reference_string(pages, frames, policies))
        yield shown("references", found, (pages, policies))
        found.selection = f"reference:{draws.randrange(len(pages))}"
        yield shown("references", found, (pages, policies))
    belady = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5]
    for policies in (draws.choice([["fifo"], ["fifo", "opt"]]), ["fifo", "lru"]):
        found = vm.reference_string(belady, (3, 4), policies)
        yield shown("references", SHOWN["References"](found), (belady, policies))
    pages, policies = [draws.randrange(5) for _ in range(20)], ["fifo", "lru", "opt"]
    yield shown(
        "references", SHOWN["References"](vm.reference_string(pages, (1, 2, 4, 5), policies)), (pages, policies)
    )


def of_traces(draws: random.Random) -> Iterator[Exhibit]:
    """Traces that are short enough to be counted again by a loop."""
    for length in (40, 4000):
        pages = [draws.randrange(draws.randrange(1, 9)) for _ in range(length)]
        trace = vm.trace([page * PAGE for page in pages])
        yield shown("locality", SHOWN["Locality"](trace), pages)
        zoomed: Any = SHOWN["Locality"](trace)
        zoomed.opened("locality/part/3")
        yield shown("locality", zoomed, pages[zoomed.first : zoomed.last])
        yield shown("intervals", SHOWN["Intervals"](trace.intervals()), pages)
        for sizes in ((1, 2), range(1, 9)):
            yield shown("faults", SHOWN["FaultCurves"](trace.faults(("lru", "fifo"), sizes)), pages)
    rare, phases = (
        [(at // 20 % 9 + 1) * (at % 20 == 0) for at in range(4000)],
        [phase * 3 + at % 3 for phase in range(10) for at in range(30)],
    )
    for pages in (
        [0] * 20, [*range(draws.randrange(3, 6))] * 4,
        [*range(draws.randrange(2, 7))] * 20,  # all are used equally often
        [*range(20)], phases, rare, phases + [*range(30)] * 30,
    ):  # fmt: skip  # a trace each
        yield shown("locality", SHOWN["Locality"](vm.trace([page * PAGE for page in pages])), pages)
    loop = [*range(draws.randrange(3, 6))] * 2500
    found = vm.trace([page * PAGE for page in loop]).faults("lru", range(1, 8))
    yield shown("faults", SHOWN["FaultCurves"](found), loop)
    yield shown("intervals", SHOWN["Intervals"](vm.trace([0, PAGE]).intervals()), [0, 1])
    belady = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5]
    found = vm.trace([page * PAGE for page in belady]).faults(("fifo", "lru", "opt"), (3, 4))
    yield shown("faults", SHOWN["FaultCurves"](found), belady)


def of_edits(draws: random.Random) -> Iterator[Exhibit]:
    """Walks of addresses, taken before and after descriptors are edited, and pages come and go."""
    machine = vm.boot(draws.choice(["x86-64", "armv7", "riscv-sv39"]), layout="small")
    task: Any = machine.task("init")
    start = int(task.mmap(4 * PAGE))
    task.write(start, b"x" * 5000)
    before = machine.journal.last.number
    there, away = task.walk(start), task.walk(start + 3 * PAGE)
    kernel = machine.walk(int(machine.kernel_map.start))
    for walk in (there, away, kernel):
        yield shown("walk", SHOWN["Walk"](walk), before)
    leaf = there.steps[-1]
    bit = {"x86-64": 1 << 1, "armv7": 1 << 5, "riscv-sv39": 1 << 2}[machine.architecture]
    with suppress(vm.VMError):
        machine.set_descriptor(leaf.pa, leaf.value ^ bit)
        yield shown("walk", SHOWN["Walk"](task.walk(start)), before)
        machine.set_descriptor(leaf.pa, 0)
        yield shown("walk", SHOWN["Walk"](there), before)
        yield shown("walk", SHOWN["Walk"](task.walk(start)), before)
        machine.undo_descriptor()
        machine.undo_descriptor()
        if away.steps[-1].level == 1:
            machine.set_descriptor(away.steps[-1].pa, leaf.value)
            yield shown("walk", SHOWN["Walk"](task.walk(start + 3 * PAGE)), before)
            machine.undo_descriptor()
    task.write(start + 3 * PAGE, b"y")
    task.munmap(start, PAGE)
    yield shown("walk", SHOWN["Walk"](there), before)
    yield shown("walk", SHOWN["Walk"](away), before)


def of_moments(draws: random.Random) -> Iterator[Exhibit]:
    """What is folded at an earlier step, a map that is out of order, a strip without accesses."""
    machine = vm.boot("x86-64", layout="small")
    yield shown("objects", SHOWN["Objects"](machine))
    space: Any = machine.kernel_map
    first = int([*space.entries()][-1].end)
    for number in range(1000):
        space.enter(PAGE, at=first + number * PAGE, prot=("rw", "r")[number % 2])
    space.remove(first, space.end)
    removed = SHOWN["Map"](space)
    removed.step = 0
    yield shown("first", removed)
    machine.read_file("film", 1200 * PAGE)
    frames = SHOWN["Frames"](machine)
    frames.step = 0
    yield shown("left out", frames)
    quirky = vm.boot("x86-64", layout="small", quirks=["clip-end-first"])
    task: Any = quirky.task("init")
    task.map.enter(16 * PAGE, at=0x40_0000)
    with suppress(vm.VMError):
        task.map.protect(0x40_4000, size=4 * PAGE, prot="r")
    yield shown("map", SHOWN["Map"](task.map))


def of_systems(draws: random.Random) -> Iterator[Exhibit]:
    """A task's map beside a text, of which some lines were made to differ."""
    machine = vm.boot("x86-64", layout="small")
    task: Any = machine.task("init")
    places = [0x40_0000 + 16 * number * PAGE for number in range(6)]
    for place in places:
        task.mmap(4 * PAGE, "rw", at=place)
    wrong = draws.choice([0, 0, 1, 3])
    lines = [f"{place:x}-{place + 4 * PAGE:x} {'r--p' if number < wrong else 'rw-p'} 00000000 00:00 0"
             for number, place in enumerate(places)]  # fmt: skip
    yield shown("diff", picture(vm.diff(task, "\n".join(lines))), wrong)


def of_domains(draws: random.Random) -> Iterator[Exhibit]:
    """A task beside a domain that maps as much itself."""
    machine: Any = vm.boot("x86-64", layout="small")
    task, domain = machine.task("init"), machine.domain("hello")
    pages = draws.randrange(1, 5)
    start = int(task.mmap(8 * PAGE))
    for page in range(pages):
        task.write(start + page * PAGE, b"x")
    for _ in range(draws.randrange(1, 4)):
        domain.map(domain.frame())
    yield shown("paging", picture(vm.compare_paging(task, domain)), (task, domain, pages))


def of_times(draws: random.Random) -> Iterator[Exhibit]:
    """A task's map when there is no such task, as a page shows it; and a moment that was undone."""
    machine = vm.boot("x86-64", layout="small")
    for number in range(draws.randrange(1, 4)):
        machine.object(f"object {number}")
    task = machine.task("late")
    made = machine.journal.last.number
    view = vm.Map(task.map)
    if draws.random() < 0.5:  # else it has nothing that was drawn
        view.scene()
    yield looked_at(view, lambda: setattr(view, "moment", When(machine.journal[draws.randrange(made)].serial)))
    view.moment = None
    task.exit()
    yield looked_at(view, lambda: None)
    machine.undo(2)
    yield looked_at(view, lambda: None)
    machine.redo()
    fresh = vm.Map(machine.kernel_map, moment=When(machine.journal.last.serial), follow=False)
    machine.undo()
    yield looked_at(fresh, lambda: None)


def looked_at(view: Any, go: Callable[[], None]) -> Exhibit:
    """A view as its page shows it after `go`."""

    def looks() -> None:
        go()
        view.refresh()

    heard, _ = heard_while(looks)
    scene = view.saved(view.room)
    return Pictured("not there", view, scene, "late"), [one for one in heard if one[0].startswith("no picture")]
