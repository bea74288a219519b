"""Predictions on the page: asked, shown, and kept up to date.

However it is given, an answer is data in the cell's output, so saving the notebook saves the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import islice
from typing import Any

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.machine.arguments import is_empty, known
from vmwidgets.widgets.host.cells import Cell, current_cell, current_shell
from vmwidgets.widgets.host.display import publish

from . import predictions
from .answers import KINDS, line
from .beginning import begun
from .explained import question_of
from .outcome import Outcome
from .prediction import Prediction, identity_of
from .saved import recall

MOST_OPTIONS = 20


@says_what_it_takes
def predict(
    question: str = "",
    *,
    id: str = "",  # noqa: A002  the field's own word
    options: Iterable[object] | Mapping[str, Any] | None = None,
    kind: str = "",
    answer: Any = None,
    because: bool | str = False,
) -> Prediction:
    """Ask `question` before the notebook shows the answer, and save the reply in the notebook.

    With `options`, students choose one of them.  Without `options`, `kind` is the kind of answer: "text", "number",
    "address" or "size".  Options may state what they stand for, ``{"about 40": (30, ..., 50), "none": 0}``.  Then the
    comparing cell passes the result it found, and names no option.

    Students answer in code (`answer=…`), or, in a notebook, with the control below the question.  "I don't know" is an
    answer to every question.  None and ``...`` mean that there is no answer yet.  With `because=True`, the question
    also asks for a reason: the answer is kept at once, and the result waits until the reason is given or skipped, or
    until :meth:`~.prediction.Prediction.compare` runs.  In code, ``because="…"`` gives the reason.

    `id` is the question's permanent name; without it, the name is made from the words.  The labs of this package pass
    only the name: the question is in the notebook's text, above the call, and the output shows the options alone.

    A question with the same `id` is the same prediction, even after a restart of the Jupyter kernel: its first answer
    counts, and later answers are saved after it.  Its words may be edited before a restart, or in its cell.  In another
    cell, other words are another question, and also if the lab was begun for another variant.  If the option of the
    first answer is gone, the question asks again.

    Raises :class:`Refused` for an answer of the wrong kind, and without a question that the labs' texts have.

    >>> import vmwidgets as vm
    >>> birth = vm.lab.predict("How many entries?", id="doc/birth", kind="number", answer=3)
    >>> birth.compare(len(vm.boot("x86-64").task("t").map))
    You said: 3. What happened: 0.
    """
    in_text = is_empty(question) and not is_empty(id)
    if in_text and not question_of(identity_of(id, "")):
        raise Refused(f"id={shown(id)}: no lab of vmwidgets has this question in its text: pass the question, too")
    if not isinstance(because, (bool, str)):
        raise Refused(f"because={shown(because)}: write True, or the reason as a string")
    words = line(question_of(id) if in_text else question, "question")
    chosen = _options(options)
    sort = _kind(kind, chosen)
    means = {name: _meant(one, name) for name, one in options.items()} if isinstance(options, Mapping) else None
    asked = Prediction(identity_of(id, words), words, sort, chosen, means, bool(because), in_text)
    asked.seed = f"{beginning.seed:016x}" if (beginning := begun()) else ""
    asked.cell = current_cell()
    prediction = predictions.asked.now().ask(asked)
    if not prediction.answers:  # a lab begun since the last time may be the one for which the notebook has an answer
        recall(prediction)
    if answer is not None and answer is not ...:
        prediction.say(answer, because=because if isinstance(because, str) else "")
    _put_on_the_page(prediction, with_control=answer is None or answer is ... or prediction.asks_why)
    return prediction


def _meant(given: Any, option: Any) -> Any:
    """Return what an option stands for, with a span of whole numbers as a range.

    >>> _meant((10, ..., 60), "few")
    range(10, 61)
    """
    if isinstance(given, (set, frozenset)):
        return frozenset(_meant(one, option) for one in given)
    if not isinstance(given, tuple) or ... not in given:
        return given
    if len(given) == 3 and given[1] is ... and type(given[0]) is type(given[2]) is int and given[0] <= given[2]:
        return range(given[0], given[2] + 1)
    raise Refused(f"options: {shown(option)} stands for {shown(given)}: write (10, ..., 60), the least first")


def _options(options: Iterable[object] | None) -> tuple[str, ...]:
    if options is None:
        return ()
    if isinstance(options, (str, bytes)) or not isinstance(options, Iterable):
        raise Refused(f"options={shown(options)}: write several, such as ['lower', 'higher']")
    chosen = tuple(
        line(option if isinstance(option, str) else str(option), "option")
        for option in islice(options, MOST_OPTIONS + 1)
    )
    if len(set(chosen)) != len(chosen) or not 2 <= len(chosen) <= MOST_OPTIONS:
        raise Refused(f"options={shown(list(chosen))}: write 2 to {MOST_OPTIONS} different options")
    return chosen


def _kind(kind: str, options: tuple[str, ...]) -> str:
    if is_empty(kind):
        return "choice" if options else "text"
    if bool(options) != (known(kind, KINDS, "kind") == "choice"):
        raise Refused(f"kind={kind!r}: options belong to a choice, and a choice needs options")
    return kind


def _put_on_the_page(prediction: Prediction, with_control: bool) -> None:
    """Publish the question and the answer as data, always with the same display ID, and a control below them."""
    shell = current_shell()
    if shell is None:
        return
    publish(prediction.bundle(), display_id=_display_id(prediction))
    prediction.listeners[:] = [partial(_update, prediction)]
    prediction.show_outcome = partial(_show_outcome, prediction)
    prediction.show = partial(_show_elsewhere, prediction, current_cell(shell))
    if with_control and hasattr(shell, "kernel"):
        from .control import show_control

        show_control(prediction)


def _show_elsewhere(prediction: Prediction, asked_in: Cell) -> None:
    """Show a prediction as the value of a cell other than the cell that asked the question."""
    if current_cell() != asked_in:
        publish(prediction.bundle(), display_id=_display_id(prediction))


def _update(prediction: Prediction) -> None:
    publish(prediction.bundle(), display_id=_display_id(prediction), update=True)
    if prediction.outcome is not None:  # cells that show the closed outcome then open it
        publish(prediction.outcome.bundle(), display_id=f"{_display_id(prediction)}-outcome", update=True)


def _show_outcome(prediction: Prediction, outcome: Outcome) -> None:
    """Show the outcome as the value of a cell; it opens as soon as the question is answered."""
    publish(outcome.bundle(), display_id=f"{_display_id(prediction)}-outcome")


def _display_id(prediction: Prediction) -> str:
    return f"vmwidgets-prediction-{prediction.id}"
