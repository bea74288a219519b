"""What a walk came to, in words: the caption, and the verdict's box."""

from __future__ import annotations

from ..engine.base.units import binary_size, grouped_hex
from ..engine.base.values.maps import EntryValue
from ..engine.base.values.tables import Fault, FieldValue, Permission, Walk
from .columns import MARGIN
from .scene import Caption, Node, Text
from .text import shorten, text_width

VERDICT = 216.0
"""Width of the verdict's box."""

_FIRST, _LINE = 39.0, 17.0
"""Where the first line below the verdict stands; height of a line."""


def caption_of(walk: Walk, earlier: Walk | None) -> Caption:
    """What became of the access, and what an earlier walk of the same address had said, if that was something else."""
    if walk.fault is not None:
        fault = walk.fault
        text = f"{fault.exception}: {_sentence(fault.why)}"
        caption = Caption(text, (), "", "error")
    else:
        assert walk.pa is not None
        caption = Caption(
            f"{grouped_hex(walk.va, digits_of(walk))} is at physical {grouped_hex(walk.pa, 8)}, "
            f"in a page of {binary_size(walk.page_size)}.",
            (),
            _rights_sentence(walk),
            "good",
        )
    if earlier is not None and (earlier.pa, earlier.fault) != (walk.pa, walk.fault):
        was = earlier.fault.kind if earlier.fault is not None else f"physical {grouped_hex(earlier.pa or 0, 8)}"
        caption = Caption(caption.text, (), f"When the cell ran it was: {was}.", caption.tone)
    return caption


def digits_of(walk: Walk) -> int:
    """How many digits an address has in the walk's format."""
    return walk.word_bits // 4


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
            (f"physical {grouped_hex(walk.pa, 8)}", "mono label"),
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
    """In how many slots the page's descriptor stands, if in more than one."""
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
        register, fields = f"{syndrome.register} {syndrome.value:x}", named_fields(syndrome.decoded)
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
        value.field.name if value.field.low == value.field.high else f"{value.field.name}={value.value:x}"
        for value in decoded
        if value.value
    ]
    return " ".join(words) or "none set"
