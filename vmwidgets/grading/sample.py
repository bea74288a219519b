"""The students to question at the desk: an unpredictable part of the class, and everyone who is listed."""

from __future__ import annotations

import hmac
import math
import re
from hashlib import sha256

from vmwidgets.engine.base.errors import Refused, shown

from .grades import Grades


def share_of(text: str) -> float:
    """Return a share: "10%" or "0.1"; raises :class:`Refused` for anything else.

    >>> share_of("10%"), share_of("0.25")
    (0.1, 0.25)
    """
    match = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)\s*(%?)", text.strip())
    share = float(match[1]) / (100 if match[2] else 1) if match else 0
    if not 0 < share <= 1:
        raise Refused(f"--sample {shown(text)}: write a part of the class, such as 10%")
    return share


def sampled(grades: Grades, share: float, secret: str) -> list[str]:
    """Return the IDs of this many students, rounded up, and of all whose rows need attention, sorted.

    The same secret gives the same students, whatever their points are; without it, the choice can't be predicted.
    """
    students = list(grades.students())
    drawn = sorted(students, key=lambda one: hmac.new(secret.encode(), one.encode(), sha256).digest())
    listed = {one for row in grades.look for one in row.student.split("+")}.intersection(students)
    return sorted({*drawn[: math.ceil(share * len(students))], *listed})
