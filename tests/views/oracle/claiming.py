"""What a sentence claims, and what must then be so.

A claim is written for one template, by its key: the words are the template's alone.  Its check reads the machine before
and after the operation: values, walks and bytes, never the events that the sentence was made from.  A check has to read
each placeholder.
"""

from __future__ import annotations

import re
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, NamedTuple

import vmwidgets as vm
from tests.captions import forms_of, patterns_of
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.kernel.threads.threads_schema import ThreadsValue
from vmwidgets.engine.machine.kept.copies import NoCopy
from vmwidgets.pictures.at import ranges_of
from vmwidgets.views.scene.model import Caption
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.words.registry import TEMPLATES, Template

from .pictured import Pictured, drawn, pictures_of
from .steps import Gone, Now, StepSeen


class Said(dict[str, str]):
    """What a sentence has in its places; `read` are those that were asked for.  The singular counts 1."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.read: set[str] = set()
        self.plural = False
        """Whether it is in the template's second form."""

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return super().__getitem__(name)


@dataclass
class Seen:
    """A machine around one operation, and all that was said of it."""

    machine: vm.Machine
    heard: list[Heard]
    """The templates whose words are in the headline, by key, and their sentences."""
    moment: Moment
    copy: bytes = b""
    """The structures before the operation, where a copy could be taken."""
    slept: ThreadsValue | None = None
    """All threads before the operation, where they were looked at: no copy can be taken of one that sleeps."""

    @property
    def caption(self) -> Caption:
        return self.moment.story.headline

    @property
    def part(self) -> str:
        """What learners call the part that was called."""
        path = self.operation.target
        if path.startswith("kmem/"):
            return path.replace("/", ".") if path == "kmem/kernel_map" else path.partition("/")[2]
        return path.partition(":")[2] if path.startswith(("task:", "domain:")) and "/" not in path else path

    @property
    def map(self) -> str:
        """The path of the map that was called."""
        given = self.given.get("map") if self.operation.target == "unchecked" else None
        return str(given) if given else self.operation.target

    @property
    def operation(self) -> Operation:
        return self.machine.journal.last

    @cached_property
    def before(self) -> vm.Machine:
        """The machine as it was before."""
        return made_before(self.machine, self.copy)

    @cached_property
    def threads_before(self) -> ThreadsValue:
        """All threads as they were before."""
        return self.before.threads.value() if self.slept is None else self.slept

    @cached_property
    def threads(self) -> ThreadsValue:
        """All threads as they are now."""
        return self.machine.threads.value()

    @property
    def given(self) -> dict[str, Any]:
        """The arguments."""
        return dict(self.operation.arguments)

    @property
    def text(self) -> str:
        """The whole headline."""
        return f"{self.caption.text} {self.caption.reason}".rstrip()

    def says(self, key: str) -> bool:
        """Whether another sentence of the headline is of this template."""
        return any(one == key for one, _ in self.heard)


def made_before(machine: vm.Machine, copy: bytes) -> vm.Machine:
    """The machine before its last operation: from a copy that was taken then, or made again from the journal."""
    with suppress(KeyError):  # code of learners that ran since is not in the copy
        if copy:
            made: vm.Machine = machine.history._make(copy, "before")
            return made
    earlier: vm.Machine = machine.history.at(machine.journal.last.number - 1)
    return earlier


Check = Callable[[Any, Said], None]
"""What holds a sentence: a headline's with :class:`Seen`, a step's with :class:`.steps.StepSeen`."""


@dataclass
class Claim:
    """What is claimed by the template with this key."""

    key: str
    check: Check
    offered: set[str] = field(default_factory=set)
    """Placeholders that its sentences had so far; the check `read` these."""
    read: set[str] = field(default_factory=set)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The template's: in the singular, and in the plural where it has one."""
        return forms_of(TEMPLATES[self.key])

    @cached_property
    def patterns(self) -> tuple[re.Pattern[str], ...]:
        return patterns_of(self.key)

    @property
    def places(self) -> set[str]:
        """The names of all placeholders."""
        return set(re.findall(r"\{(\w+)\}", " ".join(self.words)))

    def hold(self, seen: Seen | StepSeen | Pictured, sentence: str) -> None:
        """Fail if the sentence is not of the template's words, counts wrongly, or is not so."""
        found = [match for pattern in self.patterns if (match := pattern.match(sentence))]
        assert found, f"{sentence!r} is not in the words of its template: {self.words}"
        said = Said({"count": "1", **found[0].groupdict()})
        said.plural = found[0].re is not self.patterns[0]
        if "{count}" in "".join(self.words[1:]):  # else the check knows what is counted
            assert said.plural == (said["count"] != "1"), f"{sentence!r}: the plural"
        self.check(seen, said)
        self.offered |= said.keys() & self.places
        self.read |= said.read


STEPS = 4
"""So many steps of an operation are held, each of other words: to take values back is slow."""

CLAIMS: dict[str, Claim] = {}
"""By the template's key."""


def claim(key: str) -> Callable[[Check], Check]:
    """Mark the check of the sentences of a template."""

    def mark(check: Check) -> Check:
        assert key not in CLAIMS, key
        CLAIMS[key] = Claim(key, check)
        return check

    return mark


NUMBERS: dict[str, dict[str, Callable[[Pictured], None]]] = {}
"""By the name of a picture: what holds its numbers, their order and their colours, by name."""


def counts(*kinds: str) -> Callable[[Callable[[Pictured], None]], Callable[[Pictured], None]]:
    """Mark the check of something that pictures of these names count, order or colour."""

    def mark(check: Callable[[Pictured], None]) -> Callable[[Pictured], None]:
        for kind in kinds:
            name = f"{kind} numbers: {check.__name__}"
            assert name not in NUMBERS.setdefault(kind, {}), name
            NUMBERS[kind][name] = check
        return check

    return mark


# ---- hearing ----------------------------------------------------------------------------------------


class Heard(NamedTuple):
    key: str
    sentence: str


def heard_of(operation: Operation, starts: Any = None) -> tuple[Moment, list[Heard]]:
    """A moment after the operation, and each sentence that was made for its story."""
    heard: list[Heard] = []
    say = Template.say

    def listening(template: Template, count: int = 1, /, **fields: object) -> str:
        sentence = say(template, count, **fields)
        heard.append(Heard(template.key, sentence))
        return sentence

    Template.say = listening  # type: ignore[method-assign]
    try:
        moment = Moment(operation, ranges=starts or {})
        moment.story  # noqa: B018  # which makes it
    finally:
        Template.say = say  # type: ignore[method-assign]
    return moment, heard


def parts_of(text: str, heard: list[Heard]) -> list[Heard] | None:
    """The sentences that a text is put together of, whole ones with spaces between; None where it is not."""
    if not text:
        return []
    for one in dict.fromkeys(sorted(heard, key=lambda one: -len(one.sentence))):
        if one.sentence and text.startswith(one.sentence):
            rest = parts_of(text[len(one.sentence) :].removeprefix(" "), heard)
            if rest is not None:
                return [one, *rest]
    return None


@dataclass
class Court:
    """Holds headlines and steps against machines, and counts."""

    steps: int = STEPS
    """So many steps of an operation are held."""
    kept: tuple[int, int] = (0, 0)
    """Of the operation that was heard last: which machine's it is, and its number."""
    copy: bytes = b""
    """The structures after that, where a copy could be taken."""
    slept: ThreadsValue | None = None
    """All threads after that."""
    met: Counter[str] = field(default_factory=Counter)
    pictures: Counter[str] = field(default_factory=Counter)
    """How often pictures were drawn, by name."""
    wrong: list[str] = field(default_factory=list)

    def hear(self, machine: vm.Machine) -> None:
        """The headline and the steps of the operation that was done last."""
        operation = machine.journal.last
        moment, heard = heard_of(operation, ranges_of(machine))
        self._hear_headline(machine, moment, heard)
        self._hear_steps(machine, moment, heard)
        for name, picture in pictures_of(machine, sum(self.pictures.values())):
            self.pictures[name] += 1
            self.see(*drawn(name, picture, subject=machine, began=self._start(machine)))
        self.keep(machine)

    def _start(self, machine: vm.Machine) -> Callable[[], vm.Machine] | None:
        """What gives the machine as it was before the operation that was done last, where a copy is at hand."""
        follows = self.copy and self.kept == (id(machine), machine.journal.last.number - 1)
        return partial(made_before, machine, self.copy) if follows else None

    def see(self, pictured: Pictured, said: list[tuple[str, str]]) -> None:
        """What a picture says, and what it counts."""
        operation = None if pictured.picture.machine is None else pictured.operation
        for key, sentence in said:
            self._hold(Heard(key, sentence), pictured, f"{pictured.kind}: {sentence}", operation)
        for name, check in NUMBERS.get(pictured.kind, {}).items():
            self._try(name, lambda check=check: check(pictured), name, operation)  # type: ignore[misc]

    def _hear_headline(self, machine: vm.Machine, moment: Moment, heard: list[Heard]) -> None:
        operation, caption = machine.journal.last, moment.story.headline
        for text in (caption.text, caption.reason):
            parts = parts_of(text, heard)
            if parts is None:
                self.wrong.append(f"{operation}: {text!r} is not put together of whole sentences")
                return
        said = [one for text in (caption.text, caption.reason) for one in parts_of(text, heard) or ()]
        follows = self.kept == (id(machine), operation.number - 1)
        seen = Seen(machine, said, moment, self.copy, self.slept) if follows else Seen(machine, said, moment)
        for one in said:
            self._hold(one, seen, seen.text, operation)

    def _hear_steps(self, machine: vm.Machine, moment: Moment, heard: list[Heard]) -> None:
        """Some steps of the operation, those first whose words were met least."""
        now, steps, place = Now(machine), moment.story.steps, 0
        start = self._start(machine)
        keys = {one.sentence: one.key for one in heard}
        met: dict[str, StepSeen] = {}
        for step in steps:
            sentence = step.sentence
            while sentence not in keys and ": " in sentence:  # after the name of the thread that made it
                sentence = sentence.partition(": ")[2]
            if sentence not in keys:
                self.wrong.append(f"{step.sentence!r} of {machine.journal.last} is not a sentence of a template")
                return
            if keys[sentence] in CLAIMS:
                met[sentence] = StepSeen(now, moment, step, place, start)
            place = step.index + 1
        rare = {keys[sentence]: sentence for sentence in met}
        for key in sorted(rare, key=lambda key: self.met[key])[: self.steps]:
            sentence = rare[key]
            self._hold(Heard(key, sentence), met[sentence], met[sentence].step.sentence, machine.journal.last)

    def _hold(self, one: Heard, seen: Seen | StepSeen | Pictured, text: str, operation: Operation | None) -> None:
        key, sentence = one
        if key in CLAIMS:
            self._try(key, lambda: CLAIMS[key].hold(seen, sentence), repr(text), operation)
        else:
            self.met[key] += 1

    def _try(self, key: str, check: Callable[[], None], text: str, operation: Operation | None) -> None:
        """Hold something, and keep what was wrong."""
        self.met[key] += 1
        try:
            check()
        except Gone:
            self.met[key] -= 1
        except Exception as error:  # noqa: BLE001  # a claim that raises is a sentence that is not held
            told = str(error).partition("\n")[0][:200]
            line = traceback.extract_tb(error.__traceback__)[-1].lineno
            what = f"{text} of {str(operation)[:200]}"
            self.wrong.append(f"{key}: {what}: {type(error).__name__} {told} (line {line})")

    def keep(self, machine: vm.Machine) -> None:
        """Keep what the next operation begins with."""
        self.kept = id(machine), machine.journal.last.number
        self.slept = machine.threads.value()
        try:
            self.copy = machine.system.copy()
        except NoCopy:
            self.copy = b""
