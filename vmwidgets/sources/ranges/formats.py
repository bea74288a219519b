"""Formats of ranges as a table: a line's columns by name, the other lines of the format, and what it leaves out.

In a line, a blank is any number of blanks, and ``{hex:start}`` is the column `start`, a hexadecimal number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from vmwidgets.engine.base.frozen import frozen

from ...engine.base.units import PAGE, counted
from ...given.loaded import UNKNOWN, MapsRange
from ..cleaned import Cleaned
from .found import Found, Kind, protection_of

Row = dict[str, Any]
"""The columns of one line, as they are written."""

Says = str | Callable[[Found, Mapping[int, Row], Cleaned], Iterator[str]]
"""A sentence about a text with ranges, or a function that yields some from the rows by their lines' numbers."""

SHARED = frozenset(("s", "SHM", "ALI", "S/A", "LSH", "TRU"))
OWN = frozenset(("COW", "PRV", "NUL", "ZER", "P/A", "LPG"))
"""The letter of a shared range, and the sharing modes that vmmap prints: `share_mode` of XNU (mach/vm_region.h)."""

_COLUMNS = {
    "0x": "0x[0-9a-f]{1,16}",
    "hex": "[0-9a-f]{1,16}",
    "wide": "[0-9a-f]{8,16}",
    "n": "[0-9]{1,15}",
    "n-": "[0-9]{1,15}|-",
    "rwx": "[r-][w-][x-]",
    "text": ".*?",
    "'": "[0-9a-f']{1,17}",
    "B": r"[0-9]{1,9}(?:\.[0-9]{1,3})?[KMGTB]",
}
_FLAGS = re.ASCII | re.IGNORECASE


def _pattern(line: str) -> str:
    """Return the regular expression of a line in which columns have names."""
    named = re.sub(r"\{(\S+?):(\w+)\}", lambda one: f"(?P<{one[2]}>{_COLUMNS[one[1]]})", line)
    return named.replace(" ", r"[ \t]+")


@frozen(slots=False)
class Format:
    """A format: its lines, the rest of its lines (`heads`), a damaged line (`almost`), and what it does not say.

    `nameless` is a path that is no name, `notes` what is after it.
    """

    name: str
    example: str
    lines: tuple[str, ...]
    heads: str = r"(?!)"
    almost: str = r"(?!)"
    says: tuple[Says, ...] = ()
    nameless: str = r"(?!)"
    notes: str = r"(?!)"
    rounds: bool = False
    any_order: bool = False
    """Whether its program prints ranges in another order than that of addresses."""
    without_end: str = r"(?!)"
    """A line of the format that has no end."""
    unit: int = PAGE
    """The bytes of what is counted without a letter."""
    head: str = r"(?!)"
    """A line that names the columns."""
    columns: Callable[[str, Sequence[str]], Row] = lambda rest, names: {}
    """The columns in the `rest` of a line, by the words of that line."""

    @property
    def kind(self) -> Kind:
        """The format as one of the kinds that texts are compared with."""
        begins = "|".join(_pattern(re.sub(r"(\(\?: \{text:path\}\)\?|\{path:path\})$", "", one)) for one in self.lines)
        begins = re.sub(r"\?P<\w+>", "?:", begins)
        is_line = re.compile(rf"^[ \t]*(?:{begins})(?:[ \t]|$)|^{self.without_end}", _FLAGS)
        patterns = tuple(re.compile(rf"[ \t]*{_pattern(one)}[ \t]*", _FLAGS) for one in self.lines)
        return Kind(self.name, self.example, is_line, lambda text: self._read(text, patterns))

    def _read(self, text: Cleaned, patterns: Sequence[re.Pattern[str]]) -> Found:
        found = Found()
        rows: dict[int, Row] = {}
        heads, almost = re.compile(self.heads), re.compile(rf"[ \t]*{self.almost}", re.ASCII)
        names = next((line.split() for line in text.lines if re.fullmatch(self.head, line)), [])
        for number, line in enumerate(text.lines, 1):
            match = next((match for one in patterns if (match := one.fullmatch(line))), None) if line else None
            if match is not None:
                row = rows[number] = match.groupdict()
                if rest := row.get("rest"):
                    row |= self.columns(rest, names)
                self._add(found, number, row)
            elif line and (heads.fullmatch(line) or re.match(self.without_end, line)):
                found.claimed.add(number)
            elif found.ranges and line and almost.fullmatch(line):
                found.wrong(number)
        if self.any_order:
            found.ranges.sort(key=lambda one: one.start)
        for says in self.says:
            found.unsaid += [says] * bool(found.ranges) if isinstance(says, str) else says(found, rows, text)
        return found

    def _add(self, found: Found, number: int, row: Row) -> None:
        """Add the range of a line; an end that is a page's last byte is taken as inclusive."""
        if not (row.get("end") or row.get("kib")):
            found.wrong(number, "has columns that no head names")
            return
        start = _hex(row["start"])
        end = start + (int(row["kib"]) << 10) if row.get("kib") else _hex(row["end"])
        end += end % PAGE == PAGE - 1
        if row.get("size") and not self._is_size(row["size"], end - start):
            found.wrong(number, "has a size that is not the one of its addresses")
            return
        path = re.sub(self.notes, "", row.get("path") or "")
        path = "" if re.fullmatch(self.nameless, path) else re.sub(r"^\[ (\w+) \]$", r"[\1]", path)
        if row.get("type") and not path.startswith("/"):
            path = f"[{row['type'].strip()}]"
        path = "[stack]" if row.get("stack") and not path else path  # D: it grows down
        rights = protection_of(row["rights"]) if row.get("rights") else UNKNOWN
        held, fair, swap = (self._bytes(row.get(name)) for name in ("resident", "fair", "swap"))
        if held is None or held > end - start:
            held = fair = swap = None
        shared, offset = row.get("share") in SHARED, _hex(row.get("offset") or "0")
        device, inode = row.get("device") or "00:00", int(row.get("inode") or 0)
        one = MapsRange(number, start, end, rights, shared, offset, device, inode, path, held, fair=fair, swap=swap)
        found.add(one)

    def _is_size(self, written: str, size: int) -> bool:
        """Return whether a printed size is that of the addresses, to a tenth where sizes are rounded."""
        return abs((self._bytes(written) or 0) - size) <= size / 10 if self.rounds else _hex(written) == size

    def _bytes(self, written: str | None) -> int | None:
        """Return the bytes of a size with a letter, or of so many pages; None for none."""
        if not written or written == "-":
            return None
        if written[-1].isdigit():
            return int(written) * self.unit
        size = int(float(written[:-1]) * (1 << 10 * "BKMGT".index(written[-1].upper())))
        return size - size % 1024


def _hex(written: str) -> int:
    return int(written.replace("'", "") or "0", 16)


def without_rights(found: Found, rows: Mapping[int, Row], text: Cleaned) -> Iterator[str]:
    """Yield a sentence about ranges without rights."""
    if none := sum(one.protection == UNKNOWN for one in found.ranges):
        yield (
            f"The text has no rights for {none:,} of {len(found.ranges):,} ranges (gdb prints them from version 12 on):"
            " they are entered without any."
        )


def all_private(found: Found, rows: Mapping[int, Row], text: Cleaned) -> Iterator[str]:
    """Yield a sentence about a text in which no range says whether it is shared."""
    if found.ranges and all((row.get("share") or "-") == "-" for row in rows.values()):
        yield "The text does not say what is shared: all ranges are entered as private."


def unknown_modes(found: Found, rows: Mapping[int, Row], text: Cleaned) -> Iterator[str]:
    """Yield a sentence about sharing modes that are not known."""
    lines = [one.line for one in found.ranges if rows[one.line]["share"] not in SHARED | OWN]
    if lines:
        of = f"line {min(lines)}" + f" and {len(lines) - 1:,} more" * (len(lines) > 1)
        yield f"What is shared is not said in {of} by a known SM: these ranges are entered as private."


def rounded(found: Found, rows: Mapping[int, Row], text: Cleaned) -> Iterator[str]:
    """Yield a sentence about rounded sizes."""
    if any("." in (rows[one.line]["resident"] or "") for one in found.ranges):
        yield "vmmap rounds sizes: what is in memory (RSDNT) is as exact as it is printed."


def not_all(found: Found, rows: Mapping[int, Row], text: Cleaned) -> Iterator[str]:
    """Yield a sentence about a tombstone that counts more entries than it has."""
    said = re.search(r"memory map \(([0-9,]{1,12}) entr", text.text, re.IGNORECASE)
    if said is not None and (count := int(said[1].replace(",", ""))) != len(found.ranges):
        yield f"The text says {count:,} entries, and {len(found.ranges):,} could be read."


def only_starts(found: Found, rows: Mapping[int, Row], text: Cleaned) -> Iterator[str]:
    """Yield a sentence about a JVM's report of macOS."""
    if lines := sum(re.match(MACOS_LIBRARY, line) is not None for line in text.lines):
        yield (
            f"{counted(lines, 'line')} of the text {'names' if lines == 1 else 'name'} only the start of a"
            " library, as on macOS: load what vmmap PID prints."
        )


_VM_FLAGS = (
    "rd", "wr", "ex", "sh", "mr", "mw", "me", "ms", "gd", "pf", "dw", "lo", "io", "sr", "rr", "dc", "de", "ac", "nr",
    "ht", "sf", "ar", "wf", "dd", "sd", "mm", "hg", "nh", "mg", "bt", "mt", "um", "uw", "ss", "sl",
)  # fmt: skip  # a list
"""The flags of a range (VmFlags) in the order in which Linux writes them: proc(5)."""


def columns_of_pmap(rest: str, names: Sequence[str]) -> Row:
    """Return the numbers of a line of -X in the columns that the head names; the rest is its name.

    With -XX, the kernel's flags are before the name: "rd mr mw me cat".
    """
    if "Size" not in names:
        return {}
    sizes = [one for one in names[names.index("Size") :] if one not in ("VmFlags", "Mapping")]
    words = rest.split(maxsplit=len(sizes))
    count = next((at for at, word in enumerate(words[: len(sizes)]) if not word.isdecimal()), len(words[: len(sizes)]))
    held = dict(zip(sizes, words[:count], strict=False))
    path = _without_flags(" ".join(words[count:]))
    return {
        "kib": held["Size"],
        "resident": held.get("Rss"),
        "fair": held.get("Pss"),
        "swap": held.get("Swap"),
        "path": path,
    }


def _without_flags(words: str) -> str:
    """Return what follows the flags of a range: a word alone, or not in the order of flags, is a name.

    >>> [_without_flags(one) for one in ("rd ex mr mw me sh", "rd wr mr mw me", "ex [vsyscall]", "sh", "")]
    ['sh', '', '[vsyscall]', 'sh', '']
    """
    name, last, count = words, -1, 0
    while (word := name.partition(" ")[0]) in _VM_FLAGS[last + 1 :]:
        last, count, name = _VM_FLAGS.index(word), count + 1, name.partition(" ")[2]
    return name if name or count > 1 else words


def of_pmap(found: Found, rows: Mapping[int, Row], text: Cleaned) -> Iterator[str]:
    """Yield sentences about what pmap does not show, and about contradictions."""
    if not found.ranges:
        return
    is_full = any(one.get("device") for one in rows.values())
    if not is_full:
        yield "pmap does not say where in its file a range begins: all are entered from the first byte on."
    if any(one.path and not one.path.startswith(("/", "[")) for one in found.ranges):
        yield "pmap prints the names of files without their folders (pmap -p has them)."
    if not is_full and len({len(one["start"]) for one in rows.values()}) > 1:
        yield "Not all addresses have the same number of digits: some are damaged."
    if len({one.resident is None for one in found.ranges}) > 1:
        yield "RSS of some ranges is missing, or more than the range has."
    mapped = sum(one.size for one in found.ranges)
    sums = [one for number in sorted(found.claimed) if (one := _SUM.fullmatch(text.lines[number - 1]))]
    if not sums:
        yield "The text has no line with the total: ranges may be missing."
    elif (total := int(sums[-1][1] or sums[-1][2])) != mapped >> 10:
        yield f"The total of the text is {total:,} kB, and its ranges have {mapped >> 10:,} kB."


_SUM = re.compile(r"[ \t]*(?:total(?: kB)?\s+([0-9]{1,15}).*|([0-9]{1,15})[ \t][0-9 \t]*KB[ \t]*)", re.ASCII)
_MARK = r"(?:(?:[^\w\s]|_){1,4} )?"
_PATH = r"(?: {text:path})?"
MACOS_LIBRARY = r"0x[0-9a-f]{8,16}[ \t]+(?:/\S.*\.dylib|/System/Library/.*|/usr/lib/.*)"

FORMATS = (
    Format(
        "a list of a debugger (info proc mappings, vmmap)",
        "0x555555554000 0x555555556000 0x2000 0x0 r--p /usr/bin/cat",
        (
            "{0x:start} {0x:end} {0x:size} {0x:offset}(?: {rwx:rights}(?P<share>[ps]))?" + _PATH,
            _MARK + "{0x:start} {0x:end} {rwx:rights}(?P<share>[ps-]) {hex:size} (?:0x)?{hex:offset}" + _PATH,
            _MARK + "{0x:start} {0x:end} {0x:offset} {rwx:rights}" + _PATH,
        ),
        heads=r"[ \t]*(Start Addr\s+End Addr\s+Size|Start\s+End\s+(Perm|Offset)|LEGEND:|\[ ?Legend:|Mapped address"
        r" spaces|process [0-9]+|\((gdb|lldb)\)|pwndbg>|gef(➤|>)).*",
        almost=r"(?:(?:[^\w\s]|_){1,4}[ \t]+)?0x[0-9a-f]{4,40}([ \t].*)?",
        says=(without_rights, all_private),
        nameless=r"\[anon_.*|<explored>",
    ),
    Format(
        "what pmap prints", "0000558d6f2c5000      8K r---- cat",
        (
            "{wide:start} {n:kib}K {rwx:rights}(?P<share>[s-])[R-]" + _PATH,
            "{wide:start} {n:kib} {n-:resident} {n-:dirty} {rwx:rights}(?P<share>[s-])[R-]" + _PATH,
            ("{wide:start} {rwx:rights}(?P<share>[sp]) {wide:offset} (?P<device>[0-9a-f]+:[0-9a-f]+)"
             r" (?P<inode>[0-9]{1,20}) (?P<rest>[0-9]{1,15}(?:\s.*?)?)"),
        ),
        heads=r"[ \t]*(Address\s+(Kbytes|Perm\s+Offset\s+Device\s+Inode\s+Size\s).*|[0-9]+:\s+.*|[-=]{3,}[-= ]*"
        r"|mapped: .*|total( kB)?\s+[0-9]+.*|[0-9]{1,15}[ \t][0-9 \t]*KB[ \t]*)",
        almost=r"[0-9a-f]{8,40}([ \t]+[0-9].*)?", says=(of_pmap,), nameless=r"\[ ?anon ?\]", unit=1024,
        head=r"[ \t]*Address\s+Perm\s.*\sSize\s.*",
        columns=columns_of_pmap,
    ),
    Format(
        "what procstat -v of FreeBSD prints",
        "  681           0x400000           0x408000 r-x      8   10   2   1 CN--- vn /bin/cat",
        ("{n:pid} {0x:start} {0x:end} {rwx:rights}[A-Za-z-]{0,4} {n:resident} {n:p} {n:r} {n:s}"
         " (?:(?P<stack>[A-Z-]*D[A-Z-]* df)|[A-Z-]{2,8} (?:[a-z]{2}|--))" + _PATH,),
        heads=r"[ \t]*PID\s+START\s+END\s+PRT\s+.*", almost=r"[0-9]{1,9}[ \t]+0x[0-9a-f]{1,40}.*",
        says=(
            "procstat does not say offsets in files: all ranges are entered from the first byte on.",
            "procstat does not say what is shared: all ranges are entered as private.",
        ),
    ),
    Format(
        "what vmmap of macOS prints",
        "__TEXT   10b5a9000-10b5ae000 [   20K    20K     0K     0K] r-x/r-x SM=COW  /bin/cat",
        (r"(?:---> )?(?P<type>[A-Za-z_][\w./()-]*(?: [\w./()-]+){0,6}?) (?:0x)?(?P<start>[0-9a-f]{6,16})\s*-\s*"
         r"(?:0x)?(?P<end>[0-9a-f]{6,16}) \[\s*{B:size}(?: {B:resident})?[^\]]{0,60}\] {rwx:rights}/[r-][w-][x-]"
         r"(?: SM=(?P<share>\S{1,8}))?" + _PATH,),
        heads=r"[ \t]*(====.*|REGION TYPE.*|={4,}[ =]*|-{4,}.*|(Process|Path|Load Address|Identifier|Version|Code Type"
        r"|Platform|Parent Process|Date/Time|Launch Time|OS Version|Report Version|Analysis Tool|Analysis Tool Version"
        r"|Virtual Memory Map):?.*)",
        says=("vmmap of macOS does not say offsets in files: all ranges are entered from the first byte on.",
              unknown_modes, rounded),
        rounds=True, any_order=True, nameless="[^/].*",
    ),
    Format(
        "the memory map of an Android tombstone",
        "0000006f'12345000-0000006f'12346fff r--         0      2000  /system/bin/app_process64",
        (r"(?:--->\s*)?{':start}-{':end} {rwx:rights} {hex:offset} {hex:size}" + _PATH,),
        heads=r"(?i)[ \t]*(memory map( \([0-9,]+ entr(y|ies)\))?:|--->Fault address ).*",
        almost=r"[0-9a-f']{4,40}-([0-9a-f']{0,40}([ \t].*)?)?",
        says=("A tombstone does not say what is shared: all ranges are entered as private.", not_all),
        notes=r"(?:[ \t]*\((?:BuildId|load bias|Build ID):? [^)]*\))+$",
    ),
    Format(
        "the map near an address, as Android's debuggerd printed it", "40000000-40001fff r-x /system/bin/linker",
        (r"{wide:start}-{wide:end} {rwx:rights}(?: (?P<path>[/\[(<].*?))?",),
        says=("The text does not say offsets nor what is shared: ranges begin at 0 and are private.",), any_order=True,
    ),
    Format(
        "the libraries of a crash report of the JVM (hs_err)",
        r"0x00007ff6a4b30000 - 0x00007ff6a4b77000 C:\jdk\bin\java.exe",
        (r"0x{wide:start} - 0x{wide:end} (?P<path>[A-Z]:[\\/].*|\\\\.*)",),
        heads=r"\s*Dynamic libraries:\s*", almost=r"0x[0-9a-f]{4,40}[ \t].*", without_end=MACOS_LIBRARY, any_order=True,
        says=(
            (
                "The report lists libraries alone, without rights: heap and stacks are missing, and all are entered"
                " without any."
            ),
            only_starts,
        ),
    ),
)  # fmt: skip  # a format a paragraph
