"""Threads as frozen values, for views and for what an error says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ThreadValue:
    """One thread: `state` "ready", "running", "asleep", "returned" or "failed".

    `waits_for` says for what it is asleep, `holder` is the thread that has the lock it waits for, and `until` the
    tick at which it goes on in any case.
    """

    name: str
    state: str
    waits_for: str = ""
    holder: str | None = None
    until: int | None = None
