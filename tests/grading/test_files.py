"""Each file of a folder gets a row: what is a notebook by its content is graded, and all else says what it is."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vmwidgets.engine.base.errors import Refused
from vmwidgets.grading import grade, read_course
from vmwidgets.grading.files import TAIL, content_of, digest_of, names_of, other_kind
from vmwidgets.labs.saved import NOTEBOOK_BYTES

from .synthetic import COURSE, notebook, solved

ASK = "; ask for the .ipynb"
UNPACK = "; unpack it, or ask for the .ipynb"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("course") / "course.toml"
    path.write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\n')
    return path


def work_of(student: str) -> bytes:
    return json.dumps(notebook(student, "01", solved("01/guard", student))).encode()


def archive(*names: str) -> bytes:
    """A zip archive of files with these names."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as whole:
        for name in names:
            whole.writestr(name, b"\0" * 100_000)
    return made.getvalue()


def tape() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as whole:
        whole.addfile(tarfile.TarInfo("ada.ipynb"))
    return made.getvalue()


KINDS: dict[str, tuple[bytes, str]] = {
    "ada.zip": (archive("a.ipynb", "b/c.IPYNB", "d.txt"), f"a zip archive with 2 notebooks{UNPACK}"),
    "mac.zip": (archive("a.ipynb", "__MACOSX/._a.ipynb", "x/.ipynb_checkpoints/a.ipynb"),
                f"a zip archive with 1 notebook{UNPACK}"),
    "essay.docx": (archive("word/document.xml"), f"a zip archive without notebooks{UNPACK}"),
    "cut.zip": (archive("a.ipynb")[:40], f"a zip archive whose list of files can't be read{UNPACK}"),
    "ada.ipynb.gz": (gzip.compress(b"{}"), f"a gzip file{UNPACK}"),
    "ada.tar": (tape(), f"a tar archive{UNPACK}"),
    "ada.7z": (b"7z\xbc\xaf\x27\x1c\0\0", f"a 7z archive{UNPACK}"),
    "ada.html": (b"\n<!DOCTYPE html>\n<html>", f"a web page{ASK}"),
    "saved": (b"<HTML><body>", f"a web page{ASK}"),
    "ada.pdf": (b"%PDF-1.7\n", f"a PDF{ASK}"),
    "shot.png": (b"\x89PNG\r\n\x1a\n", f"an image{ASK}"),
    "notes.txt": (b"hello", f"a file that ends in '.txt'{ASK}"),
    "ada": (b"hello", f"a file without an ending{ASK}"),
    "empty.py": (b"", f"the file is empty{ASK}"),
    "blank.md": (b"\n \n", f"the file is empty{ASK}"),
    "settings.json": (b'{"a": 1}', f"a file that ends in '.json' that has no lab in it{ASK}"),
    "cut.json": (b'{"cells": [', f"a file that ends in '.json' that has no lab in it{ASK}"),
}  # fmt: skip  # a table


def test_each_file_that_is_not_a_notebook_says_what_it_is(course: Path, tmp_path: Path) -> None:
    for name, (content, _) in KINDS.items():
        (tmp_path / name).write_bytes(content)
    rows = list(grade(tmp_path, read_course(course), jobs=1).rows)
    said = {name: f"not a notebook: {kind}" for name, (_, kind) in KINDS.items()}
    assert {row.path: row.says for row in rows} == said
    assert len(rows) == len(KINDS)


def test_what_is_a_notebook_by_its_content_is_graded(course: Path, tmp_path: Path) -> None:
    names = {"ada": "ada.ipynb.download", "bert": "bert", "cleo": "cleo.txt", "dan": "dan.json"}
    for student, name in names.items():
        (tmp_path / name).write_bytes(work_of(student))
    (tmp_path / "eve.txt").write_bytes(work_of("eve").decode().encode("utf-16"))
    rows = list(grade(tmp_path, read_course(course), jobs=1).rows)
    assert {(row.student, row.path, row.points, row.says) for row in rows} == {
        (student, name, 5, "") for student, name in (*names.items(), ("eve", "eve.txt"))
    }


def test_files_of_the_system_are_left_out_and_nothing_else(tmp_path: Path) -> None:
    hidden = [".DS_Store", "a/Thumbs.db", "desktop.ini", "._ada.ipynb", "__MACOSX/ada.ipynb", ".git/config",
              ".ipynb_checkpoints/ada.ipynb", "b/.venv/x.py"]  # fmt: skip  # one list
    there = [".hidden.ipynb", "a/ada", "a/ada.ipynb", "ada.ipynb", "ada.ipynb.gz", "b/x y.zip", "x.ipynb/in.txt"]
    for name in (*hidden, *there):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    assert names_of(tmp_path) == sorted([*there, "x.ipynb"])


@pytest.mark.skipif(os.name == "nt", reason="Windows has other links")
def test_links_and_pipes_are_rows(course: Path, tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "outside"
    (folder / "real").mkdir(parents=True)
    (folder / "real" / "ada.ipynb").write_bytes(work_of("ada"))
    outside.mkdir()
    (outside / "secret.txt").write_text("{}")
    (folder / "linked").symlink_to("real")
    (folder / "out").symlink_to(outside)
    (folder / "file.txt").symlink_to(outside / "secret.txt")
    os.mkfifo(folder / "pipe")
    says = {row.path: row.says for row in grade(folder, read_course(course), jobs=1).rows}
    assert says == {
        "real/ada.ipynb": "",
        "linked": "it is a link to a folder: put the folder itself here",
        "out": "it is a link to something outside this folder: put the file itself here",
        "file.txt": "it is a link to something outside this folder: put the file itself here",
        "pipe": "it is not a file",
    }


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    with pytest.raises(Refused, match="has no files to grade"):
        names_of(tmp_path)


class Counted(io.BytesIO):
    """A file that counts what is read of it."""

    most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.most += len(found)
        return found


def bomb() -> bytes:
    """An archive whose list of files is longer than what is searched, and says that it is short."""
    names = archive(*(f"{number:0200}.ipynb" for number in range(10)))
    start = names.index(b"PK\x01\x02")
    end = names.index(b"PK\x05\x06")
    listed = names[start:end] * (2 * TAIL // (end - start))
    return names[:start] + listed + names[end:]


@pytest.mark.parametrize("content", [archive(*(f"{number}.ipynb" for number in range(100))), bomb()])
def test_of_an_archive_only_the_end_is_read(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ada.zip"
    whole = b"PK\x03\x04" + b"\0" * NOTEBOOK_BYTES + content
    path.touch()
    read: list[Counted] = []

    def opened(_path: Path, _mode: str) -> Counted:
        read.append(Counted(whole))
        return read[-1]

    with monkeypatch.context() as context:
        context.setattr(Path, "open", opened)
        says = other_kind("ada.zip", path)
    assert says.startswith("a zip archive ")
    assert len(read) == 1
    assert read[0].most <= TAIL + 1024


@pytest.mark.parametrize("size", [0, 5, (1 << 20) - 1, 1 << 20, 3 << 20])
def test_a_digest_is_that_of_what_is_read(size: int, tmp_path: Path) -> None:
    from hashlib import sha256

    path = tmp_path / "x"
    path.write_bytes((b"0123456" * size)[:size])
    assert digest_of(path) == sha256(content_of(path)).hexdigest()


@pytest.mark.parametrize("read", [content_of, digest_of])
def test_no_more_is_read_than_a_notebook_may_have(read: Callable[[Path], bytes | str], tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch()
    os.truncate(path, NOTEBOOK_BYTES + 1)
    whole = read(path)
    os.truncate(path, 1 << 40)
    assert read(path) == whole
