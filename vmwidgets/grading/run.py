"""A folder of notebooks, graded: each file once, on all processors, and going on where an earlier run stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from vmwidgets.engine.base.errors import Refused

from .comparing import compared
from .course import Course
from .grades import Graded, Grades
from .notebook import content_of
from .places import File, Here, judged
from .state import State, key_of

LEFT_OUT = {".ipynb_checkpoints", "__MACOSX"}
"""Folders that hold copies."""


def grade(
    folder: Path,
    course: Course,
    *,
    state: Path | None = None,
    jobs: int = 0,
    only: str = "",
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Grades:
    """Grade all notebooks in `folder` and below.

    `state` is a file that keeps what was graded: a file that is the same as then is not graded again, also after a run
    that was stopped.  `jobs` is the number of processes, 0 for one a processor.  `only` grades this student's files
    again, and takes the others from `state`.  `progress` is called with how many files are done, and of how many.
    """
    names = _names(folder)
    kept, done = State(state), dict[str, Graded]()

    def finish(graded: Graded) -> None:
        done[graded.path] = graded
        progress(len(done), len(names))

    def unknown() -> Iterator[File]:
        """The files that have to be judged; the others are finished."""
        for name in names:
            try:
                file = File(name, content_of(folder / name))
            except Refused as refusal:
                finish(Graded.none(name, str(refusal)))
                continue
            before = kept.of(name, key_of(file.content, course))
            if before is None or only in before.students:
                yield file
            else:
                finish(before)

    with closing(Here(jobs)) as place:
        for file, found in judged(unknown(), course, place):
            if isinstance(found, Graded):
                kept.keep(key_of(file.content, course), found)
                finish(found)
            else:
                finish(Graded.none(file.name, found))
    return Grades(course, tuple(compared(done[name] for name in names)))


def _names(folder: Path) -> list[str]:
    """The notebooks in a folder and below, as they are named in it."""
    if not folder.is_dir():
        raise Refused(f"{str(folder)!r} is no folder: write the folder with the notebooks that were handed in")
    paths = (path for path in sorted(folder.rglob("*.ipynb")) if path.is_file())
    names = [path.relative_to(folder) for path in paths]
    if found := [name.as_posix() for name in names if not LEFT_OUT & set(name.parts)]:
        return found
    raise Refused(f"{str(folder)!r} has no notebooks")
