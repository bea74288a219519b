"""Sheets and what they are drawn from: the same for the same seed on each Python, and sentences for what is none."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.records import MIME
from vmwidgets.labs.sheet import MOST_PRACTICE


def test_draws_are_the_same_on_each_python():
    """By hand: random.Random(0x139d544b821b13eb), the first 8 bytes of SHA-256 of "doc", gives 0.506 0.356 0.327 0.095
    0.412 0.274 0.872 0.808."""
    draws = lab.author.Draws("doc")
    assert [draws.below(100) for _ in range(8)] == [50, 35, 32, 9, 41, 27, 87, 80]
    draws = lab.author.Draws("doc")
    assert [draws.between(10, 13), draws.choice("abcd"), draws.between(-5, -5)] == [12, "b", -5]
    # Of five the third (0.506), of the four left the second (0.356), then the first of three (0.327), of two (0.095).
    assert lab.author.Draws("doc").shuffled("abcde") == ["c", "b", "a", "d", "e"]
    assert lab.author.Draws("doc").sample("abcde", 2) == ["c", "b"]


@pytest.mark.parametrize(
    "draw",
    [
        lambda draws: draws.below(0),
        lambda draws: draws.below(-1),
        lambda draws: draws.below(2.5),
        lambda draws: draws.below(True),
        lambda draws: draws.below(1 << 60),
        lambda draws: draws.between(3, 2),
        lambda draws: draws.choice([]),
        lambda draws: draws.sample([1, 2], 3),
        lambda draws: draws.sample([1, 2], -1),
    ],
)
def test_a_draw_from_nothing_is_refused(draw):
    with pytest.raises(vm.Refused, match=r"^the number of values to draw( from)? is .*: it must be a whole number"):
        draw(lab.author.Draws("doc"))


def test_a_sheet_is_drawn_again_alike_and_starts_anew_each_time():
    sheet = lab.variant("01/gaps")
    assert lab.variant("01/gaps").text == sheet.text
    one, other = sheet.start(), sheet.start()
    assert one is not other
    assert one.value() == other.value()


@pytest.mark.parametrize("number", [1, 2, MOST_PRACTICE])
def test_practice_sheets_have_numbers(number):
    sheet = lab.practice("01/gaps", number)
    assert (sheet.of, sheet.practice, sheet.id) == (f"practice {number}", True, f"01/gaps (practice {number})")
    assert sheet.data()["id"] == "01/gaps"


@pytest.mark.parametrize(
    "number",
    [0, -1, MOST_PRACTICE + 1, 10**100, 1.0, "1", None, True, [1], "x" * 10_000],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_number_of_a_practice_sheet_is_refused(number):
    with pytest.raises(vm.Refused, match=r"^number=.*write a number, 1 to 1,000,000$"):
        lab.practice("01/gaps", number)


def test_practice_is_the_same_for_everyone():
    before = lab.practice("01/gaps", 3).text
    lab.begin("01", student="anna", course="os")
    assert lab.practice("01/gaps", 3).text == before


@pytest.mark.parametrize(
    "name", ["01/gap", "", None, 5, ["01/gaps"], {}, "\u202e", "x" * 10_000], ids=lambda value: type(value).__name__
)
@pytest.mark.parametrize("ask", [lab.variant, lab.practice, lab.hint, lab.check])
def test_a_name_that_is_no_exercise_is_refused(ask, name):
    with pytest.raises(vm.Refused, match="unknown") as refused:
        ask(name)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 1000


def exercise(**options):
    @lab.author.exercise("t/one", "One", points=1, takes=int, **options)
    def judge(value, *_asked):
        yield lab.author.criterion(1, value == 1, "it is one", "it should be one")


@pytest.mark.parametrize("ask", [lab.variant, lab.practice])
def test_an_exercise_that_asks_the_same_of_all_has_no_sheet(ask):
    exercise()
    with pytest.raises(vm.Refused, match="'t/one' has no variants: all students get the same one"):
        ask("t/one")


@pytest.mark.parametrize(
    "given",
    [None, 5, SimpleNamespace(text="t"), SimpleNamespace(text=5, start=int), SimpleNamespace(text="t", start=1)],
    ids=lambda value: type(value).__name__,
)
def test_a_sheet_without_a_text_or_a_start_is_refused(given):
    exercise(variant=lambda _draws: given)
    for ask in (lab.variant, lab.practice, lab.hint, lab.check):
        with pytest.raises(vm.Refused, match=r"'t/one': its variant= gave .*, which has no text or no start\(\)"):
            ask("t/one")


@pytest.mark.parametrize("name", ["variant", "shows"])
@pytest.mark.parametrize("value", [5, "text", {}], ids=lambda value: type(value).__name__)
def test_what_is_no_function_is_refused(name, value):
    with pytest.raises(vm.Refused, match=f"^{name}="):
        exercise(**{name: value})


def test_a_judge_that_is_no_function_is_refused():
    with pytest.raises(vm.Refused, match="'t/two': 5 is not a function that yields criteria"):
        lab.author.exercise("t/two", "Two", points=1, takes=int)(5)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(vm.Refused, match="unknown"):
        lab.check("t/two")


def test_a_shipped_name_is_refused_unless_it_is_to_be_replaced():
    def own(replace):
        @lab.author.exercise("01/gaps", "Ours", points=1, takes=int, replace=replace)
        def judge(value):
            yield lab.author.criterion(1, value == 1, "it is one", "it should be one")

    with pytest.raises(vm.Refused, match="'01/gaps' ships with vmwidgets: choose another id, or write replace=True"):
        own(replace=False)
    assert lab.check("01/gaps").title == "Gaps and requests"
    own(replace=True)
    assert lab.check("01/gaps", 1).passed
    own(replace=False)  # it is the class's own now: its cell may run again


def test_a_sheet_shows_itself_as_text_and_as_data():
    exercise(variant=lambda _draws: SimpleNamespace(text="Make `<b>`.\nThen stop.", start=int))
    bundle = lab.variant("t/one")._repr_mimebundle_()
    wanted = {"record": "sheet", "schema": 1, "id": "t/one", "of": "default", "text": "Make `<b>`.\nThen stop."}
    assert bundle[MIME] == wanted
    assert "<code>&lt;b&gt;</code>" in bundle["text/html"]
    assert bundle["text/plain"].startswith("t/one | One\nMake `<b>`.\nThen stop.\nTo practise:")


def test_a_practice_sheet_says_how_to_check_it_and_not_by_the_name_of_the_graded_one() -> None:
    sheet = lab.practice("01/gaps", 3)
    assert 'practice = lab.practice("01/gaps", 3)' in repr(sheet)
    result = lab.check(sheet, sheet.start())
    for text in repr(sheet), repr(lab.variant("01/gaps")):
        assert "lab.check(practice, ...)" in text
        assert "lab.hint(practice)" in text
    assert "lab.hint(practice)" in repr(result)
    assert "hint(sheet)" not in repr(result)
