"""Notebooks as students hand them in, made without a kernel: with the data that lab.begin and lab.check give."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import vmwidgets as vm
from tests.grading.earlier import beginning, result
from tests.labs.solutions import run
from tests.labs.test_sheets import SOLVED
from vmwidgets import lab
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.checking import judged_for
from vmwidgets.labs.codes import code_of
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.identity import folded
from vmwidgets.labs.sheet import sheet_of

COURSE = "os-2026"

Recipe = Callable[[Any], str]


def checked(exercise: str, of: str, recipe: Recipe) -> dict[str, Any]:
    """The data of a check, after a recipe was typed for the sheet `of`."""
    sheet = sheet_of(exercise, of)
    names: dict[str, Any] = {"vm": vm, "lab": lab, "thing": sheet.start()}
    with suppress(vm.VMError):
        run(recipe(sheet.given), names)
    return judged_for(exercise, of, names["thing"]).data()


def begun(student: str, name: str, course: str = COURSE, key: str = "") -> Beginning:
    """A student who begins the lab `name`, or several joined by `+`; with codes if the course has a key."""
    students = tuple(sorted(student.split("+"), key=folded)) if student else ()
    return Beginning(name, course, students, tuple(code_of(key, course, one) for one in students if key))


def seed_of(student: str, name: str, course: str = COURSE, key: str = "") -> str:
    """The sheet of a student in the lab `name`."""
    return f"{begun(student, name, course, key).seed:016x}"


def notebook(student: str, name: str, *bundles: dict[str, Any], course: str = COURSE, key: str = "") -> dict[str, Any]:
    """A notebook in which `student` began the lab `name`, and whose cells gave `bundles`."""
    whose = begun(student, name, course, key).data()
    made = [{**bundle, "text/plain": "…"} for bundle in ({beginning.MIME: whose}, *bundles)]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(map(_cell, made))}


def _cell(data: dict[str, Any]) -> dict[str, Any]:
    output = {"output_type": "display_data", "metadata": {}, "data": data}
    return {"cell_type": "code", "metadata": {}, "execution_count": 1, "source": "…", "outputs": [output]}


def written(path: Path, student: str, name: str, *bundles: dict[str, Any], course: str = COURSE, key: str = "") -> Path:
    """Such a notebook in a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook(student, name, *bundles, course=course, key=key)))
    return path


def solved(exercise: str, student: str, recipe: Recipe | None = None, key: str = "") -> dict[str, Any]:
    """The output of a check of this student's own sheet, solved in the first right way, or by another recipe."""
    name = exercise.partition("/")[0]
    return {result.MIME: checked(exercise, seed_of(student, name, key=key), recipe or SOLVED[exercise].right[0])}


def slow(path: Path, student: str, calls: int = 40_000) -> Path:
    """A notebook that takes many seconds to be judged: a trace of so many calls."""
    call = "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)"
    text = "\n".join(f"{call} = {0x7F0000000000 + 8192 * number:#x}" for number in range(calls))
    data = {"id": "10/stack", "sheet": seed_of(student, "10"), "points": 1, "work": {"kind": "strace", "text": text}}
    return written(path, student, "10", {result.MIME: data})


def worth(exercise: str) -> int:
    """All of an exercise's points."""
    return exercises()[exercise].points
