"""The originals' bugs that a machine can be booted with: X15's, and those of Barrelfish's pmap in its domains."""

from __future__ import annotations

from ..kernel.x15 import X15_QUIRKS
from ..selfpaging.errors import BARRELFISH_QUIRKS

QUIRKS = {**X15_QUIRKS, **BARRELFISH_QUIRKS}
"""Name and meaning."""
