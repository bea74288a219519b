"""Public values as lines of text: the same on every Python, in every process, for ever."""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

_NUMBERED = re.compile(r"\bmachine \d+")


def said(text: object) -> str:
    """A text without the number that a machine is called by if it has no name: that depends on what ran before."""
    return _NUMBERED.sub("machine", str(text))


def digest(content: str | bytes) -> str:
    """A short check value, as a line has it in place of a long text."""
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    return "#" + b32encode(sha256(data).digest())[:9].decode().lower()


def lines(pairs: Iterable[tuple[str, Any]]) -> list[str]:
    """Lines of a moment: what each is of, a tab, and what it says on one line; sorted."""
    return sorted(f"{of}\t{said(text)}".replace("\r", "\\r").replace("\n", "\\n") for of, text in pairs)
