"""Read the sentences of the `.say` files of this folder: everything that stories and pictures say, once each.

A file has sections, which are subjects; a sentence is named by its subject and its name::

    [map events]

    TreeCompared: about=tree of=tree thing=entry:{node} map=1
      left if outcome=left
        {key:addr} is below {entry=node:entry}: go left.
      here
        {key:addr} is not below {entry=node:entry} and not past its end: found.
      box lookup
        found: {node:entry}

* At the margin: an event with the subject of its steps (:class:`Saying`), an operation (`on=`), or the name of a
  sentence that Python says.  Two spaces in: a case, which holds if its conditions do; the first that holds is said.  A
  case without words is not a step.  Four spaces in: the words and, if something is counted (`per`), the words for
  several.  Six spaces in: the line before continues.
* `{key:addr}` is the event's field `key`, written as an address (:data:`SPECS`); `{entry=node:entry}` is the range of
  its field `node`, by name, which the sentence calls `entry`.  `{range=start..end:span}` takes two.  A field may also
  be a *fact*: a function that :func:`fact` marks, in the Python file next to the sentences.
* Conditions, joined by commas: `red`, `!parent`, `ref?` (it is not None), `side=left|right`, `source={object}`,
  `level>1`, `#slots=1` (how many there are).  The first case that holds is said; `else` has no name and no condition.
* `because` begins the second sentence of an operation; `=Refused` says the sentence of that name; `box lookup` begins
  the few words in a box on the way of a fault; `housekeeping` marks work that lectures fold into the next step;
  `silent` lists events that are not steps, after the reason.

`mistakes.py` finds mistakes in a file; tests and the build of a wheel call it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE, binary_size, counted, duration
from vmwidgets.views.scene.text import visible

from .called import called
from .names import UNNAMED, Names, a_kind, address, exactly, flag_words, frames, kind_words, span

HERE = Path(__file__).parent

HEADER = "the header"
"""The address before the first entry of a list and after the last."""


class Template(NamedTuple):
    """A sentence with fields in braces; `many` is its plural, for a `count` other than 1 ("" without a count).

    `key` is its subject and its name; `specs` say how its fields are written.
    """

    key: str
    one: str
    many: str = ""
    specs: Mapping[str, str] = {}

    def say(self, count: int = 1, /, **fields: object) -> str:
        """Return the sentence; fields that are not strings are written in the way that the template names.

        >>> Template("tasks: pages", "{who} has 1 page.", "{who} has {count} pages.").say(1200, who="init")
        'init has 1,200 pages.'
        >>> Template("brk: grew", "It grew by {size}.", specs={"size": "size"}).say(size=8192)
        'It grew by 8 KiB.'
        """
        text = self.many if self.many and count != 1 else self.one
        texts = {
            name: one if isinstance(one, str) else _in_words(one, self.specs.get(name, ""))
            for name, one in fields.items()
        }
        return text.format(count=f"{count:,}", **texts).removeprefix(UNNAMED)  # a sentence may begin with an address


TEMPLATES: dict[str, Template] = {}
"""All sentences by subject and name; the name is the event's class or the operation's name, and the case."""


class Sentences:
    """The sentences of one subject, for calls from Python."""

    def __init__(self, subject: str) -> None:
        self._subject = subject

    def __call__(self, name: str, count: int = 1, /, **fields: object) -> str:
        """Return the sentence called `name` with these fields; `count` is the number of counted things."""
        return TEMPLATES[f"{self._subject}: {name}"].say(count, **fields)

    def __contains__(self, name: object) -> bool:
        return f"{self._subject}: {name}" in TEMPLATES


# ---- how fields are written ----------------------------------------------------------------------


def _span(one: Any, _: Names | None) -> str:
    return span(one[1], one[2]) if len(one) > 2 else span(*one)  # an entry's fields, or a start and an end


def _size(one: Any, _: Names | None) -> str:
    return binary_size(one) if isinstance(one, int) else visible(str(one or "a range"))


def _entry(one: Any, names: Names | None) -> str:
    assert names is not None, "only a story knows where entries are"
    if not one:
        return HEADER
    return names.entry(one) if isinstance(one, int) else names.entry(one[0], span(one[1], one[2]))


def _called(one: Any, names: Names | None) -> str:
    """Return what an entry is called, where the sentence says its range anyway."""
    assert names is not None
    return names.entry(one[0])


SPECS: dict[str, Callable[[Any, Names | None], str]] = {
    "": lambda one, _: visible(one) if isinstance(one, str) else str(one),
    "addr": lambda one, _: visible(address(one)),
    "entry": _entry,
    "called": _called,
    "span": _span,
    "size": _size,
    "pages": lambda one, _: binary_size(one * PAGE),
    "bytes": lambda one, _: exactly(max(0, one)) if isinstance(one, int) else exactly(one),
    "hex": lambda one, _: f"{one:#x}" if isinstance(one, int) else visible(str(one)),
    "frame": lambda one, _: frames(one),
    "n": lambda one, _: f"{one:,}",
    "count": lambda one, _: f"{len(one):,}",
    "part": lambda one, _: called(one),
    "slot": lambda one, _: visible(str(one)),
    "flags": lambda one, _: flag_words(one),
    "kind": lambda one, _: kind_words(one).words,
    "a kind": lambda one, _: a_kind(one),
    "duration": lambda one, _: duration(float(str(one or 0))),
    "sentence": lambda one, _: visible(one[:1].upper() + one[1:]),
}
"""The ways to write a field, by the word after its colon; `counted page` is a number with its noun."""


def _in_words(one: Any, spec: str, names: Names | None = None) -> str:
    if spec.startswith("counted "):
        return counted(one, spec.removeprefix("counted "))
    return SPECS[spec](one, names)


# ---- what a file says of an event ------------------------------------------------------------------

Writer = Callable[[Any, Names], str]

SUBJECTS = (
    "tree", "list", "map", "pages", "buffers", "kentry", "threads", "machine", "domain", "cpu", "object", "ring", "task"
)  # fmt: skip
"""The kinds of subjects of our events; a package that adds a structure has its own."""


class InBox(NamedTuple):
    """An event in a fault's box (:data:`~vmwidgets.views.story.faults.BOXES`), in a few words."""

    name: str
    words: Writer


class Tick(NamedTuple):
    """An event in the strip of a domain's calls: the word for its tick, and the name of the call if it is one.

    Both may name the event's attributes in braces.
    """

    word: str
    call: str = ""

    def of(self, event: ev.Event) -> Tick:
        """Return the words with the attributes of `event` filled in."""
        return Tick(*(text.format(**vars(event)) for text in self))


NO_WEIGHT: Mapping[str, int] = {}
WHERE = ("map", "kmem", "domain")
"""The places in which an event's weight counts."""


class Saying(NamedTuple):
    """Everything about a class of events."""

    writer: Writer | None
    """The writer of its sentence; None if the event is not a step."""
    kind: str = "machine"
    """The kind of its subject, one of :data:`SUBJECTS` (`about=`)."""
    of: str = ""
    """The attribute that names the subject."""
    thing: str = ""
    """The ID of its subject for selection, as "entry:{node}"."""
    family: str = ""
    """The family of runs of pages to which the event belongs: a run is one step, or a few steps."""
    weight: Mapping[str, int] = NO_WEIGHT
    """The importance of the sentence for an operation's subject: on an X15 "map", in "kmem", in a "domain"."""
    box: InBox | None = None
    tick: Tick | None = None
    housekeeping: Callable[[ev.Event], bool] | None = None
    """Whether an event is incidental work of the kernel (None: it never is)."""

    def thing_of(self, event: ev.Event) -> str:
        """Return the ID of an event's subject for selection; "" if there is none."""
        return self.thing.format(**vars(event))


SAYINGS: dict[type[ev.Event], Saying] = {}
"""The sayings by class of event: every class has a saying."""

_UNSAID = Saying(None)


def saying_of(event: ev.Event) -> Saying:
    """Return the saying of an event's class; an empty saying for an unknown class."""
    return SAYINGS.get(type(event), _UNSAID)


def is_housekeeping(event: ev.Event) -> bool:
    """Return whether an event is incidental work of the kernel, which a lecture folds into the next step."""
    quiet = saying_of(event).housekeeping
    return quiet is not None and quiet(event)


Fact = Callable[[Any, Names], Any]
FACTS: dict[tuple[type | None, str], Fact] = {(None, "function"): lambda _, names: (names.functions or ("",))[-1]}
"""Values that a sentence may use in addition to the event's own fields, by class of event (None for any) and name."""

F = TypeVar("F", bound=Callable[..., Any])


def fact(*kinds: type) -> Callable[[F], F]:
    """Mark a function as a fact, whose name can be used in sentences about these events, or about operations (`Facts`).

    Its arguments are an event and its names, or an operation's facts and None.
    """

    def mark(function: F) -> F:
        FACTS.update({(kind, function.__name__.strip("_")): function for kind in kinds})
        return function

    return mark


# ---- what a file says of an operation --------------------------------------------------------------


class Headline(NamedTuple):
    """The effect of an operation in one sentence, and how or why it happened in another ("" if there is none)."""

    text: str
    reason: str = ""


HeadlineWriter = Callable[[Any], Headline]
HEADLINES: dict[tuple[str, str], HeadlineWriter] = {}
"""The headlines by the kind of part that was called ("" for any) and the operation's name."""

H = TypeVar("H", bound=HeadlineWriter)


def headline_of(*names: str, part: Collection[str] = ("",)) -> Callable[[H], H]:
    """Mark the function that writes the headline of these operations, of all parts or of some kinds.

    Such a function is for a headline that needs to search events; other headlines are in `.say` files (`on=`).
    """

    def mark(writer: H) -> H:
        HEADLINES.update({(kind, name): writer for kind in part for name in names})
        return writer

    return mark


# ---- fields and conditions -------------------------------------------------------------------------

Look = Callable[[Any, Any], Any]
"""A function that gets a value from an event and its names, or from an operation's facts."""

_PATH = re.compile(r"(\w+)((?:\.\w+|\[\d+\])*)")


@cache
def _look(path: str) -> Look:
    """Return the function for a path such as `pages[0][1]` or `start..end`."""
    if ".." in path:
        start, end = map(_look, path.split(".."))
        return lambda event, names: (start(event, names), end(event, names))
    match = _PATH.fullmatch(path)
    assert match, path
    name, steps = match[1], re.findall(r"\.(\w+)|\[(\d+)\]", match[2])

    def first(event: Any, names: Any) -> Any:
        known = FACTS.get((type(event), name)) or FACTS.get((None, name))
        return known(event, names) if known else getattr(event, name)

    def look(event: Any, names: Any) -> Any:
        value = first(event, names)
        for attribute, place in steps:
            if value is None:
                return None
            if place:
                value = value[int(place)]
            else:
                value = value.get(attribute) if isinstance(value, Mapping) else getattr(value, attribute)
        return value

    return look if steps else first


_CONDITION = re.compile(r"(!?)(#?)([\w.\[\]]+)(\?|[=<>].*)?")


@frozen
class Condition:
    """A condition that an event must meet for one of its cases."""

    text: str
    path: str
    is_not: bool
    is_count: bool
    sign: str
    """"?", "=", "<", ">", or "" for any true value."""
    values: tuple[str, ...] = ()

    def test(self) -> Callable[[Any, Any], bool]:
        """Return a function that says whether the condition holds for an event and its names."""
        look, is_not = _look(self.path), self.is_not
        of = (lambda event, names: len(look(event, names))) if self.is_count else look
        if self.sign == "?":
            return lambda event, names: (of(event, names) is not None) != is_not
        if not self.sign:
            return lambda event, names: bool(of(event, names)) != is_not
        others = [_look(one[1:-1]) if one.startswith("{") else _always(one) for one in self.values]
        if self.sign == "=":

            def alike(event: Any, names: Any) -> bool:
                value = of(event, names)
                return any(_is_alike(value, other(event, names)) for other in others) != is_not

            return alike
        (bound,), is_less = others, self.sign == "<"

        def compared(event: Any, names: Any) -> bool:
            value = of(event, names)
            if not isinstance(value, int):
                return False
            limit = int(bound(event, names))
            return value < limit if is_less else value > limit

        return compared


def _always(value: str) -> Look:
    return lambda _event, _names: value


def _is_alike(value: Any, other: Any) -> bool:
    """Return whether a value equals a condition's text or, if the text ends in `*`, begins like it."""
    if not isinstance(other, str):
        return bool(value == other)
    return str(value).startswith(other[:-1]) if other.endswith("*") else str(value) == other


def _condition(text: str) -> Condition:
    match = _CONDITION.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no condition")
    is_not, is_count, path, rest = match.groups()
    sign, values = (rest or "")[:1], tuple((rest or "")[1:].split("|"))
    return Condition(text.strip(), path, bool(is_not), bool(is_count), sign, values if sign in "=<>" and sign else ())


# ---- files -----------------------------------------------------------------------------------------

_PLACE = re.compile(r"\{(\w+)(?:=([\w.\[\]]+))?(?::([\w ]+))?\}")


@dataclass
class Case:
    """A case of an event or an operation: its conditions and its sentence."""

    line: int
    name: str
    conditions: tuple[Condition, ...] = ()
    per: str = ""
    """The thing that is counted: a field or, with `#`, its length."""
    words: list[str] = field(default_factory=list)
    group: str = ""
    """"box", "because", or "" for a sentence."""
    key: str = ""
    """The key of the case's template; "" if the case has no words."""

    @cached_property
    def places(self) -> dict[str, tuple[str, str]]:
        """The path and the format of each field, by its name; first read when the words are complete."""
        return {one[1]: (one[2] or one[1], one[3] or "") for words in self.words for one in _PLACE.finditer(words)}

    def holds(self, event: Any, names: Any) -> bool:
        """Return whether all conditions hold."""
        return all(test(event, names) for test in self._tests)

    @cached_property
    def _tests(self) -> list[Callable[[Any, Any], bool]]:
        return [one.test() for one in self.conditions]

    def count(self, event: Any, names: Any) -> int:
        """Return the count; 1 if nothing is counted."""
        if not self.per:
            return 1
        value = _look(self.per.removeprefix("#"))(event, names)
        if self.per.startswith("#"):
            return len(value)
        return value if isinstance(value, int) else 0

    def texts(self, event: Any, names: Any) -> dict[str, str]:
        """Return the fields of the sentence as texts."""
        known = names if isinstance(names, Names) else None
        return {name: _in_words(look(event, names), spec, known) for name, look, spec in self._fields}

    @cached_property
    def _fields(self) -> list[tuple[str, Look, str]]:
        return [(name, _look(path), spec) for name, (path, spec) in self.places.items() if name != "count"]


@dataclass
class Entry:
    """An event, an operation or a sentence of a file, with its cases."""

    file: str
    line: int
    subject: str
    name: str
    marks: dict[str, str]
    cases: list[Case] = field(default_factory=list)
    housekeeping: Case | None = None


def _case(line: int, text: str) -> Case:
    match = re.fullmatch(r"(because ?|box )?(.*?)(?:(?:^| )if (.*?))?(?:(?:^| )per (\S+))?", text)
    assert match
    kind, name, conditions, per = match.groups()
    found = tuple(_condition(one) for one in conditions.split(", ")) if conditions else ()
    case = Case(line, "" if name.strip() == "else" else name.strip(), found, per or "")
    case.group = (kind or "").strip()
    return case


def entries_of(path: Path) -> list[Entry]:
    """Read a file.  Raises :class:`ValueError` with the first malformed line."""
    found: list[Entry] = []
    subject = ""
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = raw.strip()
        indent = len(raw) - len(raw.lstrip()) if text else 2
        if text.startswith("#") or (not text and not raw):
            continue
        try:
            if indent == 0 and text.startswith("["):
                subject = text.strip("[]")
            elif indent == 0:
                found.append(_entry_at(path.name, number, subject, text))
            elif indent == 2 and text.startswith("housekeeping"):
                found[-1].housekeeping = _case(number, text.removeprefix("housekeeping").strip())
            elif indent == 2:
                found[-1].cases.append(_case(number, text))
            elif indent == 4:
                if not found[-1].cases:
                    found[-1].cases.append(Case(number, ""))
                found[-1].cases[-1].words.append(text)
            elif indent == 6:
                words = found[-1].cases[-1].words
                words[-1] = f"{words[-1]} {text}"
            else:
                raise ValueError("it is not 0, 2, 4 or 6 spaces in")
            if indent > 2 and set("{}") & set(_PLACE.sub("", text)):
                raise ValueError("a field is {name}, {name:how} or {name=path:how}")
        except (ValueError, IndexError) as error:
            raise ValueError(f"{path.name}, line {number}: {raw!r}: {error}") from None
    return found


def _entry_at(file: str, number: int, subject: str, text: str) -> Entry:
    name, _, marks = text.partition(":")
    if name == "silent":
        return Entry(file, number, subject, name, {"because": marks.strip()})
    pairs = dict(mark.partition("=")[::2] for mark in marks.split())
    made = Entry(file, number, subject, name.strip(), pairs)
    if "housekeeping" in pairs:
        made.housekeeping = Case(number, "")
    return made


def read(path: Path, kinds: Mapping[str, type[ev.Event]] | None = None) -> None:
    """Declare everything in a file; `kinds` are the classes of its events, by name (ours by default).

    Raises :class:`ValueError` with the line that can't be read.
    """
    events = vars(ev) if kinds is None else kinds
    for entry in entries_of(path):
        if entry.name == "silent":
            for name in " ".join(entry.cases[0].words).split(", "):
                SAYINGS[events[name]] = _UNSAID
            continue
        for case in entry.cases:
            _declare(entry, case)
        if "on" in entry.marks:
            _headline(entry)
        elif entry.marks:
            SAYINGS[events[entry.name]] = _saying(entry)


def _declare(entry: Entry, case: Case) -> None:
    """Create the template of a case."""
    if case.group == "box":
        return
    if case.name.startswith("="):
        case.key = f"{entry.subject}: {case.name[1:]}"
        case.words = [_in_full(TEMPLATES[case.key], form) for form in TEMPLATES[case.key][1:3] if form]
    elif case.words:
        case.key = f"{entry.subject}: {entry.name}{f'/{case.name}' if case.name else ''}"
        specs = {name: spec for name, (_, spec) in case.places.items() if spec}
        TEMPLATES[case.key] = Template(case.key, *_forms(case.words), specs)


def _forms(words: list[str]) -> tuple[str, str]:
    one, many, *_ = (*(_PLACE.sub(r"{\1}", form) for form in words), "")
    return one, many


def _in_full(template: Template, form: str) -> str:
    """Return the words of a template with the format of its fields."""
    return re.sub(r"\{(\w+)\}", lambda one: f"{{{one[1]}:{template.specs.get(one[1], '')}}}".replace(":}", "}"), form)


def _saying(entry: Entry) -> Saying:
    marks, boxes = entry.marks, [case for case in entry.cases if case.group == "box"]
    cases = [case for case in entry.cases if case.group != "box"]
    family = marks.get("family", "")
    weight: Mapping[str, int] = {where: int(marks[where]) for where in WHERE if where in marks}
    tick = Tick(marks["tick"], marks.get("call", "")) if "tick" in marks else None
    quiet = entry.housekeeping
    return Saying(
        None if family else _writer(cases),
        marks.get("about", "pages"),
        marks.get("of", ""),
        marks.get("thing", ""),
        family,
        weight or NO_WEIGHT,
        InBox(boxes[0].name, _box_writer(boxes)) if boxes else None,
        tick,
        None if quiet is None else lambda event: quiet.holds(event, None),
    )


def _writer(cases: list[Case]) -> Writer:
    def write(event: Any, names: Names) -> str:
        case = next((one for one in cases if one.holds(event, names)), None)
        if case is None or not case.key:
            return ""
        return TEMPLATES[case.key].say(case.count(event, names), **case.texts(event, names))

    return write


def _box_writer(cases: list[Case]) -> Writer:
    def write(event: Any, names: Names) -> str:
        case = next(one for one in cases if one.holds(event, names))
        texts = case.texts(event, names)
        return _PLACE.sub(lambda one: texts[one[1]], case.words[0])

    return write


def _headline(entry: Entry) -> None:
    """Declare the headline of an operation."""
    first = [case for case in entry.cases if not case.group]
    more = [case for case in entry.cases if case.group == "because"]

    def said(cases: list[Case], facts: Any) -> str:
        case = next((one for one in cases if one.holds(facts, None)), None)
        if case is None or not case.key:
            return ""
        return TEMPLATES[case.key].say(case.count(facts, None), **case.texts(facts, None))

    def write(facts: Any) -> Headline:
        return Headline(said(first, facts), said(more, facts))

    parts = [""] if entry.marks["on"] == "any" else entry.marks["on"].split(",")
    headline_of(entry.marks.get("op", entry.name), part=parts)(write)


for _file in sorted(HERE.glob("*.say")):
    read(_file)
