"""Object caches and zones: how they fill, slab by slab.

A row for each cache; its slabs are boxes of buffers, taken ones filled, with the order in which the free ones will be
taken and the page that the slab is on.
"""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets.engine.base.past import ABSENT, Past
from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.memory.slabs_schema import CachesValue, CacheValue, SlabValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.model import Bar, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import wrote

SLABS = 4
"""Slabs of a cache that are drawn; the others are counted."""

CACHES = 8
"""Caches that are drawn: those that changed and the fullest; the others are in the table."""

CELLS = 64
"""Buffers of a slab that have a cell of their own; of more, a share that is in proportion."""

_NAME_W, _COLUMNS, _SLAB_W, _SLAB_H = 168.0, 16, 158.0, 66.0


def draw_slabs(
    value: CachesValue,
    moment: Moment,
    *,
    style: AddressStyle,
    title: str = "object caches",
    machine: str = "",
    width: float = WIDTH,
) -> Scene:
    """The scene of the caches at `moment` of an operation; `value` is how that left them."""
    past = CachesValue(tuple(one for one in value.at(moment.past).caches if _slabs(one)))
    touched = _touched(past, Past(moment.so_far))
    names = {getattr(event, "cache", "") for event in moment.events}
    shown = _chosen(past, names)
    nodes: list[Node] = []
    y = 10.0
    for cache in shown:
        more, y = _row(cache, touched, style, y, width)
        nodes += more
    left_out = len(past.caches) - len(shown)
    if left_out or not past.caches:
        label = f"{left_out} more caches, in the table" if left_out else "No cache has a slab yet."
        nodes.append(kit.label("slabs/more", label, MARGIN, y))
        y += 22
    objects = sum(cache.allocated for cache in past.caches)
    held = sum(_slabs(cache) * cache.slab_size for cache in past.caches)
    prefix = f" · {style.legend}" if style.legend else ""
    return kit.scene(
        "slabs",
        title,
        f"{len(past.caches)} in use, {objects:,} objects in {binary_size(held)} of slabs{prefix}",
        nodes,
        caption=moment.caption,
        table=Table(TABLE_HEADER, _rows(past, style)),
        steps=moment.steps(steps_of_caches),
        machine=machine,
        width=width,
        height=y + 4,
    )


steps_of_caches = wrote("next buffer", "first buffer", "slab", "used")
"""The steps of caches: their slabs, and the buffers in them."""

Touched = dict[tuple[str, int], str]
"""What the operation did to buffers, by cache and address; of slabs it says only that they are new, below 0."""


def _touched(value: CachesValue, done: Past) -> Touched:
    touched: Touched = {}
    for cache in value.caches:
        name = cache.name
        for address, change in done.changes("next buffer", name).items():
            touched[name, address] = "new" if change.after is ABSENT else "changed"
        touched.update(((name, ~address), "new") for address in done.marks("slab", name).new)
    return touched


def _chosen(value: CachesValue, names: set[str]) -> list[CacheValue]:
    ranked = sorted(value.caches, key=lambda cache: (cache.name not in names, -cache.allocated))[:CACHES]
    return [cache for cache in value.caches if cache in ranked]


def _slabs(cache: CacheValue) -> int:
    return sum(count for _, count in cache.counts) or len(cache.slabs)


# ---- a row -----------------------------------------------------------------------------------------------


def _row(cache: CacheValue, touched: Touched, style: AddressStyle, y: float, width: float) -> tuple[list[Node], float]:
    nodes = [_name(cache, y)]
    room = width - MARGIN - (MARGIN + _NAME_W + 10)
    w = _SLAB_W
    fit = max(1, min(SLABS, int((room - 60) // (w + 8))))
    shown = _important(cache, touched, fit)
    x = MARGIN + _NAME_W + 10
    for slab in shown:
        nodes.append(_slab(cache, slab, touched, style, x, y, w))
        nodes.append(_cells(cache, slab, touched, x, y, w))
        x += w + 8
    left_out = _slabs(cache) - len(shown)
    if left_out > 0:
        nodes.append(
            Node(f"slabs/{cache.name}/more", "fold", x, y, width - MARGIN - x, _SLAB_H, state=("folded",),
                 text=(fitted((width - MARGIN - x) / 2, 36, f"+{left_out:,}", width - MARGIN - x, "label", "middle"),),
                 title=f"{left_out:,} slabs more")
        )  # fmt: skip
    return nodes, y + _SLAB_H + 12


def _important(cache: CacheValue, touched: Touched, most: int) -> list[SlabValue]:
    """The slabs that changed, then partial ones, then others; in order of address, so that none moves."""

    def rank(slab: SlabValue) -> tuple[bool, int]:
        changed = any(
            name == cache.name and slab.address <= address < slab.address + cache.slab_size for name, address in touched
        )
        return not changed, ("partial", "full", "free").index(slab.state)

    return sorted(sorted(cache.slabs, key=rank)[:most], key=lambda slab: slab.address)


def _name(cache: CacheValue, y: float) -> Node:
    counts = dict(cache.counts)
    summary = ", ".join(f"{counts[state]:,} {word}" for state, word in _WORDS.items() if counts.get(state))
    text = (
        fitted(0, 16, cache.name, _NAME_W, "strong"),
        fitted(0, 32, f"{_objects(cache)} of {binary_size(cache.object_size)}", _NAME_W, "label"),
        fitted(0, 47, summary or "no slab", _NAME_W, "label dim"),
    )
    title = f"{cache.name}: {_objects(cache)} of {cache.object_size} bytes, slabs: {summary or 'none'}"
    return Node(
        f"slabs/{cache.name}", "label", MARGIN, y, _NAME_W, _SLAB_H, shape="none", text=text, title=title,
        lane=f"slabs/{cache.name}",
    )  # fmt: skip


def _objects(cache: CacheValue) -> str:
    return f"{cache.allocated:,} object{'' if cache.allocated == 1 else 's'}"


_WORDS = {"full": "full", "partial": "partial", "free": "empty"}


def _slab(
    cache: CacheValue, slab: SlabValue, touched: Touched, style: AddressStyle, x: float, y: float,
    w: float,
) -> Node:  # fmt: skip
    state = (f"slab-{slab.state}", *(["new"] if (cache.name, ~slab.address) in touched else []))
    word = f"{_WORDS[slab.state]} {slab.used}/{slab.buffers}"
    room = w - 12 - text_width(word, "label")
    text = (
        fitted(6, 14, style.long(slab.address), room, "mono label"),
        Text(w - 6, 14, word, "label dim", "end"),
    )
    order = ", ".join(style.short(address) + f"+{address & 0xFFF:x}" for address in slab.free[:6])
    following = f"; free, the next first: {order}{' …' if len(slab.free) > 6 else ''}" if slab.free else ""
    return Node(
        f"slabs/{cache.name}/{slab.address:x}", "slab", x, y, w, _SLAB_H, f"slab:{slab.address:x}", text=text,
        state=state, title=f"slab at {style.whole(slab.address)}: {word}{following}", action="select",
        lane=f"slabs/{cache.name}",
    )  # fmt: skip


def _cells(cache: CacheValue, slab: SlabValue, touched: Touched, x: float, y: float, w: float) -> Node:
    """The buffers as rows of cells: taken ones filled, free ones with their place on the free list, 1 the next."""
    cells = min(CELLS, slab.buffers)
    columns = min(_COLUMNS, max(1, -(-int((cells * (w - 12) / 38) ** 0.5 * 10) // 10)))
    width, height = (w - 12) / columns, min(13.0, 38.0 / -(-cells // columns))
    order = {address: place for place, address in enumerate(slab.free, 1)}
    first = slab.address + slab.colour
    bars: list[Bar] = []
    text: list[Text] = []
    for number in range(cells):
        low, high = number * slab.buffers // cells, (number + 1) * slab.buffers // cells
        addresses = [first + index * cache.buffer_size for index in range(low, max(high, low + 1))]
        left, top = 6 + number % columns * width, number // columns * height
        look = _look(cache, addresses, order, touched)
        bars.append(Bar(left + 0.5, top + 0.5, max(1.0, width - 2), max(2.0, height - 2), look))
        place = order.get(addresses[0], 0)
        if 0 < place <= NUMBERED and width >= 12 and height >= 12:
            text.append(Text(left + width / 2 - 0.5, top + 9, str(place), "letter", "middle"))
    rows = -(-cells // columns)
    return Node(
        f"slabs/{cache.name}/{slab.address:x}/buffers", "cells", x, y + 22, w, rows * height, shape="none",
        bars=tuple(bars), text=tuple(text),
    )  # fmt: skip


NUMBERED = 9
"""So many free buffers of a slab have their place on the free list written in them."""


def _look(cache: CacheValue, addresses: Sequence[int], order: dict[int, int], touched: Touched) -> str:
    known = [touched[cache.name, one] for one in addresses if (cache.name, one) in touched]
    if known:
        return known[0]
    if any(order.get(one) == 1 for one in addresses):
        return "next"
    return "plain" if any(one not in order for one in addresses) else "rail"


# ---- the table -------------------------------------------------------------------------------------------

TABLE_HEADER = ("cache", "objects", "bytes each", "slabs", "slab at", "taken", "of", "list", "next free")


def _rows(value: CachesValue, style: AddressStyle) -> tuple[tuple[str, ...], ...]:
    rows: list[tuple[str, ...]] = []
    for cache in value.caches:
        rows.append((cache.name, f"{cache.allocated:,}", str(cache.object_size), f"{_slabs(cache):,}", *[""] * 5))
        for slab in cache.slabs:
            following = style.whole(slab.free[0]) if slab.free else ""
            rows.append(("", "", "", "", style.whole(slab.address), str(slab.used), str(slab.buffers),
                         _WORDS[slab.state], following))  # fmt: skip
    return tuple(rows)
