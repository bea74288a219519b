"""The one registry of sentences: a template for each thing that can be said, and which events are steps.

A template is a whole sentence with named fields, and with a second form where it counts something; no sentence is
joined from halves, so that all of them can be translated.  Each file of words declares its templates with
:func:`sentences` and says with :func:`says` which event they are of; headlines are found by :func:`headline_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, TypeVar

from vmwidgets import events as ev

from .names import Names


class Template(NamedTuple):
    """A sentence with fields in braces; `many` is its plural, where `count` is not 1 ("" where nothing is counted).

    `key` is its subject and its name.
    """

    key: str
    one: str
    many: str = ""

    def say(self, count: int = 1, /, **fields: object) -> str:
        """The sentence.

        >>> Template("tasks: pages", "{who} has 1 page.", "{who} has {count} pages.").say(1200, who="init")
        'init has 1,200 pages.'
        """
        text = self.many if self.many and count != 1 else self.one
        return text.format(count=f"{count:,}", **fields)


TEMPLATES: dict[str, Template] = {}
"""All sentences by subject and name: the event's class or the operation's name, and of several cases which."""


class Sentences:
    """The sentences of one file."""

    def __init__(self, templates: Mapping[str, Template]) -> None:
        self._templates = templates

    def __call__(self, name: str, count: int = 1, /, **fields: object) -> str:
        """The sentence called `name` with these fields; counted things are `count`."""
        return self._templates[name].say(count, **fields)

    def __contains__(self, name: object) -> bool:
        return name in self._templates


def sentences(subject: str, table: Mapping[str, str | tuple[str, str]]) -> Sentences:
    """Declare the sentences of a subject: a template by its name, or one with its plural."""
    forms = {name: (text,) if isinstance(text, str) else text for name, text in table.items()}
    made = {name: Template(f"{subject}: {name}", *texts) for name, texts in forms.items()}
    TEMPLATES.update({template.key: template for template in made.values()})
    return Sentences(made)


# ---- events ------------------------------------------------------------------------------------

Writer = Callable[[Any, Names], str]

SUBJECTS = (
    "tree", "list", "map", "pages", "buffers", "kentry", "threads", "machine", "domain", "cpu", "object", "ring", "task"
)  # fmt: skip
"""Kinds of subjects that our events are about; a package that adds a structure has its own."""


class InBox(NamedTuple):
    """Where an event is on the way of a fault (:data:`~vmwidgets.views.story.faults.BOXES`), in few words."""

    name: str
    words: Writer


class Tick(NamedTuple):
    """An event in the strip of a domain's calls: a word for its tick, and the call's name if it is one.

    Both may name the event's attributes in braces.
    """

    word: str
    call: str = ""

    def of(self, event: ev.Event) -> Tick:
        """The same with the attributes of `event`."""
        return Tick(*(text.format(**vars(event)) for text in self))


NO_WEIGHT: Mapping[str, int] = {}


class Saying(NamedTuple):
    """All that is said of a class of events."""

    writer: Writer | None
    """Of its sentence; None where it is not a step."""
    kind: str = "machine"
    """Of subject that it is about, one of :data:`SUBJECTS`."""
    of: str = ""
    """Which attribute names the subject."""
    thing: str = ""
    """What a selection calls what it is about, as "entry:{0.node}" of the event."""
    family: str = ""
    """Of the runs of pages that it comes in: a run is one step, or a few."""
    weight: Mapping[str, int] = NO_WEIGHT
    """How much it says of what an operation was about: on an X15 "map", in "kmem", in a "domain"."""
    box: InBox | None = None
    tick: Tick | None = None

    def thing_of(self, event: ev.Event) -> str:
        """What a selection calls what `event` is about; "" for nothing."""
        return self.thing.format(event)


SAYINGS: dict[type[ev.Event], Saying] = {}
"""By class of event: every one has its line."""

_UNSAID = Saying(None)


def saying_of(event: ev.Event) -> Saying:
    """All that is said of the class of `event`; of one without a line, nothing."""
    return SAYINGS.get(type(event), _UNSAID)


W = TypeVar("W", bound=Writer)


def says(
    *kinds: type[ev.Event], about: str, of: str = "", thing: str = "", weight: Mapping[str, int] = NO_WEIGHT,
    box: InBox | None = None, tick: Tick | None = None,
) -> Callable[[W], W]:  # fmt: skip  # as they are read
    """Mark the function that writes the sentence of these events; "" where one is not a step.  See :class:`Saying`."""

    def mark(writer: W) -> W:
        for kind in kinds:
            SAYINGS[kind] = Saying(writer, about, of, thing, "", weight, box, tick)
        return writer

    return mark


def comes_in_runs(*kinds: type[ev.Event], family: str, thing: str = "", box: InBox | None = None) -> None:
    """Say of events that a run of them, page by page, is one step or a few."""
    for kind in kinds:
        SAYINGS[kind] = Saying(None, "pages", thing=thing, family=family, box=box)


def silent(*kinds: type[ev.Event], because: str) -> None:
    """Say of events that they are not a step, and why."""
    assert because
    SAYINGS.update(dict.fromkeys(kinds, _UNSAID))


silent(ev.Called, ev.Returned, ev.Unwound, because="they are a step's functions")
silent(
    ev.LookupCacheMoved, ev.MapResized, ev.RangeRemoved, ev.RangeWired, ev.PageHandedOver, ev.PoolFilled,
    ev.PoolDrained, ev.PageWired, ev.PteRunWritten, ev.TlbUpdated, ev.RootLoaded, ev.TlbDoubted, ev.VnodeMapped,
    ev.SlabRefillEnded, ev.PagesNoted, ev.PageLeaving,
    because="what was said of entries, pages and calls says it",
)  # fmt: skip  # a list
silent(ev.PageBlank, ev.PageWritten, ev.BlankGone, because="the faults and the page-outs that they are of say it")
silent(ev.MallocCalled, because="only the pmap of another program takes its blocks from the heap; no machine has one")


# ---- operations --------------------------------------------------------------------------------


class Headline(NamedTuple):
    """What an operation did, in one sentence, and one more of why or how ("": none)."""

    text: str
    reason: str = ""


HeadlineWriter = Callable[[Any], Headline]
HEADLINES: dict[tuple[str, str], HeadlineWriter] = {}
"""By the kind of part that was called ("": any) and the operation's name."""

H = TypeVar("H", bound=HeadlineWriter)


def headline_of(*names: str, part: Collection[str] = ("",)) -> Callable[[H], H]:
    """Mark the function that writes the headline of these operations, of all parts or of some kinds."""

    def mark(writer: H) -> H:
        HEADLINES.update({(kind, name): writer for kind in part for name in names})
        return writer

    return mark
