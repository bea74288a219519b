"""What the tests of a real process need: Linux with its files below /proc."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.tiers import leave_out

PAGEMAP = Path("/proc/self/pagemap")


@pytest.fixture(autouse=True)
def proc() -> None:
    """Leave the test out where the system has no such files."""
    if not sys.platform.startswith("linux") or not PAGEMAP.exists():
        leave_out("this system has no /proc/self/pagemap: tests of real processes need Linux")
