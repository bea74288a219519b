"""Makes the recordings of small programs in C again: what lackey wrote of each, without Valgrind's own lines.

`scripts/record_references.py` needs Linux on x86-64, a C compiler with a static C library, and Valgrind.  The programs
lie in vmwidgets/sources/data/references/, and so do the recordings.  Each address is the same each time; another
compiler or library gives others.
"""

from __future__ import annotations

import gzip
import subprocess
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "vmwidgets/sources/data/references"


def record(source: Path) -> bytes:
    """Compile and run a program, and return the lines of its references."""
    with tempfile.TemporaryDirectory() as folder:
        built, log = Path(folder) / source.stem, Path(folder) / "log"
        subprocess.run(["cc", "-O1", "-static", "-fno-pie", "-no-pie", "-o", str(built), str(source)], check=True)
        lackey = ["valgrind", "--tool=lackey", "--trace-mem=yes", f"--log-file={log}", str(built)]
        subprocess.run(lackey, check=True, env={"PATH": "/usr/bin:/bin"})
        return b"".join(line for line in log.read_bytes().splitlines(keepends=True) if not line.startswith(b"=="))


if __name__ == "__main__":
    for source in sorted(FOLDER.glob("*.c")):
        (FOLDER / f"{source.stem}.lackey.gz").write_bytes(gzip.compress(record(source), mtime=0))
