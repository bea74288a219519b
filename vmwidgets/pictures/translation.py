"""One access from its address to a frame: the usual views at one moment, as one picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from vmwidgets import events as ev
from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT, Address
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.mmu.tables_schema import Walk
from vmwidgets.engine.mmu.tlb_schema import TlbEntryValue
from vmwidgets.engine.spaces.processors_schema import CpusValue
from vmwidgets.views.memory.frames import draw_frames, steps_of_frames, touched_frames
from vmwidgets.views.scene.kit import MARGIN, paragraph, scene, stack
from vmwidgets.views.scene.model import Caption, Scene, Table
from vmwidgets.views.scene.relations import things_of
from vmwidgets.views.scene.text import visible
from vmwidgets.views.story.lookups import Lookup, lookups_of
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, Stage, either, once, seen, where
from vmwidgets.views.story.words.pictures import say_translation
from vmwidgets.views.tables.address import draw_address
from vmwidgets.views.tables.relations import of_tlbs, of_walk
from vmwidgets.views.tables.tlb import TlbBench, draw_tlb, steps_of_processors
from vmwidgets.views.tables.walk import draw_reach
from vmwidgets.views.tables.walk_tables import Reach

from .at import At
from .moments import look_at
from .spaces import MachineSpace, name_of_space, names_of, there, whose_of
from .tables import walk_steps

PANES = ("address", "tlb", "walk", "rights", "frames")
"""The possible panes, in any order; "rights" are words below the tables of "walk"."""

PRESETS = {"translation": PANES}

SEARCHED = 64
"""The number of latest operations that are searched for an access."""

MOST_LOOKS = 30
"""The most stages of an operation that are drawn to find the stages that change the picture."""

STALE = "Not read: a stale hit"
"""The verdict of a walk that a stale translation replaced."""

PROCESSORS = 2
"""The number of processors whose lookups are drawn: the access's processor, and its neighbour."""


def panes_of(wanted: object, *, asks: bool = False) -> tuple[str, ...]:
    """Return the requested panes; none for None.

    Among which frames the page lies is another question: of a preset, only a picture that `asks` has the frames.

    Raises :class:`Refused` for an unknown pane, and for a pane given twice.

    >>> panes_of("translation"), panes_of(["walk"])
    (('address', 'tlb', 'walk', 'rights'), ('walk',))
    """
    if wanted is None:
        return ()
    if isinstance(wanted, str) and wanted in PRESETS:
        return tuple(one for one in PRESETS[wanted] if asks or one != "frames")
    known = ", ".join(map(repr, PANES))
    if isinstance(wanted, str) or not isinstance(wanted, Sequence) or not 0 < len(wanted) <= 2 * len(PANES):
        raise Refused(f"Dashboard: panes={shown(wanted)}; it must be 'translation' or a list of {known}")
    found = tuple(wanted)
    unknown = next((one for one in found if not isinstance(one, str) or one not in PANES), None)
    if unknown is not None:
        raise Refused(f"Dashboard: there is no pane {shown(unknown)}; there are {known}")
    if "rights" in found and "walk" not in found:
        raise Refused("Dashboard: the pane 'rights' is below the tables of a walk: add the pane 'walk'")
    if len(set(found)) < len(found):
        twice = next(one for one in found if found.count(one) > 1)
        raise Refused(f"Dashboard: the pane {twice!r} is there twice: once is enough")
    return found


# ---- the access ----------------------------------------------------------------------------------


@frozen(slots=False)
class Translation:
    """An address that is translated in the tables of `task` ("" for the kernel's), by operation `number`.

    `lookups` are the operation's lookups of the address; empty if no operation made any and `va` was requested.
    """

    va: int
    task: str
    user: bool
    number: int = -1
    lookups: tuple[Lookup, ...] = ()

    @property
    def whose(self) -> str:
        """The owner of the address, in words."""
        return name_of_space(self.task) or "the kernel"


def translation_in(machine: Machine, task: str | None, address: int | None) -> Translation | None:
    """Return a machine's latest translation, of `task` only ("" for the kernel) or of `address`; None if there is none.

    O(events of the searched operations).
    """
    journal = machine.journal
    spaces = {"", *machine.tasks, *(domain.path for domain in machine.domains.values())}
    loaded = {cpu.path: str(cpu.space) for cpu in machine.cpus}  # the owners before each operation, going back
    for number in range(len(journal) - 1, max(-1, len(journal) - 1 - SEARCHED), -1):
        if not journal.keeps(number):
            break
        events = journal[number].events
        loaded |= _loaded_before(events)
        lookups = lookups_of(events)
        for one in reversed(lookups):
            is_users = _is_users(machine, one.va)
            space = (one.space or loaded[one.cpu]) if is_users else ""
            is_wanted = task in (None, space) and (address is None or one.va // PAGE == address // PAGE)
            if is_wanted and space in spaces:
                page = (one.cpu, one.va // PAGE)
                same = tuple(other for other in lookups if (other.cpu, other.va // PAGE) == page)
                return Translation(one.va, space, is_users, number, same)
    if address is None:
        return None
    space = str(machine.cpus[0].space) if task is None else task
    is_users = _is_users(machine, address)
    return Translation(address, space if is_users and space in spaces else "", is_users)


def _is_users(machine: Machine, va: int) -> bool:
    return bool(machine.system.pmap.layout.is_user(va))


def _loaded_before(events: Sequence[ev.Event]) -> dict[str, str]:
    """Return the owners of the tables that processors had loaded before these events, as far as events show them."""
    return {event.cpu: event.before for event in reversed(events) if isinstance(event, ev.SpaceLoaded)}


# ---- progress ------------------------------------------------------------------------------------


@frozen(slots=False)
class Sight:
    """The shown part of a translation: the current lookup, how much of the walk is drawn, and the frame if known."""

    lookup: Lookup | None
    reach: Reach
    frame: int | None
    asked: bool = False
    """Whether a question is open, so that no number in the address reveals the next descriptor."""


def sight_of(machine: Machine, one: Translation, moment: Moment) -> Sight:
    """Return how far a translation has come at a moment; if no operation made it, how far a processor would come."""
    found = walked(machine, one, moment)
    is_walked = not one.lookups or any(lookup.is_walked for lookup in one.lookups)
    every = Reach(len(found.steps), is_walked=is_walked)
    frame = None if found.pa is None else found.pa >> PAGE_SHIFT
    is_in_it = moment.operation is not None and moment.operation.number == one.number
    if not one.lookups or not is_in_it:
        return Sight(None, every, frame)
    begun = [lookup for lookup in one.lookups if lookup.at < moment.place]
    unread = Reach(0, ("Not read", "the TLB is checked first"), is_walked=is_walked)
    if not begun:
        return Sight(one.lookups[0], unread, None)
    lookup = begun[-1]
    if lookup.outcome in ("used", "forbidden"):
        said = _answered(machine, lookup, moment)
        return Sight(lookup, replace(unread, verdict=said), _kept_frame(machine, lookup, moment))
    if lookup.end >= moment.place:
        return Sight(lookup, replace(every, verdict=("On its way", "the processor reads the tables")), None)
    then = walked(machine, one, moment.at(lookup.at))
    if lookup.faulted and (found.pa, found.fault) != (then.pa, then.fault):
        return Sight(lookup, replace(unread, verdict=("Not read again", "the access is tried again next")), None)
    return Sight(lookup, every, frame)


def _answered(machine: Machine, lookup: Lookup, moment: Moment) -> tuple[str, str]:
    """Return a walk's verdict after a TLB hit, and the reason."""
    if lookup.outcome == "forbidden":
        return "Page fault", "by the permissions in the TLB"
    assert lookup.place is not None, "a hit has a place"
    slot = look_at(machine.cpus, moment).now.cpus[lookup.number].tlb.rows[lookup.place[0]][lookup.place[1]]
    stale = slot.stale[0] if slot is not None and slot.stale else None
    if stale is None:
        return "Not read: a TLB hit", "the TLB had the translation"
    return STALE, f"{stale.what} in the TLB:\n{stale.kept}\nin the tables:\n{stale.now}"


def _kept_frame(machine: Machine, lookup: Lookup, moment: Moment) -> int | None:
    """Return the frame from the TLB."""
    entry = _kept(machine, lookup, moment)
    return None if entry is None else _frame_in(entry, lookup.va)


def _frame_in(entry: TlbEntryValue, va: int) -> int:
    """Return the frame to which an entry of a TLB translates an address."""
    return entry.pa + va - entry.va >> PAGE_SHIFT


def _kept(machine: Machine, lookup: Lookup, moment: Moment) -> TlbEntryValue | None:
    """Return what the TLB had when it answered; None for a miss."""
    if lookup.place is None:
        return None
    value: CpusValue = look_at(machine.cpus, moment.at(lookup.at)).now
    slot = value.cpus[lookup.number].tlb.rows[lookup.place[0]][lookup.place[1]]
    return None if slot is None else slot.entry


def frames_cached(machine: Machine, one: Translation, moment: Moment) -> list[int]:
    """Return the frames cached for a translation's address in any address space, even by stale TLB entries."""
    value: CpusValue = look_at(machine.cpus, moment).now
    entries = [slot.entry for cpu in value.cpus for slot in cpu.tlb.slots]
    return [_frame_in(entry, one.va) for entry in entries if entry.va <= one.va < entry.va + entry.page_size]


def walked(machine: Machine, one: Translation, moment: Moment) -> Walk:
    """Return a translation's walk, in the tables at a moment."""
    access = one.lookups[-1].access if one.lookups else "read"
    return MachineSpace(machine, one.task, moment).walk(one.va, access, one.user)


def sets_of(machine: Machine, one: Translation, moment: Moment) -> tuple[int, ...]:
    """Return the sets that may contain an address: a set for the smallest pages, and for each size in the TLB."""
    value: CpusValue = look_at(machine.cpus, moment).now
    sizes = {PAGE} | {slot.entry.page_size for cpu in value.cpus for slot in cpu.tlb.slots}
    return tuple(dict.fromkeys(one.va // size % value.cpus[0].tlb.sets for size in sorted(sizes)))


# ---- the picture ---------------------------------------------------------------------------------


def translation_scene(at: At, panes: Sequence[str], one: Translation, moment: Moment, sight: Sight) -> Scene:
    """Return the panes of a translation at a moment, without its steps."""
    sight = replace(sight, reach=replace(sight.reach, rights="rights" in panes))
    drawn = {name: _PANES[name](at, one, moment, sight) for name in panes if name in _PANES}
    by = f" · {sight.lookup.cpu}" if sight.lookup is not None else ""
    access = one.lookups[-1].access if one.lookups else "read"
    who = "user" if one.user else "supervisor"
    return replace(
        stack(list(drawn.values()), title=f"translation of {Address(one.va)} in {one.whose}", headed=False),
        subtitle=f"{at.whole.architecture} · {who} {access}{by}",
        caption=_caption(at, one, moment, sight, drawn),
        view="translation",
    )


def _caption(at: At, one: Translation, moment: Moment, sight: Sight, drawn: Mapping[str, Scene]) -> Caption:
    """Return where the address led and what that took, or leads now if the latest operation did not translate it."""
    caption = drawn["tlb"].caption if "tlb" in drawn else moment.caption
    if not moment.is_after or sight.asked or caption.tone == "error":
        return caption
    if moment.operation is None or moment.operation.number != one.number or not one.lookups:
        return drawn["walk"].caption if "walk" in drawn else caption
    faults, last = sum(lookup.faulted for lookup in one.lookups), one.lookups[-1]
    entry = last.filled or _kept(at.whole, last, moment)
    if last.faulted:
        text = say_translation("failed", access=last.access, address=Address(one.va))
    elif entry is None:
        return caption
    else:
        is_stale = sight.reach.verdict is not None and sight.reach.verdict[0] == STALE
        how = "stale" if is_stale else {"clean": "marked", "used": "hit"}.get(last.outcome, "walked")
        how = "faulted" if faults and how == "walked" else how
        caption = replace(caption, tone="error") if is_stale else caption
        frame = f"{_frame_in(entry, one.va):#x}"
        text = say_translation(how, faults, address=Address(one.va), frame=frame)
    again = say_translation("again", faults) if faults and not last.faulted else ""
    reason = " ".join(filter(None, (again, moment.caption.text)))
    return replace(caption, text=text, reason=reason)


def _address(at: At, one: Translation, moment: Moment, sight: Sight) -> Scene:
    space = MachineSpace(at.whole, one.task, moment)
    found = walked(at.whole, one, moment)
    if sight.reach.verdict is not None:  # a large page is not known before its descriptor is read
        found = replace(found, steps=found.steps[: sight.reach.read], page_size=0)
    split = space.tables.fmt.address_split(space.tables.controls)
    unread = [str(part.level) for part in split.parts if part.level not in {step.level for step in found.steps}]
    hidden = unread if sight.asked else ()
    names = names_of(space, found)
    return draw_address(found, split, hidden=hidden, names=names, machine=at.whole.name, width=at.width)


def _tlb(at: At, one: Translation, moment: Moment, sight: Sight) -> Scene:
    machine = at.whole
    opened = _opened(machine, one)
    bench = TlbBench(opened, only=sets_of(machine, one, moment))
    look = look_at(machine.cpus, moment)
    drawn = draw_tlb(look, bench, machine=machine.name, width=at.width)
    known = {} if sight.asked else of_tlbs(look.now, lambda va: whose_of(machine, va), things_of(drawn.nodes))
    return replace(drawn, about=known)


def _opened(machine: Machine, one: Translation) -> list[int]:
    """Return the processors whose TLBs are shown: the one that made the access, and others."""
    number = one.lookups[-1].number if one.lookups else 0
    others = [cpu.number for cpu in machine.cpus if cpu.number != number]
    return sorted([number, *others[: PROCESSORS - 1]])


def _walk(at: At, one: Translation, moment: Moment, sight: Sight) -> Scene:
    space = MachineSpace(at.whole, one.task, moment)
    found = walked(at.whole, one, moment)
    drawn = draw_reach(
        found,
        space.tables.fmt.address_split(space.tables.controls),
        sight.reach,
        names=names_of(space, found),
        there=there(space, one.va),
        made=sight.lookup is not None,
        machine=at.whole.name,
        width=at.width,
    )
    return replace(drawn, about={} if sight.asked else of_walk(found, space.whose))  # or hovering tells


def _frames(at: At, one: Translation, moment: Moment, sight: Sight) -> Scene:
    target = at.whole.frames
    found = walked(at.whole, one, moment)
    leading = [step.table >> PAGE_SHIFT for step in reversed(found.steps)]
    mapped = [step.address >> PAGE_SHIFT for step in found.steps[-1:] if step.kind == "leaf"]
    cached, named = frames_cached(at.whole, one, moment), _frames_named(at.whole, one, moment)
    among = dict.fromkeys([*named, *cached, *mapped, *leading])
    wanted = [*([] if sight.frame is None else [sight.frame]), *among]
    there = [frame for frame in wanted if frame < int(at.whole.ram_bytes) >> PAGE_SHIFT]
    look = look_at(target, moment, [*there, *touched_frames(moment.events)])
    selected = target.frame(there[0]) if sight.frame is not None and there[:1] == [sight.frame] else None
    return draw_frames(
        look, selected=selected, among=[cached, among], named=named, machine=at.whole.name, width=at.width, rows=1
    )


def _frames_named(machine: Machine, one: Translation, moment: Moment) -> list[int]:
    """Return the frames that the TLB's pane names: they are never folded away."""
    value: CpusValue = look_at(machine.cpus, moment).now
    cpus = [value.cpus[number] for number in _opened(machine, one)]
    rows = [cpu.tlb.rows[number] for cpu in cpus for number in sets_of(machine, one, moment)]
    return [slot.entry.pa >> PAGE_SHIFT for row in rows for slot in row if slot is not None]


_PANES: dict[str, Any] = {"address": _address, "tlb": _tlb, "walk": _walk, "frames": _frames}


def steps_of_translation(at: At, panes: tuple[str, ...], one: Translation) -> Mine:
    """Return the picture's steps: the steps of panes and lookups that change the picture."""
    machine, whole = at.whole, at.moment
    access = one.lookups[-1].access if one.lookups else "read"
    own = {lookup.at for lookup in one.lookups} | {lookup.end for lookup in one.lookups}
    number = whole.operation.number if whole.operation is not None else -1
    is_in_it = number == one.number
    mine = [where(lambda stage: is_in_it and stage.step.index in own)]
    if "tlb" in panes:
        mine.append(steps_of_processors(look_at(machine.cpus, whole)))
    if {"address", "walk"} & {*panes}:
        mine.append(walk_steps(machine, whole, one.task, one.va, access, one.user))
    if "frames" in panes:
        mine.append(steps_of_frames(look_at(machine.frames, whole)))

    @cache
    def look(done: int) -> object:
        moment = whole.at(done)
        made = translation_scene(at, panes, one, moment, sight_of(machine, one, moment))
        return made.title, made.subtitle, made.nodes, made.links

    def drawn(stages: Sequence[Stage]) -> Iterable[Stage]:
        found = [*either(*mine)(stages)]
        return seen(look)(found) if len(found) <= MOST_LOOKS else found

    return once(("translation", panes, one, at.width), drawn)


def nothing_translated(at: At, whose: str) -> Scene:
    """Return the picture if no access was made."""
    by = f"{whose}.read(address)" if whose.isidentifier() else "task.read(address)"
    of = f" of {visible(whose)}" if whose else ""
    words = (
        f"No address{of} has been translated in the latest {SEARCHED} operations. {by} makes an access, and so do "
        "write(address, data) and, of a processor, load(address)."
    )
    nodes = [paragraph("translation/none", words, MARGIN, 8, at.width - 2 * MARGIN)]
    return scene(
        "translation",
        f"translations{of}",
        at.whole.architecture,
        nodes,
        caption=at.moment.caption,
        table=Table(("pane", "what"), ()),
        steps=at.moment.steps(lambda _: ()),
        machine=at.whole.name,
        width=at.width,
    )
