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

WIDE = 200
"""So many characters of each: a packed scene is one line."""


def keep(about: str, texts: Mapping[Path, str], mend: str, left: Collection[Path] = ()) -> int:
    """Write the files that differ from their texts, and delete those that are left; return the exit status.

    With `--check` on the command line nothing is written: what differs is shown, with the words that say how to `mend`
    it, and each file that is left.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true", help="write nothing; show what differs")
    check: bool = parser.parse_args().check
    now = {path: path.read_text("utf-8") if path.exists() else None for path in texts}
    differing = [path for path, text in texts.items() if now[path] != text]
    if check:
        for path in differing:
            lines = difflib.unified_diff((now[path] or "").splitlines(), texts[path].splitlines(), lineterm="", n=0)
            said = f"{path.relative_to(ROOT)} is not what its source gives: {mend}"
            print(said, *(line[:WIDE] for line in islice(lines, 2, TOLD)), sep="\n", file=sys.stderr)
        for path in left:
            print(f"{path.relative_to(ROOT)} has no source", file=sys.stderr)
        return 1 if differing or left else 0
    for path in differing:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[path], "utf-8")
        print(path.relative_to(ROOT))
    for path in left:
        path.unlink()
    return 0
