"""The site in Chromium, which reaches no other host: start page, documents, search, and axe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from scripts.site import labs
from scripts.site.serve import Site
from tests.browser.lab import AXE

TELEPHONE = {"viewport": {"width": 360, "height": 740}}
SCREENS = [{"viewport": {"width": 1280, "height": 800}}, TELEPHONE]
AUDIT = """async () => {
    const found = await axe.run(document);
    const first = (rule) => rule.nodes.slice(0, 3).map((node) => node.html.slice(0, 160));
    return found.violations.map((rule) => `${rule.id}: ${first(rule)}`);
}"""
PAGES = ("index.html", "contents.html", "docs/guide.html", "gallery/index.html", "reference/pictures.html",
         "notebooks/08b-fork.html", "docs/comparison.html", "search.html?q=fork")  # fmt: skip

COUNTED = {"The parent writes it too": "5 frames", "The child exits": "4 frames", "What does xv6 do?": "8 frames"}
"""Four pages, one of them copied: who has a frame alone keeps it; an exit frees the copy; xv6 copies all four."""


def name_of(page: Any) -> Any:
    """How many frames the picture says are in use."""
    return page.locator(".scene:visible svg .name").nth(1)


def test_nothing_moves_before_it_is_pressed(opened: Callable[..., Any]) -> None:
    with opened("index.html") as page:
        before = page.content()
        page.wait_for_timeout(1000)
        assert page.content() == before
        assert page.evaluate("() => document.getAnimations().length") == 0
        expect(name_of(page)).to_have_text("4 frames")


@pytest.mark.parametrize(("answer", "said"), [("4", "Not quite. "), ("5", "Right. "), ("8", "Not quite. ")])
def test_an_answer_steps_the_picture(opened: Callable[..., Any], answer: str, said: str) -> None:
    with opened("index.html") as page:
        expect(page.locator("h1")).to_have_text("The child writes to page 1. How many frames are in use?")
        page.get_by_role("button", name=answer, exact=True).click()
        sentences = []
        for frames in ("4 frames", "5 frames", "5 frames"):
            expect(name_of(page)).to_have_text(frames)
            sentences.append(page.locator(".sentence").inner_text())
            if page.locator("#next").is_visible():
                page.locator("#next").click()
        assert len(set(sentences)) == 3
        assert all(6 <= len(one.split()) <= 14 for one in sentences)
        assert sentences[-1].startswith(said)
        for what, frames in COUNTED.items():
            page.get_by_role("button", name=what).click()
            expect(name_of(page)).to_have_text(frames)
            assert frames in page.locator(".sentence").inner_text()


def test_it_is_done_by_the_keyboard_alone(opened: Callable[..., Any]) -> None:
    with opened("index.html") as page:

        def press_on(words: str) -> None:
            for _ in range(20):
                page.keyboard.press("Tab")
                if page.evaluate("() => document.activeElement.textContent") == words:
                    break
            page.keyboard.press("Enter")

        press_on("5")
        press_on("Next")
        page.keyboard.press("Enter")
        assert page.evaluate("() => document.activeElement.textContent") == next(iter(COUNTED))
        page.keyboard.press("Enter")
        assert "5 frames" in page.locator(".sentence").inner_text()


@pytest.mark.parametrize("screen", SCREENS, ids=["1280", "360"])
def test_question_picture_and_buttons_fit_one_screen(opened: Callable[..., Any], screen: Any) -> None:
    with opened("index.html", **screen) as page:
        page.get_by_role("button", name="5", exact=True).click()
        for _ in range(2):
            page.locator("#next").click()
        height, width = screen["viewport"]["height"], screen["viewport"]["width"]
        for part in ("h1", ".answers", ".scene:visible svg", ".sentence", ".otherwise"):
            box = page.locator(part).bounding_box()
            assert box["y"] + box["height"] <= height, part
            assert box["x"] >= 0, part
            assert box["x"] + box["width"] <= width, part
        if width == 1280:
            box = page.locator(".start").bounding_box()
            assert box["y"] + page.locator("#said").bounding_box()["height"] <= height
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS, ids=["1280", "360"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(opened: Callable[..., Any], path: str, screen: Any, look: str) -> None:
    with opened(path, color_scheme=look, **screen) as page:
        page.evaluate(AXE.read_text())  # past the page's own policy, which allows no such script
        assert page.evaluate(AUDIT) == []
        if path == "index.html":
            page.get_by_role("button", name="4", exact=True).click()
            for _ in range(2):
                page.locator("#next").click()
            assert page.evaluate(AUDIT) == []


def test_search_works_without_a_server(opened: Callable[..., Any]) -> None:
    with opened("contents.html") as page:
        page.get_by_placeholder("Search").fill("copy-on-write")
        page.keyboard.press("Enter")
        page.wait_for_url("**/search.html*")
        expect(page.locator("#search-results li").first).to_be_visible()
        found = page.locator("#search-results li a").all_inner_texts()
        assert any("fork" in one.casefold() for one in found)


def test_a_chapter_of_a_textbook_is_found(opened: Callable[..., Any]) -> None:
    with opened("index.html") as page:
        row = page.locator("#chapters tr", has=page.locator("td", has_text="TLBs")).first
        expect(row.locator("td").first).to_have_text("19")
        row.get_by_role("link", name="06").first.click()
        expect(page.locator("h1")).to_contain_text("06")


def test_pictures_of_the_start_page_are_there(opened: Callable[..., Any]) -> None:
    with opened("index.html") as page:
        images = page.locator("#pictures img")
        assert images.count() == 6
        for number in range(6):
            images.nth(number).scroll_into_view_if_needed()
            page.wait_for_function("(i) => document.querySelectorAll('#pictures img')[i].naturalWidth > 0", arg=number)
        assert [len(one.splitlines()) for one in page.locator("#pictures pre").all_inner_texts()] == [3] * 6


def test_a_lab_steps_without_a_kernel(opened: Callable[..., Any]) -> None:
    name = labs.NAMES[0]
    with opened(f"notebooks/{name}.html") as page:
        page.get_by_role("link", name="Step through its pictures").click()
        where = page.locator(".vmw-where")
        expect(where).to_contain_text("step 1 of")
        page.keyboard.press("]")
        expect(where).to_contain_text("step 2 of")


def test_a_reader_chooses_the_theme(opened: Callable[..., Any]) -> None:
    with opened("gallery/index.html", color_scheme="light") as page:
        scheme = "() => getComputedStyle(document.querySelector('main img, article img')).colorScheme"
        seen = set()
        for _ in range(3):
            page.locator(".theme-toggle:visible").first.click()
            seen.add(page.evaluate(scheme))
        assert {"dark", "light"} <= seen


def test_an_empty_paste_is_refused_with_a_sentence(opened: Callable[..., Any]) -> None:
    with opened("index.html") as page:
        page.get_by_role("button", name="See which bit refused").click()
        expect(page.locator("#said")).to_contain_text("Paste the text first")
        assert page.url.endswith("index.html")


def test_the_story_is_a_handout_too(opened: Callable[..., Any], site: Any) -> None:
    with opened("index.html") as page:
        page.get_by_role("button", name="5", exact=True).click()
        for _ in range(2):
            page.locator("#next").click()
        page.get_by_role("link", name="Every step, in one file").click()
        page.wait_for_url("**/lectures/fork.html")
        expect(page.locator("legend", has_text="How many frames are in use?")).to_be_visible()
        page.get_by_role("button", name="5").click()
        expect(page.get_by_text("The kernel copies only the page that is written.").first).to_be_visible()
        while page.get_by_role("button", name="step forward").is_enabled():
            page.get_by_role("button", name="step forward").click()
        expect(page.get_by_role("button", name="The child exits")).to_be_visible()


def test_pages_that_were_read_are_shown_without_a_network(chromium: Any, built: Any) -> None:
    context = chromium.new_context()
    with Site(built) as served:
        first = context.new_page()
        for path in ("docs/guide.html", "index.html"):
            first.goto(f"{served.base}/{path}")
            first.wait_for_function(f"async () => Boolean(await caches.match('{served.base}/{path}'))")
        first.wait_for_function("() => navigator.serviceWorker.controller")
        base = served.base
        first.close()
    again = context.new_page()  # no server answers any more
    again.goto(f"{base}/index.html")
    again.get_by_role("button", name="5", exact=True).click()
    expect(name_of(again)).to_have_text("4 frames")
    again.goto(f"{base}/docs/guide.html#operations")
    expect(again.locator("article h1")).to_be_visible()
    again.goto(f"{base}/search.html?q=fork")
    expect(again.locator("#search-results li").first).to_be_visible()
    again.goto(f"{base}/docs/deviations.html")
    expect(again.get_by_text("this browser has not kept this page")).to_be_visible()
    context.close()
