"""The results of the calls in a recording; the value, which pictures show, is in the engine."""

from __future__ import annotations

from ...given.loaded import LoadedStrace

__all__ = ["LoadedStrace"]
