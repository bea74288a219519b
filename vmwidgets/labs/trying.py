"""A place to try: a copy of a machine to throw away, so that mistakes do not affect the lab."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.machine import Machine

from .session import Kept
from .starting import machine_of

_copies: Kept[WeakSet[Machine]] = Kept(WeakSet)


@contextmanager
@says_what_it_takes
def try_on(thing: Any) -> Iterator[Any]:
    """Copy a machine, a task or a map for experiments, which are neither recorded nor graded.

    The copy begins in the current state of `thing`.  Calls on the copy do not change `thing`, its journal, its pictures
    or later cells.  A check of a copy reports what it finds and counts for nothing.  Variables are not copied, so use
    the name after ``as``.  Numbers such as addresses are valid in both.  The copy costs as much as
    :meth:`Machine.branch`; as in a branch, a sleeping thread stays asleep.

    Raises :class:`Refused` for anything except a machine or a part of a machine.

    >>> import vmwidgets as vm
    >>> t = vm.boot().task("t")
    >>> a = t.map.enter("16 KiB")
    >>> with vm.lab.try_on(t) as copy:
    ...     copy.map.remove(a + vm.PAGE, size=vm.PAGE)
    ...     print(len(copy.map), "entries in the copy")
    2 entries in the copy
    >>> len(t.map), t.machine.journal.last.name
    (1, 'enter')
    """
    machine = machine_of(thing)
    if machine is None:
        raise Refused(f"thing={shown(thing)}: use a machine, or a part of a machine such as a task or a map")
    copy = machine.branch()
    _copies.now().add(copy)
    yield copy if thing is machine else copy.part(thing.path)


def is_tried(thing: Any) -> bool:
    """Return whether `thing` is a copy made by :func:`try_on`, or a part of one."""
    machine = machine_of(thing)
    return machine is not None and machine in _copies.now()
