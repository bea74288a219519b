"""Recordings of strace: their text is read by a grammar, and their calls are repeated in a machine."""
