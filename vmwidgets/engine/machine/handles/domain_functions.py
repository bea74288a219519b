"""The functions of a machine that create domains: programs that page themselves, next to the kernel's tasks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, TypeAlias

from ...base.errors import Refused, shown
from ...base.operations import Argument, operation
from ...base.units import Address
from ...selfpaging.cpu_driver import ENCODINGS, HARDENINGS, PageMemory
from ...selfpaging.domain import SLOTS, Domain
from ...selfpaging.layouts import DOMAIN_LAYOUTS
from ...spaces.domain_space import DomainSpace
from .. import arguments
from ..arguments import CountArg, FlagArg, part_name
from ..system import Functions
from .capabilities import MachineCapability, MachineMemobj
from .domain import MachineDomain

MOST_SLOTS = 1 << 20


def _hardening(given: Any, _: str) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise Refused(f"hardening={shown(given)}: write a list or set of names, such as {{'execute-never'}}")
    return tuple(arguments.known(name, HARDENINGS, "hardening") for name in arguments.in_order(given))


DomainName: TypeAlias = Annotated[str, Argument(part_name, "domain name")]
HardeningArg: TypeAlias = Annotated["Iterable[str]", Argument(_hardening)]


class DomainFunctions(Functions):
    """The functions of a machine that create and destroy domains."""

    @operation
    def domain(
        self,
        name: DomainName,
        *,
        slots: CountArg | None = None,
        ram_pages_only: FlagArg = False,
        hardening: HardeningArg = (),
    ) -> MachineDomain:
        """Return a new self-paging domain (on "armv7" and "x86-64"), or the existing domain with this name.

        `slots` is the number of its slots for capabilities (default: 16,384).  With `ram_pages_only`, it gets memory in
        single pages, as in early boot.  `hardening` may be {"execute-never"}.  Fails with LIB_ERR_VNODE_CREATE if there
        is no memory for its root table.

        >>> import vmwidgets as vm
        >>> d = vm.boot("armv7").domain("hello")
        >>> a = d.map(d.frame("8 KiB"))
        >>> d.write(a, b"hello"), d.read(a, 5)
        (None, b'hello')
        """
        system, count = self.system, SLOTS if slots is None else slots
        if name in system.domains:
            if slots is not None or ram_pages_only or hardening:
                raise Refused(f"domain {shown(name)} already exists; write its name alone to get it")
            return self._domain_handle(system.domains[name])
        self._check_layout()
        if not 1 <= count <= MOST_SLOTS:
            raise Refused(f"slots={count}: a domain has 1 to {MOST_SLOTS:,} slots for capabilities")
        space = DomainSpace(name, system.domains_made + 1)
        space.domain = Domain(
            name,
            system.ram,
            system.pmap.fmt,
            PageMemory(system.pages, f"domain {name}"),
            system.recorder,
            slots=count,
            ram_pages_only=ram_pages_only,
            quirks=system.quirks,
            hardening=frozenset(hardening),
            flush=space.flush,
            edits=system.pmap.editor.edits,
        )
        loose = ENCODINGS[system.architecture].global_leaves
        space.pmap = system.pmap.lend(space.path, space.domain.root, global_leaves=loose)
        system.processors.register(space.pmap, space)
        system.domains[name] = space
        system.domains_made += 1
        return self._domain_handle(space)

    @operation
    def destroy_domain(self, domain: MachineDomain | str) -> None:
        """End a domain: all its capabilities are deleted, and its memory is freed."""
        system = self.system
        wanted = domain.name if isinstance(domain, MachineDomain) else domain
        gone = system.domains[arguments.known(wanted, system.domains, "domain")]
        if isinstance(domain, MachineDomain) and (domain.system is not system or domain.destroyed):
            raise Refused(f"domain {shown(wanted)} belongs to another machine, or was destroyed")
        system.pmap.editor.edits.drop(gone.pmap.root)
        gone.pmap.detach()
        gone.domain.destroy()
        del system.domains[gone.name]
        system.destroyed[gone.name, gone.generation] = gone

    def _domain_handle(self, space: DomainSpace) -> MachineDomain:
        """Return the handle of a domain."""
        return self.system.part(MachineDomain, space.path, space.generation)

    def _domain_part(self, path: str) -> MachineDomain | MachineCapability | MachineMemobj:
        """Return the domain at `path`, or a part of a domain ("domain:hello/slots[3]#17")."""
        place, _, rest = path.partition("/")
        space = self.system.domain_at(place)
        if space is None:
            raise Refused(f"{shown(path)} is not a domain of this machine, or was destroyed")
        found = self._domain_handle(space)
        return found.part(rest) if rest else found

    def _check_layout(self) -> None:
        if self.system.architecture not in DOMAIN_LAYOUTS:
            raise Refused(
                f"{self.system.architecture} has no domains: Barrelfish's pmap is for {' and '.join(DOMAIN_LAYOUTS)}"
            )
        end, start = DOMAIN_LAYOUTS[self.system.architecture].user_end, self.system.layout.kernel_start
        if start < end:
            where = f"addresses up to {Address(end)}, and this layout's kernel map begins at {Address(start)}"
            raise Refused(f"layout {self.system.layout.name!r} has no domains: a domain needs {where}")
