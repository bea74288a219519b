"""A release: two builds are the same bytes, and it can be installed by its name and used."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

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


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A server of the files in a folder, on this computer alone; gives its address."""
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


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


def test_it_is_installed_by_its_name_and_works(
    checkout: Path, dist: Path, environment: Callable[[], Path], only: Callable[..., str], tmp_path: Path
) -> None:
    """Its metadata name what it needs: pip finds that among the locked wheels, on a server of files."""
    wheels, python = tmp_path / "wheels", environment()
    locked = checkout / "tools" / "requirements" / "base.txt"
    download: list[str | Path] = [python, "-m", "pip", "download", "-qq", "--require-hashes", "--only-binary=:all:"]
    subprocess.run([*download, "-r", locked, "-d", wheels], check=True)
    for path in dist.glob("*.whl"):
        shutil.copy(path, wheels)
    install: list[str | Path] = [python, "-m", "pip", "--isolated", "install", "-qq", "--no-index"]
    with served(wheels) as address:
        subprocess.run([*install, "--only-binary=:all:", "--find-links", address, "vmwidgets"], check=True)
    command: list[str | Path] = [python.with_name("vmwidgets"), "selftest"]
    answer = subprocess.run(command, env={"PATH": only()}, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.endswith("18 recordings agree, 0 differ\n")


def test_the_wheel_is_small(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    assert wheel.stat().st_size < 3_400_000  # of them 0.2 MB are three recordings of what programs reference
