"""Minutes of cells: only if they are wanted, from the end of one cell to the end of the next, and in no output."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

from vmwidgets import Refused, lab


def ran(*sources: str) -> list[nbformat.NotebookNode]:
    """The cells of a notebook that was run."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(made, kernel_name="python3", timeout=120).execute()
    return list(made.cells)


def test_each_cell_is_listed_after_the_one_that_wanted_it_and_nothing_is_stored() -> None:
    first, *_, last = ran(
        'from vmwidgets import lab\nlab.begin("doc", minutes=True)',
        "2 + 2",
        "1 / 1",
        "lab.minutes()",
    )
    assert "minute" not in str(first.outputs)
    rows = last.outputs[0]["data"]["text/plain"].splitlines()
    assert [row.split(None, 1)[1] for row in rows] == [
        "cell",
        "from vmwidgets import lab",
        "2 + 2",
        "1 / 1",
        "together",
    ]


def test_without_the_wish_nothing_is_measured() -> None:
    with pytest.raises(Refused, match="nothing is measured: write minutes=True"):
        lab.minutes()


def test_a_wish_is_true_or_false() -> None:
    with pytest.raises(Refused, match="minutes='yes': write True"):
        lab.begin("doc", minutes="yes")  # type: ignore[arg-type]
