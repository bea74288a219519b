"""Binder's files, as repo2docker reads them: its own classes say what it will run, without Docker."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools import hosts

READ = """
import json, sys
from repo2docker.app import Repo2Docker

for kind in Repo2Docker().buildpacks:
    pack = kind("buildpack-deps:jammy")
    pack.platform = "linux/amd64"
    if pack.detect():
        break
print(json.dumps({
    "kind": kind.__name__,
    "python": pack.python_version,
    "installs": [script for _, script in pack.get_assemble_scripts()],
    "after": pack.get_post_build_scripts(),
    "dockerfile": pack.render({}),
}))
"""


def read_by_repo2docker(folder: Path) -> dict[str, Any]:
    command: list[str | Path] = [hosts.python_of("binder"), "-W", "ignore", "-c", READ]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


@pytest.fixture
def repository(root: Path, tmp_path: Path) -> Path:
    """What matters of the repository: its root's files and binder/."""
    for path in root.iterdir():
        if path.is_file() and not path.name.startswith("."):
            shutil.copy2(path, tmp_path)
    shutil.copytree(root / "binder", tmp_path / "binder")
    (tmp_path / "tools" / "requirements").mkdir(parents=True)
    shutil.copy2(root / "tools" / "requirements" / "lab.txt", tmp_path / "tools" / "requirements")
    return tmp_path


def test_it_installs_the_locked_lab_on_the_python_that_is_named(repository: Path) -> None:
    found = read_by_repo2docker(repository)
    assert found["kind"] == "PythonBuildPack"
    assert f"python-{found['python']}" == (repository / "binder" / "runtime.txt").read_text().strip()
    installs = [line for line in found["installs"] if "requirements.txt" in line]
    assert installs[-1].endswith('-r "binder/requirements.txt"')
    assert found["after"] == ["binder/postBuild"]
    assert "binder/postBuild" in found["dockerfile"]


def test_without_binders_folder_it_would_be_read_otherwise(repository: Path) -> None:
    """The root has files that repo2docker knows too: they count only where there is no binder/."""
    shutil.rmtree(repository / "binder")
    found = read_by_repo2docker(repository)
    assert found["after"] == []
    assert not [line for line in found["installs"] if "binder/requirements.txt" in line]
