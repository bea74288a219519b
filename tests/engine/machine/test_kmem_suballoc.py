"""kmem_suballoc where no map can be made: refused at the door, a panic below it."""

from __future__ import annotations

import random

import pytest

import vmwidgets as vm

PAGE = vm.PAGE


class TestSuballocThatCannotBe:
    """The original panics; the door refuses, and the function without a door shows the panic."""

    def refused(self, m, *arguments, **words):
        before = len(m.journal), list(m.kmem.kernel_map), list(m.kmem.maps)
        with pytest.raises(vm.Refused) as caught:
            m.kmem_suballoc(*arguments, **words)
        assert (len(m.journal), list(m.kmem.kernel_map), list(m.kmem.maps)) == before
        assert "the original panics here (m.unchecked.kmem_suballoc)" in str(caught.value)
        m.check()
        return str(caught.value)

    @pytest.mark.parametrize(("layout", "size"), [("tiny", "1 MiB"), ("small", "16 MiB")])
    def test_a_size_for_which_there_is_no_room(self, layout, size):
        m = vm.boot("x86-64", layout=layout)
        assert "the largest free range of kmem.kernel_map has" in self.refused(m, size, "own")
        m.kmem_suballoc(m.kmem.kernel_map.largest_gap, "own")
        m.check()
        with pytest.raises(vm.KernelPanic, match="bad status return of 3"):
            m.unchecked.kmem_suballoc(m.kmem.kernel_map, 1 << 20, "other")

    def test_beside_memory_of_the_same_kind_in_a_map_that_is_no_system_map(self):
        m = vm.boot("x86-64")
        m.kmem_alloc_wait("4 KiB", map="exec_map")
        assert "would merge with the entry before" in self.refused(m, "4 KiB", "own", parent="exec_map")
        m.kmem_alloc("4 KiB", map="exec_map")
        m.kmem_suballoc("4 KiB", "own", parent="exec_map")
        m.check()
        m.kmem_alloc_wait("4 KiB", map="pipe_map")
        with pytest.raises(vm.KernelPanic, match="unable to change range to submap"):
            m.unchecked.kmem_suballoc(m.kmem.pipe_map, 4096, "other")

    def test_without_memory_for_an_entry(self):
        m = vm.boot("x86-64", layout="tiny", ram="4 MiB")
        for number in range(200):  # entries of two kinds by turns, which never join, until their slabs are full
            if not m.system.kernel.kmem.entry_cache.slab_counts["partial"]:
                break
            (m.kmem_alloc_nofault if number % 2 else m.kmem_alloc_wait)("4 KiB", map="kernel_map")
        m.take_pages(10_000)
        assert "no memory is left for an entry of kmem.kernel_map" in self.refused(m, "4 KiB", "own")
        with pytest.raises(vm.KernelPanic, match="vm_map_entry_create"):
            m.unchecked.kmem_suballoc(m.kmem.kernel_map, 4096, "own")

    def test_a_name_is_refused_without_a_door_too(self):
        m = vm.boot("x86-64")
        with pytest.raises(vm.Refused, match="there is already a map with this name"):
            m.unchecked.kmem_suballoc(m.kmem.kernel_map, 4096, "exec_map")
        assert m.unchecked.kmem_suballoc(m.kmem.kernel_map, 4096, "own").path == "kmem/own"
        m.check()

    @pytest.mark.parametrize("seed", range(12))
    def test_whatever_was_done_before_it_is_made_or_refused_where_the_original_panics(self, seed):
        chance = random.Random(seed)
        m = vm.boot("x86-64", layout="tiny", ram="4 MiB")
        held = []
        for number in range(40):
            names = list(m.kmem.maps)
            parent, size = chance.choice(names), chance.randrange(1, 12) * PAGE
            what = chance.choice(["suballoc", "alloc", "nofault", "free", "take"])
            if what == "suballoc":
                twin = m.branch(len(m.journal) - 1)
                try:
                    m.kmem_suballoc(size, f"map{number}", parent=parent)
                    panics = ""
                except vm.Refused as refused:
                    panics = str(refused)
                if "the original panics here" in panics:
                    with pytest.raises(vm.KernelPanic):
                        twin.unchecked.kmem_suballoc(twin.kmem.maps[parent], size, f"map{number}")
                elif not panics:
                    twin.unchecked.kmem_suballoc(twin.kmem.maps[parent], size, f"map{number}")
            elif what == "free" and held:
                m.kmem_free(*held.pop(chance.randrange(len(held))))
            elif what == "take":
                m.take_pages(chance.randrange(40))
            elif m.kmem.maps[parent].largest_gap >= size and m.kmem.pages.free > 200:
                call = m.kmem_alloc if what == "alloc" else m.kmem_alloc_nofault
                held.append((call(size, map=parent), size))
            m.check()
