"""The control that answers a prediction: radio buttons or a field, and a button, so that a slip is no answer."""

from __future__ import annotations

import weakref
from html import escape

import ipywidgets
from IPython.display import display

from vmwidgets.engine.base.errors import Refused

from .answers import KINDS
from .prediction import Prediction

_ANSWER, _AGAIN = "This is my answer", "Answer again"


class Control(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Choose or write, then press the button."""

    def __init__(self, prediction: Prediction) -> None:
        self._prediction = prediction
        given = prediction.answers[-1].answer if prediction.answers else None
        self.field = _field(prediction, given)
        self.button = ipywidgets.Button(description=_AGAIN if given else _ANSWER, layout={"width": "max-content"})
        self.status = ipywidgets.HTML()
        self.button.on_click(self._say)
        super().__init__([self.field, ipywidgets.HBox([self.button, self.status])])

    def _say(self, _button: object) -> None:
        value = self.field.value
        if value is None or (isinstance(value, str) and not value.strip()):
            self.status.value = "choose one first" if self._prediction.options else "write something first"
            return
        try:
            self._prediction.say(value, "control")
        except Refused as refusal:
            self.status.value = escape(str(refusal))
            return
        self.button.description = _AGAIN
        self.status.value = "It stands above, and is saved with the notebook. (If not, run this cell again.)"

    def close(self) -> None:
        """Free the models."""
        for part in (self.field, self.button, self.status, *self.children):
            part.close()
        super().close()


def _field(prediction: Prediction, given: str | None) -> ipywidgets.Widget:
    if prediction.options:
        return ipywidgets.RadioButtons(
            options=prediction.options, value=given, tooltip=prediction.question, layout={"width": "max-content"}
        )
    return ipywidgets.Text(
        value=given or "",
        placeholder=KINDS[prediction.kind],
        tooltip=prediction.question,
        layout={"width": "32em", "max_width": "100%"},
    )


_controls: weakref.WeakKeyDictionary[Prediction, Control] = weakref.WeakKeyDictionary()


def show_control(prediction: Prediction) -> None:
    """Put a control for `prediction` on the page; an earlier one of it goes."""
    earlier = _controls.pop(prediction, None)
    if earlier is not None:
        earlier.close()
    control = _controls[prediction] = Control(prediction)
    display(control)  # type: ignore[no-untyped-call]
