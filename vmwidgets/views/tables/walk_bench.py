"""What makes the picture of a walk a bench: switches, the bits of a descriptor, and what edits have broken."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace

from vmwidgets.engine.base.values.tables import AddressSplit, Step, Walk
from vmwidgets.views.scene.model import Caption
from vmwidgets.views.scene.switches import Switch
from vmwidgets.views.story.words.pictures import edited_walk

from .bits import DescriptorPicture
from .walk_words import caption_of


@dataclass(frozen=True, slots=True)
class Bench:
    """What makes a walk something to try things on.

    `chosen` is the address of the descriptor that is shown bit by bit (0: where the walk ended); `edited` what edited
    descriptors held before, by address; `unedited` the walk if they still did.
    """

    split: AddressSplit
    width: int
    """Bits of a descriptor."""
    editable: bool = False
    chosen: int = 0
    edited: Mapping[int, int] = dataclasses.field(default_factory=dict)
    unedited: Walk | None = None


def switches_of(walk: Walk, bench: Bench) -> list[list[Switch]]:
    """The access, who makes it, and what takes an edit back."""
    accesses = [
        Switch(word, word, walk.access == word, f"the access is a {word}" if walk.access == word else f"make it {word}")
        for word in ("read", "write", "execute")
    ]
    who = [
        Switch("user", "user", walk.user, "user code makes the access" if walk.user else "let user code make it"),
        Switch("supervisor", "supervisor", not walk.user,
               "the supervisor makes the access" if not walk.user else "let the supervisor make it"),
    ]  # fmt: skip
    many = f" ({len(bench.edited)} edited)"
    undo = [Switch("undo", f"undo{many}", None, f"take the latest edit of a descriptor back{many}")]
    return [accesses, who, undo if bench.edited else []]


def shown_step(walk: Walk, bench: Bench) -> Step | None:
    """The step whose descriptor is shown bit by bit."""
    chosen = next((step for step in walk.steps if step.pa == bench.chosen), None)
    return chosen or (walk.steps[-1] if walk.steps else None)


def descriptor_picture(step: Step, bench: Bench) -> DescriptorPicture:
    """The descriptor of a step, bit by bit."""
    fields = step.fields
    if step.kind == "invalid" and bench.unedited is not None:  # under the names that it had
        fields = next((one.fields for one in bench.unedited.steps if one.pa == step.pa), fields)
    return DescriptorPicture(
        step.pa, step.value, bench.width, fields, step.layout, step.section, bench.editable,
        bench.edited.get(step.pa),
    )  # fmt: skip


def has_broken(walk: Walk, bench: Bench | None) -> bool:
    """Whether edits changed what comes of the access."""
    was = bench.unedited if bench is not None else None
    return was is not None and (was.pa, was.fault) != (walk.pa, walk.fault)


def edited_caption(walk: Walk, bench: Bench) -> Caption:
    """What became of the access, and what it was before descriptors were edited."""
    before = bench.unedited if has_broken(walk, bench) else None
    return replace(caption_of(walk, None), reason=edited_walk(len(bench.edited), before))
