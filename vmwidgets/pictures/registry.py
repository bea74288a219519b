"""The pictures, by name and by what they show."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, a_kind, shown
from vmwidgets.engine.machine import Machine
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.sheet import KINDS, Kind, Sheet

from .at import At
from .listed import FIRST_FOR, MODULE_OF, PICTURES
from .picture import BESIDE_BY, Picture

_pictures: dict[str, type[Picture]] = {}
_shown_as: dict[type, type[Picture]] = {}

registered: list[Callable[[type], None]] = []
"""Functions that are called with each kind of object that gets a picture, so that a running notebook can show it."""


Kinds = type | tuple[type, ...]


def picture_of(*, first_for: Kinds = (), shows: Kinds = (), name: str = "") -> Callable[[Any], Any]:
    """Register a picture, which is a class or a function that draws.

    `first_for` are the kinds of objects for which this picture is the first choice: the end of a cell and
    :func:`picture` use it.  `shows` are other kinds of objects, which a function draws only when it is called by name:
    these kinds keep their own pictures.  A class is a :class:`Picture`, whose constructor declares what it shows; a
    function takes a moment (:class:`At`), returns its scene or its sheet, and needs a `name`.  Class and function are
    then available in `vmwidgets` under their names.

    Raises :class:`Refused` for a function without a name or without kinds.

    >>> from vmwidgets.views.scene.kit import scene
    >>> from vmwidgets.views.scene.model import Caption, Table
    >>> @picture_of(first_for=range, name="Numbers")
    ... def draw(at):
    ...     return scene("numbers", f"{len(at.target)} numbers", "", [], caption=Caption(""), table=Table((), ()))
    >>> known_pictures()["Numbers"](range(3)).scene().title
    '3 numbers'
    """
    first = first_for if isinstance(first_for, tuple) else (first_for,)
    others = shows if isinstance(shows, tuple) else (shows,)

    def register(drawn: Any) -> Any:
        made = drawn if isinstance(drawn, type) else _from_function(drawn, name, (*first, *others))
        picture_named(made.__name__)  # a picture of the package is imported before it is replaced
        _register(made, first)
        return drawn

    return register


def _register(made: type[Picture], first: tuple[type, ...]) -> None:
    _pictures[made.__name__] = made
    for kind in first:
        _first_for(kind)
        _shown_as[kind] = made
        for listener in registered:
            listener(kind)


def _from_function(
    draw: Callable[[At], Scene | Sheet], name: str, kinds: tuple[type, ...], part: str = "", what: str = ""
) -> type[Picture]:
    """Return the class of a picture that a function draws.

    `part` is what it shows of a machine that it is given, and `what` says in words what it shows.
    """
    if not (name and kinds):
        raise Refused(f"picture_of: {draw.__name__} needs a name, and shows= or first_for= with what it draws")
    named = f"machine.{part}, or a machine" if part else "a " + " or ".join(dict.fromkeys(k.__name__ for k in kinds))
    such = what or named

    def __init__(self: Picture, target: Any, **options: Any) -> None:  # noqa: N807  a class is made here
        if not isinstance(target, (*kinds, Machine) if part else kinds):
            its = Machine in kinds and isinstance(getattr(target, "machine", None), Machine)
            raise Refused(f"{name} shows {such}, not {shown(target)}" + f"; give its machine: vm.{name}(m)" * its)
        owner = target if isinstance(target, Machine) else getattr(target, "machine", None)
        machine = owner if isinstance(owner, Machine) else None  # a value may only name its machine
        self._held = None if machine is not None else target  # held weakly otherwise, and nothing else may keep it
        of_machine = part and target is machine
        Picture.__init__(self, getattr(target, part) if of_machine else target, machine=machine, **options)

    def drawn(_self: Picture, at: At) -> Scene:
        said = draw(at)
        if isinstance(said, Scene):
            return said
        return said.scene(name.lower(), at.width, *(() if at.machine is None else (at.moment, at.machine.name)))

    members = {"__doc__": draw.__doc__, "__module__": draw.__module__, "__init__": __init__, "draw": drawn}
    return type(name, (Picture,), {**members, "opened": open_node})


def open_node(picture: Picture, node_id: str) -> None:
    """Open a node, and keep those opened earlier; a node such as "calls/step/7" goes to that step instead."""
    lane, _, step = node_id.rpartition("/")
    if lane.endswith("/step") and step.isdecimal():
        picture.step = int(step)
    else:
        picture._opened_nodes = (*picture._opened_nodes, node_id)[-MOST_OPENED:]


MOST_OPENED = 8
"""The nodes opened earlier that stay open in a picture that is a function."""


def _from_kind(kind: Kind) -> None:
    """Register a picture of the package that is one function."""
    first, others = (tuple(map(_class_at, some)) for some in (kind.first_for, kind.shows))
    made = _from_function(kind.draw, kind.name, (*first, *others), kind.part, kind.what)
    if kind.find is not None:  # only a picture with addresses has it
        made.sought = _seeking(kind.find)  # type: ignore[assignment]  # a method
    _register(made, first)


def _seeking(find: Callable[[At, str], str]) -> Callable[[Picture, str], None]:
    def sought(self: Picture, text: str) -> None:
        self.selection = find(self.at(), text)

    return sought


def _class_at(name: str) -> type:
    module, _, last = name.rpartition(".")
    found: type = getattr(import_module(module), last)
    return found


def known_pictures() -> dict[str, type[Picture]]:
    """Return all pictures by name: the package's own, whose modules are imported, and added pictures."""
    for module in PICTURES:
        _import(module)
    return dict(_pictures)


def picture_named(name: str) -> type[Picture] | None:
    """Return the picture of this name, or None; only its own module is imported."""
    if name not in _pictures and name in MODULE_OF:
        _import(MODULE_OF[name])
    return _pictures.get(name)


def _import(module: str) -> None:
    """Import a module of the package, and register its pictures."""
    loaded = import_module(f"vmwidgets.{module}")
    for name, kind in KINDS.items():
        if kind.draw.__module__ == loaded.__name__ and name not in _pictures:
            _from_kind(kind)


def _beside(left: Picture, right: Picture) -> Picture:
    """Return two pictures side by side, live if the first one is."""
    beside = picture_named("Beside")
    assert beside is not None
    return left.as_live(beside)((left, right))


BESIDE_BY.append(_beside)


def kinds_shown() -> dict[type, type[Picture]]:
    """Return the pictures that show objects, by the objects' class."""
    known_pictures()
    return kinds_imported()


def kinds_imported() -> dict[type, type[Picture]]:
    """Return pictures of modules that are already imported, and added pictures, by the class of objects they show."""
    return dict(_shown_as)


def _first_for(kind: type) -> type[Picture] | None:
    """Return the first choice for objects of exactly this class, or None."""
    if kind not in _shown_as and kind.__name__ in (listed := FIRST_FOR.get(kind.__module__, {})):
        _import(listed[kind.__name__])
    return _shown_as.get(kind)


@says_what_it_takes
def picture(thing: Any, **options: Any) -> Picture:
    """Return a picture of `thing` as a cell shows it, but without a browser: for a script, a test or a slide.

    It has ``to_svg()``, ``to_html()``, ``to_json()``, ``to_dot()``, ``to_text()`` and ``save(path)``.

    Raises :class:`Refused` for an object that has no picture, and for options of an object that is a picture already.

    >>> import vmwidgets as vm
    >>> m = vm.boot()
    >>> vm.picture(m.kernel_map).scene().title
    'kernel_map'
    """
    if not isinstance(thing, Picture):
        return picture_shown(thing)(thing, **options)
    if options:
        name = type(thing).__name__
        raise Refused(f"this {name} is a picture already: give {next(iter(options))}= to vm.{name}(…) itself")
    return thing


def picture_shown(thing: Any) -> type[Picture]:
    """Return the picture by which an object is shown.

    Raises :class:`Refused` for an object without a picture.
    """
    for kind in type(thing).__mro__:
        if found := _first_for(kind):
            return found
    such = "m, m.kernel_map, a task, task.walk(address), m.frames, m.kmem or m.memory_objects"
    raise Refused(f"there is no picture of {a_kind(thing)}; there are pictures of what a machine has, such as {such}")
