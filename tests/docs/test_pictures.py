"""The pictures of the documents are what their code draws now: `make pictures` was run after the last change."""

from __future__ import annotations

from pathlib import Path

from scripts import pictures
from vmwidgets.views.scene.svg import to_svg


def test_each_drawing_of_the_documents_is_drawn_so_by_its_code(root: Path) -> None:
    kept = {path.stem: path.read_text("utf-8") for path in (root / "docs" / "pictures").glob("*.svg")}
    drawn = {name: to_svg(view.scene()) for name, view in pictures.views().items()}
    assert set(kept) == set(drawn)
    assert [name for name, svg in drawn.items() if kept[name] != svg] == []
