from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import vmwidgets as vm
from tests.widgets.notebook import PyodideShell, open_notebook
from vmwidgets import lab
from vmwidgets.labs.prediction import OTHER, Prediction
from vmwidgets.labs.predictions import Predictions
from vmwidgets.labs.records import MIME


@pytest.fixture
def asked() -> Prediction:
    return Prediction("t/gap", "Which gap?", "choice", ("low", "high"))


def kept(prediction: Prediction) -> dict[str, Any]:
    """What a notebook file holds."""
    data: dict[str, Any] = json.loads(json.dumps(prediction.bundle()[MIME]))
    return data


def test_the_first_answer_counts_and_others_are_kept_behind_it(asked: Prediction) -> None:
    asked.say("low")
    asked.say("low")
    asked.say("high", "control")
    assert asked.answer == "low"
    assert kept(asked)["answers"] == [
        {"answer": "low", "how": "code", "late": False, "because": ""},
        {"answer": "high", "how": "control", "late": False, "because": ""},
    ]


def test_an_answer_after_the_outcome_says_so(asked: Prediction) -> None:
    assert asked.compare("low").right is None
    asked.say("low")
    assert [answer.late for answer in asked.answers] == [True]
    assert asked.compare("low").late


def test_a_refused_answer_changes_nothing(asked: Prediction) -> None:
    asked.say("low")
    with pytest.raises(vm.Refused):
        asked.say("lowest")
    assert [answer.answer for answer in asked.answers] == ["low"]


def test_outcomes() -> None:
    guess = lab.predict("How many?", id="t/many", kind="number", answer="5")
    assert guess.compare(6).right is False
    assert repr(guess.compare(6)) == "You said: 5. What happened: 6."
    assert guess.compare(6).data()["actual"] == "6"


@pytest.mark.parametrize(("then", "right"), [(5, True), (6, False)])
def test_the_first_outcome_counts_whatever_a_cell_gives_when_it_is_run_again(then: int, right: bool) -> None:
    guess = lab.predict("How many?", id=f"t/again-{then}", kind="number", answer="5")
    guess.compare(then)
    again = guess.compare(11 - then)
    assert (again.right, again.data()) == (right, guess.compare(then).data())
    assert repr(again).endswith(f"This time: {11 - then}. The first outcome counts.")
    assert "This time" not in repr(guess.compare(then))


def test_what_happens_the_next_time_is_an_option_or_none_of_them() -> None:
    guess = lab.predict("Who?", id="t/who", options={"both": (True, True), "none": (False, False)}, answer="both")
    guess.compare((True, True))
    assert "This time: none. The" in repr(guess.compare((False, False)))
    assert "This time: none of these answers. The" in repr(guess.compare((True, False)))


def test_what_happens_first_is_said_in_words_though_no_option_says_it() -> None:
    guess = lab.predict("Who?", id="t/neither", options={"both": (True, True), "none": (False, False)}, answer="both")
    assert repr(guess.compare((True, False))) == "You said: both. What happened: none of these answers."
    assert guess.compare((False, True)) == guess.compare((True, False))
    assert "This time: both. The" in repr(guess.compare((True, True)))


def test_an_outcome_is_closed_until_something_is_said(asked: Prediction) -> None:
    lab.author.explain("t/gap", "Gaps are **asked** from below.")
    closed = asked.compare("high").bundle()
    assert not any("high" in str(form) or "from below" in str(form) for form in closed.values())
    asked.say("low")
    assert asked.outcome is not None
    opened = asked.outcome.bundle()
    assert "<strong>asked</strong> from below" in opened["text/html"]
    assert opened["text/plain"].startswith("You said: low (after this cell had run). What happened: high.")


@pytest.mark.parametrize("words", ["I don't know", " i DON\u2019T know"])
@pytest.mark.parametrize("kind", ["choice", "number", "text"])
def test_who_does_not_know_says_so_and_is_neither_right_nor_wrong(words: str, kind: str) -> None:
    options = {"options": ["1", "2"]} if kind == "choice" else {"kind": kind}
    one = lab.predict("Which?", id=f"t/unsure-{kind}-{len(words)}", answer=words, **options)
    outcome = one.compare("2")
    assert (outcome.right, outcome.sign, outcome.mistake) == (None, "", None)
    assert repr(outcome) == "You said: I don't know. What happened: 2."
    kernel = Predictions()
    kernel.ask(one)
    assert kernel.summary == "0 of 0 right. 1 not known."


@pytest.mark.parametrize("reason", ["it is first", "because it is first", "Because, it is first"])
def test_because_is_said_once_though_a_student_types_it(reason: str) -> None:
    why = lab.predict("Where?", id="t/twice", options=["low", "high"], answer="low", because=reason)
    assert "low, because it is first" in repr(why)
    assert kept(why)["answers"][0]["because"] == reason


def test_a_reason_is_kept_with_its_answer() -> None:
    why = lab.predict("Where?", id="t/why", options=["low", "high"], answer="low", because="first fit")
    assert kept(why)["answers"] == [{"answer": "low", "how": "code", "late": False, "because": "first fit"}]
    assert "low, because first fit" in repr(why)
    why.compare("high")
    why.miss("that it is best fit")
    assert kept(why)["missed"] == "that it is best fit"


def test_a_reason_after_the_result_is_shown_with_its_answer() -> None:
    kernel = Predictions()
    tree = kernel.ask(Prediction("t/tree", "How many levels?", "number", reasons=True))
    tree.say(3)
    tree.compare(3)
    tree.say(3, "control", "because each level halves the rest.")
    plain = tree.bundle()["text/plain"]
    assert "you said: 3, because (later) each level halves the rest." in plain
    assert "and later" not in plain
    table = kernel._repr_mimebundle_()
    assert "You said: 3, because (later) each level halves the rest. What happened: 3." in table["text/plain"]
    assert "3, because (later) each level halves the rest." in table["text/html"]


def test_each_later_answer_has_its_reason() -> None:
    tree = Prediction("t/tree", "How many levels?", "number", reasons=True)
    tree.say(3, because="it is deep")
    tree.say(4)
    tree.say(4, because="it is deeper")
    tree.compare(4)
    tree.say(4, because="I see it")
    assert "you said: 3, because it is deep; and later: 4, because it is deeper, because (later) I see it" in repr(tree)


def test_an_answer_in_code_is_kept_without_its_reason_which_is_asked_for_before_the_result() -> None:
    why = lab.predict("Where?", id="t/no-why", options=["low", "high"], answer="low", because=True)
    assert (why.answer, why.asks_why) == ("low", True)
    assert "because=" in repr(why)
    again = lab.predict("Where?", id="t/no-why", options=["low", "high"], answer="low", because="first fit")
    assert again is why
    assert [(one.answer, one.because) for one in why.answers] == [("low", "first fit")]
    assert "because=" not in repr(why)


def test_comparing_shows_the_result_of_an_answer_in_code_without_a_reason() -> None:
    why = lab.predict("Where?", id="t/no-why-2", options=["low", "high"], answer="low", because=True)
    assert repr(why.compare("high")) == "You said: low. What happened: high."
    assert not why.asks_why


def test_who_does_not_know_is_asked_for_no_reason() -> None:
    assert not lab.predict("Where?", id="t/no-why-3", answer="I don't know", because=True).asks_why


def test_options_say_what_they_stand_for_so_that_the_cell_that_compares_names_none() -> None:
    options = {"about 40": range(30, 51), "none": 0, "a fault": {"FAULT", "ACCES"}, "both": (1, 2), "yes": True}
    found = {}
    for actual in 41, 0, "ACCES", True, 7, "low", (1, 2):
        one = lab.predict("How many?", id=f"t/stands-{len(found)}", options=options, answer="none")
        found[actual] = one.compare(actual).actual
    known = {41: "about 40", 0: "none", "ACCES": "a fault", True: "yes", (1, 2): "both"}
    assert found == {**known, 7: OTHER, "low": OTHER}


def test_an_outcome_that_was_no_option_is_an_outcome(asked: Prediction) -> None:
    asked.say("low")
    assert asked.compare("nowhere").right is False


def test_an_outcome_that_is_no_number_is_shown() -> None:
    guess = lab.predict("How many?", id="t/no-number", kind="number", answer="5")
    assert repr(guess.compare("many")) == "You said: 5. What happened: 'many'."


@pytest.mark.parametrize("nothing", [None, ...])
def test_saying_nothing_is_no_error(nothing: Any) -> None:
    silent = lab.predict("Silent?", id=f"t/silent-{nothing is None}", answer=nothing)
    assert kept(silent)["answer"] is None
    assert silent.compare("yes").data()["said"] is None


def test_asked_again_it_is_the_same_prediction() -> None:
    first = lab.predict("Again?", id="t/again", options=["yes", "no"], answer="no")
    again = lab.predict("Again?", id="t/again", options=["yes", "no"], answer="yes")
    assert again is first
    assert (again.answer, len(again.answers)) == ("no", 2)


def test_another_question_has_another_id() -> None:
    """Without a given one, the ID is made from the words; an answer of another kind answers another question, too."""
    lab.predict("One?", answer="a")
    assert lab.predict("Two?").answer is None
    assert lab.predict("One ?").answer is None, "its ID is that of One?"
    lab.predict("One?", id="t/other", answer="a")
    other = lab.predict("One?", id="t/other", kind="number")
    assert other.answer is None
    assert lab.predictions["t/other"] is other


@pytest.fixture
def shell() -> Iterator[PyodideShell]:
    with open_notebook() as opened:
        opened.run("from vmwidgets import lab")
        yield opened


def test_an_answer_stays_when_its_question_is_reworded_and_its_options_are_reordered(shell: PyodideShell) -> None:
    """The author of a lab edits a cell that has run, and runs it again."""
    shell.run('lab.predict("Wich gap?", id="t/typo", options=["low", "high"], answer="low", because=True);', "c1")
    before = lab.predictions["t/typo"]
    before.say("low", because="it is first")
    before.compare("high")
    before.miss("the order")
    shell.run('lab.predict("Which gap?", id="t/typo", options=["high", "low"], because=True);', "c1")
    after = lab.predictions["t/typo"]
    assert (after.question, after.options) == ("Which gap?", ("high", "low"))
    assert (after.answers, after.missed, after.asks_why) == (before.answers, "the order", False)
    assert after.outcome is not None
    assert (after.outcome.right, after.outcome.late, after.outcome.actual) == (False, False, "high")


PAGES, ENTRIES = (f'lab.predict("How many {things}?", id="t/n", kind="number");' for things in ("pages", "entries"))


def answers_of(shell: PyodideShell, *cells: tuple[str, str]) -> list[str | None]:
    """Run cells, each with its ID, and return the answer that the question of each one has then."""
    found = []
    for source, cell in cells:
        shell.run(source, cell)
        found.append(lab.predictions["t/n"].answer)
    return found


def test_two_questions_of_a_notebook_with_the_same_id_have_an_answer_each(shell: PyodideShell) -> None:
    said = "lab.predictions['t/n'].say({})"
    assert answers_of(shell, (PAGES + said.format(3), "c1"), (ENTRIES, "c2"), (said.format(8), "c3")) == [
        "3",
        None,
        "8",
    ]
    assert answers_of(shell, (PAGES, "c1"), (ENTRIES, "c2"), (PAGES, "c1")) == ["3", "8", "3"]


def test_two_questions_of_a_cell_with_the_same_id_do_not_answer_each_other(shell: PyodideShell) -> None:
    said = "lab.predictions['t/n'].say({});"
    both = PAGES + said.format(3) + ENTRIES
    assert answers_of(shell, (both, "c1"), (both + said.format(8), "c1"), (PAGES, "c2")) == [None, "8", "3"]
    edited = both.replace("pages", "large pages").replace(said.format(3), "")
    assert answers_of(shell, (edited, "c1")) == ["8"]
    assert answers_of(shell, (edited.removesuffix(ENTRIES), "c1")) == [None]


def test_a_question_with_the_numbers_of_another_variant_is_another_question(shell: PyodideShell) -> None:
    """A course's own question may have numbers of the student's variant; the ID of the student is typed later."""

    def answer(stacks: str, name: str, more: str = "") -> str | None:
        shell.run(f'lab.predict("Pages of {stacks}?", id="{name}", kind="number"{more});', name)
        return lab.predictions[name].answer

    lab.begin("01")
    for name in ("t/own", "t/same"):
        answer("3 stacks", name, ", answer=3")
    lab.begin("01", student="ada", course="os")
    assert answer("4 stacks", "t/own") is None
    assert answer("3 stacks", "t/same") == "3"
    assert answer("3 stacks in all", "t/same") == "3"


def test_an_answer_whose_option_is_gone_is_asked_for_again_and_is_late_after_the_outcome() -> None:
    lab.predict("Which gap?", id="t/gone", options=["low", "high"], answer="low").compare("high")
    again = lab.predict("Which gap?", id="t/gone", options=["lowest", "high"])
    assert (again.answer, again.happened) == (None, "high")
    again.say("high")
    assert again.answers[0].late
    renamed = lab.predict("Which gap?", id="t/gone", options=["lowest", "highest"])
    assert (renamed.answer, renamed.happened) == (None, None), "nobody could give the old outcome as an answer"
    renamed.say("highest")
    outcome = renamed.compare("highest")
    assert (outcome.right, outcome.late) == (True, True)


def test_a_later_answer_does_not_count_as_the_first_whose_option_is_gone() -> None:
    before = lab.predict("Which gap?", id="t/first-gone", options=["low", "middle", "high"], answer="low")
    before.say("high")
    assert lab.predict("Which gap?", id="t/first-gone", options=["low", "high"]).answers == before.answers
    assert lab.predict("Which gap?", id="t/first-gone", options=["middle", "high"]).answers == ()


def test_a_question_that_is_changed_after_its_outcome_is_answered_late() -> None:
    """Else one blank more would make a first answer of what the cell had printed."""
    lab.predict("Which?", id="t/blank", options=["a", "b"]).compare("a")
    for question in "Which? ", "Which one?":
        changed = lab.predict(question, id="t/blank", options=["a", "b"], answer="a")
        assert [one.late for one in changed.answers] == [True]
    assert changed.compare("a").late


def test_predictions_are_kept_in_the_order_they_were_asked() -> None:
    kernel = Predictions()
    for name in "z", "a", "m":
        kernel.ask(Prediction(name, "Which?", "text")).say(name)
    data = kernel._repr_mimebundle_()[MIME]
    assert [one["id"] for one in data["predictions"]] == ["z", "a", "m"]


def test_together_they_say_what_was_asked_said_and_right_and_count() -> None:
    kernel = Predictions()
    answered = {"t/right": "2", "t/wrong": "3", "t/silent": None, "t/open": "4"}
    for name, answer in answered.items():
        one = kernel.ask(Prediction(name, f"How many of {name}?", "number"))
        if answer is not None:
            one.say(answer)
        if name != "t/open":
            one.compare(2)
    kernel["t/silent"].say(2)
    bundle = kernel._repr_mimebundle_()
    assert kernel.summary == "1 of 2 right. 1 not answered before the outcome."
    assert [(one["id"], one["said"], one["actual"], one["right"]) for one in bundle[MIME]["outcomes"]] == [
        ("t/right", "2", "2", True),
        ("t/wrong", "3", "2", False),
        ("t/silent", "2", "2", True),
    ]
    text, page = repr(kernel).splitlines(), bundle["text/html"].split("<tr>")[2:]
    for form, yes, no in (text, "+", "-"), (page, "✓", "✗"):
        right, wrong, silent, open_ = form[:4]
        assert yes in right
        assert no in wrong
        assert "How many of t/wrong?" in wrong
        assert "after its cell had run" in silent
        assert "not shown yet" in open_


def test_what_was_not_answered_before_is_counted_apart() -> None:
    kernel = Predictions()
    for name in "t/one", "t/two":
        kernel.ask(Prediction(name, "Which?", "text")).compare("this")
    kernel["t/one"].say("this")  # too late to count
    assert kernel.summary == "0 of 0 right. 2 not answered before the outcome."
    kernel.ask(Prediction("t/open", "Which?", "text"))
    assert kernel.summary == "0 of 0 right. 2 not answered before the outcome. 1 not answered yet."
    kernel["t/open"].say("this")
    assert kernel.summary == "0 of 0 right. 2 not answered before the outcome."


def test_what_people_write_is_not_markup() -> None:
    evil = "<img src=x onerror=alert(1)>"
    asked = lab.predict(evil, id="t/evil", options=["<b>", "&"], answer="<b>")
    html = asked.bundle()["text/html"] + asked.compare("&")._repr_mimebundle_()["text/html"]
    assert "<img" not in html
    assert "<b>" not in html
    assert "&lt;img" in html


@pytest.mark.parametrize(
    "arguments",
    [
        {"id": "no spaces"},
        {"id": "../up"},
        {"options": ["one"]},
        {"options": ["same", "same"]},
        {"options": "text"},
        {"kind": "colour"},
        {"kind": "choice"},
        {"kind": "number", "options": ["1", "2"]},
        {"answer": "x", "kind": "number"},
    ],
)
def test_a_question_that_makes_no_sense_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(vm.Refused):
        lab.predict("Where?", **arguments)
    with pytest.raises(vm.Refused):
        lab.predict("  ")


def test_both_ways_lead_to_the_same_lab() -> None:
    assert vm.lab is lab
    assert {"begin", "check", "hint", "predict", "predictions", "variant"} <= set(dir(lab)) == set(lab.__all__)
