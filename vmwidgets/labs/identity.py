"""Folding of texts that name a person: an ID is folded before it is compared, hashed or looked up."""

from __future__ import annotations

from unicodedata import normalize


def folded(text: str) -> str:
    r"""Return the ID without differences that people don't intend: capitals, wide letters, blanks around it.

    This is NFKC, casefold, and NFKC once more, since casefold can undo NFKC.  The Turkish dotless i becomes an i with a
    dot, since capitals don't distinguish them.

    >>> folded("Ada"), folded(" \N{FULLWIDTH LATIN CAPITAL LETTER A}DA "), folded("STRASSE") == folded("Straße")
    ('ada', 'ada', True)
    >>> dotless = "\N{LATIN SMALL LETTER DOTLESS I}"
    >>> folded("IŞIK") == folded(f"{dotless}ş{dotless}k"), folded("İREM") == folded("irem")
    (True, True)
    """
    one = normalize("NFKC", normalize("NFKC", text).casefold()).strip()
    return one.replace("\N{LATIN SMALL LETTER DOTLESS I}", "i").replace("i\N{COMBINING DOT ABOVE}", "i")
