"""A handout: a machine's story in one file, which can be stepped through without a kernel, and read without scripts.

:mod:`.telling` chooses the moments and draws them, :mod:`.story` is the result, and :mod:`.page` writes the file.
"""
