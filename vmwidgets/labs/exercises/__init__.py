"""The exercises of the notebooks that ship, one module a notebook."""

from . import bootstrapping, cutting, kmem, maps, trees, x86_tables

__all__ = ["bootstrapping", "cutting", "kmem", "maps", "trees", "x86_tables"]
