"""Archives whose bytes depend only on their contents: not on the time, the user or the system."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of each file: the earliest time that a zip archive can hold."""

_UNIX = 3


def zipped(files: Mapping[str, bytes], programs: Collection[str] = ()) -> bytes:
    """Return a zip archive of `files` (by name, in order); the files named in `programs` are executable.

    Nothing is compressed, since compressed bytes differ between versions of zlib.

    >>> zipped({"a.txt": b"one"}) == zipped({"a.txt": b"one"})
    True
    """
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.create_system = _UNIX  # on every system, so that permissions are read
            entry.external_attr = (0o755 if name in programs else 0o644) << 16
            archive.writestr(entry, content)
    return made.getvalue()
