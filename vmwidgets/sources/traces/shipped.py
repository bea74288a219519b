"""Recordings of the originals in the package, so that every computer can check its engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

SHIPPED = (
    "x15/asserts-1", "x15/clip-first-13", "x15/place-1", "x15/tiny-exhaust-1",
    "freebsd/execwait", "freebsd/merge", "freebsd/panics", "freebsd/waitok",
    "barrelfish/fixed-modify-flags-1", "barrelfish/placement-1", "barrelfish/quirk-unmap-modify-place-1",
)  # fmt: skip  # one line for each system
"""The recordings by system and name; tests/data/traces has longer recordings."""


@contextmanager
def shipped_traces() -> Iterator[Path]:
    """Provide the folder of the recordings in a ``with`` block: ``SYSTEM/NAME.jsonl.gz``."""
    with resources.as_file(resources.files("vmwidgets.sources") / "data" / "traces") as folder:
        yield folder
