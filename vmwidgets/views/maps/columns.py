"""Columns shared by the lanes of a map's picture: one for each entry or fold, wider if it is important."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from math import inf
from types import MappingProxyType

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.text import text_width

from .runs import name_of

NAMED, CARD, LEAST = 116.0, 106.0, 98.0
"""Widths of a card's column: for "kernel memory", for most names, and for only "768 KiB rwx"."""

SHORT, SIZED = 34.0, 60.0
"""Least widths of a column without other words: with a size, and with the rights too."""

FOLD = 56.0
LEAST_FOLD = 34.0
MAX_CARDS, LEAST_CARDS = 6, 3
"""The most cards, and how many of them stay if the others are left out to give other items more room."""


TIGHT, GAP = 5.0, 6.0
"""Pixels next to the words of the narrowest card, and between two cards."""


@frozen
class Column:
    """The place of one item: `level` is "card" (with its name), "short" (with its size), "mark" or "fold".

    To its right are `after` pixels for the size of the gap that follows, or for the number of `others` without columns;
    to its left, for those before the first column.
    """

    id: int
    x: float
    w: float
    level: str
    after: float = 0.0
    others: int = 0
    earlier: int = 0

    @property
    def middle(self) -> float:
        """The x of its middle."""
        return self.x + self.w / 2


def gaps_between(items: Sequence[EntryValue | Fold]) -> dict[int, int]:
    """Return the sizes of the gaps between neighbouring entries in bytes, by the ID of the entry before the gap."""
    return {
        before.id: after.start - before.end
        for before, after in pairwise(items)
        if isinstance(before, EntryValue) and isinstance(after, EntryValue) and before.end < after.start
    }


def _room_of(gap: int) -> float:
    """Return the width that the words of a gap need: its size above the word "free"."""
    return max(text_width(binary_size(gap)), text_width("free")) + 4


def lay_columns(
    items: Sequence[EntryValue | Fold],
    important: Sequence[int],
    width: float = WIDTH,
    *,
    sized: bool = True,
) -> dict[int, Column]:
    """Return a column for every item: all are cards if each has room for its name, size and rights.

    Otherwise, as many of the items in `important` (IDs, most important first) get cards as fit.

    The other items share the rest of the width, as cards if there is enough room.  If gaps are `sized`, a gap next to a
    card has room for its size.
    """
    room = width - 2 * MARGIN
    if not items:
        return {}
    folds = {item.id for item in items if isinstance(item, Fold)}
    gaps = {one: _room_of(gap) for one, gap in gaps_between(items).items() if sized}
    if not folds and len(items) * LEAST + sum(gaps.values()) <= room:
        return equal_columns(items, width, CARD * 1.7, gaps)
    chosen = _choose_cards(items, important, max(CARD, room * 0.9 - len(folds) * LEAST_FOLD - len(items) * 3), CARD)
    rooms = [room - sum(_beside(items, chosen[:count], gaps).values()) for count in range(len(chosen) + 1)]
    plan = _plan(len(items), len(folds), rooms, CARD, LEAST)
    if plan.level == "mark":  # the sizes of entries are worth more than the sizes of gaps
        bare = _plan(len(items), len(folds), [room] * len(rooms), CARD, LEAST)
        is_tight = bare.level != "mark" or plan.share < _LEAST_MARK
        plan, gaps, rooms = (bare, {}, [room] * len(rooms)) if is_tight else (plan, gaps, rooms)
    cards, rest = frozenset(chosen[: plan.cards]), len(items) - plan.cards - len(folds)
    beside = _beside(items, cards, gaps)
    columns: dict[int, Column] = {}
    spare = rooms[plan.cards] - plan.cards * plan.card - len(folds) * plan.fold - rest * plan.share
    x = MARGIN + max(0.0, spare) / 2
    for item in items:
        is_card, is_fold = item.id in cards, item.id in folds
        w = plan.card if is_card else plan.fold if is_fold else plan.share
        level = "card" if is_card else "fold" if is_fold else plan.level
        columns[item.id] = Column(item.id, x, w, level, beside.get(item.id, 0.0))
        x += w + columns[item.id].after
    return columns


OTHERS = 76.0
"""Width of the number of items without columns."""


def columns_around(items: Sequence[EntryValue | Fold], important: Sequence[int], width: float) -> dict[int, Column]:
    """Return columns for all items if all can be cards; or for the `important` ones, if any, and those beside."""
    room = width - 2 * MARGIN
    gaps = {one: _room_of(gap) for one, gap in gaps_between(items).items()}
    if len(items) * LEAST + sum(gaps.values()) <= room and not any(isinstance(item, Fold) for item in items):
        return equal_columns(items, width, CARD * 1.7, gaps)
    card = NAMED + OTHERS / 2
    chosen = _choose_cards(items, important, room - OTHERS, card)
    at = [number for number, item in enumerate(items) if item.id in chosen]
    entries = [number for number, item in enumerate(items) if isinstance(item, EntryValue)]
    near = sorted(entries, key=lambda one: min((abs(one - other) for other in at), default=one)) if at else []
    at = sorted(near[: max(len(at), min(MAX_CARDS, int((room - OTHERS) // card)))])
    left = [_count(items[one + 1 : other]) for one, other in pairwise((-1, *at, len(items)))]
    after = [OTHERS if count else gaps.get(items[one].id, 0.0) for one, count in zip(at, left[1:], strict=True)]
    x = MARGIN + OTHERS * bool(left[:1] and left[0])
    w = (width - MARGIN - x - sum(after)) / max(1, len(at))
    columns: dict[int, Column] = {}
    for one, room_after, others in zip(at, after, left[1:], strict=bool(at)):
        earlier = 0 if columns else left[0]
        columns[items[one].id] = Column(items[one].id, x, w, "card", room_after, others, earlier)
        x += w + room_after
    return columns


def _count(items: Sequence[EntryValue | Fold]) -> int:
    return sum(item.count if isinstance(item, Fold) else 1 for item in items)


def _beside(items: Sequence[EntryValue | Fold], cards: Collection[int], gaps: Mapping[int, float]) -> dict[int, float]:
    """Return the widths of the gaps next to `cards`, by the ID of the entry before the gap."""
    pairs = ((before.id, after.id) for before, after in pairwise(items))
    return {one: gaps[one] for one, other in pairs if one in gaps and (one in cards or other in cards)}


MOST_ROWS = 6
"""The most rows of a list of cards; a longer list is one row, with cards for the most important entries."""


def in_rows(items: Sequence[EntryValue | Fold], width: float) -> list[dict[int, Column]]:
    """Return columns for all items as cards, in up to :data:`MOST_ROWS` rows; no rows if there are too many items."""
    gap = max(map(_room_of, gaps_between(items).values()), default=0.0)
    names = (text_width(name_of(item)) + 2 * TIGHT + GAP for item in items if isinstance(item, EntryValue))
    room, least = width - 2 * MARGIN, max(LEAST, min(max(names, default=0.0), NAMED))
    across = int(room // (least + gap))
    rows = -(-len(items) // max(1, across))
    if not 0 < rows <= MOST_ROWS or any(isinstance(item, Fold) for item in items):
        return []
    across = -(-len(items) // rows)
    share = room / across
    cards = [(number, item.id) for number, item in enumerate(items)]
    placed = [Column(one, MARGIN + number % across * share, share - gap, "card", gap) for number, one in cards]
    return [{one.id: one for one in placed[at : at + across]} for at in range(0, len(placed), across)]


def equal_columns(
    items: Sequence[EntryValue | Fold],
    width: float,
    most: float = inf,
    gaps: Mapping[int, float] = MappingProxyType({}),
) -> dict[int, Column]:
    """Return a column for every item, all of one width, at most `most` pixels; `gaps` are the widths between them."""
    room = width - 2 * MARGIN - sum(gaps.values())
    w = min(room / max(1, len(items)), most)
    x = MARGIN + (room - w * len(items)) / 2
    columns = {}
    for item in items:
        columns[item.id] = Column(item.id, x, w, "card", gaps.get(item.id, 0.0))
        x += w + columns[item.id].after
    return columns


@frozen
class _Plan:
    """A plan: the number of cards and their width, a fold's width, and the width and level of other items."""

    cards: int
    card: float
    fold: float
    share: float
    level: str


def _plan(items: int, folds: int, rooms: Sequence[float], card: float, narrow: float) -> _Plan:
    """Return a plan: the most items as cards; or a few less and `narrow` ones, so that the others are wider.

    `rooms` has the pixels for columns by the number of cards.
    """
    most = len(rooms) - 1
    whole = _shared(items, folds, most, rooms[most], card)
    if whole.share >= card and whole.fold >= LEAST_FOLD * bool(folds):
        return whole
    ways = [_shared(items, folds, count, rooms[count], narrow) for count in range(most, min(most, LEAST_CARDS) - 1, -1)]
    return next((one for least in (SIZED, SHORT) for one in ways if one.share >= least), ways[-1] if ways else whole)


_LEAST_MARK = 3.0
"""The least width of an item without words beside the sizes of gaps."""

SHORT_GAP = 4.0
"""Pixels between two short entries."""


def _shared(items: int, folds: int, cards: int, room: float, card: float) -> _Plan:
    """Return how folds and the other items share the room with this many cards."""
    left_over, rest = max(0.0, room - cards * card), items - cards - folds
    fold = min(FOLD, left_over * 0.8 / max(1, folds))
    share = min(card, (left_over - folds * fold) / rest) if rest else card
    level = "card" if share >= card else "short" if share >= SHORT else "mark"
    return _Plan(cards, card, fold, share, level)


def _choose_cards(
    items: Sequence[EntryValue | Fold], important: Sequence[int], room: float, card: float
) -> Sequence[int]:
    """Return the IDs of the cards, most important first."""
    shown = {item.id for item in items if isinstance(item, EntryValue)}
    limit = max(1, min(MAX_CARDS, int(room // card)))
    chosen: list[int] = []
    for identity in important:
        if identity in shown and identity not in chosen and len(chosen) < limit:
            chosen.append(identity)
    return chosen
