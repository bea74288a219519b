"""A prediction on a page: answered by its control, kept in the file, found again by the next kernel."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Notebook, Server

ASK = """
from vmwidgets import lab
gap = lab.predict("Which <b>gap</b>?", id="t/gap", options=["the low one", "the high one"])
"""
COUNT = 'count = lab.predict("How many?", id="t/count", kind="number")'
SHOW = "lab.predictions"

RESTART = """async () => {
    const kernel = window.panel.sessionContext.session.kernel;
    await kernel.restart();
    while (kernel.status !== 'idle') await new Promise((done) => setTimeout(done, 50));
}"""


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    opened = open_notebook(new_notebook(ASK, COUNT, SHOW))
    opened.run_all()
    opened.cell(0).get_by_role("radio").first.wait_for()
    return opened


def press(notebook: Notebook, index: int) -> None:
    """The button that sends an answer."""
    notebook.cell(index).get_by_role("button", name=re.compile("This is my answer|Answer again")).click()


def choose(notebook: Notebook, label: str) -> None:
    cell = notebook.cell(0)
    cell.get_by_label(label).check()
    press(notebook, 0)
    cell.get_by_text("Your answer is shown above").wait_for()
    notebook.wait_idle()


def saved(notebook: Notebook, lab: Server) -> dict[str, Any]:
    """The predictions in the outputs of the notebook's file, by id."""
    notebook.save()
    content = json.loads((lab.root / notebook.path).read_text())
    outputs = [output for cell in content["cells"] for output in cell.get("outputs", ())]
    kept = [output["data"].get("application/vnd.vmwidgets.record+json", {}) for output in outputs if "data" in output]
    return {one["id"]: one for one in kept if one.get("record") == "prediction"}


def test_the_answer_of_a_control_is_in_the_saved_file(notebook: Notebook, lab: Server) -> None:
    assert saved(notebook, lab)["t/gap"]["answer"] is None
    choose(notebook, "the high one")
    notebook.cell(0).get_by_text("you said: the high one").wait_for()
    assert saved(notebook, lab)["t/gap"] == {
        "record": "prediction", "schema": 1, "id": "t/gap", "question": "Which <b>gap</b>?", "kind": "choice",
        "options": ["the low one", "the high one"], "answer": "the high one",
        "answers": [{"answer": "the high one", "how": "control", "late": False, "because": ""}],
        "happened": None, "missed": "",
    }  # fmt: skip
    choose(notebook, "the low one")
    notebook.cell(0).get_by_text("and later: the low one").wait_for()
    kept = saved(notebook, lab)["t/gap"]
    assert (kept["answer"], [one["answer"] for one in kept["answers"]]) == (
        "the high one",
        ["the high one", "the low one"],
    )


def test_a_choice_is_no_answer_before_the_button(notebook: Notebook, lab: Server) -> None:
    notebook.cell(0).get_by_label("the high one").check()
    notebook.wait_idle()
    assert saved(notebook, lab)["t/gap"]["answer"] is None


@pytest.mark.sweep
def test_what_is_no_number_is_told_beside_the_field(notebook: Notebook, lab: Server) -> None:
    field = notebook.cell(1).get_by_role("textbox", name="How many?")
    field.fill("<b>three</b>")
    press(notebook, 1)
    notebook.cell(1).get_by_text("'<b>three</b>' is not a number").wait_for()
    assert saved(notebook, lab)["t/count"]["answer"] is None
    field.fill("3")
    press(notebook, 1)
    notebook.cell(1).get_by_text("you said: 3").wait_for()
    assert saved(notebook, lab)["t/count"]["answer"] == "3"


def test_a_restarted_kernel_knows_the_first_answer_from_the_file(notebook: Notebook, lab: Server) -> None:
    choose(notebook, "the high one")
    saved(notebook, lab)
    notebook.page.evaluate(RESTART)
    notebook.run_all()
    notebook.cell(0).get_by_text("you said: the high one").wait_for()
    choose(notebook, "the low one")
    notebook.cell(0).get_by_text("and later: the low one").wait_for()
    assert [one["answer"] for one in saved(notebook, lab)["t/gap"]["answers"]] == ["the high one", "the low one"]


WHY = """
tree = lab.predict("How many tables?", id="t/tree", kind="number", because=True)
"""


def test_an_answer_whose_reason_is_missing_is_kept_and_the_reason_asked_for_at_once(
    notebook: Notebook, lab: Server
) -> None:
    index = notebook.run(WHY)
    cell = notebook.cell(index)
    cell.get_by_role("textbox", name="How many tables?", exact=True).fill("2")
    press(notebook, index)
    cell.get_by_role("status").filter(has_text="Your answer is kept. Why?").wait_for()
    assert cell.get_by_role("textbox", name="why: How many tables?").evaluate("(field) => field.matches(':focus')")
    kept = saved(notebook, lab)["t/tree"]
    assert (kept["answer"], kept["answers"][0]["because"]) == ("2", "")
    compared = notebook.cell(notebook.run("tree.compare(3)"))
    compared.get_by_text("You said: 2. What happened: 3.").wait_for()


def test_after_run_all_the_result_waits_for_the_reason_or_for_skip(notebook: Notebook) -> None:
    index, below = notebook.run(WHY), notebook.run("tree.compare(3)")
    cell = notebook.cell(index)
    cell.get_by_role("textbox", name="How many tables?", exact=True).fill("2")
    press(notebook, index)
    cell.get_by_role("status").filter(has_text="Your answer is kept. Why?").wait_for()
    notebook.wait_idle()
    assert notebook.cell(below).get_by_text("What happened: 3").count() == 0
    cell.get_by_role("button", name="Skip").click()
    notebook.cell(below).get_by_text("What happened: 3").wait_for()


def test_the_next_output_waits_for_the_answer_too(notebook: Notebook, lab: Server) -> None:
    """After Run All, a cell that prints the result stands below the comparison; only its page hides it."""
    asked = notebook.run('many = lab.predict("How many tables?", id="t/many", kind="number")')
    notebook.run("many.compare(3)")
    told = [notebook.run(source) for source in ("print('told: 3')", "print('told again: 3')")]
    results = [notebook.cell(at).locator(".jp-OutputArea-output", has_text="told") for at in told]
    other = notebook.cell(notebook.run(COUNT.replace("t/count", "t/other"))).get_by_role(
        "textbox", name="How many?", exact=True
    )
    for result in results:
        expect(result).to_be_hidden()
    expect(other).to_be_visible()
    notebook.save()
    assert "told: 3\\n" in (lab.root / notebook.path).read_text()
    notebook.cell(asked).get_by_role("button", name="I don't know").click()
    for result in results:
        expect(result).to_be_visible()


@pytest.mark.parametrize("words", ["I don't know", "Skip"])
def test_the_focus_stays_in_the_cell_when_its_button_goes_away(notebook: Notebook, words: str) -> None:
    index = notebook.run(WHY)
    cell = notebook.cell(index)
    if words == "Skip":
        cell.get_by_role("textbox", name="How many tables?", exact=True).fill("2")
        press(notebook, index)
    button = cell.get_by_role("button", name=words)
    button.focus()
    button.press("Enter")
    button.wait_for(state="hidden")
    assert cell.get_by_role("button", name="Answer again").evaluate("(one) => one === document.activeElement")


def test_what_was_typed_and_not_sent_is_there_when_the_cell_runs_again(notebook: Notebook) -> None:
    field = notebook.cell(1).get_by_role("textbox", name="How many?")
    field.fill("3")
    notebook.cell(1).get_by_text("Not kept yet").wait_for()
    notebook.run_again(1)
    notebook.cell(1).get_by_text("Not kept yet").wait_for()
    assert field.input_value() == "3"


def test_questions_are_text(notebook: Notebook) -> None:
    assert notebook.cell(0).locator(".jp-OutputArea-output").get_by_text("Which <b>gap</b>?").count() == 1


def test_a_change_of_mind_while_the_kernel_is_busy_is_what_counts(notebook: Notebook, lab: Server) -> None:
    notebook.start("import time; time.sleep(2)")
    for label in "the low one", "the high one":
        notebook.cell(0).get_by_label(label).check()
    press(notebook, 0)
    notebook.cell(0).get_by_text("you said: the high one").wait_for()
    assert [one["answer"] for one in saved(notebook, lab)["t/gap"]["answers"]] == ["the high one"]


def test_another_question_like_this_is_offered_after_the_outcome_and_keeps_nothing(
    notebook: Notebook, lab: Server
) -> None:
    index = notebook.run('far = lab.predict(id="06/far-away", kind="number")')
    cell = notebook.cell(index)
    cell.get_by_role("textbox", name="512 GiB higher").fill("3")
    press(notebook, index)
    cell.get_by_text("you said: 3").wait_for()
    offer = cell.get_by_role("button", name="Another one like this")
    assert not offer.is_visible()
    compared = notebook.cell(notebook.run("far.compare(3)"))
    compared.get_by_text("press the button below the question").wait_for()
    before = saved(notebook, lab)["06/far-away"]
    offer.click()
    # The fields around it have the first question in their names, and are there before the kernel's reply.
    field = cell.get_by_role("group").get_by_role("group").get_by_role("textbox")
    expect(field).to_be_focused()
    for reply in ("7 is not right. Try again.", "7 is not right. It is"):
        field.fill("7")
        field.press("Enter")
        cell.get_by_text(reply).wait_for()
    cell.get_by_role("listitem").filter(has_text="A PT covers 2 MiB").wait_for()
    assert saved(notebook, lab)["06/far-away"] == before
