"""Graphviz itself, as pages run it, for tests and for README: no `dot` has to be installed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

NPM = Path(__file__).resolve().with_name("npm")
"""The project's npm: its Node.js is there whatever Python runs this."""


def laid_out(texts: Sequence[str], form: str, engine: str) -> list[str]:
    """What Graphviz makes of each DOT text, in a format ("svg", "json0") and by an engine ("nop", "nop2")."""
    asked = json.dumps([(text, form, engine) for text in texts])
    command = [str(NPM), "run", "--silent", "lay"]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    answers: list[str] = json.loads(done.stdout)
    return answers
