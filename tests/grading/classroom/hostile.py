"""What is made to harm: work in the place of 01/gaps', members of outputs that can't be, ids that are not ids."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.grading.earlier import beginning, hinting, outcome, prediction, result, submitting
from tests.grading.synthetic import COURSE, solved
from vmwidgets.labs.beginning import Beginning

from .kinds import GUARD, Kind, Rows, changed, guard, hand_in, not_graded, of_lab, without

Make = Callable[[Path, str], Rows]


def journal(text: bytes, times: int = 1) -> str:
    """A journal with this text so many times, packed as one is."""
    return base64.b64encode(gzip.compress(text, 9, mtime=0) * times).decode()


def machine(**members: Any) -> dict[str, Any]:
    """Packed work of a machine."""
    return {"kind": "machine", "part": "task:puzzle/map", **members}


def deep(depth: int) -> Any:
    """Lists in one another."""
    data: Any = 1
    for _ in range(depth):
        data = [data]
    return data


def references(string: str, runs: list[Any]) -> dict[str, Any]:
    """Packed work of a string of references."""
    return {"kind": "references", "string": string, "runs": runs}


HUGE = 10**4000
MIB = 1 << 20
TEXT = "a journal is a base64 string"

WORKS: list[tuple[str, Callable[[], Any], str]] = [
    ("a bomb", lambda: machine(journal=journal(b"\n" * MIB, 300)), "its journal, line 1: "),
    ("a bomb of one line", lambda: machine(journal=journal(b"[" * MIB, 300)), "its journal, line 1: "),
    ("base64 of 17 MB", lambda: machine(journal="A" * 17_000_000), f"{TEXT}, not too long"),
    ("no base64", lambda: machine(journal="§" * 40), TEXT),
    ("no gzip", lambda: machine(journal="AAAA"), "its journal, line 1: it is not a whole gzip file"),
    ("no journal", machine, TEXT),
    ("a journal of numbers", lambda: machine(journal=[HUGE]), TEXT),
    ("deep", lambda: machine(journal=deep(400)), TEXT),
    ("deep in a journal", lambda: machine(journal=journal(b"[" * 50_000 + b"]" * 50_000)), "its journal, line 1: "),
    ("a file's name", lambda: machine(journal="/etc/passwd"), ""),
    ("no kind", lambda: {"work": 1}, "kind=None"),
    ("another kind", lambda: {"kind": "pickle", "data": "gASVIQ=="}, "kind='pickle'"),
    ("a huge kind", lambda: {"kind": HUGE}, "kind=a number of 13288 bits"),
    ("a string without end", lambda: references("1 2 " * 2_000_000, [["lru", 3]]), ""),
    ("a size without end", lambda: references("1", [["lru", HUGE]]), ""),
    ("sizes without end", lambda: references("1 2", [["lru", number] for number in range(99_999)]), ""),
    ("a strace without end", lambda: {"kind": "strace", "text": "mmap(\n" * 1_000_000}, ""),
    ("a strace of a file", lambda: {"kind": "strace", "text": "/etc/passwd"}, ""),
    ("segments of anything", lambda: {"kind": "segments", "segments": [[HUGE, None, {}]] * 1000}, ""),
    (
        "a segment called self",
        lambda: {"kind": "segments", "segments": {"self": [0, 4096, "r"]}},
        "check '01/gaps' needs a map",
    ),
    ("answers of anything", lambda: {"kind": "answers", "answers": [[[1], {}], 5]}, "answers="),
    ("answers without end", lambda: {"kind": "answers", "answers": [[1, 2]] * 100_000}, "answers="),
    ("another thing", lambda: {"kind": "answers", "answers": [[1, 2]]}, "check '01/gaps' needs a map"),
    (
        "not kept",
        lambda: {"kind": "nothing", "why": "its journal has more than 8 MiB"},
        "it was not kept: its journal",
    ),
    ("not kept, why is anything", lambda: {"kind": "nothing", "why": deep(10)}, "it was not kept: [[["),
]
"""Work in the place of a machine that was checked, and why it is not judged."""


def with_work(work: Callable[[], Any], why: str) -> Make:
    """Such work under the claim of full points: nothing is earned, and it is not called forged."""

    def make(path: Path, student: str) -> Rows:
        hand_in(path, student, "01", changed(solved("01/gaps", student), work=work()), guard(student))
        return of_lab(path, "01", {"01/gaps": (0, f"not judged: {why}"), "01/guard": GUARD})

    return make


FUNCTIONS = {
    "forks": "__import__('os').fork()",
    "starts a program": "__import__('subprocess').run(['touch', '/tmp/vmwidgets-ran'])",
    "reads a file": "open('/etc/passwd').read()",
    "opens a socket": "__import__('socket').socket()",
    "kills all": "__import__('os').kill(-1, 9)",
    "forges a verdict": "print('{\"points\": 6}')",
    "takes memory": "[0] * (1 << 40)",
    "exits": "raise SystemExit",
    "loops": "while True: pass",
}
"""Functions that do something else than to choose, by what they do: none of them runs."""


def with_function(line: str) -> Make:
    """A function in the place of the one that was checked, as earlier versions kept it."""
    work = {"kind": "function", "name": "thing", "source": f"{line}\ndef thing(pages):\n    {line}\n"}

    def make(path: Path, student: str) -> Rows:
        hand_in(path, student, "11", changed(solved("11/policy", student), work=work))
        return of_lab(path, "11", {"11/policy": (0, "not judged: it is a function")})

    return make


def another_part(part: Any, says: str) -> Make:
    """The student's own journal, of which another part is named."""

    def make(path: Path, student: str) -> Rows:
        own = solved("01/gaps", student)
        work = {**own[result.MIME]["work"], "part": part}
        hand_in(path, student, "01", changed(own, work=work), guard(student))
        return of_lab(path, "01", {"01/gaps": (0, says), "01/guard": GUARD})

    return make


def points_are(value: Any) -> Make:
    """The claim is not a number of points, or more than there are, for work that is right."""
    says = "forged: the notebook claims " if type(value) is int else "differs: the notebook claims "

    def make(path: Path, student: str) -> Rows:
        hand_in(path, student, "01", changed(solved("01/gaps", student), points=value), guard(student))
        return of_lab(path, "01", {"01/gaps": (4, says), "01/guard": GUARD})

    return make


def beside(*outputs: dict[str, Any]) -> Make:
    """Outputs beside honest ones, which keep their points."""

    def make(path: Path, student: str) -> Rows:
        hand_in(path, student, "01", guard(student), *outputs)
        return of_lab(path, "01", {"01/guard": GUARD})

    return make


def begun_as(**members: Any) -> Make:
    """A beginning that lab.begin refuses."""

    def make(path: Path, student: str) -> Rows:
        whose = {**Beginning("01", COURSE, (student,)).data(), **members}
        hand_in(path, student, "01", {beginning.MIME: whose}, guard(student))
        return not_graded(path, "its lab.begin can't be: ")

    return make


def raw(text: Callable[[str], str], rows: Callable[[Path], Rows]) -> Make:
    """The text of a whole file, changed as no writer of JSON would."""

    def make(path: Path, student: str) -> Rows:
        hand_in(path, student, "01", guard(student))
        path.write_text(text(path.read_text()))
        return rows(path)

    return make


def numbers(name: str) -> Make:
    """NaN, Infinity and numbers beyond all in the place of a cell's number, and of a prediction's answer."""
    said = {prediction.MIME: {"id": "01/cut", "question": "?", "answer": 12345}}
    make = beside(said, {outcome.MIME: {"id": "01/cut", "said": 12345, "actual": 12345}})

    def changed_numbers(path: Path, student: str) -> Rows:
        rows = make(path, student)
        path.write_text(path.read_text().replace("12345", name))
        return rows

    return changed_numbers


IDS: list[Any] = [
    "a\nb", "../../etc/passwd", "\u202eada", "a\0b", "x" * 10_000, "=cmd|' /C calc'!A0", "ada ", "+", "a++b", "\ud800",
    5, None, ["ada"], {"ada": 1}, True,
]  # fmt: skip
"""No ids: not one gives a file's name, or a cell of a table."""

MANY = [f"01/{number}" for number in range(9_000)]

NOTHING = {"kind": "nothing"}

ODD_OUTPUTS: list[tuple[str, dict[str, Any]]] = [
    ("a prediction of anything", {prediction.MIME: {"id": ["x"], "question": {"a": 1}, "answer": deep(30)}}),
    ("a prediction that is deep", {prediction.MIME: {"id": "01/cut", "question": "?", "answer": deep(900)}}),
    ("an outcome of anything", {outcome.MIME: {"id": "01/cut", "said": [1], "actual": {"x": None}, "late": "yes"}}),
    ("an outcome with a page", {outcome.MIME: {"id": "<script>", "question": "<script>", "said": "<img src=x>"}}),
    ("hints without end", {hinting.MIME: {"id": "01/guard", "tier": 10**4000}}),
    ("hints of anything", {hinting.MIME: {"id": "x" * 10_000, "tier": True}}),
    ("works of unknown exercises", {submitting.MIME: {"works": {"../../etc": {"work": NOTHING}, "01/none": 1}}}),
    ("works that are a list", {submitting.MIME: {"works": [["01/guard", {}]]}}),
    ("many works", {submitting.MIME: {"works": {name: {"work": {}} for name in MANY}}}),
    ("a check without an id", {result.MIME: {"id": None, "work": NOTHING, "points": 9}}),
    ("a check of an unknown exercise", {result.MIME: {"id": "01/\n\u202e", "work": NOTHING, "points": 9}}),
    ("a check of a practice sheet", {result.MIME: {"id": "01/guard", "sheet": "practice 1", "work": NOTHING}}),
    ("a check that is a list", {result.MIME: ["01/guard"]}),
]  # fmt: skip


def many_predictions(path: Path, student: str) -> Rows:
    """More than a lab asks; what they earn is another test's."""
    said = [{prediction.MIME: {"id": name, "question": "?", "answer": "x"}} for name in MANY]
    hand_in(path, student, "01", guard(student), *said)
    return of_lab(path, "01", {"01/guard": GUARD})


def two_beginnings(path: Path, student: str) -> Rows:
    """Work of one sheet, and then the first cell of another: the last counts."""
    other = Beginning("01", COURSE, (f"{student}x",)).data()
    hand_in(path, student, "01", guard(student), {beginning.MIME: other})
    return of_lab(path, "01", {"01/guard": (0, "its journal is of another variant")})


def no_sheet(path: Path, student: str) -> Rows:
    """The member that says which sheet was asked is missing."""
    hand_in(path, student, "01", without(solved("01/gaps", student), "sheet"), guard(student))
    return of_lab(path, "01", {"01/gaps": (0, "its journal is of another variant"), "01/guard": GUARD})


def _parts() -> list[Kind]:
    odd = {
        "..": "../../etc",
        "none": "task:none/map",
        "empty": "",
        "a number": 7,
        "signs": "task:\n\u202e=1",
        "huge": "/" * 99_999,
    }
    return [Kind(f"hostile part: {name}", another_part(part, "not judged: ")) for name, part in odd.items()]


HOSTILE = [
    *(Kind(f"hostile work: {name}", with_work(work, why)) for name, work, why in WORKS),
    *_parts(),
    *(Kind(f"hostile points: {str(value)[:9]}", points_are(value)) for value in (True, "5", 5.5, None, [5], 10**4000)),
    *(Kind(f"hostile id: {number}", begun_as(student=value)) for number, value in enumerate(IDS)),
    *(Kind(f"hostile lab: {str(value)[:9]!r}", begun_as(lab=value)) for value in ("../01", "0\n1", "=1", None, 1)),
    *(Kind(f"hostile course: {str(value)[:9]!r}", begun_as(course=value)) for value in ("../os", "os\n", "", None)),
    *(Kind(f"hostile output: {name}", beside(output)) for name, output in ODD_OUTPUTS),
    *(Kind(f"hostile number: {name[:9]}", numbers(name)) for name in ("NaN", "-Infinity", "1e999", "9" * 4000)),
    Kind("hostile: many predictions", many_predictions),
    Kind("hostile: two beginnings", two_beginnings),
    Kind("hostile: no sheet", no_sheet),
]

HOSTILE_FUNCTIONS = [Kind(f"hostile function: {one}", with_function(line), "11") for one, line in FUNCTIONS.items()]
