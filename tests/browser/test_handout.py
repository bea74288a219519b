"""A handout in a browser: from a file, without a server; with script and without, on a telephone and on paper."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

import vmwidgets as vm
from tests.browser.lab import AXE
from tests.widgets.test_handout import FRAMES, forked, read

OPEN = "() => document.documentElement.classList.contains('plays')"


def forked_file(path: Path) -> Path:
    """A story with two pictures, a chapter, a question and something else that might have been done."""
    machine, _, child, address = forked()
    other = machine.branch("after fork")
    other.tasks["parent"].write(address, b"z")
    child.exit()
    pictures = (vm.Objects(machine), vm.Fault(machine))
    what_if = {"the parent writes": other}
    return vm.handout(machine, path, *pictures, title="Fork", ask={"after fork": FRAMES}, what_if=what_if)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return forked_file(tmp_path_factory.mktemp("handout") / "fork.html")


def settled(page: Any, place: str) -> None:
    """Wait until the page's address has noted where the story is."""
    page.wait_for_function("(place) => location.hash === place", arg=place)


def where(page: Any) -> tuple[int, int]:
    """The step that is shown, of how many."""
    found = re.match(r"step (\d+) of (\d+)", page.locator(".vmw-where").inner_text())
    assert found is not None
    return int(found[1]), int(found[2])


def to_question(page: Any) -> None:
    for _ in range(200):
        if page.locator("fieldset").count():
            break
        page.keyboard.press("PageDown")
    expect(page.locator("fieldset")).to_be_visible()


TELEPHONE = {"viewport": {"width": 360, "height": 720}, "has_touch": True, "is_mobile": True}
NARROWER = {**TELEPHONE, "viewport": {"width": 300, "height": 720}}
"""A telephone on which no picture is seen whole."""

SMALLEST = """() => Math.min(...[...document.querySelectorAll('.vmw-player .vmw-scene')].flatMap((scene) => {
    const scale = scene.getBoundingClientRect().width / scene.viewBox.baseVal.width;
    const texts = scale ? [...scene.querySelectorAll('text')] : [];
    return texts.map((text) => scale * parseFloat(getComputedStyle(text).fontSize));
}))"""


def swipe(page: Any, start: float, end: float, height: float) -> None:
    """Draw a finger over the page, as a telephone reports it."""
    session = page.context.new_cdp_session(page)
    for number in range(9):
        point = {"x": start + (end - start) * number / 8, "y": height}
        kind = "touchMove" if number else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        page.evaluate("() => new Promise(requestAnimationFrame)")
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_each_step_is_drawn_as_the_file_says(opened: Callable[..., Any], file: Path) -> None:
    page, steps = opened(file), read(file)["steps"]
    to_question(page)
    page.get_by_role("button", name=FRAMES[2], exact=True).click()
    page.evaluate("() => { document.querySelector('.vmw-slider').focus() }")
    page.keyboard.press("Home")
    for number, step in enumerate(steps, 1):
        assert where(page) == (number, len(steps))
        assert page.locator(".vmw-caption b").inner_text() == step["sentence"]
        assert page.locator(".vmw-called code:not(.vmw-functions)").inner_text() == step["code"]
        for place, drawn in enumerate(step["pictures"]):
            stage = page.locator(".vmw-stage").nth(place)
            ids = stage.evaluate("(root) => [...root.querySelectorAll('.node')].map((node) => node.dataset.id)")
            assert set(ids) == {node["id"] for node in drawn["narrow"]["nodes"]}
        page.keyboard.press("]")


def test_keys_buttons_slider_and_chapters_lead_to_the_same_steps(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file)
    steps = read(file)["steps"]
    chapter = next(number for number, step in enumerate(steps, 1) if "chapter" in step)
    for key, wanted in (("PageDown", 2), ("]", 3), ("ArrowRight", 4), ("PageUp", 3), ("[", 2), ("ArrowLeft", 1)):
        page.keyboard.press(key)
        assert where(page)[0] == wanted, key
    page.get_by_role("button", name="step forward").click()
    assert where(page)[0] == 2
    page.keyboard.press("}")
    assert where(page)[0] == chapter
    page.keyboard.press("{")
    assert where(page)[0] == 1
    page.get_by_label("chapter").select_option(label="after fork")
    assert where(page)[0] == chapter
    page.locator(".vmw-slider").fill("2")
    assert where(page)[0] == 3
    assert page.evaluate("scrollY") == 0, "a clicker's keys do not scroll"


def test_the_strip_says_operations_and_leads_to_their_steps(opened: Callable[..., Any], file: Path) -> None:
    page, steps = opened(file), read(file)["steps"]
    strip, tip = page.locator(".vmw-timeline"), page.locator(".vmw-bar .vmw-tip")
    marks = [number for number, step in enumerate(steps) if not number or step["name"] != steps[number - 1]["name"]]
    assert strip.get_attribute("data-marks") == str(len(marks))
    page.locator(".vmw-slider").focus()
    page.keyboard.press("Tab")
    expect(strip).to_be_focused()
    for number in marks[1:4]:
        page.keyboard.press("ArrowRight")
        expect(tip).to_contain_text(steps[number]["name"])
    page.keyboard.press("Enter")
    assert where(page)[0] == marks[4], "the last step of the operation that is pointed at"
    box = strip.bounding_box()
    for share in (0.1, 0.02, 0.3):
        page.mouse.click(box["x"] + share * box["width"], box["y"] + 8)
        assert abs(where(page)[0] - 1 - share * len(steps)) <= 1, "it lies under the slider"
    assert page.locator(".vmw-strip .moment").count() == 1, "chapters are flags"


def test_a_play_goes_through_the_steps_and_stops_where_a_question_waits(opened: Callable[..., Any], file: Path) -> None:
    page, steps = opened(file), read(file)["steps"]
    play = page.get_by_role("button", name="play the steps")
    question = next(number for number, step in enumerate(steps, 1) if "question" in step)
    play.click()
    page.get_by_label("speed").select_option(label="4×")
    expect(play).to_have_text("play", timeout=60_000)
    assert where(page)[0] == question


def test_a_question_keeps_the_story_until_it_is_answered(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file)
    to_question(page)
    at, count = where(page)
    assert at < count
    expect(page.get_by_role("button", name="step forward")).to_be_disabled()
    expect(page.get_by_text(FRAMES[3])).not_to_be_visible()
    page.locator(".vmw-slider").fill(str(count - 1))
    assert where(page)[0] == at
    page.get_by_role("button", name="4", exact=True).click()
    expect(page.locator(".vmw-answer").first).to_have_text("No, it is 5. One is copied.")
    page.get_by_role("button", name="5", exact=True).click()
    expect(page.locator(".vmw-answer").first).to_have_text("Right: 5. One is copied.")
    page.keyboard.press("PageDown")
    assert where(page)[0] == at + 1
    page.goto("about:blank")
    page.goto(file.as_uri())
    to_question(page)
    assert where(page)[0] == at, "who opens it again begins again"


@pytest.mark.parametrize("presented", [True, False])
@pytest.mark.parametrize("key", ["PageDown", "]", "}", "ArrowRight"])
def test_whoever_goes_on_at_a_question_is_told_what_to_press_and_then_sees_the_answer(
    key: str, presented: bool, opened: Callable[..., Any], file: Path
) -> None:
    page = opened(file, viewport=ROOM)
    if presented:
        page.keyboard.press("p")
    to_question(page)
    at = where_hidden(page)
    page.keyboard.press(key)
    expect(page.get_by_text("Press 1 to 2 to answer. Step once more to see the answer.")).to_be_visible()
    page.keyboard.press(key)
    expect(page.locator(".vmw-player").get_by_text(FRAMES[3])).to_be_visible()
    assert where_hidden(page) == at
    page.keyboard.press(key)
    assert where_hidden(page) > at


def test_a_key_that_is_held_stops_at_a_question(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file)
    count = where(page)[1]
    for _ in range(count + 3):
        page.keyboard.down("PageDown")
    assert where(page)[0] < count
    expect(page.get_by_text(FRAMES[3])).not_to_be_visible()


@pytest.mark.sweep
def test_digits_answer_a_question_and_choose_a_picture_afterwards(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file, viewport=ROOM)
    page.keyboard.press("p")
    to_question(page)
    page.keyboard.press("2")
    expect(page.locator(".vmw-answer").first).to_have_text("Right: 5. One is copied.")
    page.keyboard.press("2")
    assert page.locator(".vmw-stage:not([hidden]) .vmw-title").inner_text() == "faults"


def test_what_if_leads_into_the_branch_and_back(opened: Callable[..., Any], file: Path) -> None:
    page, (branch,) = opened(file), read(file)["branches"]
    to_question(page)
    button = page.get_by_role("button", name="the parent writes")
    expect(button).not_to_be_visible()
    page.get_by_role("button", name="5", exact=True).click()
    before = where(page)
    button.click()
    assert where(page) == (1, len(branch["steps"]))
    assert page.locator(".vmw-caption b").inner_text() == branch["steps"][0]["sentence"]
    page.get_by_role("button", name="back to the story").click()
    assert where(page) == before


def test_one_selection_in_all_pictures(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file)
    for _ in range(6):
        page.keyboard.press("]")
    node = page.locator(".node[role=button]").first
    thing = node.get_attribute("data-thing")
    node.click()
    assert page.locator(".node.selected").count() >= 1
    assert {one.get_attribute("data-thing") for one in page.locator(".node.selected").all()} == {thing}
    node.click()
    assert page.locator(".node.selected").count() == 0


@pytest.mark.sweep
def test_what_is_below_a_picture_stays_where_it_is(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file)
    places = set()
    for _ in range(8):
        places.add(round(page.locator(".vmw-called").bounding_box()["y"]))
        page.keyboard.press("]")
    assert len(places) == 1


def test_a_finger_steps_on_a_telephone_and_nothing_sticks_out(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file, **TELEPHONE)
    assert page.evaluate(OPEN)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    sentence = page.locator(".vmw-caption").bounding_box()["y"] + 10
    swipe(page, 330, 120, sentence)
    assert where(page)[0] == 2
    swipe(page, 30, 240, sentence)
    assert where(page)[0] == 1
    to_question(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_file_of_one_state_is_no_wider_than_a_telephone(opened: Callable[..., Any], tmp_path: Path) -> None:
    ranges = [(0x40_0000, "4 MiB"), (0x1000_0000, "1 MiB")]
    formats = vm.Formats(vm.compare_formats(ranges, ["x86", "armv7", "x86-64", "aarch64", "riscv-sv39"]), width=420)
    formats.save(str(tmp_path / "formats.html"))
    page = opened(tmp_path / "formats.html", **TELEPHONE)
    assert page.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [360, 360]
    assert page.locator("table").count() == 1


@pytest.mark.sweep
def test_a_saved_picture_opens_at_the_step_that_it_showed(opened: Callable[..., Any], tmp_path: Path) -> None:
    machine, *_ = forked()
    picture = vm.picture(vm.Objects(machine))
    picture.step = 2
    page = opened(picture.save(tmp_path / "picture.html"))
    assert where(page) == (2, picture.steps)
    assert page.locator(".vmw-caption b").inner_text() == picture.scene().caption.text
    page.keyboard.press("[")
    assert where(page)[0] == 1


def test_a_saved_picture_marks_what_was_selected(opened: Callable[..., Any], tmp_path: Path) -> None:
    picture = vm.picture(vm.Objects(forked()[0]))
    picture.selection = next(node.thing for node in picture.scene().nodes if node.action == "select")
    page = opened(picture.save(tmp_path / "one.html"))
    things = {one.get_attribute("data-thing") for one in page.locator(".vmw-stage .node.selected").all()}
    assert things == {picture.selection}
    page.locator(".vmw-stage .node.selected").first.click()
    assert page.locator(".vmw-stage .node.selected").count() == 0


@pytest.mark.sweep
def test_letters_on_a_telephone_can_be_read(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file, **NARROWER)
    for _ in range(12):
        assert page.evaluate(SMALLEST) >= 10.99
        page.keyboard.press("]")
    assert page.evaluate("document.documentElement.scrollWidth") <= 300, "the picture is scrolled, and not the page"
    ground = page.locator(".vmw-scrolls").first
    assert ground.evaluate("(one) => one.scrollWidth > one.clientWidth")


def test_a_telephone_shows_each_picture_whole(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file, **TELEPHONE)
    outside = """() => [...document.querySelectorAll('.vmw-player .vmw-scene .node')].filter((node) => {
        const { left, right } = node.getBoundingClientRect();
        return left < 0 || right > innerWidth;
    }).map((node) => node.dataset.id)"""
    answer(page)
    page.keyboard.press("Home")
    for _ in range(where(page)[1]):
        assert page.evaluate(outside) == []
        assert page.evaluate(SMALLEST) >= 11.99
        assert page.locator(".vmw-scrolls").count() == 0
        page.keyboard.press("]")


def test_without_script_every_step_is_there(opened: Callable[..., Any], file: Path) -> None:
    page, story = opened(file, java_script_enabled=False), read(file)
    steps = [*story["steps"], *story["branches"][0]["steps"]]
    articles = page.locator("article")
    assert articles.count() == len(steps)
    for article, step in zip(articles.all(), steps, strict=True):
        assert step["sentence"] in article.inner_text()
        assert article.locator("svg").count() == 2
        assert all(svg.is_visible() for svg in article.locator("svg").all())
    page.get_by_text("answer", exact=True).first.click()
    expect(page.get_by_text(FRAMES[3])).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_axe_finds_nothing(script: bool, opened: Callable[..., Any], file: Path) -> None:
    page = opened(file)
    if not script:
        page.evaluate("() => document.documentElement.classList.remove('plays')")
        page.evaluate("() => document.querySelector('.vmw-player').remove()")
    page.evaluate(AXE.read_text())
    found = page.evaluate("() => axe.run(document)")["violations"]
    assert [(rule["id"], [node["html"][:200] for node in rule["nodes"][:3]]) for rule in found] == []


# ---- the lectern ---------------------------------------------------------------------------------

PRESENTED = """() => {
    const root = document.querySelector('.vmw-player.vmw-filled');
    if (!root) return null;
    const scenes = [...root.querySelectorAll('.vmw-scene')].filter((scene) => scene.getBoundingClientRect().width > 0);
    const all = [...root.querySelectorAll('button, select, input')];
    const seen = all.filter((one) => one.getBoundingClientRect().width > 0);
    return { scenes: scenes.length, controls: seen.length, wide: scenes[0].getBoundingClientRect().width,
             high: Math.max(...scenes.map((scene) => scene.getBoundingClientRect().bottom)) };
}"""
ROOM = {"width": 1920, "height": 1080}


LARGE = ".vmw-stage:not(.vmw-aside):not([hidden]) .vmw-title"


def test_presented_the_pictures_keep_their_places_and_one_is_large(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file, viewport=ROOM)
    before = page.locator(".vmw-scene").first.bounding_box()["width"]
    page.keyboard.press("p")
    shown = page.evaluate(PRESENTED)
    assert (shown["scenes"], shown["controls"]) == (2, 0)
    assert shown["wide"] > before
    lefts = "() => [...document.querySelectorAll('.vmw-stage')].map((one) => one.getBoundingClientRect().left)"
    places = page.evaluate(lefts)
    for step in range(2, 6):
        assert page.evaluate(PRESENTED)["high"] <= ROOM["height"]
        assert page.locator(LARGE).inner_text() == "memory objects"
        assert page.evaluate(lefts) == places
        page.keyboard.press("PageDown")
        assert where_hidden(page) == step
    page.keyboard.press("2")
    assert page.locator(LARGE).inner_text() == "faults"
    page.keyboard.press("Escape")
    assert page.evaluate(PRESENTED) is None
    assert where(page)[0] == 5, "nothing is lost"


@pytest.mark.sweep
def test_presented_in_a_small_room_the_first_picture_that_says_something_new_is_shown(
    opened: Callable[..., Any], file: Path
) -> None:
    page, steps = opened(file, viewport={"width": 800, "height": 700}), read(file)["steps"]
    page.keyboard.press("p")

    def said(scene: Any) -> tuple[int, set[tuple[str, str]]]:
        """How many things there are; and each thing with its words, and with each of its looks."""
        things = [*scene["nodes"], *scene["links"]]
        words = {(one["id"], json.dumps({**one, "state": ""}, sort_keys=True)) for one in things}
        return len(things), words | {(one["id"], look) for one in things for look in one.get("state", "").split()}

    scenes = [[said(one["wide"]) for one in step["pictures"]] for step in steps]
    expected = 0
    for place, now in enumerate(scenes[:12]):
        before = scenes[max(place - 1, 0)]
        changed = [one for one in (0, 1) if now[one][1] - before[one][1] or now[one][0] < before[one][0]]
        expected = changed[0] if changed else expected
        assert (
            page.locator(".vmw-stage:not([hidden]) .vmw-title").inner_text() == ["memory objects", "faults"][expected]
        )
        page.keyboard.press("PageDown")


def answer(page: Any) -> None:
    """Come to the question, and answer it."""
    to_question(page)
    page.get_by_role("button", name="5", exact=True).click()


@pytest.mark.sweep
def test_what_if_can_be_reached_while_presenting(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file, viewport=ROOM)
    page.keyboard.press("p")
    answer(page)
    assert page.evaluate(PRESENTED)["high"] <= ROOM["height"]
    page.get_by_role("button", name="the parent writes").click()
    assert where_hidden(page) == 1
    page.get_by_role("button", name="back to the story").click()
    assert page.evaluate(PRESENTED) is not None


def where_hidden(page: Any) -> int:
    return int(page.locator(".vmw-where").text_content().split()[1])


def test_a_clicker_blanks_the_screen_and_its_f5_loads_nothing(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file, viewport=ROOM)
    page.keyboard.press("p")
    page.evaluate("() => { window.same = true; }")
    for key in (".", "b"):
        page.keyboard.press(key)
        assert not page.locator(".vmw-caption").is_visible()
        page.keyboard.press(key)
        assert page.locator(".vmw-caption").is_visible()
    page.keyboard.press("b")
    page.keyboard.press("PageDown")
    assert page.locator(".vmw-caption").is_visible(), "the next step is seen"
    page.keyboard.press("F5")
    assert page.evaluate("() => window.same") is True


@pytest.mark.sweep
def test_the_picture_has_one_size_while_it_is_presented(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file, viewport=ROOM)
    page.keyboard.press("p")
    page.keyboard.press("1")
    sizes = set()
    for _ in range(200):
        sizes.add(round(page.evaluate(PRESENTED)["wide"]))
        before = where_hidden(page)
        page.keyboard.press("PageDown")
        if where_hidden(page) == before:
            break
    assert len(sizes) == 1


def test_a_second_window_has_the_notes_and_its_keys_step(
    opened: Callable[..., Any], tmp_path: Path, chromium: Any
) -> None:
    machine, *_ = forked()
    notes = {1: "Say hello.", "after fork": "Ask who copies."}
    ask = {"after fork": FRAMES}
    file = vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), notes=notes, ask=ask, by="operation")
    page = opened(file, viewport=ROOM)
    assert not page.get_by_text("Say hello.").is_visible(), "the class does not see them"
    page.keyboard.press("p")
    with page.expect_popup() as popup:
        page.keyboard.press("n")
    window = popup.value
    expect(window.locator("#notes")).to_have_text("Say hello.")
    expect(window.locator("#next")).to_contain_text(FRAMES[0])
    expect(window.locator("#clock")).to_contain_text("0:0")
    page.keyboard.press("n")  # it is open already
    window.keyboard.press("PageDown")
    expect(window.locator("#where")).to_contain_text("step 2 of")  # the windows send each other messages
    assert where_hidden(page) == 2
    with window.expect_event("close"):
        page.keyboard.press("Escape")


def test_a_reload_comes_back_to_the_step(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file)
    answer(page)
    page.keyboard.press("PageDown")
    there = where(page)
    settled(page, f"#step--1-{there[0] - 1}")
    page.reload()
    assert where(page) == there
    assert page.evaluate(PRESENTED) is None


def test_a_reload_while_presenting_comes_back_to_the_step(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file, viewport=ROOM)
    page.keyboard.press("p")
    answer(page)
    page.keyboard.press("PageDown")
    there = where_hidden(page)
    settled(page, f"#present--1-{there - 1}")
    page.reload()
    assert page.evaluate(PRESENTED) is not None
    assert where_hidden(page) == there
    page.keyboard.press("PageDown")
    assert where_hidden(page) == there + 1, "what was answered is not asked again"


@pytest.mark.sweep
def test_after_a_reload_the_second_window_and_the_story_find_each_other(
    opened: Callable[..., Any], tmp_path: Path
) -> None:
    machine, *_ = forked()
    file = vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), notes={1: "Say hello."}, by="operation")
    page = opened(file, viewport=ROOM)
    page.keyboard.press("p")
    with page.expect_popup() as popup:
        page.keyboard.press("n")
    window = popup.value
    page.keyboard.press("PageDown")
    expect(window.locator("#where")).to_contain_text("step 2 of")
    settled(page, "#present--1-1")
    page.reload()
    clock = window.locator("#clock").inner_text()
    page.keyboard.press("PageDown")
    expect(window.locator("#where")).to_contain_text("step 3 of")
    expect(window.locator("#clock")).not_to_have_text(clock)
    window.keyboard.press("PageUp")
    expect(window.locator("#where")).to_contain_text("step 2 of")
    settled(page, "#present--1-1")
    page.reload()
    page.keyboard.press("n")  # before they have found each other, as likely as not
    page.keyboard.press("PageUp")
    expect(window.locator("#where")).to_contain_text("step 1 of")
    expect(window.locator("#notes")).to_have_text("Say hello.")
    assert len(page.context.pages) == 2
    with window.expect_event("close"):
        page.keyboard.press("Escape")


# ---- a telephone ---------------------------------------------------------------------------------


@pytest.mark.sweep
def test_presented_on_a_telephone_letters_are_as_large_as_on_the_page(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file, **TELEPHONE)
    page.get_by_role("button", name="present").tap()
    assert page.locator(".vmw-filled").count() == 1
    for _ in range(12):
        assert page.evaluate(SMALLEST) >= 10.99
        page.keyboard.press("]")
    assert page.locator(".vmw-filled").evaluate("(one) => one.scrollWidth <= one.clientWidth")
    page.set_viewport_size({"width": 720, "height": 360})
    assert page.evaluate(SMALLEST) >= 10.99
    page.get_by_role("button", name="leave").tap()
    assert page.locator(".vmw-filled").count() == 0


def test_presented_on_a_telephone_a_finger_steps_anywhere(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file, **TELEPHONE)
    page.get_by_role("button", name="present").tap()
    sentence = page.locator(".vmw-caption").bounding_box()
    for number, height in enumerate((20, sentence["y"] + 10, 700), 2):  # beside the buttons, on the words, below all
        swipe(page, 330, 120, height)
        assert where(page)[0] == number
    swipe(page, 60, 270, 700)
    assert where(page)[0] == 3
    page.get_by_role("button", name="step forward").click()
    assert where(page)[0] == 4


@pytest.mark.sweep
def test_a_tablet_has_a_button_that_leaves(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file, viewport={"width": 1180, "height": 820}, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="present").tap()
    assert page.evaluate(PRESENTED)["high"] <= 820
    page.get_by_role("button", name="leave").tap()
    assert page.evaluate(PRESENTED) is None


@pytest.mark.parametrize("presented", [True, False])
def test_a_swipe_at_the_edge_of_a_picture_does_not_leave_the_file(
    presented: bool, opened: Callable[..., Any], file: Path
) -> None:
    page = opened(file, **NARROWER)
    if presented:
        page.get_by_role("button", name="present").tap()
    for _ in range(6):
        page.keyboard.press("]")
    picture = page.locator(".vmw-scrolls:visible").first.bounding_box()
    for _ in range(3):
        swipe(page, 30, 270, picture["y"] + 30)
        page.wait_for_timeout(300)  # going back in the history is an animation
    assert page.url.startswith(file.as_uri())


@pytest.mark.parametrize("presented", [True, False])
def test_what_a_finger_presses_is_large_enough(presented: bool, opened: Callable[..., Any], file: Path) -> None:
    page = opened(file, **TELEPHONE)
    if presented:
        page.get_by_role("button", name="present").tap()
    answer(page)
    found = page.evaluate(
        """() => [...document.querySelectorAll('.vmw-player :is(button, select, .vmw-slider, .vmw-timeline)')]
            .map((one) => [one.getBoundingClientRect(), one.getAttribute('class'), one.textContent])
            .filter(([box]) => box.width > 0).map(([box, kind, text]) => [box.width, box.height, kind, text])"""
    )
    assert len(found) >= 5
    assert [one for one in found if min(one[0], one[1]) < 44] == []


@pytest.mark.sweep
def test_what_if_is_seen_on_a_telephone(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file, **TELEPHONE)
    answer(page)
    picture = page.locator(".vmw-stages").bounding_box()
    assert page.get_by_role("button", name="the parent writes").bounding_box()["y"] < picture["y"]


def test_a_picture_shows_where_it_goes_on_and_a_swipe_there_scrolls_before_it_steps(
    opened: Callable[..., Any], file: Path
) -> None:
    page = opened(file, **NARROWER, reduced_motion="reduce")  # a page that is still moving is no place for a finger
    for _ in range(4):
        page.keyboard.press("]")
    ground = page.locator(".vmw-scrolls").first

    def below() -> float:
        """Return a height in the picture below the sentence, which stays in view."""
        ground.scroll_into_view_if_needed()
        box = ground.bounding_box()
        return float(min(box["y"] + box["height"], 720) - 40)

    sides = "(one) => ['vmw-more-left', 'vmw-more-right'].map((side) => one.classList.contains(side))"
    pixels = "(one) => getComputedStyle(one).backgroundImage"
    assert ground.evaluate(sides) == [False, True]
    begun, at = ground.evaluate(pixels), where(page)[0]
    swipe(page, 270, 60, below())
    assert where(page)[0] == at
    ground.evaluate("(one) => one.scrollTo({ left: 9999, behavior: 'instant' })")
    page.wait_for_function(
        "() => document.querySelector('.vmw-scrolls').matches('.vmw-more-left:not(.vmw-more-right)')"
    )
    assert ground.evaluate(pixels) != begun
    swipe(page, 270, 60, below())
    assert where(page)[0] == at + 1  # this step's change is in the second picture, to which the page went
    swipe(page, 60, 270, below())
    assert where(page)[0] == at + 1, "first it is scrolled back"
