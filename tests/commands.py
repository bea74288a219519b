"""Commands in tests, run as a shell runs them."""

from __future__ import annotations

import subprocess


def ends_quietly_at_a_closed_pipe(command):
    """A reader that stops after the first line ends it without a word, as ``head`` ends any command."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141
