"""The exercises of the notebooks that ship, one module a notebook."""

from . import maps, trees

__all__ = ["maps", "trees"]
