"""The machine that a learner uses: it boots all structures, and offers handles to them.

Read first `system.py`: the data that the parts of a machine share, and how a handle finds its structure.  Then read
`machine.py`, which lists the machine's functions.  `stages/` creates the structures at boot, `handles/` has the
learner's objects, `learners/` runs learners' code.  `arguments.py` checks arguments, `reading.py` limits which
attributes of a structure can be read, `invariants.py` has the invariants across structures.  `history.py` goes back in
time, with the copies in `kept/`; `load.py` rebuilds a machine from a saved journal.
"""

from .boot import boot
from .machine import Machine
from .stages.layouts import LAYOUTS
from .system import Part, System

__all__ = ["LAYOUTS", "Machine", "Part", "System", "boot"]
