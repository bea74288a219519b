"""Bulk translation: arrays of addresses to arrays of physical addresses, with the walker's answers.

Every format is served, and each answer is the walker's: :mod:`.bulk_tables` tells how.  These two are the only modules
of the engine that need NumPy; they are imported when they are used.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

from ..base.errors import Refused, shown

try:
    import numpy as np
except ModuleNotFoundError:
    raise Refused("arrays of addresses need NumPy, which is not installed: pip install numpy") from None

from ..base.units import Address
from .bulk_tables import NO_ADDRESS, Codes, Flags, Memory, Outcome, ReachedTables, Words
from .format import Access, C, TableFormat

__all__ = ["NO_ADDRESS", "Outcome", "Translation", "translate"]

_CHUNK = 1 << 14
"""Addresses that go down together: their arrays fit a processor's second-level cache."""


@dataclass(frozen=True)
class Translation:
    """What became of an array of addresses; the arrays have its shape.

    `pa` holds :data:`NO_ADDRESS` where the walk ended in a fault; `outcome` indexes `outcomes`, whose first is success.
    """

    pa: Words
    outcome: Codes
    outcomes: tuple[Outcome, ...]

    @property
    def ok(self) -> Flags:
        """Whether each access would go through."""
        return np.equal(self.outcome, 0)

    @property
    def masked(self) -> Any:
        """The physical addresses as a masked array: faults are masked."""
        return np.ma.array(self.pa, mask=~self.ok)


def translate(
    memory: Memory,
    fmt: TableFormat[C],
    root: int,
    addresses: Any,
    access: Access = "read",
    user: bool = False,
    controls: C | None = None,
) -> Translation:
    """Translate each of `addresses` as :func:`.walk.walk` would, as the tables are now.

    `addresses` is an array of unsigned 64-bit integers, or what makes one; reading nothing but memory, O(tables and
    descriptors that the addresses lead to) once, and then a few array steps a level.

    >>> from vmwidgets.engine.memory.ram import Ram
    >>> from vmwidgets.engine.mmu.armv7 import ARMV7
    >>> ram = Ram(1 << 20)
    >>> ram.write_word(0x4000 + 4 * 2, 4, 0x0030_0000 | 0xC02)  # a section
    >>> found = translate(ram, ARMV7, 0x4000, [0x20_1234, 0x50_0000])
    >>> hex(found.pa[0]), found.ok.tolist(), found.outcomes[found.outcome[1]]
    ('0x301234', [True, False], Outcome(kind='not-present', level=2, code=5))
    """
    given = _words(addresses, fmt.word_bits)
    flat = np.ascontiguousarray(given).reshape(-1)
    pa = np.empty(flat.shape, np.uint64)
    outcome = np.empty(flat.shape, np.uint16)
    tree = ReachedTables(memory, fmt, root, access, user, fmt.defaults if controls is None else controls)
    for first in range(0, flat.size, _CHUNK):
        part = slice(first, first + _CHUNK)
        tree.translate(flat[part], pa[part], outcome[part])
    return Translation(pa.reshape(given.shape), outcome.reshape(given.shape), tuple(tree.outcomes))


def _words(addresses: Any, word_bits: int) -> Words:
    given = addresses if isinstance(addresses, np.ndarray) else _from_sequence(addresses)
    if given.size == 0:
        return given.astype(np.uint64)
    if given.dtype.kind not in "iu":
        raise Refused(f"addresses: an array of {given.dtype}; write whole numbers from 0 to 2**{word_bits} - 1")
    lowest, highest = int(given.min()), int(given.max())
    if lowest < 0:
        raise Refused(f"address {lowest} is negative: addresses begin at 0")
    if highest >= 1 << word_bits:
        raise Refused(f"address {Address(highest)} does not fit the {word_bits} bits of a register")
    return given.astype(np.uint64, copy=False)


def _from_sequence(addresses: Any) -> Any:
    """An array of 64-bit words from Python's integers; NumPy itself makes floats of small and large ones."""
    try:
        given = np.array(addresses, object)
        words = [-1 if isinstance(one, (bool, np.bool_)) else operator.index(one) for one in given.flat]
    except (TypeError, ValueError):
        raise Refused(f"addresses: {shown(addresses)} makes no array of whole numbers") from None
    wrong = next((word for word in words if not 0 <= word < 1 << 64), None)
    if wrong is not None:
        raise Refused(f"addresses: {shown(addresses)} has more than whole numbers from 0 to 2**64 - 1")
    return np.array(words, np.uint64).reshape(given.shape)
