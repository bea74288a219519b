"""The dashboard while kernel memory is worked on: maps, threads if there are any, and how much memory is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.machine import Machine
from vmwidgets.views.dashboard import stack
from vmwidgets.views.scene import Scene

from .frames import frames_scene
from .kmem import kmem_scene, moment_of
from .threads import threads_scene

AMONG = 16
"""How many of the latest operations say what is worked on."""

_ELSEWHERE = frozenset(
    ("boot", "task", "object", "device", "domain", "destroy_domain", "reap", "set_controls", "set_descriptor",
     "undo_descriptor")
)  # fmt: skip
"""Operations of a machine that are not about kernel memory."""


def kmem_at_hand(machine: Machine) -> Operation | None:
    """The latest operation, if it is about kernel memory, its pages or threads; what concerns no map is passed over."""
    operation: Operation
    for operation in reversed(machine.journal[-AMONG:]):
        part = operation.target.partition("/")[0]
        if part in ("kmem", "threads", "pagedaemon") or operation.name.startswith("kmem_"):
            return operation
        if part == "machine" and operation.name not in _ELSEWHERE:
            return operation
        if part != "machine":
            return None
    return None


def kmem_dashboard(
    machine: Machine, operation: Operation, step: int, selection: str, opened: Sequence[int] = ()
) -> Scene:
    """Kernel memory at `step` of `operation`, with what else there is to see of it; the list of a map only where no
    thread needs the room.
    """  # noqa: D205  one sentence
    events = operation.events
    threads = any(thread.name != "pagedaemon" for thread in machine.threads)
    moment = moment_of(machine.kmem, operation, events, step)
    scenes = [kmem_scene(machine.kmem, operation, events, step, selection, opened=opened, compact=threads)]
    if threads:
        scenes.append(threads_scene(machine.threads, moment, events))
    scenes.append(frames_scene(machine.frames, moment, events, selection, compact=True))
    if threads:  # what a deadlock adds to the caption belongs on top
        scenes[0] = replace(scenes[0], caption=scenes[1].caption)
    first = scenes[0]
    return stack(scenes, title=f"{machine.name}: kernel memory", subtitle=f"{machine.architecture} · {first.subtitle}")
