"""The times of accesses in a machine: the costs, and the effective access time computed from counts."""

from __future__ import annotations

from ...base.errors import Refused, shown
from ...base.operations import operation
from ...memory.costs import Costs, EffectiveAccessTime
from ..system import Functions


class TimeFunctions(Functions):
    """The functions of a machine about time."""

    @operation
    def set_costs(self, tlb: float, memory: float, minor: float, major: float) -> None:
        """Make operations report how long accesses took (nanoseconds); ``m.costs = vm.Costs(…)`` does the same."""
        self.system.processors.costs = Costs(tlb, memory, minor, major)

    @operation
    def forget_costs(self) -> None:
        """Make operations report no times; ``m.costs = None`` does the same."""
        self.system.processors.costs = None

    @property
    def costs(self) -> Costs | None:
        """The costs of accesses and faults, for the times that operations report; None for no times.

        Assign to change.
        """
        return self.system.processors.costs

    @costs.setter
    def costs(self, costs: object) -> None:
        if costs is None:
            self.forget_costs()
        elif isinstance(costs, Costs):
            self.set_costs(costs.tlb, costs.memory, costs.minor, costs.major)
        else:
            raise Refused(f"costs={shown(costs)}: write vm.Costs(…), or None for no times")

    def effective_access_time(self) -> EffectiveAccessTime:
        """Return the average time of an access since boot, with the formula and the measured rates.

        An access counts if it reached memory, and if a processor made it for a task, a domain or the kernel.  A fault
        is major if a page had to be read in to resolve it.  The costs are ``m.costs``, or ``vm.Costs()`` if none were
        set.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> t = m.task("init")
        >>> a = t.mmap("8 KiB")
        >>> for _ in range(10):
        ...     t.write(a, b"x")
        >>> print(m.effective_access_time())
        effective access time: 251 ns, of 10 accesses
          = tlb + (1 + w) x memory + f x minor + F x major
          = 1 ns + (1 + 0.5) x 100 ns + 0.1 x 1 us + 0 x 10 ms
          = 1 ns + 150 ns + 100 ns + 0 ns
        TLB hits: 90 %; 5 memory references by page walks for each miss
        """
        processors = self.system.processors
        return EffectiveAccessTime(processors.costs or Costs(), *processors.counts)
