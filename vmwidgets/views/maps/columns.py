"""Columns shared by the lanes of a map's picture: one for each entry or fold, wider if it is important."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.text import text_width

CARD, NARROW, LEAST = 106.0, 92.0, 76.0
"""Widths of a card's column: for "kernel memory", for "anonymous", and for only "768K rwx"."""

SHORT, SIZED = 34.0, 44.0
"""Least widths of a column without an address: with a size, and with the rights too."""

FOLD = 56.0
LEAST_FOLD = 34.0
MAX_CARDS, FEWER = 6, 3
"""The most cards, and how many of them may be left out to give other items room for their sizes."""


def _card_width(style: AddressStyle) -> float:
    """Return the width of a card's column with addresses in this style."""
    return max(CARD, text_width(style.widest, "mono label") + 24)


def _least_width(address: str) -> float:
    """Return the width of a card's column if all are cards: enough for the longest address, or for size and rights."""
    return max(LEAST, text_width(address, "mono label") + 2 * TIGHT + GAP)


TIGHT, GAP = 5.0, 6.0
"""Pixels next to the words of the narrowest card, and between two cards."""


@frozen
class Column:
    """The place of one item: `level` is "card" (with its address), "short" (with its size), "mark" or "fold"."""

    id: int
    x: float
    w: float
    level: str

    @property
    def middle(self) -> float:
        """The x of its middle."""
        return self.x + self.w / 2


def lay_columns(
    items: Sequence[EntryValue | Fold],
    important: Sequence[int],
    style: AddressStyle,
    width: float = WIDTH,
    left: float = MARGIN,
) -> dict[int, Column]:
    """Return a column for every item: all are cards if each has room for its addresses in `style`.

    Otherwise, as many of the items in `important` (IDs, most important first) get cards as fit.

    The other items share the rest of the width, as cards if there is enough room.

    `left` pixels stay free.
    """
    room, card = width - left - MARGIN, _card_width(style)
    if not items:
        return {}
    folds = {item.id for item in items if isinstance(item, Fold)}
    ends = (style.long(end) for item in items if isinstance(item, EntryValue) for end in (item.start, item.end))
    least = _least_width(max(ends, key=len, default=""))
    if not folds and len(items) * least <= room:
        return equal_columns(items, width, left, card * 1.7)
    chosen = _choose_cards(items, important, max(card, room * 0.9 - len(folds) * LEAST_FOLD - len(items) * 3), card)
    plan = _plan(len(items), len(folds), len(chosen), room, card, max(NARROW, least))
    cards, rest = frozenset(chosen[: plan.cards]), len(items) - plan.cards - len(folds)
    columns: dict[int, Column] = {}
    x = left + max(0.0, room - plan.cards * plan.card - len(folds) * plan.fold - rest * plan.share) / 2
    for item in items:
        is_card, is_fold = item.id in cards, item.id in folds
        w = plan.card if is_card else plan.fold if is_fold else plan.share
        level = "card" if is_card else "fold" if is_fold else plan.level
        columns[item.id] = Column(item.id, x, w, level)
        x += w
    return columns


def equal_columns(
    items: Sequence[EntryValue | Fold], width: float, left: float = MARGIN, most: float = inf
) -> dict[int, Column]:
    """Return a column for every item, all of one width, at most `most` pixels."""
    room = width - left - MARGIN
    w = min(room / max(1, len(items)), most)
    x = left + (room - w * len(items)) / 2
    return {item.id: Column(item.id, x + i * w, w, "card") for i, item in enumerate(items)}


@frozen
class _Plan:
    """A plan: the number of cards and their width, a fold's width, and the width and level of other items."""

    cards: int
    card: float
    fold: float
    share: float
    level: str


def _plan(items: int, folds: int, most: int, room: float, card: float, narrow: float) -> _Plan:
    """Return a plan: `most` items as cards, or a few less and `narrow` ones, if all others then have sizes."""
    whole = _shared(items, folds, most, room, card)
    if whole.share >= card:
        return whole
    ways = [_shared(items, folds, count, room, narrow) for count in range(most, max(0, most - FEWER), -1)]
    return next((one for least in (SIZED, SHORT) for one in ways if one.share >= least), whole)


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
