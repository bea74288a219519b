"""A course's own exercises: the teacher's modules, which register them like the package's own.

A module is passed by hand or named in the course's file; modules are never searched for.  Its text is sent with the
course to each judging process, so it can import the standard library and vmwidgets, but no file next to it.
"""

from __future__ import annotations

import linecache
import sys
import traceback
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from vmwidgets.engine.base.errors import Refused, printable

MOST_MODULE_BYTES = 1 << 20
"""The most bytes of a module."""


class OwnModule(NamedTuple):
    """A module by its path, and its text."""

    path: str
    source: str


def read_modules(paths: Iterable[Path]) -> tuple[OwnModule, ...]:
    """Return the modules in these files, loaded; raises :class:`Refused` with one sentence if one can't be loaded."""
    modules = tuple(map(_read, paths))
    load_modules(modules)
    return modules


def load_modules(modules: Iterable[OwnModule]) -> None:
    """Run each module once in this process, to register its exercises; raises :class:`Refused` if one fails.

    A module that reuses the ID of one of our exercises is refused, unless it says ``replace=True``.
    """
    for module in modules:
        name = f"own_exercises_{sha256(module.source.encode()).hexdigest()[:16]}"
        if name in sys.modules:
            continue
        made = sys.modules[name] = ModuleType(name)
        made.__file__ = module.path
        # Tracebacks and inspect.getsource find the text here, also where there is no such file.
        linecache.cache[module.path] = (len(module.source), None, module.source.splitlines(True), module.path)
        try:
            exec(compile(module.source, module.path, "exec", dont_inherit=True), made.__dict__)
        except BaseException as error:  # the teacher's code may raise anything, or end the program
            del sys.modules[name]
            if isinstance(error, KeyboardInterrupt):
                raise
            raise Refused(_failed(module, error)) from None


def _read(path: Path) -> OwnModule:
    try:
        if path.stat().st_size > MOST_MODULE_BYTES:
            raise Refused(f"{str(path)!r} has more than {MOST_MODULE_BYTES >> 20} MiB: name a module with exercises")
        return OwnModule(str(path.resolve()), path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(f"{str(path)!r} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Refused(f"{str(path)!r} is not text in UTF-8: name a module with exercises") from None


def _failed(module: OwnModule, error: BaseException) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == module.path]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    kind = "" if isinstance(error, Refused) else f"{type(error).__name__}: "
    said = f"{kind}{error}"
    if isinstance(error, SystemExit):
        said = "it ends the program: leave sys.exit out of a module with exercises"
    return printable(f"{Path(module.path).name}{f', line {line}' if line else ''}: {said}")
