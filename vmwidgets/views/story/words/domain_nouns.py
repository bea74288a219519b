"""What pictures of a self-paging domain call things: kinds of capabilities in a letter or two, flags, table levels."""

from __future__ import annotations

from typing import NamedTuple

from vmwidgets.engine.base.units import binary_size
from vmwidgets.views.scene.text import visible


class KindWords(NamedTuple):
    """A kind of capability: the letters in its slot, its name in a sentence, the colour of its bar."""

    letters: str
    words: str
    colour: str


KINDS = {
    "RAM": KindWords("R", "RAM", "static"),
    "Frame": KindWords("F", "frame", "object"),
    "DevFrame": KindWords("D", "device frame", "object"),
    "CNode": KindWords("C", "cnode", "static"),
    "Mapping": KindWords("M", "mapping", "plain"),
    "VNode_ARM_l1": KindWords("L1", "L1 table", "submap"),
    "VNode_ARM_l2": KindWords("L2", "L2 table", "submap"),
    "VNode_x86_64_pml4": KindWords("P4", "PML4 table", "submap"),
    "VNode_x86_64_pdpt": KindWords("P3", "PDPT table", "submap"),
    "VNode_x86_64_pdir": KindWords("PD", "page directory", "submap"),
    "VNode_x86_64_ptable": KindWords("PT", "page table", "submap"),
}
"""By the kind's name in values and events."""

_FLAGS = ((0x8, "uncached"), (0x10, "mpb"), (0x20, "guard"), (0x40, "large"), (0x80, "huge"), (0x100, "combining"))
"""Flags of a region that are words; what is for other processors' sake is left out."""


def kind_words(kind: str) -> KindWords:
    """What a kind is called.

    >>> kind_words("VNode_ARM_l2").words
    'L2 table'
    """
    return KINDS.get(kind) or KindWords(visible(kind)[:2], visible(kind), "static")


def flag_words(flags: int) -> str:
    """Flags of a region: three letters for rights, and words.

    >>> flag_words(0x803), flag_words(0x29)
    ('rw-', 'r-- uncached guard')
    """
    letters = "".join(letter if flags & bit else "-" for bit, letter in ((1, "r"), (2, "w"), (4, "x")))
    return " ".join([letters, *(word for bit, word in _FLAGS if flags & bit)])


def pages_words(count: int, unit: int) -> str:
    """A run of entries of a leaf.

    >>> pages_words(1, 4096), pages_words(3, 1 << 20)
    ('4 KiB', '3 × 1 MiB')
    """
    return binary_size(unit) if count == 1 else f"{count:,} × {binary_size(unit)}"
