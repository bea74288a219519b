"""Makes what a class of three hundred hands in, and grades it: `python -m tests.golden.classroom FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.grading.classroom.students import course, everyone, made
from vmwidgets.cli import main
from vmwidgets.grading.report import SECRET

if __name__ == "__main__":
    root = Path(sys.argv[1])
    given, to = course(root / "course.toml"), root / "out"
    made(root / "in", everyone())
    to.mkdir()
    (to / SECRET).write_text("s" * 64)
    sys.exit(main(["grade", str(root / "in"), "--course", str(given), "--to", str(to), "--jobs", "1"]))
