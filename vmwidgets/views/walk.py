"""The walk: what the hardware does with this address.

On top the address, cut into the bits that index each table; below a table a level with the descriptor that was read
between its neighbours; at the end the verdict, with the page or the decoded fault.  On a bench (:class:`Bench`) the
address can be turned, the access be switched, and a descriptor be seen, and edited, bit by bit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from ..engine.base.map_values import EntryValue
from ..engine.base.units import Address, binary_size, grouped_hex
from ..engine.base.walk_values import Fault, Field, FieldValue, Permission, Step, Walk
from ..engine.base.window_values import AddressSplit
from .address_slices import HEIGHT as SLICES
from .address_slices import draw_slices, funnels
from .columns import MARGIN, WIDTH
from .descriptor_bits import DescriptorPicture, draw_descriptor
from .scene import Caption, Link, Node, Scene, Steps, Table, Text
from .switches import HEIGHT as SWITCHES
from .switches import Switch, draw_switches
from .text import shorten, text_width

VERDICT = 216.0
"""Width of the verdict's box."""

WIDEST = 240.0
"""Greatest width of a table, with the room beside it."""

_TABLE_H, _ROW_H = 104.0, 22.0
_FLAGS = {
    "P": "P", "R/W": "W", "U/S": "U", "A": "A", "D": "D", "G": "G", "PS": " PS", "XD": " XD",
    "R": "R", "W": "W", "X": "X", "U": "U", "XN": " XN", "PXN": " PXN", "UXN": " UXN", "AF": " AF", "nG": " nG",
    "S": " S", "AP[2]": " AP2",
}  # fmt: skip  # x86's, RISC-V's, ARM's
"""Short names of a descriptor's flags, in the order they are written."""


Neighbours = Mapping[tuple[int, int], int]
"""Descriptors beside those that were read: the word at each (table, index)."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What makes a walk something to try things on.

    `chosen` is the address of the descriptor that is shown bit by bit (0: where the walk ended); `edited` what edited
    descriptors held before, by address; `unedited` the walk if they still did.
    """

    split: AddressSplit
    width: int
    """Bits of a descriptor."""
    editable: bool = False
    chosen: int = 0
    edited: Mapping[int, int] = dataclasses.field(default_factory=dict)
    unedited: Walk | None = None


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
        nodes = draw_switches(_switches(walk, bench), "walk", 4)
        nodes += draw_slices(walk, bench.split, SWITCHES + 14, width)
        top = SWITCHES + SLICES + 14 + 26
    before = {step.level: step.value for step in earlier.steps} if earlier is not None else {}
    edited = bench.edited if bench is not None else {}
    for position, step in enumerate(walk.steps):
        x = MARGIN + position * share
        changed = (earlier is not None and before.get(step.level) != step.value) or step.pa in edited
        nodes += _table(walk, step, neighbours, x, top, share - 22, changed)
    verdict = _verdict(walk, entry, MARGIN + len(walk.steps) * share, top, width, _broke(walk, bench), bool(machine))
    nodes.append(verdict)
    links = _arrows(walk, nodes)
    height = top + _TABLE_H + 16
    if bench is not None:
        links += funnels(nodes, [step.level for step in walk.steps])
        shown = _shown(walk, bench)
        if shown is not None:
            picture = _descriptor_picture(shown, bench)
            nodes += draw_descriptor(picture, "walk", height, width)
            height += picture.height + 4
    caption = _caption(walk, earlier) if bench is None or not bench.edited else _edited_caption(walk, bench)
    subtitle = (
        f"{grouped_hex(walk.va, _digits(walk))} · {walk.format} · {'user' if walk.user else 'supervisor'} {walk.access}"
    )
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


def _switches(walk: Walk, bench: Bench) -> list[list[Switch]]:
    accesses = [
        Switch(word, word, walk.access == word, f"the access is a {word}" if walk.access == word else f"make it {word}")
        for word in ("read", "write", "execute")
    ]
    who = [
        Switch("user", "user", walk.user, "user code makes the access" if walk.user else "let user code make it"),
        Switch("supervisor", "supervisor", not walk.user,
               "the supervisor makes the access" if not walk.user else "let the supervisor make it"),
    ]  # fmt: skip
    many = f" ({len(bench.edited)} edited)"
    undo = [Switch("undo", f"undo{many}", None, f"take the latest edit of a descriptor back{many}")]
    return [accesses, who, undo if bench.edited else []]


def _shown(walk: Walk, bench: Bench) -> Step | None:
    """The step whose descriptor is shown bit by bit."""
    chosen = next((step for step in walk.steps if step.pa == bench.chosen), None)
    return chosen or (walk.steps[-1] if walk.steps else None)


def _descriptor_picture(step: Step, bench: Bench) -> DescriptorPicture:
    fields = step.fields
    if step.kind == "invalid" and bench.unedited is not None:  # under the names that it had
        fields = next((one.fields for one in bench.unedited.steps if one.pa == step.pa), fields)
    return DescriptorPicture(
        step.pa, step.value, bench.width, fields, step.layout, step.section, bench.editable,
        bench.edited.get(step.pa),
    )  # fmt: skip


def _broke(walk: Walk, bench: Bench | None) -> bool:
    """Whether edits changed what comes of the access."""
    was = bench.unedited if bench is not None else None
    return was is not None and (was.pa, was.fault) != (walk.pa, walk.fault)


def _edited_caption(walk: Walk, bench: Bench) -> Caption:
    """What became of the access, and what it was before descriptors were edited."""
    now = _caption(walk, None)
    many = len(bench.edited)
    edits = f"{many} descriptor{'' if many == 1 else 's'} edited by hand"
    if bench.unedited is None or not _broke(walk, bench):
        return Caption(now.text, (), f"{edits}; this access comes out as before.", now.tone)
    return Caption(now.text, (), f"{edits}; before that, the access {_outcome(bench.unedited)}.", now.tone)


def _outcome(walk: Walk) -> str:
    if walk.fault is not None:
        return f"raised {walk.fault.exception} ({walk.fault.kind})"
    return f"went through to physical {grouped_hex(walk.pa or 0, 8)}"


def _caption(walk: Walk, earlier: Walk | None) -> Caption:
    if walk.fault is not None:
        fault = walk.fault
        text = f"{fault.exception}: {_sentence(fault.why)}"
        caption = Caption(text, (), "", "error")
    else:
        assert walk.pa is not None
        caption = Caption(
            f"{grouped_hex(walk.va, _digits(walk))} is at physical {grouped_hex(walk.pa, 8)}, "
            f"in a page of {binary_size(walk.page_size)}.",
            (),
            _rights_sentence(walk),
            "good",
        )
    if earlier is not None and (earlier.pa, earlier.fault) != (walk.pa, walk.fault):
        was = earlier.fault.kind if earlier.fault is not None else f"physical {grouped_hex(earlier.pa or 0, 8)}"
        caption = Caption(caption.text, (), f"When the cell ran it was: {was}.", caption.tone)
    return caption


def _digits(walk: Walk) -> int:
    """How many digits an address has in the walk's format."""
    return 8 if walk.format in ("x86", "x86-pae", "armv7") else 16


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _rights_sentence(walk: Walk) -> str:
    """What each side may do with the page, the processor set as it was for the walk."""
    may = walk.permissions
    if may is None:
        return ""
    supervisor, user = _listed(may.supervisor), _listed(may.user)
    end = "as far as the tables go."
    if supervisor == user:
        return f"User code and supervisor may {user} here, {end}"
    if not any(may.user):
        return f"Only the supervisor may {supervisor} here, {end}"
    return f"User code may {user} here, the supervisor {supervisor if any(may.supervisor) else 'nothing'}, {end}"


def _listed(may: Permission) -> str:
    """Such as "read, write and execute", or "do nothing"."""
    what = [word for word, allowed in zip(("read", "write", "execute"), may, strict=True) if allowed]
    return " and ".join(filter(None, [", ".join(what[:-1]), what[-1]])) if what else "do nothing"


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
        f"walk/table/{step.level}", "table", x, top, w, _TABLE_H,
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


def _verdict(
    walk: Walk, entry: EntryValue | None, x: float, top: float, width: float, changed: bool, mapped: bool
) -> Node:
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
    elif walk.fault is not None and mapped:
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
        state=(state, "changed") if changed else (state,),
        title=title,
        lane="walk",
        graph=True,
    )


def _fault_lines(fault: Fault, w: float) -> tuple[str, list[tuple[str, str]], str]:
    at = "" if fault.level is None else f" at level {fault.level}"
    lines = [(f"{fault.kind}{at}", "label")]
    syndrome = fault.syndrome
    if fault.code is not None:
        plain = len(fault.code_fields) == 1 or syndrome is not None  # the number is all there is, or a register tells
        lines.append((f"code {fault.code}" if plain else f"code {fault.code} = {_named(fault.decoded)}", "mono label"))
    if syndrome is not None:
        lines.append((f"{syndrome.register} {syndrome.value:x} {_named(syndrome.decoded)}", "mono label"))
    named = fault.exception.startswith("#") or fault.exception.casefold().endswith(("fault", "abort"))
    head = fault.exception[:1].upper() + fault.exception[1:]
    return head if named else f"{head} fault", lines, "fault"


def _named(decoded: tuple[FieldValue, ...]) -> str:
    """The fields of a code that are not 0: flags by name, others with their number."""
    words = [
        value.field.name if value.field.low == value.field.high else f"{value.field.name}={value.value:x}"
        for value in decoded
        if value.value
    ]
    return " ".join(words) or "none set"


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
        told.append(("", "", "", "", f"{walk.fault.code:#x}", "code", _named(walk.fault.decoded)))
    if walk.fault is not None and walk.fault.syndrome is not None:
        syndrome = walk.fault.syndrome
        told.append(("", "", "", "", f"{syndrome.value:#x}", syndrome.register, _named(syndrome.decoded)))
    return Table(
        ("level", "table", "at", "index", "descriptor", "kind", "flags"),
        (*rows, ("", "", "", "", "", "verdict", verdict), *told),
    )
