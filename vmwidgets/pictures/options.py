"""Arguments of pictures: errors with advice for unknown arguments, addresses as people type them, weak references."""

from __future__ import annotations

import difflib
import weakref
from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any

import traitlets

from vmwidgets.engine.base.errors import Refused, a_kind, shown
from vmwidgets.engine.base.units import parse_address
from vmwidgets.views.scene.text import visible


class AddressTrait(traitlets.Int):  # type: ignore[type-arg]  # traitlets' own, given and got as integers
    """An address, which may be a string as in calls: "0x4000_0000"."""

    info_text = "an address, as an integer or a text such as '0x40_1000'"

    def validate(self, obj: Any, value: Any) -> Any:
        """Return the address; raises TraitError for anything else."""
        if isinstance(value, str):
            try:
                value = parse_address(value)
            except ValueError:
                self.error(obj, value)
        return super().validate(obj, value)


def nothing() -> None:
    """Return None, instead of an object that was never given."""


def weakly(value: Any) -> Callable[[], Any]:
    """Return a function that returns `value` and, if its class allows weak references, does not keep it alive."""
    if value is None:
        return nothing
    try:
        return weakref.ref(value)
    except TypeError:  # a plain value: it holds no machine
        return lambda: value


def refuse_unknown(view: type, options: Mapping[str, object]) -> None:
    """Raise :class:`Refused` for an option that `view` doesn't have, naming the nearest one."""
    traits = view.class_traits()  # type: ignore[attr-defined]  # a class of traits
    known = {name for name, trait in traits.items() if trait.metadata.get("public")} | {"layout"}
    of_constructor = {
        name
        for kind in view.__mro__
        for name, one in signature(kind.__init__).parameters.items()  # type: ignore[misc]  # of this very class
        if one.kind is Parameter.KEYWORD_ONLY and name != "machine"  # which follows from the target
    }
    for name in options:
        if name in of_constructor:
            raise Refused(f"{view.__name__}: {name} can't be changed: make the picture again, with {name}=…")
        if name not in known:
            every = sorted(known | of_constructor)
            near = difflib.get_close_matches(name, every, 1)
            advice = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(every)}"
            raise Refused(f"{view.__name__} has no option {name!r}; {advice}")


def refuse_unfit(view: traitlets.HasTraits, options: Mapping[str, object]) -> None:
    """Raise :class:`Refused` for the first option whose value its trait doesn't accept, naming option and value."""
    for name, value in options.items():
        trait: Any = view.traits()[name]
        if name == "layout":  # trying it would make a widget
            continue
        try:
            trait._validate(view, value)  # traitlets offers no other way to check a value without setting it
        except Refused:
            raise
        except Exception:  # noqa: BLE001  the value is a learner's, whatever it does when it is asked
            raise Refused(f"{type(view).__name__}: {name}={shown(value)}, but it must be {_wanted(trait)}") from None


def _wanted(trait: Any) -> str:
    """Return the values that a trait accepts, in words."""
    least, most = getattr(trait, "min", None), getattr(trait, "max", None)
    bounds = [] if least is None else [f"at least {least}"]
    bounds += [] if most is None else [f"at most {most:#x}" if isinstance(trait, AddressTrait) else f"at most {most}"]
    kind = trait.info() + (" or None" if trait.allow_none else "")
    return ", ".join([kind, *([" and ".join(bounds)] if bounds else [])])


def notes_at_marks(notes: Mapping[str, str] | None) -> dict[str, str]:
    """Return a lecturer's notes by the names of marks, as strings; raises :class:`Refused` for anything else.

    >>> notes_at_marks({"after fork": "Ask who copies."})
    {'after fork': 'Ask who copies.'}
    """
    if notes is not None and not isinstance(notes, Mapping):
        raise Refused(
            f"notes={shown(notes)} is {a_kind(notes)}: pass a dictionary from marks to strings, such as "
            f"{{'after fork': '…'}}"
        )
    for mark, text in (notes or {}).items():
        for one in (mark, text):
            if not isinstance(one, str):
                raise Refused(f"notes: {shown(one)} is {a_kind(one)}: use the names of marks, with a string for each")
    return {visible(mark): visible(text) for mark, text in (notes or {}).items()}
