"""Gradescope's autograder with the package's own wheel: setup.sh installs it, and run_autograder grades with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

from tests.grading.synthetic import COURSE, solved, written
from vmwidgets.cli import TOOLS, main


def test_what_setup_installs_grades_a_submission(tmp_path: Path, wheel: Path) -> None:
    """Dependencies are this environment's, so that pip needs no network."""
    course = tmp_path / "course.toml"
    course.write_text(f'course = "{COURSE}"\nexercises = ["01/guard", "01/gaps"]\n')
    made = tmp_path / "autograder.zip"
    assert (
        main(["assignment", "--for", "gradescope", str(made), "--course", str(course), "--wheel", str(wheel)], TOOLS)
        == 0
    )
    root = tmp_path / "autograder"
    with zipfile.ZipFile(made) as archive:
        archive.extractall(root / "source")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP"))}
    variables = {
        **kept,
        "AUTOGRADER_ROOT": str(root),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
    }

    def bash(name: str) -> str:
        command = ["bash", str(root / "source" / name)]
        done = subprocess.run(command, env=variables, check=True, capture_output=True, text=True, cwd="/")
        return done.stdout

    # setup.sh ends in the command itself, which needs the dependencies
    venv = root / "venv" / "lib" / "python{}.{}".format(*sys.version_info[:2]) / "site-packages"
    venv.mkdir(parents=True)
    (venv / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    assert bash("setup.sh").splitlines()[-1].startswith("vmwidgets ")
    assert (venv / "vmwidgets" / "__init__.py").is_file(), "the wheel is installed, and not this environment's package"

    written(root / "submission" / "01-maps.ipynb", "ada@uni.example", "01", solved("01/guard", "ada@uni.example"))
    (root / "submission_metadata.json").write_text(json.dumps({"users": [{"email": "ada@uni.example"}]}))
    shutil.rmtree(root / "results", ignore_errors=True)
    bash("run_autograder")
    results = json.loads((root / "results" / "results.json").read_text())
    assert results["output"] == "01-maps.ipynb: this notebook was graded."
    assert results["score"] > 0
