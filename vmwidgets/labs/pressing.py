"""Predictions answered by a press in a picture, kept in one output of the picture's cell."""

from __future__ import annotations

from vmwidgets.widgets.host.cells import current_shell
from vmwidgets.widgets.host.display import publish

from .answers import line
from .prediction import Prediction, identity_of
from .predictions import Predictions
from .predictions import asked as everything
from .saved import recall


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

    def told(self, key: str, question: str) -> str:
        """Return the reply to a question that was answered or passed; otherwise ""."""
        asked = self._mine.get(self._identity(key))
        one = asked if asked is not None and asked.question == line(question, "question") else self._ask(key, question)
        return one.outcome.sentence if one.outcome is not None else ""

    def keep(self, key: str, question: str, said: str | None, actual: str) -> None:
        """Keep an answer (None if it was passed) and what happened."""
        one = self._ask(key, question)
        if said is not None:
            one.say(said, "control")
        else:
            one.skip()
        one.compare(actual)
        self._publish(update=True)

    def _identity(self, key: str) -> str:
        return identity_of(f"{self._name}/{key}", "")

    def _ask(self, key: str, question: str) -> Prediction:
        asked = Prediction(self._identity(key), line(question, "question"), "text")
        one = everything.now().ask(asked)
        if one is asked:
            recall(asked)
        is_new = self._mine.get(one.id) is not one
        self._mine.ask(one)
        if is_new:
            self._publish(update=True)
        return one

    def _publish(self, *, update: bool) -> None:
        if current_shell() is not None:
            bundle = self._mine._repr_mimebundle_()
            publish(bundle, display_id=f"vmwidgets-presses-{self._name}", update=update)
