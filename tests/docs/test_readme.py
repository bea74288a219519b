"""How README and the documents say to install vmwidgets is how it can be installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.site import gallery
from vmwidgets.engine.base import released

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
FROM_INDEX = re.compile(r"\b(?:pip|uv|conda)\b.{0,20} (?:install|add) (?:-\S+ )*[\"']?vmwidgets(?![\w/-])(?! @)")
OTHERWISE = {"release.md", "deploy.md"}
"""Pages with the day of a release, and with the index inside a JupyterLite site."""


def test_readme_has_the_command_that_messages_name() -> None:
    typed = released.install("lab").removesuffix(" in a clone of vmwidgets")
    assert f"    {typed}\n    vmwidgets course " in (ROOT / "README.md").read_text(encoding="utf-8")


def test_before_a_release_no_page_installs_it_from_an_index() -> None:
    """Until then, the name on an index may belong to others."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "notebooks").rglob("*.*")]
    read = {path.name: path.read_text(encoding="utf-8") for path in pages if path.suffix in (".md", ".ipynb")}
    found = [name for name, text in read.items() if name not in OTHERWISE and FROM_INDEX.search(text)]
    assert found == [] or released.RELEASED


def test_messages_name_the_index_once_there_is_a_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(released, "RELEASED", False)
    assert released.install("lab") == 'pip install ".[lab]" in a clone of vmwidgets'
    assert released.install() == "pip install . in a clone of vmwidgets"
    monkeypatch.setattr(released, "RELEASED", True)
    assert (released.install("lab"), released.install()) == ('pip install "vmwidgets[lab]"', "pip install vmwidgets")


def test_the_picture_of_the_five_lines_is_drawn_from_them() -> None:
    shown = re.findall(r"^    >>> (.+?)(?:  +#.*)?$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert shown == ["import vmwidgets as vm", *gallery.code("five-lines").splitlines()[:-1]]
    assert len(shown) == 6
