"""The owners of the page in a slot of swap space: mostly one object, after some forks several.

If a fork counts (`fork="counted"`), a slot can contain a page of several objects, as a frame can
(:class:`~vmwidgets.engine.memory.page.Page`). The users of a slot are counted by looking: there is no separate count
that could differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

User = TypeVar("User")
"""An object, and the number of the page there."""


class Users(Generic[User]):
    """The users of each slot, in order of arrival. All methods are O(users of the slot)."""

    def __init__(self) -> None:
        self._by_slot: dict[int, tuple[User, ...]] = {}

    def add(self, slot: int, user: User) -> None:
        """Note that `user` has a page in this slot."""
        self._by_slot[slot] = (*self.of(slot), user)

    def remove(self, slot: int, user: User) -> bool:
        """Note that `user` no longer has its page there; returns whether the slot is unused now."""
        left = tuple(one for one in self._by_slot.pop(slot) if one != user)
        if left:
            self._by_slot[slot] = left
        return not left

    def replace(self, slot: int, before: User, after: User) -> None:
        """Replace the user `before` with `after`."""
        self._by_slot[slot] = tuple(after if one == before else one for one in self._by_slot[slot])

    def of(self, slot: int) -> tuple[User, ...]:
        """Return all its users, in order of arrival; empty for a free slot."""
        return self._by_slot.get(slot, ())

    def __iter__(self) -> Iterator[int]:
        return iter(self._by_slot)
