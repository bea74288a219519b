"""How large what people install is, and what travels to a page: at an earlier commit and now."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from zipfile import ZipFile

from .against import COMMIT, HERE, exported
from .table import table

STATIC = "vmwidgets/static/"
HUB = "hub.js, once for each kernel"
LATER = {
    "controls.js": "controls.js, behind the first picture",
    "graphviz.js": "graphviz.js, for a page that asks for it",
}
"""What comes in messages of its own, and when; at the earlier commit it was in the hub."""
BEFORE = "code before the first picture, as it is sent"


def sizes(tree: Path) -> dict[str, int]:
    """Bytes by name, of a wheel that is built from `tree`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "uv", "build", "--wheel", "--quiet", "--no-build-isolation"]
        subprocess.run([*command, "--python", sys.executable, "--out-dir", folder], cwd=tree, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with ZipFile(wheel) as archive:
            files = {info.filename: info.file_size for info in archive.infolist()}
            hub = archive.read(f"{STATIC}hub.js")
            later = {said: archive.read(STATIC + name) for name, said in LATER.items() if STATIC + name in files}
        sent = zlib.compress(hub, 9) if later else hub  # the hub was sent as it was
        return {
            "the wheel": wheel.stat().st_size,
            "what it installs": sum(files.values()),
            "… Python": sum(size for name, size in files.items() if name.endswith(".py")),
            HUB: len(hub),
            BEFORE: len(sent),
            "view.js, with each picture": files[f"{STATIC}view.js"],
            **{
                key: size
                for said, text in later.items()
                for key, size in (
                    (said, len(text)),
                    (f"{said.partition(',')[0]} as it is sent", len(zlib.compress(text, 9))),
                )
            },
        }


def report(_quick: bool) -> str:
    """The table."""
    return compared(sizes(exported(COMMIT)), sizes(HERE))


def compared(then: dict[str, int], now: dict[str, int]) -> str:
    """The table of these sizes; what there was not then has no ratio."""
    rows = [[name, _said(then.get(name)), f"{size:,}", _ratio(then.get(name), size)] for name, size in now.items()]
    return table("Sizes", ["bytes", f"at {COMMIT}", "now", "ratio"], rows)


def _said(size: int | None) -> str:
    return "–" if size is None else f"{size:,}"


def _ratio(then: int | None, now: int) -> str:
    return "" if then is None else f"{now / then:.2f}"
