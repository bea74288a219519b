"""The package's wheel with bytecode for the Python of a page, which would compile each module at each visit.

Only that Python itself can make it, so it runs in Node.js for this.  The result is kept while the wheel stays.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import hatch_build
from tools import hosts

from .places import CACHE, ROOT

SCRIPT = Path(__file__).with_name("compile.mjs")

FIRST = """
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance()
import sys
import vmwidgets as vm
from vmwidgets import lab
vm.Map(vm.boot("x86-64").kernel_map).to_svg()
print(*(module.__file__ for name, module in sys.modules.items() if name.partition(".")[0] == "vmwidgets"), sep="\\n")
"""
"""What a notebook does until its first picture, and then the files of the modules that it has imported."""


def compiled(wheel: Path) -> Path:
    """The wheel, with bytecode of the modules that a first picture needs; their sources stay, for tracebacks."""
    known = hashlib.sha256(
        wheel.read_bytes() + SCRIPT.read_bytes() + FIRST.encode() + (hosts.PYODIDE / "package.json").read_bytes()
    )
    made = CACHE / "compiled" / known.hexdigest()[:16] / wheel.name
    if not made.is_file():
        made.parent.mkdir(parents=True, exist_ok=True)
        part = made.with_suffix(".part")
        command: list[str | Path] = [hatch_build.node_program(), SCRIPT, hosts.PYODIDE, wheel, part, *first_modules()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"vmwidgets: no bytecode could be made of {wheel.name}: {done.stderr[-1500:]}")
        part.rename(made)
    return made


def first_modules() -> list[str]:
    """The files that a first picture imports, as a wheel names them.

    >>> "vmwidgets/pictures/maps.py" in first_modules(), "vmwidgets/pictures/tlb.py" in first_modules()
    (True, False)
    """
    ran = subprocess.run([sys.executable, "-c", FIRST], cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(Path(line).relative_to(ROOT).as_posix() for line in ran.stdout.splitlines())
