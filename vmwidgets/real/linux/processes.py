"""The handles of real processes: `Linux` starts the first, and each `RealTask` is asked by messages."""

from __future__ import annotations

import marshal
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from ...engine.base.errors import Refused
from ...engine.base.units import PAGE

PROGRAM = Path(__file__).with_name("process.py")
PATIENCE = 120
"""Seconds after which a process that does not answer is an error; no result depends on it."""


GRACE = 5
"""Seconds that the first process may take to end by itself; no result depends on it."""

ALONE = {"GLIBC_TUNABLES": "glibc.pthread.rseq=0"}
"""Settings of the processes' C library (glibc 2.35 or later).  By default each thread has an area, rseq(2), in which
the kernel notes its processor.  After a fork the first note takes a fault, which would be counted with an access."""

REGIONS = ((0x1_0000, 0x9_0000), (0x1000_0000, 0x1200_0000))
"""The regions that the tests use."""


def why_not() -> str:
    """Return the reason why this computer can't make the calls in Linux, as a sentence; "" if it can."""
    if sys.platform != "linux":
        return f"This computer runs {sys.platform}, not Linux."
    if not Path("/proc/self/maps").exists():
        return "There is no /proc here."
    try:
        import ctypes  # noqa: F401  some Pythons are built without it
    except ImportError:
        return "This Python has no ctypes."
    if os.sysconf("SC_PAGE_SIZE") != PAGE:
        return f"Pages of this kernel have {os.sysconf('SC_PAGE_SIZE')} bytes, not {PAGE}."
    return ""


class Ended(Exception):
    """Raised if a process ended before its answer: it was killed, or memory ran out."""


class Occupied(Refused):
    """Raised if the interpreter of the real processes has memory of its own in a region."""


class RealTask:
    """A real process, forked from another; it ends with `close`."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.mapped: list[tuple[int, int, str, int, str]] = []
        """Its mappings in the judged regions: start, end, rights, offset, file."""

    def ask(self, name: str, *arguments: Any, descriptor: int | None = None) -> Any:
        """Send a request, and return the answer."""
        message = marshal.dumps((name, *arguments))
        try:
            if descriptor is None:
                self.connection.send(message)
            else:
                socket.send_fds(self.connection, [message], [descriptor])
        except (BrokenPipeError, ConnectionResetError):
            raise Ended(f"the process had ended before {name}{arguments}") from None
        return self.answer(f"{name}{arguments}")

    def answer(self, what: str) -> Any:
        """Return the next answer."""
        try:
            message = self.connection.recv(1 << 18)
        except ConnectionResetError:
            message = b""
        if not message:
            raise Ended(f"the process ended in {what}")
        answer, self.mapped = marshal.loads(message)
        return answer

    def fork(self) -> RealTask:
        """Fork the process; returns the child."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(PATIENCE)
        with theirs:
            self.ask("fork", descriptor=theirs.fileno())
        child = RealTask(ours)
        child.answer("fork")
        return child

    def exit(self) -> None:
        """End the process, and wait until its memory is free."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(marshal.dumps(("exit",)))
            if self.connection.recv(1):
                raise RuntimeError("the process answered when it was to end")
        self.connection.close()

    def close(self) -> None:
        """Let the process end by itself."""
        self.connection.close()


class Linux:
    """The kernel of this computer, with processes that have nothing mapped in `regions`, and `files` in memory.

    The processes are a session of their own, so a notebook's interrupt does not reach them, and they end when this
    process does.  Raises :class:`Occupied` if the interpreter has memory in a region.
    """

    def __init__(self, files: Sequence[str] = ("a", "b"), regions: Sequence[tuple[int, int]] = REGIONS) -> None:
        spans = ",".join(f"{start:x}-{end:x}" for start, end in regions)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(PATIENCE)
        self.first = RealTask(ours)
        self.files: dict[str, int] = {}
        self.program: subprocess.Popen[bytes] | None = None
        try:
            with theirs:
                for name in files:
                    self.files[name] = os.memfd_create(name)
                self.program = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(PROGRAM), str(theirs.fileno()), spans],
                    stdin=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, **ALONE},
                    pass_fds=(theirs.fileno(), *self.files.values()),
                    start_new_session=True,
                )
            self.first.ask("look")
            if self.first.mapped:
                raise Occupied(f"the interpreter has memory where the life is to be lived: {self.first.mapped}")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Linux:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes, and forget the files."""
        self.first.close()
        if self.program is not None:
            try:
                self.program.wait(GRACE)
            except subprocess.TimeoutExpired:  # its number is reused only after the wait
                os.killpg(self.program.pid, signal.SIGKILL)
                self.program.wait(GRACE)
        for descriptor in self.files.values():
            os.close(descriptor)
        self.files = {}

    def fill(self, name: str, content: bytes) -> None:
        """Replace the content of a file."""
        os.ftruncate(self.files[name], 0)
        os.pwrite(self.files[name], content, 0)

    def size(self, name: str) -> int:
        """Return the size of a file in bytes."""
        return os.fstat(self.files[name]).st_size
