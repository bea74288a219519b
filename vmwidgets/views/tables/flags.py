"""What an entry says beside its frame: its flags in words, each with its value."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from vmwidgets.engine.mmu.tables_schema import Field, Step, Walk
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.kit import Box, Line
from vmwidgets.views.scene.model import Node
from vmwidgets.views.scene.text import text_width

from .walk_tables import table_name

_SAYS = {
    "P": ("nothing is here", "present"),
    "V": ("nothing is here", "present"),
    "valid": ("nothing is here", "present"),
    "type": ("nothing is here",),
    "R/W": ("read only", "writable"),
    "U/S": ("kernel only", "user may"),
    "U": ("kernel only", "user may"),
    "R": ("no reads", "may be read"),
    "W": ("no writes", "writable"),
    "X": ("no code", "may be run"),
    "AP": ("kernel only", "user may", "kernel reads", "user reads"),
    "APTable": ("takes nothing", "kernel only", "no writes", "kernel reads"),
    "AP[2]": ("writable", "read only"),
    "A": ("not used", "was used"),
    "AF": ("not used", "was used"),
    "D": ("not written", "was written"),
    "XD": ("may be run", "no code here"),
    "XN": ("may be run", "no code here"),
    "UXN": ("user code runs", "no user code"),
    "PXN": ("kernel runs it", "no kernel code"),
    "UXNTable": ("takes nothing", "no user code"),
    "PXNTable": ("takes nothing", "no kernel code"),
    "PS": ("leads to a table", "a large page"),
}
"""What a flag says if it is 0, 1 …, by its manual's name.

A flag that lets user code use a page says nothing of the kernel, which the processor's settings may stop (x86's SMAP
and SMEP, RISC-V's SUM, ARM's PAN).  Sources: Intel SDM 3A, 4.5; ARM DDI 0406C, B3.5; ARM DDI 0487, D8.3; RISC-V
privileged, 4.3.
"""

_AP_WITH_2 = ("kernel only", "kernel only", "user may", "user may")
"""What the two lowest bits of AP say on ARMv7, whose AP[2] is a flag of its own."""

_RIGHTS = {"read": "reads", "write": "writes", "execute": "code", "user": "user code"}
"""The names of rights, by the names of :class:`Rights`."""

_HIGH, _LEAST, _TITLE = 40.0, 116.0, 22.0
"""Height of a flag; its least width; height of the line above the flags."""


def flags_of(step: Step) -> str:
    """Return a descriptor's flags in words, each with its value."""
    fields = step.fields if step.kind != "invalid" else ()
    return ", ".join(f"{one.name} {one.value}: {one.says}" for one in _said(step, fields))


class _Flag(NamedTuple):
    """A flag with its value, and what that says."""

    name: str
    value: str
    says: str
    field: Field

    def is_in(self, bits: Collection[int]) -> bool:
        """Return whether one of its bits is among these."""
        return any(self.field.low <= bit <= self.field.high for bit in bits)


def _said(step: Step, fields: Iterable[Field]) -> Iterator[_Flag]:
    """Yield each flag that has a meaning here."""
    known = {field.name: field for field in fields}
    is_pointer = step.kind == "table" and {"R", "W", "X"} <= {*known}  # RISC-V: it has no rights of its own
    passed = {"AP", "PS"} if step.kind != "leaf" else set()
    passed |= {"type"} if step.kind != "invalid" else set()
    passed |= {*"RWXUAD"} if is_pointer else set()
    for name, says in _SAYS.items():
        if (field := known.get(name)) is None or name in passed:
            continue
        value = field.of(step.value)
        words = _AP_WITH_2 if name == "AP" and "AP[2]" in known else says
        if value < len(words):
            yield _Flag(name, f"{value:0{field.high - field.low + 1}b}", words[value], field)
    if is_pointer:
        yield _Flag("R W X", "0", "leads to a table", known["R"])


def draw_flags(
    walk: Walk,
    step: Step,
    fields: Sequence[Field],
    refusing: Collection[int],
    table: str,
    was: int,
    bits: int,
    *,
    is_open: bool,
) -> Part:
    """Return a line about an entry of a `table`, and its flags below; of an entry of zeros only those that refuse.

    The bits in `refusing` refuse the access; `was` is the entry's value before.  A press on the fold at the right end
    shows all `bits`, if they are known.
    """
    said = [*_said(step, fields)]
    if step.kind == "invalid":
        said = [one for one in said if one.is_in(refusing)] or said[:1]
    flags = [boxes.thing(_HIGH, partial(_flag, one, refusing, one.field.of(was))) for one in said]
    head = f"What entry {step.index} of {table} also says"
    fold = f"{'hide' if is_open else 'show'} all {bits} bits" if bits else ""

    def title(drawn: Drawn, x: float, y: float, w: float) -> float:
        right = x + w
        if fold:
            wide = text_width(fold) + 30
            place = Box(right - wide, y - 1, wide, 20)
            words = f"{fold} {'▼' if is_open else '▶'}"
            press = kit.fold("walk/fold", place, words, title=fold, opens=True, lane="walk")
            drawn.nodes.append(replace(press, kind="press"))  # a file has no bits to show
            right -= wide + 10
        taken = _taken(walk, step)
        row = [Line((head, f"Entry {step.index} of {table}"), "strong", (taken, ""))]
        text = kit.lines_of(row, right - x, top=14, pad=0)
        drawn.nodes.append(kit.runs("walk/says", Box(x, y, right - x, 18), text, title=f"{head}; {taken}"))
        return y + _TITLE

    return boxes.below(title, boxes.equal(flags, _LEAST, most=260.0, gap=6), gap=0)


def _flag(one: _Flag, refusing: Collection[int], was: int, box: Box) -> Node:
    before = f"{was:0{len(one.value)}b}"
    is_red, is_new = one.is_in(refusing), before != one.value
    value = f"{before} → " * is_new + one.value
    rows = [Line(one.name, "strong", value, "mono label strong"), Line(one.says, "label dim")]
    said = f"{one.name} is {one.value}" + f", was {before}" * is_new + f": {one.says}"
    said += ", which refuses the access" * is_red + f" ({one.field.meaning})"
    state = [*["fault"] * is_red, *["changed"] * is_new]
    return kit.card(f"walk/flag/{one.name}", box, rows, kind="flag", top=16, step=16, state=state, title=said,
                    lane="rights")  # fmt: skip


def _taken(walk: Walk, shown: Step) -> str:
    """Return which rights the entries above take away from a page, and the first table that does."""
    above = walk.steps[:-1]
    if not above or shown is not walk.steps[-1] or shown.kind != "leaf":
        return ""
    rights = [right for right in _RIGHTS if right not in walk.without and not getattr(above[-1].rights, right)]
    if not rights:
        return "no other table takes a right away"
    first = next(step for step in above if not all(getattr(step.rights, right) for right in rights))
    return f"{table_name(first)} takes away {' and '.join(_RIGHTS[right] for right in rights)}"
