"""Pictures that are drawn for a sentence of their own: comparisons, walks of edited tables, moments, folded maps."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import vmwidgets as vm
from vmwidgets.comparisons.placements import WorkloadOperation
from vmwidgets.engine.base.packed import KEPT
from vmwidgets.on_paper.segments_schema import Segment, SegmentsValue
from vmwidgets.pictures.registry import picture
from vmwidgets.sources.workload import allocate, free
from vmwidgets.views.domain.picture import AMONG

from . import exhibits
from .exhibits import Exhibit, shown
from .makers import makes
from .pictured import SHOWN
from .reading import PAGE


def small(**words: Any) -> Any:
    """A machine with room for tasks."""
    return vm.boot("x86-64", **{"layout": "small", **words})


# ---- comparisons ---------------------------------------------------------------------------------


@makes(
    "comparisons: maps/one", "comparisons: maps/disagree", "comparisons: maps/first", "comparisons: maps/equal work",
    "comparisons: maps/apart",
)  # fmt: skip  # a list
def maps_that_placed_the_same() -> Iterator[Exhibit]:
    few: list[WorkloadOperation] = [allocate("a", PAGE)]
    many = [*few, allocate("b", 4 * PAGE), allocate("c", PAGE), free("b"), allocate("d", 2 * PAGE)]
    emptied = [*many, *(free(name) for name in "acd")]
    for work, on in (
        (few, ["x15"]),
        (few, ["best", "worst"]),
        (many, ["first", "worst"]),
        (emptied, ["best", "worst"]),
    ):
        value = vm.compare(work, on=on)
        yield shown("comparison", picture(value), value)


@makes(
    "comparisons: formats/only", "comparisons: formats/none", "comparisons: formats/nothing",
    "comparisons: formats/equal", "comparisons: formats/entries", "comparisons: formats/more entries",
)  # fmt: skip  # a list
def formats_of_one_mapping() -> Iterator[Exhibit]:
    page, wide = (0x40_0000, 0x40_1000), (1 << 30, 1 << 31)
    high, beyond = (1 << 45, (1 << 45) + PAGE), (1 << 60, (1 << 60) + PAGE)
    for names, ranges in (
        (["x86-64"], [page]),
        (["x86-64", "riscv-sv39"], [page]),
        (["x86", "riscv-sv39"], [wide]),
        (["x86-64", "riscv-sv39"], [high]),
        (["x86", "riscv-sv39"], [high]),
        (["x86-64", "x86-64-la57"], [beyond]),
    ):
        value = vm.compare_formats([(first, end - first) for first, end in ranges], names)
        yield shown("formats", picture(value), (names, ranges))


@makes(
    "comparisons: diff/agree", "comparisons: diff/disagree", "comparisons: diff/missing", "comparisons: diff/no call",
    "comparisons: diff/of",
)  # fmt: skip  # a list
def a_task_beside_a_text() -> Iterator[Exhibit]:
    task = small().task("init")
    task.mmap(4 * PAGE, "rw", at=0x40_0000)
    for wrong, rights in enumerate(("rw-p", "r--p")):
        text = f"{0x40_0000:x}-{0x40_4000:x} {rights} 00000000 00:00 0"
        yield shown("diff", picture(vm.diff(task, text)), wrong)
    for missing in (1, 2):
        lines = [f"{0x40_0000 + number * 32 * PAGE:x}-{0x40_0000 + (number * 32 + 4) * PAGE:x} rw-p 00000000 00:00 0"
                 for number in range(missing + 1)]  # fmt: skip
        yield shown("diff", picture(vm.diff(task, "\n".join(lines))), missing)


@makes("comparisons: paging", "comparisons: paging/at least", "comparisons: paging/present", "comparisons: paging/lost")
def a_task_beside_a_domain() -> Iterator[Exhibit]:
    for later in (0, KEPT):
        machine = small()
        task, domain = machine.task("init"), machine.domain("hello")
        start = int(task.mmap(8 * PAGE))
        task.write(start, b"x")
        domain.map(domain.frame())
        for _ in range(later):
            machine.tick()
        yield shown("paging", picture(vm.compare_paging(task, domain)), (task, domain, 1))


# ---- walks ---------------------------------------------------------------------------------------


@makes(
    "walks: may/each", "walks: earlier/reached", "walks: earlier/fault", "walks: edited", "walks: edited/reached",
    "walks: edited/fault",
)  # fmt: skip  # a list
def walks_before_and_after() -> Iterator[Exhibit]:
    machine: Any = vm.boot("riscv-sv39", layout="small")
    task = machine.task("init")
    start = int(task.mmap(PAGE))
    task.write(start, b"x")
    yield shown("walk", SHOWN["Walk"](task.walk(start)), machine.journal.last.number)
    for seed in range(3):
        yield from exhibits.of_edits(random.Random(seed))


@makes("walks: may/all")
def walks_on_paper() -> Iterator[Exhibit]:
    for layout, rights in (("V R W PFN", "r"), ("V R W PFN", "rw"), ("V R W X PFN", "rx"), ("V R W X PFN", "r")):
        paper = vm.paper(va=14, pa=12, page=64, layout=layout).map({0xF: (0xD, rights)})
        yield shown("walk on paper", SHOWN["Walk"](paper.access("r 0x3d7").walk), paper)


# ---- moments and maps ----------------------------------------------------------------------------


NO_PICTURE = [f"no picture: {which}" for which in ("then", "later", "earlier", "missing", "undone")]


@makes("moments: left out", *NO_PICTURE)
def moments() -> Iterator[Exhibit]:
    machine = small()
    space = machine.task("init").map
    for number in range(400):
        space.enter(PAGE, at=0x40_0000 + 2 * number * PAGE, fixed=True)
    space.inherit(0x40_0000, size=800 * PAGE, inherit="none")
    made = SHOWN["Map"](space)
    made.step = 0
    yield shown("first", made)
    yield from exhibits.of_moments(random.Random(0))
    yield from exhibits.of_times(random.Random(0))


@makes("map pictures: tree/place", "map pictures: tree/found", "map pictures: tree/state", "map pictures: tree/rotated")
def trees_that_are_searched() -> Iterator[Exhibit]:
    machine = small()
    space = machine.task("init").map
    for number in range(9):
        space.enter(PAGE, at=0x40_0000 + number * number * 2 * PAGE, fixed=True)
        yield shown("tree", SHOWN["Tree"](space))
        yield shown("tree", SHOWN["Tree"](machine.kernel_map))
    for number in (4, 8, 0):
        space.protect(0x40_0000 + number * number * 2 * PAGE, size=PAGE, prot="r")
        yield shown("tree", SHOWN["Tree"](space))
    for number in (3, 5):
        space.remove(0x40_0000 + number * number * 2 * PAGE, size=PAGE)
        yield shown("tree", SHOWN["Tree"](space))


@makes("map pictures: map/out of order")
def a_list_that_is_out_of_order() -> Iterator[Exhibit]:
    machine = small(quirks=["clip-end-first"])
    space = machine.task("init").map
    space.enter(16 * PAGE, at=0x40_0000)
    space.enter(PAGE, at=0x80_0000)
    with suppress(vm.VMError):
        space.protect(0x40_0000, size=4 * PAGE, prot="r")
    yield shown("map", SHOWN["Map"](space))


@makes("moments: destroyed")
def a_domain_that_is_long_gone() -> Iterator[Exhibit]:
    machine = small()
    domain = machine.domain("hello")
    machine.destroy_domain(domain)
    for _ in range(AMONG + 1):
        machine.tick()
    yield shown("domain", SHOWN["Domain"](domain))


@makes("object pictures: none", "object pictures: none/task")
def tasks_that_map_no_object() -> Iterator[Exhibit]:
    machine = small()
    first, second = machine.task("first"), machine.task("second")
    first.map.enter(PAGE, at=0x40_0000, fixed=True)
    yield shown("objects", SHOWN["Objects"](machine))
    second.mmap(PAGE)
    yield shown("objects", SHOWN["Objects"](first))


@makes("object pictures: once")
def pages_that_a_write_copies() -> Iterator[Exhibit]:
    machine = small(fork="counted")
    task = machine.task("init")
    start = task.mmap(3 * PAGE)
    task.write(start, b"x" * 3 * PAGE)
    child = task.fork()
    yield shown("objects", SHOWN["Objects"](machine))
    child.write(start, b"y")
    yield shown("objects", SHOWN["Objects"](machine))


@makes("object pictures: depth", "object pictures: depth/none", "object pictures: search", "object pictures: shadows")
def chains_of_many_forks() -> Iterator[Exhibit]:
    for pages in (1, 4):
        machine = small(fork="shadow")
        task = machine.task("init")
        start = task.mmap(2 * pages * PAGE)
        task.write(start, b"x" * pages * PAGE)
        for number in range(5):
            child = task.fork(f"child {number}")
            child.write(start + number % pages * PAGE, b"y")
            task.write(start + (number + 1) % pages * PAGE, b"z")
            task = child
            yield shown("objects", SHOWN["Objects"](machine))
    task.munmap(start, 4 * PAGE)
    yield shown("objects", SHOWN["Objects"](machine))


# ---- segments ------------------------------------------------------------------------------------


@makes(
    "segments: segments/none", "segments: segments/placed", "segments: segments/free", "segments: segments/outside",
    "segments: segments/over",
)  # fmt: skip  # a list
def segments_in_memory() -> Iterator[Exhibit]:
    code = Segment("code", 0, 8 * PAGE, 4 * PAGE, "r-x")
    data = Segment("data", 4 * PAGE, 20 * PAGE, 2 * PAGE, "rw-")
    for segments, unused in (
        ((code._replace(size=0),), ()),
        ((code,), ((0, 16 * PAGE),)),
        ((code, data), ()),
        ((code, data), ((0, 12 * PAGE), (16 * PAGE, 8 * PAGE))),
        ((code, data), ((0, 12 * PAGE),)),
        ((code, data), ((16 * PAGE, 2 * PAGE),)),
        ((code, data._replace(base=10 * PAGE)), ((0, 16 * PAGE), (20 * PAGE, 4 * PAGE))),
    ):
        value = SegmentsValue(segments, unused)
        yield shown("segments", picture(value), value)
