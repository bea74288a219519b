"""A part of the record as a file, and two lists of moments compared in words."""

from __future__ import annotations

import json
import lzma
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple


class Moment(NamedTuple):
    """What was so after some operation or step: sorted lines, each of what it is, a tab, and what it says."""

    label: str
    lines: list[str]


class Case(NamedTuple):
    """One journal, picture or file, moment by moment."""

    name: str
    moments: list[Moment]


FOLDER = Path(__file__).resolve().parents[1] / "data" / "golden"

FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": 1 << 26}]

SHOWN = 300
"""Characters of a text in a difference."""


# ---- files -----------------------------------------------------------------------------------------


def packed(job: str, case: Case) -> str:
    """A case as a line of JSON: each moment after the first as what went and what came."""
    data: list[Any] = []
    before: list[str] = []
    for label, lines in case.moments:
        more, less = Counter(lines), Counter(before)
        gone = []
        for place, line in enumerate(before):
            if (less[line] - more[line]) > 0:
                less[line] -= 1
                gone.append(place)
        come = sorted((more - Counter(before)).elements())
        data.append([label, gone, come])
        before = lines
    return json.dumps([job, case.name, data], ensure_ascii=False, separators=(",", ":"))


def unpacked(line: str) -> Case:
    """The case of a line."""
    _, name, data = json.loads(line)
    moments: list[Moment] = []
    lines: list[str] = []
    for label, gone, come in data:
        left = set(gone)
        lines = sorted([line for place, line in enumerate(lines) if place not in left] + come)
        moments.append(Moment(label, lines))
    return Case(name, moments)


def place_of(part: str) -> Path:
    """The file of a part."""
    return FOLDER / f"{part}.xz"


def write(part: str, texts: Iterable[str]) -> int:
    """Write a part; how many bytes it has."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    content = lzma.compress("".join(f"{text}\n" for text in texts).encode("utf-8", "surrogatepass"), filters=FILTERS)
    place_of(part).write_bytes(content)
    return len(content)


@lru_cache(maxsize=1)
def read(part: str) -> dict[str, list[str]]:
    """The lines of a part by the job that makes them."""
    found: dict[str, list[str]] = {}
    for line in lzma.decompress(place_of(part).read_bytes()).decode("utf-8", "surrogatepass").split("\n")[:-1]:
        job = json.loads(line[: line.index('",') + 1] + "]")[0]
        found.setdefault(job, []).append(line)
    return found


# ---- differences -----------------------------------------------------------------------------------


def differences(then: Iterable[Case], now: Iterable[Case]) -> Iterator[str]:
    """What differs between cases, each in some lines of text: of each case the first moment that does."""
    before = {case.name: case for case in then}
    for case in now:
        known = before.pop(case.name, None)
        if known is None:
            first = [line.replace("\t", ": ") for moment in case.moments[:1] for line in moment.lines[:3]]
            yield "\n".join([f"{case.name}: is new", *(f"    {_cut(line)}" for line in first)])
        else:
            yield from _differing(known, case)
    for name in before:
        yield f"{name}: is gone"


def _differing(then: Case, now: Case) -> Iterator[str]:
    count = 0
    first: tuple[str, list[str]] | None = None
    for old, new in zip_longest(then.moments, now.moments):
        if old == new:
            continue
        count += 1
        if first is None:
            if old is None or new is None:
                first = (old or new).label, [f"there is {'one moment more' if old is None else 'no such moment now'}"]
            else:
                renamed = [f"it was called {old.label}"] * (old.label != new.label)
                first = new.label, renamed + list(compared(old.lines, new.lines))
    if first is not None:
        label, told = first
        others = f" (and {count - 1} later)" if count > 1 else ""
        yield "\n".join([f"{now.name}, {label}{others}:", *(f"    {one}".replace("\n", "\n    ") for one in told)])


def compared(then: list[str], now: list[str], most: int = 6) -> Iterator[str]:
    """What lines were and are, by what they are of."""
    gone, come = (list((a - b).elements()) for a, b in _both_ways(Counter(then), Counter(now)))
    new: dict[str, list[str]] = {}
    for line in come:
        of, _, text = line.partition("\t")
        new.setdefault(of, []).append(text)
    told = []
    for line in gone:
        of, _, text = line.partition("\t")
        if new.get(of):
            told.append(f"{of}\n    was {_cut(text)}\n    is  {_cut(new[of].pop(0))}")
        else:
            told.append(f"{of}: was {_cut(text)}, and is gone")
    told += [f"{of}: is new, {_cut(text)}" for of, texts in new.items() for text in texts]
    yield from sorted(told, key=lambda one: " was #" in one)[:most]  # words first
    if len(told) > most:
        yield f"… and {len(told) - most} lines more"


def _both_ways(one: Counter[str], other: Counter[str]) -> list[tuple[Counter[str], Counter[str]]]:
    return [(one, other), (other, one)]


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
