"""Notebook 11, the trace."""

from __future__ import annotations

from vmwidgets.labs.exercises.tracing import TraceSheet, solved

from . import Solved, Table


def written(asked: TraceSheet, **more: int) -> str:
    right = solved(asked)
    answers = {"pages": right.pages, "lru": right.lru, "enough": right.enough}
    changed = {name: number + more.get(name, 0) for name, number in answers.items()}
    return "\n".join(f"thing[{name!r}] = {number}" for name, number in changed.items())


def all_at_once(asked: TraceSheet) -> str:
    right = solved(asked)
    return f"thing = dict(enough={right.enough}, lru={right.lru}, pages={right.pages}, of='my trace')"


def without_numpy(asked: TraceSheet) -> str:
    return f"""
import vmwidgets as vm
string = [address // vm.PAGE for address in {asked.addresses}]
found = vm.reference_string(string, frames=range(1, 60), policies="lru")
pages = len(set(string))
enough = next(frames for frames in range(1, 60) if found.faults("lru", frames) == pages)
thing = dict(pages=pages, lru=found.faults("lru", {asked.frames}), enough=enough)"""


def one_page_less(asked: TraceSheet) -> str:
    return written(asked, pages=-1)


def as_fifo(asked: TraceSheet) -> str:
    right = solved(asked)
    return written(asked, lru=right.fifo - right.lru or 1)


def a_frame_for_each_page(asked: TraceSheet) -> str:
    right = solved(asked)
    return written(asked, enough=right.pages - right.enough or 1)


SOLVED: Table = {
    "11/trace": Solved(
        right=[written, all_at_once, without_numpy], spoilt=[one_page_less, as_fifo, a_frame_for_each_page]
    ),
}
