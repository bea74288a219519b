"""One constant for whether vmwidgets has been released, and the way to install it before and after."""

from __future__ import annotations

RELEASED = False
"""Whether a package index has vmwidgets.  Before, the name on an index may belong to another project.

While this is false, no message or page mentions an installation from an index: messages call :func:`install`, and
tests/docs/test_readme.py reads the pages.  docs/dev/release.md says when to change this constant.
"""

REPOSITORY = "https://github.com/vmwidgets/vmwidgets"


def install(extra: str = "") -> str:
    """Return what a learner types to install vmwidgets with one of its extras.

    >>> install("lab") != install()
    True
    """
    if RELEASED:
        return f'pip install "vmwidgets[{extra}]"' if extra else "pip install vmwidgets"
    return f'pip install ".[{extra}]" in a clone of vmwidgets' if extra else "pip install . in a clone of vmwidgets"
