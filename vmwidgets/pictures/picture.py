"""A picture: a target, and its scene at a moment.  It needs no page; a picture on a page is a view."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from threading import get_ident
from typing import Any, ClassVar, NamedTuple

import traitlets

from vmwidgets.engine.base.attributes import Suggesting
from vmwidgets.engine.base.called import whole_name
from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, a_kind, in_ascii, printable, shown
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.event_kinds import TooFar, checked_kinds, next_event
from vmwidgets.views.scene.kit import WIDTH
from vmwidgets.views.scene.model import AFTER, Scene
from vmwidgets.views.scene.svg import to_svg
from vmwidgets.views.scene.text import visible

from .absent import absent_scene, blank
from .at import At
from .blank import Worksheet, blanked
from .exports import Exports, Snapshot
from .finding import Finding
from .handout.page import page
from .handout.story import ToldStory
from .handout.telling import Telling
from .moments import NOW, NotThere, There, When, WhenTrait, counterpart, machine_at, next_mark, part_at
from .options import refuse_unfit, refuse_unknown
from .quantities import Blanks, Quantity
from .slim import slim_if_kept

NARROWEST, WIDEST = 420, 1600
"""The widths in pixels for which pictures can be laid out."""


CALLED = (
    "machine", "target", "steps", "operation", "space", "show_address",
    "scene", "search", "jump", "beside", "snapshot", "of_another", "blank", "present", "graphviz",
    "save", "to_text", "to_svg", "to_png", "to_html", "to_json", "to_dot",
)  # fmt: skip  # what it shows, what is done with it, and its files
"""The names that a notebook uses of a picture, beside its options; some kinds have not all of them."""


_MOMENTARY = ("step", "moment", "selection", "follow")
"""Traits that belong to one moment, and are not copied to a similar picture."""


class Drawn(NamedTuple):
    """The scene that was drawn last, and its moment: one value, since several Python threads draw and read it."""

    scene: Scene
    when: When | None
    """The moment as it was asked for."""
    serial: int
    """The serial of its operation, or -1 without one; OTHER_TARGET if the picture has another target since."""
    number: int
    done: int | None
    missing: NotThere | None = None
    """Why the scene is empty: there was no target then."""
    is_ahead: bool = False
    """Whether a page has gone on to `when` and `done` by itself: the scene is another step of the same operation."""


OTHER_TARGET = -2
"""The serial of no operation."""


class Step(traitlets.Int[int, int]):
    """A step that a reader sets, and the moment follows; or that a drawing places, because the moment is known."""

    def set(self, obj: Any, value: Any) -> None:
        """Go to a step.  Raises :class:`Refused` for a step that the picture doesn't have."""
        wanted: int = self._validate(obj, value) or 0
        obj.check_step(wanted)
        super().set(obj, wanted)
        obj.go_to_step(wanted)

    def place(self, obj: Any, value: int) -> None:
        """Show the step of the picture's moment; the moment stays."""
        super().set(obj, value)


class Counted(traitlets.Int[int, int]):
    """A number that only a drawing determines: reading it draws the picture if the operation has not been drawn yet."""

    def get(self, obj: Any, cls: Any = None) -> int:
        """Return the number for the shown operation."""
        obj.settle()
        return super().get(obj, cls) or 0


class Picture(Exports, Finding, Suggesting, traitlets.HasTraits):
    """A picture of one thing, at one moment of its machine.

    A subclass overrides :meth:`draw` and, for the reader's gestures that it supports, :meth:`opened`, :meth:`turned`
    and :meth:`sought`.

    Raises :class:`Refused` for an unknown option, naming the nearest known one, and for a value that the option doesn't
    accept.
    """

    absent: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("show", "display", "plot", "render"),
        "make it the last line of a cell, which shows it, save(path) writes a file, and print(picture) words",
    )

    # Public traits can be set, even from the page; a view's page has all of these in its model.
    step = Step(
        -1,
        min=-1,
        help="The step of the operation that the picture shows; after it: `steps`, or -1 in short.",
    ).tag(public=True, sync=True)
    moment = WhenTrait(
        help="The moment: None for now, or (an operation's serial, the number of its events that are done, or None)."
    ).tag(public=True, sync=True)
    selection = traitlets.Unicode(help="The selected thing, such as 'entry:17', in all views.").tag(
        public=True, sync=True
    )
    width = traitlets.Int(
        0, min=0, max=WIDEST, help=f"Pixels that the picture is laid out for, from {NARROWEST}; 0: as the page has."
    ).tag(public=True, sync=True)
    scale = traitlets.Float(
        1.0, min=0.5, max=4.0, help="The scale of the whole picture, its words too: 2 for a lecture room."
    ).tag(public=True, sync=True)
    steps = Counted(
        help="The number of the picture's steps in the operation on screen; the last step is after it.", read_only=True
    ).tag(sync=True)
    operation = Counted(-1, help="The number of the operation on screen, or -1 for none.", read_only=True).tag(
        sync=True
    )

    usual: float = WIDTH
    """The width in pixels if neither `width` nor a page sets one."""

    folds = False
    """Whether parts of the picture fold if its page is not high enough."""

    _held: Any = None
    _opened_nodes: tuple[str, ...] = ()
    """The nodes that were opened last, for a picture that is a function."""

    _made = False
    _last: Drawn | None = None

    def __new__(cls, *things: Any, **options: Any) -> Any:
        """Refuse a second thing: what Python itself says about it names no picture."""
        if len(things) > 1:
            cls(things[0])  # refuses the wrong thing, and says which is right
            more = f"{cls.__name__} shows one thing, here {shown(things[0])}, and not {shown(things[1])} too"
            raise Refused(f"{more}; an option has a name, such as width=800")
        return super().__new__(cls, *things, **options)

    def __init__(self, target: Any = None, *, machine: Any = None, **options: Any) -> None:
        refuse_unknown(type(self), options)
        refuse_unfit(self, options)
        if self._made:  # the picture gets another target
            self._target = self._hold(target)
            self._last = self._last and self._last._replace(serial=OTHER_TARGET)
            for name, value in options.items():
                setattr(self, name, value)
            return
        self._target = self._hold(target)
        self._machine = self._hold(machine)
        self._has_machine = machine is not None
        self._settled: set[int] = set()  # the Python threads that read `steps` and `operation` as they were drawn last
        step = options.pop("step", -1)
        try:
            super().__init__(**options, **self._page_traits())
        except traitlets.TraitError as error:
            raise Refused(f"{type(self).__name__}: layout={shown(options.get('layout'))}: {error}") from None
        self._made = True
        if step >= 0:
            self.step = step

    def _hold(self, thing: Any) -> Callable[[], Any]:
        """Return a function that returns `thing`: whoever keeps the picture keeps `thing` alive."""
        return lambda: thing

    def _page_traits(self) -> dict[str, Any]:
        """Return the picture's traits, except the traits about its place on a page."""
        return {}

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an option; the error for an unknown name gives the nearest one."""
        if name[:1] != "_" and name not in self.__dict__ and not hasattr(type(self), name):
            refuse_unknown(type(self), {name: value})
        try:
            super().__setattr__(name, value)
        except traitlets.TraitError:
            refuse_unfit(self, {name: value})
            raise

    @in_ascii
    def __repr__(self) -> str:
        if not self.alive:
            return f"<{type(self).__name__} of a machine that is gone>"
        return self._at_prompt(" of ".join([type(self).__name__, *self._named()]))

    def __dir__(self) -> list[str]:
        """Return what a notebook uses of the picture; a completion lists it, and not what serves pages and widgets."""
        return sorted({*self.trait_names(public=True), *(name for name in CALLED if hasattr(type(self), name))})

    def _named(self) -> list[str]:
        """Return the names of the target and of its machine."""
        whole = "" if self.machine is None else self.machine.name
        shown_part = self._part()
        its = ("path", "name") if shown_part is not self.machine else ()
        part = next((text for text in (getattr(shown_part, name, "") for name in its) if text), "")
        return list(dict.fromkeys(printable(text) for text in (part, whole) if isinstance(text, str) and text))

    def _part(self) -> Any:
        """Return the part of the machine that is shown; None for the machine itself."""
        return self.target

    # ---- for subclasses --------------------------------------------------------------------------

    def draw(self, at: At) -> Scene:
        """Return the scene of this moment, drawn from the target at that moment, `step` and `selection`."""
        raise NotImplementedError

    def quantities(self, at: At) -> Sequence[Quantity]:
        """Return the quantities of this moment that :meth:`draw` leaves out if they are among the moment's blanks."""
        return ()

    def opened(self, node_id: str) -> None:
        """Handle the opening of a node of the picture."""

    def turned(self, node_id: str, by: int) -> None:
        """Change the number in a slice of the address by `by`."""
        raise Refused("turn: there is nothing to turn in this picture")

    def operation_done(self) -> bool:
        """Note that the machine has completed an operation.  Returns True if the picture must be redrawn."""
        return True

    def changed(self, _change: object = None) -> None:
        """Note that a trait was set, so that the picture shows something else from now on."""

    # ---- the target and its scene ----------------------------------------------------------------

    @property
    def target(self) -> Any:
        """The shown thing; None if it no longer exists."""
        return self._target()

    @target.setter
    def target(self, thing: Any) -> None:
        """Show another thing of the same kind and machine; options are kept, and anything opened in the picture closes.

        Raises :class:`Refused` for a thing that the picture can't show; the picture then stays as it was.
        """
        other = type(self)(thing)
        if other.machine is not self.machine:
            mine = "no machine" if self.machine is None else self.machine.name
            raise Refused(f"target: this is a picture of {mine}; show what belongs to another in a picture of its own")
        self._aim(thing)
        self.changed()

    def _aim(self, thing: Any) -> None:
        """Set `thing` as the target: the constructor computes everything that depends on it."""
        type(self).__init__(self, thing)

    @says_what_it_takes
    def of_another(self, target: Any) -> Picture:
        """Return a picture of `target`, perhaps in another machine, with the same options but not the same moment."""
        made: Picture = self.copied_as(type(self), target)
        return made

    def copied_as(self, kind: Callable[..., Any], target: Any) -> Any:
        """Return a picture of the class `kind`, with this picture's options but not its moment."""
        options = {name: getattr(self, name) for name in self.trait_names(public=True) if name not in _MOMENTARY}
        return kind(target, **options, **self._own_options())

    def _own_options(self) -> dict[str, Any]:
        """Return the constructor's arguments that are not traits."""
        return {}

    @property
    def machine(self) -> Machine | None:
        """The shown machine; None if it no longer exists, or if there never was one."""
        machine: Machine | None = self._machine()
        return machine

    @property
    def machines(self) -> tuple[Machine, ...]:
        """The shown machines: usually one, and none if it no longer exists."""
        machine = self.machine
        return () if machine is None else (machine,)

    @property
    def asks(self) -> bool:
        """Return whether the picture asks "what comes next?": then the browser must not reveal an access's outcome."""
        return False

    @property
    def alive(self) -> bool:
        """Return whether there is something to draw: the picture has no machine, or its machine still exists."""
        return not self._has_machine or self.machine is not None

    def at(self, *other: When | None) -> At:
        """Return the shown moment, or the moment `when`.

        Raises :class:`Refused` if the machine's history does not have it, or if the target does not exist then.
        """
        machine = self.machine
        selection, opened = self.selection, self._opened_nodes
        if machine is None:
            return At(self.target, None, -1, None, self.room, self.high, selection=selection, opened=opened)
        there = machine_at(machine, *(other or (self.moment,)))
        target = counterpart(self.target, machine, there)
        return At(target, *there, self.room, self.high, selection=selection, opened=opened)

    @property
    def room(self) -> float:
        """The width in pixels for which the picture is laid out."""
        return float(self.width or self.usual)

    @property
    def high(self) -> float:
        """The greatest height of the picture in pixels; a file has no limit."""
        return inf

    def scene(self) -> Scene:
        """Return the newest scene; if the machine no longer exists, the last scene that was drawn.

        If the target does not exist at the moment, the scene is empty, and its caption names the operation that creates
        it.  Raises :class:`Refused` for a moment that was undone.
        """
        _held = self.machine  # the machine stays while it is drawn
        if self.alive:
            return self._draw().scene
        if self._scene is None:
            raise Refused("the machine of this picture is gone: boot one, and make the picture again")
        return self._scene

    def _draw(self) -> Drawn:
        """Draw the shown moment, and set its step; the scene is empty if there is no target then.

        If another Python thread sets the moment meanwhile, the scene is of the earlier moment, and the step of the
        later one.
        """
        when = self.moment
        serial = self._serial(when)
        with self.as_drawn():
            try:
                at = self.at(when)
                drawn = Drawn(self.drawing(at), when, serial, at.number, at.done)
            except NotThere as missing:
                scene = absent_scene(missing.number, missing, self._scene or self._blank())
                drawn = Drawn(scene, when, serial, missing.number, missing.done, missing)
            self._last = drawn
            self._tell_steps()
            self._place(drawn)
        return drawn

    def _tell_steps(self) -> None:
        """Set `operation` and `steps` as drawn last, even if another Python thread draws meanwhile."""
        while (last := self._last) is not None:
            self.set_trait("operation", last.number)
            self.set_trait("steps", last.scene.steps.count)
            if last is self._last:
                return

    @property
    def _scene(self) -> Scene | None:
        """The scene that was drawn last."""
        last = self._last
        return None if last is None else last.scene

    @property
    def _drawn_at(self) -> tuple[int, int | None]:
        """The number of the operation that was drawn last, or -1, and how many of its events were done."""
        last = self._last
        return (-1, None) if last is None else (last.number, last.done)

    @property
    def _missing(self) -> NotThere | None:
        """Why the scene that was drawn last is empty."""
        last = self._last
        return None if last is None else last.missing

    def _blank(self) -> Scene:
        """Return an empty scene for the time before the first drawing, with the target's name."""
        name = self._named()
        return blank(type(self).__name__.lower(), visible(whole_name(name[0])) if name else "", self.room)

    def drawing(self, at: At) -> Scene:
        """Return the scene of a moment, with the machine's own name: a machine rebuilt for reading has another name.

        Raises :class:`NotThere` if the target does not exist.
        """
        machine = self.machine
        try:
            scene: Scene = self.draw(at)
        except Refused:
            path = getattr(at.target, "path", None)
            if machine is not None and isinstance(path, str):
                part_at(path, machine, There(at.whole, at.number, at.done))
            raise
        if machine is None or at.machine is None or at.machine is machine:
            return scene
        title = scene.title.replace(at.machine.name, machine.name, 1)
        return replace(scene, title=title, machine=scene.machine and machine.name)

    def _page_svg(self) -> str:
        return to_svg(self.scene(), scale=self.scale, selected=self.selection, letters=True)

    def _each_step(self) -> Sequence[Exports]:
        """Return the picture at each step of the operation that is shown, laid out as for a file."""
        machine, last = self.machine, self.scene()
        if machine is None or self.operation < 0 or self._missing is not None:
            return [self]
        serial, found = machine.journal.serial(self.operation), []
        for done in [*(place for place in last.steps.places if place > 0), None]:
            at = replace(self.at(When(serial, done)), width=float(self.width or self.usual), height=inf)
            with self.as_drawn():
                found.append(Snapshot(self.drawing(at), self.operation, self.scale, selected=self.selection))
        return found

    @says_what_it_takes
    def to_html(self) -> str:
        """Return one HTML file that needs no other, and steps through the current operation from the shown moment."""
        machine, scene = self.machine, self.scene()
        number, done = self._drawn_at
        if machine is None or number < 0 or not scene.steps.count:
            return super().to_html()
        steps = Telling(machine, [self]).of_operation(number, done)
        opens_at = next(place for place, step in enumerate(steps) if step.done == done)
        return page(ToldStory(scene.title, tuple(steps), opens_at=opens_at, selected=self.selection))

    @says_what_it_takes
    def jump(self, to: str, way: int = 1) -> None:
        """Show the moment before the next event of a kind, or the next bookmark; with `way` -1, search backwards.

        `to` is a kind of ``m.break_on``, such as "rotation" or "fault", or "mark".  The next step after that moment is
        the event.  All pictures of the machine go to the moment, except pictures that don't follow.

        Raises :class:`Refused` if there is no such event or bookmark, and for a picture without a machine; the picture
        then does not change.

        >>> import vmwidgets as vm
        >>> m = vm.boot()
        >>> for place in range(8):
        ...     a = m.kernel_map.enter("4 KiB", prot="rw" if place % 2 else "r")
        >>> tree = vm.picture(vm.Tree(m.kernel_map))
        >>> tree.jump("rotation", -1)
        >>> machine, moment = m.at(tree.moment.operation), tree.moment
        >>> type(machine.journal.last.events[moment.done]).__name__
        'TreeRotated'
        """
        machine = self.machine
        if machine is None:
            raise Refused("jump: this picture has no history")
        if type(way) is not int or way not in (1, -1):
            raise Refused(f"jump: way is {shown(way)}; it must be 1 or -1")
        number, done = machine_at(machine, self.moment)[1:]
        if f"{to}" == "mark":
            self.moment = next_mark(machine.journal, number, done, way)
            return
        try:
            found = next_event(machine.journal, checked_kinds([to], "jump"), number, done, way)
        except TooFar as too_far:
            raise Refused(f"jump: {to}: {too_far}") from None
        if found is None:
            raise Refused(f"jump: there is no {'later' if way > 0 else 'earlier'} {to}")
        self.moment = When(machine.journal.serial(found[0]), found[1])

    def blank(self, *words: str) -> Worksheet:
        """Return the picture with words left out, for paper: a worksheet, which has its `key`, and writes an `exam`.

        A word is a column of the picture's table, or a name before values in the picture: "frame" leaves out the
        numbers of frames.  Each blank has a number; a quantity that is drawn twice has the same number twice.  With a
        quantity of an access, a walk or page tables go its bits, the numbers that contain it, and those that are
        computed from it: its answer is nowhere in the sheet.

        Raises :class:`Refused` for a word that the picture does not have, naming the words that it has.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> task = m.task("init")
        >>> task.write(task.mmap("4 KiB"), b"x")
        >>> sheet = vm.picture(vm.Fault(task)).blank("error code")
        >>> sheet.answers
        (Answer(number=1, word='error code', value='6'),)
        """
        scene = self.scene().whole()
        if self._missing is not None:
            return blanked(scene, words)
        at = replace(self.at(), width=float(self.width or self.usual), height=inf)

        def without(blanks: Blanks) -> Scene:
            with self.as_drawn():
                return self.drawing(replace(at, blanks=blanks)).whole()

        return blanked(scene, words, self.quantities(at), without)

    @says_what_it_takes
    def present(self, notes: Mapping[str, str] | None = None) -> None:
        """Fill a reader's window with the picture.

        `notes` are texts for the lecturer, by the names of bookmarks.  At these bookmarks, the second window (key "n")
        shows them.

        Raises :class:`Refused` for a picture that is not in a notebook.
        """
        raise Refused("present: no page shows this picture: in a cell of a notebook, write vm.show(thing).present()")

    def settle(self) -> None:
        """Compute `steps` and `operation` for the current moment; a moment that can't be drawn has no steps."""
        if not self._made or get_ident() in self._settled or not self.alive:
            return
        if self._known(self.moment) is not None:
            return
        with self.as_drawn():
            try:
                self._draw()
            except Refused:  # the moment was undone
                self.set_trait("operation", -1)
                self.set_trait("steps", 0)

    @contextmanager
    def as_drawn(self) -> Iterator[None]:
        """Prevent reading `steps` or `operation` from drawing, in a ``with`` block of this Python thread."""
        thread = get_ident()
        if thread in self._settled:
            yield
            return
        self._settled.add(thread)
        try:
            yield
        finally:
            self._settled.discard(thread)

    def _known(self, when: When | None) -> Scene | None:
        """Return the latest scene, if it shows the operation of a moment."""
        last = self._last
        return last.scene if last is not None and last.serial == self._serial(when) else None

    def _place(self, drawn: Drawn | None = None) -> None:
        """Show the step of the moment, which was just `drawn`.

        The moment may be set meanwhile, by another Python thread: the last step that is placed is the last moment's.
        """
        step: Any = type(self).step
        while True:
            when = self.moment
            step.place(self, drawn.scene.steps.index if drawn is not None and drawn.when == when else self._step(when))
            if when == self.moment:
                return

    def _step(self, when: When | None) -> int:
        """Return the step of a moment, or -1 if that is not known before it is drawn."""
        scene = self._known(when)
        if scene is None:
            return -1
        done = when and when.done
        return scene.steps.count if done is None else sum(0 < place <= done for place in scene.steps.places)

    @traitlets.validate("width")
    def _can_be_laid_out(self, proposal: Any) -> int:
        """Refuse a width that is too small for a picture."""
        wanted: int = proposal["value"]
        if 0 < wanted < NARROWEST:
            raise Refused(f"width={wanted}, but a picture needs {NARROWEST} pixels; 0 is as wide as its page")
        return wanted

    @traitlets.validate("moment")
    def _moment_was(self, proposal: Any) -> When | None:
        """Refuse an operation that the machine never had, or more events than the operation has."""
        when: When | None = proposal["value"]
        machine = self.machine if when is not None and self._made else None
        if when is not None and machine is not None and when.operation >= machine.journal.next_serial:
            latest = machine.journal.last.serial
            raise Refused(f"moment={tuple(when)}, but the machine's latest operation is {latest}")
        number = None if when is None or machine is None else machine.journal.number_of(when.operation)
        if when is not None and machine is not None and number is not None and when.done is not None:
            scene = self._known(when)
            drawn = () if scene is None else scene.steps.places
            events = when.done if when.done in drawn else len(machine.journal.events(number))
            if events and when.done > events:
                raise Refused(f"moment={tuple(when)}, but operation {number} has {counted(events, 'event')}")
        return when

    def check_step(self, wanted: int) -> None:
        """Raise :class:`Refused` for a step that the picture doesn't have at this moment."""
        if wanted < 0:
            return
        scene = self._known(self.moment) or self.scene()
        if wanted > scene.steps.count:
            steps = counted(scene.steps.count, "step")
            raise Refused(f"step={shown(wanted)}, but this picture has {steps} of the operation; -1 is after it")

    def go_to_step(self, wanted: int) -> None:
        """Show the moment of a step of the operation that was drawn last; nothing happens if it is the shown step."""
        last = self._last
        if last is None or not self._has_machine or wanted == self._step(self.moment):
            return
        places = last.scene.steps.places
        self.moment = self.moment_after(last.number, places[wanted] if 0 <= wanted < len(places) else AFTER)

    def _serial(self, when: When | None) -> int:
        """Return the serial of a moment's operation; -1 for a picture without history."""
        if when is not None:
            return when.operation
        machine = self.machine
        return -1 if machine is None or not len(machine.journal) else machine.journal.last.serial

    @traitlets.observe("moment", "selection", "width", "scale")
    def _was_set(self, change: Any) -> None:
        """Let the step follow a moment, as far as it is known before it is drawn."""
        if change["name"] == "moment":
            self._place()
        self.changed(change)

    def moment_after(self, number: int, done: int) -> When | None:
        """Return the moment after `done` events of operation `number`; now, if it is the latest and all are done."""
        machine = self.machine
        if machine is None:
            return NOW
        with machine.door.looking():  # another thread of Python's may be undoing it
            last = len(machine.journal) - 1
            if number > last or (number == last and done == AFTER):
                return NOW
            return When(machine.journal.serial(number), None if done == AFTER else done)

    @classmethod
    def as_live(cls, drawn: type[Picture]) -> type[Picture]:
        """Return the class for a picture of class `drawn` next to this picture; a view overrides this, to be live."""
        return drawn

    @says_what_it_takes
    def beside(self, other: Picture) -> Picture:
        """Show this picture and another of its kind in equal halves: one thing at two moments, or two machines.

        Differences are marked, and counted in a sentence.  If both show one machine, the other picture leads: its
        controls step through the operations, and this picture stays as many operations behind as it is now.  Two
        machines are stepped together.

        Raises :class:`Refused` if the two can't be compared: pictures of different kinds, without a machine, or the
        same picture twice.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> parent = m.task("parent")
        >>> a = parent.mmap("16 KiB")
        >>> parent.write(a, b"x")
        >>> child = parent.fork("child")
        >>> both = vm.picture(parent.map).beside(vm.picture(child.map))
        >>> b = child.mmap("4 KiB")
        >>> both.scene().caption.text
        '2 entries differ between left and right.'
        """
        if not isinstance(other, Picture):
            is_of_machine = isinstance(self.target, Machine) and isinstance(getattr(other, "machine", None), Machine)
            thing = f"{type(other).__name__.lower()}.machine" if is_of_machine else "…"
            advice = f"make one for it, such as vm.{type(self).__name__}({thing})"
            raise Refused(f"beside: {a_kind(other)} is not a picture; {advice}")
        return BESIDE_BY[0](self, other)

    @says_what_it_takes
    def graphviz(self, *, theme: str = "light") -> Any:
        """Return the picture's structure, which Graphviz lays out.

        In a cell of a notebook it is a live view: the page lays it out itself, again after each operation, and needs no
        program.  Elsewhere it is a `graphviz.Source`.  Both have `source`, the text in Graphviz's language, and
        ``render("map", format="pdf")``, which runs Graphviz's program `dot`.

        Raises :class:`Refused` for another theme than "light" and "dark"; a page has its own.

        >>> import vmwidgets as vm
        >>> picture = vm.picture(vm.boot("x86-64"))
        >>> picture.graphviz().source == picture.to_dot()
        True
        """
        fixed = super().graphviz(theme=theme)
        live = (in_a_cell(self, theme) for in_a_cell in GRAPHVIZ_BY)
        return next((view for view in live if view is not None), fixed)

    @says_what_it_takes
    def snapshot(self) -> Snapshot:
        """Return a picture of the present state, which does not change: for before and after."""
        return Snapshot(self.scene(), self._drawn_at[0], self.scale, slim_if_kept(self), self.selection)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        """Pickle as a snapshot: the picture in its present state, without its machine and its page."""
        kept = self.snapshot()
        return Snapshot, kept.values

    def __copy__(self) -> Snapshot:
        """Copy as a snapshot, as pickling does; :meth:`of_another` makes a live picture with the same options."""
        return self.snapshot()

    def __deepcopy__(self, _known: object) -> Snapshot:
        """Copy as a snapshot, as pickling does."""
        return self.snapshot()


BESIDE_BY: list[Callable[[Picture, Picture], Picture]] = []
"""The function that puts two pictures side by side; its module imports this module, so this one can't import it."""


GRAPHVIZ_BY: list[Callable[[Picture, str], Any]] = []
"""The function that returns the live view of a picture's structure, or None without a page; pages add it."""


# ---- the machine of a target ---------------------------------------------------------------------


def machine_of(target: object, *parts: type, wanted: str) -> Machine:
    """Return the machine of `target`, which must be a machine or one of the kinds `parts`.

    Raises :class:`Refused` for anything else, with a sentence that begins with `wanted`: what the view shows.
    """
    machine = target if isinstance(target, Machine) else getattr(target, "machine", None)
    if isinstance(target, (Machine, *parts)) and isinstance(machine, Machine):
        return machine
    raise Refused(f"{wanted}, not {shown(target)}")
