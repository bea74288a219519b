"""``vm.xv6``: a folder of xv6, started with its own `make … qemu-gdb`."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import NamedTemporaryFile, gettempdir
from time import monotonic, sleep

from ..engine.base.calls import says_what_it_takes
from ..engine.base.errors import Refused, shown
from ..engine.base.files import place_of
from .gdb import Ram
from .kernel import Kernel
from .port import Port
from .program import Program
from .started import Started, without_make

STARTS_IN = 180.0
"""Seconds that `make` may take to build the kernel and start QEMU."""

KERNEL = Path("kernel", "kernel")
"""The kernel's path in xv6's folder."""


BASE = 0x8000_0000
"""The address at which the memory of QEMU's machine "virt" begins."""


def port_of_make() -> str:
    """Return the port that xv6's `make qemu-gdb` opens for this user: 25000 + uid % 5000."""
    if not hasattr(os, "getuid"):
        raise Refused(
            "this system has no user numbers, by which xv6 chooses its port: write the port, '127.0.0.1:26000'"
        )
    return f"127.0.0.1:{25000 + os.getuid() % 5000}"


@says_what_it_takes
def xv6(folder: str | Path, *, cpus: int = 1, options: tuple[str, ...] = ()) -> Kernel:
    """Build and start the xv6 in `folder` with its own Makefile (``make CPUS=1 GDBPORT=… qemu-gdb``).

    The kernel is stopped at its first instruction.  It ends with the notebook, or with :meth:`~.kernel.Kernel.close`.
    `options` are further arguments for make, such as "LAB=cow".

    Raises :class:`Refused` for a folder that is not xv6's, and if the build fails, with its last lines.
    """
    place = place_of(folder, "xv6-riscv").expanduser()
    number: object = cpus
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= 8:
        raise Refused(f"cpus={shown(number)}: xv6 runs on 1 to 8 processors")
    if not _is_xv6(place):
        raise Refused(f"{place}: {_why_not(place)}")
    if shutil.which("make") is None:
        raise Refused("make is not installed: xv6 is built with it")
    port = _free_port()
    with _building(place), _shared(_started_with(place, [f"CPUS={cpus}", *options])) as (shares, ram):
        # The Makefile's own port listens on every address; a snapshot leaves the disk's file as `make` wrote it.
        here_alone = f"QEMUGDB=-gdb tcp:127.0.0.1:{port} -snapshot{shares}"
        started = Started(["make", f"CPUS={cpus}", f"GDBPORT={port}", here_alone, *options, "qemu-gdb"], place)
        try:
            _wait_for(started, port, place)
            return Kernel(Port(f"127.0.0.1:{port}", ram), Program(place / KERNEL), started)
        except BaseException:
            started.end()
            raise


@contextmanager
def _building(place: Path) -> Iterator[None]:
    """Build in a folder while no other run does; what a failed build has made is removed."""
    import fcntl  # systems without it have no xv6 either

    try:
        folder = os.open(place, os.O_RDONLY)
    except OSError as error:
        raise Refused(f"{place}: {error.strerror or error}") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(folder)
        raise Refused(f"{place}: another run is building this kernel now; start this one when it is built") from None
    except OSError:
        pass  # some network's file systems have no locks
    before = {*_products(place)}
    try:
        yield
    except Refused:
        for one in {*_products(place)} - before:
            one.unlink(missing_ok=True)
        raise
    finally:
        os.close(folder)


def _products(place: Path) -> Iterator[Path]:
    """Yield the files that xv6's Makefile makes."""
    for folder in (place, *(place / name for name in ("kernel", "user", "mkfs"))):
        for one in folder.iterdir() if folder.is_dir() else ():
            is_named = one.name in ("fs.img", ".gdbinit", "usys.S", "mkfs", "kernel", "initcode", "initcode.out")
            if one.is_file() and (is_named or one.name.startswith("_") or one.suffix in (".o", ".d", ".asm", ".sym")):
                yield one


def _started_with(place: Path, words: list[str]) -> str:
    """Return the command with which the Makefile starts QEMU, or ""; refuses if a program for the build is absent."""
    said, errors = _would_run(place, *words, "qemu-gdb")
    lines = said.splitlines()
    if "Couldn't find a riscv64 version of GCC" in errors and any(" -c " in line for line in lines):
        raise Refused(
            f"{place}: no compiler for RISC-V is installed; on Debian and Ubuntu, apt-get install gcc-riscv64-linux-gnu"
        )
    starts = [line for line in lines if re.match(r"\S*qemu-system-riscv64\s", line)]
    program = starts[0].split(maxsplit=1)[0] if starts else ""
    if program and shutil.which(program) is None:
        raise Refused(f"{place}: {program} is not installed; on Debian and Ubuntu, apt-get install qemu-system-misc")
    return next((line for line in starts if " -gdb " in line), "")


def _would_run(place: Path, *words: str) -> tuple[str, str]:
    """Return the commands that make would run in a folder, and what it says of errors; both "" if make can't start."""
    try:
        made = subprocess.run(
            ["make", "-n", *words],
            cwd=place,
            env=without_make(),
            capture_output=True,
            text=True,
            timeout=60,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return "", ""
    return made.stdout, made.stderr


def check_command(folder: str | Path, command: str, options: tuple[str, ...] = ()) -> None:
    """Refuse a command of xv6's shell whose program the Makefile does not put on the disk."""
    name = next(iter(command.split()), "")
    said, _ = _would_run(Path(folder).expanduser(), "-B", *options, "fs.img")
    disk = next((line.split() for line in said.splitlines() if line.startswith("mkfs/mkfs fs.img ")), [])
    programs = {Path(one).name for one in disk}
    if re.fullmatch(r"[A-Za-z]\w*", name) and name != "cd" and "_sh" in programs and f"_{name}" not in programs:
        raise Refused(f"{folder}: its Makefile puts no program {name} on xv6's disk; add $U/_{name} to UPROGS")


@contextmanager
def _shared(command: str) -> Iterator[tuple[str, Ram | None]]:
    """Return the options with which QEMU shares the guest's memory, and that memory; nothing if it can't be shared.

    Reading such memory costs no packets.  The file loses its name once QEMU has opened it.
    """
    size = _memory_of(command)
    folders = [one for one in ("/dev/shm", gettempdir()) if Path(one).is_dir()]
    folder = next((one for one in folders if size is not None and shutil.disk_usage(one).free > 2 * size), None)
    if size is None or folder is None:
        yield "", None
        return
    with NamedTemporaryFile(prefix="vmwidgets-", dir=folder) as file:
        file.truncate(size)
        option = f" -object memory-backend-file,id=shared,size={size},mem-path={file.name},share=on"
        data = memoryview(mmap(file.fileno(), size, access=ACCESS_READ))
        yield option + " -machine memory-backend=shared", Ram(BASE, data)


def _memory_of(command: str) -> int | None:
    """Return the memory in bytes that a command gives to QEMU's machine "virt"; None if it can't be found."""
    size = re.search(r"\s-m\s+(\d+)([MG]?)(?=\s)", command)
    if size is None or "memory-backend" in command or not re.search(r"-(M|machine)\s+virt\b", command):
        return None
    return int(size[1]) << {"G": 30}.get(size[2], 20)


def _is_xv6(place: Path) -> bool:
    return (place / "Makefile").is_file() and (place / "kernel").is_dir()


def _why_not(place: Path) -> str:
    """Return why a folder is not xv6's, and which folder near it is."""
    if not place.is_dir():
        return "there is no such folder; write the path of your clone of xv6-riscv"
    lacks = [
        what
        for what, has in (
            ("Makefile", (place / "Makefile").is_file()),
            ("folder 'kernel'", (place / "kernel").is_dir()),
        )
        if not has
    ]
    near = [one for one in (place.resolve().parent, *sorted(place.iterdir())) if one.is_dir() and _is_xv6(one)]
    other = f"; xv6 is in {near[0]}" if near else ""
    return f"this is not a folder of xv6-riscv, because it has no {' and no '.join(lacks)}{other}"


def _wait_for(started: Started, port: int, place: Path) -> None:
    """Wait until QEMU listens, without connecting, since QEMU would take the connection for its client."""
    end = monotonic() + STARTS_IN
    while not _listens(port):
        if started.has_ended:
            sleep(0.1)
            raise Refused(f"{place}: make qemu-gdb failed: {_why_failed(started.text)}")
        if monotonic() > end:
            raise Refused(f"{place}: make qemu-gdb did not start QEMU in {STARTS_IN:g} s")
        sleep(0.05)


def _why_failed(text: str) -> str:
    """Return the lines that explain why a build failed: the compiler's first errors, then the last lines."""
    lines = [line.strip() for line in text.strip().splitlines()]
    errors = [line for line in lines if re.search(r"\berror:|: undefined reference|: fatal:", line)][:2]
    return " / ".join(dict.fromkeys([*errors, *lines[-3:]])) or "it said nothing"


def _listens(port: int) -> bool:
    """Return whether something listens on the port: its number can't be bound."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # so that QEMU can have it at the same moment
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
