"""The golden record: what must stay the same while engine, film, sentences and pictures are built anew.

    python -m tests.golden [PART …]                     compare with the record: "same", or what differs in words
    python -m tests.golden make [--commit C] [PART …]   write the record, of this tree or of a commit
    python -m tests.golden explain PART NAME MOMENT     both in full, now and at the commit of the record

A part is a file in tests/data/golden: `pictures` (every kind, step by step: things, links, tables, no places),
`sentences` (of some 3,000 operations), `grading` (a class of 300).  Of long things the record has check values:
`explain` runs the commit that it was made from beside this tree.  The journals of pictures and sentences were drawn
once: `drawn` has them.

A change on purpose is committed; then `python -m tests.golden make PART` changes the record, in a commit of its own
that says why.
A part is deleted here, with its file, when the last that it guards has been built anew.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from .packed import FOLDER, Case, compared, place_of, read, write
from .parts import PARTS, cases, compare_job, each, make_job, quiet

ROOT = Path(__file__).resolve().parents[2]

COMMITS = FOLDER / "commits.json"
"""By part: the commit from which it was made."""

EXPORTS = ROOT / ".cache" / "golden"
"""Where earlier commits are put to be run."""

MOST_JOBS = 2

TOLD = 12
"""So many differences of a part are shown."""

MOST_LINES = 60
"""Of a moment that is explained."""


class Wrong(Exception):
    """Something that was asked for and can't be; a sentence."""


# ---- commands --------------------------------------------------------------------------------------


def compare(parts: list[str], jobs: int) -> int:
    """Compare parts with the record; 1 if something differs."""
    for part in parts:
        if not place_of(part).exists():
            raise Wrong(f"there is no record of {part}: `python -m tests.golden make {part}` makes it")
    differ = False
    for part in parts:
        begun = time.perf_counter()
        gone = sorted(read(part).keys() - {*PARTS[part].jobs()})
        found = [*(f"{job}: is gone" for job in gone), *(one for some in each(compare_job, part, jobs) for one in some)]
        print(f"{part}: {f'{len(found)} differ' if found else 'same'} ({time.perf_counter() - begun:.0f} s)")
        for one in found[:TOLD]:
            print("  " + one.replace("\n", "\n  "))
        if len(found) > TOLD:
            print(f"  … and {len(found) - TOLD} more")
        sys.stdout.flush()
        differ = differ or bool(found)
    if differ:
        print(
            "\n`python -m tests.golden explain PART NAME MOMENT` shows what check values (#…) stand for, now and then;"
        )
        print("if a change is on purpose, `python -m tests.golden make PART` records it, in a commit of its own.")
    return int(differ)


def make(parts: list[str], jobs: int, commit: str) -> int:
    """Write parts of the record, from this tree or from a commit."""
    if commit:
        return _made_from(parts, jobs, _resolved(commit))
    commits = json.loads(COMMITS.read_text()) if COMMITS.exists() else {}
    for part in parts:
        size = write(part, (line for some in each(make_job, part, jobs) for line in some))
        commits[part] = os.environ.get("GOLDEN_COMMIT") or _resolved("HEAD")
        print(f"{part}: {size:,} bytes", flush=True)
    COMMITS.write_text(json.dumps(commits, indent=1, sort_keys=True) + "\n")
    return 0


def _made_from(parts: list[str], jobs: int, commit: str) -> int:
    """Write parts by the recorder of this tree, run on the package of a commit."""
    tree = exported(commit)
    done = _run_in(tree, commit, "make", *parts, "--jobs", str(jobs))
    if done:
        raise Wrong(f"the recorder of this tree can't be run on {commit}")
    for file in (COMMITS, *map(place_of, parts)):
        shutil.copyfile(tree / file.relative_to(ROOT), file)
    return done


def exported(commit: str) -> Path:
    """A commit's tree, with this tree's recorder and record in it, and its front end as it is built here."""
    tree = EXPORTS / commit
    if not tree.exists():
        known = subprocess.run(
            ["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=ROOT, capture_output=True, check=False
        )
        if known.returncode:
            raise Wrong(f"the record is of commit {commit}, which this clone lacks: `git fetch --unshallow` brings it")
        begun = EXPORTS / f"{commit}.begun"
        shutil.rmtree(begun, ignore_errors=True)
        begun.mkdir(parents=True)
        # not `git archive`, which leaves out what is not for students
        index = {**os.environ, "GIT_INDEX_FILE": str(begun / ".index")}
        for command in (["read-tree", commit], ["checkout-index", "--all", f"--prefix={begun}/"]):
            subprocess.run(["git", *command], cwd=ROOT, env=index, check=True)
        begun.rename(tree)
    static = Path("vmwidgets") / "static"
    for folder in (Path("tests") / "golden", FOLDER.relative_to(ROOT), static):
        if (ROOT / folder).exists():
            shutil.rmtree(tree / folder, ignore_errors=True)
            shutil.copytree(ROOT / folder, tree / folder)
    return tree


def _run_in(tree: Path, commit: str, *arguments: str) -> int:
    environment = {**os.environ, "PYTHONPATH": str(tree), "GOLDEN_COMMIT": commit}
    command = [sys.executable, "-m", "tests.golden", *arguments]
    return subprocess.run(command, cwd=tree, env=environment, check=False).returncode


def _resolved(commit: str) -> str:
    command = ["git", "rev-parse", "--short=8", "--verify", "--quiet", f"{commit}^{{commit}}"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode:
        raise Wrong(f"--commit {commit}: there is no such commit here")
    return found.stdout.strip()


def explain(part: str, name: str, moment: str) -> int:
    """Show a moment in full as it is now, beside as it was at the commit of the record."""
    now = _whole(part, name, moment)
    commit = json.loads(COMMITS.read_text())[part]
    tree = exported(commit)
    kept = tree / "moment.json"
    if _run_in(tree, commit, "dump", part, name, moment, str(kept)):
        raise Wrong(f"{commit} can't be run here")
    then = json.loads(kept.read_text())
    told = list(compared(then, now, most=MOST_LINES))
    print(f"{part}: {name}, {moment}: now beside {commit}: " + ("the same" if not told else ""))
    for one in told or [line.replace("\t", ": ") for line in now[:MOST_LINES]]:
        print(f"    {one}".replace("\n", "\n    "))
    return 0


def _whole(part: str, name: str, moment: str) -> list[str]:
    """The lines of a moment without check values."""
    quiet()
    known = {json.loads(line)[1]: job for job, lines in read(part).items() for line in lines}
    if name not in known:
        raise Wrong(f"{name!r} is not in {part}: write a name as a comparison shows it, such as {next(iter(known))!r}")
    case = next((one for one in cases(part, known[name], whole=True) if one.name == name), Case(name, []))
    found = {one.label: one.lines for one in case.moments}
    if moment not in found:
        raise Wrong(f"{moment!r} is no moment of {name!r}: it has {', '.join(list(found)[:5])} …")
    return found[moment]


# ---- the command line ------------------------------------------------------------------------------


def main(given: list[str]) -> int:
    """Do what the arguments say."""
    try:
        match given:
            case ["explain", part, name, moment]:
                return explain(_parts([part])[0], name, moment)
            case ["dump", part, name, moment, path]:
                Path(path).write_text(json.dumps(_whole(part, name, moment)))
                return 0
            case ["explain", *_]:
                raise Wrong("explain takes a part, a name and a moment, as a comparison shows them")
        parser = _Parser(prog="python -m tests.golden", description="Compare with the golden record, or make it.")
        parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
        parser.add_argument("--jobs", type=int, default=MOST_JOBS, help="processes, 1 or 2")
        parser.add_argument("--commit", default="", help="with make: the commit that is run")
        is_made = given[:1] == ["make"]
        options: Any = parser.parse_args(given[is_made:])
        if not 1 <= options.jobs <= MOST_JOBS:
            raise Wrong(f"--jobs {options.jobs}: write 1 or {MOST_JOBS}")
        if options.commit and not is_made:
            raise Wrong("--commit goes with make: the record is compared with this tree")
        parts = _parts(options.parts)
        return make(parts, options.jobs, options.commit) if is_made else compare(parts, options.jobs)
    except Wrong as wrong:
        print(f"golden: {wrong}", file=sys.stderr)
        return 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise Wrong(message)


def _parts(given: list[str]) -> list[str]:
    for part in given:
        if part not in PARTS:
            raise Wrong(f"there is no part {part!r}: write {', '.join(PARTS)}")
    return given or list(PARTS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
