"""Codes: each slip of the fingers is found without the key, and none of what a notebook keeps tells a code."""

from __future__ import annotations

import hashlib
import hmac
import json
from itertools import combinations
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.beginning import Beginning
from vmwidgets.labs.codes import ALPHABET, checked_code, code_of

KEY = "correct horse battery staple"
IDS = ["ada", "ben", "m.müller@example", "4711", "李"]
ADA, BEN = code_of(KEY, "os", "ada"), code_of(KEY, "os", "ben")


def refusal(text: Any, course: str = "os", student: str = "ada") -> str:
    with pytest.raises(vm.Refused) as error:
        checked_code(text, course, student)
    return str(error.value)


def slipped_through(course: str, student: str) -> bool:
    """Whether the code of ada is taken for that of `student`."""
    try:
        return bool(checked_code(ADA, course, student))
    except vm.Refused:
        return False


def test_a_code_is_60_bits_of_the_keyed_hash_in_crockfords_base32() -> None:
    """Python's own base64 module knows the letters of RFC 4648; Crockford's are others for the same bits."""
    bits = hmac.new(KEY.encode(), b"os|ada", hashlib.sha256).hexdigest()[:15]
    value = 0
    for character in ADA.replace("-", "")[:12]:
        value = value * 32 + ALPHABET.index(character)
    assert f"{value:015x}" == bits
    assert [len(group) for group in ADA.split("-")] == [4, 4, 4, 2]
    assert not set("ILOU") & set(ALPHABET)
    assert len(set(ALPHABET)) == 32


def test_each_part_of_what_it_is_for_makes_another_code() -> None:
    others = [(KEY, "os", student) for student in IDS] + [(KEY, "db", "ada"), (f"{KEY}!", "os", "ada")]
    assert len({code_of(*other) for other in others}) == len(others)
    assert code_of(KEY, "os", "ADA") == ADA


@pytest.mark.parametrize("student", IDS)
def test_every_single_wrong_character_is_found(student: str) -> None:
    code = code_of(KEY, "os", student)
    for place, right in enumerate(code):
        for wrong in ALPHABET if right != "-" else "":
            if wrong != right:
                assert "mistyped" in refusal(code[:place] + wrong + code[place + 1 :], "os", student)


@pytest.mark.parametrize("student", IDS)
def test_any_two_characters_that_changed_places_are_found(student: str) -> None:
    """Neighbours, the two last ones too, and all others."""
    code = code_of(KEY, "os", student).replace("-", "")
    for one, other in combinations(range(len(code)), 2):
        swapped = list(code)
        swapped[one], swapped[other] = code[other], code[one]
        if code[one] != code[other]:
            assert "mistyped" in refusal("".join(swapped), "os", student)


def test_a_code_of_someone_else_is_refused_in_most_cases() -> None:
    """One of 32 has the same character by chance; 2,000 ids are far from both all and none."""
    slips = [("os", f"student-{number}") for number in range(1000)] + [
        (f"os-{number}", "ada") for number in range(1000)
    ]
    missed = [slip for slip in slips if slipped_through(*slip)]
    assert 30 <= len(missed) <= 100  # 62.5 are expected
    said = refusal(ADA, "os", "ben")
    assert said == "this code does not belong to id ben, course os: one of the three is not what you received"


@pytest.mark.parametrize(
    "write", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code.replace('-', ' ')}\n"]
)
def test_a_code_is_read_as_people_type_it(write: Any) -> None:
    assert checked_code(write(ADA), "os", "Ada") == ADA


def test_letters_that_look_like_digits_are_digits() -> None:
    code = next(code for code in (code_of(KEY, "os", f"s{n}") for n in range(100)) if {"0", "1"} <= set(code))
    student = next(f"s{n}" for n in range(100) if code_of(KEY, "os", f"s{n}") == code)
    for one, zero in ("I", "O"), ("l", "o"), ("L", "0"):
        assert checked_code(code.replace("1", one).replace("0", zero), "os", student) == code


@pytest.mark.parametrize("text", ["", "x", None, 7, ADA[:-1], f"{ADA}0", ADA.replace(ADA[0], "U"), "é" * 14, [ADA]])
def test_what_is_no_code_is_refused_in_a_sentence(text: Any) -> None:
    assert refusal(text).startswith("code= is not a code: a code has 14 letters and digits")


def test_an_error_does_not_repeat_the_code() -> None:
    for text in ADA[:-1], ADA[:-1] + "0", ADA:
        assert text not in refusal(text, "os", "ben")


def test_the_seed_depends_on_the_code_and_only_the_key_gives_it_again() -> None:
    begun = lab.begin("01", student="Ada", course="os", code=ADA.lower())
    text = f"os|01|ada|{ADA}"
    assert f"{begun.seed:016x}" == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert begun.seed != Beginning("01", "os", ("ada",)).seed
    assert Beginning.made_from(begun.data(), KEY).seed == begun.seed
    assert Beginning.made_from(begun.data()).seed == Beginning("01", "os", ("ada",)).seed
    assert lab.variant("01/gaps").of == f"{begun.seed:016x}"


def test_with_a_key_the_seed_is_the_codes_whatever_a_notebook_says() -> None:
    """A student who left out the code has another seed in the notebook than the grader, who can say so."""
    without = Beginning("01", "os", ("ada",)).data()
    again = Beginning.made_from(without, KEY)
    assert f"{again.seed:016x}" != without["seed"]
    assert again.codes == (ADA,)
    assert Beginning.made_from({**without, "student": ""}, KEY).codes == ()


def test_no_code_is_in_what_a_notebook_keeps() -> None:
    begun = lab.begin("01", student="ada", course="os", code=ADA)
    kept = json.dumps([begun.data(), begun._repr_mimebundle_()]) + repr(begun)
    assert ADA not in kept
    assert ADA[:4] not in kept
    assert begun.data()["coded"] is True
    assert Beginning("01", "os", ("ada",)).data()["coded"] is False


def test_a_pairs_codes_are_in_the_order_of_its_ids() -> None:
    one = lab.begin("01", student=["ben", "ada"], course="os", code=[BEN, ADA])
    assert one.codes == (ADA, BEN)
    assert lab.begin("01", student=["Ada", "Ben"], course="os", code=[ADA, BEN]) == one
    assert Beginning.made_from(one.data(), KEY) == one


@pytest.mark.parametrize(
    ("student", "code", "says"),
    [
        ("", ADA, "code= without a student"),
        (["ada", "ben"], ADA, "write 2 of each, as lists in the same order"),
        (["ada", "ben"], [ADA], "write 2 of each"),
        ({"ada", "ben"}, [ADA, BEN], "as lists in the same order"),
        ("ada", [ADA, BEN], "write 1 of each"),
        ("ada", 7, "write 1 of each"),
        (["ada", "ben"], [BEN, ADA], "does not belong to id ada"),
    ],
)
def test_codes_that_don_t_fit_the_ids_are_refused(student: Any, code: Any, says: str) -> None:
    with pytest.raises(vm.Refused, match=says):
        lab.begin("01", student=student, course="os", code=code)


def test_with_a_code_it_is_another_beginning_than_without() -> None:
    lab.begin("01", student="ada", course="os")
    with pytest.raises(vm.Refused, match=r"for ada, course os without a code: restart .* course os with a code$"):
        lab.begin("01", student="ada", course="os", code=ADA)
