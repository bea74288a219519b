"""Every format makes descriptors that read back, and that the walker follows; pages that stand in several slots too."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.mmu.tables import map_page
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.editor import TableEditor
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.tables_schema import Rights
from vmwidgets.engine.mmu.walk import translate, walk

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SIZES = {
    "x86": (4 * KIB, 4 * MIB),
    "x86-pae": (4 * KIB, 2 * MIB),
    "x86-64": (4 * KIB, 2 * MIB, GIB),
    "x86-64-la57": (4 * KIB, 2 * MIB, GIB),
    "armv7": (4 * KIB, 64 * KIB, MIB, 16 * MIB),
    "aarch64": (4 * KIB, 2 * MIB, GIB),
    "riscv-sv39": (4 * KIB, 2 * MIB, GIB),
}
LEAVES = [(name, size) for name, sizes in SIZES.items() for size in sizes]
ROOT = 0x10_0000

rights = st.builds(Rights, st.just(True), st.booleans(), st.booleans(), st.booleans())


def executes(fmt):
    """32-bit x86 can't forbid fetches."""
    return fmt.name == "x86"


def editor(fmt):
    return TableEditor(Ram(1 << 40), fmt, Recorder())


def enter(tables, va, pa, given_rights, size, *, shared=False):
    """Map a page, with the tables above it, each at a place of its own."""
    level, _ = tables.fmt.leaf(size)
    slot = tables.find(ROOT, va, level.number)
    while slot.level is not level:
        place = ROOT + (slot.level.number << 32) + (va >> slot.level.shift << 14)
        tables.refer(slot, place % (1 << 32) + ROOT if tables.fmt.word_bits == 32 else place, Rights())
        slot = tables.find(ROOT, va, level.number)
    map_page(tables, slot, pa, given_rights, size, shared)
    return slot


def test_the_sizes_of_pages():
    assert {name: fmt.page_sizes for name, fmt in FORMATS.items()} == SIZES


@pytest.mark.parametrize(("name", "size"), LEAVES)
@given(number=st.integers(0, 200), given_rights=rights, shared=st.booleans())
def test_a_leaf_reads_back_as_it_was_made(name, size, number, given_rights, shared):
    fmt = FORMATS[name]
    level, made = fmt.leaf(size)
    word = fmt.leaf_word(level, number * size % (1 << 32), given_rights, shared=shared, size=size)
    descriptor = level.read_as(word)
    assert descriptor is made
    assert descriptor.address_of(word) == number * size % (1 << 32)
    assert fmt.rules.check_descriptor(level, descriptor, word, fmt.defaults) is None
    expected = given_rights._replace(execute=True) if executes(fmt) else given_rights
    assert fmt.rules.rights_of(descriptor, word) == expected
    field = descriptor.field("nG") or descriptor.field("G")
    assert field.of(word) == (shared if field.name == "G" else not shared)


@pytest.mark.parametrize(("name", "size"), LEAVES)
@given(before=rights, after=rights, noise=st.integers(0, 2**64 - 1))
def test_changing_rights_changes_nothing_else(name, size, before, after, noise):
    fmt = FORMATS[name]
    level, descriptor = fmt.leaf(size)
    bits = fmt.rules.rights_bits(descriptor)
    word = fmt.leaf_word(level, 0, before, size=size)
    word |= noise & (1 << 8 * fmt.entry_width) - 1 & ~(bits | descriptor.mask | descriptor.reserved)
    changed = fmt.with_rights(level, word, after)
    assert fmt.rules.rights_of(level.read_as(changed), changed) == (
        after._replace(execute=True) if executes(fmt) else after
    )
    assert (word ^ changed) & ~bits == 0


@pytest.mark.parametrize("name", FORMATS)
def test_a_table_descriptor_lets_all_pass_and_is_sound(name):
    fmt = FORMATS[name]
    for level in fmt.levels[:-1]:
        word = fmt.table_word(level, 0x40_0000, Rights())
        descriptor = level.read_as(word)
        assert (descriptor.kind, descriptor.address_of(word)) == ("table", 0x40_0000)
        assert fmt.rules.check_descriptor(level, descriptor, word, fmt.defaults) is None
        assert fmt.rules.rights_of(descriptor, word) == Rights()


@pytest.mark.parametrize(("name", "size"), LEAVES)
@given(given_rights=rights)
def test_what_is_mapped_is_found_with_the_rights_it_was_given(name, size, given_rights):
    fmt, tables = FORMATS[name], editor(FORMATS[name])
    enter(tables, 0x4000_0000, 0x8000_0000, given_rights, size)
    last = 0x4000_0000 + size - 1
    supervisor, user = (walk(tables.ram, fmt, ROOT, va).permissions for va in (0x4000_0000, last))
    assert supervisor == user, "first and last byte alike"
    may = supervisor.user if given_rights.user else supervisor.supervisor
    fetch = given_rights.execute or executes(fmt)
    assert may == (True, given_rights.write, fetch)
    if not given_rights.user:
        assert supervisor.user == (False, False, False)
    found = walk(tables.ram, fmt, ROOT, last, "read", given_rights.user)
    assert (found.pa, found.page_size) == (0x8000_0000 + size - 1, size)
    assert not walk(tables.ram, fmt, ROOT, last + 1, "read", given_rights.user).ok


@pytest.mark.parametrize("name", FORMATS)
def test_a_split_page_translates_as_before_with_the_same_rights(name):
    fmt = FORMATS[name]
    for size in fmt.page_sizes:
        level, _ = fmt.leaf(size)
        if level.number == 1:
            continue
        for given_rights in (Rights(), Rights(write=False), Rights(user=False), Rights(execute=False, user=False)):
            tables = editor(fmt)
            enter(tables, 0x4000_0000, 0x8000_0000, given_rights, size, shared=True)
            step = max(size // 64, 4096)
            places = range(0x4000_0123, 0x4000_0000 + size, step)
            before = [walk(tables.ram, fmt, ROOT, va) for va in places]
            tables.demote(tables.find(ROOT, 0x4000_0000), 0x6000_0000, Rights(user=given_rights.user))
            after = [walk(tables.ram, fmt, ROOT, va) for va in places]
            assert after[0].page_size < size
            for one, other in zip(before, after, strict=True):
                assert one.permissions == other.permissions
                assert (one.pa, one.fault and one.fault.kind) == (other.pa, other.fault and other.fault.kind)


class TestRepeated:
    """ARM's supersections and large pages stand in 16 slots."""

    @pytest.mark.parametrize("size", [64 * KIB, 16 * MIB])
    def test_all_16_slots_are_written_wherever_in_the_page_one_begins(self, size):
        fmt, tables = FORMATS["armv7"], editor(FORMATS["armv7"])
        slot = enter(tables, 0x4000_0000 + 5 * (size // 16), 0x8000_0000, Rights(), size)
        table = slot.pa - 4 * slot.level.index(slot.va)
        present = list(tables.present(slot.level, table))
        assert [one.word for one in present] == [present[0].word] * 16
        assert present[0].level.index(present[0].va) % 16 == 0
        for va in range(0x4000_0000, 0x4000_0000 + size, size // 16):
            assert walk(tables.ram, fmt, ROOT, va + 7).pa == va - 0x4000_0000 + 0x8000_0000 + 7

    @pytest.mark.parametrize("size", [64 * KIB, 16 * MIB])
    def test_clearing_and_changing_any_is_for_all(self, size):
        fmt, tables = FORMATS["armv7"], editor(FORMATS["armv7"])
        enter(tables, 0x4000_0000, 0x8000_0000, Rights(), size)
        middle, last = 0x4000_0000 + 7 * (size // 16), 0x4000_0000 + size - 1
        tables.set_rights(tables.find(ROOT, middle), Rights(write=False))
        for va in (0x4000_0000, middle, last):
            assert not walk(tables.ram, fmt, ROOT, va, "write").ok
            assert walk(tables.ram, fmt, ROOT, va).ok
        tables.clear(tables.find(ROOT, middle))
        for va in (0x4000_0000, middle, last):
            assert walk(tables.ram, fmt, ROOT, va).fault.kind == "not-present"

    @pytest.mark.parametrize("size", [64 * KIB, 16 * MIB])
    def test_it_is_one_leaf(self, size):
        fmt, tables = FORMATS["armv7"], editor(FORMATS["armv7"])
        enter(tables, 0x4000_0000, 0x8000_0000, Rights(), size)
        end = 0x4000_0000 + 2 * size
        enter(tables, 0x4000_0000 + size, 0x9000_0000, Rights(), size)
        for start in (0x4000_0000, 0x4000_0000 + size // 16, 0x4000_0000 + size - 4096):
            slots = list(tables.leaves(ROOT, start, end))
            assert [(slot.va, slot.span, slot.address) for slot in slots] == [
                (0x4000_0000, size, 0x8000_0000),
                (0x4000_0000 + size, size, 0x9000_0000),
            ]
        one = list(tables.leaves(ROOT, 0x4000_0000 + size // 2, 0x4000_0000 + size // 2 + 4096))
        assert [(slot.va, slot.span) for slot in one] == [(0x4000_0000, size)]
        assert fmt.level(1).copies_of(fmt.leaf(64 * KIB)[1]) == 16

    @pytest.mark.parametrize("size", [64 * KIB, 16 * MIB])
    def test_divided_it_is_16_pages_that_translate_as_before(self, size):
        fmt, tables = FORMATS["armv7"], editor(FORMATS["armv7"])
        enter(tables, 0x4000_0000, 0x8000_0000, Rights(write=False, execute=False), size)
        tables.split(tables.find(ROOT, 0x4000_0000 + size // 2))
        for va in range(0x4000_0000, 0x4000_0000 + size, size // 16):
            found = walk(tables.ram, fmt, ROOT, va + 9)
            assert (found.pa, found.page_size) == (va - 0x4000_0000 + 0x8000_0009, size // 16)
            assert str(found.permissions.user) == "r--"
        assert len(list(tables.leaves(ROOT, 0x4000_0000, 0x4000_0000 + size))) == 16

    def test_a_supersection_above_4_gib_has_no_sections(self):
        tables = editor(FORMATS["armv7"])
        enter(tables, 0x4000_0000, 0x12_0000_0000, Rights(), 16 * MIB)
        words = [slot.word for slot in tables.copies(tables.find(ROOT, 0x4000_0000))]
        with pytest.raises(Refused, match="does not fit"):
            tables.split(tables.find(ROOT, 0x4000_0000))
        assert [slot.word for slot in tables.copies(tables.find(ROOT, 0x4000_0000))] == words, "nothing changed"


def test_a_sections_domain_and_pxn_go_to_the_table_that_stands_for_it():
    fmt, tables = FORMATS["armv7"], editor(FORMATS["armv7"])
    tables.write(tables.find(ROOT, 0x4000_0000), 0x8000_0C02 | 13 << 5 | 1)
    controls = replace(fmt.defaults, dacr=1 << 26)
    before = walk(tables.ram, fmt, ROOT, 0x4000_0000, controls=controls).permissions
    tables.demote(tables.find(ROOT, 0x4000_0000), 0x6000_0000, Rights())
    after = walk(tables.ram, fmt, ROOT, 0x4000_0000, controls=controls)
    assert after.permissions == before
    assert (str(before.supervisor), str(before.user), after.page_size) == ("rw-", "rwx", 4096)


def test_what_no_level_can_map_is_refused():
    fmt = FORMATS["armv7"]
    with pytest.raises(Refused, match="can't map a page of 64 KiB"):
        fmt.leaf_word(fmt.level(2), 0, Rights(), size=64 * KIB)
    assert fmt.leaf(2 * MIB) is None


@pytest.mark.parametrize("name", FORMATS)
def test_the_hardware_marks_what_it_used(name):
    """x86 marks all descriptors, RISC-V the leaf, ARM nothing unless told to (and then needs no flag to begin with)."""
    fmt, tables = FORMATS[name], editor(FORMATS[name])
    enter(tables, 0x4000_0000, 0x8000_0000, Rights(user=False), 4 * KIB)
    first = translate(tables.ram, fmt, ROOT, 0x4000_0000, "write", False, fmt.defaults)
    tables.mark_accessed(first)
    again = walk(tables.ram, fmt, ROOT, 0x4000_0000, "write")
    assert not any(again.sets)
    changed = [one.word ^ other.value for one, other in zip(first.path, again.steps, strict=True)]
    assert changed == list(first.sets)
    expected = {"x86": [0x20, 0x60], "x86-pae": [0, 0x20, 0x60], "riscv-sv39": [0, 0, 0xC0], "armv7": [0, 0]}
    table = [0x20] * (len(fmt.levels) - 1) + [0x60] if name.startswith("x86") else [0] * len(fmt.levels)
    assert changed == expected.get(name, table)
