"""The kernel functions shown most in labs, each in at most ten lines of our own words and a file in `functions/`.

The first line is the call; below the first line, the name of another kernel function is a call of that function, and
calls are in order.  Lines below "for each" and "while" are repeated.  Pages show the same files
(`js/src/words.ts`).
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, in_ascii, shown
from vmwidgets.engine.base.frozen import frozen


@frozen(repr=False)
class Pseudocode:
    """A kernel function in at most ten lines; it prints as these lines."""

    name: str
    lines: tuple[str, ...]

    @in_ascii
    def __repr__(self) -> str:
        return "\n".join(self.lines)


@says_what_it_takes
def pseudocode(name: str) -> Pseudocode:
    """Return what the kernel function `name` does, in at most ten lines of our own words (following X15 where it can).

    In a picture, press the function's name under the caption to read the same text.  Raises :class:`Refused` for a
    function without a description; the message lists the functions that have one.

    >>> import vmwidgets as vm
    >>> vm.pseudocode("vm_map_clip_start")
    vm_map_clip_start(map, entry, address)
        return if the address is not inside the entry
        vm_map_unlink the entry
        low = a copy of the entry, which ends at the address
        the entry itself begins at the address
        it has an object: add the length of low to its offset
        vm_map_link the entry: it stays the high part
        vm_map_link low before it
    """
    known = pseudocodes()
    given: object = name
    if not isinstance(given, str) or given not in known:
        raise Refused(f"pseudocode: name={shown(name)} has none; there is one of {', '.join(known)}")
    return known[name]


@cache
def pseudocodes() -> dict[str, Pseudocode]:
    """Return all functions, by name."""
    files = (resources.files(__package__) / "functions").iterdir()
    texts = {one.name.removesuffix(".txt"): one.read_text(encoding="utf-8") for one in files}
    return {name: Pseudocode(name, tuple(texts[name].splitlines())) for name in sorted(texts)}
