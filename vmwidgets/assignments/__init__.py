"""The labs in the formats of systems that run and grade notebooks.

Read first: `cells` (which lines are a student's, and what checks them), then a system: `nbgrader`, `otter`.
"""

from __future__ import annotations
