"""Whose pages are in a slot of swap space: mostly one object's, after some forks several's.

One slot can hold a page of several objects where a fork counts (`fork="counted"`), as a frame can
(:class:`~vmwidgets.engine.memory.page.Page`).  How many use a slot is counted here by looking: there is no second count
that could differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

User = TypeVar("User")
"""An object, and the number of the page there."""


class Users(Generic[User]):
    """By slot: its users, the first that came first.  All O(users of the slot)."""

    def __init__(self) -> None:
        self._by_slot: dict[int, tuple[User, ...]] = {}

    def add(self, slot: int, user: User) -> None:
        """`user` has a page in this slot."""
        self._by_slot[slot] = (*self.of(slot), user)

    def remove(self, slot: int, user: User) -> bool:
        """`user` has it there no longer; whether nothing has."""
        left = tuple(one for one in self._by_slot.pop(slot) if one != user)
        if left:
            self._by_slot[slot] = left
        return not left

    def replace(self, slot: int, before: User, after: User) -> None:
        """Give `after` what `before` had there."""
        self._by_slot[slot] = tuple(after if one == before else one for one in self._by_slot[slot])

    def of(self, slot: int) -> tuple[User, ...]:
        """All its users, the first that came first; none where nothing is."""
        return self._by_slot.get(slot, ())

    def __iter__(self) -> Iterator[int]:
        return iter(self._by_slot)
