"""An inverted page table: buckets below each other, each with the chain of entries that is searched."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from vmwidgets.engine.base.units import PAGE, Address, counted
from vmwidgets.engine.kernel.pmap.pmap_schema import InvertedEntry, InvertedValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.key import RANGES, kind_of_owner
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Caption, Link, Node, Table
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.story.words.pictures import say_inverted

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

HIGH, GAP, BETWEEN = 46.0, 20.0, 10.0
"""Height of a box; space for an arrow; space between two chains."""

HEAD, LEAST, WIDEST = 96.0, 133.0, 300.0
"""Width of a bucket; least and greatest width of an entry."""


@picture(
    "Inverted",
    first_for=["vmwidgets.engine.kernel.pmap.pmap_schema.InvertedValue"],
    what="the result of m.frames.inverted()",
)
def inverted(at: At) -> Sheet:
    """Draw an inverted page table: buckets, and the chains of entries that a search follows.

    `target` is the result of ``m.frames.inverted()``.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> t = m.task("init")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> vm.Inverted(m.frames.inverted())
    Inverted: ...
    """
    value: InvertedValue = at.target
    longest, places = value.longest, [entry.page * PAGE for chain in value.chains for entry in chain] or [0]
    style = AddressStyle.of(min(places), max(places))
    chains = [
        boxes.joined(boxes.drawing(HIGH, partial(_chain, number, chain, longest, style)), _link)
        for number, chain in enumerate(value.chains)
    ]
    across = 2 if len(chains) > 3 else 1
    kinds = {kind_of_owner(entry.owner) for chain in value.chains for entry in chain}
    meanings = [(kind, words.partition(",")[0]) for kind, words in RANGES.items() if kind in kinds]  # without rights
    by = f"{counted(len(chains), 'bucket')}, chosen by a hash of task and page"
    rows = [
        (f"{number}", entry.task, f"{entry.page:#x}", f"{entry.frame:#x}")
        for number, chain in enumerate(value.chains)
        for entry in chain
    ]
    return Sheet(
        "inverted page table",
        " · ".join([by, *[style.legend] * bool(style.legend), f"{value.frames:,} frames of memory"]),
        boxes.below(
            boxes.downwards(chains, HEAD + longest * (GAP + LEAST), most=across, under=BETWEEN),
            boxes.key("inverted", meanings * (len(meanings) > 1)),
            gap=14,
        ),
        caption=_caption(value),
        table=Table(("bucket", "task", "page", "frame"), rows),
    )


def _chain(
    number: int, chain: tuple[InvertedEntry, ...], longest: int, style: AddressStyle, box: Box
) -> Iterator[Node]:
    """Yield a bucket and its chain; entries without room are folded."""
    x, y, room, h = box
    places = max(1, min(longest, int((room - HEAD) // (GAP + LEAST))))
    w = min(WIDEST, (room - HEAD) / places - GAP)
    count = counted(len(chain), "entry") if chain else "empty"
    lines = [
        kit.Line(f"bucket {number}"),
        kit.Line(count, "strong" if chain and len(chain) == longest else "label dim"),
    ]
    yield kit.card(f"inverted/bucket/{number}", Box(x, y, HEAD, h), lines, state=() if chain else ("dim",))
    shown = chain if len(chain) <= places else chain[: places - 1]
    x += HEAD + GAP
    for place, entry in enumerate(shown):
        page, frame = Address(entry.page * PAGE), f"frame {entry.frame:#x}"
        yield kit.card(
            f"inverted/{number}/{place}",
            Box(x, y, w, h),
            [
                kit.Line(entry.task, "strong", (frame, f"{entry.frame:#x}"), middle=True),
                kit.Line(style.long(page), "mono label"),
            ],
            title=f"{entry.task}: the page at {page} is in {frame}",
            thing=f"frame:{entry.frame}",
            bar=kind_of_owner(entry.owner),
        )
        x += w + GAP
    if len(shown) < len(chain):
        yield kit.fold(f"inverted/{number}/more", Box(x, y, w, h), f"{len(chain) - len(shown)} more")


def _link(_number: int, one: Node, after: Node) -> Link:
    return kit.beside(f"{one.id}>{after.id}", one, after)


def _caption(value: InvertedValue) -> Caption:
    if not value.entries:
        return Caption(say_inverted("inverted/none"))
    return Caption(say_inverted("inverted/longest", value.longest), (), say_inverted("inverted/pages", value.entries))
