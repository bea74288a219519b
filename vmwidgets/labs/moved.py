"""The lab of an exercise or a prediction, from its ID or from a table of moved exercises, and the name of a lab."""

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
"""The present lab of each exercise that has moved.

A moved exercise keeps its ID, and work in a notebook of the lab in the ID still counts: lab 08 was one notebook until
it became 08a and 08b.
"""

CONCEPTS = "concepts"
"""The lab of a notebook with a concept test: `lab.begin("concepts", …)`."""


def called(lab: str) -> str:
    """Return this lab's name for readers: a concept test is not a lab, though its notebook begins like one.

    >>> called("01"), called(CONCEPTS)
    ('lab 01', 'the concept test')
    """
    return "the concept test" if lab == CONCEPTS else f"lab {lab}"


def lab_of(name: str) -> str:
    """Return the present lab of an exercise or a prediction.

    >>> lab_of("01/gaps"), lab_of("beyond/pages"), lab_of("08/family")
    ('01', 'beyond', '08b')
    """
    return MOVED.get(name, name.partition("/")[0])


def labs_of(name: str) -> tuple[str, ...]:
    """Return the labs whose notebooks may contain an exercise or a prediction: its present lab, and the lab in its ID.

    >>> labs_of("01/gaps"), labs_of("08/family")
    (('01',), ('08b', '08'))
    """
    return tuple(dict.fromkeys((lab_of(name), name.partition("/")[0])))


def of_lab(names: Iterable[str], lab: str) -> list[str]:
    """Return the given exercises or predictions that a notebook of a lab may contain, in order.

    >>> of_lab(["01/gaps", "02/rank", "01/guard"], "01")
    ['01/gaps', '01/guard']
    >>> of_lab(["08/family", "08/survivor"], "08a"), of_lab(["08/family", "08/survivor"], "08")
    (['08/survivor'], ['08/family', '08/survivor'])
    """
    return [name for name in names if lab in labs_of(name)]
