"""How README and the documents say to install vmwidgets is how it can be installed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tools import hero
from vmwidgets import released
from vmwidgets.pictures.spaces import range_names

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


def shown() -> list[str]:
    """README's lines of Python, without their comments."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^    >>> (.+?)(?:  +#.*)?$", readme, re.MULTILINE)


@pytest.mark.parametrize("name", ["graphviz", "graphviz-dark"])
def test_graphviz_s_drawing_in_readme_is_the_tree_of_its_lines(name: str) -> None:
    """A node for each entry, from left to right in the order of addresses, and an edge to each but the root."""
    known: dict[str, Any] = {}
    exec("\n".join(shown()), known)
    tree = ET.parse(ROOT / "docs" / "pictures" / f"{name}.svg")
    words = sorted((float(one.attrib["x"]), one.text) for one in tree.iterfind(".//{*}text"))
    space = known["parent"].map
    names = range_names(space.vm_map, space.roles)
    assert [said for _, said in words] == [names[entry.id] for entry in space]
    edges = [one for one in tree.iterfind(".//{*}g[@class]") if one.attrib["class"].startswith("edge")]
    assert len(edges) == len(words) - 1 > 1


def test_readme_s_first_picture_is_drawn_from_readme_s_code() -> None:
    assert tuple(shown()[: len(hero.CODE)]) == hero.CODE
    drawn = list(hero.frames())
    assert all(len(hero.words(one)) <= 90 for one in drawn), "more is not read in four seconds"


def test_readme_s_first_picture_says_what_the_machine_has() -> None:
    """By walks: three frames for three pages, three for six after the fork, four after the write."""
    known: dict[str, Any] = {}
    counts = []
    for line in hero.CODE:
        exec(line, known)
        if line in hero.CODE[-3:]:
            tasks, pages = known["m"].tasks.values(), [known["a"] + 4096 * page for page in range(3)]
            counts.append(({task.walk(page).pa for task in tasks for page in pages}, len(tasks) * len(pages)))
    said = [f"{len(frames)} frames for {pages} pages" for frames, pages in counts]
    assert said == ["3 frames for 3 pages", "3 frames for 6 pages", "4 frames for 6 pages"]
    for words, one in zip(said, hero.frames(), strict=True):
        assert words in {run.text for node in one.scene.nodes for run in node.text}
