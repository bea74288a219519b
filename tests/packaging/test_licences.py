"""THIRD_PARTY.md has what the bundler puts inside the front end, and each licence is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from scripts.licences import Package, bundled

SPELLED = {"Apache License 2.0": "Apache-2.0", "MIT": "MIT", "BSD-3-Clause": "BSD-3-Clause", "ISC": "ISC"}


@pytest.fixture(scope="module")
def inside(root: Path) -> list[Package]:
    return bundled(root)


def rows(root: Path) -> dict[str, str]:
    """The packages of npm in THIRD_PARTY.md, each with its licence."""
    text = (root / "THIRD_PARTY.md").read_text("utf-8")
    found = re.findall(r"^\| (@?[\w./-]+) \| ([^|]+) \| npm", text, re.MULTILINE)
    return {name: SPELLED[licence] for name, licence in found}


def test_the_page_has_each_package_and_its_licence(root: Path, inside: list[Package]) -> None:
    assert rows(root) == {one.name: one.licence for one in inside}


def test_the_files_that_contain_one_are_named(root: Path, inside: list[Package]) -> None:
    text = (root / "THIRD_PARTY.md").read_text("utf-8")
    assert {name for one in inside for name in one.files} == set(re.findall(r"(\w+\.js)`", text))


def test_the_licence_of_each_lies_in_the_package(root: Path, inside: list[Package]) -> None:
    folder = root / "vmwidgets" / "static" / "licenses"
    lying = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    assert set(lying) == {f"{one.name.strip('@').replace('/', '-')}.txt" for one in inside}
    for one in inside:
        words = "Apache License" if one.licence == "Apache-2.0" else "Permission is hereby granted"
        assert words in lying[f"{one.name.strip('@').replace('/', '-')}.txt"]


def test_what_is_inside_is_what_the_lock_has(root: Path, inside: list[Package]) -> None:
    locked = json.loads((root / "js" / "package-lock.json").read_text("utf-8"))["packages"]
    assert inside
    assert {one.name: one.version for one in inside} == {
        one.name: locked[f"node_modules/{one.name}"]["version"] for one in inside
    }
