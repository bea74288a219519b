"""What a manual says in words and not in bit ranges, as the questions that the walker and the editor ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from ..base.walk_values import Field, Rights, Syndrome
from .format import Access, Descriptor, Entry, Level

C_contra = TypeVar("C_contra", contravariant=True)


class Start(NamedTuple):
    """Where a walk begins: the root table's physical address and its level."""

    table: int
    level: Level


@dataclass(frozen=True, slots=True)
class Stop:
    """A check that failed: the kind of fault, and why in one sentence."""

    kind: str
    why: str
    culprit: tuple[str, int] | None = None
    """The field, and what it holds in the descriptors that are to blame."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the processor reports of a fault: exception, code and the code's fields, and a register that tells more."""

    exception: str
    code: int | None
    fields: tuple[Field, ...] = ()
    syndrome: Syndrome | None = None


class Rules(Protocol[C_contra]):
    """What a manual says in words.  `controls` are the processor's settings of the format's family.

    They are asked in this order: `start`, then at each descriptor `read_as`, `unfit` and `gather`, and `judge` once the
    leaf is in hand; `report` tells what the processor makes of the first that found something.
    """

    inherited: tuple[str, ...] = ()
    """Fields that a table's descriptor takes over when the page it stood for is split."""

    def start(self, level: Level, root: int, va: int, controls: C_contra) -> Start | Stop:
        """Where the walk begins (`level` is the root's), or a reason not to walk: an address that is not canonical."""

    def start_shift(self, controls: C_contra) -> int:
        """The bits of an address from this one up are all that :meth:`start` looks at."""

    def read_as(self, level: Level, word: int, controls: C_contra) -> Descriptor:
        """How a descriptor is read where the controls say."""
        return level.read_as(word)

    def unfit(self, level: Level, descriptor: Descriptor, word: int, controls: C_contra) -> Stop | None:
        """What is wrong with a descriptor by itself: absent, or reserved bits set."""

    def checked(self, level: Level, descriptor: Descriptor, controls: C_contra) -> int:
        """Bits of a descriptor's address that can be wrong by themselves."""
        return 0

    def gather(self, rights: Rights, descriptor: Descriptor, word: int, controls: C_contra) -> Rights:
        """The rights that are left of `rights` below a descriptor."""

    def judge(
        self, path: Sequence[Entry], rights: Rights, access: Access, user: bool, controls: C_contra
    ) -> Stop | None:
        """Whether the descriptors of a walk, which end in a leaf, forbid the access; `rights` is what was gathered."""

    def report(self, stop: Stop, path: Sequence[Entry], access: Access, user: bool, controls: C_contra) -> Report:
        """What the processor reports of a fault; `path` has the descriptors that were read."""

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """The bits that give `rights`; `shared` leaves are the same in all address spaces (global)."""

    def rights_bits(self, descriptor: Descriptor) -> int:
        """The bits of a descriptor that say something about rights."""

    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        """The rights in one descriptor, taken by itself."""

    def accessed(self, descriptor: Descriptor, write: bool, controls: C_contra) -> int:
        """The bits that the hardware sets in a descriptor it used."""


def bits(high: int, low: int) -> int:
    """Bits high to low, as manuals write them, set.

    >>> hex(bits(7, 4))
    '0xf0'
    """
    return (1 << high + 1) - (1 << low)


def in_words(mask: int) -> str:
    """The numbers of the bits in `mask`: "bit 7", or "bits 7, 8"."""
    numbers = [str(bit) for bit in range(64) if mask >> bit & 1]
    return f"bit{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"
