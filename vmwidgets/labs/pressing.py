"""Predictions answered by a press in a picture, kept in one output of the picture's cell."""

from __future__ import annotations

from vmwidgets.pictures.keeping import Ask
from vmwidgets.widgets.host.cells import current_shell
from vmwidgets.widgets.host.display import publish

from .answers import line
from .prediction import Prediction, identity_of
from .predictions import Predictions
from .predictions import asked as everything
from .saved import Before, recall


class Presses:
    """The predictions of one picture; `name` begins their names.

    The table of predictions is an output of the cell that makes the picture, and is updated there.

    Raises :class:`Refused` for an invalid name.
    """

    def __init__(self, name: str) -> None:
        self._name = identity_of(name, "")
        self._mine = Predictions()
        if current_shell() is not None:
            self._publish(update=False)

    def told(self, ask: Ask) -> str:
        """Return the reply to a question that was answered or passed; otherwise ""."""
        one = self._mine.get(self._identity(ask.key)) or self._ask(ask)
        return one.outcome.sentence if one.outcome is not None else ""

    def keep(self, ask: Ask, said: str | None, actual: str) -> None:
        """Keep an answer (None if it was passed) and what happened."""
        one = self._ask(ask)
        if said is not None:
            one.say(said, "control")
        else:
            one.skip()
        one.compare(actual)
        self._publish(update=True)

    def _identity(self, key: str) -> str:
        return identity_of(f"{self._name}/{key}", "")

    def _ask(self, ask: Ask) -> Prediction:
        asked = Prediction(self._identity(ask.key), line(ask.words, "question"), "text")
        asked.by_id = True
        one = everything.now().ask(asked)
        if not one.answers:
            recall(one, Before(self._identity(ask.before), ask.words_before) if ask.before else None)
            one.is_passed = one.happened is not None and one.answer is None  # a press shows what happened
        is_new = self._mine.get(one.id) is not one
        self._mine.ask(one)
        if is_new:
            self._publish(update=True)
        return one

    def _publish(self, *, update: bool) -> None:
        if current_shell() is not None:
            bundle = self._mine._repr_mimebundle_()
            publish(bundle, display_id=f"vmwidgets-presses-{self._name}", update=update)
