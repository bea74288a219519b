"""Change one line at a time, and see which tests find it: `make mutants`, with SEED, COUNT and FOLDER.

Each change ("mutant") is drawn by the seed: a comparison, an operator, a number, a call that is dropped; from files of
all rooms, in proportion to their nodes.  It is tried against tests that run its line (tools/finders.py): first up to 40
of the fast tier and the drawings of the documents, then up to 40 others, then up to 160 more.  What hangs is counted
apart from what a test found.

tests/changes.txt keeps changes.  Those with four fields were found once, or are faults that the package once had, and
`make mutants LIST=tests/changes.txt` judges exactly these again, so that a rewrite shows whether its tests still find
what they found; a change whose line is gone is counted as such.  A fifth field is the reason why a change changes
nothing: it is set aside.  Survivors are work: write the test of behaviour that was missing.

With MATRIX=FILE no tests end at their first failure: the file gets a line of JSON for each change, with all near tests
that find it, and a change that is in the file is not tried again.  `make tiers` reads it.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tools import finders, tiers

ROOT = finders.ROOT
CHANGES = ROOT / "tests" / "changes.txt"
PACKAGE = Path("vmwidgets")

FAST_AIM, AIM = 0.80, 0.92
"""Which part of the changes the fast tier is to find, and which part all tests, of those that change behaviour."""

DRAWINGS = "tests/docs/test_drawings.py::test_each_drawing_is_what_the_code_draws"
"""It runs most of the code that draws, and so it is near no line."""

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.And: ast.Or, ast.Or: ast.And, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift,
}  # fmt: skip  # pairs


@dataclass(frozen=True)
class Mutant:
    """A change of a file: the lines `before` in a function become `after`."""

    path: str
    function: str
    line: int
    whole_line: str
    before: str
    after: str
    source: str
    """The whole file with the change."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Return what names it in the list of equivalent ones, whatever its line is."""
        return self.path, self.function, self.whole_line, f"{_one_line(self.before)} -> {_one_line(self.after)}"

    def __str__(self) -> str:
        """Return it as a line of a report."""
        return f"{self.path}:{self.line} in {self.function}: {_one_line(self.before)}  ->  {_one_line(self.after)}"


def _one_line(source: str) -> str:
    return " ".join(source.split())


def drawn(seed: int, folder: Path = PACKAGE) -> Iterator[Mutant]:
    """Draw mutants of the files in a folder without end: a file as often as it has nodes, each of its places alike."""
    chance = random.Random(seed)
    trees: dict[str, tuple[str, ast.Module]] = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        if not path.name.endswith(("_schema.py", "__init__.py")) and path.stat().st_size > 3000:
            source = path.read_text()
            trees[path.relative_to(ROOT).as_posix()] = source, ast.parse(source)
    if not trees:
        raise SystemExit(f"{folder}: no folder of this checkout with a Python file of 3,000 bytes or more")
    weights = [sum(1 for _ in ast.walk(tree)) for _, tree in trees.values()]
    while True:
        name = chance.choices([*trees], weights)[0]
        source = trees[name][0]
        tree = ast.parse(source)  # a change is made in the tree
        yield changed(name, source, tree, *chance.choice(places(tree)))


def listed(path: Path) -> Iterator[Mutant | tuple[str, ...]]:
    """Yield the mutants of a list, in its order; of one whose line is gone, its key alone."""
    keys = [row[:4] for row in rows(path)]
    for name in dict.fromkeys(key[0] for key in keys):
        source = (ROOT / name).read_text() if (ROOT / name).is_file() else ""
        lines, wanted = source.splitlines(), {key[2] for key in keys if key[0] == name}
        here: dict[tuple[str, ...], Mutant] = {}
        for at, (node, _) in enumerate(places(ast.parse(source))):
            if lines[node.lineno - 1].strip() not in wanted:
                continue
            tree = ast.parse(source)  # a change is made in the tree
            mutant = changed(name, source, tree, *places(tree)[at])
            here.setdefault(mutant.key, mutant)
        yield from (here.get(key) or written(key, source) or key for key in keys if key[0] == name)


def written(key: tuple[str, ...], source: str) -> Mutant | None:
    """Return the change that a row writes, if it is not one that is drawn: in its line, `before` becomes `after`."""
    name, function, whole_line, change = key
    before, _, after = change.partition(" -> ")
    lines, tree = source.splitlines(keepends=True), ast.parse(source)
    for number, line in enumerate(lines, 1):
        if line.strip() == whole_line and before in line and _function_at(tree, number) == function:
            text = "".join([*lines[: number - 1], line.replace(before, after, 1), *lines[number:]])
            ast.parse(text)
            return Mutant(name, function, number, whole_line, before, after, text)
    return None


def places(tree: ast.Module) -> list[tuple[ast.expr | ast.stmt, str]]:
    """Return what can be changed in a file, and how; not docstrings, annotations, sentences, nor errors' words."""
    kept: set[int] = set()
    for node in ast.walk(tree):
        parts = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)) and isinstance(
            next(iter(node.body), 0), ast.Expr
        ):
            parts.append(node.body[0])
        if isinstance(node, (ast.Raise, ast.Assert, ast.JoinedStr)):
            parts.append(node)
        kept.update(id(one) for part in filter(None, parts) for one in ast.walk(part))
    found = [(node, kind) for node in ast.walk(tree) if id(node) not in kept and (kind := _kind(node))]
    return [(node, kind) for node, kind in found if isinstance(node, (ast.expr, ast.stmt))]


def _kind(node: ast.AST) -> str:
    """Return how a node is changed, or ""."""
    if isinstance(node, ast.Compare):
        return "compare" if len(node.ops) == 1 and type(node.ops[0]) in SWAPPED else ""
    if isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)):
        return "operator" if type(node.op) in SWAPPED else ""
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return "truth" if isinstance(node.value, bool) else "number" if 0 < node.value < 64 else ""
    if isinstance(node, ast.UnaryOp):
        return "not" if isinstance(node.op, ast.Not) else ""
    return "drop" if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else ""


def changed(name: str, source: str, tree: ast.Module, node: ast.expr | ast.stmt, kind: str) -> Mutant:
    """Change one place of a file; all other lines stay as they are."""
    before = ast.get_source_segment(source, node) or ""
    swapped: ast.AST = node
    if kind == "compare":
        assert isinstance(node, ast.Compare)
        node.ops[0] = SWAPPED[type(node.ops[0])]()  # type: ignore[call-overload]  # from a comparison to another
    elif kind == "operator":
        assert isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign))
        node.op = SWAPPED[type(node.op)]()  # type: ignore[assignment]  # from an operator to another
    elif kind == "not":
        assert isinstance(node, ast.UnaryOp)
        swapped = ast.Call(ast.Name("bool", ast.Load()), [node.operand], [])
    elif kind == "drop":
        swapped = ast.Expr(ast.Constant(None))
    else:
        assert isinstance(node, ast.Constant)
        assert isinstance(node.value, int)
        swapped = ast.Constant(node.value + 1 if kind == "number" else not node.value)
    after = ast.unparse(swapped)
    if isinstance(node, ast.expr):
        after = f"({after})"
    lines = source.encode().splitlines(keepends=True)
    begin = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: (node.end_lineno or 0) - 1])) + (node.end_col_offset or 0)
    text = (source.encode()[:begin] + after.encode() + source.encode()[end:]).decode()
    ast.parse(text)
    whole_line = source.splitlines()[node.lineno - 1].strip()
    return Mutant(name, _function_at(tree, node.lineno), node.lineno, whole_line, before, after, text)


def _function_at(tree: ast.Module, line: int) -> str:
    """Return the qualified name of the innermost function or class at a line."""
    names: list[str] = []
    inside: list[ast.AST] = [tree]
    while inside:
        here = inside.pop()
        for child in ast.iter_child_nodes(here):
            if getattr(child, "lineno", 0) <= line <= (getattr(child, "end_lineno", 0) or 0):
                if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                    names.append(child.name)
                inside.append(child)
    return ".".join(names) or "the module"


def unchanging() -> dict[tuple[str, ...], str]:
    """Read the changes that change nothing: their keys and reasons."""
    return {row[:4]: row[4] for row in rows(CHANGES) if len(row) == 5}


def rows(path: Path) -> list[tuple[str, ...]]:
    """Read a list of changes: four or five fields between tabs a line."""
    lines = path.read_text().splitlines()
    return [tuple(line.split("\t")) for line in lines if line and not line.startswith("#")]


def chosen(given: argparse.Namespace, known: set[tuple[str, ...]]) -> Iterator[Mutant]:
    """Yield the mutants of a list, or so many that are drawn; each once, none that are known or change nothing.

    Known ones count: a run that was stopped goes on where it was.
    """
    nothing, met = unchanging(), set[tuple[str, ...]]()
    left = sys.maxsize if given.list is not None else given.count
    every = listed(given.list) if given.list is not None else islice(drawn(given.seed, given.folder), 10 * given.count)
    for mutant in every:
        key = mutant if isinstance(mutant, tuple) else mutant.key
        if left == 0:
            return
        if key in met:
            continue
        met.add(key)
        if key in known:
            left -= 1
        elif reason := nothing.get(key):
            print(f"set aside: {mutant}: {reason}", flush=True)
        elif isinstance(mutant, tuple):
            print(f"gone: {' | '.join(mutant)}", flush=True)
        else:
            yield mutant
            left -= 1


def verdicts(mutants: list[Mutant], near: list[list[str]]) -> list[finders.Verdict]:
    """Judge mutants, each against its tests; a test that fails there without a change says nothing."""
    changes = [(finders.Change(one.path, one.source), tests) for one, tests in zip(mutants, near, strict=True)]
    by_place = dict(finders.judge(changes))
    sound = finders.sound({case for verdict in by_place.values() for case in verdict.found})
    every = [by_place[place] for place in range(len(mutants))]
    return [finders.Verdict([case for case in one.found if case in sound], one.ended) for one in every]


def matrix(mutants: list[Mutant], reach: finders.Reach, file: Path) -> None:
    """Add each mutant to the file, with all near tests that find it."""
    begun = time.monotonic()
    near = [reach.near(one.path, one.line, reach.ran) for one in mutants]
    with file.open("a") as out:
        for mutant, tests, verdict in zip(mutants, near, verdicts(mutants, near), strict=True):
            row = {"change": mutant.key, "near": len(tests), "found": verdict.found, "ended": verdict.ended}
            out.write(json.dumps(row) + "\n")
    seconds = time.monotonic() - begun
    print(f"{len(mutants)} changes in {seconds:.0f} s, {seconds / max(1, len(mutants)):.1f} s each", flush=True)


def judged(mutants: list[Mutant], reach: finders.Reach) -> None:
    """Print what the tests of each turn say of the mutants that are left, and the totals."""
    fast = tiers.fast_cases(reach.ran)
    others = [case for case in reach.ran if case not in fast]
    words = dict.fromkeys(mutants, "alive")
    turns: dict[str, Callable[[Mutant], list[str]]] = {
        "near tests of the fast tier": lambda one: reach.near(one.path, one.line, fast),
        f"with the drawings of the documents (aim: {FAST_AIM:.0%})": lambda _: [DRAWINGS],
        "with near tests of all tiers": lambda one: reach.near(one.path, one.line, others),
        f"with more of them (aim: {AIM:.0%})": lambda one: reach.near(one.path, one.line, reach.ran, 4),
    }
    for turn, tests in turns.items():
        left = [mutant for mutant, word in words.items() if word == "alive"]
        for mutant, verdict in zip(left, verdicts(left, [tests(one) for one in left]), strict=True):
            if verdict.found or not verdict.ended:
                words[mutant] = f"found by {verdict.found[0]}" if verdict.found else "hangs"
                print(f"{words[mutant]}: {mutant}", flush=True)
        counts = Counter(word.partition(" ")[0] for word in words.values())
        print(f"{turn}: {counts['found']} of {len(mutants)} found, {counts['hangs']} hang", flush=True)
    for mutant, word in words.items():
        if word == "alive":
            print(f"alive: {mutant}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Draw, judge and count."""
    parser = argparse.ArgumentParser(prog="tools.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=PACKAGE, help=f"whose files are changed ({PACKAGE})")
    parser.add_argument("--count", type=int, default=20, help="mutants to judge (20)")
    parser.add_argument("--list", type=Path, help="judge the mutants of this file, and none that are drawn")
    parser.add_argument("--matrix", type=Path, help="add all near tests that find each change to this file")
    given = parser.parse_args(arguments)
    reach = finders.reached()
    if given.matrix is None:
        judged([*chosen(given, set())], reach)
        return 0
    known = {tuple(row["change"]) for row in tiers.matrix_of(given.matrix)} if given.matrix.is_file() else set()
    mutants = [*chosen(given, known)]
    for at in range(0, len(mutants), 25):  # what is written is not tried again
        matrix(mutants[at : at + 25], reach, given.matrix)
    return 0


if __name__ == "__main__":
    sys.exit(main())
