"""Checkoff: three questions on what one student did, with answers, for three minutes at a desk.

Read first: `steps` (what was done, call by call, and repeated with changes), `kinds` (the kinds of question),
`choosing` (three of all possible questions), `checkoff` (one notebook).  Machines are rebuilt in a process with limits.
"""

from __future__ import annotations

from .checkoff import Checkoff, check_off
from .choosing import Asked

__all__ = ["Asked", "Checkoff", "check_off"]
