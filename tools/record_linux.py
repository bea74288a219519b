"""Records what Linux answers to the labs' own experiments, for computers without Linux; `make linux-recordings`.

An experiment is the cell of a lab that calls `vm.compare_with_linux`.  With ``--check`` nothing is written: 1 where a
recording is of another experiment than the lab's cell.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.real.linux.asked import asked_of
from vmwidgets.real.linux.compare import compared
from vmwidgets.real.linux.living import Living
from vmwidgets.real.linux.recorded import Recorder, as_json, digest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "vmwidgets" / "real" / "linux" / "data"
CALL = "vm.compare_with_linux("


def experiments() -> dict[str, str]:
    """By lab the code of the cell that compares, without the line with the call."""
    found = {}
    for path in sorted((ROOT / "course").glob("*/lab.md")):
        for cell in re.findall(r"^```python\n(.*?)^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            if CALL in cell:
                found[path.parent.name.partition("-")[0]] = cell[: cell.rindex("\n", 0, cell.index(CALL)) + 1]
    return found


def lived(code: str) -> Any:
    """The machine of an experiment, called `mine` there."""
    names: dict[str, Any] = {"vm": vm, "lab": lab, "print": lambda *_: None}
    exec(code, names)
    return names["mine"]


def main() -> int:
    """Record all experiments."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--check", action="store_true")
    checks = parser.parse_args().check
    for number, code in experiments().items():
        machine = lived(code)
        life, path = asked_of(machine), FOLDER / f"{number}.json"
        if checks:
            if not path.exists() or digest(life) not in path.read_text("utf-8"):
                print(f"{path.name} is not of what lab {number} does now: run python -m tools.record_linux")
                return 1
            continue
        with Living(life) as living:
            recorder = Recorder(living)
            source = f"Linux {os.uname().release.split('-')[0]}"
            found = compared(machine.name, life, recorder, source)
        path.write_text(as_json(number, life, source, recorder.seen), "utf-8")
        print(f"{path.name}: {path.stat().st_size:,} bytes\n{found!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
