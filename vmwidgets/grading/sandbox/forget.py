"""What a process knows of the computer that it runs on, removed before a learner's function runs.

What a function raises or gives is shown to its student, so it should not find the folders of the person who grades:
where Python and the package are, variables, the command.  Files and system calls are the lock's business.  What lies in
memory that no object of Python refers to is left.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib.machinery import ExtensionFileLoader, FileFinder, ModuleSpec, SourceFileLoader, SourcelessFileLoader
from itertools import islice
from types import CodeType, FunctionType, ModuleType
from typing import Any

OF_SYS = (
    "executable", "prefix", "exec_prefix", "base_prefix", "base_exec_prefix", "orig_argv", "pycache_prefix",
    "_base_executable", "_home", "_stdlib_dir", "_framework",
)  # fmt: skip  # one list
"""Members of `sys` that name folders and files; not all Pythons have all of them."""

NOWHERE = "<python>"
"""The file that code says it is from."""


def forget() -> None:
    """Remove paths, variables and the command from all objects of this process; nothing can be imported afterwards.

    Modules that are imported already can still be imported by their names.
    """
    for name in OF_SYS:
        if hasattr(sys, name):
            setattr(sys, name, "")
    sys.argv[:] = [""]
    sys.path.clear()
    sys.path_importer_cache.clear()
    os.environ.clear()
    sys.modules[os.name].__dict__["environ"].clear()  # what os.environ was made from
    for one in gc.get_objects():
        if isinstance(one, FunctionType):
            one.__code__ = _nowhere(one.__code__)
        elif isinstance(one, ModuleType):
            _forget_module(one)
        elif isinstance(one, ModuleSpec):
            one.origin = one.cached = one.loader_state = None
            if one.submodule_search_locations is not None:
                one.submodule_search_locations = []
        elif isinstance(one, (SourceFileLoader, SourcelessFileLoader, ExtensionFileLoader, FileFinder)):
            one.path = ""
        elif isinstance(one, dict):
            _forget_extensions(one)


def _forget_extensions(known: dict[Any, Any]) -> None:
    """Forget the files of extension modules: up to 3.11 Python keeps a table of them, and a copy of what each held."""
    known.pop("__file__", None)
    if any(type(one).__name__ == "moduledef" for one in islice(known.values(), 1)):
        known.clear()


def _forget_module(module: ModuleType) -> None:
    known = vars(module)
    for name in ("__file__", "__cached__"):
        known.pop(name, None)
    if "__path__" in known:
        known["__path__"] = []


def _nowhere(code: CodeType) -> CodeType:
    """The same code, and that in it, from no file."""
    inner = tuple(_nowhere(one) if isinstance(one, CodeType) else one for one in code.co_consts)
    return code.replace(co_filename=NOWHERE, co_consts=inner)
