"""Recorded cases: page tables with queries and the answers that two emulators and the manuals agree on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "data" / "mmu"
NAMES = tuple(sorted(path.name.removesuffix(".jsonl.gz") for path in DATA.glob("*.jsonl.gz")))


def lines_of(name: str) -> Iterator[dict[str, Any]]:
    """The cases of a file."""
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt") as lines:
        for line in lines:
            yield json.loads(line)
