"""Binder: its files are installed as repo2docker does it, and the first notebook runs there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.lab import FLAGS
from tests.browser.mission import Mission, WithoutDot, open_mission
from tests.packaging import solutions

REPO2DOCKER_KNOWS = {"apt.txt", "environment.yml", "postBuild", "requirements.txt", "runtime.txt", "start"}

EXECUTE = """
import sys
import nbclient, nbformat

notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=300).execute()
nbformat.write(notebook, sys.argv[2])
"""


@pytest.fixture(scope="module")
def image(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository in an image: a copy, for postBuild removes parts of it, with something of its history."""
    copy = tmp_path_factory.mktemp("binder") / "image"
    shutil.copytree(checkout, copy)
    subprocess.run(["git", "init", "--quiet", copy], check=True)
    return copy


@pytest.fixture(scope="module")
def python(image: Path, environment: Callable[..., Path], only: Callable[..., str]) -> Path:
    """The Python of an environment made from binder/: the requirements first, postBuild last, no Node.js anywhere."""
    python = environment()
    variables = {
        **os.environ,
        "PATH": f"{python.parent}{os.pathsep}{only('bash', 'rm', 'env', 'mkdir', 'cp')}",
        "REPO_DIR": str(image),
    }
    command: list[str | Path] = [python, "-m", "pip", "install", "-qq", "-r", "binder/requirements.txt"]
    command += ["--no-compile"]  # thousands of modules, of which a notebook imports few
    subprocess.run(command, cwd=image, env=variables, check=True)
    subprocess.run([image / "binder" / "postBuild"], cwd=image, env=variables, check=True)
    return python


def test_binder_holds_only_what_repo2docker_reads(checkout: Path) -> None:
    assert {path.name for path in (checkout / "binder").iterdir()} <= REPO2DOCKER_KNOWS


def test_runtime_is_a_python_that_the_package_takes(checkout: Path) -> None:
    name, version = (checkout / "binder" / "runtime.txt").read_text().strip().split("-")
    assert name == "python"
    assert tuple(map(int, version.split("."))) >= (3, 10)


@pytest.mark.usefixtures("python")
def test_no_solution_is_left_in_the_image(image: Path) -> None:
    files = ((path.relative_to(image).as_posix(), path.read_bytes()) for path in image.rglob("*") if path.is_file())
    assert solutions.shown_in(files) == []
    assert not (image / ".git").exists()


def test_the_first_page_is_shown_as_a_page(python: Path, image: Path) -> None:
    """In the settings of JupyterLab; the README's button opens this page."""
    place = python.parents[1] / "etc" / "jupyter" / "labconfig" / "default_setting_overrides.json"
    assert "markdown" in json.loads(place.read_text())["@jupyterlab/docmanager-extension:plugin"]["defaultViewers"]
    assert "urlpath=lab%2Ftree%2Fnotebooks%2FREADME.md" in (image / "README.md").read_text(encoding="utf-8")
    page = (image / "notebooks" / "README.md").read_text(encoding="utf-8")
    (picture,) = re.findall(r"!\[.+\]\((.+)\)", page)
    assert (image / "notebooks" / picture).is_file()


@pytest.mark.parametrize("repository", ["", "/"], ids=["no repo2docker", "another folder"])
def test_a_checkout_that_is_no_image_loses_nothing(checkout: Path, repository: str) -> None:
    command = [checkout / "binder" / "postBuild"]
    variables = {**os.environ, "REPO_DIR": repository}
    answer = subprocess.run(command, cwd=checkout, env=variables, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr.count("\n")) == (1, 1)
    assert (checkout / "course").is_dir()


def test_the_first_notebook_runs(python: Path, image: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran.ipynb"
    # From another folder, so that what runs is what was installed.
    command: list[str | Path] = [python, "-c", EXECUTE, image / "notebooks" / "01-maps.ipynb", ran]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    outputs = [output for cell in json.loads(ran.read_text())["cells"] for output in cell.get("outputs", ())]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert "application/vnd.jupyter.widget-view+json" in kinds


def test_each_structure_is_a_live_view_that_the_page_lays_out_without_dot(
    python: Path, playwright: Any, browser: str, tmp_path: Path
) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "home").mkdir()
    chromium = playwright.chromium.launch(executable_path=browser, args=FLAGS)
    try:
        with (
            WithoutDot(tmp_path / "root", tmp_path / "home", python) as server,
            open_mission(chromium, server) as notebook,
        ):
            Mission(notebook).check()
    finally:
        chromium.close()
