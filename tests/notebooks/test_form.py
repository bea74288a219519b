"""How a notebook is written: what it opens with, predictions before pictures, and no outputs in the repository."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.rglob("[0-9]*.ipynb"))
LONGEST_CELL = 22

by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


@by_name
def test_it_opens_with_what_a_learner_asks(path: Path) -> None:
    first = nbformat.read(path, as_version=4).cells[0].source
    assert first.startswith("# ")
    for promise in ("**What you will be able to do**", "**Minutes**", "**What you need to know**"):
        assert promise in first


@by_name
def test_the_first_code_says_the_version(path: Path) -> None:
    assert "vm.__version__" in cells(path, "code")[0].source


@by_name
def test_all_that_it_needs_is_behind_one_name(path: Path) -> None:
    """A learner who wants the same finds it by `vm.` and a tab, and not in folders of the package."""
    assert [cell.source for cell in cells(path, "code") if "vmwidgets." in cell.source] == []


@by_name
def test_predictions_come_before_explanations_and_variations(path: Path) -> None:
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    sections = text.split("\n## ")
    assert sum("**Predict.**" in section for section in sections) >= 5
    assert sum("**Vary.**" in section for section in sections) >= 4


@by_name
def test_cells_are_short(path: Path) -> None:
    long = [cell.source.splitlines()[0] for cell in cells(path, "code") if cell.source.count("\n") >= LONGEST_CELL]
    assert long == []


@by_name
def test_nothing_of_a_run_is_kept(path: Path) -> None:
    """Pictures are made by running: a saved one would be out of date, and a diff would hold a hundred kilobytes."""
    for cell in cells(path, "code"):
        assert (cell.outputs, cell.execution_count) == ([], None)
    assert nbformat.read(path, as_version=4).metadata.kernelspec.name == "python3"


@by_name
def test_links_to_other_notebooks_lead_somewhere(path: Path) -> None:
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    targets = [part.split(")")[0] for part in text.split("](")[1:]]
    assert [target for target in targets if "://" not in target and not (path.parent / target).exists()] == []
