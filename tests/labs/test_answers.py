from __future__ import annotations

import pytest

from vmwidgets import Address, Refused, lab
from vmwidgets.labs.answers import MOST_CHARACTERS, written


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        (3, "number", "3"),
        (" −1 ", "number", "-1"),
        ("+2", "number", "2"),
        ("100,000", "number", "100000"),
        ("0x1e1", "number", "481"),
        (" 0X01_E1 ", "number", "481"),
        ("0b111100001", "number", "481"),
        ("-0x20", "number", "-32"),
        (0xFFFF_8080_0014_1000, "address", "0xffff_8080_0014_1000"),
        ("ffff 8080 0014 1000", "address", "0xffff_8080_0014_1000"),
        ("16 KiB", "size", "16 KiB"),
        (4 * 4096, "size", "16 KiB"),
        (10 * 1024 * 1024 + 1, "size", "10485761 B"),
        ("  two\n words ", "text", "two words"),
    ],
)
def test_an_answer_has_one_written_form(given: object, kind: str, text: str) -> None:
    assert written(given, kind) == text
    assert written(text, kind) == text, "what is stored is read back as the same"


def test_every_bit_of_an_address_is_kept() -> None:
    """As a JSON number it would come back from a browser as another one."""
    assert written(Address(2**64 - 1), "address") == "0xffff_ffff_ffff_ffff"


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (True, "number"),
        ("three", "number"),
        ("--3", "number"),
        ("1e1", "number"),
        ("0x", "number"),
        ("0b12", "number"),
        (2.0, "number"),
        ("1" * 100, "number"),
        (-1, "address"),
        ("somewhere", "address"),
        ("much", "size"),
        ("", "text"),
        (" \n", "text"),
        ("x" * (MOST_CHARACTERS + 1), "text"),
        (None, "text"),
    ],
)
def test_what_is_no_answer_is_refused(given: object, kind: str) -> None:
    with pytest.raises(Refused):
        written(given, kind)


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("Which index? Write it as a decimal number.", ("32", "+32"), ("0x20", "0b100000")),
        ("Which page, in hexadecimal?", ("0x20", "20"), ("three",)),
        ("Write the bits of 32 in binary.", ("0b100000", "100000"), ("0x20", "32")),
        ("How many hexadecimal digits are 128 bits? Addresses are in hexadecimal.", ("32", "0x20", "0b100000"), ()),
    ],
)
def test_a_number_is_in_the_base_that_the_question_asks_for(
    question: str, right: tuple[str, ...], wrong: tuple[str, ...]
) -> None:
    for number, one in enumerate(right):
        asked = lab.predict(question, id=f"base/{number}/{len(question)}", kind="number")
        asked.say(one)
        assert asked.answer == "32"
    asked = lab.predict(question, id=f"base/wrong/{len(question)}", kind="number")
    for one in wrong:
        with pytest.raises(Refused):
            asked.say(one)
    assert asked.answer is None, "nothing has changed"


def test_a_choice_is_one_of_the_options() -> None:
    assert written(2, "choice", ("1", "2")) == "2"
    with pytest.raises(Refused, match="did you mean 'lower'"):
        written("lowr", "choice", ("lower", "higher"))
    with pytest.raises(Refused):
        written(True, "choice", ("True", "False"))
