"""A course's own checks of the tables that a call leaves behind, made after each call of a function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from runpy import run_path
from typing import Any

from vmwidgets.engine.base.frozen import frozen

from ...engine.base.errors import Refused, shown
from .calls import Call
from .rules import Wrong
from .spaces import Leaf, Spaces

TABLES = ("pagetable", "old", "new")
"""Arguments that are root tables."""


@frozen(slots=False)
class CallSeen:
    """A call that has returned: its arguments by name, and its tables before and after.

    `before` and `after` have, for each argument that is a root table ("pagetable", or "old" and "new" for uvmcopy), the
    last-level descriptors by virtual address.  A page that is missing is not mapped.
    """

    function: str
    arguments: Mapping[str, int]
    result: int
    before: Mapping[str, Mapping[int, int]]
    after: Mapping[str, Mapping[int, int]]


Check = Callable[[CallSeen], "Iterable[tuple[int, str]] | None"]
"""A function that yields an address and a sentence for each wrong descriptor, and nothing for a correct call."""


def checked(checks: object) -> dict[str, Check]:
    """Return a course's checks; refuses any that is not a function, or is for a function that is not followed."""
    if checks is None:
        return {}
    if not isinstance(checks, Mapping):
        raise Refused(f"checks={shown(checks)}: write functions by name, such as {{'uvmcopy': my_check}}")
    known = ["mappages", "uvmunmap", "uvmalloc", "uvmcopy"]
    for name, check in checks.items():
        if name not in known:
            raise Refused(f"checks: {shown(name)} is not followed; there are {', '.join(known)}")
        if not callable(check):
            raise Refused(f"checks[{name!r}]={shown(check)}: write a function that takes the call")
    return dict(checks)


def checks_in(path: Path) -> object:
    """Return `checks` from a course's Python file; raises :class:`Refused` if it fails or has no such name."""
    try:
        names = run_path(str(path))
    except Exception as error:  # whatever a course's file raises
        raise Refused(f"{path}: the file can't be run: {type(error).__name__}: {error}") from error
    if "checks" not in names:
        raise Refused(f"{path}: the file has no name 'checks'; write checks = {{'uvmcopy': my_check}}")
    return names["checks"]


def _tables(call: Call, by_root: Mapping[int, Mapping[int, Leaf]]) -> dict[str, dict[int, int]]:
    """Return the mappings of a call's tables, by the name of the argument."""
    named = [(name, root) for name, root in call.arguments.items() if name in TABLES]
    return {name: {va: leaf.word for va, leaf in by_root.get(root, {}).items()} for name, root in named}


def asked(check: Check, call: Call, spaces: Spaces) -> Iterator[Wrong]:
    """Yield the mistakes of a course's check; raises :class:`Refused` if it fails or reports anything but mistakes."""
    now = {root: spaces.known[root].leaves for root in call.roots if root in spaces.known}
    before, after = _tables(call, call.before), _tables(call, now)
    seen = CallSeen(call.function, call.arguments, call.result, before, after)
    try:
        said: list[Any] = list(check(seen) or ())
    except Exception as error:  # whatever a course's function raises
        kind = type(error).__name__
        raise Refused(f"checks[{call.function!r}] raised {kind} after {call}: {error}") from error
    root = call.roots[-1]
    for one in said:
        if not (isinstance(one, tuple) and len(one) == 2 and isinstance(one[0], int) and isinstance(one[1], str)):
            raise Refused(f"checks[{call.function!r}] returned {shown(one)}: return pairs of an address and a sentence")
        leaf = spaces.known[root].leaves.get(one[0]) if root in spaces.known else None
        yield Wrong(call.function, one[1], root, one[0], None if leaf is None else leaf.frame)
