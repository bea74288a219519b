"""What becomes of an access when one bit of a descriptor is flipped."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.machine.tables import MachineWalk

from .translations import fault_of


def flips(walk: MachineWalk, level: int = 1) -> dict[str, str]:
    """For each bit of a descriptor that `walk` read: what the same access gives when that bit is flipped.

    `level` 1 is the last descriptor, 2 the one before.  Bits with the same result are together: the result, and which
    bits.  All edits are taken back.  Refused for a walk that read no such descriptor, and for one of tables that were
    recorded.

    >>> import vmwidgets as vm
    >>> task = vm.boot("x86-64").task("init")
    >>> a = task.mmap("4 KiB")
    >>> task.write(a, b"x")
    >>> found = vm.lab.flips(task.walk(a))
    >>> found["not-present, #PF 0x4 (U/S)"], found["the same"]
    ('0', '1, 3–11, 52–63')
    """
    machine: Any = getattr(walk, "machine", None)
    if machine is None:
        raise Refused(f"walk={shown(walk)}: write a walk in a machine that is there, such as task.walk(address)")
    if not 0 < level <= len(walk.steps):
        raise Refused(f"level={shown(level)}: this walk read {counted(len(walk.steps), 'descriptor')}")
    step = walk.steps[-level]
    found: dict[str, list[int]] = {}
    for bit in range(8 * machine.pmap.fmt.entry_width):
        machine.set_descriptor(step.pa, step.value ^ 1 << bit)
        after = machine.walk(walk.va, walk.access, user=walk.user, task=walk.task or None)
        said = fault_of(after) if not after.ok else "the same" if after.pa == walk.pa else "another frame"
        found.setdefault(said, []).append(bit)
        machine.undo_descriptor()
    return {said: _ranges(bits) for said, bits in found.items()}


def _ranges(bits: list[int]) -> str:
    """Numbers in a row as one range."""
    firsts = [bit for bit in bits if bit - 1 not in bits]
    lasts = [bit for bit in bits if bit + 1 not in bits]
    return ", ".join(f"{a}–{b}" if a < b else f"{a}" for a, b in zip(firsts, lasts, strict=True))
