"""How large what people install is, and what travels to a page: at an earlier commit and now."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

from .against import COMMIT, HERE, exported
from .table import table

STATIC = "vmwidgets/static/"
GRAPHVIZ = Path("js", "node_modules", "@hpcc-js", "wasm-graphviz", "dist", "index.js")


def sizes(tree: Path) -> dict[str, int]:
    """Bytes by name, of a wheel that is built from `tree`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "uv", "build", "--wheel", "--quiet", "--no-build-isolation"]
        subprocess.run([*command, "--python", sys.executable, "--out-dir", folder], cwd=tree, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with ZipFile(wheel) as archive:
            files = {info.filename: info.file_size for info in archive.infolist()}
            hub = archive.read(f"{STATIC}hub.js")
        return {
            "the wheel": wheel.stat().st_size,
            "what it installs": sum(files.values()),
            "… Python": sum(size for name, size in files.items() if name.endswith(".py")),
            "hub.js, once for each kernel": len(hub),
            "… of it Graphviz, as WebAssembly": (tree / GRAPHVIZ).stat().st_size,
            "… all of it through gzip": len(gzip.compress(hub)),
            "view.js, with each picture": files[f"{STATIC}view.js"],
        }


def report(_quick: bool) -> str:
    """The table."""
    return compared(sizes(exported(COMMIT)), sizes(HERE))


def compared(then: dict[str, int], now: dict[str, int]) -> str:
    """The table of these sizes."""
    rows = [[name, f"{then[name]:,}", f"{size:,}", f"{size / then[name]:.2f}"] for name, size in now.items()]
    return table("Sizes", ["bytes", f"at {COMMIT}", "now", "ratio"], rows)
