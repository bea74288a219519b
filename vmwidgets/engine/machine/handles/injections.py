"""The handles of injected failures."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from ...base.errors import Refused, in_ascii
from ...base.operations import operation
from ...base.units import counted
from ...memory.injections import POINTS, Rule
from ..arguments import CountArg, one_of
from ..system import Functions, Part

PointArg: TypeAlias = Annotated[str, one_of(POINTS)]


class Injection(Part):
    """Injected failures: they stop with :meth:`stop`, or at the end of a ``with`` block."""

    @property
    def rule(self) -> Rule:
        """The rule of the failures."""
        return self.system.injections.rules.get(int(self.path.removeprefix("injection:"))) or self.missing()

    @operation
    def stop(self) -> int:
        """Let requests succeed again; returns the number of failures."""
        system, failed = self.system, self.rule.failed
        del system.injections.rules[int(self.path.removeprefix("injection:"))]
        system.apply_injections()
        return failed

    def __enter__(self) -> Injection:
        return self

    def __exit__(self, *error: object) -> None:
        there = int(self.path.removeprefix("injection:")) in self.system.injections.rules
        if there and self.door.dead is None:
            self.stop()

    @in_ascii
    def __repr__(self) -> str:
        rule = self.rule
        which = "each request" if rule.every == 1 else f"one in {rule.every} requests"
        which += f" for {POINTS[rule.point]}" + f" after the first {rule.after}" * bool(rule.after)
        most = f", at most {counted(rule.times, 'time')}" if rule.times else ""
        return f"<{which} fails{most}: {rule.failed} of {rule.asked} so far>"


class InjectionFunctions(Functions):
    """The function of a machine that makes requests fail."""

    @operation
    def inject(self, point: PointArg, every: CountArg = 1, *, after: CountArg = 0, times: CountArg = 0) -> Injection:
        """Make one request in `every` at a `point` fail, after the first `after`; at most `times` (0: no limit).

        Points: "page_alloc", "table_page", "pager_read", "swap_full".  After the failure, the kernel's own code runs:
        the kernel recovers, or dies.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> t = m.task("init")
        >>> a = t.mmap("8 KiB")
        >>> with m.inject("page_alloc", times=1):
        ...     t.write(a, b"x")
        Traceback (most recent call last):
        vmwidgets.engine.base.errors.KernelError: NOMEM: the pager of 'memory 1' has no page for offset 0x0
        """
        if not every:
            raise Refused("every=0: write 1 for each request, 3 for one in three")
        system = self.system
        number = system.injections.add(Rule(point, every, after, times))
        system.apply_injections()
        return system.part(Injection, f"injection:{number}")
