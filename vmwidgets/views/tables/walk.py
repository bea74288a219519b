"""The walk: the steps of the hardware for an address.

At the top is the address, divided into the bits that index each table; below it a table for each level, with the
descriptor that was read between its neighbours; at the end the verdict, with the page or the decoded fault.  On a bench
(:class:`Bench`), the address can be turned, the access changed, and a descriptor shown and edited bit by bit.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from math import inf
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import Address, binary_size
from vmwidgets.engine.kernel.map.map_schema import EntryValue
from vmwidgets.engine.mmu.tables_schema import AddressSplit, Fault, Field, Step, Walk, named_fields
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.addresses import place_of
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.kit import WIDTH, Box, Switch
from vmwidgets.views.scene.model import Caption, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import text_width, wrapped
from vmwidgets.views.story.moment import Told
from vmwidgets.views.story.words import pictures as words
from vmwidgets.views.story.words.names import address
from vmwidgets.views.story.words.pictures import edited_walk

from .bits import DescriptorPicture, draw_descriptor, draw_low_flags, refused_by_flags
from .slices import bands_of, draw_slices
from .walk_line import is_absent, line_of
from .walk_tables import (
    BELOW,
    BESIDE,
    Neighbours,
    Reach,
    blamed,
    draw_rights,
    draw_tables_read,
    flags_of,
    height_of_rights,
    least_share,
    table_name,
)

BITS = "section/bits"
"""The heading of a whole descriptor that is a part of its own."""

_WIDEST = 240.0
"""Greatest width of a table, with the space next to it."""


class There(NamedTuple):
    """What a map says about an address: its entry, whether there is a map, and the kind of the memory, if known."""

    entry: EntryValue | None = None
    has_map: bool = False
    kind: str = ""
    granted: Collection[str] = ()
    """The accesses that the entry allows, and those that its page's descriptor could not refuse."""

    def covering(self, walk: Walk) -> EntryValue | None:
        """Return the entry if it allows the walk's access: only then a missing page may be supplied."""
        return self.entry if walk.access in self.granted else None


NOT_SAID = There()


def is_untouched(walk: Walk, entry: EntryValue | None) -> bool:
    """Return whether a page is only not there yet: a map's entry allows the access, and the page's descriptor is 0.

    This is not an error, so nothing is red: the kernel may supply the page at the first access.  A descriptor with
    other bits was made so, for example by a learner who cleared the bit.
    """
    return is_absent(walk) and entry is not None


def _quiet(walk: Walk, entry: EntryValue | None) -> Walk:
    """Return the walk as far as it is drawn: without its fault, if the page is not there yet."""
    return replace(walk, fault=None) if is_untouched(walk, entry) else walk


def draw_walk(
    walk: Walk,
    neighbours: Neighbours | None = None,
    *,
    title: str = "walk",
    there: There = NOT_SAID,
    earlier: Walk | None = None,
    machine: str = "",
    width: float = WIDTH,
    bench: Bench | None = None,
    told: Told | None = None,
) -> Scene:
    """Return the scene of a walk.

    `there` has what the map says about the address.  `earlier` is an older walk of the same address: differences from
    it are marked as changes.  The last argument has the words that the moment adds.
    """
    told = told or Told()
    before = {step.level: step.value for step in earlier.steps} if earlier is not None else {}
    edited = bench.edited if bench is not None else {}
    changed = {
        step.level
        for step in walk.steps
        if (earlier is not None and before.get(step.level) != step.value) or step.pa in edited
    }
    is_broken, least = _has_broken(walk, bench), _least_beside(walk, neighbours, len(walk.steps))
    quiet = _quiet(walk, there.covering(walk))
    shown = _shown_step(walk, bench) if bench is not None else None
    word = None if bench is None or shown is None else _descriptor_picture(quiet, shown, bench)
    is_short = bench is not None and bench.folds and word is not None and refused_by_flags(word) > 0
    tables = _tables_read(
        quiet,
        walk,
        neighbours,
        Reach(len(walk.steps), len(walk.steps), rights=not is_short),
        changed,
        there.kind,
        lambda place: _verdict_box(walk, there, place, is_broken, asked=True),
    )
    if bench is None:
        whole = boxes.below(boxes.drawing(40, partial(_bits_row, walk, least)), tables, gap=16)
    else:
        parts = [draw_descriptor(word, "walk")] if word is not None else []
        if word is not None and is_short:
            head = boxes.heading(BITS, f"All {word.bits} bits of the {word.layout}")
            parts = [draw_low_flags(word, "walk/low"), boxes.below(head, *parts)]
        slices = boxes.drawing(0, partial(draw_slices, walk, bench.split))
        address = boxes.below(boxes.switches("walk", _switches_of(walk, bench)), slices, gap=10)
        room = boxes.either(least, boxes.apart(34), boxes.apart(14))  # for bands, if there are any
        whole = _with_bands(walk, least, boxes.below(boxes.below(address, room, tables), *parts, gap=16))
    own = (
        _edited_caption(walk, bench, there.covering(walk))
        if bench is not None and edited
        else (_caption_of(walk, earlier, there.covering(walk)))
    )
    return boxes.picture(
        "walk",
        title,
        _subtitle(walk),
        whole,
        caption=told.caption(own),
        table=_rows(walk, len(walk.steps)),
        steps=told.steps,
        machine=machine,
        width=width,
    )


def _with_bands(walk: Walk, least: float, part: Part) -> Part:
    """Return slices and tables with a band from each slice to its table, if the tables are side by side."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        end = part(drawn, x, y, w)
        drawn.links += bands_of(drawn.nodes, [step.level for step in walk.steps]) if w >= least else ()
        return end

    return put


def draw_walk_line(
    walk: Walk,
    *,
    title: str,
    entry: EntryValue | None = None,
    is_open: bool = False,
    machine: str = "",
    width: float = WIDTH,
) -> Scene:
    """Return the scene of a walk in one line, with its whole table; if it `is_open`, the walk itself is below."""
    return boxes.picture(
        "walk",
        title,
        _subtitle(walk),
        line_of(walk, is_open=is_open, covered=entry is not None),
        caption=_caption_of(walk, None, entry),
        table=_rows(walk, len(walk.steps)),
        machine=machine,
        width=width,
    )


def draw_reach(
    walk: Walk,
    neighbours: Neighbours,
    reach: Reach,
    *,
    there: There = NOT_SAID,
    made: bool = True,
    machine: str = "",
    width: float = WIDTH,
) -> Scene:
    """Return the scene of a walk's tables alone, as far as a processor has come, and whether it `made` the access."""
    is_open = reach.verdict is not None
    quiet = walk if made else _quiet(walk, there.covering(walk))
    known = replace(walk, pa=None, fault=None, page_size=0) if is_open else quiet  # nothing says how it ends

    def verdict(place: Box) -> Node:
        said = reach.verdict
        return _verdict_box(walk, there, place, False, made=made) if said is None else _other_verdict(said, place)

    return boxes.picture(
        "walk",
        "page tables",
        _subtitle(walk),
        _tables_read(known, walk, neighbours, reach, (), there.kind, verdict),
        caption=Caption(reach.verdict[0])
        if reach.verdict is not None
        else (_caption_of(walk, None, there.covering(walk))),
        table=_rows(known, reach.read),
        machine=machine,
        width=width,
    )


def _subtitle(walk: Walk) -> str:
    return f"{walk.format} · {f'{walk.side} {walk.access}'.strip()}"


def _tables_read(
    known: Walk,
    walk: Walk,
    neighbours: Neighbours | None,
    reach: Reach,
    changed: Collection[int],
    kind: str,
    verdict: Callable[[Box], Node],
) -> Part:
    """Return the tables of a walk, as far as it is `known`, the verdict, arrows, and what each descriptor allows."""
    ends = replace(known, fault=walk.fault) if known.pa is None and reach.verdict is None else known

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        is_stacked = w < _least_beside(walk, neighbours, reach.levels)
        tables, place = _placed(known, neighbours, changed, Box(x, y, w, 0), reach, kind, is_stacked)
        nodes = [*tables, verdict(place)]
        drawn.nodes += nodes
        drawn.links += _arrows(ends, nodes, is_stacked)
        seen = replace(walk, steps=walk.steps[: reach.read if reach.rights else 0])
        bottom = max(node.y + node.h for node in nodes)
        rights = draw_rights(seen, Box(x, bottom + 14, w, 0))
        drawn.nodes += rights
        room = height_of_rights(walk) if reach.rights and (reach.is_walked or rights) else 0.0
        return bottom + 14 + room if room else bottom

    return put


def _least_beside(walk: Walk, neighbours: Neighbours | None, levels: int) -> float:
    """Return the room that tables need side by side, with the verdict."""
    least = least_share(walk, neighbours)
    return least * max(levels, 1) + _VERDICT if least <= _WIDEST else inf


def _placed(
    walk: Walk,
    neighbours: Neighbours | None,
    changed: Collection[int],
    box: Box,
    reach: Reach,
    kind: str,
    is_stacked: bool,
) -> tuple[list[Node], Box]:
    """Return the tables, side by side or below each other, and the place of the verdict."""
    x, y, w, _ = box
    if is_stacked:
        below = [box._replace(w=w - _GUTTER)] * len(walk.steps)
        tables = draw_tables_read(walk, neighbours, changed, below, reach, kind)
        bottom = max((node.y + node.h + BELOW for node in tables if node.kind == "table"), default=y)
        return tables, Box(x, bottom, w - _GUTTER * bool(tables), 0)
    share = share_of(reach.levels, w)
    places = [box._replace(x=x + number * share, w=share - BESIDE) for number in range(len(walk.steps))]
    tables = draw_tables_read(walk, neighbours, changed, places, reach, kind)
    right, least = reach.levels * share, max((node.h for node in tables), default=0.0)
    return tables, Box(x + right, y, min(_VERDICT, w - right), least)


def share_of(levels: int, room: float) -> float:
    """Return the width of each of `levels` tables side by side in `room` pixels, with the space next to it."""
    return min(_WIDEST, (room - _VERDICT) / max(levels, 1))


_BITS = ("bits {}–{}", "{}–{}", "")
"""The ways to write the bits of all indices, in less and less space: the titles have them in any case."""


def _names_fit(step: Step, way: str, w: float) -> bool:
    """Return whether there is room for an index's bits, written this way, and its number."""
    words = way.format(*step.index_bits), f"index {step.index}"
    return sum(text_width(one, "label") for one in words) + 24 <= w


def _bits_row(walk: Walk, least: float, row: Box) -> list[Node]:
    """Return the address divided into index bits, right above the tables; in lines, if the tables are stacked."""
    count = len(walk.steps)
    if row.w < least:
        places = kit.grid(count + bool(walk.page_size), _OFFSET, row.y, row.h, width=row.w + 2 * row.x)
    else:
        share = share_of(count, row.w)
        places = [row._replace(x=row.x + position * share, w=share - BESIDE) for position in range(count)]
        places += [row._replace(x=row.x + count * share, w=_OFFSET)]
    widths = [(step, box.w) for step, box in zip(walk.steps, places, strict=False)]
    way = next(way for way in _BITS if not way or all(_names_fit(step, way, w) for step, w in widths))
    nodes = []
    for step, box in zip(walk.steps, places, strict=False):
        high, low = step.index_bits
        bits, index = f"{step.index:0{high - low + 1}b}", f"index {step.index}"
        look = "mono label wide" if text_width(bits, "mono label") + 4 * len(bits) < box.w else "mono label"
        text = kit.lines_of([kit.Line(way.format(high, low), "label dim", index, "label") if way else index], box.w)
        if text_width(bits, "mono label") <= box.w:
            text = (*text, Text(box.w / 2, 32, bits, look, "middle"))
        title = f"bits {high} to {low} of the address are {step.index}: the index into the {table_name(step)}"
        nodes.append(Node(f"walk/bits/{step.level}", "bits", *box, lane="bits", text=text, title=title))
    if walk.page_size:
        rows = [
            kit.Line(f"bits {walk.page_size.bit_length() - 2}–0", "label dim"),
            kit.Line(f"offset {walk.offset:#x}", "mono label"),
        ]
        title = f"offset {walk.offset:#x} in the page"
        nodes.append(kit.card("walk/bits/offset", places[-1], rows, kind="bits", top=14, title=title, lane="bits"))
    return nodes


def _arrows(walk: Walk, nodes: list[Node], is_stacked: bool) -> list[Link]:
    """Return arrows from descriptor to descriptor, and to the verdict.

    If tables are stacked, the arrows are on their right, each leading down to the head of the next table: no two
    overlap.
    """
    placed = {node.id: node for node in nodes}
    links = []
    read = [placed[f"walk/step/{step.level}"] for step in walk.steps if f"walk/step/{step.level}" in placed]
    is_over = walk.pa is not None or walk.fault is not None
    stops = [*read, *([placed["walk/verdict"]] if is_over else [])]
    for source, target in pairwise(stops):
        start = (source.x + source.w, source.y + source.h / 2)
        head = next((node for node in nodes if node.kind == "table" and _holds(node, target)), target)
        end = (head.x + head.w, head.y + _HEAD) if is_stacked else (target.x, target.y + target.h / 2)
        edge = max(start[0], end[0]) + _GUTTER - 4
        points = (start, (edge, start[1]), (edge, end[1]), end) if is_stacked else (start, end)
        links.append(Link(f"{source.id}/next", "next", source.id, target.id, points, arrow=True, bend="level"))
    return links


def _holds(table: Node, row: Node) -> bool:
    """Return whether a row is in a table."""
    return table.y <= row.y and row.y + row.h <= table.y + table.h


def _rows(walk: Walk, read: int) -> Table:
    """Return the first `read` descriptors, and the access's outcome."""
    rows = [
        (
            str(number),
            table_name(step),
            place_of(step.table),
            str(step.index),
            f"{step.value:#x}",
            step.kind,
            flags_of(step),
        )
        for number, step in enumerate(walk.steps[:read], 1)
    ]
    verdict = (
        f"physical {Address(walk.pa)}" if walk.pa is not None else walk.fault.why if walk.fault is not None else ""
    )
    fault_rows = []
    if walk.fault is not None and walk.fault.code is not None:
        fault_rows.append(("", "", "", "", f"{walk.fault.code:#x}", "code", named_fields(walk.fault.decoded)))
    if walk.fault is not None and walk.fault.syndrome is not None:
        syndrome = walk.fault.syndrome
        fault_rows.append(("", "", "", "", f"{syndrome.value:#x}", syndrome.register, named_fields(syndrome.decoded)))
    return Table(
        ("step", "table", "at", "index", "descriptor", "kind", "flags"),
        (*rows, ("", "", "", "", "", "verdict", verdict), *fault_rows),
    )


# ---- the outcome ---------------------------------------------------------------------------------

_VERDICT, _OFFSET, _GUTTER, _HEAD = 216.0, 118.0, 20.0, 14.0
"""Width of the verdict's box, of the offset's bits, of the space for arrows next to stacked tables.

Pixels from a table's upper edge down to the point where an arrow meets it.
"""

_FIRST, _LINE = 39.0, 17.0
"""Place of the first line below the verdict; height of a line."""


def _caption_of(walk: Walk, earlier: Walk | None, entry: EntryValue | None) -> Caption:
    """Return the access's outcome, and the outcome of an earlier walk of the address, if it was different."""
    if walk.fault is not None:
        caption = Caption(_fault(walk, walk.fault, entry), (), "", "plain" if is_untouched(walk, entry) else "error")
    else:
        assert walk.pa is not None
        places = {"address": address(walk.va), "physical": address(walk.pa), "size": binary_size(walk.page_size)}
        caption = Caption(words.say_walk("reached", **places), (), words.walk_rights(walk), "good")
    if earlier is not None and (earlier.pa, earlier.fault) != (walk.pa, walk.fault):
        caption = replace(caption, reason=words.earlier_walk(earlier))
    return caption


def _fault(walk: Walk, fault: Fault, entry: EntryValue | None) -> str:
    """Return the fault with its reason, and the map's entry that allows the access, if the tables do not map it yet."""
    why = (fault.why[:1].upper() + fault.why[1:]).removesuffix(".")
    if entry is not None and fault.kind == "not-present":
        at = address(walk.va)
        return words.say_walk("fault/covered", address=at, exception=fault.exception, entry=entry.id)
    access = {"execute": "fetch"}.get(walk.access, walk.access)
    return words.say_walk("fault", access=access, address=address(walk.va), exception=fault.exception, why=why)


_AN_ACCESS = {"read": "A read", "write": "A write", "execute": "An execution"}


def _verdict_box(
    walk: Walk, there: There, place: Box, changed: bool, *, made: bool = True, asked: bool = False
) -> Node:
    """Return the verdict's box, at least as high as `place`; `changed` says that edits changed the verdict.

    An access that no processor `made` is named, with its possible outcome.  With `asked`, a learner asked for the walk.
    """
    lines: list[tuple[str, str]]
    if walk.fault is not None:
        head, lines, state = _fault_lines(walk, walk.fault, place.w - 20)
    else:
        assert walk.pa is not None
        head, state = "Access succeeds", "holds-own-anonymous"
        lines = [
            (f"physical {Address(walk.pa)}", "mono label"),
            (f"page of {binary_size(walk.page_size)}{_in_descriptors(walk)}", "label"),
            *((line, "label") for line in _OVERRULED if _is_overruled(walk)),
        ]
    if is_untouched(walk, there.covering(walk)) and (asked or not made):
        raises = [(line, "label") for line in wrapped(f"an access raises {head}", place.w - 20)]
        head, lines, state = "Not there yet", [*raises, *lines], "ghost"
    elif not made:
        what = _AN_ACCESS[walk.access]
        if walk.fault is not None:
            lines = [(f"with {head}", "label"), *lines]
        head = f"{what} would {'succeed' if walk.fault is None else 'fail'}"
    entry = there.entry
    if entry is not None:
        lines.append((f"entry {entry.id}: {entry.protection} {entry.role or entry.object or 'anonymous'}", "label dim"))
    elif walk.fault is not None and there.has_map:
        lines.append(("no map entry there", "label dim"))
    title = f"{head}: {walk.fault.why}" if walk.fault is not None else head
    return _verdict(head, lines, place, (state, "changed") if changed else (state,), title)


def _other_verdict(words: tuple[str, str], place: Box) -> Node:
    """Return the verdict's box while a walk is not over, or if there was none."""
    head, more = words
    lines = [(line, "label") for part in more.split("\n") for line in wrapped(part, place.w - 20)]
    return _verdict(head, lines, place, (), f"{head}: {more}")


def _verdict(head: str, lines: list[tuple[str, str]], place: Box, state: tuple[str, ...], title: str) -> Node:
    """Return a box as high as `place`, or higher if it has more lines."""
    box = place._replace(h=max(place.h, _FIRST + _LINE * len(lines)))
    rows = [kit.Line(head, "body strong"), *(kit.Line(line, look) for line, look in lines)]
    return kit.card("walk/verdict", box, rows, kind="verdict", top=_FIRST - _LINE, step=_LINE, pad=10, state=state,
                    title=title, lane="walk")  # fmt: skip


_OVERRULED = ("the descriptors forbid it,", "a manager domain allows it")
"""The reason why an access succeeds in a manager domain of ARM."""


def _is_overruled(walk: Walk) -> bool:
    """Return whether user code may do something that the descriptors forbid."""
    may = walk.rights
    return walk.user and walk.fault is None and not (may.user and getattr(may, walk.access))


def _in_descriptors(walk: Walk) -> str:
    """Return how often the page's descriptor is in its table, if more than once."""
    copies = walk.page_size >> walk.steps[-1].index_bits[1]
    return f", in {copies} descriptors" if copies > 1 else ""


def _fault_lines(walk: Walk, fault: Fault, w: float) -> tuple[str, list[tuple[str, str]], str]:
    lines = [(line, "label") for line in wrapped(f"{fault.called}{_place_of(walk)}", w)]
    syndrome = fault.syndrome
    if fault.code is not None:
        says = "" if fault.says == fault.exception else fault.code_words  # the head has it
        lines += [(line, "label") for line in wrapped(f"code {says or fault.code}", w)]
    if syndrome is not None:
        register, fields = f"{syndrome.register} {syndrome.value:#x}", named_fields(syndrome.decoded)
        whole = f"{register} {fields}"
        parts = [whole] if text_width(whole, "mono label") <= w else [register, fields]
        lines += [(part, "mono label") for part in parts]
        lines += [(syndrome.says, "label")] if syndrome.says else []
    named = fault.exception.startswith("#") or fault.exception.casefold().endswith(("fault", "abort"))
    head = fault.exception[:1].upper() + fault.exception[1:]
    return head if named else f"{head} fault", lines, "fault"


def _place_of(walk: Walk) -> str:
    """Return the descriptor that refused, by its manual's name: manuals number levels differently."""
    step = next((step for step in walk.steps if step.level in blamed(walk)), None)
    if step is None:
        return ""
    level, _, kind = step.name.rpartition(" ")
    return f" at {level}" if level.startswith("level") else f" at the {level.replace('-', ' ') or kind}"


# ---- the bench -----------------------------------------------------------------------------------


@frozen
class Bench:
    """The settings of a walk that can be experimented with.

    `chosen` is the address of the descriptor that is shown bit by bit (0 for the place where the walk ended); `edited`
    contains the old values of edited descriptors, by address; `unedited` is the walk with these values.
    """

    split: AddressSplit
    width: int
    """The number of bits of a descriptor."""
    editable: bool = False
    chosen: int = 0
    edited: Mapping[int, int] = dataclasses.field(default_factory=dict)
    unedited: Walk | None = None
    folds: bool = False
    """Whether a descriptor whose flags refuse the access is a line of flags, and its whole word a part below."""


def _switches_of(walk: Walk, bench: Bench) -> list[list[Switch]]:
    """Return the switches for the access and its mode, if the tables make a difference, and for undoing an edit."""
    accesses = [
        Switch(word, word, walk.access == word, f"the access is a {word}" if walk.access == word else f"make it {word}")
        for word in ("read", "write", "execute")
    ]
    who = [
        Switch("user", "user", walk.user, "user code makes the access" if walk.user else "let user code make it"),
        Switch(
            "supervisor",
            "supervisor",
            not walk.user,
            "the supervisor makes the access" if not walk.user else "let the supervisor make it",
        ),
    ]
    many = f" ({len(bench.edited)} edited)"
    undo = [Switch("undo", f"undo{many}", None, f"undo the latest edit of a descriptor{many}")]
    decide = not {"read", "write", "execute"} <= {*walk.without}
    return [accesses if decide else [], who if walk.side else [], undo if bench.edited else []]


def _shown_step(walk: Walk, bench: Bench) -> Step | None:
    """Return the step whose descriptor is shown bit by bit."""
    chosen = next((step for step in walk.steps if step.pa == bench.chosen), None)
    return chosen or (walk.steps[-1] if walk.steps else None)


def _descriptor_picture(walk: Walk, step: Step, bench: Bench) -> DescriptorPicture:
    """Return the descriptor of a step, bit by bit."""
    fields = step.fields
    if step.kind == "invalid" and bench.unedited is not None:  # under the field names that it had
        fields = next((one.fields for one in bench.unedited.steps if one.pa == step.pa), fields)
    return DescriptorPicture(
        step.pa,
        step.value,
        bench.width,
        fields,
        step.layout,
        step.section,
        bench.editable,
        bench.edited.get(step.pa),
        _refusing(walk, step, fields),
    )


_NAMED = re.compile(r"([\w/]+)(?:\[\d\])? (?:\(bit \d+\) )?is [01]")
_NUMBERED = re.compile(r"bits? (\d+)(?::(\d+))? (?:is|are) [01]")


def _refusing(walk: Walk, step: Step, fields: Sequence[Field]) -> frozenset[int]:
    """Return the bits of a descriptor that the fault's sentence names, by field or by number."""
    fault = walk.fault
    if fault is None or step.level not in blamed(walk):
        return frozenset()
    names = set(_NAMED.findall(fault.why))
    found = {bit for one in fields if one.name.partition("[")[0] in names for bit in range(one.low, one.high + 1)}
    for high, low in _NUMBERED.findall(fault.why):
        found |= {*range(int(low or high), int(high) + 1)}
    return frozenset(found)


def _has_broken(walk: Walk, bench: Bench | None) -> bool:
    """Return whether edits changed the access's outcome."""
    was = bench.unedited if bench is not None else None
    return was is not None and (was.pa, was.fault) != (walk.pa, walk.fault)


def _edited_caption(walk: Walk, bench: Bench, entry: EntryValue | None) -> Caption:
    """Return the access's outcome, and the outcome before descriptors were edited."""
    before = bench.unedited if _has_broken(walk, bench) else None
    return replace(_caption_of(walk, None, entry), reason=edited_walk(len(bench.edited), before))
