"""What following a kernel found: the values that the follower makes and pictures show."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal

from ..base.errors import in_ascii
from ..base.frozen import frozen
from ..base.units import counted
from .tables import TablesWalk

Outcome = Literal["nothing found", "broken", "panicked", "unfinished"]


@frozen(slots=False)
class Break:
    """The first thing that must not be: which rule, where, and which call did it."""

    rule: str
    """The rule's name, such as "free-and-mapped"."""
    says: str
    """What is wrong, in one sentence."""
    call: str = ""
    """The call with its arguments."""
    line: str = ""
    """The line of C that the call or the descriptor comes from, such as "vm.c:150"."""
    lines: tuple[str, ...] = ()
    """The followed calls that led there, the innermost first, each with its lines."""
    process: str = ""
    address: int | None = None
    """The virtual address whose descriptor is wrong."""
    frame: int | None = None
    walks: tuple[TablesWalk, ...] = ()
    """The paths to the descriptors that are wrong, as they were at the break."""

    def record(self) -> dict[str, Any]:
        """The same as JSON's values."""
        return {
            "rule": self.rule,
            "says": self.says,
            "call": self.call,
            "line": self.line,
            "lines": list(self.lines),
            "process": self.process,
            "address": None if self.address is None else f"{self.address:#x}",
            "frame": None if self.frame is None else f"{self.frame:#x}",
            "descriptors": [[f"{step.value:#x}" for step in walk.steps] for walk in self.walks],
        }


@frozen(slots=False)
class Followed:
    """How following a kernel ended: what was found, how much was looked at, and what was not."""

    outcome: Outcome
    lab: str
    calls: int
    """Calls that were followed to their return."""
    stops: int
    first: Break | None = None
    panic: str = ""
    """What the kernel said when it panicked."""
    why: str = ""
    """Why it ended, if nothing was found."""
    outside: tuple[str, ...] = field(default=())
    """What was not looked at, in sentences."""
    console: str = ""
    """What the kernel printed while it was followed."""
    lines: tuple[str, ...] = ()
    """At a panic, its backtrace with lines; at a limit, where each processor is, and the calls that never returned."""
    free: tuple[int | None, int | None] = (None, None)
    """The free pages when the shell waited for its first command, and at the end."""

    @property
    def headline(self) -> str:
        """Return how it ended, in one sentence."""
        if self.first is not None:
            return self.first.says
        if self.outcome == "panicked":
            return f"The kernel panicked: {self.panic}. No call that was followed had broken a rule before."
        found = f"Nothing was found in {counted(self.calls, 'call')}"
        return (
            f"{found}." if self.outcome == "nothing found" else f"{found}, and it did not come to its end: {self.why}."
        )

    def record(self) -> dict[str, Any]:
        """The same as JSON's values."""
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
