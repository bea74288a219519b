"""Bulk translation gives the walker's answers, whatever the tables are."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.mmu.random_tables import PLACES, addresses, controls, fill
from tests.engine.mmu.tables import memory
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu import bulk
from vmwidgets.engine.mmu.bulk import NO_ADDRESS, translate
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.walk import walk

pytestmark = pytest.mark.once

SIZE = 0x11_6000
"""Of memory: it ends within the last of ARM's 16 KiB tables."""


def inside(ram):
    """Write words that lie in memory; the others are left out."""

    def write(pa, width, word):
        if pa + width <= SIZE:
            ram.write_word(pa, width, word)

    return write


def check(fmt, ram, root, places, access, user, settings_of_cpu):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "_CHUNK", 16)  # tables that are known in part are met again
        found = translate(ram, fmt, root, places, access, user, settings_of_cpu)
    kinds = set()
    for va, pa, number in zip(places, found.pa, found.outcome, strict=True):
        result = walk(ram, fmt, root, va, access, user, settings_of_cpu)
        told = found.outcomes[number]
        if result.fault is None:
            assert (int(pa), *told) == (result.pa, None, None, None), f"{result}"
        else:
            expected = (NO_ADDRESS, result.fault.kind, result.fault.level, result.fault.code)
            assert (int(pa), *told) == expected, f"{result}"
        kinds.add(told.kind)
    assert len(set(found.outcomes)) == len(found.outcomes)
    return kinds


@pytest.mark.parametrize("name", FORMATS)
@given(seed=st.integers(0, 2**32), access=st.sampled_from(["read", "write", "execute"]), user=st.booleans())
@pytest.mark.sampled(3)
def test_random_tables(name, seed, access, user):
    fmt, random = FORMATS[name], Random(seed)
    ram = Ram(SIZE)
    fill(fmt, random, inside(ram), SIZE)
    cpu = replace(fmt.defaults, **controls(fmt, random))
    check(fmt, ram, random.choice(PLACES), addresses(fmt, random, 120), access, user, cpu)


@pytest.mark.sweep
@pytest.mark.parametrize("name", FORMATS)
def test_random_tables_for_long(name):
    test_random_tables(name)


@pytest.mark.parametrize("name", FORMATS)
def test_the_random_tables_have_it_all(name):
    """Or the test above would prove little."""
    fmt = FORMATS[name]
    kinds, halves = set(), set()
    for seed in range(40):
        random = Random(seed)
        ram = Ram(SIZE)
        fill(fmt, random, inside(ram), SIZE)
        cpu = replace(fmt.defaults, **controls(fmt, random))
        kinds |= check(fmt, ram, random.choice(PLACES), addresses(fmt, random, 60), "write", bool(seed % 2), cpu)
        halves |= {(va >> fmt.word_bits - 1) for va in addresses(fmt, random, 60) if va == fmt.canonical(va)}
    assert halves == {0, 1}
    expected = {None, "not-present", "protection", "bus-error"}
    own = {
        "armv7": {"domain", "access-flag"},
        "aarch64": {"access-flag", "address-size", "non-canonical"},
        "riscv-sv39": {"reserved", "access-flag", "non-canonical"},
        "x86": {"reserved"},
        "x86-pae": {"reserved"},
    }
    assert kinds == expected | own.get(name, {"reserved", "non-canonical"})


def test_more_addresses_than_go_down_at_once():
    fmt = FORMATS["x86"]
    words = {(0x1000, 0): 0x2003} | {(0x2000, index): (index * 7 % 1024) << 12 | 0x8000_0001 for index in range(1024)}
    ram = memory(fmt, words)
    places = np.random.default_rng(5).integers(0, 1 << 22, 70_001, dtype=np.uint64)
    found = translate(ram, fmt, 0x1000, places)
    assert found.ok.all()
    assert (found.pa == 0x8000_0000 + ((places >> 12) * 7 % 1024 << 12) + (places & 0xFFF)).all()


def test_the_shape_stays_and_faults_are_masked():
    fmt = FORMATS["x86"]
    ram = memory(fmt, {(0x1000, 0): 0x40_0083})
    found = translate(ram, fmt, 0x1000, np.array([[0x123, 0x80_0000], [0x456, 0x789]], np.uint32))
    assert found.pa.shape == (2, 2)
    assert found.masked.tolist() == [[0x40_0123, None], [0x40_0456, 0x40_0789]]
    assert translate(ram, fmt, 0x1000, []).pa.shape == (0,)
    assert translate(ram, fmt, 0x1000, 0x123).pa.shape == ()


def test_python_integers_of_64_bits_are_kept():
    fmt = FORMATS["x86-64"]
    words = {(0x1000, 511): 0x2003, (0x2000, 511): 0x83, (0x1000, 0): 0x2003, (0x2000, 0): 0x4000_0083}
    found = translate(memory(fmt, words), fmt, 0x1000, [0x123, 0xFFFF_FFFF_FFFF_F001])
    assert [hex(pa) for pa in found.pa] == ["0x40000123", "0x3ffff001"]


@pytest.mark.parametrize(
    ("nonsense", "why"),
    [
        ([-1], "whole numbers from 0"),
        ([1.5], "not an array of whole numbers"),
        ([True], "whole numbers from 0"),
        (["0x1000"], "not an array of whole numbers"),
        ([1 << 64], "whole numbers from 0"),
        ([1 << 32], "does not fit the 32 bits"),
        (np.array([-5]), "negative"),
        (np.array([0.5]), "an array of float64"),
        (np.array([True]), "an array of bool"),
        ([[1, 2], [3]], "not an array of whole numbers"),
    ],
)
def test_nonsense_is_refused(nonsense, why):
    with pytest.raises(Refused, match=why):
        translate(Ram(1 << 20), FORMATS["x86"], 0x1000, nonsense)


def test_tables_are_read_as_they_are_now():
    fmt = FORMATS["x86"]
    ram = memory(fmt, {(0x1000, 0): 0x40_0083})
    assert translate(ram, fmt, 0x1000, [0]).pa[0] == 0x40_0000
    ram.write_word(0x1000, 4, 0x80_0083)
    assert translate(ram, fmt, 0x1000, [0]).pa[0] == 0x80_0000


def test_without_numpy_it_is_refused_and_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "vmwidgets.engine.mmu.bulk")
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(Refused, match="pip install numpy"):
        importlib.import_module("vmwidgets.engine.mmu.bulk")
