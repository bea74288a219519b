"""The corpus tests/texts: each file has a head with what must be read, a line of four dashes, and the text.

A line of a head is a key and a value: `address: 0x18`.  A key is there once for each trap, page or range, and what a
text does not say has no key.  tests/sources/test_texts.py has the keys, and compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

TEXTS = Path(__file__).resolve().parents[1] / "texts"


class Text(NamedTuple):
    """A file of the corpus: the values of each key of its head, in their order, and the text."""

    head: dict[str, list[str]]
    body: str


def text_of(name: str) -> Text:
    """Read a file of the corpus by its name without the ending: "pasted/freebsd"."""
    lines, _, body = (TEXTS / f"{name}.txt").read_text(encoding="utf-8").partition("\n----\n")
    head: dict[str, list[str]] = {}
    for line in lines.splitlines():
        key, _, value = line.partition(":")
        head.setdefault(key, []).append(value.strip())
    return Text(head, body)
