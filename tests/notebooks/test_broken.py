"""What a lab breaks on purpose is whole again afterwards, and the lab's own machine never changes."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]

BROKEN = {
    "00-addresses": ("m", ["not-present, #PF 0x4 (U/S)", "no fault"]),
    "01-maps": ("m", ["SIGSEGV: no entry of the map of hello holds 0x7fff_ffff_eff8", "no fault"]),
    "06-x86-tables": ("m", ["[0, 0, 0, 1]", "[0, 0, 0, 0]"]),
    "08b-fork": ("duo", ["parent acknowledged"]),
}
"""For each lab that breaks a machine: the machine, and what is printed of the broken and of the whole copy."""

STATES = f"""
import sys
sys.path.append({str(ROOT)!r})
from tests.engine.machine.structures import differences
from tests.engine.machine.test_task_memory import LOOKED_UP

def apart(one, other):
    places = (place for place in differences(one, other) if not any(name in place for name in LOOKED_UP))
    return [len(one.journal) - len(other.journal), [place for place, _ in zip(places, range(3))]]
"""


def told(cell: Any) -> str:
    return "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.outputs)


@pytest.mark.parametrize("name", BROKEN)
def test_the_copy_is_as_before_once_it_is_undone_however_often_its_cells_run(name: str) -> None:
    machine, printed = BROKEN[name]
    cells = [
        cell for cell in nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
        if cell.cell_type == "code"
    ]  # fmt: skip  # all that runs
    (breaks,) = (number for number, cell in enumerate(cells) if "whole = len(" in cell.source)
    (back,) = (number for number, cell in enumerate(cells) if "glass.undo(" in cell.source)
    undo = next(line for line in cells[back].source.splitlines() if line.startswith("glass.undo("))
    code = nbformat.v4.new_code_cell
    asked = (
        code(f"{STATES}\nbefore = {machine}.branch()"),
        cells[breaks],
        code(f"glass.undo(len(glass.journal) - whole)\nwas = glass.branch()\n{cells[breaks].source}"),
        code("glass.check()\nglass.journal.last.serial"),
        cells[back],
        code(f"glass.check()\n[apart(glass, was), apart({machine}, before)]"),
        code(f"{undo}\napart(glass, was)"),
    )
    notebook = nbformat.v4.new_notebook(cells=[*cells[:breaks], *asked])
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT / "notebooks")}}).execute()
    *_, serial, shown, both, again = notebook.cells
    assert [word for word in printed if word not in told(shown)] == []
    assert ast.literal_eval(told(both)) == [[0, []], [0, []]]
    assert ast.literal_eval(told(again)) == [0, []]
    assert int(told(serial)) > 0
