"""The two lines of the README on the oldest and the newest Python here: then the first lab runs to its end."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.lab import FLAGS, Notebook, Server
from tools import environment, unit

FIRST = "00-addresses.ipynb"
RECORD = "application/vnd.vmwidgets.record+json"
HERE = unit.pythons()
OLDEST, NEWEST = HERE[min(HERE)], HERE[max(HERE)]

EXECUTE = """
import sys
import nbclient, nbformat

notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=300).execute()
nbformat.write(notebook, sys.argv[1])
"""

Install = Callable[[Path], Path]


@pytest.fixture(scope="module")
def install(root: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Install:
    """The first line, with locked versions, in a new environment of that Python; gives the folder of its programs."""
    folder = tmp_path_factory.mktemp("course")

    def new(python: Path) -> Path:
        made = folder / python.name
        environment.run(environment.uv(), "venv", "--quiet", "--python", python, made)
        locked = "--constraint", str(root / "tools" / "requirements" / "lab.txt")
        environment.install(made / "bin" / "python", *locked, f"{wheel}[lab]")
        return made / "bin"

    return new


def own_home(folder: Path) -> dict[str, str]:
    """Variables of a person who has nothing but the environment, and no screen."""
    others = ("JUPYTER", "PYTHON", "DISPLAY", "WAYLAND")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(others)}, "HOME": str(folder)}


def test_by_a_program_on_the_oldest_python(install: Install, tmp_path: Path) -> None:
    programs = install(OLDEST)

    def run(*command: str | Path) -> str:
        answer = subprocess.run(
            command, cwd=tmp_path, env=own_home(tmp_path), capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    assert "To open them, type: vmwidgets course\n" in run(programs / "vmwidgets", "course", "--no-open")
    labs = tmp_path / "vmwidgets-labs"
    run(programs / "python", "-c", EXECUTE, labs / "01-maps.ipynb")
    ran = (labs / "01-maps.ipynb").read_bytes()
    checks = [
        output["data"][RECORD]
        for cell in json.loads(ran)["cells"]
        for output in cell.get("outputs", ())
        if output.get("data", {}).get(RECORD, {}).get("record") == "check"
    ]
    assert checks
    assert {check["problem"] for check in checks} <= {"", "not done yet"}
    said = run(programs / "vmwidgets", "course", "--no-open", "--update")
    assert "changed by you, and left as they are: 01-maps.ipynb\n" in said, "a run that is saved is a change"
    assert (labs / "01-maps.ipynb").read_bytes() == ran


class Course(Server):
    """What the second line starts."""

    name = "vmwidgets course"

    def __init__(self, programs: Path, root: Path, home: Path) -> None:
        super().__init__(root, home)
        self.programs = programs

    def _environment(self) -> dict[str, str]:
        jupyter = {name: value for name, value in super()._environment().items() if name.startswith("JUPYTER")}
        return {**own_home(self.home), **jupyter, "JUPYTER_PORT": str(self.port), "JUPYTER_TOKEN": self.token}

    def _settle(self) -> None:
        super()._settle()
        shown = {"LabApp": {"expose_app_in_browser": True}}  # so that this test finds the notebook
        (self.home / "config" / "jupyter_lab_config.json").write_text(json.dumps(shown))

    def _command(self) -> list[str]:
        return [str(self.programs / "vmwidgets"), "course"]


@pytest.fixture
def page(playwright: Any, browser: str) -> Iterator[Any]:
    started = playwright.chromium.launch(executable_path=browser, args=FLAGS)
    yield started.new_page(viewport={"width": 1300, "height": 5000})
    started.close()


def test_in_the_browser_on_the_newest_python(install: Install, page: Any, tmp_path: Path) -> None:
    root, home = tmp_path / "root", tmp_path / "home"
    root.mkdir()
    home.mkdir()
    with Course(install(NEWEST), root, home) as server:
        page.goto(f"{server.base}/?token={server.token}")
        page.locator(".jp-MarkdownViewer").get_by_role("link", name=FIRST).click()
        page.locator(".jp-NotebookPanel").first.wait_for()
        lesson = Notebook(page, server, FIRST)
        lesson.run_all()
        outputs = page.evaluate(
            "() => window.panel.content.widgets.flatMap((cell) => cell.model.outputs?.toJSON() ?? [])"
        )
        page.locator(".vmw-scene .node").first.wait_for()
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert [output for output in outputs if output.get("data", {}).get(RECORD, {}).get("record") == "check"]
    assert lesson.problems == []
