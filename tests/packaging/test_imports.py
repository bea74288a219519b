"""What each layer may take from outside: the table of docs/dev/architecture.md, for packages that are not ours.

The order of our own layers is import-linter's business (pyproject.toml); it can only forbid packages by name.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

OUTSIDE = {
    # NumPy for arrays of addresses, import-linter says which module; the other for type checkers only, which bring it
    "vmwidgets/engine": {"numpy", "typing_extensions"},
    "vmwidgets/sources": {"tomli"},
    "vmwidgets/real": {"elftools"},  # with the extra `kernels`
    "vmwidgets/pictures": {"matplotlib", "traitlets"},
    "vmwidgets/views": {
        "cssselect2",
        "graphviz",
        "resvg_py",
        "tinycss2",
        "typing_extensions",
        "typst",
    },  # typing_extensions for types
    "vmwidgets/widgets": {"anywidget", "ipywidgets", "traitlets", "IPython", "psygnal"},
    "vmwidgets/labs": {"anywidget", "markdown_it", "tomli", "traitlets"},
    "vmwidgets/assignments": set(),
    "vmwidgets/questions": {"tomli"},
    "vmwidgets/grading": {"dask", "distributed", "tomli"},  # tomli: which Python has itself from 3.11 on, as in labs
    "vmwidgets": {
        "anywidget",
        "cssselect2",
        "dask",
        "elftools",
        "distributed",
        "graphviz",
        "ipywidgets",
        "jupyter_client",  # as jupyter_core with jupyterlab: the doctor starts a kernel, and finds JupyterLab's folders
        "jupyter_core",
        "jupyterlab",  # opened by the command line alone
        "markdown_it",
        "matplotlib",
        "nbclient",  # which comes with jupyterlab, as nbformat does: for a handout of a notebook
        "nbconvert",  # which loads converted.py, and nothing else of ours
        "nbformat",
        "resvg_py",
        "tinycss2",
        "tomli",
        "traitlets",
        "IPython",
        "psygnal",
        "numpy",
        "typing_extensions",
        "typst",
    },
}


def imported(path: Path) -> set[str]:
    """The top-level packages that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("layer", OUTSIDE)
def test_a_layer_needs_only_what_it_may(root: Path, layer: str) -> None:
    allowed = OUTSIDE[layer] | set(sys.stdlib_module_names) | {"vmwidgets"}
    modules = sorted((root / layer).rglob("*.py"))
    assert modules
    assert {module.name: imported(module) - allowed for module in modules if imported(module) - allowed} == {}
