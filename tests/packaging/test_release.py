"""A release: two builds are the same bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

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
