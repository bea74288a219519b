"""An inverted page table: buckets below each other, and beside each the chain of entries that is searched."""

from __future__ import annotations

import itertools

from vmwidgets.engine.base.units import PAGE, counted
from vmwidgets.engine.kernel.pmap.pmap_schema import InvertedEntry, InvertedValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Caption, Link, Node, Scene, Table
from vmwidgets.views.story.words.pictures import say_inverted

HIGH, GAP, BETWEEN = 46.0, 28.0, 10.0
"""Height of a box; room for an arrow; room between two chains."""

HEAD, WIDE = 92.0, 134.0
"""Width of a bucket and of an entry."""


def draw_inverted(value: InvertedValue, *, width: float = WIDTH) -> Scene:
    """The scene of a table."""
    places = max(1, int((width - 2 * MARGIN - HEAD) // (GAP + WIDE)))
    nodes: list[Node] = []
    links: list[Link] = []
    for number, chain in enumerate(value.chains):
        y = 8 + number * (HIGH + BETWEEN)
        row = _row(number, chain, places, y)
        nodes += row
        links += [_linked(left, right) for left, right in itertools.pairwise(row)]
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


def _row(number: int, chain: tuple[InvertedEntry, ...], places: int, y: float) -> list[Node]:
    """A bucket and its chain; what has no room is folded."""
    state = () if chain else ("dim",)
    lines = [f"bucket {number}", counted(len(chain), "entry") if chain else "empty"]
    row = [kit.card(f"inverted/bucket/{number}", Box(MARGIN, y, HEAD, HIGH), lines, state=state)]
    shown = chain if len(chain) <= places else chain[: places - 1]
    for place, entry in enumerate(shown):
        box = Box(MARGIN + HEAD + GAP + place * (WIDE + GAP), y, WIDE, HIGH)
        words = [f"{entry.task} · {entry.page:#x}", f"frame {entry.frame:#x}"]
        title = f"{entry.task}: the page at {entry.page * PAGE:#x} is in frame {entry.frame:#x}"
        row.append(
            kit.card(f"inverted/{number}/{place}", box, words, title=title, thing=f"frame:{entry.frame}", bar="object")
        )
    if len(shown) < len(chain):
        box = Box(MARGIN + HEAD + GAP + len(shown) * (WIDE + GAP), y, WIDE, HIGH)
        row.append(kit.fold(f"inverted/{number}/more", box, f"{len(chain) - len(shown)} more"))
    return row


def _linked(left: Node, right: Node) -> Link:
    middle = left.y + left.h / 2
    points = ((left.x + left.w, middle), (right.x, middle))
    return Link(f"{left.id}>{right.id}", "next", left.id, right.id, points, arrow=True)


def _caption(value: InvertedValue) -> Caption:
    if not value.entries:
        return Caption(say_inverted("inverted/none"))
    return Caption(say_inverted("inverted/pages", value.entries), (), say_inverted("inverted/longest", value.longest))
