"""Learners' code: `callbacks.py` runs it, `answering.py` calls it in the middle of a fault, `runaway.py` limits it."""
