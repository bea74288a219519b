"""Arguments of widgets: unknown ones refused with advice, engine objects held weakly."""

from __future__ import annotations

import difflib
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import traitlets

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import parse_address


class AddressTrait(traitlets.Int):  # type: ignore[type-arg]  # traitlets' own, given and got as integers
    """An address, also written as calls take it: "0x4000_0000"."""

    info_text = "an address, as an integer or a text such as '0x40_1000'"

    def validate(self, obj: Any, value: Any) -> Any:
        """The address; TraitError for what is none."""
        if isinstance(value, str):
            try:
                value = parse_address(value)
            except ValueError:
                self.error(obj, value)
        return super().validate(obj, value)


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


def refuse_unfit(view: traitlets.HasTraits, options: Mapping[str, object]) -> None:
    """Raise :class:`Refused` for the first option whose value its trait doesn't take, naming both."""
    for name, value in options.items():
        trait: Any = view.traits()[name]
        if name == "layout":  # trying it would make a widget
            continue
        try:
            trait._validate(view, value)  # traitlets has no other way to ask without setting
        except Refused:
            raise
        except Exception:  # noqa: BLE001  the value is a learner's, whatever it does when it is asked
            raise Refused(f"{type(view).__name__}: {name}={shown(value)}, but it must be {_wanted(trait)}") from None


def _wanted(trait: Any) -> str:
    """What a trait takes, in words."""
    least, most = getattr(trait, "min", None), getattr(trait, "max", None)
    bounds = [] if least is None else [f"at least {least}"]
    bounds += [] if most is None else [f"at most {most:#x}"]
    kind = trait.info() + (" or None" if trait.allow_none else "")
    return ", ".join([kind, *([" and ".join(bounds)] if bounds else [])])
