"""An exam: questions of one topic from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.labs.draws import Draws

from .question import GRADES, Kind, Question

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
class Exam:
    """Questions of a topic, the easy ones first."""

    topic: str
    seed: int
    questions: tuple[Question, ...]

    @property
    def title(self) -> str:
        """What is printed above it."""
        return TOPICS[self.topic]

    @property
    def points(self) -> int:
        """What all questions together are worth."""
        return sum(question.grade for question in self.questions)


def kinds_of(topic: str) -> tuple[Kind, ...]:
    """The kinds of question of a topic.

    >>> sorted({kind.grade for kind in kinds_of("walk")})
    [1, 2, 3]
    """
    if topic not in TOPICS:
        raise Refused(f"topic={shown(topic)}: write one of {', '.join(TOPICS)}")
    kinds: tuple[Kind, ...] = import_module(f".{_MODULES.get(topic, topic)}", __package__).KINDS
    return kinds


def make_exam(topic: str, seed: Any = 0, n: Any = 6) -> Exam:
    """An exam of `n` questions; the same for the same seed, everywhere.

    Each kind comes once before one comes again, and grades take turns.  No two questions have the same text.

    Raises :class:`Refused` for an unknown topic, a seed that is no number, and fewer than 1 or too many questions.

    >>> [question.id for question in make_exam("walk", seed=1, n=3).questions]
    ['walk/descriptor', 'walk/fault', 'walk/reverse']
    """
    kinds = kinds_of(topic)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise Refused(f"seed={shown(seed)}: write a whole number")
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST_QUESTIONS:
        raise Refused(f"n={shown(n)}: an exam has 1 to {MOST_QUESTIONS} questions")
    chosen = _in_turn(kinds, Draws(f"questions|{topic}|{seed}"), n)
    questions: list[Question] = []
    for number, kind in enumerate(chosen):
        draws, seen = Draws(f"questions|{topic}|{seed}|{number}|{kind.name}"), {one.text for one in questions}
        question = kind.drawn(draws)
        while question.text in seen:
            question = kind.drawn(draws)
        questions.append(question)
    order = {kind.name: number for number, kind in enumerate(kinds)}
    return Exam(topic, seed, tuple(sorted(questions, key=lambda one: (one.grade, order[one.id]))))


def _in_turn(kinds: tuple[Kind, ...], draws: Draws, n: int) -> list[Kind]:
    """So many kinds: of each grade in turn, and each once before one comes again."""
    chosen: list[Kind] = []
    while len(chosen) < n:
        left = {grade: draws.shuffled([kind for kind in kinds if kind.grade == grade]) for grade in GRADES}
        while any(left.values()):
            chosen += [left[grade].pop() for grade in GRADES if left[grade]]
    return chosen[:n]
