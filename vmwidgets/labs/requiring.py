"""A check that raises an error, for cells and systems in which a missing point has to be an exception."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import VMError

from .checking import check
from .result import Result
from .sheet import Sheet


class PointsMissing(VMError, AssertionError):
    """An error that says which points are missing; `result` is the check's result."""

    def __init__(self, result: Result) -> None:
        found = [criterion.sentence for criterion in result.criteria if not criterion.met]
        why = "; ".join([*found, *([result.problem] if result.problem else [])])
        super().__init__(f"{result.id}: {result.points} of {result.of} points: {why}")
        self.result = result


@says_what_it_takes
def require(name: str | Sheet, thing: Any = None) -> Result:
    """Check `thing` as :func:`check` does, and return the result if it has all points.

    Raises :class:`PointsMissing`, an :class:`AssertionError`, with a sentence about the missing points; its `result` is
    the result of the check.  Raises :class:`Refused` when :func:`check` does.

    >>> import vmwidgets as vm
    >>> vm.lab.require("01/gaps", vm.lab.variant("01/gaps").start())
    Traceback (most recent call last):
    ...
    vmwidgets.labs.requiring.PointsMissing: 01/gaps: 0 of 4 points: ...
    """
    result = check(name, thing)
    if not result.passed:
        raise PointsMissing(result)
    return result
