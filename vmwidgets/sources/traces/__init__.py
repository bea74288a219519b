"""Recorded runs of the original kernels, and what replays them."""
