"""Checks as JupyterLab shows and saves them: each card once, and of a loop the best and the latest."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.browser.lab import Notebook, Server

BEGIN = """
from itertools import permutations
import vmwidgets as vm
from vmwidgets import lab
lab.begin("01", student="ada", course="os")
requests = lab.variant("01/gaps").given.requests
def solved(order):
    made = lab.variant("01/gaps").start()
    for pages in order:
        made.enter(pages * vm.PAGE)
    return made
"""
PLAIN = 'lab.check("01/gaps", solved(requests))'
PRINTED = 'print(lab.check("01/gaps", solved(requests)).points)'
LOOP = 'for order in permutations(requests):\n    lab.check("01/gaps", solved(order))'
TITLE = "Gaps and requests:"


def kept(notebook: Notebook, lab: Server) -> list[list[tuple[str, int]]]:
    """For each cell the kind of output and the points of its checks, as the file has them."""
    notebook.save()
    cells: list[dict[str, Any]] = json.loads((lab.root / notebook.path).read_text())["cells"]
    found = []
    for cell in cells:
        data = [(one["output_type"], one.get("data", {})) for one in cell.get("outputs", ())]
        records = [(kind, bundle.get("application/vnd.vmwidgets.record+json", {})) for kind, bundle in data]
        found.append([(kind, one["points"]) for kind, one in records if one.get("record") == "check"])
    return found


def test_checks_are_shown_once_and_saved(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str], lab: Server
) -> None:
    notebook = open_notebook(new_notebook(BEGIN, PLAIN, PRINTED, LOOP))
    for _ in range(2):  # run again, a cell has its outputs once
        notebook.run_all()
        _, plain, printed, loop = kept(notebook, lab)
        assert plain == printed == [("display_data", 0)]
        assert loop == [("display_data", 4), ("display_data", 0)]
        assert [notebook.cell(index).get_by_text(TITLE).count() for index in (1, 2, 3)] == [1, 1, 2]
