"""Lectures of five to fifty minutes: machines with a story, questions to vote on, and notes for the lecturer.

Read :mod:`.process` first, the shortest one: each lecture is a module with a function that builds its machine.
:mod:`.listed` has their names, and says what a new one needs; :mod:`.lecture` makes the files.
"""
