"""The figures of the pages by chapter: each is drawn, is what the tables name, and its link opens its code."""

from __future__ import annotations

import base64
import re
import zlib
from pathlib import Path

import pytest

from tests.captions import says
from tools.site import figures


@pytest.mark.parametrize("name", list(figures.figures()))
def test_a_figure_is_the_picture_that_the_tables_name(name: str) -> None:
    _, picture = figures.figures()[name].picture()
    assert type(picture).__name__ == name
    assert picture.scene().nodes


def test_the_steps_of_a_fault_begin_where_the_access_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at the fork before it, in which nothing faults."""
    fault = figures.figures()["Fault"]
    monkeypatch.setattr(figures, "figures", lambda: {"Fault": fault})
    monkeypatch.setattr("tools.site.handouts.put", lambda *_: None)
    figures.write_steps(tmp_path)
    first, *others = (tmp_path / f"{fault.file}.html").read_text(encoding="utf-8").split("<article")[1:]
    assert says("cpus: TlbMissed", first)
    assert len(others) > 5
    assert says("fault strips: copied", others[-1])


def test_each_picture_of_a_table_has_a_figure() -> None:
    chapters = list(figures.chapters())
    assert len({chapter.book for chapter in chapters}) == 4
    drawn = {figure.name for chapter in chapters for figure in chapter.figures}  # raises for a name without a figure
    assert drawn == set(figures.figures())


def test_the_link_of_a_page_has_the_code_that_the_page_shows() -> None:
    for chapter in figures.chapters():
        page = figures.page(chapter)
        linked = re.findall(r"#code=([\w-]+)", page)
        shown = re.findall(r"```python\n(.*?)\n```", page, re.DOTALL)
        packed = [base64.urlsafe_b64decode(one + "=" * (-len(one) % 4)) for one in linked]
        assert [zlib.decompress(one).decode() for one in packed] == shown
