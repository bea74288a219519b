"""Labs to read: each notebook is run once, and its pictures are kept; a handout of it steps.

What was made is kept in .cache/site while the notebook and the package stay as they are.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path
from typing import Any

import nbformat

from vmwidgets.labs.prediction import TO_ANSWER
from vmwidgets.lectures.listed import LECTURES
from vmwidgets.views.scene.kit import WIDTH

from .places import CACHE, NOTEBOOKS, ROOT, digest, package

KEPT = CACHE / "labs"
WIDGET = "application/vnd.jupyter.widget-view+json"
OURS = "application/vnd.vmwidgets."
"""What only the package itself reads in an output."""

USUAL = 736
"""Pixels of a page's text, at most: a drawing of more would be scaled down, and so would its letters."""

BEFORE = """
import vmwidgets.pictures.slim
import vmwidgets.sources.proc_maps

vmwidgets.sources.proc_maps.SELF = "/no/such/file"
vmwidgets.pictures.slim.KEPT = True
"""
"""Run before a lab: the page shows the recorded map of a process, and not one of the computer that builds the site.
Each picture is laid out for a telephone too."""

READ = f"""{BEFORE}
from vmwidgets.pictures.picture import Picture
from vmwidgets.pictures.tables import Walk

Picture.usual, Walk.usual = {USUAL}, {WIDTH}
"""
"""Run before a lab that is read: its pictures are as wide as the text, but for a walk, as in the gallery."""

WITHOUT_STEPS = {"12-your-own-kernel"}
"""Labs whose pictures are of what another kernel printed: a handout is made of pictures of a machine."""

MINUTES = 10
"""How long a lab may take, or its handout."""

NAMES = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
WORKERS = max(1, min(4, os.cpu_count() or 1))


def made() -> dict[str, Path]:
    """Of each lab the notebook that was run; it and the handout are made if they have to be."""
    KEPT.mkdir(parents=True, exist_ok=True)
    code = package()
    for name in LECTURES:
        make_lecture(name, code)
        make_lecture(name, code, "--for-class")
    with ThreadPoolExecutor(WORKERS) as pool:
        return dict(zip(NAMES, pool.map(lambda name: make(name, code), NAMES), strict=True))


def lecture(name: str, *options: str) -> Path:
    """The file of a lecture, as the command writes it with these options."""
    return KEPT / f"lecture-{name}{''.join(options)}.html"


def make_lecture(name: str, code: str, *options: str) -> None:
    """Write a lecture, unless it is there."""
    path = lecture(name, *options)
    stamp = path.with_suffix(".sha256")
    if not (stamp.is_file() and stamp.read_text() == code and path.is_file()):
        check([sys.executable, "-m", "vmwidgets", "lecture", name, *options, "-o", path, "--force"])
        stamp.write_text(code)


def make(name: str, code: str) -> Path:
    """The notebook of a lab as it is shown; its handout, if it has one, lies beside it."""
    source, shown, handout = NOTEBOOKS / f"{name}.ipynb", KEPT / f"{name}.ipynb", KEPT / f"{name}.html"
    steps = name not in WITHOUT_STEPS
    stamp = KEPT / f"{name}.sha256"
    wanted = f"{code} {digest([source, Path(__file__)])}"
    if not (stamp.is_file() and stamp.read_text() == wanted and shown.is_file() and handout.is_file() == steps):
        print(f"vmwidgets: running {source.relative_to(ROOT)}", file=sys.stderr)
        run(source, shown)
        if steps:
            title = title_of(source)
            check([sys.executable, "-m", "vmwidgets", "lecture", source, "-o", handout, "--force", "--title", title])
        stamp.write_text(wanted)
    return shown


def title_of(source: Path) -> str:
    """The heading of a lab.

    >>> title_of(NOTEBOOKS / "01-maps.ipynb")
    'Maps: an address space is an ordered set of entries'
    """
    notebook: Any = nbformat.read(source, as_version=4)  # type: ignore[no-untyped-call]  # it has no types
    return str(notebook.cells[0].source.splitlines()[0].lstrip("# "))


def run(source: Path, shown: Path) -> None:
    """Run a notebook, and keep what can be read without a kernel."""
    check([sys.executable, "-m", "nbconvert", "--execute", "--to", "notebook", "--output", shown, source], READ)
    notebook: Any = nbformat.read(shown, as_version=4)  # type: ignore[no-untyped-call]  # it has no types
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = list(readable(cell.outputs, source.stem))
    nbformat.write(notebook, shown)  # type: ignore[no-untyped-call]


def readable(outputs: list[Any], name: str) -> Iterator[Any]:
    """Outputs of a lab without live pictures: each has its static picture beside it.

    Here nothing can be answered: a prediction leads to the lab in the browser.
    """
    link = f'<a href="../lab/lab/index.html?path={name}.ipynb">answer in the lab</a>, which runs in your browser'
    for output in outputs:
        data = output.get("data", {})
        if WIDGET in data:
            continue
        for kind in [kind for kind in data if kind.startswith(OURS)]:
            del data[kind]
        if "text/html" in data:
            data["text/html"] = data["text/html"].replace(escape(TO_ANSWER), link)
        if data or "text" in output:
            yield output


def check(command: list[Any], before: str = BEFORE) -> None:
    """Run a command in the checkout, kernels with `before`; ends with what it said if it fails."""
    home = KEPT / ("ipython" if before == BEFORE else "ipython-read")
    startup = home / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    (startup / "before.py").write_text(before)
    variables = {**os.environ, "IPYTHONDIR": str(home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False, timeout=60 * MINUTES
    )
    if done.returncode:
        raise SystemExit(f"vmwidgets: `{' '.join(map(str, command))}` failed: {done.stderr[-1500:]}")
