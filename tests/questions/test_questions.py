"""Each question has one right answer: the engine's, and that of a solver which reads nothing but the text."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from importlib import import_module

import pytest

from vmwidgets import Refused
from vmwidgets.labs.draws import Draws
from vmwidgets.questions import MOST_QUESTIONS, TOPICS, Question, make_exam
from vmwidgets.questions.exam import kinds_of
from vmwidgets.questions.question import ADDRESS, CHOICE, LETTERS, NUMBER, TEXT
from vmwidgets.questions.sheets import svg_of

MOST_WORDS = 90
"""Of a question, without its tables, and of a rule."""

FEW, MANY = 3, 1000
"""Seeds in `make check` and in the sweep."""


def solvers(topic):
    return import_module(f"tests.questions.solving.{topic}").SOLVERS


def check_text(question: Question) -> None:
    assert question.form in (CHOICE, NUMBER, ADDRESS, TEXT)
    assert bool(question.options) == (question.form == CHOICE)
    assert len(question.options) in (0, 4, 5) and len(set(question.options)) == len(question.options)
    for text in (question.text, question.why, *question.options):
        assert text == text.strip() and "  " not in text and text.count("`") % 2 == 0
    assert "?" in question.text
    for paragraphs in (question.text, *question.rules):
        assert len(re.sub(r"^\|.*$", "", paragraphs, flags=re.MULTILINE).split()) <= MOST_WORDS
    assert [letter for letter, _ in question.wrong] == [
        letter for letter, one in zip(LETTERS, question.options, strict=False) if one != question.answer
    ]
    assert all(said and said[-1] not in " ." for _, said in question.wrong), question.wrong
    assert re.search(r"\(.*\)$", question.why), "the key names a function or a section of a manual"
    if question.form == ADDRESS:
        assert not set(question.accepted) & set(re.findall(r"\w+", question.text)), "the text has the answer in it"


def check_answer(question: Question, solve) -> None:
    """A solver reads the rules too, as a student does."""
    assert solve(replace(question, text=question.whole)) == {question.answer}, (
        f"{question.id}: {question.text}\n{question.options}"
    )


@pytest.mark.parametrize("topic", TOPICS)
class TestATopic:
    def test_it_has_four_kinds_or_more_in_three_grades(self, topic):
        kinds = kinds_of(topic)
        assert len(kinds) >= 4 and {kind.grade for kind in kinds} == {1, 2, 3}
        assert len({kind.name for kind in kinds}) == len(kinds)
        assert all(kind.name.startswith(f"{topic}/") and kind.about for kind in kinds)
        assert set(solvers(topic)) == {kind.name for kind in kinds}

    def test_a_question_has_one_right_answer(self, topic):
        for seed in range(FEW):
            for question in make_exam(topic, seed, len(kinds_of(topic))).questions:
                check_text(question)
                check_answer(question, solvers(topic)[question.id])

    @pytest.mark.sweep
    def test_of_a_thousand_seeds(self, topic):
        letters: Counter[tuple[str, str]] = Counter()
        for seed in range(MANY):
            for question in make_exam(topic, seed, len(kinds_of(topic))).questions:
                check_text(question)
                check_answer(question, solvers(topic)[question.id])
                letters[question.id, question.letter] += 1
        for kind in kinds_of(topic):
            shares = [letters[kind.name, letter] / MANY for letter in LETTERS[:4]]
            assert not any(shares) or min(shares) > 0.1, f"{kind.name}: the right one has no place of its own"

    def test_figures_are_drawn_and_give_no_address_away(self, topic):
        drawn = 0
        for question in make_exam(topic, 1, len(kinds_of(topic))).questions:
            for draw in (question.figure, question.solution):
                drawn += draw is not None
                if draw is not None:
                    assert svg_of(draw()) == svg_of(draw()), "drawn twice it is the same"
            if question.figure is not None and question.form == ADDRESS:
                assert not set(question.accepted) & set(re.findall(r"\w+", svg_of(question.figure())))
        assert drawn >= 3

    def test_a_seed_gives_the_same_exam(self, topic):
        assert make_exam(topic, 7) == make_exam(topic, 7)
        assert make_exam(topic, 7) != make_exam(topic, 8)

    def test_each_kind_comes_before_one_comes_again(self, topic):
        count = len(kinds_of(topic))
        names = [question.id for question in make_exam(topic, 3, 2 * count).questions]
        assert set(Counter(names).values()) == {2}
        assert {question.grade for question in make_exam(topic, 3, 3).questions} == {1, 2, 3}


def test_no_two_questions_of_a_long_exam_are_the_same():
    exam = make_exam("walk", 5, MOST_QUESTIONS)
    assert len({question.text for question in exam.questions}) == MOST_QUESTIONS
    assert [question.grade for question in exam.questions] == sorted(question.grade for question in exam.questions)


@pytest.mark.parametrize(
    ("topic", "seed", "n", "words"),
    [
        ("wlak", 0, 6, "topic='wlak'"),
        (7, 0, 6, "topic=7"),
        ((), 0, 6, "no topic"),
        (("walk", "wlak"), 0, 6, "topic='wlak'"),
        (("walk", "tlb", "walk"), 0, 6, "topic='walk' comes twice"),
        ("walk", 0, 0, "n=0"),
        ("walk", 0, 10_000, "n=10000"),
        ("walk", "x", 6, "seed='x'"),
        ("walk", True, 6, "seed=True"),
        ("walk", 0, 2.5, "n=2.5"),
    ],
)
def test_what_makes_no_exam_is_refused(topic, seed, n, words):
    with pytest.raises(Refused, match=re.escape(words)):
        make_exam(topic, seed, n)


@pytest.mark.parametrize(
    ("topic", "options", "words"),
    [
        ("walk", {"kinds": ["walk/inedx"]}, "kind='walk/inedx'"),
        ("walk", {"kinds": ["tlb/set"]}, "kind='tlb/set'"),
        ("walk", {"kinds": ["walk/index", "walk/index"]}, "kind='walk/index' comes twice"),
        (("walk", "tlb"), {"kinds": ["walk/index"]}, "topic='tlb': none of its kinds is chosen"),
        ((), {"kinds": ["wlak/index"]}, "topic='wlak'"),
        ("cow/value", {}, "gaps, paper; kinds go with --kind"),
        ((), {"kinds": ["walk"]}, "walk/rights; topics go with --topic"),
        ("walk", {"form": "C"}, "form='C'"),
    ],
)
def test_kinds_and_forms_that_are_not_there_are_refused(topic, options, words):
    with pytest.raises(Refused, match=re.escape(words)):
        make_exam(topic, 1, **options)


def test_only_chosen_kinds_are_asked_and_each_once():
    chosen = ("cow/value", "walk/fault", "walk/index")
    exam = make_exam((), 5, kinds=chosen)
    assert sorted(question.id for question in exam.questions) == sorted(chosen)
    assert Counter(one.id for one in make_exam("walk", 5, 4, kinds=chosen[1:]).questions) == {
        "walk/fault": 2,
        "walk/index": 2,
    }


@pytest.mark.parametrize("topic", TOPICS)
def test_two_forms_have_the_same_kinds_and_no_question_in_common(topic):
    one, other = (make_exam(topic, 5, 12, form=form) for form in "AB")
    assert [question.id for question in one.questions] == [question.id for question in other.questions]
    assert not {question.text for question in one.questions} & {question.text for question in other.questions}
    assert (one.title[-6:], other.title[-6:]) == ("form A", "form B")


def test_a_paper_says_each_rule_once():
    exam = make_exam(("walk", "tables"), 3, 7)
    said = [rule for section in exam.sections for rule in exam.new_rules(section)]
    assert len(said) == len(set(said)) == len({rule for one in exam.questions for rule in one.rules})
    shared = set(exam.sections[0].rules) & set(exam.sections[1].rules)
    assert shared and not shared & set(exam.new_rules(exam.sections[1]))


def test_each_topic_of_several_has_the_questions_that_it_has_alone():
    exam = make_exam(("gaps", "walk"), 4, 3)
    assert [section.questions for section in exam.sections] == [
        make_exam(one, 4, 3).questions for one in ("gaps", "walk")
    ]
    assert [[number for number, _ in section.numbered] for section in exam.sections] == [[1, 2, 3], [4, 5, 6]]
    assert exam.points == 12


@pytest.mark.parametrize("topic", TOPICS)
def test_a_secret_is_needed_to_make_the_questions_again(topic):
    of = [make_exam(topic, 7, 4, secret).questions for secret in ("", "a" * 16, "b" * 16, "a" * 16)]
    assert of[1] == of[3]
    assert of[0] != of[1] != of[2] != of[0]


@pytest.mark.parametrize("answer", ["481", "0x1e1"])
def test_a_number_is_a_value_unless_a_base_is_asked(answer):
    accepted = Question("Which frame?", answer, "", NUMBER).accepted
    assert {"481", "0x1e1", "0x000001e1", "0b111100001"} <= set(accepted)
    bases = {"0x": 16, "0b": 2, "48": 10}  # and hexadecimal digits alone, if the answer has a letter
    assert {int(one, bases.get(one[:2], 16)) for one in accepted} == {481}
    assert Question("Which? Write it in decimal digits.", "481", "", NUMBER).accepted == ("481",)
    assert "481" not in Question("Which frame, in hexadecimal?", "0x1e1", "", ADDRESS).accepted


@pytest.mark.parametrize("answer", ["0xa21_7dab", "0x40_1000", "0x1f00_0000", "0xffff_8000_0000_1000"])
def test_an_address_may_be_typed_as_people_and_pictures_write_it(answer):
    accepted = Question("Where?", answer, "", ADDRESS).accepted
    value = int(answer, 16)
    padded = [f"{value:#0{width + 2}x}" for width in (8, 16)]
    for spelled in (answer, f"{value:#x}", f"{value:x}", f"{value:_x}", f"{value:08x}", *padded):
        assert spelled in accepted
    assert {int(one, 16) for one in accepted} == {value}
    assert len(set(accepted)) == len(accepted)


def test_beladys_anomaly_is_asked_as_often_as_other_changes():
    """In a drawn string it is rare: one of 50,000 has it."""
    (more,) = [kind for kind in kinds_of("replacement") if kind.name == "replacement/more"]
    asked = [more.drawn(Draws(str(number))) for number in range(100)]
    changes = Counter(one.answer for one in asked)
    assert set(changes) == {
        f"it {one}" for one in ("falls by 3", "falls by 2", "falls by 1", "stays the same", "grows by 1")
    }
    assert min(changes.values()) >= 10
    solve = solvers("replacement")["replacement/more"]
    for question in asked:
        check_answer(question, solve)
    grown = {question.text for question in asked if "grows" in question.answer}
    assert len(grown) == changes["it grows by 1"]


def test_a_kind_draws_until_a_question_is_good():
    kinds = kinds_of("walk")
    for kind in kinds:
        assert kind.drawn(Draws("again")) == kind.drawn(Draws("again"))
        assert kind.drawn(Draws("again")).id == kind.name


def test_the_docs_have_a_row_for_each_kind(root):
    text = (root / "docs" / "questions.md").read_text()
    for topic in TOPICS:
        for kind in kinds_of(topic):
            assert f"| `{kind.name}` | {kind.grade} | {kind.about} |" in text


@pytest.mark.parametrize("name", ["cow/shared", "tables/cheapest"])
def test_a_key_says_why_an_option_is_wrong_and_not_only_what_is(name: str) -> None:
    """In a clause: what the tasks read, or which table is smaller."""
    (kind,) = (one for one in kinds_of(name.partition("/")[0]) if one.name == name)
    for number in range(20):
        question = kind.drawn(Draws(f"why {number}"))
        whys = [question.mistakes[one] for one in question.options if one != question.answer]
        assert all(re.search(r"\b(read|reads|is|was|has)\b", why) and " are another" not in why for why in whys), whys
