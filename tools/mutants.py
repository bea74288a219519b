"""Change one line at a time, and see whether the tests find it: `make mutants`, with SEED, COUNT and FOLDER.

Each change ("mutant") is drawn by the seed: a comparison, an operator, a number, a call that is dropped.  First the
fast tier runs in a copy of the checkout, nearest tests first, then all other unit tests.  A time-out is counted apart
from what a test found.  Changes that change nothing are set aside: tests/equivalent.txt has them, each with its reason.
Survivors are work: write the test of behaviour that was missing.

tests/mutants.txt keeps what was found once: `make mutants LIST=tests/mutants.txt` judges exactly these again, so that a
rewrite shows whether its tests still find what they found.  A change whose line is gone is counted as such.
tests/mutants_engine.txt is such a list for the engine, and tests/mended.txt has faults that the engine once had: a row
may be any change within a line.

With MATRIX=FOLDER no run stops at its first failure: all of the folder's own fast tests that find a change are named
(TESTS="…" chooses other tests).  The totals are found, alive, and found by one test function alone.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tests.tiers import APART

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / ".cache" / "mutants"
EQUIVALENT = ROOT / "tests" / "equivalent.txt"
ENGINE = Path("vmwidgets", "engine")

AIMS = {"the fast tier": 0.70, "all unit tests": 0.88}

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


def drawn(seed: int, folder: Path = ENGINE) -> Iterator[Mutant]:
    """Draw mutants of the files in a folder without end: longer files more often, each place of a file alike."""
    chance = random.Random(seed)
    files = sorted(
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*.py")
        if not path.name.endswith(("_schema.py", "__init__.py")) and path.stat().st_size > 3000
    )
    if not files:
        raise SystemExit(f"{folder}: no folder of this checkout with a Python file of 3,000 bytes or more")
    sources = {name: (ROOT / name).read_text() for name in files}
    weights = [len(sources[name]) for name in files]
    while True:
        name = chance.choices(files, weights)[0]
        tree = ast.parse(sources[name])
        yield changed(name, sources[name], tree, *chance.choice(places(tree)))


def listed(path: Path) -> Iterator[Mutant | tuple[str, ...]]:
    """Yield the mutants of a list, in its order; of one whose line is gone, its key alone."""
    rows = [tuple(line.split("\t")) for line in path.read_text().splitlines() if line and not line.startswith("#")]
    for name in dict.fromkeys(row[0] for row in rows):
        source = (ROOT / name).read_text() if (ROOT / name).is_file() else ""
        lines, wanted = source.splitlines(), {row[2] for row in rows if row[0] == name}
        here: dict[tuple[str, ...], Mutant] = {}
        for at, (node, _) in enumerate(places(ast.parse(source))):
            if lines[node.lineno - 1].strip() not in wanted:
                continue
            tree = ast.parse(source)  # a change is made in the tree
            mutant = changed(name, source, tree, *places(tree)[at])
            here.setdefault(mutant.key, mutant)
        yield from (here.get(row) or written(row, source) or row for row in rows if row[0] == name)


def written(row: tuple[str, ...], source: str) -> Mutant | None:
    """Return the change that a row writes, if it is not one that is drawn: in its line, `before` becomes `after`."""
    name, function, whole_line, change = row
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


def equivalent() -> dict[tuple[str, ...], str]:
    """Read the changes that change nothing: their keys and reasons, five fields between tabs a line."""
    rows = [line.split("\t") for line in EQUIVALENT.read_text().splitlines() if line and not line.startswith("#")]
    return {tuple(row[:4]): row[4] for row in rows}


def copy() -> None:
    """Copy what git knows, and the built bundle, to where the mutants live."""
    shutil.rmtree(COPY, ignore_errors=True)
    known = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(known, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\0")
    bundle = [path.relative_to(ROOT).as_posix() for path in (ROOT / "vmwidgets" / "static").rglob("*")]
    for name in filter(None, [*names, *bundle]):
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)
    (COPY / "js" / "node_modules").symlink_to(ROOT / "js" / "node_modules")  # Graphviz, for tests of its layout


def found_by(tests: list[str], seconds: float) -> str:
    """Run tests in the copy until one fails: "alive", "killed" or "timed out"."""
    ignored = [f"--ignore=tests/{name}" for name in (*APART, "notebooks", "docs")]
    code, _ = ran(["-x", *ignored, *tests], seconds)
    return "timed out" if code is None else "alive" if code in (0, 5) else "killed"  # 5: nothing was collected


def ran(arguments: list[str], seconds: float) -> tuple[int | None, str]:
    """Run tests in the copy: the code with which pytest ended, None after a time-out, and what it printed."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "-p", "no:cacheprovider"]
    running = subprocess.Popen(
        [*command, *arguments], cwd=COPY, env={**os.environ, "PYTHONPATH": str(COPY)}, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        printed, _ = running.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        return None, ""
    return running.returncode, printed


@contextmanager
def put_in(mutant: Mutant) -> Iterator[None]:
    """Have the copy of the checkout be the mutant meanwhile."""
    path = COPY / mutant.path
    source = path.read_bytes()
    cached = path.parent / "__pycache__"
    try:
        path.write_text(mutant.source)
        shutil.rmtree(cached, ignore_errors=True)  # a changed digit is no change of a file's size
        yield
    finally:
        path.write_bytes(source)
        shutil.rmtree(cached, ignore_errors=True)


def finders(tests: list[str], seconds: float) -> list[str] | None:
    """Run tests in the copy to the end: the test functions that fail, in order; None after a time-out."""
    code, printed = ran(["--tier=fast", "--tb=no", "-rfE", *tests], seconds)
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+?)(?:\[.*)?(?: - .*)?$", printed, re.MULTILINE)
    return None if code is None else sorted(set(failed))


def nearest(path: str | Path) -> str:
    """Return the folder of tests of a file or a folder of the package."""
    near = Path("tests", *Path(path).parts[1:4]).with_suffix("")
    return str(next(one for one in (near, *near.parents) if (ROOT / one).is_dir()))


def matrix(mutants: Iterable[Mutant | tuple[str, ...]], tests: list[str], seconds: float, keep: Path | None) -> None:
    """Print for each mutant all tests that find it, and the totals."""
    if tests and (broken := finders(tests, seconds)):
        raise SystemExit(f"without a change these fail: {' '.join(broken)}")
    by: list[list[str] | None] = []
    for mutant in mutants:
        if isinstance(mutant, tuple):
            print(f"gone: {' | '.join(mutant)}", flush=True)
            continue
        with put_in(mutant):
            found = finders(tests or [nearest(mutant.path)], seconds)
        by.append(found)
        word = "timed out" if found is None else f"found by {len(found)}" if found else "alive"
        print("\n    ".join([f"{word}: {mutant}", *(found or ())]), flush=True)
        if found and keep is not None:
            with keep.open("a") as file:
                file.write("\t".join(mutant.key) + "\n")
    found_by_some = [one for one in by if one]
    alone = sum(len(one) == 1 for one in found_by_some)
    print(f"{len(by)} changes: {len(found_by_some)} found, {by.count([])} alive, {by.count(None)} timed out; ", end="")
    print(f"{alone} found by one test function alone")


def chosen(given: argparse.Namespace) -> Iterator[Mutant | tuple[str, ...]]:
    """Yield the mutants of a list, or so many that are drawn; each once, none that are kept or change nothing."""
    known = equivalent()
    lines = given.keep.read_text().splitlines() if given.keep is not None and given.keep.is_file() else []
    met: set[tuple[str, ...]] = {tuple(line.split("\t")) for line in lines}
    left = sys.maxsize if given.list is not None else given.count
    every = listed(given.list) if given.list is not None else islice(drawn(given.seed, given.folder), 10 * given.count)
    for mutant in every:
        key = mutant if isinstance(mutant, tuple) else mutant.key
        if key in met:
            continue
        met.add(key)
        if reason := known.get(key):
            print(f"set aside: {mutant}: {reason}", flush=True)
            continue
        yield mutant
        if not (left := left - 1):
            return


def judged(mutant: Mutant, minutes: tuple[float, float], *, only_near: bool) -> tuple[str, str]:
    """Return what the fast tier says of a mutant, and what all unit tests say, or only those of the same part."""
    near = nearest(mutant.path)
    around = "/".join(Path(near).parts[:2])
    with put_in(mutant):
        found = ["", ""]
        for place, tier in enumerate(("fast", "rest")):
            for order in ([near], [around] if only_near else [around, "tests"]):  # the nearest come in a moment
                found[place] = found_by([f"--tier={tier}", *order], minutes[place] * 60)
                if found[place] != "alive":
                    return found[0], found[place]
        return found[0], found[1]


def main(arguments: list[str] | None = None) -> int:
    """Draw, judge and count."""
    parser = argparse.ArgumentParser(prog="tools.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=ENGINE, help=f"whose files are changed ({ENGINE})")
    parser.add_argument("--count", type=int, default=20, help="mutants to judge (20)")
    parser.add_argument("--minutes", type=float, nargs=2, default=(8.0, 20.0), help="for each tier, before a time-out")
    parser.add_argument("--near", action="store_true", help="run the tests of the changed part alone")
    parser.add_argument("--list", type=Path, help="judge the mutants of this file, and none that are drawn")
    parser.add_argument("--keep", type=Path, help="add those that are found to this file")
    parser.add_argument("--matrix", action="store_true", help="name all fast tests that find each, and count")
    parser.add_argument("--tests", nargs="*", default=[], help="the tests of a matrix, in place of the folder's own")
    given = parser.parse_args(arguments)
    copy()
    if given.matrix:
        matrix(chosen(given), given.tests, given.minutes[0] * 60, given.keep)
        return 0
    if not given.near and found_by(["--tier=fast", "tests"], given.minutes[0] * 60) != "alive":
        raise SystemExit("without a change a test of the fast tier fails, or it takes too long: `make fast` says which")
    fast, every = Counter[str](), Counter[str]()
    for mutant in chosen(given):
        if isinstance(mutant, tuple):
            print(f"gone: {' | '.join(mutant)}", flush=True)
            continue
        begun = time.monotonic()
        first, whole = judged(mutant, tuple(given.minutes), only_near=given.near)
        fast[first] += 1
        every[whole] += 1
        by = "" if whole != "killed" else " by the fast tier" if first == "killed" else " by the rest"
        print(f"{whole}{by} ({time.monotonic() - begun:.0f} s): {mutant}", flush=True)
        if given.keep is not None and whole == "killed":
            with given.keep.open("a") as file:
                file.write("\t".join(mutant.key) + "\n")
    for (name, aim), counts in zip(AIMS.items(), (fast, every), strict=True):
        found, late = counts["killed"], counts["timed out"]
        print(f"{name}: {found} of {counts.total()} found, {late} timed out (aim: {aim:.0%})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
