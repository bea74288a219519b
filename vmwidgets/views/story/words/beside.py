"""What is said of two pictures side by side."""

from __future__ import annotations

from vmwidgets.engine.base.units import counted

from .registry import sentences

say_beside = sentences(
    "side by side",
    {
        "equal": "Nothing differs between left and right.",
        "differ": ("{what} differs between left and right.", "{what} differ between left and right."),
        "left": ("1 is only on the left.", "{count} are only on the left."),
        "right": ("1 is only on the right.", "{count} are only on the right."),
        "both": ("1 is on both sides but differs.", "{count} are on both sides but differ."),
        "equal/folded": "Nothing that is shown on both sides differs.",
        "differ/folded": (
            "{what} that is not folded differs between left and right.",
            "{what} that are not folded differ between left and right.",
        ),
        "folded": "Items that are folded on one side are not compared.",
    },
)


def differing(left: int, right: int, both: int, folded: bool, noun: tuple[str, str]) -> tuple[str, str]:
    """How many things differ, and which of them are where; `noun` is what they are called, one and several.

    `folded`: some may be in parts that are folded.
    """
    more, which = ([say_beside("folded")], "/folded") if folded else ([], "")
    count = left + right + both
    if not count:
        return say_beside(f"equal{which}"), " ".join(more)
    counts = (("left", left), ("right", right), ("both", both))
    reason = [say_beside(where, many) for where, many in counts if many]
    return say_beside(f"differ{which}", count, what=counted(count, *noun)), " ".join([*reason, *more])
