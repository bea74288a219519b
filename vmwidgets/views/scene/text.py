"""Text in pictures: its width, how to shorten it, and visible forms of invisible characters.

Sizes must be known in Python, before any browser has drawn them.  So widths are bounds: monospaced characters all have
the same width, other characters have their average width in the widest common font, and East Asian characters count as
two.  If a text may be too long by this bound, its room is stored with it (:func:`fitted`).  A page cuts the text only
if it is too long in the page's own font (`js/src/node.ts`); a file cuts it by the bound (:func:`cut`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from unicodedata import category, east_asian_width

from .model import Text

SMALL = 13.0
"""The size in pixels of all words without a larger style."""

SIZES = {"large": 18.0, "label": SMALL, "hero": 24.0, "body": 15.0, "heading": 20.0, "title": 27.0}
"""Font sizes in pixels by style class, as in style.css; "mono label" is monospaced at the label's size."""

_MONO = 0.61
_SANS = {
    **dict.fromkeys("iIjl.,:;|'! ()[]·", 0.4),
    **dict.fromkeys("rtf-", 0.46),
    **dict.fromkeys("+=<>~≥", 0.84),
    **dict.fromkeys("mwMW@%—…→&", 1.0),
}
"""Widths of unusually wide or narrow characters in the widest common font, in parts of the font size."""

_BOLD = frozenset(("strong", "heading", "title", "letter", "hero"))

_LOWER, _UPPER = 0.64, 0.77

_OTHER_SCRIPTS, _OTHER = "\u0530", 1.2
"""Letters from this one on, except East Asian letters, come from any available font, even in monospaced styles."""

_LARGE = (("\ufdf0", "\ufdfc", 3.0), ("\ufdfd", "\ufdfd", 12.0), ("\U00012000", "\U0001254f", 5.0))
"""Characters that are whole words or sentences: the first, the last, and their width."""

_USUAL_LENGTH = 500
"""Widths of texts longer than this are not cached."""

ELLIPSIS = "…"


def visible(text: str) -> str:
    r"""Return `text` with control characters shown as pictures, and newlines and direction marks by name.

    >>> visible("a\nb\x00")
    'a␊b␀'
    """
    return "".join(_picture(character) for character in text) if not text.isprintable() else text


def _picture(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return f"⟨{code:x}⟩" if category(character)[0] in "CZ" and character != " " else character


def font_size(style: str) -> float:
    """Return the size in pixels of a style such as "mono label dim"."""
    words = style.split()
    if "label" in words:
        return SIZES["label"]
    return next((SIZES[word] for word in words if word in SIZES), SMALL)


def text_width(text: str, style: str = "label") -> float:
    """Return an upper bound on the width in pixels of `text` in `style`."""
    return _kept_width(text, style) if len(text) <= _USUAL_LENGTH else _width(text, style)


def _width(text: str, style: str) -> float:
    unit, mono = _unit(style)
    return unit * sum(_part(character, mono) for character in text)


_kept_width = lru_cache(maxsize=4096)(_width)


@lru_cache(maxsize=64)
def _unit(style: str) -> tuple[float, bool]:
    """Return the font size in pixels, and whether the style is monospaced."""
    return font_size(style) * (1.1 if _BOLD & set(style.split()) else 1.0), "mono" in style


@lru_cache(maxsize=1024)
def _part(character: str, mono: bool) -> float:
    wide = 2 if east_asian_width(character) in "WF" else 1
    if wide == 1 and character >= _OTHER_SCRIPTS and not "\u2000" <= character <= "\u25ff":
        return next((part for first, last, part in _LARGE if first <= character <= last), _OTHER)
    if mono:
        return _MONO * wide
    usual = _UPPER if character.isupper() else _LOWER
    return _SANS.get(character, usual * wide)


def _fitting(characters: Sequence[str], room: float, style: str) -> int:
    """Return how many characters from the first on fit into `room` pixels, without measuring the rest."""
    unit, mono = _unit(style)
    taken = 0.0
    for number, character in enumerate(characters):
        taken += unit * _part(character, mono)
        if taken > room + 1e-9:
            return number
    return len(characters)


def short_count(count: int) -> str:
    """Return a count in few characters.

    >>> short_count(87), short_count(49_990), short_count(1_200_000)
    ('87', '50k', '1.2M')
    """
    if count < 1000:
        return str(count)
    if count < 999_500:
        return f"{count / 1000:.0f}k"
    return f"{count / 1e6:.1f}M"


def wording(ways: Sequence[str], room: float, style: str = "label") -> str:
    """Return the first of `ways` that fits into `room` pixels, or else the last."""
    return next((way for way in ways if _fits(way, room, style)), ways[-1])


def fitted(
    x: float,
    y: float,
    text: str | tuple[str, ...],
    room: float,
    style: str = "label",
    anchor: str = "start",
    *,
    middle: bool = False,
) -> Text:
    """Return `text`, made visible, with its `room` in pixels; nothing if not even its first character fits.

    If there are several texts, the first that fits by the bound is used, or else the last.

    >>> fitted(0, 12, "libcrypto.so.3", 60).room, fitted(0, 12, "libc", 60).room, fitted(0, 12, "libc", 5).text
    (60, 0.0, '')
    """
    shown = visible(text if isinstance(text, str) else wording(text, room, style))
    if _fits(shown, room, style):
        return Text(x, y, shown, style, anchor)
    return Text(x, y, shown if shorten(shown, room, style) else "", style, anchor, room, middle)


def cut(run: Text) -> str:
    """Return a text as a file shows it, cut so that the bound of its width fits into its room.

    >>> cut(fitted(0, 12, "libcrypto.so.3", 60)), cut(fitted(0, 12, "libc", 60))
    ('libcry…', 'libc')
    """
    if not run.room:
        return run.text
    return (shorten_middle if run.middle else shorten)(run.text, run.room, run.style)


def shorten(text: str, width: float, style: str = "label") -> str:
    """Return `text`, made visible and cut with an ellipsis to fit into `width` pixels.

    >>> shorten("libcrypto.so.3", 60)
    'libcry…'
    """
    shown = visible(text)
    if _fits(shown, width, style):
        return shown
    kept = _fitting(shown, width - text_width(ELLIPSIS, style), style)
    return shown[:kept] + ELLIPSIS if kept else ""


def _fits(shown: str, width: float, style: str) -> bool:
    """Return whether a text fits into `width` pixels."""
    return _fitting(shown, width, style) == len(shown)


def wrapped(text: str, width: float, style: str = "label") -> list[str]:
    """Return `text`, made visible, in lines of at most `width` pixels; only a longer single word is cut.

    >>> wrapped("one two three", 60)
    ['one two', 'three']
    """
    lines: list[str] = []
    line = ""
    for word in visible(text).split(" ") if text else []:
        trial = f"{line} {word}" if line else word
        if line and not _fits(trial, width, style):
            lines.append(line)
            trial = word
        line = shorten(trial, width, style)
    return [*lines, line] if line else lines


def shorten_middle(text: str, width: float, style: str = "label") -> str:
    """Return the text like :func:`shorten`, but keep both ends: the end of a path says most."""
    shown = visible(text)
    if _fits(shown, width, style):
        return shown
    most = _fitting(shown, width, style) + _fitting(shown[::-1], width, style)
    for kept in range(most, 2, -1):
        cut = shown[: kept // 3] + ELLIPSIS + shown[len(shown) - (kept - kept // 3) :]
        if _fits(cut, width, style):
            return cut
    return shorten(text, width, style)
