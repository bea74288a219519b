"""What a scan of a whole history finds: a machine made again, looked at after each of its operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import vmwidgets as vm
from vmwidgets import PAGE
from vmwidgets.engine.machine.system import System

Look = Callable[[Any], Any]
"""Looks at a machine, and gives what it sees, to be compared."""


def last_changes(machine: vm.Machine, looks: dict[Any, Look]) -> dict[Any, int]:
    """By name of a look: the number of the operation after which it saw something else for the last time; 0: none."""
    found: dict[Any, int] = dict.fromkeys(looks, 0)

    def begin(system: System) -> Callable[[System], None]:
        seen = {name: look(system.machine) for name, look in looks.items()}

        def after(system: System) -> None:
            for name, look in looks.items():
                now = look(system.machine)
                if now != seen[name]:
                    seen[name], found[name] = now, system.journal.last.number

        return after

    machine.history.retrace(begin)
    return found


def last_changes_of_bytes(machine: vm.Machine, pages: set[tuple[str, int]]) -> dict[tuple[str, int], list[int]]:
    """Of pages, each a task's name and an address: for each byte the operation after which it was another one."""
    found = {page: [0] * PAGE for page in pages}

    def begin(system: System) -> Callable[[System], None]:
        seen: dict[tuple[str, int], bytes | str] = dict.fromkeys(pages, "FAULT")

        def after(system: System) -> None:
            number = system.journal.last.number
            for page in pages:
                now, before = peeked(system.machine, *page), seen[page]
                if now == before:
                    continue
                seen[page] = now
                if isinstance(now, str) or isinstance(before, str):
                    found[page] = [number] * PAGE
                    continue
                for at in range(PAGE):
                    if now[at] != before[at]:
                        found[page][at] = number

        return after

    machine.history.retrace(begin)
    return found


def peeked(machine: Any, task: str, va: int) -> bytes | str:
    """A page as a task sees it, or the name of the error."""
    if task not in machine.tasks:
        return "FAULT"
    try:
        content: bytes = machine.tasks[task].peek(va, PAGE)
    except vm.KernelError as error:
        return error.name
    return content


def pages_of(machine: Any) -> set[tuple[str, int]]:
    """The pages of all tasks that entries map, up to 64 an entry."""
    return {
        (name, va)
        for name, task in machine.tasks.items()
        for entry in task.map.entries()
        for va in range(entry.start, min(entry.end, entry.start + 64 * PAGE), PAGE)
    }
