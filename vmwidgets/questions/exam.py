"""An exam: questions of one topic or several from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib import import_module
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
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
}
"""Topics and their titles."""

_MODULES = {"cow": "copy_on_write"}
"""Where a topic's module is not called as the topic is."""

MOST_QUESTIONS = 100


@dataclass(frozen=True)
class Section:
    """Questions of a topic, the easy ones first; `first` is the number of the first one."""

    topic: str
    first: int
    questions: tuple[Question, ...]

    @property
    def title(self) -> str:
        """What is printed above it."""
        return TOPICS[self.topic]

    @property
    def numbered(self) -> list[tuple[int, Question]]:
        """Its questions with their numbers in the exam."""
        return list(enumerate(self.questions, self.first))


@dataclass(frozen=True)
class Exam:
    """A section for each topic, with as many questions of each; they are numbered through.

    The questions come from the seed, and from an instructor's secret as well if `with_secret`.
    """

    seed: int
    sections: tuple[Section, ...]
    with_secret: bool = False

    @property
    def topic(self) -> str:
        """Its topics by name, with commas where there are several."""
        return ",".join(section.topic for section in self.sections)

    @property
    def several(self) -> bool:
        """Whether it has more than one topic."""
        return len(self.sections) > 1

    @property
    def title(self) -> str:
        """What is printed above it."""
        return "Virtual memory" if self.several else self.sections[0].title

    @property
    def questions(self) -> tuple[Question, ...]:
        """Those of all sections."""
        return tuple(question for section in self.sections for question in section.questions)

    @property
    def points(self) -> int:
        """What all questions together are worth."""
        return sum(question.grade for question in self.questions)

    @cached_property
    def digest(self) -> str:
        """A name for the exam, made from what students read: it tells nothing about the seed or the answers."""
        read = [part for question in self.questions for part in (question.text, *question.options)]
        return sha256("|".join([self.topic, *read]).encode()).hexdigest()


def kinds_of(topic: object) -> tuple[Kind, ...]:
    """The kinds of question of a topic.

    >>> sorted({kind.grade for kind in kinds_of("walk")})
    [1, 2, 3]
    """
    if not isinstance(topic, str) or topic not in TOPICS:
        raise Refused(f"topic={shown(topic)}: write one of {', '.join(TOPICS)}")
    kinds: tuple[Kind, ...] = import_module(f".{_MODULES.get(topic, topic)}", __package__).KINDS
    return kinds


def make_exam(topic: str | Sequence[str], seed: Any, n: Any = 6, secret: str = "") -> Exam:
    """Create an exam of `n` questions on a topic, or on each of several topics.

    The same seed and secret give the same exam on every computer.  Without a secret, anyone who knows or guesses the
    seed can make the exam and its key: draw the seed with ``secrets.randbits(60)``, or pass a secret.  The questions
    on a topic do not depend on the other topics.  Each kind comes once before any kind comes again, and grades take
    turns.  No two questions have the same text.

    Raises :class:`Refused` for an unknown topic, a topic that is named twice, a seed that is not a whole number, and
    fewer than 1 or too many questions.

    >>> [question.id for question in make_exam("walk", seed=1, n=3).questions]
    ['walk/descriptor', 'walk/fault', 'walk/reverse']
    >>> [section.first for section in make_exam(("walk", "tlb"), seed=1, n=3).sections]
    [1, 4]
    """
    topics: tuple[Any, ...] = tuple(topic) if isinstance(topic, list | tuple) else (topic,)
    if not topics:
        raise Refused(f"no topic: write one of {', '.join(TOPICS)}")
    kinds = [kinds_of(one) for one in topics]
    if twice := [one for one in topics if topics.count(one) > 1]:
        raise Refused(f"topic={shown(twice[0])} comes twice: name it once, and write a larger n for more questions")
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise Refused(f"seed={shown(seed)}: write a whole number")
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST_QUESTIONS:
        raise Refused(f"n={shown(n)}: an exam has 1 to {MOST_QUESTIONS} questions")
    drawn = [
        _drawn(of_topic, mixed(secret, f"questions|{one}|{seed}"), n)
        for one, of_topic in zip(topics, kinds, strict=True)
    ]
    sections = tuple(Section(one, 1 + n * at, drawn[at]) for at, one in enumerate(topics))
    return Exam(seed, sections, with_secret=bool(secret))


def _drawn(kinds: tuple[Kind, ...], text: str, n: int) -> tuple[Question, ...]:
    """`n` questions of these kinds, drawn from `text`, the easy ones first."""
    chosen = _in_turn(kinds, Draws(text), n)
    questions: list[Question] = []
    for number, kind in enumerate(chosen):
        draws, seen = Draws(f"{text}|{number}|{kind.name}"), {one.text for one in questions}
        question = kind.drawn(draws)
        while question.text in seen:
            question = kind.drawn(draws)
        questions.append(question)
    order = {kind.name: number for number, kind in enumerate(kinds)}
    return tuple(sorted(questions, key=lambda one: (one.grade, order[one.id])))


def _in_turn(kinds: tuple[Kind, ...], draws: Draws, n: int) -> list[Kind]:
    """So many kinds: of each grade in turn, and each once before one comes again."""
    chosen: list[Kind] = []
    while len(chosen) < n:
        left = {grade: draws.shuffled([kind for kind in kinds if kind.grade == grade]) for grade in GRADES}
        while any(left.values()):
            chosen += [left[grade].pop() for grade in GRADES if left[grade]]
    return chosen[:n]
