"""Pictures of a map: its ranges as a list above a ribbon, with a column for each entry, and the tree that finds them.

The single views are the same lanes alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from vmwidgets.engine.base.units import binary_size, counted
from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.boxes import onward
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.model import Lane, Rows, Scene, Table
from vmwidgets.views.scene.relations import of_entries, space_of, things_of
from vmwidgets.views.scene.text import text_width

from .columns import Column, columns_around, equal_columns, in_rows, lay_columns
from .entries import TABLE_HEADER, list_lane, table_rows
from .picture import LANES, Drawn, MapPicture, depth_of
from .repair import NO_STAGES, Stage, stages_lane, stages_table, tree_lanes
from .ribbon import ribbon_lane
from .runs import FILLS, RIGHTS_LEGEND
from .tree import has_room, tree_lane

TREE, SEARCH = "The tree of the entries", "How the tree finds a place"
"""The headings of the tree below the ranges: without a search, and with one."""

TREE_HEAD = "tree/name"
"""The name of the tree's heading."""

MOVED = "dashed: another parent or colour than before"
"""The meaning of a node's dashed line."""


def draw_map(
    picture: MapPicture,
    *,
    lanes: Sequence[str] = LANES,
    stages: Sequence[Stage] | None = None,
    title: str = "",
    subtitle: str = "",
    machine: str = "",
    selection: int = 0,
    width: float = WIDTH,
    has_tree: bool = True,
    opens: bool = False,
) -> Scene:
    """Return the scene of a map with the requested `lanes`; `selection` is an entry's ID (0 for none).

    The tree has a heading of its own below other lanes; without `has_tree`, the heading is all that is drawn, and if
    it `opens`, a press shows the tree.  Two or more `stages` replace the tree; if there are fewer, a sentence above the
    tree says so.
    """
    drawn: list[Drawn] = []
    y = 6.0
    items = picture.layout.items
    by_address = sorted(items, key=lambda item: item.start)  # the tree's order, even if the list has another

    def lay(items: Sequence[EntryValue | Fold], *, sized: bool) -> dict[int, Column]:
        return lay_columns(items, picture.important(selection), width, sized=sized)

    is_proof = {"list", "ribbon"} <= {*lanes}  # the ribbon has all entries
    near = picture.near(selection)
    columns = columns_around(items, near, width) if is_proof else lay(items, sized=True)
    rows = in_rows(items, width) if lanes == ("list",) else []
    for row in (rows or [columns]) if "list" in lanes and (columns or not is_proof) else ():
        above = [node for lane in drawn[-1:] for node in lane.nodes if node.kind == "entry"]
        drawn.append(list_lane(picture, row, y))
        y = drawn[-1].bottom + 8 * bool(rows)
        below = [node for node in drawn[-1].nodes if node.kind == "entry"]
        drawn[-1].links[:0] = [onward(0, *ends) for ends in zip(above[-1:], below[:1], strict=False)]
    if "ribbon" in lanes:
        drawn.append(ribbon_lane(picture, columns if is_proof else None, y, width))
        y = drawn[-1].bottom
    if picture.layout.says_rights and any(
        lane.marks or any(FILLS & {*one.state} for one in lane.nodes) for lane in drawn
    ):
        said = kit.paragraph("map/rights", RIGHTS_LEGEND, MARGIN, y, width - 2 * MARGIN, style="dim")
        drawn.append(Drawn([said], [], (), y + said.h))
        y = drawn[-1].bottom
    staged = [] if stages is None or len(stages) < 2 else stages
    if stages is not None and not staged:
        drawn.append(Drawn([kit.paragraph("tree/none", NO_STAGES, MARGIN, y, width - 2 * MARGIN)], [], (), y + 24))
        y = drawn[-1].bottom
    if staged:
        drawn.append(stages_lane(staged, picture, y, width))
        y = drawn[-1].bottom
    elif "tree" in lanes and (has_tree or picture.value.nodes):
        even = equal_columns(by_address, width)
        places = even if has_room(picture, even, width) else lay(by_address, sized=False)
        drawn += _tree(picture, places, y, width, is_named=len(lanes) > 1, has_tree=has_tree, opens=opens)
        y = drawn[-1].bottom
    if foot := _places(picture, selection, width - 2 * MARGIN):
        said = kit.paragraph("map/places", foot, MARGIN, y, width - 2 * MARGIN)
        drawn.append(Drawn([said], [], (), y + said.h))
        y = drawn[-1].bottom
    nodes = [node for lane in drawn for node in lane.nodes]
    label = f"tree of {picture.value.name}, by address"
    trees = [Lane("tree", "tree", label=label)] if has_tree and "tree" in lanes else []
    table = Table(TABLE_HEADER, Rows(lambda: table_rows(picture.value, picture)))
    return kit.scene(
        "+".join(lanes),
        title or picture.value.name,
        subtitle or subtitle_of(picture),
        nodes,
        links=[link for lane in drawn for link in lane.links],
        caption=picture.caption,
        table=stages_table(staged, picture, table) if staged else table,
        steps=picture.steps,
        machine=machine,
        width=width,
        height=y + 4,
        marks=[replace(marks, space=space_of(picture.value.name)) for lane in drawn for marks in lane.marks],
        about=of_entries(picture.value.name, picture.value.entries, things_of(nodes)),
        lanes=tree_lanes(staged, picture.value.name) if staged else trees,
    )


def _tree(
    picture: MapPicture,
    places: Mapping[int, Column],
    y: float,
    width: float,
    *,
    is_named: bool,
    has_tree: bool,
    opens: bool,
) -> Iterator[Drawn]:
    """Yield the tree's heading, the tree, and the meaning of dashed lines, as far as they are drawn."""
    if is_named:
        found = f"{counted(len(picture.path), 'comparison')} from its root" if picture.path else ""
        if not picture.path and picture.value.nodes and not picture.value.folds:
            count = counted(picture.value.nr_entries, "entry", "entries")
            found = f"{count}, at most {counted(depth_of(picture.value) + 1, 'comparison')} from its root"
        name = kit.heading(TREE_HEAD, SEARCH if picture.path else TREE, found, y, width=width)
        if opens and not has_tree:
            name = replace(name, action="open", lane=TREE_HEAD, title=f"{TREE}: folded, show it")
        y += name.h
        yield Drawn([name], [], (), y)
    if has_tree:
        tree = tree_lane(picture, places, y, width)
        yield tree._replace(bottom=tree.bottom + 10)
        if any("changed" in node.state and node.kind == "tree-node" for node in tree.nodes):
            key = kit.paragraph("tree/key", MOVED, MARGIN, tree.bottom + 10, width - 2 * MARGIN)
            yield Drawn([key], [], (), tree.bottom + 34)


def _places(picture: MapPicture, selection: int, room: float) -> str:
    """Return the addresses of ranges, in one line: of the most important ones, as far as there is room."""
    entries = {entry.id: entry for entry in picture.value.entries}
    said: dict[int, str] = {}
    for one in dict.fromkeys([*picture.important(selection), *entries]):
        if one in entries:
            words = f"{picture.name(one)} at {picture.style.long(entries[one].start)}"
            if text_width(_BETWEEN.join([*said.values(), words]), "label dim") > room:
                break
            said[one] = words
    return _BETWEEN.join(said[one] for one in entries if one in said)


_BETWEEN = " · "


def subtitle_of(picture: MapPicture) -> str:
    """Return limits, number of entries, bytes mapped, and the digits left out of addresses."""
    value, style = picture.value, picture.style
    count = f"{value.nr_entries:,} entr{'y' if value.nr_entries == 1 else 'ies'}"
    prefix = f" · {style.legend}" if style.legend else ""
    return f"{style.long(value.start)}–{style.long(value.end)} · {count} · {binary_size(picture.used)} mapped{prefix}"
