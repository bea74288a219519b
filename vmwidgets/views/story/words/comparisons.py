"""What comparisons of maps, of page-table formats and of two ways of paging come to, in sentences."""

from __future__ import annotations

from .registry import sentences

say = sentences(
    "comparisons",
    {
        "maps/one": ("1 operation ran on {map} alone.", "{count} operations ran on {map} alone."),
        "maps/agree": "All maps agree on every operation.",
        "maps/disagree": (
            "The maps disagree on {differing} of 1 operation.",
            "The maps disagree on {differing} of {count} operations.",
        ),
        "maps/first": "The first is {operation} ({answers}).",
        "maps/equal work": "Each took {least} steps.",
        "maps/work": "{fewest} took the fewest steps, {least}; {most} took the most, {more}.",
        "formats/only": "Only {format} reaches all of it.",
        "formats/none": "No format reaches all of it.",
        "formats/nothing": "There is nothing to compare with.",
        "formats/equal": "All take {size} of tables.",
        "formats/tables": "{fewest} takes the least, {least} of tables; {most} takes the most, {more}.",
        "formats/entries": (
            "Reaching all of it takes 1 TLB entry in each.",
            "Reaching all of it takes {count} TLB entries in each.",
        ),
        "formats/more entries": (
            "Reaching all of it takes 1 TLB entry in {fewest} and {more} in {most}.",
            "Reaching all of it takes {count} TLB entries in {fewest} and {more} in {most}.",
        ),
        "formats/out": (
            "{format} can't reach 1 of the ranges, {size}.",
            "{format} can't reach {count} of the ranges, {size}.",
        ),
        "paging": "The kernel mapped {task} in {faults}; the domain mapped {domain} itself, in {calls}.",
        "paging/bytes": "Tables take {task} and {domain}, records {task_records} and {domain_records}.",
        "paging/lost": (
            "The events of 1 older call are not kept, and not counted.",
            "The events of {count} older calls are not kept, and not counted.",
        ),
    },
)
