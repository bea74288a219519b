"""Prints which packages of others are inside the front end, as the bundler says: `python -m scripts.licences`.

THIRD_PARTY.md has the same packages and licences; tests/packaging/test_licences.py compares the two.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import hatch_build

ROOT = Path(__file__).resolve().parent.parent
_ASK = """
import { build } from "esbuild";
const names = ["hub", "loader", "controls", "graphviz", "view", "answer", "player"];
const done = await build({
  entryPoints: names.map((name) => `src/${name}.ts`), bundle: true, write: false, metafile: true, outdir: "x",
  format: "esm", target: "es2022", platform: "browser", loader: { ".css": "text" }, logLevel: "error",
  define: { BUNDLE: '""' },
});
const found = {};
for (const [file, one] of Object.entries(done.metafile.outputs)) found[file] = Object.keys(one.inputs);
console.log(JSON.stringify(found));
"""


class Package(NamedTuple):
    """A package inside the bundle: its licence as it says itself, and the files that contain it."""

    name: str
    version: str
    licence: str
    files: tuple[str, ...]


def bundled(root: Path = ROOT) -> list[Package]:
    """Every package of npm that is in a file of the front end."""
    command: list[str | Path] = [hatch_build.node_program(), "--input-type=module", "-e", _ASK]
    answer = subprocess.run(command, cwd=root / "js", capture_output=True, text=True, check=True)
    inside: dict[str, set[str]] = {}
    for file, inputs in json.loads(answer.stdout).items():
        for path in inputs:
            match = re.search(r"node_modules/((?:@[^/]+/)?[^/]+)/", path)
            if match is not None:
                inside.setdefault(match[1], set()).add(Path(file).name)
    found = []
    for name, files in sorted(inside.items()):
        about = json.loads((root / "js" / "node_modules" / name / "package.json").read_text("utf-8"))
        found.append(Package(name, about["version"], about["license"], tuple(sorted(files))))
    return found


def main() -> int:
    """Print the report."""
    for one in bundled():
        print(f"{one.name} {one.version}: {one.licence}, in {', '.join(one.files)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
