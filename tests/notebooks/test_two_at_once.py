"""Two notebooks at once in one folder, each with a kernel of its own: neither changes what the other one keeps."""

from __future__ import annotations

from contextlib import AbstractContextManager
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.notebooks.test_again import ASKED, again, answered, client_of, failures, verdicts
from tests.notebooks.test_form import FOLDER
from tests.notebooks.test_run import BEGIN, CHECK, kept

BEGUN = "begin"


class Opened:
    """An open notebook: its cells answer each prediction with the option of this number."""

    def __init__(self, path: Path, option: int) -> None:
        self.path, self.option = path, option
        self.notebook = nbformat.read(path, as_version=4)
        self.sources = [cell.source for cell in self.notebook.cells]
        answered(self.notebook, option)
        for cell in self.notebook.cells:
            cell.source = cell.source.replace(BEGIN, 'student="s7", course="os-2026"')
        self.client, self.code = client_of(self.notebook, path)

    def kernel(self) -> AbstractContextManager[Any]:
        """A kernel that is told its notebook's file, as JupyterLab tells it."""
        found: AbstractContextManager[Any] = self.client.setup_kernel(env={"JPY_SESSION_NAME": str(self.path)})
        return found

    def run(self, place: int) -> None:
        """Run the cell with code at this place, if the notebook has so many."""
        for number in self.code[place : place + 1]:
            again(self.client, number)
            assert failures(self.notebook.cells[number]) == []

    def save(self) -> None:
        """Write its outputs into its file, without the answers in its sources."""
        saved = deepcopy(self.notebook)
        for cell, source in zip(saved.cells, self.sources, strict=True):
            cell.source = source
        nbformat.write(saved, self.path)

    def chosen(self, option: int) -> dict[str, str]:
        """The answer to each prediction that has options: the one of this number."""
        choices = {data["id"]: data["options"] for data in kept(self.notebook, ASKED) if data["options"]}
        return {name: options[option % len(options)] for name, options in choices.items()}

    def said(self) -> dict[str, str]:
        """The first answer to each of these predictions, which is its verdict."""
        found = verdicts(self.notebook)
        return {name: found[name][0] for name in self.chosen(0)}


def copied(folder: Path, name: str, lab: str) -> Path:
    """A lab's notebook, under a name of the student's."""
    path = folder / f"{name}.ipynb"
    path.write_bytes((FOLDER / f"{lab}.ipynb").read_bytes())
    return path


def by_turns(one: Opened, other: Opened) -> None:
    """Run a cell here and a cell there."""
    for place in range(max(len(one.code), len(other.code))):
        one.run(place)
        other.run(place)


def sheets(opened: Opened) -> set[str]:
    """The seeds of all that is begun and checked in it."""
    return {data["seed"] for data in kept(opened.notebook, BEGUN)} | {
        data["sheet"] for data in kept(opened.notebook, CHECK)
    }


@pytest.mark.parametrize("labs", [("01-maps", "01-maps"), ("01-maps", "03-cutting")], ids=" ".join)
def test_each_of_two_keeps_what_was_said_in_it(tmp_path: Path, labs: tuple[str, str]) -> None:
    """The same student in both: a lab has one variant, and its predictions are those of each notebook."""
    one, other = (Opened(copied(tmp_path, f"{option} {lab}", lab), option) for option, lab in enumerate(labs))
    files = sorted(tmp_path.rglob("*"))
    with one.kernel(), other.kernel():
        by_turns(one, other)
    assert sorted(tmp_path.rglob("*")) == files, "a kernel has written into the folder"
    for opened in one, other:
        assert opened.said() == opened.chosen(opened.option)
        assert [name for name, (_, late, _) in verdicts(opened.notebook).items() if late] == []
    assert len(sheets(one)) == len(sheets(other)) == 1
    assert (sheets(one) == sheets(other)) == (labs[0] == labs[1])
    happened = [{name: what for name, (_, _, what) in verdicts(opened.notebook).items()} for opened in (one, other)]
    assert (happened[0] == happened[1]) == (labs[0] == labs[1])


def test_a_second_kernel_on_the_same_file_knows_the_first_answers_that_are_saved(tmp_path: Path) -> None:
    """The first kernel still runs: both go on, and each prediction has one verdict."""
    path = copied(tmp_path, "mine", "03-cutting")
    one = Opened(path, 0)
    with one.kernel():
        for place in range(len(one.code)):
            one.run(place)
        one.save()
        other = Opened(path, 1)
        with other.kernel():
            by_turns(other, one)
    assert one.chosen(0) != one.chosen(1)
    for opened in one, other:
        assert opened.said() == one.chosen(0)
    assert verdicts(one.notebook) == verdicts(other.notebook)
