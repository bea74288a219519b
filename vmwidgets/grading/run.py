"""A folder of notebooks, graded: each file once, on all processors, and going on where an earlier run stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from unicodedata import normalize

from vmwidgets.engine.base.errors import Refused, shown

from .cluster import Cluster
from .comparing import compared
from .course import Course
from .grades import Graded, Grades
from .notebook import content_of
from .places import File, Here, judged
from .state import State, key_of

LEFT_OUT = {".ipynb_checkpoints", "__MACOSX"}
"""Folders that hold copies."""

ENDINGS = ".ipynb", ".ipynb.txt", ".ipynb.json"
"""Of notebooks; some browsers and editors add another."""


def grade(
    folder: Path,
    course: Course,
    *,
    state: Path | None = None,
    jobs: int = 0,
    dask: str = "",
    only: str = "",
    person: Callable[[str], str] = str,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Grades:
    """Grade all notebooks in `folder` and below.

    `state` is a file that keeps what was graded: a file that is the same as then is not graded again, also after a run
    that was stopped.  `jobs` is the number of processes, 0 for one a processor; `dask` is the address of a Dask
    cluster that judges instead.  `only` grades this student's files again, and takes the others from `state`.
    `person` gives who wrote an id: what one person handed in by two ids is no copy.
    `progress` is called with how many files are done, and of how many.
    """
    if jobs and dask:
        raise Refused("--jobs is for this computer: with --dask the cluster's workers say how many judge at a time")
    names, again = names_of(folder), {person(one) for one in normalize("NFC", only).split("+") if one}
    kept, done, keys = State(state), dict[str, Graded](), dict[str, str]()

    def finish(graded: Graded) -> None:
        done[graded.path] = graded
        progress(len(done), len(names))

    def unknown() -> Iterator[File]:
        """The files that have to be judged; the others are finished."""
        for name in names:
            try:
                file = File(name, _content(folder, name))
            except Refused as refusal:
                finish(Graded.none(name, str(refusal)))
                continue
            keys[name] = key_of(file.content, course)
            before = kept.of(name, keys[name])
            if before is None or not again.isdisjoint(map(person, before.students)):
                yield file
            else:
                finish(before)

    with closing(Cluster(dask) if dask else Here(jobs)) as place:
        for file, found in judged(unknown(), course, place):
            if isinstance(found, Graded):
                kept.keep(keys[file.name], found)
                finish(found)
            else:
                finish(Graded.none(file.name, found))
    if strangers := again.difference(person(one) for graded in done.values() for one in graded.students):
        raise Refused(f"--only {shown(only)}: no notebook is of {', '.join(sorted(strangers))}")
    return Grades(course, tuple(compared((done[name] for name in names), course, person)))


def names_of(folder: Path) -> list[str]:
    """The notebooks in a folder and below, as they are named in it, and the folders that can't be read.

    Also what is called as a notebook and is none: each gets its row.
    """
    if not folder.is_dir():
        raise Refused(f"{str(folder)!r} is no folder: write the folder with the notebooks that were handed in")
    errors: list[OSError] = []
    found = set()
    for where, folders, files in os.walk(folder, onerror=errors.append):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        found |= {Path(where, name) for name in (*folders, *files) if name.casefold().endswith(ENDINGS)}
    closed = {Path(error.filename) for error in errors}
    if folder in closed:
        raise Refused(f"{str(folder)!r} can't be read: {errors[0].strerror}")
    found |= closed
    if names := [path.relative_to(folder).as_posix() for path in sorted(found)]:
        return names
    raise Refused(f"{str(folder)!r} has no notebooks")


def _content(folder: Path, name: str) -> bytes:
    """What a file holds; :class:`Refused` for one that can't be read, or that a link in the folder leads out to."""
    path = folder / name
    if path.is_symlink() and path.exists() and not path.resolve().is_relative_to(folder.resolve()):
        raise Refused("it is a link to what is not in this folder: put the file itself there")
    return content_of(path)
