"""What it costs to find an entry, in the list and in the tree, and how deep the tree is."""

from __future__ import annotations

from vmwidgets.engine.base.tree_schema import TreeCompared
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.machine.arguments import whole
from vmwidgets.engine.machine.handles.maps import MachineMap


def fill(space: MachineMap, entries: int) -> None:
    """Enter single pages that never merge, until the map has `entries` entries.

    Raises what `enter` raises: a map of the kernel may have room for fewer.

    >>> import vmwidgets as vm
    >>> space = vm.boot().task("t").map
    >>> vm.lab.fill(space, 7)
    >>> vm.lab.fill(space, 31)
    >>> len(space)
    31
    """
    for _ in range(entries - len(space)):
        space.enter(PAGE, nomerge=True)


def scanned(space: MachineMap, address: int | str) -> int:
    """The number of entries that a scan of the list looks at, from its head to the first that ends above `address`.

    >>> import vmwidgets as vm
    >>> space = vm.boot().task("t").map
    >>> vm.lab.fill(space, 31)
    >>> vm.lab.scanned(space, 4 * vm.PAGE)
    5
    """
    wanted = whole(address, "address")
    return sum(entry.end <= wanted for entry in space.entries()[:-1]) + 1


def comparisons(space: MachineMap, address: int | str) -> int:
    """The number of tree nodes that a lookup of `address` compares; 0 on a hit in the lookup cache.  It does a lookup.

    >>> import vmwidgets as vm
    >>> space = vm.boot().task("t").map
    >>> vm.lab.fill(space, 31)
    >>> vm.lab.comparisons(space, 0), vm.lab.comparisons(space, 0)
    (4, 0)
    """
    space.lookup(address)
    return sum(isinstance(event, TreeCompared) for event in space.machine.journal.last.events)
