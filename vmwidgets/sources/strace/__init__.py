"""Recordings of strace: their text is read line by line, and their calls are repeated in a machine."""
