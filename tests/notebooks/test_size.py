"""What pictures cost a notebook that is saved with them."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

SETUP = """
import vmwidgets as vm
m = vm.boot("x86-64")
k = m.kernel_map
for i in range(60):
    k.enter(8192, prot=["r", "rw"][i % 2])
"""
VIEWS = ("m", "k", "vm.Tree(k)", "m.kentry")
LIMIT = 1_250_000
"""Bytes of a notebook with twenty views, each with its film."""


@pytest.fixture(scope="module")
def saved() -> Any:
    """A notebook of twenty views, run and with the state of its widgets."""
    cells = [SETUP, *(VIEWS[i % len(VIEWS)] for i in range(20))]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook


def models(notebook: Any) -> list[dict[str, Any]]:
    state = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    return list(state.values())


def test_twenty_views_fit_a_notebook(saved: Any) -> None:
    assert len(json.dumps(saved)) < LIMIT


def test_nothing_that_draws_is_saved(saved: Any) -> None:
    sizes = sorted((len(json.dumps(model)) for model in models(saved)), reverse=True)
    assert sizes[0] < 3_000
