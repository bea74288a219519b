"""A processor through its TLB: what it believes, what it writes into the tables, how it faults."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.mmu.cpus import ALL, KERNELS, Faulted, Tables
from tests.engine.mmu.random_tables import PLACES, addresses, controls, fill
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.units import MIB, PAGE
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.cpu import Cpu
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.rules import Access
from vmwidgets.engine.mmu.tables_schema import Fault, PageMarked, PteWritten, Rights
from vmwidgets.engine.mmu.tlb import Tlb
from vmwidgets.engine.mmu.tlb_schema import TlbFilled, TlbFlushed, TlbHit, TlbMissed
from vmwidgets.engine.mmu.walk import walk

AT, FRAME = 0x40_0000, 0x80_0000
READ_ONLY = Rights(write=False)
X86 = [name for name in FORMATS if name.startswith("x86")]
NOT_X86 = [name for name in FORMATS if name not in X86]


@pytest.fixture(params=FORMATS)
def tables(request: pytest.FixtureRequest) -> Tables:
    """Empty tables of each format."""
    return Tables(FORMATS[request.param])


def kind(found: int | Fault) -> int | str:
    return found.kind if isinstance(found, Fault) else found


def stale(cpu: Any) -> list[str]:
    """In what the first entry differs from the tables."""
    return [one.what for one in cpu.stale(next(iter(cpu.tlb)))]


class TestWhatItBelieves:
    def test_bytes_go_where_the_tables_say_page_by_page(self, tables):
        tables.map(AT, FRAME, ALL)
        tables.map(AT + PAGE, 3 * FRAME, ALL)
        cpu = tables.cpu()
        cpu.store(AT + PAGE - 2, b"four", user=True)
        assert (tables.ram.read(FRAME + PAGE - 2, 2), tables.ram.read(3 * FRAME, 2)) == (b"fo", b"ur")
        assert cpu.load(AT + PAGE - 3, 6, user=True) == b"\0four\0"
        assert cpu.load(AT + PAGE - 2, 4, user=True, access="execute") == b"four"
        assert (cpu.tlb.hits, cpu.tlb.misses) == (4, 2)

    def test_a_hit_reads_no_tables_and_a_flush_ends_it(self, tables):
        tables.map(AT, FRAME)
        cpu = tables.cpu()
        assert cpu.translate(AT, "read", False) == FRAME
        assert stale(cpu) == []
        tables.unmap(AT)
        assert cpu.translate(AT + 5, "read", False) == FRAME + 5
        assert stale(cpu) == ["mapping"]
        cpu.flush_range(AT, AT + PAGE)
        assert kind(cpu.translate(AT, "read", False)) == "not-present"

    def test_what_is_absent_is_never_kept(self, tables):
        cpu = tables.cpu()
        assert kind(cpu.translate(AT, "read", False)) == "not-present"
        assert len(cpu.tlb) == 0
        tables.map(AT, FRAME)
        assert cpu.translate(AT, "read", False) == FRAME

    def test_a_right_that_was_taken_away_is_still_there(self, tables):
        tables.map(AT, FRAME, ALL)
        cpu = tables.cpu()
        cpu.store(AT, b"1", user=True)
        tables.editor.set_rights(tables.slot(AT), READ_ONLY)
        cpu.store(AT, b"2", user=True)
        assert (tables.ram.read(FRAME, 1), stale(cpu)) == (b"2", ["rights"])
        cpu.flush_all(globals_too=False)
        assert kind(cpu.translate(AT, "write", True)) == "protection"

    def test_another_page_another_size_another_sharing_are_told(self, tables):
        cpu = tables.cpu()
        tables.map(AT, FRAME, ALL)
        cpu.load(AT, 1, user=True)
        tables.map(AT, 3 * FRAME, ALL, shared=True)
        assert stale(cpu) == ["address", "global"]
        size = tables.fmt.page_sizes[-2] if tables.fmt.name == "armv7" else tables.fmt.page_sizes[1]
        tables.map(AT, AT, ALL, size)
        assert stale(cpu) == ["address", "page size"]

    def test_the_settings_of_the_moment_count_not_those_of_the_filling(self):
        sv39, x86 = Tables(FORMATS["riscv-sv39"]), Tables(FORMATS["x86-64"])
        sv39.map(AT, FRAME, Rights(read=False, write=False, user=False))
        cpu = sv39.cpu()
        assert cpu.translate(AT, "execute", False) == FRAME
        assert kind(cpu.translate(AT, "read", False)) == "protection"
        cpu.controls = replace(cpu.controls, mxr=True)
        assert cpu.translate(AT, "read", False) == FRAME
        assert (stale(cpu), cpu.tlb.misses) == ([], 1)
        x86.map(AT, FRAME, ALL)
        cpu = x86.cpu()
        assert cpu.translate(AT, "read", False) == FRAME
        cpu.controls = replace(cpu.controls, smap=True)
        assert kind(cpu.translate(AT, "read", False)) == "protection"

    def test_setting_the_settings_drops_everything(self):
        tables = Tables(FORMATS["x86-64"])
        tables.map(AT, FRAME, shared=True)
        cpu = tables.cpu()
        cpu.load(AT, 1, user=False)
        cpu.set_controls(cpu.controls)
        assert len(cpu.tlb) == 1
        cpu.set_controls(replace(cpu.controls, nxe=False))
        assert len(cpu.tlb) == 0


class TestAddressSpaces:
    def test_without_numbers_only_what_is_global_survives_a_load_of_the_root(self, tables):
        tables.map(AT, FRAME)
        tables.map(AT + PAGE, FRAME, shared=True)
        cpu = tables.cpu()
        cpu.load(AT, PAGE + 1, user=False)
        cpu.load_root(tables.root)
        assert [line.va for line in cpu.tlb] == [AT + PAGE]

    @pytest.mark.parametrize("name", [name for name, fmt in FORMATS.items() if fmt.asid_bits])
    def test_with_numbers_spaces_live_side_by_side(self, name):
        tables = Tables(FORMATS[name], spaces=2)
        cpu = tables.cpu()
        for space in (0, 1):
            tables.map(AT, FRAME + space * MIB, space=space)
            cpu.load_root(tables.roots[space], space + 1, keep=True)
            assert cpu.translate(AT, "read", False) == FRAME + space * MIB
        cpu.load_root(tables.roots[0], 1, keep=True)
        assert cpu.translate(AT, "read", False) == FRAME
        assert (cpu.tlb.hits, cpu.tlb.misses) == (1, 2)
        tables.unmap(AT, space=1)
        assert [bool(cpu.stale(line)) for line in cpu.tlb] == [False, True]  # each by its own tables
        cpu.load_root(tables.roots[1], 2)
        assert [line.asid for line in cpu.tlb] == [1]


class TestFaults:
    @pytest.mark.parametrize("access", ["read", "write", "execute"])
    @pytest.mark.parametrize("user", [False, True])
    @pytest.mark.parametrize("rights", [READ_ONLY, KERNELS, Rights(execute=False), Rights(False, False, True)])
    def test_a_hit_faults_as_a_walk_does(self, tables, access, user, rights):
        """The same kind, code, syndrome and sentence, whichever finds out."""
        tables.map(AT, FRAME, rights)
        cpu = tables.cpu()
        walk = tables.walk(AT, access, user)
        cases = [(one, who) for one in ("read", "write", "execute") for who in (False, True)]
        allowed = next(case for case in cases if tables.walk(AT, *case).ok)
        assert cpu.translate(AT, *allowed) == FRAME
        events = tables.heard()
        assert cpu.translate(AT, access, user) == (walk.fault or walk.pa)
        assert events[0][0] == TlbHit.tag

    @pytest.mark.parametrize("name", X86)
    def test_on_x86_a_fault_drops_what_is_kept_of_its_address(self, name):
        """SDM 3A, 4.10.4.1: so a right that was given works at the second try, without a flush."""
        tables = Tables(FORMATS[name])
        tables.map(AT, FRAME, READ_ONLY)
        cpu = tables.cpu()
        cpu.load(AT, 1, user=True)
        tables.editor.set_rights(tables.slot(AT), ALL)
        assert kind(cpu.translate(AT, "write", True)) == "protection"
        assert cpu.translate(AT, "write", True) == FRAME

    @pytest.mark.parametrize("name", NOT_X86)
    def test_elsewhere_it_stays_until_it_is_flushed(self, name):
        tables = Tables(FORMATS[name])
        tables.map(AT, FRAME, READ_ONLY)
        cpu = tables.cpu()
        cpu.load(AT, 1, user=True)
        tables.editor.set_rights(tables.slot(AT), ALL)
        assert [kind(cpu.translate(AT, "write", True)) for _ in range(3)] == ["protection"] * 3
        cpu.flush_range(AT, AT + PAGE, 0)
        assert cpu.translate(AT, "write", True) == FRAME

    def test_a_fault_leaves_what_was_stored_before_it(self, tables):
        tables.map(AT, FRAME, ALL)
        cpu = tables.cpu()
        with pytest.raises(Faulted) as caught:
            cpu.store(AT + PAGE - 1, b"ab", user=True)
        assert caught.value.args == (AT + PAGE, "not-present")
        assert tables.ram.read(FRAME + PAGE - 1, 1) == b"a"


class TestAccessedAndDirty:
    @pytest.mark.parametrize("name", X86)
    def test_x86_sets_a_in_each_descriptor_used_and_d_in_the_leaf_of_a_write(self, name):
        """SDM 3A, 4.8: A is bit 5, D bit 6; PAE's PDPTEs have neither."""
        tables = Tables(FORMATS[name])
        tables.map(AT, FRAME, ALL)
        cpu = tables.cpu()

        def flags() -> list[int]:
            return [step.value >> 5 & 3 for step in tables.walk(AT).steps]

        levels = len(tables.fmt.levels)
        pdpte = [0] if name == "x86-pae" else []
        assert flags() == [0] * levels
        cpu.load(AT, 1, user=True)
        assert flags() == pdpte + [1] * (levels - len(pdpte))
        cpu.store(AT, b"x", user=True)  # a hit, but not dirty yet
        assert flags() == pdpte + [1] * (levels - 1 - len(pdpte)) + [3]
        events = tables.heard()
        cpu.store(AT, b"y", user=True)
        assert [event[0] for event in events] == [TlbHit.tag]

    @pytest.mark.parametrize("name", [*X86, "riscv-sv39"])
    def test_a_first_write_walks_and_so_finds_out_what_changed(self, name):
        tables = Tables(FORMATS[name])
        tables.map(AT, FRAME, ALL)
        cpu = tables.cpu()
        cpu.load(AT, 1, user=True)
        tables.editor.set_rights(tables.slot(AT), READ_ONLY)
        assert kind(cpu.translate(AT, "write", True)) == "protection"
        tables.map(AT, 3 * FRAME, ALL)
        cpu.flush_all(globals_too=True)
        cpu.load(AT, 1, user=True)
        tables.unmap(AT)
        size = tables.fmt.page_sizes[1]
        tables.map(AT, 0, ALL, size)
        assert cpu.translate(AT, "write", True) == AT % size
        assert [line.size for line in cpu.tlb] == [size]

    @pytest.mark.parametrize("name", [*X86, "riscv-sv39"])
    def test_a_dirty_bit_that_was_cleared_without_a_flush_is_not_set_again(self, name):
        tables = Tables(FORMATS[name])
        tables.map(AT, FRAME, ALL)
        cpu = tables.cpu()
        cpu.store(AT, b"x", user=True)
        slot = tables.slot(AT)
        dirty = slot.descriptor.field("D").mask
        tables.editor.write(slot, slot.word & ~dirty)
        cpu.store(AT, b"y", user=True)
        assert (tables.leaf(AT) & dirty, stale(cpu)) == (0, ["dirty"])
        cpu.flush_range(AT, AT + PAGE, 0)
        cpu.store(AT, b"z", user=True)
        assert (tables.leaf(AT) & dirty, stale(cpu)) == (dirty, [])

    def test_sv39_sets_a_and_d_in_the_leaf_alone_or_faults(self):
        """Privileged 20211203, 4.3.1: A is bit 6, D bit 7; causes 13 and 15."""
        tables = Tables(FORMATS["riscv-sv39"])
        tables.map(AT, FRAME, ALL)
        cpu = tables.cpu(adue=False)
        found = [cpu.translate(AT, access, True) for access in ("read", "write")]
        assert [(fault.kind, fault.code) for fault in found if isinstance(fault, Fault)] == [
            ("access-flag", 13),
            ("access-flag", 15),
        ]
        assert (tables.leaf(AT) >> 6 & 3, len(cpu.tlb)) == (0, 0)
        cpu.set_controls(replace(cpu.controls, adue=True))
        cpu.load(AT, 1, user=True)
        assert [step.value >> 6 & 3 for step in tables.walk(AT).steps] == [0, 0, 1]
        cpu.store(AT, b"x", user=True)
        assert [step.value >> 6 & 3 for step in tables.walk(AT).steps] == [0, 0, 3]

    @pytest.mark.parametrize(
        ("name", "flag", "settings", "code"),
        [("armv7", 1 << 4, {"afe": True}, 0b00110), ("aarch64", 1 << 10, {}, 0b001011)],
    )
    def test_arm_faults_without_the_access_flag_unless_the_hardware_sets_it(self, name, flag, settings, code):
        """ARM DDI 0406C, B3.7.2 and B3.13.3; ARM DDI 0487, D5.4.12 and ESR_EL1."""
        tables = Tables(FORMATS[name])
        tables.map(AT, FRAME, ALL)
        slot = tables.slot(AT)
        tables.editor.write(slot, slot.word & ~flag)
        cpu = tables.cpu(**settings)
        found = cpu.translate(AT, "read", True)
        assert isinstance(found, Fault)
        assert (found.kind, found.code, len(cpu.tlb)) == ("access-flag", code, 0)
        cpu.set_controls(replace(cpu.controls, ha=True))
        assert cpu.translate(AT, "read", True) == FRAME
        assert tables.leaf(AT) & flag
        cpu.store(AT, b"x", user=True)
        assert (cpu.tlb.misses, tables.leaf(AT)) == (2, slot.word | flag)

    def test_a_fault_sets_nothing(self, tables):
        tables.map(AT, FRAME, KERNELS)
        before = [step.value for step in tables.walk(AT).steps]
        assert kind(tables.cpu().translate(AT, "write", True)) == "protection"
        assert [step.value for step in tables.walk(AT).steps] == before


class TestEvents:
    def test_each_step_is_told(self):
        tables = Tables(FORMATS["x86-64"])
        for page in range(2):
            tables.map(AT + page * PAGE, FRAME, ALL)
        cpu = tables.cpu(sets=1, ways=1)
        events = tables.heard()
        cpu.load(AT, 1, user=True)
        cpu.load(AT + PAGE, 1, user=True)
        cpu.store(AT + PAGE, b"x", user=True)
        assert isinstance(cpu.translate(AT + PAGE, "write", False), int)
        cpu.flush_all(globals_too=True)
        cpu.flush_all(globals_too=True)  # nothing left to drop
        told = [event for event in events if event[0] not in (PteWritten.tag, PageMarked.tag)]
        assert [event[0] for event in told] == [
            TlbMissed.tag,
            TlbFilled.tag,
            TlbMissed.tag,
            TlbFilled.tag,
            TlbHit.tag,
            TlbFilled.tag,
            TlbHit.tag,
            TlbFlushed.tag,
        ]
        first, second = told[1][2], told[3][2]
        assert (told[1][3], told[3][3], told[5][3]) == (None, first, second)  # what went for it
        assert (second.dirty, told[5][2]) == (False, replace(second, dirty=True))
        assert [event[-1] for event in told if event[0] == TlbHit.tag] == ["clean", "used"]
        assert told[-1] == (TlbFlushed.tag, "cpu", "all and global", 0, 0, None, (told[5][2],))


@pytest.mark.parametrize("name", FORMATS)
@given(seed=st.integers(0, 2**32), access=st.sampled_from(["read", "write", "execute"]), user=st.booleans())
def test_with_an_empty_tlb_it_does_what_a_walk_says(name: str, seed: int, access: Access, user: bool) -> None:
    """The address or the very fault, and the same bits set on the way, whatever is in the tables."""
    fmt, random = FORMATS[name], Random(seed)
    ram = Ram(1 << 22)
    fill(fmt, random, ram.write_word, ram.size)
    settings = replace(fmt.defaults, **controls(fmt, random))
    root = random.choice(PLACES)
    for va in addresses(fmt, random, 20):
        cpu: Cpu[Any] = Cpu("cpu", ram, fmt, Tlb(fmt), Recorder())
        cpu.load_root(root, controls=settings)
        said = walk(ram, fmt, root, va, access, user, settings)
        assert cpu.translate(va, access, user) == (said.pa if said.fault is None else said.fault)
        for step, bits in zip(said.steps, said.sets, strict=False):
            assert ram.read_word(step.pa, fmt.entry_width) & bits == bits
