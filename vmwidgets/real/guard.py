"""Run a program in a session of its own, and end it, with everything that it started, when its user has ended.

``python -I -S guard.py PROGRAM…`` passes standard input to the program as its console.  When the input ends, because
the notebook's kernel has ended for whatever reason, the program is ended within two seconds.  This file is run by its
path, so it imports only the standard library.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

GRACE = 1.0
"""Seconds between asking the program to end and ending it."""


def main(command: Sequence[str]) -> int:
    """Run `command` until it or the input ends; returns its exit status."""
    program = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    assert program.stdin is not None
    console = program.stdin.fileno()

    def pass_on() -> None:
        with suppress(OSError):  # the program has closed its console
            while data := os.read(0, 1 << 12):
                os.write(console, data)
        _end(program)

    threading.Thread(target=pass_on, daemon=True).start()
    status = program.wait()
    _end(program)  # everything that the program started
    return status


def _end(program: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(program.pid, how)
        except (ProcessLookupError, PermissionError):
            return
        end = time.monotonic() + GRACE
        while time.monotonic() < end and program.poll() is None:
            time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
