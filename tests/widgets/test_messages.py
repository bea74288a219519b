from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.engine.base.errors import Refused
from vmwidgets.widgets.host.messages import SCHEMA, check_message

GOOD: list[dict[str, Any]] = [
    {"type": "hello", "page": "ab-1", "seq": -1, "visible": False, "width": 1090, "height": 900, "nth": 2},
    {"type": "bye", "page": "ab-1", "cleared": True},
    {"type": "open", "id": "fold/3"},
    {"type": "seek", "operation": -1, "place": -1, "latest": -1, "stays": False},
    {"type": "jump", "to": "rotation", "way": -1},
    {"type": "turn", "id": "walk/slice/2", "by": -3},
    {"type": "find", "text": "0014 1000", "way": 1},
    {"type": "export", "form": "dark", "operation": 0, "place": -1},
    {"type": "operations", "have": 12, "serial": 11, "first": 500},
    {"type": "laid", "key": 0, "svg": "<svg/>" + " " * 9_000},
]


def test_every_kind_has_an_example() -> None:
    assert {message["type"] for message in GOOD} == set(SCHEMA)


@pytest.mark.parametrize("message", GOOD, ids=lambda message: message["type"])
def test_what_the_front_end_sends_passes(message: dict[str, Any]) -> None:
    assert check_message(message) == message


@pytest.mark.parametrize("message", GOOD, ids=lambda message: message["type"])
def test_each_may_name_the_page_that_asks(message: dict[str, Any]) -> None:
    assert check_message({**message, "page": "ab-2"}) == {**message, "page": "ab-2"}


@pytest.mark.parametrize("message", GOOD, ids=lambda message: message["type"])
def test_a_missing_or_further_field_is_named(message: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="extra"):
        check_message({**message, "extra": 1})
    with pytest.raises(Refused, match="page is 7; it must be a text"):
        check_message({**message, "page": 7})
    for name in set(message) - {"type"}:
        with pytest.raises(Refused, match=f"{name} is missing"):
            check_message({key: value for key, value in message.items() if key != name})


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (None, "must be an object"),
        ([], "must be an object"),
        ("step", "must be an object"),
        ({}, "type None"),
        ({"type": ["step"]}, "type"),
        ({"type": "__class__"}, "known are"),
        ({"type": "seek", "operation": True, "place": 0}, "operation is True"),
        ({"type": "seek", "operation": 1.0, "place": 0}, "operation is 1.0"),
        ({"type": "seek", "operation": "1", "place": 0}, "operation is '1'"),
        ({"type": "seek", "operation": -2, "place": 0}, "operation is -2"),
        ({"type": "seek", "operation": 2**60, "place": 0}, "operation is 1152921504606846976"),
        ({"type": "seek", "operation": 0, "place": 0.5}, "place is 0.5"),
        ({"type": "open", "id": "x" * 201}, "at most 200"),
        ({"type": "open", "id": 5}, "id is 5"),
        ({"type": "export", "form": "png", "operation": 0, "place": 0}, "one of light, dark, table, dot"),
        ({"type": "bye", "page": "a", "cleared": 1}, "cleared is 1"),
        ({"type": "laid", "key": -1, "svg": ""}, "key is -1"),
        ({"type": "laid", "key": 0, "svg": "x" * 200_001}, "at most 200000"),
        ({"type": "laid", "key": 0, "svg": "\ud800"}, "svg is"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(message: Any, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        check_message(message)
    assert words in str(refusal.value)
    assert len(str(refusal.value)) < 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON | st.dictionaries(st.sampled_from(["type", "index", "thing"]), JSON | st.sampled_from(sorted(SCHEMA))))
def test_anything_at_all_is_either_a_message_or_refused(content: Any) -> None:
    try:
        checked = check_message(content)
    except Refused:
        return
    assert checked["type"] in SCHEMA
    assert set(checked) == {"type", *SCHEMA[checked["type"]]}
