"""Columns: the lanes of a picture of a map share them, one for each entry or fold, as wide as it matters."""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.text import text_width

CARD = 106.0
"""Width of a card's column, for "kernel memory"; the widest address style needs more."""

SHORT = 34.0
FOLD = 56.0
LEAST_FOLD = 34.0
MAX_CARDS, FEWER = 6, 3
"""So many cards at most; so many fewer, less one, if then there is room for labels of all others."""


def card_width(style: AddressStyle) -> float:
    """The width of a card's column where addresses are written like this."""
    return max(CARD, text_width(style.widest, "mono label") + 24)


@frozen
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

    The others share what is left: where that is enough, they are cards too.

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
    chosen = _choose_cards(items, important, max(card, room * 0.9 - len(folds) * LEAST_FOLD - len(items) * 3), card)
    shares = [_shares(len(items), len(folds), count, room, card) for count in range(len(chosen) + 1)]
    fewer = range(len(chosen), max(0, len(chosen) - FEWER), -1)  # if then each of the others has its label
    count = next((one for one in fewer if shares[one][1] >= SHORT), len(chosen))
    cards, rest = frozenset(chosen[:count]), len(items) - count - len(folds)
    fold, share = shares[count]
    level = "card" if share >= card else "short" if share >= SHORT else "mark"
    columns: dict[int, Column] = {}
    x = left + max(0.0, room - len(cards) * card - len(folds) * fold - rest * share) / 2
    for item in items:
        w = card if item.id in cards else fold if item.id in folds else share
        columns[item.id] = Column(item.id, x, w, "card" if item.id in cards else "fold" if item.id in folds else level)
        x += w
    return columns


def _shares(items: int, folds: int, cards: int, room: float, card: float) -> tuple[float, float]:
    """How wide a fold is, and what is neither fold nor card, if so many are cards."""
    left_over = max(0.0, room - cards * card)
    fold = min(FOLD, left_over * 0.8 / max(1, folds))
    return fold, min(card, (left_over - folds * fold) / max(1, items - cards - folds))


def _choose_cards(
    items: Sequence[EntryValue | Fold], important: Sequence[int], room: float, card: float
) -> Sequence[int]:
    """The ids of the cards, most important first."""
    shown = {item.id for item in items if isinstance(item, EntryValue)}
    limit = max(1, min(MAX_CARDS, int(room // card)))
    chosen: list[int] = []
    for identity in important:
        if identity in shown and identity not in chosen and len(chosen) < limit:
            chosen.append(identity)
    return chosen
