"""The control that answers a prediction: radio buttons or a field, and a button, so that a slip is no answer.

What is chosen comes with the press, in one message.  Two models would do that in two, and a page that waits for a busy
kernel may send them the other way round: then what was chosen before would be the first answer, which counts.
"""

from __future__ import annotations

import uuid
from typing import Any

import anywidget
import traitlets

from vmwidgets.engine.base.errors import Refused
from vmwidgets.views.scene.static import read_static
from vmwidgets.widgets.host.display import publish_widget

from .answers import KINDS
from .prediction import Prediction

SAID = "Your answer is shown above, and is saved with the notebook. (If not, run this cell again.)"


class Control(anywidget.AnyWidget):
    """Choose or write, then press the button."""

    _esm = traitlets.Unicode().tag(sync=True)
    own_id = traitlets.Unicode(help="Model id of this control.").tag(sync=True)
    question = traitlets.Unicode(help="What is asked.").tag(sync=True)
    options: traitlets.List[str] = traitlets.List(help="What there is to choose from; none: a field.").tag(sync=True)
    hint = traitlets.Unicode(help="What may be written into the field.").tag(sync=True)
    given = traitlets.Unicode(help="The latest answer.").tag(sync=True)
    status = traitlets.Unicode(help="What became of the last press.").tag(sync=True)

    def __init__(self, prediction: Prediction) -> None:
        self._prediction = prediction
        own_id = f"vmw-{uuid.uuid4().hex[:12]}"
        super().__init__(
            model_id=own_id,
            own_id=own_id,
            _esm=read_static("answer.js"),
            question=prediction.question,
            options=list(prediction.options),
            hint=KINDS[prediction.kind],
            given=prediction.answers[-1].answer if prediction.answers else "",
        )
        self.on_msg(self._receive)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Nothing: a page answers by a message, which is checked."""

    def _receive(self, _widget: object, content: Any, _buffers: object) -> None:
        value = content.get("value") if isinstance(content, dict) and content.get("type") == "answer" else None
        if not isinstance(value, str) or not value.strip():
            self.status = "choose one first" if self.options else "write something first"
            return
        try:
            self._prediction.say(value, "control")
        except Refused as refusal:
            self.status = str(refusal)
            return
        self.given = self._prediction.answers[-1].answer
        self.status = SAID


_controls: dict[str, Control] = {}  # by the prediction's id


def show_control(prediction: Prediction) -> None:
    """Put a control for `prediction` on the page; an earlier one of it goes."""
    earlier = _controls.pop(prediction.id, None)
    if earlier is not None:
        earlier.close()
    control = _controls[prediction.id] = Control(prediction)
    publish_widget(control, f"(a control to answer {prediction.id})")
