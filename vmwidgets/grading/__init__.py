"""Grading from journals: what is handed in is data, from which machines are made again and judged.

Read first: `notebook` (what a file holds), `judge` (one notebook's points, in a process with limits), `run` (a folder).
"""

from __future__ import annotations

from .course import Course, read_course
from .notebook import Handed, read_notebook
from .run import Grades, grade

__all__ = ["Course", "Grades", "Handed", "grade", "read_course", "read_notebook"]
