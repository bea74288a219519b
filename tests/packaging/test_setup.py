"""The set-up that a person meets first: programs that are found, fetched or named, and an environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

STARTS = "exit 0"
BROWSER = '[ "$1" = --version ]'
APT = f"""
[ "$1" = install ] || exit 0
printf '%s\\n' '#!/bin/sh' '{BROWSER}' > "$HERE/chromium"
chmod 755 "$HERE/chromium"
"""
PLAYWRIGHT = 'echo \'#!/bin/sh\' > "$HERE/chromium"; chmod 755 "$HERE/chromium"'
ROOT_USER, PERSON = "echo 0", "echo 1000"


@pytest.fixture
def machine(root: Path, only: Callable[..., str], tmp_path: Path) -> Run:
    """Runs a script of tools/ on a machine with a few programs and the stand-ins that a test gives."""
    (tmp_path / "tools").mkdir()
    for name in ("chromium", "program"):
        shutil.copy2(root / "tools" / name, tmp_path / "tools")
    path = Path(only("sh", "dirname", "cat", "chmod"))

    def run(
        script: str, *arguments: str, programs: dict[str, str], **variables: str
    ) -> subprocess.CompletedProcess[str]:
        for name, body in programs.items():
            program = tmp_path / name if "/" in name else path / name
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text(f"#!/bin/sh\n{body}\n")
            program.chmod(0o755)
        return subprocess.run(
            [tmp_path / "tools" / script, *arguments], env={"PATH": str(path), "HERE": str(path), **variables},
            capture_output=True, text=True, check=False,
        )  # fmt: skip  # what runs, and where

    return run


@pytest.mark.parametrize(
    "programs",
    [
        {"chromium": BROWSER, "id": ROOT_USER, "apt-get": "exit 1"},
        {"id": PERSON, "apt-get": "exit 7", ".venv/bin/playwright": PLAYWRIGHT},
        {"id": ROOT_USER, "apt-get": "exit 7", ".venv/bin/playwright": PLAYWRIGHT},
        {"id": ROOT_USER, "apt-get": APT, ".venv/bin/playwright": "exit 1"},
    ],
    ids=["the one that is there", "Playwright's", "Playwright's, before a package of the system", "Debian's, for root"],
)
def test_a_chromium_is_found_or_fetched(machine: Run, programs: dict[str, str]) -> None:
    answer = machine("chromium", programs=programs)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip().endswith("/chromium")


def test_debians_chromium_does_not_become_the_computers_browser(machine: Run, tmp_path: Path) -> None:
    noted = tmp_path / "asked"
    programs = {"id": ROOT_USER, "apt-get": APT, "update-alternatives": f'echo "$@" >> {noted}'}
    assert machine("chromium", programs=programs).returncode == 0
    assert "--remove x-www-browser /usr/bin/chromium" in noted.read_text()


@pytest.mark.parametrize(
    ("programs", "variables", "said"),
    [
        ({"id": ROOT_USER, "apt-get": "exit 100"}, {}, "CHROMIUM=/path/to/chromium"),
        ({"chromium": "exit 127", "id": PERSON}, {}, "CHROMIUM=/path/to/chromium"),
        ({"chromium": BROWSER}, {"CHROMIUM": "/nowhere/chromium"}, "/nowhere/chromium, which does not start"),
    ],
)
def test_without_a_chromium_it_says_what_to_do(
    machine: Run, programs: dict[str, str], variables: dict[str, str], said: str
) -> None:
    answer = machine("chromium", programs=programs, **variables)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert said in answer.stderr.splitlines()[-1]


def test_a_program_is_installed_only_when_asked(machine: Run) -> None:
    programs = {"id": ROOT_USER, "apt-get": APT.replace("/chromium", "/strace").replace(BROWSER, STARTS)}
    answer = machine("program", "strace", programs=programs)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "apt install strace" in answer.stderr
    assert machine("program", "--install", "strace", programs=programs).stdout.strip().endswith("/strace")


def test_a_python_without_venv_is_told_what_to_install(root: Path, only: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "ensurepip.py").write_text("raise ImportError")
    code = "from tools import environment; environment.create()"
    variables = {"PATH": only("sh"), "PYTHONPATH": os.pathsep.join([str(tmp_path), str(root)])}
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "has no venv" in answer.stderr.splitlines()[-1]
