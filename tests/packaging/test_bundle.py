"""The build hook: it builds again exactly when the sources or what was built are no longer the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import hatch_build

OURS = (
    "vmwidgets/views/scene/style.css",
    "vmwidgets/views/scene/live.css",
    "vmwidgets/widgets/host/dictionary.txt",
)
"""What the bundle takes of the package."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose bundle is up to date."""
    for name in ("js/package.json", "js/package-lock.json", "js/build.mjs", "js/src/hub.ts", *OURS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / hatch_build.OUTPUT).mkdir(parents=True)
    (tmp_path / hatch_build.OUTPUT / "hub.js").write_text("built")
    record = {"sources": hatch_build.sources_of(tmp_path), "files": hatch_build.built_files(tmp_path)}
    (tmp_path / hatch_build.RECORD).write_text(json.dumps(record))
    return tmp_path


def test_what_was_built_from_these_sources_stays(project: Path) -> None:
    assert hatch_build.up_to_date(project, hatch_build.sources_of(project))


@pytest.mark.parametrize(
    "name", ["js/src/hub.ts", "js/src/new.ts", "js/build.mjs", "js/tsconfig.json", "hatch_build.py", *OURS]
)
def test_a_changed_or_new_source_asks_for_a_build(project: Path, name: str) -> None:
    (project / name).write_text("changed")
    assert not hatch_build.up_to_date(project, hatch_build.sources_of(project))


def test_a_renamed_source_asks_for_a_build(project: Path) -> None:
    (project / "js/src/hub.ts").rename(project / "js/src/other.ts")
    assert not hatch_build.up_to_date(project, hatch_build.sources_of(project))


@pytest.mark.parametrize("damage", ["cut", "removed", "added", "no record", "broken record"])
def test_a_damaged_bundle_asks_for_a_build(project: Path, damage: str) -> None:
    static = project / hatch_build.OUTPUT
    if damage == "cut":
        (static / "hub.js").write_text("bui")
    elif damage == "removed":
        (static / "hub.js").unlink()
    elif damage == "added":
        (static / "leftover.js").write_text("old")
    elif damage == "no record":
        (project / hatch_build.RECORD).unlink()
    else:
        (project / hatch_build.RECORD).write_text("{")
    assert not hatch_build.up_to_date(project, hatch_build.sources_of(project))
