"""The walk: what the hardware does with this address.

On top the address, cut into the bits that index each table; below a table a level with the descriptor that was read
between its neighbours; at the end the verdict, with the page or the decoded fault.  On a bench (:class:`Bench`) the
address can be turned, the access be switched, and a descriptor be seen, and edited, bit by bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from ..engine.base.map_values import EntryValue
from ..engine.base.units import Address, grouped_hex
from ..engine.base.walk_values import Field, Step, Walk
from .address_slices import draw_slices, funnels, slices_height
from .columns import MARGIN, WIDTH
from .descriptor_bits import draw_descriptor
from .scene import Link, Node, Scene, Steps, Table, Text
from .switches import HEIGHT as SWITCHES
from .switches import draw_switches
from .text import shorten, text_width
from .walk_bench import Bench, descriptor_picture, edited_caption, has_broken, shown_step, switches_of
from .walk_words import TABLE_H, VERDICT, caption_of, digits_of, named_fields, verdict_box

WIDEST = 240.0
"""Greatest width of a table, with the room beside it."""

_ROW_H = 22.0
_FLAGS = {
    "P": "P", "R/W": "W", "U/S": "U", "A": "A", "D": "D", "G": "G", "PS": " PS", "XD": " XD",
    "R": "R", "W": "W", "X": "X", "U": "U", "XN": " XN", "PXN": " PXN", "UXN": " UXN", "AF": " AF", "nG": " nG",
    "S": " S", "AP[2]": " AP2",
}  # fmt: skip  # x86's, RISC-V's, ARM's
"""Short names of a descriptor's flags, in the order they are written."""


Neighbours = Mapping[tuple[int, int], int]
"""Descriptors beside those that were read: the word at each (table, index)."""


def draw_walk(
    walk: Walk,
    neighbours: Neighbours | None = None,
    *,
    title: str = "walk",
    entry: EntryValue | None = None,
    earlier: Walk | None = None,
    machine: str = "",
    width: float = WIDTH,
    bench: Bench | None = None,
) -> Scene:
    """The scene of a walk.

    `entry` is the map's entry for the address, if there is one; `earlier` an older walk of the same address: what
    differs from it is marked as changed.
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
    for position, step in enumerate(walk.steps):
        x = MARGIN + position * share
        changed = (earlier is not None and before.get(step.level) != step.value) or step.pa in edited
        nodes += _table(walk, step, neighbours, x, top, share - 22, changed)
    verdict = verdict_box(
        walk, entry, MARGIN + len(walk.steps) * share, top, width, has_broken(walk, bench), bool(machine)
    )
    nodes.append(verdict)
    links = _arrows(walk, nodes)
    height = top + TABLE_H + 16
    if bench is not None:
        links += funnels(nodes, [step.level for step in walk.steps])
        shown = shown_step(walk, bench)
        if shown is not None:
            picture = descriptor_picture(shown, bench)
            nodes += draw_descriptor(picture, "walk", height, width)
            height += picture.height + 4
    caption = caption_of(walk, earlier) if bench is None or not bench.edited else edited_caption(walk, bench)
    who = "user" if walk.user else "supervisor"
    subtitle = f"{grouped_hex(walk.va, digits_of(walk))} · {walk.format} · {who} {walk.access}"
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
                title=f"bits {high} to {low} of the address are {step.index}: the index into the {_table_name(step)}",
            )
        )
    x = MARGIN + len(walk.steps) * share
    if walk.page_size:
        offset = f"{walk.offset:x}".rjust(3, "0")
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


def _table_name(step: Step) -> str:
    """The manual's name of the table that a step read, from that of its descriptors."""
    if step.name.endswith("E") and len(step.name) > 2 and " " not in step.name:
        return step.name[:-1]
    return step.name.removesuffix(" descriptor").removesuffix(" PTE") + (" table" if " " in step.name else "")


def _table(
    walk: Walk, step: Step, neighbours: Neighbours | None, x: float, top: float, w: float, changed: bool
) -> list[Node]:
    name = _table_name(step)
    place = grouped_hex(step.table, 8)
    if text_width(place, "mono label dim") > w - 24 - text_width(name, "strong"):
        place = ""  # half an address says nothing; the title has all of it
    box = Node(
        f"walk/table/{step.level}", "table", x, top, w, TABLE_H,
        text=(Text(10, 20, shorten(name, w - 16, "strong"), "strong"), Text(w - 8, 20, place, "mono label dim", "end")),
        title=f"{name} at physical {Address(step.table)}",
    )  # fmt: skip
    nodes = [box]
    faulty = walk.fault is not None and walk.fault.level == step.level
    entries = 1 << step.index_bits[0] - step.index_bits[1] + 1
    first = max(0, min(step.index - 1, entries - 3))
    for line, index in enumerate(range(first, min(first + 3, entries))):
        y = top + 30 + line * (_ROW_H + 1)
        if index == step.index:
            states = ("fault",) if faulty else ("changed", "path") if changed else ("path",)
            nodes.append(_descriptor(step, x + 4, y, w - 8, states))
        elif neighbours is not None:
            nodes.append(_neighbour(step, index, neighbours.get((step.table, index)), x + 4, y, w - 8, walk.format))
    return nodes


def _descriptor(step: Step, x: float, y: float, w: float, states: tuple[str, ...]) -> Node:
    flags = _flags(step.fields, step.value)
    index = str(step.index)
    if step.kind in ("invalid", "reserved"):
        label = "not present" if step.kind == "invalid" else "reserved"
    else:
        room = w - 20 - text_width(index, "mono label") - text_width(flags, "mono label")
        label = shorten(grouped_hex(step.address, 8), room, "mono label")
    title = f"{step.layout} at physical {Address(step.pa)}: {step.value:#x}; " + ", ".join(
        f"{value.field.name}={value.value:#x}" for value in step.decoded if value.value
    )
    return Node(
        f"walk/step/{step.level}", "descriptor", x, y, w, _ROW_H, f"pte:{step.pa:x}", "box",
        (Text(6, 15, index, "mono label"), Text(12 + text_width(index, "mono label"), 15, label, "mono label"),
         Text(w - 5, 15, flags, "mono label", "end")),
        (), states, f"{title} ({step.section})", "select", "walk", True,
    )  # fmt: skip


def _neighbour(step: Step, index: int, word: int | None, x: float, y: float, w: float, name: str) -> Node:
    if word is None:
        label = "–"
    elif word & (3 if name == "armv7" else 1):
        label = shorten(f"{word:x}", w - 50, "mono label dim")
    else:
        label = "not present"
    number = str(index)
    text = (Text(6, 15, number, "mono label dim"), Text(12 + text_width(number, "mono label"), 15, label, "label dim"))
    return Node(f"walk/near/{step.level}/{index - step.index}", "descriptor", x, y, w, _ROW_H, text=text)


def _flags(fields: tuple[Field, ...], word: int) -> str:
    """The flags that are set, by letter; rights that are missing as a dash; ARM's access permissions as a number."""
    letters = []
    for field in fields:
        if field.name in _FLAGS and field.low == field.high:
            on = field.of(word)
            letters.append(_FLAGS[field.name] if on else "-" if field.name in ("R/W", "U/S") else "")
        elif field.name == "AP":
            letters.append(f" AP{field.of(word):0{field.high - field.low + 1}b}")
    return "".join(letters).strip()


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
        (str(step.level), _table_name(step), str(Address(step.table)), str(step.index), f"{step.value:#x}", step.kind,
         _flags(step.fields, step.value))
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
