"""One column for each entry or fold, in the order of addresses: what tree and list share.

What matters gets a card's width; the rest shares what is left and shows as much as fits: a card (up to about ten
things), a short label (to forty), a mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vmwidgets.engine.base.values.maps import EntryValue, Fold

WIDTH = 900.0
"""Pixels that a view opens with."""

MARGIN = 14.0
CARD = 92.0
"""Width of a card's column; the widest address style needs more."""

SHORT = 38.0
FOLD = 56.0
LEAST_FOLD = 34.0
MAX_CARDS = 6


@dataclass(frozen=True, slots=True)
class Column:
    """Where one thing is: `level` is "card", "short" or "mark"."""

    id: int
    x: float
    w: float
    level: str

    @property
    def middle(self) -> float:
        """The x of its axis."""
        return self.x + self.w / 2


def lay_columns(
    items: Sequence[EntryValue | Fold],
    important: Sequence[int],
    width: float = WIDTH,
    card: float = CARD,
    left: float = MARGIN,
) -> dict[int, Column]:
    """A column for every item; those in `important` (ids, most important first) get cards as far as they fit.

    `left` is kept free.
    """
    room = width - left - MARGIN
    if not items:
        return {}
    if len(items) * card <= room and not any(isinstance(item, Fold) for item in items):
        share = min(room / len(items), card * 1.7)
        x = left + (room - share * len(items)) / 2
        return {item.id: Column(item.id, x + i * share, share, "card") for i, item in enumerate(items)}
    folds = {item.id for item in items if isinstance(item, Fold)}
    cards = _choose_cards(items, important, max(card, room * 0.9 - len(folds) * LEAST_FOLD - len(items) * 3), card)
    rest = len(items) - len(cards) - len(folds)
    left_over = max(0.0, room - len(cards) * card)
    fold = min(FOLD, left_over * 0.8 / max(1, len(folds)))
    share = min(card, (left_over - len(folds) * fold) / max(1, rest))
    level = "short" if share >= SHORT else "mark"
    columns: dict[int, Column] = {}
    x = left + max(0.0, room - len(cards) * card - len(folds) * fold - rest * share) / 2
    for item in items:
        w = card if item.id in cards else fold if item.id in folds else share
        columns[item.id] = Column(item.id, x, w, "card" if item.id in cards else "fold" if item.id in folds else level)
        x += w
    return columns


def _choose_cards(
    items: Sequence[EntryValue | Fold], important: Sequence[int], room: float, card: float
) -> frozenset[int]:
    shown = {item.id for item in items if isinstance(item, EntryValue)}
    limit = max(1, min(MAX_CARDS, int(room // card)))
    chosen: list[int] = []
    for identity in important:
        if identity in shown and identity not in chosen and len(chosen) < limit:
            chosen.append(identity)
    return frozenset(chosen)
