"""The archive for Gradescope's autograder: programs, the wheel, the course, and its students.

`vmwidgets.cli.autograder` runs for each submission.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path

from vmwidgets import __version__
from vmwidgets.archive import zipped
from vmwidgets.build import GRADING, code
from vmwidgets.engine.base.errors import Refused

SETTINGS, COURSE, EXERCISES = "autograder.json", "course.toml", "exercises"
"""Files of the archive: the graded labs and students' IDs; the course; a folder with the course's own modules."""

SETUP = """\
#!/usr/bin/env bash
# Gradescope runs this once, when it builds the autograder.
set -e
root="${AUTOGRADER_ROOT:-/autograder}"
if ! python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))'; then
  apt-get update
  apt-get install -y python3 python3-venv
fi
python3 -m venv "$root/venv"
"$root/venv/bin/python" -I -m pip install "$root"/source/vmwidgets-*.whl
"$root/venv/bin/vmwidgets" --version
"""

RUN = """\
#!/usr/bin/env bash
# Gradescope runs this for each submission. It writes results/results.json, whatever was uploaded.
root="${AUTOGRADER_ROOT:-/autograder}"
cd "$(mktemp -d)" || exit 1  # Python looks for no module among the submitted files
if ! "$root/venv/bin/python" -I -m vmwidgets.cli.autograder "$root"; then
  mkdir -p "$root/results"
  echo '{"score": 0, "output": "The autograder did not start. Ask your instructor."}' > "$root/results/results.json"
fi
"""

PROGRAMS = {"setup.sh": SETUP, "run_autograder": RUN}

WHEEL = re.compile(r"vmwidgets-([^-]+)-py3-none-any\.whl")
"""The pattern of this package's wheels."""


def archive(
    course: str, labs: Collection[str], people: Mapping[str, str], modules: Mapping[str, str], wheel: Path
) -> bytes:
    """Return the archive; equal contents give equal bytes.

    `course` is the text of a course's file.  `labs` are the numbers of the labs that are graded.  `people` has for each
    folded ID the first ID of its owner; it is empty if IDs are the email addresses or student numbers known to
    Gradescope.  `modules` contains the texts of the modules with a course's own exercises, by file name.

    Raises :class:`Refused` if `wheel` is not a wheel of this version of vmwidgets.
    """
    settings = {"labs": sorted(labs), "people": dict(people)}
    texts = {
        **PROGRAMS,
        SETTINGS: json.dumps(settings, indent=1, ensure_ascii=False) + "\n",
        COURSE: course,
        **{f"{EXERCISES}/{name}": source for name, source in modules.items()},
    }
    return zipped({**{name: text.encode() for name, text in texts.items()}, wheel.name: _wheel(wheel)}, PROGRAMS)


def _wheel(path: Path) -> bytes:
    """Return the wheel's content."""
    named = WHEEL.fullmatch(path.name)
    if not named:
        raise Refused(
            f"{path.name!r} is not a wheel of vmwidgets: its name is vmwidgets-{__version__}-py3-none-any.whl"
        )
    if named[1] != __version__:
        raise Refused(
            f"{path.name!r} is version {named[1]}, and this command is version {__version__}: build the wheel from the "
            "same version"
        )
    try:
        with zipfile.ZipFile(path) as wheel:
            if "vmwidgets/__init__.py" not in wheel.namelist():
                raise Refused(f"{path.name!r} does not contain vmwidgets: build the wheel again")
            its, ours = code(GRADING, zipfile.Path(wheel, "vmwidgets/")), code(GRADING)
            if its and ours and its != ours:
                raise Refused(
                    f"{path.name!r} was not built from this vmwidgets, so it may grade differently: build it again"
                )
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"{str(path)!r} can't be read: {error.strerror}") from None
    except zipfile.BadZipFile:
        raise Refused(f"{str(path)!r} is not a wheel: it is damaged, or not a zip archive") from None
