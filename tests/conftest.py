"""What all tests share: where the checkout is, deterministic random search, no settings of the person."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import tiers

ROOT = Path(__file__).resolve().parent.parent

# nbformat imports jsonschema, which builds a grammar of IRIs where this package is there: 2 s of each worker, for a
# format that no schema of a notebook has.
sys.modules.setdefault("rfc3987_syntax", None)  # None: an import fails

# The same examples every time, and no failure because a machine was busy.
settings.register_profile(
    "test", deadline=None, max_examples=8, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("sweep", deadline=None, max_examples=1_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("VMWIDGETS_HYPOTHESIS", "test"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice of a tier (tests/tiers.py); without one, all tests run that are not for the sweep."""
    parser.addoption("--tier", choices=("fast", "rest", "every"), default="", help="see tests/tiers.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the tier ("every" has all); without one, mark what tests/tiers.txt leaves to the sweep."""
    if config.getoption("--tier") == "every":
        return
    tiers_of = tiers.split(items)
    for item in tiers_of["sweep"]:
        if not item.get_closest_marker("kernel"):
            item.add_marker(pytest.mark.sweep)
    if tier := config.getoption("--tier"):
        items[:] = tiers_of.pop(tier)
        config.hook.pytest_deselected(items=[item for others in tiers_of.values() for item in others])


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Keep what was left out for the last lines of `make test` and `make check`."""
    tiers.note_left_out(terminalreporter.stats.get("skipped", []))


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the collector need not look at it again and again, and looks less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The package's wheel, built with the locked build requirements, once for all workers."""
    import fcntl

    folder = tmp_path_factory.getbasetemp()
    folder = (folder if worker_id == "master" else folder.parent) / "wheel"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not [*folder.glob("*.whl")]:
            command = [sys.executable, "-m", "uv", "build", "--wheel", "--quiet", "--no-build-isolation"]
            subprocess.run([*command, "--python", sys.executable, "--out-dir", folder, root], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def without_collector() -> Iterator[None]:
    """For interrupts at any moment: one that falls into a callback of the collector is lost there, and reported."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.fixture(scope="session")
def browser() -> str:
    """The path of a Chromium; without one, its tests are left out."""
    from tests.browser.lab import find_chromium

    try:
        return find_chromium()
    except RuntimeError as absent:
        tiers.leave_out(str(absent))


@pytest.fixture(scope="session")
def playwright() -> Iterator[Any]:
    """What drives browsers; a process can start it once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session", autouse=True)
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the person's Jupyter and IPython settings out of the tests, and the tests' out of theirs."""
    home = tmp_path_factory.mktemp("jupyter")
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        os.environ[name] = str(home / name.lower())
