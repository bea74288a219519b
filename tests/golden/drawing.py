"""Draws the journals: random lives of every kind, which are kept, so that no later drawing changes them."""

from __future__ import annotations

import gzip
import json
import lzma
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from inspect import Parameter, signature
from itertools import product
from typing import Any

import vmwidgets as vm
from tests.engine.machine.lives import ThreadsLife
from tests.engine.machine.random_door import LEFT_OUT, Walker
from vmwidgets.engine.machine.machine import RECORDED
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.spaces.processors import SHOOTDOWNS

from .journals import DRAWN, refusal
from .packed import FILTERS, FOLDER

LENGTH = 45
DYING = 0.3
"""So many lives of all end in a panic, if one of the ways to it is open."""

POLICIES: list[Any] = [
    "fifo", "lru", "second chance", "clock", "aging", "nru", vm.Replacement("working set", window=6),
    vm.Replacement("clock", local=True), vm.Replacement("aging", local=True),
    vm.Replacement("opt", future=tuple(0x10 + number * 7 % 12 for number in range(99))), lambda pages: pages[-1],
]  # fmt: skip  # a list of settings

Act = Callable[[], object]
Life = tuple[Callable[[], Any], Act]
"""Gives the machine; does one more thing."""


def lives() -> Iterator[tuple[str, Callable[[], Life]]]:
    """Lives by their names: all formats, ways to fork and policies; threads, kernel memory, domains, bugs."""
    formats = list(FORMATS)
    for seed, architecture in product(range(8), formats):
        yield f"operations {architecture} {seed}", partial(_operations, architecture, seed)
    for seed, (quirk, architecture) in enumerate(product(sorted(vm.QUIRKS)[:6], ("x86-64", "armv7"))):
        yield f"bug {quirk} {architecture}", partial(_operations, architecture, seed + 50, [quirk])
    for seed, architecture in product(range(6), formats):
        yield f"threads {architecture} {seed}", partial(_threads, architecture, seed)
    for seed, architecture in product(range(2), formats):
        yield f"kernel memory {architecture} {seed}", partial(_kernel_memory, architecture, seed)
    for seed, architecture in product(range(4), formats):
        yield f"processors {architecture} {seed}", partial(_processors, architecture, seed)
    families = product(range(6), formats, ("shadow", "counted", "eager"))
    for number, (seed, architecture, fork) in enumerate(families):
        policy = POLICIES[number % len(POLICIES)]
        yield f"family {architecture} {fork} {seed}", partial(_family, architecture, fork, seed, policy)
    for seed, architecture in product(range(11), ("armv7", "x86-64")):
        yield f"domain {architecture} {seed}", partial(_domain, architecture, seed)


def _operations(architecture: str, seed: int, quirks: Any = ()) -> Life:
    """Operations of all parts with arguments that make sense or not, descriptors edited by hand too."""
    walker = Walker(architecture, seed, quirks)
    first = walker.machine
    return lambda: first, lambda: None if first.dead else walker.step()


def _threads(architecture: str, seed: int) -> Life:
    """Threads that allocate, sleep, hold locks and fail; handlers that give memory back."""
    life = ThreadsLife(architecture, seed)
    return lambda: life.machine, lambda: life.live(len(life.machine.journal))


def _acting(machine: Any, draws: random.Random, acts: Callable[[], list[tuple[int, Act]]]) -> Life:
    def act() -> None:
        found = acts()
        with suppress(vm.VMError):
            draws.choices([one for _, one in found], [weight for weight, _ in found])[0]()

    return lambda: machine, act


def _kernel_memory(architecture: str, seed: int) -> Life:
    """The kernel's map and memory, which fills up until something gives way."""
    draws = random.Random(f"kernel memory {architecture} {seed}")
    machine = vm.boot(architecture, layout="tiny" if seed % 2 else "small", ram="4 MiB")
    space: Any = machine.kernel_map
    first = int(space.end) - 400 * vm.PAGE
    held: list[tuple[int, int]] = []

    def acts() -> list[tuple[int, Act]]:
        page, size = first + draws.randrange(400) * vm.PAGE, draws.randrange(1, 30) * vm.PAGE
        return [
            (4, lambda: space.enter(size, at=page, fixed=True, nomerge=draws.random() < 0.5)),
            (2, lambda: space.remove(page, size=size)),
            (2, lambda: space.protect(page, size=size, prot=draws.choice(["r", "rw", "rx"]))),
            (1, lambda: space.wire(page, size=size)),
            (1, lambda: space.lookup(page)),
            (1, machine.kentry.reap),
            (4, lambda: held.append((machine.kmem_malloc(size, draws.choice(["M_NOWAIT", "M_NOWAIT|M_ZERO"])), size))),
            (2, lambda: held.append((machine.kmem_alloc(size), size))),
            (2, lambda: machine.malloc(draws.randrange(1, 5000), vm.M_NOWAIT)),
            (2, lambda: machine.kmem_free(*held.pop()) if held else None),
            (1, machine.uma_reclaim),
            (1, lambda: machine.read_file("data", draws.choice(["16 KiB", "128 KiB"]))),
            (1, lambda: machine.take_pages(draws.choice([40, max(1, machine.kmem.pages.available - 50)]))),
            (1, lambda: machine.give_pages(None)),
            (1, lambda: machine.inject("page_alloc", draws.choice([1, 2, 9]), times=2)),
        ]

    return _acting(machine, draws, acts)


def _processors(architecture: str, seed: int) -> Life:
    """Two processors with small TLBs: accesses, switches, flushes and shootdowns of each kind, edited descriptors."""
    draws = random.Random(f"processors {architecture} {seed}")
    asids = bool(FORMATS[architecture].asid_bits) and seed % 2 == 1
    machine: Any = vm.boot(architecture, layout="small", cpus=2, tlb=(2, 2), asids=asids)
    tasks = [machine.task(name) for name in ("one", "two")]
    for task in tasks:
        task.map.enter(12 * vm.PAGE, at=0x40_0000)
    kernel = machine.kmem_malloc(6 * vm.PAGE)
    machine.cpus.set_shootdown(draws.choice(SHOOTDOWNS))

    def acts() -> list[tuple[int, Act]]:
        cpu, task = draws.choice(list(machine.cpus)), draws.choice(tasks)
        page = draws.choice([0x40_0000 + draws.randrange(12) * vm.PAGE, kernel + draws.randrange(6) * vm.PAGE])
        return [
            (6, lambda: cpu.load(page, 5)),
            (5, lambda: cpu.store(page, b"hello")),
            (1, lambda: cpu.fetch(page)),
            (2, lambda: cpu.run(draws.choice([None, *tasks]))),
            (4, lambda: task.map.protect(page, size=2 * vm.PAGE, prot=draws.choice(["r", "rw"]))),
            (1, lambda: task.write(page, b"there")),
            (1, cpu.acknowledge),
            (1, lambda: cpu.flush(page)),
            (1, lambda: cpu.flush(task=task)),
            (1, lambda: cpu.flush(keep_globals=draws.random() < 0.5)),
            (2, lambda: machine.set_descriptor(machine.walk(page, task=task).steps[-1].pa, 0)),
            (2, machine.undo_descriptor),
        ]

    return _acting(machine, draws, acts)


def _family(architecture: str, fork: str, seed: int, policy: Any) -> Life:
    """Tasks that fork and end in memory that is short: files, heaps, pages that go out by a policy and come back."""
    draws = random.Random(f"family {architecture} {fork} {seed}")
    machine: Any = vm.boot(architecture, layout="small", ram="4 MiB", cpus=1 + seed % 2, fork=fork)
    machine.task("init")
    machine.swap_on("64 KiB")
    machine.replacement = policy
    files = [machine.file(name, name.encode() * 3000) for name in ("one", "two")]
    places = [0x1_0000]

    def acts() -> list[tuple[int, Act]]:
        if not machine.tasks:
            machine.task(f"another {len(machine.journal)}")
        task, file, size = draws.choice([*machine.tasks.values()]), draws.choice(files), draws.randrange(1, 6) * vm.PAGE
        at = draws.choice(places) + draws.randrange(4) * vm.PAGE
        return [
            (3, lambda: places.append(int(task.mmap(size)))),
            (1, lambda: places.append(int(task.mmap(size, flags="shared")))),
            (2, lambda: places.append(int(task.mmap(size, "rw", draws.choice(["private", "shared"]), file)))),
            (1, lambda: places.append(int(task.mmap(size, flags="private growsdown")))),
            (10, lambda: task.write(at, b"w" * draws.choice([3, 5000]))),
            (5, lambda: task.read(at, draws.choice([3, 5000]))),
            (1, lambda: task.touch(at, draws.choice(["read", "write", "execute"]))),
            (3, lambda: task.fork() if len(machine.tasks) < 4 else task.exit()),
            (1, lambda: task.munmap(at, size)),
            (1, lambda: task.mprotect(at, size, draws.choice(["r", "rw"]))),
            (1, lambda: task.brk(task.brk() + draws.randrange(9000))),
            (2, lambda: task.page_out(at, size)),
            (1, lambda: task.madvise(at, size, draws.choice(["dontneed", "willneed", "random"]))),
            (1, lambda: task.msync(at, size)),
            (1, lambda: task.map.wire(at, size=size)),
            (1, lambda: task.map.inherit(at, size=size, inherit=draws.choice(["share", "copy", "none"]))),
            (1, lambda: file.write(draws.randrange(9000), b"new")),
            (1, lambda: file.truncate(draws.randrange(12_000))),
            (1, task.exec),
            (2, machine.tick),
            (1, lambda: task.limit("rss", draws.choice([None, 3 * vm.PAGE, 6 * vm.PAGE]))),
            (1, lambda: machine.cpus[0].store(at, b"x")),
        ]

    return _acting(machine, draws, acts)


def _domain(architecture: str, seed: int) -> Life:
    """A program that maps its own memory; some of what it asks for fails."""
    draws = random.Random(f"domain {architecture} {seed}")
    domain: Any = vm.boot(architecture).domain("life", slots=80)
    held: list[tuple[Any, int]] = []
    ranges: list[tuple[int, int]] = []

    def made(kind: Callable[[int], Any], pages: int) -> None:
        held.append((kind(pages << 12), pages))

    def mapped() -> None:
        frame, pages = draws.choice(held)
        at = None if draws.random() < 0.5 else 0x5000_0000 + (draws.randrange(1024) << 12)
        size = draws.randrange(1, pages + 1) << 12
        ranges.append((int(domain.map(frame, at=at, size=size, flags=draws.choice(["rw", "r", "rw large"]))), size))

    def acts() -> list[tuple[int, Act]]:
        if not held:
            made(domain.frame, 4)
        return [
            (3, lambda: made(domain.frame, draws.choice([1, 4, 16, 600]))),
            (6, mapped),
            (2, lambda: domain.unmap(*draws.choice(ranges)) if ranges else None),
            (2, lambda: domain.modify_flags(*draws.choice(ranges), draws.choice(["r", "rw"])) if ranges else None),
            (1, lambda: held.append((domain.mint(draws.choice(held)[0], "rg"), 1))),
            (1, lambda: held.append((domain.retype(domain.ram("64 KiB"), "Frame", 0, "16 KiB"), 4))),
            (1, lambda: domain.delete(draws.choice(held)[0])),
            (1, lambda: domain.revoke(draws.choice(held)[0])),
        ]

    return _acting(domain.machine, draws, acts)


def _die(machine: Any, draws: random.Random) -> None:
    """Try ways to a panic, until there is one."""
    kernel, kmem, calls = machine.kernel_map, machine.kmem.maps, machine.unchecked
    used = next(iter(kernel.entries()))
    ways: list[Act] = [
        lambda: calls.kmem_malloc(kmem["kmem_map"], 0, 0),
        lambda: calls.kmem_suballoc(kmem["kernel_map"], 1 << 40, "last"),
        lambda: machine.write(machine.kmem_alloc_nofault(vm.PAGE), b"x"),
        lambda: machine.read(int(used.end) + 5000 * vm.PAGE, 4),
        lambda: calls.vm_map_remove(kernel, int(used.start) + 1, int(used.end)),
        lambda: calls.kmem_free(kmem["kernel_map"], int(kmem["kmem_map"].start), vm.PAGE),
        lambda: [machine.take_pages(machine.kmem.pages.available), *(kernel.enter(vm.PAGE) for _ in range(3))],
        lambda: [machine.set_descriptor(machine.walk(used.start).steps[0].pa, 0), kernel.enter("64 KiB")],
    ]
    draws.shuffle(ways)
    for way in ways:
        with suppress(vm.VMError):
            way()
        if machine.dead:
            return


# ---- what is refused -------------------------------------------------------------------------------

SILLY: tuple[Any, ...] = (
    None, -1, 0, 7, 4096, 2**70, 1.5, True, "", "x", "8 KiB", "-4096", "a" * 300, [], [1, [2]], "kernel_map", "w", "rw",
)  # fmt: skip  # read as a list
"""Arguments that fit hardly anywhere, as JSON has them."""


def _refused(machine: Any, draws: random.Random) -> tuple[str, str, dict[str, Any]] | None:
    """A call with silly arguments, if it was refused and left no trace."""
    parts = [machine, machine.kernel_map, machine.pagedaemon, *machine.cpus, machine.kmem.exec_map, machine.replacement]
    parts += [one for task in machine.tasks.values() for one in (task, task.map)]
    part = draws.choice([*parts, *machine.domains.values(), *machine.files.values()])
    operations = [name for name in dir(type(part)) if getattr(getattr(type(part), name, None), "is_operation", False)]
    name = draws.choice([name for name in operations if name not in {*LEFT_OUT, *RECORDED, "pace"}])
    parameters = signature(getattr(part, name)).parameters.values()
    wanted = [one.name for one in parameters if one.default is Parameter.empty or draws.random() < 0.3]
    given = {one: draws.choice(SILLY) for one in wanted}
    if not given:
        return None
    count = len(machine.journal)
    try:
        text = refusal(machine, part.path, name, given)
    except TypeError:  # Python's own word for arguments
        return None
    was_refused = len(machine.journal) == count and not text.startswith("not refused")
    return (part.path, name, given) if was_refused else None


# ---- all of it -------------------------------------------------------------------------------------


def life(name: str, begin: Callable[[], Life]) -> dict[str, Any] | None:
    """A life as it is kept: its journal as text, and what was refused after which operation."""
    draws, refused = random.Random(name), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        machine_of, act = begin()
        machine = machine_of()
        machine.name = "machine"
        for _ in range(20 * LENGTH):
            if len(machine.journal) > LENGTH:
                break
            with suppress(vm.VMError, TypeError):
                act()
            tried = [_refused(machine, draws) for _ in range(draws.randrange(3))]
            refused += [(machine.journal.last.number, *found) for found in tried if found]
            if machine.dead:
                break
        if draws.random() < DYING:
            _die(machine, draws)
        if machine.journal.incomplete:
            return None
        return {"name": name, "journal": gzip.decompress(machine.journal.as_file()).decode(), "refused": refused}


def draw() -> None:
    """Draw all journals, and keep them."""
    found = [one for one in (life(name, begin) for name, begin in lives()) if one is not None]
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in found)
    content = lzma.compress(text.encode(), filters=FILTERS)
    (FOLDER / f"{DRAWN}.xz").write_bytes(content)
    print(f"{len(found)} journals, {len(content):,} bytes")
