"""Frozen values of the engine's structures: all that views, captions and graders see of them."""
