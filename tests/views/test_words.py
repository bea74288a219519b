"""The registry of sentences: plain words, short sentences, nothing left without one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import getmembers, isclass
from pkgutil import iter_modules
from string import Formatter

import pytest

import vmwidgets.engine.machine as parts
from tests.captions import forms_of
from tests.views.test_moment import LIVED
from vmwidgets.engine.base.event import EVENTS
from vmwidgets.views.story.faults import BOXES
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.words.headlines import MAX_WORDS
from vmwidgets.views.story.words.registry import HEADLINES, SAYINGS, SUBJECTS, TEMPLATES, Template

TOO_LOOSE = ("of what is", "anyone", "whoever")
"""In a caption the subject has a name."""


def forms() -> Iterator[tuple[str, str]]:
    """Each sentence, and its plural, by name."""
    for name, template in TEMPLATES.items():
        for text in forms_of(template):
            yield name, text


def fields(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field is not None}


def test_there_are_sentences_of_all_subjects() -> None:
    assert len(TEMPLATES) > 300
    assert len({name.partition(":")[0] for name in TEMPLATES}) > 12


@pytest.mark.parametrize("loose", TOO_LOOSE)
def test_no_sentence_has_loose_words(loose: str) -> None:
    assert [name for name, text in forms() if re.search(rf"\b{loose}\b", text, re.IGNORECASE)] == []


def test_a_sentence_has_at_most_twenty_words_and_a_full_stop() -> None:
    assert [name for name, text in forms() if len(text.split()) > MAX_WORDS] == []
    assert [name for name, text in forms() if not text.endswith(".")] == []


def test_a_sentence_begins_with_a_capital_a_name_or_what_it_is_about() -> None:
    operations = {name for _, name in HEADLINES}
    for name, text in forms():
        first = text.split()[0].partition("=")[0]
        assert text[0].isupper() or text[0] in "{123456789" or first in operations | {"vm_lowmem", "cap_delete"}, name


OF_ONE = {"entry", "offset", "page", "frame", "slot"}
"""What names a thing, where several are counted."""


def test_a_plural_has_the_fields_of_the_singular() -> None:
    for name, template in TEMPLATES.items():
        if template.many:
            assert fields(template.one) - fields(template.many) <= OF_ONE, name
            assert "count" not in fields(template.one), f"{name}: the singular is for one"


def test_of_one_the_singular_is_said_and_of_none_the_plural() -> None:
    template = Template("test", "1 page of {owner}.", "{count} pages of {owner}.")
    assert [template.say(count, owner="init") for count in (0, 1, 1200)] == [
        "0 pages of init.", "1 page of init.", "1,200 pages of init.",
    ]  # fmt: skip


# ---- a sentence does not deny its key --------------------------------------------------------------

OPPOSITES = (
    ("left", "right"), ("low", "high"), ("red", "black"), ("before", "after"), ("previous", "next"), ("prev", "after"),
    ("next", "before"), ("table", "leaf"), ("grew", "shrank"), ("got", "gives"), ("gave", "gets"), ("swap", "file"),
    ("share", "copy"), ("dirty", "reference"), ("taken", "freed"), ("given", "allocated"), ("collapsed", "bypassed"),
)  # fmt: skip  # a table
"""Where a key has one of these, its sentence does not have the other."""

DENIES = re.compile(r"\b(no|not|none|nothing|never|nowhere|without|cannot|0)\b|n't\b", re.IGNORECASE)


def has(text: str, word: str) -> bool:
    return re.search(rf"\b{word}\b", text) is not None


def case(name: str) -> str:
    """Which of several cases of an event or operation a key names."""
    return name.partition(": ")[2].partition("/")[2]


def fixed(text: str) -> str:
    """A sentence without its fields."""
    return re.sub(r"\{\w+\}", "", text)


@pytest.mark.parametrize(("one", "other"), OPPOSITES)
def test_no_sentence_says_the_opposite_of_its_key(one: str, other: str) -> None:
    for right, wrong in ((one, other), (other, one)):
        assert [text for name, text in forms() if has(case(name), right) and has(fixed(text), wrong)] == []


def test_what_is_not_so_is_denied() -> None:
    denied = [text for name, text in forms() if re.search(r"\b(not|none|nothing)\b", case(name))]
    assert len(denied) > 30
    assert [text for text in denied if not DENIES.search(text)] == []


def test_a_change_is_from_what_was_to_what_is() -> None:
    changes = [text for _, text in forms() if re.search(r"\bfrom [\w ]*\{\w+\} to\b", text)]
    assert any("{before}" in text for text in changes)
    assert [text for text in changes if re.search(r"from [\w ]*\{after\} to|to [\w ]*\{before\}", text)] == []


def test_of_one_no_other_number_is_said() -> None:
    for name, template in TEMPLATES.items():
        if template.many:
            one, many = (set(re.findall(r"\d+", fixed(text))) for text in forms_of(template))
            assert one - many <= {"1"}, name


def test_every_kind_of_event_has_its_line() -> None:
    assert {*EVENTS.values()} - {*SAYINGS} == set()


def test_what_an_event_is_about_is_known() -> None:
    for event, saying in SAYINGS.items():
        if event.__module__.startswith("vmwidgets."):
            assert saying.kind in SUBJECTS, event.__name__
            assert saying.box is None or saying.box.name in BOXES


def test_every_operation_has_a_headline() -> None:
    modules = [__import__(f"{parts.__name__}.{one.name}", fromlist=["x"]) for one in iter_modules(parts.__path__)]
    names = {
        name
        for module in modules
        for _, kind in getmembers(module, isclass)
        for name, member in vars(kind).items()
        if getattr(member, "is_operation", False)
    }
    assert len(names) > 60
    assert names - {name for _, name in HEADLINES} == set()


def test_sentences_of_lives_are_short_too() -> None:
    long = []
    for _, operation in LIVED:
        story = Moment(operation).story
        if operation.outcome == "done":
            said = [story.headline.text, story.headline.reason, *(step.sentence for step in story.steps)]
            long += [text for text in said if len(text.split()) > MAX_WORDS]
        assert not story.headline.text.endswith("is done."), operation
    assert long == []
