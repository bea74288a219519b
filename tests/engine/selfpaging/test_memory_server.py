"""Memory for tables and frames: aligned, shared where it is small, and all of it goes back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.memory.pages import PageAllocator
from vmwidgets.engine.selfpaging.cpu_driver import LARGEST, PageMemory


def test_four_small_tables_share_a_page_and_it_goes_back_with_the_last():
    memory = PageMemory(PageAllocator(Recorder(), 256, 64), "t")
    tables = [memory.allocate(1024, 1024, "table") for _ in range(5)]
    assert tables[:4] == [tables[0] + 1024 * at for at in range(4)]
    assert memory.pages.free_pages == 62
    for table in tables[:3]:
        memory.free(table, 1024)
    assert memory.pages.free_pages == 62
    memory.free(tables[3], 1024)
    assert memory.pages.free_pages == 63


def test_what_is_too_big_is_not_there():
    memory = PageMemory(PageAllocator(Recorder(), 1024, 4096), "t")
    assert memory.allocate(LARGEST, LARGEST, "frame") is not None
    assert memory.allocate(2 * LARGEST, 4096, "frame") is None
    assert memory.pages.free_pages == 4096 - LARGEST // 4096


@given(sizes=st.lists(st.sampled_from([256, 1024, 4096, 12288, 16384, 1 << 20]), max_size=30), data=st.data())
def test_regions_are_aligned_apart_and_conserved(sizes, data):
    memory = PageMemory(PageAllocator(Recorder(), 256, 2048), "t")
    held = {}
    for size in sizes:
        base = memory.allocate(size, size & -size, "frame")
        if base is not None:
            assert base % (size & -size) == 0
            assert all(base + size <= other or other + bytes_ <= base for other, bytes_ in held.items())
            held[base] = size
        if held and data.draw(st.booleans()):
            gone = data.draw(st.sampled_from(sorted(held)))
            memory.free(gone, held.pop(gone))
    for base, size in held.items():
        memory.free(base, size)
    assert memory.pages.free_pages == 2048


@given(st.lists(st.integers(0, 40), max_size=120))
def test_a_part_comes_from_the_page_that_was_shared_first(draws):
    """As if all shared pages were looked through, the oldest first."""
    memory = PageMemory(PageAllocator(Recorder(), 256, 64), "t")
    pages: dict[int, list[int]] = {}
    held: list[int] = []
    for draw in draws:
        if held and draw % 2:
            base = held.pop(draw % len(held))
            memory.free(base, 1024)
            pages[base & -4096].append(base)
            if len(pages[base & -4096]) == 4:
                del pages[base & -4096]
            continue
        base = memory.allocate(1024, 1024, "table")
        wanted = next((parts for parts in pages.values() if parts), None)
        if wanted is None:
            assert base % 4096 == 0, "all are used up: a fresh page"
            pages[base] = [base + 3072, base + 2048, base + 1024]
        else:
            assert base == wanted.pop()
        held.append(base)
