"""Real processes as the judge holds them: `Linux` starts the first, and each `RealTask` is asked by messages."""

from __future__ import annotations

import marshal
import os
import platform
import resource
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import vmwidgets as vm

PROGRAM = Path(__file__).with_name("process.py")
PATIENCE = 120
"""Seconds after which a process that does not answer is an error; no result depends on it."""


def why_not() -> str:
    """Why this computer can't be the judge, as a sentence; "" where it can."""
    if platform.system() != "Linux":
        return f"This computer runs {platform.system()}, not Linux."
    if not Path("/proc/self/maps").exists():
        return "There is no /proc here."
    if resource.getpagesize() != vm.PAGE:
        return f"Pages of this kernel have {resource.getpagesize()} bytes, not {vm.PAGE}."
    return ""


class RealTask:
    """A process that was forked from another; it ends with `close`."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.mapped: list[tuple[int, int, str, int, str]] = []
        """What it has mapped where the judge looks: start, end, rights, offset, file."""

    def ask(self, name: str, *arguments: Any, descriptor: int | None = None) -> Any:
        """Have the process do something, and give its answer."""
        message = marshal.dumps((name, *arguments))
        if descriptor is None:
            self.connection.send(message)
        else:
            socket.send_fds(self.connection, [message], [descriptor])
        return self.answer(f"{name}{arguments}")

    def answer(self, what: str) -> Any:
        """The next answer."""
        message = self.connection.recv(1 << 18)
        if not message:
            raise RuntimeError(f"the process ended in {what}")
        answer, self.mapped = marshal.loads(message)
        return answer

    def fork(self) -> RealTask:
        """A child of it."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(PATIENCE)
        with theirs:
            self.ask("fork", descriptor=theirs.fileno())
        child = RealTask(ours)
        child.answer("fork")
        return child

    def exit(self) -> None:
        """Have it end, and wait until its memory is gone."""
        self.connection.send(marshal.dumps(("exit",)))
        if self.connection.recv(1):
            raise RuntimeError("the process answered when it was to end")
        self.connection.close()

    def close(self) -> None:
        """Let it end by itself."""
        self.connection.close()


class Linux:
    """The kernel of this computer: processes with nothing mapped where the judge looks, and files in memory."""

    def __init__(self, files: tuple[str, ...] = ("a", "b")) -> None:
        self.files = {name: os.memfd_create(name) for name in files}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(PATIENCE)
        with theirs:
            self.program = subprocess.Popen(
                [sys.executable, "-I", "-S", str(PROGRAM), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), *self.files.values()),
                start_new_session=True,
            )
        self.first = RealTask(ours)

    def __enter__(self) -> Linux:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.first.close()
        self.program.wait(PATIENCE)
        for descriptor in self.files.values():
            os.close(descriptor)

    def fill(self, name: str, content: bytes) -> None:
        """Have a file with this content and nothing else."""
        os.ftruncate(self.files[name], 0)
        os.pwrite(self.files[name], content, 0)

    def size(self, name: str) -> int:
        """Bytes of a file."""
        return os.fstat(self.files[name]).st_size
