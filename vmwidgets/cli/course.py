"""``vmwidgets course`` copies the students' notebooks into a folder and opens JupyterLab on them."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from .. import __version__
from ..engine.base.errors import Refused
from ..engine.base.units import counted
from ..released import install
from .command import Argument, Command, path
from .copying import README, Copied, copy_labs, handed_out
from .text import printable

FOLDER = "vmwidgets-labs"
"""The folder to which the labs are copied, unless `--to` says otherwise."""

_ABOUT = """\
Copy the labs into a folder and open them in JupyterLab. A file you have changed is never replaced. With
--update, files you have not changed are replaced; for a file you have changed, the new version is saved next to it."""

_EXITS = "exit status: 0 the labs are there; 2 they can't be copied or opened, and nothing was replaced"


def run(options: argparse.Namespace) -> int:
    """Copy the notebooks, report, and open JupyterLab."""
    if not options.no_open and find_spec("jupyterlab") is None:
        raise Refused(f"JupyterLab is not installed: {install('lab')}")
    done = copy_labs(options.to, handed_out(), __version__, update=options.update)
    for line in report(options.to, done):
        print(printable(line), flush=True)
    if options.no_open:
        to = [] if options.to == Path(FOLDER) else ["--to", str(options.to)]
        words = ["vmwidgets", "course", *to]
        typed = subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
        print("To open them, type:", printable(typed))
        return 0
    return open_labs(options.to)


def report(folder: Path, done: Copied) -> Iterator[str]:
    """Yield a line for each kind of change that was made."""
    yield f"{folder}: {counted(len(done.added), 'file')} added, {len(done.replaced)} replaced"
    if done.kept:
        yield f"changed by you, and left as they are: {', '.join(done.kept)}"
    if done.beside:
        yield f"their new versions, beside them: {', '.join(done.beside)}"
    if done.gone:
        yield f"no longer among the labs, and left as they are: {', '.join(done.gone)}"


def open_labs(folder: Path) -> int:
    """Run JupyterLab in `folder`, on the page that says which lab comes first, until it is stopped."""
    from jupyterlab.labapp import LabApp

    arguments = [
        f"--ServerApp.root_dir={folder.resolve()}",
        f"--LabApp.default_url=/lab/tree/{README}",
    ]
    # Its settings: pages of Markdown are shown as pages, and no question about news covers the first picture.
    paths = [str(Path(__file__).parent / "jupyter"), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(paths)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")
    if sys.platform == "linux" and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        arguments.append("--no-browser")  # there is no screen, but JupyterLab prints an address to open
    LabApp.launch_instance(argv=arguments)
    return 0


COMMAND = Command(
    "copy the labs into a folder and open them in JupyterLab",
    _ABOUT,
    _EXITS,
    (
        Argument("--to DIR", f"the folder ({FOLDER})", path, Path(FOLDER)),
        Argument("--update", "update the labs that you have not changed"),
        Argument("--no-open", "copy only, and say how to open them"),
    ),
    run,
)
