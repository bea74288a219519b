"""Learners' code: what runs it (`callbacks.py`), asks it in the middle of a fault (`answering.py`), and bounds it."""
