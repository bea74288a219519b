"""Says what keeps a tag from being a release: `python scripts/release.py v1.0.0`.

The tag, the version in pyproject.toml and in CITATION.cff, the changelog's newest section and the constant `RELEASED`
must agree.  It needs Python alone.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def problems(tag: str, root: Path = ROOT) -> Iterator[str]:
    """One sentence for each thing that does not agree with the tag."""
    if not re.fullmatch(r"v[0-9]+\.[0-9]+\.[0-9]+((a|b|rc)[0-9]+)?", tag):
        yield f"the tag {tag!r} is not a version: one reads v1.0.0"
        return
    wanted = tag.removeprefix("v")
    for name, pattern in (("pyproject.toml", r'^version = "([^"]+)"'), ("CITATION.cff", r"^version: (\S+)")):
        found = re.search(pattern, (root / name).read_text("utf-8"), re.MULTILINE)
        if found is None or found[1].strip('"') != wanted:
            yield f"{name} has the version {found[1] if found else 'of nothing'}, not {wanted}"
    sections = re.findall(r"^## \[([^\]]+)\]", (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    if sections[1:2] != [wanted]:
        yield f"CHANGELOG.md has no section [{wanted}] below [Unreleased]"
    constant = (root / "vmwidgets" / "engine" / "base" / "released.py").read_text("utf-8")
    if not re.search(r"^RELEASED = True$", constant, re.MULTILINE):
        yield "RELEASED in vmwidgets/engine/base/released.py is not True"


def main(arguments: list[str]) -> int:
    """Print every problem; 1 if there is one."""
    if len(arguments) != 1:
        print("usage: release.py TAG, such as v1.0.0", file=sys.stderr)
        return 2
    found = list(problems(arguments[0]))
    for problem in found:
        print(f"not a release: {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
