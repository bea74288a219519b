"""The rules that manuals state in words: how rights combine, how faults are reported, and which settings matter.

Each family of formats has its :class:`Controls` and :class:`Rules`, in :mod:`.formats`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import ClassVar, Generic, Literal, NamedTuple, TypeVar

from ..base.errors import Refused, shown
from ..base.frozen import frozen
from .levels import Descriptor, Level, WalkEntry
from .tables_schema import Field, Permission, Rights, Syndrome

Access = Literal["read", "write", "execute"]

C = TypeVar("C")


class NumberLimits(NamedTuple):
    """The limits of a number among the settings: from `low` to `high`, and a multiple of `unit`."""

    low: int
    high: int
    unit: int = 1


@frozen
class Controls:
    """The settings of a processor that a walk depends on; a format's family adds its own fields.

    A field is a flag unless `numbers` has its limits.  Settings that no processor has are refused.
    """

    numbers: ClassVar[Mapping[str, NumberLimits]] = {}

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            limits = self.numbers.get(one.name)
            if limits is None:
                if not isinstance(value, bool):
                    raise Refused(f"{one.name}={shown(value)}: this setting is True or False")
                continue
            low, high, unit = limits
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high or value % unit:
                multiple = f" and a multiple of {unit}" if unit > 1 else ""
                raise Refused(f"{one.name}={shown(value)}: it is a whole number from {low:#x} to {high:#x}{multiple}")


class Start(NamedTuple):
    """The start of a walk: the root table's physical address and its level."""

    table: int
    level: Level


@frozen
class Stop:
    """A check that failed: the kind of fault, and the reason in one sentence."""

    kind: str
    why: str
    culprit: tuple[str, int] | None = None
    """The field that caused the failure, and its value in the descriptors concerned."""
    called: str = ""
    """The fault's name, if its kind is not specific enough."""


@frozen
class FaultReport:
    """The processor's report of a fault: exception, code and the code's fields, and a register with more details."""

    exception: str
    code: int | None
    fields: tuple[Field, ...] = ()
    syndrome: Syndrome | None = None
    says: str = ""
    """The meaning of the code, in words."""
    address_in: str = ""
    """The register that gets the address of the access; "" if none does."""


class Rules(ABC, Generic[C]):
    """The rules that a manual states in words.  `controls` are the processor's settings of the format's family.

    A walk asks in this order: `start`, then at each descriptor `read_as`, `check_descriptor` and `narrow`, and
    `check_access` at the leaf; `report` turns the first check that failed into the processor's report.
    """

    inherited: tuple[str, ...] = ()
    """The fields that a table's descriptor takes over when a large page is demoted to a table."""

    without: tuple[str, ...] = ()
    """The rights of :class:`Rights` that no descriptor says anything about: only on paper are there such tables."""

    # ---- walking -----------------------------------------------------------------------------

    @abstractmethod
    def start(self, level: Level, root: int, va: int, controls: C) -> Start | Stop:
        """Return where the walk begins (`level` is the root's), or a reason not to walk: a non-canonical address."""

    def second_base(self, va: int, controls: C) -> tuple[str, int] | None:
        """Return the name and value of the base register for the walk of `va`, if it is not the usual register."""
        return None

    @abstractmethod
    def start_shift(self, controls: C) -> int:
        """Return the lowest address bit that :meth:`start` looks at."""

    def read_as(self, level: Level, word: int, controls: C) -> Descriptor:
        """Return how a descriptor is read under these settings."""
        return level.read_as(word)

    @abstractmethod
    def check_descriptor(self, level: Level, descriptor: Descriptor, word: int, controls: C) -> Stop | None:
        """Return the fault in a descriptor itself: it is absent, or has reserved bits set."""

    def checked_bits(self, level: Level, descriptor: Descriptor, controls: C) -> int:
        """Return the address bits of a descriptor that :meth:`check_descriptor` can find wrong."""
        return 0

    @abstractmethod
    def narrow(self, rights: Rights, descriptor: Descriptor, word: int, controls: C) -> Rights:
        """Return the `rights` that remain below a descriptor."""

    @abstractmethod
    def check_access(
        self, path: Sequence[WalkEntry], rights: Rights, access: Access, user: bool, controls: C
    ) -> Stop | None:
        """Check whether a walk's descriptors, the last a leaf, forbid the access; `rights` remain after them."""

    @abstractmethod
    def report(self, stop: Stop, path: Sequence[WalkEntry], access: Access, user: bool, controls: C) -> FaultReport:
        """Return the processor's report of a fault; `path` has the descriptors that were read."""

    def root_level(self, level: Level, controls: C) -> Level:
        """Return the root's level; these settings may make the lower root table smaller."""
        return level

    def physical_limit(self, controls: C) -> int:
        """Return the number of bits of a physical address, if the settings limit it; otherwise 64."""
        return 64

    # ---- descriptors -------------------------------------------------------------------------

    @abstractmethod
    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """Return the bits that give `rights`; `shared` leaves are the same in all address spaces (global)."""

    def granted(self, wanted: Permission) -> Permission:
        """Return user code's rights to a page that a kernel maps for `wanted`, including unavoidable rights.

        Here, every mapped page can be read. If no right is wanted, no page is mapped, and there are no rights.
        """
        return wanted._replace(read=any(wanted))

    @abstractmethod
    def rights_bits(self, descriptor: Descriptor) -> int:
        """Return the bits of a descriptor that concern rights."""

    @abstractmethod
    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        """Return the rights in one descriptor, taken by itself."""

    @abstractmethod
    def accessed(self, descriptor: Descriptor, write: bool, controls: C) -> int:
        """Return the bits that the hardware sets in a descriptor that it used."""

    def is_global(self, path: Sequence[WalkEntry]) -> bool:
        """Return whether a translation is for all address spaces: here, if some descriptor of the walk has G set."""
        return any(word & descriptor.global_bit for _, descriptor, word in path)

    # ---- what a kernel sets ------------------------------------------------------------------

    def registers(self, user: int | None, kernel: int | None, controls: C) -> tuple[int, C]:
        """Return the base register and the settings for a user's and the kernel's root tables; None for no walks.

        Here there is one register: the user's tables contain the kernel's slots.
        """
        root = kernel if user is None else user
        return root or 0, controls

    def with_access_flag(self, controls: C) -> C:
        """Return the settings of the model with an access flag, if the format has both models."""
        return controls

    def without_access_flag(self, controls: C) -> C:
        """Return the settings of the model without an access flag, if the format has both models."""
        return controls

    def with_hardware_flags(self, controls: C) -> C:
        """Return the settings with which the hardware sets accessed and dirty flags, if that is optional."""
        return controls
