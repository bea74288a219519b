"""What is not a whole notebook of ours: cells that failed, files that were cut, foreign, or no files at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.grading.synthetic import notebook, solved
from vmwidgets.labs.saved import NOTEBOOK_BYTES

from .kinds import GUARD, Kind, Rows, guard, hand_in, not_graded, of_lab

NO_JSON = "not a notebook: the file is not valid JSON, is cut off, or is nested too deeply"
NO_CELLS = "not a notebook: the file has no cells"
NOT_BEGUN = "lab.begin was never run in it, or it was saved without outputs"

ERROR = {"output_type": "error", "ename": "Refused", "evalue": "at=0x1: addresses are aligned", "traceback": ["…"]}


def whole(student: str) -> dict[str, Any]:
    """A right answer of both exercises of lab 01."""
    return notebook(student, "01", solved("01/gaps", student), guard(student))


# ---- cells that failed ---------------------------------------------------------------------------


def a_cell_failed(path: Path, student: str) -> Rows:
    """The check of the first exercise was never reached."""
    made = notebook(student, "01", guard(student))
    made["cells"].insert(1, {"cell_type": "code", "metadata": {}, "source": "x", "outputs": [ERROR]})
    path.write_text(json.dumps(made))
    return of_lab(path, "01", {"01/guard": GUARD})


def the_begin_cell_failed(path: Path, student: str) -> Rows:
    """So that nobody knows whose it is."""
    made = notebook(student, "01", guard(student))
    made["cells"][0]["outputs"] = [ERROR]
    path.write_text(json.dumps(made))
    return not_graded(path, NOT_BEGUN)


def the_check_stopped(path: Path, student: str) -> Rows:
    """Answers that are not numbers stop nothing here, and earn nothing."""
    answers = {"x": [1, "a"], 3: "no"}
    hand_in(path, student, "00", solved("00/walk", student, lambda _asked: f"thing = {answers!r}"))
    return of_lab(path, "00", {"00/walk": (0, "")})


def a_policy_that_fails(path: Path, student: str) -> Rows:
    """Here as in the notebook, where the check said so."""
    source = "def thing(pages):\n    raise RuntimeError('mine')"
    hand_in(path, student, "11", solved("11/policy", student, lambda _asked: source))
    return of_lab(path, "11", {"11/policy": (0, "")})


def cut_at(part: float) -> Callable[[Path, str], Rows]:
    """The kernel, the disk or the upload ended while it was saved."""

    def make(path: Path, student: str) -> Rows:
        text = json.dumps(whole(student))
        path.write_text(text[: int(len(text) * part)])
        return not_graded(path, NO_JSON)

    return make


# ---- other encodings -----------------------------------------------------------------------------


def encoded(encoding: str) -> Callable[[Path, str], Rows]:
    """The same in another encoding: whole, so it is graded."""

    def make(path: Path, student: str) -> Rows:
        path.write_bytes(json.dumps(whole(student), ensure_ascii=False).encode(encoding))
        return of_lab(path, "01", {"01/gaps": (4, ""), "01/guard": GUARD})

    return make


def called(name: Callable[[str], str]) -> Callable[[Path, str], Rows]:
    """The same under a name that something gave it on the way."""

    def make(path: Path, student: str) -> Rows:
        renamed = path.with_name(name(path.stem))
        renamed.write_text(json.dumps(whole(student)))
        return of_lab(renamed, "01", {"01/gaps": (4, ""), "01/guard": GUARD})

    return make


# ---- foreign files -------------------------------------------------------------------------------


def holds(content: str | bytes, says: str) -> Callable[[Path, str], Rows]:
    """A file with this content."""

    def make(path: Path, student: str) -> Rows:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return not_graded(path, says)

    return make


def of_cells(*cells: Any, **members: Any) -> str:
    """A notebook with these cells."""
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **members})


CODE = {"cell_type": "code", "source": "1 + 1", "metadata": {}, "execution_count": 1, "outputs": []}
SHOWN = {"output_type": "execute_result", "data": {"text/plain": "2"}}
R = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}


def without_outputs(path: Path, student: str) -> Rows:
    """Saved by who cleared all outputs."""
    made = whole(student)
    for cell in made["cells"]:
        cell["outputs"] = []
    path.write_text(json.dumps(made))
    return not_graded(path, NOT_BEGUN)


def with_strange_outputs(outputs: Any) -> Callable[[Path, str], Rows]:
    """A cell more, whose outputs are not a list of outputs: the other cells count."""

    def make(path: Path, student: str) -> Rows:
        made = whole(student)
        made["cells"].append({**CODE, "outputs": outputs})
        path.write_text(json.dumps(made))
        return of_lab(path, "01", {"01/gaps": (4, ""), "01/guard": GUARD})

    return make


# ---- no files ------------------------------------------------------------------------------------


def a_folder(path: Path, student: str) -> Rows:
    path.mkdir()
    return not_graded(path, "it is a folder, not a notebook")


def link_to(target: str, says: str) -> Callable[[Path, str], Rows]:
    """A symbolic link, as an archive may hold it."""

    def make(path: Path, student: str) -> Rows:
        path.symlink_to(target)
        return not_graded(path, says)

    return make


def a_link_to_a_neighbour(path: Path, student: str) -> Rows:
    """Within the folder, it is that file once more."""
    neighbour = path.with_name(f"{path.stem}-a.ipynb")
    hand_in(neighbour, student, "01", guard(student))
    path.symlink_to(neighbour.name)
    last, first = max(path, neighbour), min(path, neighbour)
    rows = of_lab(last, "01", {"01/guard": GUARD, "01/gaps": (0, "")})  # said in the first row
    return {**of_lab(first, "01", {"01/guard": GUARD}), **rows}


def a_pipe(path: Path, student: str) -> Rows:
    os.mkfifo(path)
    return not_graded(path, "it is not a file")


def of_size(size: int) -> Callable[[Path, str], Rows]:
    """A file that has so many bytes, of which the disk keeps none."""

    def make(path: Path, student: str) -> Rows:
        path.touch()
        os.truncate(path, size)
        return not_graded(path, f"the file has more than {NOTEBOOK_BYTES >> 20} MiB")

    return make


OUT = "it is a link to something outside this folder"

DAMAGED = [
    Kind("crashed: a cell failed", a_cell_failed),
    Kind("crashed: the begin cell failed", the_begin_cell_failed),
    Kind("crashed: odd answers", the_check_stopped, "00"),
    Kind("crashed: a policy that fails", a_policy_that_fails, "11"),
    *(Kind(f"cut: at {part:.0%}", cut_at(part)) for part in (0.01, 0.3, 0.7, 0.99)),
    Kind("encoded: UTF-16", encoded("utf-16")),
    Kind("encoded: UTF-16 without a mark", encoded("utf-16-le")),
    Kind("encoded: UTF-8 with a mark", encoded("utf-8-sig")),
    Kind("renamed: in capitals", called(lambda name: f"{name.upper()}.IPYNB")),
    Kind("renamed: with .txt", called(lambda name: f"{name}.ipynb.txt")),
    Kind("renamed: with .json", called(lambda name: f"{name}.ipynb.json")),
    Kind("renamed: with signs", called(lambda name: f"{name} (1)\n=cmd|' !A0 \u202e.ipynb")),
    Kind("renamed: no text", called(lambda name: f"{name}{os.fsdecode(bytes([255]))}.ipynb")),
    Kind("foreign: empty", holds("", "the file is empty")),
    Kind("foreign: a picture", holds(b"\x89PNG\r\n\x1a\n" + bytes(range(256)), NO_JSON)),
    Kind("foreign: Latin-1", holds('{"cells": "Grüße"}'.encode("latin-1"), NO_JSON)),
    Kind("foreign: a program", holds("print('hello')\n", NO_JSON)),
    Kind("foreign: a number", holds("5", NO_CELLS)),
    Kind("foreign: a list", holds("[1, 2]", NO_CELLS)),
    Kind("foreign: deep", holds("[" * 100_000, NO_JSON)),
    Kind("foreign: deep and whole", holds("[" * 100_000 + "]" * 100_000, NO_JSON)),
    Kind("foreign: cells are none", holds(of_cells(cells={"a": 1}), NO_CELLS)),
    Kind("foreign: cells of another kind", holds(of_cells(1, None, "x", [CODE]), NOT_BEGUN)),
    Kind("foreign: without vmwidgets", holds(of_cells({**CODE, "outputs": [SHOWN]}), NOT_BEGUN)),
    Kind("foreign: of R", holds(of_cells({**CODE, "source": "x <- 1"}, metadata=R), NOT_BEGUN)),
    Kind("foreign: format 3", holds(json.dumps({"nbformat": 3, "worksheets": [{"cells": [CODE]}]}), NOT_BEGUN)),
    Kind("foreign: no outputs", without_outputs),
    Kind("foreign: outputs are a text", with_strange_outputs("hello")),
    Kind("foreign: outputs are an object", with_strange_outputs({"data": {}})),
    Kind("foreign: outputs of another kind", with_strange_outputs([1, None, [SHOWN], {"data": [1]}, {"data": "x"}])),
    Kind("no file: a folder", a_folder),
    Kind("no file: a link to nothing", link_to("missing", "the file can't be read: No such file or directory")),
    Kind("no file: a link to itself", lambda path, _: link_to(path.name, "the file can't be read: ")(path, _)),
    Kind("no file: a link to a device", link_to("/dev/zero", OUT)),
    Kind("no file: a link to a file elsewhere", link_to("/etc/hostname", OUT)),
    Kind("no file: a link to a neighbour", a_link_to_a_neighbour),
    Kind("no file: a pipe", a_pipe),
    Kind("large: a byte too many", of_size(NOTEBOOK_BYTES + 1)),
    Kind("large: a tebibyte", of_size(1 << 40)),
]
