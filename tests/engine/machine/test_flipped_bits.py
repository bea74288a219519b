"""One flipped bit of a descriptor, whatever is done then, and the edit taken back: the machine is whole, or says it."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.mmu.formats import FORMATS

PAGE = vm.PAGE


class World:
    """A machine with a task, a domain and kernel memory in use, and random operations on them."""

    def __init__(self, architecture, seed):
        self.chance = random.Random(f"{architecture} {seed}")
        self.m = m = vm.boot(architecture, layout="tiny", ram="8 MiB")
        self.task = m.task("init")
        self.heap = m.object("heap")
        self.at = self.task.map.enter("64 KiB", object=self.heap)
        self.task.write(self.at, b"a" * 3 * PAGE)
        self.task.map.wire(self.at + 8 * PAGE, size="8 KiB")
        self.kernel = [(m.kmem_malloc(PAGE), PAGE), (m.kmem_alloc(2 * PAGE), 2 * PAGE)]
        self.entered = [(m.kernel_map.enter(4 * PAGE), 4 * PAGE)]
        self.domain = m.domain("d") if architecture in ("armv7", "x86-64") else None
        self.frames = []
        if self.domain is not None:
            frame = self.domain.frame(4 * PAGE)
            self.frames.append(self.domain.map(frame))

    def places(self):
        """Descriptors on the walks of addresses of each space."""
        m = self.m
        walks: list[Any] = [m.walk(m.kernel_map.start), *(m.walk(a) for a, _ in self.kernel)]
        walks += [self.task.walk(self.at + at * PAGE) for at in (0, 2, 8)]
        walks += [self.task.space.pmap.walk(a) for a, _ in self.kernel]
        if self.domain is not None:
            walks += [self.domain.walk(a) for a in self.frames]
        return [step for one in walks for step in one.steps]

    def flip(self):
        step = self.chance.choice(self.places())
        width = 8 * self.m.system.pmap.fmt.entry_width
        bit = self.chance.randrange(width)
        self.m.set_descriptor(step.pa, self.m.system.ram.read_word(step.pa, width // 8) ^ 1 << bit)
        return f"{self.m.journal.last} (bit {bit} of level {step.level})"

    def work(self):
        """One random operation; errors of the kernel and refusals are answers, and so is a panic."""
        m, chance, task = self.m, self.chance, self.task
        a = self.at + chance.randrange(16) * PAGE
        some = chance.choice(self.kernel)
        calls = {
            "kmem_alloc": lambda: self.kernel.append((m.kmem_alloc(PAGE), PAGE)),
            "kmem_malloc": lambda: self.kernel.append((m.kmem_malloc(2 * PAGE, "M_NOWAIT") or some[0], PAGE)),
            "kmem_free": lambda: m.kmem_free(*some),
            "write": lambda: m.write(some[0], b"k" * 100),
            "read": lambda: m.read(some[0], 100),
            "enter": lambda: self.entered.append((m.kernel_map.enter(PAGE * chance.randrange(1, 9)), PAGE)),
            "remove": lambda: m.kernel_map.remove(chance.choice(self.entered)[0], size=PAGE),
            "malloc": lambda: m.malloc(100, "M_NOWAIT"),
            "task write": lambda: task.write(a, b"b" * 50),
            "task read": lambda: task.read(a, 50),
            "task remove": lambda: task.map.remove(a, size=PAGE),
            "task enter": lambda: task.map.enter(2 * PAGE, object=self.heap),
            "task protect": lambda: task.map.protect(a, size=PAGE, prot=chance.choice(["r", "rw", "", "rwx"])),
            "task wire": lambda: task.map.wire(a, size=PAGE),
            "another": lambda: m.task(f"t{len(m.tasks)}").map.enter(PAGE),
            "suballoc": lambda: m.kmem_suballoc(2 * PAGE, f"map{len(m.kmem.maps)}"),
        }
        if self.domain is not None:
            d = self.domain
            calls |= {
                "map": lambda: self.frames.append(d.map(d.frame(PAGE))),
                "unmap": lambda: d.unmap(self.frames.pop(), 4 * PAGE) if self.frames else None,
                "domain write": lambda: d.write(self.frames[0], b"c" * 20) if self.frames else None,
            }
        name = chance.choice(sorted(calls))
        try:
            calls[name]()
        except vm.VMError as error:
            return f"{name}: {error}"
        return name


def undo_all(m):
    """Take back every edit; the panics that this may end in."""
    with suppress(vm.Refused, vm.KernelPanic):
        for _ in range(100):
            m.undo_descriptor()
        raise AssertionError("there is no end of edits")


def run(architecture, seed):
    world = World(architecture, seed)
    story = [world.flip()]
    for _ in range(world.chance.randrange(7)):
        story.append(world.work())
        if world.chance.random() < 0.1:
            try:
                story.append(world.flip())
            except vm.Refused as refused:
                story.append(str(refused))
    undo_all(world.m)
    return world.m, story


@pytest.mark.parametrize("architecture", FORMATS)
def test_a_machine_is_whole_when_all_edits_are_taken_back_or_says_what_is_wrong(architecture):
    ended = 0
    for seed in range(60):
        m, story = run(architecture, seed)
        if m.dead:
            ended += 1
            assert m.door.dead.name == "edited_tables", story
            continue
        try:
            m.check()
        except vm.Broken as broken:
            raise AssertionError("\n".join([str(broken), f"seed {seed}", *story])) from None
    assert ended < 3, "nearly all of them go on"


LARGE = [
    ("x86-64", 0x80, 1), ("x86-64", 0x80, 2), ("x86", 0x80, 0), ("x86-pae", 0x80, 1),
    ("aarch64", 2, 1), ("aarch64", 2, 2),
]  # fmt: skip  # a line a family
"""Bits that make a large page or a block of a table: which, and in the descriptor of which step."""


@pytest.mark.parametrize(("architecture", "bits", "step"), LARGE)
def test_a_table_made_a_large_page_is_a_table_again(architecture, bits, step):
    m = vm.boot(architecture, layout="tiny")
    before = m.walk(m.kernel_map.start)
    tables = set(m.system.pmap.tables)
    place = before.steps[step]
    m.set_descriptor(place.pa, place.value ^ bits)
    with pytest.raises(vm.KernelPanic, match=r"kenter_no_table.*a large page is there"):
        m.kmem_alloc("4 KiB")
    m.undo_descriptor()
    assert set(m.system.pmap.tables) >= tables
    assert m.walk(before.va) == before
    m.check()
    m.kmem_free(m.kmem_alloc("8 KiB"), "8 KiB")
    m.check()


@pytest.mark.parametrize("architecture", ["x86-64", "aarch64", "riscv-sv39"])
def test_a_table_that_seems_to_lie_elsewhere_is_not_written_to(architecture):
    m = vm.boot(architecture, layout="tiny")
    step = m.walk(m.kernel_map.start).steps[-2]
    m.set_descriptor(step.pa, step.value + (PAGE if architecture != "riscv-sv39" else PAGE >> 2))
    foreign = m.walk(m.kernel_map.start).steps[-1].pa & -PAGE
    held = m.system.ram.read(foreign, PAGE)
    with pytest.raises(vm.KernelPanic, match=r"kenter_no_table.*not a table that the kernel put there"):
        m.kmem_alloc("4 KiB")
    assert m.system.ram.read(foreign, PAGE) == held
    m.undo_descriptor()
    m.check()


def test_a_descriptor_that_only_the_hardware_takes_for_one_is_not_edited():
    m = vm.boot("x86-64", layout="tiny")
    step = m.walk(m.kernel_map.start).steps[-2]
    m.set_descriptor(step.pa, step.value & 0xFFF | 0x3FF000)  # a free frame
    with pytest.raises(vm.Refused, match=r"not in a page table of the kernel: .* undo that edit first"):
        m.set_descriptor(0x3FF008, 1)
    m.undo_descriptor()
    m.check()


def test_what_was_written_into_a_foreign_frame_is_said_when_the_edits_are_taken_back():
    m = vm.boot("x86-64", layout="tiny")
    a = m.kmem_alloc("4 KiB")
    leaf = m.walk(a).steps[-1]
    table = m.walk(m.kernel_map.start).steps[-1].pa & -PAGE
    m.set_descriptor(leaf.pa, leaf.value & 0xFFF | table)
    m.write(a, b"\xff" * PAGE)
    with pytest.raises(vm.KernelPanic, match=r"edited_tables.*the edits are undone, but something was written"):
        m.undo_descriptor()
    assert m.dead
    with pytest.raises(vm.Broken):
        m.check()
    with pytest.raises(vm.Refused, match=r"this machine is dead"):
        m.kmem_alloc("4 KiB")
