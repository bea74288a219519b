"""Files that are made from others: written, or with `--check` compared with what they should be."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Collection, Mapping
from itertools import islice
from pathlib import Path

from .site.places import ROOT

TOLD = 20
"""So many differing lines of a file are shown."""


def keep(about: str, texts: Mapping[Path, str], command: str, left: Collection[Path] = ()) -> int:
    """Write the files that differ from their texts, and delete those that are left; return the exit status.

    With `--check` on the command line nothing is written: the differences are shown, and the `command` that mends them.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true", help="write nothing; show what differs")
    check: bool = parser.parse_args().check
    wanted = {**texts, **dict.fromkeys(left, "")}
    now = {path: path.read_text("utf-8") if path.exists() else "" for path in wanted}
    differing = [path for path, text in wanted.items() if now[path] != text]
    for path in differing:
        name, text = path.relative_to(ROOT), wanted[path]
        if check:
            lines = difflib.unified_diff(now[path].splitlines(), text.splitlines(), lineterm="", n=0)
            said = f"{name} is not what its source gives: run `{command}`"
            print(said, *islice(lines, 2, TOLD), sep="\n", file=sys.stderr)
        elif path in left:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print(name)
    return 1 if check and differing else 0
