"""What our labs have in the package: exercises (a module), mistakes (TOML) and explanations (Markdown) of each lab.

A lab's folder in `course/` has links to its three files.
"""

from . import (
    addresses,
    arm_sections,
    beyond,
    bootstrapping,
    cutting,
    demand_paging,
    fork,
    kmem,
    maps,
    own_process,
    replacement,
    self_paging,
    sleeping,
    trees,
    x86_tables,
)

__all__ = [
    "addresses",
    "arm_sections",
    "beyond",
    "bootstrapping",
    "cutting",
    "demand_paging",
    "fork",
    "kmem",
    "maps",
    "own_process",
    "replacement",
    "self_paging",
    "sleeping",
    "trees",
    "x86_tables",
]
