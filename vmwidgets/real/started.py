"""A program that runs alongside the notebook and ends with it, such as QEMU started by `make`, with its console."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from ..engine.base.errors import Refused

MOST_KEPT = 1 << 20
"""The most bytes of the program's output that are kept: the last ones."""


def without_make() -> dict[str, str]:
    """Return this process's variables but those of a `make` around it, of which the program's `make` is no part."""
    return {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}


class Started:
    """A program in `folder`, started through :mod:`.guard`; it ends with :meth:`end`, or with this process."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._printed = bytearray()
        self._length = 0
        self._lock = threading.Lock()
        guard = str(Path(__file__).with_name("guard.py"))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", guard, *command],
                cwd=folder,
                env=without_make(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise Refused(f"{folder}: {command[0]} can't be started: {error.strerror or error}") from None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._end = weakref.finalize(self, _end, self._process)

    @property
    def text(self) -> str:
        """The last `MOST_KEPT` bytes of the program's output."""
        with self._lock:
            return self._printed.decode("utf-8", "replace").replace("\r\n", "\n")

    @property
    def length(self) -> int:
        """The number of bytes that the program has printed."""
        return self._length

    def ends_with(self, text: str) -> bool:
        """Return whether the program's output ends with `text`."""
        with self._lock:
            return self._printed.endswith(text.encode())

    @property
    def has_ended(self) -> bool:
        """Return whether the program ended by itself."""
        return self._process.poll() is not None

    def type(self, text: str) -> None:
        """Type `text` on the program's console."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise Refused("the emulator has ended, so nothing can be typed") from None

    def wait_for(self, text: str, seconds: float) -> bool:
        """Wait until the program has printed `text`; returns False if it has not done so in time."""
        end = monotonic() + seconds
        while text not in self.text:
            if monotonic() > end:
                return False
            if self.has_ended:
                self._reader.join(1)  # what it printed last may not be read yet
                return text in self.text
            sleep(0.02)
        return True

    def end(self) -> None:
        """End the program, with everything that it started."""
        self._end()
        self._reader.join(1)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as printed:
            while data := printed.read1(1 << 16):  # type: ignore[attr-defined]  # it is buffered
                with self._lock:
                    self._printed += data
                    self._length += len(data)
                    del self._printed[:-MOST_KEPT]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close the pipe, which ends the program, and wait for the guard."""
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
