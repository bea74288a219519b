"""The average time of an access, by the conventions of books and exams, with the formula and its numbers.

    t = tlb + (1 - hits) x levels x memory + [cache + (1 - cache_hits) x memory]

Without a cache, the bracket is one memory reference.  Silberschatz, Galvin and Gagne, "Operating System Concepts", have
the same formula without a cache (paging hardware with a TLB), and the formula for faults (demand paging).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from ..engine.base.calls import says_what_it_takes
from ..engine.base.errors import Refused, shown
from .widths import whole
from .worked import Worked, exact

_UNITS = {"ns": 1, "us": 1000, "µs": 1000, "ms": 1_000_000, "s": 1_000_000_000}

_SHARES = ("hits", "cache_hits", "faults", "dirty_share")
_TIMES = ("tlb", "cache", "memory", "service", "clean", "dirty")

OVERLAPS = ("", "walk", "cache")

WORDS = {"walk": ("memory", "cache"), "overlap": OVERLAPS, "cache_miss": ("adds", "replaces")}
"""The conventions that have names, with the names; the first of each is the default."""

OF_TABLES = ("tlb", "hits", "levels", "walk", "overlap")
"""The numbers and conventions of :func:`access_time` that are about tables and a TLB."""

Parts = tuple[Fraction, str, str]
"""A sum so far: its value, the formula in words, and the formula with numbers."""


@says_what_it_takes
def access_time(  # noqa: PLR0913  # one argument for each thing that a question may give
    *, levels: int | None = None, memory: Any = None, tlb: Any = 0, hits: Any = None, cache: Any = None,
    cache_hits: Any = None, walk: str = "memory", overlap: str = "", cache_miss: str = "adds", faults: Any = None,
    service: Any = None, clean: Any = None, dirty: Any = None, dirty_share: Any = None, adds: bool = False,
) -> Worked:  # fmt: skip  # one argument for each thing that a question may give
    """Return the average time of an access in nanoseconds, with its formula.

    Times are nanoseconds or texts ("8 ms"); shares are from 0 to 1 or texts ("96 %").  A TLB miss reads `levels`
    entries, from memory, or with `walk="cache"` through the cache.

    Without a TLB, each access reads the entries first; but in a question on faults, unless it gives `levels`, `memory`
    is the whole access.

    The conventions: `overlap="walk"` begins the walk with the TLB's lookup, so that a miss does not wait for the TLB;
    `overlap="cache"` looks the cache up at the same time as the TLB.
    `cache_miss="replaces"` counts only the memory's time for a cache miss.  A fault's service takes the place of the
    access, or `adds` to it.

    >>> access_time(memory=10, hits=0.8).value, float(access_time(memory=10, hits=0.99))
    (12, 10.1)
    """
    for name, word in (("walk", walk), ("overlap", overlap), ("cache_miss", cache_miss)):
        if word not in WORDS[name]:
            raise Refused(f"{name}={shown(word)}: write {' or '.join(map(repr, WORDS[name]))}")
    if memory is None:
        raise Refused("access_time: say memory=, the nanoseconds of one memory reference")
    n = {"memory": time_of("memory", memory), "tlb": time_of("tlb", tlb)}
    n["hits"] = Fraction(0) if hits is None else share_of("hits", hits)
    if (cache is None) != (cache_hits is None):
        raise Refused("cache and cache_hits go together: say both")
    if walk == "cache" and cache is None:
        raise Refused("walk='cache' needs a cache: say cache= and cache_hits=")
    data: Parts = n["memory"], "memory", _number(n["memory"])
    if cache is not None:
        n |= {"cache": time_of("cache", cache), "cache_hits": share_of("cache_hits", cache_hits)}
        data = _through_cache(n, cache_miss)
    is_tlb = hits is not None or n["tlb"] > 0
    depth = 1 if levels is None else whole(levels, "levels", 0, 64)
    is_whole = not is_tlb and (depth == 0 or (levels is None and faults is not None))
    total = data if is_whole else _translated(n, data, depth, walk, overlap, is_tlb=is_tlb)
    if faults is not None:
        service_ = _service(service, clean, dirty, dirty_share)
        total = _with_faults(total, share_of("faults", faults), service_, adds=adds)
    elif any(one is not None for one in (service, clean, dirty)):
        raise Refused("a fault's service needs the share of faults: say faults=, from 0 to 1")
    value, words, numbers = total
    return Worked("access time", exact(value), in_time(value), (words, numbers))


def _through_cache(n: Mapping[str, Fraction], cache_miss: str) -> Parts:
    """Return the time of a reference that goes through the cache."""
    hits, cache, memory = (_number(n[name]) for name in ("cache_hits", "cache", "memory"))
    late = (1 - n["cache_hits"]) * n["memory"]
    if cache_miss == "replaces":
        words = "[cache_hits x cache + (1 - cache_hits) x memory]"
        return n["cache_hits"] * n["cache"] + late, words, f"[{hits} x {cache} + (1 - {hits}) x {memory}]"
    return n["cache"] + late, "[cache + (1 - cache_hits) x memory]", f"[{cache} + (1 - {hits}) x {memory}]"


def _translated(n: Mapping[str, Fraction], data: Parts, levels: int, walk: str, overlap: str, *, is_tlb: bool) -> Parts:
    """Return the time of a translation and a reference."""
    each: Parts = data if walk == "cache" else (n["memory"], "memory", _number(n["memory"]))
    value, words, numbers = levels * each[0], f"levels x {each[1]}", f"{levels} x {each[2]}"
    if not is_tlb:
        return value + data[0], f"{words} + {data[1]}", f"{numbers} + {data[2]}"
    hits, tlb = n["hits"], n["tlb"]
    miss = (1 - hits) * value, f"(1 - hits) x {words}", f"(1 - {_number(hits)}) x {numbers}"
    first: Parts = tlb, "tlb", _number(tlb)
    if overlap == "walk":
        first = hits * tlb, "hits x tlb", f"{_number(hits)} x {_number(tlb)}"
    if overlap == "cache":
        if "cache" not in n:
            raise Refused("overlap='cache' needs a cache: say cache= and cache_hits=")
        shorter = min(tlb, n["cache"])
        first = tlb - shorter, "(tlb - the shorter of tlb and cache)", f"({_number(tlb)} - {_number(shorter)})"
    parts = [miss, data] if first[0] == tlb == 0 else [first, miss, data]
    return sum((part[0] for part in parts), Fraction(0)), *_joined(parts)


def _joined(parts: Sequence[Parts]) -> tuple[str, str]:
    return " + ".join(part[1] for part in parts), " + ".join(part[2] for part in parts)


def _service(service: Any, clean: Any, dirty: Any, dirty_share: Any) -> Parts:
    if service is not None:
        time = time_of("service", service)
        return time, "service", _number(time)
    if clean is None or dirty is None or dirty_share is None:
        raise Refused("faults needs a time: say service=, or clean=, dirty= and dirty_share=")
    first, second, share = time_of("clean", clean), time_of("dirty", dirty), share_of("dirty_share", dirty_share)
    return (
        first * (1 - share) + second * share,
        "[(1 - dirty_share) x clean + dirty_share x dirty]",
        f"[(1 - {_number(share)}) x {_number(first)} + {_number(share)} x {_number(second)}]",
    )


def _with_faults(total: Parts, faults: Fraction, service: Parts, *, adds: bool) -> Parts:
    value, words, numbers = total
    share = _number(faults)
    if adds:
        return value + faults * service[0], f"{words} + faults x {service[1]}", f"{numbers} + {share} x {service[2]}"
    said = (
        f"(1 - faults) x {_whole(words)} + faults x {service[1]}",
        f"(1 - {share}) x {_whole(numbers)} + {share} x {service[2]}",
    )
    return (1 - faults) * value + faults * service[0], *said


def solved(what: str, levels: int | None, given: Mapping[str, Any]) -> Worked:
    """Return the number `what` of :func:`access_time` that makes the average `time`.

    >>> solved("hits", None, {"time": 12, "memory": 10})
    hits: 0.8
      = (time - t(0)) / (t(1) - t(0)), as the time is linear in hits
      = (12 - 20) / (10 - 20)
    """
    if what not in (*_SHARES, *_TIMES):
        raise Refused(f"solve({shown(what)}): with times, write one of {', '.join((*_SHARES, *_TIMES))}")
    numbers = dict(given)
    if numbers.pop("time", None) is None or what in numbers:
        raise Refused(f"solve({what!r}): say time=, the average, and all other numbers but {what}")
    goal = time_of("time", given["time"])
    count = numbers.pop("levels", levels)
    if numbers.get("overlap") == "cache" and what in ("tlb", "cache"):
        raise Refused(f"solve({what!r}): with overlap='cache' the time is not linear in {what}")
    ends = [Fraction(access_time(**{**numbers, "levels": count, what: one}).value) for one in (0, 1)]
    if ends[0] == ends[1]:
        raise Refused(f"solve({what!r}): the time does not depend on {what}")
    value = (goal - ends[0]) / (ends[1] - ends[0])
    low, high = (0, 1) if what in _SHARES else (0, 10**18)
    if not low <= value <= high:
        raise Refused(
            f"solve({what!r}): {what} would be {float(value):.4g}, and it is from {low} to {high:g}; look at the "
            f"other numbers, or at time={in_time(goal)}"
        )
    words = f"{float(value):.6g}" if what in _SHARES else in_time(value)
    line = f"({_number(goal)} - {_number(ends[0])}) / ({_number(ends[1])} - {_number(ends[0])})"
    return Worked(what, exact(value), words, (f"(time - t(0)) / (t(1) - t(0)), as the time is linear in {what}", line))


def time_of(name: str, value: Any) -> Fraction:
    """Return nanoseconds, from a number or a text with a unit: "8 ms"."""
    if isinstance(value, str) and (match := re.fullmatch(r"\s*([0-9.,]+)\s*(ns|us|µs|ms|s)\s*", value)):
        return Fraction(match[1].replace(",", "")) * _UNITS[match[2]]
    if isinstance(value, bool) or not isinstance(value, (int, float, Fraction)) or not 0 <= value <= 10**18:
        raise Refused(f"{name}={shown(value)}: write nanoseconds, or a text such as '8 ms'")
    return value if isinstance(value, Fraction) else Fraction(str(value))


def share_of(name: str, value: Any) -> Fraction:
    """Return a share from 0 to 1, from a number or a text: "96 %", "1/1000"."""
    if isinstance(value, str) and (match := re.fullmatch(r"\s*([0-9.]+)\s*%\s*", value)):
        return share_of(name, Fraction(match[1]) / 100)
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d+)\s*/\s*(\d*[1-9]\d*)\s*", value)):
        return share_of(name, Fraction(int(match[1]), int(match[2])))
    if isinstance(value, bool) or not isinstance(value, (int, float, Fraction)) or not 0 <= value <= 1:
        near = f"; did you mean {value / 100:g}?" if isinstance(value, (int, float)) and 1 < value <= 100 else ""
        raise Refused(f"{name}={shown(value)}: write a share from 0 to 1, or a text such as '96 %'{near}")
    return value if isinstance(value, Fraction) else Fraction(str(value))


def in_time(nanoseconds: Fraction) -> str:
    """Return a time in the unit that keeps it short, with up to seven digits."""
    unit = next(
        ((size, name) for name, size in (("s", 10**9), ("ms", 10**6), ("µs", 1000)) if nanoseconds >= size), (1, "ns")
    )
    return f"{float(nanoseconds / unit[0]):.7g} {unit[1]}"


def _number(value: Fraction) -> str:
    return f"{int(value):,}" if value.denominator == 1 else f"{float(value):.12g}"


def _whole(sum_: str) -> str:
    """Return a sum in parentheses, and a single thing without."""
    return f"({sum_})" if " " in sum_ and not sum_.startswith("[") else sum_
