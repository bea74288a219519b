"""Copies of an X15 map: the memory that a fork gives the child, entry by entry.

After 4.4BSD's `vm_map_fork` (The Design and Implementation of the 4.4BSD Operating System, 5.6); X15 of 2013 has no
fork. Each way to fork is a row of :data:`~.forks.FORKS`.
"""

from __future__ import annotations

from ...base.errors import kernel_error
from ...base.protection import INHERITANCE, NEEDS_COPY, inheritance_of
from ...base.recorder import kernel_function
from ..map.core import Entry
from ..map.vm_object import VmObject, pages_of
from .vm_fault import TaskFaults
from .vm_object import TaskObject


class TaskForks(TaskFaults):
    """The part of a map that is copied for a child."""

    @kernel_function("vm_map_fork", first=1)
    def fork(self, child: TaskForks) -> None:
        """Fill `child`, an empty map, by the entries' inheritance: shared, copied, or nothing (`vm_map_fork`).

        Depending on the machine's way to fork (:data:`~.forks.FORKS`), a copy of private memory has copies of all
        pages, or the same frames, or no page yet: then both maps refer to the object, and each that writes gets a
        shadow. Wired pages, and pages of an object that others may write, are always copied immediately. Raises NOMEM
        without memory for entries, objects or pages; the parent's memory is unchanged, though its entries may be marked
        to be copied, or shared. The child has entries of its own for a submap's mappings. O(entries + pages mapped).
        """
        self._give(child)

    def _give(self, child: TaskForks) -> None:
        """Append entries to `child` according to their inheritance."""
        for entry in self:
            inheritance = inheritance_of(entry.flags)
            if inheritance == INHERITANCE["none"]:
                continue
            if isinstance(entry.submap, TaskForks):
                entry.submap._give(child)
            elif inheritance == INHERITANCE["share"]:
                self._share(entry)
                child.adopt(entry, entry.object)
            else:
                child.adopt(entry, self._copy_of(entry, child.task))

    def _share(self, entry: Entry) -> None:
        """Make the object of `entry` one that another map may share, and that no other entry has for itself."""
        target = entry.object
        if isinstance(target, TaskObject) and (
            entry.flags & NEEDS_COPY or not (target.shared or target.references == 1)
        ):
            if not entry.wired_count:  # what is wired can be written as it is
                self.note_copy(entry)
            self.unshare(entry)
        target = entry.object
        if isinstance(target, TaskObject):
            target.shared = target.copied_on = True
        if target is not None:
            target.reference()

    def _copy_of(self, entry: Entry, task: str) -> VmObject | None:
        """Return the object of a copy of `entry` for `task`, with a reference for the copy."""
        target = entry.object
        if not isinstance(target, TaskObject) or not target.has_frames:
            if target is not None:
                target.reference()
            return target
        if not target.is_file:
            at_once = entry.wired_count or (target.shared and not entry.flags & NEEDS_COPY)
            if target.memory.fork.copies:
                return target.copied(pages_of(entry), task, self.task)
            if at_once:
                return target.copied(pages_of(entry), task, task)
            if target.memory.fork.counts:
                self.remove_write(entry)
                return target.sharing(pages_of(entry))
        self.note_copy(entry)
        target.copied_on = True
        target.reference()
        return target

    def adopt(self, entry: Entry, target: VmObject | None) -> None:
        """Append an entry like `entry` of another map, with `target`, whose reference it takes.

        Raises NOMEM without memory for an entry; the reference is then dropped.
        """
        made = self.entries.allocate()
        if made is None:
            if target is not None:
                target.release()
            raise kernel_error("NOMEM", f"no entry is left for {self.called}")
        made.copy_range_from(entry)
        made.wired_count, made.object = 0, target
        if isinstance(target, TaskObject):
            target.entries[made] = None
        slowly = target is not entry.object
        of_file = isinstance(target, TaskObject) and target.is_file
        if slowly:
            made.flags &= ~NEEDS_COPY
        elif of_file and inheritance_of(entry.flags) == INHERITANCE["copy"]:
            made.flags |= NEEDS_COPY
        self.link(made, self.last, None)
        self.resize(made.end - made.start)
