"""The machine that a learner holds: it boots all structures, and gives handles of them.

Read first `system.py`: what the parts of a machine share, and how a handle finds what it names.  Then `machine.py`,
which lists the machine's functions, and `boot_stages.py`, what a boot makes.  `spaces.py` and `processors.py` are what
an access goes through.  `maps.py`, `kmem.py`, `tasks.py`, `domain.py`, `threads.py` and `cpus.py` are the handles;
`kmem_functions.py`, `memory.py` and `domain_functions.py` are functions that the machine lends.  `arguments.py`
has what is asked of arguments, `invariants.py` what must hold across structures; `callbacks.py` runs learners' code and
`scripts.py` repeats it.  `history.py` goes back in time, by `copies.py`; `journal_file.py` and `load.py` are saved
journals.
"""

from .boot import boot
from .layouts import LAYOUTS
from .machine import Machine
from .system import Part, System

__all__ = ["LAYOUTS", "Machine", "Part", "System", "boot"]
