"""The walk: the steps of the hardware for an address.

At the top is the address, divided into the bits that index each table; below it a table for each level, with the
descriptor that was read between its neighbours; at the end the verdict, with the page or the decoded fault.  On a bench
(:class:`Bench`), the address can be turned, the access changed, and a descriptor shown and edited bit by bit.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import Address, binary_size
from vmwidgets.engine.kernel.map.map_schema import EntryValue
from vmwidgets.engine.mmu.tables_schema import AddressSplit, Fault, Field, Step, Walk, named_fields
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.addresses import place_of
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box, Switch
from vmwidgets.views.scene.model import Caption, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, font_size, text_width, wrapped
from vmwidgets.views.story.moment import Told
from vmwidgets.views.story.words import pictures as words
from vmwidgets.views.story.words.names import address
from vmwidgets.views.story.words.pictures import edited_walk

from .bits import DescriptorPicture, draw_descriptor
from .flags import draw_flags, flags_of
from .slices import HEIGHT, draw_slices, hexadecimal, is_not_canonical
from .walk_line import is_absent, line_of
from .walk_tables import (
    BESIDE,
    Names,
    Plate,
    Reach,
    asked_of,
    blamed,
    byte_line,
    draw_tables_read,
    sum_of,
    table_name,
    unit_of,
)


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
NO_NAMES = Names()


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
    split: AddressSplit,
    *,
    title: str = "walk",
    there: There = NOT_SAID,
    earlier: Walk | None = None,
    machine: str = "",
    width: float = WIDTH,
    bench: Bench | None = None,
    names: Names = NO_NAMES,
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
    entry = there.covering(walk)
    quiet = _quiet(walk, entry)
    plate = Plate(quiet, split, Reach(len(walk.steps)), names, True, changed, there.kind, refusal_of(quiet))
    verdict = _verdict_of(walk, there, unit_of(split), is_changed=_has_broken(walk, bench), asked=True)
    parts = [_with_address(walk, plate, bench), boxes.drawing(0, verdict)]
    shown = shown_step(walk, 0 if bench is None else bench.chosen)
    if shown is not None:
        was = edited.get(shown.pa, before.get(shown.level))
        parts.append(_flags(quiet, shown, names, bench, was))
        if bench is not None and bench.is_open:
            parts.append(draw_descriptor(_descriptor_picture(quiet, shown, bench), "walk"))
    own = _edited_caption(walk, bench, entry) if bench is not None and edited else (_caption_of(walk, earlier, entry))
    return boxes.picture(
        "walk",
        title,
        _subtitle(walk),
        boxes.linked(boxes.below(*parts, gap=10), partial(_to_outcome, quiet)),
        caption=told.caption(own),
        table=_rows(walk, len(walk.steps), plate),
        steps=told.steps,
        machine=machine,
        width=width,
    )


def _with_address(walk: Walk, plate: Plate, bench: Bench | None) -> Part:
    """Return the address, cut into slices above the tables, and the tables; with a bench, the switches too."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        y = _address_line(walk, plate, bench, drawn, Box(x, y, w, 0))
        places = plate.strip(Box(x, y, w, HEIGHT))
        drawn.nodes += draw_slices(walk, plate.split, places, turns=bench is not None)
        y = max((box.y + box.h for box in places.values()), default=y) + 8
        nodes, links, bottom = draw_tables_read(plate, Box(x, y, w, 0))
        drawn.nodes += nodes
        drawn.links += [*links, *(_down(drawn.nodes, plate) if plate.columns(Box(x, y, w, 0)) else ())]
        return bottom

    return put


def _address_line(walk: Walk, plate: Plate, bench: Bench | None, drawn: Drawn, room: Box) -> float:
    """Draw the address, what was asked for, and the switches; return where the line ends."""
    x, y, w, _ = room
    said = str(Address(walk.va)) if type(walk.va) is int else str(walk.va)
    wide = text_width(str(Address((1 << walk.word_bits) - 1)), "large mono")
    high = 28.0
    drawn.nodes.append(
        kit.runs("walk/address", Box(x, y, min(w, wide), high), [fitted(0, 20, said, w, "large mono")],
                 title=f"the address {said}")
    )  # fmt: skip
    left = x + wide + 12
    who = {"user": "user code", "supervisor": "kernel code"}.get(walk.side, "")
    asked = f"{asked_of(walk)}, by {who}" if who else asked_of(walk)
    short = asked.replace("by ", "")
    ways = f"asked: {asked}", short, short.removesuffix(" code")
    if left + text_width(ways[-1]) + 4 > x + w:  # on a telephone, an address of 64 bits fills the line
        left, y = x, y + high
    request = fitted(0, 20, ways, x + w - left - 4, "label")
    wide = text_width(request.text) + 4
    drawn.nodes.append(kit.runs("walk/asked", Box(left, y, wide, high), [request], title=ways[0]))
    left += wide + 12
    if bench is not None:
        switches, _ = kit.draw_switches(_switches_of(walk, bench), "walk", y, 1e9)
        across = max((node.x + node.w - MARGIN for node in switches), default=0.0)
        if switches and left + across <= x + w:
            drawn.nodes += [replace(node, x=node.x - MARGIN + x + w - across) for node in switches]
        elif switches:
            nodes, more = kit.draw_switches(_switches_of(walk, bench), "walk", y + high, w + 2 * MARGIN)
            drawn.nodes += nodes
            high += more + 8
    return y + high


def _down(nodes: Sequence[Node], plate: Plate) -> Iterator[Link]:
    """Yield a dotted line from each slice down to the entry that it chooses, and from the offset to its byte."""
    placed = {node.id: node for node in nodes}
    for step in plate.read:
        source, target = placed[f"walk/slice/{step.level}"], placed[f"walk/step/{step.level}"]
        x = target.x + target.w - 8
        points = (x, source.y + source.h), (x, target.y)
        yield Link(f"walk/index/{step.level}", "index", source.id, target.id, points, state=("is-index",))
    if plate.has_found:
        source, page = placed["walk/slice/offset"], placed["walk/page"]
        x = page.x + page.w - 8
        points = (x, source.y + source.h), (x, byte_line(page))
        yield Link("walk/index/offset", "index", source.id, page.id, points, state=("is-offset",))


def _to_outcome(walk: Walk, placed: Mapping[str, Node]) -> Iterator[Link]:
    """Yield an arrow down to the outcome: from the entry that refused, or from the page that was found."""
    ids = [f"walk/step/{step.level}" for step in walk.steps if step.level in blamed(walk)]
    outcome, page = placed["walk/verdict"], placed.get("walk/page")
    if walk.pa is not None and page is not None:
        x = page.x + page.w - 8
        points = (x, byte_line(page)), (x, outcome.y)
        yield Link("walk/reached", "next", page.id, outcome.id, points, state=("is-offset",), arrow=True)
    if ids and ids[-1] in placed:
        entry = placed[ids[-1]]
        edge, level = min(entry.x + entry.w + BESIDE / 2, outcome.x + outcome.w - 3), entry.y + entry.h / 2
        way = (entry.x + entry.w, level), (edge, level), (edge, outcome.y)
        yield Link("walk/refused", "next", entry.id, outcome.id, way, state=("fault",), arrow=True)


def _flags(walk: Walk, step: Step, names: Names, bench: Bench | None = None, was: int | None = None) -> Part:
    """Return what an entry also says, in words; on a bench, with a fold for all bits.  `was` is its older value."""
    short = names.tables.get(step.table, "") or table_name(step)
    fields, bits, is_open = step.fields, 0, False
    if bench is not None:
        fields, bits, is_open = _descriptor_picture(walk, step, bench).fields, bench.width, bench.is_open
    refusing = _refusing(walk, step, step.fields)
    return draw_flags(walk, step, fields, refusing, short, step.value if was is None else was, bits, is_open=is_open)


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
    split: AddressSplit,
    reach: Reach,
    *,
    there: There = NOT_SAID,
    made: bool = True,
    names: Names = NO_NAMES,
    machine: str = "",
    width: float = WIDTH,
) -> Scene:
    """Return the scene of a walk's tables alone, as far as a processor has come, and whether it `made` the access."""
    is_open = reach.verdict is not None
    quiet = walk if made else _quiet(walk, there.covering(walk))
    known = replace(walk, pa=None, fault=None, page_size=0) if is_open else quiet  # nothing says how it ends
    plate = Plate(known, split, reach, names, not is_open, (), there.kind, "" if is_open else refusal_of(quiet))
    said = reach.verdict
    verdict = _verdict_of(walk, there, unit_of(split), made=made) if said is None else partial(_other_verdict, said)

    def tables(drawn: Drawn, x: float, y: float, w: float) -> float:
        nodes, links, bottom = draw_tables_read(plate, Box(x, y, w, 0))
        drawn.nodes += nodes
        drawn.links += links
        return bottom

    parts = [tables, boxes.drawing(0, verdict)]
    if reach.rights and reach.is_walked and walk.steps:
        seen = shown_step(replace(known, steps=walk.steps[: reach.read]), 0)
        shown = boxes.below() if seen is None else _flags(known, seen, names)
        parts.append(_in_room_of(shown, _flags(known, walk.steps[-1], names)))
    return boxes.picture(
        "walk",
        "page tables",
        _subtitle(walk),
        boxes.linked(boxes.below(*parts, gap=10), partial(_to_outcome, known)),
        caption=Caption(said[0]) if said is not None else _caption_of(walk, None, there.covering(walk)),
        table=_rows(known, reach.read, plate),
        machine=machine,
        width=width,
    )


def _in_room_of(part: Part, whole: Part) -> Part:
    """Return a part that takes the room of another one, so that nothing below it moves."""
    return lambda drawn, x, y, w: max(part(drawn, x, y, w), whole(Drawn(), x, y, w))


def _subtitle(walk: Walk) -> str:
    return f"{walk.format} · {f'{walk.side} {walk.access}'.strip()}"


def _rows(walk: Walk, read: int, plate: Plate | None = None) -> Table:
    """Return the first `read` descriptors, and the access's outcome; of a drawn `plate`, with its names and its sum."""
    short = plate.names.tables if plate is not None else {}
    rows = [
        (
            str(number),
            f"{short.get(step.table, '')} {table_name(step)}".strip(),
            place_of(step.table),
            str(step.index),
            f"{step.value:#x}",
            step.kind,
            flags_of(step),
        )
        for number, step in enumerate(walk.steps[:read], 1)
    ]
    verdict = walk.fault.why if walk.fault is not None else ""
    if walk.pa is not None:
        parts = [said for said, _ in sum_of(walk, unit_of(plate.split))] if plate is not None and walk.steps else []
        verdict = f"physical {Address(walk.pa)}" + f", {' '.join(parts)}" * bool(parts)
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


def _caption_of(walk: Walk, earlier: Walk | None, entry: EntryValue | None) -> Caption:
    """Return the access's outcome, and the outcome of an earlier walk of the address, if it was different."""
    if walk.fault is not None:
        tone = "plain" if is_untouched(walk, entry) else "error"
        caption = Caption(_fault(walk, walk.fault, entry), (), "", tone, is_not_canonical(walk))
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


Hero = Sequence[tuple[str, str]]
"""The large words of an outcome, with their styles."""

_AN_ACCESS = {"read": "A read", "write": "A write", "execute": "An execution"}


def _verdict_of(
    walk: Walk, there: There, unit: int, *, is_changed: bool = False, made: bool = True, asked: bool = False
) -> Callable[[Box], Iterator[Node]]:
    """Return what draws the outcome: the sum that makes the physical address, or the bit that refused.

    `is_changed` says that edits changed the outcome.  An access that no processor `made` is named, with its possible
    outcome.  With `asked`, a learner asked for the walk.
    """
    entry, fault = there.entry, walk.fault
    untouched = is_untouched(walk, there.covering(walk)) and (asked or not made)
    if fault is not None:
        head, lines, state = _fault_lines(walk, fault)
        hero: Hero = [] if untouched else [(refusal_of(walk), "error")]
    else:
        assert walk.pa is not None
        head, state = "Access succeeds", "reached"
        lines = [f"page of {binary_size(walk.page_size)}{_in_descriptors(walk)}", *[_OVERRULED] * _is_overruled(walk)]
        hero = sum_of(walk, unit)
    if untouched:
        head, lines, state = "Not there yet", [f"an access raises {head}", *lines], "ghost"
    elif not made:
        if fault is not None:
            lines = [f"with {head}", *lines]
        head = f"{_AN_ACCESS[walk.access]} would {'succeed' if fault is None else 'fail'}"
    if entry is not None:
        lines.append(f"map entry {entry.id}: {entry.protection} {entry.role or entry.object or 'anonymous'}")
    elif fault is not None and there.has_map and not is_not_canonical(walk):
        lines.append("no map entry there")
    title = f"{head}: {fault.why}" if fault is not None else f"{head}: {' '.join(said for said, _ in hero)}"
    return partial(_verdict, head, lines, hero, (state, "changed") if is_changed else (state,), title)


def _other_verdict(said: tuple[str, str], place: Box) -> Iterator[Node]:
    """Yield the outcome's box while a walk is not over, or if there was none."""
    head, more = said
    return _verdict(head, more.split("\n"), [], (), f"{head}: {more}", place)


_HERO, _FIRST, _LINE, _LEAST_WORDS = ("hero", "large", "body", "label"), 22.0, 17.0, 200.0
"""The styles of the hero, from large to small; baseline of the first line; height of a line; least width of words."""

_SUM = "frame number × size of a frame + offset = physical address"
"""What the parts of the sum are."""

_MONO = 0.61
"""The width of a monospaced character, in parts of its size."""


def _verdict(
    head: str, lines: Sequence[str], hero: Hero, state: tuple[str, ...], title: str, place: Box
) -> Iterator[Node]:
    """Yield the outcome's box: words, and the hero at their right; if it is narrow, the hero is above them."""
    x, y, w, _ = place
    mono = " mono" * (len(hero) > 1)

    def wide(size: str, row: Hero) -> float:
        return text_width(" ".join(said for said, _ in row), size + mono)

    least = max(_LEAST_WORDS, text_width(head, "body strong"))
    beside = next((one for one in _HERO if wide(one, hero) + 44 + least <= w), "") if hero else ""
    rows = [hero] if beside or not mono else [hero[:-2], hero[-2:]]  # a sum goes on with "=" in a line of its own
    size = beside or next((one for one in _HERO if all(wide(one, row) + 24 <= w for row in rows)), _HERO[-1])
    room, top = (w - wide(size, hero) - 44, 0.0) if beside else (w - 24, 33.0 * len(rows) * bool(hero))
    packed = [""]
    for one in lines:
        both = f"{packed[-1]} · {one}"
        packed = [*packed[:-1], both] if packed[-1] and text_width(both) <= room else [*filter(None, packed), one]
    said = [line for one in packed for line in wrapped(one, room)]
    text = [fitted(12, top + _FIRST, head, room, "body strong")]
    text += [Text(12, top + _FIRST + _LINE * number, line, "label") for number, line in enumerate(said, 1)]
    high = top + _FIRST + _LINE * max(2, len(said)) + 8
    for number, row in enumerate(rows):
        styles = [f"{size}{mono} {colour}".strip() for _, colour in row]
        steps = [
            max(text_width(said, style), font_size(style) * _MONO * (len(said) + 1))
            for (said, _), style in zip(row, styles, strict=True)
        ]
        left, base = (w - 12 - sum(steps), high / 2 + 8 - 6 * bool(mono)) if beside else (12.0, 32.0 * (number + 1))
        for (part, _), style, step in zip(row, styles, steps, strict=True):
            text.append(fitted(left, base, part, w - left, style))
            left += step
    if beside and mono and text_width(_SUM) <= wide(size, hero):
        text.append(Text(w - 16, high - 11, _SUM, "label dim", "end"))
    yield Node("walk/verdict", "verdict", x, y, w, high, text=tuple(text), state=state, title=title, lane="walk")


_SAID_BITS = re.compile(r"\b((?:bits? )?[\w/:]+(?:\[[\d:]+\])?) (?:\(bit \d+\) )?(?:is|are) ([01]+)\b")


def refusal_of(walk: Walk) -> str:
    """Return the bit that refused, with its value; the fault's name if no bit did, and "" if nothing refused."""
    fault = walk.fault
    if fault is None:
        return ""
    found = _SAID_BITS.search(fault.why)
    return f"{found[1]} = {found[2]}" if found is not None else fault.called


_OVERRULED = "the descriptors forbid it, a manager domain allows it"
"""The reason why an access succeeds in a manager domain of ARM."""


def _is_overruled(walk: Walk) -> bool:
    """Return whether user code may do something that the descriptors forbid."""
    may = walk.rights
    return walk.user and walk.fault is None and not (may.user and getattr(may, walk.access))


def _in_descriptors(walk: Walk) -> str:
    """Return how often the page's descriptor is in its table, if more than once."""
    copies = walk.page_size >> walk.steps[-1].index_bits[1]
    return f", in {copies} descriptors" if copies > 1 else ""


def _fault_lines(walk: Walk, fault: Fault) -> tuple[str, list[str], str]:
    lines = [f"{fault.called}{_place_of(walk)}"]
    syndrome = fault.syndrome
    if fault.code is not None:
        says = "" if fault.says == fault.exception else fault.code_words  # the head has it
        lines.append(f"code {says or fault.code}")
    if fault.address_in:
        lines.append(f"{fault.address_in} = {hexadecimal(walk.va)}")
    if syndrome is not None:
        lines.append(f"{syndrome.register} {syndrome.value:#x} {named_fields(syndrome.decoded)}")
        lines += [syndrome.says] if syndrome.says else []
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

    width: int
    """The number of bits of a descriptor."""
    editable: bool = False
    chosen: int = 0
    edited: Mapping[int, int] = dataclasses.field(default_factory=dict)
    unedited: Walk | None = None
    is_open: bool = False
    """Whether the descriptor that is shown has all of its bits, which can be edited."""


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


def shown_step(walk: Walk, chosen: int) -> Step | None:
    """Return the step whose descriptor is shown: the `chosen` one, by its address, or one that refused, or the last."""
    steps = [step for step in walk.steps if chosen and step.pa == chosen]
    steps = steps or [step for step in walk.steps if step.level in blamed(walk)] or [*walk.steps]
    return steps[-1] if steps else None


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
