"""The walker against cases whose answers two emulators and the manuals agree on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracles.tables import Comparison, compare, read_cases

DATA = Path(__file__).parents[2] / "data" / "mmu"
QUERIES = {
    "aarch64": (200, 4373),
    "armv7": (200, 4125),
    "linux-armv7": (3, 4500),
    "linux-x86_64": (2, 3000),
    "sv39": (200, 4400),
    "sv39-reserved": (60, 1320),
    "x86-32": (200, 4400),
    "x86-64": (200, 4400),
    "x86-64-la57": (200, 4400),
    "x86-pae": (200, 4400),
}
"""How many cases and queries each file has."""


def test_every_file_is_looked_at():
    assert sorted(QUERIES) == sorted(path.name.removesuffix(".jsonl.gz") for path in DATA.iterdir())


@pytest.mark.parametrize(("name", "size"), QUERIES.items())
def test_walks_agree_with_recorded_answers(name, size):
    comparison = Comparison()
    for case in read_cases(DATA / f"{name}.jsonl.gz"):
        compare(case, comparison)
    assert comparison.first is None
    assert (comparison.cases, comparison.compared) == size
