"""A folder of notebooks, graded: each file once, on all processors, continuing where an earlier run stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.labs.identity import folded

from .apart import check_given, check_imports, check_results
from .cluster import Cluster
from .comparing import compared, odd_groups
from .course import Course
from .files import called_notebook, digest_of, names_of, no_lab, other_kind, path_of
from .findings import Status, found
from .grades import Graded, Grades
from .places import File, Here, judged
from .roster import Roster
from .state import State, key_of


def grade(
    folder: Path,
    course: Course,
    *,
    state: Path | None = None,
    jobs: int = 0,
    dask: str = "",
    only: str = "",
    roster: Roster | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Grades:
    """Grade all notebooks in `folder` and below; each other file gets a row that says what it is.

    `state` is a file with the grades so far: an unchanged file is not graded again, even after a run that was stopped.
    If judging a file is stopped, two more runs try it.  `jobs` is the number of processes, 0 for one for each CPU;
    `dask` is the address of a Dask cluster that judges instead.  `only` grades this student's files again, and takes
    other files' grades from `state`.  `roster` says which IDs are one person's, and the names; without it, IDs that are
    equal when folded are one person's.  `progress` is called with the number of finished files and the total.

    Raises :class:`Refused` if nothing can be graded, and if the state is in the folder or Python imports from it.
    """
    if jobs and dask:
        raise Refused(
            "--jobs is for this computer: with --dask, the number of the cluster's workers decides how many "
            "notebooks are graded at a time"
        )
    check_imports(folder)
    check_given(folder, (Path(module.path) for module in course.modules))
    if state is not None:
        check_results(folder, state.parent)
    who = roster.person if roster else folded
    names, again = names_of(folder), {who(one) for one in normalize("NFC", only).split("+") if one}
    kept, done, keys = State(state), dict[str, Graded](), dict[str, str]()

    def finish(graded: Graded) -> None:
        done[graded.path] = graded
        progress(len(done), len(names))

    def unknown() -> Iterator[File]:
        """Yield the files that have to be judged; the others are finished."""
        for name in names:
            try:
                path = path_of(folder, name)
                if kind := other_kind(name, path):
                    finish(Graded.none(name, found(Status.NO_NOTEBOOK, kind=kind)))
                    continue
                keys[name] = key_of(digest_of(path, course.size), course)
            except Refused as refusal:
                finish(Graded.none(name, found(Status.UNREADABLE, problem=f"{refusal}")))
                continue
            before = kept.of(name, keys[name])
            if before is None or _tried_again(before, again, who):
                yield File(name, path)
            else:
                finish(before)

    with closing(Cluster(dask) if dask else Here(jobs, folder)) as place:
        for file, one in judged(unknown(), course, place):
            if isinstance(one, Graded):
                finish(kept.keep(keys[file.name], _as_named(one)))
            else:
                finish(Graded.none(file.name, found(Status.UNREADABLE, problem=one)))
    if strangers := again.difference(who(one) for graded in done.values() for one in graded.students):
        raise Refused(f"--only {shown(only)}: no notebook is of {', '.join(sorted(strangers))}")
    files = compared((done[name] for name in names), roster)
    return Grades(course, files, tuple(odd_groups(files, course.groups)))


def _tried_again(before: Graded, again: set[str], person: Callable[[str], str]) -> bool:
    """Return whether a file belongs to one of the persons in `again`; an unreadable file may belong to any of them."""
    return bool(again) and (before.unread or not again.isdisjoint(map(person, before.students)))


def _as_named(graded: Graded) -> Graded:
    """Return the grades of a file; a file without a notebook's name and without a lab is not a notebook."""
    if graded.lab or graded.unread or called_notebook(graded.path):
        return graded
    return replace(graded, finding=found(Status.NO_NOTEBOOK, kind=no_lab(graded.path)))
