"""Where the site is built from, and where it goes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from tools import environment

ROOT = environment.ROOT
SOURCES = ROOT / "tools" / "website"
"""What only the site has: its look, the landing page, and the order of its pages."""

NOTEBOOKS = ROOT / "notebooks"
BENCH = ROOT / ".cache" / "bench.txt"
CACHE = ROOT / ".cache" / "site"
"""What is slow to make, and is kept while its sources stay: labs that were run, their handouts, Sphinx."""

STAGE = CACHE / "stage"
"""The pages as Sphinx reads them, in the folders of the checkout."""

OUT = ROOT / "build" / "site"


def digest(paths: Iterable[Path]) -> str:
    """The hash of files, with their names."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def package() -> str:
    """The hash of the package: what its code draws changes with it."""
    kinds = ("*.py", "*.css", "*.js", "*.json", "*.gz", "*.txt")
    return digest(path for kind in kinds for path in (ROOT / "vmwidgets").rglob(kind))
