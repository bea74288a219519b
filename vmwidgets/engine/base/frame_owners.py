"""Owners of frames that stand by, as the page allocator names them, and what its owner says of a frame's state."""

from __future__ import annotations

ZEROED, CACHED = "zeroed pages", "cached: "
"""Owner of free frames that hold zeroes; and, before the name of whose page it holds, of a cached frame."""


def state_of(owner: str | None) -> str:
    """The state of a frame of `owner`; None: it is on the free lists.

    >>> state_of("page tables"), state_of("cached: file data"), state_of(None)
    ('used', 'cached', 'free')
    """
    if owner is None:
        return "free"
    return "zeroed" if owner == ZEROED else "cached" if owner.startswith(CACHED) else "used"


def shown_owner(owner: str | None) -> str:
    """Whose a frame of `owner` is: of a cached one whose page it holds, of a free one nobody's.

    >>> shown_owner("cached: file data"), shown_owner("zeroed pages")
    ('file data', '')
    """
    return "" if owner is None or owner == ZEROED else owner.removeprefix(CACHED)
