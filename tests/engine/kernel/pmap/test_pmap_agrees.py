"""Random work on several pmaps, against a plain dict of pages each; the walker must find what was entered."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.engine.kernel.pmaps import tables_of
from vmwidgets.engine.base.errors import KernelError, KernelPanic
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.pmap.pmap import Pmap
from vmwidgets.engine.kernel.pmap.spaces import KernelPmap
from vmwidgets.engine.kernel.pmap.table_space import PmapLayout
from vmwidgets.engine.kernel.pmap.user_pmap import UserPmap
from vmwidgets.engine.memory.pages import PageAllocator
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats.x86 import X86_64

LARGE = 1 << 21
LAYOUTS = {
    "wide": PmapLayout(X86_64, 0xFFFF_8080_0000_0000, 0xFFFF_FFFF_8000_0000, 1 << 47, 0xFFFF_8000_0000_0000),
    "narrow": PmapLayout(X86_64, 0xC040_0000, 0xFC00_0000, 0xC000_0000),
    "tiny": PmapLayout(X86_64, 0x20_2000, 0xC0_0000, 0x20_1000),
}
Pages = dict[int, tuple[int, bool]]
"""Page address to physical address and whether it may be written."""

places = st.sampled_from([0, 512, 1024]) | st.integers(0, 3 * 512 - 1)
lengths = st.sampled_from([1, 2, 512, 700, 1024, 1536])
frames = st.integers(0, 1 << 18)
protections = st.integers(0, 7)


class PmapMachine(RuleBasedStateMachine):
    @initialize(name=st.sampled_from(sorted(LAYOUTS)), count=st.integers(6, 40))
    def boot(self, name: str, count: int) -> None:
        self.layout = LAYOUTS[name]
        self.pages = PageAllocator(Recorder(), 1, count)
        self.kernel = KernelPmap(Ram(1 << 20), self.pages, self.layout, Recorder())
        self.model: dict[str, Pages] = {"kernel": {}}
        self.made = 0
        self.near = [self.layout.kernel_start]

    @property
    def pmaps(self) -> list[Pmap]:
        return [self.kernel, *self.kernel.users]

    def range_in(self, pmap: Pmap, place: int, pages: int = 1) -> tuple[int, int]:
        """Some pages at the low end of the pmap's half, for users also at the high one."""
        kernel = pmap is self.kernel
        low, high = (self.layout.kernel_start, self.layout.kernel_end) if kernel else (0, self.layout.user_end)
        size = min(pages * PAGE, high - low)
        start = min(low + place * PAGE, high - size) if place % 2 else max(high - size - place * PAGE, low)
        if kernel:
            start = min(low + place * PAGE, high - size)
        return start, start + size

    def agreed(self, pmap: Pmap, pages: Pages, places: list[int], user: bool) -> None:
        for va in places:
            expected = pages.get(va)
            walk = pmap.walk(va, "write", user)
            if expected is None:
                assert walk.fault is not None
                assert walk.fault.kind == "not-present"
            elif expected[1]:
                assert walk.pa == expected[0]
            else:
                assert walk.fault is not None
                assert (walk.fault.kind, pmap.extract(va)) == ("protection", expected[0])

    @rule(data=st.data(), place=places, frame=frames, protection=protections, large=st.booleans())
    def enter(self, data: Any, place: int, frame: int, protection: int, large: bool) -> None:
        pmap = data.draw(st.sampled_from(self.pmaps), "pmap")
        size = LARGE if large else PAGE
        va = self.range_in(pmap, place)[0] // size * size
        level = X86_64.level(2 if large else 1)
        if self.layout.side(level, va) != ("kernel" if pmap is self.kernel else "user"):
            return
        if pmap is self.kernel and va < self.layout.kernel_start:
            return
        free, before = self.pages.free_pages, [tables_of(one) for one in self.pmaps]
        try:
            pmap.enter(va, frame * size, protection, size)
        except KernelError:
            assert free < 4
            assert (self.pages.free_pages, [tables_of(one) for one in self.pmaps]) == (free, before)
            return
        for offset in range(0, size, PAGE):
            self.model[pmap.name][va + offset] = (frame * size + offset, bool(protection & 2))
        self.near = [va - PAGE, va, va + size - PAGE, va + size]

    @rule(data=st.data(), place=places, pages=lengths)
    def remove(self, data: Any, place: int, pages: int) -> None:
        pmap = data.draw(st.sampled_from(self.pmaps), "pmap")
        start, end = self.range_in(pmap, place, pages)
        pmap.remove(start, end)
        for va in range(start, end, PAGE):
            self.model[pmap.name].pop(va, None)
        self.near = [start - PAGE, start, end - PAGE, end]

    @rule(data=st.data(), place=places, pages=lengths, protection=protections)
    def protect(self, data: Any, place: int, pages: int, protection: int) -> None:
        pmap = data.draw(st.sampled_from(self.pmaps), "pmap")
        start, end = self.range_in(pmap, place, pages)
        pmap.protect(start, end, protection)
        held = self.model[pmap.name]
        for va in range(start, end, PAGE):
            if va in held:
                held[va] = (held[va][0], bool(protection & 2))
        self.near = [start - PAGE, start, end - PAGE, end]

    @rule(spans=st.sampled_from([0, 1, 2, 3, 5, 600]))
    def grow(self, spans: int) -> None:
        end = min(self.layout.kernel_start + spans * LARGE, self.layout.kernel_end)
        before = self.kernel.klimit, self.pages.free_pages
        try:
            self.kernel.kgrow(end)
        except KernelPanic:
            assert (self.kernel.klimit, self.pages.free_pages) == before
        else:
            assert self.kernel.klimit > end or self.kernel.klimit == before[0]

    @precondition(lambda self: len(self.kernel.users) < 3)
    @rule()
    def create(self) -> None:
        free = self.pages.free_pages
        try:
            user = self.kernel.create(f"user {self.made}")
        except KernelError:
            assert self.pages.free_pages == free < 4
            return
        self.model[user.name] = {}
        self.made += 1

    @precondition(lambda self: self.kernel.users)
    @rule(data=st.data())
    def destroy(self, data: Any) -> None:
        user = data.draw(st.sampled_from(self.kernel.users), "user")
        del self.model[user.name]
        user.destroy()

    @invariant()
    def every_page_is_where_it_was_entered(self) -> None:
        if not hasattr(self, "kernel"):
            return
        self.kernel.check()
        self.pages.check()
        for pmap in self.pmaps:
            mine = self.model[pmap.name]
            everything = mine if pmap is self.kernel else self.model["kernel"] | mine
            assert mapped(pmap) == {va: pa for va, (pa, _) in everything.items()}
            kernel_side = [va for va in self.near if self.layout.is_kernel(va)]
            self.agreed(pmap, self.model["kernel"], kernel_side, user=False)
            if isinstance(pmap, UserPmap):
                self.agreed(pmap, mine, [va for va in self.near if self.layout.is_user(va)], user=True)

    def teardown(self) -> None:
        if hasattr(self, "kernel"):
            for user in list(self.kernel.users):
                user.destroy()
            assert self.pages.total_pages - self.pages.free_pages == len(self.kernel.tables)


def mapped(pmap: Pmap) -> dict[int, int]:
    """Every page that the tables map."""
    layout = pmap.layout
    ranges = (0, layout.user_end), (layout.kernel_start, layout.kernel_end)
    slots = (slot for start, end in ranges for slot in pmap.editor.leaves(pmap.root, start, end))
    return {slot.va + at: slot.address + at for slot in slots for at in range(0, slot.span, PAGE)}


TestPmap = PmapMachine.TestCase
