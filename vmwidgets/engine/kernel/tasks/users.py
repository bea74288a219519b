"""Whose pages are in a place, a frame or a slot of swap space: mostly one object's, after some forks several's.

One place can hold a page of several objects where a fork counts (`fork="counted"`): after it parent and child have
their pages in the same frames, and who writes one gets a copy, but for the last (Linux's copy of page tables at fork;
Gorman: Understanding the Linux Virtual Memory Manager, 2004, 4.6.2).  How many use a place is counted here by looking:
there is no second count that could differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

User = TypeVar("User")
"""An object, and the number of the page there."""


class Users(Generic[User]):
    """By place: its users, the first that came first.  All O(1), but where several leave a place."""

    def __init__(self) -> None:
        self._first: dict[int, User] = {}
        self._others: dict[int, dict[User, None]] = {}
        """Of places that have several: those behind the first."""

    def add(self, place: int, user: User) -> bool:
        """`user` has a page in this place; whether nothing else has."""
        if place not in self._first:
            self._first[place] = user
            return True
        self._others.setdefault(place, {})[user] = None
        return False

    def remove(self, place: int, user: User) -> bool:
        """`user` has it there no longer; whether nothing has."""
        others = self._others.get(place)
        if others is None:
            del self._first[place]
            return True
        if self._first[place] == user:
            self._first[place] = next(iter(others))
            del others[self._first[place]]
        else:
            del others[user]
        if not others:
            del self._others[place]
        return False

    def clear(self, place: int) -> None:
        """Nothing has a page in this place any longer."""
        del self._first[place]
        self._others.pop(place, None)

    def replace(self, place: int, before: User, after: User) -> None:
        """What `before` had there is what `after` has."""
        if self._first[place] == before:
            self._first[place] = after
        else:
            others = self._others[place]
            self._others[place] = {after if one == before else one: None for one in others}

    def first(self, place: int) -> User:
        """The one of its users that came first."""
        return self._first[place]

    def of(self, place: int) -> tuple[User, ...]:
        """All its users, the first that came first; none where nothing is."""
        if place not in self._first:
            return ()
        return (self._first[place], *self._others.get(place, ()))

    def is_shared(self, place: int) -> bool:
        """Whether several have a page there."""
        return place in self._others

    @property
    def any_shared(self) -> bool:
        """Whether several have a page in some place."""
        return bool(self._others)

    def __contains__(self, place: object) -> bool:
        return place in self._first

    def __iter__(self) -> Iterator[int]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)
