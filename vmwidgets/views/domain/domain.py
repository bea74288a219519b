"""A self-paging domain: what its program made in its own page tables, and what the program has now.

First the shadow tree with the hardware's words beside it, then the calls that made it, and at the end, in a line, the
numbers of capabilities, regions and records.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vmwidgets import events as ev
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.selfpaging.domain_schema import DomainValue
from vmwidgets.views.scene import boxes
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.story.words.headlines import causes_of

from .calls import calls_part
from .capabilities import SLOTS_HEADER, slots_rows, used_words
from .picture import COLUMNS, DOMAIN, SHOWN, DomainAt, domain_at, found_at, held_words, mapped_words, steps_of_domain
from .regions import REGIONS_HEADER, regions_rows
from .slab import HEADER as SLAB_HEADER
from .slab import slab_rows
from .vnodes import ROWS, TREE_HEADER, tree_part, tree_rows

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

NAME_W, NARROW = 160.0, 500.0
"""Width of a row's name; the width below which it is above its row."""


@picture("Domain", first_for=[DOMAIN], what=SHOWN, find=found_at)
def domain(at: At) -> Sheet:
    """Draw a self-paging domain: what the last operation made, its calls, and what the program has now.

    >>> import vmwidgets as vm
    >>> d = vm.boot("armv7").domain("hello")
    >>> a = d.map(d.frame("8 KiB"))
    >>> vm.Domain(d).scene().caption.text
    '8 KiB is mapped at 0x4040_0000, with one new table.'
    """
    seen, _ = domain_at(at)
    steps, value = seen.moment.steps(steps_of_domain(seen.value.name)), seen.value  # the strip has a mark for each
    many = sum(bool(one.call) for one in seen.plan)
    kernel = sum(isinstance(event, ev.INVOCATIONS) for event in seen.moment.events)
    allocators = f"and {many - kernel:,} of allocators" if kernel else f"{counted(many, 'call')} of allocators"
    calls = calls_part(seen, steps.index if steps.index < steps.count else len(seen.plan), steps.index == steps.count)
    part = boxes.below(
        tree_part(seen, ROWS),
        _row("calls/name", counted(kernel, "kernel call"), allocators * (many > kernel), calls)
        if many
        else boxes.below(),
        boxes.words("books", _books(value)),
        gap=14,
    )
    return Sheet(
        value.name,
        f"{value.architecture} · {held_words(seen)} · {mapped_words(seen)}",
        part,
        caption=seen.caption(steps),
        steps=steps,
        lanes=COLUMNS,
        header=("", *TREE_HEADER),
        rows=lambda: _rows(seen),
    )


def _books(value: DomainValue) -> str:
    """Return what the program has now, in a line."""
    held = counted(sum(cnode.held for cnode in value.cnodes), "capability", "capabilities")
    are = "is" if value.slab.free == 1 else "are"
    slab = f"{value.slab.free:,} of {value.slab.total:,} blocks of its slab {are} free"
    return f"The program has {held} and {counted(value.region_count, 'region')}; {used_words(value)}, and {slab}."


def _row(identity: str, name: str, number: str, part: Part) -> Part:
    """Return a row: its name, its number, and what is drawn of it."""
    said = boxes.below(boxes.words(identity, name, "strong"), boxes.words(f"{identity}/said", number))
    return boxes.either(NARROW, boxes.columns((NAME_W, said), (0, part), gap=12), boxes.below(said, part, gap=4))


def _rows(seen: DomainAt) -> Iterator[Sequence[str]]:
    """Yield vnodes, capabilities, regions, slab, and errors, each part below its own names of columns."""
    operation, width = seen.moment.operation, len(TREE_HEADER)
    parts = [
        ("capabilities", SLOTS_HEADER, slots_rows(seen)),
        ("regions", REGIONS_HEADER, regions_rows(seen)),
        ("slab", SLAB_HEADER, slab_rows(seen)),
    ]
    if operation is not None and operation.outcome == "error" and seen.moment.is_after:
        parts.append(("errors", ("error", "what it says"), iter(causes_of(operation.said))))
    yield from (("", *row) for row in tree_rows(seen, ROWS))
    for name, header, rows in parts:
        yield name, *header, *[""] * (width - len(header))
        yield from (("", *row, *[""] * (width - len(row))) for row in rows)
