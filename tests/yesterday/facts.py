"""What saved files say when today's code opens them, as plain data: answers, points, steps, texts and keys."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat

import vmwidgets as vm
from tests.widgets.test_handout import read
from vmwidgets import lab
from vmwidgets.cli.autograder import results
from vmwidgets.grading import grade, read_course
from vmwidgets.grading.judge import judged
from vmwidgets.grading.notebook import notebook_of
from vmwidgets.grading.tables import write_tables
from vmwidgets.labs.prediction import Prediction, identity_of
from vmwidgets.labs.saved import saved_in
from vmwidgets.labs.session import Session
from vmwidgets.pictures.registry import known_pictures
from vmwidgets.questions import TOPICS, make_exam
from vmwidgets.questions.blanks import exam_of
from vmwidgets.questions.concepts import form
from vmwidgets.questions.exam import FORMS, Exam, kinds_of

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
"""The labs of today."""

STEPPED = ("forked-shadow", "domain-x86-64", "kernel-memory", "translated-armv7", "life-threads-x86-64")
"""Journals whose pictures are stepped, which costs more than all else; handouts are stepped too."""

OPERATIONS = 12
"""The first operations of such a journal."""

SEEDS = (1, 2026)

Facts = dict[str, Any]


def names_in(folder: Path) -> list[str]:
    """What a version has: its files by folder and name, and what a seed or all files together give."""
    files = [path for part in ("handouts", "journals", "notebooks") for path in sorted((folder / part).iterdir())]
    named = [f"{path.parent.name}/{path.name.partition('.')[0]}" for path in files]
    return [*named, *(f"exams/{topic}" for topic in TOPICS), "exams/several", "gradescope", "class"]


def today(folder: Path, name: str) -> Any:
    """What today's code says of one of these."""
    part, _, file = name.partition("/")
    if part == "notebooks":
        return of_notebook(folder / part / f"{file}.ipynb.xz")
    if part == "journals":
        return of_journal(folder / part / f"{file}.jsonl.gz", steps=file in STEPPED)
    if part == "handouts":
        return of_handout(folder / part / f"{file}.html.xz")
    if part == "exams":
        return dict(of_several() if file == "several" else of_topic(file))
    if part == "gradescope":
        return of_archive(folder / "tables" / "autograder.zip", folder / "notebooks" / "maps-wrong.ipynb.xz", "s04")
    return of_class(folder / "notebooks", folder / "tables" / "course.toml")


def opened(path: Path) -> bytes:
    """The content of a file, unpacked."""
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


# ---- notebooks -----------------------------------------------------------------------------------


def of_notebook(path: Path) -> Facts:
    """Who began it, each answer, the points that each work claims and earns, and what a restarted kernel finds."""
    content = opened(path)
    notebook = json.loads(content)
    nbformat.validate(notebook)
    handed = notebook_of(content)
    assert handed.begun is not None
    works = {name: [_earned(name, one) for one in works] for name, works in handed.works.items()}
    return {
        "begun": handed.begun.data(),
        "predictions": handed.predictions,
        "outcomes": handed.outcomes,
        "hints": handed.hints,
        "works": works,
        "recalled": recalled(notebook, handed.begun.lab),
    }


def _earned(name: str, work: Any) -> Facts:
    found = judged(name, work.sheet, work.data)
    met = [one["met"] for one in found["criteria"]]
    return {"claimed": work.claimed, "points": found["points"], "of": found["of"], "met": met}


def recalled(notebook: Any, lab: str, words: str = "") -> Facts:
    """What a new kernel, in which today's lab asks its questions, finds in this notebook.

    With `words`, each question has these words and its options in another order.
    """
    today = next((path for path in NOTEBOOKS.glob("*.ipynb") if path.stem.partition("-")[0] == lab), None)
    asked = asked_in(json.loads(today.read_text("utf-8")) if today else notebook)
    kept = saved_in(notebook)
    for one in asked.values():
        one.answers, one.happened, one.missed, one.seed = (), None, "", kept.seed
        if words and one.id != identity_of("", one.question):  # it has a name
            one.question, one.options = words, one.options[::-1]
        kept.recall(one)
    return {
        name: {"answers": [*map(asdict, one.answers)], "happened": one.happened, "missed": one.missed}
        for name, one in asked.items()
    }


def asked_in(notebook: Any) -> dict[str, Prediction]:
    """The questions of a notebook by ID: each cell that asks is run alone."""
    with Session():
        for cell in notebook["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and "lab.predict(" in source:
                exec(source, {"vm": vm, "lab": lab})
        return dict(lab.predictions)


# ---- machines ------------------------------------------------------------------------------------


def of_journal(path: Path, *, steps: bool) -> Facts:
    """The machine, its journal when it is saved again, and what can be redone."""
    machine = vm.load_journal(path)
    machine.check()
    with TemporaryDirectory() as folder:
        again = Path(folder, "again.jsonl.gz")
        machine.journal.save(again)
        lines = lines_of(again)
    return {"lines": lines, "machine": state_of(machine), "pictures": dict(pictures_of(machine)) if steps else {}}


def lines_of(path: Path) -> list[str]:
    """The lines of a journal's file after its first, which names the version."""
    return gzip.decompress(path.read_bytes()).decode().splitlines()[1:]


def state_of(machine: vm.Machine) -> Facts:
    """Maps, objects and counts."""
    return {
        "kernel map": [*map(str, machine.kernel_map.entries())],
        "tasks": {name: [*map(str, task.map.entries())] for name, task in machine.tasks.items()},
        "domains": {name: str(one) for name, one in machine.domains.items()},
        "objects": {name: len(one.pages) for name, one in machine.objects.items()},
        "marks": dict(machine.journal.marks),
        "faults": machine.fault_count,
        "frames": machine.frame_count,
    }


PICTURES = ("Map", "Objects", "Fault", "Tlb", "Frames", "Kmem", "Domain")


def pictures_of(machine: vm.Machine) -> Iterator[tuple[str, Any]]:
    """Each picture at each step of the first operations: where the steps are, and what is said there."""
    things = [machine, *islice(machine.tasks.values(), 2), *islice(machine.domains.values(), 1)]
    for thing in things:
        for kind in PICTURES:
            try:
                picture = known_pictures()[kind](thing)
            except vm.Refused:
                continue
            told = [[*_steps(picture, one.serial)] for one in islice(machine.journal, 1, OPERATIONS)]
            yield f"{kind} of {getattr(thing, 'path', '') or 'machine'}", told


def _steps(picture: Any, serial: int) -> Iterator[tuple[int, str]]:
    picture.moment = (serial, None)
    for place in picture.scene().steps.places or (-1,):
        picture.moment = (serial, None if place < 0 else place)
        yield place, picture.scene().caption.text


def of_handout(path: Path) -> Facts:
    """The story of a handout: for each step its operation, words, chapter, question, and the things in its pictures."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "opened.html")
        file.write_bytes(opened(path))
        return story_of(file)


def story_of(file: Path) -> Facts:
    """The same of a file that is not packed."""
    story = read(file)
    steps = [story["steps"], *(one["steps"] for one in story["branches"])]
    told = [[_told(step) for step in one] for one in steps]
    return {"steps": told, "branches": [(one["name"], one["after"]) for one in story["branches"]]}


def _told(step: Facts) -> Facts:
    kept = ("operation", "sentence", "chapter", "question", "notes", "code", "functions")
    things = [sorted(node["id"] for node in one["wide"]["nodes"]) for one in step["pictures"]]
    return {**{name: step[name] for name in kept if name in step}, "things": things}


# ---- exams and grades ----------------------------------------------------------------------------


def of_topic(topic: str) -> Iterator[tuple[str, Any]]:
    """By kind of question and seed: the text, and the key."""
    for kind in kinds_of(topic):
        for seed in SEEDS:
            yield f"{kind.name}, seed {seed}", _questions(make_exam((), seed, kinds=(kind.name,)))
    yield "form B with a secret", _questions(make_exam(topic, 7, 4, "a secret", form="B"))


def of_several() -> Iterator[tuple[str, Any]]:
    """The same of an exam on all topics, a course's concept test, and a picture's blanks."""
    yield "all topics", _questions(make_exam(tuple(TOPICS), 3, 2))
    for name in FORMS:
        yield f"concepts, form {name}", _questions(form("os-2026", name))
    task = vm.boot("x86-64").task("init")
    task.write(task.mmap("16 KiB"), b"x")
    yield "blanks", _questions(exam_of(vm.picture(vm.Fault(task)).blank("error code")))


def _questions(exam: Exam) -> list[Facts]:
    return [
        {
            "id": one.id,
            "text": one.text,
            "options": list(one.options),
            "answer": one.answer,
            "accepted": list(one.accepted),
            "why": one.why,
            "wrong": list(one.wrong),
            "rules": list(one.rules),
            "points": one.grade,
        }
        for one in exam.questions
    ]


def of_archive(archive: Path, notebook: Path, student: str) -> Facts:
    """What Gradescope gets from an archive's course for a notebook, by today's program."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        with zipfile.ZipFile(archive) as made:
            made.extractall(root / "source")
        (root / "submission").mkdir()
        (root / "submission" / "lab.ipynb").write_bytes(opened(notebook))
        (root / "submission_metadata.json").write_text(json.dumps({"users": [{"email": student, "sid": student}]}))
        return results(root)


def of_class(folder: Path, course: Path) -> Facts:
    """The table of the class's grades: points of each exercise, and each student's total."""
    with TemporaryDirectory() as made:
        handed = Path(made, "in")
        handed.mkdir()
        for path in sorted(folder.glob("*.xz")):
            (handed / path.stem).write_bytes(opened(path))
        shutil.copy(course, made)
        write_tables(grade(handed, read_course(Path(made, course.name)), jobs=1), Path(made, "out"))
        return {name: table_of(Path(made, "out", name)) for name in ("grades.csv", "students.csv")}


def table_of(path: Path) -> list[dict[str, str]]:
    """A table's rows, without remarks on the build."""
    with path.open(newline="") as file:
        rows = [*csv.DictReader(file)]
    return [{name: value for name, value in row.items() if name not in ("says", "note")} for row in rows]
