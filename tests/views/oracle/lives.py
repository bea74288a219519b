"""Lives that make what other lives hardly do: sleepers and deadlocks, domains, failures."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import vmwidgets as vm

Act = tuple[int, Callable[[], object]]
"""How often something is done, and what."""


def done_one_by_one(machine: vm.Machine, draws: random.Random, acts: list[Act], tried: int) -> Iterator[vm.Machine]:
    """The machine after each operation that is recorded, of so many tries; until it is dead."""
    for _ in range(tried):
        before = len(machine.journal)
        with suppress(vm.VMError, KeyboardInterrupt, IndexError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            draws.choices([act for _, act in acts], [often for often, _ in acts])[0]()
        if len(machine.journal) > before:
            yield machine
        if machine.dead:
            return


def one_after_the_other(machine: vm.Machine, acts: Sequence[Callable[[], object]]) -> Iterator[vm.Machine]:
    """The machine after each of these; nothing is drawn."""
    for act in acts:
        yield from done_one_by_one(machine, random.Random(0), [(1, act)], 1)


class Sleepers:
    """Threads that wait for room, for locks, for time and for each other."""

    def __init__(self, architecture: str, seed: int) -> None:
        self.draws = random.Random(f"sleepers {architecture} {seed}")
        self.machine: Any = vm.boot(architecture, layout="tiny", ram="4 MiB", seed=seed % 2)

    def acts(self) -> list[Act]:
        """What can be done next."""
        m, draws = self.machine, self.draws
        size = lambda: draws.randrange(1, 9) * vm.PAGE  # noqa: E731  # drawn when it is done
        some = lambda: draws.choice([one.name for one in m.threads])  # noqa: E731
        return [
            (5, lambda: m.spawn(self.waits_for_room, size())),
            (2, lambda: m.spawn(self.takes_and_gives, size())),
            (4, lambda: m.spawn(self.locks, draws.sample(["exec_map", "pipe_map"], 2))),
            (2, lambda: m.spawn(self.naps, draws.choice("ab"), draws.randrange(1, 9))),
            (3, lambda: m.spawn(self.wakes, draws.choice("ab"))),
            (8, m.step),
            (3, m.run),
            (4, lambda: m.run(steps=draws.randrange(5))),
            (1, lambda: m.run(some())),
            (2, lambda: m.tick(draws.choice([0, 1, 4]))),
            (1, lambda: m.wakeup(draws.choice("ab"))),
            (2, lambda: m.tsleep(draws.choice("ab"), ticks=draws.choice([1, 5, 9]))),
            (3, lambda: m.kill(some())),
            (1, self.lock_or_unlock),
            (1, lambda: m.kmem_alloc_wait(size())),
        ]

    def waits_for_room(self, size: int) -> Iterator[Any]:
        """A thread that gives the room back after a while."""
        address = yield from self.machine.kmem_alloc_wait(size, map="pipe_map")
        yield from self.machine.tsleep("nap", ticks=3)
        yield from self.machine.kmem_free_wakeup(address, size, map="pipe_map")

    def takes_and_gives(self, size: int) -> Iterator[Any]:
        """A thread that has nothing in the end."""
        address = yield from self.machine.kmem_malloc(size)
        yield from self.machine.kmem_free(address, size)

    def locks(self, names: list[str]) -> Iterator[Any]:
        """A thread that takes two locks, in one order or the other."""
        first, second = (self.machine.kmem.maps[name] for name in names)
        yield from first.lock()
        yield from self.machine.tsleep("between", ticks=1)
        yield from second.lock()
        second.unlock()
        first.unlock()

    def naps(self, channel: str, ticks: int) -> Iterator[Any]:
        """A thread that sleeps until it is woken, or its time is up."""
        yield from self.machine.tsleep(channel, "a nap", ticks)

    def wakes(self, channel: str) -> Iterator[Any]:
        """A thread that wakes others after a while."""
        yield from self.machine.tsleep("alarm", ticks=2)
        self.machine.wakeup(channel)

    def lock_or_unlock(self) -> None:
        """The cell takes a lock, or gives it back."""
        chosen = self.machine.kmem.maps[self.draws.choice(["exec_map", "pipe_map"])]
        (chosen.unlock if chosen.locked_by == "" else chosen.lock)()

    def waits_for_pages(self) -> Iterator[Any]:
        """A thread that has its addresses, and not all pages."""
        yield from self.machine.kmem_malloc("64 KiB")

    def tour(self) -> list[Callable[[], object]]:
        """What chance hardly makes: a call that has begun something when its thread is given up."""
        m = self.machine
        return [
            lambda: m.take_pages(m.kmem.pages.available - 4),
            lambda: m.spawn(self.waits_for_pages, name="waits"),
            m.step,
            m.step,
            lambda: m.kill("waits"),
        ]


def sleepers(architecture: str, seed: int) -> Iterator[vm.Machine]:
    """Threads that wait, and what ends their waiting."""
    first = Sleepers(architecture, seed)
    yield from one_after_the_other(first.machine, first.tour())
    for part in range(3):
        life = Sleepers(architecture, 3 * seed + part)
        yield from done_one_by_one(life.machine, life.draws, life.acts(), 45)


class Failures:
    """Operations that fail, are stopped half way, or kill the machine."""

    def __init__(self, architecture: str, seed: int) -> None:
        self.draws = random.Random(f"failures {architecture} {seed}")
        self.machine: Any = vm.boot(architecture, layout="tiny", ram="8 MiB")
        self.task = self.machine.task("init")
        self.read_only = self.task.mmap(4 * vm.PAGE, "r")
        self.made = 0
        for _ in range(5):
            self.makes_room()

    def acts(self) -> list[Act]:
        """What fails, and leaves a machine that lives."""
        m, task, draws = self.machine, self.task, self.draws
        start = 0x1_0000
        return [
            (2, lambda: task.read(0x70_0000, 3)),
            (2, lambda: task.write(self.read_only, b"x")),
            (2, lambda: task.map.protect(0x70_0000, size=vm.PAGE, prot="r")),
            (1, lambda: m.kernel_map.enter("1 GiB")),
            (4, self.makes_room),
            (9, lambda: self.is_stopped(task.map.remove, start, size=64 * vm.PAGE)),
            (5, lambda: self.is_stopped(task.map.protect, start, size=64 * vm.PAGE, prot=draws.choice(["r", "rwx"]))),
            (1, lambda: self.is_stopped(task.map.inherit, start, size=64 * vm.PAGE, inherit="none")),
            (2, lambda: self.fails(ValueError("it is short"))),
            (2, lambda: self.fails(ValueError("it says what it was, in more words than a headline has " * 2))),
            (1, lambda: self.fails(KeyboardInterrupt())),
            (3, m.step),
            (1, m.run),
        ]

    def makes_room(self) -> None:
        """Entries that do not touch each other, so that there are places to stop at."""
        page = 0x1_0000 + 2 * self.draws.randrange(32) * vm.PAGE
        with suppress(vm.KernelError):
            self.task.map.enter(vm.PAGE, at=page, fixed=True, prot=self.draws.choice(["r", "rw"]))

    def is_stopped(self, call: Callable[..., object], *places: Any, **words: Any) -> None:
        """A call that is stopped at one of its safe points, or comes to its end."""
        self.machine.door.stop_at = self.draws.randrange(1, 9)
        try:
            call(*places, **words)
        finally:
            self.machine.door.stop_at = 0

    def fails(self, error: BaseException) -> None:
        """A thread that will end with an error."""

        def failing() -> Iterator[Any]:
            yield from self.machine.tsleep("a while", ticks=1)
            raise error

        self.made += 1
        self.machine.spawn(failing, name=f"failing {self.made}")

    def ends(self) -> list[Act]:
        """What kills the machine, or makes more events than are kept."""
        m = self.machine
        return [
            (1, lambda: m.kmem_malloc("1 MiB")),
            (1, lambda: m.read(m.kmem_alloc_nofault(vm.PAGE), 1)),
            (1, self.sleeps_with_a_mutex),
            (1, self.has_no_entry_left),
            (2, lambda: m.read_file("film", "5 MiB")),
            (1, lambda: m.door.operate("machine", "unheard", (), lambda: None)),
        ]

    def sleeps_with_a_mutex(self) -> None:
        """The cell sleeps with the lock of a map that may not be slept with."""
        self.machine.kmem.kmem_map.lock()
        self.machine.tsleep("a while", ticks=1)

    def has_no_entry_left(self) -> None:
        """No page is left for entries."""
        self.machine.take_pages(self.machine.kmem.pages.available)
        for _ in range(200):
            self.machine.kernel_map.enter(vm.PAGE, nomerge=True)


def failures(architecture: str, seed: int) -> Iterator[vm.Machine]:
    """What fails, and what can't go on."""
    for end in range(4, 6):
        last = Failures(architecture, seed)
        yield from one_after_the_other(last.machine, [last.ends()[end][1]])
    for part in range(3):
        life = Failures(architecture, 3 * seed + part)
        yield from done_one_by_one(life.machine, life.draws, life.acts(), 16)
        yield from done_one_by_one(life.machine, life.draws, life.ends(), 1)


class Domains:
    """A self-paging program: what it maps, splits, copies and takes away, and what it has no room for."""

    def __init__(self, architecture: str, seed: int, slots: int, quirks: tuple[str, ...] = ()) -> None:
        self.draws = random.Random(f"domains {architecture} {seed}")
        self.machine: Any = vm.boot(architecture, layout="tiny", ram="8 MiB", quirks=quirks)
        self.domain: Any = self.machine.domain("hello", slots=slots)
        self.table = {"armv7": "VNode_ARM_l2", "x86-64": "VNode_x86_64_ptable"}[architecture]
        self.frames: list[Any] = []
        self.ranges: list[tuple[int, int]] = []
        self.objects: list[Any] = []

    def acts(self) -> list[Act]:
        """What can be done next."""
        m, d, draws = self.machine, self.domain, self.draws
        page = lambda: draws.randrange(4) * vm.PAGE  # noqa: E731
        one_or_all = lambda: draws.choice([None, vm.PAGE])  # noqa: E731
        few = lambda: draws.choice([1, 2, 3, 8]) * vm.PAGE  # noqa: E731  # drawn when it is done
        flags = lambda: draws.choice(["r", "rw", "rwx", "rw nocache"])  # noqa: E731
        return [
            (6, lambda: self.frames.append(d.frame(draws.choice([1, 1, 4, 4, 600]) * vm.PAGE))),
            (1, lambda: self.frames.append(d.device_frame(0x4000_0000 + draws.randrange(64) * 0x1_0000, few()))),
            (2, lambda: self.frames.append(d.ram(draws.choice([1, 16]) * vm.PAGE))),
            (2, lambda: self.frames.append(d.retype(self.some(), "Frame", draws.choice([0, vm.PAGE]), vm.PAGE))),
            (1, lambda: self.frames.append(d.retype(d.ram(), self.table))),
            (2, lambda: self.frames.append(d.copy(self.some()))),
            (2, lambda: self.frames.append(d.mint(self.some(), draws.choice(["rwg", "rg", "r"])))),
            (7, self.map),
            (3, lambda: d.map(self.some())),
            (4, lambda: d.unmap(*self.out_of(self.ranges))),
            (4, lambda: d.modify_flags(*draws.choice(self.ranges or [(0x5000_0000, 100)]), flags())),
            (1, lambda: d.modify_flags(0x7000_0000, few(), "r")),
            (3, lambda: d.delete(self.out_of(self.frames))),
            (3, lambda: d.revoke(self.some())),
            (1, lambda: d.take_slots(draws.randrange(12))),
            (1, lambda: d.give_slots(draws.randrange(4))),
            (1, lambda: self.objects.append(d.anonymous(draws.choice([2, 8]) * vm.PAGE))),
            (4, self.makes_object),
            (
                5,
                lambda: self.thing().fill(
                    self.some(), draws.randrange(4) * vm.PAGE, size=draws.choice([None, vm.PAGE])
                ),
            ),
            (5, lambda: self.thing().unfill(page())),
            (6, lambda: self.thing().protect(flags(), draws.choice([0, vm.PAGE]), size=one_or_all())),
            (2, lambda: self.out_of(self.objects).remove()),
            (6, lambda: d.read(self.thing().address + page(), 3)),
            (1, lambda: m.domain("hello")),
            (2, self.hands_over),
        ]

    def out_of(self, kept: list[Any]) -> Any:
        """One of those that are kept, which is kept no longer; IndexError without one."""
        return kept.pop(self.draws.choice(range(len(kept))))

    def some(self) -> Any:
        """A capability that was given; now and then one that is gone."""
        if self.draws.random() < 0.95:
            self.frames = [one for one in self.frames if one.value is not None]
        return self.draws.choice(self.frames or [self.domain.frame()])

    def thing(self) -> Any:
        """A memory object that was made."""
        return self.draws.choice(self.objects or [self.domain.anonymous("8 KiB")])

    def map(self) -> None:
        """A few pages of a frame, somewhere."""
        size = self.draws.choice([1, 1, 2]) * vm.PAGE
        at = self.draws.choice([None, None, 0x5000_0000 + self.draws.randrange(600) * vm.PAGE])
        self.ranges.append((self.domain.map(self.some(), at, size=size), size))

    def makes_object(self) -> None:
        """A memory object of any kind, with a frame or without."""
        draws = self.draws
        kind = draws.choice(["anonymous", "one frame", "one frame one map", "pinned", "fixed"])
        words: dict[str, Any] = {"piece": vm.PAGE} if kind == "fixed" else {}
        if draws.random() < 0.6:
            words["frame"] = self.some()
        self.objects.append(self.domain.memobj(kind, draws.choice([1, 2, 4]) * vm.PAGE, **words))

    def hands_over(self) -> None:
        """What it maps is mapped by another domain, which has its frames in the same slots."""
        other = self.machine.domain(f"other {len(self.machine.journal)}", slots=120)
        for _ in range(self.draws.randrange(1, 4)):
            other.frame()
        mine = self.machine.domain(f"mine {len(self.machine.journal)}", slots=120)
        for _ in range(self.draws.randrange(0, 4)):
            mine.map(mine.frame())
        self.draws.choice([lambda: other.deserialise(mine.serialise()), lambda: self.machine.destroy_domain(mine)])()


def tour_of_domains(architecture: str) -> Iterator[vm.Machine]:
    """What chance hardly makes: large maps, objects that are mapped and changed, rights that the kernel is not told."""
    machine: Any = vm.boot(architecture, layout="tiny", ram="8 MiB")
    domain = machine.domain("hello", slots=300)
    frame = domain.frame("16 KiB")
    pinned = domain.memobj("pinned", "16 KiB", frame=frame)
    empty = [machine.domain(name) for name in ("one", "two")]
    copied = domain.frame()
    copies = [domain.copy(copied) for _ in range(4)]
    acts: list[Callable[[], object]] = [
        lambda: domain.revoke(copies[0]),
        lambda: pinned.protect("r", size=vm.PAGE),
        lambda: pinned.protect("r"),
        pinned.remove,
        lambda: empty[0].deserialise(empty[1].serialise()),
        lambda: domain.map(domain.device_frame(0x8000_0000, "16 MiB")),
        lambda: domain.map(domain.frame(), at=0x6000_0000),
        lambda: domain.map(frame, at=0x6000_1000),
        lambda: domain.map(frame, at=0x6020_0000),
        lambda: domain.delete(frame),
        lambda: domain.take_slots(domain.domain.slots.free_slots - 4),
        lambda: domain.map(domain.device_frame(0x9000_0000, "32 MiB")),
    ]
    yield from one_after_the_other(machine, acts)
    machine = vm.boot(architecture, layout="tiny", ram="8 MiB", quirks=["modify-flags-lost"])
    domain = machine.domain("hello")
    address = domain.map(domain.frame(), flags="rw")
    yield from one_after_the_other(machine, [lambda: domain.modify_flags(address, vm.PAGE, "rw")])


def domains(architecture: str, seed: int) -> Iterator[vm.Machine]:
    """A program that pages itself; where none can be, nothing."""
    if architecture not in ("armv7", "x86-64"):
        return
    yield from tour_of_domains(architecture)
    kinds: list[tuple[int, tuple[str, ...]]] = [(120, ()), (120, ("modify-flags-lost",)), (14 + seed % 12, ())]
    for part, (slots, quirks) in enumerate(kinds):
        life = Domains(architecture, 3 * seed + part, slots, quirks)
        yield life.machine
        yield from done_one_by_one(life.machine, life.draws, life.acts(), 32)
