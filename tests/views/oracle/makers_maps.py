"""Small lives of maps and tasks, of memory objects and files, and of processors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import vmwidgets as vm

from .exhibits import Exhibit
from .lives import one_after_the_other
from .living import controlled
from .makers import makes
from .pictured import PICTURES, drawn
from .reading import PAGE

Acts = list[Callable[[], object]]


def small(**words: Any) -> Any:
    """A machine with room for tasks."""
    return vm.boot("x86-64", **{"layout": "small", **words})


def looked_at(name: str, machine: vm.Machine) -> Exhibit:
    """A picture of what was done last."""
    made = PICTURES[name](machine)
    assert made is not None
    return drawn(name, made, subject=machine)


# ---- ranges --------------------------------------------------------------------------------------


@makes("map operations: simplify", "map operations: simplify/nothing")
def neighbours_that_became_alike() -> Iterator[vm.Machine]:
    machine = small()
    space, heap = machine.task("init").map, machine.object("heap")
    acts: Acts = [partial(space.enter, PAGE, at=0x40_0000 + at, fixed=True, object=heap, offset=at) for at in (0, PAGE)]
    acts += [lambda: space.simplify(0x40_0000, size=PAGE), lambda: space.simplify(0x40_0000, size=PAGE)]
    yield from one_after_the_other(machine, acts)


@makes(
    "map operations: split", "map operations: superpages", "object operations: mprotect", "object operations: munmap",
)  # fmt: skip  # a list
def large_pages_of_which_a_part_changes() -> Iterator[vm.Machine]:
    machine, large = vm.boot("armv7", layout="small"), 1 << 20
    task: Any = machine.task("init")
    machine.device("screen", 0xF000_0000, 20 * large)
    space, start = task.map, 0x1000_0000
    acts: Acts = [
        lambda: space.enter(20 * large, at=start, fixed=True, object="screen"),
        lambda: space.superpages(start, size=16 * large, page="16 MiB"),
        lambda: space.superpages(start + 16 * large, size=2 * large, page="1 MiB"),
        lambda: space.superpages(start + 18 * large, size=2 * large),
        lambda: space.protect(start + 17 * large, size=large, prot="r"),
        lambda: space.protect(start + 17 * large + PAGE, size=PAGE, prot="none"),
        lambda: task.mprotect(start + 15 * large + PAGE, large, "r"),
        lambda: task.mprotect(start + 18 * large - PAGE, large + 2 * PAGE, "none"),
        lambda: task.munmap(start + 19 * large + 20 * PAGE, large // 2),
        lambda: space.remove(start + 2 * large + PAGE, size=PAGE),
    ]
    yield from one_after_the_other(machine, acts)


@makes("map events: SearchRestarted")
def a_search_begins_again_at_the_bottom() -> Iterator[vm.Machine]:
    machine = small(layout="tiny", ram="8 MiB")
    acts: Acts = [lambda: machine.kernel_map.enter(PAGE, nomerge=True), lambda: machine.kernel_map.enter("3 MiB")]
    yield from one_after_the_other(machine, acts)


@makes(
    "map operations: set_controls", "map operations: device", "map operations: protect/max",
    "map operations: advise",
)  # fmt: skip  # a list
def settings_and_places() -> Iterator[vm.Machine]:
    machine = small()
    space = machine.task("init").map

    acts: Acts = [
        lambda: space.enter(2 * PAGE, at=0x40_0000, fixed=True),
        lambda: space.protect(0x40_1000, size=PAGE, max_prot="r"),
        lambda: space.advise(0x40_1000, size=PAGE, advice=1),
        lambda: machine.device("screen", 0xF000_0000, 4 * PAGE),
        lambda: controlled(machine),
    ]
    yield from one_after_the_other(machine, acts)


@makes("object operations: mmap/replaced", "object operations: mmap/filled")
def mappings_in_the_place_of_others() -> Iterator[vm.Machine]:
    machine = small()
    task, start = machine.task("init"), 0x40_0000
    file = machine.file("text", b"text" * 5000)
    acts: Acts = [
        lambda: task.mmap(4 * PAGE, "rw", "private|fixed", at=start),
        lambda: task.write(start, b"x" * 4 * PAGE),
        lambda: task.mmap(2 * PAGE, "rw", "private|fixed", at=start + PAGE),
        lambda: task.mmap(4 * PAGE, "r", "shared|fixed|populate", file, at=start + 3 * PAGE),
        lambda: task.mmap(2 * PAGE, "rw", "private|fixed", at=start + 20 * PAGE),
        lambda: task.mmap(30 * PAGE, "rw", "private|fixed", at=start - PAGE),
    ]
    yield from one_after_the_other(machine, acts)


@makes("map operations: access/time", "cpus: TimeTaken")
def accesses_that_take_time() -> Iterator[vm.Machine]:
    machine = small()
    task = machine.task("init")
    start = int(task.mmap(4 * PAGE))
    machine.costs = vm.Costs(tlb=3, memory=40, minor=200, major=500)
    acts: Acts = [
        lambda: task.write(start, b"x"),
        lambda: task.read(start, 1),
        machine.cpus[0].flush,
        lambda: task.read(start, 1),
        lambda: task.write(start, b"x" * 2 * PAGE),
    ]
    yield from one_after_the_other(machine, acts)


@makes("map operations: lookup/cached")
def the_same_address_twice() -> Iterator[vm.Machine]:
    machine = small()
    space = machine.task("init").map
    acts: Acts = [lambda: space.enter(PAGE, at=0x40_0000, fixed=True)]
    acts += [lambda: space.lookup(0x40_0000), lambda: space.lookup(0x40_0000)]
    yield from one_after_the_other(machine, acts)


@makes("map operations: boot", "map operations: boot/reason", "map events: BootStage", "map events: KernelLimitMoved")
def a_machine_boots() -> Iterator[vm.Machine]:
    machine = small()
    yield machine
    yield from one_after_the_other(machine, [lambda: machine.kernel_map.enter("8 MiB")])


@makes("map events: KentrySlabGiven", "map operations: reap", "map operations: reap/reason")
def slabs_of_entries_are_given_back() -> Iterator[vm.Machine]:
    machine = small()
    space = machine.kernel_map
    start = int([*space.entries()][-1].end)
    for at in range(start, start + 240 * PAGE, 2 * PAGE):
        space.enter(PAGE, at=at, nomerge=True, fixed=True)
    acts: Acts = [lambda: space.remove(start, size=240 * PAGE), machine.kentry.reap]
    yield from one_after_the_other(machine, acts)


@makes("map events: EntryResized")
def a_stack_grows() -> Iterator[vm.Machine]:
    machine = small()
    task = machine.task("init")
    stack = int(task.mmap(2 * PAGE, "rw", "private|growsdown", at=0x70_0000))
    yield from one_after_the_other(machine, [lambda: task.write(stack - PAGE, b"down")])


@makes(
    "map pictures: map/took", "kentry pictures: kentry/taken",
    "kentry pictures: kentry/given", "kentry pictures: kentry/both", "kentry pictures: kentry/slab",
)  # fmt: skip  # a list
def entries_are_taken_and_given_back() -> Iterator[vm.Machine | Exhibit]:
    machine = small()
    space, kernel = machine.task("init").map, machine.kernel_map
    start = int([*kernel.entries()][-1].end)
    for at in range(start, start + 120 * PAGE, 2 * PAGE):
        kernel.enter(PAGE, at=at, nomerge=True, fixed=True)
        yield looked_at("kentry", machine)
    for at in range(0x40_0000, 0x40_0000 + 120 * PAGE, 2 * PAGE):
        space.enter(PAGE, at=at, fixed=True)
        yield looked_at("map", machine)
    for size in (PAGE, 200 * PAGE):
        kernel.remove(start, size=size)
        yield looked_at("kentry", machine)
    kernel.enter(4 * PAGE, at=start, fixed=True)
    kernel.remove(start + PAGE, size=PAGE)
    yield looked_at("kentry", machine)


# ---- pages of tasks ------------------------------------------------------------------------------


@makes("map operations: access/killed", "object events: OutOfMemory")
def memory_runs_out() -> Iterator[vm.Machine]:
    machine = small(ram="4 MiB")
    machine.kill_when_out_of_memory(True)
    large, little = machine.task("large"), machine.task("small")
    at, place = int(large.mmap("2 MiB")), int(little.mmap("2 MiB"))
    large.write(at, bytes(10 * PAGE))
    little.write(place, bytes(3 * PAGE))
    machine.take_pages(machine.kmem.pages.available - 1)
    acts: Acts = [partial(little.write, place + (10 + page) * PAGE, b"w") for page in range(4)]
    yield from one_after_the_other(machine, acts)


@makes("object operations: killed")
def the_one_that_asks_is_killed() -> Iterator[vm.Machine]:
    machine = small(ram="4 MiB")
    machine.kill_when_out_of_memory(True)
    large = machine.task("large")
    at = int(large.mmap("2 MiB"))
    large.write(at, bytes(10 * PAGE))
    machine.take_pages(machine.kmem.pages.available - 1)
    acts: Acts = [partial(large.write, at + (20 + page) * PAGE, b"w") for page in range(4)]
    yield from one_after_the_other(machine, acts)


@makes("object operations: mmap/short")
def no_frame_for_a_page_table() -> Iterator[vm.Machine]:
    machine = small(ram="4 MiB")
    task = machine.task("init")
    task.mmap(PAGE, "rw", at=0x70_0000)
    acts: Acts = [
        lambda: machine.take_pages(machine.kmem.pages.free - 1),
        lambda: task.mmap(PAGE, "rw", "shared|populate"),
    ]
    yield from one_after_the_other(machine, acts)


@makes("object operations: gone")
def more_pages_leave_than_events_are_kept() -> Iterator[vm.Machine]:
    machine = small(ram="16 MiB")
    machine.swap_on("8 MiB")
    task = machine.task("init")
    start = int(task.mmap(1024 * PAGE))
    for part in range(0, 1024, 16):
        task.write(start + part * PAGE, b"x" * 16 * PAGE)
    yield from one_after_the_other(machine, [lambda: task.page_out(start, 1024 * PAGE)])


@makes("object operations: mmap/killed")
def a_task_is_killed_for_its_own_pages() -> Iterator[vm.Machine]:
    machine = small(ram="4 MiB")
    task = machine.task("init")
    task.write(task.mmap(2 * PAGE), b"x" * 2 * PAGE)
    acts: Acts = [
        lambda: machine.kill_when_out_of_memory(True),
        lambda: machine.take_pages(machine.kmem.pages.free - 2),
        lambda: task.mmap(8 * PAGE, "rw", "shared|populate"),
    ]
    yield from one_after_the_other(machine, acts)


def two_pages(machine: Any) -> tuple[Any, int]:
    """A task with two pages in memory, and where they begin."""
    task = machine.task("init")
    start = int(task.mmap(2 * PAGE))
    task.write(start, b"x" * 2 * PAGE)
    return task, start


@makes("map operations: access/copied/one has it", "map operations: access/copied/more have it")
def what_children_have_is_copied() -> Iterator[vm.Machine]:
    machine = small(fork="shadow")
    task, start = two_pages(machine)
    children: list[Any] = []
    acts: Acts = [
        lambda: children.append(task.fork()),
        lambda: children.append(task.fork()),
        lambda: [child.read(start, 1) for child in children],
        lambda: task.write(start, b"y"),
        lambda: children[0].read(start, 2 * PAGE),
        lambda: task.write(start + PAGE, b"y"),
    ]
    yield from one_after_the_other(machine, acts)


@makes(
    "object events: ShadowMoved/collapsed", "object events: ObjectGone/collapsed",
    "object events: ShadowMoved/bypassed", "object events: ObjectSearched/file",
)  # fmt: skip  # a list
def shadows_of_a_file() -> Iterator[vm.Machine]:
    machine = small(fork="shadow")
    task = machine.task("init")
    file = machine.file("text", b"t" * 2 * PAGE)
    first, other = (int(task.mmap(2 * PAGE, "rw", "private", file)) for _ in range(2))
    children: list[Any] = []
    acts: Acts = [
        lambda: task.write(first, b"own"),
        lambda: task.write(other, b"own"),
        lambda: children.append(task.fork()),
        lambda: task.write(first, b"y" * 2 * PAGE),
        lambda: task.write(other + PAGE, b"y"),
        lambda: children.pop().exit(),
        lambda: task.write(other, b"y"),
    ]
    yield from one_after_the_other(machine, acts)


@makes(
    "object events: ShadowMoved/collapsed all", "object events: ShadowMoved/bypassed all",
    "object events: SwapMoved",
)  # fmt: skip  # a list
def shadows_of_memory() -> Iterator[vm.Machine]:
    machine = small(fork="shadow")
    machine.swap_on(32 * PAGE)
    task = machine.task("init")
    first, other = (int(task.mmap(2 * PAGE, at=at)) for at in (0x40_0000, 0x60_0000))
    task.write(first, b"x" * 2 * PAGE)
    task.write(other, b"x" * 2 * PAGE)
    children: list[Any] = []
    acts: Acts = [
        lambda: children.append(task.fork()),
        lambda: task.write(first, b"y" * 2 * PAGE),
        lambda: task.write(other, b"y"),
        lambda: children[0].page_out(other, 2 * PAGE),
        lambda: children.pop().exit(),
        lambda: task.write(other + PAGE, b"y"),
    ]
    yield from one_after_the_other(machine, acts)


@makes("object events: SwapFreed", "object events: SwapLeft")
def swap_space_of_a_copy_is_left() -> Iterator[vm.Machine]:
    machine = small(fork="counted")
    machine.swap_on(32 * PAGE)
    task, start = two_pages(machine)
    children: list[Any] = []
    acts: Acts = [
        lambda: children.append(task.fork()),
        lambda: task.write(start, b"y"),
        lambda: children[0].page_out(start, 2 * PAGE),
        lambda: children.pop().exit(),
    ]
    yield from one_after_the_other(machine, acts)


# ---- tasks, files and swap space -----------------------------------------------------------------


@makes(
    "object events: PageOut/nowhere/swap", "object events: PageOut/nowhere/zeroes",
    "object operations: page_out/unwritten",
)  # fmt: skip  # a list
def pages_that_need_not_be_written() -> Iterator[vm.Machine]:
    machine = small()
    machine.swap_on(32 * PAGE)
    task = machine.task("init")
    start = int(task.mmap(2 * PAGE))
    acts: Acts = [
        lambda: task.write(start, b"x"),
        lambda: task.read(start + PAGE, 1),
        lambda: task.page_out(start, 2 * PAGE),
        lambda: task.read(start, 1),
        lambda: task.page_out(start, PAGE),
    ]
    yield from one_after_the_other(machine, acts)


@makes(
    "object operations: brk/shrank", "object operations: brk/shrank/swap", "object operations: freed/swap",
    "object operations: freed/only swap", "object operations: madvise/forgot",
    "object operations: brk/shrank/only swap",
)  # fmt: skip  # a list
def pages_are_given_up() -> Iterator[vm.Machine]:
    machine = small()
    machine.swap_on(32 * PAGE)
    task = machine.task("init")
    end = (task.brk() + PAGE - 1) & -PAGE
    start = int(task.mmap(2 * PAGE))
    acts: Acts = []
    for out in (0, 1, 2):
        acts += [
            lambda: task.brk(end + 2 * PAGE),
            lambda: task.write(end, b"h" * 2 * PAGE),
            partial(task.page_out, end, out * PAGE) if out else machine.tick,
            lambda: task.brk(end),
        ]
    acts += [lambda: task.write(start, b"x" * 2 * PAGE), lambda: task.madvise(start, PAGE, "dontneed")]
    for out in (1, 2):
        acts += [
            lambda: task.write(start, b"x" * 2 * PAGE),
            partial(task.page_out, start, out * PAGE),
            task.exec,
            partial(task.mmap, 2 * PAGE, at=start),
        ]
    yield from one_after_the_other(machine, acts)


@makes(
    "object operations: pager", "object operations: fork/copied",
    "object operations: fork/pages", "object operations: fork/shared", "object operations: set_replacement/local",
    "object operations: stop",
)  # fmt: skip  # a list
def files_pagers_and_forks() -> Iterator[vm.Machine]:
    machine = small()
    task = machine.task("init")
    start = int(task.mmap(2 * PAGE))
    stops: list[Any] = []
    acts: Acts = [
        lambda: machine.file("first", b"x"),
        lambda: machine.pager("numbers", PAGE, lambda page: bytes([page])),
        lambda: task.map.inherit(start, size=2 * PAGE, inherit="share"),
        lambda: task.fork("shares"),
        lambda: task.map.inherit(start, size=2 * PAGE, inherit="copy"),
        lambda: task.write(start, b"x" * 2 * PAGE),
        lambda: task.map.wire(start, size=2 * PAGE),
        lambda: task.fork("copies"),
        lambda: setattr(machine, "replacement", vm.Replacement("fifo", local=True)),
        lambda: stops.append(machine.inject("page_alloc", 9)),
        lambda: stops.pop().stop(),
    ]
    yield from one_after_the_other(machine, acts)


@makes("map operations: access/out", "object operations: freed/only swap")
def pages_of_other_objects_leave_too() -> Iterator[vm.Machine]:
    """A page leaves for another of its number; a file's leaves while a task ends whose own was in swap space."""
    machine = small()
    machine.swap_on(8 * PAGE)
    task, other = machine.task("init"), machine.task("other")
    of_file, own = int(task.mmap(PAGE, "rw", "shared", machine.file("text", b"t"))), int(task.mmap(PAGE))
    of_both = machine.pager("numbers", PAGE, lambda page: bytes([page + 1]))
    there, swapped = int(other.mmap(PAGE, "r", "shared", of_both)), int(other.mmap(PAGE))
    here = int(task.mmap(PAGE, "r", "shared", of_both))
    task.limit("rss", PAGE)
    acts: Acts = [
        lambda: task.read(of_file, 1),
        lambda: task.write(own, b"w"),
        lambda: task.read(of_file, 1),
        lambda: other.write(swapped, b"w"),
        lambda: other.page_out(swapped, PAGE),
        lambda: other.read(there, 1),
        lambda: task.read(here, 1),
        other.exit,
    ]
    yield from one_after_the_other(machine, acts)


@makes("object operations: fork/made")
def a_child_of_many_entries() -> Iterator[vm.Machine]:
    machine = small()
    task = machine.task("init")
    for number in range(900):
        task.map.enter(PAGE, at=0x100_0000 + 2 * number * PAGE, fixed=True)
    yield from one_after_the_other(machine, [task.fork])


@makes(
    "object events: HandLooked/used", "object events: HandLooked/unused", "object events: HandLooked/kept",
    "object events: HandLooked/unused, mapped nowhere", "object events: HandMoved",
    "object events: RingMoved/evicted", "object events: RingMoved/evicted, mapped nowhere",
    "object events: RingMoved/again",
)  # fmt: skip  # templates
def a_hand_looks_for_a_page() -> Iterator[vm.Machine]:
    """Pages that were used, that were not, that are wired, and pages of a file that nothing maps any longer."""
    machine = small()
    machine.swap_on(64 * PAGE)
    machine.replacement = "clock"
    task = machine.task("init")
    task.limit("rss", 6 * PAGE)
    file = machine.file("text", b"t" * 2 * PAGE)
    start = int(task.mmap(16 * PAGE))
    first, _ = (int(task.mmap(2 * PAGE, "r", "shared", file)) for _ in range(2))
    acts: Acts = [
        lambda: task.map.wire(start, size=PAGE),
        lambda: task.read(first, 2 * PAGE),
        lambda: task.munmap(first, 2 * PAGE),
        *(partial(task.write, start + number * PAGE, b"w") for number in (1, 2, 3, 4, 5, 6, 2, 7, 8, 9)),
    ]
    yield from one_after_the_other(machine, acts)


# ---- processors ----------------------------------------------------------------------------------


@makes("cpus: AsidRollover")
def numbers_of_spaces_run_out() -> Iterator[vm.Machine]:
    machine: Any = vm.boot("armv7", layout="small", cpus=2, asids=True)
    machine.cpus.set_shootdown("forgotten")

    def lives(number: int) -> None:
        task = machine.task(f"task {number}")
        task.write(task.mmap(PAGE), b"x")
        for cpu in machine.cpus:
            cpu.run(task)
        machine.cpus[1].load(0x1_0000)
        task.exit()

    most = (1 << machine.system.pmap.fmt.asid_bits) - 1
    for number in range(most):
        lives(number)
    last = machine.task("last")
    yield from one_after_the_other(machine, [lambda: last.write(last.mmap(PAGE), b"x")])


@makes("cpus: TlbHit/clean", "map operations: access/marked", "cpus: TlbFlushed/all", "cpus: TlbFlushed/fault")
def what_is_not_global_is_dropped() -> Iterator[vm.Machine]:
    machine = small()
    task = machine.task("init")
    start = int(task.mmap(2 * PAGE))
    acts: Acts = [
        lambda: task.read(start, 1),
        lambda: task.write(start, b"x"),
        lambda: task.mprotect(start, PAGE, "r"),
        lambda: task.mprotect(start, PAGE, "rw"),
        lambda: task.read(start, 1),
        lambda: task.write(start, b"x"),
        lambda: task.fork("child"),
        lambda: task.read(start, 1),
        lambda: task.write(start, b"x"),
        lambda: machine.cpus[0].flush(keep_globals=True),
    ]
    yield from one_after_the_other(machine, acts)


@makes("tlb pictures: sent", "tlb pictures: acknowledged", "tlb pictures: forgotten")
def shootdowns_in_pictures() -> Iterator[vm.Machine | Exhibit]:
    machine = small(cpus=2)
    task = machine.task("init")
    start = int(task.mmap(4 * PAGE))
    task.write(start, b"x" * 4 * PAGE)
    for number, mode in enumerate(("sent", "acknowledged", "forgotten")):
        machine.cpus.set_shootdown(mode)
        for cpu in machine.cpus:
            cpu.run(task)
        for page in range(number, 4):
            machine.cpus[1].load(start + page * PAGE)
        task.read(start + number * PAGE, 1)
        task.munmap(start + number * PAGE, PAGE)
        yield looked_at("tlb", machine)
