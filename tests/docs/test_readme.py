"""README: its pictures are there and of a modest size, and its example is as short as it says."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from vmwidgets.engine.base.released import install

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text()
PICTURES = sorted(set(re.findall(r"docs/pictures/[\w-]+\.(?:svg|png)", TEXT)))


def test_it_shows_the_real_thing_in_light_and_dark() -> None:
    assert {"docs/pictures/notebook-light.png", "docs/pictures/notebook-dark.png"} <= set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_whole_and_small(name: str) -> None:
    content = (ROOT / name).read_bytes()
    assert 1_000 < len(content) < 256 * 1024
    if name.endswith(".svg"):
        assert ET.fromstring(content).tag.endswith("svg")
    else:
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert content.endswith(b"IEND\xaeB`\x82")


def test_every_picture_is_shown_somewhere() -> None:
    documents = [TEXT, *(path.read_text() for path in (ROOT / "docs").rglob("*.md"))]
    made = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs" / "pictures").iterdir()}
    assert {name for name in made if not any(Path(name).name in text for text in documents)} == set()


def test_the_two_commands_and_the_launch_link_are_there() -> None:
    assert "make lab" in TEXT
    typed = install("lab").removesuffix(" in a clone of vmwidgets")
    assert f"    {typed}\n    vmwidgets course " in TEXT
    assert "make test" in TEXT
    assert "labpath=notebooks%2F01-maps.ipynb" in TEXT


def test_the_example_has_ten_lines() -> None:
    assert sum(line.startswith("    >>> ") for line in TEXT.splitlines()) == 10
