"""Every notebook runs from top to bottom in a fresh kernel, without an error or a complaint, and with nobody there.

Its exercises have results then, and are not passed; those of the solutions are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("[0-9]*.ipynb"))


CHECK = "application/vnd.vmwidgets.check+json"


def test_the_first_notebooks_are_there() -> None:
    assert {"01", "02", "03", "04", "05", "06", "07", "09"} <= {name[:2] for name in NOTEBOOKS}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_runs(name: str) -> None:
    notebook = nbformat.read(FOLDER / name, as_version=4)
    nbformat.validate(notebook)
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}})
    client.execute()
    complaints = [
        output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "stream" and output["name"] == "stderr"
    ]
    assert complaints == []
    found = results(notebook)
    assert found
    assert [result["id"] for result in found if result["passed"] != name.startswith("solutions/")] == []


def results(notebook: nbformat.NotebookNode) -> list[dict[str, Any]]:
    """What the checks of a notebook that ran have found."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [output["data"][CHECK] for output in outputs if CHECK in output.get("data", {})]
