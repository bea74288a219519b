"""A release: two builds are the same bytes, and it can be installed from an index and used."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import local_index, release

COMMITTED = 1_700_000_000
"""A time of a commit, in seconds."""


def built(checkout: Path, folder: Path, **variables: str) -> dict[str, str]:
    """The files that a build of a checkout makes, each with its hash."""
    command = [sys.executable, "-m", "uv", "build", "--quiet", "--no-build-isolation", "--python", sys.executable]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(COMMITTED), **variables}
    subprocess.run([*command, "--out-dir", str(folder), str(checkout)], check=True, env=environment)
    return hashes(folder)


def hashes(folder: Path) -> dict[str, str]:
    """The sdist and the wheel in a folder."""
    files = [path for path in folder.iterdir() if path.name.endswith((".whl", ".tar.gz"))]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def dist(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    built(checkout, folder)
    return folder


@pytest.mark.sweep
def test_two_builds_are_the_same_bytes(checkout: Path, dist: Path, tmp_path: Path) -> None:
    """In another folder, an hour later, by another user's mask, in another language and time zone."""
    other = tmp_path / "another place" / "of the same sources"
    shutil.copytree(checkout, other, ignore=shutil.ignore_patterns("node_modules", "static"))
    for path in other.rglob("*"):
        os.utime(path, (time.time() + 3600,) * 2)
        path.chmod(0o700 if path.is_dir() else 0o600 | path.stat().st_mode & 0o100)
    before = os.umask(0o077)
    try:
        again = built(other, tmp_path / "dist", TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="7")
    finally:
        os.umask(before)
    assert len(again) == 2
    assert again == hashes(dist)


def test_it_is_installed_from_an_index_and_works(
    checkout: Path, dist: Path, environment: Callable[[], Path], only: Callable[..., str], tmp_path: Path
) -> None:
    wheels = tmp_path / "wheels"
    python = environment()
    locked = checkout / "requirements" / "base.txt"
    download: list[str | Path] = [python, "-m", "pip", "download", "-qq", "--require-hashes", "--only-binary=:all:"]
    subprocess.run([*download, "-r", locked, "-d", wheels], check=True)
    (wheel,) = dist.glob("*.whl")
    shutil.copy2(wheel, wheels)
    assert "vmwidgets" in local_index.make_index(wheels, tmp_path / "index")
    index = (tmp_path / "index").as_uri()
    install: list[str | Path] = [python, "-m", "pip", "--isolated", "install", "-qq", "--no-cache-dir"]
    subprocess.run([*install, "--index-url", index, "vmwidgets"], check=True)
    command: list[str | Path] = [python.with_name("vmwidgets"), "selftest"]
    answer = subprocess.run(command, env={"PATH": only()}, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.endswith("18 recordings agree, 0 differ\n")


def test_a_wheel_that_was_changed_is_not_installed(dist: Path, environment: Callable[[], Path], tmp_path: Path) -> None:
    local_index.make_index(dist, tmp_path / "index")
    (wheel,) = (tmp_path / "index" / "vmwidgets").glob("*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"x")
    install: list[str | Path] = [environment(), "-m", "pip", "--isolated", "install", "--no-cache-dir", "--no-deps"]
    command: list[str | Path] = [
        *install,
        "--only-binary=:all:",
        "--index-url",
        (tmp_path / "index").as_uri(),
        "vmwidgets",
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode != 0
    assert "DO NOT MATCH THE HASHES" in answer.stderr


def test_the_wheel_is_small(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    assert wheel.stat().st_size < 3_000_000


@pytest.fixture
def ready(root: Path, tmp_path: Path) -> Path:
    """The files that a tag is compared with, as they are for 1.2.3."""
    (tmp_path / "vmwidgets" / "engine" / "base").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (tmp_path / "CITATION.cff").write_text("version: 1.2.3\n")
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n\n## [1.2.3] - 2030-01-01\n")
    (tmp_path / "vmwidgets" / "engine" / "base" / "released.py").write_text("RELEASED = True\n")
    return tmp_path


def test_a_tag_that_agrees_with_all_is_a_release(ready: Path) -> None:
    assert list(release.problems("v1.2.3", ready)) == []


@pytest.mark.parametrize(
    ("tag", "file", "text", "why"),
    [
        ("1.2.3", "pyproject.toml", None, "is not a version"),
        ("v1.2.4", "pyproject.toml", None, "pyproject.toml has the version 1.2.3, not 1.2.4"),
        ("v1.2.3", "CITATION.cff", "version: 1.2.2\n", "CITATION.cff has the version 1.2.2"),
        ("v1.2.3", "CHANGELOG.md", "## [Unreleased]\n\n## [1.2.2]\n", "CHANGELOG.md has no section [1.2.3]"),
        ("v1.2.3", "vmwidgets/engine/base/released.py", "RELEASED = False\n", "is not True"),
    ],
)
def test_a_tag_that_does_not_agree_is_none(ready: Path, tag: str, file: str, text: str | None, why: str) -> None:
    if text is not None:
        (ready / file).write_text(text)
    assert any(why in problem for problem in release.problems(tag, ready))


def test_today_no_tag_is_a_release_unless_the_constant_says_so(root: Path) -> None:
    from vmwidgets.engine.base.released import RELEASED

    problems = list(release.problems("v0.1.0", root))
    assert any("RELEASED" in one for one in problems) != RELEASED
