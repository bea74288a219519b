"""All of kmem at random, with requests for pages that fail: what is written stays, and no page is lost."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.engine.kernel.kmems import Kernel
from vmwidgets.engine.base.errors import Broken, KernelPanic
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.kmem import M_NOWAIT, M_USE_RESERVE, M_WAITOK, M_ZERO, Kmem
from vmwidgets.engine.kernel.threads.waits import PageWait, TimedWait

FREE_RESERVED, INTERRUPT_MIN = 8, 3
sizes = st.integers(1, 8)


class KmemMachine(RuleBasedStateMachine):
    """Two callers may wait at a time; everybody else must not have to."""

    @initialize()
    def boot(self):
        self.kernel = Kernel(pages=60, kmem=24, reserved=FREE_RESERVED, interrupt=INTERRUPT_MIN)
        self.written = {}
        self.waiting = []
        self.number = 0

    def keep(self, address, size, zeroed):
        for va in range(address, address + size * PAGE, PAGE):
            assert va not in self.written
            if zeroed:
                assert self.kernel.read(va) == 0
            self.number += 1
            self.kernel.write(va, self.number)
            self.written[va] = self.number

    def go_on(self, call, size, zeroed):
        try:
            wait = next(call)
        except StopIteration as done:
            if done.value:
                self.keep(done.value, size, zeroed)
            return
        except KernelPanic as panic:
            if panic.name != "kmem_map_too_small":
                raise
            return
        assert isinstance(wait, (PageWait, TimedWait))
        self.waiting.append((call, size, zeroed))

    @rule(
        size=sizes, flags=st.sampled_from([0, M_ZERO, M_USE_RESERVE, M_ZERO | M_USE_RESERVE]), fails=st.integers(0, 12)
    )
    def malloc_nowait(self, size, flags, fails):
        left, before = iter(range(fails)), self.kernel.frames.free_frames
        self.kernel.kmem.pages.veto = (lambda: next(left, None) is None) if fails else None
        self.go_on(
            self.kernel.kmem.kmem_malloc(self.kernel.kmem_map, size * PAGE, M_NOWAIT | flags), size, flags & M_ZERO
        )
        self.kernel.kmem.pages.veto = None
        if flags & M_USE_RESERVE:
            assert self.kernel.frames.free_frames >= min(before, INTERRUPT_MIN)

    @precondition(lambda self: len(self.waiting) < 2)
    @rule(size=sizes, zero=st.booleans())
    def malloc_waitok(self, size, zero):
        flags = M_WAITOK | (M_ZERO if zero else 0)
        self.go_on(self.kernel.kmem.kmem_malloc(self.kernel.kmem_map, size * PAGE, flags), size, zero)

    @precondition(lambda self: len(self.waiting) < 2)
    @rule(size=sizes)
    def alloc(self, size):
        before = self.kernel.frames.free_frames
        self.go_on(self.kernel.kmem.kmem_alloc(self.kernel.kernel_map, size * PAGE), size, True)
        assert self.kernel.frames.free_frames >= min(before, FREE_RESERVED)

    @rule(size=sizes)
    def alloc_nofault(self, size):
        before = self.kernel.frames.free_frames
        self.kernel.do(Kmem.kmem_alloc_nofault, self.kernel.kernel_map, size * PAGE)
        assert self.kernel.frames.free_frames == before

    @precondition(lambda self: self.waiting)
    @rule()
    def wake(self):
        self.go_on(*self.waiting.pop(0))

    @precondition(lambda self: self.written)
    @rule(data=st.data(), size=sizes)
    def free(self, data, size):
        address = data.draw(st.sampled_from(sorted(self.written)))
        size = next(n for n in range(1, size + 1) if n == size or address + n * PAGE not in self.written)
        vm_map = self.kernel.kmem_map
        if not vm_map.start <= address < vm_map.end:
            vm_map = self.kernel.kernel_map
        before, gone = self.kernel.frames.free_frames, [address + n * PAGE for n in range(size)]
        self.kernel.do(Kmem.kmem_free, vm_map, address, size * PAGE)
        for va in gone:
            del self.written[va]
        assert self.kernel.frames.free_frames == before + size

    @invariant()
    def nothing_is_lost(self):
        if hasattr(self, "kernel"):
            self.kernel.check()
            assert {va: self.kernel.read(va) for va in self.written} == self.written
            assert not any(vm_map.lock.held for vm_map in self.kernel.kmem.maps)


TestKmem = KmemMachine.TestCase


class CarelessMachine(RuleBasedStateMachine):
    """What the original lets pass: frees of anything, in any map, under callers that wait; until it panics."""

    @initialize()
    def start(self):
        self.boot()

    def boot(self):
        self.kernel = Kernel(pages=60, size=120, kmem=24, execs=8)
        self.calls = []
        self.dead = False

    def go_on(self, call):
        try:
            next(call)
        except StopIteration:
            return
        except KernelPanic:
            self.dead = any(vm_map.lock.held for vm_map in self.kernel.kmem.maps)
            return
        self.calls.append(call)

    @precondition(lambda self: not self.dead)
    @rule(
        function=st.sampled_from([Kmem.kmem_alloc, Kmem.kmem_alloc_nofault, Kmem.kmem_alloc_wait]),
        which=st.integers(0, 2),
        size=st.integers(0, 9 * PAGE) | st.integers(2**64 - 2 * PAGE, 2**64 - 1),
    )
    def allocate(self, function, which, size):
        self.go_on(function(self.kernel.kmem, self.kernel.kmem.maps[which], size))

    @precondition(lambda self: not self.dead)
    @rule(which=st.integers(0, 2), size=st.integers(1, 9 * PAGE), flags=st.sampled_from([M_NOWAIT, M_WAITOK | M_ZERO]))
    def malloc(self, which, size, flags):
        self.go_on(self.kernel.kmem.kmem_malloc(self.kernel.kmem.maps[which], size, flags))

    @precondition(lambda self: not self.dead)
    @rule(
        function=st.sampled_from([Kmem.kmem_free, Kmem.kmem_free_wakeup]),
        which=st.integers(0, 2),
        page=st.integers(0, 120),
        size=st.integers(0, 30 * PAGE) | st.integers(2**64 - 2**33, 2**64 - 1),
    )
    def free(self, function, which, page, size):
        self.kernel.do(function, self.kernel.kmem.maps[which], self.kernel.kmem.start + page * PAGE + page % 2, size)

    @precondition(lambda self: self.calls and not self.dead)
    @rule(data=st.data())
    def wake(self, data):
        self.go_on(self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1))))

    @precondition(lambda self: self.dead)
    @rule()
    def start_again(self):
        self.boot()

    @invariant()
    def it_stays_whole(self):
        if hasattr(self, "kernel"):
            self.kernel.check()


TestCareless = CarelessMachine.TestCase


def test_checks_find_what_is_wrong():
    kernel = Kernel()
    kernel.do(Kmem.kmem_malloc, kernel.kmem_map, PAGE, M_NOWAIT)
    pages = kernel.kmem.pages
    pages.wired += 1
    with pytest.raises(Broken, match="K2"):
        kernel.kmem.check()
    pages.wired -= 1
    page = next(iter(pages.in_use.values()))
    page.index += 1
    with pytest.raises(Broken, match="K1"):
        kernel.kmem.check()
    page.index -= 1
    kernel.kmem.kmem_object.references = 1
    with pytest.raises(Broken, match="K3"):
        kernel.kmem.check()
