"""Writes the lists of pictures from their registrations; `listing.py --check` says which differ from them.

`@picture_of` or `@picture` beside a picture is the only place that says its name and what it shows.  From there come
`vmwidgets/pictures/listed.py`, which says what to import for a picture without importing any, and
`vmwidgets/widgets/__init__.pyi`, in which type checkers and editors find the pictures as live views.
"""

from __future__ import annotations

import sys
from importlib import import_module
from inspect import isclass
from pathlib import Path
from pkgutil import walk_packages

from vmwidgets import pictures, views
from vmwidgets.pictures import registry
from vmwidgets.pictures.listed import FIRST_FOR, MODULE_OF, PICTURES
from vmwidgets.pictures.picture import Picture

from . import generated

PACKAGE = Path(pictures.__file__).parent.parent
LISTED = PACKAGE / "pictures" / "listed.py"
TYPED = PACKAGE / "widgets" / "__init__.pyi"

HEAD = '''"""The pictures of the package, by the modules that register them, each imported when it is first needed.

Most notebooks show a few pictures.  Importing all of them takes as long as everything else that a notebook needs.
`python -m tools.listing` writes this file.
"""

from __future__ import annotations
'''

TYPED_HEAD = '''"""What `__getattr__` makes, for type checkers; `python -m tools.listing` writes this file."""
'''


def main() -> int:
    """Write both files, or with `--check` say which are not what the registrations give."""
    return generated.keep("Write the lists of pictures from their registrations.", texts(), "run `make listing`")


def texts() -> dict[Path, str]:
    """Return the text of each file."""
    names, first_for = registered()
    return {LISTED: listed(names, first_for), TYPED: typed(names)}


def registered() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return the module of each picture by its name, and of each first choice by module and name of what it shows."""
    for known in (PICTURES, MODULE_OF, FIRST_FOR):
        known.clear()  # what was listed may be gone, or elsewhere
    for package in (pictures, views):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            PICTURES[_below(module.name)] = ()
    names = {name: _below(made.__module__) for name, made in registry.known_pictures().items()}
    first_for: dict[str, dict[str, str]] = {}
    for kind, made in registry.kinds_imported().items():
        first_for.setdefault(kind.__module__, {})[kind.__name__] = _below(made.__module__)
    return {name: names[name] for name in sorted(names)}, first_for


def listed(names: dict[str, str], first_for: dict[str, dict[str, str]]) -> str:
    """Return the text of `listed.py`."""
    by_module = {module: tuple(name for name in names if names[name] == module) for module in sorted({*names.values()})}
    rows = [f"    {_quoted(module)}: {_tuple(of_it)}," for module, of_it in by_module.items()]
    kinds = [
        line
        for module in sorted(first_for)
        for line in (
            f"    {_quoted(module)}: {{",
            *(f"        {_quoted(kind)}: {_quoted(shown)}," for kind, shown in sorted(first_for[module].items())),
            "    },",
        )
    ]
    return "\n".join((
        HEAD, "PICTURES = {", *rows, "}  # fmt: skip  # a row for each module",
        '"""The names of each module\'s pictures."""', "",
        "FIRST_FOR = {", *kinds, "}",
        '"""By a class\'s module and name, the module with the first-choice picture of its objects."""', "",
        "MODULE_OF = {name: module for module, names in PICTURES.items() for name in names}",
        '"""The module of each picture, by the picture\'s name."""', "",
    ))  # fmt: skip  # as the file has it


def typed(names: dict[str, str]) -> str:
    """Return the text of the stub: each picture is a view and, if it is more than a function, its own class."""
    bases = dict.fromkeys(names, "View")
    for name, module in names.items():
        own = getattr(import_module(f"vmwidgets.{module}"), name, None)
        if isclass(own) and issubclass(own, Picture):
            bases[name] = f"View, {module.removeprefix('pictures.')}.{name}"
    imported = sorted({names[name].removeprefix("pictures.") for name in names if bases[name] != "View"})
    return "\n".join((
        TYPED_HEAD, "from vmwidgets.pictures import (", *(f"    {module}," for module in imported), ")", "",
        "from .host.show import register as register", "from .host.show import show as show",
        "from .host.view import View as View", "",
        *(f"class {name}({bases[name]}): ..." for name in names), "",
    ))  # fmt: skip  # as the file has it


def _tuple(names: tuple[str, ...]) -> str:
    return f"({', '.join(map(_quoted, names))}{',' * (len(names) == 1)})"


def _below(module: str) -> str:
    return module.partition(".")[2]


def _quoted(text: str) -> str:
    return f'"{text}"'


if __name__ == "__main__":
    sys.exit(main())
