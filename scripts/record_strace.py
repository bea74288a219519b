"""Makes the recordings of real programs again: what strace wrote, and what the program read of its own maps.

`scripts/record_strace.py` needs Linux, strace and a Python at /usr/bin/python3.  It writes what the package ships, each
recorded with ``-f -y``, to vmwidgets/sources/data/strace/, and other variants to tests/data/strace/.  The programs run
in /usr with an environment of three variables, so that nothing of who records them is in what is written; the machine's
name is replaced by "machine".  Addresses and process numbers differ each time.
"""

from __future__ import annotations

import gzip
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHIPPED, TESTED = ROOT / "vmwidgets/sources/data/strace", ROOT / "tests/data/strace"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/home/student"}
PYTHON = ["/usr/bin/python3", "-I", "-c"]

MAPS = "\nprint(open('/proc/self/maps').read(), end='')"
"""What a program ends with so that its map is known."""

THREADS = """
import threading
most, go_on = threading.Semaphore(0), threading.Event()
def work():
    block = bytearray(1 << 20)
    most.release()
    go_on.wait()
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    most.acquire()
print(open('/proc/self/maps').read(), end='', flush=True)
go_on.set()
for thread in threads:
    thread.join()
"""

FAILS = """
import mmap, resource, ctypes
resource.setrlimit(resource.RLIMIT_AS, (256 << 20, resource.RLIM_INFINITY))
try:
    mmap.mmap(-1, 1 << 30)
except OSError:
    pass
print(open('/proc/self/maps').read(), end='', flush=True)
ctypes.string_at(8)
"""

PROGRAMS = {
    "ls": ["ls", "-n", "/usr"],
    "python": [*PYTHON, "import asyncio, decimal, json, sqlite3" + MAPS],
    "threads": [*PYTHON, THREADS],
    "forks": ["/bin/sh", "-c", "ls /usr | wc -l; (exit 3); echo $?"],
    "fails": [*PYTHON, FAILS],
}
"""What is recorded, by name."""

VARIANTS = {
    "ls-plain": ("ls", []),
    "ls-times": ("ls", ["-tt", "-T", "-yy"]),
    "ls-relative": ("ls", ["-r", "-X", "verbose"]),
    "python-plain": ("python", []),
    "threads-f": ("threads", ["-f"]),
    "threads-first": ("threads", []),
    "forks-f": ("forks", ["-f"]),
    "fails-f": ("fails", ["-f", "-ttt"]),
}
"""Other ways to record: the program, and strace's options."""


def recorded(command: list[str], options: list[str]) -> tuple[str, str]:
    """What strace wrote of a program, and what the program wrote of its maps."""
    with tempfile.NamedTemporaryFile() as file:
        done = subprocess.run(
            ["strace", *options, "-o", file.name, *command],
            cwd="/usr", env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False,
        )  # fmt: skip
        text = Path(file.name).read_text(encoding="utf-8", errors="backslashreplace")
    maps = [line for line in done.stdout.splitlines() if line[:1] in "0123456789abcdef" and "-" in line[:20]]
    return text.replace(platform.node(), "machine"), "".join(f"{line}\n" for line in maps)


def terminal(command: list[str]) -> str:
    """What strace -f says without -o, where processes have their number in brackets."""
    done = subprocess.run(
        ["strace", "-f", *command], cwd="/usr", env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    return done.stderr.replace(platform.node(), "machine")


def keep(folder: Path, name: str, text: str) -> None:
    """Write a compressed file, the same bytes for the same text."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{folder.name}/{name}.gz: {text.count(chr(10)):,} lines")


def main() -> int:
    """Record all of them."""
    for name, command in PROGRAMS.items():
        text, maps = recorded(command, ["-f", "-y"])
        keep(SHIPPED, f"{name}.strace", text)
        if "read(), end=" in command[-1]:
            keep(SHIPPED, f"{name}.maps", maps)
    for variant, (name, options) in VARIANTS.items():
        text, maps = recorded(PROGRAMS[name], options)
        keep(TESTED, f"{variant}.strace", text)
        if "read(), end=" in PROGRAMS[name][-1]:
            keep(TESTED, f"{variant}.maps", maps)
    keep(TESTED, "forks-terminal.strace", terminal(["/bin/sh", "-c", "ls /usr >/dev/null 2>&1; (exit 3); :"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
