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


class Saying(NamedTuple):
    """How an event is said: `kind` of subject it is about, which attribute names the subject, and what writes it.

    `kind` is "tree", "list", "map", "pages", "buffers", "kentry", "threads", "machine", "domain", "cpu", "object"
    or "task".
    """

    kind: str
    of: str
    writer: Writer


SAYINGS: dict[type[ev.Event], Saying] = {}
"""By class of event."""

W = TypeVar("W", bound=Writer)


def says(*kinds: type[ev.Event], about: str, of: str = "") -> Callable[[W], W]:
    """Mark the function that writes the sentence of these events; "" where an event is no step."""

    def mark(writer: W) -> W:
        SAYINGS.update(dict.fromkeys(kinds, Saying(about, of, writer)))
        return writer

    return mark


SILENT: frozenset[type[ev.Event]] = frozenset(
    (
        ev.Called, ev.Returned, ev.Unwound,  # they are a step's functions
        ev.LookupCacheMoved, ev.MapResized, ev.RangeRemoved, ev.RangeWired,  # what was said of entries says it
        ev.PageHandedOver, ev.PoolFilled, ev.PoolDrained, ev.PageWired,
        ev.PteRunWritten, ev.TlbUpdated, ev.RootLoaded, ev.TlbDoubted,
        ev.VnodeMapped, ev.SlabRefillEnded, ev.PagesNoted, ev.PageLeaving,
        ev.PageBlank, ev.PageWritten, ev.BlankGone,  # the faults and the page-outs that they are of say it
        ev.MallocCalled,  # only the pmap of another program takes its blocks from the heap, and no machine has one
    )
)  # fmt: skip  # a list with reasons
"""Events that are no step."""


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
