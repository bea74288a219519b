"""Recordings of Linux: what it answered to the calls of the labs' own experiments, for where there is no Linux."""

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
        """Return what a call comes to."""

    def mend(self, asked: Asked) -> None:
        """Give the mappings of a task the rights that they have here."""


class Recorder:
    """Has a life lived by Linux, and keeps what it answered."""

    def __init__(self, living: Living) -> None:
        self._living = living
        self.seen: list[Seen] = []

    def see(self, asked: Asked) -> Seen:
        """Ask Linux, and keep the answer."""
        self.seen.append(self._living.see(asked))
        return self.seen[-1]

    def mend(self, asked: Asked) -> None:
        """As Linux's own."""
        self._living.mend(asked)


class Recording:
    """What Linux answered to the calls of one life, in their order."""

    def __init__(self, source: str, seen: Iterable[Seen]) -> None:
        self.source = source
        self._seen = iter(list(seen))

    def see(self, _asked: Asked) -> Seen:
        """Return the next answer."""
        return next(self._seen)

    def mend(self, asked: Asked) -> None:
        """Nothing: the answers that follow are those after it."""


def digest(life: Life) -> str:
    """Return what says whether two lives ask the same."""
    asked = [life.architecture, *(one.request for one in life.calls)]
    return sha256(repr(asked).encode()).hexdigest()


def as_json(lab: str, life: Life, source: str, seen: Iterable[Seen]) -> str:
    """Return a recording as the text of a file."""
    record = {"lab": lab, "asked": digest(life), "source": source, "seen": [_plain(one) for one in seen]}
    return json.dumps(record, separators=(",", ":")) + "\n"


def recording_of(life: Life, why: str) -> Recording:
    """Return the recording of this life; :class:`Refused` where there is none. `why` says why there is no Linux."""
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
    """Return what was seen as JSON's values, without what is empty."""
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
