"""Lectures of twenty minutes: machines with a story, questions to vote on, and notes for the lecturer.

Each lecture is a module with a function that builds its machine; :mod:`.lecture` makes the files.
"""
