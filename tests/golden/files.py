"""What grading writes: the grades of a class, with its pages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from vmwidgets.grading.report import SECRET

from .packed import Case, Moment
from .plain import digest, lines

ROOT = Path(__file__).resolve().parents[2]

SAMPLE = 15
"""Of so many pages the text of one is kept."""


def grading(job: str, *, whole: bool = False) -> Iterator[Case]:
    """The tables that grading a class of three hundred writes, line by line, and its pages."""
    with TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        to, installed = root / "out", root / "installed" / "vmwidgets-0.1.0.dist-info"
        installed.mkdir(parents=True)  # texts name the version, which the next release changes
        (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: vmwidgets\nVersion: 0.1.0\n")
        places = os.pathsep.join([str(installed.parent), str(ROOT)])
        done = subprocess.run(
            [sys.executable, "-m", "tests.golden.classroom", folder],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": places}, capture_output=True, text=True, check=False,
        )  # fmt: skip  # the command, then how it is run
        told = (done.stdout + done.stderr).replace(str(root), "")
        yield Case("the command", [Moment("says", lines([("code", done.returncode), *_numbered(told)]))])
        for number, path in enumerate(sorted(one for one in to.rglob("*") if one.is_file())):
            name = path.relative_to(to).as_posix()
            if name in ("state.jsonl", SECRET):  # the order in which files were done; what is given
                continue
            text = path.read_bytes().decode("utf-8", "surrogateescape")
            kept: list[tuple[str, object]] = [("bytes", digest(path.read_bytes()))]
            if whole or "/" not in name or number % SAMPLE == 0:
                kept += _numbered(text)
            yield Case(name, [Moment("written", lines(kept))])


def _numbered(text: str) -> list[tuple[str, object]]:
    return [(f"line {number:05}", line) for number, line in enumerate(text.split("\n"))]
