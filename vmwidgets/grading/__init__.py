"""Grading from journals: a submission is data from which machines are rebuilt and judged.

Read first: `notebook` (the contents of a file), `judge` (the points of one piece of work, in a process with limits),
`submission` (a whole file), `run` (a folder), `grades` (the results).
"""

from __future__ import annotations

from .course import Course, read_course
from .grades import Graded, Grades, Row
from .notebook import Handed, read_notebook
from .run import grade

__all__ = ["Course", "Graded", "Grades", "Handed", "Row", "grade", "read_course", "read_notebook"]
