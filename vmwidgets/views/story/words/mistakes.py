"""Mistakes in a file of sentences: a field that does not exist, or a case that is never reached.

Tests and the build of a wheel look for them; stories do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from vmwidgets import events as ev

from .headlines import Facts
from .registry import FACTS, HERE, SPECS, Case, Condition, Entry, entries_of


def wrong_in(path: Path, kinds: Mapping[str, type[ev.Event]] | None = None) -> list[str]:
    """Return a line for each mistake in a file: a field that does not exist, a case that is never reached.

    Every field and condition of an event is looked up; sentences from Python are checked when they are said.
    """
    events = vars(ev) if kinds is None else kinds
    if path.parent == HERE and path.with_suffix(".py").exists():
        import_module(f".{path.stem}", __package__)  # with the facts
    return [
        f"{entry.file}, line {line}: {entry.name}: {what}"
        for entry in entries_of(path)
        for line, what in _mistakes(entry, events.get(entry.name))
    ]


def _mistakes(entry: Entry, kind: type[ev.Event] | None) -> Iterator[tuple[int, str]]:
    if entry.name == "silent" or not entry.marks:
        return
    if kind is None and "on" not in entry.marks:
        yield entry.line, "there is no such event"
        return
    known = _known(kind)
    about = [*re.findall(r"\{(\w+)", " ".join(entry.marks.values())), entry.marks.get("of") or "tag"]
    yield from (
        (entry.line, f"it has no field {name}")
        for name in about
        if kind and not hasattr(kind, name) and name not in known
    )
    if "family" in entry.marks:
        return
    for case in [*entry.cases, *filter(None, [entry.housekeeping])]:
        yield from ((case.line, what) for what in _mistakes_of(case, known, kind))
    for group in ("", "box", "because"):
        cases = [case for case in entry.cases if case.group == group]
        for at, case in enumerate(cases):
            before = next((one for one in cases[:at] if _implies(case, one)), None)
            if before is not None:
                yield case.line, f"it is never said, since line {before.line} is said first"
        if cases and cases[-1].conditions and group != "because":
            yield cases[-1].line, "nothing is said where its condition does not hold: end with `else`"


def _known(kind: type[ev.Event] | None) -> dict[str, str]:
    """Return the fields and facts of an event, with their types; for an operation, its facts."""
    if kind is None:
        return {**dict.fromkeys(dir(Facts), ""), "given": "", "result": "", "name": "", **_facts_of(Facts)}
    types = {
        name: one for base in reversed(kind.__mro__) for name, one in vars(base).get("__annotations__", {}).items()
    }
    return {**{name: str(types.get(name, "")) for name in kind.field_names}, **_facts_of(kind)}


def _facts_of(kind: type) -> dict[str, str]:
    return {name: "" for one, name in FACTS if one in (kind, None)}


def _mistakes_of(case: Case, known: Mapping[str, str], kind: type[ev.Event] | None) -> Iterator[str]:
    paths = [part for path, _ in case.places.values() for part in path.split("..")]
    if case.name[:1] != "=":
        paths += [case.per.removeprefix("#")] if case.per else []
    for one in case.conditions:
        paths += [one.path, *(value[1:-1] for value in one.values if value.startswith("{"))]
    for path in paths:
        name = re.split(r"[.\[]", path)[0]
        if name != "count" and name not in known and not hasattr(kind, name):
            yield f"there is no field or fact {name}: there are {', '.join(sorted(known))}"
    for _, spec in case.places.values():
        if spec not in SPECS and not spec.startswith("counted "):
            yield f"{spec!r} is no way to write a field: there are {', '.join(filter(None, SPECS))}"
    for one in case.conditions:
        if why := _can_not_hold(one, known.get(one.path, "")):
            yield f"{one.text!r} never holds: {why}"


def _can_not_hold(one: Condition, kind: str) -> str:
    numbers = all(re.fullmatch(r"-?\d+|\{.*\}", value) for value in one.values)
    if one.sign == "=" and kind == "bool":
        return f"{one.path} is true or false"
    if one.sign in ("=", "<", ">") and one.sign and kind == "int" and not numbers:
        return f"{one.path} is a number"
    if one.sign == "?" and one.is_not and kind in ("int", "bool", "str"):
        return f"{one.path} is never None"
    return ""


def _implies(later: Case, before: Case) -> bool:
    """Return whether the earlier case holds whenever the later one does."""
    return all(any(_is_weaker(one, other) for other in later.conditions) for one in before.conditions)


def _is_weaker(one: Condition, other: Condition) -> bool:
    if one == other:
        return True
    alike = (one.path, one.is_not, one.is_count, one.sign) == (other.path, other.is_not, other.is_count, other.sign)
    return alike and one.sign == "=" and set(other.values) <= set(one.values)
