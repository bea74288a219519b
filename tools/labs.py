"""Writes the notebooks from their sources in course/, the questions and the rubrics; `--check` says which differ.

A lab is a folder: `lab.md`, `assistants.md` and `solutions.py`.  Its text is Markdown with code cells, as jupytext
reads it.  Tags say who gets a cell:

    (no tag)      both
    student       students only: where their own lines go
    solution      instructors only: the lines that solve it
    instructor    instructors only: text on time, mistakes and points

Instructors' notebooks also have what the outputs of students' notebooks say of an outcome, once it is answered
(`vmwidgets/labs/explained.py`), the table of predictions says what each wrong answer means, in the words that a
student gets (`vmwidgets/labs/mistakes.py`), and the table of sections has their minutes (`tools/minutes.py`).  The
README beside them has all questions and exercises in one table (`tools/ideas.py`).

A prediction's question is written once, in the text above its cell: `> **Predict.** …`.  The package gets all
questions by their IDs (`vmwidgets/labs/questions.md`).  A cell that only asks, or only compares, is folded; no other
cell is, since an exercise may need its calls.

Students' notebooks are written into notebooks/, instructors' into course/instructors/; the rubrics, which are the
exercises' own, into docs/labs/.  Links to docs/ become those of
the project's page: a student's copy has no docs/ beside it.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from tools import generated, minutes, rubrics
from tools.ideas import page, wrong
from vmwidgets.labs.explained import explanation_of

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "course"
INSTRUCTORS = {"solution", "instructor"}
LEFT_OUT = {
    ROOT / "notebooks": INSTRUCTORS,
    SOURCES / "instructors": {"student"},
}
"""The tags of the cells that each folder's notebooks don't have."""

DOCUMENTS = "https://github.com/vmwidgets/vmwidgets/blob/main/docs/"

QUESTIONS = ROOT / "vmwidgets" / "labs" / "questions.md"
TITLE = "# The questions in the texts of the labs, by ID: `make course` writes this file"

TAGS = set().union(*LEFT_OUT.values())


def main() -> int:
    """Write all notebooks and rubrics, or with `--check` say which are not what their sources give."""
    wanted = texts()
    left = sorted({path for folder in LEFT_OUT for path in folder.glob("*.ipynb")} - wanted.keys())
    about = "Write the notebooks from their sources in course/, and the rubrics."
    return generated.keep(about, wanted, "run `make course`", left)


def texts() -> dict[Path, str]:
    """Each file's text."""
    sources = {path.parent.name: path.read_text("utf-8") for path in sorted(SOURCES.glob("*/lab.md"))}
    questions = {lab: questions_in(lab, source) for lab, source in sources.items()}
    parts = (f"\n## {name}\n\n{said}" for asked in questions.values() for name, said in asked.items())
    return {
        **dict(written()),
        **dict(rubrics.pages()),
        SOURCES / "instructors" / "README.md": page(sources, questions),
        QUESTIONS: "\n".join([TITLE, *parts, ""]),
    }


def written() -> Iterator[tuple[Path, str]]:
    """Each notebook's path and text."""
    for source in sorted(SOURCES.glob("*/lab.md")):
        notebook = jupytext.reads(source.read_text("utf-8"), fmt="md")
        unknown = {tag for cell in notebook.cells for tag in cell.metadata.get("tags", ())} - TAGS
        if unknown:
            raise SystemExit(f"{source.relative_to(ROOT)}: no such tag: {', '.join(sorted(unknown))}")
        for cell in notebook.cells:
            if is_folded(cell) and (why := acts(cell.source)):
                raise SystemExit(f"{source.relative_to(ROOT)}: a folded cell may only ask and compare, but one {why}")
        for folder, tags in LEFT_OUT.items():
            told = explained(timed(notebook)) if folder.name == "instructors" else notebook
            name = source.parent.name
            made = without(told, tags, name.partition("-")[0])
            yield folder / f"{name}.ipynb", json.dumps(made, indent=1, ensure_ascii=False) + "\n"


QUOTE = re.compile(r"> \*\*Predict\.\*\* (.+)")
"""The question above a cell that asks: the last paragraph of the text."""

ASKED = re.compile(r'^(\w+) = lab\.predict\(.*?\bid="([^"]+)"', re.MULTILINE | re.DOTALL)
"""A variable and the ID of its prediction."""


def questions_in(lab: str, source: str) -> dict[str, str]:
    """The questions of a lab by their IDs, without markup; raises :class:`SystemExit` for a cell without a question."""
    found: dict[str, str] = {}
    above = ""
    for cell in jupytext.reads(source, fmt="md").cells:
        for _, name in ASKED.findall(cell.source) if cell.cell_type == "code" else ():
            quote = QUOTE.fullmatch(above.strip().rpartition("\n")[2])
            if quote is None:
                path = SOURCES.relative_to(ROOT) / lab / "lab.md"
                raise SystemExit(f"{path}: write the question of {name} above its cell: > **Predict.** …")
            found[name] = re.sub(r"[*`]", "", quote[1])
        above = cell.source if cell.cell_type == "markdown" else ""
    return found


def acts(source: str) -> str:
    """Say what a cell does beside asking, comparing and beginning the lab; "" if nothing: then it may be folded.

    >>> acts('gap = lab.predict(id="01/first-fit", kind="number")'), acts("gap.compare(3)")
    ('', '')
    >>> acts("gap.compare(len(m.tasks))"), acts("m.cpus.shootdown = None"), acts("import os"), acts("m.tasks")
    ('calls len', 'assigns to m.cpus.shootdown', 'has import os', 'neither asks nor compares')
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return "has a line that is not Python"
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if not isinstance(statement, (ast.Assign, ast.Expr)):
            return f"has {ast.unparse(statement).splitlines()[0]}"
        for target in targets:
            if not isinstance(target, ast.Name):
                return f"assigns to {ast.unparse(target)}"
    for called in calls:
        words = ast.unparse(called)
        if words not in ("lab.predict", "lab.begin") and not re.fullmatch(r"\w+\.compare", words):
            return f"calls {words}"
    if any(isinstance(node, (ast.Await, ast.Yield, ast.YieldFrom)) for node in ast.walk(tree)):
        return "waits for something"
    return "" if calls else "neither asks nor compares"


def is_folded(cell: Any) -> bool:
    """Whether the source of a lab asks for a folded cell."""
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden"))


PREDICTIONS = "| prediction | what happens |\n|---|---|\n"
PREDICTED = re.compile(r"^\| `([^`]+)`( \(further\))? \|.*\|$", re.MULTILINE)
"""The table of predictions as a source has it; each row gets what wrong answers mean."""

COMPARED = re.compile(r"^(\w+)\.compare\(", re.MULTILINE)


def explained(notebook: Any) -> Any:
    """The notebook with what students read once they have answered, behind each cell that compares."""
    asked = {found[1]: found[2] for cell in notebook.cells for found in ASKED.finditer(cell.source)}
    cells = []
    for cell in notebook.cells:
        cells.append(type(cell)(cell, source=with_mistakes(cell.source)) if PREDICTIONS in cell.source else cell)
        names = COMPARED.findall(cell.source) if cell.cell_type == "code" else []
        told = filter(None, (explanation_of(asked[name]) for name in names if name in asked))
        cells += [
            type(cell)(cell_type="markdown", metadata={}, source=f"**Once it is answered:** {text}") for text in told
        ]
    return type(notebook)(notebook, cells=cells)


def timed(notebook: Any) -> Any:
    """The notebook with the minutes of its sections in the instructors' table: those that a student's cells take."""
    students = [cell for cell in notebook.cells if not INSTRUCTORS & set(cell.metadata.get("tags", ()))]
    seconds = minutes.seconds_of(students)
    cells = [type(cell)(cell, source=minutes.with_minutes(cell.source, seconds)) for cell in notebook.cells]
    return type(notebook)(notebook, cells=cells)


def with_mistakes(source: str) -> str:
    """A table of predictions with a third column: each wrong answer that has a name, the name, and why it is wrong."""
    before, _, after = source.partition(PREDICTIONS)
    rows, _, rest = after.partition("\n\n")
    told = PREDICTED.sub(lambda row: f"{row[0]} {wrong(row[1])} |", rows)
    head = "| prediction | what happens | what a wrong answer means |\n|---|---|---|\n"
    return f"{before}{head}{told}\n\n{rest}".rstrip()


def without(notebook: nbformat.NotebookNode, tags: set[str], name: str) -> dict[str, Any]:
    """A notebook of the cells that have none of `tags`, with lasting ids and nothing of a run."""
    kept = [cell for cell in notebook.cells if not tags & set(cell.metadata.get("tags", ()))]
    return {
        "cells": [_cell(cell, f"{name}-{number:02}") for number, cell in enumerate(kept, 1)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(cell: nbformat.NotebookNode, identity: str) -> dict[str, Any]:
    code: dict[str, Any] = {"execution_count": None, "outputs": []} if cell.cell_type == "code" else {}
    source = cell.source.strip("\n").replace("](../docs/", f"]({DOCUMENTS}").splitlines(keepends=True)
    folds = cell.cell_type == "code" and "lab.begin(" not in cell.source and not acts(cell.source)
    metadata = {"jupyter": {"source_hidden": True}} if folds or is_folded(cell) else {}
    made = {"cell_type": cell.cell_type, "id": identity, "metadata": metadata, "source": source, **code}
    return dict(sorted(made.items()))


if __name__ == "__main__":
    sys.exit(main())
