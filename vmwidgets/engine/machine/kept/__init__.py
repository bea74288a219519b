"""What is kept of a machine: its structures as bytes, its journal as a file, and what learners' code did."""
