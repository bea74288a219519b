"""Playing a small C program on a machine: each access of each line is an operation of a task."""

from __future__ import annotations

from ... import events as ev
from ...engine.base.calls import says_what_it_takes
from ...engine.base.errors import Refused, a_kind, shown
from ...engine.base.units import Address
from ...engine.machine import Machine
from ...engine.machine.handles.tasks import Task
from ...given.played import Played, PlayedStep, ProgramStep
from .listed import steps_of, text_of


@says_what_it_takes
def play(program: str, machine: Machine) -> Played:
    """Make a task of `machine` do what a small C program does, access by access; the picture shows the program's text.

    `program` is "matrix", "fork" or "malloc".  The task has the program's name, and a child is called "child".  The
    accesses are the compiled program's, except accesses to its stack, its instructions, and the private data of malloc
    and free.  Stack and instructions are not in the machine.

    Each access is an operation, and ``m.undo()`` undoes one.  O(accesses); a program has at most a hundred.

    Raises :class:`Refused` for an unknown program, and if the machine has or had tasks with these names; nothing has
    changed then.  Fails with NOMEM when memory runs out.

    >>> import vmwidgets as vm
    >>> vm.play("matrix", vm.boot("x86-64", tlb=(1, 4)))
    matrix.c: 73 operations; line: accesses, TLB misses, faults, copies
      3:   0   0   0   0  _Alignas(4096) int a[ROWS][COLUMNS]; /* a row a page */
      8:   8   8   8   0  a[i][0] = 1; /* each page is used once */
     11:  32   8   0   0  a[i][j] = 2; /* row by row */
     14:  32  32   0   0  a[i][j] = 3; /* column by column */
    """
    if not isinstance(machine, Machine):
        raise Refused(f"machine={shown(machine)} is {a_kind(machine)}: boot one with vm.boot()")
    steps = steps_of(program)
    names = {"main": program} | {one.name: one.name for one in steps if one.what == "fork"}
    taken = next((name for name in names.values() if machine.system.has_had_task(name)), None)
    if taken is not None:
        raise Refused(f"this machine has or had a task {taken!r}: play {program!r} on another, such as vm.boot()")
    player = _Player(machine, machine.task(program))
    return Played(program, text_of(program), machine, tuple(player.made(step) for step in steps))


class _Player:
    """The processes of a program, and the addresses of its memory: a child has the same addresses as its parent."""

    def __init__(self, machine: Machine, first: Task) -> None:
        self._machine = machine
        self._tasks = {"main": first}
        self._starts: dict[str, Address] = {}

    def made(self, step: ProgramStep) -> PlayedStep:
        """Do one step, and return its operation."""
        self._do(step, self._tasks[step.process])
        operation = self._machine.journal.last
        events = operation.events
        faults = sum(isinstance(event, ev.FaultRaised) for event in events)
        copies = sum(isinstance(event, ev.PageCopied) for event in events)
        has_missed = any(isinstance(event, ev.TlbMissed) for event in events)
        return PlayedStep(step, operation.serial, int(has_missed), faults, copies)

    def _do(self, step: ProgramStep, task: Task) -> None:
        if step.what == "map":
            self._starts[step.name] = task.mmap(step.size)
        elif step.what == "heap":
            self._starts[step.name] = task.brk()
            task.brk(self._starts[step.name] + step.size)
        elif step.what == "unmap":
            task.munmap(self._starts[step.name], step.size)
        elif step.what == "fork":
            self._tasks[step.name] = task.fork(step.name)
        elif step.what == "exit":
            task.exit()
        elif step.what == "read":
            task.read(self._starts[step.name] + step.offset, step.size)
        else:
            task.write(self._starts[step.name] + step.offset, b"x" * step.size)
