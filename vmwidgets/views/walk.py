"""The walk: what the hardware does with this address.

On top the address, cut into the bits that index each table; below a table a level with the descriptor that was read
between its neighbours; at the end the verdict, with the page or the decoded fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from ..engine.base.map_values import EntryValue
from ..engine.base.units import Address, binary_size, grouped_hex
from ..engine.base.walk_values import Fault, Field, Step, Walk
from .columns import MARGIN, WIDTH
from .scene import Caption, Link, Node, Scene, Steps, Table, Text
from .text import shorten, text_width

VERDICT = 216.0
"""Width of the verdict's box."""

_TABLE_H, _ROW_H = 104.0, 22.0
_FLAGS = {"P": "P", "R/W": "W", "U/S": "U", "A": "A", "D": "D", "G": "G", "PS": " PS", "XD": " XD"}
"""One-letter names of a descriptor's flags, in the order they are written."""


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
) -> Scene:
    """The scene of a walk.

    `entry` is the map's entry for the address, if there is one; `earlier` an older walk of the same address: what
    differs from it is marked as changed.
    """
    levels = max(len(walk.steps), 1)
    share = min(190.0, (width - 2 * MARGIN - VERDICT) / levels)
    nodes = _bits_row(walk, share)
    top = 64.0
    before = {step.level: step.value for step in earlier.steps} if earlier is not None else {}
    for position, step in enumerate(walk.steps):
        x = MARGIN + position * share
        changed = earlier is not None and before.get(step.level) != step.value
        nodes += _table(walk, step, neighbours, x, top, share - 22, changed)
    verdict = _verdict(walk, entry, MARGIN + len(walk.steps) * share, top, width)
    nodes.append(verdict)
    links = _arrows(walk, nodes)
    caption = _caption(walk, earlier)
    subtitle = f"{grouped_hex(walk.va, 16)} · {walk.format} · {'user' if walk.user else 'supervisor'} {walk.access}"
    return Scene(
        view="walk",
        title=title,
        subtitle=subtitle,
        width=width,
        height=top + _TABLE_H + 16,
        caption=caption,
        nodes=tuple(nodes),
        links=tuple(links),
        table=_rows(walk),
        steps=Steps(0, 0, -1),
        machine=machine,
    )


def _caption(walk: Walk, earlier: Walk | None) -> Caption:
    if walk.fault is not None:
        fault = walk.fault
        text = f"{fault.exception}: {_sentence(fault.why)}"
        caption = Caption(text, (), "", "error")
    else:
        assert walk.pa is not None
        caption = Caption(
            f"{grouped_hex(walk.va, 16)} is at physical {grouped_hex(walk.pa, 8)}, "
            f"in a page of {binary_size(walk.page_size)}.",
            (),
            _rights_sentence(walk),
            "good",
        )
    if earlier is not None and (earlier.pa, earlier.fault) != (walk.pa, walk.fault):
        was = earlier.fault.kind if earlier.fault is not None else f"physical {grouped_hex(earlier.pa or 0, 8)}"
        caption = Caption(caption.text, (), f"When the cell ran it was: {was}.", caption.tone)
    return caption


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _rights_sentence(walk: Walk) -> str:
    rights = walk.rights
    who = "User code and supervisor" if rights.user else "Only the supervisor"
    what = ["read"] + ["write"] * rights.write + ["execute"] * rights.execute
    return (
        f"{who} may {', '.join(what[:-1])}{' and ' if len(what) > 1 else ''}{what[-1]} here, as far as the tables go."
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
    return step.name[:-1] if step.name.endswith("E") and len(step.name) > 2 else step.name


def _table(
    walk: Walk, step: Step, neighbours: Neighbours | None, x: float, top: float, w: float, changed: bool
) -> list[Node]:
    name = _table_name(step)
    place = shorten(grouped_hex(step.table, 8), w - 24 - text_width(name, "strong"), "mono label dim")
    box = Node(
        f"walk/table/{step.level}", "table", x, top, w, _TABLE_H,
        text=(Text(10, 20, name, "strong"), Text(w - 8, 20, place, "mono label dim", "end")),
        title=f"{name} at physical {Address(step.table)}",
    )  # fmt: skip
    nodes = [box]
    faulty = walk.fault is not None and walk.fault.level == step.level
    first = max(0, step.index - 1)
    for line, index in enumerate(range(first, first + 3)):
        y = top + 30 + line * (_ROW_H + 1)
        if index == step.index:
            states = ("fault",) if faulty else ("changed", "path") if changed else ("path",)
            nodes.append(_descriptor(step, x + 4, y, w - 8, states))
        elif neighbours is not None:
            nodes.append(_neighbour(step, index, neighbours.get((step.table, index)), x + 4, y, w - 8))
    return nodes


def _descriptor(step: Step, x: float, y: float, w: float, states: tuple[str, ...]) -> Node:
    flags = _flags(step.fields, step.value)
    index = str(step.index)
    if step.kind == "invalid":
        label = "not present"
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


def _neighbour(step: Step, index: int, word: int | None, x: float, y: float, w: float) -> Node:
    if word is None:
        label = "–"
    elif word & 1:
        label = shorten(f"{word:x}", w - 50, "mono label dim")
    else:
        label = "not present"
    number = str(index)
    text = (Text(6, 15, number, "mono label dim"), Text(12 + text_width(number, "mono label"), 15, label, "label dim"))
    return Node(f"walk/near/{step.level}/{index - step.index}", "descriptor", x, y, w, _ROW_H, text=text)


def _flags(fields: tuple[Field, ...], word: int) -> str:
    """The flags that are set, by letter; rights that are missing as a dash."""
    if not word & 1:
        return ""
    letters = []
    for field in fields:
        if field.name in _FLAGS and field.low == field.high:
            on = field.of(word)
            letters.append(_FLAGS[field.name] if on else "-" if field.name in ("R/W", "U/S") else "")
    return "".join(letters)


def _verdict(walk: Walk, entry: EntryValue | None, x: float, top: float, width: float) -> Node:
    w = min(VERDICT, width - MARGIN - x)
    lines: list[tuple[str, str]]
    if walk.fault is not None:
        head, lines, state = _fault_lines(walk.fault, w)
    else:
        assert walk.pa is not None
        head, state = "Access goes through", "ok"
        lines = [
            (f"physical {grouped_hex(walk.pa, 8)}", "mono label"),
            (f"page of {binary_size(walk.page_size)}", "label"),
        ]
    if entry is not None:
        lines.append((f"entry {entry.id}: {entry.protection} {entry.role or entry.object or 'anonymous'}", "label dim"))
    elif walk.fault is not None:
        lines.append(("no entry of the map there", "label dim"))
    text = [Text(10, 20, shorten(head, w - 20, "strong"), "strong")]
    text += [Text(10, 39 + 17 * i, shorten(line, w - 20, look), look) for i, (line, look) in enumerate(lines[:4])]
    title = f"{head}: {walk.fault.why}" if walk.fault is not None else head
    return Node(
        "walk/verdict",
        "verdict",
        x,
        top,
        w,
        _TABLE_H,
        text=tuple(text),
        state=(state,),
        title=title,
        lane="walk",
        graph=True,
    )


def _fault_lines(fault: Fault, w: float) -> tuple[str, list[tuple[str, str]], str]:
    at = "" if fault.level is None else f" at level {fault.level}"
    lines = [(f"{fault.kind}{at}", "label")]
    if fault.code is not None:
        bits = " ".join(value.field.name for value in fault.decoded if value.value) or "none set"
        lines.append((f"code {fault.code} = {bits}", "mono label"))
    return f"{fault.exception} fault" if not fault.exception.startswith("#") else fault.exception, lines, "fault"


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
    return Table(
        ("level", "table", "at", "index", "descriptor", "kind", "flags"),
        (*rows, ("", "", "", "", "", "verdict", verdict)),
    )
