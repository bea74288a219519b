"""Labs: saved predictions, and checks that grade structures."""

from . import lab

__all__ = ["lab"]
