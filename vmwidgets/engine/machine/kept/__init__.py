"""The saved forms of a machine: its structures as bytes, its journal as a file, and the actions of learners' code."""
