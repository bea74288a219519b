"""The set-up that a person meets first: `make` says what there is, and a missing browser is fetched or named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TARGETS = ("lab", "test", "lint", "format", "bench", "pictures", "build", "clean", "help")


def test_make_alone_says_what_there_is_to_do(root: Path) -> None:
    answer = subprocess.run(["make"], cwd=root, capture_output=True, text=True, check=True)
    listed = {line.split()[1] for line in answer.stdout.splitlines()}
    assert set(TARGETS) <= listed


@pytest.fixture
def machine(root: Path, only: Callable[..., str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs scripts/chromium, or another, on a machine with a few programs and the stand-ins that a test gives."""
    (tmp_path / "scripts").mkdir()
    for name in ("chromium", "dot"):
        shutil.copy2(root / "scripts" / name, tmp_path / "scripts")
    path = Path(only("sh", "dirname", "cat", "chmod"))

    def run(stand_ins: dict[str, str], script: str = "chromium", **variables: str) -> subprocess.CompletedProcess[str]:
        for name, body in stand_ins.items():
            program = tmp_path / name if "/" in name else path / name
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text(f"#!/bin/sh\n{body}\n")
            program.chmod(0o755)
        return subprocess.run(
            [tmp_path / "scripts" / script],
            env={"PATH": str(path), "HERE": str(path), **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


BROWSER = '[ "$1" = --version ]'
APT = f"""
[ "$1" = install ] || exit 0
printf '%s\\n' '#!/bin/sh' '{BROWSER}' > "$HERE/chromium"
chmod 755 "$HERE/chromium"
"""


def test_a_browser_that_is_there_is_used(machine: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    answer = machine({"chromium": BROWSER, "id": "echo 0", "apt-get": "exit 1"})
    assert answer.returncode == 0
    assert os.path.basename(answer.stdout.strip()) == "chromium"  # noqa: PTH119


def test_root_gets_debians(machine: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    answer = machine({"id": "echo 0", "apt-get": APT})
    assert answer.returncode == 0
    assert answer.stdout.strip().endswith("/chromium")


def test_others_get_playwrights(machine: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    playwright = 'echo \'#!/bin/sh\' > "$HERE/chromium"; chmod 755 "$HERE/chromium"'
    answer = machine({"id": "echo 1000", "apt-get": "exit 7", ".venv/bin/playwright": playwright})
    assert answer.returncode == 0
    assert answer.stdout.strip().endswith("/chromium")


def test_one_that_does_not_start_is_no_browser(machine: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    answer = machine({"chromium": "exit 127", "id": "echo 1000"})
    assert answer.returncode == 1
    assert answer.stdout == ""


def test_without_any_way_it_says_what_is_missing(machine: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    answer = machine({"id": "echo 0", "apt-get": "exit 100"})
    assert answer.returncode == 1
    assert "need Chromium" in answer.stderr.splitlines()[-1]


def test_a_named_browser_is_taken_at_its_word(machine: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    answer = machine({"chromium": BROWSER}, CHROMIUM="/nowhere/chromium")
    assert answer.returncode == 1
    assert "/nowhere/chromium" in answer.stderr


GRAPHVIZ = '[ "$1" = -V ]'


def test_graphviz_that_is_there_is_used(machine: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    answer = machine({"dot": GRAPHVIZ, "id": "echo 0", "apt-get": "exit 1"}, "dot")
    assert answer.stdout.strip().endswith("/dot")


def test_root_gets_debians_graphviz(machine: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    body = APT.replace(BROWSER, GRAPHVIZ).replace("/chromium", "/dot")
    answer = machine({"id": "echo 0", "apt-get": body}, "dot")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip().endswith("/dot")


def test_without_graphviz_it_says_what_is_missing(machine: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    answer = machine({"dot": "exit 127", "id": "echo 1000", "apt-get": "exit 100"}, "dot")
    assert answer.returncode == 1
    assert "need Graphviz's program" in answer.stderr.splitlines()[-1]


def test_every_hook_is_local(root: Path) -> None:
    config = root / ".pre-commit-config.yaml"
    subprocess.run([sys.executable, "-m", "pre_commit", "validate-config", config], check=True)
    repositories = [line.strip() for line in config.read_text().splitlines() if line.strip().startswith("- repo:")]
    assert set(repositories) == {"- repo: local"}
