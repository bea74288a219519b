"""A self-paging domain: how a process maps its own memory, in lanes from its requests to the result.

The lanes are the strip of its calls, its shadow tree next to the hardware's tables, its capabilities slot by slot, its
regions, and the slab for vnodes.  Each lane is also a picture of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from vmwidgets.engine.base.units import binary_size, counted
from vmwidgets.views.maps.ribbon import NOT_TO_SCALE
from vmwidgets.views.scene import boxes
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.model import Scene, Table
from vmwidgets.views.story.words.headlines import causes_of

from .calls import calls_lane
from .picture import COLUMNS, DomainPicture
from .regions import region_axis, regions_lane, regions_table
from .slab import slab_lane, slab_table
from .slots import slots_lane, slots_table
from .tree import tree_lane, tree_table

ROWS, ROWS_ALONE = 11, 26
"""The rows of a tree next to other lanes, and of a tree alone."""

CALLS = "to the kernel and the allocators, in order; thin bars: changes that the program made itself"


def draw_domain(picture: DomainPicture, *, title: str = "", machine: str = "") -> Scene:
    """Return the scene of a whole domain."""
    lanes = [_tree(picture, ROWS), _slots(picture, 1), _regions(picture), _slab(picture)]
    return _stacked(picture, "domain", lanes, title or picture.value.name, machine, _whole_table(picture))


def draw_vnodes(picture: DomainPicture, *, machine: str = "") -> Scene:
    """Return the scene of the shadow tree next to the hardware's tables."""
    title = f"{picture.value.name}: shadow tree"
    return _stacked(picture, "vnodes", [_tree(picture, ROWS_ALONE)], title, machine, tree_table(picture, ROWS_ALONE))


def draw_capabilities(picture: DomainPicture, *, machine: str = "") -> Scene:
    """Return the scene of the cnodes."""
    title = f"{picture.value.name}: capabilities"
    return _stacked(picture, "capabilities", [_slots(picture, 4)], title, machine, slots_table(picture),
                    answer=f"{_held(picture)} in use.")  # fmt: skip


def draw_vspace(picture: DomainPicture, *, machine: str = "") -> Scene:
    """Return the scene of the regions."""
    title = f"{picture.value.name}: vspace"
    return _stacked(picture, "vspace", [_regions(picture)], title, machine, regions_table(picture),
                    answer=f"{_mapped_words(picture)} in {counted(picture.value.region_count, 'region')}.")  # fmt: skip


def draw_slab_levels(picture: DomainPicture, *, machine: str = "") -> Scene:
    """Return the scene of the slab and of the refills inside refills."""
    title = f"{picture.value.name}: slab"
    return _stacked(picture, "slab-levels", [_slab(picture)], title, machine, slab_table(picture),
                    answer=f"{counted(picture.value.slab.free, 'block')} free.")  # fmt: skip


def _tree(picture: DomainPicture, most: int) -> Part:
    def put(drawn: Drawn, _x: float, y: float, _w: float) -> float:
        nodes, links, end = tree_lane(picture, y, most)
        drawn.nodes += nodes
        drawn.links += links
        return end

    return put  # its columns have heads of their own


def _slots(picture: DomainPicture, most: int) -> Part:
    letters = "F frame, M mapping, R RAM, C cnode, D device frame; the others are tables"
    new = sum(f"cap:{one.ref}" in picture.new for cnode in picture.value.cnodes for one in cnode.capabilities)
    said = f"{new:,} of them new · {letters}" if new else letters
    return boxes.below(boxes.heading("heading/slots", "capabilities, in slots", said), slots_lane(picture, most))


def _regions(picture: DomainPicture) -> Part:
    axis = region_axis(picture)  # the heading says whether it is to scale
    bars = "" if axis.is_to_scale else f"; double bars: {NOT_TO_SCALE}"
    count = counted(picture.value.region_count, "region")
    used = ", in the slab frames what is used" if picture.value.meta_used else ""
    said = f"{count}; below them what is mapped{used}{bars}"
    ribbon = boxes.drawing(0, partial(regions_lane, picture, axis))
    return boxes.below(boxes.heading("heading/regions", "regions", said), ribbon)


def _slab(picture: DomainPicture) -> Part:
    said = f"{binary_size(picture.value.slab.block_bytes)} for a vnode; dashed blocks are the reserve; {NOT_TO_SCALE}"
    return boxes.below(boxes.heading("heading/slab", "slab of vnodes", said), slab_lane(picture))


def _calls(picture: DomainPicture) -> Part:
    """Return the strip of calls; nothing for an operation without steps."""
    if not picture.plan:
        return boxes.below()
    strip = boxes.drawing(0, partial(calls_lane, picture))
    return boxes.below(boxes.heading("calls/heading", "calls", CALLS), strip)


def _stacked(
    picture: DomainPicture, view: str, lanes: Sequence[Part], title: str, machine: str, table: Table, answer: str = "",
) -> Scene:  # fmt: skip  # what is drawn, and in which words
    """Return the scene of these lanes; a picture of a part has an `answer` of its own, since it does not draw the rest.

    The calls of the operation are drawn in each.
    """
    caption = picture.moment.caption_of(picture.steps, answer, tells=False) if answer else picture.caption
    return boxes.picture(
        view, title, _subtitle(picture), boxes.below(_calls(picture), *lanes, gap=6), caption=caption, table=table,
        steps=picture.steps, lanes=COLUMNS, machine=machine, width=picture.width,
    )  # fmt: skip  # what it draws, what it says


def _subtitle(picture: DomainPicture) -> str:
    value = picture.value
    prefix = f" · {picture.style.legend}" if picture.style.legend else ""
    return f"{value.architecture} · {_held(picture)} · {_mapped_words(picture)}{prefix}"


def _held(picture: DomainPicture) -> str:
    return counted(sum(cnode.held for cnode in picture.value.cnodes), "capability", "capabilities")


def _mapped_words(picture: DomainPicture) -> str:
    return f"{binary_size(picture.below[picture.value.root.id].bytes)} mapped"


def _whole_table(picture: DomainPicture) -> Table:
    """Return vnodes, capabilities, regions and slab in one table, each part below its own heading."""
    parts = [
        ("vnodes", tree_table(picture, ROWS)),
        ("capabilities", slots_table(picture)),
        ("regions", regions_table(picture)),
        ("slab", slab_table(picture)),
    ]
    operation = picture.moment.operation
    if operation is not None and operation.outcome == "error" and picture.moment.is_after:
        parts.append(("errors", Table(("error", "what it says"), tuple(causes_of(operation.said)))))
    width = max(len(table.header) for _, table in parts)
    rows: list[tuple[str, ...]] = []
    for name, table in parts[1:]:
        rows.append((name, *table.header, *[""] * (width - len(table.header))))
        rows += [("", *row, *[""] * (width - len(row))) for row in table.rows]
    first = parts[0][1]
    header = ("", *first.header, *[""] * (width - len(first.header)))
    return Table(header, (*(("", *row, *[""] * (width - len(row))) for row in first.rows), *rows))
