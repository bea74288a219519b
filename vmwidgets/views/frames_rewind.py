"""Physical memory as it was in the middle of an operation: the counts, and whose the frames were that changed hands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..engine.base import events as ev
from ..engine.base.values.memory import FrameRun, FramesValue, FreeList, PageCounts, shown_owner, state_of

Hands = tuple[int, int, str | None, str | None]
"""Frames [first, first + count) went from one owner to another; None: on the free lists."""


def hands(event: ev.Event) -> Hands | None:
    """The frames that changed hands by `event`, if any did."""
    if isinstance(event, ev.PageAllocated):
        return event.frame, 1 << event.order, None, event.owner
    if isinstance(event, ev.PageFreed):
        return event.frame, 1 << event.order, event.owner, None
    if isinstance(event, ev.PageHandedOver):
        return event.frame, 1, event.before, event.owner
    return None


def rewind_frames(value: FramesValue, events: Sequence[ev.Event], done: int) -> FramesValue:
    """`value`, the frames after `events`, as they were after the first `done` of them."""
    if done >= len(events):
        return value
    owners: dict[int, str | None] = {}
    wired: dict[int, bool] = {}
    for event in reversed(events[done:]):
        moved = hands(event)
        if moved is not None:
            first, count, before, _ = moved
            owners.update(dict.fromkeys(range(first, first + count), before))
            wired.update(dict.fromkeys(range(first, first + count), False))
        elif isinstance(event, ev.PageUnwired):
            wired[event.frame] = True
        elif isinstance(event, (ev.PageGranted, ev.PageWired)):
            wired[event.frame] = False
    counts = _counts_before(value.counts, events, done)
    runs = tuple(_joined(_split(value.runs, owners, wired)))
    return replace(
        value,
        counts=counts,
        orders=_orders_before(value.orders, events[done:]),
        owners=_owners_before(value.owners, events[done:]),
        runs=runs,
    )


def _counts_before(counts: PageCounts, events: Sequence[ev.Event], done: int) -> PageCounts:
    free, zeroed, cached, used = counts.free, counts.zeroed, counts.cached, counts.used
    wired, inactive, deficit = counts.wired, counts.inactive, counts.deficit
    for event in events[done:]:
        moved = hands(event)
        if moved is not None:
            _, count, before, after = moved
            for state, sign in ((state_of(after), -count), (state_of(before), count)):
                free += sign * (state in ("free", "zeroed"))
                zeroed += sign * (state == "zeroed")
                cached += sign * (state == "cached")
                used += sign * (state == "used")
        wired -= _wirings(event)
        inactive -= isinstance(event, ev.FileRead) and event.how != "hit"
        inactive += isinstance(event, ev.PageCached)
        deficit -= isinstance(event, ev.PageDenied)
    return replace(
        counts, free=free, zeroed=zeroed, cached=cached, used=used, wired=wired, inactive=inactive, deficit=deficit
    )


def _wirings(event: ev.Event) -> int:
    """How many pages more are wired by `event`."""
    if isinstance(event, ev.PageGranted):
        return "WIRED" in event.request.split("|")
    return isinstance(event, ev.PageWired) - isinstance(event, ev.PageUnwired)


def _owners_before(owners: Sequence[tuple[str, int]], later: Sequence[ev.Event]) -> tuple[tuple[str, int], ...]:
    counted = dict(owners)
    for event in later:
        moved = hands(event)
        if moved is not None:
            _, count, before, after = moved
            for owner, sign in ((before, count), (after, -count)):
                if owner is not None and state_of(owner) == "used":
                    counted[owner] = counted.get(owner, 0) + sign
    return tuple(sorted(((name, count) for name, count in counted.items() if count > 0), key=lambda p: (-p[1], p[0])))


def _orders_before(orders: Sequence[FreeList], later: Sequence[ev.Event]) -> tuple[FreeList, ...]:
    """How many free blocks of each order there were; which ones is not told where it changed."""
    change = Counter[int]()
    for event in later:
        change.update(_blocks(event))
    return tuple(
        replace(free, count=free.count - change[free.order], first=()) if change[free.order] else free
        for free in orders
    )


def _blocks(event: ev.Event) -> dict[int, int]:
    """How many free blocks more there are of each order by `event`: a half that was split off counts as one."""
    if isinstance(event, ev.BlockSplit):
        return {event.order: -1, event.order - 1: 2}
    if isinstance(event, ev.BlockJoined):
        return {event.order: 1, event.order - 1: -2}
    if isinstance(event, (ev.PoolFilled, ev.PoolDrained)):
        return {0: -len(event.moved) if isinstance(event, ev.PoolFilled) else len(event.moved)}
    if isinstance(event, (ev.PageAllocated, ev.PageFreed)) and event.order:
        return {event.order: -1 if isinstance(event, ev.PageAllocated) else 1}
    return {}


def _split(runs: Sequence[FrameRun], owners: dict[int, str | None], wired: dict[int, bool]) -> Iterator[FrameRun]:
    """The runs with the frames that changed hands taken out and put back as they were."""
    changed = sorted(owners.keys() | wired.keys())
    for run in runs:
        at, end = run.first, run.first + run.frames
        for frame in changed:
            if not run.first <= frame < end:
                continue
            if frame > at:
                yield replace(run, first=at, frames=frame - at)
            yield _frame_before(run, frame, owners, wired)
            at = frame + 1
        if at < end:
            yield replace(run, first=at, frames=end - at)


def _frame_before(run: FrameRun, frame: int, owners: dict[int, str | None], wired: dict[int, bool]) -> FrameRun:
    if frame not in owners:
        return replace(run, first=frame, frames=1, wired=wired.get(frame, run.wired))
    state = state_of(owners[frame])
    return FrameRun(frame, 1, state, shown_owner(owners[frame]), wired.get(frame, False) and state == "used")


def _joined(runs: Iterator[FrameRun]) -> Iterator[FrameRun]:
    last: FrameRun | None = None
    for run in runs:
        alike = last is not None and (last.state, last.owner, last.wired) == (run.state, run.owner, run.wired)
        if last is not None and alike and last.first + last.frames == run.first:
            last = replace(last, frames=last.frames + run.frames)
            continue
        if last is not None:
            yield last
        last = run
    if last is not None:
        yield last
