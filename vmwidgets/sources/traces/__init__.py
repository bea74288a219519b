"""Recorded runs of the original kernels, and their replay."""
