"""Real emulators with small kernels, assembled here; a test that needs a program that is absent is skipped."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before the tiers are chosen, which is done by these marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start a kernel, by what they are given: a guest, xv6's sources, Debian's Linux.

    Following takes minutes: what is not essential of it is for `make real` alone.
    """
    for item in items:
        if item.path.parent == HERE and {"emulator", "folder", "linux", "saved"} & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.kernel)
            if item.path.name.startswith("test_follow") and item.get_closest_marker("essential") is None:
                item.add_marker(pytest.mark.sweep)


class Guest(NamedTuple):
    """How a guest is assembled and started."""

    program: str
    tools: str
    assemble: tuple[str, ...]
    link: tuple[str, ...]
    qemu: tuple[str, ...]
    source: str = ""
    """The file's name, where it is not the guest's."""


GUESTS = {
    "x86": Guest("qemu-system-i386", "", ("--32",), ("-melf_i386", "-Ttext=0x100000"), ("-m", "64")),
    "x86_halts": Guest(
        "qemu-system-i386", "", ("--32", "--defsym", "HALTS=1"), ("-melf_i386", "-Ttext=0x100000"), ("-m", "64"), "x86"
    ),
    "x86_pae": Guest("qemu-system-i386", "", ("--32",), ("-melf_i386", "-Ttext=0x100000"), ("-m", "64")),
    "x86_64": Guest(
        "qemu-system-x86_64", "", ("--32", "--defsym", "LA57=0"), ("-melf_i386", "-Ttext=0x100000"),
        ("-m", "64", "-cpu", "max"),
    ),
    "x86_64_la57": Guest(
        "qemu-system-x86_64", "", ("--32", "--defsym", "LA57=1"), ("-melf_i386", "-Ttext=0x100000"),
        ("-m", "64", "-cpu", "max"), "x86_64",
    ),
    "riscv": Guest(
        "qemu-system-riscv64", "riscv64-linux-gnu-", (), ("-Ttext=0x80000000",),
        ("-M", "virt", "-m", "64", "-bios", "none"),
    ),
    "riscv_halts": Guest(
        "qemu-system-riscv64", "riscv64-linux-gnu-", ("--defsym", "HALTS=1"), ("-Ttext=0x80000000",),
        ("-M", "virt", "-m", "64", "-bios", "none"), "riscv",
    ),
    "arm": Guest(
        "qemu-system-arm", "arm-linux-gnueabihf-", ("-march=armv7-a",), ("-Ttext=0x40010000",),
        ("-M", "virt", "-cpu", "cortex-a15", "-m", "64"),
    ),
    "aarch64": Guest(
        "qemu-system-aarch64", "aarch64-linux-gnu-", (), ("-Ttext=0x40080000",),
        ("-M", "virt", "-cpu", "cortex-a57", "-m", "64"),
    ),
}  # fmt: skip  # a line of options each


def needed(*programs: str) -> None:
    """Skip the test where one of these programs is absent."""
    absent = [program for program in programs if shutil.which(program) is None]
    if absent:
        pytest.skip(f"{', '.join(absent)} is not installed: `make real` installs it")


class Emulator:
    """QEMU with its GDB port, and its monitor on a Unix socket."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.gdb = str(folder / "gdb")
        self._monitor = folder / "monitor"
        self.console = folder / "console"
        ports = [
            "-display", "none", "-serial", f"file:{self.console}",
            "-monitor", f"unix:{self._monitor},server=on,wait=off",
            "-chardev", f"socket,path={self.gdb},server=on,wait=off,id=g", "-gdb", "chardev:g",
        ]  # fmt: skip  # options and what they are for
        self.process = subprocess.Popen([*command, *ports], stdin=subprocess.DEVNULL)
        wait_for(self._answers, "QEMU's ports")

    def _answers(self) -> bool:
        """Whether the monitor answers: then all ports listen, which a socket that is only there may not do yet."""
        try:
            return bool(self.monitor("info version"))
        except (FileNotFoundError, ConnectionRefusedError):
            return False

    def monitor(self, command: str) -> str:
        """What the monitor answers."""
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(str(self._monitor))
            one.settimeout(60)
            _to_prompt(one)
            one.sendall(command.encode() + b"\n")
            return _to_prompt(one).partition("\n")[2]

    def end(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


def _to_prompt(one: socket.socket) -> str:
    data = b""
    while not data.endswith(b"(qemu) "):
        data += one.recv(1 << 16)
    return data.decode("latin-1").replace("\r", "")


def wait_for(ready: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait until something is so."""
    for _ in range(int(seconds * 50)):
        if ready():
            return
        time.sleep(0.02)
    raise AssertionError(f"{what}: not in {seconds} s")


def built(name: str, folder: Path) -> Path:
    """A guest's program, assembled."""
    guest = GUESTS[name]
    needed(guest.program, f"{guest.tools}as", f"{guest.tools}ld")
    made, program = folder / f"{name}.o", folder / f"{name}.elf"
    subprocess.run(
        [f"{guest.tools}as", *guest.assemble, "-o", made, HERE / "guests" / f"{guest.source or name}.S"], check=True
    )
    subprocess.run([f"{guest.tools}ld", *guest.link, "-o", program, made], check=True)
    return program


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Callable[..., Emulator]]:
    """Starts QEMU with one of the guests, or with a command of the test's own."""
    running: list[Emulator] = []

    def start(name: str, *options: str, command: list[str] | None = None) -> Emulator:
        if command is None:
            guest = GUESTS[name]
            command = [guest.program, *guest.qemu, "-kernel", str(built(name, tmp_path))]
        folder = tmp_path / str(len(running))
        folder.mkdir()
        running.append(Emulator([*command, *options], folder))
        return running[-1]

    yield start
    for one in running:
        one.end()
