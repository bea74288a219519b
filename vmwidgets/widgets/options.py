"""Arguments of widgets: unknown ones refused with advice, engine objects held weakly."""

from __future__ import annotations

import difflib
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from vmwidgets.engine.base.errors import Refused


def nothing() -> None:
    """What stands for an object that was never given."""


def weakly(value: Any) -> Callable[[], Any]:
    """A way to `value` that does not keep it alive, where its class allows that."""
    if value is None:
        return nothing
    try:
        return weakref.ref(value)
    except TypeError:  # a plain value: it holds no machine
        return lambda: value


def refuse_unknown(view: type, options: Mapping[str, object]) -> None:
    """Raise :class:`Refused` for an option that `view` doesn't have, naming the nearest that it has."""
    traits = view.class_traits()  # type: ignore[attr-defined]  # a class of traits
    known = sorted([name for name, trait in traits.items() if trait.metadata.get("public")] + ["layout"])
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            advice = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}"
            raise Refused(f"{view.__name__} has no option {name!r}; {advice}")
