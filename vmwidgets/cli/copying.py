"""Copies the students' notebooks into a folder and updates them, and never overwrites a student's work.

A manifest in the folder lists the copies.  A file that has not changed since it was copied may be replaced.  Any other
file is the student's: it stays, and a new version is put next to it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..engine.base.errors import Refused, shown
from ..engine.base.files import regular, written_whole

MANIFEST = ".vmwidgets-labs.json"
"""The file with the notebooks' version and the SHA-256 of each copy."""

SCHEMA = 1

README = "README.md"
PICTURE = "hero.svg"
"""The first picture of that page."""

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass
class Copied:
    """The changes, file by file; `beside` names new versions put next to a file that stays."""

    added: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    """Files that an earlier version had and this version doesn't; they stay."""


def shipped() -> dict[str, bytes]:
    """Return the students' notebooks by name, from the installed package or the checkout."""
    files = {path.name: path.read_bytes() for path in sorted(_source().glob("*.ipynb"))}
    if not files:
        raise Refused("the labs are not in this installation of vmwidgets: install it again")
    return files


def handed_out() -> dict[str, bytes]:
    """Return all files for students: the notebooks, and a page with its picture that says which comes first."""
    return {**shipped(), **{name: (_source() / name).read_bytes() for name in (README, PICTURE)}}


def _source() -> Path:
    course = _PACKAGE / "course"
    return course if course.is_dir() else _PACKAGE.parent / "notebooks"


def copy_labs(folder: Path, files: Mapping[str, bytes], version: str, *, update: bool = False) -> Copied:
    """Put `files` of `version` into `folder`.

    Missing files are added.  With `update`, unchanged files are replaced, and new versions of changed files are put
    next to them.  Raises :class:`Refused` with a sentence if the folder contains another version, or other labs of this
    version, and `update` is false; and for an unusable folder, manifest or disk; no file is ever half-written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _copy(folder, files, version, update)
    except (FileExistsError, NotADirectoryError) as error:
        raise Refused(f"{error.filename} is not a folder: choose another one with --to") from None
    except OSError as error:
        where = error.filename or folder
        raise Refused(f"{where} can't be written or read: {error.strerror or error}") from None


def _copy(folder: Path, files: Mapping[str, bytes], version: str, update: bool) -> Copied:
    before, of = _manifest(folder / MANIFEST)
    news = {name: sha256(content).hexdigest() for name, content in files.items()}
    if of not in (None, version) and not update:
        raise Refused(
            f"{folder} contains the labs of vmwidgets {of}, but this is vmwidgets {version}: add --update, "
            "which keeps every file that you changed"
        )
    there = {name: _digest_of(folder, name) for name in files}
    if not update and any(before.get(name, new) != new for name, new in news.items()):
        raise Refused(
            f"{folder} contains the labs of another build of vmwidgets {version}: add --update, "
            "which keeps every file that you changed"
        )
    done, known = Copied(gone=[name for name in before if name not in files and (folder / name).exists()]), {}
    for name, content in files.items():
        is_now, new = there[name], news[name]
        known[name] = new
        if is_now is None:
            _write(folder / name, content)
            done.added.append(name)
        elif is_now == new:
            continue
        elif not update:
            known[name] = before.get(name, "")
            done.kept += [name] if is_now != before.get(name) else []
        elif is_now == before.get(name):
            _write(folder / name, content)
            done.replaced.append(name)
        else:
            done.kept.append(name)
            if before.get(name) != new:
                done.beside += _put_beside(folder, name, version, content)
    manifest = {"schema": SCHEMA, "version": version, "files": {name: hash_ for name, hash_ in known.items() if hash_}}
    _write(folder / MANIFEST, (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode())
    return done


def _put_beside(folder: Path, name: str, version: str, content: bytes) -> list[str]:
    beside = f"{Path(name).stem} ({version}){Path(name).suffix}"
    if os.path.lexists(folder / beside):
        return []
    _write(folder / beside, content)
    return [beside]


def _digest_of(folder: Path, name: str) -> str | None:
    """Return the SHA-256 of the file with this name; None if no file has it, "" for a link (made by a student)."""
    path = folder / name
    if path.is_symlink():
        return ""
    if path.is_dir():
        raise Refused(f"{path} is a folder, and a file of this name belongs there: rename the folder")
    if not os.path.lexists(path):
        return None
    return sha256(regular(path).read_bytes()).hexdigest()


def _manifest(path: Path) -> tuple[dict[str, str], str | None]:
    """Return the hashes of the copies, and the version; empty if nothing was copied."""
    if not os.path.lexists(path):
        return {}, None
    try:
        data: Any = json.loads(regular(path).read_bytes())
        files, version, schema = data["files"], data["version"], data["schema"]
    except (ValueError, TypeError, KeyError, RecursionError):
        files = version = schema = None
    right = isinstance(files, dict) and isinstance(version, str) and all(isinstance(one, str) for one in files.values())
    if not right or schema != SCHEMA:
        raise Refused(
            f"{path} was not written by this version of vmwidgets: remove it, and every file next to it counts as yours"
        )
    if not version.isprintable() or len(version) > 50:
        raise Refused(
            f"{path} names the version {shown(version)}: remove it, and every file next to it counts as yours"
        )
    return files, version


def _write(path: Path, content: bytes) -> None:
    with written_whole(path) as file:
        file.write(content)
