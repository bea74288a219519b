"""Reading what a terminal shows: ``vm.load(text)``.  Begin with `load`; each format has a module of its own.

`lines` cleans the text, `vmprint`, `traps`, `panics` and `listings` each find one kind of thing in it, and `said` makes
page tables that answer only what the text says.
"""

from .load import load

__all__ = ["load"]
