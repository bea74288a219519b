"""The story of an operation as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .calls import Functions
from .story import Step, Story
from .words.headlines import shortened

MOST = 400
"""So many steps are printed; of more the first and the last."""


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """A story that prints as text: headline and reason with their functions, then a numbered line a step."""

    story: Story

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        headline = self.story.headline
        yield from filter(None, (headline.text, headline.reason, _chain(headline.functions)))
        steps = list(enumerate(self.story.steps, 1))
        left_out = max(0, len(steps) - MOST)
        first = steps if not left_out else steps[: MOST // 2]
        yield from _numbered(first)
        if left_out:
            yield f"     … {left_out:,} more steps"
            yield from _numbered(steps[MOST // 2 + left_out :])


def _numbered(steps: Sequence[tuple[int, Step]]) -> Iterator[str]:
    """A line a step, and its functions where they are others than the step's before it."""
    said: Functions = ()
    for number, step in steps:
        if step.functions != said:
            said = step.functions
            yield f"     {_chain(said)}" if said else "     outside kernel functions"
        yield f"{number:>3}. {step.sentence}"


def _chain(functions: Functions) -> str:
    return " → ".join(shortened(functions))
