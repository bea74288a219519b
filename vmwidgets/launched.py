"""A check of how this process was started, before any other module of the package is imported.

``python -m vmwidgets`` puts the current folder before all other modules, and an empty or relative entry of PYTHONPATH
does so for the command ``vmwidgets`` too.  In a folder of submissions, a student's file could then be imported.  This
module uses only modules that Python itself has loaded, and must be imported first.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False  # typing is not loaded yet
if TYPE_CHECKING:
    from types import TracebackType

AT = time.time()
"""When this process began to import the package: a source that is newer is not the code that runs."""

READING = ("grade",)
"""The commands that read other people's files."""

ASK = "--ask"
"""The option with which one of these commands reads one file of a folder."""

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120  pathlib is not loaded yet
"""The folder of the package; in a clone, it may be the current one."""


def refuse_unsafe_paths() -> None:
    """End the process with a sentence and exit code 2 if a command would import from a folder that it should only read.

    It can't help against a file that replaces this package or a module imported earlier by Python.
    """
    given = _arguments()
    if given and given[0] in READING and _imports_what_it_reads(given):
        sys.stderr.write(
            "vmwidgets: Python imports modules from the current folder or from the submissions, and any file there "
            f"could run: call 'vmwidgets {given[0]} …' instead of 'python -m vmwidgets', and let PYTHONPATH name only "
            "absolute folders elsewhere\n"
        )
        sys.exit(2)


def lying_in(entries: list[str], folder: str) -> list[str]:
    """Return the search path's entries that are the folder or inside it, except Python's own folders."""
    own = [sys.prefix, sys.base_prefix, getattr(sys.modules.get("site"), "USER_BASE", None)]
    return [
        entry
        for entry in entries
        if _is_in(entry, folder) and not any(_is_in(entry, one) for one in own if isinstance(one, str))
    ]


def _is_in(entry: str, folder: str) -> bool:
    inner, outer = os.path.realpath(entry), os.path.realpath(folder)
    return inner == outer or inner.startswith(os.path.join(outer, ""))  # noqa: PTH118


def _arguments() -> list[str]:
    """Return the arguments of the command; empty if this process is another program."""
    program, *given = sys.argv or [""]
    if program == "-m":  # what Python writes there while it looks for the module
        module = sys.orig_argv[-len(sys.argv)]
        return given if module == "vmwidgets" or module.endswith("mvmwidgets") else []
    return given if os.path.splitext(os.path.basename(program))[0] == "vmwidgets" else []  # noqa: PTH119, PTH122


def _imports_what_it_reads(given: list[str]) -> bool:
    here = os.path.realpath(os.curdir)
    if here != os.path.realpath(HERE) and here in map(os.path.realpath, sys.path):
        return True
    return any(lying_in(sys.path, folder) for folder in _folders(given))


def _folders(given: list[str]) -> list[str]:
    """Return the folders passed to a command and, for questions at the desk, the folders that contain its files."""
    files = any(ASK.startswith(one) and one > "--" for one in given)  # argparse takes the beginning of an option, too
    found = [one if os.path.isdir(one) else os.path.dirname(one) * files for one in given[1:]]  # noqa: PTH112, PTH120
    return [one for one in found if one]


def say_less_of_an_interrupt() -> None:
    """Make an interrupt print only one line while the command's modules are loaded, which takes half a second."""
    if _arguments():
        sys.excepthook = _said


def _said(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("\nvmwidgets: stopped before anything was changed\n")
    else:
        sys.__excepthook__(kind, error, trace)


refuse_unsafe_paths()
say_less_of_an_interrupt()
