"""A virtual address alone: the slices that choose an entry in each table, and the offset in the page."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from vmwidgets.engine.base.units import Address
from vmwidgets.engine.mmu.tables_schema import AddressSplit, Walk
from vmwidgets.views.scene import boxes
from vmwidgets.views.scene.kit import WIDTH, Box
from vmwidgets.views.scene.model import Caption, Node, Scene, Table

from .slices import HEIGHT, draw_slices, slices_of
from .walk_tables import Names, Plate, Reach


def draw_address(
    walk: Walk,
    split: AddressSplit,
    *,
    hidden: Collection[str] = (),
    names: Names,
    machine: str = "",
    width: float = WIDTH,
) -> Scene:
    """Return the scene of a walk's address above the tables that it indexes, as far as the walk has come.

    The slices whose keys are in `hidden` show their bits and their table, but not their number.
    """
    plate = Plate(walk, split, Reach(len(walk.steps)), names, ends=False)

    def draw(box: Box) -> Iterator[Node]:
        return draw_slices(walk, split, plate.strip(box), view="address", hidden=hidden)

    rows = [
        (
            "offset" if one.key == "offset" else f"{one.name} index",
            f"{one.high}–{one.low}",
            f"{walk.va >> one.low & (1 << one.width) - 1:0{one.width}b}",
        )
        for one in slices_of(walk, split)
        if one.key != "top"
    ]
    return boxes.picture(
        "address",
        f"virtual address {Address(walk.va)}",
        "",
        boxes.drawing(HEIGHT, draw),
        caption=Caption(""),
        table=Table(("slice", "bits", "value"), rows),
        machine=machine,
        width=width,
    )
