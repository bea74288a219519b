"""Pictures of every kind, of small and of larger machines, for what must hold of all of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.views.domains import machine_life
from tests.views.lives import lived_in
from tests.views.pictures import machine_with
from vmwidgets.comparisons.linux import LeftOut, LinuxComparison, LinuxDifference, MadeCall, Sayings
from vmwidgets.comparisons.placements import WorkloadOperation
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.engine.memory.replacement import ResidentPage
from vmwidgets.engine.mmu.tables import TablesWalk
from vmwidgets.given.followed import Break, Followed
from vmwidgets.given.pasted import SaidRange
from vmwidgets.given.process import (
    CellMemory,
    ForkedPage,
    ForkedValue,
    LineCost,
    ProcessMoment,
    ProcessRange,
    changes_between,
)
from vmwidgets.given.stops import SpaceAtStop, Stop, Stops
from vmwidgets.pictures.picture import Picture
from vmwidgets.real.own.recorded import recorded_cell, recorded_moment
from vmwidgets.sources.workload import allocate, free

PASTED = Path(__file__).parents[1] / "data" / "pasted"

Named = Iterator[tuple[str, Picture]]


def repaired_thrice() -> Task:
    """A task of 40 entries, the last of which was removed with two rotations."""
    task = vm.boot("x86-64").task("a task with a long name")
    starts = random.Random(3).sample(range(1, 400), 40)
    for page in starts:
        task.map.enter(vm.PAGE, at=page << 16, fixed=True)
    for page in starts:
        task.map.remove(page << 16, (page << 16) + vm.PAGE)
        if task.machine.journal.last.rotations > 1:
            break
    return task


def of_maps() -> Named:
    """A small map, one with large entries, one of which only the neighbourhood is drawn; none."""
    few = vm.boot("x86-64")
    for prot in ("rw", "r", "rw"):
        few.kernel_map.enter("16 KiB", prot=prot)
    heap = few.object("a heap with a long name, /usr/lib/x86_64-linux-gnu")
    for size, machine in (("few", few), ("some", machine_with(12)), ("many", machine_with(80))):
        for kind in (vm.Map, vm.Tree, vm.EntryList, vm.Ribbon, vm.Dashboard):
            yield f"{kind.__name__} of {size}", vm.picture(kind(machine.kernel_map))
    yield "Tree in stages", vm.Tree(machine_with(8).kernel_map, stages=True)
    yield "Tree in stages, large", vm.Tree(repaired_thrice().map, stages=True)
    yield "Dashboard of a machine", vm.picture(few)
    yield "Kentry", vm.picture(few.kentry)
    yield "Kentry of many", vm.picture(machine_with(80).kentry)
    task = few.task("a task with a long name")
    yield "Map of none", vm.Map(task.map)
    task.map.enter("64 KiB", object=heap)
    yield "Dashboard of a task", vm.picture(task)


def of_tables() -> Named:
    """Walks and tables of four architectures; several formats; a processor's TLB."""
    for architecture in ("x86-64", "x86-64-la57", "armv7", "aarch64", "x86-pae"):
        machine = vm.boot(architecture)
        where = machine.kernel_map.enter("16 KiB")
        yield f"Walk of {architecture}", vm.picture(machine.walk(where))
        yield f"Walk of nothing, {architecture}", vm.picture(machine.walk(0))
        task = machine.task("init")
        task.write(task.mmap("8 KiB"), b"x")
        yield f"Translation of {architecture}", vm.Dashboard(task, panes="translation")
        yield f"Translation that asks, {architecture}", vm.Dashboard(task, panes="translation", ask=True)
        yield f"Tables of {architecture}", vm.picture(vm.Tables(machine))
    ranges = [(0, "1 MiB"), (1 << 30, "1 GiB")]
    yield "Formats", vm.picture(vm.compare_formats(ranges, ("x86-64", "armv7", "aarch64", "x86")))
    yield "Formats of two", vm.picture(vm.compare_formats([(0, "16 KiB")], ("x86-64-la57", "armv7")))
    machine = vm.boot("x86-64", cpus=2)
    yield "Tlb of nothing", vm.picture(machine.cpus)
    task = machine.task("init")
    start = task.map.enter("64 KiB", at=0x7FFF_FFF0_0000, fixed=True, object=machine.object("heap"))
    task.write(start, bytes(65536))
    for cpu in machine.cpus:
        cpu.run(task)
        for page in range(16):
            cpu.load(start + page * 4096)
    yield "Tlb", vm.picture(machine.cpus)
    machine.cpus.shootdown = "sent"
    task.map.protect(start, size="16 KiB", prot="r")
    machine.cpus[1].load(start + 4096 * 9)
    yield "Tlb of stale entries", vm.picture(machine.cpus)
    yield "Sharing of nothing", vm.Sharing(machine)
    for fork in ("counted", "shadow"):
        home = vm.boot("x86-64", fork=fork)
        parent = home.task("a task with a long name")
        heap = parent.mmap("120 KiB", flags="private populate")
        parent.fork("child").write(heap, b"x")
        yield f"Sharing, {fork}", vm.Sharing(home)
    for name in ("matrix", "fork", "malloc"):
        yield f"Program, {name}", vm.picture(vm.play(name, vm.boot("x86-64", tlb=(1, 4))))
    yield from of_paper()
    yield "Inverted", vm.picture(machine.frames.inverted())
    yield "Inverted, one chain", vm.picture(machine.frames.inverted(buckets=1))
    yield from of_segments()
    yield "Inverted of nothing", vm.picture(vm.boot("x86").frames.inverted())


def of_paper() -> Named:
    """Machines on paper: sizes alone, small numbers, wide ones, levels, faults, segments."""
    small = vm.paper(va=14, pa=12, page=64, tlb=(4, 4), cache=(16, 1, 4)).map({0: 1, 0xF: 0xD})
    yield "OnPaper of a machine", vm.picture(small)
    yield "OnPaper of nothing", vm.picture(vm.paper())
    for number, access in enumerate(("r 0x3d7", "r 0x3d7", "r 0x2ea", "r 0x4000")):
        yield f"OnPaper {number}", vm.picture(small.access(access))
    wide = vm.paper(va=64, pa=52, page=4096, levels=6, entry=8, tlb=(64, 8), cache=("1 MiB", 16, 64), fills="any")
    yield "OnPaper that asks", vm.OnPaper(small.access("r 0x3d7"), ask="gallery/paper")
    yield "OnPaper of wide addresses", vm.picture(wide.map({(1 << 52) - 1: (1 << 40) - 1}).access((1 << 64) - 1))
    yield "OnPaper of a wide machine", vm.picture(wide)
    segments = vm.paper(va=7, pa=9, segments={"SEG0": (0, 20), "SEG1": (512, 20, "down")})
    yield "OnPaper of segments", vm.picture(segments.access(0x6C))
    yield "OnPaper outside of segments", vm.picture(segments.access(0x61))
    levels = vm.paper(va=15, pa=12, page=32, levels=(5, 5), layout="V W PFN:7 -:7", fills="any").map(
        {9: (5, "r"), 900: 4}
    )
    yield "OnPaper of two levels", vm.picture(levels.access("w 0x12c"))
    yield "Walk on paper", vm.picture(levels.access(900 << 5).walk)
    yield "Tables on paper", vm.picture(levels.page_tables())


def of_segments() -> Named:
    """A base and bounds; segments that are right, that are not there yet, and that lie in each other."""
    free = (0xE_0000, 0xA_0000), (0x35_0000, 0x16_0000)
    yield "Buddy", vm.picture(vm.buddy("1 MiB", ["21 KiB"]))
    yield "Buddy, some", vm.picture(vm.buddy("1 MiB", ["21 KiB", "60 KiB", "35 KiB"]))
    yield "Buddy, large", vm.picture(vm.buddy("4 MiB", [1] * 8))
    yield "Buddy, no cut", vm.picture(vm.buddy("4 KiB", ["4 KiB"]))
    yield "Placement, base and bounds", vm.picture(vm.BaseAndBounds("4 MiB", "64 KiB").layout)
    parts = {"code": (0xE_0000, "448 KiB", "rx"), "data": (0x15_0000, "192 KiB", "rw")}
    right = vm.Segments(**parts, heap=(0x35_0000, "704 KiB", "rw"), stack=(0x40_0000, "640 KiB", "rw"))
    yield "Placement, segments", vm.picture(right.layout)
    yield "Placement, free pieces", vm.picture(right.placed_in(free))
    yield "Placement, nothing yet", vm.picture(vm.Segments(code=(0, 0, ""), data=(0, 0, "")).placed_in(free))
    wrong = vm.Segments(**parts, heap=(0x15_0000, "704 KiB", "rw"), stack=(0x1_0000_0000 - 4096, "4 KiB", "rw"))
    yield "Placement, in each other", vm.picture(wrong.placed_in(free))


def of_pasted() -> Named:
    """Texts of a terminal: a trap with its walk, lists of rights, two tables."""
    for name in ("trap", "info-mem-riscv", "info-mem-x86", "two-tables"):
        yield f"Pasted, {name}", vm.picture(vm.load((PASTED / f"{name}.txt").read_text()))


def of_linux() -> Named:
    """A life beside Linux's: with differences of a known kind, with one that is none, and stopped early."""
    zeroes = Sayings("says nothing of faults", "maps one page of zeroes that all share", "takes a frame at once")
    known = LinuxDifference(4, "init.read", "init", "pages from 0x1_0000 on", "xx..", "xs..", "page of zeroes")
    wrong = LinuxDifference(9, "cpu:1.load", "init", "outcome", "done", "SIGSEGV, nothing is mapped")
    left = (LeftOut("kmem_alloc", 3, "memory of the kernel"),)
    said = (("page of zeroes", zeroes),)
    told, source = ("dirty bits: no process can read its own",), "this computer's Linux 6.18.1"
    for name, rows, stopped in (
        ("all agrees", (), ""), ("a known kind", (known,), ""),
        ("a bug", (wrong, *[known] * 50), "in operation 12 a process was ended from outside"),
    ):  # fmt: skip  # a table
        kinds: dict[int, Any] = {row.number: "known" if row.kind else "different" for row in rows}
        asked = ("start", ""), *[("mmap", "16 KiB")] * 2, *[("read", "4 KiB")] * 12
        calls = tuple(
            MadeCall(number, name, "init", about, kinds.get(number, "same"))
            for number, (name, about) in enumerate(asked, 1)
        )
        found = LinuxComparison("machine 1", source, False, rows, calls, left, told, said if rows else (), stopped)
        yield f"Linux, {name}", vm.picture(found)


def after_a_fork(child: str = "0x0000000021fd5c53") -> tuple[TablesWalk, ...]:
    """Walks of a process and its child to one frame; the child's descriptor only reads, unless another is given."""
    text = (PASTED / "trap.txt").read_text()
    walks = []
    for name, one in (("sh (2)", text), ("its child (3)", text.replace("0x0000000021fd5cd7", child))):
        tables = vm.load(one).tables[0]
        tables.name = name
        walks.append(tables.walk(0x2000, "read", user=True))
    return tuple(walks)


def of_real_kernels() -> Named:
    """How following a kernel ended, and its stops; the values are written down, since no emulator runs here."""
    says = "Frame 0x87f5_7000 can be written by sh (2) at 0x2000, and its child (3) maps it too, at 0x2000."
    first = Break(
        "shared-and-writable", says, "uvmcopy(old=0x87f9_9000, new=0x87f8_b000, sz=0xb000)", "vm.c:132",
        ("mappages (vm.c:50), called at vm.c:132 in uvmcopy",), "sh (2)", 0x2000, 0x87F5_7000, after_a_fork(),
        "Once fork has returned, a frame that two processes map is writable in neither.",
        "One process would see the other's stores.",
    )  # fmt: skip  # what is wrong, then where
    yield (
        "Followed, broken",
        vm.picture(Followed("broken", "cow", 46, 120, first, outside=("Counts were not compared.",))),
    )
    smaps = (
        "400000-401000 r-xp 00000000 08:01 12 /bin/true\nRss: 4 kB\n601000-622000 rw-s 00000000 00:00 0\nRss: 8 kB\n"
    )
    yield "Process", vm.picture(vm.load(smaps))
    yield "Process of many", vm.picture(recorded_moment())
    yield "CellMemory", vm.picture(recorded_cell("This cell"))
    lines = (LineCost("x = 1", 0, 0, 0, 0, 0), LineCost("y = [\n  2\n]", 9 << 20, 5 << 20, 4 << 20, 700, 2, 3))
    names = [(0x601000, 0x622000, "a_long_name_for_an_array")]
    moved = (ProcessRange(0x601000, 0x700000, "rw-", resident=1 << 19), ProcessRange(0x7FF0_0000, 0x7FF1_0000, "---"))
    was = ProcessMoment(7, "python", (ProcessRange(0x601000, 0x602000, "rw-", resident=4096),))
    now = ProcessMoment(7, "python", moved, peak=9 << 20)
    changes = changes_between(was.ranges, now.ranges, (), names)
    cell = CellMemory(was, now, 700, 2, changes, lines, ("3 modules were imported.",), "It was stopped.", "None.")
    yield "CellMemory by line", vm.picture(cell)
    pages = (ForkedPage(0x1000, "A", "A", False, False), ForkedPage(0x2000, "A", "B", True, True))
    yield "CopyOnWrite", vm.picture(ForkedValue(7, 8, pages, "the child writes 'B' to page 1", ("child", 1)))
    freed = Break("free-and-mapped", "Frame 0x87f5_7000 is free, and sh (2) still maps it at 0x2000.", "", "vm.c:150",
                  (), "sh (2)", 0x2000, 0x87F5_7000, after_a_fork()[:1])  # fmt: skip  # what is wrong, then where
    yield "Followed, freed", vm.picture(Followed("broken", "base", 46, 120, freed))
    yield "Followed, sound", vm.picture(Followed("nothing found", "base", 46, 120))
    yield "Followed, a panic", vm.picture(Followed("panicked", "base", 46, 120, panic="freewalk: leaf"))
    spaces = [
        SpaceAtStop(name, (SaidRange(0, size, rights, pa),), tuple(range(pa, pa + size, 4096)), (pa - 4096,))
        for name, size, rights, pa in (
            ("sh (2)", 0x3000, "rw-u", 0x87F9_3000),
            ("cat (3)", 0x2000, "r--u", 0x87F9_4000),
        )
    ]
    stops = (Stop(0, "uvmcopy (vm.c:116), 0x8000_079e", tuple(spaces[:1])), Stop(1, "shell (main.c:9)", tuple(spaces)))
    yield "Stops", vm.picture(Stops(stops))
    many = [
        SpaceAtStop(name, (), tuple(range(0x87F0_0000 + at * 4096, 0x87F0_0000 + (at + size * 3) * 4096, 3 * 4096)),
                    (0x87F8_0000 + at * 4096,), rights={0x87F0_0000 + at * 4096: "rw-u"})
        for at, (name, size) in enumerate((("init (1)", 9), ("sh (2)", 14), ("usertests (4)", 30)))
    ]  # fmt: skip  # three processes whose pages take turns
    yield (
        "Stops of many",
        vm.picture(Stops((Stop(0, "main (main.c:40)", tuple(many[:2])), Stop(1, "fork", tuple(many))))),
    )
    yield "Stops of none", vm.picture(Stops(()))


def of_memory() -> Named:
    """Kernel memory after a few operations, and after a life."""
    machine = vm.boot("x86-64")
    machine.kmem_malloc("12 KiB")
    machine.kmem_malloc("64 KiB")
    for size, one in (("few", machine), ("a life", lived_in(3))):
        for kind in (vm.Kmem, vm.Frames, vm.Slabs, vm.Threads, vm.Dashboard):
            yield f"{kind.__name__} of {size}", vm.picture(kind(one))


def _clocks(machine: vm.Machine, task: Task) -> Named:
    """A ring that fits a circle, one that does not, and a queue; the bits of all tasks."""
    yield "ReferenceBits", vm.picture(vm.ReferenceBits(machine))
    yield "ReferenceBits of none", vm.picture(vm.ReferenceBits(vm.boot("x86")))
    yield "Clock of a queue", vm.picture(vm.Clock(machine))
    machine.replacement = "clock"
    yield "Clock of many", vm.picture(vm.Clock(machine))
    task.limit("rss", "28 KiB")
    at = task.mmap("40 KiB")
    for page in (0, 1, 2, 3, 4, 0, 5, 6, 7, 1, 8):
        task.write(at + 4096 * page, b"c")
    yield "Clock of a task", vm.picture(vm.Clock(task))


def of_objects() -> Named:
    """Tasks after forks, with files, shadows and swap space; an access that fails; a machine without tasks."""
    machine = vm.boot("x86-64", layout="small", fork="shadow")
    yield "Objects of none", vm.picture(vm.Objects(machine))
    yield "Fault of none", vm.picture(vm.Fault(machine))
    machine.swap_on("256 KiB")
    file = machine.file("a file with a long name, such as libpython3.11.so.1.0", b"file" * 4000)
    task = machine.task("a task with a long name")
    heap, text = task.mmap("160 KiB"), task.mmap("16 KiB", "rw", "private", file)
    shared = task.mmap("16 KiB", "rw", "shared", file)
    for at in range(0, 160 << 10, 32 << 10):
        task.write(heap + at, b"h" * (30 << 10))
    task.read(text, 9000)
    task.page_out(heap, "12 KiB")
    for number in range(5):
        task = task.fork(None if number % 2 else f"child {number}")
        task.write(heap + 4096 * (number + 4), b"own")
        task.write(shared + 4096, b"dirty")
        task.write(text, b"own")
    yield "Objects of forks", vm.picture(machine.memory_objects)
    yield "Objects of a task", vm.picture(vm.Objects(task))
    yield "Fault of a copy", vm.picture(vm.Fault(task))
    yield from _clocks(machine, task)
    with suppress(vm.KernelError):
        task.write(0x10, b"nothing there")
    yield "Fault that fails", vm.picture(vm.Fault(task))
    yield "Reasons of a copied byte", vm.picture(machine.why(task, text))
    task.madvise(text, "4 KiB", "dontneed")
    yield "Reasons of a byte that is gone", vm.picture(machine.why(task, text))
    yield "Fault of another operation", vm.picture(vm.Fault(task))
    task.read(text)
    yield "Fault of a page in memory", vm.picture(vm.Fault(task))
    task.write(task.mmap("8 KiB"), b"new")
    yield "Fault of a new page", vm.picture(vm.Fault(task))


def of_domains() -> Named:
    """A domain with a few mappings, and one after a life."""
    domain = vm.boot("armv7").domain("hello")
    for _ in range(5):
        domain.map(domain.frame("16 KiB"))
    for size, one in (("few", domain), ("a life", machine_life(3))):
        for kind in (vm.Domain, vm.Capabilities, vm.Vnodes, vm.SlabLevels):
            yield f"{kind.__name__} of {size}", vm.picture(kind(one))
    yield "Dashboard of a domain", vm.picture(domain.machine)
    frame = domain.frame("16 KiB")
    for right in ("r", "rw"):
        domain.map(domain.mint(frame, f"{right}g"), flags=right)
    domain.revoke(frame)
    yield "Capabilities after a revoke", vm.picture(vm.Capabilities(domain))


def of_comparisons() -> Named:
    """Maps after a workload, and a task beside a domain."""
    draws = random.Random(4)
    work: list[WorkloadOperation] = []
    live: list[str] = []
    for number in range(40):
        if live and draws.random() < 0.4:
            work.append(free(live.pop(draws.randrange(len(live)))))
        else:
            live.append(f"n{number}" if draws.random() < 0.8 else f"a long name, number {number}")
            work.append(allocate(live[-1], draws.choice([1, 2, 3, 20]) * vm.PAGE))
    yield "Comparison", vm.picture(vm.compare(work, on=["x15", "worst", "freebsd"]))
    machine = vm.boot("x86-64")
    for name, until in (("threads", "maps"), ("python", 1400)):
        real = vm.recording(name)
        yield f"Diff of {name}", vm.picture(vm.diff(vm.load_strace(machine, real.strace, until=until).task, real.maps))
    stack = "1000-2000 rw-p 0 00:00 0 [stack]"
    yield "Diff of nothing", vm.picture(vm.diff(machine.task("empty"), stack))
    yield "Comparison of two", vm.picture(vm.compare(work[:4], on=["x15", "freebsd"]))
    domain = machine_life(2)
    task = domain.machine.task("init")
    memory = domain.machine.object("memory")
    for number in range(6):
        task.write(task.map.enter("16 KiB", object=memory, prot="rw"), b"x" * (4096 if number % 2 else 9000))
    yield "Paging", vm.picture(vm.compare_paging(task, domain))
    early, child = (task.machine.journal.serial(task.machine.journal.last.number - 5), None), task.fork("child")
    child.write(next(iter(child.map)).start, b"y")
    pairs = ((task.map, task.map), (task.tables, child.tables), (task.machine.frames, task.machine.frames))
    for left, right in pairs:
        yield f"Beside: {left!r}"[:40], vm.picture(left, moment=early).beside(vm.picture(right))


def of_references() -> Named:
    """Strings of references: a textbook's, one of many frames, one that is too long to be drawn whole."""
    textbook = "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1"

    def a_policy_with_a_name_that_is_too_long_for_its_heading(pages: list[ResidentPage]) -> ResidentPage:
        return pages[0]

    own = a_policy_with_a_name_that_is_too_long_for_its_heading
    found = vm.reference_string(textbook, (3, 4), ("fifo", "clock", "opt", own))
    yield "References", vm.picture(found)
    yield "References of one policy", vm.picture(found.run("clock", 3))
    chosen = vm.References(vm.reference_string("A Bw C A D", 2, ("second chance", "working set", "lru")))
    chosen.selection = "reference:3"
    yield "References, one selected", vm.picture(chosen)
    draws = random.Random(7)
    numbers = [draws.randrange(200) for _ in range(900)]
    yield "References of many", vm.picture(vm.References(vm.reference_string(numbers, 64, ("lru", "clock")), first=300))
    numbers_to = range(900)
    trace = vm.trace([(5 + one * one % 97) << 12 | one for one in numbers_to], [one % 5 == 0 for one in numbers_to])
    yield "Locality", vm.picture(trace)
    zoomed = vm.picture(trace.named({"matrix": (6 << 12, 20 << 12), "table_with_a_long_name.so": (40 << 12, 9 << 12)}))
    yield "Locality with names", zoomed
    zoomed = vm.picture(trace)
    zoomed.opened("locality/part/7")
    yield "Locality of a part", zoomed
    yield "Locality of one page", vm.picture(vm.trace([0xFFFF_FFFF_FFFF_F000]))
    yield "FaultCurves", vm.picture(trace.faults(("fifo", "lru", "clock", "opt", "random")))
    sets = trace.faults(("fifo", "lru", "aging", "working set"), tick=40)
    yield "FaultCurves with a working set", vm.picture(sets)
    belady = vm.trace([page << 12 for page in (1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5)])
    yield "FaultCurves with Belady's anomaly", vm.picture(belady.faults(("fifo", "lru"), (1, 2, 3, 4, 5)))
    yield "Intervals", vm.picture(trace.intervals())
    yield "Intervals of one reference", vm.picture(vm.trace([7]).intervals())
    yield "FaultCurves of one size", vm.picture(trace.faults("lru", 7))
    yield "References of large numbers", vm.picture(vm.reference_string([1 << 40, 1 << 51, 3, 1 << 40], 2, "clock"))


NAMES = {
    "wide": "W" * 200,
    "a path": "/usr/lib/x86_64-linux-gnu/" + "a-directory/" * 13 + "libpython3.11.so.1",
    "Chinese": "虛擬記憶體的核心對應表" * 18,
    "Arabic": "ذاكرة افتراضية " * 13,
    "Hindi": "आभासी स्मृति " * 15,
    "emoji and marks": "👩‍👩‍👧 Z͑ͫ̓ͪ̂ͫ̽͏ ﷽ 𒐫 " * 10,
}
"""Names of up to 200 characters, which is the most that a learner's may have, by what they are."""


def of_names(which: str) -> Named:
    """Everything of a machine that a learner names has the name of :data:`NAMES`; files of others have longer ones."""
    name = NAMES[which].strip()
    machine = vm.boot("x86-64", layout="small", cpus=2)
    machine.name = name
    machine.swap_on("256 KiB")
    file = machine.file(name, b"file" * 4000)
    memory = machine.object(f"{name[:-1]}2")
    task = machine.task(name)
    low = task.map.enter("64 KiB", object=memory, prot="rw")
    shared = task.mmap("16 KiB", "rw", "shared", file)
    own = task.mmap("16 KiB", "rw", "private", file)
    child = task.fork(f"{name[:-1]}3")
    for at in (low, shared, own):
        child.write(at, b"own")
    machine.kmem_suballoc("64 KiB", name.replace("/", "-")).lock()
    machine.spawn(machine.tsleep, name, name, name=name)
    machine.spawn(machine.tsleep, name, name, name=f"{name[:-1]}4")
    machine.run()
    domain = machine.domain(f"{name[:-1]}5")
    domain.map(domain.frame("16 KiB"))
    for kind in (vm.Dashboard, vm.Kmem, vm.Threads, vm.Objects, vm.Frames, vm.Slabs, vm.Clock, vm.ReferenceBits):
        yield f"{kind.__name__} of {which}", vm.picture(kind(machine))
    for kind in (vm.Map, vm.EntryList, vm.Dashboard, vm.Fault, vm.Clock, vm.Objects):
        yield f"{kind.__name__} of a task, {which}", vm.picture(kind(child))
    yield f"Tlb, {which}", vm.picture(machine.cpus)
    yield f"Tables, {which}", vm.picture(vm.Tables(child))
    yield f"Inverted, {which}", vm.picture(machine.frames.inverted())
    yield f"Walk of a task, {which}", vm.picture(child.walk(own))
    for kind in (vm.Domain, vm.Capabilities):
        yield f"{kind.__name__}, {which}", vm.picture(kind(domain))
    yield f"Paging, {which}", vm.picture(vm.compare_paging(child, domain))
    work = [allocate(name, "16 KiB"), allocate(name[:-1], "4 KiB"), free(name)]
    yield f"Comparison, {which}", vm.picture(vm.compare(work, on=["x15", "freebsd"]))
    endless = name * (100_000 // len(name))
    yield f"Diff, {which}", vm.picture(vm.diff(child, f"1000-2000 rw-p 0 00:00 0 /{endless}"))


def long_names() -> Iterator[Any]:
    """Pictures of each of :data:`NAMES` as parameters of a test: two of them always, all in the sweep."""
    for which in NAMES:
        marks = () if which in ("wide", "emoji and marks") else pytest.mark.sweep
        yield pytest.param(partial(of_names, which), id=which, marks=marks)


def every() -> Named:
    """All of them, but those of long names."""
    for some in (
        of_maps,
        of_tables,
        of_pasted,
        of_real_kernels,
        of_linux,
        of_memory,
        of_objects,
        of_domains,
        of_comparisons,
        of_references,
    ):
        yield from some()


def first_of(name: str) -> Picture:
    """The first picture of a kind, by the name by which it is registered."""
    return next(picture for _, picture in every() if type(picture).__name__ == name)
