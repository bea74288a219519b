"""Kernel space grows, and all address spaces share it."""

from __future__ import annotations

import pytest

from tests.engine.kernel.pmaps import KERNEL, MIB2, NARROW, READ, TINY, WIDE, WRITE, boot, recorded, tables_of, used
from vmwidgets.engine.base.errors import Broken, KernelError, KernelPanic
from vmwidgets.engine.kernel.pmap.pmap_schema import KernelLimitMoved, TlbUpdated
from vmwidgets.engine.mmu.tables_schema import PteRunWritten, PteWritten


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
        events = recorded(kernel, KernelLimitMoved.tag, TlbUpdated.tag)
        kernel.kgrow(end)
        assert (kernel.klimit, kernel.grows, used(pages)) == (limit, 1, 1 + tables)
        assert events == [(TlbUpdated.tag, KERNEL, limit, 0), (KernelLimitMoved.tag, KERNEL, limit)]
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
        events = recorded(kernel, PteWritten.tag)
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

    def test_a_range_is_one_write_and_its_pages_are_dropped_one_by_one(self):
        kernel, _ = boot()
        kernel.kgrow(KERNEL)
        events = recorded(kernel, PteRunWritten.tag, PteWritten.tag, TlbUpdated.tag)
        kernel.kenter_pages(KERNEL, range(100, 30, -1), READ)
        kernel.remove(KERNEL, KERNEL + 70 * 0x1000)
        (_, _, count, width, *before, word, step, level, va), flush, back = events
        assert (count, width, before, word >> 12 & 0xFF, step, level, va) == (70, 8, [0, 0], 100, -0x1000, 1, KERNEL)
        assert flush == (TlbUpdated.tag, KERNEL, KERNEL + 70 * 0x1000, 70)
        assert back[2:8] == (70, 8, word, step, 0, 0)

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

    def test_a_range_of_the_kernels_is_entered_and_removed_in_all(self, layout, private):
        kernel, _ = boot(layout)
        users = [kernel.create("init"), kernel.create("shell")]
        start = layout.kernel_start
        kernel.kgrow(start + 0x4000)
        kernel.kenter_pages(start, [9, 8, 7], READ)
        pages = range(start, start + 0x3000, 0x1000)
        assert [user.extract(va) for user in users for va in pages] == [0x9000, 0x8000, 0x7000] * 2
        kernel.check()
        kernel.remove(start, start + 0x2000)
        assert [user.extract(va) for user in users for va in pages] == [None, None, 0x7000] * 2
        kernel.check()

    def test_without_pages_nothing_is_half_made(self, layout, private):
        kernel, pages = boot(layout)
        user = kernel.create("init")
        before = tables_of(kernel), tables_of(user)
        for allowed in range(4):
            left = [allowed]

            def veto(_owner, left=left):
                left[0] -= 1
                return left[0] < 0

            count = used(pages)
            pages.veto = veto
            needed = 3 if layout is WIDE else 2 if layout is NARROW else 0
            if allowed < needed:
                with pytest.raises(KernelError, match=r"NOMEM: .* in the pmap of init"):
                    user.enter(0x5000, 0x9000, READ)
                assert (used(pages), tables_of(kernel), tables_of(user)) == (count, *before)
            left[0] = allowed
            if allowed < private:
                with pytest.raises(KernelError, match="NOMEM"):
                    kernel.create("more")
                assert (used(pages), len(kernel.users)) == (count, 1)
            pages.veto = None
        kernel.check()


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

    def test_tables_that_two_users_have_are_found(self):
        kernel, _ = boot()
        one, other = kernel.create("one"), kernel.create("other")
        for user in (one, other):
            user.enter(0x5000, 0x9000, READ)
        sizes = {table: size for table, size in one.tables._sizes.items() if table != one.root}
        other.tables._sizes = {other.root: other.tables._sizes[other.root], **sizes}
        kernel.ram.write_word(other.root, 8, kernel.ram.read_word(one.root, 8))
        with pytest.raises(Broken, match=r"1\. a table belongs to one pmap: .* is also of other"):
            kernel.check()

    def test_a_table_missing_below_the_limit_is_found(self):
        kernel, _ = boot()
        kernel.kgrow(KERNEL)
        kernel.klimit += 1 << 30
        with pytest.raises(Broken, match=r"7\. kernel space has tables up to"):
            kernel.check()
