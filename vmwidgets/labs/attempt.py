"""A call that may fail, in one line of a cell: what it gives, or the sentence that says why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from vmwidgets.engine.base.errors import Refused, VMError, failure, shown

P = ParamSpec("P")
T = TypeVar("T")


class Failed(str):
    """Why a call gave nothing: the kind of failure and its sentence.  A text that is shown without quotes."""

    __slots__ = ()

    __repr__ = str.__str__


def attempt(call: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T | Failed:
    """What `call` gives, or its failure as a line of text: the kind and the sentence.  Nothing is raised.

    That holds for what a machine says (:class:`VMError`: refused, a kernel's error, a panic); a mistake in Python, such
    as a wrong number of arguments, is raised as ever.

    >>> import vmwidgets as vm
    >>> space = vm.boot().task("t").map
    >>> vm.lab.attempt(space.enter, "8 KiB")
    0x0
    >>> vm.lab.attempt(space.enter, "4 KiB", at=0, fixed=True)
    KernelError: NOMEM: start 0x0: it begins inside [0x0, 0x2000)
    >>> vm.lab.attempt(space.enter, "5 bytes")
    Refused: size: '5 bytes' is not a size; write bytes or, for example, '64 MiB' or '3 pages'
    """
    if not callable(call):
        raise Refused(f"call={shown(call)}: write the function without its parentheses, such as space.enter")
    try:
        return call(*arguments, **options)
    except VMError as error:
        return Failed(f"{failure(error)[0]}: {error}")
