"""Who was given what, kept in step with the maps: at the door, below it, and while calls wait."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.engine.kernel.threads.scheduler import Stuck
from vmwidgets.engine.machine.allocations import Allocation, Allocations

PAGE = vm.PAGE


@pytest.fixture
def m():
    return vm.boot("x86-64")


def spans(allocations, name=None):
    return [(one.start, one.end) for one in allocations if name in (None, one.map)]


class TestLedger:
    def test_maps_keep_their_own(self):
        ledger = Allocations()
        for name, start in (("b", 0x2000), ("a", 0x2000), ("b", 0x1000)):
            ledger.add(Allocation(start, start + 0x1000, name, "f"))
        ledger.drop("b", 0, 0x8000, "g")
        assert [(one.map, one.start) for one in ledger] == [("a", 0x2000)]
        assert (ledger.freed_by("b", 0x1000), ledger.freed_by("a", 0x2000), len(ledger)) == ("g", "", 1)

    def test_in_an_empty_range_there_is_nothing(self):
        ledger = Allocations()
        ledger.add(Allocation(0x1000, 0x3000, "a", "f"))
        ledger.drop("a", 0x2000, 0x2000, "g")
        assert spans(ledger) == [(0x1000, 0x3000)]

    def test_all_are_told_rising(self):
        ledger = Allocations()
        for name, start in (("b", 0x3000), ("a", 0x2000), ("b", 0x1000)):
            ledger.add(Allocation(start, start + 0x1000, name, "f"))
        assert [one.start for one in ledger] == [0x1000, 0x2000, 0x3000]
        assert [one.start for one in ledger.overlapping(0, 0x2001)] == [0x1000, 0x2000]

    def test_one_more_takes_the_place_of_what_it_overlaps(self):
        ledger = Allocations()
        ledger.add(Allocation(0x1000, 0x5000, "a", "f", "malloc"))
        ledger.add(Allocation(0x2000, 0x3000, "a", "g"))
        assert [(one.start, one.end, one.function, one.owner) for one in ledger] == [
            (0x1000, 0x2000, "f", ""),
            (0x2000, 0x3000, "g", ""),
            (0x3000, 0x5000, "f", ""),
        ]


class TestBelowTheDoor:
    def test_freeing_in_another_map_leaves_this_ones(self, m):
        a = m.kmem_alloc_wait(4 * PAGE)
        m.unchecked.kmem_free(m.kmem.pipe_map, int(a), 4 * PAGE)
        m.unchecked.kmem_free(m.kmem.kernel_map, int(a), PAGE)
        assert spans(m.kmem.allocations) == [(a, a + 4 * PAGE)]
        m.check()
        m.kmem_free(a, 4 * PAGE)

    @pytest.mark.parametrize("name", ["kmem_alloc", "kmem_alloc_nofault", "kmem_malloc", "kmem_alloc_wait"])
    def test_what_it_gives_can_be_freed_at_the_door(self, m, name):
        more = (vm.M_WAITOK,) if name == "kmem_malloc" else ()
        a = getattr(m.unchecked, name)(m.kmem.pipe_map, 3 * PAGE - 1, *more)
        assert [repr(one).rpartition(" by ")[2] for one in m.kmem.allocations] == [f"{name}>"]
        m.kmem_free(a, 3 * PAGE)
        assert (m.kmem.pipe_map.size, len(m.kmem.allocations)) == (0, 0)

    def test_of_zero_bytes_nothing_is_noted(self, m):
        m.unchecked.kmem_alloc(m.kmem.kmem_map, 0)
        assert len(m.kmem.allocations) == 0
        m.check()

    def test_an_address_that_two_maps_gave_is_two_allocations(self, m):
        exec_map = m.kmem.exec_map
        m.unchecked.kmem_free(m.kmem.kernel_map, int(exec_map.start), exec_map.end - exec_map.start)
        a, b = m.kmem_alloc(2 * PAGE), m.kmem_alloc_wait(PAGE)
        assert a == b
        m.check()
        m.kmem_free(exec_map, b, PAGE)
        assert spans(m.kmem.allocations) == [(a, a + 2 * PAGE)]
        m.kmem_free(m.kmem.kernel_map, a, 2 * PAGE)

    def sleeper(self, m):
        """A range of kmem_alloc, whose caller sleeps for pages."""
        m.pagedaemon.stop()
        m.take_pages(10**6)
        m.spawn(m.kmem_alloc, 2 * PAGE, name="sleeper")
        m.run()
        return list(m.kmem.kernel_map)[-1].start

    def test_a_range_that_went_while_its_function_slept_is_nobodys(self, m):
        a = self.sleeper(m)
        m.unchecked.kmem_free(m.kmem.kernel_map, int(a), 2 * PAGE)
        m.give_pages(10**6)
        m.run()
        assert m.threads["sleeper"].result == a, "the original does not look"
        assert len(m.kmem.allocations) == 0
        m.check()

    def test_a_range_that_went_and_was_given_again_is_one_allocation(self, m):
        a = self.sleeper(m)
        m.unchecked.kmem_free(m.kmem.kernel_map, int(a), 2 * PAGE)
        m.give_pages(10**6)
        assert m.kmem_alloc(2 * PAGE) == a
        m.run()
        assert spans(m.kmem.allocations) == [(a, a + 2 * PAGE)]
        m.kmem_free(a, 2 * PAGE)
        m.check()

    def test_a_zone_hands_nothing_out_of_a_slab_that_is_gone(self, m):
        kept, gone = m.malloc(2000), m.malloc(64)
        m.malloc(64)
        slab = gone & -PAGE
        m.unchecked.kmem_free(m.kmem.kmem_map, slab, PAGE)
        m.check()
        assert m.kmem_malloc(PAGE) == slab
        assert all(m.malloc(64) & -PAGE != slab for _ in range(100))
        with pytest.raises(vm.Refused, match=r"is not allocated"):
            m.free(gone)
        m.free(kept)
        m.uma_reclaim()
        m.check()

    def test_the_rest_of_a_slab_is_the_learners(self, m):
        zone = m.system.kernel.kmem.zones.zone_for(2000)
        assert zone.slab_size > PAGE
        slab = m.system.kernel.kmem.zones.kmem_map.start
        m.malloc(2000)
        m.unchecked.kmem_free(m.kmem.kmem_map, slab, PAGE)
        m.check()
        m.kmem_free(slab + PAGE, zone.slab_size - PAGE)
        assert m.kmem.kmem_map.size == 0
        m.check()

    def test_so_is_the_rest_of_a_large_request(self, m):
        a = m.malloc(4 * PAGE)
        m.unchecked.kmem_free(m.kmem.kmem_map, int(a) + PAGE, PAGE)
        m.check()
        with pytest.raises(vm.Refused):
            m.free(a)
        m.kmem_free(a, PAGE)
        m.kmem_free(a + 2 * PAGE, 2 * PAGE)
        assert m.kmem.kmem_map.size == 0

    def test_a_ready_slab_that_is_gone_is_not_used(self, m):
        zones = m.system.kernel.kmem.zones
        slab = m.kmem_malloc(PAGE)
        m.kmem.allocations.drop("kmem_map", slab, slab + PAGE, "the zones")
        zones.grown(zones.zone_for(64), slab)
        m.unchecked.kmem_free(m.kmem.kmem_map, int(slab), PAGE)
        m.check()
        again = m.kmem_malloc(PAGE)
        assert again == slab
        assert m.malloc(64) & -PAGE != slab


class TestWaiting:
    """While a call that frees waits for the lock of its map, nobody else frees the same."""

    def test_two_that_free_the_same_are_one_free_and_an_error(self, m):
        """The second would free what a third got in between."""
        a, errors = m.kmem_alloc_wait(2 * PAGE), []

        def frees():
            try:
                yield from m.kmem_free(a, 2 * PAGE)
            except vm.Refused as error:
                errors.append(str(error))

        def takes():
            b = yield from m.kmem_alloc_wait(2 * PAGE)
            yield from m.write(b, b"mine")
            return b

        m.kmem.exec_map.lock()
        for name, body in (("first", frees), ("third", takes), ("second", frees)):
            m.spawn(body, name=name)
        m.run()
        m.kmem.exec_map.unlock()
        m.run()
        assert m.threads["third"].result == a
        assert m.read(a, 4) == b"mine"
        (error,) = errors
        assert "is being freed already: kmem_free waits for the lock of exec_map" in error
        assert spans(m.kmem.allocations) == [(a, a + 2 * PAGE)]
        m.check()

    def test_one_that_gives_up_has_freed_nothing_and_another_may(self, m):
        a = m.kmem_alloc_wait(2 * PAGE)
        m.kmem.exec_map.lock()
        m.spawn(m.kmem_free, a, 2 * PAGE, name="waits")
        m.run()
        m.kill("waits")
        m.kmem.exec_map.unlock()
        m.kmem_free(a, 2 * PAGE)
        assert m.kmem.exec_map.size == 0

    def lock_kept(self, m):
        """The mutex of kmem_map, as somebody's who will not let go of it: no thread of the machine can be that one."""
        lock = m.system.kernel.kmem.zones.kmem_map.lock
        lock.holder = "somebody"
        return lock

    def test_malloc_keeps_what_a_free_that_was_stuck_did_not_free(self, m):
        a = m.malloc("64 KiB")
        lock = self.lock_kept(m)
        with pytest.raises(Stuck, match="free can't finish"):
            m.free(a)
        m.check()
        lock.release()
        m.free(a)
        assert (m.kmem.kmem_map.size, len(m.kmem.allocations)) == (0, 0)

    def test_a_large_one_is_freed_once(self, m):
        a = m.malloc("64 KiB")
        lock = self.lock_kept(m)
        m.spawn(m.free, a, name="first")
        m.run()
        with pytest.raises(vm.Refused, match="is being freed already: free waits"):
            m.free(a)
        lock.release()
        m.run()
        assert m.kmem.kmem_map.size == 0
        m.check()

    def test_zones_keep_their_slabs_while_somebody_has_the_lock(self, m):
        m.free(m.malloc(64))
        lock = self.lock_kept(m)
        assert m.uma_reclaim() == 0
        m.check()
        lock.release()
        assert m.uma_reclaim() == PAGE

    def test_so_they_do_for_a_thread_that_has_it(self, m):
        m.free(m.malloc(64))

        def asks():
            yield from m.kmem.kmem_map.lock()
            given = m.uma_reclaim()
            m.kmem.kmem_map.unlock()
            return given

        m.spawn(asks, name="asks")
        m.run()
        assert (m.threads["asks"].result, m.kmem.kmem_map.size) == (0, PAGE)

    def test_two_maps_of_one_name_are_one_and_an_error(self, m):
        m.kmem.pipe_map.lock()
        before, errors = list(m.kmem.maps), []

        def makes():
            try:
                yield from m.kmem_suballoc(PAGE, "new", parent="pipe_map")
            except vm.Refused as error:
                errors.append(str(error))

        for name in ("1", "2"):
            m.spawn(makes, name=name)
        m.run()
        m.kmem.pipe_map.unlock()
        m.run()
        assert (list(m.kmem.maps), len(errors)) == ([*before, "new"], 1)
        m.kmem_suballoc(PAGE, "next", parent="pipe_map")
        assert list(m.kmem.maps) == [*before, "new", "next"]
        assert [one.map.name for one in m.kmem.value().submaps[-1].submaps] == ["new", "next"]

    def test_a_name_is_free_again_when_its_call_was_given_up(self, m):
        m.kmem.pipe_map.lock()
        m.spawn(lambda: m.kmem_suballoc(PAGE, "new", parent="pipe_map"), name="waits")
        m.run()
        m.kill("waits")
        m.kmem.pipe_map.unlock()
        assert m.kmem_suballoc(PAGE, "new").path == "kmem/new"

    def test_a_machine_made_again_agrees(self, m):
        a = m.kmem_alloc_wait(2 * PAGE)
        m.unchecked.kmem_free(m.kmem.exec_map, int(a), PAGE)
        m.malloc(100)
        m.unchecked.kmem_free(m.kmem.kmem_map, int(m.kmem.kmem_map.start), PAGE)
        twin = m.branch(len(m.journal) - 1)
        assert list(twin.kmem.allocations) == list(m.kmem.allocations)
        assert twin.kmem.value() == m.kmem.value()


class TestBrokenLedger:
    def broken(self, m, message):
        with pytest.raises(vm.Broken, match=message):
            m.check()

    def test_what_no_entries_hold(self, m):
        a = m.kmem_malloc(PAGE)
        m.kmem.allocations.add(Allocation(a, a + 2 * PAGE, "kmem_map", "kmem_malloc"))
        self.broken(m, "^M10: .* is remembered, and no entries hold all of it")

    def test_what_malloc_gave_and_nobody_remembers(self, m):
        a = m.malloc(2 * PAGE)
        m.kmem.allocations.drop("kmem_map", a, a + PAGE, "nobody")
        self.broken(m, "^M10: malloc gave 1 ranges of whole pages, 0 are remembered")

    def test_a_slab_that_no_entry_holds(self, m):
        m.malloc(64)
        zones = m.system.kernel.kmem.zones
        (address,) = zones.slabs
        zone = zones.slabs[address]
        zones.kmem_map.delete(address, address + zone.slab_size)
        self.broken(m, f"^M9: the slab of zone 64 at {address:#x} lies in no entries of kmem_map$")

    def test_a_page_behind_map_entries_that_is_gone(self, m):
        start, _ = m.system.kernel.kmem.boot_range
        m.system.pmap.kremove(start, start + PAGE)
        self.broken(m, f"^M8: no page is mapped behind the slab of map entries at {start:#x}")


def test_an_allocation_says_what_it_is():
    one = Allocation(0x1000, 0x3000, "kmem_map", "malloc", "malloc")
    assert repr(one).endswith("8 KiB of kmem_map by malloc for malloc>")
    assert repr(one._replace(owner="")).endswith("8 KiB of kmem_map by malloc>")
