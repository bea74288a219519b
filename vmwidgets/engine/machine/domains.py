"""Domains at the door of a machine: programs that page themselves, beside the kernel's tasks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..base.errors import Refused, shown
from ..base.operations import Door, operation
from ..base.recorder import Recorder
from ..base.units import Address
from ..selfpaging.cpu_driver import ENCODINGS, HARDENINGS
from ..selfpaging.domain import SLOTS, Domain
from ..selfpaging.invocations import PageMemory
from ..selfpaging.layouts import LAYOUTS
from . import checks
from .capabilities import MachineCapability, domain_path
from .domain import MachineDomain, MachineMemobj

if TYPE_CHECKING:
    from ..kernel.pmap.spaces import KernelPmap, LentPmap
    from ..memory.pages import PageAllocator
    from ..memory.ram import Ram

MOST_SLOTS = 1 << 20


class DomainOperations:
    """Methods of a machine that make domains."""

    architecture: str
    layout: Any
    quirks: frozenset[str]
    domains: dict[str, MachineDomain]
    ram: Ram
    pages: PageAllocator
    pmap: KernelPmap
    recorder: Recorder
    path: str
    door: Door

    @operation
    def domain(
        self, name: str, *, slots: int | None = None, ram_pages_only: bool = False, hardening: Iterable[str] = ()
    ) -> MachineDomain:
        """A new self-paging domain, on "armv7" or "x86-64"; an existing name gives that domain.

        It has so many `slots` for capabilities, or 16,384.  With `ram_pages_only` it gets memory in single pages, as
        in early boot.  `hardening` may be {"execute-never"}.  LIB_ERR_VNODE_CREATE without memory for its root table.

        >>> import vmwidgets as vm
        >>> d = vm.boot("armv7").domain("hello")
        >>> a = d.map(d.frame("8 KiB"))
        >>> d.write(a, b"hello"), d.read(a, 5)
        (None, b'hello')
        """
        wanted = checks.part_name(name, "domain name")
        count = SLOTS if slots is None else checks.count(slots, "slots")
        only, harder = checks.flag(ram_pages_only, "ram_pages_only"), _hardening(hardening)
        if wanted in self.domains:
            if slots is not None or only or harder:
                raise Refused(f"domain {shown(wanted)} exists already; write its name alone to get it")
            return self.domains[wanted]
        self._check_layout()
        if not 1 <= count <= MOST_SLOTS:
            raise Refused(f"slots={count}: a domain has 1 to {MOST_SLOTS:,} slots for capabilities")
        lent: list[LentPmap] = []
        made = Domain(
            wanted,
            self.ram,
            self.pmap.fmt,
            PageMemory(self.pages, f"domain {wanted}"),
            self.recorder,
            slots=count,
            ram_pages_only=only,
            quirks=self.quirks,
            hardening=harder,
            flush=lambda: lent[0].flush(),  # noqa: PLW0108  there is none until the root is
            edits=self.pmap.editor.edits,
        )
        loose = ENCODINGS[self.architecture].global_leaves
        lent.append(self.pmap.lend(domain_path(wanted), made.root, global_leaves=loose))
        self.domains[wanted] = MachineDomain(self, made, lent[0])  # type: ignore[arg-type]  # what this is mixed into
        return self.domains[wanted]

    @operation
    def destroy_domain(self, domain: MachineDomain | str) -> None:
        """End a domain: all its capabilities are deleted, and its memory goes back."""
        wanted = domain.name if isinstance(domain, MachineDomain) else domain
        gone = self.domains[checks.known(wanted, self.domains, "domain")]
        if isinstance(domain, MachineDomain) and gone is not domain:
            raise Refused(f"domain {shown(wanted)} belongs to another machine, or was destroyed")
        self.pmap.editor.edits.drop(gone.pmap.root)
        gone.pmap.take_back()
        gone.domain.destroy()
        del self.domains[gone.name]

    def domain_part(self, path: str) -> MachineDomain | MachineCapability | MachineMemobj:
        """The domain at `path`, or a part of one ("domain:hello/slots[3]#17")."""
        place, _, rest = path.partition("/")
        found = next((one for one in self.domains.values() if one.path == place), None)
        if found is None:
            raise Refused(f"{shown(path)} is no domain of this machine, or was destroyed")
        return found.part(rest) if rest else found

    def _check_layout(self) -> None:
        if self.architecture not in LAYOUTS:
            raise Refused(f"{self.architecture} has no domains: their pmap is for {' and '.join(LAYOUTS)}")
        end, start = LAYOUTS[self.architecture].user_end, self.layout.kernel_start
        if start < end:
            where = f"addresses up to {Address(end)}, and its kernel map begins at {Address(start)}"
            raise Refused(f"layout {self.layout.name!r} has no domains: they have {where}")


def _hardening(given: Any) -> frozenset[str]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise Refused(f"hardening={shown(given)}: write a list or set of names, such as {{'execute-never'}}")
    return frozenset(checks.known(name, HARDENINGS, "hardening") for name in checks.in_order(given))
