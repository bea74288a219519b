"""The drawings of the documents and of the demo are what the code draws."""

from __future__ import annotations

import subprocess
import sys


def test_each_drawing_is_what_the_code_draws() -> None:
    """In a process of its own: machines are numbered."""
    command = [sys.executable, "-m", "tools.pictures", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
