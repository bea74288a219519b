"""The story of an operation without the work on its structures: few lines, for the text of a lab."""

from __future__ import annotations

from dataclasses import replace

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.journal import Operation
from vmwidgets.pictures.explanation import explained
from vmwidgets.views.story.story import Explanation

STRUCTURES = ("tree", "list", "buffers", "kentry")
"""What steps are about that an outline leaves out."""


def outline(operation: Operation, *words: str) -> Explanation:
    """What `operation` did, as ``operation.explain()`` says it, without the steps in trees, lists and slabs of entries.

    With `words` only the steps that have one of them.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64", layout="tiny")
    >>> a = m.kmem_malloc("4 KiB")
    >>> vm.lab.outline(m.journal.last, "locked", "gap", "finds")
    kmem_malloc took 4 KiB at 0xffff_8080_0011_0000 from kmem_map: 1 page of kmem_object, class SYSTEM.
    It made a new entry.
    kmem_malloc
         kmem_malloc
      1. kmem_map is locked.
      2. The search in kmem_map finds 4 KiB free at 0xffff_8080_0011_0000.
      3. kmem_map is unlocked.
    """
    if not isinstance(operation, Operation):
        raise Refused(f"operation={shown(operation)}: write one of a machine's journal, such as m.journal.last")
    story = explained(operation).story
    steps = (step for step in story.steps if step.about.kind not in STRUCTURES)
    kept = tuple(step for step in steps if not words or any(word in step.sentence for word in words))
    return Explanation(replace(story, steps=kept))
