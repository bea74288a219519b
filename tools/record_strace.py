"""Makes the recordings of real programs again: what strace wrote, and what the program read of its own maps.

`tools/record_strace.py` needs Linux, strace and a Python at /usr/bin/python3.  It writes what the package ships, each
recorded with ``-f -y``, to vmwidgets/sources/data/strace/, and other variants to tests/data/strace/.  What people
bring, such as a browser's start or a trace that was cut, is in tests/data/strace/odd/; `record_strace.py odd` makes
only these, with Chromium and a C compiler.  The programs run in /usr with an environment of three variables, so that
nothing of who records them is in what is written; the machine's name is replaced by "machine".  Addresses and process
numbers differ each time.
"""

from __future__ import annotations

import gzip
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
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
    """Return what strace wrote of a program, and what the program wrote of its maps."""
    with tempfile.NamedTemporaryFile() as file:
        done = subprocess.run(
            ["strace", *options, "-o", file.name, *command],
            cwd="/usr", env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False,
        )  # fmt: skip
        text = Path(file.name).read_text(encoding="utf-8", errors="backslashreplace")
    maps = [line for line in done.stdout.splitlines() if line[:1] in "0123456789abcdef" and "-" in line[:20]]
    return named(text), "".join(f"{line}\n" for line in maps)


def terminal(command: list[str]) -> str:
    """Return what strace -f says without -o, where processes have their number in brackets."""
    done = subprocess.run(
        ["strace", "-f", *command], cwd="/usr", env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    return named(done.stderr)


def keep(folder: Path, name: str, text: str) -> None:
    """Write a compressed file, the same bytes for the same text."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{folder.name}/{name}.gz: {text.count(chr(10)):,} lines")


# ---- what people bring -----------------------------------------------------------------------

ODD = TESTED / "odd"
BROWSER_LINES = 14_000
"""Of a browser's start: then its first processes run, and it has asked for the network's interfaces."""

BROWSER = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom", "about:blank"]
SPEAKS = [*PYTHON, "import sys; print('hello', end=' '); sys.stdout.flush(); x = bytearray(1 << 20); print('end')"]
BUSY = """
import mmap, time
while True:
    block = mmap.mmap(-1, 3 << 20)
    time.sleep(0.05)
"""

IN_32_BITS = r"""
__attribute__((noinline)) static long call(long n, long a, long b, long c, long d, long e, long f) {
    long r;
    __asm__ volatile("push %%ebp; mov %1, %%eax; mov %2, %%ebp; int $0x80; pop %%ebp"
                     : "=&a"(r) : "m"(n), "m"(f), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
    return r;
}
void _start(void) {
    long file = call(5, (long)"/proc/self/exe", 0, 0, 0, 0, 0);
    long heap = call(45, 0, 0, 0, 0, 0, 0);
    call(45, heap + 8192, 0, 0, 0, 0, 0);
    call(192, 0x10000000, 16384, 3, 0x32, -1, 0);
    call(192, 0x20000000, 8192, 1, 0x12, file, 1);
    call(125, 0x10000000, 4096, 1, 0, 0, 0);
    call(91, 0x10002000, 4096, 0, 0, 0, 0);
    call(252, 7, 0, 0, 0, 0, 0);
}
"""
"""brk, mmap2 of memory and of a file from its second page on, mprotect, munmap and exit of a 32-bit Linux."""


def named(text: str) -> str:
    """With "machine" for the computer's name, where it is a word of its own: it may be as short as "vm"."""
    return re.sub(rf"\b{re.escape(platform.node())}\b", "machine", text)


def harmless(text: str) -> str:
    """Without the addresses of who records."""
    text = re.sub(r"\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b", "02:00:00:00:00:00", text)
    text = re.sub(r'inet_addr\("(?!127\.)[0-9.]+"\)', 'inet_addr("192.0.2.1")', text)
    return re.sub(r'"[0-9a-f]{1,4}(:[0-9a-f]{0,4}){3,7}"', '"2001:db8::1"', named(text))


def together(command: list[str], options: list[str]) -> str:
    """Return what strace and its program write on one terminal."""
    done = subprocess.run(
        ["strace", *options, *command],
        cwd="/usr", env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    return done.stdout


def attached() -> str:
    """A Python that already runs, for two seconds, until Ctrl-C: ``strace -f -p``."""
    with subprocess.Popen([*PYTHON, BUSY], cwd="/usr", env=ENVIRONMENT) as program:
        time.sleep(1)
        command = ["strace", "-f", "-p", str(program.pid)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
            time.sleep(2)
            strace.send_signal(signal.SIGINT)
            _, text = strace.communicate()
        program.kill()
    return text


def odd() -> None:
    """Record all of what people bring."""
    with tempfile.TemporaryDirectory(prefix="recorded", dir="/tmp") as name:
        folder = Path(name)
        subprocess.run(["strace", "-ff", "-o", folder / "ff", *PROGRAMS["forks"]], cwd="/usr", env=ENVIRONMENT,
                       stdout=subprocess.DEVNULL, check=False)  # fmt: skip
        for number, path in enumerate(sorted(folder.glob("ff.*"), key=lambda one: int(one.suffix[1:])), 1):
            keep(ODD, f"ff-{number}.strace", harmless(path.read_text()))
        for _ in range(2):
            subprocess.run(["strace", "-A", "-o", folder / "twice", *PROGRAMS["ls"]], cwd="/usr", env=ENVIRONMENT,
                           stdout=subprocess.DEVNULL, check=False)  # fmt: skip
        keep(ODD, "appended.strace", harmless((folder / "twice").read_text()))
        (folder / "i386.c").write_text(IN_32_BITS)
        flags = [
            "-m32",
            "-O1",
            "-fno-omit-frame-pointer",
            "-nostdlib",
            "-static",
            "-fno-pic",
            "-no-pie",
            "-fcf-protection=none",
        ]
        subprocess.run(["gcc", *flags, "-o", "/tmp/in-32-bits", folder / "i386.c"], check=True)
        keep(ODD, "in-32-bits.strace", together(["/tmp/in-32-bits"], []))
        Path("/tmp/in-32-bits").unlink()
        profile = f"--user-data-dir={folder / 'profile'}"
        command = ["strace", "-f", "-y", "-o", str(folder / "browser"), BROWSER[0], profile, *BROWSER[1:]]
        subprocess.run(command, cwd="/usr", env=ENVIRONMENT, capture_output=True, check=False)
        lines = (folder / "browser").read_text(errors="backslashreplace").replace(name, "/tmp/home").splitlines(True)
    keep(ODD, "browser.strace", harmless("".join(lines[:BROWSER_LINES])))
    keep(ODD, "attached.strace", attached())
    keep(ODD, "terminal.strace", together(SPEAKS, ["-f"]))
    keep(ODD, "counted.strace", together(PROGRAMS["ls"], ["-C", "-f"]))
    keep(ODD, "summary.strace", together(PROGRAMS["ls"], ["-c"]))


def main(which: list[str]) -> int:
    """Record all of them, or only what people bring."""
    odd()
    if which == ["odd"]:
        return 0
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
    sys.exit(main(sys.argv[1:]))
