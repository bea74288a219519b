"""The exercises of the notebooks that ship, one module a notebook."""

from . import bootstrapping, maps, trees

__all__ = ["bootstrapping", "maps", "trees"]
