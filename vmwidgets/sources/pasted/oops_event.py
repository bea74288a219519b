"""The lines of one oops, and what can be asked of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from .parts import Parts


class Word(NamedTuple):
    """A descriptor that an oops prints: its name, its value and its line; `is_cut` where the text ends behind it."""

    name: str
    value: int
    line: int
    is_cut: bool


@dataclass
class Event:
    """The lines of one oops, which begins at line `first`; `header` is whether that line says which address failed."""

    first: int
    lines: list[tuple[int, str]]
    header: bool
    parts: Parts

    def search(self, pattern: re.Pattern[str], *, claim: bool = True) -> re.Match[str] | None:
        """Return the first place that fits, whose line then belongs to the oops."""
        for number, line in self.lines:
            match = pattern.search(line)
            if match is not None:
                if claim:
                    self.parts.claimed.add(number)
                return match
        return None

    def line_of(self, pattern: re.Pattern[str]) -> int:
        """Return the line of the first place that fits, or the first of all."""
        return next((number for number, line in self.lines if pattern.search(line)), self.first)

    def number(self, pattern: re.Pattern[str]) -> int | None:
        """Return the number in hexadecimal that the first group of a pattern finds; none if it may be cut."""
        for number, line in self.lines:
            match = pattern.search(line)
            if match is None:
                continue
            digits = next((one for one in match.groups() if one), "")
            self.parts.claimed.add(number)
            if self.parts.ends_in(number, match.end()):
                self.parts.unsaid.append(f"The text ends with a number in line {number}: digits may be missing.")
            return 0 if "null" in digits.lower() else int(digits, 16) if digits and len(digits) <= 16 else None
        return None

    def words(self, pattern: re.Pattern[str]) -> list[Word]:
        """Return the descriptors that a pattern finds as name and value, all in the first line that has one."""
        for number, line in self.lines:
            found = [
                Word(match[1].lower(), int(match[2], 16), number, self.parts.ends_in(number, match.end()))
                for match in pattern.finditer(line)
                if len(match[2]) <= 16
            ]
            if found:
                self.parts.claimed.add(number)
                return found
        return []

    def say_uneven(self, pattern: re.Pattern[str]) -> None:
        """A sentence where the descriptors of a line, which have all their digits, are not equally long."""
        for number, line in self.lines:
            lengths = {len(match[2]) for match in pattern.finditer(line)}
            if lengths:
                if len(lengths) > 1:
                    self.parts.unsaid.append(
                        f"The descriptors in line {number} have not the same number of digits: some are damaged."
                    )
                return

    def say_two(self, one: int | None, other: int | None) -> None:
        """A sentence where the oops says two addresses."""
        if one is not None and other is not None and one != other:
            self.parts.unsaid.append(
                f"The oops in line {self.first} says two addresses, {one:#x} and {other:#x}: one of them is"
                f" damaged, or the text is"
                " mixed. The first is walked."
            )
