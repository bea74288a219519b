"""An exam: questions on one or several topics, from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from importlib import import_module
from math import inf
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.labs.answers import is_whole
from vmwidgets.labs.draws import Draws

from .question import GRADES, Kind, Question
from .secret import mixed

TOPICS = {
    "walk": "Page-table walks",
    "tlb": "Translation lookaside buffers",
    "replacement": "Page replacement",
    "cow": "Copy-on-write",
    "tables": "The size of page tables",
    "gaps": "Gaps in an address space",
    "paper": "Addresses on paper",
}
"""Topics and their titles."""

_MODULES = {"cow": "copy_on_write"}
"""Topics whose module has another name, with that name."""

MOST_QUESTIONS = 100

DEFAULT = 6
"""The number of questions on a topic, unless `n` or `kinds` says otherwise."""

UNDRAWN = -1
"""The seed of an exam that is not drawn: it is about one picture, whose title is its topic."""

FORMS = "A", "B"
"""Two exams of the same kinds."""


@frozen(slots=False)
class Section:
    """The questions on a topic, the easy ones first; `first` is the number of the first question."""

    topic: str
    first: int
    questions: tuple[Question, ...]

    @property
    def title(self) -> str:
        """The title above the section."""
        return TOPICS.get(self.topic, self.topic)

    @property
    def rules(self) -> list[str]:
        """The rules for the section's questions, each paragraph once."""
        return list(dict.fromkeys(rule for question in self.questions for rule in question.rules))

    @property
    def numbered(self) -> list[tuple[int, Question]]:
        """The section's questions with their numbers in the exam."""
        return list(enumerate(self.questions, self.first))


@frozen(slots=False)
class Exam:
    """A section for each topic, with the same number of questions each, numbered consecutively.

    The questions come from the seed, and from an instructor's secret as well if `with_secret`.  `kinds` are the chosen
    kinds, and `form` is A or B if there are two papers of the same kinds.
    """

    seed: int
    sections: tuple[Section, ...]
    with_secret: bool = False
    kinds: tuple[str, ...] = ()
    form: str = ""

    @property
    def topic(self) -> str:
        """The exam's topics by name, separated by commas."""
        return ",".join(section.topic for section in self.sections)

    @property
    def several(self) -> bool:
        """Return whether it has more than one topic."""
        return len(self.sections) > 1

    @property
    def title(self) -> str:
        """The title above the exam."""
        title = "Virtual memory" if self.several else self.sections[0].title
        return f"{title}, form {self.form}" if self.form else title

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions of all sections."""
        return tuple(question for section in self.sections for question in section.questions)

    def new_rules(self, section: Section) -> list[str]:
        """Return the rules for a section's questions that no earlier section has: a paper says each rule once."""
        before = [rule for one in self.sections[: self.sections.index(section)] for rule in one.rules]
        return [rule for rule in section.rules if rule not in before]

    @property
    def points(self) -> int:
        """The points of all questions together."""
        return sum(question.grade for question in self.questions)

    @cached_property
    def digest(self) -> str:
        """A name for the exam, computed from its printed text: it reveals nothing about the seed or the answers."""
        read = [part for question in self.questions for part in (question.text, *question.options)]
        return sha256("|".join([self.topic, *read]).encode()).hexdigest()


def kinds_of(topic: object, ranges: Any = None) -> tuple[Kind, ...]:
    """Return the kinds of question of a topic; `ranges` are the numbers of machines on paper, if not the usual ones.

    >>> sorted({kind.grade for kind in kinds_of("walk")})
    [1, 2, 3]
    """
    if not isinstance(topic, str) or topic not in TOPICS:
        is_kind = isinstance(topic, str) and topic.partition("/")[0] in TOPICS
        advice = "; kinds go with --kind, or kinds=" if is_kind else ""
        raise Refused(f"topic={shown(topic)}: write one of {', '.join(TOPICS)}{advice}")
    module = import_module(f".{_MODULES.get(topic, topic)}", __package__)
    kinds: tuple[Kind, ...] = module.KINDS if ranges is None or topic != "paper" else module.kinds_of(ranges)
    return kinds


def make_exam(
    topic: str | Sequence[str],
    seed: Any,
    n: Any = None,
    secret: str = "",
    *,
    kinds: Sequence[str] = (),
    form: str = "",
    ranges: Any = None,
) -> Exam:
    """Create an exam of `n` questions (6 by default) on a topic, or on each of several topics.

    Several topics are sections of one exam, with the questions that each topic has in an exam of its own.  `kinds` are
    names such as "walk/index": then only these kinds are asked and, without `n`, each of them once. A topic without a
    chosen kind is refused. If `topics` is (), the kinds determine the topics.  `form` "A" and "B" are two exams with
    the same kinds in the same order, as a test before and after a lab needs; no question is in both.  `ranges` are the
    numbers of the topic "paper" (:func:`~.paper.ranges_of`).

    The seed and an instructor's `secret`, if there is one, determine the questions, on every computer; each kind is
    used once before one is repeated, and grades alternate.  No two questions have the same text.

    Raises :class:`Refused` for an unknown topic, kind or form, for a topic or kind named twice, for a seed that is not
    a whole number, for a secret that is not a text, and for fewer than 1 or too many questions.

    >>> [question.id for question in make_exam("walk", seed=1, n=3).questions]
    ['walk/descriptor', 'walk/fault', 'walk/reverse']
    >>> [section.first for section in make_exam(("walk", "tlb"), seed=1, n=3).sections]
    [1, 4]
    >>> [question.id for question in make_exam((), 1, kinds=("tlb/stale", "cow/value", "tlb/set")).questions]
    ['tlb/set', 'tlb/stale', 'cow/value']
    """
    topics, chosen = _chosen(topic, kinds, ranges)
    if not is_whole(seed, -inf, inf):
        raise Refused(f"seed={shown(seed)}: write a whole number")
    if n is not None and not is_whole(n, 1, MOST_QUESTIONS):
        raise Refused(f"n={shown(n)}: an exam has 1 to {MOST_QUESTIONS} questions")
    if not isinstance(secret, str):
        raise Refused(f"secret={shown(secret)}: write a text")
    if form not in ("", *FORMS):
        raise Refused(f"form={shown(form)}: write A or B, or leave it out")
    sections: list[Section] = []
    for one, of_topic in zip(topics, chosen, strict=True):
        many = n or (len(of_topic) if kinds else DEFAULT)
        first = 1 + sum(len(section.questions) for section in sections)
        drawn = _drawn(of_topic, mixed(secret, f"questions|{one}|{seed}"), many, form)
        sections.append(Section(one, first, drawn))
    return Exam(seed, tuple(sections), bool(secret), tuple(kinds), form)


def _chosen(
    topic: str | Sequence[str], kinds: Sequence[str], ranges: Any
) -> tuple[tuple[Any, ...], list[tuple[Kind, ...]]]:
    """Return the topics, and the kinds that may be asked on each.  Raises :class:`Refused`."""
    topics: tuple[Any, ...] = tuple(topic) if isinstance(topic, list | tuple) else (topic,)
    if not topics and kinds:
        topics = tuple(dict.fromkeys(str(name).partition("/")[0] for name in kinds))
    if not topics:
        raise Refused(f"no topic: write one of {', '.join(TOPICS)}")
    of_topics = [kinds_of(one, ranges) for one in topics]
    if ranges is not None and "paper" not in topics:
        raise Refused("--paper is for the topic paper: add --topic paper, or leave the file out")
    for what, names, more in (
        ("topic", topics, "name it once, and write a larger n for more questions"),
        ("kind", tuple(kinds), "name it once, and write n for more questions"),
    ):
        if twice := [one for one in names if names.count(one) > 1]:
            raise Refused(f"{what}={shown(twice[0])} comes twice: {more}")
    if not kinds:
        return topics, of_topics
    there = {kind.name for of_topic in of_topics for kind in of_topic}
    if unknown := [name for name in kinds if name not in there]:
        other = unknown[0].partition("/")[0]
        advice = "; topics go with --topic, or topic=" if unknown[0] in TOPICS else ""
        if other in TOPICS and other not in topics:
            advice = f"; for one of {other}, leave the topic out"
        raise Refused(
            f"kind={shown(unknown[0])}: the kinds of {', '.join(topics)} are {', '.join(sorted(there))}{advice}"
        )
    chosen = [tuple(kind for kind in of_topic if kind.name in kinds) for of_topic in of_topics]
    if idle := [one for one, of_topic in zip(topics, chosen, strict=True) if not of_topic]:
        raise Refused(f"topic={shown(idle[0])}: none of its kinds is chosen: leave the topic out, or choose one")
    return topics, chosen


def _drawn(kinds: tuple[Kind, ...], text: str, n: int, form: str) -> tuple[Question, ...]:
    """Return `n` questions of these kinds, drawn from `text`, the easy ones first; form B has no question of form A."""
    chosen = _in_turn(kinds, Draws(text), n)
    questions: list[Question] = []
    taken = {one.text for one in _drawn(kinds, text, n, FORMS[0])} if form == FORMS[1] else set[str]()
    for number, kind in enumerate(chosen):
        draws = Draws(f"{text}|{number}|{kind.name}" + (f"|{form}" if form else ""))
        question = kind.drawn(draws)
        while question.text in taken:
            question = kind.drawn(draws)
        questions.append(question)
        taken.add(question.text)
    order = {kind.name: number for number, kind in enumerate(kinds)}
    return tuple(sorted(questions, key=lambda one: (one.grade, order[one.id])))


def _in_turn(kinds: tuple[Kind, ...], draws: Draws, n: int) -> list[Kind]:
    """Return this many kinds: grades alternate, and each kind is used once before one is repeated."""
    chosen: list[Kind] = []
    while len(chosen) < n:
        left = {grade: draws.shuffled([kind for kind in kinds if kind.grade == grade]) for grade in GRADES}
        while any(left.values()):
            chosen += [left[grade].pop() for grade in GRADES if left[grade]]
    return chosen[:n]
