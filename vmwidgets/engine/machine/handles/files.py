"""The handles of files: bytes on disk, and their pages in memory (the page cache)."""

from __future__ import annotations

from ...base.errors import Refused, in_ascii
from ...base.operations import operation
from ...base.units import PAGE, PAGE_SHIFT, Size, counted
from ...kernel.tasks.files import File
from ...kernel.threads.waits import MaySleep
from .. import arguments
from ..system import Part, System

MOST = 1 << 20
"""The most bytes of a file: its contents are kept in the journal."""


class MachineFile(Part):
    """A file of a machine: ``read`` and ``write`` use the same frames as mappings of the file."""

    def __init__(self, system: System, path: str) -> None:
        super().__init__(system, path)
        self.name = path.removeprefix("file:")

    @property
    def file(self) -> File:
        """The kernel's own file."""
        return self.system.files.get(self.name) or self.missing()

    @operation
    def read(self, offset: int | str = 0, length: int | str = PAGE) -> bytes:
        """Return `length` bytes from `offset` on, fewer at its end (pread(2)), through the page cache.

        The call waits for the pages of a slow file: in a thread, write ``yield from f.read(…)``.
        """
        start, count = arguments.span(offset, length, name="offset")

        def steps() -> MaySleep[bytes]:
            self._refuse_gone()
            return (yield from self.file.read(start, count))

        return self.system.callbacks.complete("read", steps())

    @operation
    def write(self, offset: int | str, data: bytes) -> None:
        """Write `data` into the file at `offset` (pwrite(2)), through the page cache; the file grows if necessary.

        The call waits for the pages of a slow file: in a thread, write ``yield from f.write(…)``.
        """
        content = arguments.content(data, "data")
        start, _ = arguments.span(offset, len(content), name="offset")
        if start + len(content) > MOST:
            raise Refused(f"offset={start}: a file has at most {Size(MOST)}")

        def steps() -> MaySleep[None]:
            self._refuse_gone()
            yield from self.file.write(start, content)

        return self.system.callbacks.complete("write", steps())

    @operation
    def sync(self) -> int:
        """Write changed pages and the file's length back to disk (fsync(2)); returns the number of pages."""
        return self.file.sync()

    @operation
    def truncate(self, size: int | str) -> None:
        """Set the file's size (ftruncate(2)); an access to a mapping of a removed page causes a SIGBUS."""
        self._refuse_gone()
        wanted = arguments.whole(size, "size")
        if not 0 <= wanted <= MOST:
            raise Refused(f"size={wanted}: a file has 0 to {Size(MOST)}")
        self.file.resize(wanted)

    @operation
    def vanish(self) -> None:
        """Remove the file, as if its disk were gone: its mappings stay, and an access to them causes a SIGBUS."""
        self._refuse_gone()
        self.file.vanish()

    # ---- looking -----------------------------------------------------------------------------

    @property
    def size(self) -> Size:
        """The size in bytes."""
        return Size(self.file.pager.size)

    @property
    def disk(self) -> bytes:
        """The contents on disk, without changes that have not been written back."""
        return bytes(self.file.pager.content)

    @property
    def pages(self) -> dict[int, int]:
        """The file's pages in memory: offset in bytes to frame."""
        return {index << PAGE_SHIFT: frame for index, frame in sorted(self.file.object.pages.items())}

    @property
    def dirty(self) -> tuple[int, ...]:
        """Offsets of the changed pages that have not been written back."""
        return tuple(index << PAGE_SHIFT for index in sorted(self.file.object.dirty))

    @in_ascii
    def __repr__(self) -> str:
        file = self.file
        if file.pager.gone:
            return f"<file {self.name!r}: gone>"
        dirty = f", {len(self.dirty)} of them dirty" if self.dirty else ""
        return f"<file {self.name!r}: {self.size}, {counted(len(file.object.pages), 'page')} in memory{dirty}>"

    def _refuse_gone(self) -> None:
        if self.file.pager.gone:
            raise Refused(f"file {self.name!r} is gone: make another with machine.file(name, …)")
