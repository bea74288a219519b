"""A student's function, run in a process without files and network, and asked from the process that judges.

Read first: `asking` (the side that judges), `inside` (the side that runs the function), `lock` (what that side gives up
before), `values` (what goes from one to the other).
"""

WHERE = "in a process without files and network"
"""Where a function was run, as reports say it."""
