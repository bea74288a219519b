"""Each *Try it* of the site leads to a notebook whose cells run by themselves, one after the other."""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import vmwidgets as vm
from tools import pictures
from tools.site import examples

TRIED = {tried.path: tried for tried in examples.everything()}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for what examples save."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("path", sorted(TRIED))
def test_its_cells_run_by_themselves(path: str) -> None:
    names: dict[str, object] = {"__name__": "__main__"}
    for source, raises in TRIED[path].cells():
        code = compile(source, path, "exec")
        with redirect_stdout(io.StringIO()):
            if raises:
                with pytest.raises(Exception):  # noqa: B017, PT011  the document says which, and a doctest holds it
                    exec(code, names)
            else:
                exec(code, names)


WITHOUT = {
    "BesideLinux": "compares with processes of this computer",
    "Broken": "is raised by a bug of ours",
    "Followed": "follows a kernel in an emulator",
    "Stops": "shows a kernel in an emulator",
    "View": "is the base of the pictures",
    "load_tables": "reads a file",
    "xv6": "builds a kernel",
}
"""Public names without an example, with the reason."""


def test_each_public_name_has_an_example() -> None:
    things = {name: getattr(vm, name) for name in vm.__all__}
    called = {name: one for name, one in things.items() if inspect.isclass(one) or inspect.isroutine(one)}
    assert len(called) > 70

    def texts(thing: Any) -> Iterator[str]:
        yield inspect.getdoc(thing) or ""
        members = vars(thing).values() if inspect.isclass(thing) else ()
        yield from (inspect.getdoc(one) or "" for one in members if inspect.isroutine(one))

    assert {name for name, one in called.items() if not any(">>> " in text for text in texts(one))} == set(WITHOUT)


@pytest.mark.parametrize("document", examples.pages(), ids=lambda path: path.name)
def test_each_link_has_its_notebook(document: Path) -> None:
    text = examples.with_links(document.read_text(encoding="utf-8"), document)
    paths = [unquote(path) for path in re.findall(r'\?path=(examples/[^"]+)"', text)]
    assert len(paths) == text.count(">Try it<")
    assert set(paths) <= set(TRIED)


@pytest.mark.parametrize("name", pictures.views())
def test_each_picture_of_the_gallery_can_be_tried(name: str) -> None:
    assert f"{examples.FOLDER}/gallery/{name}.ipynb" in TRIED
