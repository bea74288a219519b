"""The uploader of a file, if the file's name or folder shows it: learning systems write the uploader there.

Moodle and Canvas write names, Blackboard and nbgrader write IDs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import takewhile
from unicodedata import normalize

from vmwidgets.labs.identity import folded

from .roster import Roster

MOODLE = re.compile(r"(?P<name>.+?)_\d+_assignsubmission_(?:file|onlinetext)(?:_.*)?")
"""``Ada Lovelace_4711_assignsubmission_file/01-maps.ipynb``, or with ``_`` for the ``/``."""

CANVAS = re.compile(r"(?P<name>[^_]+)(?:_LATE)?_(?P<number>\d+)_\d+_.*")
"""``lovelaceada_4711_99123_01-maps.ipynb``: the name without blanks, Canvas's numbers of the student and the file."""

BLACKBOARD = re.compile(r"(?P<ids>.+?)_attempt_\d{4}(?:-\d{2}){5}.*")
"""``Lab 01_ada_attempt_2026-10-01-12-00-00_01-maps.ipynb``: the assignment and the ID, which may contain a ``_``."""

Submitted = tuple[str, Sequence[str]]
"""A file's path, and the IDs of its authors according to the file."""


def uploaders(roster: Roster | None, files: Iterable[Submitted]) -> Callable[[str], str]:
    """Return the uploader's ID by file path; "" if the ID is not shown or not certain.

    A learning system puts its words first.  So the outermost folder with such words counts, and the first such words in
    a name: a student may have written the rest.  Below the folders that all files have in common, folders belong to
    students, as nbgrader collects them, if there are several and most are named by IDs.  These must be IDs from the
    roster or, without a roster, IDs that most files in the folder name.

    >>> files = [("ada/1.ipynb", ["ada"]), ("bert/1.ipynb", ["bert"]), ("Lab 01_ada_attempt_2026-10-01-12-00-00_x", [])]
    >>> uploader = uploaders(None, files)
    >>> [uploader(path) for path in ("bert/01-maps.ipynb", "Lab 01_ada_attempt_2026-10-01-12-00-00_x.ipynb", "x.ipynb")]
    ['bert', 'ada', '']
    """
    files = list(files)
    ids = {folded(one): one for _, whose in files for one in whose} if roster is None else roster.aliases
    names = _names(roster)
    numbers = {person.number: person.id for person in roster.people.values() if person.number} if roster else {}
    depth = _depth(path for path, _ in files)
    own_folders = _own_folders(files, depth, ids, roster is None)

    def said(component: str, kinds: Sequence[re.Pattern[str]]) -> str | None:
        """Return the person named by a system's words in a name; None without such words."""
        found = [match for match in (kind.fullmatch(component) for kind in kinds) if match]
        if not found:
            return None
        first = min(found, key=lambda match: match.end(1))
        if first.re is BLACKBOARD:
            return _longest(first["ids"], ids, certain=roster is not None)
        number = first["number"] if first.re is CANVAS else ""
        return numbers.get(number) or names.get(_letters(first["name"]), "")

    def uploader(path: str) -> str:
        *folders, name = path.split("/")
        if own_folders and len(folders) > depth and (student := ids.get(folded(folders[depth]))):
            return student
        there = [*((folder, [MOODLE]) for folder in folders), (name, [MOODLE, BLACKBOARD, CANVAS])]
        return next((who for component, kinds in there if (who := said(component, kinds)) is not None), "")

    return uploader


def _depth(paths: Iterable[str]) -> int:
    """Return how many folders all files have in common."""
    folders = [path.split("/")[:-1] for path in paths]
    same = (len(set(names)) == 1 for names in zip(*folders, strict=False))
    return sum(1 for _ in takewhile(bool, same))


def _own_folders(files: Sequence[Submitted], depth: int, ids: Mapping[str, str], confirmed: bool) -> bool:
    """Return whether most folders have students' names; with `confirmed`, only IDs that most of their files name count.

    A single such folder may be the instructor's, with a notebook whose author wrote the folder's name as an ID.
    """
    owners: dict[str, list[bool]] = {}
    for path, whose in files:
        *folders, _ = path.split("/")
        if len(folders) > depth:
            name = folded(folders[depth])
            owners.setdefault(name, []).append(name in map(folded, whose))
    own = [name for name, named in owners.items() if name in ids and (not confirmed or 2 * sum(named) > len(named))]
    return len(own) > 1 and 2 * len(own) > len(owners)


def _longest(text: str, ids: Mapping[str, str], *, certain: bool) -> str:
    """Return the longest ID at the end of a text, after a ``_``; if IDs are not `certain`, only if a single ID fits."""
    parts = text.split("_")
    found = [one for first in range(1, len(parts)) if (one := ids.get(folded("_".join(parts[first:]))))]
    return found[0] if found and (certain or len(found) == 1) else ""


def _names(roster: Roster | None) -> Mapping[str, str]:
    """Return the ID for each name that only one person has, with the first name or the last name first."""
    found = {
        (_letters(words), person.id)
        for person in (roster.people.values() if roster else ())
        for words in (person.name, _turned(person.name))
        if _letters(words)
    }
    times = Counter(name for name, _ in found)
    return {name: student for name, student in found if times[name] == 1}


def _turned(name: str) -> str:
    """Return the name with the last name first, as in lists; or the first name first, if it was last."""
    last, comma, first = name.partition(",")
    if comma:
        return f"{first} {last}"
    *first_names, last = name.split() or [""]
    return " ".join([last, *first_names])


def _letters(name: str) -> str:
    """Return a name in a form for comparison: systems drop blanks and signs, and some drop accents."""
    return "".join(letter for letter in normalize("NFKD", folded(name)) if letter.isalnum())
