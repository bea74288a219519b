"""The error for a call with wrong arguments: it says what the function takes, and which argument was probably meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")

R = TypeVar("R")

MEANT = {
    "memory": ("ram", "size"), "mem": ("ram", "size"), "arch": ("architecture",), "cores": ("cpus",),
    "ncpus": ("cpus",), "processors": ("cpus",), "protection": ("prot",), "permissions": ("prot",), "rights": ("prot",),
    "addr": ("at", "address"), "address": ("at", "start"), "where": ("at",), "length": ("size",),
    "bytes": ("size", "length", "data"), "count": ("n", "length"), "choices": ("options",), "reason": ("because",),
    "why": ("because",),
}  # fmt: skip  # read as a list of words
"""Other words for an argument, each with the names that the argument may have here."""


class WrongCall(TypeError):
    """Raised if a function does not take the arguments that it was given; nothing has changed.

    >>> import vmwidgets as vm
    >>> vm.boot("x86-64", memory="64 MiB")
    Traceback (most recent call last):
    vmwidgets.engine.base.calls.WrongCall: boot: got an unexpected keyword argument 'memory'; say ram=; ...
    """


def wrong_call(title: str, takes: Signature, args: tuple[Any, ...], words: Mapping[str, Any]) -> WrongCall:
    """Return the error for a call of the function `title`, which takes `takes`, with these arguments."""
    plain = [one.replace(annotation=Parameter.empty) for one in takes.parameters.values()]
    try:
        takes.bind(*args, **words)
    except TypeError as error:
        said = f"{error}"
    else:
        raise AssertionError(f"{title}{takes} takes what it was given")
    free = [one.name for one in plain if one.kind is not Parameter.POSITIONAL_ONLY and one.name not in words]
    wrong = next((word for word in words if word not in takes.parameters), "")
    near = [name for name in MEANT.get(wrong, ()) if name in free] or [name for name in free if _is_slip(wrong, name)]
    advice = f"say {near[0]}=; " if wrong and near else ""
    return WrongCall(f"{title}: {said}; {advice}it takes {title}{Signature(plain)}")


def _is_slip(word: str, name: str) -> bool:
    """Return whether one letter too many, too few or wrong, or two exchanged letters, make a word of a name.

    >>> _is_slip("option", "options"), _is_slip("widht", "width"), _is_slip("thrice", "twice")
    (True, True, False)
    """
    begin = next((at for at, (one, other) in enumerate(zip(word, name, strict=False)) if one != other), None)
    if begin is None:
        return abs(len(word) - len(name)) == 1
    word, name = word[begin:], name[begin:]
    while word and name and word[-1] == name[-1]:
        word, name = word[:-1], name[:-1]
    return max(len(word), len(name)) <= 1 or (len(word) == 2 and word == name[::-1])


def says_what_it_takes(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function, a method or a constructor say what it takes if a call has wrong arguments.

    A call with right arguments costs nothing more: Python itself finds the mistake.
    """

    @wraps(function)
    def called(*args: P.args, **words: P.kwargs) -> R:
        try:
            return function(*args, **words)
        except TypeError as error:
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise  # it comes from inside the function
        takes, is_method = signature(function), "." in function.__qualname__.rpartition("<locals>.")[2]
        if is_method:
            takes = takes.replace(parameters=list(takes.parameters.values())[1:])
        title = type(args[0]).__name__ if function.__name__ == "__init__" else function.__name__
        raise wrong_call(title, takes, args[is_method:], words)

    return called
