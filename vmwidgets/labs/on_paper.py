"""Judging answers about a machine on paper: the parts of an access by name, or a number."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from html import escape
from math import isclose
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.on_paper.worked import Access, Worked

from .answers import number_in
from .criterion import Criterion
from .result import Result

NAMES = ("vpn", "vpo", "tlbi", "tlbt", "hit", "pfn", "pa", "co", "ci", "ct", "cache_hit", "byte", "fault")
"""The parts of an access that can be asked."""

SHEET = "practice on paper"
"""Results on paper count for nothing."""


def on_paper(asked: Access | Worked, answers: Any) -> Result:
    """Return the result of answers: a point for each.

    Raises :class:`Refused` for an answer that is not about the access.

    >>> import vmwidgets as vm
    >>> access = vm.paper(va=14, pa=12, page=64).map({0xF: 0xD}).access("r 0x3d7")
    >>> result = on_paper(access, {"vpn": 0xF, "pa": 0x354})
    >>> [(one.points, one.sentence) for one in result.criteria]
    [(1, 'the VPN is 0xf'), (0, 'the PA is 0x357, not 0x354')]

    An answer of ``...`` or None is not judged, and the solution is not shown then.
    """
    if isinstance(asked, Worked):
        answers, title = {asked.name: answers}, asked.name
    else:
        title = f"{asked.access} {asked.va} on paper"
        if not isinstance(answers, Mapping) or not answers:
            raise Refused(f"check: the answers are {shown(answers)}; write a dict, such as {{'vpn': 0xf, 'pa': 0x357}}")
        if unknown := [name for name in answers if name not in NAMES]:
            raise Refused(f"check: an access has no {shown(unknown[0])}; it has {', '.join(NAMES)}")
    criteria = tuple(_judged(asked, name, answer) for name, answer in answers.items())
    is_open = any("no answer yet" in one.sentence for one in criteria)
    lines = (
        ""
        if is_open or all(one.met for one in criteria)
        else "".join(f"<div>{escape(line)}</div>" for line in _solution(asked))
    )
    return Result("paper", title, len(criteria), criteria, draw=partial(str, lines), of_sheet=SHEET)


def _judged(asked: Access | Worked, name: str, answer: Any) -> Criterion:
    if answer is ... or answer is None:
        return Criterion(0, 1, f"the {name.replace('_', ' ')} has no answer yet")
    right = asked.value if isinstance(asked, Worked) else getattr(asked, name)
    number = number_in(answer) if isinstance(answer, str) else None
    answer = answer if number is None else number
    answer = shown(answer) if hasattr(answer, "__len__") and not isinstance(answer, str) else answer  # as an array
    is_number = isinstance(answer, (int, float)) and not isinstance(answer, bool) and abs(answer) < 1 << 64
    if isinstance(asked, Worked):
        is_right, words = is_number and isclose(float(answer), float(right), rel_tol=1e-3), asked.words
        given = str(answer)
    else:
        is_right = type(answer) is bool and answer == right if isinstance(right, bool) else answer == right
        words, given = _words(right), _words(answer)
    said = (
        name.replace("_", " ")
        if name in ("hit", "cache_hit", "byte", "fault") or isinstance(asked, Worked)
        else name.upper()
    )
    not_ = "" if is_right else f", not {given}"
    return Criterion(int(is_right), 1, f"the {said} is {words}{not_}", words, given)


def _words(value: Any) -> str:
    if value is None or value == "":
        return "none"
    return f"{int(value):#x}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _solution(asked: Access | Worked) -> tuple[str, ...]:
    return asked.lines if isinstance(asked, Worked) else asked.worked
