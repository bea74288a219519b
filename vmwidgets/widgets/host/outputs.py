"""Displays inside `Output` widgets, such as the `Output` of `interact`.

They are sent to the page's model of the `Output`, and are in no notebook.  The page informs the kernel of them too
late.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from ipywidgets import Output
from ipywidgets.widgets import widget as widgets

_inside: WeakKeyDictionary[Output, list[Any]] = WeakKeyDictionary()
_watched: WeakSet[Any] = WeakSet()


def open_output() -> Output | None:
    """Return the `Output` that captures displays now; None if cells display on their page."""
    everything: dict[str, Any] = getattr(widgets, "_instances", {})
    return next((one for one in reversed(list(everything.values())) if isinstance(one, Output) and one.msg_id), None)


def displayed_inside(output: Output, shown: Any) -> None:
    """Note that `output` also contains `shown`."""
    _inside.setdefault(output, []).append(shown)


def inside(output: Output) -> list[Any]:
    """Return the contents of an `Output`: views, and boxes with views in them, in order."""
    return list(_inside.get(output, ()))


def watch_clearing(publisher: Any) -> None:
    """Register for the clearing of an `Output`; registered only once."""
    if publisher not in _watched and hasattr(publisher, "register_hook"):
        _watched.add(publisher)
        publisher.register_hook(_hear)


def _hear(message: Any) -> Any:
    output = open_output() if message["header"]["msg_type"] == "clear_output" else None
    if output is not None:
        _inside.pop(output, None)
    return message
