"""Each *Try it* of the site leads to a notebook whose cells run by themselves, one after the other."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from urllib.parse import unquote

import pytest

from scripts.site import examples

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


@pytest.mark.parametrize("document", examples.pages(), ids=lambda path: path.name)
def test_each_link_has_its_notebook(document: Path) -> None:
    text = examples.with_links(document.read_text(encoding="utf-8"), document)
    paths = [unquote(path) for path in re.findall(r'\?path=(examples/[^"]+)"', text)]
    assert len(paths) == text.count(">Try it<")
    assert set(paths) <= set(TRIED)
