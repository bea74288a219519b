"""docs/deviations.md: every quirk has its section, and the tests that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.oracles.recordings import lines_of
from vmwidgets.engine.kernel.x15 import X15_QUIRKS
from vmwidgets.engine.machine.boot import QUIRKS
from vmwidgets.engine.selfpaging.errors import BARRELFISH_QUIRKS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "deviations.md").read_text()


def section(quirk: str) -> str:
    """What the page says under the heading of `quirk`."""
    parts = [part for part in re.split(r"^### ", TEXT, flags=re.MULTILINE) if f"`{quirk}`" in part.split("\n", 1)[0]]
    assert len(parts) == 1, f"{quirk} has {len(parts)} headings"
    return parts[0]


def test_no_quirk_is_told_that_does_not_exist() -> None:
    numbered = re.findall(r"^### \d+ · `([^`]+)`", TEXT, flags=re.MULTILINE)
    assert sorted(numbered) == sorted(X15_QUIRKS)
    assert sorted(re.findall(r"^### `([^`]+)`", TEXT, flags=re.MULTILINE)) == sorted(BARRELFISH_QUIRKS)


@pytest.mark.parametrize("quirk", QUIRKS)
def test_its_test_is_named_and_exists(quirk: str) -> None:
    named = re.search(r"\*\*test:\*\* `(test_\w+)`", section(quirk))
    assert named is not None
    folder = "selfpaging" if quirk in BARRELFISH_QUIRKS else "kernel/x15"
    assert f"def {named[1]}(" in (ROOT / "tests" / "engine" / folder / "test_quirks.py").read_text()


@pytest.mark.parametrize("name", ["quirk-map-exhaustion-1", "quirk-unmap-modify-place-1"])
def test_every_recorded_scene_of_a_bug_of_barrelfish_is_told(name: str) -> None:
    scenes = {line["quirk"] for line in lines_of(name, "barrelfish") if "quirk" in line}
    assert scenes
    families = tuple(re.findall(r"`([a-z0-9-]+-)…`", TEXT))
    assert [scene for scene in sorted(scenes) if f"`{scene}`" not in TEXT and not scene.startswith(families)] == []


def test_the_files_that_it_names_exist() -> None:
    named = re.findall(r"`((?:tests|vmwidgets)/[^`]+)`", TEXT)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
