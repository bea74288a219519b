"""The built files of the front end."""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parents[2] / "static"


@cache
def read_static(name: str) -> str:
    """Return the text of a built file of the front end; all models share it.

    Raises :class:`FileNotFoundError` with a sentence that says how to build it.
    """
    path = STATIC / name
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"the front end is not built: {path} is missing; in a checkout, run `make lab` or `python hatch_build.py`"
        ) from None


@cache
def packed_static(name: str) -> bytes:
    """Return the text of a built file, packed by zlib, for a message."""
    return zlib.compress(read_static(name).encode(), 9)
