"""Two scripts of operations in every order: the possible results of a race, and the shortest order for each."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Any, NamedTuple

from ...base.calls import says_what_it_takes
from ...base.errors import KernelPanic, Refused, VMError, in_ascii, shown
from ...base.units import counted
from ..kept.copies import NoCopy
from .searches import Question

MOST_STEPS = 20_000
"""The default for `most`, the largest number of steps."""

SCRIPT = (
    "write a list of steps, each with a part of the machine, its operation, and the arguments, such as "
    "[('task:init', 'read', 0x1_0000, 4)]"
)


class Reached(NamedTuple):
    """A machine after some steps of each script; `ways` counts the orders that lead to it, and `order` is the first."""

    machine: Any
    done: tuple[int, int]
    ways: int
    order: tuple[int, ...]


class Orders:
    """The results of two scripts in all orders, from :func:`orders`."""

    def __init__(self, first: Sequence[Any], second: Sequence[Any]) -> None:
        self.scripts = (tuple(first), tuple(second))
        self.count = comb(len(first) + len(second), len(first))
        """The number of orders."""
        self.wrong = 0
        """The number of orders in which the function was true after some step."""
        self.died = 0
        """The number of orders in which the machine died before the function became true."""
        self.done = 0
        """The number of steps that were run; orders that lead to the same machine continue as one."""
        self.stopped_before = 0
        """The number of steps after which incomplete orders were stopped; 0 if all are complete."""
        self.machine: Any = None
        """A machine that ran the shortest wrong order, to step through; None if no order is wrong."""
        self._shortest: tuple[int, ...] | None = None

    @property
    def shortest(self) -> tuple[tuple[Any, ...], ...] | None:
        """The steps of the shortest order that made the function true, up to that point; None if it never was true.

        Among equally short orders, this is the order in which the first script is further ahead.
        """
        if self._shortest is None:
            return None
        scripts = [iter(script) for script in self.scripts]
        return tuple(next(scripts[which]) for which in self._shortest)

    @in_ascii
    def __repr__(self) -> str:
        lengths = " and ".join(str(len(script)) for script in self.scripts)
        lines = [f"{self.count:,} orders of {lengths} steps, {counted(self.done, 'step')} run"]
        if self.stopped_before:
            done = counted(self.stopped_before, "step")
            lines.append(f"stopped at the limit: orders are run for {done}, and no further")
        if self.died:
            lines.append(f"the machine dies in {self.died:,}")
        if self._shortest is None:
            lines.append("it happens in none of them")
        else:
            lines.append(f"it happens in {self.wrong:,}; the shortest:")
            for which, step in zip(self._shortest, self.shortest or (), strict=True):
                lines.append(f"  {'first ' if which == 0 else 'second'}  {_typed(step)}")
        return "\n".join(lines)

    # ---- how they are followed -----------------------------------------------------------------

    def follow(self, begin: Any, question: Question, most: int, prune: bool) -> None:
        """Run the steps of both scripts in every order, all orders one step further at a time."""
        reached = [Reached(begin, (0, 0), 1, ())]
        lengths = [len(script) for script in self.scripts]
        while reached:
            further: dict[Any, Reached] = {}
            for at in reached:
                for which in (0, 1):
                    if at.done[which] == lengths[which]:
                        continue
                    if self.done >= most:
                        self.stopped_before = len(at.order)
                        return
                    now = self._step(at, which)
                    left = [length - done for length, done in zip(lengths, now.done, strict=True)]
                    if question.is_true(now.machine):
                        self.wrong += now.ways * comb(sum(left), left[0])
                        if self._shortest is None:
                            self._shortest, self.machine = now.order, now.machine
                    elif now.machine.dead:
                        self.died += now.ways * comb(sum(left), left[0])
                    elif any(left):
                        key = (now.done, _state(now.machine) if prune else now.order)
                        same = further.get(key)
                        further[key] = now if same is None else same._replace(ways=same.ways + now.ways)
            reached = list(further.values())

    def _step(self, at: Reached, which: int) -> Reached:
        """Return the machine after one further step of the first or second script."""
        machine, step = at.machine.branch(), self.scripts[which][at.done[which]]
        path, name, given, named = _parts(step)
        self.done += 1
        try:
            machine.recorded(path, name)(*given, **named)
        except (Refused, TypeError) as error:
            place = f"{('first', 'second')[which]}[{at.done[which]}]"
            raise Refused(f"{place}, {_typed(step)}, after {counted(len(at.order), 'step')}: {error}") from None
        except (KernelPanic, VMError):
            pass  # the step's result is its failure
        done = at.done[0] + (which == 0), at.done[1] + (which == 1)
        return Reached(machine, done, at.ways, (*at.order, which))


@says_what_it_takes
def orders(
    machine: Any,
    first: Sequence[Any],
    second: Sequence[Any],
    wrong: Any,
    *,
    most: int = MOST_STEPS,
    prune: bool = True,
) -> Orders:
    """Run two scripts in every order on branches of `machine`, and count the orders in which `wrong` becomes true.

    A step is a tuple: the name of a part of the machine, as in records; one of the part's operations; and the
    arguments.  A dictionary at the end contains the keyword arguments.  The steps of a script keep their order. `wrong`
    is called after each step with a machine whose ``journal.last`` is that step; it may only read.  A step that fails
    counts as done; the error is in its record.  Orders that lead to the same machine continue as one order; with
    `prune` False they don't, but the result is the same.  At most `most` steps are run.  The machine itself does not
    change.

    Raises :class:`Refused` for an invalid script, for a step that a machine refuses, and for a function that changes
    something.  O(steps run), some milliseconds each on a small machine.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64", layout="tiny")
    >>> page = m.task("a").mmap("4 KiB")
    >>> writes = [("task:a", "write", page, b"1"), ("task:a", "write", page, b"2")]
    >>> vm.orders(m, writes, [("task:a", "read", page, 1)], lambda m: m.journal.last.result == b"1")
    3 orders of 2 and 1 steps, 7 steps run
    it happens in 1; the shortest:
      first   task:a.write(0x1_0000, b'1')
      second  task:a.read(0x1_0000, 1)
    """
    if not hasattr(machine, "branch") or not hasattr(machine, "door"):
        raise Refused(f"machine={shown(machine)}: write a machine, such as vm.boot()")
    for name, script in (("first", first), ("second", second)):
        _check(name, script)
    if type(most) is not int or most < 1:
        raise Refused(f"most={shown(most)}: write the largest number of steps, 1 or more")
    found = Orders(first, second)
    found.follow(machine.branch(), Question("orders", wrong), most, prune)
    return found


def _check(name: str, script: Any) -> None:
    if not isinstance(script, (list, tuple)):
        raise Refused(f"{name}={shown(script)}: {SCRIPT}")
    for number, step in enumerate(script):
        if not isinstance(step, (list, tuple)) or len(step) < 2 or not all(isinstance(one, str) for one in step[:2]):
            raise Refused(f"{name}[{number}]={shown(step)}: {SCRIPT}")


def _state(machine: Any) -> object:
    """Return a value that is equal for equal machines; a machine with a thread inside a call is equal to no other."""
    try:
        return machine.system.copy()
    except NoCopy:
        return object()


def _parts(step: Sequence[Any]) -> tuple[str, str, list[Any], dict[str, Any]]:
    """Return a step's part, operation, positional arguments and keyword arguments."""
    path, name, *given = step
    if given and isinstance(given[-1], dict):
        return path, name, given[:-1], given[-1]
    return path, name, given, {}


def _typed(step: Sequence[Any]) -> str:
    path, name, given, named = _parts(step)
    written = [*(repr(one) for one in given), *(f"{key}={value!r}" for key, value in named.items())]
    return f"{path}.{name}({', '.join(written)})"
