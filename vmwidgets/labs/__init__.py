"""Labs: predictions that are kept, and checks that grade structures."""

from . import lab

__all__ = ["lab"]
