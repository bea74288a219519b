"""The three kinds of failure, which are never mixed up.

* :class:`Refused`: an invalid call that was stopped before it changed anything. * :class:`KernelError`: the kernel
  function returned an error. It changed what the original changes on that error (search caches, counters), but no
  entries, mappings or pages. * :class:`KernelPanic`: the kernel gave up. The machine is dead, but its last state is
  kept for inspection.

A learner's code that the machine calls (threads, handlers) may fail too: :class:`CallbackFailed`. A broken invariant is
none of these: it is our own bug, :class:`Broken`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

_SHOWN = 60


def printable(text: str) -> str:
    r"""Return `text` on one line, harmless to a terminal: unprintable characters are escaped as Python does.

    >>> printable("é\u202e\x1b[31m\n") == "é" + r"\u202e\x1b[31m\n"
    True
    """
    return text if text.isprintable() else "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


_SIGNS = str.maketrans({
    "–": "-", "—": "-", "−": "-", "→": "->", "←": "<-", "…": "...", "×": "x", "·": "|", "≠": "!=", "≤": "<=", "≥": ">=",
    "µ": "u", "▲": "^", "✓": "+", "✗": "-", "“": '"', "”": '"',
})  # fmt: skip  # pairs
"""The substitutes for symbols on a console without Unicode."""


def ascii_text(text: str) -> str:
    r"""Return a text in ASCII: symbols as people type them, other characters escaped as Python does.

    >>> ascii_text("0x1000–0x2000 → é…")
    '0x1000-0x2000 -> \\xe9...'
    """
    return text if text.isascii() else text.translate(_SIGNS).encode("ascii", "backslashreplace").decode()


def in_ascii(method: Callable[[Any], str]) -> Callable[[Any], str]:
    """Make a `__repr__` or `__str__` return ASCII, which any console can print.

    HTML, pictures and captions keep their symbols, since they don't use `__repr__` and `__str__`.
    """

    @wraps(method)
    def text(self: Any) -> str:
        return ascii_text(method(self))

    return text


def with_signs(thing: object) -> str:
    """Return an object's text for a page or a picture: symbols and names are not replaced by ASCII."""
    method: Any = type(thing).__str__
    return str(getattr(method, "__wrapped__", method)(thing))


def shown(value: object) -> str:
    """Return a value for use in a sentence: as Python writes it, on one line, and shortened.

    >>> shown("two words"), shown(10**10_000)
    ("'two words'", 'a number of 33220 bits')
    """
    if isinstance(value, int) and int.bit_length(value) > 4 * _SHOWN:
        return f"a number of {int.bit_length(value)} bits"
    try:
        text = repr(value[: 2 * _SHOWN] if isinstance(value, (str, bytes)) else value)
    except Exception:  # noqa: BLE001  whatever a learner's object does when it is asked
        return a_kind(value)
    first = text.splitlines()[0] if text else ""
    return printable(text if len(text) <= _SHOWN and first == text else f"{first[:_SHOWN]}…")


def a_kind(value: object) -> str:
    """Return a value's kind, with its article.

    >>> a_kind(3), a_kind("text"), a_kind(None)
    ('an int', 'a str', 'no value')
    """
    name = type(value).__name__
    return "no value" if value is None else f"{'an' if name[0] in 'aeiouAEIO' else 'a'} {name}"


class VMError(Exception):
    """Any failure that a learner can see, as one line of text; names in it may contain any characters.

    >>> import vmwidgets as vm
    >>> try:
    ...     vm.boot("x86-64").kernel_map.enter("63 MiB")
    ... except vm.VMError as failure:
    ...     print(failure)
    NOMEM: no gap of 63 MiB is left
    """

    def __init__(self, sentence: str = "") -> None:
        super().__init__(printable(sentence))

    def __format__(self, spec: str) -> str:
        """Return the sentence with its symbols and names, for a page, a picture or another sentence."""
        return format(BaseException.__str__(self), spec)

    @in_ascii
    def __str__(self) -> str:
        return BaseException.__str__(self)  # KeyError's own method returns the repr

    @in_ascii
    def __repr__(self) -> str:
        return BaseException.__repr__(self)


class Refused(VMError, ValueError):
    """A request that makes no sense; the sentence names the mistake and its place, and shows a correct form.

    >>> import vmwidgets as vm
    >>> vm.boot("x86-64").kernel_map.enter("3 apples")
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: size: '3 apples' is not a size; write bytes or, for example, ...
    """


class UnknownName(Refused, KeyError):
    """Raised if no object has the given name; the sentence lists the existing names."""


class KernelError(VMError):
    """A kernel function returned an error.

    `name` is the kernel's name for it (``"NOMEM"``), and `code` the number that the original returns.

    >>> import vmwidgets as vm
    >>> vm.boot("x86-64").kernel_map.enter("63 MiB")
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.KernelError: NOMEM: no gap of 63 MiB is left
    """

    def __init__(self, name: str, code: int, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.code = code
        self.reason = printable(reason)


class KernelPanic(VMError):
    """A panic: the kernel stopped for good.  `name` is the assertion or panic that stopped it.

    >>> import vmwidgets as vm
    >>> vm.boot("x86-64", quirks={"nomerge-enter"}).kernel_map.enter("4 KiB", nomerge=True)
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.KernelPanic: panic (nomerge_enter): the merge was asked to look at a NOMERGE request
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"panic ({name}): {reason}")
        self.name = name
        self.reason = printable(reason)


def failure(error: BaseException) -> tuple[Any, ...]:
    """Return a failure as data: its kind, then the kernel's name and number for it.

    >>> failure(kernel_error("NOMEM", "no gap of 64 MiB")), failure(Refused("no"))
    (('KernelError', 'NOMEM', 1), ('Refused',))
    """
    if isinstance(error, KernelError):
        return "KernelError", error.name, error.code
    if isinstance(error, KernelPanic):
        return "KernelPanic", error.name
    kind = next(one for one in (Refused, CallbackFailed, Broken, type(error)) if isinstance(error, one))
    return (kind.__name__,)


class CallbackFailed(VMError):
    """A learner's thread or handler, called by the machine, raised an error; the machine itself is intact.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> thread = m.spawn(lambda: 1 / 0, name="divides")
    >>> m.run()
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.CallbackFailed: thread 'divides' failed: ZeroDivisionError: division by zero
    """


class Broken(AssertionError):
    """An invariant of a structure does not hold: a bug in the engine, not in the learner's cell."""


ERROR_CODES = {"NOMEM": 1, "AGAIN": 2, "INVAL": 3, "BUSY": 4, "FAULT": 5, "ACCES": 6, "IO": 7}
"""Names and numbers of X15's errors (its `error.h`); 0 is success.  IO, for a failing pager, is our addition."""


def kernel_error(name: str, reason: str) -> KernelError:
    """Return the X15 error called `name`.

    >>> kernel_error("NOMEM", "no gap of 64 MiB").code
    1
    """
    return KernelError(name, ERROR_CODES[name], reason)


class Diverged(VMError):
    """Raised if a replayed operation did not have its recorded result."""
