"""The start of a judging process, which imports Python's and the package's own modules, and nothing else.

Judging works on folders that other people filled.  So a process is started in an empty folder of its own and isolated
(`-I`: no current folder in ``sys.path``, no variables for Python), and gets the package's folder.  It reads no settings
from the user's home: its home is the same empty folder.
"""

from __future__ import annotations

import os
import site
import sys
from pathlib import Path

from vmwidgets import __version__
from vmwidgets.launched import lying_in

PACKAGE = Path(__file__).resolve().parent.parent

MEMORY = 3 << 30
"""The most bytes of address space for judging."""

SECONDS = 90
"""The most seconds for one piece of work: of a processor in the judging process, and until its answer is there."""

NO_MEMORY = 77
"""The exit status of a judging process that has used up its memory."""

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
"""A program that runs a module from the starting process's package, wherever that package is.

The version is passed on too, since an installer may have written it to a folder that the new process does not search.
"""

KEPT = ("PATH", "LANG", "SYSTEMROOT")
"""The variables that a process inherits."""

HOMES = ("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "TMPDIR", "TEMP", "TMP")
"""The variables that are set to the process's own folder."""


def command(module: str, submissions: Path | None = None) -> list[str]:
    """Return the command that runs `module`, without the folder of `submissions` in its ``sys.path``."""
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
    """Return the variables of a process in the folder `folder`."""
    return {name: os.environ[name] for name in KEPT if name in os.environ} | dict.fromkeys(HOMES, folder)


def search_path(submissions: Path | None = None) -> list[str]:
    """Return PYTHONPATH's absolute folders outside the folder of `submissions` and the current folder.

    Relative and empty entries are in the current folder, which may be anyone's.
    """
    here = os.path.realpath(os.curdir)
    entries = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if Path(one).is_absolute()]
    inside = set(lying_in(entries, str(submissions))) if submissions else set()
    return [one for one in entries if os.path.realpath(one) != here and one not in inside]
