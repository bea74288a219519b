"""nbconvert's formats without HTML: drawings are there, found without any option."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter, LatexExporter, MarkdownExporter, NotebookExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output

import vmwidgets as vm
from vmwidgets import converted
from vmwidgets.views.scene.svg import to_svg
from vmwidgets.views.scene.twin import RULES, output_html, twin_html

SIGNATURE = b"\x89PNG"


@pytest.fixture(scope="module")
def notebook() -> Any:
    """A notebook with a live picture and what is saved of it, in a box of two; and a text."""
    machine = vm.boot("x86-64", layout="tiny")
    scenes = [vm.picture(kind(machine.kernel_map)).scene() for kind in (vm.Map, vm.Tree)]
    html = "".join(twin_html(f"t{scene.view}", output_html(scene, to_svg(scene, bare=True))) for scene in scenes)
    outputs = [
        new_output("stream", name="stdout", text="before"),
        new_output("display_data", {converted.VIEW: {"model_id": "t"}, "text/plain": "VBox of two"}),
        new_output("display_data", {"text/html": f"<div>{html}</div>{RULES}", "text/plain": "two tables"}),
    ]
    return new_notebook(cells=[new_code_cell("box", outputs=outputs)])


def test_in_latex_each_picture_is_a_drawing_and_nothing_else_stands_for_it(notebook: Any) -> None:
    body, resources = LatexExporter().from_notebook_node(notebook)
    assert [data[:4] for data in resources["outputs"].values()] == [SIGNATURE, SIGNATURE]
    assert all(name in body for name in resources["outputs"])
    assert "before" in body
    assert "VBox of two" not in body
    assert "two tables" not in body


def test_without_the_extra_it_is_an_svg(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converted, "find_spec", lambda _name: None)
    body, resources = MarkdownExporter().from_notebook_node(notebook)
    drawings = list(resources["outputs"].values())
    assert [data.decode().startswith("<svg ") for data in drawings] == [True, True]
    assert body.count(".svg)") == 2


def test_html_stays_as_it_is(notebook: Any) -> None:
    body, _ = HTMLExporter().from_notebook_node(notebook)
    assert body.count('data-vmwidgets-twin="t') == 2


def test_a_notebook_keeps_its_live_picture_and_its_html(notebook: Any) -> None:
    body, _ = NotebookExporter().from_notebook_node(notebook)
    again = nbformat.reads(body, as_version=4)
    assert again.cells[0].outputs == notebook.cells[0].outputs


def test_it_can_be_switched_off(notebook: Any) -> None:
    exporter = LatexExporter()
    exporter.config.PicturesPreprocessor.enabled = False
    body, _ = LatexExporter(config=exporter.config).from_notebook_node(notebook)
    assert "two tables" in body


def test_the_command_finds_it_by_its_entry_point(notebook: Any, tmp_path: Path) -> None:
    assert [one.value for one in entry_points(group="nbconvert.exporters", name="vmwidgets")] == [
        "vmwidgets.converted:NoExporter"
    ]
    nbformat.write(notebook, tmp_path / "two.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--to", "latex", str(tmp_path / "two.ipynb")]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    files = sorted((tmp_path / "two_files").iterdir())
    assert [file.read_bytes()[:4] for file in files] == [SIGNATURE, SIGNATURE]
