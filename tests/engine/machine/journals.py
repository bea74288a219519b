"""Journals saved by one Python and loaded by another.

`python -m tests.engine.machine.journals save FOLDER` writes some, named after this Python; with `load`, all that are in
the folder are made again, and what is saved of them then must be the same lines.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import vmwidgets as vm
from tests.engine.machine.lives import ARCHITECTURES, LIVES
from vmwidgets.engine.machine import Machine

OPERATIONS = 120


def machines() -> dict[str, Machine]:
    """One machine of each kind of life and architecture, with something undone and a mark."""
    made = {}
    for kind, live in LIVES.items():
        for architecture in ARCHITECTURES:
            machine = live(architecture, 1, OPERATIONS)
            machine.mark("here")
            machine.undo(2)
            made[f"{kind}-{architecture}"] = machine
    return made


def save(folder: Path) -> None:
    """Write a file for each machine."""
    for name, machine in machines().items():
        machine.journal.save(folder / f"{name}-{sys.version_info[0]}.{sys.version_info[1]}.jsonl.gz")


def load(folder: Path) -> int:
    """Load every file, and compare what is saved again; how many there were."""
    files = sorted(folder.glob("*.jsonl.gz"))
    for file in files:
        again = folder / "again"
        vm.load_journal(file).journal.save(again)
        if gzip.decompress(again.read_bytes()) != gzip.decompress(file.read_bytes()):
            raise AssertionError(f"{file.name} is another journal when it is saved again")
        again.unlink()
    return len(files)


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    if sys.argv[1] == "save":
        save(folder)
    else:
        print(f"Python {sys.version_info[0]}.{sys.version_info[1]} loaded {load(folder)} journals")
