"""Descriptors that a learner wrote past the kernel, for as long as the kernel has not written them again.

The hardware obeys an edit at once.  The kernel knows what it wrote: its editors read the kernel's own word in an edited
place, so that it unmaps, frees and counts what is its own, and never takes a foreign frame for a table of its.
"""

from __future__ import annotations

from typing import NamedTuple

from .format import Descriptor, Level


class HandEdit(NamedTuple):
    """A descriptor in the tables with that root: where it stands, and what the kernel had in it (`kept`)."""

    root: int
    level: Level
    va: int
    kept: int
    after: int

    @property
    def kept_as(self) -> Descriptor:
        """What the kernel's word was."""
        return self.level.read_as(self.kept)

    @property
    def cuts_off(self) -> bool:
        """Whether a table that the kernel had there is not reached any more."""
        now, kept = self.level.read_as(self.after), self.kept_as
        return kept.kind == "table" and not (
            now.kind == "table" and now.address_of(self.after) == kept.address_of(self.kept)
        )


class HandEdits:
    """Of one machine, by physical address; a kernel's editors share it, the hardware's have none."""

    __slots__ = ("places",)

    def __init__(self) -> None:
        self.places: dict[int, HandEdit] = {}

    def made(self, pa: int, edit: HandEdit) -> bool:
        """A descriptor was edited; whether the kernel's word was in it."""
        known = self.places.get(pa)
        self.places[pa] = edit if known is None else known._replace(after=edit.after)
        return known is None

    def written(self, pa: int) -> None:
        """The kernel wrote a descriptor, or would have: an edit of it is over."""
        self.places.pop(pa, None)

    def freed(self, start: int, size: int) -> None:
        """The memory is no table any more, or an empty one: edits in it are over.  O(edits)."""
        if self.places:
            self.places = {pa: edit for pa, edit in self.places.items() if not start <= pa < start + size}

    def forget(self, root: int) -> None:
        """The tables with that root are gone."""
        self.places = {pa: edit for pa, edit in self.places.items() if edit.root != root}
