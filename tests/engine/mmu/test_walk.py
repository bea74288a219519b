"""What a walk tells: each step, the rights gathered, and why it stopped."""

from __future__ import annotations

import pytest

from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats.x86 import X86_64, X86Controls
from vmwidgets.engine.mmu.tables_schema import Rights
from vmwidgets.engine.mmu.walk import walk

ROOT, POINTERS, DIRECTORY, TABLE = 0x1000, 0x2000, 0x3000, 0x4000
VA = 0x0000_0080_4060_5123
"""PML4 1, PDPT 1, PD 3, PT 5, offset 0x123."""
XD = 1 << 63
STRICT = X86Controls(smep=True, smap=True)


def memory(pml4e=POINTERS | 7, pdpte=DIRECTORY | 7, pde=TABLE | 7, pte=0x9000 | 7):
    ram = Ram(1 << 20)
    places = ((ROOT, 1), (POINTERS, 1), (DIRECTORY, 3), (TABLE, 5))
    for (table, index), word in zip(places, (pml4e, pdpte, pde, pte), strict=True):
        ram.write_word(table + 8 * index, 8, word)
    return ram


def test_each_step_says_what_was_read_where():
    result = walk(memory(), X86_64, ROOT, VA)
    told = [(step.level, step.name, step.table, step.index, step.pa, step.address) for step in result.steps]
    assert told == [
        (4, "PML4E", ROOT, 1, ROOT + 8, POINTERS),
        (3, "PDPTE", POINTERS, 1, POINTERS + 8, DIRECTORY),
        (2, "PDE", DIRECTORY, 3, DIRECTORY + 24, TABLE),
        (1, "PTE", TABLE, 5, TABLE + 40, 0x9000),
    ]
    assert [step.index_bits for step in result.steps] == [(47, 39), (38, 30), (29, 21), (20, 12)]
    assert (result.pa, result.page_size, result.offset, result.ok) == (0x9123, 4096, 0x123, True)


def test_fields_are_decoded_by_the_manuals_names():
    step = walk(memory(pte=XD | 0x9000 | 0x163), X86_64, ROOT, VA).steps[-1]
    decoded = {field.name: value for field, value in step.decoded}
    assert decoded == {
        "P": 1, "R/W": 1, "U/S": 0, "PWT": 0, "PCD": 0, "A": 1, "D": 1, "PAT": 0, "G": 1,
        "address": 9, "PK": 0, "XD": 1,
    }  # fmt: skip
    assert step.layout == "PTE of a 4 KiB page"


@pytest.mark.parametrize(
    ("words", "size", "pa"),
    [
        ({"pde": 0x60_0000 | 0x87}, 1 << 21, 0x60_0000 | VA & 0x1F_FFFF),
        ({"pdpte": 0xC000_0000 | 0x87}, 1 << 30, 0xC000_0000 | VA & 0x3FFF_FFFF),
        ({"pde": 0x60_1000 | 0x87}, 1 << 21, 0x60_0000 | VA & 0x1F_FFFF),  # bit 12 of a large page is PAT
    ],
)
def test_large_pages_end_the_walk_early(words, size, pa):
    result = walk(memory(**words), X86_64, ROOT, VA)
    assert (result.page_size, result.pa, result.steps[-1].kind) == (size, pa, "leaf")


def test_rights_are_gathered_on_the_way_down():
    result = walk(memory(pdpte=DIRECTORY | 5, pde=XD | TABLE | 7, pte=0x9000 | 3), X86_64, ROOT, VA)
    assert [step.rights for step in result.steps] == [
        Rights(),
        Rights(write=False),
        Rights(write=False, execute=False),
        Rights(write=False, execute=False, user=False),
    ]
    assert result.rights == result.steps[-1].rights


@pytest.mark.parametrize(
    ("words", "access", "user", "controls", "code", "why"),
    [
        ({"pdpte": DIRECTORY | 5, "pte": 0x9005}, "write", True, X86Controls(),
         7, "the page may not be written: R/W is 0 in the PDPTE and the PTE"),
        ({"pde": TABLE | 3}, "read", True, X86Controls(),
         5, "user code may not touch a supervisor page: U/S is 0 in the PDE"),
        ({"pml4e": XD | POINTERS | 7}, "execute", True, X86Controls(),
         0x15, "nothing may be fetched from here: XD is 1 in the PML4E"),
        ({"pte": 0x9005}, "write", False, X86Controls(),
         3, "the page may not be written; CR0.WP binds the supervisor too: R/W is 0 in the PTE"),
        ({}, "execute", False, STRICT, 0x11, "with CR4.SMEP the supervisor may not fetch from a user page"),
        ({}, "read", False, STRICT, 1, "with CR4.SMAP and RFLAGS.AC 0 the supervisor may not touch a user page"),
    ],
)  # fmt: skip
def test_a_protection_fault_names_the_descriptors_that_are_to_blame(words, access, user, controls, code, why):
    result = walk(memory(**words), X86_64, ROOT, VA, access, user, controls)
    fault = result.fault
    assert (fault.kind, fault.level, fault.code, fault.exception, fault.why) == ("protection", 1, code, "#PF", why)
    assert (result.pa, result.ok) == (None, False)


@pytest.mark.parametrize(
    ("words", "access", "controls"),
    [
        ({"pte": 0x9005}, "write", X86Controls(wp=False)),
        ({}, "read", X86Controls(smap=True, ac=True)),
        ({}, "execute", X86Controls(smap=True)),
        ({"pte": 0x9003}, "execute", STRICT),
    ],
)
def test_what_the_controls_do_not_forbid_the_supervisor_may(words, access, controls):
    assert walk(memory(**words), X86_64, ROOT, VA, access, False, controls).ok


@pytest.mark.parametrize(
    ("words", "controls", "level", "why"),
    [
        ({"pml4e": POINTERS | 0x87}, X86Controls(), 4, "the PML4E is 0x2087: reserved bit 7 must be 0"),
        ({"pde": 0x60_6000 | 0x87}, X86Controls(), 2, "the PDE is 0x606087: reserved bits 13, 14 must be 0"),
        ({"pte": 1 << 40 | 0x9007}, X86Controls(), 1, "the PTE is 0x10000009007: reserved bit 40 must be 0"),
        ({"pdpte": 0xC000_0087}, X86Controls(gib_pages=False), 3, "the PDPTE is 0xc0000087: reserved bit 7 must be 0"),
        ({"pte": XD | 0x9007}, X86Controls(nxe=False), 1, "the PTE is 0x8000000000009007: reserved bit 63 must be 0"),
    ],
)
def test_reserved_bits_are_named(words, controls, level, why):
    fault = walk(memory(**words), X86_64, ROOT, VA, "read", True, controls).fault
    assert (fault.kind, fault.level, fault.code, fault.why) == ("reserved", level, 0b1101, why)


def test_an_absent_descriptor_is_looked_at_no_further():
    fault = walk(memory(pde=0xFFFF_FFFF_FFFF_FFFE), X86_64, ROOT, VA, "write", True).fault
    assert (fault.kind, fault.level, fault.code) == ("not-present", 2, 0b110)
    decoded = {field.name: value for field, value in fault.decoded}
    assert decoded == {"P": 0, "W/R": 1, "U/S": 1, "RSVD": 0, "I/D": 0}


@pytest.mark.parametrize("va", [0x0000_8000_0000_0000, 0xFFFF_7FFF_FFFF_FFFF, 0x8000_0000_0000_0000])
def test_an_address_that_is_not_canonical_is_not_walked(va):
    result = walk(memory(), X86_64, ROOT, va)
    assert (result.steps, result.fault.kind, result.fault.exception) == ((), "non-canonical", "#GP")
    assert (result.fault.level, result.fault.code) == (None, 0)


@pytest.mark.parametrize(("root", "words", "steps"), [(1 << 20, {}, 0), (ROOT, {"pde": 1 << 20 | 7}, 3)])
def test_tables_outside_ram_are_told_not_raised(root, words, steps):
    result = walk(memory(**words), X86_64, root, VA)
    assert (result.fault.kind, result.fault.code, len(result.steps)) == ("bus-error", None, steps)
    assert "at 0x10_0000 can't be read" in result.fault.why


def test_a_root_that_refers_to_itself_shows_the_tables_in_a_window():
    ram = memory()
    ram.write_word(ROOT + 8 * 511, 8, ROOT | 3)
    window = 0xFFFF_FF80_0000_0000
    slot_of_va = window + (VA >> 12) * 8
    assert walk(ram, X86_64, ROOT, slot_of_va).pa == TABLE + 8 * 5
    everywhere = walk(ram, X86_64, ROOT, 0xFFFF_FFFF_FFFF_F000)
    assert everywhere.pa == ROOT, "the root, read as each of the four tables"


def test_a_walk_leaves_memory_alone():
    ram = memory()
    before = ram.read(0, ram.size)
    walk(ram, X86_64, ROOT, VA, "write", True)
    assert ram.read(0, ram.size) == before
