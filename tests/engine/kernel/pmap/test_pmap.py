"""X15's pmap, function by function."""

from __future__ import annotations

import pytest

from tests.engine.kernel.pmaps import EXECUTE, KERNEL, MIB2, READ, TINY, WINDOW, WRITE, boot, recorded, tables_of, used
from vmwidgets.engine.base.errors import KernelPanic, Refused
from vmwidgets.engine.kernel.pmap.pmap_schema import RootLoaded, TlbUpdated
from vmwidgets.engine.memory.ram import Ram


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
    def test_of_the_kernels_protection_only_the_write_bit_exists(self, protection):
        kernel, _ = boot()
        kernel.enter(KERNEL, 0x9000, protection)
        assert [kernel.walk(KERNEL, access).ok for access in ("read", "write", "execute")] == [
            True, bool(protection & WRITE), True,
        ]  # fmt: skip

    @pytest.mark.parametrize("protection", range(1, 8))
    def test_a_tasks_tables_forbid_what_their_format_can_forbid(self, protection):
        kernel, _ = boot()
        user = kernel.create("init")
        user.enter(0x5000, 0x9000, protection)
        assert [user.walk(0x5000, access, True).ok for access in ("read", "write", "execute")] == [
            True, bool(protection & WRITE), bool(protection & EXECUTE),
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
            (0x5001, 0, 0x1000), (0x5000, 0x800, 0x1000), (0x5000, 0, MIB2), (MIB2, 0x1000, MIB2), (0, 0, 1 << 31),
            (-0x1000, 0, 0x1000), (KERNEL, 0, 0x1000), (0x8000_0000_0000, 0, 0x1000), (0, -0x1000, 0x1000),
            (0, 1 << 52, 0x1000), (0, 0, 0),
        ],
    )  # fmt: skip
    def test_nonsense_is_refused_and_changes_nothing(self, va, pa, size):
        kernel, pages = boot()
        user = kernel.create("init")
        before = tables_of(user), used(pages)
        with pytest.raises(Refused):
            user.enter(va, pa, READ, size)
        assert (tables_of(user), used(pages)) == before

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

    def test_both_ends_of_a_range_split_what_sticks_out(self):
        kernel, _ = boot()
        user = kernel.create("init")
        for page in (1, 2, 3):
            user.enter(page * MIB2, page * MIB2, READ, MIB2)
        user.remove(2 * MIB2 - 0x1000, 3 * MIB2 + 0x1000)
        kept = [va for va in range(0, 5 * MIB2, 0x1000) if user.extract(va) is not None]
        assert kept == [*range(MIB2, 2 * MIB2 - 0x1000, 0x1000), *range(3 * MIB2 + 0x1000, 4 * MIB2, 0x1000)]
        kernel.check()

    def test_each_table_is_read_once_however_many_pages_are_absent(self, monkeypatch):
        kernel, _ = boot()
        kernel.kgrow(KERNEL + 32 * MIB2 - 1)
        kernel.kenter(KERNEL + 7 * MIB2, 0x9000, READ)
        read, reads = Ram.read, []

        def counted(ram, pa, length):
            reads.append(pa)
            return read(ram, pa, length)

        monkeypatch.setattr(Ram, "read", counted)
        kernel.remove(KERNEL, KERNEL + 32 * MIB2)
        monkeypatch.undo()
        assert kernel.extract(KERNEL + 7 * MIB2) is None
        assert 32 <= len(reads) <= 32 + 8, "the tables of level 1, and the few above"

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
        events = recorded(kernel, TlbUpdated.tag)
        kernel.update(KERNEL, KERNEL + pages * 0x1000)
        assert events == [(TlbUpdated.tag, KERNEL, KERNEL + pages * 0x1000, told)]


class TestTablesFoundBefore:
    """A table that was looked up is not looked for again, unless it may have gone."""

    def test_a_large_page_in_its_place_is_seen_by_all_spaces(self):
        kernel, _ = boot()
        user = kernel.create("init")
        kernel.enter(KERNEL, 0x8000, READ)
        assert [one.extract(KERNEL) for one in (kernel, user)] == [0x8000, 0x8000]
        kernel.enter(KERNEL, 2 * MIB2, READ, MIB2)
        assert [one.extract(KERNEL + 0x1000) for one in (kernel, user)] == [2 * MIB2 + 0x1000] * 2

    def test_a_table_that_was_freed_is_not_taken_for_the_one_in_its_place(self):
        kernel, _ = boot()
        user = kernel.create("init")
        user.enter(0x5000, 0x9000, READ)
        assert user.extract(0x5000) == 0x9000
        user.remove(0x5000, 0x6000)
        user.enter(MIB2, 0xA000, READ)
        assert [user.extract(va) for va in (0x5000, MIB2)] == [None, 0xA000]


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
        events = recorded(kernel, RootLoaded.tag)
        user.load()
        assert (user.is_current, kernel.is_current) == (True, False)
        user.destroy()
        assert events == [(RootLoaded.tag, "init", user.root), (RootLoaded.tag, "kernel", kernel.root)]
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
