"""Writes the public face, docs/dev/face.txt: what others may rely on, a line for each; `--check` says what differs.

Names, signatures and the values that pictures take come from the package, commands and exit statuses from the parsers.
A release note for each change of it stands in changes/.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any

import vmwidgets as vm
from vmwidgets.cli import command
from vmwidgets.pictures.picture import CALLED, Picture
from vmwidgets.pictures.registry import known_pictures

from . import generated
from .site.places import ROOT
from .site.reference import PARTS, hidden, names_of

FACE = ROOT / "docs" / "dev" / "face.txt"


def main() -> int:
    """Write the file, or with `--check` show how it differs from the package."""
    about = "Write the list of everything that others may rely on."
    return generated.keep(
        about, {FACE: "\n".join([*lines(), ""])}, "run `make listing`, and say it to users (changes/README.md)"
    )


def lines() -> Iterator[str]:
    """Yield the lines of the file."""
    pictures, shared = known_pictures(), options(Picture)
    for name in sorted({*vm.__all__} - {*pictures}):
        yield from of_name(f"vm.{name}", getattr(vm, name))
    for module in ("lab", "workload"):
        for name in sorted(names_of(getattr(vm, module))):
            yield from of_name(f"vm.{module}.{name}", getattr(getattr(vm, module), name))
    for how, kind in PARTS.items():
        yield from of_members(f"({how})", kind)
    for name, kind in sorted(pictures.items()):
        yield f"vm.{name}({', '.join(one for one in options_of(kind) if one not in shared)})"
    yield f"(all pictures): {', '.join([*shared, *CALLED])}"
    for program in command.COMMANDS:
        yield from of_parser(command.parser_for((), program))


def of_name(name: str, thing: Any) -> Iterator[str]:
    """Yield a name with its signature; of a class also its public members."""
    if inspect.ismodule(thing):
        yield f"{name}: {', '.join(sorted(names_of(thing)))}"
    elif inspect.isclass(thing):
        yield name if issubclass(thing, int | Exception) else f"{name}{signature(thing)}"
        if not issubclass(thing, int | Exception | vm.View):
            yield from of_members(name, thing)
    elif inspect.isroutine(thing):
        yield f"{name}{signature(thing)}"
    else:
        yield f"{name}: {sorted(thing) if isinstance(thing, dict) else type(thing).__name__}"


def of_members(name: str, kind: type) -> Iterator[str]:
    """Yield the public methods and properties of a class, also those that it inherits."""
    for member in sorted(one for one in dir(kind) if not one.startswith("_") and one not in hidden(kind)):
        thing = inspect.getattr_static(kind, member)
        thing = getattr(kind, member) if isinstance(thing, classmethod | staticmethod) else thing
        yield f"{name}.{member}{signature(thing) if inspect.isroutine(thing) else ''}"


def signature(thing: Any) -> str:
    """Return the parameters with their defaults, without types and without `self`."""
    try:
        found = inspect.signature(thing)
    except ValueError:
        return "(…)"
    if [*found.parameters] == ["args", "kwargs"]:
        return ""
    bare = [one.replace(annotation=one.empty) for one in found.parameters.values() if one.name != "self"]
    text = str(found.replace(parameters=bare, return_annotation=found.empty))
    return re.sub(r"<[^>]*>", "…", text)  # a default that has no literal


def options(kind: type[Picture]) -> list[str]:
    """Return the values that a picture takes by name, each with its default."""
    return [f"{name}={trait.default_value!r}" for name, trait in sorted(kind.class_traits(public=True).items())]


def options_of(kind: type[Picture]) -> list[str]:
    """Return all values that a picture of a kind takes by name, those that only its constructor takes too."""
    made = inspect.signature(kind.__init__).parameters.values()
    return [*options(kind), *(f"{one.name}={one.default!r}" for one in made if one.kind is one.KEYWORD_ONLY)]


def of_parser(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield a command's arguments, its exit statuses, and its commands."""
    below = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    given = [one for one in parser._actions if one not in below and one.dest != "help"]
    said = re.search(r"exit status:(.*)", parser.epilog or "", re.DOTALL)
    statuses = re.findall(r"(?:^|[;\n]) *(\d+) ", said[1] if said else "")
    yield " ".join(["$", parser.prog, *map(argument, given), *(["→", ", ".join(statuses)] if statuses else [])])
    for actions in below:
        for one in actions.choices.values():
            yield from of_parser(one)


def argument(action: argparse.Action) -> str:
    """Return an argument as a person types it, with its default."""
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    takes = "" if action.nargs == 0 else " " + value
    words = f"{'|'.join(action.option_strings)}{takes}".strip()
    default = "" if action.default in (None, False, argparse.SUPPRESS) or action.nargs == 0 else f"={action.default}"
    return words if action.required else f"[{words}{default}]"


if __name__ == "__main__":
    sys.exit(main())
