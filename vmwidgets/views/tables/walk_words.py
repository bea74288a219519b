"""What a walk came to, in words: the caption, and the verdict's box."""

from __future__ import annotations

from dataclasses import replace

from vmwidgets.engine.base.units import Address, binary_size
from vmwidgets.engine.base.values.maps import EntryValue
from vmwidgets.engine.base.values.tables import Fault, FieldValue, Walk
from vmwidgets.views.scene.columns import MARGIN
from vmwidgets.views.scene.model import Caption, Node, Text
from vmwidgets.views.scene.text import shorten, text_width
from vmwidgets.views.story.words import pictures as words
from vmwidgets.views.story.words.names import address

VERDICT = 216.0
"""Width of the verdict's box."""

_FIRST, _LINE = 39.0, 17.0
"""Where the first line below the verdict is; height of a line."""


def caption_of(walk: Walk, earlier: Walk | None) -> Caption:
    """What became of the access, and what an earlier walk of the same address had said, if that was something else."""
    if walk.fault is not None:
        caption = Caption(_fault(walk.fault), (), "", "error")
    else:
        assert walk.pa is not None
        places = {"address": address(walk.va), "physical": address(walk.pa), "size": binary_size(walk.page_size)}
        caption = Caption(words.say_walk("reached", **places), (), words.walk_rights(walk), "good")
    if earlier is not None and (earlier.pa, earlier.fault) != (walk.pa, walk.fault):
        caption = replace(caption, reason=words.earlier_walk(earlier))
    return caption


def _fault(fault: Fault) -> str:
    why = fault.why[:1].upper() + fault.why[1:]
    return words.say_walk("fault", exception=fault.exception, why=why.removesuffix("."))


def verdict_box(
    walk: Walk, entry: EntryValue | None, x: float, top: float, width: float, least: float, changed: bool, mapped: bool
) -> Node:
    """The verdict's box, at least `least` high: `changed` by edits; in a map that tells of entries if `mapped`."""
    w = min(VERDICT, width - MARGIN - x)
    lines: list[tuple[str, str]]
    if walk.fault is not None:
        head, lines, state = _fault_lines(walk, walk.fault, w - 20)
    else:
        assert walk.pa is not None
        head, state = "Access goes through", "ok"
        lines = [
            (f"physical {Address(walk.pa)}", "mono label"),
            (f"page of {binary_size(walk.page_size)}{_in_slots(walk)}", "label"),
        ]
    if entry is not None:
        lines.append((f"entry {entry.id}: {entry.protection} {entry.role or entry.object or 'anonymous'}", "label dim"))
    elif walk.fault is not None and mapped:
        lines.append(("no entry of the map there", "label dim"))
    text = [Text(10, 20, shorten(head, w - 20, "strong"), "strong")]
    text += [
        Text(10, _FIRST + _LINE * number, shorten(line, w - 20, look), look)
        for number, (line, look) in enumerate(lines)
    ]
    title = f"{head}: {walk.fault.why}" if walk.fault is not None else head
    return Node(
        "walk/verdict",
        "verdict",
        x,
        top,
        w,
        max(least, _FIRST + _LINE * len(lines)),
        text=tuple(text),
        state=(state, "changed") if changed else (state,),
        title=title,
        lane="walk",
        graph=True,
    )


def _in_slots(walk: Walk) -> str:
    """In how many slots the page's descriptor is, if in more than one."""
    slots = walk.page_size >> walk.steps[-1].index_bits[1]
    return f", in {slots} slots" if slots > 1 else ""


def _fault_lines(walk: Walk, fault: Fault, w: float) -> tuple[str, list[tuple[str, str]], str]:
    lines = [(f"{fault.kind}{_place_of(walk, fault)}", "label")]
    syndrome = fault.syndrome
    if fault.code is not None:
        plain = not fault.code or len(fault.code_fields) == 1 or syndrome is not None  # the number, or a register tells
        lines.append(
            (f"code {fault.code}" if plain else f"code {fault.code} = {named_fields(fault.decoded)}", "mono label")
        )
    if syndrome is not None:
        register, fields = f"{syndrome.register} {syndrome.value:#x}", named_fields(syndrome.decoded)
        whole = f"{register} {fields}"
        parts = [whole] if text_width(whole, "mono label") <= w else [register, fields]
        lines += [(part, "mono label") for part in parts]
    named = fault.exception.startswith("#") or fault.exception.casefold().endswith(("fault", "abort"))
    head = fault.exception[:1].upper() + fault.exception[1:]
    return head if named else f"{head} fault", lines, "fault"


def _place_of(walk: Walk, fault: Fault) -> str:
    """At which descriptor the walk stopped: its manual's name, for manuals number the levels each in their own way."""
    step = next((step for step in walk.steps if step.level == fault.level), None)
    if step is None:
        return ""
    level, _, kind = step.name.rpartition(" ")
    return f" at {level}" if level.startswith("level") else f" at the {level.replace('-', ' ') or kind}"


def named_fields(decoded: tuple[FieldValue, ...]) -> str:
    """The fields of a code that are not 0: flags by name, others with their number."""
    words = [
        value.field.name if value.field.low == value.field.high else f"{value.field.name}={value.value:#x}"
        for value in decoded
        if value.value
    ]
    return " ".join(words) or "none set"
