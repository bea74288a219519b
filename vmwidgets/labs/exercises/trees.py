"""Exercises of notebook 02: a lookup should not cost a scan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.rbtree import Node, RedBlackTree
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.records import Raw
from vmwidgets.engine.base.tree_schema import TreeRotated
from vmwidgets.engine.base.units import PAGE, Address
from vmwidgets.engine.machine import boot
from vmwidgets.engine.machine.handles.maps import MachineMap

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake
from .deeds import ENTERED, REMOVED, Deed, deeds, removals
from .structures import addresses, in_words, runs

APART = 0x1_0000
"""The least distance between pages, so that they do not merge."""


@frozen(slots=False)
class TreeSheet:
    """Addresses of single pages: the present pages, in the order in which they were entered, and the pages to enter."""

    there: tuple[int, ...]
    wanted: tuple[int, ...]

    @classmethod
    def drawn(cls, draws: Draws) -> TreeSheet:
        """Draw the upper levels of a tree that never rotated; orders that come to mind first make it rotate."""
        while True:
            order = _by_levels(draws)
            count = draws.between(2, 4)
            there, wanted = tuple(order[:count]), tuple(sorted(order[count:]))
            middle = tuple(sorted(wanted, key=lambda address: abs(address - wanted[len(wanted) // 2])))
            if all(rotates([*there, *obvious]) for obvious in (wanted, wanted[::-1], middle)):
                return cls(there, wanted)

    @property
    def text(self) -> str:
        """The task in words."""
        return (
            f"A map has one page each at {addresses(self.there)}; they were entered in this order.\n"
            f"Enter one page each at {addresses(self.wanted)}, in an order in which no insertion rotates the tree.\n"
            "Nothing may be removed. The pages do not touch, so none merge."
        )

    def start(self) -> MachineMap:
        """Return the map with the pages that are present."""
        space = boot().task("orchard").map
        for address in self.there:
            space.enter(PAGE, at=address, fixed=True)
        return space


def _by_levels(draws: Draws) -> list[int]:
    """Return addresses from the root down: three full levels and a part of the fourth, each level in any order.

    In a full tree of 15 nodes, numbered from the left, the root is 8, followed by 4 and 12: the lowest set bit of a
    node's number shows its level.
    """
    nodes = sorted([*range(2, 16, 2), *draws.sample(range(1, 16, 2), draws.between(1, 3))])
    places = sorted(draws.sample(range(1, 50), len(nodes)))
    levels = [
        [place * APART for node, place in zip(nodes, places, strict=True) if node & -node == bit]
        for bit in (8, 4, 2, 1)
    ]
    return [address for level in levels for address in draws.shuffled(level)]


class _Page(Node):
    """A node of a trial tree."""

    def __init__(self, address: int) -> None:
        super().__init__(address)
        self.start, self.end = address, address + PAGE


def rotates(addresses: Sequence[int]) -> bool:
    """Return whether a map's tree rotates when pages are entered in this order; uses only a tree, which is fast."""
    recorder, heard = Recorder(), list[Raw]()
    recorder.emit = heard.append
    tree: RedBlackTree[_Page] = RedBlackTree(recorder)
    for address in addresses:
        tree.insert(_Page(address), address)
    return any(event[0] == TreeRotated.tag for event in heard)


@exercise(
    "02/no-rotation",
    "Pages without a rotation",
    points=4,
    takes=MachineMap,
    variant=TreeSheet.drawn,
    edition=2,
    hints=(
        "Draw the tree that you want at the end. Which of its nodes must be inserted before which others?",
        "A new node is red. Under a black parent, nothing else changes. Under a red parent, the uncle must be red too.",
        "Go level by level: fill one level on both sides before you begin the next. Look at the tree after each call.",
    ),
)
def no_rotation(space: MachineMap, asked: TreeSheet) -> Iterator[Criterion]:
    """Judge the order of the entered pages, which must never rotate; several orders work."""
    places = sorted([*asked.there, *asked.wanted])
    there = [(run.start, run.end) for run in runs(space)]
    missing = [address for address in places if address not in dict(there)]
    complete = not missing
    yield criterion(
        1,
        there == [(address, address + PAGE) for address in places],
        "one page is mapped at each address, and nothing else",
        "one page should be mapped at each given address, and nothing else",
        expected=f"{len(places)} pages",
        actual=f"missing: {addresses(missing)}" if missing else in_words(runs(space)),
    )
    found = deeds(space, asked)
    turned = [deed for deed in found if deed.rotations and deed.kind != REMOVED]
    entered = [deed.start for deed in found if deed.kind == ENTERED]
    yield criterion(
        2,
        complete * max(0, 2 - len(turned)),
        "no insertion rotated",
        _why(turned) if turned else "an insertion rotated",
        first="" if turned else "enter the pages",
        expected="no rotation",
        actual=", ".join(f"{one.rotations} at {_place(one)}" for one in turned),
        mistake=IN_A_ROW if entered in (sorted(entered), sorted(entered, reverse=True)) else None,
    )
    removed = removals(found)
    yield criterion(
        1,
        complete and not removed,
        "nothing was removed",
        "pages were removed: the tree of a kernel can't be emptied to put it in order",
        first="" if removed else "enter the pages",
    )


IN_A_ROW = Mistake(
    "in the order of addresses",
    "In this order, one side of a subtree fills up before the other side gets a page, so there is no red uncle.",
)


def _why(turned: list[Deed]) -> str:
    first = _place(turned[0])
    return f"entering {first} was the first to rotate: a red node had a red parent, but no red uncle"


def _place(deed: Deed) -> str:
    return str(Address(deed.start)) if deed.ranges else "a part of an entry"
