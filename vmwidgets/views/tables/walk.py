"""The walk: what the hardware does with this address.

On top the address, cut into the bits that index each table; below a table a level with the descriptor that was read
between its neighbours; at the end the verdict, with the page or the decoded fault.  On a bench (:class:`Bench`) the
address can be turned, the access be switched, and a descriptor be seen, and edited, bit by bit.
"""

from __future__ import annotations

from itertools import pairwise

from vmwidgets.engine.base.units import Address
from vmwidgets.engine.base.values.maps import EntryValue
from vmwidgets.engine.base.values.tables import Walk
from vmwidgets.views.scene.columns import MARGIN, WIDTH
from vmwidgets.views.scene.model import Link, Node, Scene, Steps, Table, Text
from vmwidgets.views.scene.switches import HEIGHT as SWITCHES
from vmwidgets.views.scene.switches import draw_switches
from vmwidgets.views.scene.text import text_width

from .bits import draw_descriptor
from .slice_boxes import draw_slices, funnels, slices_height
from .walk_bench import Bench, descriptor_picture, edited_caption, has_broken, shown_step, switches_of
from .walk_tables import Neighbours, draw_tables_read, flags_of, table_name
from .walk_words import VERDICT, caption_of, named_fields, verdict_box

WIDEST = 240.0
"""Greatest width of a table, with the room beside it."""


def draw_walk(
    walk: Walk,
    neighbours: Neighbours | None = None,
    *,
    title: str = "walk",
    entry: EntryValue | None = None,
    has_map: bool = False,
    earlier: Walk | None = None,
    machine: str = "",
    width: float = WIDTH,
    bench: Bench | None = None,
) -> Scene:
    """The scene of a walk.

    `entry` is the map's entry for the address, if there is one, `has_map` whether there is a map;
    `earlier` an older walk of the same address: what differs from it is marked as changed.
    """
    levels = max(len(walk.steps), 1)
    share = min(WIDEST, (width - 2 * MARGIN - VERDICT) / levels)
    if bench is None:
        nodes, top = _bits_row(walk, share), 64.0
    else:
        nodes = draw_switches(switches_of(walk, bench), "walk", 4)
        nodes += draw_slices(walk, bench.split, SWITCHES + 14, width)
        top = SWITCHES + slices_height(walk, bench.split) + 14 + 26
    before = {step.level: step.value for step in earlier.steps} if earlier is not None else {}
    edited = bench.edited if bench is not None else {}
    changed = {
        step.level
        for step in walk.steps
        if (earlier is not None and before.get(step.level) != step.value) or step.pa in edited
    }
    tables = draw_tables_read(walk, neighbours, changed, MARGIN, top, share)
    x, table_h = MARGIN + len(walk.steps) * share, max((node.h for node in tables), default=0.0)
    verdict = verdict_box(walk, entry, x, top, width, table_h, has_broken(walk, bench), has_map)
    nodes += [*tables, verdict]
    links = _arrows(walk, nodes)
    height = top + verdict.h + 16
    if bench is not None:
        links += funnels(nodes, [step.level for step in walk.steps])
        shown = shown_step(walk, bench)
        if shown is not None:
            picture = descriptor_picture(shown, bench)
            nodes += draw_descriptor(picture, "walk", height, width)
            height += picture.height + 4
    caption = caption_of(walk, earlier) if bench is None or not bench.edited else edited_caption(walk, bench)
    who = "user" if walk.user else "supervisor"
    subtitle = f"{walk.format} · {who} {walk.access}"
    return Scene(
        view="walk",
        title=title,
        subtitle=subtitle,
        width=width,
        height=height,
        caption=caption,
        nodes=tuple(nodes),
        links=tuple(links),
        table=_rows(walk),
        steps=Steps(0, 0, -1),
        machine=machine,
    )


def _bits_row(walk: Walk, share: float) -> list[Node]:
    """The address cut into its index bits, right above the tables that they index."""
    nodes = []
    for position, step in enumerate(walk.steps):
        high, low = step.index_bits
        bits = f"{step.index:0{high - low + 1}b}"
        x, w = MARGIN + position * share, share - 22
        look = "mono label wide" if text_width(bits, "mono label") + 4 * len(bits) < w else "mono label"
        nodes.append(
            Node(
                f"walk/bits/{step.level}",
                "bits",
                x,
                8,
                w,
                40,
                lane="bits",
                text=(
                    Text(8, 14, f"bits {high}–{low}", "label dim"),
                    Text(w - 8, 14, f"index {step.index}", "label", "end"),
                    Text(w / 2, 32, bits, look, "middle"),
                ),
                title=f"bits {high} to {low} of the address are {step.index}: the index into the {table_name(step)}",
            )
        )
    x = MARGIN + len(walk.steps) * share
    if walk.page_size:
        offset = f"{walk.offset:#x}"
        text = (
            Text(8, 14, f"bits {walk.page_size.bit_length() - 2}–0", "label dim"),
            Text(8, 32, f"offset {offset}", "mono label"),
        )
        nodes.append(
            Node(
                "walk/bits/offset", "bits", x, 8, 150, 40, text=text, lane="bits", title=f"offset {offset} in the page"
            )
        )
    return nodes


def _arrows(walk: Walk, nodes: list[Node]) -> list[Link]:
    placed = {node.id: node for node in nodes}
    links = []
    stops = [placed[f"walk/step/{step.level}"] for step in walk.steps] + [placed["walk/verdict"]]
    for source, target in pairwise(stops):
        start = (source.x + source.w, source.y + source.h / 2)
        end = (target.x, target.y + target.h / 2)
        links.append(Link(f"{source.id}/next", "walk", source.id, target.id, (start, end), arrow=True, graph=True))
    return links


def _rows(walk: Walk) -> Table:
    rows = [
        (str(step.level), table_name(step), str(Address(step.table)), str(step.index), f"{step.value:#x}", step.kind,
         flags_of(step.fields, step.value))
        for step in walk.steps
    ]  # fmt: skip
    verdict = (
        f"physical {Address(walk.pa)}" if walk.pa is not None else walk.fault.why if walk.fault is not None else ""
    )
    told = []
    if walk.fault is not None and walk.fault.code is not None:
        told.append(("", "", "", "", f"{walk.fault.code:#x}", "code", named_fields(walk.fault.decoded)))
    if walk.fault is not None and walk.fault.syndrome is not None:
        syndrome = walk.fault.syndrome
        told.append(("", "", "", "", f"{syndrome.value:#x}", syndrome.register, named_fields(syndrome.decoded)))
    return Table(
        ("level", "table", "at", "index", "descriptor", "kind", "flags"),
        (*rows, ("", "", "", "", "", "verdict", verdict), *told),
    )
