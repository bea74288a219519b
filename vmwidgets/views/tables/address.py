"""A virtual address alone: the bits that choose a descriptor in each table, and the offset in the page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import Address
from vmwidgets.engine.mmu.tables_schema import AddressSplit, Walk
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.kit import WIDTH, Box, Line, lines_of
from vmwidgets.views.scene.model import Caption, Node, Scene, Table, Text
from vmwidgets.views.scene.text import text_width

from .slices import Slice, slices_of
from .walk_tables import columns_of

_HIGH, _LEAST, _OFFSET = 40.0, 100.0, 216.0
"""Height of a slice; least width of a slice with neighbours; greatest width of the offset's slice."""


def draw_address(
    walk: Walk, split: AddressSplit, *, hidden: Collection[str] = (), machine: str = "", width: float = WIDTH
) -> Scene:
    """Return the scene of a walk's address above the tables that it indexes, as far as the walk has come.

    The slices whose keys are in `hidden` show their bits but not their number.
    """
    slices = [_Shown(one, walk.va, one.key in hidden) for one in slices_of(walk, split) if one.key != "top"]
    rows = [(one.name, one.bits, one.digits) for one in slices]
    return boxes.picture(
        "address",
        f"virtual address {Address(walk.va)}",
        "",
        boxes.drawing(_HIGH, partial(_slices, slices, len(split.parts))),
        caption=Caption(""),
        table=Table(("slice", "bits", "value"), rows),
        machine=machine,
        width=width,
    )


@frozen
class _Shown:
    """A slice of `va`, with or without its number."""

    slice: Slice
    va: int
    hidden: bool

    @property
    def number(self) -> int:
        """The number that the slice's bits make."""
        return self.va >> self.slice.low & (1 << self.slice.width) - 1

    @property
    def bits(self) -> str:
        """The bits of the address in the slice."""
        return f"{self.slice.high}–{self.slice.low}"

    @property
    def digits(self) -> str:
        """The digits of its bits."""
        return f"{self.number:0{self.slice.width}b}"

    @property
    def name(self) -> str:
        """The table that it indexes."""
        return "offset" if self.slice.key == "offset" else f"{self.slice.name} index"

    def said(self, *, brief: bool) -> str:
        """Return the words above its bits; with `brief`, all slices use short names of tables."""
        if self.slice.key == "offset":
            return f"offset {self.number:#x}"
        name = self.slice.name.removesuffix(" table") if brief else self.slice.name
        if self.hidden:
            return name if brief else f"{name} index"
        return f"{name}: {self.number}" if name != self.slice.name else f"{name} {self.number}"

    def fits(self, w: float, brief: bool) -> bool:
        """Return whether there is room for all of its words side by side."""
        return text_width(self.bits) + text_width(self.said(brief=brief)) + 22 <= w


def _slices(slices: Sequence[_Shown], levels: int, box: Box) -> Iterator[Node]:
    """Yield the slices, each above the table that it indexes, or in lines if there is no room for that."""
    wides = [_LEAST] * levels
    columns = columns_of([*wides, max(_LEAST, slices[-1].slice.width * 7.5)], box)
    if columns:
        places = [*columns[: len(slices) - 1], columns[-1]]
    else:
        places = kit.grid(len(slices), _LEAST, box.y, box.h, width=box.w + 2 * box.x)
    pairs = list(zip(slices, places, strict=True))
    is_brief = not all(text_width(one.said(brief=False)) <= place.w - 12 for one, place in pairs)
    is_named = all(one.fits(place.w, is_brief) for one, place in pairs)
    for one, place in pairs:
        yield _slice(one, place, is_named, is_brief)


def _slice(one: _Shown, place: Box, is_named: bool, is_brief: bool) -> Node:
    w, said = place.w, one.said(brief=is_brief)
    row = Line(one.bits, "label dim", said, "label") if is_named else Line(said)
    text = lines_of([row], w, top=15)
    if text_width(one.digits, "mono label") <= w - 4:
        text = (*text, Text(w / 2, 33, one.digits, "mono label", "middle"))
    title = f"bits {one.slice.high} to {one.slice.low} of {Address(one.va)}: {one.said(brief=False)}, {one.digits}"
    return Node(f"address/{one.slice.key}", "bits", *place, text=text, title=title, lane="address")
