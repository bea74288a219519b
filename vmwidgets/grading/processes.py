"""How a process that judges is started: it imports Python's and the package's own modules, and nothing else.

Judging runs on folders that other people filled.  A process is therefore started in an empty folder of its own and
isolated (`-I`: no current folder in ``sys.path``, no variables for Python), and is given the package's folder.  It
reads no settings from the user's home: its home is the same empty folder.
"""

from __future__ import annotations

import os
import site
import sys
from pathlib import Path

from vmwidgets import __version__
from vmwidgets.launched import lying_in

PACKAGE = Path(__file__).resolve().parent.parent

START = """
import importlib.util, runpy, site, sys
before, users, init, version = {before!r}, {users!r}, {init!r}, {version!r}
for folder in users:
    site.addsitedir(folder)
sys.path[:0] = before
found = importlib.util.spec_from_file_location("vmwidgets", init)
package = sys.modules["vmwidgets"] = importlib.util.module_from_spec(found)
found.loader.exec_module(package)
package.__version__ = version
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""
"""Runs a module with the package of the process that starts it, wherever that was found.

The version is handed on, too: an installer may have written it in a folder where this process looks up nothing.
"""

KEPT = ("PATH", "LANG", "SYSTEMROOT")
"""Variables that a process gets."""

HOMES = ("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "TMPDIR", "TEMP", "TMP")
"""Variables that are set to the process's own folder."""


def command(module: str, submissions: Path | None = None) -> list[str]:
    """Return the command that runs `module`; nothing in the folder of `submissions` is in its ``sys.path``."""
    users = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    start = START.format(
        before=search_path(submissions),
        users=users,
        version=__version__,
        init=str(PACKAGE / "__init__.py"),
        module=module,
    )
    return [sys.executable, "-I", "-c", start]


def environment(folder: str) -> dict[str, str]:
    """Return the variables of a process whose own folder is `folder`."""
    return {name: os.environ[name] for name in KEPT if name in os.environ} | dict.fromkeys(HOMES, folder)


def search_path(submissions: Path | None = None) -> list[str]:
    """The folders that PYTHONPATH adds: absolute ones outside the folder of `submissions` and the current folder.

    Relative entries and empty ones name the current folder or something in it, which may be anyone's.
    """
    here = os.path.realpath(os.curdir)
    entries = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if Path(one).is_absolute()]
    inside = set(lying_in(entries, str(submissions))) if submissions else set()
    return [one for one in entries if os.path.realpath(one) != here and one not in inside]
