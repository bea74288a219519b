"""Which lab an exercise or a prediction is of: its id says so, or a table of those that moved to another notebook."""

from __future__ import annotations

from collections.abc import Iterable

MOVED = {
    "08/touches": "08a",
    "08/one": "08a",
    "08/seen": "08a",
    "08/cut": "08a",
    "08/survivor": "08a",
    "08/left": "08b",
    "08/family": "08b",
}
"""The lab in which each of these is now.  It keeps its id, and work in a notebook of the lab that the id names counts
as before: lab 08 was one notebook until it became 08a and 08b."""


def lab_of(name: str) -> str:
    """Return the lab in which an exercise or a prediction is.

    >>> lab_of("01/gaps"), lab_of("beyond/pages"), lab_of("08/family")
    ('01', 'beyond', '08b')
    """
    return MOVED.get(name, name.partition("/")[0])


def labs_of(name: str) -> tuple[str, ...]:
    """Return the labs whose notebooks may have work of it: the one in which it is, and the one that its id names.

    >>> labs_of("01/gaps"), labs_of("08/family")
    (('01',), ('08b', '08'))
    """
    return tuple(dict.fromkeys((lab_of(name), name.partition("/")[0])))


def of_lab(names: Iterable[str], lab: str) -> list[str]:
    """Return those of these exercises or predictions that a notebook of a lab may have, in their order.

    >>> of_lab(["01/gaps", "02/rank", "01/guard"], "01")
    ['01/gaps', '01/guard']
    >>> of_lab(["08/family", "08/survivor"], "08a"), of_lab(["08/family", "08/survivor"], "08")
    (['08/survivor'], ['08/family', '08/survivor'])
    """
    return [name for name in names if lab in labs_of(name)]
