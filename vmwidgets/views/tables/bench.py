"""What can be done with a picture of page tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from vmwidgets.views.scene.model import Caption


@dataclass(frozen=True, slots=True)
class TablesBench:
    """What can be done: `chosen` is where the descriptor that is shown bit by bit is (0: none), `word` its bits.

    `path` are addresses of the descriptors on the way to an address that was looked for; `edited` what edited
    descriptors held before.
    """

    editable: bool = False
    chosen: int = 0
    word: int = 0
    path: Collection[int] = ()
    edited: Mapping[int, int] = field(default_factory=dict)
    found: Caption | None = None
