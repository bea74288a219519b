"""An inverted page table: buckets below each other, each with the chain of entries that is searched."""

from __future__ import annotations

import itertools

from vmwidgets.engine.base.units import PAGE, Address, counted
from vmwidgets.engine.kernel.pmap.pmap_schema import InvertedEntry, InvertedValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.key import RANGES, kind_of_owner
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Caption, Link, Node, Scene, Table
from vmwidgets.views.story.words.pictures import say_inverted

HIGH, GAP, BETWEEN = 46.0, 20.0, 10.0
"""Height of a box; space for an arrow; space between two chains."""

HEAD, LEAST, WIDEST = 84.0, 133.0, 300.0
"""Width of a bucket; least and greatest width of an entry."""


def draw_inverted(value: InvertedValue, *, width: float = WIDTH) -> Scene:
    """Return the scene of a table."""
    room, count = width - 2 * MARGIN, len(value.chains)
    across = 2 if count > 3 and 2 * (HEAD + value.longest * (GAP + LEAST)) + BETWEEN + GAP <= room else 1
    share = (room - GAP * (across - 1)) / across
    high = -(-count // across)
    places = max(1, min(value.longest, int((share - HEAD) // (GAP + LEAST))))
    w = min(WIDEST, (share - HEAD) / places - GAP)
    nodes: list[Node] = []
    links: list[Link] = []
    for number, chain in enumerate(value.chains):
        x, y = MARGIN + number // high * (share + GAP), 8 + number % high * (HIGH + BETWEEN)
        row = _row(number, chain, places, Box(x, y, w, HIGH))
        nodes += row
        links += [kit.beside(f"{left.id}>{right.id}", left, right) for left, right in itertools.pairwise(row)]
    kinds = {kind_of_owner(entry.owner) for chain in value.chains for entry in chain}
    meanings = [(kind, words.partition(",")[0]) for kind, words in RANGES.items() if kind in kinds]  # without rights
    nodes += kit.legend("inverted", meanings, max(node.y + node.h for node in nodes) + 14, width=width)
    return kit.scene(
        "inverted",
        "inverted page table",
        f"{counted(len(value.chains), 'bucket')} · {value.frames:,} frames of memory",
        nodes,
        caption=_caption(value),
        table=Table(
            ("bucket", "task", "page", "frame"),
            tuple(
                (f"{number}", entry.task, f"{entry.page:#x}", f"{entry.frame:#x}")
                for number, chain in enumerate(value.chains)
                for entry in chain
            ),
        ),
        links=links,
        width=width,
    )


def _row(number: int, chain: tuple[InvertedEntry, ...], places: int, first: Box) -> list[Node]:
    """Return a bucket and its chain, in boxes like the `first`; parts without room are folded."""
    x, y, w, h = first
    lines = [f"bucket {number}", counted(len(chain), "entry") if chain else "empty"]
    row = [kit.card(f"inverted/bucket/{number}", Box(x, y, HEAD, h), lines, state=() if chain else ("dim",))]
    shown = chain if len(chain) <= places else chain[: places - 1]
    boxes = [Box(x + HEAD + GAP + place * (w + GAP), y, w, h) for place in range(places)]
    for place, (entry, box) in enumerate(zip(shown, boxes, strict=False)):
        page, frame = Address(entry.page * PAGE), f"frame {entry.frame:#x}"
        words = [kit.Line(entry.task, "strong", frame, middle=True), kit.Line(str(page), "mono label")]
        title = f"{entry.task}: the page at {page} is in {frame}"
        thing = f"frame:{entry.frame}"
        row.append(
            kit.card(f"inverted/{number}/{place}", box, words, title=title, thing=thing, bar=kind_of_owner(entry.owner))
        )
    if len(shown) < len(chain):
        row.append(kit.fold(f"inverted/{number}/more", boxes[len(shown)], f"{len(chain) - len(shown)} more"))
    return row


def _caption(value: InvertedValue) -> Caption:
    if not value.entries:
        return Caption(say_inverted("inverted/none"))
    return Caption(say_inverted("inverted/pages", value.entries), (), say_inverted("inverted/longest", value.longest))
