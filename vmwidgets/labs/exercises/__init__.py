"""The labs' files in the package: for each lab exercises (a module), words (TOML), and explanations (Markdown).

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
