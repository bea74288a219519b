"""What claims more than it is: points, journals that were edited, and work of others."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from typing import Any

from tests.grading.earlier import beginning, result
from tests.grading.synthetic import COURSE, seed_of, solved
from tests.labs.test_sheets import SOLVED
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.sheet import sheet_of

from .kinds import GUARD, Kind, Rows, changed, guard, hand_in, of_lab

OTHER_SHEET = "its journal is of another variant"
ANOTHERS = "not judged: this machine does not begin as the variant does"


def claims(points: int, recipe: int | None, earned: int, kind: str = "forged") -> Callable[[Path, str], Rows]:
    """A check of 01/gaps that says so many points, of a spoilt answer or of the right one."""

    def make(path: Path, student: str) -> Rows:
        gaps = SOLVED["01/gaps"]
        typed = gaps.right[0] if recipe is None else gaps.spoilt[recipe]
        hand_in(path, student, "01", changed(solved("01/gaps", student, typed), points=points, passed=True))
        says = f"{kind}: the notebook claims {points} points, and its journal gives {earned}"
        return of_lab(path, "01", {"01/gaps": (earned, says)})

    return make


def unpacked(output: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of a journal in a check."""
    text = gzip.decompress(base64.b64decode(output[result.MIME]["work"]["journal"])).decode()
    return [json.loads(line) for line in text.splitlines()]


def packed_as(output: dict[str, Any], lines: Iterable[str], end: dict[str, Any] | None = None) -> dict[str, Any]:
    """A check's work with these lines for its journal; the end, with its check value, is made if none is given."""
    texts = [f"{line}\n" for line in lines]
    end = end or {"end": len(texts), "sha256": hashlib.sha256("".join(texts).encode()).hexdigest()}
    whole = "".join([*texts, json.dumps(end) + "\n"])
    journal = base64.b64encode(gzip.compress(whole.encode(), 6, mtime=0)).decode()
    return {**output[result.MIME]["work"], "journal": journal}


def edited(edit: Callable[[list[dict[str, Any]]], None], says: str, *, signed: bool) -> Callable[[Path, str], Rows]:
    """A journal of a spoilt answer that was edited, and claims all points."""

    def make(path: Path, student: str) -> Rows:
        output = solved("01/gaps", student, SOLVED["01/gaps"].spoilt[0])
        *lines, end = unpacked(output)
        edit(lines)
        work = packed_as(output, map(json.dumps, lines), None if signed else end)
        hand_in(path, student, "01", changed(output, work=work, points=4, passed=True), guard(student))
        return of_lab(path, "01", {"01/gaps": (0, f"not judged: its journal, line {says}"), "01/guard": GUARD})

    return make


def last_operation(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The operation that was done last."""
    return [line for line in lines if "operation" in line][-1]


def another_result(lines: list[dict[str, Any]]) -> None:
    last_operation(lines)["result"] = {"hex": "0x7777_0000"}


def another_argument(lines: list[dict[str, Any]]) -> None:
    last_operation(lines)["arguments"]["size"] = 1 << 60


def no_such_operation(lines: list[dict[str, Any]]) -> None:
    last_operation(lines)["name"] = "__class__"


def no_such_target(lines: list[dict[str, Any]]) -> None:
    last_operation(lines)["target"] = "../../etc"


def no_boot(lines: list[dict[str, Any]]) -> None:
    lines[:] = [lines[0], *(line for line in lines[1:] if line.get("name") != "boot")]


def another_format(lines: list[dict[str, Any]]) -> None:
    lines[0]["version"] = 99


def other_members(lines: list[dict[str, Any]]) -> None:
    last_operation(lines)["__reduce__"] = ["os.system", ["true"]]
    del last_operation(lines)["arguments"]


def of_version(version: Any) -> Callable[[Path, str], Rows]:
    """A notebook that another vmwidgets made: it is judged, since the exercises are the same."""

    def make(path: Path, student: str) -> Rows:
        whose = {**Beginning("01", COURSE, (student,)).data(), "version": version}
        hand_in(path, student, "01", {beginning.MIME: whose}, guard(student))
        return of_lab(path, "01", {"01/guard": GUARD})

    return make


def another_seed(path: Path, student: str) -> Rows:
    """The beginning says another's seed: the student's own is found from the id."""
    whose = {**Beginning("01", COURSE, (student,)).data(), "seed": seed_of("ada", "01")}
    hand_in(path, student, "01", {beginning.MIME: whose}, guard(student))
    return of_lab(path, "01", {"01/guard": GUARD})


def under_my_name(path: Path, student: str) -> Rows:
    """Another's file with another id in the first cell; the other one keeps the points, and is not listed."""
    copy = (0, f"the same journal as {student}o; {OTHER_SHEET}")
    other = path.with_name(f"{path.stem}-other.ipynb")
    theirs = solved("01/gaps", f"{student}o"), guard(f"{student}o")
    hand_in(other, f"{student}o", "01", *theirs)
    hand_in(path, student, "01", *theirs)
    return {
        **of_lab(other, "01", {"01/gaps": (4, ""), "01/guard": GUARD}),
        **of_lab(path, "01", {"01/gaps": copy, "01/guard": copy}),
    }


def under_my_sheet(path: Path, student: str) -> Rows:
    """And with one's own sheet in the check: it does not begin with that."""
    theirs = changed(solved("01/gaps", f"{student}o"), sheet=seed_of(student, "01"))
    hand_in(path, student, "01", theirs, guard(student))
    return of_lab(path, "01", {"01/gaps": (0, ANOTHERS), "01/guard": GUARD})


def of_a_like_sheet(path: Path, student: str) -> Rows:
    """A copy that earns all points, since both are asked the same: each is listed beside the other."""
    given = sheet_of("11/anomaly", seed_of(student, "11")).given
    twin = next(one for one in (f"{student}t{number}" for number in count())
                if sheet_of("11/anomaly", seed_of(one, "11")).given == given)  # fmt: skip
    other = path.with_name(f"{path.stem}-other.ipynb")
    theirs = solved("11/anomaly", twin)
    hand_in(other, twin, "11", theirs)
    hand_in(path, student, "11", changed(theirs, sheet=seed_of(student, "11")))
    return {
        **of_lab(other, "11", {"11/anomaly": (5, f"the same journal as {student} (asked the same)")}),
        **of_lab(path, "11", {"11/anomaly": (5, f"the same journal as {twin} (asked the same)")}),
    }


def under_another_name(path: Path, student: str) -> Rows:
    """The same file, called otherwise: it is the same student's."""
    first = path.with_name(f"{path.stem}-a.ipynb")
    hand_in(path, student, "01", guard(student))
    shutil.copyfile(path, first)
    last, other = max(path, first), min(path, first)
    return {
        **of_lab(other, "01", {"01/guard": GUARD}),
        **of_lab(last, "01", {"01/guard": GUARD, "01/gaps": (0, "")}),  # said in the first row
    }


def of_another_edition(path: Path, student: str) -> Rows:
    """Of an exercise that was drawn or judged otherwise then: a person has to look."""
    hand_in(path, student, "01", changed(guard(student), edition=0))
    return of_lab(path, "01", {"01/guard": (0, "not judged: it was made with edition 0 of this exercise, and this is")})


def for_another_exercise(path: Path, student: str) -> Rows:
    """The journal of one exercise under the name of another."""
    stolen = {**guard(student)[result.MIME], "id": "01/gaps", "edition": exercises()["01/gaps"].edition, "points": 4}
    hand_in(path, student, "01", {result.MIME: stolen})
    return of_lab(path, "01", {"01/gaps": (0, ANOTHERS)})


FORGED = [
    Kind("forged: 4 for 0", claims(4, 0, 0)),
    Kind("forged: 4 for 3", claims(4, 1, 3)),
    Kind("differs: 3 for 4", claims(3, None, 4, "differs")),
    Kind("forged: a thousand", claims(1000, None, 4)),
    Kind("differs: less than nothing", claims(-1, 2, 3, "differs")),
    Kind("edited: without its check value", edited(another_result, "", signed=False)),
    Kind("edited: another result", edited(another_result, "", signed=True)),
    Kind("edited: another argument", edited(another_argument, "", signed=True)),
    Kind("edited: no such operation", edited(no_such_operation, "", signed=True)),
    Kind("edited: no such target", edited(no_such_target, "", signed=True)),
    Kind("edited: no boot", edited(no_boot, "2: the first operation is the boot", signed=True)),
    Kind("edited: another format", edited(another_format, "1: it has version 99", signed=True)),
    Kind("edited: other members", edited(other_members, "", signed=True)),
    Kind("another version: older", of_version("0.0.1")),
    Kind("another version: none", of_version(None)),
    Kind("another version: anything", of_version("9" * 10_000 + "\n")),
    Kind("another edition", of_another_edition),
    Kind("another seed", another_seed),
    Kind("copied: under my name", under_my_name, others=("{0}o",)),
    Kind("copied: under my sheet", under_my_sheet, others=("{0}o",)),
    Kind("copied: of a like sheet", of_a_like_sheet, "11"),
    Kind("copied: under another name", under_another_name),
    Kind("copied: for another exercise", for_another_exercise),
]
