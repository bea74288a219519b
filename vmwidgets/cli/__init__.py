"""The command ``vmwidgets``."""

from __future__ import annotations

from .main import main
from .text import MOST_FIELDS

__all__ = ["MOST_FIELDS", "main"]
