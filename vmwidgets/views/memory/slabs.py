"""Object caches and zones: how they fill, slab by slab.

First a sentence says what was allocated or freed, or how much of their slabs is used.  Each cache has a row; its slabs
are rows of buffers: used buffers are filled, and the buffer that is allocated next is dashed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import binary_size, counted
from vmwidgets.engine.memory.slabs_schema import CachesValue, CacheValue, SlabValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Node
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.scene.text import text_width, wording
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.words.pictures import objects_sentence

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

SLABS = 4
"""The most slabs of a cache that are drawn; the others are counted."""

CACHES = 8
"""The most caches that are drawn, changed and fullest caches first; the others are in the table."""

CELLS = 64
"""The most buffers of a slab with a cell each; in larger slabs, a cell stands for several buffers."""

_NAMED = 6
"""The most free buffers that a slab's words name."""

_NAME_W, _LEAST = 170.0, 158.0
"""Width of a cache's name; least width of a slab."""

_HEAD, _ROW, _ROWS, _CELL = 24.0, 17.0, 3, 15.0
"""Height of a slab's words, of a row of its cells; the most rows of cells; width of a cell with a number."""

_INSET, _APART, _MORE = 6.0, 8.0, 60.0
"""Space next to a slab's cells; between two slabs; for the fold after the last."""


@picture("Slabs", first_for=["vmwidgets.engine.machine.handles.frames.MachineCaches"], part="caches")
def slabs(at: At) -> Sheet:
    """Draw object caches and zones: their slabs, the buffers in them, and the order in which buffers are allocated.

    `target` is ``m.caches``, or the machine.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> a = m.malloc("100 B")
    >>> vm.Slabs(m.caches)
    Slabs of caches ...
    """
    look = at.look(at.target, changed_first(at.moment.events))
    moment = look.moment  # without steps where nothing is known of the caches between them, as in a boot
    value = CachesValue(tuple(one for one in look.now.caches if _slabs(one)))
    places = [slab.address for cache in look.after.caches for slab in cache.slabs] or [int(at.whole.kernel_map.start)]
    style = AddressStyle.of(min(places), max(places) + 1)
    touched, shown = _touched(moment.so_far), _chosen(value, {getattr(one, "cache", "") for one in moment.events})
    objects = sum(cache.allocated for cache in value.caches)
    held = sum(_slabs(cache) * cache.slab_size for cache in value.caches)
    left_out = len(value.caches) - len(shown)

    def rows(w: float) -> Part:
        sizes = _Sizes.of(shown, w)
        return boxes.below(*(_row(cache, touched, style, sizes) for cache in shown), gap=12)

    prefix = f" · {style.legend}" if style.legend else ""
    return Sheet(
        "object caches",
        f"{len(value.caches)} in use, {objects:,} objects in {binary_size(held)} of slabs{prefix}",
        boxes.below(
            boxes.sized(rows),
            boxes.words("slabs/none", "" if shown else "No cache has a slab yet."),
            boxes.more("slabs/more", left_out, "cache"),
            gap=10,
        ),
        answer=f"{_changed(touched) if moment.is_after else ''} {_answer(value, held)}".strip(),
        tells=_is_about_caches(moment),
        steps=moment.steps(look.mine("caches", _facts)),
        header=TABLE_HEADER,
        rows=lambda: _rows(value, style),
        key=_KEY,
    )


def changed_first(events: Sequence[ev.Event]) -> dict[int, None]:
    """Return the addresses of slabs and buffers that these events name, the latest first."""
    kinds = ev.BufferAllocated, ev.BufferFreed, ev.SlabCreated
    return dict.fromkeys(event.address for event in reversed(events) if isinstance(event, kinds))


class _Sizes(NamedTuple):
    """The measures that all rows share: the width of a slab, how many are side by side, and the rows of cells."""

    w: float
    abreast: int
    rows: int

    @property
    def h(self) -> float:
        """The height of a slab."""
        return max(54.0, _HEAD + self.rows * _ROW + 5)

    @classmethod
    def of(cls, caches: Sequence[CacheValue], w: float) -> _Sizes:
        """Return the layout for the cache with the most slabs, as far as they are drawn."""
        room = w - _NAME_W - _APART
        fit = max(1, min(SLABS, int((room - _MORE) // (_LEAST + _APART))))
        abreast = min(fit, max((_slabs(one) for one in caches), default=1))
        has_more = any(_slabs(one) > abreast for one in caches)
        w = (room - (_MORE + _APART) * has_more - _APART * (abreast - 1)) / abreast
        counts = [min(CELLS, slab.buffers) for one in caches for slab in one.slabs]
        rows = max((_rows_of_cells(count, w - 2 * _INSET) for count in counts), default=1)
        return cls(w, abreast, rows)


def _rows_of_cells(count: int, room: float) -> int:
    """Return the number of rows for this many cells: as few as leave room for numbers."""
    return min(_ROWS, -(-count // max(1, int(room // _CELL))))


def _is_about_caches(moment: Moment) -> bool:
    """Return whether the operation allocated or freed an object, or empty slabs."""
    return moment.operation is not None and moment.operation.name in ("malloc", "free", "reap", "uma_reclaim")


def _changed(touched: Touched) -> str:
    """Return how many objects an operation allocated and freed, and in which caches."""
    buffers = {(cache, address): state for (cache, address), state in touched.items() if address >= 0}
    states = [*buffers.values()]
    caches = [*dict.fromkeys(cache for cache, _ in buffers)]
    return objects_sentence(states.count("new"), states.count("changed"), caches)


def _answer(value: CachesValue, held: int) -> str:
    """Return how much of the slabs' memory objects use, and which cache has the most free; "" without slabs."""
    if not value.caches:
        return ""
    used = sum(cache.allocated * cache.object_size for cache in value.caches)
    said = f"Objects fill {100 * used / held:.0f} % of {binary_size(held)} of slabs"
    free = {one.name: _slabs(one) * one.buffers_per_slab - one.allocated for one in value.caches}
    most = max(value.caches, key=lambda one: free[one.name] * one.object_size)
    room = f"{counted(free[most.name], 'object')} of {binary_size(most.object_size)}"
    return f"{said}. {most.name} has the most free: room for {room}."


def _facts(value: CachesValue) -> object:
    """Return what is drawn of caches: of the order of free buffers, the beginning."""
    return [
        (one.allocated, one.counts, [(slab.address, slab.free[:_NAMED], {*slab.free}) for slab in one.slabs])
        for one in value.caches
        if _slabs(one)
    ]


Touched = dict[tuple[str, int], str]
"""The effects of the operation on buffers, by cache and address; a negative number only says that a slab is new."""


def _touched(done: Iterable[ev.Event]) -> Touched:
    slabs: Touched = {}
    for event in done:
        if isinstance(event, ev.SlabCreated):
            slabs[event.cache, ~event.address] = "new"
        elif isinstance(event, ev.SlabDestroyed):
            slabs.pop((event.cache, ~event.address), None)
    return buffers_touched(done) | slabs


def buffers_touched(done: Iterable[ev.Event]) -> Touched:
    """Return the buffers that these events allocated (new) or freed, by cache and address."""
    places: dict[tuple[str, int], tuple[bool, bool]] = {}
    for event in done:
        if isinstance(event, (ev.BufferAllocated, ev.BufferFreed)):
            key, is_taken = (event.cache, event.address), isinstance(event, ev.BufferAllocated)
            places[key] = places.get(key, (not is_taken, is_taken))[0], is_taken
    return {key: "new" if now else "changed" for key, (was, now) in places.items() if was != now}


def _chosen(value: CachesValue, names: set[str]) -> list[CacheValue]:
    ranked = sorted(value.caches, key=lambda cache: (cache.name not in names, -cache.allocated))[:CACHES]
    return [cache for cache in value.caches if cache in ranked]


def _slabs(cache: CacheValue) -> int:
    return sum(count for _, count in cache.counts) or len(cache.slabs)


# ---- a row -----------------------------------------------------------------------------------------------


_KEY = {"used": "allocated", "free": "free; dashed: allocated next"}


def _row(cache: CacheValue, touched: Touched, style: AddressStyle, sizes: _Sizes) -> Part:
    """Return a cache: its name, its slabs, and how many more it has."""
    shown = _important(cache, touched, sizes.abreast)
    parts = [(sizes.w, boxes.drawing(sizes.h, partial(_slab, cache, slab, touched, style))) for slab in shown]
    if (left_out := _slabs(cache) - len(shown)) > 0:
        said = f"{counted(left_out, 'slab')} more"
        parts.append((0, boxes.folded(f"slabs/{cache.name}/more", f"+{left_out:,}", title=said, high=sizes.h)))
    return boxes.columns((_NAME_W, boxes.thing(sizes.h, partial(_name, cache))), *parts, gap=_APART)


def _important(cache: CacheValue, touched: Touched, most: int) -> list[SlabValue]:
    """Return the most important slabs (changed, then partial, then others) in address order, so that none moves."""

    def rank(slab: SlabValue) -> tuple[bool, int]:
        changed = any(
            name == cache.name and slab.address <= address < slab.address + cache.slab_size for name, address in touched
        )
        return not changed, ("partial", "full", "free").index(slab.state)

    return sorted(sorted(cache.slabs, key=rank)[:most], key=lambda slab: slab.address)


def _name(cache: CacheValue, box: Box) -> Node:
    counts = dict(cache.counts)
    summary = ", ".join(f"{counts[state]:,} {word}" for state, word in _WORDS.items() if counts.get(state))
    rows: list[str | kit.Line] = [
        cache.name,
        f"{_objects(cache)} of {binary_size(cache.object_size)}",
        kit.Line((f"slabs: {summary}", summary) if summary else "no slab", "label dim"),
    ]
    title = f"{cache.name}: {_objects(cache)} of {cache.object_size} bytes, slabs: {summary or 'none'}"
    lane = f"slabs/{cache.name}"
    return kit.block(lane, box, rows, top=16, step=15.5, title=title, lane=lane)


def _objects(cache: CacheValue) -> str:
    return f"{cache.allocated:,} object{'' if cache.allocated == 1 else 's'}"


_WORDS = {"full": "full", "partial": "partial", "free": "empty"}


def _slab(cache: CacheValue, slab: SlabValue, touched: Touched, style: AddressStyle, box: Box) -> Iterator[Node]:
    """Yield a slab: its list and its page, and its buffers below."""
    state = (f"slab-{slab.state}", *(["new"] if (cache.name, ~slab.address) in touched else []))
    where, share_used = _WORDS[slab.state], f"{slab.used}/{slab.buffers}"
    ways = (f"{where}: {slab.used} of {slab.buffers} used", f"{where} {share_used}", share_used)
    address = style.long(slab.address)
    word = wording(ways, box.w - 2 * _INSET - 6 - text_width(address, "mono label"))
    share = -(-slab.buffers // CELLS)
    said = (f"{address} · up to {share} buffers a cell", address) if share > 1 else address
    order = ", ".join(style.short(address) + f"+{address & 0xFFF:x}" for address in slab.free[:_NAMED])
    following = f"; free, the next first: {order}{' …' if len(slab.free) > _NAMED else ''}" if slab.free else ""
    yield kit.card(
        f"slabs/{cache.name}/{slab.address:x}",
        box,
        [kit.Line(said, "mono label", word)],
        kind="slab",
        thing=f"slab:{slab.address:x}",
        state=state,
        title=f"slab at {style.whole(slab.address)}: {ways[0]}{following}",
        lane=f"slabs/{cache.name}",
        top=15,
        pad=_INSET,
    )
    yield _cells(cache, slab, touched, box)


def _cells(cache: CacheValue, slab: SlabValue, touched: Touched, box: Box) -> Node:
    """Return the buffers as rows of cells: used buffers are filled, and the one that is allocated next is dashed."""
    count, room = min(CELLS, slab.buffers), box.w - 2 * _INSET
    rows = _rows_of_cells(count, room)
    order = {address: place for place, address in enumerate(slab.free, 1)}
    first, is_new = slab.address + slab.colour, (cache.name, ~slab.address) in touched
    bars: list[Bar] = []
    for number, (x, y, w, h) in enumerate(kit.cells(count, Box(_INSET, 0, room, 0), room / -(-count // rows), _ROW)):
        low, high = number * slab.buffers // count, (number + 1) * slab.buffers // count
        addresses = [first + index * cache.buffer_size for index in range(low, max(high, low + 1))]
        look = _look(cache, addresses, order, touched)
        look = "used" if is_new and look == "new" else look  # a line is around the whole slab
        bars.append(Bar(x + 0.5, y + 0.5, max(1.0, w - 2), h - 2, look))
    return Node(
        f"slabs/{cache.name}/{slab.address:x}/buffers",
        "cells",
        box.x,
        box.y + _HEAD,
        box.w,
        rows * _ROW,
        shape="none",
        bars=tuple(bars),
    )


def _look(cache: CacheValue, addresses: Sequence[int], order: dict[int, int], touched: Touched) -> str:
    known = [touched[cache.name, one] for one in addresses if (cache.name, one) in touched]
    if known:
        return known[0]
    if any(order.get(one) == 1 for one in addresses):
        return "next"
    return "used" if any(one not in order for one in addresses) else "free"


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
