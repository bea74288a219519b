"""Grading from journals: what is handed in is data, from which machines are made again and judged.

Read first: `notebook` (what a file holds), `judge` (one work's points, in a process with limits), `submission` (a whole
file), `run` (a folder), `grades` (what comes out).
"""

from __future__ import annotations

from .course import Course, read_course
from .grades import Graded, Grades, Row
from .notebook import Handed, read_notebook
from .run import grade

__all__ = ["Course", "Graded", "Grades", "Handed", "Row", "grade", "read_course", "read_notebook"]
