"""`vmwidgets doctor` without a file: what works is found, and what does not is named with what to do."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import vmwidgets as vm
from vmwidgets.cli import computer, main
from vmwidgets.cli.computer import Finding
from vmwidgets.released import install
from vmwidgets.views.scene.static import STATIC


def test_this_computer_runs_the_labs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(vm.__file__).parents[1]))  # the kernel's vmwidgets is the tested one
    status = main(["doctor", "--all"])
    *lines, last = capsys.readouterr().out.splitlines()
    marks = {line[10:].partition(":")[0]: line[:10].strip() for line in lines}
    lab = "ok" if find_spec("jupyterlab") else "missing"
    assert {marks[name] for name in ("Python", "vmwidgets", "packages", "front end", "Jupyter kernel", "NumPy")} == {
        "ok"
    }
    assert marks["JupyterLab"] == lab
    assert (marks["worker"], status) == ("browser", 0 if lab == "ok" else 1)
    assert ("Everything that the labs need works here" in last) == (status == 0)
    assert any(vm.__version__ in line for line in lines if "Jupyter kernel" in line)


def test_a_kernel_without_vmwidgets_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel named python3 that runs another Python: the usual reason why a notebook can't import."""
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nunset PYTHONPATH\nexec {sys.executable} -c "$HIDE" "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    hide = (
        "import sys; sys.modules['vmwidgets'] = None; sys.argv = ['kernel', *sys.argv[1:]]\n"
        "from ipykernel.kernelapp import launch_new_instance as run; run()"
    )
    monkeypatch.setenv("HIDE", hide)
    spec = tmp_path / "kernels" / "python3"
    spec.mkdir(parents=True)
    command = [str(program), "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "x", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    found = computer._kernel()
    assert not found.works
    assert "has no vmwidgets; install vmwidgets for" in found.line()
    program.write_text("#!/bin/sh\nexit 3\n")
    assert "missing   Jupyter kernel: does not answer" in computer._kernel().line()


def test_a_python_with_nothing_is_told_what_is_missing(tmp_path: Path) -> None:
    """The command where only the packages are found that vmwidgets itself needs."""
    hidden = "jupyterlab jupyter_client ipykernel numpy matplotlib"
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        f"u.find_spec = lambda name, package=None: None if name in {hidden.split()} else find(name, package)\n"
        "from vmwidgets.cli import main; sys.exit(main(['doctor', *sys.argv[1:]]))"
    )
    variables = {**os.environ, "PATH": str(tmp_path), "PYTHONPATH": str(Path(vm.__file__).parents[1])}
    done, short = (
        subprocess.run([sys.executable, "-c", code, *more], env=variables, capture_output=True, text=True, check=False)
        for more in (["--all"], [])
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert (short.returncode, short.stderr) == (1, "")
    assert "strace" not in short.stdout
    assert [line for line in short.stdout.splitlines() if line.startswith("missing")] == [
        line for line in done.stdout.splitlines() if line.startswith("missing")
    ]
    lines = done.stdout.splitlines()
    assert f"missing   Jupyter kernel: ipykernel is not installed; {install('lab')}" in lines
    assert f"missing   JupyterLab: not installed; {install('lab')}" in lines
    assert "optional  strace: not installed; only for your own recordings in lab 10; on Linux install strace" in lines
    assert lines[-1] == "2 things are missing that the labs need: see the lines above"


def test_a_front_end_that_was_not_built_is_found(tmp_path: Path) -> None:
    for name in computer.FRONT_END[1:]:
        (tmp_path / name).write_text("")
    assert "answer.js missing in" in computer._front_end(tmp_path).line()
    assert {path.name for path in STATIC.glob("*.js")} == set(computer.FRONT_END), "all that is built"


def test_another_front_end_of_anywidget_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "labextensions" / "anywidget"
    old.mkdir(parents=True)
    (old / "package.json").write_text('{"version": "0.8.0"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    assert computer._extension().line().startswith("missing   anywidget's front end: 0.8.0, and the package is ")
    (old / "package.json").write_text("{")
    assert not computer._extension().works


def test_a_program_that_does_not_start_is_said_to(tmp_path: Path) -> None:
    broken = tmp_path / "strace"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    found = {one.what: one for one in computer._programs(lambda name: str(broken) if name == "strace" else None)}
    assert found["strace"].line().startswith(f"optional  strace: {broken} does not start")
    assert not found["dot"].works


def test_lines_say_what_to_do_only_where_something_is_to_do() -> None:
    assert Finding("a", True, "there", "do").line() == "ok        a: there"
    assert Finding("a", False, "gone", "do", needed=True).line() == "missing   a: gone; do"
