"""Builds the site into build/site: `python -m tools.site`, or `make site`.

It is offline, once Sphinx and JupyterLite are set up, which the first run does from their locks.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools import hosts

from . import contents, landing, lite, measure, offline, pages, starting
from .compiled import compiled
from .places import CACHE, OUT, ROOT, SOURCES, digest

LAB = OUT / "lab"


def main(arguments: list[str]) -> int:
    """Build the site, and say how large its parts are and how long they took."""
    if arguments:
        print("usage: python -m tools.site", file=sys.stderr)
        return 2
    hosts.set_up("lite")
    pages.set_up()
    with timed("documentation, with the labs run"):
        pages.build()
    with timed("JupyterLite"):
        build_lab()
    with timed("first visit in Chromium, unless it is known"):
        seen = measure.visit(LAB, state_of(LAB))
    kept = offline.keep(LAB, [*seen["paths"], *offline.files(LAB)])
    landing.write(seen)
    pages_kept = offline.keep_pages(OUT, SOURCES / "worker.js")
    for name, size in sizes():
        print(f"{name:<28} {size / 1e6:7.2f} MB")
    print(f"{'a first visit of the lab':<28} {seen['bytes'] / 1e6:7.2f} MB, {seen['seconds']} s to the first picture")
    print(f"{'first picture / first print':<28} {measure.compared(seen)}")
    print(f"{'kept of the lab':<28} {kept / 1e6:7.2f} MB")
    print(f"{'kept of the pages':<28} {pages_kept / 1e6:7.2f} MB, and each page that is read")
    print(f"The site is in {OUT.relative_to(ROOT)}: python -m http.server --bind 127.0.0.1 --directory build/site")
    return 0


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say how long a part takes."""
    begun = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - begun:.0f} s")


def build_lab() -> None:
    """Build the JupyterLite in the site, with the wheel of this checkout."""
    work = CACHE / "lite"
    shutil.rmtree(work, ignore_errors=True)
    contents.write(work / "contents")
    lite.build(work / "source", LAB, compiled(wheel(work / "wheel")), work / "contents")
    starting.put(LAB)


def wheel(folder: Path) -> Path:
    """The package's wheel, built with the locked build requirements."""
    command = [sys.executable, "-m", "uv", "build", "--wheel", "--quiet", "--no-build-isolation"]
    subprocess.run([*command, "--python", sys.executable, "--out-dir", folder, ROOT], check=True)
    (built,) = folder.glob("*.whl")
    return built


def state_of(folder: Path) -> str:
    """The hash of what is built."""
    return digest(path for path in folder.rglob("*") if path.is_file())


def sizes() -> Iterator[tuple[str, int]]:
    """The parts of the site, with their bytes."""
    parts: dict[str, list[Any]] = {"landing page": [OUT / "index.html", *(OUT / "_static").glob("landing.*")]}
    parts["documentation"] = [path for path in OUT.rglob("*") if LAB not in path.parents]
    parts["lab (JupyterLite)"] = [*LAB.rglob("*")]
    for name, paths in parts.items():
        yield name, sum(path.stat().st_size for path in paths if path.is_file())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
