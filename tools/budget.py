"""Hold each room to its budget: `python -m tools.budget` says which weighs more than tools/budgets.toml allows.

A room is a folder that one person can know: each of vmwidgets/ and of the engine, js/src, course, tests and tools.
Python weighs the nodes of its syntax trees, without docstrings: lines can be joined, and nodes can't.  Files of words,
rules and TypeScript weigh their tokens, and so do long strings, so that what moves there is seen.  All other files are
data: recordings, texts, tables, a lab's page.  Ten bytes of data weigh as much as a node.  What a command makes weighs
nothing.  With `--lower`, rooms that have become lighter get less; more is written into the file by hand.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
BUDGETS = Path("tools", "budgets.toml")
TOPS = ("vmwidgets", "js/src", "course", "tests", "tools")

HALLS = ("vmwidgets", "vmwidgets/engine")
"""Folders whose folders are rooms; what lies in them directly is a room too."""

MADE = ("course/instructors", "tests/tiers.txt", "tools/requirements", "vmwidgets/static")
"""What `make` writes."""

WORDS = (".css", ".lark", ".rubric", ".say", ".toml", ".ts")
TOKEN = re.compile(r"\w+|[^\w\s]")

LONG = 200
"""The most characters of a string that is not a text yet."""

SLACK = 200
"""A room may grow by one part in so many before its budget is raised."""


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Say a sentence for each room that is over its budget, has none or is gone; 1 if there is any."""
    parser = argparse.ArgumentParser(description="Hold each room to its budget in tools/budgets.toml.")
    parser.add_argument("--lower", action="store_true", help="write less for the rooms that have become lighter")
    lower: bool = parser.parse_args(arguments).lower
    try:
        weights, allowed = weigh(root), budgets(root)
    except ValueError as wrong:
        print(wrong, file=sys.stderr)
        return 1
    if lower:
        (root / BUDGETS).write_text(lowered((root / BUDGETS).read_text("utf-8"), weights), "utf-8")
    wrong_rooms = list(complaints(weights, allowed))
    print(*wrong_rooms, sep="\n", end="\n" if wrong_rooms else "", file=sys.stderr)
    return 1 if wrong_rooms else 0


def complaints(weights: Mapping[str, int], allowed: Mapping[str, int]) -> Iterator[str]:
    """Yield a sentence for each room that is over its budget, has none or is gone."""
    for room in sorted({*weights, *allowed}):
        weight = weights.get(room, 0)
        if room not in allowed:
            yield f'{room} weighs {weight:,} and has no budget: write "{room}" = {weight:_} into {BUDGETS.as_posix()}'
        elif not weight:
            yield f"{room} is empty or gone: remove its line from {BUDGETS.as_posix()}"
        elif weight > allowed[room]:
            yield (
                f"{room} weighs {weight:,} and may weigh {allowed[room]:,}: make it lighter, or raise its line in "
                f"{BUDGETS.as_posix()} and say in the commit which user needs it and what it replaces"
            )


def weigh(root: Path) -> Counter[str]:
    """Return the weight of each room with files.  Raises :class:`ValueError` for a file that can't be read."""
    weights: Counter[str] = Counter()
    for top in TOPS:
        for path in sorted((root / top).rglob("*")):
            name = path.relative_to(root).as_posix()
            made = name.startswith(MADE) or re.search(r"(^|/)(\.|__pycache__/)", name)
            if path.is_file() and not path.is_symlink() and not made:
                weights[room_of(name, top)] += weight(path, name)
    return weights


def room_of(name: str, top: str) -> str:
    """Return the room of a file.

    >>> room_of("vmwidgets/engine/mmu/formats/riscv.py", "vmwidgets"), room_of("tests/views/test_dot.py", "tests")
    ('vmwidgets/engine/mmu', 'tests')
    >>> room_of("vmwidgets/build.py", "vmwidgets"), room_of("vmwidgets/engine/__init__.py", "vmwidgets")
    ('vmwidgets', 'vmwidgets/engine')
    """
    room, *inner = [top, *name[len(top) + 1 :].split("/")[:-1]]
    while room in HALLS and inner:
        room = f"{room}/{inner.pop(0)}"
    return room


def weight(path: Path, name: str) -> int:
    """Return what a file weighs.  Raises :class:`ValueError` if it is not a text that parses."""
    if path.suffix not in (".py", ".pyi", *WORDS):
        return path.stat().st_size // 10
    try:
        text = path.read_text("utf-8")
        return tokens(text) if path.suffix in WORDS else nodes(ast.parse(text, name))
    except (SyntaxError, ValueError) as wrong:
        raise ValueError(f"{name} can't be parsed, so it has no weight: {wrong}") from None


def nodes(tree: ast.Module) -> int:
    """Return the number of nodes of a Python file without docstrings, and of tokens in its long strings."""
    every = list(ast.walk(tree))
    parts = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    alone = [one.value for node in every if isinstance(node, parts) for one in node.body if isinstance(one, ast.Expr)]
    docs = {id(one) for one in alone if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    texts = [one.value for one in every if isinstance(one, ast.Constant) and id(one) not in docs]
    return len(every) - 2 * len(docs) + sum(tokens(one) for one in texts if isinstance(one, str) and len(one) > LONG)


def tokens(text: str) -> int:
    """Return the number of words and signs of a text."""
    return len(TOKEN.findall(text))


def budgets(root: Path) -> dict[str, int]:
    """Return the budget of each room.  Raises :class:`ValueError` if the file is not a table of whole numbers."""
    try:
        rooms: dict[str, int] = tomllib.loads((root / BUDGETS).read_text("utf-8"))
    except ValueError as wrong:
        raise ValueError(f"{BUDGETS.as_posix()} can't be read: {wrong}") from None
    for room in (room for room, number in rooms.items() if type(number) is not int):
        raise ValueError(f"{BUDGETS.as_posix()}: {room} = {rooms[room]!r}, but a budget is a whole number")
    return rooms


def lowered(text: str, weights: Mapping[str, int]) -> str:
    """Return the file with less for each room that needs less, even if it grows a little."""

    def less(line: re.Match[str]) -> str:
        room, number = line[1], int(line[2])
        return f'"{room}" = {min(number, weights[room] + weights[room] // SLACK):_}' if room in weights else line[0]

    return re.sub(r'^"([^"]+)" = ([\d_]+)', less, text, flags=re.MULTILINE)


if __name__ == "__main__":
    sys.exit(main())
