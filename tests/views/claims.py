"""What a sentence claims: the fields of its template, read back from the text."""

from __future__ import annotations

import re
from functools import cache

from vmwidgets.views.story.words.registry import TEMPLATES


@cache
def _patterns(name: str) -> tuple[re.Pattern[str], ...]:
    template = TEMPLATES[name]
    made = []
    for text in filter(None, (template.many, template.one)):
        seen: set[str] = set()
        pattern = ""
        for part in re.split(r"(\{\w+\})", text):
            field = part[1:-1]
            if not part.startswith("{"):
                pattern += re.escape(part)
            elif field in seen:
                pattern += f"(?P={field})"
            else:
                seen.add(field)
                pattern += f"(?P<{field}>.+?)"
        made.append(re.compile(pattern + r"\Z"))
    return tuple(made)


def claims(name: str, text: str) -> dict[str, str] | None:
    """What `text` says by the template `name`; none where it is another sentence.  The singular counts 1.

    >>> claims("map operations: remove", "remove freed 8 KiB (2 entries) in kernel_map.")
    {'size': '8 KiB', 'count': '2', 'map': 'kernel_map'}
    """
    for pattern in _patterns(name):
        match = pattern.match(text)
        if match is not None:
            found = match.groupdict()
            return found if TEMPLATES[name].many == "" else {"count": "1", **found}
    return None


def number(text: str) -> int:
    """A count, an address, or a frame, as sentences write it."""
    return int(text.replace(",", "").replace("_", ""), 16 if text.startswith("0x") else 10)


def ends(text: str) -> tuple[int, int]:
    """Both ends of a range."""
    first, _, last = text.partition("–")
    return number(first), number(last)
