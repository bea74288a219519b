"""The registry of sentences: plain words, short sentences, nothing left without one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from inspect import getmembers, isclass
from pkgutil import iter_modules
from string import Formatter

import pytest

import vmwidgets.engine.machine as parts
from tests.views.test_moment import LIVED
from vmwidgets.engine.base.event import EVENTS
from vmwidgets.views.story import words
from vmwidgets.views.story.faults import BOXES
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.words.headlines import MAX_WORDS
from vmwidgets.views.story.words.registry import HEADLINES, SAYINGS, SUBJECTS, TEMPLATES, Template

for one in iter_modules(words.__path__):  # each declares its sentences
    import_module(f"{words.__name__}.{one.name}")

TOO_LOOSE = ("of what is", "anyone", "whoever")
"""In a caption the subject has a name."""


def forms() -> Iterator[tuple[str, str]]:
    """Each sentence, and its plural, by name."""
    for name, template in TEMPLATES.items():
        yield name, template.one
        if template.many:
            yield f"{name} (plural)", template.many


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


def test_every_kind_of_event_has_its_line() -> None:
    assert {*EVENTS.values()} - {*SAYINGS} == set()


def test_what_a_line_names_is_an_attribute_of_its_event() -> None:
    for event, saying in SAYINGS.items():
        if not event.__module__.startswith("vmwidgets."):
            continue  # another test's
        assert saying.kind in SUBJECTS, event.__name__
        named = {saying.of} - {""}
        named |= {name.partition("[")[0].partition(".")[2] for _, name, _, _ in Formatter().parse(saying.thing) if name}
        named |= {name for text in saying.tick or () for _, name, _, _ in Formatter().parse(text) if name}
        assert named <= set(event.field_names), event.__name__
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
