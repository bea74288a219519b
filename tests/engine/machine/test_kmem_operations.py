"""The kmem functions at a machine's door: what they give, what the door refuses, and the bytes behind it."""

from __future__ import annotations

from statistics import median

import pytest

import vmwidgets as vm
from tests.work import calls_of
from vmwidgets.engine.machine.arguments import malloc_flags

PAGE = vm.PAGE


@pytest.fixture
def m():
    return vm.boot("x86-64")


def fill(m, name="kmem_map"):
    """Use a map up, page by page, by callers that may not wait."""
    taken = []
    while address := m.kmem_malloc(PAGE, vm.M_NOWAIT, map=name):
        taken.append(address)
    return taken


class TestRightsOfWhatIsFaultedIn:
    @pytest.mark.parametrize("architecture", ["x86-64", "armv7", "aarch64", "riscv-sv39"])
    def test_memory_that_may_only_be_written_can_be_written(self, architecture):
        m = vm.boot(architecture)
        a = m.kmem_alloc_wait("8 KiB")
        m.kmem.exec_map.protect(a, size=PAGE, prot="w")
        with pytest.raises(vm.KernelError, match=r"ACCES: .* allows -w-, but this access needs r--"):
            m.read(a, 5)
        m.write(a, b"hello")
        assert m.walk(a, "write").pa is not None
        m.kmem.exec_map.protect(a, size=PAGE, prot="r")
        assert m.read(a, 5) == b"hello"
        with pytest.raises(vm.KernelError, match=r"ACCES: .* allows r--, but this access needs -w-"):
            m.write(a, b"hello")
        m.check()

    def test_a_page_that_was_written_stays_when_reading_goes(self):
        m = vm.boot()
        a = m.kmem_alloc_wait(PAGE)
        m.write(a, b"kept")
        frame = m.walk(a).pa
        m.kmem.exec_map.protect(a, size=PAGE, prot="w")
        m.write(a, b"K")
        assert m.walk(a).pa == frame
        m.kmem.exec_map.protect(a, size=PAGE, prot="-")
        assert m.walk(a).pa is None
        m.check()

    def test_the_last_fault_of_a_protected_range_costs_what_the_first_did(self):
        m = vm.boot()
        a = m.kmem_alloc_wait("1 MiB")
        m.kmem.exec_map.protect(a, size="1 MiB", prot="rw")
        costs = [calls_of(lambda page=page: m.write(a + page * PAGE, b"x")) for page in range(256)]
        full = costs[64:]  # the TLB of 64 entries is full from then on
        known = 20  # a word that something in this process has read before is not decoded again
        first, last = median(full[:64]), median(full[-64:])  # one call may fill a cache of the whole process
        assert last <= first + known, "what grows with the pages costs 64 calls more by then"


class TestWhere:
    def test_each_function_has_its_map(self, m):
        maps = m.kmem.maps
        for call, name in [
            (lambda: m.kmem_alloc(1), "kernel_map"),
            (lambda: m.kmem_malloc(1), "kmem_map"),
            (lambda: m.kmem_alloc_nofault(1), "kernel_map"),
            (lambda: m.kmem_alloc_wait(1), "exec_map"),
        ]:
            before = {one: maps[one].size for one in maps}
            call()
            grown = {one: maps[one].size - before[one] for one in maps if maps[one].size != before[one]}
            assert grown == {name: PAGE}

    def test_the_map_may_stand_first_as_in_the_original_or_be_named(self, m):
        pipe = m.kmem.pipe_map
        for address in (
            m.kmem_alloc_wait(pipe, "8 KiB"),
            m.kmem_alloc_wait("8 KiB", map=pipe),
            m.kmem_alloc_wait("8 KiB", map="pipe_map"),
        ):
            assert pipe.start <= address < pipe.end
        assert pipe.size == 3 * 8 * vm.KIB
        m.kmem_free_wakeup(pipe, pipe.start, "8 KiB")
        assert pipe.size == 2 * 8 * vm.KIB
        with pytest.raises(vm.Refused, match="given twice"):
            m.kmem_alloc(pipe, PAGE, map=pipe)

    def test_a_submap_of_ones_own_is_found_and_gives_memory(self, m):
        own = m.kmem_suballoc("64 KiB", "own", parent="pipe_map")
        assert m.kmem.own is own
        address = m.kmem_malloc("60 KiB", map="own")
        assert own.start <= address < own.end
        assert m.kmem_malloc("8 KiB", "M_NOWAIT", map="own") == 0
        with pytest.raises(vm.Refused, match="with this name"):
            m.kmem_suballoc("64 KiB", "own")
        with pytest.raises(AttributeError, match="has no other"):
            _ = m.kmem.other
        m.check()

    def test_a_submap_that_fills_its_parent_gives_memory_and_takes_it_back(self, m):
        pipe_map = m.kmem.pipe_map
        own = m.kmem_suballoc(pipe_map.end - pipe_map.start, "own", parent=pipe_map)
        inner = m.kmem_suballoc(own.end - own.start, "inner", parent=own)
        address = m.kmem_alloc_wait("8 KiB", map=inner)
        assert m.kmem.map_of(address) is inner
        m.write(address, b"hello")
        assert m.read(address, 5) == b"hello"
        m.check()
        m.kmem_free(address, "8 KiB")
        assert inner.size == 0
        with pytest.raises(vm.KernelError, match=r"FAULT: nothing is allocated at .* in inner"):
            m.write(address, b"hello")
        m.check()

    def test_the_place_of_a_map_that_lost_it_is_its_parents(self, m):
        exec_map = m.kmem.exec_map
        a = m.kmem_alloc_wait(PAGE)
        m.unchecked.kmem_free(m.kmem.kernel_map, int(exec_map.start), exec_map.end - exec_map.start)
        assert m.kmem.map_of(a) is m.kmem.kernel_map
        with pytest.raises(vm.KernelError, match=r"nothing is allocated at .* in kmem.kernel_map"):
            m.write(a, b"x")

    @pytest.mark.parametrize(
        ("placement", "gap"), [("freebsd", 0), ("first", 0), ("best", 4), ("worst", 6), ("next", 12)]
    )
    def test_a_submap_is_searched_by_its_placement_and_no_other_map_is(self, m, placement, gap):
        own = m.kmem_suballoc("64 KiB", "own", placement=placement)
        pages = [m.kmem_alloc_nofault(PAGE, map=own) for _ in range(12)]
        for freed in (0, 1, 4, 6, 7, 8, 9, 10):  # gaps of 2, 1 and 5 pages, and one of 4 at the end
            m.kmem_free(pages[freed], PAGE)
        assert m.kmem_alloc_nofault(PAGE, map=own) == own.start + gap * PAGE
        assert own.placement == placement
        assert (f"{placement} fit" in repr(own)) == (placement != "freebsd")
        assert {one.placement for one in m.kmem.maps.values() if one is not own} == {"freebsd"}
        m.check()

    def test_a_placement_that_is_none_is_refused_before_anything_happens(self, m):
        before = m.kmem.kernel_map.entries()
        for nonsense in ("x15", "fit", None, 3):
            with pytest.raises(vm.Refused, match="placement"):
                m.kmem_suballoc("64 KiB", "own", placement=nonsense)
        assert m.kmem.kernel_map.entries() == before

    def test_a_machine_made_again_searches_by_the_same_rule(self, m):
        m.kmem_suballoc("64 KiB", "own", placement="worst")
        assert m.branch(m.journal.last.number).kmem.own.placement == "worst"


class TestMemoryIsReal:
    def test_bytes_go_through_the_page_tables(self, m):
        a = m.kmem_malloc(3 * PAGE)
        m.write(a + PAGE - 2, b"abcd")
        assert m.read(a + PAGE - 2, 4) == b"abcd"
        assert m.system.ram.read(m.walk(a + PAGE).pa, 2) == b"cd"

    def test_kmem_alloc_gives_zeroes_whatever_was_there(self, m):
        a = m.kmem_alloc(PAGE)
        m.write(a, b"\xff" * PAGE)
        m.kmem_free(a, PAGE)
        again = [m.kmem_alloc(PAGE) for _ in range(40)]
        assert all(m.read(one, PAGE) == bytes(PAGE) for one in again)

    def test_without_m_zero_a_page_holds_what_its_last_owner_left(self, m):
        a = m.kmem_malloc(PAGE)
        m.write(a, b"secret")
        frame = m.walk(a).pa
        m.kmem_free(a, PAGE)
        b = m.kmem_malloc(PAGE)
        assert (m.walk(b).pa, m.read(b, 6)) == (frame, b"secret")
        m.kmem_free(b, PAGE)
        assert m.read(m.kmem_malloc(PAGE, "M_WAITOK|M_ZERO"), 6) == bytes(6)

    def test_what_was_freed_is_not_there(self, m):
        a = m.kmem_malloc(PAGE)
        m.kmem_free(a, PAGE)
        with pytest.raises(vm.KernelError, match=r"FAULT: nothing is allocated"):
            m.read(a)
        with pytest.raises(vm.KernelError, match="FAULT"):
            m.write(0x1000, b"x")

    def test_pageable_memory_comes_with_the_first_touch(self, m):
        a = m.kmem_alloc_wait("64 KiB")
        used = m.kmem.pages.used
        assert m.walk(a).pa is None
        m.write(a + 5 * PAGE, b"x")
        assert m.kmem.pages.used == used + 1
        assert m.read(a + 6 * PAGE, 1) == b"\0"
        m.kmem_free_wakeup(a, "64 KiB")
        assert m.kmem.pages.used == used

    def test_a_fault_where_none_may_happen_is_a_panic(self, m):
        a = m.kmem_alloc_nofault(PAGE)
        with pytest.raises(vm.KernelPanic, match=f"fault on nofault entry, addr: {int(a):x}"):
            m.read(a)


class TestFlags:
    def test_numbers_and_texts_say_the_same(self):
        assert malloc_flags("M_NOWAIT|M_ZERO") == malloc_flags(vm.M_NOWAIT | vm.M_ZERO) == 0x101
        assert malloc_flags(" m_waitok , m_use_reserve ") == 0x402

    @pytest.mark.parametrize(
        ("flags", "says"),
        [
            (vm.M_NOWAIT | vm.M_WAITOK, "contradict each other"),
            (vm.M_ZERO, "whether the caller may sleep"),
            (0, "whether the caller may sleep"),
            (0x40 | vm.M_NOWAIT, "mean nothing"),
            (-1, "mean nothing"),
            ("M_NOWAT", "did you mean 'M_NOWAIT'"),
            ("", "unknown"),
            (True, "write vm.M_WAITOK"),
            (None, "write vm.M_WAITOK"),
            (1.0, "write vm.M_WAITOK"),
        ],
    )
    def test_nonsense_is_refused_and_nothing_changes(self, m, flags, says):
        before = len(m.journal)
        for call in (m.kmem_malloc, m.malloc):
            with pytest.raises(vm.Refused, match=says):
                call(PAGE, flags)
        assert len(m.journal) == before


class TestSizes:
    def test_below_the_door_size_0_is_what_the_original_makes_of_it(self, m):
        assert m.unchecked.kmem_alloc(m.kmem.kernel_map, 0) == m.kmem.kernel_map.start
        assert m.unchecked.kmem_alloc_wait(m.kmem.exec_map, 0) == m.kmem.exec_map.start
        assert m.unchecked.kmem_alloc_nofault(m.kmem.kernel_map, 0) == 0
        with pytest.raises(vm.KernelPanic, match="entry not found or misaligned"):
            m.unchecked.kmem_malloc(m.kmem.kmem_map, 0, vm.M_WAITOK)
        assert m.kmem.kmem_map.locked_by == ""

    def test_below_the_door_a_size_near_the_words_end_rounds_to_0(self, m):
        assert m.unchecked.kmem_alloc_wait(m.kmem.exec_map, 2**64 - 1) == m.kmem.exec_map.start

    def test_a_map_that_is_too_small_for_ever_gives_0_below_the_door(self, m):
        assert m.unchecked.kmem_alloc_wait(m.kmem.exec_map, 2 << 20) == 0


class TestRunningOut:
    def test_no_wait_gives_0_and_leaves_everything_as_it_was(self, m):
        fill(m)
        before = m.kmem.kmem_map.entries(), m.kmem.pages
        assert m.kmem_malloc(PAGE, vm.M_NOWAIT) == 0
        assert (m.kmem.kmem_map.entries(), m.kmem.pages) == before

    def test_the_classes_reach_as_deep_as_they_may(self, m):
        marks = m.kmem.pages
        m.take_pages(100_000)
        m.give_pages(marks.free_reserved + 1)
        m.pagedaemon.stop()
        assert m.kmem.pages.available == marks.free_reserved + 1
        got = m.kmem_malloc(PAGE, "M_NOWAIT|M_USE_RESERVE")
        assert got, "above the reserve everyone is served"
        m.spawn(m.kmem_alloc, PAGE, name="normal")
        m.run()
        assert m.threads["normal"].value.kind == "pages"
        while m.kmem_malloc(PAGE, "M_NOWAIT|M_USE_RESERVE"):
            pass
        assert m.kmem.pages.available == marks.interrupt_free_min
        while m.kmem_malloc(PAGE, "M_NOWAIT"):
            pass
        assert m.kmem.pages.available == 0
        assert m.kmem.pages.deficit == 3
        m.check()

    def test_empty_slabs_given_back_make_a_try_succeed(self):
        m = vm.boot(layout="tiny")
        objects = []
        while address := m.malloc(500, vm.M_NOWAIT):
            objects.append(address)
        assert m.kmem_malloc(16 * PAGE, vm.M_NOWAIT) == 0
        for address in objects:
            m.free(address)
        assert m.kmem.kmem_map.size > 0, "zones keep empty slabs"
        assert m.kmem_malloc(16 * PAGE, vm.M_WAITOK)
        assert m.threads.ticks == 0
        m.check()

    def test_waiting_for_pages_ends_when_the_daemon_has_made_some(self, m):
        m.read_file("film", "40 MiB")
        m.take_pages(100_000)
        assert m.kmem.pages.available <= m.kmem.pages.free_reserved
        a = m.kmem_alloc("64 KiB")
        assert m.read(a, 16) == bytes(16)
        assert 0 < m.kmem.pages.available < m.kmem.pages.free_target, "the first pass was enough for the waiter"
        m.run()
        assert m.kmem.pages.available == m.kmem.pages.free_target
        m.check()

    def test_a_slow_daemon_takes_its_time(self, m):
        m.read_file("film", "40 MiB")
        m.take_pages(100_000)
        m.pagedaemon.pace(interval=50, pages=40)
        short = m.kmem.pages.free_min - m.kmem.pages.available
        m.kmem_alloc(PAGE)
        assert m.threads.ticks == 50 * (-(-short // 40) - 1)
        with pytest.raises(vm.Refused, match="at least one page"):
            m.pagedaemon.pace(pages=0)

    def test_a_stopped_one_leaves_waiters_asleep_until_it_is_started(self, m):
        m.read_file("film", "40 MiB")
        m.pagedaemon.stop()
        m.take_pages(100_000)
        with pytest.raises(vm.KernelError, match=r"kmem_alloc can't finish.*the cell waits for free pages"):
            m.kmem_alloc("64 KiB")
        m.check()
        m.spawn(m.kmem_alloc, "64 KiB", name="waiter")
        m.run()
        m.pagedaemon.start()
        m.run(until="waiter")
        assert m.threads["waiter"].result

    def test_pages_given_back_wake_waiters_only_at_the_mark(self, m):
        m.pagedaemon.stop()
        m.take_pages(100_000)
        m.spawn(m.kmem_alloc, PAGE, name="waiter")
        m.run()
        m.give_pages(m.kmem.pages.free_min - 1)
        assert m.threads["waiter"].state == "asleep"
        m.give_pages(1)
        assert m.threads["waiter"].state == "ready"

    @pytest.mark.parametrize("enough", [False, True])
    def test_a_run_lets_waiters_look_again_at_the_mark(self, m, enough):
        """X15's side of the machine may have made pages free, and tells nobody."""
        m.pagedaemon.stop()
        m.take_pages(100_000)
        m.spawn(m.kmem_alloc, PAGE, name="waiter")
        m.run()
        for _ in range(m.kmem.pages.free_min - 1 + enough):
            m.system.kernel.pages.free(m.system.kernel.kmem.others.pop())
        assert m.threads["waiter"].state == "asleep"
        m.run()
        assert m.threads["waiter"].state == ("returned" if enough else "asleep")

    def test_each_tick_clears_a_page_ahead(self, m):
        pool = m.kmem.pages.zeroed
        m.kmem_alloc(5 * PAGE)
        assert m.kmem.pages.zeroed == pool - 5
        m.tick(2)
        assert m.kmem.pages.zeroed == pool - 3
        m.tick(10)
        assert m.kmem.pages.zeroed == pool
        m.check()


class TestZones:
    def test_sizes_go_to_the_zone_of_the_next_power_of_two(self, m):
        for size, zone in [(1, "16"), (16, "16"), (17, "32"), (4096, "4096")]:
            address = m.malloc(size)
            assert m.system.kernel.kmem.zones.taken[address].name == zone
        pages = m.malloc(4097)
        assert pages % PAGE == 0
        assert m.system.kernel.kmem.zones.large[pages] == 2 * PAGE

    def test_objects_do_not_overlap_and_zero_means_zero(self, m):
        objects = [m.malloc(100, "M_WAITOK|M_ZERO") for _ in range(200)]
        for number, address in enumerate(objects):
            assert m.read(address, 128) == bytes(128)
            m.write(address, bytes([number % 255 + 1]) * 100)
        for number, address in enumerate(objects):
            assert m.read(address, 100) == bytes([number % 255 + 1]) * 100

    @pytest.mark.parametrize("wrong", [0, 1, 8, PAGE])
    def test_only_what_was_given_can_be_freed_and_once(self, m, wrong):
        a = m.malloc(64)
        if wrong:
            with pytest.raises(vm.Refused, match=r"is not allocated"):
                m.free(a + wrong)
        m.free(a)
        with pytest.raises(vm.Refused, match="has not freed"):
            m.free(a)
        m.check()

    def test_large_ones_are_freed_by_free_alone(self, m):
        a = m.malloc(3 * PAGE)
        with pytest.raises(vm.Refused, match="belongs to the zone allocator"):
            m.kmem_free(a, 3 * PAGE)
        m.free(a)
        assert m.kmem.kmem_map.size == 0

    def test_reclaiming_gives_back_what_is_empty_and_no_more(self, m):
        kept, *rest = [m.malloc(2000) for _ in range(20)]
        size = m.kmem.kmem_map.size
        for address in rest:
            m.free(address)
        assert m.kmem.kmem_map.size == size
        slab = m.system.kernel.kmem.zones.zone_for(2000).slab_size
        assert m.uma_reclaim() == size - slab
        m.write(kept, b"still mine")
        m.check()


class TestFiles:
    def test_pages_read_once_are_hits_and_come_back_from_the_cached_ones(self, m):
        assert m.read_file("film", "1 MiB") == 256
        assert m.read_file("film", "1 MiB") == 0
        m.take_pages(m.kmem.pages.free - m.kmem.pages.free_reserved)
        m.kmem_alloc(PAGE)
        assert m.kmem.pages.cached == 256
        frames = dict(m.system.kernel.kmem.files.files["film"].pages)
        assert not frames, "cached pages belong to no object"
        assert m.read_file("film", "64 KiB") == 0
        frame = m.system.kernel.kmem.files.files["film"].pages[3]
        assert m.system.ram.read(frame * PAGE, 12) == b"film, page 3"
        m.check()

    def test_a_cached_page_that_was_reused_is_read_again(self, m):
        m.read_file("film", "1 MiB")
        m.take_pages(m.kmem.pages.free - m.kmem.pages.free_reserved)
        m.kmem_alloc(PAGE)
        m.take_pages(100_000)
        while m.kmem_malloc(PAGE, "M_NOWAIT"):
            pass
        assert m.kmem.pages.cached == 0
        m.give_pages(1000)
        assert m.read_file("film", "1 MiB") == 256
        m.check()


class TestRanges:
    def test_protection_is_obeyed_and_given_back(self, m):
        a, kernel_map = m.kmem_alloc(4 * PAGE), m.kmem.kernel_map
        kernel_map.protect(a, size=PAGE, prot="r")
        with pytest.raises(vm.KernelError, match="ACCES"):
            m.write(a, b"x")
        assert m.read(a) == b"\0"
        m.write(a + PAGE, b"x")
        kernel_map.protect(a, size=PAGE, prot="rwx")
        m.write(a, b"x")
        assert kernel_map.lookup(a).size == 4 * PAGE

    def test_a_fault_obeys_it_too(self, m):
        a = m.kmem_alloc_wait(2 * PAGE)
        m.kmem.exec_map.protect(a, size=PAGE, prot="r")
        assert m.read(a) == b"\0"
        with pytest.raises(vm.KernelError, match="ACCES"):
            m.write(a, b"x")

    @pytest.mark.parametrize(
        "call",
        [
            lambda kernel_map, start: kernel_map.protect(start, size="1 MiB", prot=""),
            lambda kernel_map, start: kernel_map.wire(start, size=PAGE),
            lambda kernel_map, start: kernel_map.unwire(start + PAGE, size=PAGE),
            lambda kernel_map, start: kernel_map.advise(start, kernel_map.end, advice="random"),
            lambda kernel_map, start: kernel_map.inherit(start, size=PAGE, inherit="share"),
            lambda kernel_map, start: kernel_map.simplify(start, size=PAGE),
        ],
    )
    def test_what_boot_used_holds_the_maps_entries_and_stays(self, m, call):
        start = m.kmem.kernel_map.start
        assert m.walk(start).pa is not None
        before = m.kmem.kernel_map.entries()
        with pytest.raises(vm.Refused, match=r"overlaps the memory that boot used, .* holds the entries of these maps"):
            call(m.kmem.kernel_map, start)
        assert m.kmem.kernel_map.entries() == before
        m.check()

    def test_what_lies_behind_it_can_be_changed_even_in_its_entry(self, m):
        """Addresses without pages stretch the entry that boot made."""
        kernel_map, kmem_map = m.kmem.kernel_map, m.kmem.kmem_map
        m.unchecked.kmem_free(kernel_map, int(kmem_map.start), kmem_map.end - kmem_map.start)
        a = m.kmem_alloc_nofault(PAGE)
        assert kernel_map.lookup(a).start == kernel_map.start
        kernel_map.protect(a, size=PAGE, prot="r")
        assert (kernel_map.lookup(a).start, kernel_map.lookup(a).protection) == (a, "r--")

    def test_wiring_brings_pages_and_keeps_count(self, m):
        a, wired = m.kmem_alloc_wait(8 * PAGE), m.kmem.pages.wired
        m.kmem.exec_map.wire(a, size=2 * PAGE)
        assert m.kmem.pages.wired == wired + 2
        assert m.walk(a).pa is not None
        m.kmem.exec_map.unwire(a, size=2 * PAGE)
        assert m.kmem.pages.wired == wired
        with pytest.raises(vm.KernelError, match="INVAL"):
            m.kmem.exec_map.unwire(a, size=PAGE)
        m.check()

    def test_advice_and_inheritance_cut_and_simplify_joins(self, m):
        a, kernel_map = m.kmem_alloc(4 * PAGE), m.kmem.kernel_map
        count = len(kernel_map)
        kernel_map.advise(a, size=PAGE, advice="random")
        kernel_map.inherit(a + 3 * PAGE, size=PAGE, inherit="share")
        assert len(kernel_map) == count + 2
        kernel_map.advise(a, size=PAGE, advice="normal")
        kernel_map.inherit(a + 3 * PAGE, size=PAGE, inherit="none")
        kernel_map.simplify(a, size=4 * PAGE)
        assert len(kernel_map) == count

    def test_a_submaps_place_a_hole_and_nonsense_are_errors_and_change_nothing(self, m):
        kernel_map, before = m.kmem.kernel_map, m.kmem.kernel_map.entries()
        with pytest.raises(vm.KernelError, match="INVAL"):
            kernel_map.protect(m.kmem.exec_map.start, size=PAGE, prot="r")
        with pytest.raises(vm.KernelError, match="FAULT"):
            kernel_map.wire(kernel_map.end - PAGE, kernel_map.end)
        for call in (
            lambda: kernel_map.protect(kernel_map.start, size=PAGE),
            lambda: kernel_map.protect(kernel_map.start, prot="r"),
            lambda: kernel_map.wire(kernel_map.start + 1, size=PAGE),
            lambda: kernel_map.wire(kernel_map.end, size=PAGE),
            lambda: kernel_map.wire(kernel_map.start, size=0),
            lambda: kernel_map.advise(kernel_map.start, size=PAGE, advice="sometimes"),
        ):
            with pytest.raises(vm.Refused):
                call()
        assert kernel_map.entries() == before
        m.check()
