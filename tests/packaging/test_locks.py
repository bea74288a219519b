"""The locks: made from what pyproject.toml says, every package with hashes, no address of any registry."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import lock

LOCKS = ("base", "build", "lab", "test", "unit", "uv")
APART = ("peers", "site", *(f"hosts/{name}" for name in lock.hosts()))
"""Those of environments beside .venv."""

PINNED = re.compile(r"([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)")


def requirements(root: Path, name: str) -> list[str]:
    """The requirements of a lock, each with its hashes on one line."""
    text = (root / "requirements" / f"{name}.txt").read_text()
    lines = [line for line in text.replace("\\\n", " ").splitlines() if not line.lstrip().startswith("#")]
    return [line for line in lines if line.strip()]


def pins(root: Path, name: str) -> set[tuple[str, str]]:
    """Names and versions of a lock."""
    found = [PINNED.match(line) for line in requirements(root, name)]
    return {(match[1], match[2]) for match in found if match}


def test_no_lock_is_missing(root: Path) -> None:
    folder = root / "requirements"
    there = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.txt")}
    assert there == {*LOCKS, *APART} == set(lock.wanted())


@pytest.mark.parametrize("name", [*LOCKS, *APART])
def test_every_requirement_is_pinned_and_hashed(root: Path, name: str) -> None:
    for line in requirements(root, name):
        assert PINNED.match(line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), line


@pytest.mark.parametrize("name", [*LOCKS, *APART])
def test_no_lock_names_a_registry(root: Path, name: str) -> None:
    text = (root / "requirements" / f"{name}.txt").read_text()
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host|(^|\s)-[if]\b", text)


@pytest.mark.parametrize("folder", ["js", "tests/hosts"])
def test_the_locks_of_npm_name_no_registry_and_hash_everything(root: Path, folder: str) -> None:
    packages = json.loads((root / folder / "package-lock.json").read_text())["packages"]
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert name == "" or package["integrity"].startswith("sha512-"), name


def test_the_smaller_locks_are_parts_of_the_test_lock(root: Path) -> None:
    for name in LOCKS:
        assert pins(root, name) <= pins(root, "test"), name


def test_the_locks_are_made_from_what_pyproject_says() -> None:
    assert lock.stale() == []


def test_a_changed_requirement_makes_its_locks_stale(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {**lock.wanted(), "lab": ("something-else",)}
    monkeypatch.setattr(lock, "wanted", lambda: wanted)
    assert lock.stale() == ["lab"]


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_the_test_lock_can_be_installed(root: Path, version: str, tmp_path: Path) -> None:
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "--quiet",
        "--dry-run",
        "--target",
        tmp_path,
    ]
    command += ["--python-version", version, "--only-binary", ":all:", "--require-hashes"]
    subprocess.run([*command, "-r", root / "requirements" / "test.txt"], check=True)
