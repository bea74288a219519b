"""What can happen inside the machine: one frozen class for each kind of change, declared once, with its fields.

Read `event.py` first; then the file of the structure that interests you.  The tables whose rows they write are
listed in :data:`.values.past.TABLES`.
"""

from .cpus import *  # noqa: F403  all of it is offered here
from .domains import *  # noqa: F403
from .event import *  # noqa: F403
from .kmem import *  # noqa: F403
from .maps import *  # noqa: F403
from .memory import *  # noqa: F403
from .objects import *  # noqa: F403

WRITING = frozenset(tag for tag, kind in EVENTS.items() if kind.writes is not Event.writes)  # noqa: F405  from above
"""Tags of the events that say that something was written."""
