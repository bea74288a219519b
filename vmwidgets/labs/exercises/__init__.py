"""The exercises of the notebooks that ship, one module a notebook."""

from . import (
    addresses,
    arm_sections,
    beyond,
    bootstrapping,
    cutting,
    demand_paging,
    granting,
    kmem,
    maps,
    own_kernel,
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
    "granting",
    "kmem",
    "maps",
    "own_kernel",
    "own_process",
    "replacement",
    "self_paging",
    "sleeping",
    "trees",
    "x86_tables",
]
