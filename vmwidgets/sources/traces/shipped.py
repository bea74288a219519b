"""Recordings of the originals in the package, so that every computer can check its engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

SHIPPED = ("x15/place-1", "freebsd/merge", "barrelfish/fixed-modify-flags-1")
"""The recordings by system and name, one of each; tests/data/traces has all others."""


@contextmanager
def shipped_traces() -> Iterator[Path]:
    """Provide the folder of the recordings in a ``with`` block: ``SYSTEM/NAME.jsonl.gz``."""
    with resources.as_file(resources.files("vmwidgets.sources") / "data" / "traces") as folder:
        yield folder
