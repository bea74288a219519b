"""How fast it is, measured side by side with what others do: `make bench`, or `python -m tools.benchmarks --help`."""
