"""The part of the style sheet that one standalone picture needs: a twin is in every saved notebook, many times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NOT = re.compile(r":not\([^)]*\)")
_CLASS = re.compile(r"\.([\w-]+)")
_LIVE = re.compile(r":focus|:hover|\[")  # without a pointer, and without a page around it
_VARIABLE = re.compile(r"var\((--[\w-]+)")

Rule = tuple[str, str]
"""A selector list or an at-rule, and what is between its braces."""


def standalone_style(markup: str) -> str:
    """The rules, and the colours, that elements of `markup` can match.

    >>> ".tree-node" in standalone_style('<svg class="vmw-scene"><g class="node"/></svg>')
    False
    """
    classes = {word for value in re.findall(r'class="([^"]*)"', markup) for word in value.split()}
    return _style_of(frozenset(classes))


@cache
def _style_of(classes: frozenset[str]) -> str:
    kept = list(_pruned(_sheet(), classes))
    used = set(_VARIABLE.findall("".join(body for _, body in kept)))
    return "".join(f"{head}{{{_declarations(body, used)}}}" for head, body in kept)


@cache
def _sheet() -> tuple[Rule, ...]:
    text = files("vmwidgets.views.scene").joinpath("style.css").read_text("utf-8")
    return tuple(_rules(_COMMENT.sub("", text)))


def _rules(text: str) -> Iterator[Rule]:
    at = 0
    while (opening := text.find("{", at)) >= 0:
        end, depth = opening + 1, 1
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield " ".join(text[at:opening].split()), " ".join(text[opening + 1 : end - 1].split())
        at = end


def _pruned(rules: tuple[Rule, ...], classes: frozenset[str]) -> Iterator[Rule]:
    for head, body in rules:
        if "motion" in head:
            continue  # a picture that stays has none
        if head.startswith("@media"):
            inner = "".join(f"{selectors}{{{style}}}" for selectors, style in _pruned(tuple(_rules(body)), classes))
            if inner:
                yield head, inner
        elif selectors := ",".join(one.strip() for one in _split(head) if _matches(one, classes)):
            yield selectors, body


def _split(selectors: str) -> list[str]:
    return re.split(r",(?![^(]*\))", selectors)


def _matches(selector: str, classes: frozenset[str]) -> bool:
    needed = _CLASS.findall(_NOT.sub("", selector))
    return not _LIVE.search(selector) and set(needed) <= classes


def _declarations(body: str, used: set[str]) -> str:
    if "{" in body:
        return "".join(f"{head}{{{_declarations(inner, used)}}}" for head, inner in _rules(body))
    parts = (part.strip() for part in body.split(";"))
    kept = (part for part in parts if part and (not part.startswith("--") or part.partition(":")[0] in used))
    return ";".join(re.sub(r"\s*:\s*", ":", part, count=1) for part in kept)
