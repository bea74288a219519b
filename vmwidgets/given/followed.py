"""The results of following a kernel: values that the follower creates and pictures show."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal

from ..engine.base.errors import in_ascii
from ..engine.base.frozen import frozen
from ..engine.base.units import PAGE, counted
from ..engine.mmu.tables import TablesWalk

Outcome = Literal["nothing found", "broken", "panicked", "failed", "unfinished"]


@frozen(slots=False)
class Break:
    """The first broken rule: its name, the place, and the call that broke it."""

    rule: str
    """The rule's name, such as "free-and-mapped"."""
    says: str
    """The mistake, in one sentence."""
    call: str = ""
    """The call with its arguments; "" if none is known, and `lines` says why."""
    line: str = ""
    """The line of C of the call or the descriptor, such as "vm.c:150"; "" if none is known."""
    lines: tuple[str, ...] = ()
    """The followed calls, innermost first, each with its lines."""
    process: str = ""
    address: int | None = None
    """The virtual address of the wrong descriptor."""
    frame: int | None = None
    walks: tuple[TablesWalk, ...] = ()
    """The walks to the wrong descriptors, at the break."""
    keeps: str = ""
    """What the rule asks for, in a sentence; "" for a check of a course."""
    reason: str = ""
    """What follows if the rule is broken, in a sentence."""

    def shows(self, walk: TablesWalk) -> bool:
        """Return whether a walk is about this break: of its address, or to its frame.

        A walk of another address may succeed, and would say the opposite of the sentence above it.
        """
        is_there = self.address is not None and walk.va // PAGE == self.address // PAGE
        return is_there or (self.frame is not None and walk.pa is not None and walk.pa // PAGE == self.frame // PAGE)

    def record(self) -> dict[str, Any]:
        """Return the broken rule as JSON values."""
        return {
            "rule": self.rule,
            "says": self.says,
            "call": self.call or None,
            "line": self.line or None,
            "lines": list(self.lines),
            "process": self.process,
            "address": None if self.address is None else f"{self.address:#x}",
            "frame": None if self.frame is None else f"{self.frame:#x}",
            "descriptors": [[f"{step.value:#x}" for step in walk.steps] for walk in self.walks],
        }


@frozen(slots=False)
class Followed:
    """The result of following a kernel: the findings, how much was checked, and the unchecked parts."""

    outcome: Outcome
    lab: str
    calls: int
    """The number of calls that were followed to their return."""
    stops: int
    first: Break | None = None
    panic: str = ""
    """The kernel's words when it panicked."""
    why: str = ""
    """If nothing was found, why that is not the whole answer: a clause such as "it printed 'sbrk failed'"."""
    outside: tuple[str, ...] = field(default=())
    """Sentences about unchecked parts."""
    console: str = ""
    """The kernel's output while it was followed."""
    lines: tuple[str, ...] = ()
    """The backtrace of a panic, with lines; or, at a limit, each processor's place, and calls that never returned."""
    free: tuple[int | None, int | None] = (None, None)
    """The number of free pages when the shell waited for its first command, and at the end."""

    @property
    def headline(self) -> str:
        """The outcome in one sentence."""
        if self.first is not None:
            return self.first.says
        if self.outcome == "panicked":
            return f"The kernel panicked: {self.panic}. No call that was followed had broken a rule before."
        found = f"Nothing was found in {counted(self.calls, 'call')}"
        return f"{found}." if self.outcome == "nothing found" else f"{found}, and {self.why}."

    def record(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "outcome": self.outcome,
            "lab": self.lab,
            "says": self.headline,
            "calls": self.calls,
            "stops": self.stops,
            "break": None if self.first is None else self.first.record(),
            "panic": self.panic,
            "lines": list(self.lines),
            "free_pages": {"before": self.free[0], "after": self.free[1]},
            "console": self.console,
            "outside": list(self.outside),
        }

    @in_ascii
    def __repr__(self) -> str:
        at = f" {self.first.line}:" if self.first is not None and self.first.line else ""
        return f"<followed, {self.outcome}:{at} {self.headline}>"
