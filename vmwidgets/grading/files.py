"""The files of a folder of submissions: their names, kinds and contents.

The folder is other people's: a file may be a pipe, a link out of the folder, or larger than memory.  Each file gets a
row in the grades, and no file is read beyond the size of the largest notebook.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import counted
from vmwidgets.labs.saved import NOTEBOOK_BYTES

LEAST_MIB, MOST_MIB = 0.1, 1024
"""The least and the greatest size that a person may allow for notebooks instead."""

CHUNK = 1 << 20
"""The number of bytes that are read at a time for a digest."""

COPIES = {"__MACOSX"}
"""Folders that systems add and that are not hidden: everything in them is left out."""

SYSTEM = {"thumbs.db", "desktop.ini"}
"""Files that systems add and that are not hidden, in small letters."""

ENDINGS = ".ipynb", ".ipynb.txt", ".ipynb.json"
"""The endings of notebooks; some browsers and editors add another."""

HEAD = 1024
"""The number of bytes that are read to find out the kind of a file."""

TAIL = 4 << 20
"""The number of bytes at the end of a zip archive that are searched for its list of files."""

BEFORE_JSON = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"
"""Bytes that may precede JSON: byte order marks, the other half of wide characters, and white space."""

WEB_PAGES = b"<!doctype html", b"<html"

ARCHIVES = {
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
}
"""Packed files, by their first bytes."""

OTHERS = {b"%PDF": "a PDF", b"\x89PNG": "an image", b"\xff\xd8\xff": "an image", b"GIF8": "an image"}
"""Files that can't be notebooks, by their first bytes."""

ASK, NAME = "ask for the .ipynb", "name your .ipynb"
"""The advice on a file: for staff, and for the student whose file it is."""


def size_allowed(mebibytes: float) -> int:
    """Return the most bytes of a notebook as a person allows it; raises :class:`Refused` for too little or too much."""
    if not LEAST_MIB <= mebibytes <= MOST_MIB:
        raise Refused(f"--size {mebibytes:g}: write {LEAST_MIB:g} to {MOST_MIB:,} MiB")
    return int(mebibytes * (1 << 20))


def names_of(folder: Path) -> list[str]:
    """Return all files in a folder and below, by their names in it, and the folders that can't be read.

    Folders named like notebooks and links to folders are included: each gets a row.  Files that a system hides or adds
    are left out, except hidden notebooks.  Raises :class:`Refused` for a folder without files.
    """
    if not folder.is_dir():
        raise Refused(f"{str(folder)!r} is not a folder: name the folder with the submitted notebooks")
    errors: list[OSError] = []
    found = set()
    for where, folders, files in os.walk(folder, onerror=errors.append):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in COPIES]
        linked = [name for name in folders if called_notebook(name) or Path(where, name).is_symlink()]
        found |= {Path(where, name) for name in (*linked, *files) if not _of_the_system(name)}
    closed = {Path(error.filename) for error in errors}
    if folder in closed:
        raise Refused(f"{str(folder)!r} can't be read: {errors[0].strerror}")
    if names := [path.relative_to(folder).as_posix() for path in sorted(found | closed)]:
        return names
    raise Refused(f"{str(folder)!r} has no files to grade")


def called_notebook(name: str) -> bool:
    """Return whether a file with this name should be a notebook.

    >>> called_notebook("ada/01-Maps.IPYNB"), called_notebook("ada.zip")
    (True, False)
    """
    return name.casefold().endswith(ENDINGS)


def path_of(folder: Path, name: str) -> Path:
    """Return the path of a submitted file; raises :class:`Refused` for a link to something outside the folder."""
    path = folder / name
    if path.is_symlink() and path.exists():
        if not path.resolve().is_relative_to(folder.resolve()):
            raise Refused("it is a link to something outside this folder: put the file itself here")
        if path.is_dir():
            raise Refused("it is a link to a folder: put the folder itself here")
    return path


def other_kind(name: str, path: Path, then: str = ASK) -> str:
    """Return a file's kind and advice if it can't be a notebook; "" if it is named like one, or begins like JSON.

    Raises :class:`Refused` for a file that can't be read.
    """
    if called_notebook(name):
        return ""
    with _opened(path) as file:
        head = _read(file, HEAD)
        if head.lstrip(BEFORE_JSON).startswith(b"{"):
            return ""
        return _kind(name, head, file, then)


def no_lab(name: str) -> str:
    """Return the kind of a file that begins like JSON, is not named like a notebook and has no lab."""
    return f"{_named(name)} that has no lab in it; {ASK}"


def content_of(path: Path, most: int = NOTEBOOK_BYTES) -> bytes:
    """Return the content of the file at `path`, read once; of a file that is too large, one byte more than allowed.

    Raises :class:`Refused` for anything but a file, and for a file that can't be read.
    """
    with _opened(path) as file:
        return _read(file, most + 1)


def digest_of(path: Path, most: int = NOTEBOOK_BYTES) -> str:
    """Return a digest of the content that :func:`content_of` returns, without keeping it in memory."""
    digest = hashlib.sha256()
    left = most + 1
    with _opened(path) as file:
        while left and (chunk := _read(file, min(CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
    if not left:  # it is too large, and may not be for another limit
        digest.update(f"more than {most} bytes".encode())
    return digest.hexdigest()


def _opened(path: Path) -> BinaryIO:
    try:
        if path.is_dir():
            next(path.iterdir(), None)  # raises an error if it can't be read
            raise Refused("it is a folder, not a notebook")
        if not stat.S_ISREG(path.stat().st_mode):
            raise Refused("it is not a file")  # reading a device or a pipe may never end
        return path.open("rb")
    except OSError as error:
        raise Refused(f"the file can't be read: {error.strerror}") from None


def _read(file: BinaryIO, most: int) -> bytes:
    try:
        return file.read(most)
    except OSError as error:
        raise Refused(f"the file can't be read: {error.strerror}") from None


def _of_the_system(name: str) -> bool:
    """Return whether a system made the file: hidden files are not submissions, unless they are named like notebooks."""
    if name.startswith("."):
        return not called_notebook(name) or name.startswith("._")  # which macOS puts beside each file
    return name.casefold() in SYSTEM


def _kind(name: str, head: bytes, file: BinaryIO, then: str) -> str:
    """Return the kind of the file, and advice about it."""
    if len(head) < HEAD and not head.strip(BEFORE_JSON):
        return f"the file is empty; {then}"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        notebooks = _notebooks_in(file)
        return f"a zip archive {notebooks}; unpack it, or {then}"
    archive = next((kind for begin, kind in ARCHIVES.items() if head.startswith(begin)), "")
    if archive or head[257:262] == b"ustar":
        return f"{archive or 'a tar archive'}; unpack it, or {then}"
    if head.lstrip(BEFORE_JSON).lower().startswith(WEB_PAGES):
        return f"a web page; {then}"
    other = next((kind for begin, kind in OTHERS.items() if head.startswith(begin)), "")
    return f"{other or _named(name)}; {then}"


def _named(name: str) -> str:
    ending = PurePosixPath(name).suffix
    return f"a file that ends in {shown(ending)}" if ending else "a file without an ending"


def _notebooks_in(file: BinaryIO) -> str:
    """Return how many notebooks a zip archive lists; only its end is read, and nothing is unpacked."""
    try:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL))
        names = zipfile.ZipFile(io.BytesIO(file.read(TAIL))).namelist()
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
        return "whose list of files can't be read"
    found = sum(called_notebook(one) and not _left_out(one) for one in names)
    return f"with {counted(found, 'notebook')}" if found else "without notebooks"


def _left_out(name: str) -> bool:
    """Return whether a file in an archive would be left out of a folder."""
    *folders, last = name.split("/")
    return any(one.startswith(".") or one in COPIES for one in folders) or _of_the_system(last)
