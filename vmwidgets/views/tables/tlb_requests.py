"""Requests between processors: waiting flushes, and arrows from their senders."""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets.engine.base.units import Address, counted
from vmwidgets.engine.spaces.processors_schema import CpusValue, CpuValue, FlushRequest
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import LINE, MARGIN, Box
from vmwidgets.views.scene.model import Link, Node
from vmwidgets.views.scene.text import text_width, visible
from vmwidgets.views.story.words.tables import flush_in_words, what_of

MOST_REQUESTS, MORE_REQUESTS = 3, 12
"""How many flushes to a processor are drawn, and how many older ones a click adds."""

BUS = 16.0
"""Pixels between the processors' heads and the waiting flushes, for the arrows."""

_SECOND, _PAD, _LANES = 16.0, 9.0, 3


def draw_requests(cpu: CpuValue, number: int, most: int, place: Box) -> tuple[list[Node], float]:
    """Return the `most` newest waiting flushes, the numbers of forgotten flushes and of edits, and where they end."""
    nodes, y = _waiting(cpu, number, most, place)
    if cpu.forgotten:
        words = f"{counted(cpu.forgotten, 'flush', 'flushes')} forgotten so far: cached translations may be stale"
        nodes.append(kit.paragraph(f"tlb/{cpu.cpu}/forgotten", words, place.x, y, place.w, style="error"))
        y += nodes[-1].h
    if cpu.edits:
        words = f"{counted(cpu.edits, 'edit')} of descriptors by hand: cached translations may be stale"
        nodes.append(kit.paragraph(f"tlb/{cpu.cpu}/edits", words, place.x, y, place.w, style="changed"))
        y += nodes[-1].h
    return nodes, y


def _waiting(cpu: CpuValue, number: int, most: int, place: Box) -> tuple[list[Node], float]:
    drawn = list(enumerate(cpu.pending))[: -most - 1 : -1]  # the newest is the last that was asked for
    y = place.y
    said = [_lines(request, place.w - 2 * _PAD) for _, request in drawn]
    high = 8 + _SECOND * max(map(len, said), default=1)
    nodes = []
    for (index, request), lines in zip(drawn, said, strict=True):
        rows = [kit.Line(words, "" if line else "strong", middle=True) for line, words in enumerate(lines)]
        asked = f"drop {flush_in_words(request)}, asked by {request.sender}; acknowledge it"
        nodes.append(
            kit.card(f"tlb/{cpu.cpu}/pending/{index}", Box(place.x, y, place.w, high), rows, kind="request", top=15,
                     step=_SECOND, pad=_PAD, state=("changed",), action="open", lane=f"cpu {number}",
                     title=f"{cpu.cpu} waits: {asked}"),
        )  # fmt: skip
        y += high + 4
    older = len(cpu.pending) - len(drawn)
    if older:
        rows = [kit.Line(f"… {older:,} older", "dim")]
        nodes.append(
            kit.card(f"tlb/{cpu.cpu}/older/{len(drawn)}", Box(place.x, y, place.w, 22), rows, kind="fold", top=15,
                     pad=_PAD, state=("folded",), action="open", lane=f"cpu {number}",
                     title=f"{counted(older, 'older flush', 'older flushes')} that {cpu.cpu} was asked for: show them"),
        )  # fmt: skip
        y += 26
    return nodes, y


def _lines(request: FlushRequest, w: float) -> tuple[str, ...]:
    """Return the waiting flushes in as few lines as possible."""
    whose = f"of {visible(request.space)}, asked by {request.sender}"
    whole = f"waits: drop {what_of(request)}"
    what = whole.removesuffix(f" at {Address(request.start)}")
    ways: tuple[tuple[str, ...], ...] = ((f"{whole} {whose}",), (whole, whose))
    if what != whole:
        at = f"at {Address(request.start)}"
        of, _, asked = whose.rpartition(" asked ")
        ways += ((what, at, whose), (what, at, of, f"asked {asked}"))
    fits = (
        way for way in ways if all(text_width(line, "" if number else "strong") <= w for number, line in enumerate(way))
    )
    return next(fits, ways[-1])


# ---- arrows --------------------------------------------------------------------------------------


def links_to_senders(nodes: Sequence[Node], value: CpusValue, buses: dict[str, float]) -> list[Link]:
    """Return arrows from each sender's head down to a waiting flush, along the buses of both rows.

    `buses` gives the place of the bus below the head of each processor.
    """
    placed = {node.id: node for node in nodes}
    senders = list(dict.fromkeys(request.sender for cpu in value.cpus for request in cpu.pending))
    links = []
    for cpu in value.cpus:
        for place, request in enumerate(cpu.pending):
            source, target = placed.get(f"tlb/{request.sender}"), placed.get(f"tlb/{cpu.cpu}/pending/{place}")
            if source is None or target is None or request.sender not in buses:
                continue
            lane = 4.0 * (senders.index(request.sender) % _LANES)
            here, there = buses[request.sender] + lane, buses[cpu.cpu] + lane
            x, beside = source.x + 10 + lane, target.x - 8
            aside = () if here == there else ((MARGIN - 7, here), (MARGIN - 7, there))
            points = (
                (x, source.y + source.h - 2), (x, here), *aside, (beside, there),
                (beside, target.y + target.h / 2), (target.x, target.y + target.h / 2),
            )  # fmt: skip
            links.append(Link(f"{target.id}/from", "held-by", source.id, target.id, points, arrow=True))
    return links


def bus_of(value: CpusValue) -> float:
    """Return the pixels for arrows below heads: 0 if no flush is waiting."""
    return BUS + LINE / 3 if any(cpu.pending for cpu in value.cpus) else 0.0
