"""What there is to see of a map of a machine, whichever kernel's it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..base.map_values import EntryValue, MapValue
from ..base.operations import Door
from ..base.units import Address, Size
from ..kernel.map_window import WHOLE, map_value
from . import checks

if TYPE_CHECKING:
    from .machine import Machine


class MapLooks:
    """A map of `machine`; `path` is its place there, `vm_map` the kernel's own, `roles` names entries by id."""

    machine: Machine
    path: str
    vm_map: Any  # X15's or FreeBSD's; who has one of them says which
    roles: Mapping[int, str]

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self.machine.door

    @property
    def name(self) -> str:
        """The map's name in events and pictures."""
        return str(self.vm_map.name)

    @property
    def start(self) -> Address:
        """First address."""
        return Address(self.vm_map.start)

    @property
    def end(self) -> Address:
        """End of the addresses (exclusive)."""
        return Address(self.vm_map.end)

    @property
    def size(self) -> Size:
        """Bytes in entries."""
        return Size(self.vm_map.size)

    def value(
        self,
        focus: Iterable[int] = (),
        opened: Iterable[int] = (),
        addresses: Iterable[int] = (),
        *,
        whole: int = WHOLE,
    ) -> MapValue:
        """The map as a frozen value: whole up to `whole` entries, else around the entries in `focus`."""
        most = checks.count(whole, "whole")
        return map_value(self.vm_map, focus, opened, addresses, whole=most, roles=self.roles)

    def entries(self) -> list[EntryValue]:
        """All entries in order, as frozen values. O(n)."""
        return list(self)

    def check(self) -> None:
        """Raise an error that names entry and invariant unless every invariant of the map holds."""
        self.vm_map.check()

    def listed(self, heading: str) -> str:
        """The map as text: a heading and its first entries."""
        shown = [f"  {entry!r}" for entry, _ in zip(self, range(20), strict=False)]
        more = [f"  … {len(self) - 20:,} more"] if len(self) > 20 else []
        return "\n".join([heading, *shown, *more])

    def __iter__(self) -> Iterator[EntryValue]:
        roles = self.roles
        return (EntryValue.of(entry.fields(), roles.get(entry.id, "")) for entry in self.vm_map)

    def __len__(self) -> int:
        return int(self.vm_map.nr_entries)
