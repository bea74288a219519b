"""Descriptors that are made read back as what they were made of, and the walker agrees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.mmu.tables import map_page
from vmwidgets import events as ev
from vmwidgets.engine.base.recorder import Recorder, materialize
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.editor import TableEditor
from vmwidgets.engine.mmu.formats.x86 import PD, PDPT, PML4, PT, X86_64
from vmwidgets.engine.mmu.levels import AddressBits, Descriptor
from vmwidgets.engine.mmu.tables_schema import PteRunWritten, PteWritten, Rights
from vmwidgets.engine.mmu.walk import translate, walk

rights = st.builds(Rights, st.just(True), st.booleans(), st.booleans(), st.booleans())
leaf_levels = st.sampled_from([PT, PD, PDPT])


@given(leaf_levels, st.integers(0, 2**22 - 1), rights, st.booleans())
def test_a_leaf_reads_back_as_it_was_made(level, number, given_rights, shared):
    pa = number * level.span % 2**52
    word = X86_64.leaf_word(level, pa, given_rights, shared=shared)
    descriptor = level.read_as(word)
    assert (descriptor.kind, descriptor.address_of(word)) == ("leaf", pa)
    assert X86_64.rules.rights_of(descriptor, word) == given_rights
    assert bool(word >> 8 & 1) == shared
    assert not word & descriptor.reserved


@given(st.sampled_from([PML4, PDPT, PD]), st.integers(0, 2**40 - 1), rights)
def test_a_table_descriptor_is_never_global(level, number, given_rights):
    word = X86_64.table_word(level, number * 4096, given_rights)
    descriptor = level.read_as(word)
    assert (descriptor.kind, descriptor.address_of(word)) == ("table", number * 4096)
    assert not word & (1 << 8 | descriptor.reserved)


@given(leaf_levels, rights, rights, st.integers(0, 2**64 - 1))
def test_changing_rights_changes_nothing_else(level, before, after, noise):
    word = X86_64.leaf_word(level, 0, before) | noise & 0x7FF0_0000_0000_0F78 & ~(1 << 7)
    changed = X86_64.with_rights(level, word, after)
    assert X86_64.rules.rights_of(level.read_as(changed), changed) == after
    assert (word ^ changed) & ~(1 << 63 | 0b110) == 0


@given(st.sampled_from([PD, PDPT]), st.integers(0, 511), rights, st.booleans(), st.booleans())
def test_a_part_of_a_large_page_is_what_it_was(level, index, given_rights, dirty, pat):
    word = X86_64.leaf_word(level, 5 * level.span, given_rights, shared=True) | dirty << 6 | pat << 12
    part = X86_64.demoted_word(level, word, index)
    below = X86_64.level(level.number - 1)
    small = below.read_as(part)
    assert small.address_of(part) == 5 * level.span + index * below.span
    assert X86_64.rules.rights_of(small, part) == given_rights
    kept = {name: small.field(name).of(part) for name in ("D", "G", "PAT", "A")}
    assert kept == {"D": dirty, "G": 1, "PAT": pat, "A": 0}


def test_an_address_in_pieces_is_put_together():
    supersection = Descriptor(
        "supersection",
        "leaf",
        0x40003,
        0x40002,
        "",
        (AddressBits(24, 31, 24), AddressBits(20, 23, 32), AddressBits(5, 8, 36)),
    )
    word = supersection.place(0xA5_4300_0000)
    assert word == 0x4300_0000 | 0x5 << 20 | 0xA << 5 | 0x40002
    assert supersection.address_of(word) == 0xA5_4300_0000


class TestEditor:
    def make(self):
        self.events = []
        recorder = Recorder()
        recorder.emit = self.events.append
        self.ram = Ram(1 << 20)
        return TableEditor(self.ram, X86_64, recorder)

    def descent(self, va, access):
        return translate(self.ram, X86_64, 0x1000, va, access, False, X86_64.defaults)

    def mapped(self):
        editor = self.make()
        for level, table in ((4, 0x2000), (3, 0x3000)):
            editor.refer(editor.find(0x1000, 0x20_0000, level), table, Rights())
        map_page(editor, editor.find(0x1000, 0x20_0000, 2), 0x60_0000, Rights(write=False))
        self.events.clear()
        return editor

    def test_writes_are_events_that_can_be_taken_back(self):
        editor = self.make()
        slot = editor.find(0x1000, 0x7FFF_FFFF_F000)
        editor.refer(slot, 0x2000, Rights(user=False))
        editor.clear(editor.find(0x1000, 0x7FFF_FFFF_F000, 4))
        pa = 0x1000 + 8 * 255
        assert self.events == [
            (PteWritten.tag, pa, 0, 0x2003, 4, 0x7FFF_FFFF_F000),
            (PteWritten.tag, pa, 0x2003, 0, 4, 0x7FFF_FFFF_F000),
        ]

    def test_writing_the_same_word_is_no_event(self):
        editor = self.mapped()
        slot = editor.find(0x1000, 0x20_0000)
        editor.write(slot, slot.word)
        assert self.events == []

    @given(st.lists(st.tuples(*[st.sampled_from([0, 0x1003, 0x2003, 0x3003, 0x3005])] * 2), min_size=1, max_size=12))
    def test_runs_are_told_word_by_word(self, words):
        editor = self.make()
        for index, (old, _) in enumerate(words):
            editor.write(editor.slot(PT, 0x4000, index << 12), old)
        self.events.clear()
        editor.write_range(PT, 0x4000, 0, 0, tuple(new for _, new in words))
        places = [0x4000 + 8 * index for index in range(len(words))]
        assert [self.ram.read_word(pa, 8) for pa in places] == [new for _, new in words]
        told = []
        for event in materialize(self.events, ""):
            if isinstance(event, ev.PteWritten):
                told.append((event.pa, event.before, event.after))
            elif isinstance(event, ev.PteRunWritten):
                told += event.words()
        assert told == [(pa, old, new) for pa, (old, new) in zip(places, words, strict=True) if old != new]

    def test_pages_in_a_row_are_one_event(self):
        editor = self.make()
        editor.write_range(PT, 0x4000, 0, 0, tuple(0x5003 + (index << 12) for index in range(512)))
        assert self.events == [(PteRunWritten.tag, 0x4000, 512, 8, 0, 0, 0x5003, 0x1000, 1, 0)]

    def test_a_range_is_for_the_addresses_from_its_first_slot_on(self):
        editor = self.make()
        editor.write_range(PT, 0x4000, 3, 0x3000, (7, 0, 9))
        assert self.events == [
            (PteWritten.tag, 0x4018, 0, 7, 1, 0x3000),
            (PteWritten.tag, 0x4028, 0, 9, 1, 0x5000),
        ]
        assert editor.words(PT, 0x4000, 2, 6) == (0, 7, 0, 9, 0)

    def test_find_goes_down_as_far_as_the_tables_do(self):
        editor = self.mapped()
        assert [editor.find(0x1000, 0x20_0000, down_to).level for down_to in (4, 3, 2, 1)] == [PML4, PDPT, PD, PD]
        assert editor.find(0x1000, 0x20_0000).kind == "leaf"
        assert editor.find(0x1000, 1 << 40).level is PML4

    @pytest.mark.parametrize(
        ("start", "end", "found"),
        [
            (0x20_0000, 0x40_0000, [0x20_0000]), (0x3F_F000, 0x40_0000, [0x20_0000]),
            (0x20_0000, 0x20_1000, [0x20_0000]), (0, 0x20_0000, []), (0x60_0000, 0x80_0000, []),
            (0x40_3000, 0x40_4000, [0x40_3000]),
            (0x40_2000, 0x40_3000, []), (0x40_4000, 0x40_8000, [0x40_7000]), (0x40_4000, 0x40_7000, []),
            (0x3F_F000, 0x40_4000, [0x20_0000, 0x40_3000]), (0, 1 << 47, [0x20_0000, 0x40_3000, 0x40_7000]),
            (1 << 46, 1 << 47, []), (1 << 46, (1 << 46) + 0x1000, []),
        ],
    )  # fmt: skip
    def test_leaves_are_those_of_the_range_whatever_their_level(self, start, end, found):
        editor = self.mapped()
        editor.refer(editor.find(0x1000, 0x40_0000, 2), 0x4000, Rights())
        for va in (0x40_3000, 0x40_7000):
            map_page(editor, editor.find(0x1000, va), 0x9000, Rights())
        slots = list(editor.leaves(0x1000, start, end))
        assert [slot.va for slot in slots] == found
        assert slots == [editor.find(0x1000, va) for va in found]

    def test_leaves_at_the_top_of_the_word(self):
        editor = self.make()
        top = (1 << 64) - 0x1000
        for level, table in ((4, 0x2000), (3, 0x3000), (2, 0x4000)):
            editor.refer(editor.find(0x1000, top, level), table, Rights())
        map_page(editor, editor.find(0x1000, top), 0x9000, Rights())
        for start in (top, top - 0x1000, 0xFFFF_8000_0000_0000):
            assert list(editor.leaves(0x1000, start, 1 << 64)) == [editor.find(0x1000, top)]
            assert list(editor.leaves(0x1000, start, 1 << 64, {9})) == [editor.find(0x1000, top)]
            assert list(editor.leaves(0x1000, start, 1 << 64, {8})) == []

    def test_a_split_page_translates_as_before(self):
        editor = self.mapped()
        places = [0x20_0000, 0x20_0FFF, 0x2F_F123, 0x3F_FFFF]
        before = [walk(self.ram, X86_64, 0x1000, va).pa for va in places]
        editor.demote(editor.find(0x1000, 0x2F_F000), 0x4000, Rights())
        assert [walk(self.ram, X86_64, 0x1000, va).pa for va in places] == before
        assert walk(self.ram, X86_64, 0x1000, 0x2F_F123, "write", True).fault.level == 1
        assert self.events[-1][4] == 2, "the table is filled before anything refers to it"
        assert [event[5] for event in self.events[:2]] == [0x20_0000, 0x20_1000]

    def test_the_hardware_marks_what_it_used(self):
        editor = self.mapped()
        editor.mark_accessed(self.descent(0x20_0000, "read"))
        steps = walk(self.ram, X86_64, 0x1000, 0x20_0000, "read").steps
        assert [step.value >> 5 & 3 for step in steps] == [1, 1, 1]
        editor.set_rights(editor.find(0x1000, 0x20_0000), Rights())
        editor.mark_accessed(self.descent(0x20_0000, "write"))
        steps = walk(self.ram, X86_64, 0x1000, 0x20_0000).steps
        assert [step.value >> 5 & 3 for step in steps] == [1, 1, 3]

    def test_a_walk_that_failed_marks_nothing(self):
        editor = self.mapped()
        editor.mark_accessed(self.descent(0x20_0000, "write"))
        assert self.events == []

    def test_slots_of_a_table_come_with_canonical_addresses(self):
        editor = self.make()
        slots = list(editor.slots(PML4, 0x1000))
        assert [slots[index].va for index in (0, 255, 256, 511)] == [
            0, 0x7F80_0000_0000, 0xFFFF_8000_0000_0000, 0xFFFF_FF80_0000_0000,
        ]  # fmt: skip
        assert slots[256].pa == 0x1800
