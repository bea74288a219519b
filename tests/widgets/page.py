"""A page that is not there: what it sends to a view, and what it is told."""

from __future__ import annotations

from typing import Any

from vmwidgets.widgets.host.refresh import refresher
from vmwidgets.widgets.host.view import View

HELLO = {"type": "hello", "page": "p-1", "seq": -1, "visible": True, "width": 0, "height": 0, "nth": 1}
ROOM = {**HELLO, "width": 900, "height": 900}
BYE = {"type": "bye", "page": "p-1", "cleared": False}


def seek(operation: int, place: int = -1, latest: int = -1, *, stays: bool = False) -> dict[str, Any]:
    """What a page says that needs a moment, or that has gone there when `latest` was the latest operation."""
    return {"type": "seek", "operation": operation, "place": place, "latest": latest, "stays": stays}


def export(form: str, operation: int, place: int = -1) -> dict[str, Any]:
    """What a page says that needs its picture in another form."""
    return {"type": "export", "form": form, "operation": operation, "place": place}


def replies(view: View, *messages: Any) -> list[Any]:
    """What the page is told when it sends these."""
    told: list[Any] = []
    view.open()  # what a page sends to is open
    view.send = lambda content, buffers=None: told.append(content)
    for message in messages:
        view._handle_msg({"content": {"data": {"method": "custom", "content": message}}, "buffers": []})
    return told


def asked(view: View, **message: Any) -> str:
    """Send one message and draw the picture that follows; why the message was refused, or ""."""
    told = replies(view, message)
    draw(view)
    return " ".join(reply["reason"] for reply in told if reply["type"] == "refused")


def draw(view: View) -> None:
    """Draw and send the newest picture, after what the refresher's own thread may be drawing just now."""
    with refresher._sending:
        view.refresh()
