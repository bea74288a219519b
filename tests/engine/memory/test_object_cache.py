from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from vmwidgets.engine.base.errors import Broken, KernelPanic
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.units import KIB
from vmwidgets.engine.memory.slabs import ObjectCache
from vmwidgets.engine.memory.slabs_schema import SlabCreated, SlabDestroyed


class Supplier:
    """Runs one behind the other, with a hole between; given back ones are used again; it can run out."""

    def __init__(self, size=None):
        self.size = size
        self.next = 0x10000
        self.back = []
        self.out = set()
        self.empty = False

    def allocate(self):
        if self.empty:
            return None
        if self.back:
            address = self.back.pop()
        else:
            address, self.next = self.next, self.next + 2 * self.size
        self.out.add(address)
        return address

    def free(self, address):
        self.out.remove(address)
        self.back.append(address)


def make(object_size=80, **options):
    supplier = Supplier()
    cache = ObjectCache(Recorder(), "entry", object_size, supplier, **options)
    supplier.size = cache.layout.slab_size
    return cache, supplier


class CacheMachine(RuleBasedStateMachine):
    """Against a dict of the objects handed out."""

    @initialize(size=st.sampled_from([80, 600, 3000, 20 * KIB, 40 * KIB]))
    def make(self, size):
        self.cache, self.supplier = make(size)
        self.objects: dict[int, int] = {}
        self.count = 0

    @rule(times=st.integers(1, 120))
    def allocate(self, times):
        for _ in range(times):
            address = self.cache.allocate()
            if address is None:
                assert self.supplier.empty, "only an empty supplier stops a cache"
                assert len(self.objects) == len(self.supplier.out) * self.cache.layout.buffers
                return
            assert address not in self.objects
            slab = self.cache.slab_at(address)
            assert slab in self.supplier.out
            assert slab <= address <= slab + self.cache.layout.slab_size - self.cache.layout.buffer_size
            self.objects[address] = self.count
            self.count += 1

    @precondition(lambda self: self.objects)
    @rule(data=st.data(), share=st.sampled_from([1, 3, 10]))
    def free(self, data, share):
        order = data.draw(st.sampled_from([1, -1]))
        for address in list(self.objects)[:: order * share]:
            del self.objects[address]
            self.cache.free(address)
            with pytest.raises(KernelPanic, match="slab_double_free"):
                self.cache.free(address)

    @rule()
    def reap(self):
        before, slabs = set(self.supplier.out), list(self.cache.slabs())
        assert self.cache.reap() == len([slab for slab in slabs if slab.state == "free"])
        assert self.supplier.out == before - {slab.address for slab in slabs if slab.used == 0}

    @rule(empty=st.booleans())
    def run_out(self, empty):
        self.supplier.empty = empty

    @invariant()
    def agrees(self):
        if not hasattr(self, "cache"):
            return
        self.cache.check()
        value = self.cache.snapshot()
        assert {slab.address for slab in value.slabs} == self.supplier.out
        free = [address for slab in value.slabs for address in slab.free]
        everything = sorted([*free, *self.objects])
        assert len(everything) == len(self.supplier.out) * value.buffers_per_slab
        apart = [high - low for low, high in pairwise(everything)]
        assert all(distance >= value.buffer_size for distance in apart), "buffers overlap"


TestCache = CacheMachine.TestCase


def states(cache):
    return [(slab.address, slab.state, slab.used) for slab in cache.slabs()]


def test_a_new_slab_gives_its_highest_buffer_first_and_a_freed_one_next():
    cache, _ = make()
    first, second = cache.allocate(), cache.allocate()
    assert (first, second) == (0x10000 + 49 * 80, 0x10000 + 48 * 80)
    cache.free(first)
    assert next(cache.slabs()).free[:2] == (first, 0x10000 + 47 * 80)
    assert cache.allocate() == first


def test_colours_shift_slab_after_slab_and_begin_again():
    recorder, created = Recorder(), []
    supplier = Supplier(4096)
    cache = ObjectCache(recorder, "entry", 80, supplier)
    recorder.emit = lambda raw: created.append(raw[3]) if raw[0] is SlabCreated.tag else None
    objects = [cache.allocate() for _ in range(50 * 9)]
    assert created == [0, 8, 16, 24, 32, 40, 48, 56, 0]
    assert objects[50] == supplier.next - 9 * 8192 + 8192 + 8 + 49 * 80


def test_partial_slabs_are_used_first_then_the_first_free_one():
    cache, _ = make(400)  # ten a slab
    objects = [cache.allocate() for _ in range(31)]
    one, two, three, four = 0x10000, 0x12000, 0x14000, 0x16000
    assert states(cache) == [(four, "partial", 1), (one, "full", 10), (two, "full", 10), (three, "full", 10)]
    cache.free(objects[10])  # full becomes partial: to the head
    assert [state[0] for state in states(cache)] == [two, four, one, three]
    for freed in objects[20:30]:
        cache.free(freed)
    assert states(cache)[2] == (three, "free", 0)
    for _ in range(1 + 9):  # the rest of the partial ones, head first
        cache.allocate()
    assert [state[0] for state in states(cache) if state[1] != "full"] == [three]
    assert cache.slab_at(cache.allocate()) == three


def test_a_slab_that_was_free_goes_to_the_tail_of_the_partial_ones():
    cache, supplier = make(400)
    objects = [cache.allocate() for _ in range(20)]
    for freed in objects:
        cache.free(freed)
    assert [state[1] for state in states(cache)] == ["free", "free"]
    again = [cache.allocate() for _ in range(10)]
    cache.free(again[0])  # 0x10000: partial, alone
    supplier.empty = True
    assert [(state[0], state[1]) for state in states(cache)] == [(0x10000, "partial"), (0x12000, "free")]
    assert cache.slab_at(cache.allocate()) == 0x10000
    cache.allocate()  # 0x12000 becomes partial
    cache.free(again[1])
    assert [state[0] for state in states(cache)] == [0x10000, 0x12000]


def test_reaping_gives_free_slabs_back():
    recorder, events = Recorder(), []
    supplier = Supplier(4096)
    cache = ObjectCache(recorder, "entry", 80, supplier)
    objects = [cache.allocate() for _ in range(60)]
    for address in objects[:50]:
        cache.free(address)
    recorder.emit = events.append
    assert cache.reap() == 1
    assert events == [(SlabDestroyed.tag, "entry", 0x10000)]
    assert supplier.back == [0x10000]
    with pytest.raises(KernelPanic, match="slab_foreign_free"):
        cache.free(objects[0])


@pytest.mark.parametrize("offset", [1, 80 * 50, -80, 1 << 40])
def test_what_is_no_object_can_not_be_freed(offset):
    cache, _ = make()
    cache.allocate()
    with pytest.raises(KernelPanic, match="slab_foreign_free"):
        cache.free(0x10000 + offset)
    cache.check()


def test_check_finds_a_slab_on_the_wrong_list():
    cache, _ = make()
    cache.allocate()
    lists = cache._lists
    lists["full"][0x10000] = lists["partial"].pop(0x10000)
    with pytest.raises(Broken, match=r"2\. a slab knows its list: the slab at 0x10000 of entry is on full"):
        cache.check()


def test_what_is_freed_is_allocated_no_longer():
    cache, _ = make()
    objects = [cache.allocate() for _ in range(3)]
    assert cache.allocated == 3
    for left, address in zip((2, 1, 0), objects, strict=True):
        cache.free(address)
        assert cache.allocated == left


def test_one_free_object_is_not_enough_for_two():
    cache, supplier = make()
    for _ in range(cache.layout.buffers - 1):
        cache.allocate()
    assert cache.provide(1)
    assert len(supplier.out) == 1
    assert cache.provide(2)
    assert len(supplier.out) == 2
    supplier.empty = True
    assert cache.provide(cache.layout.buffers + 1)
    assert not cache.provide(cache.layout.buffers + 2)
