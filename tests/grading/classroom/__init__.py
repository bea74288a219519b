"""A class of three hundred as data: what each hands in, and the rows that a grader must give for it.

Rows are reasoned from the rules in docs/grading.md and from the exercises, never read off the grader's
output.

Read first: `kinds` (what a kind of submission is), then the tables in `honest`, `damaged`, `hostile` and `forged`.
"""
