"""Ways through time, now and then in a life: branches, moments, undo and redo, saving and loading, groups that fail.

Each gives a machine that has to be the same as the one that was left, structure by structure.
"""

from __future__ import annotations

import gzip
import os
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.engine.machine.structures import differences

from .outcomes import Difference

if TYPE_CHECKING:
    from .life import Life

LEFT_OUT = ("._judged", "._moved", "._found", ".call: a ")
"""Attributes that keep what was looked up before, and generators of threads that have ended."""


class Journeys:
    """The journeys of one life."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.began = 0
        """Operations that are left as they are: the machine was set up by them."""

    def go(self) -> None:
        """One, of whatever kind."""
        life = self.life
        name = life.chance.choice(("branch", "at", "undo", "undo", "saved", "refused", "group"))
        life.counts[f"journey: {name}"] += 1
        getattr(self, name)()

    def same(self, other: Any) -> None:
        """Differ unless another machine is as this one is."""
        places = (place for place in differences(other, self.life.m) if not any(name in place for name in LEFT_OUT))
        found = [place for place, _ in zip(places, range(3), strict=False)]
        if found:
            raise Difference(f"the machine that was made again differs at {found}")

    def branch(self) -> None:
        """Another machine; where no thread is under way, life goes on in that."""
        life = self.life
        life.line("other = m.branch()")
        self.same(life.names["other"])
        if life.drawing.is_quiet() and life.chance.random() < 0.5:
            life.line("m = other")

    def at(self) -> None:
        """The machine as it is now, and as it was before."""
        life = self.life
        number = len(life.m.journal) - 1
        self.same(life.line(f"m.at({number})"))
        life.line(f"m.at({life.chance.randrange(number)}).check()")

    def undo(self) -> None:
        """Back, a look, and forth again."""
        life, count = self.life, min(life_length(self.life.m), self.life.chance.randrange(1, 40))
        before = life.line("m.branch()")
        life.line(f"m.undo({count})")
        life.check()
        for name in sorted(life.memory.tasks):
            if name in life.m.tasks:
                for entry in list(life.m.tasks[name].map)[:2]:
                    life.got_quietly(f"m.tasks[{name!r}].peek({int(entry.start):#x}, 8)")
                life.line(f"m.task({name!r})")
                life.line(f"m.tasks[{name!r}].brk()")
        life.line(f"m.redo({count})")
        self.same(before)

    def saved(self) -> None:
        """Saved, through a link, and loaded; what is saved again are the same bytes."""
        life = self.life
        with TemporaryDirectory() as folder:
            path, again = Path(folder) / "life.jsonl.gz", Path(folder) / "again.jsonl.gz"
            link = life.chance.random() < 0.5
            if link:
                path.symlink_to(Path(folder) / "real.jsonl.gz")
            life.names.update(path=path, again=again)
            life.line("m.journal.save(path)")
            if link and not (path.is_symlink() and (Path(folder) / "real.jsonl.gz").exists()):
                raise Difference("a link was replaced when a journal was saved to it")
            life.line("other = vm.load_journal(path)")
            self.same(life.names["other"])
            life.line("other.journal.save(again)")
            if gzip.decompress(again.read_bytes()) != gzip.decompress(path.read_bytes()):
                raise Difference("what was loaded is saved as other bytes")

    def refused(self) -> None:
        """What is not a file is not saved to."""
        life = self.life
        with TemporaryDirectory() as folder:
            path = Path(folder) / "fifo"
            os.mkfifo(path)
            life.names.update(path=path)
            error = life.got_quietly("m.journal.save(path)")
            if error != "Refused" or not path.is_fifo():
                raise Difference(f"saving to a FIFO came to {error or 'its end'}, and had to be refused")

    def group(self) -> None:
        """Some steps as one that fails: nothing has happened."""
        life = self.life
        if not life.drawing.is_quiet():
            return
        before, kept = life.line("m.branch()"), deepcopy(vars(life.memory))
        life.line("group = m.group('fails'); group.__enter__()")
        for _ in range(life.chance.randrange(1, 6)):
            life.perform(life.drawing.step())
        error = life.got_quietly("group.__exit__(KeyError, KeyError('on purpose'), None)")
        if error:
            raise Difference(f"a group that fails with KeyError came to {error}")
        vars(life.memory).update(kept)
        self.same(before)


def life_length(m: Any) -> int:
    """How many operations can be taken back, but for those that set the machine up."""
    return max(1, len(m.journal) - 12)
