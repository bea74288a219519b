"""The kinds of events before which pictures stop after a cell."""

from __future__ import annotations

from ..event_kinds import checked_kinds
from ..system import Functions


class BreakFunctions(Functions):
    """The functions of a machine about breaks."""

    def break_on(self, *kinds: str) -> None:
        """When a cell ends, show the moment before its first event of these kinds; without kinds, stop doing so.

        Kinds are "rotation", "clip", "merge", "refill", "fault", "copy", "page-out", "flush", "sleep", "wake" and
        "panic".  This changes pictures and not the machine: it is not an operation, and branches do not inherit it.

        Raises :class:`Refused` for a name that is not a kind.

        >>> import vmwidgets as vm
        >>> m = vm.boot()
        >>> m.break_on("rotation", "fault")
        >>> m.system.breaks
        ('rotation', 'fault')
        >>> m.break_on()
        """
        kinds = checked_kinds(kinds, "break_on")
        self.door.refuse_if_closed()
        self.system.breaks = kinds
