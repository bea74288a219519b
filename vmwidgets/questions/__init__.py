"""Questions for paper: drawn from a seed, answered by the engine, with figures and a key."""

from __future__ import annotations

from .concepts import concept_test
from .exam import MOST_QUESTIONS, TOPICS, Exam, Section, make_exam
from .question import Kind, Question

__all__ = ["MOST_QUESTIONS", "TOPICS", "Exam", "Kind", "Question", "Section", "concept_test", "make_exam"]
