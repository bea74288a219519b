"""Sentences, held against the machines that they are about: see :mod:`.claiming`."""
