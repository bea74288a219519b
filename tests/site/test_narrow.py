"""On a telephone nothing is wider than the page: no page, no table, and no picture of a handout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.site.test_pages import own
from tools.site import labs, moved
from tools.site.serve import Site

WIDTH = 360

WIDE = """(width) => {
    for (const part of document.querySelectorAll('details')) part.open = true;
    const canScroll = (part) => /auto|scroll/.test(getComputedStyle(part).overflowX);
    const scrolls = (part) => canScroll(part) && part.scrollWidth > part.clientWidth;
    const isWide = (table) => {
        const { left, right } = table.getBoundingClientRect();
        if (left < 0 || right > width) return true;
        for (let part = table; part !== document.body; part = part.parentElement) if (scrolls(part)) return true;
        return false;
    };
    const shown = [...document.querySelectorAll('table')].filter((table) => table.checkVisibility());
    const heading = (table) => `a table of ${table.querySelector('td, th')?.textContent}`;
    const found = shown.filter(isWide).map(heading);
    const { scrollWidth } = document.documentElement;
    return scrollWidth > width ? [`the page: ${scrollWidth}`, ...found] : found;
}"""

EXCEPTIONS: dict[str, str] = {}
"""Pages with a table that is scrolled sideways, each with its reason: there is none."""

COLUMNS = """(row) => [...row.cells].map((cell) => {
    const { content } = getComputedStyle(cell, '::before');
    return [cell.getAttribute('role'), content === 'none' ? '' : content, cell.getBoundingClientRect().left];
})"""


@pytest.fixture
def telephone(chromium: Any) -> Any:
    context = chromium.new_context(viewport={"width": WIDTH, "height": 740})
    yield context.new_page()
    context.close()


def test_no_page_and_no_table_is_wider_than_a_telephone(telephone: Any, site: Site, built: Path) -> None:
    found = {}
    for path in own(built):
        name = path.relative_to(built).as_posix()
        if name.removesuffix(".html") in moved.listed()[0]:
            continue  # it leads on
        telephone.goto(f"{site.base}/{name}")
        if (wide := telephone.evaluate(WIDE, WIDTH)) and name not in EXCEPTIONS:
            found[name] = wide
    assert found == {}


def test_a_wide_table_is_a_list_for_each_row(telephone: Any, site: Site) -> None:
    telephone.goto(f"{site.base}/docs/formats.html")
    row = telephone.locator("tr", has_text="x86-64-la57").first
    cells = row.evaluate(COLUMNS)
    assert [role for role, _, _ in cells] == ["cell"] * 5
    assert [name.strip('"') for _, name, _ in cells] == [
        "", "tables, the root first: ", "pages: ", "manual: ", "options of the processor: ",
    ]  # fmt: skip  # the headings of the table in docs/formats.md
    assert len({left for _, _, left in cells}) == 1, "each cell has a line of its own"
    telephone.set_viewport_size({"width": 1280, "height": 740})
    lefts = [left for _, _, left in row.evaluate(COLUMNS)]
    assert lefts == sorted(set(lefts)), "on a wide page it is a table"


DRAWINGS = """async () => {
    const all = [...document.querySelectorAll('article img')].filter((one) => /svg/.test(one.currentSrc || one.src));
    for (const one of all) one.loading = 'eager';
    await Promise.all(all.map((one) => one.decode()));
    await new Promise(requestAnimationFrame);
    return all.map((one) => {
        const { left, right, width } = one.getBoundingClientRect();
        return [
            Math.round(100 * width / one.naturalWidth),
            left >= 0 && right <= innerWidth,
            one.closest('[tabindex="0"]')?.scrollWidth >= one.naturalWidth,
        ];
    });
}"""
"""Of each drawing: how large its letters are, whether all of it is seen, and whether keys scroll it."""

SCALED = """() => [...document.querySelectorAll('article img[src^="data:image/svg"]')]
    .filter((one) => one.getBoundingClientRect().width < 0.97 * one.naturalWidth).map((one) => one.alt)"""
"""What screen readers say of drawings that are scaled down; a frame around a few takes 2 %."""

CUT = """() => [...document.querySelectorAll('article img')]
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth)
    .map((one) => one.currentSrc.slice(-80))"""
"""Images of any kind that go on past the screen."""

PAGES = ["gallery/index.html", "docs/tour.html", "README.html", *(f"notebooks/{name}.html" for name in labs.NAMES)]


@pytest.mark.parametrize("width", [360, 400])
def test_on_a_telephone_each_drawing_is_laid_out_for_it(telephone: Any, site: Site, width: int) -> None:
    telephone.set_viewport_size({"width": width, "height": 740})
    count = 0
    for page in PAGES:
        telephone.goto(f"{site.base}/{page}", wait_until="load")
        found = telephone.evaluate(DRAWINGS)
        assert {(large, whole) for large, whole, _ in found} == {(100, True)}, page
        assert telephone.evaluate("document.documentElement.scrollWidth") <= width, page
        assert telephone.evaluate(CUT) == [], page
        count += len(found)
    assert count > 100


@pytest.mark.parametrize("page", ["gallery/index.html", "docs/tour.html", "notebooks/01-maps.html"])
def test_on_a_narrow_page_drawings_keep_the_size_of_their_letters_and_scroll_alone(
    telephone: Any, site: Site, page: str
) -> None:
    telephone.set_viewport_size({"width": 600, "height": 740})
    telephone.goto(f"{site.base}/{page}", wait_until="load")
    found = telephone.evaluate(DRAWINGS)
    assert len(found) >= 5
    assert {(large, reached) for large, _, reached in found} == {(100, True)}
    assert telephone.evaluate("document.documentElement.scrollWidth") <= 600


@pytest.mark.parametrize("page", ["gallery/index.html", "docs/tour.html", "README.html"])
def test_on_a_wide_page_letters_keep_their_size(telephone: Any, site: Site, page: str) -> None:
    telephone.set_viewport_size({"width": 1300, "height": 740})
    telephone.goto(f"{site.base}/{page}", wait_until="load")
    found = telephone.evaluate(DRAWINGS)
    small = [large for large, _, _ in found if large != 100]
    assert len(small) <= 1, "all but the walk, which would be twice as high"
    assert len(found) > len(small)


def test_on_a_wide_page_letters_of_a_labs_drawings_keep_their_size(telephone: Any, site: Site) -> None:
    telephone.set_viewport_size({"width": 1300, "height": 740})
    count = 0
    for name in labs.NAMES:
        telephone.goto(f"{site.base}/notebooks/{name}.html", wait_until="load")
        count += len(telephone.evaluate(DRAWINGS))
        scaled = telephone.evaluate(SCALED)
        assert [words for words in scaled if not words.startswith("walk of ")] == [], name
    assert count > 100
