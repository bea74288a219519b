"""Exams as files: complete, or not written at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.files import check_free, place_of, regular, written_whole

from .exam import Exam
from .qti import package
from .sheets import html, markdown

SUFFIXES = (".md", ".html", ".qti", ".imscc")


def exam_file(path: str | os.PathLike[str], *, key: bool = True, force: bool = False) -> Path:
    """Return the path of an exam.

    Raises :class:`Refused` for another suffix, a missing folder, an existing file (unless `force`), and a package
    without its key.
    """
    file = place_of(path, "exam.md")
    if file.suffix.lower() not in SUFFIXES:
        raise Refused(f"{shown(str(path))} ends in {shown(file.suffix)}: it must end in {', '.join(SUFFIXES)}")
    if not file.parent.is_dir():
        raise Refused(f"there is no folder {shown(str(file.parent))}: make it first")
    if file.is_dir():
        raise Refused(f"{shown(str(path))} is a folder: name a file")
    if not key and _is_package(file):
        raise Refused(
            "a package for a learning management system contains the answers: leave out --no-key, or write .md or .html"
        )
    check_free(file, *([figures_of(file)] if file.suffix.lower() == ".md" else []), force=force)
    if file.suffix.lower() == ".md" and figures_of(file).exists() and not figures_of(file).is_dir():
        raise Refused(f"{shown(str(figures_of(file)))} is a file, and figures need a folder there")
    return file


def figures_of(file: Path) -> Path:
    """Return the folder for a Markdown file's figures."""
    return file.with_name(f"{file.stem}_files")


def _is_package(file: Path) -> bool:
    return file.suffix.lower() in (".qti", ".imscc")


def save(exam: Exam, path: str | os.PathLike[str], *, key: bool = True, force: bool = False) -> Path:
    """Write an exam in the format of the file's ending; without `key`, only its questions.

    Figures of a Markdown file are put into the folder `NAME_files` next to it.  Returns the path.

    Raises :class:`Refused` as :func:`exam_file` does, and if a file can't be written; existing files then stay.
    """
    file = exam_file(path, key=key, force=force)
    if file.suffix.lower() == ".md":
        folder = figures_of(file)
        text, figures = markdown(exam, folder.name, key=key)
        with _folder_whole(folder, figures), written_whole(file) as new:
            new.write(text.encode())
        return file
    with written_whole(file) as new:
        new.write(package(exam) if _is_package(file) else html(exam, key=key).encode())
    return file


@contextmanager
def _folder_whole(folder: Path, figures: dict[str, str]) -> Iterator[None]:
    """Replace an earlier exam's figures in `folder` once the body of the ``with`` has succeeded."""
    if not figures and not folder.exists():
        yield
        return
    folder = Path(os.path.realpath(folder))
    for name in figures:
        regular(folder / name)
    try:
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            for name, svg in figures.items():
                (made / name).write_text(svg, encoding="utf-8", newline="")
            yield
            folder.mkdir(exist_ok=True)
            for old in [*folder.glob("question-*.svg"), *folder.glob("key-*.svg")]:
                old.unlink()
            for name in figures:
                (made / name).replace(folder / name)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise Refused(f"{str(folder)!r} can't be written: {error.strerror or error}") from error
