"""The drawings of the documents and of the demo are what the code draws."""

from __future__ import annotations

from tools import pictures


def test_each_drawing_is_what_the_code_draws() -> None:
    made = pictures.drawings()
    differ = [path.name for path, text in made.items() if path.read_text("utf-8") != text]
    assert differ == [], "`make pictures` draws them anew: look at what changed"
    assert pictures.left(made) == []
