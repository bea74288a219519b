"""The walker agrees with a live emulator on random tables, but for its known departures from the manuals."""

from __future__ import annotations

import pytest

from tests.engine.mmu.departures import DEPARTURES
from tests.engine.mmu.unicorn_sweep import sweep
from vmwidgets.engine.mmu.formats import FORMATS

OWN = {
    "armv7": {"access-flag", "domain"},
    "aarch64": {"access-flag", "non-canonical"},
    "riscv-sv39": {"reserved", "non-canonical"},
    "x86": {"reserved"},
    "x86-pae": {"reserved"},
}
"""Kinds of fault beside those that all formats have."""


@pytest.mark.parametrize("name", FORMATS)
def test_walks_agree(name):
    tally = sweep(name, range(12), 20)
    assert tally.differing == []
    assert tally.compared > 500
    assert set(tally.kinds) == {"translated", "not-present", "protection"} | OWN.get(
        name, {"reserved", "non-canonical"}
    )


@pytest.mark.sweep
@pytest.mark.parametrize("name", FORMATS)
def test_many_walks_agree(name):
    tally = sweep(name, range(1000, 1300))
    assert tally.differing == []
    departures = {one.reason for one in DEPARTURES if name in one.formats}
    assert set(tally.left_out) - {"a table where no memory is"} == departures, "each departure is still met"
