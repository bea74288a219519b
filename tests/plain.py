"""Words that people who read vmwidgets should not meet: one list, for sentences of pictures and for all other texts."""

from __future__ import annotations

import re

MANNERED = re.compile(
    r"\b(told|somebody|nobody|anybody|went(?! through\b)|wanting|all the same|no more(?! than)|besides"
    r"|stands(?! for\b)|stood|anew)\b"
    r"|(^|[.;:,] )of what is\b",
    re.IGNORECASE,
)
"""Words that say what a plainer one says better: "missing" for "wanting", "is" for "stands"."""
