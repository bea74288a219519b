"""The questions that learners ask about a machine's history."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

from ...base.errors import KernelError, Refused, shown
from ...base.journal import Operation
from ...base.progress import Progress
from ...base.units import PAGE_SHIFT, Address
from .. import arguments
from ..handles.files import MachineFile
from ..handles.frames import MachineFrames
from ..handles.map_part import MapPart
from ..handles.objects import MemoryObject
from ..handles.tables import MachineTables, MachineWalk
from ..handles.tasks import Task
from ..history import History
from ..system import Functions
from . import searches
from .again import Again
from .again import again as live_again
from .last import LastChanges, Sight, byte_of, entry_at, mapped_at, owner_of, page_of, word_at
from .searches import Turn
from .why import Why
from .why import why as asked_why

THINGS = "a task, a map, page tables, a walk, m.frames, a memory object or a file"


class Hindsight(Functions):
    """The functions of a machine that search for an operation.

    They change nothing, and are not operations.
    """

    history: History

    def last_write(self, thing: Any, where: Any = None, *, progress: Progress | None = None) -> Operation:
        r"""Return the operation that last changed `thing` at `where`; the boot, if nothing has changed it since.

        `thing` and `where` may be

        - a task and an address: the byte that the task sees;
        - a map and an address: the entry there;
        - page tables and an address: the last descriptor of its walk (or pass the walk alone);
        - ``m.frames`` and the number of a frame: the frame's owner;
        - a memory object or a file and the offset of a page: the place of that page.

        An operation that changes something and changes it back does not count.  Nor does a write of the same byte.
        Operations are replayed from the latest backwards, 500 at a time, some 100 µs each, until the answer is found.
        Stretches that cannot have changed the thing are left out, but for a frame's owner: a machine knows which frames
        its operations wrote, and which pages and entries they moved.  A search can be stopped, and `progress` is called
        with the number of replayed operations and the total.  What is found of this thing is remembered.

        Raises :class:`Refused` if nothing was ever there.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> t = m.task("init")
        >>> a = t.mmap("8 KiB")
        >>> t.write(a, b"one")
        >>> child = t.fork()
        >>> child.write(a, b"two")
        >>> m.last_write(t, a)
        3: task:init.write(address=0x1_0000, data=b'one') -> None
        >>> m.last_write(child, a).number, m.last_write(child, a + 3).name, m.last_write(t, a + 4096).name
        (5, 'fork', 'mmap')
        """
        self._between("last_write")
        with self.system.door.looking():
            searches.check_progress(progress)
            places = _places(self, thing, where)
            found = LastChanges.of(self).latest(places, progress=progress)
        if found is None:
            _refuse_what_never_was(thing, where)
            return self.system.journal[0]
        return found

    def why(self, thing: Any, where: Any = None) -> Why:
        """Explain the state of `thing` at `where` by a minimal set of operations that produces it.

        `thing` and `where` are as for :meth:`last_write`: the byte of a task, the entry of a map, the translation of an
        address, a walk with its fault, or a frame that page tables map.  If one operation of the result is left out,
        the others no longer produce it; operations outside the result may produce it in another way.  If the operation
        that last changed the thing is not needed, it is named as well: a page that was written and then dropped is
        zero, as at first.

        Some operations, and sometimes all, are repeated on new machines, about 2 ms each time.  The call can be
        stopped.  Raises :class:`Refused` if nothing was ever there.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> t = m.task("init")
        >>> a = t.mmap("8 KiB")
        >>> t.write(a, b"one")
        >>> child = t.fork()
        >>> t.write(a, b"two")
        >>> m.why(child, a)
        the byte at 0x1_0000 of task 'init.1' is 0x6f, because of
          1: machine.task(name='init') -> task:init
          2: task:init.mmap(size='8 KiB') -> 0x1_0000
          3: task:init.write(address=0x1_0000, data=b'one') -> None
          4: task:init.fork() -> task:init.1
        """
        last = self.last_write(thing, where)
        with self.system.door.looking():
            asked = _to_explain(thing, where)
            return asked_why(self, *asked, _places(self, *asked), last)

    def first(self, f: Callable[[Any], Any], *, progress: Progress | None = None) -> Operation:
        """Return the first operation after which `f` is true for this machine; `f` is called after each operation.

        `f` is called with the machine at that point, and may only read it.  If `f` reads something that does not exist
        at that point (a task that has not been created yet, an address without a mapping), it counts as false.
        `progress` is called with the number of operations searched and the total; the search can be stopped.
        O(operations), about 400 µs each.

        Raises :class:`Refused` if `f` calls an operation or is never true, and CallbackFailed if it fails.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> for _ in range(6):
        ...     a = m.kernel_map.enter("16 KiB", nomerge=True)
        >>> m.first(lambda m: len(m.kernel_map) > 5).number
        3
        """
        self._between("first")
        with self.system.door.looking():
            return searches.first(self.history, f, progress)

    def turned(self, f: Callable[[Any], Any]) -> Turn:
        """Return an operation at which the value of `f` changed.  The search is a bisection; there may be more.

        `f` is as for :meth:`first`; its values after the boot and now must differ.  In a history of 10,000 operations,
        `f` is called some hundred times.  Raises :class:`Refused` if the two values are the same.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> t = m.task("init")
        >>> a = t.mmap("4 KiB")
        >>> t.write(a, b"x")
        >>> t.write(a, b"y")
        >>> m.turned(lambda m: m.tasks["init"].peek(a) == b"y")
        4: task:init.write(address=0x1_0000, data=b'y') -> None
        f is False before it, and True after it; it may have changed elsewhere too
        """
        self._between("turned")
        with self.system.door.looking():
            return searches.turned(self.history, f)

    def again(
        self,
        *,
        replacement: Any = None,
        tlb: tuple[int, int] | None = None,
        fork: str | None = None,
        placement: str | None = None,
        quirks: Iterable[str] | None = None,
    ) -> Again:
        """Replay this machine's history from the boot with one setting changed, and compare the results.

        The setting is `replacement` (a policy, as in ``m.replacement``; recorded choices of a policy are skipped),
        `tlb`, `fork` or `quirks` (as in :func:`vmwidgets.boot`), or `placement` (for all tasks).  The result's
        ``.machine`` is the machine of the replay, and can continue.

        An operation may return another address than before.  An address inside a range that an earlier call returned
        moves with that range, and ``.moved`` counts such addresses.  Functions for pagers and policies, and handlers
        that take the machine, are called again.  If the replay can't continue, for example at a thread's code,
        ``.stopped`` says where and why, and the counts are up to that operation.  O(operations), twice.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64", layout="tiny")
        >>> t = m.task("init")
        >>> a = t.mmap("16 KiB")
        >>> for page in range(4):
        ...     t.write(a + page * vm.PAGE, b"x")
        >>> child = t.fork()
        >>> child.write(a, b"y")
        >>> other = m.again(fork="eager")
        >>> other
        the same history with fork='eager': 9 of 9 operations
                        before       now
        faults               5         4
        TLB misses          10         9
        copies               1         4
        page-outs            0         0
        table pages         12        12
        entries             13        13
        >>> other.machine.tasks["init.1"].read(a, 1)
        b'y'
        """
        self._between("again")
        given = {"replacement": replacement, "tlb": tlb, "fork": fork, "placement": placement, "quirks": quirks}
        with self.system.door.looking():
            return live_again(self, given)

    @abstractmethod
    def _between(self, name: str) -> None:
        """Refuse a question while an operation is running, or if the machine can't be rebuilt."""


def _places(machine: Any, thing: Any, where: Any) -> list[Sight]:
    """Return how the thing is looked at; refuse if this machine has no such thing."""
    source = thing.machine if isinstance(thing, MachineWalk) else getattr(thing, "machine", None)
    if not isinstance(thing, (Task, MapPart, MachineTables, MachineWalk, MachineFrames, MemoryObject, MachineFile)):
        raise Refused(f"thing={shown(thing)}: write {THINGS}")
    if source is not machine:
        raise Refused(f"thing={shown(thing)} belongs to another machine")
    if isinstance(thing, MachineWalk):
        return _descriptor(thing)
    if where is None:
        raise Refused(f"where=None: {thing!r} has many; {_what_to_write(thing)}")
    if isinstance(thing, MachineFrames):
        thing.owner(where)  # refuses anything that is not a frame
        return [owner_of(int(where))]
    if isinstance(thing, (MemoryObject, MachineFile)):
        target = thing.file.object if isinstance(thing, MachineFile) else thing.vm_object
        index = arguments.whole(where, "where") >> PAGE_SHIFT
        return [page_of(target.name, index)]
    if isinstance(thing, MachineTables):
        return _descriptor(thing.walk(where))
    if isinstance(thing, MapPart):
        vm_map = thing.vm_map
        va = arguments.address_within(where, "where", vm_map)
        return [entry_at(vm_map.name, va)]
    thing.check_alive()
    va, _ = arguments.span(where, 1, thing.pmap.fmt.word_bits, "where")
    return [byte_of(thing.name, va), mapped_at(thing.name, va)]


def _to_explain(thing: Any, where: Any) -> tuple[Any, Any]:
    """Return `thing` and `where`; for a frame, return page tables that map it, and the address, instead."""
    if isinstance(thing, (MemoryObject, MachineFile)):
        raise Refused(f"thing={thing!r}: ask why of a byte of a task that maps it; m.last_write says what moved a page")
    if not isinstance(thing, MachineFrames):
        return thing, where
    mapped = thing.mapped_at(where)
    if not mapped:
        asked = f"m.last_write(m.frames, {where})"
        raise Refused(f"where={where}: no page tables lead to this frame; {asked} says what changed its owner")
    space, va = mapped[0]
    return thing.machine.tables_of(space), va


def _what_to_write(thing: Any) -> str:
    if isinstance(thing, MachineFrames):
        return "write the number of a frame"
    if isinstance(thing, (MemoryObject, MachineFile)):
        return "write the offset of a page, in bytes"
    return "write an address"


def _descriptor(walk: MachineWalk) -> list[Sight]:
    if not walk.steps:
        raise Refused(f"{walk!r}: no descriptor was read; write an address that a walk begins with")
    return [word_at(walk.steps[-1].pa)]


def _refuse_what_never_was(thing: Any, where: Any) -> None:
    """Refuse a thing that does not exist and never did; things that have existed since the boot are accepted."""
    if isinstance(thing, Task):
        try:
            thing.peek(where)
        except KernelError:
            raise Refused(f"where={_address(where)}: nothing was ever mapped there in task {thing.name!r}") from None
    elif isinstance(thing, MapPart):
        va = arguments.whole(where, "where")
        entry = thing.vm_map.peek(va)
        if entry is None or va < entry.start:
            raise Refused(f"where={_address(where)}: {thing.vm_map.called} never had an entry there")
    elif isinstance(thing, (MemoryObject, MachineFile)):
        raise Refused(f"where={_address(where)}: this page of {thing!r} was never in memory")


def _address(where: Any) -> Address:
    return Address(arguments.whole(where, "where"))
