"""What can happen inside the machine: one frozen class for each kind of change, declared once, with its fields.

Read `event.py` first; then the file of the structure that interests you.
"""

from .cpus import *  # noqa: F403  all of it is offered here
from .domains import *  # noqa: F403
from .event import *  # noqa: F403
from .kmem import *  # noqa: F403
from .maps import *  # noqa: F403
from .memory import *  # noqa: F403
