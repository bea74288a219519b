"""The page tables of a machine's address spaces, to show, to walk, and to edit by hand to see what breaks."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, fields
from types import MappingProxyType
from typing import Any, NamedTuple

from ...base.attributes import Suggesting
from ...base.errors import Broken, KernelPanic, Refused, a_kind, in_ascii, shown
from ...base.frozen import frozen
from ...base.operations import operation
from ...base.units import MIB, PAGE, PAGE_SHIFT, Address, Size, counted
from ...kernel.pmap.pmap import Pmap
from ...memory.ram import BusError, Ram
from ...mmu.editor import HandEdit, HandEdits
from ...mmu.levels import Level
from ...mmu.rules import Access
from ...mmu.tables import PageTables
from ...mmu.tables_schema import PteWritten, Walk
from ...mmu.walk import walk
from .. import arguments
from ..arguments import BytesArg
from ..invariants import check_machine
from ..system import Edit, Functions, SpacePart, System


class MemoryBefore:
    """Earlier physical memory: `before` has earlier values of words of `width` bytes, by physical address."""

    def __init__(self, ram: Ram, before: Mapping[int, int], width: int) -> None:
        self._ram = ram
        self._before = before
        self._width = width
        self._in_page: dict[int, list[int]] = {}
        for pa in before:
            self._in_page.setdefault(pa >> PAGE_SHIFT, []).append(pa)

    def read_word(self, pa: int, width: int) -> int:
        """Return the word of `width` bytes at `pa`."""
        before = self._before.get(pa)
        return self._ram.read_word(pa, width) if before is None else before

    def read(self, pa: int, length: int) -> bytes:
        """Return `length` bytes from `pa` on.  O(bytes + words with earlier values in their pages)."""
        data = bytearray(self._ram.read(pa, length))
        for page in range(pa >> PAGE_SHIFT, (pa + length - 1 >> PAGE_SHIFT) + 1):
            for place in self._in_page.get(page, ()):
                if pa <= place < pa + length:
                    data[place - pa : place - pa + self._width] = self._before[place].to_bytes(self._width, "little")
        return bytes(data)


@frozen(slots=False, repr=False)
class MachineWalk(Walk):
    """A walk on a machine; two walks are equal if the hardware did the same in both.

    `source` leads to the machine while it exists; `task` is the owner of the walked tables ("" for the kernel).
    """

    source: weakref.ref[Any] | None = field(default=None, repr=False, compare=False)
    task: str = field(default="", compare=False)

    @property
    def machine(self) -> Any:
        """The machine that was walked; None if it no longer exists."""
        return None if self.source is None else self.source()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the values of the walk; a machine is in no pickle."""
        values = (None if one.name == "source" else getattr(self, one.name) for one in fields(self))
        return type(self), tuple(values)

    def __copy__(self) -> MachineWalk:
        """Return the walk itself, which never changes."""
        return self

    def __deepcopy__(self, _known: object) -> MachineWalk:
        """Return the walk itself, which never changes."""
        return self

    def flips(self, level: int = 1) -> dict[str, str]:
        """Flip each bit of a descriptor that the walk read; returns, by result of the access, the bits that cause it.

        `level` 1 is the last descriptor, 2 the descriptor before it.  Bits with the same result are grouped.  All flips
        are undone.  The call is refused for a walk that read no descriptor at that level.

        >>> import vmwidgets as vm
        >>> task = vm.boot("x86-64").task("init")
        >>> a = task.mmap("4 KiB")
        >>> task.write(a, b"x")
        >>> found = task.walk(a).flips()
        >>> found["not-present, #PF 0x4 (U/S)"], found["the same"]
        ('0', '1, 3–11, 52–63')
        """
        machine = self.machine
        if machine is None:
            raise Refused("the machine of this walk no longer exists: walk again, such as task.walk(address)")
        if not 0 < level <= len(self.steps):
            raise Refused(f"level={shown(level)}: this walk read {counted(len(self.steps), 'descriptor')}")
        step = self.steps[-level]
        found: dict[str, list[int]] = {}
        for bit in range(8 * machine.pmap.fmt.entry_width):
            machine.set_descriptor(step.pa, step.value ^ 1 << bit)
            after = machine.walk(self.va, self.access, user=self.user, task=self.task or None)
            said = after.fault_line if not after.ok else "the same" if after.pa == self.pa else "another frame"
            found.setdefault(said, []).append(bit)
            machine.undo_descriptor()
        return {said: _ranges(bits) for said, bits in found.items()}


def _ranges(bits: list[int]) -> str:
    """Return numbers as text, with consecutive numbers as ranges."""
    firsts = [bit for bit in bits if bit - 1 not in bits]
    lasts = [bit for bit in bits if bit + 1 not in bits]
    return ", ".join(f"{a}–{b}" if a < b else f"{a}" for a, b in zip(firsts, lasts, strict=True))


MOST_WALKED = 256 * MIB
"""The most bytes of a range whose pages are walked one by one."""


class MachineTables(Suggesting):
    """The page tables of a machine's kernel, of a task, or of a domain."""

    inside = Suggesting.inside | {"memory_with", "now", "walk_in"}

    def __init__(self, system: System, space: SpacePart | None = None) -> None:
        self.system = system
        self._space = space

    @property
    def machine(self) -> Any:
        """The machine with these tables."""
        return self.system.machine

    @property
    def _pmap(self) -> Pmap:
        return self.system.pmap if self._space is None else self._space.space.pmap

    @property
    def task(self) -> str:
        """The owner of the tables: a task, a domain (by its path), or "" for the kernel."""
        return "" if self._space is None else self._space.space_name

    @property
    def format(self) -> str:
        """The name of the format."""
        return self._pmap.fmt.name

    @property
    def root(self) -> Address:
        """The physical address of the root table."""
        return Address(self._pmap.root)

    def memory_with(self, words: Mapping[int, int]) -> Ram | MemoryBefore:
        """Return memory in which some descriptors have their earlier values, by physical address."""
        ram = self.system.ram
        return MemoryBefore(ram, words, self._pmap.fmt.entry_width) if words else ram

    def now(self, words: Mapping[int, int] = MappingProxyType({})) -> PageTables[Any]:
        """Return the current tables, or the tables with earlier values of descriptors, given by physical address."""
        pmap = self._pmap
        name = f"page tables of {self.task or 'the kernel'}"
        root, controls = pmap.registers(self.system.controls)
        lent = pmap.layout.user_end if self.task else None  # the kernel's tables have no lent slots
        return PageTables(name, self.memory_with(words), pmap.fmt, root, controls, kernel_from=lent)

    def walk(self, address: int | str, access: str = "read", *, user: bool | None = None) -> MachineWalk:
        """Return what the hardware does with one access to `address` in these tables; nothing changes.

        Without `user`, user code makes the access if the address is the user's.
        """
        va, kind, layout = arguments.whole(address, "address"), arguments.access(access), self.system.layout
        by_user = layout.user_start <= va < layout.user_end if user is None else arguments.flag(user, "user")
        return self.walk_in(self.system.ram, va, kind, by_user)

    def read_for(self, at: int | str, size: int | str = PAGE) -> dict[Address, Size]:
        """Return the tables that the hardware reads for a range's pages, with their sizes; the root table comes first.

        >>> import vmwidgets as vm
        >>> task = vm.boot("armv7").task("init")
        >>> a = task.map.enter("8 KiB", at="1 MiB", object=task.machine.object("heap"))
        >>> task.write(a, b"x")
        >>> [str(size) for size in task.tables.read_for(a, "8 KiB").values()]
        ['16 KiB', '1 KiB']
        """
        width = self._pmap.fmt.entry_width
        steps = (step for walk in self._walks(at, size) for step in walk.steps)
        return {Address(step.table): Size(width << step.index_bits[0] - step.index_bits[1] + 1) for step in steps}

    def descriptors(self, at: int | str, size: int | str = PAGE) -> set[Address]:
        """Return the addresses of the last descriptors in the successful walks of a range's pages.

        >>> import vmwidgets as vm
        >>> task = vm.boot("x86-64").task("init")
        >>> a = task.map.enter("4 MiB", at="4 MiB", object=task.machine.object("film"))
        >>> task.map.superpages(a, size="4 MiB", page="2 MiB")
        2
        >>> len(task.tables.descriptors(a, "4 MiB"))
        2
        """
        return {Address(walk.steps[-1].pa) for walk in self._walks(at, size) if walk.ok}

    def descriptor_at(self, pa: int | str) -> int:
        """Return the descriptor at the physical address `pa`, in the width of these tables, as the hardware reads it.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86")
        >>> task = m.task("init")
        >>> task.write(task.mmap("4 KiB"), b"x")
        >>> step = task.walk(0).steps[0]
        >>> task.tables.descriptor_at(step.pa) == step.value
        True
        """
        width, ram = self._pmap.fmt.entry_width, self.system.ram
        at = arguments.whole(pa, "pa")
        if not 0 <= at <= ram.size - width:
            raise Refused(f"pa={shown(pa)}: it is not in this machine's RAM, {Size(ram.size)}")
        return int(ram.read_word(at & -width, width))

    def rights(self, *addresses: int | str) -> list[str]:
        """Return the user's rights at each address: "rw", "r-", or "--" (nothing mapped, or no rights).

        >>> import vmwidgets as vm
        >>> domain = vm.boot("armv7").domain("log")
        >>> a = domain.map(domain.frame(), flags="r")
        >>> domain.tables.rights(a, a + vm.PAGE)
        ['r-', '--']
        """
        ways = ("read", "write")
        return ["".join(way[0] if self.walk(one, way, user=True).ok else "-" for way in ways) for one in addresses]

    def _walks(self, at: int | str, size: int | str) -> list[MachineWalk]:
        start, length = arguments.whole(at, "at"), arguments.whole(size, "size")
        if not 0 < length <= MOST_WALKED:
            raise Refused(f"size={shown(size)}: each page is walked; write at most {Size(MOST_WALKED)}")
        return [self.walk(address) for address in range(start & -PAGE, start + length, PAGE)]

    def walk_in(self, memory: Ram | MemoryBefore, va: int, access: Access, user: bool) -> MachineWalk:
        """Walk `va` in current memory (`Ram`), or in earlier memory."""
        pmap = self._pmap
        root, controls = pmap.registers(self.system.controls)
        found = walk(memory, pmap.fmt, root, va, access, user, controls)
        return MachineWalk.of(found, source=weakref.ref(self.system.machine), task=self.task)

    @in_ascii
    def __repr__(self) -> str:
        whose = "the kernel" if self._space is None else f"{self._space.noun} {self._space.name!r}"
        count = len(self._pmap.tables)
        return f"<page tables of {whose}: {self.format}, root {self.root}, {count:,} table pages>"


EDITS = ("set_descriptor", "undo_descriptor")
"""The operations that edit descriptors by hand."""

LEFT_BEHIND = "the edits are undone, but something was written while they were in force, and it is wrong"


class Place(NamedTuple):
    """The place of a descriptor in the tables of a machine."""

    level: Level
    va: int
    space: str


class DescriptorFunctions(Functions):
    """The functions of a machine that edit descriptors by hand."""

    @operation
    def set_descriptor(self, pa: BytesArg, value: int) -> int:
        """Write `value` into the descriptor at physical address `pa`, whatever breaks; returns the old value.

        `pa` must be in a table of this machine: the kernel's, or a task's.  :meth:`undo_descriptor` undoes the edit.
        O(tables of the machine).
        """
        width = self._width
        given: object = value
        if not isinstance(given, int) or isinstance(given, bool):
            raise Refused(f"value is {a_kind(value)}: write a whole number of {8 * width} bits")
        if not 0 <= value < 1 << 8 * width:
            text = f"{value:#x}" if abs(value) < 1 << 128 else "that"
            raise Refused(f"value={text} does not fit: a descriptor here has {8 * width} bits")
        if pa % width:
            raise Refused(f"pa={Address(pa)} is not aligned: descriptors are at multiples of {width} bytes")
        place = self._place_of(pa)
        before = self.system.ram.read_word(pa, width)
        if before == value:
            return before
        if self.system.edited_from is None:
            self.system.edited_from = len(self.system.journal)
        tables = self._tables_of(place.space)
        assert tables is not None, "it was found there"
        edits = self._edits
        if self._places.add(pa, HandEdit(tables.root, place.level, place.va, before, value)):
            edits[:] = [edit for edit in edits if edit.pa != pa]
        edits.append(Edit(pa, before, value, place.level.number, place.va, place.space))
        self._write(pa, before, value, place.level.number, place.va)
        return before

    @operation
    def undo_descriptor(self) -> int:
        """Undo the latest edit that is in force; returns its address.

        An edit is no longer in force once the kernel has written the descriptor, even with the same value, or has freed
        its table.  A machine that died of its edits continues when the last edit is undone, if no structure was left
        half changed.  The unfinished work of the operation that died is lost.  If undoing the edits can't repair the
        effects of writes that were made under them, the call raises KernelPanic "edited_tables".
        """
        standing, edits = self.standing_edits, self._edits
        if standing:
            edit = standing[-1]
            del edits[max(at for at, one in enumerate(edits) if one is edit) :]
            self._put_back(edit)
            for pa in sorted(set(self._places.places) - {one.pa for one in edits}):
                self._places.end(pa)
        else:
            edit = self._ended()
        if len(standing) < 2:
            self._settle()
        return Address(edit.pa)

    # ---- looking -----------------------------------------------------------------------------

    def _remedy(self) -> str:
        """Return advice for this machine if it is dead."""
        edited = "undo_descriptor() undoes the latest edit of its page tables; " if self._edits else ""
        return f"m.undo() undoes the operation that killed it; {edited}or boot another machine"

    @property
    def standing_edits(self) -> list[Edit]:
        """The edits in force, whose descriptors still have the written values; the latest is the last."""
        edits = self._edits
        if not edits:
            return []
        places = {pa: place.kept for pa, place in self._places.places.items()}
        kept = MemoryBefore(self.system.ram, places, self._width)
        now = {edit.pa: self.system.ram.read_word(edit.pa, self._width) for edit in edits}
        standing: list[Edit] = []
        for edit in reversed(edits):
            if self._holds(edit, now[edit.pa]) and self._in_place(edit, kept):
                now[edit.pa] = edit.before
                standing.append(edit)
        return standing[::-1]

    @property
    def before_edits(self) -> dict[int, int]:
        """The values that edited descriptors would have without the edits in force, by physical address."""
        before: dict[int, int] = {}
        for edit in self.standing_edits:
            before.setdefault(edit.pa, edit.before)
        return before

    @contextmanager
    def _without_edits(self) -> Iterator[None]:
        """Undo the edits in force for this block, to check the kernel's own tables; then apply them again."""
        ram, width, before = self.system.ram, self._width, self.before_edits
        edited = {pa: ram.read_word(pa, width) for pa in before}
        for pa, word in before.items():
            ram.write_word(pa, width, word)
        try:
            yield
        finally:
            for pa, word in edited.items():
                ram.write_word(pa, width, word)

    # ---- inside ------------------------------------------------------------------------------

    @property
    def _edits(self) -> list[Edit]:
        return self.system.descriptor_edits

    @property
    def _places(self) -> HandEdits:
        """The edited descriptors that the kernel has not written since; the kernel's table editors record them."""
        return self.system.pmap.editor.edits

    @property
    def _width(self) -> int:
        """The bytes of a descriptor."""
        return self.system.pmap.fmt.entry_width

    def _tables_of(self, space: str) -> Pmap | None:
        """Return the tables of a space by the name that edits use; None if it no longer exists."""
        return self.system.pmap if not space else dict(self.system.spaces()).get(space)

    def _in_place(self, edit: Edit, memory: MemoryBefore) -> bool:
        """Return whether a descriptor is in the kernel's tables, and the kernel has not written it since the edit.

        O(levels).
        """
        pmap = self._tables_of(edit.space)
        if pmap is None or edit.pa not in self._places.places:
            return False
        fmt, table = pmap.fmt, pmap.root
        for level in fmt.levels:
            pa = table + level.index(edit.va) * fmt.entry_width
            if level.number == edit.level:
                break
            word = memory.read_word(pa, fmt.entry_width)
            if level.read_as(word).kind != "table":
                return False
            table = level.read_as(word).address_of(word)
        return pa == edit.pa

    def _holds(self, edit: Edit, now: int) -> bool:
        """Return whether a descriptor has the value of an edit, except for the flags that the hardware sets."""
        fmt, controls = self.system.pmap.fmt, self.system.controls
        level = fmt.level(edit.level)
        noted = fmt.rules.accessed(fmt.rules.read_as(level, edit.after, controls), True, controls)
        return not (now ^ edit.after) & ~noted

    def _put_back(self, edit: Edit) -> None:
        now = self.system.ram.read_word(edit.pa, self._width)
        self._write(edit.pa, now, edit.before, edit.level, edit.va)

    def _ended(self) -> Edit:
        """Drop all edits (none is in force) and return the latest; refused unless the machine died of the edits."""
        if self.door.dead is None:
            first = self.system.edited_from
            self._settle()
            self.system.edited_from = first  # a refused call changes nothing
            raise Refused("nothing to undo: no descriptor was edited, or the kernel has rewritten them all since")
        if not self._edits:
            raise Refused(
                f"this machine is dead ({self.door.dead}), and no edit of its tables is left: boot another machine"
            )
        edit = self._edits[-1]
        self._edits.clear()
        self._places.places.clear()
        return edit

    def _settle(self) -> None:
        """Check, with no edit in force, whether the machine is whole; if so, revive a machine that died of its edits.

        O(machine), if there were operations since the first edit.
        """
        system, dead = self.system, self.door.dead
        first, system.edited_from = system.edited_from, None
        worked = first is not None and any(one.name not in EDITS for one in system.journal[first:])
        if dead is None and not worked:
            return
        for lock in [] if dead is None else system.kmem.scheduler.locks_of(""):
            lock.release()
        try:
            check_machine(system)
        except Broken as broken:
            if dead is None:
                raise KernelPanic("edited_tables", f"{LEFT_BEHIND}: {broken}") from None
            return
        self.door.dead = None

    def _write(self, pa: int, before: int, after: int, level: int, va: int) -> None:
        self.system.ram.write_word(pa, self._width, after)
        emit = self.system.recorder.emit
        if emit is not None and before != after:
            emit((PteWritten.tag, pa, before, after, level, va))
        self.system.processors.edited()

    def _place_of(self, pa: int) -> Place:
        """Return the place of the descriptor at `pa` in the kernel's tables, without any edits by hand."""
        system = self.system
        kept, now = (MemoryBefore(system.ram, words, self._width) for words in (self.before_edits, {}))
        for memory in (kept, now):
            for name, pmap in [("", system.pmap), *system.spaces()]:
                found = _find_place(memory, pmap, system.controls, pa)
                if found is not None and memory is kept:
                    return Place(*found, name)
                if found is not None:
                    raise Refused(
                        f"pa={Address(pa)} is not in a page table of the kernel: the hardware uses it as one only "
                        "because a descriptor was edited; undo that edit first (undo_descriptor)"
                    )
        if pa >= system.ram.size:
            raise Refused(f"pa={Address(pa)} lies outside of memory, which has {Size(system.ram.size)}")
        raise Refused(
            f"pa={Address(pa)} is not in any page table of this machine: pictures of walks and tables show where "
            f"descriptors are; the kernel's root table is at {Address(system.pmap.root)}"
        )


def _find_place(memory: MemoryBefore, pmap: Pmap, settings: Any, pa: int) -> tuple[Level, int] | None:
    """Return the level of the table that contains `pa`, and the address of the slot; None if no table does.

    Tables are searched from the root down: the recursive window also shows a table one level lower, but the table must
    be found at its own level.
    """
    fmt, width = pmap.fmt, pmap.fmt.entry_width
    seen: set[tuple[int, int]] = set()
    root, controls = pmap.registers(settings)
    waiting = deque((one.level, one.table, one.base) for one in fmt.roots(root, controls))
    while waiting:
        level, table, va = waiting.popleft()
        if (level.number, table) in seen:
            continue
        seen.add((level.number, table))
        if table <= pa < table + level.entries * width:
            return level, fmt.as_register(va + ((pa - table) // width << level.shift), controls)
        if level.number == 1:
            continue
        below = fmt.level(level.number - 1)
        for index in range(level.entries):
            try:
                word = memory.read_word(table + index * width, width)
            except BusError:  # an edit put the table outside of memory
                break
            if not word:
                continue
            descriptor = level.read_as(word)
            if descriptor.kind == "table":
                waiting.append((below, descriptor.address_of(word), va + (index << level.shift)))
    return None
