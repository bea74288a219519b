"""A handout: a machine's story in one file that steps without a kernel, and can be read without scripts.

:mod:`.telling` chooses the moments and draws them, :mod:`.story` is the result, and :mod:`.page` writes the file.
"""
