"""The base class of every picture on a page."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from math import inf
from threading import get_ident
from typing import Any, NamedTuple

import anywidget
import traitlets

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.given.process import LiveFork, LiveProcess
from vmwidgets.pictures.absent import absent_scene, scene_instead
from vmwidgets.pictures.exports import Snapshot, signed
from vmwidgets.pictures.film import Film, digest, frame_of, places_around, spliced
from vmwidgets.pictures.moments import NOW, NotThere, Undone, When
from vmwidgets.pictures.options import notes_at_marks, refuse_unfit, weakly
from vmwidgets.pictures.picture import NARROWEST, WIDEST, Drawn, Picture
from vmwidgets.pictures.slim import slim_if_kept
from vmwidgets.pictures.timeline import names, timeline
from vmwidgets.views.scene.laid import Laid
from vmwidgets.views.scene.model import AFTER, Scene
from vmwidgets.views.scene.static import read_static
from vmwidgets.views.scene.twin import table_twin

from .cells import NOWHERE, Cell, cell_runs, current_cell
from .controls import at_moment
from .films import films
from .hub import open_hub
from .living import follow
from .messages import BY_ITSELF, REDRAWN, SCHEMA, TEXT, asker, check_message, check_public, is_text
from .packing import pack, pack_film, pack_plain, pack_table, pack_text
from .pages import Pages, Room
from .pictures import MachinePictures, display_later, forget, pictures_of
from .refresh import refresher
from .selection import Chosen

WORDS = 210.0
"""Height in pixels of the words and controls around a drawing."""


class Sent(NamedTuple):
    """The last scene that was sent to a page, its moment, and the serial of its operation."""

    scene: Scene
    when: dict[str, Any]
    serial: int


class Filmed(NamedTuple):
    """The film that the page has, and what the picture looked like."""

    film: Film
    appearance: object


Reply = Callable[..., None]
"""What sends a dict, and buffers if there are any, to the page that asks; other pages ignore it."""


class View(Picture, anywidget.AnyWidget):
    """A picture that follows its machine as long as it is in a notebook or another page.

    Target and machine are held weakly if possible, so a page does not keep a machine alive.  A model for the page is
    opened when the view is displayed or put into a box.  A view that is only exported has no model, and ends with its
    Python name.
    """

    _esm = traitlets.Unicode().tag(sync=True)

    follow = traitlets.Bool(True, help="Whether the picture shows the moment that all of its machine show.").tag(
        public=True
    )

    # Between Python and the page.  A frame is one trait, so that a picture never mixes two states.
    frame = traitlets.Dict(help="The picture: `data`, the packed scene, and its rising number `seq`.").tag(sync=True)
    film = traitlets.Dict(help="The steps of frame `seq`: `data`, their packed differences from that frame.").tag(
        sync=True
    )
    spot = traitlets.Dict(help="The step on the page: its frame's `seq`, and the changes to its `when`.").tag(sync=True)
    hub = traitlets.Unicode(help="Model id of the hub.").tag(sync=True)
    selection_model = traitlets.Unicode(help="Model id of the machine's selection.").tag(sync=True)
    twin_id = traitlets.Unicode(help="Model id of this view, and name of its static twins.").tag(sync=True)
    origin = traitlets.Unicode(help="The cell that made the picture.").tag(sync=True)
    status = traitlets.Unicode(help="The state of the machine, or the reason why there is no picture.").tag(sync=True)

    made_in = NOWHERE
    cleared = False
    seq = 0
    """The number of the newest frame; 0 if nothing was drawn yet."""
    unlike = ""
    """What a page shows instead of the picture's own drawing, as a note below a saved one."""
    asked = False
    """Whether a page is waiting for a moment that it requested."""
    _holding_sync: bool  # ipywidgets' own attribute: the names of the traits to be sent
    _states_to_send: set[str]

    def __init__(self, target: Any = None, **options: Any) -> None:
        self._choice = Chosen()
        self._pictures: MachinePictures | None = None
        self._openable = False
        self._pages = Pages()
        # Several Python threads set values and draw.  So what changed is not a flag: each change makes a new object,
        # and what was drawn, or filmed, has the object from before its drawing.
        self._wanted = object()  # another one after each change of the picture
        self._sent_for: object = None  # the newest one that a page shows
        self._appearance = object()  # another one after each change, except of the moment alone
        self._begun = object()  # another one for each drawing
        self._drawn = True
        self._adding = threading.RLock()  # held while names of traits are put down or taken, and never while drawing
        self._quiet = 0  # the Python thread whose changes are left undrawn
        self._free = False  # whether it was kept at its cell's end, and will follow again
        self._sent: Sent | None = None
        self._film: Filmed | None = None
        self._cell_over = -1  # the serial of the latest operation when the view's cell was done
        self.made_in = current_cell()
        super().__init__(target, **options)
        machine = self.machine
        self._until_drawn: Any = (target, machine)  # kept until it is drawn: nothing else may keep them alive
        if machine is not None:
            self._pictures = pictures_of(machine)
            self._choice = self._pictures.chosen
        if self.selection:  # given to the constructor: all pictures of the machine select it
            self._choice.choose(self.selection)
        if self.moment is not None and self.follow:
            self._choice.go(self.moment)
        elif self.follow:
            self._choice.open_new()
        self._openable = True
        self._join()
        if self.comm is not None:  # marimo opens the model of each widget while it is made, before there is a picture
            self.prepare(self.made_in)

    def _hold(self, thing: Any) -> Callable[[], Any]:
        return weakly(thing)

    def _aim(self, thing: Any) -> None:
        super().__init__(thing)  # the picture's: its page stays

    def _let_go(self) -> None:
        """Release the machine once it has been drawn: pictures must not keep machines without a name alive.

        The line that creates a machine may be the line that shows it.  So on a page, the view holds the machine until
        it has been drawn in the page's width, or until an operation or another cell, either of which shows that the
        machine has a name.  Elsewhere, the view holds it until it has been drawn.
        """
        if self._scene is not None:
            self._until_drawn = None

    def _draw(self) -> Drawn:
        drawn = super()._draw()
        if self._pages.measured or (self.comm is None and self._openable):
            self._let_go()
        return drawn

    def _page_traits(self) -> dict[str, Any]:
        twin_id = f"vmw-{uuid.uuid4().hex[:12]}"
        return {
            "_esm": read_static("view.js"),
            "twin_id": twin_id,
            "model_id": twin_id,
            "origin": self.made_in.label,
        }

    _repr_mimebundle_ = anywidget.AnyWidget._repr_mimebundle_

    def snapshot(self) -> Snapshot:
        """Return a picture of the present state, which does not change and names its cell: for before and after."""
        scene, number = self.scene(), self._drawn_at[0]
        return self.fixed(signed(scene, current_cell().label, number), number, slim_if_kept(self))

    def fixed(self, scene: Scene, number: int, slim: Scene | None = None) -> Snapshot:
        """Return a scene of this view after operation `number` as a picture that does not change."""
        return Snapshot(scene, number, self.scale, slim, self.selection)

    @property
    def room(self) -> float:
        """The width in pixels of a frame: the narrowest page's, if `width` is not set."""
        wide = self.width or min((wide for wide, _ in self._pages.rooms), default=self.usual)
        return float(min(max(wide / self.scale, NARROWEST), WIDEST))

    @property
    def high(self) -> float:
        """The greatest height in pixels of a frame: the lowest window's room below the words, if the picture folds."""
        windows = [high for _, high in self._pages.rooms] if self.folds else []
        return max(min(windows) / self.scale - WORDS, 1.0) if windows else super().high

    @property
    def _is_as_in_files(self) -> bool:
        """Return whether frames are laid out as for files."""
        return (self.room, self.high) == (super().room, super().high)

    def scene(self) -> Scene:
        """Return the newest scene as for a file, whatever page the picture is on."""
        if self._is_as_in_files or not self.alive:
            return super().scene()
        if self._newest is None:
            super().scene()  # this finds the picture's step
        return self._laid_out(super().room, super().high)

    def saved(self, wide: float) -> Scene:
        """Return the newest scene as for a saved notebook: `wide` pixels wide, with nothing folded."""
        if not self.alive:
            return super().scene()
        try:
            scene = (self._newest or self._draw()).scene
        except Refused as refused:
            return self._instead(refused)
        return scene if (wide, inf) == (self.room, self.high) else self._laid_out(wide, inf)

    @property
    def _newest(self) -> Drawn | None:
        """The latest drawing, if it is what the picture shows now."""
        last = self._last
        if last is None or last.is_ahead or last.when != self.moment or self._stale or not self._drawn:
            return None
        return last

    @property
    def _stale(self) -> bool:
        """Return whether the picture has changed since the newest drawing began that a page shows."""
        return self._sent_for is not self._wanted

    def on_page(self) -> Scene | None:
        """Return the scene that the page shows, as wide as it is there; None before the first."""
        last = self._last
        return last if last is None else self._draw().scene if last.is_ahead else last.scene

    def scene_at(self, operation: int, place: int, *, as_file: bool) -> Scene | None:
        """Return the scene that a page has after `place` events of an operation, as on the page or as in a file.

        A page numbers operations as in its newest frame, which is older than an undo that it has not heard of.  If a
        scene for the page can't be drawn, it is the frame's; None before the first.  Raises :class:`Refused` for a file
        of a moment that was undone.
        """
        machine, sent = self.machine, self._sent
        has_it = sent is not None and operation == sent.when["number"]
        if sent is not None and has_it and place == sent.when["place"] and not as_file:
            return sent.scene  # even if it is there instead of a moment that was undone
        if machine is None or operation < 0 or not (has_it or operation < len(machine.journal)):
            return self.scene() if as_file else self.on_page()
        serial = sent.serial if sent is not None and has_it else machine.journal.serial(operation)
        try:
            with self.as_drawn():
                at = self.at(When(serial, None if place == AFTER else place))
                return self.drawing(replace(at, width=super().room, height=super().high) if as_file else at)
        except Refused as refused:
            if not as_file:
                return sent.scene if sent is not None and has_it else self.on_page()
            if not isinstance(refused, NotThere):
                raise
            empty = absent_scene(refused.number, refused, self._scene or self._blank())
            return replace(empty, width=super().room)

    def _laid_out(self, width: float, height: float) -> Scene:
        """Return the latest drawn moment, in another size."""
        if self._missing is not None and self._scene is not None:
            return replace(self._scene, width=width)
        return self.drawing(replace(self.at(), width=width, height=height))

    def wide(self, share: float = 1.0) -> float:
        """Return the picture's width on its page or, until a page has reported it, a `share` of the usual width."""
        return self.room if self.measured else min(max(self.room * share, NARROWEST), WIDEST)

    @property
    def measured(self) -> bool:
        """Return whether the picture's width on its page is known."""
        return bool(self.width) or self._pages.measured

    def once_measured(self, callback: Callable[[], None]) -> None:
        """Call `callback` as soon as a page has reported the picture's room."""
        self._pages.once_measured(callback)

    def lay_out(self, scene: Scene, take: Callable[[Laid], None]) -> None:
        """Have `scene` drawn as pages show it, and give the drawing to `take`, soon or never.

        Pages show most pictures in their own drawing: these give none.
        """

    def laid(self, key: int, svg: str) -> None:
        """Take a page's drawing; one that was not ordered, or has come from another page, is of no matter."""

    @property
    def drawn_at(self) -> tuple[int, int | None]:
        """The number of the latest drawn operation, and how many of its events were done; None means all."""
        return self._drawn_at

    # ---- frames ----------------------------------------------------------------------------------

    @property
    def shown(self) -> bool:
        """Return whether the view is on some page, as far as this can be known."""
        return self.comm is not None and self._pages.any

    @property
    def in_sight(self) -> bool:
        """Return whether a reader may see the view on some page: only then is it drawn immediately."""
        return self.comm is not None and self._pages.in_sight

    def operation_done(self) -> bool:
        """Note the end or the undoing of an operation.

        Returns True if this view is visible, and shows something else now.
        """
        self._let_go()
        machine, when = self.machine, self.moment
        is_there = when is not None and machine is not None and machine.journal.number_of(when.operation) is not None
        if is_there and self._drawn:
            return False  # the earlier state stays shown
        super().operation_done()
        self._wanted = self._appearance = object()  # of two machines side by side, the other one may have done it
        return self.in_sight

    def refresh(self) -> None:
        """Make the newest picture and send it, if it differs; if it can't be drawn, a sentence says so."""
        if self.alive:
            with self.hold_sync():
                self._refresh()

    def _refresh(self) -> None:
        self._begun = this = object()
        wanted = self._wanted
        try:
            if self._goes_along():
                self._is_newest(this, wanted)
                return
            drawn = self._draw()
            when = self._controls(drawn)
        except Refused as refused:  # the moment was undone
            if self._is_newest(this, wanted):
                self._send_instead(refused)
        except Exception as error:  # noqa: BLE001  a learner's operation must not fail because a drawing does
            if self._is_newest(this, wanted):
                self.status, self._drawn = f"this picture could not be drawn: {type(error).__name__}: {error}", False
                self._have_sent(is_new=False)
        else:
            if self._is_newest(this, wanted):
                if not self._drawn or drawn.missing is not None:
                    self.status, self._drawn = str(drawn.missing or ""), drawn.missing is None
                self._send_scene(drawn.scene, when)

    def _is_newest(self, begun: object, wanted: object) -> bool:
        """Return whether this drawing is the newest, and if so, note the change that it shows.

        It is not the newest if another shell of the kernel has begun a frame meanwhile.
        """
        if begun is not self._begun:
            return False
        self._sent_for = wanted
        return True

    def _send_instead(self, refused: Refused) -> None:
        """Send a substitute picture from which the reader can go to the present."""
        as_it_was = "the picture is as it was: " if self._scene and isinstance(refused, Undone) else ""
        self.status, self._drawn = f"{as_it_was}{refused}", False
        scene = self._instead(refused)
        self._send_scene(scene, self._controls(None, scene.steps.operation))

    def _instead(self, refused: Refused) -> Scene:
        number = -1 if self.machine is None else len(self.machine.journal) - 1
        return scene_instead(refused, number, self._scene, self._blank())

    def _send_scene(self, scene: Scene, when: dict[str, Any]) -> None:
        """Show a scene on the page: by its place in the film, if the page has it there."""
        sent = self._sent
        if sent is not None and sent.serial == self._serial(self.moment) and self._has_filmed(scene, when["place"]):
            is_new = self._send_spot(sent, when)
        else:
            data = pack(scene, when)
            is_new = data != self.frame.get("data")
            if is_new:
                self.seq += 1
                self.frame = {"seq": self.seq, "data": data}
                self._sent, self._film = Sent(scene, when, self._serial(self.moment)), None
        self._have_sent(is_new)
        if self._newest_film is None:
            films.want(self)

    def _have_sent(self, is_new: bool) -> None:
        """Note that the newest picture is on its way; if there is none, say so to a page that waits."""
        if is_new:
            self._pages.sent()
        elif self.asked:
            self.send({"type": "unchanged"})
        self.asked = False

    def _send_spot(self, sent: Sent, when: dict[str, Any]) -> bool:
        """Name the film's step to the page.  Returns whether it is another one."""
        spot = {"seq": self.seq, "when": {name: one for name, one in when.items() if sent.when.get(name) != one}}
        is_new, self.spot = spot != self.spot, spot
        return is_new

    def _goes_along(self) -> bool:
        """Go to a step of the film that the page has, without drawing it; False if the page does not have the step."""
        film, sent, machine, last, moment = self._newest_film, self._sent, self.machine, self._last, self.moment
        if film is None or sent is None or machine is None or last is None or not self._drawn:
            return False
        if sent.serial != self._serial(moment) or machine.journal.number_of(sent.serial) != sent.when["number"]:
            return False  # another operation, or this one was undone
        done = None if moment is None else moment.done
        if (AFTER if done is None else done) not in film.digests:
            return False
        self._last = ahead = last._replace(when=moment, number=sent.when["number"], done=done, is_ahead=True)
        self._have_sent(self._send_spot(sent, self._controls(ahead)))
        return True

    def _has_filmed(self, scene: Scene, place: int) -> bool:
        return self._film is not None and self._film.film.digests.get(place) == digest(scene)

    # ---- the film --------------------------------------------------------------------------------

    @property
    def _newest_film(self) -> Film | None:
        """The page's film, if nothing but the moment has changed since it was made."""
        filmed = self._film
        return filmed.film if filmed is not None and filmed.appearance is self._appearance else None

    @property
    def wants_film(self) -> bool:
        """Return whether a page shows the picture at one of several steps, without the others."""
        sent = self._sent
        if sent is None or self._stale or not (self._drawn and self.in_sight and self._pages.known) or self.asks:
            return False
        is_past = self.machine is not None and sent.when["number"] >= 0
        return is_past and sent.scene.steps.count > 0 and self._newest_film is None

    def filming(self) -> Iterator[None]:
        """Draw the other steps of the shown operation, one at a time, and send the differences.

        It ends without a film if the picture shows something else meanwhile.
        """
        machine, sent = self.machine, self._sent
        if machine is None or sent is None or not self.wants_film:
            return
        seq, frame, appearance = self.seq, self.frame["data"], self._appearance
        drawn: dict[int, dict[str, Any]] = {}
        try:
            at = self.at(When(machine.journal.serial(sent.when["number"])))
            for place in places_around(sent.scene):
                with self.as_drawn():
                    drawn[place] = frame_of(self.drawing(replace(at, done=None if place == AFTER else place)))
                yield
                if self._sent is not sent or self._appearance is not appearance or not self.alive or self._stale:
                    return
        except Refused:  # the shown thing does not exist at all steps
            return
        film = spliced(sent.scene, drawn)
        data = b"" if film is None else pack_film(film, sent.when["number"], frame)
        if film is None or self.seq != seq:  # another thread has sent a frame
            return
        is_new = self._film is None or data != self.film.get("data")
        self._film = Filmed(film, appearance)
        if is_new:
            self.film = {"seq": seq, "data": data}

    def _controls(self, drawn: Drawn | None, instead: int = -1) -> dict[str, Any]:
        """Return the moment of what was drawn for the page's controls; without it, operation `instead`'s substitute.

        `_last` may be another thread's drawing of another moment by now.
        """
        is_own = drawn is not None
        number, done = (instead, None) if drawn is None else (drawn.number, drawn.done)
        return {
            **at_moment(self.machine, number, done, self._cell_over if is_own else -1, self.asks),
            "now": drawn is not None and drawn.when is NOW,
            "kept": not self.follow,
            **({"made": drawn.missing.made} if drawn is not None and drawn.missing is not None else {}),
            "scale": self.scale,
            "finds": is_own,
        }

    # ---- moments ---------------------------------------------------------------------------------

    @traitlets.observe("follow")
    def _followed_or_kept(self, _change: object) -> None:
        if self.follow:
            self._free = True
            self.moment = self._choice.when
        self.changed()

    def moment_after(self, number: int, done: int) -> When | None:
        """Return the moment after `done` events of operation `number`; never now if the view has its own moment."""
        when = super().moment_after(number, done)
        machine = self.machine
        return When(machine.journal.serial(number)) if when is NOW and machine is not None and not self.follow else when

    def cell_over(self) -> None:
        """Note that the view's cell has ended: its present state can be shown later."""
        machine = self.machine
        if machine is not None and len(machine.journal):
            self._cell_over = machine.journal.last.serial

    @property
    def can_stay(self) -> bool:
        """Return whether the view still follows its machine after its cell's end, without a request to do so."""
        machine = self.machine
        is_known = machine is not None and machine.journal.number_of(self._cell_over) is not None
        return is_known and self.follow and not self._free

    def stay(self) -> None:
        """Show the end of the view's cell from now on, whatever moment other pictures show.

        Raises :class:`Refused` if the cell has not ended.
        """
        machine, when = self.machine, When(self._cell_over)
        if machine is None or self._cell_over < 0:
            raise Refused("stay: the cell of this picture has not ended")
        is_latest = self.moment is None and when == When(machine.journal.last.serial)
        drawn = self._newest if is_latest else None
        with self.hold_sync():
            self._quiet = get_ident()  # there is no other moment to show
            try:
                self.follow = False
                self.moment = when
            finally:
                self._quiet = 0
            if drawn is not None:
                self._send_scene(drawn.scene, self._controls(drawn._replace(when=when)))
            else:
                self.changed()

    def changed(self, change: object = None) -> None:
        """Draw the changes, if the view was drawn before; the machine's other pictures share moment and selection."""
        name = getattr(change, "name", "")
        if name == "selection":
            self._choice.choose(self.selection)
        elif name == "moment" and self.follow:
            self._choice.go(self.moment)
        self._wanted = object()
        if name != "moment":
            self._appearance = object()
        if self._scene is not None and self.in_sight and self._quiet != get_ident():
            refresher.mark([self])

    # ---- coming and going ------------------------------------------------------------------------

    @property
    def model_id(self) -> str:
        """The ID of the view's model.

        Code that reads the ID is about to put the view on a page, so the model is opened.
        """
        self.open()
        return self.twin_id

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
        """Return what the page knows of the view; a request for everything means that the view is put on a page."""
        if key is None:
            self.open()
        with self.as_drawn():
            return super().get_state(key, drop_defaults)

    def open(self) -> None:
        """Open the view's model, with the hub, the selection and a first frame; does nothing if it is open."""
        if self.comm is not None or not self._openable:
            return
        self._openable = False  # asking for the state would open it again
        try:
            self.__dict__.pop("_repr_mimebundle_", None)  # closing leaves this attribute behind
            self.layout.open()
            self._join()
            self._reach_models()
            self._await_page()
            super().open()
            if isinstance(self.target, LiveProcess | LiveFork):
                follow(self)
        finally:
            self._openable = True

    def prepare(self, cell: Cell) -> None:
        """Prepare for the page on which `cell` is about to put the view."""
        self.origin, self.cleared = cell.label, False
        if self.comm is None:
            self.open()
        else:
            with self.hold_sync():
                self._reach_models()
                self._await_page()

    def _await_page(self) -> None:
        """Prepare the newest frame for the running cell's page; without a page, a hello requests it."""
        if current_cell().has_page:
            self._pages.awaited(open_hub().room)
        if current_cell().has_page or self._pages.any:
            self.refresh()

    def close(self) -> None:
        """Remove the view from every page and free its model."""
        if not self._made:  # the view was refused
            return
        self._pages.gone()
        if self.trait_has_value("layout"):  # reading it would create it
            self.layout.close()
        super().close()
        self._choice.leave(self)
        for machine in self.machines:
            pictures_of(machine).views.discard(self)
        forget(self)
        films.forget(self)

    def cell_begun(self) -> None:
        """Note that a cell begins: pages that have been silent for long are forgotten."""
        self._let_go()
        with self._fitting():
            self._pages.cell_begun()

    def cell_done(self) -> None:
        """Note that a cell has ended: a page with the view should report soon, even after a long silence."""
        with self._fitting():
            ask = self._pages.cell_done()
        if ask:
            self.send({"type": "who"})

    @contextmanager
    def _fitting(self) -> Iterator[None]:
        """Lay the picture out again if changes of pages in the ``with`` block change its room."""
        before = self.room, self.high
        yield
        if (self.room, self.high) != before:
            self.changed()

    def _join(self) -> None:
        """Follow the machine, and share its selection."""
        self._choice.join(self)
        for machine in self.machines:
            pictures_of(machine).views.add(self)

    def _reach_models(self) -> None:
        if self._pictures is not None:
            self._pictures.refresh()
        hub, shared = open_hub().model_id, self._choice.model.model_id
        others = self._pictures.views if self._pictures is not None else ()
        for view in (self, *(view for view in list(others) if isinstance(view, View) and view.comm is not None)):
            view.hub, view.selection_model = hub, shared  # if they were created again, they change for all views

    # ---- requests from the page ------------------------------------------------------------------

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Set a value from the page, such as a slider linked to `step`, if it is public and valid.

        An invalid value changes nothing; the page gets a sentence, and the present value.
        """
        for name, value in sync_data.items():
            try:
                self._check_from_page(name, value)
                super().set_state({name: value})
            except Refused as refusal:  # noqa: PERF203  the others are set
                self.send({"type": "refused", "reason": f"{refusal}"})
                if name in self.keys:
                    self.send_state(name)

    def _check_from_page(self, name: str, value: Any) -> None:
        """Raise :class:`Refused` for a trait that a page may not set, or for an invalid value."""
        check_public(self, name)
        if not self.alive:
            raise Refused("the machine of this picture is gone: boot one, and run the cells again")
        if isinstance(value, str) and not is_text(value):
            raise Refused(f"{name} is {shown(value)}; it must be {TEXT[1]}")
        refuse_unfit(self, {name: value})

    @contextmanager
    def hold_trait_notifications(self) -> Iterator[None]:
        """Announce each value when it is set.  What is held is set a second time at the end of the ``with`` block.

        Meanwhile another Python thread may have placed the step: this would be taken for a press.
        """
        with nullcontext() if self._made else super().hold_trait_notifications():
            yield

    @contextmanager
    def hold_sync(self) -> Iterator[None]:
        """Send everything set in the ``with`` block in one message; another thread's changes follow in the next."""
        if self._holding_sync:
            yield
            return
        self._holding_sync = True
        try:
            yield
        finally:
            self._holding_sync = False
            with self._adding:
                keys, self._states_to_send = tuple(self._states_to_send), set()
            self.send_state(keys)

    def _should_send_property(self, key: str, value: Any) -> bool:
        """Hold back traits of another picture: they are sent together with the picture that is about to be drawn."""
        with self._adding:
            send: bool = super()._should_send_property(key, value)
            if send and self.in_sight and self._scene is not None and self.trait_metadata(key, "public"):
                self._states_to_send.add(key)
                return False
            return send

    def _handle_custom_msg(self, content: Any, buffers: object) -> None:
        super()._handle_custom_msg(content, buffers)
        self.answer(content)

    def answer(self, content: Any) -> None:
        """Answer a page's message, or tell that page in a sentence why it is refused."""
        page = asker(content)

        def reply(said: dict[str, Any], buffers: list[bytes] | None = None) -> None:
            self.send({**said, "page": page} if page else said, buffers=buffers)

        try:
            message = check_message(content)
            kind = message["type"]
            if not self.alive and kind not in BY_ITSELF:
                raise Refused("the machine of this picture is gone: boot one, and show it again")
            given = {name: message[name] for name in SCHEMA[kind]}
            with refresher.answering(self) if kind in REDRAWN else nullcontext():
                _ANSWERS[kind](self, reply, **given)
        except Refused as refusal:
            reply({"type": "refused", "reason": f"{refusal}"})

    def present(self, notes: Mapping[str, str] | None = None) -> None:
        """Fill the reader's window (:meth:`vmwidgets.pictures.picture.Picture.present`); "f" fills the screen.

        A picture that is not on the page yet is displayed when the running cell ends.
        """
        if self.comm is None and not cell_runs():
            super().present(notes)
        wanted = {"type": "present", "notes": notes_at_marks(notes)}
        if not self.shown:
            display_later(self)
        for message in self._pages.tell(wanted):
            self.send(message)

    def hello(self, page: str, seq: int, visible: bool, room: Room | None, nth: int) -> None:
        """Note in a page's message `nth` what the view is like there, and that its newest frame there is `seq`.

        `seq` is -1 if the page has no frame that it can read.
        """
        self.cleared = False
        if seq < 0:  # the page has no drawing, or can't read the drawing's film
            self._film = None
        else:
            open_hub().drawn()
        newest = self.seq
        with self._fitting():
            heard = self._pages.hello(page, visible, room, nth)
        if heard is None:  # a later message says what the page is like, but not that it can't read the film
            if seq < 0:
                self.refresh()
            return
        if heard.others:  # this page before it was reloaded, or a second page
            self.send({"type": "who"})
        if room is not None:
            open_hub().room = room
            for fit in heard.waiting:
                fit()
            if not self._stale:  # it was drawn as wide as its page is
                self._let_go()
        if visible and (self._stale or seq != newest == self.seq):
            self.refresh()
        for message in self._pages.tell():
            self.send(message)
        films.want(self)

    def bye(self, page: str, cleared: bool) -> None:
        """Note that a page stopped showing the view; `cleared` if its notebook is still open."""
        with self._fitting():
            self._pages.lose(page)
        self.cleared = cleared and not self._pages.known


# ---- a function for each message of a page (:data:`.messages.SCHEMA`) ---------------------------


def _hello(view: View, _reply: Reply, page: str, seq: int, visible: bool, width: int, height: int, nth: int) -> None:
    view.hello(page, seq, visible, (width, height) if width else None, nth)


def _open(view: View, _reply: Reply, id: str) -> None:  # noqa: A002  the message's own words
    node = next((node for node in (view.on_page() or view.scene()).nodes if node.id == id), None)
    if node is None:
        raise Refused(f"open: there is no {shown(id)} in this picture")
    if node.action != "open":
        raise Refused(f"open: {shown(id)} can't be opened")
    view.opened(id)
    view.changed()  # at each step: its film is made again


def _seek(view: View, _reply: Reply, operation: int, place: int, latest: int, stays: bool) -> None:
    machine = view.machine
    if machine is None:
        raise Refused("this picture has no history: move in it with the arrow keys, and select with Enter")
    if stays:
        view.asked = True
        view.stay()
        return
    newest = len(machine.journal) - 1
    if operation > newest:
        raise Refused(f"seek: operation is {operation}; the latest is {newest}")
    view.asked = True
    if latest not in (-1, newest) and view.follow:  # the newer operations are shown
        return
    if operation < 0:
        view.follow = True
    view.moment = NOW if operation < 0 else view.moment_after(operation, place)


def _jump(view: View, _reply: Reply, to: str, way: int) -> None:
    view.asked = True
    view.jump(to, way)


def _turn(view: View, _reply: Reply, id: str, by: int) -> None:  # noqa: A002  the message's own words
    view.turned(id, by)
    view.changed()


def _find(view: View, reply: Reply, text: str, way: int) -> None:
    reply({"type": "found", **view.search(text, way).told()})
    view.changed()


def _export(view: View, reply: Reply, form: str, operation: int, place: int) -> None:
    is_file = form not in ("table", "dot")
    scene = view.scene_at(operation, place, as_file=is_file)
    if scene is None:  # nothing was drawn yet
        return
    if is_file:
        data = pack_text(view.fixed(scene, operation).to_svg(theme=form))
    elif form == "table":
        data = pack_table(table_twin(scene))
    else:
        from vmwidgets.views.scene.dot import to_dot  # Graphviz's package: most readers never ask for it

        data = pack_text(to_dot(scene, links_rows=True))
    reply({"type": "export", "form": form, "seq": view.seq, "operation": operation, "place": place}, buffers=[data])


def _operations(view: View, reply: Reply, have: int, serial: int, first: int) -> None:
    if view.machine is not None:
        columns = timeline(view.machine.journal, have, serial, view.asks)
        named = names(view.machine.journal, first, view.asks) if first >= 0 else []
        reply({"type": "operations"}, buffers=[pack_plain({**columns, "names": [first, named]})])


_ANSWERS: Mapping[str, Callable[..., None]] = {
    "hello": _hello,
    "bye": lambda view, _reply, page, cleared: view.bye(page, cleared),
    "open": _open,
    "seek": _seek,
    "jump": _jump,
    "turn": _turn,
    "find": _find,
    "export": _export,
    "operations": _operations,
    "laid": lambda view, _reply, key, svg: view.laid(key, svg),
}
