"""Reference strings of exercises, as a book or a sheet prints them."""

from __future__ import annotations

import re
from dataclasses import replace

from ..engine.base.units import PAGE
from ..reference_strings.references import MOST_REFERENCES, reference_string
from ..reference_strings.references_schema import ReferencesValue

_ACCESS = re.compile(r"^Access:[ \t]+([0-9]{1,4})[ \t]+(?:Hit|HIT|MISS)\b", re.MULTILINE)
_ITEM = r"(?:(?:[0-9]{1,4}|[A-Za-z])w?|\|)"

OF_A_TRACE = re.compile(r"trace|address|reference|access|page|memory", re.IGNORECASE)
"""The words of a title above references."""


def listed(text: str, item: str) -> list[str]:
    """Return the items of a list: four or more in the first line, or three or more lines of one.

    A title with other signs than letters, or above lines of four, must speak of references: else it is another table.
    """
    rows = (
        rf"{item}(?:[ \t,;]+{item}){{3}}(?:[\s,;]+{item})*"
        rf"|{item}(?:[ \t]*,[ \t]*{item}){{2}}|{item}(?:[,; \t\r]*\n\s*{item}){{2,}}"
    )
    found = re.fullmatch(
        r"((?:[A-Za-z][\w ]{0,40}[:=]|[A-Za-z]{2}[\w (),.#'-]{0,60}:?\r?\n)?)"
        rf"[\s\[({{<]*({rows})[\s\])}}>.,;]*",
        re.sub("(?m)^#.*\n", "", text).strip(),
    )
    if found is None:
        return []
    title, items = found.groups()
    first, *more = items.split("\n")
    is_plain = re.fullmatch(r"[\w :=\r\n]*", title) and not (title and more and len(re.findall(item, first)) == 4)
    return re.findall(item, items) if is_plain or OF_A_TRACE.search(title) else []


def read_string(text: str, *passed: str) -> ReferencesValue | None:
    r"""Return the results of a reference string for three frames; None for another text.

    Numbers are pages if all are smaller than 4,096: as addresses, they would all be in one page.

    >>> read_string("1, 2, 3, 1").faults("fifo")
    3
    """
    words = _ACCESS.findall(text) or ([] if "address" in text[:40].lower() else listed(text, _ITEM))
    pages = [int(word.rstrip("w")) for word in words if word[0].isdigit()]
    if not words or len(words) > MOST_REFERENCES or max(pages, default=0) >= PAGE:
        return None
    said = ["Read as pages, with 3 frames: the argument frames of vm.reference_string chooses others, from 1 to 64."]
    said += ["The numbers may be addresses too: below a first line 'address', they are read so."] if pages else []
    return replace(reference_string(" ".join(words)), unsaid=(*said, *passed))
