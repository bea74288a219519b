"""Checkoff: three questions on what one student did, with answers, for three minutes at a desk.

Read first: `steps` (what was done, call by call, and done again otherwise), `kinds` (the kinds of question), `choosing`
(three of all that can be asked), `checkoff` (one notebook).  Machines are made again in a process with limits.
"""

from __future__ import annotations

from .checkoff import Checkoff, check_off
from .choosing import Asked

__all__ = ["Asked", "Checkoff", "check_off"]
