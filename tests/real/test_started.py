"""What was started ends with whoever started it, in whatever way that ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.real.conftest import wait_for
from vmwidgets.real.started import Started


def alive(pid: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


STARTS = """
import sys, time
from pathlib import Path
from vmwidgets.real.started import Started
one = Started(["sh", "-c", "trap '' TERM HUP INT; sleep 300 & echo $$ $! > pids; wait; sleep 300"], Path(sys.argv[1]))
print("started", flush=True)
time.sleep(300)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_processes_are_gone_five_seconds_later(tmp_path, how):
    """A program that ignores signals, and what it started."""
    notebook = subprocess.Popen([sys.executable, "-c", STARTS, tmp_path], env={**os.environ}, start_new_session=True)
    pids = tmp_path / "pids"
    wait_for(lambda: pids.exists() and len(pids.read_text().split()) == 2, "the program")
    started = [int(pid) for pid in pids.read_text().split()]
    assert all(alive(pid) for pid in started)
    time.sleep(0.3)
    os.kill(notebook.pid, how)
    notebook.wait(10)
    wait_for(lambda: not any(alive(pid) for pid in started), "the end of what was started", 5)


def test_an_interrupt_of_the_notebook_does_not_reach_the_program(tmp_path):
    """Jupyter interrupts the whole group of its kernel."""
    one = Started(["sh", "-c", "echo up; read line; echo got $line; sleep 300"], tmp_path)
    try:
        assert one.wait_for("up", 10)
        own = os.getpgid(one._process.pid)
        assert own != os.getpgid(0)
        one.type("this\n")
        assert one.wait_for("got this", 10)
    finally:
        one.end()
    assert one.has_ended


def test_a_program_that_ends_by_itself(tmp_path):
    one = Started(["sh", "-c", "echo last words; exit 3"], tmp_path)
    assert one.wait_for("last words", 10)
    wait_for(lambda: one.has_ended, "its end", 10)
    assert not one.wait_for("more", 1)
    one.end()
