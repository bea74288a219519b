"""The program that Gradescope runs for each submission: it grades the notebooks, and always writes results.json.

Gradescope's folder has `source/` (the archive that `assignment --for gradescope` wrote), `submission/`,
`submission_metadata.json` and `results/`, as https://gradescope-autograders.readthedocs.io says.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vmwidgets.engine.base.frozen import frozen

from ..assignments.gradescope import COURSE, EXERCISES, SETTINGS
from ..engine.base.errors import Refused, printable
from ..grading import grade, read_course
from ..grading.files import COPIES, called_notebook, other_kind
from ..grading.findings import NO_WORK
from ..grading.notebook import read_notebook
from ..grading.roster import Person, Roster
from ..grading.spreadsheet import Table
from ..grading.tables import results_of
from ..labs.identity import folded
from ..labs.moved import called

MOST = 20
"""The most notebooks that are graded in one submission."""

ASK = "Ask your instructor."


@frozen(slots=False)
class Rules:
    """The `labs` that are graded, and for each folded ID the first ID of its person in the roster."""

    labs: tuple[str, ...]
    people: Mapping[str, str]

    def person(self, name: str) -> str:
        """Return the same string for all IDs of one person."""
        return self.people.get(folded(name), folded(name))


@frozen(slots=False)
class Submission:
    """The notebooks that count, by the names that students see, and a sentence about every other file."""

    counted: dict[str, Path]
    sentences: list[str]


def main() -> int:
    """Grade the submission in Gradescope's folder, the only argument; exit code 0, whatever was submitted."""
    root = Path(sys.argv[1])
    target = root / "results" / "results.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(results(root), indent=1) + "\n", encoding="utf-8")
    return 0


def results(root: Path) -> dict[str, Any]:
    """Return the contents of results.json for the submission; never raises an error.

    An error of the autograder itself is printed, since Gradescope shows printed text to instructors only.
    """
    try:
        rules = _rules(root / "source" / SETTINGS)
        users = _users(root / "submission_metadata.json")
        if not users:
            return _nothing([f"Gradescope does not say who uploaded this, so it has no points. {ASK}"])
        found = _looked_at(root / "submission", rules, users)
        if not found.counted:
            return _nothing(found.sentences)
        return _graded(found, root / "source", _uploaders(users, rules))
    except Exception as error:  # noqa: BLE001  a submission without results.json is an error that a student can't read
        print(f"vmwidgets: {type(error).__name__}: {error}")
        return _nothing([f"The autograder could not grade this. {ASK}"])


def _nothing(sentences: list[str]) -> dict[str, Any]:
    return {"score": 0, "output": "\n".join(sentences), "visibility": "visible"}


def _rules(path: Path) -> Rules:
    data = json.loads(path.read_text(encoding="utf-8"))
    return Rules(tuple(data["labs"]), data["people"])


def _users(path: Path) -> list[list[str]]:
    """Return the email address and the student number of each uploader, as far as Gradescope knows them."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    users = data.get("users") if isinstance(data, dict) else None
    found = [one for one in users if isinstance(one, dict)] if isinstance(users, list) else []
    known = [[str(one[name]) for name in ("email", "sid") if one.get(name)] for one in found]
    return known if all(known) else []


def _looked_at(folder: Path, rules: Rules, users: list[list[str]]) -> Submission:
    """Return the notebooks that count, and for every other file the reason why it doesn't count."""
    found = Submission({}, [])
    paths = sorted(_files(folder))
    notebooks = [path for path in paths if _is_notebook(path)]
    for number, path in enumerate(notebooks):
        name = printable(path.relative_to(folder).as_posix())
        if problem := _problem(path, rules, users) if number < MOST else f"only {MOST} notebooks are graded.":
            found.sentences.append(f"{name}: {problem}")
        else:
            found.counted[name] = path
    if not notebooks:
        others = ", ".join(printable(path.name) for path in paths[:MOST])
        uploaded = f" You uploaded: {others}." if others else " The submission is empty."
        found.sentences.append(
            f"There is no notebook in this submission. Upload the file that ends in .ipynb.{uploaded}"
        )
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Yield all files in the folder and below."""
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in COPIES]
        yield from (Path(where, name) for name in files if not name.startswith("."))


def _is_notebook(path: Path) -> bool:
    """Return whether a file is a notebook by its name or by its contents: some browsers change the ending."""
    if called_notebook(path.name):
        return True
    try:
        return not path.is_symlink() and not other_kind(path.name, path) and read_notebook(path).begun is not None
    except Refused:
        return False


def _problem(path: Path, rules: Rules, users: list[list[str]]) -> str:
    """Return the reason why a notebook gets no points here, in a sentence for its student; "" if it counts."""
    if path.is_symlink():
        return "this is a link: upload the notebook itself."
    handed = read_notebook(path)
    if handed.finding and handed.finding.status not in NO_WORK:
        return f"{handed.finding.staff}."  # the reader uploaded it
    assert handed.begun is not None, "a file without a beginning has a finding"
    if handed.begun.lab not in rules.labs:
        return f"this is {called(handed.begun.lab)}, and {_listed(rules.labs)} is graded here."
    if not handed.begun.students:
        return 'this notebook was begun without an id: write student="…" into its lab.begin, and run it again.'
    owners = {rules.person(one) for one in handed.begun.students}
    for ids in users:
        if owners.isdisjoint(map(rules.person, ids)):
            begun = ", ".join(handed.begun.students)
            return f"this notebook was begun as {begun}, and was uploaded by {ids[0]}, so it has no points here."
    return ""


def _listed(labs: tuple[str, ...]) -> str:
    return f"lab {labs[0]}" if len(labs) == 1 else f"one of labs {', '.join(labs)}"


def _uploaders(users: list[list[str]], rules: Rules) -> Roster:
    """Return a roster of the uploaders, each with all IDs from Gradescope and the course's roster."""
    people, aliases = dict[str, Person](), dict[str, str]()
    for ids in users:
        firsts = {rules.person(one) for one in ids}
        own = {*map(folded, ids), *firsts, *(one for one, first in rules.people.items() if first in firsts)}
        first = next((aliases[one] for one in sorted(own) if one in aliases), min(firsts))
        people.setdefault(first, Person(first, "", ()))
        aliases.update((folded(one), first) for one in own)
    return Roster(Table(Path(SETTINGS), (), ()), people, aliases=aliases)


def _graded(found: Submission, source: Path, uploaders: Roster) -> dict[str, Any]:
    """Return the results of the notebooks that count.

    Each notebook belongs to everyone who uploaded it, so all of them get the same points.  If one member of a pair did
    some work alone, the results with the most points are shown.  Suspicions are printed, for instructors only.
    """
    with TemporaryDirectory() as folder:
        copies = {f"{number}.ipynb": name for number, name in enumerate(found.counted)}
        for copy, name in copies.items():
            shutil.copyfile(found.counted[name], Path(folder, copy))
        course = read_course(source / COURSE, sorted((source / EXERCISES).glob("*.py")))
        grades = grade(Path(folder), course, roster=uploaders)
    for row in grades.look:
        print(printable(f"{copies.get(row.path, row.path)}{f', {row.exercise}' * bool(row.exercise)}: {row.says}"))
    best = max((results_of(grades, one) for one in uploaders.people), key=lambda one: (one["score"], len(one["tests"])))
    sentences = [
        f"{copies[file.path]}: {file.finding.staff if file.finding else 'this notebook was graded'}."
        for file in grades.files
    ]
    return {**best, "output": "\n".join([*sentences, *found.sentences])}


if __name__ == "__main__":
    sys.exit(main())
