"""X15's pmap, function by function."""

from __future__ import annotations

import pytest

from vmwidgets.engine.base.errors import Broken, KernelError, KernelPanic, Refused
from vmwidgets.engine.base.events import KernelLimitMoved, PteWritten, RootLoaded, TlbUpdated
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.kernel.pmap_kernel import KernelPmap
from vmwidgets.engine.kernel.pmap_layout import PmapLayout
from vmwidgets.engine.memory.pages import PageAllocator
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.x86_64 import X86_64

KERNEL = 0xFFFF_8080_0000_0000
WINDOW = 0xFFFF_8000_0000_0000
WIDE = PmapLayout(X86_64, KERNEL, 0xFFFF_FFFF_8000_0000, 0x8000_0000_0000, WINDOW)
NARROW = PmapLayout(X86_64, 0xC040_0000, 0xFC00_0000, 0xC000_0000)
TINY = PmapLayout(X86_64, 0x2_0000, 0x6_0000, 0x1_0000)
MIB2 = 1 << 21
READ, WRITE = 1, 2


def boot(layout=WIDE, frames=64, **options):
    recorder = Recorder()
    pages = PageAllocator(recorder, 16, frames)
    kernel = KernelPmap(Ram(1 << 24), pages, layout, recorder, **options)
    return kernel, pages


def recorded(pmap, *kinds):
    events = []
    pmap.recorder.emit = lambda raw: events.append(raw) if raw[0] in kinds else None
    return events


def used(pages):
    return pages.total_pages - pages.free_pages


class TestOnePage:
    def test_a_page_of_a_user_is_the_users_and_one_of_the_kernel_global(self):
        kernel, _ = boot()
        user = kernel.create("init")
        user.enter(0x5000, 0x9000, READ | WRITE)
        kernel.enter(KERNEL, 0x8000, READ)
        mine, ours = user.walk(0x5000), user.walk(KERNEL)
        assert [step.value & 0xFFF for step in mine.steps] == [7, 7, 7, 7]
        assert [step.value & 0xFFF for step in ours.steps] == [3, 3, 3, 0x101]
        assert (mine.pa, ours.pa) == (0x9000, 0x8000)
        assert boot(global_pages=False)[0].global_pages is False

    def test_without_global_pages_no_leaf_is_global(self):
        kernel, _ = boot(global_pages=False)
        kernel.enter(KERNEL, 0x8000, READ)
        assert kernel.walk(KERNEL).steps[-1].value & 0xFFF == 1

    @pytest.mark.parametrize("protection", range(8))
    def test_of_a_protection_only_the_write_bit_exists(self, protection):
        kernel, _ = boot()
        user = kernel.create("init")
        user.enter(0x5000, 0x9000, protection)
        assert [user.walk(0x5000, access, True).ok for access in ("read", "write", "execute")] == [
            True, bool(protection & WRITE), True,
        ]  # fmt: skip

    def test_entering_again_replaces(self):
        kernel, pages = boot()
        kernel.enter(KERNEL, 0x8000, READ)
        before = used(pages)
        kernel.enter(KERNEL, 0x9000, WRITE)
        assert (kernel.extract(KERNEL), used(pages)) == (0x9000, before)

    def test_extract_gives_the_address_in_the_page_or_nothing(self):
        kernel, _ = boot()
        user = kernel.create("init")
        user.enter(MIB2, 3 * MIB2, READ, MIB2)
        assert user.extract(MIB2 + 0x12345) == 3 * MIB2 + 0x12345
        assert (user.extract(0), user.extract(2 * MIB2)) == (None, None)

    def test_kenter_needs_tables_that_were_grown(self):
        kernel, _ = boot()
        with pytest.raises(KernelPanic, match="kenter_no_table"):
            kernel.kenter(KERNEL, 0x8000, READ)
        kernel.kgrow(KERNEL)
        kernel.kenter(KERNEL, 0x8000, READ)
        assert kernel.extract(KERNEL) == 0x8000
        kernel.kremove(KERNEL, KERNEL + 0x1000)
        assert kernel.extract(KERNEL) is None

    @pytest.mark.parametrize(
        ("va", "pa", "size"),
        [
            (0x5001, 0, 0x1000), (0x5000, 0x800, 0x1000), (0x5000, 0, MIB2), (MIB2, 0x1000, MIB2), (0, 0, 1 << 30),
            (-0x1000, 0, 0x1000), (KERNEL, 0, 0x1000), (0x8000_0000_0000, 0, 0x1000), (0, -0x1000, 0x1000),
            (0, 1 << 52, 0x1000), (0, 0, 0),
        ],
    )  # fmt: skip
    def test_nonsense_is_refused_and_changes_nothing(self, va, pa, size):
        kernel, pages = boot()
        user = kernel.create("init")
        before = user.snapshot(), used(pages)
        with pytest.raises(Refused):
            user.enter(va, pa, READ, size)
        assert (user.snapshot(), used(pages)) == before

    @pytest.mark.parametrize("va", [0, WINDOW, 0x8000_0000_0000, (1 << 64) - 0x1000 + 0x1000])
    def test_the_kernel_maps_no_user_addresses(self, va):
        with pytest.raises(Refused, match="not in the part of the space"):
            boot()[0].enter(va, 0, READ)

    def test_a_large_page_must_not_cover_both_halves(self):
        kernel, _ = boot(TINY)
        with pytest.raises(Refused):
            kernel.create("init").enter(0, 0, READ, MIB2)


class TestRanges:
    def test_removing_part_of_a_large_page_splits_it(self):
        kernel, pages = boot()
        user = kernel.create("init")
        user.enter(MIB2, 3 * MIB2, READ | WRITE, MIB2)
        before = used(pages)
        user.remove(MIB2 + 0x3000, MIB2 + 0x5000)
        gone = [offset for offset in range(0, MIB2, 0x1000) if user.extract(MIB2 + offset) != 3 * MIB2 + offset]
        assert gone == [0x3000, 0x4000]
        assert used(pages) == before, "the table was kept for this"
        kernel.check()

    def test_protecting_part_of_a_large_page_splits_it(self):
        kernel, _ = boot()
        user = kernel.create("init")
        user.enter(MIB2, 3 * MIB2, READ | WRITE, MIB2)
        user.protect(MIB2 + 0x3000, MIB2 + 0x4000, READ)
        writable = [user.walk(MIB2 + offset, "write", True).ok for offset in (0x2000, 0x3000, 0x4000)]
        assert writable == [True, False, True]
        kernel.check()

    def test_a_whole_large_page_is_protected_without_a_split(self):
        kernel, _ = boot()
        user = kernel.create("init")
        user.enter(MIB2, 3 * MIB2, READ | WRITE, MIB2)
        user.protect(0, 4 * MIB2, READ)
        walk = user.walk(MIB2, "write", True)
        assert (walk.fault.kind, walk.fault.level, walk.page_size) == ("protection", 2, MIB2)

    def test_holes_and_absent_tables_are_passed_over(self):
        kernel, _ = boot()
        user = kernel.create("init")
        for va in (0x1000, 1 << 30, 1 << 46):
            user.enter(va, 0x9000, READ)
        user.remove(0x2000, 1 << 46)
        assert [user.extract(va) for va in (0x1000, 1 << 30, 1 << 46)] == [0x9000, None, 0x9000]

    def test_a_large_page_over_small_ones_takes_their_place(self):
        kernel, pages = boot()
        user = kernel.create("init")
        user.enter(MIB2 + 0x5000, 0x9000, READ)
        before = used(pages)
        user.enter(MIB2, 3 * MIB2, READ, MIB2)
        assert (user.extract(MIB2 + 0x5000), used(pages)) == (3 * MIB2 + 0x5000, before)
        user.enter(MIB2 + 0x5000, 0x9000, READ)
        assert (user.extract(MIB2 + 0x5000), user.extract(MIB2)) == (0x9000, 3 * MIB2)
        assert used(pages) == before
        kernel.check()

    @pytest.mark.parametrize(("start", "end"), [(0x1000, 0x1000), (0x2000, 0x1000), (0x1000, 0x2800), (0, 1 << 48)])
    def test_ranges_are_whole_pages_of_the_users_half(self, start, end):
        user = boot()[0].create("init")
        for function in (user.remove, lambda start, end: user.protect(start, end, READ)):
            with pytest.raises(Refused):
                function(start, end)

    @pytest.mark.parametrize(("pages", "told"), [(1, 1), (64, 64), (65, 0)])
    def test_update_drops_up_to_64_pages_one_by_one(self, pages, told):
        kernel, _ = boot()
        events = recorded(kernel, TlbUpdated)
        kernel.update(KERNEL, KERNEL + pages * 0x1000)
        assert events == [(TlbUpdated, KERNEL, KERNEL + pages * 0x1000, told)]


class TestGrowing:
    @pytest.mark.parametrize(
        ("end", "limit", "tables"),
        [
            (KERNEL, KERNEL + MIB2, 3),
            (KERNEL + MIB2 - 0x1000, KERNEL + MIB2, 3),
            (KERNEL + MIB2, KERNEL + 2 * MIB2, 4),
            (KERNEL + (1 << 30), KERNEL + (1 << 30) + MIB2, 1 + 2 + 513),
        ],
    )
    def test_the_limit_lies_strictly_above_the_end(self, end, limit, tables):
        kernel, pages = boot(frames=600)
        events = recorded(kernel, KernelLimitMoved, TlbUpdated)
        kernel.kgrow(end)
        assert (kernel.klimit, kernel.grows, used(pages)) == (limit, 1, 1 + tables)
        assert events == [(TlbUpdated, KERNEL, limit, 0), (KernelLimitMoved, KERNEL, limit)]
        kernel.check()

    def test_it_never_shrinks(self):
        kernel, pages = boot()
        kernel.kgrow(KERNEL + 5 * MIB2)
        before = kernel.klimit, kernel.grows, used(pages)
        kernel.kgrow(KERNEL)
        kernel.kgrow(KERNEL + 6 * MIB2 - 1)
        assert (kernel.klimit, kernel.grows, used(pages)) == before

    def test_too_many_tables_are_a_panic_before_anything_is_made(self):
        kernel, pages = boot(frames=6)
        kernel.kgrow(KERNEL)
        events = recorded(kernel, PteWritten)
        with pytest.raises(KernelPanic, match="takes 3 tables, and 2 pages are free"):
            kernel.kgrow(KERNEL + 3 * MIB2)
        assert (events, used(pages), kernel.klimit) == ([], 4, KERNEL + MIB2)
        kernel.kgrow(KERNEL + 2 * MIB2)

    def test_all_of_kernel_space_is_counted_without_a_loop(self):
        # 255 root slots; up to 2 GiB - 2 MiB below the top, so 255 * 512 - 2 GiB and 2 MiB more.
        kernel, _ = boot()
        with pytest.raises(KernelPanic, match=f"takes {255 + 130_559 + 66_845_697} tables"):
            kernel.kgrow(WIDE.kernel_end)

    def test_a_new_root_slot_is_copied_to_every_pmap(self):
        kernel, _ = boot()
        users = [kernel.create("init"), kernel.create("shell")]
        kernel.kgrow(KERNEL)
        kernel.kenter(KERNEL, 0x8000, READ)
        assert [user.walk(KERNEL).pa for user in users] == [0x8000, 0x8000]
        assert kernel.create("later").walk(KERNEL).pa == 0x8000
        kernel.check()

    def test_a_large_page_counts_as_tables_and_leaves_one(self):
        kernel, pages = boot()
        kernel.enter(KERNEL, 0, READ, MIB2)
        kernel.kgrow(KERNEL + MIB2)
        assert used(pages) == 1 + 2 + 1 + 1, "root, two above, a spare, and a table for the second span"
        kernel.remove(KERNEL, KERNEL + MIB2)
        kernel.kenter(KERNEL, 0x8000, READ)
        kernel.check()


@pytest.mark.parametrize(("layout", "private"), [(WIDE, 1), (NARROW, 2), (TINY, 4)], ids=["wide", "narrow", "tiny"])
class TestUsers:
    def test_a_new_pmap_has_its_tables_and_gives_them_back(self, layout, private):
        kernel, pages = boot(layout)
        before = used(pages)
        user = kernel.create("init")
        assert used(pages) == before + private
        user.enter(0x5000, 0x9000, READ)
        user.destroy()
        assert (used(pages), kernel.users) == (before, [])
        kernel.check()

    def test_the_kernel_is_the_same_in_all_and_users_are_apart(self, layout, private):
        kernel, _ = boot(layout)
        early = kernel.create("early")
        kernel.kgrow(layout.kernel_start + 0x2000)
        kernel.kenter(layout.kernel_start, 0x8000, READ)
        late = kernel.create("late")
        kernel.kenter(layout.kernel_start + 0x1000, 0xA000, WRITE)
        early.enter(0x5000, 0x9000, READ)
        for pmap in (kernel, early, late):
            assert pmap.extract(layout.kernel_start) == 0x8000
            assert pmap.walk(layout.kernel_start + 0x1000, "write").pa == 0xA000
            assert not pmap.walk(layout.kernel_start, "read", user=True).ok
        assert [pmap.extract(0x5000) for pmap in (kernel, early, late)] == [None, 0x9000, None]
        kernel.check()
        kernel.kremove(layout.kernel_start, layout.kernel_start + 0x1000)
        assert [pmap.extract(layout.kernel_start) for pmap in (kernel, early, late)] == [None] * 3
        kernel.check()

    def test_without_pages_nothing_is_half_made(self, layout, private):
        kernel, pages = boot(layout)
        user = kernel.create("init")
        before = kernel.snapshot(), user.snapshot()
        for allowed in range(4):
            left = [allowed]

            def veto(left=left):
                left[0] -= 1
                return left[0] < 0

            count = used(pages)
            pages.veto = veto
            needed = 3 if layout is WIDE else 2 if layout is NARROW else 0
            if allowed < needed:
                with pytest.raises(KernelError, match=r"NOMEM: .* in the pmap of init"):
                    user.enter(0x5000, 0x9000, READ)
                assert (used(pages), kernel.snapshot(), user.snapshot()) == (count, *before)
            left[0] = allowed
            if allowed < private:
                with pytest.raises(KernelError, match="NOMEM"):
                    kernel.create("more")
                assert (used(pages), len(kernel.users)) == (count, 1)
            pages.veto = None
        kernel.check()


class TestWindow:
    def test_the_current_tables_appear_in_the_window(self):
        kernel, _ = boot()
        user = kernel.create("init")
        user.enter(0x5000, 0x9000, READ)
        leaf = user.walk(0x5000).steps[-1]
        assert user.walk(WINDOW + (0x5000 >> 12) * 8).pa == leaf.pa
        assert not user.walk(WINDOW, user=True).ok
        assert kernel.walk(WINDOW + (0x5000 >> 12) * 8).fault.kind == "not-present"

    def test_each_root_refers_to_itself(self):
        kernel, _ = boot()
        user = kernel.create("init")
        assert [pmap.walk(WINDOW).steps[0].address for pmap in (kernel, user)] == [kernel.root, user.root]


class TestCurrent:
    def test_loading_is_an_event_and_destroying_loads_the_kernels(self):
        kernel, _ = boot()
        user = kernel.create("init")
        events = recorded(kernel, RootLoaded)
        user.load()
        assert (user.is_current, kernel.is_current) == (True, False)
        user.destroy()
        assert events == [(RootLoaded, "init", user.root), (RootLoaded, "kernel", kernel.root)]
        for use in (user.load, user.destroy, lambda: user.enter(0, 0, READ), lambda: user.extract(0)):
            with pytest.raises(Refused, match="was destroyed"):
                use()

    def test_the_original_works_on_the_current_space_only(self):
        kernel, _ = boot(quirks=frozenset({"pmap-current-only"}))
        user = kernel.create("init")
        uses = (lambda: user.enter(0, 0, READ), lambda: user.extract(0), lambda: user.protect(0, 0x1000, READ))
        for use in uses:
            with pytest.raises(KernelPanic, match="pmap_not_current"):
                use()
        user.load()
        for use in uses:
            use()
        kernel.enter(KERNEL, 0, READ)

    def test_mended_all_functions_work_on_any_space(self):
        kernel, _ = boot()
        user = kernel.create("init")
        user.enter(0, 0x8000, READ)
        user.protect(0, 0x1000, WRITE)
        assert (kernel.is_current, user.extract(0)) == (True, 0x8000)


class TestLooking:
    def test_runs_of_slots_are_folded(self):
        kernel, _ = boot()
        user = kernel.create("init")
        for page in range(6):
            user.enter(0x1000 * (page + 2), 0x1000 * (page + 9), READ if page == 5 else WRITE)
        user.enter(0x9000, 0x20_0000, WRITE)
        value = user.snapshot()
        assert [table.name for table in value.tables] == ["PML4", "PDPT", "PD", "PT"]
        runs = [(run.first, run.count, run.va, run.address) for run in value.tables[-1].runs]
        assert runs == [(2, 5, 0x2000, 0x9000), (7, 1, 0x7000, 0xE000), (9, 1, 0x9000, 0x20_0000)]
        assert value.tables[-1].present == 7
        assert [(run.kind, run.va) for run in value.tables[0].runs] == [("table", 0), ("window", WINDOW)]
        assert (value.klimit, kernel.snapshot().klimit) == (None, KERNEL)

    def test_shared_slots_are_marked(self):
        kernel, _ = boot(NARROW)
        user = kernel.create("init")
        user.enter(0, 0, READ)
        kernel.kgrow(0xC040_0000)
        pointers = user.snapshot().tables[1]
        assert [(run.first, run.shared) for run in pointers.runs] == [(0, False), (3, True)]


class TestCheck:
    def test_a_bit_that_was_tampered_with_is_found(self):
        kernel, _ = boot()
        user = kernel.create("init")
        user.enter(0x5000, 0x9000, READ)
        leaf = user.walk(0x5000).steps[-1]
        kernel.ram.write_word(leaf.pa, 8, leaf.value & ~4)
        with pytest.raises(Broken, match=r"3\. user code can reach its half only: the PTE for 0x5000 of init"):
            kernel.check()

    def test_a_shared_slot_that_differs_is_found(self):
        kernel, _ = boot()
        user = kernel.create("init")
        kernel.kgrow(KERNEL)
        kernel.ram.write_word(user.root + 8 * 257, 8, 0)
        with pytest.raises(Broken, match=r"6\. shared slots are equal: the PML4E for 0xffff_8080_0000_0000 of init"):
            kernel.check()

    def test_a_lost_table_is_found(self):
        kernel, _ = boot()
        user = kernel.create("init")
        user.enter(0x5000, 0x9000, READ)
        kernel.ram.write_word(user.root, 8, 0)
        with pytest.raises(Broken, match=r"5\. each table of init is referred to once"):
            kernel.check()

    def test_a_table_missing_below_the_limit_is_found(self):
        kernel, _ = boot()
        kernel.kgrow(KERNEL)
        kernel.klimit += 1 << 30
        with pytest.raises(Broken, match=r"7\. kernel space has tables up to"):
            kernel.check()
