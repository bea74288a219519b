"""A handout on paper: white, with as many steps on a sheet as can be read, and nothing cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.browser.test_handout import forked_file
from tests.widgets.test_handout import forked, read
from vmwidgets.lectures.listed import LECTURES
from vmwidgets.questions import TOPICS, make_exam
from vmwidgets.questions.sheets import html

SHEET = {"width": 703, "height": 1032}
"""Pixels of A4, between its margins."""

LEAST = 4 / 72 * 96
"""Pixels of the smallest word: four points."""

SMALL = """(least) => [...document.querySelectorAll('article text')].filter(
    (one) => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().d < least).map((one) => one.textContent)"""


def test_on_paper_there_are_three_to_six_steps_a_sheet_and_slides_have_one(
    opened: Callable[..., Any], tmp_path: Path
) -> None:
    def sheets(path: Path) -> int:
        return int(opened(path, color_scheme="dark").pdf(prefer_css_page_size=True).count(b"/Type /Page\n"))

    file = forked_file(tmp_path / "fork.html")
    story = read(file)
    count = len(story["steps"]) + len(story["branches"][0]["steps"])
    assert count / 3 <= sheets(file) <= count, "of two pictures side by side there are one to three steps"
    machine, *_ = forked()
    single = vm.handout(machine, tmp_path / "single.html", vm.Objects(machine), by="step")
    count = len(read(single)["steps"])
    assert count / 6 <= sheets(single) <= count / 3 + 1, "a chapter begins a row, and the end is below"
    slides = vm.handout(machine, tmp_path / "slides.html", vm.Objects(machine), by="operation", paper="slides")
    assert len(read(slides)["steps"]) <= sheets(slides) <= len(read(slides)["steps"]) + 1


@pytest.mark.parametrize("format_of_sheets", ["A4", pytest.param("Letter", marks=pytest.mark.sweep)])
def test_thirty_questions_with_their_key_have_the_sheets_that_docs_name(
    format_of_sheets: str, opened: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "exam.html"
    topics = tuple(one for one in TOPICS if one != "paper")  # six topics: thirty questions
    file.write_text(html(make_exam(topics, 2026, n=5), key=True), encoding="utf-8")
    printed: bytes = opened(file).pdf(format=format_of_sheets)
    assert 10 <= printed.count(b"/Type /Page\n") <= 12


def test_paper_is_white_and_the_screen_has_one_theme(opened: Callable[..., Any], tmp_path: Path) -> None:
    page = opened(forked_file(tmp_path / "fork.html"), color_scheme="dark")
    ground = "(selector) => getComputedStyle(document.querySelector(selector)).backgroundColor"
    assert page.evaluate(ground, "body") == page.evaluate(ground, ".vmw-player") == "rgb(20, 24, 29)"
    page.emulate_media(media="print")
    assert page.evaluate(ground, "body") == "rgb(255, 255, 255)"
    fill = "() => getComputedStyle(document.querySelector('article text')).fill"
    assert page.evaluate(fill) == "rgb(90, 101, 114)", "what is dim on a light ground"


CUT = """() => {
    const steps = [...document.querySelectorAll('article')];
    const inside = (part, whole) => part.bottom <= whole.bottom + 1 && part.right <= whole.right + 1;
    const box = (one) => one.getBoundingClientRect();
    return steps.map((step) => {
        const parts = [...step.children].map(box).filter(({ height }) => height);
        return {
            shown: Math.min(...[...step.querySelectorAll('svg')].map((picture) => box(picture).height)),
            over: parts.some((part, at) => at && part.top < parts[at - 1].bottom - 1),
            cut: parts.some((part) => !inside(part, box(step))) || step.scrollHeight > step.clientHeight + 1,
            question: step.querySelector('.question') !== null,
        };
    });
}"""


@pytest.mark.parametrize("questions", ["open", "closed"])
def test_on_paper_each_step_has_its_picture_and_all_of_its_words(
    questions: str, opened: Callable[..., Any], tmp_path: Path
) -> None:
    machine, *_ = forked()
    long = ("A long question. " * 12, [f"option {number}" for number in range(5)], "option 3", "A reason. " * 30)
    ask = {"after fork": long}
    file = vm.handout(machine, tmp_path / "x.html", vm.Objects(machine), ask=ask, questions=questions)
    page = opened(file, viewport=SHEET)
    page.emulate_media(media="print")
    steps = page.evaluate(CUT)
    assert sum(step["question"] for step in steps) == 1
    assert [step for step in steps if step["over"] or step["cut"] or step["shown"] < 100] == []


@pytest.mark.parametrize("name", LECTURES)
def test_a_printed_lecture_can_be_read(name: str, opened: Callable[..., Any], tmp_path: Path) -> None:
    page = opened(LECTURES[name]().write(tmp_path / "x.html", questions="open"), viewport=SHEET)
    page.emulate_media(media="print")
    steps = page.evaluate(CUT)
    assert len(steps) > 10
    assert [step for step in steps if step["over"] or step["cut"]] == []
    assert page.evaluate(SMALL, LEAST) == []


@pytest.mark.sweep
def test_without_script_a_picture_as_wide_as_a_sheet_is_scrolled_on_a_telephone(
    opened: Callable[..., Any], tmp_path: Path
) -> None:
    file = LECTURES["translation"]().write(tmp_path / "x.html")
    page = opened(file, viewport={"width": 360, "height": 720}, java_script_enabled=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate(SMALL, 11) == []
