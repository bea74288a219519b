"""What strace recorded of a program: its text read by a grammar, and its calls made again in a machine."""
