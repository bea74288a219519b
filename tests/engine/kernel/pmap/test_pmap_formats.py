"""The pmap on every table format: what it enters the hardware finds, and all else stays as it was."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from vmwidgets.engine.base.errors import KernelError
from vmwidgets.engine.base.protection import READ, WRITE
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.kernel.pmap.spaces import KernelPmap
from vmwidgets.engine.kernel.pmap.table_space import PmapLayout
from vmwidgets.engine.memory.pages import PageAllocator
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats import FORMATS

PAGE = 4096
RAM = 64 << 20
LIMITS = {  # kernel_start, bytes of kernel space, user_end
    "x86": (0xC040_0000, 64 << 20, 0xC000_0000),
    "x86-pae": (0xC080_0000, 64 << 20, 0xC000_0000),
    "x86-64": (0xFFFF_8080_0000_0000, 64 << 20, 1 << 47),
    "x86-64-la57": (0xFF80_0000_0000_0000, 64 << 20, 1 << 56),
    "armv7": (0xC040_0000, 64 << 20, 0xC000_0000),
    "aarch64": (0xFFFF_0000_0000_0000, 64 << 20, 1 << 48),
    "riscv-sv39": (0xFFFF_FFC0_0000_0000, 64 << 20, 1 << 38),
}


class Space:
    """A kernel's and a user's pmap of one format, with a plain table of pages beside them."""

    def __init__(self, name, frames=4096):
        self.fmt = FORMATS[name]
        start, size, user_end = LIMITS[name]
        self.ram = Ram(1 << 32)
        self.pages = PageAllocator(Recorder(), 1 << 10, frames)
        layout = PmapLayout(self.fmt, start, start + size, user_end)
        self.kernel = KernelPmap(self.ram, self.pages, layout, Recorder())
        self.user = self.kernel.create("init")
        self.controls = replace(self.fmt.defaults, afe=True) if name == "armv7" else self.fmt.defaults
        self.model = {}

    def enter(self, va, pa, protection, size):
        self.user.enter(va, pa, protection, size)
        for offset in range(0, size, PAGE):
            self.model[va + offset] = (pa + offset, bool(protection & WRITE))

    def remove(self, start, end):
        self.user.remove(start, end)
        for va in range(start, end, PAGE):
            self.model.pop(va, None)

    def protect(self, start, end, protection):
        self.user.protect(start, end, protection)
        for va in range(start, end, PAGE):
            if va in self.model:
                self.model[va] = (self.model[va][0], bool(protection & WRITE))

    def found(self, va, access="read", user=True):
        return self.user.walk(va, access, user, self.controls)

    def agrees(self, pages):
        for va in pages:
            wanted = self.model.get(va)
            read, write = self.found(va + 5), self.found(va + 5, "write")
            assert read.pa == (None if wanted is None else wanted[0] + 5), hex(va)
            assert write.pa == (read.pa if wanted is not None and wanted[1] else None), hex(va)
            assert self.user.extract(va) == (None if wanted is None else wanted[0])
        self.kernel.check()


def held(ram):
    frames, nothing = range(1 << 10, (1 << 10) + 4096), bytes(PAGE)
    return {frame: data for frame in frames if (data := ram.read(frame * PAGE, PAGE)) != nothing}


@pytest.mark.parametrize("name", FORMATS)
class TestEachFormat:
    def test_every_size_of_page_is_found_by_the_hardware(self, name):
        space = Space(name)
        for number, size in enumerate(space.fmt.page_sizes):
            if size > 1 << 30:
                continue
            va = (number + 1) * (1 << 30) % LIMITS[name][2] if size < 1 << 30 else 1 << 30
            pa = size * (2 if size < 1 << 28 else 1)
            if pa + size > 1 << 32:
                continue
            space.enter(va, pa, READ | WRITE, size)
            for offset in (0, size - PAGE):
                walk = space.found(va + offset)
                assert (walk.pa, walk.page_size) == (pa + offset, size)
        space.kernel.check()

    def test_user_code_does_not_reach_the_kernels_pages(self, name):
        space = Space(name)
        va = space.kernel.layout.kernel_start
        space.kernel.kgrow(va + PAGE)
        space.kernel.kenter(va, 0x5000, READ | WRITE)
        assert space.found(va, user=False).pa == 0x5000
        assert space.found(va, user=True).fault is not None
        assert space.kernel.walk(va, "write", False, space.controls).pa == 0x5000

    @pytest.mark.parametrize("large", [False, True])
    @pytest.mark.parametrize("shape", ["falling", "rising", "strewn"])
    def test_a_range_of_the_kernels_is_entered_and_removed_as_page_by_page(self, name, large, shape):
        at_once, by_page = Space(name), Space(name)
        frames = {
            "falling": range(0x90, 0x86, -1),
            "rising": range(0x80, 0x8A),
            "strewn": (5, 9, 2, 7, 8, 6, 1, 4, 3, 0),
        }
        border = at_once.kernel.layout.kernel_start + 2 * at_once.fmt.level(2).span
        start = border - 6 * PAGE
        for one in (at_once, by_page):
            one.kernel.kgrow(border + PAGE)
            one.kernel.kenter(start + 2 * PAGE, 0x5000, READ)
            if large:
                one.kernel.enter(border - at_once.fmt.level(2).span * 2, 0, READ, one.fmt.page_sizes[1])
        at_once.kernel.kenter_pages(start, frames[shape], READ | WRITE)
        for number, frame in enumerate(frames[shape]):
            by_page.kernel.kenter(start + number * PAGE, frame * PAGE, READ | WRITE)
        assert held(at_once.ram) == held(by_page.ram)
        for first, last in ((1, 2), (3, 7), (8, 10), (0, 10)):
            at_once.kernel.remove(start + first * PAGE, start + last * PAGE)
            for number in range(first, last):
                by_page.kernel.remove(start + number * PAGE, start + (number + 1) * PAGE)
            left = [at_once.kernel.extract(va) for va in range(start, border + 4 * PAGE, PAGE)]
            assert held(at_once.ram) == held(by_page.ram)
            for begin, end in ((start, border), (border, border + 4 * PAGE), (start, border + 4 * PAGE)):
                there = left[begin - start >> 12 : end - start >> 12]
                assert at_once.kernel.translated(begin, end) == [pa >> 12 for pa in there if pa is not None]
        at_once.kernel.check()

    def test_some_pages_of_a_page_that_fills_several_slots_go_and_the_rest_stays(self, name):
        space = Space(name)
        size = space.fmt.page_sizes[1]
        space.enter(size, 2 * size, READ | WRITE, size)
        space.remove(size + 2 * PAGE, size + 5 * PAGE)
        assert [space.found(size + number * PAGE).page_size for number in (0, 1, 5, 6)] == [PAGE] * 4
        space.agrees(range(0, 3 * size, PAGE) if size < 1 << 18 else range(size, size + 8 * PAGE, PAGE))

    def test_what_grows_later_is_seen_in_all_spaces(self, name):
        space = Space(name)
        va = space.kernel.layout.kernel_start + (32 << 20)
        space.kernel.kgrow(va)
        space.kernel.kenter(va, 0x7000, READ)
        assert space.found(va, user=False).pa == 0x7000
        assert space.found(va, "write", user=False).fault is not None

    def test_a_part_of_a_large_page_goes_and_the_rest_stays(self, name):
        for size in [one for one in FORMATS[name].page_sizes if PAGE < one <= 1 << 24]:
            space = Space(name)
            va = 1 << 24
            space.enter(va, 1 << 24, READ | WRITE, size)
            middle = va + size // 2
            space.remove(middle, middle + PAGE)
            space.protect(va + PAGE, va + 2 * PAGE, READ)
            space.agrees(range(va, va + size, max(PAGE, size // 64)))
            space.agrees([middle, middle - PAGE, middle + PAGE, va + PAGE, va + 2 * PAGE])

    def test_tables_come_back_when_they_are_empty(self, name):
        space = Space(name)
        before = space.pages.free_pages
        for size in [one for one in space.fmt.page_sizes if one <= 1 << 24]:
            space.enter(1 << 26, 1 << 26, READ, size)
            space.remove(1 << 26, (1 << 26) + size)
        assert space.pages.free_pages == before
        space.kernel.check()

    def test_pages_side_by_side_are_promoted_and_split_again(self, name):
        fmt = FORMATS[name]
        sizes = [size for size in fmt.page_sizes if size <= 1 << 22]
        space = Space(name)
        va, pa = 1 << 26, 1 << 25
        for small, large in pairwise(sizes):
            space.enter(va, pa, READ | WRITE, small)
            assert not space.user.promote(va, large), "one part is not all"
            for offset in range(0, large, small):
                space.enter(va + offset, pa + offset, READ | WRITE, small)
            assert space.user.promote(va, large)
            assert space.found(va).page_size == large
            space.agrees(range(va, va + large, small))
            space.protect(va + large - PAGE, va + large, READ)
            assert not space.user.promote(va, large), "parts differ"
            space.agrees(range(va, va + large, small))
            space.remove(va, va + large)

    @pytest.mark.parametrize("seed", range(3))
    def test_random_work_agrees_with_a_plain_table(self, name, seed):
        chance = random.Random(f"{name} {seed}")
        space = Space(name, frames=chance.choice([40, 4096]))
        sizes = [size for size in space.fmt.page_sizes if size <= 1 << 24]
        base = 1 << 26
        window = 4 * max(sizes)
        for _ in range(40):
            size = chance.choice([*sizes, PAGE, PAGE])
            va = base + chance.randrange(window // size) * size
            start = base + chance.randrange(window // PAGE) * PAGE
            end = min(base + window, start + chance.choice([PAGE, 5 * PAGE, 1 << 20, 3 << 20]))
            kind = chance.randrange(5)
            before = dict(space.model)
            try:
                if kind < 3:
                    space.enter(
                        va, chance.randrange((1 << 28) // size) * size, chance.choice([READ, READ | WRITE]), size
                    )
                elif kind == 3:
                    space.remove(start, end)
                else:
                    space.protect(start, end, chance.choice([READ, READ | WRITE]))
            except KernelError:  # no page for a table
                assert space.model == before
            edges = {va, va + size - PAGE, va - PAGE, start, end - PAGE, start - PAGE, end}
            some = {base + chance.randrange(window // PAGE) * PAGE for _ in range(30)}
            space.agrees(sorted(page for page in edges | some if base <= page < base + window))
        space.user.destroy()
        space.kernel.check()


def test_arms_small_tables_share_pages():
    space = Space("armv7")
    before = space.pages.free_pages
    for number in range(8):
        space.enter((number + 1) << 20, 0x5000, READ, PAGE)
    assert before - space.pages.free_pages == 2, "four tables of 1 KiB in a page"


def test_a_root_of_16_kib_is_aligned_to_its_size():
    assert Space("armv7").user.root % (16 << 10) == 0


@pytest.mark.parametrize("name", FORMATS)
def test_promotion_keeps_what_the_parts_had_beside_the_address(name):
    """Split a large page, promote its parts: the same word, dirty and accessed bits set by hand included."""
    space = Space(name)
    for size in [one for one in space.fmt.page_sizes if PAGE < one <= 1 << 22]:
        va = 1 << 26
        space.enter(va, 1 << 26, READ | WRITE, size)
        slot = space.user.editor.first_copy(space.user.editor.find(space.user.root, va))
        touched = slot.word | space.fmt.rules.accessed(slot.descriptor, True, space.controls)
        for copy in space.user.editor.copies(slot):
            space.user.editor.write(copy, touched)
        space.protect(va + PAGE, va + 2 * PAGE, READ)
        space.protect(va + PAGE, va + 2 * PAGE, READ | WRITE)
        for page in [one for one in space.fmt.page_sizes if PAGE < one <= size]:
            for at in range(va, va + size, page):
                space.user.promote(at, page)
        again = space.user.editor.first_copy(space.user.editor.find(space.user.root, va))
        assert (hex(again.word), again.span) == (hex(touched), size)
        space.remove(va, va + size)


def test_a_small_page_inside_a_kernels_supersection_is_seen_in_all_spaces():
    space = Space("armv7")
    va = 0xC100_0000
    space.kernel.kgrow(va + (16 << 20))
    space.kernel.enter(va, 1 << 28, READ | WRITE, 16 << 20)
    space.kernel.enter(va + (1 << 20), 1 << 29, READ | WRITE, 1 << 20)
    assert space.found(va + (1 << 20), user=False).pa == 1 << 29
    assert space.found(va + (2 << 20), user=False).pa == (1 << 28) + (2 << 20)
    space.kernel.check()


def test_growing_counts_pages_and_not_the_tables_in_them():
    space = Space("armv7", frames=40)
    while space.pages.free_pages > 6:
        space.pages.allocate()
    space.kernel.kgrow(space.kernel.klimit + (15 << 20))
    assert space.pages.free_pages <= 3
