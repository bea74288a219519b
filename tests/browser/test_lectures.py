"""What the last row reads: a lecture that is presented has no small or cut words, at any of its steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_handout import PRESENTED, ROOM, where_hidden
from vmwidgets.lectures.listed import LECTURES

LEAST = 24
"""Pixels at 1920 × 1080."""

WORDS = """() => {
    const stage = '.vmw-filled .vmw-stage:not([hidden], .vmw-aside) text, .vmw-filled .vmw-caption';
    const shown = [...document.querySelectorAll(stage)].filter((one) => one.getBoundingClientRect().width > 0);
    const size = (one) => parseFloat(getComputedStyle(one).fontSize) * (one.getScreenCTM?.()?.d ?? 1);
    return shown.filter((one) => one.textContent.trim()).map((one) => [size(one), one.textContent]);
}"""


@pytest.mark.parametrize("name", LECTURES)
def test_all_words_of_a_lecture_are_large_and_whole_where_it_is_presented(
    name: str, chromium: Any, tmp_path: Path
) -> None:
    page = chromium.new_page(viewport=ROOM)
    page.goto(LECTURES[name]().write(tmp_path / "x.html", questions="open").as_uri())
    page.keyboard.press("p")
    small: set[str] = set()
    cut: set[str] = set()
    seen = -1
    while where_hidden(page) != seen:
        seen = where_hidden(page)
        words = page.evaluate(WORDS)
        assert len(words) > 1
        small |= {text for size, text in words if size < LEAST}
        cut |= {text for _, text in words if "…" in text}
        assert page.evaluate(PRESENTED)["high"] <= ROOM["height"]
        page.keyboard.press("PageDown")
    assert seen > 10
    assert small == set()
    assert cut == set()
    page.close()
