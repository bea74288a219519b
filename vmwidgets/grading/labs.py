"""Which lab an exercise or a prediction is of: its id says so."""

from __future__ import annotations

from collections.abc import Iterable


def lab_of(name: str) -> str:
    """The lab of an exercise or a prediction, by its id.

    >>> lab_of("01/gaps"), lab_of("beyond/pages")
    ('01', 'beyond')
    """
    return name.partition("/")[0]


def of_lab(names: Iterable[str], lab: str) -> list[str]:
    """Those of these exercises or predictions that are of a lab, in their order.

    >>> of_lab(["01/gaps", "02/rank", "01/guard"], "01")
    ['01/gaps', '01/guard']
    """
    return [name for name in names if lab_of(name) == lab]
