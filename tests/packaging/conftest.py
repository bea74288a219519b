"""A checkout as a clone would be, clean environments, and PATHs that hold only what a test grants."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def checkout(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that git knows or would take, and nothing that was built or installed."""
    clone = tmp_path_factory.mktemp("checkout")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        if (root / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, clone / name)
    return clone


@pytest.fixture(scope="session")
def only(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """A PATH with the named programs of this machine and no other."""

    def path(*programs: str) -> str:
        folder = tmp_path_factory.mktemp("path")
        for program in programs:
            real = shutil.which(program)
            assert real, f"this machine has no {program}"
            (folder / program).symlink_to(real)
        return str(folder)

    return path


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A new, empty environment with pip, or as venv's options say; gives its Python."""

    def create(*options: str) -> Path:
        folder = tmp_path_factory.mktemp("environment")
        subprocess.run([sys.executable, "-m", "venv", *options, folder], check=True)
        return folder / "bin" / "python"

    return create
