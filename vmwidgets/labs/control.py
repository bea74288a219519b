"""The control that answers a prediction: radio buttons or a field, and a button, so that a slip does not count.

The choice is sent with the press, in one message.  Two models would send two messages, and a page that waits for a busy
kernel may send them in the wrong order: then the previous choice would be the first answer, which counts.
"""

from __future__ import annotations

import uuid
from typing import Any

import anywidget
import traitlets

from vmwidgets.engine.base.errors import Refused
from vmwidgets.views.scene.static import read_static
from vmwidgets.widgets.host.display import publish_widget

from .another import Another
from .answers import KINDS, UNSURE
from .outcome import WHY
from .prediction import Prediction
from .session import Kept

SAID = "Your answer is shown above, and is saved with the notebook. (If not, run this cell again.)"
KEPT = "Kept. It is not graded: it is for you, and for anyone who helps you."


class Control(anywidget.AnyWidget):
    """A control: choose or write an answer, then press the button."""

    _esm = traitlets.Unicode().tag(sync=True)
    own_id = traitlets.Unicode(help="Model id of this control.").tag(sync=True)
    question = traitlets.Unicode(help="The question.").tag(sync=True)
    options: traitlets.List[str] = traitlets.List(help="The choices; without any, there is a field.").tag(sync=True)
    hint = traitlets.Unicode(help="A hint in the field about possible answers.").tag(sync=True)
    given = traitlets.Unicode(help="The latest answer.").tag(sync=True)
    unsure = traitlets.Unicode(UNSURE, help='The answer for "I do not know".').tag(sync=True)
    reasons = traitlets.Bool(help="Whether it asks for a reason.").tag(sync=True)
    because = traitlets.Unicode(help="The learner's reason.").tag(sync=True)
    asks_why = traitlets.Bool(help="Whether the answer is kept, and its reason is asked for.").tag(sync=True)
    asks_missed = traitlets.Bool(help="Whether the answer was wrong, and it asks what the learner had missed.").tag(
        sync=True
    )
    missed = traitlets.Unicode(help="What the learner had missed.").tag(sync=True)
    status = traitlets.Unicode(help="The result of the last press.").tag(sync=True)
    another: traitlets.Dict[str, Any] = traitlets.Dict(help="A question like this one, or its offer.").tag(sync=True)

    def __init__(self, prediction: Prediction) -> None:
        self._prediction = prediction
        self._another = Another(prediction)
        prediction.has_control = True
        own_id = f"vmw-{uuid.uuid4().hex[:12]}"
        super().__init__(
            model_id=own_id,
            own_id=own_id,
            _esm=read_static("answer.js"),
            question=prediction.question,
            options=list(prediction.options),
            hint=KINDS[prediction.kind],
            reasons=prediction.reasons,
            status=WHY if prediction.asks_why else "",
            another=self._another.told(),
            **_told(prediction),
        )
        prediction.listeners.append(self._tell)
        self.on_msg(self._receive)

    def _tell(self) -> None:
        for name, value in _told(self._prediction).items():
            setattr(self, name, value)
        self.another = self._another.told()
        if not self.asks_why and self.status == WHY:  # the request is over: the result is shown, for example
            self.status = SAID
        elif self.asks_why and not self.status:
            self.status = WHY

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Do nothing: a page answers with a message, which is checked."""

    def _receive(self, _widget: object, content: Any, _buffers: object) -> None:
        sent = content if isinstance(content, dict) else {}
        kind = sent.get("type")
        value, because = (
            one.strip() if isinstance(one := sent.get(name), str) else "" for name in ("value", "because")
        )
        if kind in ("another", "try"):
            if kind == "another":
                self._another.next()
            else:
                self._another.say(value)
            self.another = self._another.told()
            return
        self.status = ""  # so that the page hears of a second result in the same words
        try:
            if kind == "missed" and self.asks_missed and value:
                self._prediction.miss(value)
                self.status = KEPT
            elif kind == "answer" and not value:
                self.status = "choose one first" if self.options else "write something first"
            elif kind == "answer":
                self._keep(value, because)
            elif kind == "reason" and self.given:  # perhaps written before the result was shown, and late here
                self._keep(self.given, because)
            elif kind == "skip" and self.given:
                self._prediction.give_no_reason()
                self.status = SAID
        except Refused as refusal:
            self.status = f"{refusal}"
        self._tell()

    def _keep(self, value: str, because: str) -> None:
        """Keep an answer, and then its reason: a reason that can't be kept loses no answer."""
        self._prediction.say(value, "control")
        try:
            self._prediction.say(value, "control", because)
        except Refused as refusal:
            self.status = f"Your answer is kept, but not the reason: {refusal}"
            return
        self.status = WHY if self._prediction.asks_why else SAID


def _told(prediction: Prediction) -> dict[str, Any]:
    """Return the text that a page shows about the answers so far."""
    last = prediction.answers[-1] if prediction.answers else None
    outcome = prediction.outcome
    return {
        "given": last.answer if last else "",
        "because": last.because if last else "",
        "asks_why": prediction.asks_why,
        "asks_missed": outcome is not None and outcome.right is False,
        "missed": prediction.missed,
    }


_controls: Kept[dict[str, Control]] = Kept(dict)
"""The controls by the prediction's ID."""


def show_control(prediction: Prediction) -> None:
    """Put a control for `prediction` on the page, and remove an earlier one."""
    controls = _controls.now()
    earlier = controls.pop(prediction.id, None)
    if earlier is not None:
        earlier.close()
    control = controls[prediction.id] = Control(prediction)
    publish_widget(control, f"(a control to answer {prediction.id})")
