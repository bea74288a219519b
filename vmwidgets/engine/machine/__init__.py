"""The machine that a learner holds: it boots all structures, and gives handles of them.

Read first `system.py`: what the parts of a machine share, and how a handle finds what it names.  Then `machine.py`,
which lists the machine's functions.  `stages/` is what a boot makes, `handles/` what learners hold, `learners/` runs
their code.  `arguments.py` has what is asked of arguments, `reading.py` what may be read of a structure,
`invariants.py` what must hold across structures.  `history.py` goes back in time, by what is in `kept/`; `load.py`
makes a machine from a saved journal.
"""

from .boot import boot
from .machine import Machine
from .stages.layouts import LAYOUTS
from .system import Part, System

__all__ = ["LAYOUTS", "Machine", "Part", "System", "boot"]
