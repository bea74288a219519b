"""Makes the recordings of small programs in C again: the lines of lackey alone, and the names of ranges.

`tools/record_references.py` needs Linux on x86-64, a C compiler with a static C library, binutils, and Valgrind.  The
programs lie in vmwidgets/sources/data/references/, and so do the recordings.  Each address is the same each time;
another compiler or library gives others.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "vmwidgets/sources/data/references"


STACK = 0x1F_0000_0000
"""Where Valgrind puts the stack, and nothing else, above it."""


def record(source: Path) -> tuple[bytes, dict[str, tuple[int, int]]]:
    """Compile and run a program; return the lines of its references, and its ranges by name: address and size."""
    with tempfile.TemporaryDirectory() as folder:
        built, log = Path(folder) / source.stem, Path(folder) / "log"
        subprocess.run(["cc", "-O1", "-static", "-fno-pie", "-no-pie", "-o", str(built), str(source)], check=True)
        lackey = ["valgrind", "--tool=lackey", "--trace-mem=yes", f"--log-file={log}", str(built)]
        subprocess.run(lackey, check=True, env={"PATH": "/usr/bin:/bin"})
        lines = b"".join(line for line in log.read_bytes().splitlines(keepends=True) if not line.startswith(b"=="))
        return lines, ranges(built, lines)


def ranges(built: Path, lines: bytes) -> dict[str, tuple[int, int]]:
    """The code of a program, its own array, and its stack as far as it was used."""
    symbols = subprocess.run(["nm", "-S", str(built)], check=True, capture_output=True, text=True).stdout
    array = re.search(r"^(\w+) (\w+) [bB] (matrix|nodes)$", symbols, re.MULTILINE)
    headers = subprocess.run(["readelf", "-lW", str(built)], check=True, capture_output=True, text=True).stdout
    code = re.search(r"LOAD +\w+ 0x(\w+) \w+ \w+ 0x(\w+) R E", headers)
    assert array is not None
    assert code is not None
    used = [one for one in (int(found, 16) for found in re.findall(rb" ([0-9a-f]+),", lines)) if one >= STACK]
    return {
        "code": (int(code[1], 16), int(code[2], 16)), array[3]: (int(array[1], 16), int(array[2], 16)),
        "stack": (min(used), max(used) - min(used) + 8),
    }  # fmt: skip  # by name


if __name__ == "__main__":
    named = {}
    for source in sorted(FOLDER.glob("*.c")):
        lines, named[source.stem] = record(source)
        (FOLDER / f"{source.stem}.lackey.gz").write_bytes(gzip.compress(lines, mtime=0))
    (FOLDER / "ranges.json").write_text(json.dumps(named, indent=1) + "\n")
