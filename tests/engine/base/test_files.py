"""Files are written whole, and only where a regular file is or none: links, devices and pipes stay what they are."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

import vmwidgets as vm
from vmwidgets.cli import main
from vmwidgets.engine.base.files import is_path, place_of, regular, written_whole
from vmwidgets.grading.output import write
from vmwidgets.grading.report import SECRET, secret_of
from vmwidgets.grading.state import State


def names_in(folder):
    return [one.name for one in folder.iterdir()]


def saved(path):
    m = vm.boot(layout="tiny")
    m.journal.save(path)


def pictured(path):
    vm.picture(vm.boot(layout="tiny")).save(path)


def graded(path):
    write({path: "text"})


def asked(path):
    if main(["questions", "--topic", "walk", "--n", "1", "--force", "-o", str(path)]):
        raise vm.Refused("the command said why")


WRITERS = {
    "journal": (saved, "mine.jsonl.gz"), "picture": (pictured, "map.svg"), "grades": (graded, "grades.csv"),
    "questions": (asked, "exam.html"),
}  # fmt: skip  # what writes, and a name that it takes


def pipe(path):
    os.mkfifo(path)


def listens(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def to_a_device(path):
    path.symlink_to(os.devnull)


def circle(path):
    path.symlink_to(path.name)


SPECIAL = {"pipe": pipe, "socket": listens, "link to a device": to_a_device, "folder": Path.mkdir, "circle": circle}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("special", SPECIAL)
def test_nothing_but_a_regular_file_is_replaced(writer, special, tmp_path, monkeypatch):
    save, name = WRITERS[writer]
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    target = Path(name)
    SPECIAL[special](target)
    before = target.lstat()
    with pytest.raises(vm.Refused):
        save(target)
    after = target.lstat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert names_in(Path()) == [name]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("there", [True, False], ids=["file", "nothing"])
def test_a_link_stays_and_what_it_leads_to_is_written(writer, there, tmp_path):
    save, name = WRITERS[writer]
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    real, link, second = folder / name, tmp_path / f"middle-{name}", tmp_path / name
    if there:
        real.write_text("earlier")
        real.chmod(0o640)
    link.symlink_to(Path("elsewhere", name))
    second.symlink_to(link)
    save(second)
    assert link.is_symlink() and second.is_symlink()
    assert not real.is_symlink() and real.stat().st_size > 0 and real.read_bytes() != b"earlier"
    assert not there or stat.S_IMODE(real.stat().st_mode) == 0o640
    assert names_in(folder) == [name]


def test_the_sentence_says_what_is_there(tmp_path):
    os.mkfifo(tmp_path / "f")
    for path, words in (("f", "is a pipe: name a regular file"), (".", "is a folder: name a regular file")):
        with pytest.raises(vm.Refused, match=words):
            regular(tmp_path / path)
    assert regular(tmp_path / "new") == Path(os.path.realpath(tmp_path)) / "new"


def test_what_comes_while_a_file_is_written_is_not_replaced(tmp_path):
    target = tmp_path / "late"

    def writes():
        with written_whole(target) as file:
            file.write(b"x")
            os.mkfifo(target)

    with pytest.raises(vm.Refused, match="is a pipe"):
        writes()
    assert names_in(tmp_path) == ["late"]
    assert stat.S_ISFIFO(target.stat().st_mode)


def test_a_state_and_a_secret_that_are_pipes_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / SECRET)
    with pytest.raises(vm.Refused, match="is a pipe"):
        secret_of(tmp_path)
    with pytest.raises(vm.Refused, match="is a pipe"):
        State(tmp_path / SECRET)


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "", b"bytes", 3, None])
def test_what_no_system_has_as_a_name_is_not_a_path(path):
    with pytest.raises(vm.Refused, match="is not a path"):
        place_of(path, "mine.svg")
    assert is_path("\udcff")  # how Python writes a byte of a name that is not text


@pytest.mark.parametrize("path", ["a\0b", "\ud800.svg", "", 3])
def test_every_call_that_takes_a_path_says_so_in_one_sentence(path):
    m = vm.boot(layout="tiny")
    for call in (m.journal.save, vm.load_journal, vm.load_tables, vm.picture(m).save):
        with pytest.raises(vm.Refused, match="is not a path"):
            call(path)
