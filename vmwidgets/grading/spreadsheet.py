"""A table from any spreadsheet program: its encoding, separator and columns are recognized."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.frozen import frozen

MOST_SHEET_BYTES = 16 << 20
"""The most bytes of a file."""

MARKED = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""The possible first bytes of a file, with their encodings."""

SEPARATORS = ",;\t"

_COMMA, _DOT = re.compile(r"[0-9]+,[0-9]{1,3}"), re.compile(r"[0-9]+\.[0-9]+")


@frozen(slots=False)
class Table:
    """`titles` and `rows` as in the file; each row has as many cells as there are titles."""

    path: Path
    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    separator: str = ","

    @cached_property
    def decimal(self) -> str:
        """The decimal sign: a comma if any cell has one, or if no cell has a sign and the separator is `;`."""
        cells = [cell.strip() for row in self.rows for cell in row]
        if any(map(_COMMA.fullmatch, cells)):
            return ","
        return "," if self.separator == ";" and not any(map(_DOT.fullmatch, cells)) else "."

    def column(self, meanings: Sequence[str]) -> int | None:
        """Return the index of the column with the first of these titles that exists; None if no such column exists."""
        return next(iter(self.columns(meanings)), None)

    def columns(self, meanings: Sequence[str]) -> list[int]:
        """Return the indices of all columns with one of these titles, in the order of the meanings."""
        plain = [plain_title(title) for title in self.titles]
        return [plain.index(meaning) for meaning in meanings if meaning in plain]

    def needed(self, meanings: Sequence[str], what: str) -> int:
        """Return the index of a required column; the error, :class:`Refused`, lists the existing columns."""
        found = self.column(meanings)
        if found is None:
            titles = ", ".join(map(shown, self.titles)) or "none"
            raise Refused(f"{self.path.name} has no column for {what}: call one {meanings[0]!r}; its columns: {titles}")
        return found


def plain_title(title: str) -> str:
    """Return a title without programs' additions.

    >>> plain_title(" SIS_Login-ID ")
    'sis login id'
    """
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", title).replace("_", " ").casefold()))


def read_table(path: Path) -> Table:
    """Return the table in the file at `path`; raises :class:`Refused` with one sentence if there is none."""
    try:
        if path.stat().st_size > MOST_SHEET_BYTES:
            raise Refused(f"{str(path)!r} has more than {MOST_SHEET_BYTES >> 20} MiB")
        content = path.read_bytes()
    except OSError as error:
        raise Refused(f"{str(path)!r} can't be read: {error.strerror}") from None
    text = _decoded(content).replace("\r\n", "\n").replace("\r", "\n")  # also the line ends of old Macintoshes
    if "\0" in text:
        raise Refused(f"{str(path)!r} is not a text file: save the table as CSV")
    separator, rows = max(((one, _rows(text, one, path)) for one in SEPARATORS), key=lambda found: _fits(found[1]))
    if not rows:
        raise Refused(f"{str(path)!r} is empty")
    titles = tuple(cell.strip() for cell in rows[0])
    width = len(titles)
    return Table(path, titles, tuple(tuple([*row, *[""] * width][:width]) for row in rows[1:]), separator)


def _decoded(content: bytes) -> str:
    """Return the text, in the encoding given by its first bytes, or else in the first encoding that works."""
    for mark, encoding in MARKED:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    nulls = content[:2000].count(0)
    if nulls > len(content[:2000]) // 4:  # UTF-16 without a byte order mark
        return content.decode("utf-16-be" if content[:1] == b"\0" else "utf-16-le", errors="replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # what Windows calls Latin-1
        return content.decode("latin-1") if "\ufffd" in text else text


def _rows(text: str, separator: str, path: Path) -> list[list[str]]:
    first, _, rest = text.partition("\n")
    if re.fullmatch(r"sep=.", first, re.IGNORECASE):  # a line for Excel
        text = rest
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise Refused(f"{str(path)!r} is not a table: {error}") from None
    return [row for row in rows if any(cell.strip() for cell in row)]


def _fits(rows: list[list[str]]) -> tuple[int, int]:
    """Return how well a separator fits: how many rows are as wide as the first, and its width."""
    width = len(rows[0]) if rows else 0
    return sum(len(row) == width for row in rows) * (width > 1), width
