"""Small programs in C, and what each of their lines does with memory: `play.py` has a machine do it.

The programs are in `sources/data/programs/`: NAME.c is the text, and NAME.txt lists the accesses and calls that it
makes when it is compiled and run.
"""

from .play import play

__all__ = ["play"]
