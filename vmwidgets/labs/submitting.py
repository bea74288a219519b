"""Submitting: the best check of each exercise, as data in one output of the notebook."""

from __future__ import annotations

from typing import Any

from vmwidgets import __version__
from vmwidgets.engine.base.calls import says_what_it_takes
from vmwidgets.engine.base.errors import Refused, in_ascii
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.machine.arguments import known

from .beginning import Beginning, begun
from .checking import best
from .markup import framed, marked
from .publishing import cards
from .records import SUBMISSION, record
from .work import by_kind, users_names

KEPT = ("sheet", "edition", "judged_by", "points", "of")
"""The members of a check that a submission keeps, in addition to the work."""

CARD = "lab.submit()"
"""The name of the submission among a cell's outputs; no exercise can have it."""

NAMES = {"as they are": "file names stay", "by kind": "file names become library 1, program 1, file 1"}


@frozen(slots=False)
class Submission:
    """A submission: for each checked exercise its points, its sheet, and the work itself as data."""

    beginning: Beginning
    works: dict[str, dict[str, Any]]
    names: tuple[str, ...] = ()
    replaced: bool = False

    def data(self) -> dict[str, Any]:
        """Return the submission as the notebook keeps it."""
        return {**self.beginning.data(), "version": __version__, "works": self.works}

    def _lines(self) -> list[str]:
        whose = self.beginning.student or "no student: write student= and course= in lab.begin, and run all again"
        found = [f"To be submitted for {whose}, once the notebook is saved:"]
        found += [
            f"{name}: {one['points']} of {one['of']} points by your own check" for name, one in self.works.items()
        ]
        whys = {name: one["work"]["why"] for name, one in self.works.items() if "why" in one["work"]}
        lost = [f"{name} can't be judged again: {why}" for name, why in whys.items()]
        if self.names:
            several = f"{', '.join(self.names[:3])}{' …' * (len(self.names) > 3)}"
            lost.append(
                f"It contains {counted(len(self.names), 'name')} of files of this computer ({several}). "
                'lab.submit(names="by kind") replaces them.'
            )
        if self.replaced:
            lost.append(
                "Names of files are replaced in this submission. Outputs of cells that show /proc or strace, "
                "and of lab.check, keep them: clear these outputs, and no others, before you save."
            )
        return found + lost

    def bundle(self) -> dict[str, Any]:
        """Return the submission in all forms of an output."""
        html = framed("".join(f"<div>{marked(line)}</div>" for line in self._lines()), "submission")
        return record(SUBMISSION, self.data(), html=html, plain=repr(self))

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        return self.bundle()

    def _ipython_display_(self) -> None:
        """Show the submission as a cell's value, unless the cell showed it when it was made."""
        cards.now().show(CARD, self)

    @in_ascii
    def __repr__(self) -> str:
        return "\n".join(self._lines())


@says_what_it_takes
def submit(*, names: str = "as they are") -> Submission:
    """Gather your best checked solution of each exercise.  Then save the notebook and submit the file.

    The notebook contains each check anyway.  The check with the most points counts, whether made before or after this
    call.  The submission contains the journal of each machine: a grader rebuilds the machine and judges it.  No code of
    the notebook has to run.  Journals of ``/proc`` or strace contain names of files on this computer.  `names` "by
    kind" replaces them (library 1, program 1, file 1) in the submission.  Other cells' outputs, including those of
    ``lab.check``, keep the names: clear them before you save.

    Raises :class:`Refused` if no lab was begun, and if nothing was checked.

    >>> from vmwidgets import lab
    >>> _ = lab.begin("doc")
    >>> _ = lab.check("01/gaps", lab.variant("01/gaps").start())
    >>> "01/gaps" in lab.submit().works
    True
    """
    known(names, NAMES, "names")
    beginning = begun()
    if beginning is None:
        raise Refused("no lab was begun in this notebook: run its first cell, lab.begin(…)")
    results = best(f"{beginning.seed:016x}" if beginning.students else "default")
    if not results:
        raise Refused(
            "nothing has been checked in this notebook for this variant: run the cells with lab.check(…) first"
        )
    works: dict[str, dict[str, Any]] = {}
    found: set[str] = set()
    for name, result in results.items():
        work = by_kind(result.work) if names == "by kind" else result.work
        found |= users_names(work) if names != "by kind" else set()
        works[name] = {key: result.data()[key] for key in KEPT} | {"work": work}
    made = Submission(beginning, works, tuple(sorted(found)), names == "by kind")
    cards.now().publish(CARD, made)
    return made
