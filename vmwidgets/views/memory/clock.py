"""Page replacement: the frames of a ring with what the hardware noted of each page, and the hand that goes round."""

from __future__ import annotations

from math import hypot, pi, sin

from vmwidgets.engine.base.units import Address, counted
from vmwidgets.engine.base.values.replacement import ReplacementValue, RingPage, RingValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Node, Scene, Table
from vmwidgets.views.scene.text import visible
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.story import Step

MOST = 12
"""So many frames are drawn: all of a small ring in a circle, else those that are asked next in rows."""

_W, _H = 108.0, 76.0


def draw_clock(
    value: ReplacementValue, moment: Moment, *, task: str = "", machine: str = "", width: float = WIDTH
) -> Scene:
    """The scene of one ring: that of `task`, or the ring of all; `value` is how the rings are at `moment`."""
    ring = _chosen(value, task)
    pages = _from_hand(ring) if value.has_hand else ring.pages
    is_circle = value.has_hand and 3 <= len(pages) <= MOST and _circle(len(pages)) <= width - 2 * MARGIN
    drawn = ring.pages if is_circle else pages[:MOST]
    places = kit.ring(len(drawn), _W, _H, width=width, top=12) if is_circle else _rows(len(drawn), width)
    new = moment.marks("ring", ring.name).new
    cards = [_card(page, place, new) for page, place in zip(drawn, places, strict=True)]
    nodes, links = [*cards], []
    if value.has_hand and pages:
        nodes.append(_hand(places, pages[0], is_circle))
        links.append(kit.arrow("clock/hand", nodes[-1], cards[drawn.index(pages[0])], kind="walk", state=["path"]))
    bottom = max((place.y + place.h for place in places), default=30.0)
    if len(drawn) < len(pages):
        nodes.append(kit.label("clock/more", f"… and {len(pages) - len(drawn):,} more behind them", MARGIN, bottom + 8))
        bottom += 28
    of = f"pages of {visible(ring.name)}" if ring.name else "pages of all tasks"
    others = len(value.rings) - (ring.name in value.rings)
    of += f" · {counted(others, 'other ring')}" if others else ""
    return kit.scene(
        "clock",
        "page replacement",
        f"{visible(value.policy)} · {of} · {counted(len(ring.pages), 'frame')}",
        nodes,
        links=links,
        caption=moment.caption,
        table=Table(("asked", "frame", "page", "of", "R", "D"), tuple(map(_row, range(1, len(pages) + 1), pages))),
        steps=moment.steps(_is_step),
        machine=machine,
        width=width,
        height=bottom + 8,
    )


def _chosen(value: ReplacementValue, task: str) -> RingValue:
    """The ring of a task; without one, of all tasks; and where each has its own, the largest."""
    rings = value.rings
    if task in rings:
        return rings[task]
    if "" in rings or not rings or task:
        return rings.get("", RingValue(task, (), 0))
    return max(rings.values(), key=lambda ring: len(ring.pages))


def _is_step(step: Step) -> bool:
    return step.about.kind in ("ring", "object")


def _from_hand(ring: RingValue) -> tuple[RingPage, ...]:
    """The pages in the order in which the hand reaches them."""
    behind = [page for page in ring.pages if page.place >= ring.hand]
    return (*behind, *(page for page in ring.pages if page.place < ring.hand))


def _circle(count: int) -> float:
    """How wide a circle of so many cards is."""
    return _W + hypot(_W, _H) / sin(pi / max(3, count)) + 20


def _rows(count: int, width: float) -> list[Box]:
    return kit.grid(count, _W, 38, _H, width=width)


def _hand(places: list[Box], first: RingPage, is_circle: bool) -> Node:
    if not is_circle:
        return kit.label("clock/hub", "hand", places[0].x, 8, style="strong")
    x, y = kit.center(places)
    return kit.label("clock/hub", "hand", x - 16, y - 9, style="strong")


def _card(page: RingPage, place: Box, new: frozenset[int]) -> Node:
    who = f"{visible(page.task)}{f' +{page.others}' if page.others else ''}" if page.task else "mapped nowhere"
    where = str(Address(page.va)) if page.task else f"page {page.index}"
    state = ["new"] * (page.frame in new)
    title = f"{where} of {who}, page {page.index} of {visible(page.object)}, place {page.place}"
    bits = f"R {page.referenced:d}  ·  D {page.dirty:d}"
    return kit.card(
        f"clock/{page.frame}", place, [f"frame {page.frame:#x}", where, who, bits], thing=f"frame:{page.frame}",
        lane="clock", state=state, title=title, bar="path" if page.referenced else "rail",
    )  # fmt: skip


def _row(asked: int, page: RingPage) -> tuple[str, ...]:
    where = f"{visible(page.task)} {Address(page.va)}" if page.task else "mapped nowhere"
    of = f"page {page.index} of {visible(page.object)}"
    return f"{asked:,}", f"{page.frame:#x}", where, of, f"{page.referenced:d}", f"{page.dirty:d}"
