"""The strip of a slider: all operations of a journal in columns, and their names in pieces.

The front end draws and folds them: `js/src/timeline.ts`.
"""

from __future__ import annotations

import weakref
import zlib
from array import array
from collections.abc import Mapping
from typing import Any

from vmwidgets.engine.base.journal import ACCESSES, Journal, Operation
from vmwidgets.views.scene.text import visible

from .operations import is_access, name_of, without_end

PIECE = 500
"""The number of names that are requested at a time."""

MOST_GROUPS = 2_000
"""The most groups and marks that a page gets of a journal: the latest."""

_NAMES: dict[str, str] = {
    "n": (
        "boot task domain fork enter vm_map_enter mmap map brk malloc copy object make_file superpages fill "
        "memobj anonymous frame device_frame ram device mint retype take_pages take_slots deserialise swap_on "
        "kmem_alloc kmem_alloc_nofault kmem_alloc_wait kmem_malloc kmem_suballoc"
    ),
    "g": (
        "remove vm_map_remove munmap unmap free kmem_free kmem_free_wakeup exit kill delete revoke unfill "
        "destroy_domain vanish page_out give_pages give_slots reap uma_reclaim truncate"
    ),
    "t": "start run step stop tick tsleep wakeup lock unlock pace",
}

_KINDS: Mapping[str, str] = {
    **{name: kind for kind, names in _NAMES.items() for name in names.split()},
    **dict.fromkeys((*ACCESSES, "lookup", "read_ahead"), "a"),
}

_ENDS = {"done": ".", "error": "e", "panic": "p", "interrupted": "i"}


def kind_of(journal: Journal, operation: Operation) -> str:
    """Return the kind of an operation as a letter.

    "n" creates something, "g" frees something, "a" is an access, "f" is an access that faulted, "t" lets threads run,
    and "c" is any other change.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> task = m.task("init")
    >>> a = task.mmap("4 KiB")
    >>> task.write(a, b"x")
    >>> task.write(a, b"y")
    >>> task.munmap(a, "4 KiB")
    >>> [kind_of(m.journal, one) for one in m.journal]
    ['n', 'n', 'n', 'f', 'a', 'g']
    """
    is_loading = operation.name == "run" and operation.target.startswith("cpu:")
    kind = "c" if is_loading else _KINDS.get(operation.name, "c")
    return "f" if kind == "a" and journal.faulted(operation.number) else kind


def look_of(journal: Journal, first: int, last: int) -> tuple[str, str]:
    """Return the letters of a mark for operations `first` to `last`: the kind ("s" for several), and the worst end."""
    done = [journal[number] for number in range(first, last + 1)]
    kinds = {kind_of(journal, one) for one in done}
    ends = [_ENDS.get(one.outcome, ".") for one in done]
    return kinds.pop() if len(kinds) == 1 else "s", max(ends, key=".iep".index)


class _Columns:
    """Kinds, ends and serials of a journal's operations, read once."""

    def __init__(self) -> None:
        self.kinds, self.ends, self.serials = bytearray(), bytearray(), array("q")

    def read(self, journal: Journal) -> None:
        """Read the journal's new operations.  Serials only rise, so all operations before a known serial are known."""
        serials = self.serials
        while serials and (len(serials) > len(journal) or serials[-1] != journal.serial(len(serials) - 1)):
            serials.pop()
        del self.kinds[len(serials) :], self.ends[len(serials) :]
        for number in range(len(serials), len(journal)):
            operation = journal[number]
            self.kinds += kind_of(journal, operation).encode()
            self.ends += _ENDS.get(operation.outcome, ".").encode()
            serials.append(operation.serial)


_READ: weakref.WeakKeyDictionary[Journal, _Columns] = weakref.WeakKeyDictionary()


def stamp(journal: Journal) -> int:
    """Return a number that changes with operations, groups and marks; a page with an old number asks for them."""
    what = journal.last.serial if len(journal) else -1, len(journal.groups), tuple(journal.marks.items())
    return zlib.crc32(repr(what).encode("utf-8", "replace"))


def timeline(journal: Journal, have: int = 0, serial: int = -1, asks: bool = False) -> dict[str, Any]:
    """Return the data that a page still needs if it has the first `have` operations, the last of them with this serial.

    `kinds` and `ends` have a letter for each operation from `first` on, `sizes` its number of events; `groups`
    have the numbers of their first and last operations.  O(operations since then + groups).

    For a picture that `asks`, all accesses look alike, whatever their outcome.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> a = m.kernel_map.enter("4 KiB")
    >>> with m.group("both"):
    ...     b = m.kernel_map.enter("4 KiB")
    ...     m.kernel_map.remove(b, size="4 KiB")
    >>> m.mark("after both")
    >>> given = timeline(m.journal, 2, m.journal[1].serial)
    >>> given["first"], given["kinds"], given["ends"], given["groups"], given["marks"]
    (2, 'ng', '..', [[2, 3, 'both']], [[3, 'after both']])
    """
    read = _READ.setdefault(journal, _Columns())
    read.read(journal)
    count = len(read.serials)
    first = have if 0 < have <= count and read.serials[have - 1] == serial else 0
    kinds, ends = read.kinds[first:], read.ends[first:]
    sizes = [journal.size(number) for number in range(first, count)]
    for at in range(first, count) if asks else ():
        if is_access(journal[at]):
            kinds[at - first], ends[at - first], sizes[at - first] = ord("a"), ord("."), 1
    return {
        "stamp": stamp(journal),
        "first": first,
        "serial": read.serials[-1] if count else -1,
        "kinds": kinds.decode(),
        "ends": ends.decode(),
        "sizes": sizes,
        "groups": _groups(journal),
        "marks": _marks(journal),
    }


def _groups(journal: Journal) -> list[list[Any]]:
    """Return the groups that no other group contains, oldest first."""
    found: list[list[Any]] = []
    begun = journal.next_serial + 1
    for group in journal.groups[: -MOST_GROUPS - 1 : -1]:
        if group.first >= begun:  # the group is inside the group found last
            continue
        begun = group.first
        first, last = journal.first_from(group.first), journal.first_from(group.last + 1) - 1
        if first <= last:
            found.append([first, last, visible(group.name)])
    return found[::-1]


def _marks(journal: Journal) -> list[list[Any]]:
    places = [[journal.number_of(serial), visible(name)] for name, serial in journal.marks.items()]
    return sorted([place for place in places if place[0] is not None])[-MOST_GROUPS:]


def names(journal: Journal, first: int, asks: bool = False) -> list[str]:
    """Return the names of :data:`PIECE` operations from number `first` on, or as many as there are.  O(:data:`PIECE`).

    For a picture that `asks`, the names do not show that an access failed.
    """
    found = [journal[number] for number in range(first, min(first + PIECE, len(journal)))]
    return [without_end(name_of(one)) if asks and is_access(one) else name_of(one) for one in found]
