"""The calls that ship are those of the recordings, word for word."""

from __future__ import annotations

import gzip

import pytest

from tests.oracles.calls import SHIPPED, packed
from vmwidgets.cli.originals import CALLS


@pytest.mark.parametrize("name", CALLS)
def test_what_ships_is_what_the_original_did(name: str) -> None:
    assert gzip.decompress((SHIPPED / f"{name}.jsonl.gz").read_bytes()) == gzip.decompress(packed(name))


def test_nothing_else_ships() -> None:
    assert {path.relative_to(SHIPPED).as_posix() for path in SHIPPED.rglob("*.gz")} == {
        f"{one}.jsonl.gz" for one in CALLS
    }
