"""Recordings of Linux's answers to the labs' own experiments, for computers without Linux."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256
from importlib.resources import files
from typing import Any, Protocol

from ...engine.base.errors import Refused
from .asked import Asked, Life
from .living import Living, Seen

FOLDER = "data"


class Answering(Protocol):
    """Linux, or a recording of it."""

    def see(self, asked: Asked) -> Seen:
        """Return the answer to a call."""

    def mend(self, asked: Asked) -> None:
        """Give a task's mappings the rights that they have on the machine."""


class Recorder:
    """A recorder, which asks Linux and keeps the answers."""

    def __init__(self, living: Living) -> None:
        self._living = living
        self.seen: list[Seen] = []

    def see(self, asked: Asked) -> Seen:
        """Ask Linux, and keep the answer."""
        self.seen.append(self._living.see(asked))
        return self.seen[-1]

    def mend(self, asked: Asked) -> None:
        """Pass the request on to Linux."""
        self._living.mend(asked)


class Recording:
    """The recorded answers to the calls of one life, in order."""

    def __init__(self, source: str, seen: Iterable[Seen]) -> None:
        self.source = source
        self._seen = iter(list(seen))

    def see(self, _asked: Asked) -> Seen:
        """Return the next answer."""
        return next(self._seen)

    def mend(self, asked: Asked) -> None:
        """Do nothing: the recorded answers include the effect of these rights."""


def digest(life: Life) -> str:
    """Return a digest that is equal if two lives make the same requests."""
    asked = [life.architecture, *(one.request for one in life.calls)]
    return sha256(repr(asked).encode()).hexdigest()


def as_json(lab: str, life: Life, source: str, seen: Iterable[Seen]) -> str:
    """Return a recording as the text of a file."""
    record = {"lab": lab, "asked": digest(life), "source": source, "seen": [_plain(one) for one in seen]}
    return json.dumps(record, separators=(",", ":")) + "\n"


def recording_of(life: Life, why: str) -> Recording:
    """Return the recording of this life; raises :class:`Refused` if there is none.

    `why` says why there is no Linux.
    """
    wanted, labs = digest(life), []
    for path in sorted(files(__package__).joinpath(FOLDER).iterdir(), key=lambda one: one.name):
        if not path.name.endswith(".json"):
            continue
        record = json.loads(path.read_text("utf-8"))
        if record["asked"] == wanted:
            source = f"a recording of {record['source']} (lab {record['lab']}). {why}"
            return Recording(source, [_seen(one) for one in record["seen"]])
        labs.append(record["lab"])
    raise Refused(
        f"{why} Only recordings of Linux can be compared here, of what labs {', '.join(labs)} do under "
        "'And your Linux?', and this machine did something else: compare the machine of such a cell, or run the "
        "notebook on Linux"
    )


def _plain(seen: Seen) -> dict[str, Any]:
    """Return an answer as JSON values; empty values are left out."""
    record = {name: value for name, value in asdict(seen).items() if value not in ("", None, ())}
    if seen.data is not None:
        zeroes = len(seen.data) - len(seen.data.rstrip(b"\0"))
        record["data"] = [b64encode(seen.data.rstrip(b"\0")).decode(), zeroes]
    return record


def _seen(record: dict[str, Any]) -> Seen:
    data = record.get("data")
    return Seen(
        record.get("error", ""),
        record.get("rights", ""),
        None if data is None else b64decode(data[0]) + bytes(data[1]),
        tuple((start, end, rights) for start, end, rights in record.get("spans", ())),
        None if "pages" not in record else tuple(record["pages"]),
        tuple((page, faults) for page, faults in record.get("faults", ())),
    )
