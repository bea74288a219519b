"""A call as one line of a cell: its result, or the reason for its failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, VMError, failure, shown

P = ParamSpec("P")
T = TypeVar("T")


class Failed(str):
    """The kind of failure of a call, and its sentence; a string that is shown without quotes."""

    __slots__ = ()

    __repr__ = str.__str__

    @property
    def name(self) -> str:
        """The name of a kernel's error, or the kind of another failure.

        >>> Failed("KernelError: NOMEM: no gap").name, Failed("Refused: size: no size").name
        ('NOMEM', 'Refused')
        """
        kind, _, said = self.partition(": ")
        name = said.partition(":")[0]
        return name if name.isupper() else kind


@says_what_it_takes
def attempt(call: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T | Failed:
    """Return what `call` returns, or its failure as a line of text: the kind and the sentence.

    A machine's errors are not raised (:class:`VMError`: refused, a kernel's error, a panic).  A mistake in Python, such
    as a wrong number of arguments, is raised as usual.

    >>> import vmwidgets as vm
    >>> space = vm.boot().task("t").map
    >>> vm.lab.attempt(space.enter, "8 KiB")
    0x0
    >>> vm.lab.attempt(space.enter, "4 KiB", at=0, fixed=True)
    KernelError: NOMEM: the range at 0x0 is not available: it starts inside the entry [0x0, 0x2000)
    >>> vm.lab.attempt(space.enter, "5 bytes")
    Refused: size: '5 bytes' is not a size; write bytes or, for example, '64 MiB' or '3 pages'; did you mean '5 B'?
    """
    if not callable(call):
        raise Refused(f"call={shown(call)}: write the function without its parentheses, such as space.enter")
    try:
        return call(*arguments, **options)
    except VMError as error:
        return Failed(f"{failure(error)[0]}: {error}")
