from __future__ import annotations

import pytest

from vmwidgets import Address, Refused
from vmwidgets.labs.answers import MOST_CHARACTERS, written


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        (3, "number", "3"),
        (" −1 ", "number", "-1"),
        ("+2", "number", "2"),
        ("100,000", "number", "100000"),
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


def test_a_choice_is_one_of_the_options() -> None:
    assert written(2, "choice", ("1", "2")) == "2"
    with pytest.raises(Refused, match="did you mean 'lower'"):
        written("lowr", "choice", ("lower", "higher"))
    with pytest.raises(Refused):
        written(True, "choice", ("True", "False"))
