"""What became of the calls that strace recorded: the value, which pictures show, is the engine's."""

from __future__ import annotations

from ...engine.machine.loaded import LoadedStrace

__all__ = ["LoadedStrace"]
