"""A handout: a story of a machine in one file that steps without a kernel, and reads without script.

:mod:`.telling` chooses the moments and draws them, :mod:`.story` is what comes of it, :mod:`.page` writes the file.
"""
