"""The site's examples to try: each notebook has all that its cells need, and runs from its first cell."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tools.site import contents, examples
from tools.site.examples import Example, needed
from tools.site.places import ROOT

ALL = {tried.path: tried for tried in examples.everything()}
SOME = random.Random(35).sample(sorted(ALL), 8)


def run(path: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)  # examples save files
    names: dict[str, Any] = {}
    for source, raises in ALL[path].cells():
        code = compile(source, path, "exec")
        if raises:
            with pytest.raises(Exception):  # noqa: B017, PT011  each error is its own
                exec(code, names)
        else:
            exec(code, names)


@pytest.mark.parametrize("path", SOME)
def test_a_notebook_of_examples_runs(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(path, tmp_path, monkeypatch)


@pytest.mark.sweep
@pytest.mark.parametrize("path", sorted(set(ALL) - set(SOME)))
def test_each_notebook_of_examples_runs(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(path, tmp_path, monkeypatch)


def test_no_name_is_missing() -> None:
    missing = {path: examples.missing([*tried.before, *tried.examples]) for path, tried in ALL.items()}
    assert {path: names for path, names in missing.items() if names} == {}


def sources(earlier: list[str], own: str) -> list[str]:
    return [one.source for one in needed([Example(source) for source in earlier], [Example(own)])]


def test_what_changes_a_thing_comes_with_it_under_each_of_its_names() -> None:
    earlier = ["import os", "a = [1]", "b = a", "a.append(2)", "c = 5", "f(c)"]
    assert sources(earlier, "print(b)") == ["import os", "a = [1]", "b = a", "a.append(2)"]
    assert sources(earlier, "print(c)") == ["import os", "c = 5", "f(c)"]


def test_a_name_that_is_given_another_thing_leaves_the_first_behind() -> None:
    earlier = ["m = boot(1)", "m.write(1)", "for n in range(3):\n    m.write(n)", "m = boot(2)", "m.write(4)"]
    assert sources(earlier, "m.read(4)") == ["m = boot(2)", "m.write(4)"]
    assert sources([*earlier, "n = 1", "[n for n in range(3)]", "m = m.branch()"], "m.read(4)") == [
        "m = boot(2)", "m.write(4)", "m = m.branch()",
    ]  # fmt: skip


def test_lines_of_earlier_sections_are_folded_and_the_heading_says_so() -> None:
    for tried in ALL.values():
        heading, _install, first, *others = contents.notebook_of(tried).cells
        folded = first.metadata.get("jupyter") == {"source_hidden": True}
        assert folded == (len(tried.before) > 1) == (contents.FOLDED in heading.source)
        assert first.source.startswith(examples.BEFORE) == bool(tried.before)
        assert not any("jupyter" in cell.metadata for cell in others)


def test_sections_with_examples_lead_to_their_notebooks() -> None:
    text = (ROOT / "docs" / "deviations.md").read_text(encoding="utf-8")
    linked = examples.with_links(text, ROOT / "docs" / "deviations.md")
    paths = [path for path in ALL if path.startswith("examples/deviations/")]
    assert len(paths) > 20
    for path in paths:
        assert f'<a class="open" href="../lab/lab/index.html?path={path}">Try it</a>' in linked
    assert examples.with_links("# Nothing\n", ROOT / "LICENSE") == "# Nothing\n"


def test_a_cell_ends_with_what_it_shows_and_an_error_stops_nothing() -> None:
    notebook = contents.notebook_of(ALL["examples/reference/Costs.ipynb"])
    cells = [(cell.source, cell.metadata.get("tags")) for cell in notebook.cells if cell.cell_type == "code"]
    assert cells[0] == (contents.INSTALL, None)
    assert any(tags == ["raises-exception"] for _, tags in cells)
    assert all(source for source, _ in cells)
