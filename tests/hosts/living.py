"""What every host's picture of the first map must do, wherever it is."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.lab import more
from tests.hosts.pixels import look

AT_THE_LAST_STEP = re.compile(r"step (\d+) of \1")


def check_readable(picture: Any, host: str) -> None:
    """Its words stand out in a screenshot, which is kept under the host's name, and it has the house's colours."""
    seen = look(picture, host)
    assert seen.unreadable == []
    assert len(seen.texts) > 12
    assert seen.house == {"red", "black", "new"}


def check_drawn_by_graphviz(picture: Any) -> None:
    """One press has Graphviz draw it, which the kernel sends, and another goes back."""
    press = more(picture).get_by_role("button", name="draw this picture with Graphviz")
    press.click()
    drawn = picture.locator(".vmw-graphviz .node.entry")
    expect(drawn.first).to_be_visible(timeout=30_000)
    press.click()
    expect(drawn).to_have_count(0)


def check_buttons(picture: Any) -> None:
    """Its buttons reach the kernel: a step back, and to now again."""
    expect(picture).to_contain_text(AT_THE_LAST_STEP)
    picture.get_by_role("button", name="back", exact=True).click()
    expect(picture).not_to_contain_text(AT_THE_LAST_STEP)
    more(picture).get_by_role("button", name="to now, and follow").click()
    expect(picture).to_contain_text(AT_THE_LAST_STEP)
