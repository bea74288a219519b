"""What an entry says beside its frame: its flags in words, each with its value."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial

from vmwidgets.engine.mmu.tables_schema import Field, Step, Walk
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.kit import Box, Line
from vmwidgets.views.scene.model import Node
from vmwidgets.views.scene.text import text_width

from .walk_tables import table_name

_SAYS = {
    "P": ("nothing is here", "in use"),
    "V": ("nothing is here", "in use"),
    "valid": ("nothing is here", "in use"),
    "R/W": ("read only", "may be written"),
    "U/S": ("no user code", "user code too"),
    "U": ("the kernel's", "user code's"),
    "R": ("no reads", "may be read"),
    "W": ("no writes", "may be written"),
    "X": ("no code", "may be run"),
    "AP[2]": ("may be written", "read only"),
    "A": ("not used yet", "was used"),
    "AF": ("not used yet", "was used"),
    "D": ("not written yet", "was written"),
    "XD": ("may be run", "no code here"),
    "XN": ("may be run", "no code here"),
    "UXN": ("user code runs", "no user code"),
    "PXN": ("kernel runs it", "no kernel code"),
    "PS": ("leads to a table", "a large page"),
}
"""What a flag says if it is 0, and if it is 1, by its manual's name.

Sources: Intel SDM 3A, 4.5; ARM DDI 0406C, B3.5; ARM DDI 0487, D8.3; RISC-V privileged, 4.3.
"""

_RIGHTS = {"read": "reads", "write": "writes", "execute": "code", "user": "user code"}
"""The names of rights, by the names of :class:`Rights`."""

_HIGH, _LEAST, _TITLE = 40.0, 116.0, 22.0
"""Height of a flag; its least width; height of the line above the flags."""


def flags_of(step: Step) -> str:
    """Return a descriptor's flags in words, each with its value."""
    fields = step.fields if step.kind != "invalid" else ()
    return ", ".join(f"{name} {value}: {says}" for name, value, says, _ in _said(step, fields))


def _said(step: Step, fields: Iterable[Field]) -> Iterator[tuple[str, str, str, Field]]:
    """Yield each flag that has a meaning here: its name, its value, what that says, and its field."""
    known = [*fields]
    names = {field.name for field in known}
    leads = step.kind == "table" and {"R", "W", "X"} <= names  # RISC-V: such an entry has no rights of its own
    order = [*_SAYS]
    rank = {name: number for number, name in enumerate(order)}
    for field in sorted(known, key=lambda one: (rank.get(one.name, rank["AP[2]"] - 0.5), one.low)):
        value = field.of(step.value)
        width = field.high - field.low + 1
        if field.name == "AP" and step.kind == "leaf":
            user = value & (2 if "AP[2]" in names else 1)  # of ARMv7 bits 1:0, of AArch64 bits 2:1
            only = ", read only" if "AP[2]" not in names and value & 2 else ""
            yield field.name, f"{value:0{width}b}", ("user code too" if user else "the kernel's") + only, field
        elif field.name in _SAYS and width == 1:
            if leads and field.name in ("R", "W", "X", "U", "A", "D"):
                continue
            if field.name == "PS" and step.kind != "leaf":
                continue
            yield field.name, f"{value}", _SAYS[field.name][value], field
    if leads:
        yield "R W X", "0", "leads to a table", next(field for field in known if field.name == "R")


def draw_flags(
    walk: Walk, step: Step, fields: Sequence[Field], refusing: Collection[int], table: str, bits: int, *, is_open: bool
) -> Part:
    """Return a line about an entry of a `table`, and its flags below; of an entry of zeros only those that refuse.

    The bits in `refusing` refuse the access.  A press on the fold at the right end shows all `bits`, if they are known.
    """
    said = [*_said(step, fields)]
    if step.kind == "invalid":
        said = [one for one in said if {*refusing} & {*range(one[3].low, one[3].high + 1)}] or said[:1]
    flags = [boxes.thing(_HIGH, partial(_flag, one, refusing)) for one in said]
    head = f"What entry {step.index} of {table} also says"
    fold = f"{'hide' if is_open else 'show'} all {bits} bits" if bits else ""

    def title(drawn: Drawn, x: float, y: float, w: float) -> float:
        right = x + w
        if fold:
            wide = text_width(fold) + 30
            place = Box(right - wide, y - 1, wide, 20)
            words = f"{fold} {'▾' if is_open else '▸'}"
            drawn.nodes.append(kit.fold("walk/fold", place, words, title=fold, opens=True, lane="walk"))
            right -= wide + 10
        taken = _taken(walk, step)
        row = [Line((head, f"Entry {step.index} of {table}"), "strong", (taken, ""))]
        text = kit.lines_of(row, right - x, top=14, pad=0)
        drawn.nodes.append(kit.runs("walk/says", Box(x, y, right - x, 18), text, title=f"{head}; {taken}"))
        return y + _TITLE

    return boxes.below(title, boxes.equal(flags, _LEAST, most=260.0, gap=6), gap=0)


def _flag(one: tuple[str, str, str, Field], refusing: Collection[int], box: Box) -> Node:
    name, value, says, field = one
    is_red = bool({*range(field.low, field.high + 1)} & {*refusing})
    return kit.card(
        f"walk/flag/{name}",
        box,
        [Line(name, "strong", value, "mono label strong"), Line(says, "label dim")],
        kind="flag",
        top=16,
        step=16,
        state=("fault",) if is_red else (),
        title=f"{name} is {value}: {says}{', which refuses the access' * is_red} ({field.meaning})",
        lane="rights",
    )


def _taken(walk: Walk, shown: Step) -> str:
    """Return which rights the entries above take away from a page: each has a say only if it has such bits."""
    above = walk.steps[:-1]
    if not above or shown is not walk.steps[-1] or shown.kind != "leaf":
        return ""
    last = above[-1].rights
    taken = [name for right, name in _RIGHTS.items() if right not in walk.without and not getattr(last, right)]
    if not taken:
        return "the tables above take nothing away"
    first = next(step for step in above if not all(may for may, name in zip(step.rights, _RIGHTS, strict=True)
                                                   if name not in walk.without))  # fmt: skip
    return f"{table_name(first)} takes away {' and '.join(taken)}"
