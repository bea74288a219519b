"""Checkoff: three questions on one student's work, with answers, for three minutes at a desk.

Read first: `steps` (the work, call by call, and repeated with changes), `kinds` (the kinds of question), `choosing`
(which three questions are asked), `checkoff` (one notebook).  Machines are rebuilt in a process with limits.
"""

from __future__ import annotations

from .checkoff import Checkoff, check_off
from .choosing import Asked

__all__ = ["Asked", "Checkoff", "check_off"]
