"""What holds of each step whatever it was: how long it took, what it leaves in memory, which places errors name.

Nothing here knows what a step changes; :mod:`.outcomes` does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import vmwidgets as vm

from .memory import PAGE
from .outcomes import Difference, Got
from .scripted import SAID

if TYPE_CHECKING:
    from .drawing import Step
    from .life import Life

FOR_A_PAGER = "the pager"
"""What a thread sleeps for whose page is read in slowly, as its event says."""
LATENCY = {"slow": 3, "crawl": 7}
"""How many ticks a page of each slow file takes."""
NAMED = re.compile(r"no page for the tables of (0x[0-9a-f_]+)")
"""The place that an error names where there is no page for a table."""
LOOKS = ("peek",)
"""Kinds of steps that are not a operation."""


class Rules:
    """The rules, for one life."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.operations = 0
        self.was_quiet = True
        self.mapped: dict[str, set[int]] = {}

    def before(self, step: Step) -> None:
        """Look at what is there before a step."""
        self.operations = len(self.life.m.journal)
        self.was_quiet = self.life.drawing.is_quiet()
        self.mapped = {}
        if step.outcome == "exit":
            self.mapped = {name: self.own_frames(name) for name in self.life.memory.tasks}

    def after(self, step: Step, got: Got) -> None:
        """Hold a step that is over against the rules."""
        m = self.life.m
        made = len(m.journal) - self.operations
        if step.kind in LOOKS and made:
            raise Difference(f"a look is {made} operations")
        events = m.journal.last.events if made > 0 else ()
        self.life.counts["sleep"] += sum(
            event.subject == FOR_A_PAGER for event in events if isinstance(event, vm.events.ThreadSlept)
        )
        self.see_what_went(events)
        self.see_who_flushed(step, events)
        self.see_how_long_it_took(step, got, events)
        self.see_what_is_named(step.outcome, step.arguments, got)
        if step.outcome == "exit" and not got.error:
            self.see_heirs(step.arguments[0])

    def see_what_went(self, events: Any) -> None:
        """What a policy was told is clean needs no place to go to when it leaves for having been chosen."""
        said = list(SAID)
        SAID.clear()
        for event in events:
            if not isinstance(event, vm.events.PageOut):
                continue
            dirty = next((dirty for frame, dirty in said if frame == event.frame), True)
            if (event.frame, dirty) in said:
                said.remove((event.frame, dirty))
            if not dirty and event.to != "nowhere":
                raise Difference(f"a policy was told that frame {event.frame} is clean, and it went to {event.to}")

    def see_who_flushed(self, step: Step, events: Any) -> None:
        """What a thread's accesses on processor 1 have the kernel do is done there, which asks itself for nothing."""
        heard, self.life.heard = self.life.heard, []
        if step.lines != ("m.step()",) or not heard:
            return
        if not all(item[0] in ("load", "store") and item[1] for item in heard):
            return
        at_rest = not any(isinstance(one, vm.events.ThreadSlept) and one.subject == FOR_A_PAGER for one in events)
        asked = [one for one in events if isinstance(one, vm.events.ShootdownSent) and one.cpu == "cpu:1"]
        if at_rest and asked:
            raise Difference(f"threads' accesses on cpus[1] had another processor ask it for {asked[0]}")

    def see_how_long_it_took(self, step: Step, got: Got, events: Any) -> None:
        """Each page of a slow file takes its ticks, whoever asked for it, and nothing else takes any."""
        if step.kind in ("run", "kill") or step.failing or not self.was_quiet:
            return  # time passes on purpose, or several have pages come at once
        asked = [event for event in events if isinstance(event, vm.events.PagerAsked) and event.outcome == "miss"]
        came = [(event.object.removeprefix("file "), event.offset) for event in asked]
        files = self.life.memory.files  # as they were before the step: what is beyond their end is not read
        wanted = sum(LATENCY.get(name, 0) for name, offset in came if name in files and offset < len(files[name]))
        took = sum(event.after - event.before for event in events if isinstance(event, vm.events.ClockTicked))
        if took < wanted or (took > wanted and not got.error and step.outcome == "file_read"):
            raise Difference(f"it took {took} ticks, and {came} take {wanted}")

    def see_what_is_named(self, outcome: str, arguments: tuple[Any, ...], got: Got) -> None:
        """An error that no page is left for tables says for which address, which is one of those asked for."""
        found = NAMED.search(got.words)
        if found is None:
            return
        named = int(found[1].replace("_", ""), 16)
        if outcome == "access":
            start, end = arguments[1] & -PAGE, arguments[1] + 2 * PAGE
        elif outcome in ("munmap", "mprotect", "dontneed", "inherit", "wire", "unwire"):
            start, end = arguments[1], arguments[1] + arguments[2]
        else:
            return
        if not start <= named <= end:
            raise Difference(f"an error names {named:#x}, and {start:#x} to {end:#x} was asked for: {got.words}")

    # ---- pages that a task leaves to others --------------------------------------------------

    def own_frames(self, name: str) -> set[int]:
        """The frames of pages that a task maps, but for files'."""
        task = self.life.m.tasks[name]
        pages = self.life.memory.tasks[name].pages.items()
        found = (task.walk(va).pa for va, page in pages if page.cell is not None and not page.cell.file)
        return {int(pa) // PAGE for pa in found if pa is not None}

    def see_heirs(self, over: str) -> None:
        """What a task that is over leaves to others counts for one of those, so that limits hold for it."""
        left = self.mapped.get(over, set())
        for name in self.life.memory.tasks if left else ():
            found = left & self.own_frames(name) if name != over else set()
            pages = self.life.m.system.task_memory.pages
            free = [frame for frame in sorted(found) if frame in pages and not pages[frame].task]
            if free:
                raise Difference(f"frames {free}, which {over} left to {name}, count for no task")
