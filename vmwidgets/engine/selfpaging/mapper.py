"""What memory objects and :mod:`.serialise` ask of a pmap: they call it, and it knows nothing of them."""

from __future__ import annotations

from typing import Protocol

from ..base.domain_values import CapRef
from .pieces import Mapped, Part


class Mapper(Protocol):
    """The functions of a :class:`.pmap.Pmap` that others work with."""

    def map(self, va: int, frame: CapRef, offset: int, size: int, flags: int) -> Mapped:
        """As :meth:`.pmap.Pmap.map`."""

    def unmap(self, va: int, size: int) -> int:
        """As :meth:`.pmap.Pmap.unmap`."""

    def modify_flags(self, va: int, size: int, flags: int) -> int:
        """As :meth:`.pmap.Pmap.modify_flags`."""

    def exact_parts(self, va: int, frame: CapRef, offset: int, size: int, flags: int) -> list[Part]:
        """As :meth:`.pmap.Pmap.exact_parts`."""
