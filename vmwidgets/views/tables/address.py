"""A virtual address alone: the bits that choose a descriptor in each table, and the offset in the page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from vmwidgets.engine.base.units import Address
from vmwidgets.engine.mmu.tables_schema import AddressSplit, Walk
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Caption, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width

from .slices import Slice, slices_of
from .walk import share_of
from .walk_tables import BESIDE

_HIGH, _LEAST, _OFFSET = 40.0, 100.0, 216.0
"""Height of a slice; least width of one that has others beside it; greatest width of the offset's."""


def draw_address(
    walk: Walk, split: AddressSplit, *, hidden: Collection[str] = (), machine: str = "", width: float = WIDTH
) -> Scene:
    """The scene of the address of a walk, as far as it came; above the tables that its slices index.

    The slices `hidden`, by their keys, have their bits and not their number.
    """
    slices = [_Shown(one, walk.va, one.key in hidden) for one in slices_of(walk, split) if one.key != "top"]
    share = share_of(len(split.parts), width)
    if share < _LEAST:
        places = kit.grid(len(slices), _LEAST, 2, _HIGH, width=width)
    else:
        w = share - BESIDE
        places = [Box(MARGIN + share * number, 2, w, _HIGH) for number in range(len(slices) - 1)]
        x = MARGIN + share * len(split.parts)
        places.append(Box(x, 2, min(_OFFSET, width - MARGIN - x), _HIGH))
    is_named = all(one.fits(place.w) for one, place in zip(slices, places, strict=True))
    nodes = [_slice(one, place, is_named) for one, place in zip(slices, places, strict=True)]
    rows = [(one.name, one.bits, one.digits) for one in slices]
    words = f"virtual address {Address(walk.va)}"
    return kit.scene(
        "address", words, "", nodes, caption=Caption(""), table=Table(("slice", "bits", "value"), rows),
        machine=machine, width=width, height=max(node.y + node.h for node in nodes) + 4,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Shown:
    """A slice of `va`, with its number or without."""

    slice: Slice
    va: int
    hidden: bool

    @property
    def number(self) -> int:
        """What its bits make."""
        return self.va >> self.slice.low & (1 << self.slice.width) - 1

    @property
    def bits(self) -> str:
        """Which bits of the address it has."""
        return f"{self.slice.high}–{self.slice.low}"

    @property
    def digits(self) -> str:
        """Its bits."""
        return f"{self.number:0{self.slice.width}b}"

    @property
    def name(self) -> str:
        """What it indexes."""
        return "offset" if self.slice.key == "offset" else f"{self.slice.name} index"

    @property
    def said(self) -> str:
        """What it says above its bits."""
        if self.slice.key == "offset":
            return f"offset {self.number:#x}"
        return self.name if self.hidden else f"{self.slice.name} {self.number}"

    def fits(self, w: float) -> bool:
        """Whether all of its words have room beside each other."""
        return text_width(self.bits, "label") + text_width(self.said, "label") + 22 <= w


def _slice(one: _Shown, place: Box, is_named: bool) -> Node:
    x, y, w, h = place
    text: Sequence[Text] = [fitted(8, 15, one.said, w - 12, "label")]
    if is_named:
        text = [Text(8, 15, one.bits, "label dim"), Text(w - 8, 15, one.said, "label", "end")]
    if text_width(one.digits, "mono label") <= w - 4:
        text = [*text, Text(w / 2, 33, one.digits, "mono label", "middle")]
    title = f"bits {one.slice.high} to {one.slice.low} of {Address(one.va)}: {one.said}, {one.digits}"
    return Node(f"address/{one.slice.key}", "bits", x, y, w, h, text=tuple(text), title=title, lane="address")
