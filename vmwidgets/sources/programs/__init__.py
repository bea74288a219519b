"""Small C programs, with each line's memory accesses: `play.py` makes a machine do them.

The programs are in `sources/data/programs/`: NAME.c is the text, and NAME.txt lists the accesses and calls that it
makes when it is compiled and run.
"""

from .play import play

__all__ = ["play"]
