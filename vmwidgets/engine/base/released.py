"""Whether there is a release of vmwidgets, in one constant, and how it is installed until then and from then on."""

from __future__ import annotations

RELEASED = False
"""Whether a package index has vmwidgets.  Until then the name on an index may belong to others.

No message, page or file of settings names an installation from an index while this is false: all of them ask
:func:`install`, or are read by tests/packaging/test_released.py.  docs/releasing.md says when it is changed.
"""

REPOSITORY = "https://github.com/vmwidgets/vmwidgets"


def install(extra: str = "") -> str:
    """What a learner types to have vmwidgets with one of its extras.

    >>> install("lab") != install()
    True
    """
    if RELEASED:
        return f'pip install "vmwidgets[{extra}]"' if extra else "pip install vmwidgets"
    return f'pip install ".[{extra}]" in a clone of vmwidgets' if extra else "pip install . in a clone of vmwidgets"
