"""A machine's life beside the same life in processes of Linux: what differs, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.spaces.linux_schema import LinuxComparison, LinuxDifference
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.tables.pasted import Found, draw_pasted

from .at import At
from .picture import Picture
from .registry import picture_of

WHO = ("POSIX", "Linux", "X15")


@picture_of(first_for=LinuxComparison)
class BesideLinux(Picture):
    """The differences between a machine and Linux: first the unexplained ones, then each known kind with its reasons.

    `target` is the result of ``vm.compare_with_linux(m)``.
    """

    def __init__(self, target: LinuxComparison, **options: Any) -> None:
        if not isinstance(target, LinuxComparison):
            raise Refused(f"BesideLinux shows the result of vm.compare_with_linux(m), not {shown(target)}")
        self._held = target
        super().__init__(target, **options)

    def draw(self, at: At) -> Scene:
        """Differences by kind, the calls that were made, and the calls that were not compared."""
        found = self._held
        parts = []
        if found.surprises:
            title = f"{counted(len(found.surprises), 'difference')} that nothing accounts for"
            parts.append(Found(title, _letters(found.surprises), _rows(found.surprises)))
        kinds = [(kind, sayings, found.of(kind)) for kind, sayings in found.sayings]
        for kind, sayings, rows in sorted(kinds, key=lambda one: min((row.number for row in one[2]), default=0)):
            said = [f"{who}: {words}." for who, words in zip(WHO, sayings, strict=True)]
            title = f"{kind}: {counted(len(rows), 'difference')}"
            parts.append(Found(title, [*said, *_letters(rows)], _rows(rows)))
        done = ", ".join(f"{name} {count}" for name, count in found.calls)
        parts.append(Found("What Linux did as well", [f"{done}."] if done else ["Nothing."]))
        parts.append(Found("Not compared", found.unseen))
        source = f"beside {found.source}"
        ended = f" The comparison ended early: {found.stopped.rstrip('.')}." if found.stopped else ""
        return draw_pasted(
            parts, source, found.headline + ended, view="linux", title=f"{found.machine} and Linux", width=at.width
        )


LETTERS = "A letter for each page: x is mapped here alone, s is mapped by others too, . is not in memory."


def _letters(rows: Sequence[LinuxDifference]) -> list[str]:
    """What the letters of pages mean, if the rows have some."""
    return [LETTERS] if any(one.what.startswith("pages") for one in rows) else []


def _rows(differences: Sequence[LinuxDifference]) -> list[tuple[str, ...]]:
    """A row for all differences that are alike but for their operation's number, in the order of the operations."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for one in sorted(differences, key=lambda one: one.number):
        words = one.operation, one.what, f"here: {one.here}", f"Linux: {one.linux}"
        alike.setdefault(words, []).append(one.number)
    return [(_numbers(numbers), *words) for words, numbers in alike.items()]


def _numbers(numbers: Sequence[int]) -> str:
    """The numbers of operations, each once, and how many differences they are if there are several.

    >>> _numbers([4]), _numbers([4, 4, 7]), _numbers([1, 2, 3, 4])
    ('4', '4, 7 (3 times)', '1, 2, …, 4 (4 times)')
    """
    each = [*dict.fromkeys(map(str, numbers))]
    shown = each if len(each) < 4 else [*each[:2], "…", each[-1]]
    return ", ".join(shown) + f" ({len(numbers)} times)" * (len(numbers) > 1)
