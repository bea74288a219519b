"""A frozen value behaves as a frozen dataclass does, although `dataclasses` makes its methods late."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pytest

import vmwidgets
from vmwidgets.engine.base.frozen import _Promise, frozen

Decorator = Callable[..., Any]


@frozen
class Slotted:
    first: int
    count: int = 1
    marks: Mapping[int, str] = field(default_factory=dict, compare=False)
    most: ClassVar[int] = 9


def made_by(slotted: Decorator, open_: Decorator, quiet: Decorator) -> dict[str, Any]:
    """The same classes made by one decorator or the other, none of them used yet."""

    @slotted
    class Frames:
        """Some frames."""

        first: int
        count: int = 1
        marks: Mapping[int, str] = field(default_factory=dict, compare=False, repr=False)
        most: ClassVar[int] = 9

    @slotted
    class Zone(Frames):
        """Frames with a name."""

        name: str = ""

        def __post_init__(self) -> None:
            object.__setattr__(self, "name", self.name.upper())

    @open_
    class Range:
        """A range that keeps what it was asked for."""

        start: int
        end: int = field(default=5, metadata={"unit": "pages"})
        parts: list[int] = field(default_factory=list)

        @cached_property
        def size(self) -> int:
            return self.end - self.start

    @quiet
    class Equal:  # noqa: PLW1641  # `dataclasses` makes its `__hash__`
        """Says itself how it is shown, and when it is equal."""

        name: str

        def __repr__(self) -> str:
            return f"<{self.name}>"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Equal) and self.name.lower() == other.name.lower()

    return {kind.__name__: kind for kind in (Frames, Zone, Range, Equal)}


def promised() -> dict[str, Any]:
    return made_by(frozen, frozen(slots=False), frozen(repr=False))


def of_dataclasses() -> dict[str, Any]:
    return made_by(
        dataclass(frozen=True, slots=True), dataclass(frozen=True), dataclass(frozen=True, slots=True, repr=False)
    )


USES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "made by place and by name": lambda k: (k["Frames"](1), k["Frames"](first=1, count=2), k["Zone"](1, 2, {}, "dma")),
    "too few": lambda k: k["Frames"](),
    "an unknown name": lambda k: k["Frames"](1, color=2),
    "equal": lambda k: (
        k["Frames"](1) == k["Frames"](1, 1, {1: ""}),
        k["Frames"](1) == k["Zone"](1),
        k["Range"](1) != k["Range"](2),
        k["Equal"]("a") == k["Equal"]("A"),
    ),
    "hashed": lambda k: (hash(k["Frames"](1)) == hash(k["Frames"](1)), len({k["Frames"](1), k["Frames"](2)})),
    "hashed, with its own equality": lambda k: hash(k["Equal"]("a")) == hash(k["Equal"]("a")),
    "hashed, of a list": lambda k: hash(k["Range"](1)),
    "shown": lambda k: (repr(k["Zone"](1, name="x")), repr(k["Range"](1)), repr(k["Equal"]("a"))),
    "set": lambda k: setattr(k["Frames"](1), "first", 2),
    "deleted": lambda k: delattr(k["Frames"](1), "first"),
    "set, what is no field": lambda k: setattr(k["Range"](1), "color", 2),
    "its signature": lambda k: [str(inspect.signature(kind)) for kind in k.values()],
    "its fields": lambda k: [
        (one.name, one.compare, dict(one.metadata)) for kind in k.values() for one in dataclasses.fields(kind)
    ],
    "its settings": lambda k: [
        (one.frozen, one.eq, one.repr, one.init) for one in (kind.__dataclass_params__ for kind in k.values())
    ],
    "is one": lambda k: [dataclasses.is_dataclass(kind) for kind in k.values()],
    "replaced": lambda k: dataclasses.replace(k["Zone"](1, name="x"), count=7),
    "replaced by copy": lambda k: copy.replace(k["Frames"](1), count=7),  # type: ignore[attr-defined]  # from 3.13 on
    "as a dictionary": lambda k: dataclasses.asdict(k["Zone"](1, name="x")),
    "copied": lambda k: (copy.copy(k["Zone"](1, 2)), copy.deepcopy(k["Range"](1, 2, [3])), copy.copy(k["Range"](1))),
    "what names it matches": lambda k: [kind.__match_args__ for kind in k.values()],
    "no other attribute": lambda k: hasattr(k["Frames"](1), "__dict__"),
    "kept": lambda k: (k["Range"](1).size, k["Range"].end, k["Frames"].most),
    "a list of its own": lambda k: k["Range"](1).parts is not k["Range"](1).parts,
    "its text": lambda k: [(kind.__doc__, kind.__qualname__, kind.__module__) for kind in k.values()],
    "a class below": lambda k: repr(type("Below", (k["Frames"],), {})(1, 2)),
    "its initializer, called by a class below": lambda k: k["Zone"].__init__(k["Zone"](1), 3),
}


def outcome(use: Callable[[dict[str, Any]], Any], kinds: dict[str, Any]) -> str:
    """What comes of a use, or its error, without what differs by where the classes were made."""
    try:
        told = repr(use(kinds))
    except Exception as error:  # noqa: BLE001  # an error is an outcome
        told = f"{type(error).__name__}: {error}"
    return told


@pytest.mark.parametrize("use", USES)
def test_its_first_use_is_as_of_a_frozen_dataclass(use: str) -> None:
    assert outcome(USES[use], promised()) == outcome(USES[use], of_dataclasses())


def test_each_field_has_one_slot() -> None:
    kinds = promised()
    assert kinds["Frames"].__slots__ == ("first", "count", "marks")
    assert kinds["Zone"].__slots__ == ("name",)
    assert "__slots__" not in vars(kinds["Range"])


def test_it_matches_by_place() -> None:
    match Slotted(7, 8):
        case Slotted(first, count):
            assert (first, count) == (7, 8)


def test_it_is_pickled_where_its_methods_were_not_made_yet() -> None:
    kept = pickle.dumps(Slotted(7, marks={1: "a"}))
    code = f"import pickle; from tests.engine.base import test_frozen; print(pickle.loads({kept!r}))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "Slotted(first=7, count=1, marks={1: 'a'})\n"


def test_threads_that_use_it_first_at_once_all_get_a_whole_one() -> None:
    for _ in range(50):
        kind, found = promised()["Frames"], list[Any]()
        at_once = threading.Barrier(8)

        def use(kind: Any = kind, found: list[Any] = found, at_once: threading.Barrier = at_once) -> None:
            at_once.wait()
            found.append(kind(1, 2))

        threads = [threading.Thread(target=use) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert found == [kind(1, 2)] * 8


def test_every_frozen_class_of_the_package_can_be_made() -> None:
    """`dataclasses` refuses some bodies, such as a field without a default after one with: here, not at a first use."""
    kinds: set[type] = set()
    for module in pkgutil.walk_packages(vmwidgets.__path__, "vmwidgets."):
        if module.name.endswith("__main__") or module.name == "vmwidgets.converted":
            continue  # the latter is nbconvert's, which is not among what the package needs
        held = vars(importlib.import_module(module.name)).values()
        kinds.update(kind for kind in held if isinstance(kind, type) and kind.__module__ == module.name)
    late = [kind for kind in kinds if isinstance(vars(kind).get("__dataclass_fields__"), _Promise)]
    assert [len(dataclasses.fields(kind)) for kind in late]
    for kind in late:
        assert not [name for name, held in vars(kind).items() if isinstance(held, _Promise)], kind


def test_no_frozen_class_of_the_package_is_finished_at_its_import() -> None:
    sources = Path(vmwidgets.__path__[0]).rglob("*.py")
    early = [path.name for path in sources if "@dataclass(frozen=True" in path.read_text("utf-8")]
    assert early == []


def test_a_frozen_value_refuses_a_change_before_any_was_made() -> None:
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'first'"):
        object.__new__(promised()["Frames"]).first = 1
