"""What the shipped exercises draw and judge at their editions, as digests: `python -m tests.labs.editions` writes them.

Words are left out: a sentence may change at the same edition.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from vmwidgets.labs.exercise import exercise_named
from vmwidgets.labs.sheet import sheet_of

from .test_sheets import SHIPPED, SOLVED, done

FILE = Path(__file__).parents[1] / "data" / "editions.json"

SHEETS, STARTS, JUDGED = 50, 3, 2
"""Seeds whose draws are kept, whose starts are kept as well, and for which all solutions are judged."""


def seed(number: int) -> str:
    return f"{number * 0x9E37_79B9_7F4A_7C15 % (1 << 64):016x}"


def plain(value: Any) -> Any:
    """What was drawn, as JSON has it: the values of fields, not the names of classes."""
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return [[plain(key), plain(one)] for key, one in value.items()]
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [plain(one) for one in value]
    return value


def digest(values: Iterable[Any]) -> str:
    return sha256("\n".join(json.dumps(one) for one in values).encode()).hexdigest()[:16]


def draws(name: str) -> str:
    """Of what seeds draw, and of the operations that some of the sheets begin with."""
    sheets = [sheet_of(name, seed(number)) for number in range(SHEETS)]
    starts = [sheet.begins for sheet in sheets[:STARTS]]
    operations = [[repr(one[2:7]) for one in start.operations] for start in starts if start is not None]
    return digest([*(plain(sheet.given) for sheet in sheets), operations])


def verdicts(name: str) -> str:
    """Of the points for each criterion of right and spoilt solutions."""
    found = []
    for number in range(JUDGED):
        sheet = sheet_of(name, seed(number))
        for recipe in (*SOLVED[name].right, *SOLVED[name].spoilt):
            result = done(sheet, recipe(sheet.given))
            found.append([[one.points, one.of] for one in result.criteria])
    return digest(found)


if __name__ == "__main__":
    rows = {
        name: {"edition": exercise_named(name).edition, "draws": draws(name), "verdicts": verdicts(name)}
        for name in SHIPPED
    }
    FILE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
